//! One migrating process at a time.
//!
//! SeaORM's migrator takes no lock: of two processes that start together, one fails half-way. Here the second waits for the first.

use std::time::Duration;

use sea_orm_cascade::{Backend, Store};
use sea_orm_migration::sea_orm::sqlx::sqlite::SqlitePoolOptions;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr, SqliteTransactionMode,
    SqlxSqliteConnector, Statement, TransactionOptions, TransactionTrait,
};

use crate::{Command, carry_out};

/// How long to wait for another process.
const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) async fn exclusively(store: &Store, command: Command) -> Result<(), DbErr> {
    let Some(pool) = store.connection().as_pool() else {
        return Err(migration_error(
            "migrations manage their own transactions: run them on a store that is not in one",
        ));
    };
    match store.backend() {
        Backend::Postgres => on_postgres(pool, command).await,
        Backend::MySql => on_mysql(pool, command).await,
        Backend::Sqlite => on_sqlite(pool, command).await,
    }
}

pub(crate) fn migration_error(problem: impl Into<String>) -> DbErr {
    DbErr::Migration(problem.into())
}

fn say_waiting() {
    tracing::info!("another process is migrating this database: waiting until it is done");
}

/// One transaction around the whole command, and in it an advisory lock. A process that dies takes both along, and only together: were
/// the lock another connection's, it could go while a statement of the dead process still runs.
async fn on_postgres(pool: &DatabaseConnection, command: Command) -> Result<(), DbErr> {
    const KEY: &str = "hashtextextended('migration of ' || current_schema(), 0)";
    let transaction = pool.begin().await?;
    if !ask(&transaction, &format!("SELECT pg_try_advisory_xact_lock({KEY})")).await? {
        say_waiting();
        let patience = format!("SET LOCAL lock_timeout = {}", PATIENCE.as_millis());
        transaction.execute_unprepared(&patience).await?;
        transaction
            .execute_unprepared(&format!("SELECT pg_advisory_xact_lock({KEY})"))
            .await?;
        transaction
            .execute_unprepared("SET LOCAL lock_timeout TO DEFAULT")
            .await?;
    }
    carry_out(&transaction, command).await?;
    transaction.commit().await
}

/// A named lock of the connection that migrates, for the same reason. Its name holds the database's, since names are the server's; 64
/// characters at most. The transaction ends with the first data definition, as every transaction here does; the lock does not.
async fn on_mysql(pool: &DatabaseConnection, command: Command) -> Result<(), DbErr> {
    const KEY: &str = "CONCAT('migration of ', SHA1(DATABASE()))";
    let connection = pool.begin().await?;
    if !ask(&connection, &format!("SELECT GET_LOCK({KEY}, 0) = 1")).await? {
        say_waiting();
        let patience = PATIENCE.as_secs();
        if !ask(&connection, &format!("SELECT GET_LOCK({KEY}, {patience}) = 1")).await? {
            return Err(migration_error(
                "another process has been migrating this database for ten minutes",
            ));
        }
    }
    let result = carry_out(&connection, command).await;
    connection
        .execute_unprepared(&format!("DO RELEASE_LOCK({KEY})"))
        .await?;
    connection.commit().await?;
    result
}

/// The database's own write lock, for one transaction around the whole command.
///
/// The connection has foreign keys *off*: with them on, dropping a table that others reference, as a rebuild does, deletes their
/// rows. Instead all keys are checked before the commit. Both settings are ignored inside a transaction, so they come first.
async fn on_sqlite(pool: &DatabaseConnection, command: Command) -> Result<(), DbErr> {
    let sqlite = pool.get_sqlite_connection_pool();
    if sqlite.options().get_max_connections() == 1 {
        // Perhaps a database in memory, which no other connection can see.
        pool.execute_unprepared("PRAGMA foreign_keys = OFF").await?;
        let result = in_one_transaction(pool, command).await;
        pool.execute_unprepared("PRAGMA foreign_keys = ON").await?;
        return result;
    }
    let options = sqlite.connect_options().as_ref().clone().foreign_keys(false);
    let alone = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options.busy_timeout(PATIENCE))
        .await
        .map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))?;
    let alone = SqlxSqliteConnector::from_sqlx_sqlite_pool(alone);
    let result = in_one_transaction(&alone, command).await;
    alone.close().await?;
    result
}

async fn in_one_transaction(connection: &DatabaseConnection, command: Command) -> Result<(), DbErr> {
    let transaction = connection
        .begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        })
        .await?;
    let result = change_and_check(&transaction, command).await;
    // Awaited, and not left to the drop: inside a transaction the pragma that follows would be ignored without a word.
    match result {
        Ok(()) => transaction.commit().await,
        Err(error) => {
            transaction.rollback().await?;
            Err(error)
        }
    }
}

/// Refuses what would leave more dangling references than there were.
async fn change_and_check(transaction: &DatabaseTransaction, command: Command) -> Result<(), DbErr> {
    let before = dangling(transaction).await?;
    carry_out(transaction, command).await?;
    let after = dangling(transaction).await?;
    if after.len() > before.len() {
        let example = after.iter().find(|pair| !before.contains(pair)).or(after.first());
        let (table, parent) = example.cloned().unwrap_or_default();
        return Err(migration_error(format!(
            "nothing was changed: afterwards rows of {table} would reference rows of {parent} that are not there"
        )));
    }
    Ok(())
}

/// The referencing and the referenced table of each row whose reference dangles.
async fn dangling(transaction: &DatabaseTransaction) -> Result<Vec<(String, String)>, DbErr> {
    let check = Statement::from_string(
        transaction.get_database_backend(),
        "SELECT \"table\", \"parent\" FROM pragma_foreign_key_check",
    );
    let rows = transaction.query_all_raw(check).await?;
    rows.iter()
        .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
        .collect()
}

async fn ask(connection: &impl ConnectionTrait, sql: &str) -> Result<bool, DbErr> {
    let row = connection
        .query_one_raw(Statement::from_string(connection.get_database_backend(), sql))
        .await?;
    row.map_or(Ok(false), |row| row.try_get_by_index(0))
}
