//! [`Schema`]: the whole, and what stands beside its tables.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::foreign_key::ForeignKey;
use super::table::Table;
use crate::backend::Backend;
use crate::name::TableName;

/// Tables with their keys, as one engine has them or would have them.
///
/// Two schemas are equal if every name and attribute is; whether one database does the same as another is a question for
/// `diff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Schema {
    /// The engine whose types and expressions these are.
    pub backend: Backend,
    /// The tables, by name.
    pub tables: Vec<Table>,
    /// Enums and domains, by name. PostgreSQL only: elsewhere an enum is a column's type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<NamedType>,
    /// Sequences that no column owns, by name. PostgreSQL and MariaDB.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sequences: Vec<Sequence>,
    /// What the catalog has and this model leaves out: views, partitions, members of extensions, triggers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// What the catalog says in words this version does not know. The thing is there all the same, with that attribute unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// A type with a name of its own (PostgreSQL).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NamedType {
    /// Its name.
    pub name: TableName,
    /// What it is.
    pub kind: NamedTypeKind,
}

/// What a [`NamedType`] is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NamedTypeKind {
    /// One of these labels, in their order.
    Enum(Vec<String>),
    /// Another type, narrowed: `integer CHECK (VALUE >= 1901)`, as SQL.
    Domain(String),
}

/// A sequence that no column owns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sequence {
    /// Its name.
    pub name: TableName,
    /// What follows its name when it is created: `AS bigint START WITH 1 INCREMENT BY 1`, as SQL. May be empty.
    pub definition: String,
}

/// Something the model leaves out knowingly.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// What it is.
    pub kind: LeftOutKind,
    /// Its name.
    pub name: TableName,
    /// The table it belongs to: a trigger's, or a partition's parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableName>,
    /// The statement that made it, where the catalog keeps it (SQLite).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}

/// What a [`LeftOut`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeftOutKind {
    /// A view, materialised or not.
    View,
    /// A partition: its parent is in the model.
    Partition,
    /// A foreign table.
    ForeignTable,
    /// A table, type or sequence that belongs to an extension.
    ExtensionMember,
    /// A virtual table, or a table in which one keeps its contents (SQLite).
    VirtualTable,
    /// A trigger.
    Trigger,
}

impl NamedType {
    /// A type.
    pub fn new(name: impl Into<TableName>, kind: NamedTypeKind) -> Self {
        Self {
            name: name.into(),
            kind,
        }
    }
}

impl Sequence {
    /// A sequence.
    pub fn new(name: impl Into<TableName>, definition: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            definition: definition.into(),
        }
    }
}

impl Schema {
    /// A schema without tables.
    #[must_use]
    pub const fn new(backend: Backend) -> Self {
        Self {
            backend,
            tables: Vec::new(),
            types: Vec::new(),
            sequences: Vec::new(),
            left_out: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// The table of this name.
    #[must_use]
    pub fn table(&self, name: &TableName) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == *name)
    }

    /// The table of this name, to change.
    pub fn table_mut(&mut self, name: &TableName) -> Option<&mut Table> {
        self.tables.iter_mut().find(|table| table.name == *name)
    }

    /// All foreign keys, by referencing table and columns.
    pub fn foreign_keys(&self) -> impl Iterator<Item = &ForeignKey> {
        self.tables.iter().flat_map(|table| &table.foreign_keys)
    }

    /// The type of this name.
    #[must_use]
    pub fn named_type(&self, name: &TableName) -> Option<&NamedType> {
        self.types.iter().find(|known| known.name == *name)
    }

    /// Puts everything into the stable order. What makes or changes a schema ends with this.
    pub fn sort(&mut self) {
        self.tables.sort_by(|a, b| a.name.cmp(&b.name));
        for table in &mut self.tables {
            table.sort();
        }
        self.types.sort();
        self.sequences.sort();
        self.left_out.sort();
        self.unknown.sort();
    }

    /// 16 hexadecimal digits that change with every table, column, key, index and attribute of either, and with nothing else: not with
    /// the order in which things were created, nor with what is [left out](Self::left_out).
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut sorted = self.clone();
        sorted.sort();
        sorted.left_out.clear();
        let digest = Sha256::digest(sorted.to_string().as_bytes());
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}
