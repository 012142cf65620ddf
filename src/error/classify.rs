//! From SeaORM's error to a kind: what is common to all engines. What an engine's own codes mean is in its own file.

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

use super::driver::DriverError;
use super::{ErrorKind, TimeLimit};

/// What a connection says, in SeaORM's error type, whose transaction is over.
pub(crate) const TRANSACTION_ENDED: &str =
    "the transaction this was bound to has ended: use it only inside the closure it was given to";

pub(super) fn classify(error: &DbErr) -> (ErrorKind, DriverError) {
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => (
            ErrorKind::Timeout {
                limit: TimeLimit::Acquire,
            },
            plain(error),
        ),
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => (ErrorKind::Connection, plain(error)),
        DbErr::Conn(RuntimeErr::Internal(text)) if text == TRANSACTION_ENDED => {
            (ErrorKind::InvalidInput { problem: text.clone() }, plain(error))
        }
        DbErr::Conn(runtime) => match classify_runtime(runtime) {
            // Whatever keeps a connection from being made is a matter of the connection.
            Some((ErrorKind::Database { .. }, driver)) => (ErrorKind::Connection, driver),
            Some(classified) => classified,
            // SeaORM's own words here quote the URL.
            None => (ErrorKind::Connection, DriverError::new(None, "no connection")),
        },
        DbErr::Exec(runtime) | DbErr::Query(runtime) => {
            classify_runtime(runtime).unwrap_or((ErrorKind::Database { code: None }, plain(error)))
        }
        DbErr::AttrNotSet(column) => (
            ErrorKind::InvalidInput {
                problem: format!("{column} is not set"),
            },
            plain(error),
        ),
        DbErr::PrimaryKeyNotSet { .. } | DbErr::UpdateGetPrimaryKey => (
            ErrorKind::InvalidInput {
                problem: "the primary key is not set".to_owned(),
            },
            plain(error),
        ),
        other => (ErrorKind::Database { code: None }, plain(other)),
    }
}

fn plain(error: &DbErr) -> DriverError {
    DriverError::new(None, error.to_string())
}

fn classify_runtime(error: &RuntimeErr) -> Option<(ErrorKind, DriverError)> {
    use sea_orm::sqlx::Error as Sqlx;

    let RuntimeErr::SqlxError(error) = error else {
        return None;
    };
    Some(match error.as_ref() {
        Sqlx::Database(database) => classify_database(database.as_ref()),
        Sqlx::PoolTimedOut => (
            ErrorKind::Timeout {
                limit: TimeLimit::Acquire,
            },
            DriverError::new(None, error.to_string()),
        ),
        Sqlx::Io(_) | Sqlx::Tls(_) | Sqlx::Protocol(_) | Sqlx::PoolClosed | Sqlx::WorkerCrashed | Sqlx::BeginFailed => {
            (ErrorKind::Connection, DriverError::new(None, error.to_string()))
        }
        // sqlx's parse errors quote the offending part of the URL, which may be the password.
        Sqlx::Configuration(_) => (
            ErrorKind::InvalidInput {
                problem: "the database URL cannot be used".to_owned(),
            },
            DriverError::new(None, "error with configuration"),
        ),
        _ => (
            ErrorKind::Database { code: None },
            DriverError::new(None, error.to_string()),
        ),
    })
}

fn classify_database(error: &dyn sea_orm::sqlx::error::DatabaseError) -> (ErrorKind, DriverError) {
    #[cfg(feature = "postgres")]
    if let Some(error) = error.try_downcast_ref::<sea_orm::sqlx::postgres::PgDatabaseError>() {
        return super::postgres::classify(error);
    }
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref::<sea_orm::sqlx::mysql::MySqlDatabaseError>() {
        return super::mysql::classify(error);
    }
    #[cfg(feature = "sqlite")]
    if let Some(error) = error.try_downcast_ref::<sea_orm::sqlx::sqlite::SqliteError>() {
        return super::sqlite::classify(error);
    }
    let code = error.code().map(std::borrow::Cow::into_owned);
    (
        ErrorKind::Database { code: code.clone() },
        DriverError::new(code, "the database refused the statement"),
    )
}
