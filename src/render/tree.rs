//! [`tree`]: what references what, as text.

use std::collections::BTreeSet;

use crate::name::TableName;
use crate::schema::{Enforcement, ForeignKey, Schema};

/// What references a table, directly or not, as a tree with the action each key has on delete; without a table, everything, from the
/// tables that reference no other.
///
/// A table that was shown before is not unfolded again: it ends with `…`. A table that no key connects to another is a line of its own.
///
/// ```
/// use sea_orm_cascade::{Backend, render, schema::Schema};
///
/// let schema = Schema::from_entities(Backend::Sqlite, &entity::entities())?;
/// assert_eq!(render::tree(&schema, None), "\
/// users
/// └─ posts.user_id  cascade
/// ");
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
#[must_use]
pub fn tree(schema: &Schema, table: Option<&TableName>) -> String {
    let mut drawing = Drawing {
        schema,
        shown: BTreeSet::new(),
        lines: Vec::new(),
    };
    match table {
        Some(table) => drawing.root(table),
        None => {
            let references_none = |table: &TableName| {
                let keys = schema.foreign_keys().filter(|key| key.relation.table == *table);
                keys.into_iter().all(|key| key.relation.referenced_table == *table)
            };
            let names = || schema.tables.iter().map(|table| &table.name);
            for table in names().filter(|table| references_none(table)) {
                drawing.root(table);
            }
            // What is left is in a circle, or hangs on one, or references what the schema does not have.
            for table in names() {
                if !drawing.shown.contains(table) {
                    drawing.root(table);
                }
            }
        }
    }
    let width = drawing
        .lines
        .iter()
        .map(|(left, _)| left.chars().count())
        .fold(0, Ord::max);
    let lines = drawing.lines.iter().map(|(left, right)| match right.is_empty() {
        true => format!("{left}\n"),
        false => format!("{left:width$}  {right}\n"),
    });
    lines.collect()
}

struct Drawing<'a> {
    schema: &'a Schema,
    shown: BTreeSet<&'a TableName>,
    /// What stands left and right of a line.
    lines: Vec<(String, String)>,
}

/// One table whose referencing keys are still to be drawn.
struct Open<'a> {
    keys: std::vec::IntoIter<&'a ForeignKey>,
    indent: String,
}

impl<'a> Drawing<'a> {
    /// Depth first, with a stack of its own: a chain of keys may be longer than the thread's.
    fn root(&mut self, table: &'a TableName) {
        self.lines.push((table.to_string(), String::new()));
        self.shown.insert(table);
        let mut stack = vec![self.open(table, String::new())];
        while let Some(open) = stack.last_mut() {
            let Some(key) = open.keys.next() else {
                stack.pop();
                continue;
            };
            let is_last = open.keys.as_slice().is_empty();
            let (branch, below) = if is_last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let (line, indent) = (format!("{}{branch}", open.indent), format!("{}{below}", open.indent));
            let child = &key.relation.table;
            let referencing = !self.referencing(child).is_empty();
            let again = !self.shown.insert(child);
            let more = if again && referencing { " …" } else { "" };
            self.lines
                .push((format!("{line}{}{more}", key.relation), attributes(key)));
            if !again {
                stack.push(self.open(child, indent));
            }
        }
    }

    fn open(&self, table: &TableName, indent: String) -> Open<'a> {
        Open {
            keys: self.referencing(table).into_iter(),
            indent,
        }
    }

    fn referencing(&self, table: &TableName) -> Vec<&'a ForeignKey> {
        let keys = self.schema.foreign_keys();
        keys.filter(|key| key.relation.referenced_table == *table).collect()
    }
}

fn attributes(key: &ForeignKey) -> String {
    match key.enforced_by {
        Enforcement::Database => key.on_delete.to_string(),
        Enforcement::Application | Enforcement::Loose => format!("{}, by {}", key.on_delete, key.enforced_by),
    }
}
