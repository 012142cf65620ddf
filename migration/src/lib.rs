//! The tutorial's history as three migrations: users; posts, which belong to nobody; and `posts.user_id`, added to a table that has
//! rows.
//!
//! [`Migrator`] is an ordinary SeaORM migrator. [`run`] runs its commands so that two processes at once do no harm; the binary of
//! this crate offers them, and beside them the schema commands of `cascade_cli::migration`.

mod exclusive;
mod m20260101_000001_create_users;
mod m20260102_000001_create_posts;
mod m20260103_000001_add_posts_user_id;
mod sqlite_rebuild;

pub use cascade_cli::migration::Migrate as Command;
use sea_orm_cascade::Store;
use sea_orm_migration::prelude::*;

/// The migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20260101_000001_create_users::Migration),
            Box::new(m20260102_000001_create_posts::Migration),
            Box::new(m20260103_000001_add_posts_user_id::Migration),
        ]
    }
}

/// Runs a command while no other process does.
///
/// A second process waits, says so in its log, and then finds the work done. On PostgreSQL and SQLite the whole command is one
/// transaction; on MySQL every statement commits by itself, and a migration that was cut off is completed by running it again.
///
/// # Errors
///
/// What a migration or the database refuses, or that another process kept the database for more than ten minutes.
pub async fn run(store: &Store, command: Command) -> Result<(), DbErr> {
    exclusive::exclusively(store, command).await
}

/// Carries out a command on a connection or a transaction.
async fn carry_out<'c>(database: impl IntoSchemaManagerConnection<'c>, command: Command) -> Result<(), DbErr> {
    match command {
        Command::Up(steps) => Migrator::up(database, steps).await,
        Command::Down(steps) => Migrator::down(database, steps).await,
        Command::Status => Migrator::status(&database.into_database_executor()).await,
        Command::Fresh => Migrator::fresh(database).await,
        Command::Refresh => Migrator::refresh(database).await,
        Command::Reset => Migrator::reset(database).await,
    }
}
