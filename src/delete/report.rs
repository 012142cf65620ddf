//! What a delete did, or would do, table by table.

use std::fmt;

use super::plan::Plan;
use crate::name::{Relation, TableName};
use crate::schema::Action;

/// What a delete did, in the order in which it was done: referencing tables before the tables they reference.
///
/// [`Display`](fmt::Display) writes a line a table:
///
/// ```text
/// posts  deleted 3
/// users  deleted 1
/// ```
#[derive(Debug, Clone)]
pub struct DeleteReport {
    pub(super) plan: Plan,
    pub(super) roots: u64,
    pub(super) tables: Vec<TableReport>,
    pub(super) not_counted: Vec<TableName>,
}

/// What a delete does to one table, in rows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableReport {
    /// The table.
    pub table: TableName,
    /// Rows that go.
    pub deleted: u64,
    /// Rows that stay and whose reference becomes NULL; a row that several keys would set counts once, for the first of them.
    pub set_null: u64,
    /// Rows that stay and whose reference takes its default.
    pub set_default: u64,
    /// Rows that stay and whose reference takes the value its key names.
    pub set_value: u64,
    /// Rows that stay and whose reference dangles.
    pub dangling: u64,
    /// The same by key: a row that several keys reach counts in each.
    pub by: Vec<KeyReport>,
}

/// What a delete does to the rows that reference through one key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyReport {
    /// The key.
    pub relation: Relation,
    /// What it does on delete.
    pub action: Action,
    /// The rows it does that to.
    pub rows: u64,
    /// Whether that was left to the database.
    pub by_database: bool,
}

impl TableReport {
    pub(super) fn new(table: TableName) -> Self {
        Self {
            table,
            deleted: 0,
            set_null: 0,
            set_default: 0,
            set_value: 0,
            dangling: 0,
            by: Vec::new(),
        }
    }

    /// Whether no row is touched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts().iter().all(|(_, rows)| *rows == 0)
    }

    /// The counts with their words.
    pub(super) fn counts(&self) -> [(&'static str, u64); 5] {
        [
            ("deleted", self.deleted),
            ("set null", self.set_null),
            ("set default", self.set_default),
            ("set value", self.set_value),
            ("dangling", self.dangling),
        ]
    }
}

impl DeleteReport {
    /// Rows deleted from a table; 0 for a table the delete did not reach, or [did not count](Self::not_counted).
    #[must_use]
    pub fn deleted(&self, table: &str) -> u64 {
        self.sum(table, |report| report.deleted)
    }

    /// Rows of a table whose reference became NULL.
    #[must_use]
    pub fn set_null(&self, table: &str) -> u64 {
        self.sum(table, |report| report.set_null)
    }

    /// Rows of a table whose reference took its default.
    #[must_use]
    pub fn set_default(&self, table: &str) -> u64 {
        self.sum(table, |report| report.set_default)
    }

    /// Rows of a table whose reference took the value its key names.
    #[must_use]
    pub fn set_value(&self, table: &str) -> u64 {
        self.sum(table, |report| report.set_value)
    }

    /// Rows of a table whose reference dangles now.
    #[must_use]
    pub fn dangling(&self, table: &str) -> u64 {
        self.sum(table, |report| report.dangling)
    }

    /// How many of the rows there were that the delete started from.
    #[must_use]
    pub const fn roots(&self) -> u64 {
        self.roots
    }

    /// Rows deleted from all counted tables.
    #[must_use]
    pub fn total_deleted(&self) -> u64 {
        self.tables.iter().map(|report| report.deleted).sum()
    }

    /// Each table the delete could reach, in the order of execution.
    #[must_use]
    pub fn tables(&self) -> &[TableReport] {
        &self.tables
    }

    /// Tables whose rows may have gone too, or been changed, and were not counted: the database did it, and
    /// [counting was declined](super::Counting::Declined).
    #[must_use]
    pub fn not_counted(&self) -> &[TableName] {
        &self.not_counted
    }

    /// What was carried out.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    fn sum(&self, table: &str, rows: impl Fn(&TableReport) -> u64) -> u64 {
        self.tables
            .iter()
            .filter(|report| report.table.name() == table || report.table.to_string() == table)
            .map(rows)
            .sum()
    }
}

impl fmt::Display for DeleteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = || {
            let counted = self
                .tables
                .iter()
                .filter(|report| !self.not_counted.contains(&report.table));
            counted.filter(|report| !report.is_empty())
        };
        let names = shown().map(|report| &report.table).chain(&self.not_counted);
        let width = names.map(|table| table.to_string().chars().count()).max().unwrap_or(0);
        let mut line = Separator::default();
        for report in shown() {
            line.begin(f)?;
            write!(f, "{:width$}", report.table.to_string())?;
            for (word, rows) in report.counts() {
                if rows > 0 {
                    write!(f, "  {word} {rows}")?;
                }
            }
        }
        for table in &self.not_counted {
            line.begin(f)?;
            write!(f, "{:width$}  not counted", table.to_string())?;
        }
        if line.lines == 0 {
            f.write_str("nothing deleted")?;
        }
        Ok(())
    }
}

/// Line breaks between lines, and none after the last.
#[derive(Default)]
struct Separator {
    lines: usize,
}

impl Separator {
    fn begin(&mut self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines += 1;
        if self.lines > 1 { writeln!(f) } else { Ok(()) }
    }
}
