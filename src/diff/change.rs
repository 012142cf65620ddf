//! [`Change`]: one thing that is different.

use std::fmt;

use serde::Serialize;

use super::class::{self, Class};
use crate::backend::Backend;
use crate::name::TableName;
use crate::schema::{
    Check, Column, Enforcement, ForeignKey, Index, NamedType, NamedTypeKind, PrimaryKey, Sequence, Table, TableOptions,
    UniqueKey,
};

/// A change with what it means for a database in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// What has to change.
    pub change: Change,
    /// How dangerous that is.
    pub class: Class,
    /// Why.
    pub reason: String,
}

impl Difference {
    pub(super) fn new(backend: Backend, change: Change) -> Self {
        let (class, reason) = class::classify(backend, &change);
        Self {
            change,
            class,
            reason: reason.to_owned(),
        }
    }
}

/// One thing that has to change. [`Display`](fmt::Display) says it in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "`from` is what is there and `to` what should be; the other fields are what the variant's sentence is about"
)]
pub enum Change {
    /// A type is missing.
    CreateType { named: NamedType },
    /// A type has other labels or another definition.
    ChangeType { from: NamedType, to: NamedType },
    /// A type is there that should not be.
    DropType { named: NamedType },
    /// A sequence is missing.
    CreateSequence { sequence: Sequence },
    /// A sequence is there that should not be.
    DropSequence { sequence: Sequence },
    /// A table is missing.
    CreateTable { table: Box<Table> },
    /// A table is there that should not be.
    DropTable { table: Box<Table> },
    /// A table's options differ.
    ChangeOptions {
        table: TableName,
        from: Box<TableOptions>,
        to: Box<TableOptions>,
    },
    /// A column is missing.
    AddColumn { table: TableName, column: Box<Column> },
    /// A column is there that should not be.
    DropColumn { table: TableName, column: Box<Column> },
    /// A column differs.
    ChangeColumn {
        table: TableName,
        from: Box<Column>,
        to: Box<Column>,
    },
    /// The primary key is missing, differs, or is there and should not be.
    ChangePrimaryKey {
        table: TableName,
        from: Option<PrimaryKey>,
        to: Option<PrimaryKey>,
    },
    /// A unique key is missing.
    AddUniqueKey { table: TableName, key: UniqueKey },
    /// A unique key is there that should not be.
    DropUniqueKey { table: TableName, key: UniqueKey },
    /// An index is missing.
    AddIndex { table: TableName, index: Index },
    /// An index is there that should not be.
    DropIndex { table: TableName, index: Index },
    /// An index is unusable.
    RebuildIndex { table: TableName, index: Index },
    /// A foreign key is missing.
    AddForeignKey { key: Box<ForeignKey> },
    /// A foreign key is there that should not be.
    DropForeignKey { key: Box<ForeignKey> },
    /// A foreign key has other attributes.
    ChangeForeignKey { from: Box<ForeignKey>, to: Box<ForeignKey> },
    /// A foreign key is there and was never checked.
    ValidateForeignKey { key: Box<ForeignKey> },
    /// A check is missing.
    AddCheck { table: TableName, check: Check },
    /// A check is there that should not be.
    DropCheck { table: TableName, check: Check },
    /// A check is there and was never checked.
    ValidateCheck { table: TableName, check: Check },
}

