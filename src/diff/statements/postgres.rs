//! PostgreSQL: one statement a change, ordered so that each finds what it needs.

mod columns;
mod types;

use std::collections::BTreeSet;

use super::{Change, Difference, Script, Step};
use crate::backend::Backend::Postgres;
use crate::ddl::{self, identifier, table_name};
use crate::name::{ConstraintName, TableName};
use crate::schema::{Schema, Table};
use columns::change_column;
use types::{change_type, type_kind};

pub(super) fn statements(script: &Script<'_>) -> Vec<Step> {
    let script = &parents_first(script);
    let (tables, later) = script.create_tables();
    let mut steps = script.each(drop_keys);
    steps.extend(script.each(|change| drop_checks_and_indexes(script, change)));
    steps.extend(script.each(drop_tables).into_iter().rev());
    steps.extend(script.each(end_inheritance));
    steps.extend(script.each(drop_expressions));
    steps.extend(script.each(|change| drop_column(script, change).filter(|_| goes_first(script, change))));
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
    steps.extend(script.each(|change| add_column(script, change).filter(|_| !is_generated(change))));
    steps.extend(script.each(|change| add_column(script, change).filter(|_| is_generated(change))));
    steps.extend(script.each(begin_inheritance));
    steps.extend(script.each(add_primary_keys));
    steps.extend(script.each(add_unique_and_indexes));
    steps.extend(script.each(add_checks));
    steps.extend(later);
    steps.extend(script.each(add_keys));
    // Values are lost only once all else has worked.
    steps.extend(script.each(|change| drop_column(script, change).filter(|_| !goes_first(script, change))));
    steps.extend(script.each(drop_types));
    steps
}

/// What is done to a table is done to those that inherit from it, and what is left is then done to these.
fn parents_first<'a>(script: &Script<'a>) -> Script<'a> {
    let (mut script, schemas) = (script.clone(), [script.from, script.to]);
    script.differences.sort_by_key(|difference| {
        let table = difference.change.table();
        schemas.map(|schema| table.map_or(0, |table| ancestors(schema, table).len()))
    });
    script
}

fn ancestors<'a>(schema: &'a Schema, table: &TableName) -> BTreeSet<&'a TableName> {
    let parents = |table: &TableName| schema.table(table).map_or(&[][..], |table| &table.options.inherits);
    let mut found = BTreeSet::new();
    let mut next: Vec<_> = parents(table).iter().collect();
    while let Some(table) = next.pop() {
        if found.insert(table) {
            next.extend(parents(table));
        }
    }
    found
}

/// Words for what its parents may have done to a table already.
fn unless_inherited(schema: &Schema, table: &TableName, words: &'static str) -> &'static str {
    match ancestors(schema, table).is_empty() {
        true => "",
        false => words,
    }
}

fn alter(table: &TableName, what: &str) -> String {
    format!("ALTER TABLE {} {what}", table_name(Postgres, table))
}

/// A constraint without a name is none of PostgreSQL's; the statement then fails and says so.
fn drop_constraint(table: &TableName, name: Option<&ConstraintName>, if_exists: &str) -> String {
    let name = identifier(Postgres, name.map_or("", ConstraintName::as_str));
    alter(table, &format!("DROP CONSTRAINT {if_exists}{name}"))
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
        Change::DropForeignKey { key } | Change::ChangeForeignKey { from: key, .. } => Some(drop_constraint(
            &key.relation.table,
            key.relation.constraint.as_ref(),
            "",
        )),
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

fn drop_checks_and_indexes(script: &Script<'_>, change: &Change) -> Option<String> {
    match change {
        Change::DropCheck { table, check } => {
            let if_exists = unless_inherited(script.from, table, "IF EXISTS ");
            Some(drop_constraint(table, check.name.as_ref(), if_exists))
        }
        Change::DropUniqueKey { table, key } => Some(drop_constraint(table, key.name.as_ref(), "")),
        Change::DropIndex { table, index } => Some(format!("DROP INDEX {}", index_name(table, &index.name))),
        Change::ChangePrimaryKey {
            table, from: Some(key), ..
        } => Some(drop_constraint(table, key.name.as_ref(), "")),
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

fn add_column(script: &Script<'_>, change: &Change) -> Option<String> {
    let Change::AddColumn { table, column } = change else {
        return None;
    };
    let of = Table::new(table.clone());
    let definition = ddl::column(Postgres, &of, column);
    let if_not_exists = unless_inherited(script.to, table, "IF NOT EXISTS ");
    Some(alter(table, &format!("ADD COLUMN {if_not_exists}{definition}")))
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

fn drop_column(script: &Script<'_>, change: &Change) -> Option<String> {
    match change {
        Change::DropColumn { table, column } => {
            let name = identifier(Postgres, column.name.as_str());
            let if_exists = unless_inherited(script.from, table, "IF EXISTS ");
            Some(alter(table, &format!("DROP COLUMN {if_exists}{name}")))
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
        _ => None,
    }
}

fn end_inheritance(change: &Change) -> Option<String> {
    let Change::ChangeOptions { table, from, to } = change else {
        return None;
    };
    if from.partition_by != to.partition_by {
        // Better than to say nothing and change nothing.
        let told = format!("partitioning of {table} cannot be altered: make the table anew");
        return Some(format!(
            "DO $refuse$ BEGIN RAISE EXCEPTION USING MESSAGE = {}; END $refuse$",
            ddl::literal(&told)
        ));
    }
    inherit("NO INHERIT", table, &from.inherits, &to.inherits)
}

fn begin_inheritance(change: &Change) -> Option<String> {
    match change {
        Change::ChangeOptions { table, from, to } => inherit("INHERIT", table, &to.inherits, &from.inherits),
        _ => None,
    }
}

/// From or to those parents that the other side does not have.
fn inherit(word: &str, table: &TableName, parents: &[TableName], others: &[TableName]) -> Option<String> {
    let parents = parents.iter().filter(|parent| !others.contains(parent));
    let actions: Vec<_> = parents
        .map(|parent| format!("{word} {}", table_name(Postgres, parent)))
        .collect();
    (!actions.is_empty()).then(|| alter(table, &actions.join(", ")))
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
