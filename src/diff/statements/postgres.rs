//! PostgreSQL: one statement a change, ordered so that each finds what it needs.

use super::{Change, Script, Step};
use crate::backend::Backend::Postgres;
use crate::ddl::{self, identifier, table_name};
use crate::name::{ConstraintName, TableName};
use crate::schema::{Column, Identity, NamedType, NamedTypeKind};

pub(super) fn statements(script: &Script<'_>) -> Vec<Step> {
    let (tables, later) = script.create_tables();
    let mut steps = script.each(drop_keys);
    steps.extend(script.each(drop_checks_and_indexes));
    steps.extend(script.each(drop_tables));
    steps.extend(script.each(create_types));
    for difference in &script.differences {
        if let Change::ChangeType { from, to } = &difference.change {
            let changes = change_type(script, from, to);
            steps.extend(changes.into_iter().map(|sql| super::step(sql, difference.class)));
        }
    }
    steps.extend(tables);
    steps.extend(script.each(add_columns));
    for difference in &script.differences {
        if let Change::ChangeColumn { table, from, to } = &difference.change {
            let changes = change_column(table, from, to);
            steps.extend(changes.into_iter().map(|sql| super::step(sql, difference.class)));
        }
    }
    steps.extend(script.each(add_primary_keys));
    steps.extend(script.each(add_unique_and_indexes));
    steps.extend(script.each(add_checks));
    steps.extend(later);
    steps.extend(script.each(add_keys));
    steps.extend(script.each(|change| drop_columns(change, true)));
    steps.extend(script.each(|change| drop_columns(change, false)));
    steps.extend(script.each(drop_types));
    steps
}

fn alter(table: &TableName, what: &str) -> String {
    format!("ALTER TABLE {} {what}", table_name(Postgres, table))
}

/// A constraint without a name is none of PostgreSQL's; the statement then fails and says so.
fn drop_constraint(table: &TableName, name: Option<&ConstraintName>) -> String {
    let name = name.map_or("", ConstraintName::as_str);
    alter(table, &format!("DROP CONSTRAINT {}", identifier(Postgres, name)))
}

/// The name of an index is in the schema of its table.
fn index_name(table: &TableName, index: &str) -> String {
    let name = match table.schema() {
        Some(schema) => TableName::in_schema(schema, index),
        None => TableName::new(index),
    };
    table_name(Postgres, &name)
}

fn drop_keys(change: &Change) -> Option<String> {
    match change {
        Change::DropForeignKey { key } | Change::ChangeForeignKey { from: key, .. } => {
            Some(drop_constraint(&key.relation.table, key.relation.constraint.as_ref()))
        }
        // Tables that go may reference each other.
        Change::DropTable { table } => {
            let drops: Vec<_> = table
                .foreign_keys
                .iter()
                .filter_map(|key| key.relation.constraint.as_ref())
                .map(|name| format!("DROP CONSTRAINT {}", identifier(Postgres, name.as_str())))
                .collect();
            (!drops.is_empty()).then(|| alter(&table.name, &drops.join(", ")))
        }
        _ => None,
    }
}

fn drop_checks_and_indexes(change: &Change) -> Option<String> {
    match change {
        Change::DropCheck { table, check } => Some(drop_constraint(table, check.name.as_ref())),
        Change::DropUniqueKey { table, key } => Some(drop_constraint(table, key.name.as_ref())),
        Change::DropIndex { table, index } => Some(format!("DROP INDEX {}", index_name(table, &index.name))),
        Change::ChangePrimaryKey {
            table, from: Some(key), ..
        } => Some(drop_constraint(table, key.name.as_ref())),
        _ => None,
    }
}

fn create_types(change: &Change) -> Option<String> {
    match change {
        Change::CreateType { named } => Some(ddl::create_type(Postgres, named)),
        Change::CreateSequence { sequence } => Some(ddl::create_sequence(Postgres, sequence)),
        _ => None,
    }
}

