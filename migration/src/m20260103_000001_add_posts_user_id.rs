//! `posts.user_id`: required, indexed, a foreign key with ON DELETE CASCADE, on a table that has rows and is in use.
//!
//! Posts that are there already get an owner by this rule: **the oldest user, the one with the smallest id**. If there are posts and no
//! user, the migration refuses and changes nothing. Not one post is lost, on the way up or down; going down forgets who owned which.
//!
//! Neither readers nor writers wait for longer than a lock takes to be granted (PostgreSQL and MySQL; on SQLite the table is built anew).
//! Whatever interrupts it, running it again goes on from there.

use sea_orm_cascade::Action;
use sea_orm_cascade::migrate::{Backfill, RequiredForeignKey, Revert};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// Its steps are transactions of their own.
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        owner().run(manager.get_connection()).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        owner().revert(manager.get_connection(), Revert::Full).await?;
        Ok(())
    }
}

fn owner() -> RequiredForeignKey {
    RequiredForeignKey::new("posts", ["user_id"])
        .references("users", ["id"])
        .on_delete(Action::Cascade)
        .backfill(Backfill::sql("(SELECT MIN(id) FROM users)"))
}
