//! Columns that change.

use super::super::Script;
use super::super::in_the_way::has_type;
use super::{alter, ancestors, index_name};
use crate::backend::Backend::Postgres;
use crate::ddl::{self, identifier, table_name};
use crate::name::TableName;
use crate::schema::{Column, Identity, Schema};

pub(super) fn change_column(script: &Script<'_>, table: &TableName, from: &Column, to: &Column) -> Vec<String> {
    let name = identifier(Postgres, to.name.as_str());
    let mut actions = Vec::new();
    let mut act = |action: String| actions.push(format!("ALTER COLUMN {name} {action}"));
    let retyped =
        (from.data_type != to.data_type || from.collation != to.collation) && !is_retyped_above(script, table, to);
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

/// Whether a table from which this one inherits has the column, and thus gave it its new type.
fn is_retyped_above(script: &Script<'_>, table: &TableName, column: &Column) -> bool {
    let above = ancestors(script.from, table);
    let has_it = |parent: &&TableName| {
        script
            .from
            .table(parent)
            .is_some_and(|it| it.column(&column.name).is_some())
    };
    above.into_iter().any(|parent| has_it(&parent))
}

fn is_named(schema: &Schema, column: &Column) -> bool {
    schema.types.iter().any(|named| has_type(column, &named.name))
}

/// Numbers go on after the highest that is there.
fn change_identity(table: &TableName, from: &Column, to: &Column) -> Vec<String> {
    let name = identifier(Postgres, to.name.as_str());
    let quoted = table_name(Postgres, table);
    let sequence = format!(
        "pg_get_serial_sequence({}, {})",
        ddl::literal(&quoted),
        ddl::literal(to.name.as_str())
    );
    let go_on = format!("SELECT setval({sequence}, (SELECT GREATEST(MAX({name}), 0) + 1 FROM {quoted}), false)");
    let on_sequence = |before: &str, after: &str| {
        format!("DO $sequence$ BEGIN EXECUTE '{before} SEQUENCE ' || {sequence} || '{after}'; END $sequence$")
    };
    if from.identity == to.identity {
        // The column's new type is not that of a sequence which it merely owns.
        let is_retyped = from.identity == Some(Identity::Serial) && from.data_type != to.data_type;
        return match is_retyped {
            true => vec![on_sequence("ALTER", &format!(" AS {}", to.data_type))],
            false => Vec::new(),
        };
    }
    let mut statements = Vec::new();
    if from.identity == Some(Identity::Serial) {
        statements.push(on_sequence("DROP", ""));
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
