//! A database as plain values: what the generator makes, the oracle reads, and SQL is written from.

use std::fmt;

use sea_orm_cascade::schema::Action;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Text(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Text,
}

pub(crate) type Row = Vec<Cell>;

#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    pub(crate) default: Option<Cell>,
}

#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// The primary key, and then the others.
    pub(crate) unique: Vec<Vec<usize>>,
    pub(crate) rows: Vec<Row>,
}

/// A key: columns are places in their tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) table: usize,
    pub(crate) columns: Vec<usize>,
    pub(crate) referenced: usize,
    pub(crate) referenced_columns: Vec<usize>,
    pub(crate) action: Action,
    /// The columns that the action sets; empty means all.
    pub(crate) subset: Vec<usize>,
    /// What SET VALUE sets them to.
    pub(crate) values: Vec<Cell>,
    /// What the database's own constraint does, and the columns it sets.
    pub(crate) constraint: Option<(Action, Vec<usize>)>,
}

impl Key {
    pub(crate) fn set_columns(&self) -> &[usize] {
        match self.subset.as_slice() {
            [] => &self.columns,
            named => named,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    AtMost,
    Equal,
    IsNull,
}

#[derive(Debug, Clone)]
pub(crate) enum Which {
    /// The columns, and the values they have; no columns means the primary key.
    Keys(Vec<usize>, Vec<Row>),
    /// Any of these holds.
    Condition(Vec<(usize, Test, Cell)>),
}

#[derive(Debug, Clone)]
pub(crate) struct Graph {
    pub(crate) tables: Vec<Table>,
    pub(crate) keys: Vec<Key>,
    pub(crate) root: usize,
    pub(crate) which: Which,
}

impl Graph {
    pub(crate) fn name(&self, table: usize, column: usize) -> &str {
        &self.tables[table].columns[column].name
    }

    pub(crate) fn names(&self, table: usize, columns: &[usize]) -> Vec<&str> {
        columns.iter().map(|column| self.name(table, *column)).collect()
    }

    /// Keys in the order in which a report names them.
    pub(crate) fn sort(&mut self) {
        let mut keys = std::mem::take(&mut self.keys);
        keys.sort_by_key(|key| {
            let owned = |table: usize, columns: &[usize]| -> Vec<String> {
                self.names(table, columns).into_iter().map(str::to_owned).collect()
            };
            (
                self.tables[key.table].name.clone(),
                owned(key.table, &key.columns),
                self.tables[key.referenced].name.clone(),
                owned(key.referenced, &key.referenced_columns),
            )
        });
        self.keys = keys;
    }

    pub(crate) fn label(&self, key: &Key) -> String {
        format!(
            "{}({}) -> {}({})",
            self.tables[key.table].name,
            self.names(key.table, &key.columns).join(","),
            self.tables[key.referenced].name,
            self.names(key.referenced, &key.referenced_columns).join(",")
        )
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "'{text}'"),
        }
    }
}
