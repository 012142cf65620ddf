//! Counting: which rows there are to count, the statements that do, and what they found.

use std::collections::BTreeMap;

use sea_orm::QueryResult;

use super::conditions::Conditions;
use super::shape::{Arm, ROOTS};
use crate::backend::Backend;
use crate::error::Result;
use crate::name::TableName;
use crate::sql::Sql;

/// SQLite takes at most 500 selects in one compound (SQLite, "Implementation Limits", section 4).
const PER_STATEMENT: usize = 200;

/// Something to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counted {
    /// Rows that go, by table and arm.
    Delete(usize, usize),
    /// Rows that stay and are changed, by update and arm.
    Update(usize, usize),
    /// Rows that block.
    Block(usize),
    /// Rows that will dangle.
    Dangle(usize),
    Roots,
}

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Rows that the arm holds.
    pub(super) rows: u64,
    /// Those of them that no earlier arm holds.
    pub(super) own: u64,
}

pub(super) type Counts = BTreeMap<Counted, Found>;

impl Conditions<'_> {
    /// Everything there is to count.
    pub(super) fn all_counted(&self) -> Vec<Counted> {
        let shape = self.shape;
        let mut all = vec![Counted::Roots];
        for (place, delete) in shape.deletes.iter().enumerate() {
            all.extend((0..delete.arms.len()).map(|arm| Counted::Delete(place, arm)));
        }
        for (place, update) in shape.updates.iter().enumerate() {
            all.extend((0..update.arms.len()).map(|arm| Counted::Update(place, arm)));
        }
        all.extend((0..shape.blocks.len()).map(Counted::Block));
        all.extend((0..shape.dangling.len()).map(Counted::Dangle));
        all
    }

    /// The table whose rows are counted.
    fn table_of(&self, counted: Counted) -> Option<&TableName> {
        let shape = self.shape;
        match counted {
            Counted::Delete(place, _) => shape.deletes.get(place).map(|delete| &delete.table),
            Counted::Update(place, _) => shape.updates.get(place).map(|update| &update.table),
            Counted::Block(place) => shape.blocks.get(place).map(|block| &block.key.relation.table),
            Counted::Dangle(place) => shape.dangling.get(place).map(|(table, _)| table),
            Counted::Roots => Some(&shape.root),
        }
    }

    /// Writes the condition for the counted rows of `x`.
    pub(super) fn push_counted(&self, sql: &mut Sql, counted: Counted) {
        let shape = self.shape;
        match counted {
            Counted::Delete(place, arm) => {
                if let Some(arm) = shape.deletes.get(place).and_then(|delete| delete.arms.get(arm)) {
                    self.push_arm(sql, "x", arm);
                }
            }
            Counted::Update(place, arm) => {
                if let Some(update) = shape.updates.get(place)
                    && let Some(change) = update.arms.get(arm)
                {
                    self.push_arm(sql, "x", &change.arm);
                    self.push_stays(sql, "x", &update.table);
                }
            }
            Counted::Block(place) => {
                if let Some(block) = shape.blocks.get(place) {
                    self.push_blocking(sql, &block.key, &block.rows);
                }
            }
            Counted::Dangle(place) => {
                if let Some((table, arm)) = shape.dangling.get(place) {
                    self.push_arm(sql, "x", arm);
                    self.push_stays(sql, "x", table);
                }
            }
            Counted::Roots => {
                if let Some(arm) = shape.goes(&shape.root).first() {
                    self.push_arm(sql, "x", arm);
                }
            }
        }
    }

    /// The arms before the counted one.
    fn earlier(&self, counted: Counted) -> Vec<&Arm> {
        let shape = self.shape;
        match counted {
            Counted::Delete(place, arm) => {
                let arms = shape.deletes.get(place).map(|delete| delete.arms.iter().take(arm));
                arms.into_iter().flatten().collect()
            }
            Counted::Update(place, arm) => {
                let arms = shape.updates.get(place).map(|update| update.arms.iter().take(arm));
                arms.into_iter().flatten().map(|change| &change.arm).collect()
            }
            Counted::Block(_) | Counted::Dangle(_) | Counted::Roots => Vec::new(),
        }
    }

    /// Writes `SELECT 3 AS item, COUNT(*) AS n, … AS own`.
    fn push_count(&self, sql: &mut Sql, item: usize, counted: Counted, cap: Option<u64>) {
        let Some(table) = self.table_of(counted) else {
            return;
        };
        let earlier = self.earlier(counted);
        let own = |sql: &mut Sql| {
            if earlier.is_empty() {
                return sql.push("1");
            }
            sql.push("CASE WHEN 1 = 1");
            self.push_none_of(sql, "x", earlier.iter().copied());
            sql.push(" THEN 1 END");
        };
        match cap {
            Some(_) => {
                sql.push(&format!(
                    "SELECT {item} AS item, COUNT(*) AS n, COUNT(own) AS own FROM (SELECT "
                ));
                own(sql);
                sql.push(" AS own");
            }
            None => {
                sql.push(&format!("SELECT {item} AS item, COUNT(*) AS n, COUNT("));
                own(sql);
                sql.push(") AS own");
            }
        }
        sql.push(&format!(" FROM {} AS x WHERE ", self.from(table)));
        self.push_counted(sql, counted);
        if let Some(cap) = cap {
            sql.push(&format!(" LIMIT {cap}) AS capped"));
        }
    }

    /// Writes ` FROM posts AS x WHERE …` of the counted rows.
    pub(super) fn push_count_from(&self, sql: &mut Sql, counted: Counted) {
        if let Some(table) = self.table_of(counted) {
            sql.push(&format!(" FROM {} AS x WHERE ", self.from(table)));
            self.push_counted(sql, counted);
        }
    }

    /// Writes the counts as one compound select; the values of `items` are their places.
    pub(super) fn push_counts(&self, sql: &mut Sql, items: &[Counted], cap: Option<u64>) {
        for (item, counted) in items.iter().enumerate() {
            sql.push(if item > 0 { " UNION ALL " } else { "" });
            self.push_count(sql, item, *counted, cap);
        }
    }

    /// The same in as many pieces as the engine needs.
    pub(super) fn pieces(items: Vec<Counted>) -> Vec<Vec<Counted>> {
        items.chunks(PER_STATEMENT).map(<[Counted]>::to_vec).collect()
    }

    /// Writes a `SELECT` of the keys of some of these rows, as text.
    pub(super) fn push_sample(&self, sql: &mut Sql, counted: Counted, columns: &[crate::name::ColumnName], limit: u64) {
        let Some(table) = self.table_of(counted) else {
            return;
        };
        let text = match self.backend() {
            Backend::Postgres | Backend::Sqlite => "text",
            Backend::MySql => "char",
        };
        let list: Vec<_> = columns
            .iter()
            .map(|name| format!("CAST({} AS {text})", self.column("x", name)))
            .collect();
        sql.push(&format!(
            "SELECT {} FROM {} AS x WHERE ",
            list.join(", "),
            self.from(table)
        ));
        self.push_counted(sql, counted);
        sql.push(&format!(" ORDER BY {} LIMIT {limit}", self.columns("x", columns)));
    }
}

/// Reads the rows of a compound count.
pub(super) fn read(rows: &[QueryResult], items: &[Counted], counts: &mut Counts) -> Result<()> {
    for row in rows {
        let item = row
            .try_get_by_index::<i64>(0)
            .or_else(|_| row.try_get_by_index::<i32>(0).map(i64::from))?;
        let (rows, own): (i64, i64) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        if let Some(counted) = usize::try_from(item).ok().and_then(|item| items.get(item)) {
            counts.insert(
                *counted,
                Found {
                    rows: number(rows),
                    own: number(own),
                },
            );
        }
    }
    Ok(())
}

/// A count as the engines give it.
pub(super) fn number(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// Whether the roots' arm is what is counted.
pub(super) fn is_roots(arm: &Arm) -> bool {
    arm.set == ROOTS && arm.key.is_none()
}
