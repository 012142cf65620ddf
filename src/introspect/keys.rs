//! Foreign keys, which every catalog lists as one row per column.

use sea_orm::QueryResult;

use super::rows::table_name;
use crate::error::Result;
use crate::name::{ColumnName, ConstraintName, Relation};
use crate::schema::{Action, ForeignKey};

/// A foreign key and the first of its rows.
pub(super) struct Read<'r> {
    pub(super) key: ForeignKey,
    pub(super) row: &'r QueryResult,
}

/// Joins the columns of each key; the rows come ordered by table, key and position. Their columns have the same names on every engine.
/// `identity` is what tells a key from its table's others.
pub(super) fn collect(rows: &[QueryResult], action: impl Fn(&str) -> Action) -> Result<Vec<Read<'_>>> {
    let mut keys: Vec<Read<'_>> = Vec::new();
    let mut current = None;
    for row in rows {
        let table = table_name(row, "table_schema", "table_name")?;
        let identity: String = row.try_get("", "identity")?;
        let column = ColumnName::new(row.try_get::<String>("", "column_name")?);
        let referenced_column = ColumnName::new(row.try_get::<String>("", "referenced_column")?);
        let this = Some((table.clone(), identity));
        match keys.last_mut() {
            Some(Read { key, .. }) if current == this => {
                key.relation.columns.push(column);
                key.relation.referenced_columns.push(referenced_column);
            }
            _ => {
                let relation = Relation {
                    constraint: row
                        .try_get::<Option<String>>("", "constraint_name")?
                        .map(ConstraintName::new),
                    table,
                    columns: vec![column],
                    referenced_table: table_name(row, "referenced_schema", "referenced_name")?,
                    referenced_columns: vec![referenced_column],
                };
                let key = ForeignKey::new(relation)
                    .on_delete(action(&row.try_get::<String>("", "on_delete")?))
                    .on_update(action(&row.try_get::<String>("", "on_update")?));
                keys.push(Read { key, row });
            }
        }
        current = this;
    }
    Ok(keys)
}

/// What the catalog called the actions this version does not know.
pub(super) fn unknown_actions(Read { key, row }: &Read<'_>) -> Result<Vec<String>> {
    let mut sentences = Vec::new();
    for (action, column) in [(key.on_delete, "on_delete"), (key.on_update, "on_update")] {
        if action == Action::Unknown {
            let word: String = row.try_get("", column)?;
            sentences.push(format!(
                "the catalog says {word:?} for {column} of the foreign key {} to {}",
                key.relation, key.relation.referenced_table
            ));
        }
    }
    Ok(sentences)
}

/// The standard's words for an action, as MySQL and SQLite store them.
#[cfg(any(feature = "mysql", feature = "sqlite"))]
pub(super) fn action(word: &str) -> Action {
    match word {
        "CASCADE" => Action::Cascade,
        "SET NULL" => Action::SetNull,
        "SET DEFAULT" => Action::SetDefault,
        "RESTRICT" => Action::Restrict,
        "NO ACTION" => Action::NoAction,
        _ => Action::Unknown,
    }
}

/// The keys by referencing table and constraint.
pub(super) fn sorted(keys: Vec<Read<'_>>) -> Vec<ForeignKey> {
    let mut keys: Vec<_> = keys.into_iter().map(|read| read.key).collect();
    keys.sort();
    keys
}
