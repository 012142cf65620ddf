//! How dangerous a change is, and why.

mod columns;

use std::fmt;

use serde::Serialize;

use super::change::Change;
use crate::backend::Backend;
use crate::schema::{ForeignKey, NamedType, NamedTypeKind};
use columns::{added_column, changed_column};

/// How dangerous a change is for a database in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// It is quick and cannot fail because of what rows hold.
    Safe,
    /// Others wait while it runs.
    Blocking,
    /// Whether it succeeds, or what rows hold afterwards, depends on what they hold.
    DataDependent,
    /// It loses rows or values.
    Destructive,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safe => "safe",
            Self::Blocking => "blocking",
            Self::DataDependent => "data-dependent",
            Self::Destructive => "destructive",
        })
    }
}

const REBUILD: &str = "SQLite builds the table anew; nobody writes meanwhile";

pub(super) fn classify(backend: Backend, change: &Change) -> (Class, &'static str) {
    use Class::{Blocking, DataDependent, Destructive, Safe};
    let sqlite = backend == Backend::Sqlite;
    match change {
        Change::CreateType { .. } | Change::CreateSequence { .. } | Change::CreateTable { .. } => {
            (Safe, "nothing uses it yet")
        }
        Change::ChangeType { from, to } => match is_only_longer(from, to) {
            true => (Safe, "labels are only added"),
            false => (
                DataDependent,
                "fails if a row has a value the new definition excludes; rewrites the tables that use it",
            ),
        },
        Change::DropType { .. } => (Blocking, "fails while a column uses it"),
        Change::DropSequence { .. } => (Destructive, "the last number it gave is lost"),
        Change::DropTable { .. } => (Destructive, "its rows are lost"),
        Change::ChangeOptions { .. } if sqlite => (
            DataDependent,
            "SQLite builds the table anew; STRICT refuses values of other types",
        ),
        Change::ChangeOptions { from, to, .. } if from.partition_by != to.partition_by => {
            (DataDependent, "no statement does it: make the table anew")
        }
        Change::ChangeOptions { from, to, .. } if from.inherits != to.inherits => (
            Blocking,
            "quick, but takes a lock on both tables; the parent then has other rows",
        ),
        Change::ChangeOptions { .. } => (Blocking, "the table is written anew"),
        Change::AddColumn { column, .. } => added_column(backend, column),
        Change::DropColumn { .. } => (Destructive, "its values are lost"),
        Change::ChangeColumn { from, to, .. } => changed_column(backend, from, to),
        Change::ChangePrimaryKey { to: Some(_), .. } => (
            DataDependent,
            "fails if two rows agree in it or one has NULL there; others wait",
        ),
        Change::ChangePrimaryKey { to: None, .. } => (Blocking, "rows may repeat afterwards"),
        Change::AddUniqueKey { .. } => (
            DataDependent,
            "fails if two rows agree in it; writers may wait while it is built",
        ),
        Change::DropUniqueKey { .. } => match sqlite {
            true => (Blocking, REBUILD),
            false => (Blocking, "rows may repeat afterwards"),
        },
        Change::AddIndex { index, .. } | Change::RebuildIndex { index, .. } if index.unique => (
            DataDependent,
            "fails if two rows agree in it; writers may wait while it is built",
        ),
        Change::AddIndex { index, .. } if backend == Backend::MySql && index.method.is_some() => {
            (Blocking, "writers wait while it is built")
        }
        Change::AddIndex { .. } | Change::RebuildIndex { .. } => match backend {
            Backend::MySql => (Safe, "InnoDB builds it while others write"),
            Backend::Postgres => (
                Blocking,
                "writers wait while it is built; CREATE INDEX CONCURRENTLY lets them go on",
            ),
            Backend::Sqlite => (Blocking, "nobody writes while it is built"),
        },
        Change::DropIndex { index, .. } if index.unique => (Blocking, "rows may repeat afterwards"),
        Change::DropIndex { .. } => (
            Blocking,
            "quick, but what searched by it reads the whole table afterwards",
        ),
        Change::AddCheck { check, .. } if check.not_validated => {
            (Blocking, "quick: rows that are there are not checked")
        }
        Change::AddCheck { .. } => match sqlite {
            true => (
                DataDependent,
                "fails if a row does not pass; SQLite builds the table anew",
            ),
            false => (
                DataDependent,
                "fails if a row does not pass; writers wait while that is checked",
            ),
        },
        Change::DropCheck { .. } if sqlite => (Blocking, REBUILD),
        Change::DropCheck { .. } => (Blocking, "quick, but rows need not pass it afterwards"),
        Change::ValidateCheck { .. } => (DataDependent, "fails if a row does not pass; blocks nobody"),
        Change::AddForeignKey { .. }
        | Change::DropForeignKey { .. }
        | Change::ChangeForeignKey { .. }
        | Change::ValidateForeignKey { .. } => foreign_key(sqlite, change),
    }
}

fn foreign_key(sqlite: bool, change: &Change) -> (Class, &'static str) {
    use Class::{Blocking, DataDependent};
    match change {
        Change::AddForeignKey { .. } if sqlite => (
            DataDependent,
            "fails if a row references nothing; SQLite builds the table anew",
        ),
        Change::AddForeignKey { key } if key.not_validated || key.not_enforced => (
            Blocking,
            "rows that are there are not checked; takes a lock on both tables",
        ),
        Change::AddForeignKey { .. } => (
            DataDependent,
            "fails if a row references nothing; writers of both tables wait while that is checked",
        ),
        Change::DropForeignKey { .. } if sqlite => (Blocking, REBUILD),
        Change::DropForeignKey { .. } => (Blocking, "takes a lock on both tables; rows may dangle afterwards"),
        Change::ChangeForeignKey { .. } if sqlite => (Blocking, REBUILD),
        Change::ChangeForeignKey { from, to } if is_stricter(from, to) => (
            DataDependent,
            "fails if a row references nothing, which the key that is there lets pass; writers of both tables wait",
        ),
        Change::ChangeForeignKey { .. } => (
            Blocking,
            "the key is dropped and added again; writers of both tables wait while it is checked",
        ),
        // Validation.
        _ => (DataDependent, "fails if a row references nothing; blocks nobody"),
    }
}

/// Whether rows that the one key takes may be refused by the other.
fn is_stricter(from: &ForeignKey, to: &ForeignKey) -> bool {
    let was_not_checked = from.not_validated || from.not_enforced;
    (was_not_checked && !to.not_validated && !to.not_enforced) || (from.matching != to.matching)
}

/// Whether an enum only gets more labels, and those it has keep their order.
pub(super) fn is_only_longer(from: &NamedType, to: &NamedType) -> bool {
    match (&from.kind, &to.kind) {
        (NamedTypeKind::Enum(from), NamedTypeKind::Enum(to)) => {
            from.iter().eq(to.iter().filter(|label| from.contains(label)))
        }
        (NamedTypeKind::Enum(_) | NamedTypeKind::Domain(_), _) => false,
    }
}
