//! Copying the rows, and the proof that they are the same.

use sea_orm::Value;

use super::stored::{RowIdentity, Stored, StoredColumn};
use super::{Edit, Filled, one_number};
use crate::backend::Backend;
use crate::connection::Connection;
use crate::ddl::identifier;
use crate::error::{Error, Result};

/// Columns compared by one statement: SQLite's expressions are at most 1,000 deep.
const COLUMNS_PER_STATEMENT: usize = 100;

/// The statement that fills the new table from the old one, with its values. Rowids are copied, and a conflict is an error, whatever the
/// table's ON CONFLICT says.
pub(super) fn copy(stored: &Stored, edits: &[Edit], values: &[Filled]) -> (String, Vec<Value>) {
    let (mut columns, mut expressions, mut bound) = (Vec::new(), Vec::new(), Vec::new());
    if let RowIdentity::RowId(word) = stored.identity {
        columns.push(word.to_owned());
        expressions.push(word.to_owned());
    }
    for column in kept(stored, edits, values).filter(|column| !column.is_generated) {
        columns.push(quoted(&column.name));
        expressions.push(format!("{}.{}", quoted(&stored.name), quoted(&column.name)));
    }
    for value in values {
        columns.push(quoted(value.column.as_str()));
        expressions.push(value.expression.clone());
        bound.extend_from_slice(&value.values);
    }
    let sql = format!(
        "INSERT OR ABORT INTO {} ({}) SELECT {} FROM {}",
        stored.interim(),
        columns.join(", "),
        expressions.join(", "),
        stored.quoted()
    );
    (sql, bound)
}

/// Compares the two tables; the number of rows of each.
pub(super) async fn prove_equal(tx: &Connection, stored: &Stored, edits: &[Edit], values: &[Filled]) -> Result<u64> {
    let (old, new) = (stored.quoted(), stored.interim());
    let before = one_number(tx, &format!("SELECT COUNT(*) FROM {old}"), []).await?;
    let after = one_number(tx, &format!("SELECT COUNT(*) FROM {new}"), []).await?;
    if before != after {
        return Err(Error::invalid_input(format!(
            "nothing was changed: {} has {before} row(s), and its copy {after}",
            stored.name
        )));
    }
    for statement in comparisons(stored, edits, values) {
        let different = one_number(tx, &statement, []).await?;
        if different > 0 {
            return Err(Error::invalid_input(format!(
                "nothing was changed: {different} row(s) of {} would not be what they were",
                stored.name
            )));
        }
    }
    Ok(u64::try_from(before).unwrap_or(0))
}

/// Statements that each count rows that are different.
fn comparisons(stored: &Stored, edits: &[Edit], values: &[Filled]) -> Vec<String> {
    let (old, new) = (stored.quoted(), stored.interim());
    // What is computed from a column that is filled differs as that does.
    let fills_old = values.iter().any(|value| {
        let mut columns = stored.columns.iter();
        columns.any(|column| column.name.eq_ignore_ascii_case(value.column.as_str()))
    });
    let compared: Vec<_> = kept(stored, edits, values)
        .filter(|column| !(column.is_generated && fills_old))
        .collect();
    let mut statements = Vec::new();
    let join = match &stored.identity {
        RowIdentity::RowId(word) => Some(format!("n.{word} = o.{word}")),
        RowIdentity::Columns(columns) => {
            let equal: Vec<_> = columns
                .iter()
                .map(|column| format!("n.{column} = o.{column}", column = quoted(column)))
                .collect();
            Some(equal.join(" AND "))
        }
        RowIdentity::Hidden => None,
    };
    match join {
        Some(join) => {
            let rows = format!("FROM {old} AS o LEFT JOIN {new} AS n ON {join}");
            for value in values.iter().filter(|value| fills_old && value.only_empty) {
                let column = value.column.as_str();
                if stored.columns.iter().any(|old| old.name.eq_ignore_ascii_case(column)) {
                    let kept = format!("o.{} IS NOT NULL AND ({})", quoted(column), differs(column));
                    statements.push(format!("SELECT COUNT(*) {rows} WHERE {kept}"));
                }
            }
            for columns in compared.chunks(COLUMNS_PER_STATEMENT) {
                let differs: Vec<_> = columns.iter().map(|column| differs(&column.name)).collect();
                statements.push(format!("SELECT COUNT(*) {rows} WHERE {}", differs.join(" OR ")));
            }
            // With every number of rows equal, a row that is nowhere else is one that found no other.
            let found = match &stored.identity {
                RowIdentity::RowId(word) => Some((*word).to_owned()),
                RowIdentity::Columns(columns) => columns.first().map(|column| quoted(column)),
                RowIdentity::Hidden => None,
            };
            statements.extend(found.map(|found| format!("SELECT COUNT(*) {rows} WHERE n.{found} IS NULL")));
        }
        None => {
            let names: Vec<_> = compared.iter().map(|column| exact(&column.name)).collect();
            let names = names.join(", ");
            // Rows that are the same are as many as they were.
            let rows = |table: &str| format!("SELECT {names}, COUNT(*) FROM {table} GROUP BY {names}");
            for (one, other) in [(&old, &new), (&new, &old)] {
                statements.push(format!("SELECT COUNT(*) FROM ({} EXCEPT {})", rows(one), rows(other)));
            }
        }
    }
    statements
}

/// The old columns whose values stay.
fn kept<'a>(stored: &'a Stored, edits: &'a [Edit], values: &'a [Filled]) -> impl Iterator<Item = &'a StoredColumn> {
    stored.columns.iter().filter(|column| {
        let is_it = |name: &crate::name::ColumnName| column.name.eq_ignore_ascii_case(name.as_str());
        let goes = edits
            .iter()
            .any(|edit| matches!(edit, Edit::DropColumn(name) if is_it(name)));
        !goes && !values.iter().any(|value| is_it(&value.column))
    })
}

/// Whatever the column's collation, and with 1 and 1.0 apart.
fn differs(name: &str) -> String {
    let column = quoted(name);
    format!("o.{column} COLLATE BINARY IS NOT n.{column} OR typeof(o.{column}) IS NOT typeof(n.{column})")
}

fn exact(column: &str) -> String {
    let column = quoted(column);
    format!("{column} COLLATE BINARY, typeof({column})")
}

fn quoted(name: &str) -> String {
    identifier(Backend::Sqlite, name)
}
