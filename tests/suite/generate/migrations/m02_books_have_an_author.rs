use sea_orm_cascade::Action;
use sea_orm_cascade::migrate::{Backfill, RequiredForeignKey, Revert};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// Its steps are transactions of their own.
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        books_author_id().run(manager.get_connection()).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        books_author_id()
            .revert(manager.get_connection(), Revert::Full)
            .await?;
        Ok(())
    }
}

/// What `books.author_id` references: `authors`.
fn books_author_id() -> RequiredForeignKey {
    RequiredForeignKey::new("books", ["author_id"])
        .references("authors", ["id"])
        .on_delete(Action::Cascade)
        .backfill(Backfill::sql("1 + id % 10"))
}
