//! The tutorial's history as three migrations: users; posts, which belong to nobody; and `posts.user_id`, added to a table that has
//! rows.
//!
//! [`Migrator`] is an ordinary SeaORM migrator. The binary of this crate offers its commands, run so that two processes at once do no
//! harm, and beside them the schema commands of `cascade_cli::migration`.

mod m20260101_000001_create_users;
mod m20260102_000001_create_posts;
mod m20260103_000001_add_posts_user_id;

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
/// # Errors
///
/// As for [`cascade_cli::migration::run`].
pub async fn run(store: &Store, command: Command) -> Result<(), DbErr> {
    cascade_cli::migration::run::<Migrator>(store, command).await
}