impl Change {
    /// The table it is about, unless it is about a type or a sequence.
    #[must_use]
    pub const fn table(&self) -> Option<&TableName> {
        match self {
            Self::CreateType { .. }
            | Self::ChangeType { .. }
            | Self::DropType { .. }
            | Self::CreateSequence { .. }
            | Self::DropSequence { .. } => None,
            Self::CreateTable { table } | Self::DropTable { table } => Some(&table.name),
            Self::ChangeOptions { table, .. }
            | Self::AddColumn { table, .. }
            | Self::DropColumn { table, .. }
            | Self::ChangeColumn { table, .. }
            | Self::ChangePrimaryKey { table, .. }
            | Self::AddUniqueKey { table, .. }
            | Self::DropUniqueKey { table, .. }
            | Self::AddIndex { table, .. }
            | Self::DropIndex { table, .. }
            | Self::RebuildIndex { table, .. }
            | Self::AddCheck { table, .. }
            | Self::DropCheck { table, .. }
            | Self::ValidateCheck { table, .. } => Some(table),
            Self::AddForeignKey { key } | Self::DropForeignKey { key } | Self::ValidateForeignKey { key } => {
                Some(&key.relation.table)
            }
            Self::ChangeForeignKey { to, .. } => Some(&to.relation.table),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(table) = self.table() {
            write!(f, "{table}: ")?;
        }
        match self {
            Self::CreateType { named } => write!(f, "create type {}", named.name),
            Self::ChangeType { from, to } => {
                write!(f, "change type {}: {} to {}", to.name, type_text(from), type_text(to))
            }
            Self::DropType { named } => write!(f, "drop type {}", named.name),
            Self::CreateSequence { sequence } => write!(f, "create sequence {}", sequence.name),
            Self::DropSequence { sequence } => write!(f, "drop sequence {}", sequence.name),
            Self::CreateTable { .. } => f.write_str("create table"),
            Self::DropTable { .. } => f.write_str("drop table, which nothing declares"),
            Self::ChangeOptions { from, to, .. } => write!(f, "change options: {}", options(from, to)),
            Self::AddColumn { column, .. } => write!(f, "add column {column}"),
            Self::DropColumn { column, .. } => write!(f, "drop column {}, which nothing declares", column.name),
            Self::ChangeColumn { from, to, .. } => write!(f, "change column {}: {}", to.name, column(from, to)),
            Self::ChangePrimaryKey { from, to, .. } => match (from, to) {
                (_, None) => f.write_str("drop the primary key"),
                (None, Some(to)) => write!(f, "add {to}"),
                (Some(from), Some(to)) => write!(f, "change {from} to {to}"),
            },
            Self::AddUniqueKey { key, .. } => write!(f, "add {key}"),
            Self::DropUniqueKey { key, .. } => write!(f, "drop {key}, which nothing declares"),
            Self::AddIndex { index, .. } => write!(f, "add {index}"),
            Self::DropIndex { index, .. } => write!(f, "drop {index}, which nothing declares"),
            Self::RebuildIndex { index, .. } => write!(f, "rebuild {index}"),
            Self::AddForeignKey { key } => write!(f, "add {key}"),
            Self::DropForeignKey { key } => write!(f, "drop {key}, which nothing declares"),
            Self::ChangeForeignKey { from, to } => {
                write!(f, "change foreign key {}: {}", to.relation, foreign_key(from, to))
            }
            Self::ValidateForeignKey { key } => write!(f, "validate {key}"),
            Self::AddCheck { check, .. } => write!(f, "add {check}"),
            Self::DropCheck { check, .. } => write!(f, "drop {check}, which nothing declares"),
            Self::ValidateCheck { check, .. } => write!(f, "validate {check}"),
        }
    }
}

fn type_text(named: &NamedType) -> String {
    match &named.kind {
        NamedTypeKind::Enum(labels) => format!("({})", labels.join(", ")),
        NamedTypeKind::Domain(definition) => definition.clone(),
    }
}

/// What is different between two columns of one name.
fn column(from: &Column, to: &Column) -> String {
    let mut parts = Vec::new();
    if from.data_type != to.data_type {
        parts.push(format!("type {} to {}", from.data_type, to.data_type));
    }
    if from.nullable != to.nullable {
        parts.push(if to.nullable { "nullable" } else { "not null" }.to_owned());
    }
    let either = |word: &str, from: &Option<String>, to: &Option<String>, parts: &mut Vec<String>| match (from, to) {
        (from, to) if from == to => {}
        (None, Some(to)) => parts.push(format!("{word} {to}")),
        (Some(_), None) => parts.push(format!("no {word}")),
        (Some(from), Some(to)) => parts.push(format!("{word} {from} to {to}")),
        (None, None) => {}
    };
    either("default", &from.default, &to.default, &mut parts);
    let shown = |identity: Option<crate::schema::Identity>| identity.map(|identity| identity.to_string());
    if from.identity != to.identity {
        parts.push(match (shown(from.identity), shown(to.identity)) {
            (Some(from), Some(to)) => format!("{from} to {to}"),
            (None, to) => to.unwrap_or_default(),
            (Some(from), None) => format!("no {from}"),
        });
    }
    let expression = |column: &Column| column.generated.as_ref().map(|made| made.expression.clone());
    if from.generated != to.generated {
        let before = parts.len();
        either("expression", &expression(from), &expression(to), &mut parts);
        if parts.len() == before {
            parts.push("stored or virtual".to_owned());
        }
    }
    either("collation", &from.collation, &to.collation, &mut parts);
    either("on update", &from.on_update, &to.on_update, &mut parts);
    parts.join(", ")
}

/// What is different between two foreign keys that are the same key.
fn foreign_key(from: &ForeignKey, to: &ForeignKey) -> String {
    let mut parts = Vec::new();
    if from.on_delete != to.on_delete {
        parts.push(format!("on delete {} to {}", from.on_delete, to.on_delete));
    }
    if from.on_delete_columns != to.on_delete_columns {
        let list = |key: &ForeignKey| match key.on_delete_columns.as_slice() {
            [] => "all columns".to_owned(),
            some => crate::name::ColumnList(some).to_string(),
        };
        parts.push(format!("on delete of {} to {}", list(from), list(to)));
    }
    if from.on_update != to.on_update {
        parts.push(format!("on update {} to {}", from.on_update, to.on_update));
    }
    if from.matching != to.matching {
        parts.push("match type".to_owned());
    }
    if from.deferrable != to.deferrable {
        parts.push("when it is checked".to_owned());
    }
    if from.not_enforced != to.not_enforced {
        parts.push(if to.not_enforced { "not enforced" } else { "enforced" }.to_owned());
    }
    if from.enforced_by != to.enforced_by && to.enforced_by != Enforcement::Database {
        parts.push(format!("enforced by {}", to.enforced_by));
    }
    parts.join(", ")
}

fn options(from: &TableOptions, to: &TableOptions) -> String {
    let mut parts = Vec::new();
    if from.strict != to.strict {
        parts.push(if to.strict { "strict" } else { "not strict" }.to_owned());
    }
    if from.without_rowid != to.without_rowid {
        parts.push(
            if to.without_rowid {
                "without rowid"
            } else {
                "with rowid"
            }
            .to_owned(),
        );
    }
    if from.partition_by != to.partition_by {
        parts.push("partitioning".to_owned());
    }
    if from.inherits != to.inherits {
        parts.push("inheritance".to_owned());
    }
    if from.engine != to.engine {
        let name = |engine: &Option<String>| engine.clone().unwrap_or_else(|| "InnoDB".to_owned());
        parts.push(format!("engine {} to {}", name(&from.engine), name(&to.engine)));
    }
    parts.join(", ")
}
