//! Looking at the rows that are there: which have no value that must have one, and which reference a row that is not there.

use sea_orm::{ConnectionTrait, QueryResult};

use super::situation::Situation;
use crate::connection::Connection;
use crate::ddl::identifier;
use crate::error::{Error, ErrorKind, Result};
use crate::name::KeyValues;
use crate::sql::{Keyset, Sql, column, from_table};

/// Rows that are named in an error.
const SAMPLE: usize = 5;

/// The statement that counts the rows of the whole table that dangle, for a plan.
pub(super) fn proof(situation: &Situation) -> String {
    let from = from_table(&situation.schema, &situation.key.relation.table);
    format!("SELECT COUNT(*) FROM {from} WHERE {}", dangling(situation))
}

/// Refuses rows without a value that must have one, and rows that reference none, among those that `range` writes the condition of.
pub(super) async fn refuse_bad_rows(
    connection: &Connection,
    situation: &Situation,
    is_required: bool,
    range: impl Fn(&mut Sql),
) -> Result<()> {
    let from = from_table(&situation.schema, &situation.key.relation.table);
    let (missing, dangling) = (missing(situation, is_required), dangling(situation));
    let count = |condition: &str| format!("COUNT(CASE WHEN {condition} THEN 1 END)");
    let mut sql = Sql::new(
        situation.backend(),
        format!("SELECT {}, {} FROM {from} WHERE ", count(&missing), count(&dangling)),
    );
    range(&mut sql);
    let counts = connection.query_one_raw(sql.statement()).await?;
    let (missing_rows, dangling_rows) = match counts {
        Some(row) => (number(&row, 0)?, number(&row, 1)?),
        None => (0, 0),
    };
    if missing_rows == 0 && dangling_rows == 0 {
        return Ok(());
    }
    let mut sample = Vec::new();
    let keyset = situation
        .table()
        .and_then(|table| Keyset::primary(&situation.schema, table));
    if let Some(keyset) = keyset {
        let row = row(situation);
        let shown: Vec<_> = keyset.columns.iter().map(|name| keyset.shown(&row, name)).collect();
        let mut sql = Sql::new(
            situation.backend(),
            format!("SELECT {} FROM {from} WHERE ", shown.join(", ")),
        );
        range(&mut sql);
        sql.push(&format!(
            " AND (({missing}) OR ({dangling})) ORDER BY {} LIMIT {SAMPLE}",
            keyset.order(&row)
        ));
        for row in connection.query_all_raw(sql.statement()).await? {
            let mut values = Vec::new();
            for (place, name) in keyset.columns.iter().enumerate() {
                values.push((name.clone(), row.try_get_by_index(place)?));
            }
            sample.push(KeyValues::new(values));
        }
    }
    Err(Error::new(ErrorKind::Unfilled {
        relation: situation.key.relation.clone(),
        missing: missing_rows,
        dangling: dangling_rows,
        sample,
    }))
}

/// Refuses rows of the whole table that have no value; an index over the columns, if there is one, finds them.
pub(super) async fn refuse_missing(connection: &Connection, situation: &Situation) -> Result<()> {
    let missing = missing(situation, true);
    refuse_bad_rows(connection, situation, true, |sql| sql.push(&format!("({missing})"))).await
}

/// The row has no value for one of the columns.
fn missing(situation: &Situation, is_required: bool) -> String {
    if !is_required {
        return "1 = 0".to_owned();
    }
    let row = row(situation);
    let columns = situation.key.relation.columns.iter();
    let each: Vec<_> = columns
        .map(|name| {
            situation
                .placeholders
                .lacks(name, &column(situation.backend(), &row, name))
        })
        .collect();
    each.join(" OR ")
}

/// The row references one that is not there. A key that is partly NULL references nothing.
fn dangling(situation: &Situation) -> String {
    let (backend, relation, row) = (situation.backend(), &situation.key.relation, row(situation));
    let own: Vec<_> = relation
        .columns
        .iter()
        .map(|name| column(backend, &row, name))
        .collect();
    let set: Vec<_> = relation
        .columns
        .iter()
        .zip(&own)
        .map(|(name, own)| situation.placeholders.has(name, own))
        .collect();
    // The referenced column comes first: it is its collation that SQLite's constraints compare by.
    let equal: Vec<_> = relation
        .referenced_columns
        .iter()
        .zip(&own)
        .map(|(name, own)| format!("{} = {own}", column(backend, "p", name)))
        .collect();
    format!(
        "{} AND NOT EXISTS (SELECT 1 FROM {} AS p WHERE {})",
        set.join(" AND "),
        from_table(&situation.schema, &relation.referenced_table),
        equal.join(" AND ")
    )
}

/// The table's own name: no alias, so that a condition may use it.
fn row(situation: &Situation) -> String {
    identifier(situation.backend(), situation.key.relation.table.name())
}

fn number(row: &QueryResult, place: usize) -> Result<u64> {
    let number: i64 = row.try_get_by_index(place)?;
    Ok(u64::try_from(number).unwrap_or(0))
}
