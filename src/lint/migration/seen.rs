//! [`Seen`]: what a rule about migrations has seen, and at which statement.

use super::super::finding::Draft;
use super::history::Event;
use crate::name::{ColumnList, ColumnName, TableName};

/// A finding in the making.
pub(in crate::lint) struct Seen {
    pub(in crate::lint) draft: Draft,
    /// The statement.
    pub(in crate::lint) source: usize,
}

impl Seen {
    pub(super) const fn of(event: &Event, draft: Draft) -> Self {
        Self {
            draft,
            source: event.source,
        }
    }
}

/// `posts.user_id`, or the table if the columns are not known.
pub(super) fn column_of(table: &TableName, columns: &[ColumnName]) -> String {
    match columns {
        [] => table.to_string(),
        columns => format!("{table}.{}", ColumnList(columns)),
    }
}
