//! MySQL and MariaDB: for each table its keys are dropped, all else is one ALTER TABLE, and then its keys are added.
//!
//! One statement, since an index that a key needs can be exchanged for another only within one.

use std::collections::BTreeMap;

use super::{Change, Class, Script, Step};
use crate::backend::Backend::MySql;
use crate::ddl::{self, identifier, table_name};
use crate::name::{ConstraintName, TableName};
use crate::schema::{Check, Column, ForeignKey, Table};

pub(super) fn statements(script: &Script<'_>) -> Vec<Step> {
    let (tables, later) = script.create_tables();
    let mut steps = script.each(|change| match change {
        Change::DropForeignKey { key } | Change::ChangeForeignKey { from: key, .. } => Some(drop_key(key)),
        Change::DropTable { table } => {
            let drops: Vec<_> = table.foreign_keys.iter().map(drop_key_clause).collect();
            (!drops.is_empty()).then(|| alter(&table.name, &drops.join(", ")))
        }
        _ => None,
    });
    steps.extend(script.each(|change| match change {
        Change::DropTable { table } => Some(format!("DROP TABLE {}", table_name(MySql, &table.name))),
        Change::DropSequence { sequence } => Some(format!("DROP SEQUENCE {}", table_name(MySql, &sequence.name))),
        _ => None,
    }));
    steps.extend(script.each(|change| match change {
        Change::CreateSequence { sequence } => Some(ddl::create_sequence(MySql, sequence)),
        _ => None,
    }));
    steps.extend(tables);
    steps.extend(alterations(script));
    steps.extend(later);
    steps.extend(script.each(|change| match change {
        Change::AddForeignKey { key } | Change::ChangeForeignKey { to: key, .. } => {
            Some(ddl::add_foreign_key(MySql, key))
        }
        _ => None,
    }));
    steps
}

fn alter(table: &TableName, what: &str) -> String {
    format!("ALTER TABLE {} {what}", table_name(MySql, table))
}

fn drop_key(key: &ForeignKey) -> String {
    alter(&key.relation.table, &drop_key_clause(key))
}

fn drop_key_clause(key: &ForeignKey) -> String {
    let name = key.relation.constraint.as_ref().map_or("", ConstraintName::as_str);
    format!("DROP FOREIGN KEY {}", identifier(MySql, name))
}

/// What is to be done to one table in one statement.
struct Alteration {
    clauses: Vec<String>,
    class: Class,
}

fn alterations(script: &Script<'_>) -> Vec<Step> {
    let mut by_table: BTreeMap<&TableName, Alteration> = BTreeMap::new();
    for difference in &script.differences {
        let Some(table) = difference.change.table() else {
            continue;
        };
        let clauses = clauses(script, &difference.change);
        if !clauses.is_empty() {
            let alteration = by_table.entry(table).or_insert(Alteration {
                clauses: Vec::new(),
                class: difference.class,
            });
            alteration.class = Ord::max(alteration.class, difference.class);
            for clause in clauses {
                if !alteration.clauses.contains(&clause) {
                    alteration.clauses.push(clause);
                }
            }
        }
    }
    by_table
        .into_iter()
        .map(|(table, alteration)| super::step(alter(table, &alteration.clauses.join(", ")), alteration.class))
        .collect()
}

fn clauses(script: &Script<'_>, change: &Change) -> Vec<String> {
    let name = |name: &str| identifier(MySql, name);
    let constraint = |constraint: Option<&ConstraintName>| name(constraint.map_or("", ConstraintName::as_str));
    match change {
        Change::ChangeOptions { to, .. } => {
            vec![format!("ENGINE = {}", name(to.engine.as_deref().unwrap_or("InnoDB")))]
        }
        Change::AddColumn { table, column } => vec![format!("ADD COLUMN {}", definition(script, table, column))],
        Change::DropColumn { column, .. } => vec![format!("DROP COLUMN {}", name(column.name.as_str()))],
        Change::ChangeColumn { table, to, .. } => vec![format!("MODIFY COLUMN {}", definition(script, table, to))],
        Change::ChangePrimaryKey { from, to, .. } => {
            let dropped = from.as_ref().map(|_| "DROP PRIMARY KEY".to_owned());
            let added = to.as_ref().map(|key| format!("ADD {}", ddl::primary_key(MySql, key)));
            dropped.into_iter().chain(added).collect()
        }
        Change::AddUniqueKey { key, .. } => vec![format!("ADD {}", ddl::unique_key(MySql, key))],
        Change::DropUniqueKey { key, .. } => vec![format!("DROP INDEX {}", constraint(key.name.as_ref()))],
        Change::AddIndex { index, .. } => vec![format!("ADD {}", ddl::mysql_index(index))],
        Change::DropIndex { index, .. } => vec![format!("DROP INDEX {}", name(&index.name))],
        Change::RebuildIndex { index, .. } => vec![
            format!("DROP INDEX {}", name(&index.name)),
            format!("ADD {}", ddl::mysql_index(index)),
        ],
        Change::AddCheck { table, check } => match own_column(script.to.table(table), check) {
            Some(column) => vec![format!("MODIFY COLUMN {}", definition(script, table, column))],
            None => vec![format!("ADD {}", ddl::check(MySql, check))],
        },
        // A column's own check goes with the column's definition. Only MariaDB has those, and knows the words in the comment.
        Change::DropCheck { table, check } => match own_column(script.to.table(table), check) {
            Some(column) => vec![
                format!("MODIFY COLUMN {}", definition(script, table, column)),
                format!("DROP CONSTRAINT /*M! IF EXISTS */ {}", constraint(check.name.as_ref())),
            ],
            None => vec![format!("DROP CONSTRAINT {}", constraint(check.name.as_ref()))],
        },
        Change::CreateType { .. }
        | Change::ChangeType { .. }
        | Change::DropType { .. }
        | Change::CreateSequence { .. }
        | Change::DropSequence { .. }
        | Change::CreateTable { .. }
        | Change::DropTable { .. }
        | Change::AddForeignKey { .. }
        | Change::DropForeignKey { .. }
        | Change::ChangeForeignKey { .. }
        | Change::ValidateForeignKey { .. }
        | Change::ValidateCheck { .. } => Vec::new(),
    }
}

/// The column that a check of this name stands with.
fn own_column<'a>(table: Option<&'a Table>, check: &Check) -> Option<&'a Column> {
    let name = check.name.as_ref()?.as_str();
    table?.columns.iter().find(|column| column.name.as_str() == name)
}

fn definition(script: &Script<'_>, table: &TableName, column: &Column) -> String {
    let table = script.to.table(table).cloned();
    ddl::column(MySql, &table.unwrap_or_else(|| Table::new("")), column)
}
