//! What a change was begun with, as the ledger remembers it: so that it can be gone on with, or taken back, without saying it again.

use std::fmt;
use std::time::Duration;

use sea_orm::Value;
use sea_orm::sea_query::{PostgresQueryBuilder, QueryBuilder};
use serde::{Deserialize, Serialize};

use super::backfill::Backfill;
use super::foreign_key::{RequiredForeignKey, WritePath};
use super::ledger::{Entry, Ledger};
use super::target::Target;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::introspect;
use crate::name::{ColumnList, ColumnName, ConstraintName, TableName};
use crate::schema::Action;

/// What is remembered of a [`RequiredForeignKey`]: all but its table and columns, by which the ledger's row is found, and Rust code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    referenced_table: TableName,
    referenced_columns: Vec<ColumnName>,
    on_delete: Action,
    on_update: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    constraint: Option<ConstraintName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    types: Vec<String>,
    is_required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backfill: Option<Source>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    write_path: Option<WritePath>,
    pace: Pace,
}

/// What may be another in each run.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Pace {
    batch_rows: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rest: Option<u32>,
    lock_timeout: Duration,
    attempts: u32,
    patience: Duration,
}

/// A [`Backfill`] as it is remembered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    Sql(Vec<String>),
    Mapping {
        table: TableName,
        on: Vec<(ColumnName, ColumnName)>,
        values: Vec<ColumnName>,
    },
    /// The owner's key, as text that is read as its columns' types ask.
    Owner(Vec<String>),
    /// Rust code, or an owner that is no text: only the program that began the change has it.
    Program,
}

impl RequiredForeignKey {
    /// What a change of these columns of a table was begun with, if one was, on PostgreSQL or MySQL: to [`resume`](Self::resume) it, to
    /// look at its [`status`](Self::status), or to [`revert`](Self::revert) it, without saying again what it is. Nothing if the ledger
    /// knows none, as after a full revert, and always on SQLite, where a change is one transaction that is never half done.
    ///
    /// A backfill in Rust is not remembered: where one is still needed, the run fails and says so; the program that has it goes on then.
    ///
    /// # Errors
    ///
    /// Invalid input if the ledger cannot be read.
    pub async fn remembered(
        on: &impl Target,
        table: &str,
        columns: impl IntoIterator<Item = impl Into<ColumnName>>,
    ) -> Result<Option<Self>> {
        let lane = on.way().await?;
        let blank = Self::new(table, columns);
        let entry = recall(&lane.connection, &blank).await?;
        lane.finish().await?;
        let remembered = entry.and_then(|entry| entry.request);
        Ok(remembered.map(|remembered| remembered.restore(blank)))
    }
}

/// What the ledger says of a change.
async fn recall(connection: &Connection, request: &RequiredForeignKey) -> Result<Option<Entry>> {
    let label = label(connection, request).await?;
    Ledger::of(connection.backend(), &label).read(connection).await
}

/// What the change is called in the ledger: its table by its bare name if that is in the connection's own schema.
pub(super) async fn label(connection: &Connection, request: &RequiredForeignKey) -> Result<String> {
    let own = introspect::own_schema(connection).await?;
    let table = match request.table.schema() == own.as_deref() {
        true => TableName::new(request.table.name()),
        false => request.table.clone(),
    };
    Ok(format!("{table}.{}", ColumnList(&request.columns)))
}

