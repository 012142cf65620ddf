//! Entities of every kind: both formats, every type an engine has, enums, checks, unique keys over several columns, a schema of their own.

use anyhow::{Result, ensure};
use sea_orm_cascade::diff::{Comparison, DiffOptions};
use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Backend, Entities};

use crate::harness::{Db, cases, execute, number};

cases![
    every_type_comes_back_equal,
    a_table_in_another_schema,
    an_array_where_there_are_none,
    two_at_once,
    a_name_longer_than_postgres_keeps,
];

/// The format before 2.0: a `Relation` enum, written out, with a name for the constraint.
pub(crate) mod stall {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "stalls")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) place: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) day: Date,
        pub(crate) next_place: Option<i32>,
        pub(crate) next_day: Option<Date>,
        pub(crate) shop_code: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {
        #[sea_orm(
            belongs_to = "super::shop::Entity",
            from = "Column::ShopCode",
            to = "super::shop::Column::Code",
            on_delete = "Cascade",
            fk_name = "stall_of_shop"
        )]
        Shop,
        #[sea_orm(
            belongs_to = "Entity",
            from = "(Column::NextPlace, Column::NextDay)",
            to = "(Column::Place, Column::Day)",
            on_delete = "SetNull"
        )]
        Next,
    }

    impl Related<super::shop::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Shop.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod shop {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "shops")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) code: String,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// The 2.0 format.
pub(crate) mod product {
    use sea_orm::entity::prelude::*;
    use sea_orm::sea_query::Expr;

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "kind_of_product")]
    pub(crate) enum Kind {
        #[sea_orm(string_value = "tea")]
        Tea,
        #[sea_orm(string_value = "it's coffee")]
        Coffee,
    }

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "products", comment = "what is sold")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i32,
        #[sea_orm(unique_key = "sku")]
        pub(crate) shop_code: String,
        #[sea_orm(unique_key = "sku", column_type = "String(StringLen::N(20))")]
        pub(crate) sku: String,
        #[sea_orm(indexed)]
        pub(crate) name: String,
        pub(crate) kind: Kind,
        pub(crate) second_kind: Option<Kind>,
        #[sea_orm(column_type = "Decimal(Some((10, 2)))", extra = "CHECK (price > 0)")]
        pub(crate) price: f64,
        #[sea_orm(default_value = 0)]
        pub(crate) stock: i16,
        #[sea_orm(default_value = "it's new, really")]
        pub(crate) state: String,
        #[sea_orm(default_value = false)]
        pub(crate) hidden: bool,
        #[sea_orm(default_value = -1)]
        pub(crate) rank: i64,
        pub(crate) views: u32,
        pub(crate) weight: Option<f32>,
        pub(crate) height: Option<f64>,
        pub(crate) picture: Option<Vec<u8>>,
        #[sea_orm(column_type = "Text")]
        pub(crate) note: Option<String>,
        #[sea_orm(column_type = "Char(Some(2))")]
        pub(crate) country: String,
        #[sea_orm(default_expr = "Expr::current_timestamp()")]
        pub(crate) made_at: DateTimeUtc,
        pub(crate) sold_at: Option<DateTime>,
        pub(crate) best_before: Option<Date>,
        pub(crate) opens: Option<Time>,
        #[sea_orm(column_type = "JsonBinary")]
        pub(crate) details: Option<String>,
        #[sea_orm(column_type = "Uuid")]
        pub(crate) token: Option<String>,
        #[sea_orm(
            belongs_to,
            from = "shop_code",
            to = "code",
            on_delete = "Restrict",
            on_update = "Cascade"
        )]
        pub(crate) shop: HasOne<super::shop::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn entities() -> Entities {
    Entities::new()
        .with(product::Entity)
        .with(stall::Entity)
        .with(shop::Entity)
}

async fn every_type_comes_back_equal(db: Db) -> Result<()> {
    let store = db.store_of(entities()).await?;
    ensure!(store.create_all().await?.len() == 3);
    let diff = store.diff(&DiffOptions::new()).await?;
    ensure!(diff.is_empty() && diff.compared == Comparison::Engine, "{diff}");
    ensure!(store.create_all().await?.is_empty());
    // What a catalog cannot have told us of the statement: the check works, the key of two columns is one.
    execute(&store, "INSERT INTO shops (code) VALUES ('a')").await?;
    let insert = |sku: &str, price: &str| {
        format!(
            "INSERT INTO products (shop_code, sku, name, kind, price, views, country) VALUES ('a', '{sku}', 'n', 'tea', {price}, 1, 'de')"
        )
    };
    execute(&store, &insert("1", "1")).await?;
    ensure!(execute(&store, &insert("1", "1")).await.is_err());
    ensure!(execute(&store, &insert("2", "-1")).await.is_err());
    execute(&store, &insert("2", "2")).await?;
    ensure!(
        number(
            &store,
            "SELECT COUNT(*) FROM products WHERE state = 'it''s new, really' AND rank = -1"
        )
        .await?
            == 2
    );
    Ok(())
}

