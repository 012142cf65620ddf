//! Schemas at random, for properties that hold for every schema.
//!
//! They are odd and not often valid: names hold anything, keys reference tables and columns that are not there, circles and self
//! references are common. What they use is what the engine has.

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index as Pick, select};
use sea_orm_cascade::Backend;
use sea_orm_cascade::name::{ColumnName, ConstraintName, Relation, TableName};
use sea_orm_cascade::schema::{
    Action, Check, Column, Deferrable, Enforcement, ForeignKey, Generated, Identity, Index, IndexKey, IndexPart, Match,
    PrimaryKey, Schema, Storage, Table, TableOptions, UniqueKey,
};

/// A schema of up to eight tables, sorted.
pub(crate) fn schemas(backend: Backend) -> impl Strategy<Value = Schema> {
    let tables = btree_set(table_name(), 0..8).prop_flat_map(move |names| {
        // What is referenced is one of the tables, or now and then one that is not there.
        let mut known: Vec<_> = names.iter().cloned().collect();
        known.push(TableName::new("gone"));
        let tables: Vec<_> = names
            .into_iter()
            .map(|name| table(backend, name, known.clone()))
            .collect();
        tables
    });
    (tables, beside(backend)).prop_map(move |(tables, beside)| {
        let mut schema = Schema::new(backend);
        schema.tables = tables;
        // There is no other way to make what has no constructor.
        let mut json = serde_json::to_value(&schema).expect("a schema is JSON");
        for (field, value) in beside {
            json.as_object_mut()
                .expect("of a schema")
                .insert(field.to_owned(), value);
        }
        let mut schema: Schema = serde_json::from_value(json).expect("and JSON a schema");
        schema.sort();
        schema
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(vec!["id", "user_id", "a", "b", "key", "Order", "x-y", "PK", "fk", "title", "ünï", "表"]).prop_map(str::to_owned),
        2 => select(vec!["", " ", "<&>\"'", "a\\", "a\"b", "--", "%%{init}%%", "</text>", "]]>", "a.b", "#lt;", "a;b", "{", "}"])
            .prop_map(str::to_owned),
        1 => "[a-z]{50,70}",
        1 => any::<String>(),
        1 => "[\\x00-\\x1f\u{202e}\u{ffff}\u{1f600}]{1,3}",
    ]
}

fn table_name() -> impl Strategy<Value = TableName> {
    prop_oneof![
        4 => text().prop_map(TableName::new),
        1 => (text(), text()).prop_map(|(schema, name)| TableName::in_schema(schema, name)),
    ]
}

fn column_name() -> impl Strategy<Value = ColumnName> {
    text().prop_map(ColumnName::new)
}

fn expression() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "a > 0",
            "lower(a)",
            "'x, y'",
            "'un''quoted'",
            "a IN (1, 2)",
            "\"b\" IS NOT NULL"
        ])
        .prop_map(str::to_owned),
        "[a-z(),' ]{1,8}",
    ]
}

fn data_type(backend: Backend) -> impl Strategy<Value = String> {
    let types = match backend {
        Backend::Postgres => vec![
            "integer",
            "character varying(80)",
            "numeric(10,2)",
            "timestamp with time zone[]",
            "mood",
        ],
        Backend::MySql => vec![
            "int unsigned",
            "varchar(80)",
            "enum('a','b''c','a long label, with a comma')",
            "set('x')",
        ],
        Backend::Sqlite => vec!["integer", "text", "", "VARCHAR(80)", "any thing"],
    };
    prop_oneof![5 => select(types).prop_map(str::to_owned), 1 => text()]
}

