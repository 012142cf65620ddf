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
        manager
            .create_table(
                Table::create()
                    .table("players")
                    .if_not_exists()
                    .col(
                        ColumnDef::new("id")
                            .big_integer()
                            .not_null()
                            .auto_increment()
                            .primary_key(),
                    )
                    .col(ColumnDef::new("name").string().not_null())
                    .col(ColumnDef::new("team_id").big_integer().not_null())
                    .to_owned(),
            )
            .await?;
        Alteration::new("players")
            .add_index(Index::create().name("idx-players-team_id").col("team_id"))
            .run(manager.get_connection())
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("teams")
                    .if_not_exists()
                    .col(
                        ColumnDef::new("id")
                            .big_integer()
                            .not_null()
                            .auto_increment()
                            .primary_key(),
                    )
                    .col(ColumnDef::new("name").string().not_null().unique_key())
                    .col(ColumnDef::new("captain_id").big_integer().null())
                    .foreign_key(
                        ForeignKey::create()
                            .name("fk-teams-captain_id")
                            .from("teams", "captain_id")
                            .to("players", "id")
                            .on_delete(ForeignKeyAction::SetNull),
                    )
                    .to_owned(),
            )
            .await?;
        Alteration::new("teams")
            .add_index(
                Index::create()
                    .name("idx-teams-captain_id")
                    .col("captain_id"),
            )
            .run(manager.get_connection())
            .await?;
        Alteration::new("players")
            .add_foreign_key(
                ForeignKey::create()
                    .name("fk-players-team_id")
                    .from("players", "team_id")
                    .to("teams", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .run(manager.get_connection())
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Alteration::new("players")
            .drop_foreign_key(["team_id"])
            .run(manager.get_connection())
            .await?;
        manager
            .drop_table(Table::drop().table("teams").if_exists().to_owned())
            .await?;
        manager
            .drop_table(Table::drop().table("players").if_exists().to_owned())
            .await?;
        Ok(())
    }
}
