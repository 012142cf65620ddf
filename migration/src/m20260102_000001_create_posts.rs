//! Posts, which belong to nobody yet.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_pk_auto, boolean, string, text, timestamp_with_time_zone};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let posts = Table::create()
            .table("posts")
            .if_not_exists()
            .col(big_pk_auto("id"))
            .col(string("title"))
            .col(text("content"))
            .col(boolean("published").default(true))
            .col(timestamp_with_time_zone("created_at").default(Expr::current_timestamp()))
            .take();
        manager.create_table(posts).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("posts").if_exists().take())
            .await
    }
}