fn column(backend: Backend, name: ColumnName) -> impl Strategy<Value = Column> {
    let identities = match backend {
        Backend::Postgres => vec![Identity::Always, Identity::ByDefault, Identity::Serial],
        Backend::MySql | Backend::Sqlite => vec![Identity::AutoIncrement],
    };
    let generated = (expression(), select(vec![Storage::Stored, Storage::Virtual]))
        .prop_map(|(expression, storage)| Generated { expression, storage });
    let rare = (
        option::weighted(0.1, generated),
        option::weighted(0.2, select(identities)),
        option::weighted(0.1, expression()),
        option::weighted(0.1, expression()),
    );
    (
        data_type(backend),
        any::<bool>(),
        option::weighted(0.3, expression()),
        rare,
        any::<u8>(),
    )
        .prop_map(
            move |(data_type, nullable, default, (generated, identity, collation, extra), rare)| {
                let mut column = Column::new(name.as_str(), data_type);
                column.nullable = nullable;
                (column.default, column.generated, column.identity) = (default, generated, identity);
                (column.collation, column.extra) = (collation, extra);
                if backend == Backend::MySql && rare % 8 == 0 {
                    column.on_update = Some("CURRENT_TIMESTAMP".to_owned());
                }
                column
            },
        )
}

/// Some of these columns, or now and then one that is not among them.
fn some_of(columns: Vec<ColumnName>) -> BoxedStrategy<Vec<ColumnName>> {
    match columns.is_empty() {
        true => vec(column_name(), 1..3).boxed(),
        false => prop_oneof![
            9 => btree_set(select(columns), 1..3).prop_map(|columns| columns.into_iter().collect()),
            1 => vec(column_name(), 1..3),
        ]
        .boxed(),
    }
}

fn table(backend: Backend, name: TableName, known: Vec<TableName>) -> impl Strategy<Value = Table> {
    btree_set(column_name(), 0..6).prop_flat_map(move |names| {
        let names: Vec<_> = names.into_iter().collect();
        let columns: Vec<_> = names.iter().map(|name| column(backend, name.clone())).collect();
        let keys = (
            option::weighted(0.8, (some_of(names.clone()), option::of(text()))),
            vec((some_of(names.clone()), option::of(text()), any::<bool>()), 0..2),
            vec(index(backend, names.clone()), 0..2),
            vec(foreign_key(backend, name.clone(), names, known.clone()), 0..4),
            vec((expression(), option::of(text()), any::<bool>()), 0..2),
        );
        let name = name.clone();
        (columns, keys, options(backend)).prop_map(move |(columns, keys, options)| {
            let (primary_key, unique_keys, indexes, foreign_keys, checks) = keys;
            let postgres = backend == Backend::Postgres;
            let mut table = Table::new("");
            table.name = name.clone();
            table.columns = columns;
            table.primary_key = primary_key.map(|(columns, name)| {
                let mut key = PrimaryKey::new(columns);
                key.name = name.map(ConstraintName::new);
                key
            });
            for (columns, name, flag) in unique_keys {
                let mut key = UniqueKey::new(columns);
                (key.name, key.nulls_not_distinct) = (name.map(ConstraintName::new), flag && postgres);
                table.unique_keys.push(key);
            }
            for (expression, name, flag) in checks {
                let mut check = Check::new(expression);
                (check.name, check.not_validated) = (name.map(ConstraintName::new), flag && postgres);
                table.checks.push(check);
            }
            (table.indexes, table.foreign_keys, table.options) = (indexes, foreign_keys, options);
            table
        })
    })
}

fn index(backend: Backend, columns: Vec<ColumnName>) -> impl Strategy<Value = Index> {
    let part = (some_of(columns.clone()), expression(), 0..6_u8).prop_map(|(columns, expression, kind)| IndexPart {
        key: match (kind, columns.into_iter().next()) {
            (1.., Some(column)) => IndexKey::Column(column),
            (0, _) | (_, None) => IndexKey::Expression(expression),
        },
        modifiers: if kind == 5 { "DESC".to_owned() } else { String::new() },
    });
    (
        vec(part, 1..3),
        text(),
        any::<bool>(),
        option::weighted(0.2, expression()),
        any::<u8>(),
        some_of(columns),
    )
        .prop_map(move |(parts, name, unique, predicate, rare, include)| {
            let mut index = Index::new(name, []);
            (index.parts, index.unique) = (parts, unique);
            match backend {
                Backend::Postgres => {
                    index.predicate = predicate;
                    index.invalid = rare % 8 == 0;
                    index.nulls_not_distinct = rare % 8 == 1 && unique;
                    index.include = if rare % 8 == 2 { include } else { Vec::new() };
                    index.method = (rare % 8 == 3).then(|| "gin".to_owned());
                }
                Backend::MySql => index.method = (rare % 8 == 3).then(|| "FULLTEXT".to_owned()),
                Backend::Sqlite => index.predicate = predicate,
            }
            index
        })
}