/// Labels are added in place. For all else the type is made anew, and the columns that have it are converted.
fn change_type(script: &Script<'_>, from: &NamedType, to: &NamedType) -> Vec<String> {
    let name = table_name(Postgres, &to.name);
    if let (NamedTypeKind::Enum(known), NamedTypeKind::Enum(wanted)) = (&from.kind, &to.kind)
        && known.iter().all(|label| wanted.contains(label))
        && wanted.iter().filter(|label| known.contains(label)).eq(known)
    {
        return add_labels(&name, known, wanted);
    }
    let old = identifier(Postgres, &format!("{} before", to.name.name()));
    let qualified_old = table_name(
        Postgres,
        &match to.name.schema() {
            Some(schema) => TableName::in_schema(schema, format!("{} before", to.name.name())),
            None => TableName::new(format!("{} before", to.name.name())),
        },
    );
    let kind = match from.kind {
        NamedTypeKind::Enum(_) => "TYPE",
        NamedTypeKind::Domain(_) => "DOMAIN",
    };
    let mut statements = vec![
        format!("ALTER {kind} {name} RENAME TO {old}"),
        ddl::create_type(Postgres, to),
    ];
    for table in &script.from.tables {
        for column in &table.columns {
            let Some(wanted) = script
                .to
                .table(&table.name)
                .and_then(|table| table.column(&column.name))
            else {
                continue;
            };
            if TableName::read(&column.data_type).as_ref() == Some(&to.name) {
                let quoted = identifier(Postgres, column.name.as_str());
                let mut actions = Vec::new();
                if column.default.is_some() {
                    actions.push(format!("ALTER COLUMN {quoted} DROP DEFAULT"));
                }
                actions.push(format!(
                    "ALTER COLUMN {quoted} TYPE {name} USING {quoted}::text::{name}"
                ));
                if let Some(default) = &wanted.default {
                    actions.push(format!("ALTER COLUMN {quoted} SET DEFAULT {default}"));
                }
                statements.push(alter(&table.name, &actions.join(", ")));
            }
        }
    }
    statements.push(format!("DROP {kind} {qualified_old}"));
    statements
}

fn add_labels(name: &str, known: &[String], wanted: &[String]) -> Vec<String> {
    let mut added = Vec::new();
    let mut before: Option<&String> = None;
    for label in wanted {
        if !known.contains(label) {
            let place = match (before, known.first()) {
                (Some(before), _) => format!(" AFTER {}", ddl::literal(before)),
                (None, Some(first)) => format!(" BEFORE {}", ddl::literal(first)),
                (None, None) => String::new(),
            };
            added.push(format!("ALTER TYPE {name} ADD VALUE {}{place}", ddl::literal(label)));
        }
        before = Some(label);
    }
    added
}

fn add_columns(change: &Change) -> Option<String> {
    let Change::AddColumn { table, column } = change else {
        return None;
    };
    let of = crate::schema::Table::new(table.clone());
    Some(alter(
        table,
        &format!("ADD COLUMN {}", ddl::column(Postgres, &of, column)),
    ))
}

fn change_column(table: &TableName, from: &Column, to: &Column) -> Vec<String> {
    let name = identifier(Postgres, to.name.as_str());
    if from.generated.is_some() && to.generated.is_none() {
        let plain = Column {
            generated: None,
            ..from.clone()
        };
        let mut statements = vec![alter(table, &format!("ALTER COLUMN {name} DROP EXPRESSION"))];
        statements.extend(change_column(table, &plain, to));
        return statements;
    }
    if from.generated != to.generated {
        // An expression cannot be altered before PostgreSQL 17. The values are computed anew in any case.
        let of = crate::schema::Table::new(table.clone());
        return vec![
            alter(table, &format!("DROP COLUMN {name}")),
            alter(table, &format!("ADD COLUMN {}", ddl::column(Postgres, &of, to))),
        ];
    }
    let mut actions = Vec::new();
    let mut act = |action: String| actions.push(format!("ALTER COLUMN {name} {action}"));
    let retyped = from.data_type != to.data_type || from.collation != to.collation;
    // A default or a sequence of the old type may not fit the new one.
    if from.default.is_some() && (from.default != to.default || retyped)
        || from.identity == Some(Identity::Serial) && from.identity != to.identity
    {
        act("DROP DEFAULT".to_owned());
    }
    if matches!(from.identity, Some(Identity::Always | Identity::ByDefault))
        && !matches!(to.identity, Some(Identity::Always | Identity::ByDefault))
    {
        act("DROP IDENTITY".to_owned());
    }
    if retyped {
        let collate = to
            .collation
            .as_ref()
            .map(|collation| format!(" COLLATE {collation}"))
            .unwrap_or_default();
        act(format!("TYPE {}{collate} USING {name}::{}", to.data_type, to.data_type));
    }
    if let Some(default) = &to.default
        && (from.default != to.default || retyped)
    {
        act(format!("SET DEFAULT {default}"));
    }
    match (from.nullable, to.nullable) {
        (true, false) => act("SET NOT NULL".to_owned()),
        (false, true) => act("DROP NOT NULL".to_owned()),
        (true, true) | (false, false) => {}
    }
    let mut statements = match actions.is_empty() {
        true => Vec::new(),
        false => vec![alter(table, &actions.join(", "))],
    };
    statements.extend(change_identity(table, from, to));
    statements
}

