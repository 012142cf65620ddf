//! [`DeleteReport`]: what a delete did, table by table.

use std::fmt;

use crate::name::TableName;

/// What a delete did, in the order the database did it: referencing tables before the tables they reference.
///
/// [`Display`](fmt::Display) writes a line a table:
///
/// ```text
/// posts  deleted 3
/// users  deleted 1
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteReport {
    tables: Vec<TableReport>,
    not_counted: Vec<TableName>,
}

/// What a delete did to one table, in rows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableReport {
    /// The table.
    pub table: TableName,
    /// Rows that went.
    pub deleted: u64,
    /// Rows that stayed and whose reference became NULL.
    pub set_null: u64,
    /// Rows that stayed and whose reference took its default.
    pub set_default: u64,
}

impl TableReport {
    pub(super) fn new(table: TableName) -> Self {
        Self {
            table,
            deleted: 0,
            set_null: 0,
            set_default: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.deleted == 0 && self.set_null == 0 && self.set_default == 0
    }
}

impl DeleteReport {
    pub(super) fn new(tables: Vec<TableReport>, not_counted: Vec<TableName>) -> Self {
        Self { tables, not_counted }
    }

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

    /// Tables whose rows may have gone too and were not counted: several tables that cascade in a circle, tables reached
    /// over more than 150 paths or one of more than 30 keys, and what cascades from such tables.
    #[must_use]
    pub fn not_counted(&self) -> &[TableName] {
        &self.not_counted
    }

    fn sum(&self, table: &str, rows: impl Fn(&TableReport) -> u64) -> u64 {
        self.tables
            .iter()
            .filter(|report| report.table.name() == table)
            .map(rows)
            .sum()
    }
}

impl fmt::Display for DeleteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = || self.tables.iter().filter(|report| !report.is_empty());
        let names = shown().map(|report| &report.table).chain(&self.not_counted);
        let width = names.map(|table| table.to_string().chars().count()).max().unwrap_or(0);
        let mut line = Separator::default();
        for report in shown() {
            line.begin(f)?;
            write!(f, "{:width$}", report.table.to_string())?;
            for (word, rows) in [
                ("deleted", report.deleted),
                ("set null", report.set_null),
                ("set default", report.set_default),
            ] {
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
