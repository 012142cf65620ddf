//! Random schemas that an engine takes, in the spelling of its catalog.

use fastrand::Rng;
use sea_orm_cascade::Backend;
use sea_orm_cascade::schema::Schema;

/// A schema of one to five tables, the same for the same seed.
pub(crate) fn schema(backend: Backend, seed: u64) -> Schema {
    let mut rng = Rng::with_seed(seed);
    let tables: Vec<Sketch> = (0..rng.usize(1..=5))
        .map(|number| sketch(backend, &mut rng, number))
        .collect();
    let mut text = format!("backend {backend}\n");
    for (number, table) in tables.iter().enumerate() {
        text += &format!("\ntable {}\n", table.name);
        text += &table.lines.iter().map(|line| format!("  {line}\n")).collect::<String>();
        text += &foreign_keys(backend, &mut rng, &tables, number);
    }
    Schema::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A table without its foreign keys.
struct Sketch {
    name: String,
    lines: Vec<String>,
    /// The type of the one-column primary key.
    key_type: &'static str,
    /// Whether (tenant, number) is a unique index that other tables may reference.
    has_pair: bool,
}

fn sketch(backend: Backend, rng: &mut Rng, number: usize) -> Sketch {
    let name = match rng.u8(..6) {
        0 => format!("\"Odd name {number}\""),
        1 => format!("t{number}_{}", "x".repeat(40)),
        _ => format!("t{number}"),
    };
    let plain = format!("t{number}");
    let key_type = match (backend, rng.bool()) {
        (Backend::Sqlite, _) => "integer",
        (Backend::Postgres, true) | (Backend::MySql, true) => "bigint",
        (Backend::Postgres, false) => "integer",
        (Backend::MySql, false) => "int",
    };
    let identity = match (backend, rng.u8(..4)) {
        (_, 0) => "",
        (Backend::Postgres, 1) => ", identity always",
        (Backend::Postgres, 2) => ", serial",
        (Backend::Postgres, _) => ", identity by default",
        (Backend::MySql | Backend::Sqlite, _) => ", auto increment",
    };
    let mut lines = vec![format!("id: {key_type}, not null{identity}")];
    let named = |what: &str| match backend {
        Backend::Postgres => format!(", as {plain}_{what}"),
        Backend::MySql if what != "pkey" => format!(", as {plain}_{what}"),
        Backend::MySql | Backend::Sqlite => String::new(),
    };
    lines.push(format!("primary key (id){}", named("pkey")));
    for at in 0..rng.usize(..5) {
        lines.push(column(backend, rng, at));
    }
    let has_pair = rng.bool();
    if has_pair {
        lines.push("tenant: integer, not null".replace("integer", integer(backend)));
        lines.push("number: integer".replace("integer", integer(backend)));
        lines.push(match (backend, rng.bool()) {
            (Backend::MySql, _) | (_, true) => format!("unique (tenant, number){}", named("pair")),
            (Backend::Postgres | Backend::Sqlite, false) => {
                format!("index (tenant, number), unique, as {plain}_pair")
            }
        });
        lines.extend(extras(backend, rng, &plain));
    }
    Sketch {
        name,
        lines,
        key_type,
        has_pair,
    }
}

fn integer(backend: Backend) -> &'static str {
    match backend {
        Backend::Postgres | Backend::Sqlite => "integer",
        Backend::MySql => "int",
    }
}

fn column(backend: Backend, rng: &mut Rng, at: usize) -> String {
    let types: &[(&str, &[&str])] = match backend {
        Backend::Postgres => &[
            ("integer", &["7", "-1"]),
            ("text", &["'x, y'", "'it''s'", "''"]),
            ("character varying(40)", &["'('"]),
            ("boolean", &["true"]),
            ("numeric(10,2)", &["0.50"]),
            ("timestamp with time zone", &["CURRENT_TIMESTAMP", "now()"]),
            ("uuid", &["gen_random_uuid()"]),
            ("jsonb", &["'{}'"]),
            ("bytea", &[]),
            ("date", &[]),
            ("integer[]", &["'{1,2}'"]),
        ],
        Backend::MySql => &[
            ("int", &["7", "-1"]),
            ("int unsigned", &["0"]),
            ("varchar(40)", &["'x, y'", "'it''s'", "''"]),
            ("tinyint(1)", &["1"]),
            ("decimal(10,2)", &["0.50"]),
            ("datetime", &["CURRENT_TIMESTAMP"]),
            ("timestamp", &["CURRENT_TIMESTAMP"]),
            ("date", &[]),
            ("text", &[]),
            ("double", &[]),
            ("enum('a','b, c')", &["'a'"]),
            ("varbinary(16)", &[]),
            ("json", &[]),
        ],
        Backend::Sqlite => &[
            ("integer", &["7", "-1"]),
            ("text", &["'x, y'", "'it''s'", "CURRENT_TIMESTAMP"]),
            ("varchar(40)", &["'('"]),
            ("boolean", &["true"]),
            ("numeric", &["0.5"]),
            ("blob", &[]),
            ("real", &["1 + 1"]),
        ],
    };
    let (data_type, defaults) = types[rng.usize(..types.len())];
    // Types that can be made into each other share names, so that one schema's column may be another's of another type.
    let convertible = [
        "int",
        "text",
        "character varying",
        "numeric",
        "varchar",
        "decimal",
        "tinyint",
    ]
    .iter()
    .any(|start| data_type.starts_with(start) && !data_type.ends_with("[]"));
    let mut line = match convertible {
        true => format!("c{at}: {data_type}"),
        false => format!("\"{data_type} {at}\": {data_type}"),
    };
    if rng.bool() {
        line += ", not null";
    }
    if !defaults.is_empty() && rng.bool() {
        line += &format!(", default {}", defaults[rng.usize(..defaults.len())]);
    }
    line
}

