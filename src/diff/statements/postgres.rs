//! PostgreSQL: one statement a change, ordered so that each finds what it needs.

use super::in_the_way::{has_type, is_type_made_anew};
use super::{Change, Difference, Script, Step};
use crate::backend::Backend::Postgres;
use crate::ddl::{self, identifier, table_name};
use crate::name::{ConstraintName, TableName};
use crate::schema::{Column, Identity, NamedType, NamedTypeKind, Schema, Table};

pub(super) fn statements(script: &Script<'_>) -> Vec<Step> {
    let (tables, later) = script.create_tables();
    let mut steps = script.each(drop_keys);
    steps.extend(script.each(drop_checks_and_indexes));
    steps.extend(script.each(drop_tables));
    steps.extend(script.each(drop_expressions));
    steps.extend(script.each(|change| drop_column(change).filter(|_| goes_first(script, change))));
    steps.extend(script.each(create_types));
    for difference in &script.differences {
        if let Change::ChangeType { from, to } = &difference.change {
            let changes = change_type(script, from, to);
            steps.extend(changes.into_iter().map(|sql| super::step(sql, difference.class)));
        }
    }
    steps.extend(tables);
    for difference in &script.differences {
        if let Change::ChangeColumn { table, from, to } = &difference.change {
            let changes = change_column(script, table, from, to);
            steps.extend(changes.into_iter().map(|sql| super::step(sql, difference.class)));
        }
    }
    steps.extend(script.each(|change| add_column(change).filter(|_| !is_generated(change))));
    steps.extend(script.each(|change| add_column(change).filter(|_| is_generated(change))));
    steps.extend(script.each(add_primary_keys));
    steps.extend(script.each(add_unique_and_indexes));
    steps.extend(script.each(add_checks));
    steps.extend(later);
    steps.extend(script.each(add_keys));
    // Values are lost only once all else has worked.
    steps.extend(script.each(|change| drop_column(change).filter(|_| !goes_first(script, change))));
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
    if let (false, NamedTypeKind::Enum(known), NamedTypeKind::Enum(wanted)) =
        (is_type_made_anew(from, to), &from.kind, &to.kind)
    {
        return add_labels(&name, known, wanted);
    }
    let old = format!("{} before", to.name.name());
    let qualified_old = match to.name.schema() {
        Some(schema) => TableName::in_schema(schema, &*old),
        None => TableName::new(&*old),
    };
    let kind = type_kind(from);
    let mut statements = vec![
        format!("ALTER {kind} {name} RENAME TO {}", identifier(Postgres, &old)),
        ddl::create_type(Postgres, to),
    ];
    let stay = script
        .from
        .tables
        .iter()
        .filter(|table| script.to.table(&table.name).is_some());
    for table in stay {
        let wanted = script.to.table(&table.name);
        for column in table.columns.iter().filter(|column| has_type(column, &to.name)) {
            let wanted = wanted.and_then(|table| table.column(&column.name));
            let is_gone = column.generated.is_some() && wanted.is_none_or(|wanted| wanted.generated.is_some());
            if !is_gone {
                statements.push(convert(&table.name, column, wanted));
            }
        }
    }
    statements.push(format!("DROP {kind} {}", table_name(Postgres, &qualified_old)));
    statements
}
/// What stays has its own type at once; what goes, or gets another type, is text until then.
fn convert(table: &TableName, column: &Column, wanted: Option<&Column>) -> String {
    let name = identifier(Postgres, column.name.as_str());
    let stays = wanted.filter(|wanted| wanted.data_type == column.data_type);
    let data_type = stays.map_or("text", |wanted| &wanted.data_type);
    let mut actions = Vec::new();
    if column.default.is_some() {
        actions.push(format!("ALTER COLUMN {name} DROP DEFAULT"));
    }
    actions.push(format!(
        "ALTER COLUMN {name} TYPE {data_type} USING {name}::text::{data_type}"
    ));
    if let Some(default) = stays.and_then(|wanted| wanted.default.as_ref()) {
        actions.push(format!("ALTER COLUMN {name} SET DEFAULT {default}"));
    }
    alter(table, &actions.join(", "))
}

const fn type_kind(named: &NamedType) -> &'static str {
    match named.kind {
        NamedTypeKind::Enum(_) => "TYPE",
        NamedTypeKind::Domain(_) => "DOMAIN",
    }
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

fn add_column(change: &Change) -> Option<String> {
    let Change::AddColumn { table, column } = change else {
        return None;
    };
    let of = Table::new(table.clone());
    let definition = ddl::column(Postgres, &of, column);
    Some(alter(table, &format!("ADD COLUMN {definition}")))
}

/// What is computed is added last, and goes before what it is computed from.
fn is_generated(change: &Change) -> bool {
    match change {
        Change::AddColumn { column, .. } | Change::DropColumn { column, .. } => column.generated.is_some(),
        _ => false,
    }
}

/// Stored values stay.
fn drop_expressions(change: &Change) -> Option<String> {
    match change {
        Change::ChangeColumn { table, from, to } if from.generated.is_some() && to.generated.is_none() => {
            let name = identifier(Postgres, to.name.as_str());
            Some(alter(table, &format!("ALTER COLUMN {name} DROP EXPRESSION")))
        }
        _ => None,
    }
}

fn change_column(script: &Script<'_>, table: &TableName, from: &Column, to: &Column) -> Vec<String> {
    let name = identifier(Postgres, to.name.as_str());
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
        // One enum becomes another by way of its labels.
        let by = match is_named(script.from, from) && is_named(script.to, to) {
            true => "::text",
            false => "",
        };
        act(format!(
            "TYPE {}{collate} USING {name}{by}::{}",
            to.data_type, to.data_type
        ));
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

fn is_named(schema: &Schema, column: &Column) -> bool {
    schema.types.iter().any(|named| has_type(column, &named.name))
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
    let go_on = format!("SELECT setval({sequence}, (SELECT GREATEST(MAX({name}), 0) + 1 FROM {quoted}), false)");
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

fn drop_column(change: &Change) -> Option<String> {
    match change {
        Change::DropColumn { table, column } => {
            let name = identifier(Postgres, column.name.as_str());
            Some(alter(table, &format!("DROP COLUMN {name}")))
        }
        _ => None,
    }
}

/// Computed columns, and those whose name is needed again.
fn goes_first(script: &Script<'_>, change: &Change) -> bool {
    let Change::DropColumn { table, column } = change else {
        return false;
    };
    let is_added = |difference: &Difference| match &difference.change {
        Change::AddColumn {
            table: of,
            column: added,
        } => of == table && added.name == column.name,
        _ => false,
    };
    is_generated(change) || script.differences.iter().any(is_added)
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
        Change::DropType { named } => {
            let name = table_name(Postgres, &named.name);
            Some(format!("DROP {} {name}", type_kind(named)))
        }
        Change::DropSequence { sequence } => Some(format!("DROP SEQUENCE {}", table_name(Postgres, &sequence.name))),
        _ => None,
    }
}
