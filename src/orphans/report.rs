//! [`RepairReport`]: what a repair did, or would do.

use std::fmt;

use super::repair::{Mode, Repair};
use crate::name::Relation;

/// What a repair did, or would do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RepairReport {
    /// The key that was repaired.
    pub relation: Relation,
    /// How.
    pub repair: Repair,
    /// Whether it was done.
    pub mode: Mode,
    /// Rows whose reference dangled.
    pub found: u64,
    /// Rows below those, in the same table, that go with them: only if a key that cascades references its own table.
    pub below: u64,
    /// Rows of the table that were changed or deleted; in a dry run none. Rows of other tables are in [`further`](Self::further).
    pub changed: u64,
    /// Rows whose reference dangles afterwards: written meanwhile where no constraint holds writers back, or kept by a trigger; in a dry
    /// run all of them.
    pub remaining: u64,
    /// What a delete does to rows of other tables, or of the same table through another key: the rows that reference those that go, and
    /// no further. What hangs on *them* is not counted.
    pub further: Vec<Further>,
}

/// Rows that reference rows that are deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Further {
    /// The key they reference them through.
    pub relation: Relation,
    /// How many they are.
    pub rows: u64,
    /// What becomes of them.
    pub effect: Effect,
    /// Whether it is the database that does it, through a constraint.
    pub by_database: bool,
}

/// What becomes of a row that references a deleted row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// It goes too.
    Deleted,
    /// Its reference becomes NULL.
    SetNull,
    /// Its reference takes its default.
    SetDefault,
    /// It forbids the delete, unless it goes for another reason.
    Blocks,
    /// It is an orphan afterwards: a repair does not carry out the actions of keys that only the application enforces.
    Dangles,
}

impl RepairReport {
    /// What forbids the delete, as far as it can be told beforehand.
    pub fn blockers(&self) -> impl Iterator<Item = &Further> {
        self.further.iter().filter(|further| further.effect == Effect::Blocks)
    }
}

/// A line for the table and one for each key that references it.
///
/// ```text
/// posts.user_id: 3 row(s) found, 3 deleted
/// comments.post_id: 5 row(s) deleted with them
/// ```
impl fmt::Display for RepairReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = match self.repair {
            Repair::Delete => "deleted",
            Repair::SetNull => "set to NULL",
            Repair::Reown(_) => "re-owned",
        };
        write!(f, "{}: {} row(s) found", self.relation, self.found)?;
        if self.below > 0 {
            write!(f, ", {} below them", self.below)?;
        }
        match self.mode {
            Mode::DryRun => write!(f, ", would be {done}")?,
            Mode::Apply => write!(f, ", {} {done}", self.changed)?,
        }
        if self.mode == Mode::Apply && self.remaining > 0 {
            write!(f, ", {} remaining", self.remaining)?;
        }
        for further in &self.further {
            write!(f, "\n{}: {} row(s) {}", further.relation, further.rows, further.effect)?;
        }
        Ok(())
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deleted => "deleted with them",
            Self::SetNull => "set to NULL",
            Self::SetDefault => "set to the default",
            Self::Blocks => "block the delete",
            Self::Dangles => "dangle afterwards",
        })
    }
}
