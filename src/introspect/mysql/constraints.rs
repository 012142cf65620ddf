//! Foreign keys and checks.

use std::collections::BTreeSet;

use sea_orm::QueryResult;

use super::super::draft::Draft;
use super::super::keys::{Read, unknown_actions};
use super::super::rows::table_name;
use super::{Server, schema_of};
use crate::error::Result;
use crate::name::{ColumnName, ConstraintName};
use crate::schema::Check;

/// Constraint names are unique per database in InnoDB; the join names the table too, since other engines' are not. A user who may only
/// SELECT sees the keys and not their actions.
macro_rules! foreign_keys {
    ($condition:literal, $rules:literal) => {
        concat!(
            "SELECT k.constraint_name AS identity, k.constraint_name AS constraint_name, ",
            schema_of!("k.table_schema"),
            " AS table_schema, k.table_name AS table_name, k.column_name AS column_name, ",
            schema_of!("k.referenced_table_schema"),
            " AS referenced_schema, k.referenced_table_name AS referenced_name, k.referenced_column_name AS referenced_column,
       COALESCE(r.delete_rule, 'hidden from this user') AS on_delete, COALESCE(r.update_rule, 'hidden from this user') AS on_update
FROM information_schema.key_column_usage k
LEFT JOIN information_schema.referential_constraints r
  ON r.constraint_schema = k.constraint_schema AND r.table_name = k.table_name AND r.constraint_name = k.constraint_name",
            $rules,
            " WHERE k.referenced_table_name IS NOT NULL AND ",
            $condition,
            " ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position"
        )
    };
}

/// The keys from or to tables of one database.
pub(super) const FOREIGN_KEYS_AROUND: &str = foreign_keys!(
    "(k.table_schema = COALESCE(?, database()) OR k.referenced_table_schema = COALESCE(?, database()))",
    ""
);

/// The tables of whose constraints this user sees more than the columns.
pub(super) const SEEN: &str = concat!(
    "SELECT DISTINCT ",
    schema_of!("t.table_schema"),
    " AS table_schema, t.table_name AS table_name FROM information_schema.table_constraints t WHERE t.constraint_schema {scope}"
);

/// The keys from tables of the databases in scope.
pub(super) const FOREIGN_KEYS_IN: &str = foreign_keys!("k.table_schema {scope}", " AND r.constraint_schema {scope}");

/// The statement for checks, if the server has any. MariaDB's are named within a table; MySQL's within a database.
pub(super) fn checks_sql(server: &Server) -> Option<&'static str> {
    const MARIADB: &str = concat!(
        "SELECT ",
        schema_of!("c.constraint_schema"),
        " AS table_schema, c.table_name AS table_name, c.constraint_name AS constraint_name, CAST(c.check_clause AS CHAR) AS clause,
       c.level AS level, 'YES' AS enforced
FROM information_schema.check_constraints c WHERE c.constraint_schema {scope}"
    );
    const MYSQL: &str = concat!(
        "SELECT ",
        schema_of!("t.table_schema"),
        " AS table_schema, t.table_name AS table_name, c.constraint_name AS constraint_name, CAST(c.check_clause AS CHAR) AS clause,
       'Table' AS level, t.enforced AS enforced
FROM information_schema.check_constraints c
JOIN information_schema.table_constraints t
  ON t.constraint_schema = c.constraint_schema AND t.constraint_name = c.constraint_name AND t.constraint_type = 'CHECK'
WHERE t.table_schema {scope} AND c.constraint_schema {scope}"
    );
    if server.has("CHECK_CONSTRAINTS.TABLE_NAME") {
        Some(MARIADB)
    } else if server.has("CHECK_CONSTRAINTS.CHECK_CLAUSE") && server.has("TABLE_CONSTRAINTS.ENFORCED") {
        Some(MYSQL)
    } else {
        None
    }
}

pub(super) fn add_foreign_key(draft: &mut Draft, read: Read<'_>) -> Result<()> {
    if draft.table(&read.key.relation.table).is_none() {
        return Ok(());
    }
    for sentence in unknown_actions(&read)? {
        draft.unknown(sentence);
    }
    if let Some(table) = draft.table(&read.key.relation.table) {
        table.foreign_keys.push(read.key);
    }
    Ok(())
}

pub(super) fn add_checks(draft: &mut Draft, server: &Server, rows: &[QueryResult]) -> Result<()> {
    for row in rows {
        let name = table_name(row, "table_schema", "table_name")?;
        let constraint: String = row.try_get("", "constraint_name")?;
        let expression = server.expression(&row.try_get::<String>("", "clause")?);
        let is_of_column = row.try_get::<String>("", "level")? == "Column";
        let Some(table) = draft.table(&name) else {
            continue;
        };
        if is_of_column {
            // MariaDB's json is longtext with this check; the check bears the column's name.
            let column = ColumnName::new(&constraint);
            if let Some(column) = table.columns.iter_mut().find(|known| known.name == column)
                && column.data_type == "longtext"
                && expression == format!("json_valid(`{}`)", constraint.replace('`', "``"))
            {
                column.data_type = "json".to_owned();
                column.collation = None;
                continue;
            }
        }
        let mut check = Check::new(expression);
        // What the catalog names a column's check by is the column.
        check.name = (!is_of_column).then(|| ConstraintName::new(&constraint));
        table.checks.push(check);
        if row.try_get::<String>("", "enforced")? == "NO" {
            draft.unknown(format!(
                "the check {constraint} of {name} is NOT ENFORCED, which the model has no place for"
            ));
        }
    }
    Ok(())
}

/// Says of which tables the catalog shows this user but a part: it does so without a word.
pub(super) fn add_hidden(draft: &mut Draft, rows: &[QueryResult]) -> Result<()> {
    let seen = rows
        .iter()
        .map(|row| table_name(row, "table_schema", "table_name"))
        .collect::<Result<BTreeSet<_>>>()?;
    let tables = &draft.schema.tables;
    let constraints = tables
        .iter()
        .filter(|table| table.primary_key.is_some() && !seen.contains(&table.name));
    let constraints: Vec<_> = constraints.map(|table| table.name.to_string()).collect();
    let columns = tables.iter().filter(|table| table.columns.is_empty());
    let columns: Vec<_> = columns.map(|table| table.name.to_string()).collect();
    for (what, tables) in [
        ("checks, triggers and actions of foreign keys", constraints),
        ("columns", columns),
    ] {
        if !tables.is_empty() {
            draft.unknown(format!(
                "the {what} of these tables are hidden from this user: {}",
                tables.join(", ")
            ));
        }
    }
    Ok(())
}