/// Numbers go on after the highest that is there.
fn change_identity(table: &TableName, from: &Column, to: &Column) -> Vec<String> {
    if from.identity == to.identity {
        return Vec::new();
    }
    let name = identifier(Postgres, to.name.as_str());
    let quoted = table_name(Postgres, table);
    let sequence = format!(
        "pg_get_serial_sequence({}, {})",
        ddl::literal(&quoted),
        ddl::literal(to.name.as_str())
    );
    let go_on = format!("SELECT setval({sequence}, (SELECT COALESCE(MAX({name}), 0) + 1 FROM {quoted}), false)");
    let mut statements = Vec::new();
    if from.identity == Some(Identity::Serial) {
        statements.push(format!(
            "DO $drop$ BEGIN EXECUTE 'DROP SEQUENCE ' || {sequence}; END $drop$"
        ));
    }
    let word = |identity| match identity {
        Identity::Always => Some("ALWAYS"),
        Identity::ByDefault => Some("BY DEFAULT"),
        Identity::Serial | Identity::AutoIncrement => None,
    };
    match (from.identity.and_then(word), to.identity.and_then(word), to.identity) {
        (Some(_), Some(word), _) => statements.push(alter(table, &format!("ALTER COLUMN {name} SET GENERATED {word}"))),
        (None, Some(word), _) => {
            statements.push(alter(
                table,
                &format!("ALTER COLUMN {name} ADD GENERATED {word} AS IDENTITY"),
            ));
            statements.push(go_on);
        }
        (_, None, Some(Identity::Serial)) => {
            let made = index_name(table, &format!("{}_{}_seq", table.name(), to.name));
            statements.push(format!(
                "CREATE SEQUENCE {made} AS {} OWNED BY {quoted}.{name}",
                to.data_type
            ));
            let default = format!("ALTER COLUMN {name} SET DEFAULT nextval({})", ddl::literal(&made));
            statements.push(alter(table, &default));
            statements.push(go_on);
        }
        (_, None, _) => {}
    }
    statements
}

fn add_primary_keys(change: &Change) -> Option<String> {
    match change {
        Change::ChangePrimaryKey {
            table, to: Some(key), ..
        } => Some(alter(table, &format!("ADD {}", ddl::primary_key(Postgres, key)))),
        _ => None,
    }
}

fn add_unique_and_indexes(change: &Change) -> Option<String> {
    match change {
        Change::AddUniqueKey { table, key } => Some(alter(table, &format!("ADD {}", ddl::unique_key(Postgres, key)))),
        Change::AddIndex { table, index } => Some(ddl::index_statement(Postgres, table, index)),
        Change::RebuildIndex { table, index } => Some(format!("REINDEX INDEX {}", index_name(table, &index.name))),
        _ => None,
    }
}

fn add_checks(change: &Change) -> Option<String> {
    match change {
        Change::AddCheck { table, check } => {
            let not_valid = if check.not_validated { " NOT VALID" } else { "" };
            Some(alter(table, &format!("ADD {}{not_valid}", ddl::check(Postgres, check))))
        }
        Change::ValidateCheck { table, check } => Some(validate(table, check.name.as_ref())),
        _ => None,
    }
}

fn validate(table: &TableName, name: Option<&ConstraintName>) -> String {
    let name = name.map_or("", ConstraintName::as_str);
    alter(table, &format!("VALIDATE CONSTRAINT {}", identifier(Postgres, name)))
}

fn add_keys(change: &Change) -> Option<String> {
    match change {
        Change::AddForeignKey { key } | Change::ChangeForeignKey { to: key, .. } => {
            Some(ddl::add_foreign_key(Postgres, key))
        }
        Change::ValidateForeignKey { key } => Some(validate(&key.relation.table, key.relation.constraint.as_ref())),
        _ => None,
    }
}

/// A generated column goes before those it is computed from.
fn drop_columns(change: &Change, is_generated: bool) -> Option<String> {
    match change {
        Change::DropColumn { table, column } if column.generated.is_some() == is_generated => Some(alter(
            table,
            &format!("DROP COLUMN {}", identifier(Postgres, column.name.as_str())),
        )),
        _ => None,
    }
}

fn drop_tables(change: &Change) -> Option<String> {
    match change {
        Change::DropTable { table } => Some(format!("DROP TABLE {}", table_name(Postgres, &table.name))),
        Change::ChangeOptions { table, .. } => Some(format!(
            "-- partitioning and inheritance of {} cannot be altered: make the table anew",
            table_name(Postgres, table)
        )),
        _ => None,
    }
}

fn drop_types(change: &Change) -> Option<String> {
    match change {
        Change::DropType { named } => Some(match named.kind {
            NamedTypeKind::Enum(_) => format!("DROP TYPE {}", table_name(Postgres, &named.name)),
            NamedTypeKind::Domain(_) => format!("DROP DOMAIN {}", table_name(Postgres, &named.name)),
        }),
        Change::DropSequence { sequence } => Some(format!("DROP SEQUENCE {}", table_name(Postgres, &sequence.name))),
        _ => None,
    }
}
