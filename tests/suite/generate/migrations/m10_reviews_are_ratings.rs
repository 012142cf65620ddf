use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.has_table("reviews").await? {
            manager
                .rename_table(Table::rename().table("reviews", "ratings").to_owned())
                .await?;
        }
        if manager.has_column("ratings", "body").await? {
            manager
                .alter_table(
                    Table::alter()
                        .table("ratings")
                        .rename_column("body", "comment")
                        .to_owned(),
                )
                .await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.has_column("ratings", "comment").await? {
            manager
                .alter_table(
                    Table::alter()
                        .table("ratings")
                        .rename_column("comment", "body")
                        .to_owned(),
                )
                .await?;
        }
        if manager.has_table("ratings").await? {
            manager
                .rename_table(Table::rename().table("ratings", "reviews").to_owned())
                .await?;
        }
        Ok(())
    }
}
