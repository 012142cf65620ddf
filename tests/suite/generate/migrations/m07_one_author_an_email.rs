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
        Alteration::new("authors")
            .add_unique(["email"])
            .run(manager.get_connection())
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Alteration::new("authors")
            .drop_unique(["email"])
            .run(manager.get_connection())
            .await?;
        Ok(())
    }
}
