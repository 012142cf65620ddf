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
                    .table("reviews")
                    .if_not_exists()
                    .col(
                        ColumnDef::new("id")
                            .big_integer()
                            .not_null()
                            .auto_increment()
                            .primary_key(),
                    )
                    .col(ColumnDef::new("book_id").big_integer().not_null())
                    .col(ColumnDef::new("stars").integer().not_null())
                    .col(ColumnDef::new("body").text().not_null())
                    .col(
                        ColumnDef::new("written_at")
                            .timestamp_with_time_zone()
                            .not_null()
                            .default(Expr::current_timestamp()),
                    )
                    .to_owned(),
            )
            .await?;
        Alteration::new("reviews")
            .add_index(Index::create().name("idx-reviews-book_id").col("book_id"))
            .add_foreign_key(
                ForeignKey::create()
                    .name("fk-reviews-book_id")
                    .from("reviews", "book_id")
                    .to("books", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .run(manager.get_connection())
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Alteration::new("reviews")
            .drop_foreign_key(["book_id"])
            .run(manager.get_connection())
            .await?;
        manager
            .drop_table(Table::drop().table("reviews").if_exists().to_owned())
            .await?;
        Ok(())
    }
}