/// What only a table with `tenant` and `number` gets.
fn extras(backend: Backend, rng: &mut Rng, plain: &str) -> Vec<String> {
    let quoted = if backend == Backend::MySql {
        "`number`"
    } else {
        "number"
    };
    let mut lines = Vec::new();
    if rng.bool() {
        lines.push(format!("index (number DESC, tenant), as {plain}_down"));
    }
    if rng.bool() && backend != Backend::MySql {
        lines.push(format!("index (number), where {quoted} > 0, as {plain}_part"));
    }
    if rng.bool() {
        let name = match backend {
            Backend::Sqlite if rng.bool() => String::new(),
            Backend::Postgres | Backend::MySql | Backend::Sqlite => format!(", as {plain}_positive"),
        };
        lines.push(format!("check ({quoted} > 0){name}"));
    }
    if rng.bool() {
        let sum = match backend {
            Backend::Postgres => "sum: integer, stored as number + 1",
            Backend::MySql if rng.bool() => "sum: int, virtual as `number` + 1",
            Backend::MySql => "sum: int, stored as `number` + 1",
            Backend::Sqlite => "sum: integer, virtual as number + 1",
        };
        lines.push(sum.to_owned());
    }
    lines
}

fn foreign_keys(backend: Backend, rng: &mut Rng, tables: &[Sketch], number: usize) -> String {
    let mut text = String::new();
    for at in 0..rng.usize(..3) {
        let parent = &tables[rng.usize(..tables.len())];
        let required = rng.bool();
        let null = if required { ", not null" } else { "" };
        let (columns, types, referenced) = match parent.has_pair && rng.bool() {
            true => (
                vec![format!("p{at}_tenant"), format!("p{at}_number")],
                vec![integer(backend); 2],
                "tenant, number",
            ),
            false => (vec![format!("p{at}_id")], vec![parent.key_type], "id"),
        };
        for (column, data_type) in columns.iter().zip(types) {
            text += &format!("  {column}: {data_type}{null}\n");
        }
        let list = columns.join(", ");
        text += &format!("  index ({list}), as idx-t{number}-{at}\n");
        text += &format!(
            "  foreign key ({list}) references {} ({referenced}){}\n",
            parent.name,
            attributes(backend, rng, required, columns.len() > 1, number, at)
        );
    }
    text
}

fn attributes(backend: Backend, rng: &mut Rng, required: bool, is_pair: bool, number: usize, at: usize) -> String {
    let deletes: &[&str] = match (backend, required) {
        (Backend::MySql, true) => &["cascade", "restrict"],
        (Backend::MySql, false) => &["cascade", "restrict", "set null"],
        (_, true) => &["cascade", "restrict", "no action"],
        (_, false) => &["cascade", "restrict", "no action", "set null", "set default"],
    };
    let mut text = String::new();
    let delete = deletes[rng.usize(..deletes.len())];
    if delete != "no action" {
        text += &format!(", on delete {delete}");
    }
    // InnoDB refuses it where a referenced column may be NULL and the referencing one may not.
    if rng.u8(..3) == 0 && !(backend == Backend::MySql && required && is_pair) {
        text += ", on update cascade";
    }
    if backend == Backend::Postgres && rng.u8(..4) == 0 {
        text += ", match full";
    }
    if backend != Backend::MySql && rng.u8(..3) == 0 {
        text += ", deferrable initially deferred";
    }
    if backend == Backend::Postgres && rng.u8(..6) == 0 {
        text += ", not valid";
    }
    match backend {
        Backend::Sqlite if rng.bool() => text,
        Backend::Postgres | Backend::MySql | Backend::Sqlite => text + &format!(", as fk-t{number}-{at}"),
    }
}
