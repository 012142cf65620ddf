//! The words of each kind.

use std::fmt;

use super::{BlockReason, Blocker, Direction, ErrorKind, RetryReason, TimeLimit};
use crate::name::{ColumnList, ColumnName, ConstraintName, KeyValues, Relation, TableName};

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { table, key } => write!(f, "{table} has no row with {key}"),
            Self::Unique {
                table,
                columns,
                constraint,
            } => write_unique(f, table.as_ref(), columns, constraint.as_ref()),
            Self::ForeignKey {
                relation,
                key,
                direction,
            } => write_foreign_key(f, relation.as_ref(), key.as_ref(), *direction),
            Self::NotNull { table, column } => {
                write!(f, "{}{column} must have a value", Prefix(table.as_ref()))
            }
            Self::Check { table, name } => match table {
                Some(table) => write!(f, "the check {name} of {table} refuses the row"),
                None => write!(f, "the check {name} refuses the row"),
            },
            Self::Blocked { blockers } => write_blocked(f, blockers),
            Self::Vetoed { table, reason } => write!(f, "a hook refuses to let rows of {table} go: {reason}"),
            Self::Unfilled {
                relation,
                missing,
                dangling,
                sample,
            } => write_unfilled(f, relation, *missing, *dangling, sample),
            Self::StalePlan { difference } => write!(
                f,
                "nothing was deleted: this is not what was planned, for {difference}; plan again and look at it"
            ),
            Self::Stale { table, key } => write!(
                f,
                "the row of {table} with {key} has changed and no longer meets the update's condition: read it again"
            ),
            Self::Retryable { reason, attempts } => match attempts {
                0 | 1 => write!(f, "{reason}: run the transaction again"),
                more => write!(f, "{reason}, in each of {more} attempts"),
            },
            Self::Timeout { limit } => write!(f, "{limit}"),
            Self::Connection => f.write_str("the database cannot be reached, refuses the connection, or closed it"),
            Self::CommitUnknown => f.write_str(
                "the connection broke while committing: the transaction may or may not have been applied; look before trying again",
            ),
            Self::Aborted => f.write_str(
                "nothing was committed: a statement of the transaction had failed and its error was not passed on; \
                 return the error, or run such a statement in a nested transaction",
            ),
            Self::InvalidInput { problem } => f.write_str(problem),
            Self::Database { code: Some(code) } => write!(f, "the database refused the statement ({code})"),
            Self::Database { code: None } => f.write_str("the statement could not be carried out"),
        }
    }
}

fn write_blocked(f: &mut fmt::Formatter<'_>, blockers: &[Blocker]) -> fmt::Result {
    f.write_str("nothing was deleted: ")?;
    for (place, blocker) in blockers.iter().enumerate() {
        if place > 0 {
            f.write_str("; ")?;
        }
        write!(f, "{blocker}")?;
    }
    Ok(())
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            relation, reason, rows, ..
        } = self;
        let word = if *rows == 1 { "row" } else { "rows" };
        write!(f, "{rows} {word} of {} ", relation.table)?;
        let referenced = &relation.referenced_table;
        match reason {
            BlockReason::Restrict => write!(
                f,
                "would still reference {referenced} through {relation}, which is restrict"
            )?,
            BlockReason::NoAction => {
                write!(
                    f,
                    "would still reference {referenced} through {relation}, which has no action"
                )?;
            }
            BlockReason::Protect => write!(f, "reference {referenced} through {relation}, which is protected")?,
            BlockReason::Dangles => write!(f, "would reference no row of {referenced} through {relation}")?,
            BlockReason::Referenced => {
                write!(
                    f,
                    "reference rows of {referenced} through {relation}, whose key would change"
                )?;
            }
        }
        write_sample(f, &self.sample, *rows)
    }
}