/// Refuses to go on with a change as another than it was begun as: rows would be filled half by one rule and half by another, and what it
/// made would not be found again.
///
/// # Errors
///
/// Invalid input, with what differs.
pub(super) async fn refuse_another(connection: &Connection, request: &RequiredForeignKey) -> Result<()> {
    let Some(entry) = recall(connection, request).await? else {
        return Ok(());
    };
    let (Some(begun), Some(asked)) = (entry.request, Remembered::of(request)) else {
        return Ok(());
    };
    let differences = begun.differences(&asked);
    if entry.is_released || differences.is_empty() {
        return Ok(());
    }
    match begun.restore(request.clone()).plan(connection).await {
        Ok(plan) if !plan.is_done() => Err(Error::invalid_input(format!(
            "{} was begun otherwise and is not done: {}; resume it as it was begun, or revert it first",
            request.label(),
            differences.join("; ")
        ))),
        // What is through, or cannot be done any more, is in nobody's way.
        Ok(_) => Ok(()),
        Err(error) if matches!(error.kind(), crate::error::ErrorKind::InvalidInput { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

impl Remembered {
    /// Nothing if the request says not even what it references.
    pub(super) fn of(request: &RequiredForeignKey) -> Option<Self> {
        let (referenced_table, referenced_columns) = request.references.clone()?;
        Some(Self {
            referenced_table,
            referenced_columns,
            on_delete: request.on_delete,
            on_update: request.on_update,
            constraint: request.constraint.clone(),
            types: request.types.clone(),
            is_required: request.is_required,
            backfill: request.backfill.as_ref().map(Source::of),
            write_path: request.write_path,
            pace: Pace {
                batch_rows: request.batch_rows,
                rest: request.rest,
                lock_timeout: request.lock_timeout,
                attempts: request.attempts,
                patience: request.patience,
            },
        })
    }

    /// Puts what is remembered into a request for the same columns.
    fn restore(self, blank: RequiredForeignKey) -> RequiredForeignKey {
        let label = blank.label();
        RequiredForeignKey {
            references: Some((self.referenced_table, self.referenced_columns)),
            on_delete: self.on_delete,
            on_update: self.on_update,
            constraint: self.constraint,
            types: self.types,
            is_required: self.is_required,
            backfill: self.backfill.map(|source| source.restore(label)),
            write_path: self.write_path,
            batch_rows: self.pace.batch_rows,
            rest: self.pace.rest,
            lock_timeout: self.pace.lock_timeout,
            attempts: self.pace.attempts,
            patience: self.pace.patience,
            ..blank
        }
    }

    /// Whether the other is to be filled in the same way.
    pub(super) fn fills_like(&self, other: &Self) -> bool {
        self.backfill == other.backfill
    }

    /// What makes the other another change, each with what was begun and what is asked for. The pace is not among it.
    fn differences(&self, asked: &Self) -> Vec<String> {
        let (begun, asked) = (self.settings(), asked.settings());
        let pairs = begun.into_iter().zip(asked);
        pairs
            .filter(|((_, begun), (_, asked))| begun != asked)
            .map(|((what, begun), (_, asked))| format!("{what} was {begun}, now {asked}"))
            .collect()
    }

    fn settings(&self) -> [(&'static str, String); 8] {
        let or = |given: Option<String>, usual: &str| given.unwrap_or_else(|| usual.to_owned());
        let types = (!self.types.is_empty()).then(|| self.types.join(", "));
        let write_path = self.write_path.map(|path| {
            let word = match path {
                WritePath::Trigger => "a trigger",
                WritePath::Default => "a default",
                WritePath::Application => "the application",
            };
            word.to_owned()
        });
        [
            (
                "what it references",
                format!("{}.{}", self.referenced_table, ColumnList(&self.referenced_columns)),
            ),
            ("on delete", self.on_delete.to_string()),
            ("on update", self.on_update.to_string()),
            (
                "the key",
                if self.is_required { "required" } else { "optional" }.to_owned(),
            ),
            (
                "the constraint's name",
                or(self.constraint.as_ref().map(ToString::to_string), "the usual one"),
            ),
            ("the type", or(types, "that of what it references")),
            (
                "the backfill",
                or(self.backfill.as_ref().map(ToString::to_string), "none"),
            ),
            ("what fills new rows", or(write_path, "whatever fits")),
        ]
    }
}

impl Source {
    fn of(backfill: &Backfill) -> Self {
        match backfill {
            Backfill::Sql(expressions) => Self::Sql(expressions.clone()),
            Backfill::Mapping { table, on, values } => Self::Mapping {
                table: table.clone(),
                on: on.clone(),
                values: values.clone(),
            },
            Backfill::Owner(key) => match key.iter().map(text).collect() {
                Some(key) => Self::Owner(key),
                None => Self::Program,
            },
            Backfill::Rust(_) => Self::Program,
        }
    }

    fn restore(self, label: String) -> Backfill {
        match self {
            Self::Sql(expressions) => Backfill::Sql(expressions),
            Self::Mapping { table, on, values } => Backfill::Mapping { table, on, values },
            Self::Owner(key) => Backfill::owner(key),
            Self::Program => Backfill::with(move |_| {
                let error = Error::invalid_input(format!(
                    "what fills {label} is in the program that began it, and is not remembered: run that program again to go on, or revert"
                ));
                std::future::ready(Err(error))
            }),
        }
    }
}

/// A value as text that its column's type can be read from. Nothing for what has no such text: bytes, arrays, NULL.
fn text(value: &Value) -> Option<String> {
    if let Value::String(text) = value {
        return text.clone();
    }
    // Which kinds of values there are depends on SeaORM's features; as a literal each can be written.
    let literal = PostgresQueryBuilder.value_to_string(value);
    let inner = literal
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
        .unwrap_or(&literal);
    let is_plain = !inner.is_empty() && !inner.contains(['\'', '\\', '(', '[']) && inner != "NULL";
    is_plain.then(|| inner.to_owned())
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(expressions) => f.write_str(&expressions.join(", ")),
            Self::Mapping { table, on, values } => {
                let on: Vec<_> = on.iter().map(|(own, other)| format!("{own} = {other}")).collect();
                write!(f, "{} of {table} by {}", ColumnList(values), on.join(", "))
            }
            Self::Owner(key) => write!(f, "the one owner {}", key.join(", ")),
            Self::Program => f.write_str("code of the program that began it"),
        }
    }
}

/// An owner's key does not reach a log.
impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered")
            .field("referenced_table", &self.referenced_table)
            .field("referenced_columns", &self.referenced_columns)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> RequiredForeignKey {
        RequiredForeignKey::new("seats", ["tenant_id", "user_id"])
            .references("sales.users", ["tenant_id", "id"])
            .on_delete(Action::Cascade)
            .on_update(Action::SetDefault)
            .named("seats_users")
            .column_types(["bigint", "uuid"])
            .optional()
            .write_path(WritePath::Application)
            .batch_rows(7)
            .rest(30)
            .lock_timeout(Duration::from_millis(1_500))
            .attempts(3)
            .patience(Duration::from_secs(9))
    }

    fn there_and_back(request: &RequiredForeignKey) -> Remembered {
        let json = serde_json::to_string(&Remembered::of(request)).expect("it is JSON");
        let read: Remembered = serde_json::from_str(&json).expect("it is read again");
        let restored = read.restore(RequiredForeignKey::new("seats", ["tenant_id", "user_id"]));
        Remembered::of(&restored).expect("it says what it references")
    }

    #[test]
    fn everything_is_remembered() {
        for backfill in [
            Backfill::sqls(["tenant_id", "(SELECT MIN(id) FROM users)"]),
            Backfill::owner([Value::from(1_i64), Value::from("it's \\ 7")]),
            Backfill::Mapping {
                table: TableName::in_schema("s", "owner of"),
                on: vec![(ColumnName::new("id"), ColumnName::new("seat"))],
                values: vec![ColumnName::new("a"), ColumnName::new("b")],
            },
            Backfill::with(|_| std::future::ready(Ok(Vec::new()))),
        ] {
            let request = request().backfill(backfill);
            assert_eq!(Some(there_and_back(&request)), Remembered::of(&request));
        }
    }

    #[test]
    fn a_key_is_remembered_as_text_and_bytes_are_not() {
        assert_eq!(text(&Value::from(-17_i32)).as_deref(), Some("-17"));
        assert_eq!(text(&Value::from("it's \\ 7")).as_deref(), Some("it's \\ 7"));
        assert_eq!(text(&Value::from(vec![1_u8, 2])), None);
        assert_eq!(text(&Value::BigInt(None)), None);
    }

    #[test]
    fn the_pace_may_change_and_what_is_made_may_not() {
        let begun = Remembered::of(&request()).expect("it says what it references");
        let faster = Remembered::of(&request().batch_rows(5_000)).expect("it says what it references");
        assert!(begun.differences(&faster).is_empty());
        let other = request().on_delete(Action::Restrict).backfill(Backfill::sql("1"));
        let other = Remembered::of(&other).expect("it says what it references");
        assert_eq!(
            begun.differences(&other),
            ["on delete was cascade, now restrict", "the backfill was none, now 1"]
        );
    }
}