mod invoice {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "invoices", schema_name = "cascade_suite_billing")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        #[sea_orm(unique)]
        pub(crate) number: i32,
        #[sea_orm(indexed)]
        pub(crate) shop_code: String,
        pub(crate) corrects_id: Option<i64>,
        #[sea_orm(
            belongs_to,
            relation_enum = "Shop",
            from = "shop_code",
            to = "code",
            on_delete = "Cascade"
        )]
        pub(crate) shop: HasOne<super::shop::Entity>,
        #[sea_orm(
            self_ref,
            relation_enum = "Corrects",
            from = "corrects_id",
            to = "id",
            on_delete = "SetNull"
        )]
        pub(crate) corrects: HasOne<Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn a_table_in_another_schema(db: Db) -> Result<()> {
    let store = db.store_of(entities().with(invoice::Entity)).await?;
    let (make, unmake) = match db.backend {
        Backend::Postgres => (
            "CREATE SCHEMA cascade_suite_billing",
            "DROP SCHEMA cascade_suite_billing CASCADE",
        ),
        Backend::MySql => (
            "CREATE DATABASE cascade_suite_billing",
            "DROP DATABASE cascade_suite_billing",
        ),
        // Without ATTACH there is no other schema: the table is one of the main database.
        Backend::Sqlite => ("SELECT 1", "SELECT 1"),
    };
    execute(&store, make).await?;
    let outcome = async {
        ensure!(store.create_all().await?.len() == 4);
        let diff = store.diff(&DiffOptions::new()).await?;
        ensure!(diff.is_empty(), "{diff}");
        ensure!(store.create_all().await?.is_empty());
        let drop = match db.backend {
            Backend::Postgres => "ALTER TABLE cascade_suite_billing.invoices DROP CONSTRAINT \"fk-invoices-corrects_id\"",
            Backend::MySql => "ALTER TABLE cascade_suite_billing.invoices DROP FOREIGN KEY `fk-invoices-corrects_id`",
            Backend::Sqlite => return Ok(()),
        };
        execute(&store, drop).await?;
        let diff = store.diff(&DiffOptions::new()).await?;
        let changes: Vec<_> = diff.changes.iter().map(|it| it.change.to_string()).collect();
        ensure!(
            changes
                == ["cascade_suite_billing.invoices: add foreign key (corrects_id) references cascade_suite_billing.invoices (id), \
                     on delete set null, as fk-invoices-corrects_id"],
            "{changes:#?}"
        );
        for step in diff.statements() {
            execute(&store, &step.sql).await?;
        }
        let again = store.diff(&DiffOptions::new()).await?;
        ensure!(again.is_empty(), "{again}");
        anyhow::Ok(())
    }
    .await;
    execute(&store, unmake).await?;
    outcome
}

mod tagged {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tagged")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i32,
        #[sea_orm(column_type = "Cidr")]
        pub(crate) network: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// sea-query panics there; we say which column it is.
async fn an_array_where_there_are_none(db: Db) -> Result<()> {
    let store = db.store_of(Entities::new().with(tagged::Entity)).await?;
    match db.backend {
        Backend::Postgres => ensure!(store.create_all().await?.len() == 1),
        Backend::MySql | Backend::Sqlite => {
            let error = store.create_all().await.unwrap_err().to_string();
            let expected = format!(
                "tagged.network is declared as Cidr, a type {} does not have: give it a column_type it has",
                db.backend
            );
            ensure!(error == expected, "{error}");
            ensure!(store.introspect().await? == Schema::new(db.backend));
        }
    }
    Ok(())
}

/// Two processes start together, as they do when a new version is rolled out.
async fn two_at_once(db: Db) -> Result<()> {
    let (one, two) = (db.store_of(entities()).await?, db.store_of(entities()).await?);
    let (first, second) = tokio::join!(one.create_all(), two.create_all());
    let (first, second) = (first?, second?);
    if db.backend != Backend::MySql {
        // One waits for the other, and then finds the work done.
        ensure!(first.len() + second.len() == 3, "{first:?} {second:?}");
    }
    let diff = one.diff(&DiffOptions::new()).await?;
    ensure!(diff.is_empty(), "{diff}");
    Ok(())
}

mod long {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "a_table_whose_name_is_longer_than_the_sixty_three_bytes_that_are_kept_of_it")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        #[sea_orm(unique_key = "pair")]
        pub(crate) tenant: i32,
        #[sea_orm(unique_key = "pair")]
        pub(crate) number: i32,
        pub(crate) next_tenant: Option<i32>,
        pub(crate) next_number: Option<i32>,
        // A key to a unique index comes after the table on PostgreSQL, and must not come again.
        #[sea_orm(
            self_ref,
            relation_enum = "Next",
            from = "(next_tenant, next_number)",
            to = "(tenant, number)"
        )]
        pub(crate) next: HasOne<Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn a_name_longer_than_postgres_keeps(db: Db) -> Result<()> {
    let store = db.store_of(Entities::new().with(long::Entity)).await?;
    let created = store.create_all().await;
    if db.backend == Backend::MySql {
        // It takes 64 characters, and says so.
        ensure!(created.is_err() && store.introspect().await?.tables.is_empty());
        return Ok(());
    }
    ensure!(created?.len() == 1);
    ensure!(store.create_all().await?.is_empty());
    ensure!(store.introspect().await?.foreign_keys().count() == 1);
    let diff = store.diff(&DiffOptions::new()).await?;
    ensure!(diff.is_empty(), "{diff}");
    Ok(())
}
