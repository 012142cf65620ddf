//! One migrating process at a time.
//!
//! SeaORM's migrator takes no lock: of two processes that start together, one fails half-way. Here the second waits for the first.

use std::time::Duration;

use sea_orm_cascade::migrate::Exclusive;
use sea_orm_cascade::{Backend, Store};
use sea_orm_migration::sea_orm::sqlx::sqlite::SqlitePoolOptions;
use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr, SqliteTransactionMode,
    SqlxSqliteConnector, Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{IntoSchemaManagerConnection, MigratorTrait};

use super::Migrate;

/// How long to wait for another process.
const PATIENCE: Duration = Duration::from_secs(600);

/// Carries out a command while no other process does.
///
/// A second process waits, says so in its log, and then finds the work done. On PostgreSQL and MySQL the lock is held by a connection of its
/// own, whose transaction stays open and touches no table, so that it holds behind a pooler too; each migration is what SeaORM makes of it:
/// on PostgreSQL a transaction, unless its `use_transaction` says otherwise. On SQLite the lock is the database's write lock, and the whole
/// command is one transaction.
///
/// # Errors
///
/// What a migration or the database refuses, or that another process kept the database for more than ten minutes.
pub async fn run<M: MigratorTrait>(store: &Store, command: Migrate) -> Result<(), DbErr> {
    let Some(pool) = store.connection().as_pool() else {
        return Err(migration_error(
            "migrations manage their own transactions: run them on a store that is not in one",
        ));
    };
    match store.backend() {
        Backend::Postgres | Backend::MySql => {
            let waiting = || tracing::info!("another process is migrating this database: waiting until it is done");
            let lock = Exclusive::take(store.connection(), "the migrations", PATIENCE, waiting).await?;
            let result = carry_out::<M>(pool, command).await;
            let released = lock.release().await;
            // What went wrong first says more than what it took along.
            result?;
            Ok(released?)
        }
        Backend::Sqlite => on_sqlite::<M>(pool, command).await,
    }
}

fn migration_error(problem: impl Into<String>) -> DbErr {
    DbErr::Migration(problem.into())
}

/// Carries out a command on a connection or a transaction.
pub(super) async fn carry_out<'c, M: MigratorTrait>(
    database: impl IntoSchemaManagerConnection<'c>,
    command: Migrate,
) -> Result<(), DbErr> {
    match command {
        Migrate::Up(steps) => M::up(database, steps).await,
        Migrate::Down(steps) => M::down(database, steps).await,
        Migrate::Status => M::status(&database.into_database_executor()).await,
        Migrate::Fresh => M::fresh(database).await,
        Migrate::Refresh => M::refresh(database).await,
        Migrate::Reset => M::reset(database).await,
    }
}

/// The database's own write lock, for one transaction around the whole command.
///
/// The connection has foreign keys *off*: with them on, dropping a table that others reference, as a rebuild does, deletes their
/// rows. Instead all keys are checked before the commit. Both settings are ignored inside a transaction, so they come first.
async fn on_sqlite<M: MigratorTrait>(pool: &DatabaseConnection, command: Migrate) -> Result<(), DbErr> {
    let sqlite = pool.get_sqlite_connection_pool();
    if sqlite.options().get_max_connections() == 1 {
        // Perhaps a database in memory, which no other connection can see.
        pool.execute_unprepared("PRAGMA foreign_keys = OFF").await?;
        let result = in_one_transaction::<M>(pool, command).await;
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
    let result = in_one_transaction::<M>(&alone, command).await;
    alone.close().await?;
    result
}

async fn in_one_transaction<M: MigratorTrait>(connection: &DatabaseConnection, command: Migrate) -> Result<(), DbErr> {
    let transaction = connection
        .begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        })
        .await?;
    let result = change_and_check::<M>(&transaction, command).await;
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
async fn change_and_check<M: MigratorTrait>(transaction: &DatabaseTransaction, command: Migrate) -> Result<(), DbErr> {
    let before = dangling(transaction).await?;
    carry_out::<M>(transaction, command).await?;
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
