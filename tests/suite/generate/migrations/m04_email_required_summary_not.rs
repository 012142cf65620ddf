use sea_orm_cascade::migrate::Alteration;
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
        // Rows without email stop this before anything is changed.
        Alteration::new("authors")
            .change_column(ColumnDef::new("email").string().not_null())
            .run(manager.get_connection())
            .await?;
        Alteration::new("books")
            .change_column(ColumnDef::new("summary").text().null())
            .run(manager.get_connection())
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Alteration::new("books")
            .change_column(ColumnDef::new("summary").text().not_null())
            .run(manager.get_connection())
            .await?;
        Alteration::new("authors")
            .change_column(ColumnDef::new("email").string().null())
            .run(manager.get_connection())
            .await?;
        Ok(())
    }
}