fn foreign_key(
    backend: Backend,
    table: TableName,
    columns: Vec<ColumnName>,
    known: Vec<TableName>,
) -> impl Strategy<Value = ForeignKey> {
    let actions = vec![
        Action::Cascade,
        Action::SetNull,
        Action::SetDefault,
        Action::Restrict,
        Action::NoAction,
        Action::Protect,
        Action::DoNothing,
        Action::Unknown,
    ];
    let enforcement = vec![Enforcement::Database, Enforcement::Application, Enforcement::Loose];
    (
        some_of(columns),
        any::<Pick>(),
        vec(column_name(), 2),
        (select(actions.clone()), select(actions), select(enforcement)),
        option::of(text()),
        any::<(u8, u8)>(),
    )
        .prop_map(
            move |(columns, referenced, referenced_columns, (on_delete, on_update, by), name, (rare, rarer))| {
                let relation = Relation {
                    constraint: name.map(ConstraintName::new),
                    table: table.clone(),
                    referenced_table: referenced.get(&known).clone(),
                    referenced_columns: referenced_columns.into_iter().take(columns.len()).collect(),
                    columns: columns.clone(),
                };
                let mut key = ForeignKey::new(relation).on_delete(on_delete).on_update(on_update);
                key.enforced_by = by;
                if backend == Backend::Postgres {
                    let sets = matches!(on_delete, Action::SetNull | Action::SetDefault);
                    key.on_delete_columns = columns.into_iter().take(usize::from(sets && rare % 4 == 0)).collect();
                    key.matching = if rare % 4 == 1 { Match::Full } else { Match::Simple };
                    key.deferrable = match rarer % 4 {
                        0 => Deferrable::InitiallyDeferred,
                        1 => Deferrable::InitiallyImmediate,
                        _ => Deferrable::No,
                    };
                    (key.not_validated, key.not_enforced) = (rarer % 16 == 2, rarer % 16 == 3);
                }
                key
            },
        )
}

fn options(backend: Backend) -> impl Strategy<Value = TableOptions> {
    (any::<u8>(), text()).prop_map(move |(rare, parent)| {
        let mut options = TableOptions::default();
        match backend {
            Backend::Postgres => {
                options.partition_by = (rare % 8 == 0).then(|| "RANGE (id)".to_owned());
                options.inherits = (rare % 8 == 1).then(|| TableName::new(parent)).into_iter().collect();
            }
            Backend::MySql => options.engine = (rare % 8 == 0).then(|| "MyISAM".to_owned()),
            Backend::Sqlite => (options.strict, options.without_rowid) = (rare % 4 == 0, rare % 3 == 0),
        }
        options
    })
}

/// What stands beside the tables, as fields of the schema's JSON.
fn beside(backend: Backend) -> impl Strategy<Value = Vec<(&'static str, serde_json::Value)>> {
    let name = || table_name().prop_map(|name| serde_json::to_value(name).expect("a name is JSON"));
    let labels = vec(text(), 1..3);
    (name(), name(), labels, option::weighted(0.2, text()), any::<u8>()).prop_map(
        move |(name, other, labels, unknown, rare)| {
            let mut fields = Vec::new();
            if backend == Backend::Postgres && rare % 3 == 0 {
                fields.push((
                    "types",
                    serde_json::json!([{ "name": name, "kind": { "enum": labels } }]),
                ));
                fields.push((
                    "sequences",
                    serde_json::json!([{ "name": other, "definition": "AS bigint START WITH 5" }]),
                ));
            }
            if rare % 5 == 0 {
                let view = serde_json::json!({ "kind": "view", "name": name });
                let trigger = serde_json::json!({ "kind": "trigger", "name": name, "table": other });
                fields.push(("left_out", serde_json::json!([view, trigger])));
            }
            if let Some(unknown) = unknown {
                fields.push(("unknown", serde_json::json!([unknown])));
            }
            fields
        },
    )
}