/// ` (id 5, 9, …)`, or nothing.
fn write_sample(f: &mut fmt::Formatter<'_>, sample: &[KeyValues], rows: u64) -> fmt::Result {
    let Some(first) = sample.first() else {
        return Ok(());
    };
    let values: Vec<_> = sample.iter().map(KeyValues::value_list).collect();
    let shown = u64::try_from(values.len()).unwrap_or(u64::MAX);
    let more = if shown < rows { ", …" } else { "" };
    write!(f, " ({} {}{more})", ColumnList(first.columns()), values.join(", "))
}

fn write_unfilled(
    f: &mut fmt::Formatter<'_>,
    relation: &Relation,
    missing: u64,
    dangling: u64,
    sample: &[KeyValues],
) -> fmt::Result {
    let rows = |rows: u64| match rows {
        1 => format!("1 row of {}", relation.table),
        rows => format!("{rows} rows of {}", relation.table),
    };
    if missing > 0 {
        write!(
            f,
            "{} would get no value for {}",
            rows(missing),
            ColumnList(&relation.columns)
        )?;
    }
    if dangling > 0 {
        let link = if missing > 0 { ", and " } else { "" };
        let referenced = &relation.referenced_table;
        write!(f, "{link}{} would reference no row of {referenced}", rows(dangling))?;
    }
    write_sample(f, sample, missing.saturating_add(dangling))
}

/// `posts.`, or nothing.
struct Prefix<'a>(Option<&'a TableName>);

impl fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(table) => write!(f, "{table}."),
            None => Ok(()),
        }
    }
}

fn write_unique(
    f: &mut fmt::Formatter<'_>,
    table: Option<&TableName>,
    columns: &[ColumnName],
    constraint: Option<&ConstraintName>,
) -> fmt::Result {
    match table {
        Some(table) => write!(f, "another row of {table} already has the same ")?,
        None => f.write_str("another row already has the same ")?,
    }
    match (columns.is_empty(), constraint) {
        (false, _) => write!(f, "{}", ColumnList(columns)),
        (true, Some(constraint)) => write!(f, "values ({constraint})"),
        (true, None) => f.write_str("values"),
    }
}

fn write_foreign_key(
    f: &mut fmt::Formatter<'_>,
    relation: Option<&Relation>,
    key: Option<&KeyValues>,
    direction: Option<Direction>,
) -> fmt::Result {
    let Some(relation) = relation else {
        return f.write_str(match direction {
            Some(Direction::MissingParent) => {
                "the row references a row that is not there, and the database does not say through which foreign key"
            }
            Some(Direction::StillReferenced) => {
                "the row is still referenced, and the database does not say through which foreign key"
            }
            None => "a foreign key is violated, and the database does not say which",
        });
    };
    let referenced = &relation.referenced_table;
    match (direction, key) {
        (Some(Direction::MissingParent), Some(key)) => {
            write!(f, "{relation} = {} references no row of {referenced}", key.value_list())
        }
        (Some(Direction::MissingParent), None) => write!(f, "{relation} references no row of {referenced}"),
        (Some(Direction::StillReferenced), Some(key)) => write!(
            f,
            "{referenced}.{} = {} is still referenced by {relation}",
            ColumnList(key.columns()),
            key.value_list()
        ),
        (Some(Direction::StillReferenced), None) => {
            write!(f, "a row of {referenced} is still referenced by {relation}")
        }
        (None, _) => write!(f, "the reference from {relation} to {referenced} is violated"),
    }
}

impl fmt::Display for RetryReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deadlock => "the database ended a deadlock at this transaction's expense",
            Self::Serialization => "the transaction could not be serialised with another one",
            Self::LockWait => "a lock was not granted in time",
            Self::Busy => "another connection is writing to the database",
        })
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Acquire => {
                "no connection of the pool became free in time: allow more connections, or, inside a transaction, use the \
                 repositories bound to it"
            }
            Self::Statement => "the statement took longer than the database allows",
            Self::Lock => "a lock was not granted in time",
        })
    }
}
