//! The ledger: what the catalog cannot say of a change, in a table beside those that are changed.
//!
//! One row for each change, by the key it is about: what it was begun with, how far the rows are filled, what was there before, and on MySQL whether the key has been
//! proved. It is written in the transaction it is about. Losing it costs time and loses nothing: rows are looked at again.

use sea_orm::{ConnectionTrait, Statement, Value};
use serde::{Deserialize, Serialize};

use super::placeholder::Placeholders;
use super::remembered::Remembered;
use crate::backend::Backend;
use crate::connection::Connection;
use crate::diff::LEDGER as TABLE;
use crate::error::{Error, Result};
use crate::introspect;
use crate::name::TableName;

/// What is remembered of one change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    /// The primary key up to which rows are filled.
    pub(super) cursor: Option<Vec<String>>,
    /// Every row that was there has been filled.
    pub(super) filled: bool,
    /// The columns that were there before.
    pub(super) columns_before: Vec<String>,
    /// The columns that were required before.
    pub(super) required_before: Vec<String>,
    /// An index was there before.
    pub(super) had_index: bool,
    /// The key was there before.
    pub(super) had_key: bool,
    /// What stands for no value, in columns that this change has added or is to add.
    #[serde(skip_serializing_if = "Placeholders::is_empty")]
    pub(super) placeholders: Placeholders,
    /// The default is ours to drop.
    pub(super) gave_default: bool,
    /// When a look at all rows proved the key, in seconds since 1970.
    pub(super) proved_at: Option<u64>,
    /// What the change was begun with.
    pub(super) request: Option<Remembered>,
    /// It was taken back so far that it may be begun as another.
    pub(super) is_released: bool,
}

/// The row of one change.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    backend: Backend,
    name: String,
}

impl Ledger {
    pub(super) fn of(backend: Backend, name: &str) -> Self {
        Self {
            backend,
            name: name.to_owned(),
        }
    }

    /// Makes the table if it is not there.
    pub(super) async fn create(&self, connection: &Connection) -> Result<()> {
        if self.is_there(connection).await? {
            return Ok(());
        }
        let (text, key) = match self.backend {
            Backend::MySql => ("longtext", "varchar(255)"),
            Backend::Postgres | Backend::Sqlite => ("text", "text"),
        };
        let sql =
            format!("CREATE TABLE IF NOT EXISTS {TABLE} (name {key} NOT NULL PRIMARY KEY, entry {text} NOT NULL)");
        connection.execute_unprepared(&sql).await?;
        Ok(())
    }

    async fn is_there(&self, connection: &Connection) -> Result<bool> {
        let there = introspect::existing(connection, &[TableName::new(TABLE)]).await?;
        Ok(!there.is_empty())
    }

    /// What is remembered; nothing if there is no table or no row.
    pub(super) async fn read(&self, connection: &Connection) -> Result<Option<Entry>> {
        if !self.is_there(connection).await? {
            return Ok(None);
        }
        let sql = format!("SELECT entry FROM {TABLE} WHERE name = {}", self.placeholder(1));
        let row = connection
            .query_one_raw(self.statement(sql, vec![self.name.clone().into()]))
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let text: String = row.try_get_by_index(0)?;
        serde_json::from_str(&text).map(Some).map_err(|error| {
            Error::invalid_input(format!(
                "what {TABLE} says of {} cannot be read ({error}): delete that row, and the change looks at all rows again",
                self.name
            ))
        })
    }

    pub(super) async fn write(&self, connection: &Connection, entry: &Entry) -> Result<()> {
        let text = serde_json::to_string(entry).map_err(|error| Error::invalid_input(error.to_string()))?;
        let (one, two) = (self.placeholder(1), self.placeholder(2));
        let on_conflict = match self.backend {
            Backend::MySql => "ON DUPLICATE KEY UPDATE entry = VALUES(entry)",
            Backend::Postgres | Backend::Sqlite => "ON CONFLICT (name) DO UPDATE SET entry = excluded.entry",
        };
        let sql = format!("INSERT INTO {TABLE} (name, entry) VALUES ({one}, {two}) {on_conflict}");
        connection
            .execute_raw(self.statement(sql, vec![self.name.clone().into(), text.into()]))
            .await?;
        Ok(())
    }

    /// Forgets the change, and the table with its last row.
    pub(super) async fn forget(&self, connection: &Connection) -> Result<()> {
        if !self.is_there(connection).await? {
            return Ok(());
        }
        let sql = format!("DELETE FROM {TABLE} WHERE name = {}", self.placeholder(1));
        connection
            .execute_raw(self.statement(sql, vec![self.name.clone().into()]))
            .await?;
        let left = self.statement(format!("SELECT 1 FROM {TABLE}"), Vec::new());
        if connection.query_one_raw(left).await?.is_none() {
            connection.execute_unprepared(&format!("DROP TABLE {TABLE}")).await?;
        }
        Ok(())
    }

    fn placeholder(&self, place: usize) -> String {
        match self.backend {
            Backend::Postgres => format!("${place}"),
            Backend::MySql | Backend::Sqlite => "?".to_owned(),
        }
    }

    fn statement(&self, sql: String, values: Vec<Value>) -> Statement {
        Statement::from_sql_and_values(self.backend.into(), sql, values)
    }
}
