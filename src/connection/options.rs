//! How a pool is opened and how transactions behave.

use std::time::Duration;

use sea_orm::IsolationLevel;

/// How a [`Store`](crate::Store) opens its pool and retries its transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreOptions {
    /// Connections the pool may hold. Default: 10; 4 for a SQLite file; always 1 for SQLite in memory, where a second connection
    /// would be a second database.
    pub max_connections: Option<u32>,
    /// How long to wait for a connection of the pool. Default: 30 s.
    pub acquire_timeout: Duration,
    /// How long SQLite waits for another connection's write to end before it reports BUSY. Default: 5 s. Other engines have limits
    /// of their own (`lock_timeout`, `innodb_lock_wait_timeout`).
    pub busy_timeout: Duration,
    /// The PostgreSQL schema to work in (the connection's `search_path`). Default: the role's own. Other engines ignore it.
    pub schema: Option<String>,
    /// What becomes of a SQLite file's journal. Other engines ignore it.
    pub sqlite_journal: SqliteJournal,
    /// How transactions are retried.
    pub retry: RetryPolicy,
}

/// What becomes of a SQLite file's journal mode, which is a property of the file and outlives the connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SqliteJournal {
    /// It becomes WAL: readers and the writer do not wait for each other.
    #[default]
    Wal,
    /// It stays what it is: opening the file does not write to it.
    AsIs,
}

impl StoreOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            max_connections: None,
            acquire_timeout: Duration::from_secs(30),
            busy_timeout: Duration::from_secs(5),
            schema: None,
            sqlite_journal: SqliteJournal::Wal,
            retry: RetryPolicy::new(),
        }
    }

    /// Sets [`max_connections`](Self::max_connections).
    #[must_use]
    pub fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = Some(connections);
        self
    }

    /// Sets [`acquire_timeout`](Self::acquire_timeout).
    #[must_use]
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// Sets [`busy_timeout`](Self::busy_timeout).
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Sets [`schema`](Self::schema).
    #[must_use]
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Sets [`sqlite_journal`](Self::sqlite_journal).
    #[must_use]
    pub fn sqlite_journal(mut self, journal: SqliteJournal) -> Self {
        self.sqlite_journal = journal;
        self
    }

    /// Sets [`retry`](Self::retry).
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// How often, and after which pauses, a transaction is run again.
///
/// The pause before attempt *n* + 1 is a random time between zero and `base` · 2ⁿ⁻¹, at most `longest` ("full jitter"): two
/// transactions that collided do not collide again in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// Attempts in all, the first included; 0 counts as 1. Default: 8.
    pub attempts: u32,
    /// The longest pause after the first attempt. Default: 10 ms.
    pub base: Duration,
    /// No pause is longer. Default: 1 s.
    pub longest: Duration,
}

impl RetryPolicy {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            attempts: 8,
            base: Duration::from_millis(10),
            longest: Duration::from_secs(1),
        }
    }

    /// One attempt and no more.
    #[must_use]
    pub const fn never() -> Self {
        Self::new().attempts(1)
    }

    /// Sets [`attempts`](Self::attempts).
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets [`base`](Self::base).
    #[must_use]
    pub const fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Sets [`longest`](Self::longest).
    #[must_use]
    pub const fn longest(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// The longest pause after an attempt that failed; the first is 1.
    pub(super) fn ceiling(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.longest)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::new()
    }
}

/// How one transaction runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TransactionOptions {
    /// The isolation level. Default: the database's own. SQLite is always serialisable and ignores it.
    pub isolation: Option<IsolationLevel>,
    /// Whether the transaction writes.
    pub access: Access,
}

/// Whether a transaction writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// It may write. SQLite takes the write lock at the start (`BEGIN IMMEDIATE`), so that a transaction that reads first cannot
    /// find out too late that another has written.
    #[default]
    ReadWrite,
    /// It only reads. PostgreSQL and MySQL refuse writes; SQLite lets other connections write meanwhile.
    ReadOnly,
}

impl TransactionOptions {
    /// The defaults: read and write, at the database's own isolation level.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`isolation`](Self::isolation).
    #[must_use]
    pub const fn isolation(mut self, level: IsolationLevel) -> Self {
        self.isolation = Some(level);
        self
    }

    /// Makes the transaction [read-only](Access::ReadOnly).
    #[must_use]
    pub const fn read_only(mut self) -> Self {
        self.access = Access::ReadOnly;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let policy = RetryPolicy::new()
            .base(Duration::from_millis(10))
            .longest(Duration::from_millis(60));
        let ceilings: Vec<_> = [1, 2, 3, 4, 90]
            .map(|attempt| policy.ceiling(attempt).as_millis())
            .to_vec();
        assert_eq!(ceilings, [10, 20, 40, 60, 60]);
    }
}
