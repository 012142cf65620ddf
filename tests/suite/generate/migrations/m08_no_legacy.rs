use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// Its steps are transactions of their own.
    fn use_transaction(&self) -> Option<bool> {
        Some(false)
    }

    async fn up(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        // Destructive: the values of authors.legacy are lost.
        // sea_orm_cascade::migrate::Alteration::new("authors")
        //     .drop_column("legacy")
        //     .run(manager.get_connection())
        //     .await?;
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        // authors.legacy as it was, without its values, keys and indexes.
        // sea_orm_cascade::migrate::Alteration::new("authors")
        //     .add_column(ColumnDef::new("legacy").string().null())
        //     .run(manager.get_connection())
        //     .await?;
        Ok(())
    }
}
