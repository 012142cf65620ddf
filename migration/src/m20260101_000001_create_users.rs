//! Users.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_pk_auto, string, string_uniq, timestamp_with_time_zone};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let users = Table::create()
            .table("users")
            .if_not_exists()
            .col(big_pk_auto("id"))
            .col(string_uniq("email"))
            .col(string("password_hash"))
            .col(timestamp_with_time_zone("created_at").default(Expr::current_timestamp()))
            .take();
        manager.create_table(users).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table("users").if_exists().take())
            .await
    }
}
