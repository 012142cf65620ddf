//! Finding orphans.

use std::fmt;

use sea_orm::{ConnectionTrait, IsolationLevel};

use super::page::{Cursor, Pages};
use super::reason::{self, Reason};
use super::sql::{Dangling, Lock};
use crate::connection::{Connection, TransactionOptions};
use crate::error::Result;
use crate::name::{KeyValues, Relation};
use crate::observe::Operation;
use crate::schema::{ForeignKey, Match, Schema};
use crate::sql::Sql;

/// How much of the orphans to show.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Search {
    /// Orphans to show, besides counting them. Default: none.
    pub sample: u64,
    /// Show those behind this place, which an earlier search of the same key gave.
    pub after: Option<Cursor>,
}

/// What a search says of one key.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// The key was checked.
    Checked(Orphans),
    /// The key cannot be checked.
    Unchecked {
        /// The key.
        relation: Relation,
        /// Why not.
        reason: Reason,
    },
}

/// The orphans of one key.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Orphans {
    /// The key.
    pub relation: Relation,
    /// How many rows violate it: exact, and all of them, wherever the sample begins.
    pub rows: u64,
    /// How many of these have a key that is partly NULL, which only MATCH FULL forbids.
    pub partly_null: u64,
    /// Some of them, by primary key.
    pub sample: Vec<Orphan>,
    /// Where the next page of the sample begins; `None` if there is no more, or if the primary key's type has no order that can be
    /// followed (MySQL's `enum` and floating-point numbers).
    pub next: Option<Cursor>,
}

/// One row whose reference dangles.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Orphan {
    /// Its primary key. In a table without one: the reference, and the rows that share it are shown once.
    pub key: KeyValues,
    /// What it references in vain.
    pub reference: KeyValues,
}

impl Search {
    /// Only count.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`sample`](Self::sample).
    #[must_use]
    pub const fn sample(mut self, rows: u64) -> Self {
        self.sample = rows;
        self
    }

    /// Sets [`after`](Self::after).
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }
}

/// Counts the rows whose reference through this key dangles, and shows some.
///
/// The key need not be a constraint of the database, nor its referenced columns unique; the database need not enforce keys. On
/// PostgreSQL and MySQL the count and the sample are of one snapshot. In a transaction, a question that the database refuses does not
/// doom it.
///
/// # Errors
///
/// Invalid input for a key without columns and for a cursor of another key; otherwise what the database reports, except what makes
/// the key one that [cannot be checked](Finding::Unchecked).
pub async fn find(connection: &Connection, schema: &Schema, key: &ForeignKey, search: &Search) -> Result<Finding> {
    let backend = connection.backend();
    let relation = key.relation.clone();
    if let Some(reason) = reason::beforehand(backend, schema, key)? {
        return Ok(Finding::Unchecked { relation, reason });
    }
    let dangling = Dangling { backend, schema, key };
    let operation = Operation::new("find_orphans", backend, key.relation.table.name());
    let options = TransactionOptions::new()
        .isolation(IsolationLevel::RepeatableRead)
        .read_only();
    let work = connection.transaction(
        options,
        &operation,
        |tx| async move { look(&tx, dangling, search).await },
    );
    let error = match operation.run(work, |orphans| orphans.rows).await {
        Ok(orphans) => return Ok(Finding::Checked(orphans)),
        Err(error) => error,
    };
    match reason::of_error(connection, key, &error).await? {
        Some(reason) => Ok(Finding::Unchecked { relation, reason }),
        None => Err(error),
    }
}

/// [`find`] for every key of the schema, by referencing table and columns; each shows so many.
///
/// # Errors
///
/// As for [`find`].
pub async fn find_all(connection: &Connection, schema: &Schema, sample: u64) -> Result<Vec<Finding>> {
    let search = Search::new().sample(sample);
    let mut findings = Vec::new();
    for table in &schema.tables {
        for key in &table.foreign_keys {
            findings.push(find(connection, schema, key, &search).await?);
        }
    }
    Ok(findings)
}

async fn look(connection: &Connection, dangling: Dangling<'_>, search: &Search) -> Result<Orphans> {
    let rows = number(connection, dangling.count(&dangling.violates("c", Lock::No), Lock::No)).await?;
    let partly_null = match dangling.key.matching {
        Match::Full if rows > 0 => number(connection, dangling.count(&dangling.partly_null("c"), Lock::No)).await?,
        Match::Simple | Match::Full | Match::Partial => 0,
    };
    let mut orphans = Orphans {
        relation: dangling.key.relation.clone(),
        rows,
        partly_null,
        sample: Vec::new(),
        next: None,
    };
    if search.sample > 0 {
        let pages = Pages::new(dangling);
        // One more than asked for tells whether there is a next page.
        let statement = pages.statement(search.sample.saturating_add(1), search.after.as_ref())?;
        let mut place = None;
        for row in connection.query_all_raw(statement.statement()).await? {
            if crate::observe::count(&orphans.sample) == search.sample {
                orphans.next = place;
                break;
            }
            let row = pages.row(&row)?;
            place = row.place;
            orphans.sample.push(Orphan {
                key: row.key,
                reference: row.reference,
            });
        }
    }
    Ok(orphans)
}

/// The one number a statement gives.
pub(super) async fn number(connection: &Connection, sql: Sql) -> Result<u64> {
    let row = connection.query_one_raw(sql.statement()).await?;
    let number: i64 = match row {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    Ok(u64::try_from(number).unwrap_or(0))
}

impl Finding {
    /// The key.
    #[must_use]
    pub const fn relation(&self) -> &Relation {
        match self {
            Self::Checked(orphans) => &orphans.relation,
            Self::Unchecked { relation, .. } => relation,
        }
    }

    /// The orphans, if the key was checked.
    #[must_use]
    pub const fn orphans(&self) -> Option<&Orphans> {
        match self {
            Self::Checked(orphans) => Some(orphans),
            Self::Unchecked { .. } => None,
        }
    }
}

/// `posts.user_id: 3 row(s) reference no row of users`, without the sample.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checked(orphans) => orphans.fmt(f),
            Self::Unchecked { relation, reason } => write!(f, "{relation} cannot be checked: {reason}"),
        }
    }
}

impl fmt::Display for Orphans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = &self.relation;
        write!(f, "{relation}: ")?;
        match self.rows {
            0 => write!(f, "every reference has its row of {}", relation.referenced_table)?,
            rows => write!(f, "{rows} row(s) reference no row of {}", relation.referenced_table)?,
        }
        match self.partly_null {
            0 => Ok(()),
            rows => write!(f, ", {rows} of them with a key that is partly NULL"),
        }
    }
}

/// `id = 9 (user_id = 20)`.
impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key == self.reference {
            true => self.key.fmt(f),
            false => write!(f, "{} ({})", self.key, self.reference),
        }
    }
}
