//! Rules that compare the live database with entities.

use anyhow::{Result, ensure};
use sea_orm::entity::prelude::*;
use sea_orm_cascade::lint::{self, Declared, Subject};
use sea_orm_cascade::overlay::LintSettings;
use sea_orm_cascade::{Backend, Entities, Store, StoreOptions, introspect};

use super::{Cure, fires_beside, found, models, run, silent};
use crate::harness::{Db, cases, number};

cases![
    what_create_all_makes_is_clean,
    l03_missing_constraint,
    l05_undeclared_constraint,
    l06_one_sided_relation,
    l07_one_to_one_not_unique,
    l08_unique_has_many,
    l09_action_differs,
    l10_deferrability_differs,
    l16_set_default,
    l25_orphans_of_a_declared_key,
    l18_nullability_differs,
    l28_name_limit,
    l46_action_without_effect,
];

/// The entities' own tables.
async fn created(db: &Db, entities: Entities) -> Result<Store> {
    let store = Store::connect_with(&db.url, entities, StoreOptions::new().max_connections(1)).await?;
    store.create_all().await?;
    Ok(store)
}

/// The tutorial's users, and posts as written here: how one alters a table on SQLite.
async fn with_posts(db: &Db, key: &str) -> Result<Store> {
    let store = created(db, entity::entities()).await?;
    run(&store, &posts(db.backend, key)).await?;
    Ok(store)
}

fn posts(backend: Backend, key: &str) -> String {
    let bool = match backend {
        Backend::Postgres => "boolean",
        Backend::MySql | Backend::Sqlite => "tinyint",
    };
    format!(
        "DROP TABLE posts; CREATE TABLE posts (id bigint NOT NULL PRIMARY KEY, title varchar(80) NOT NULL, content text NOT NULL, \
         published {bool} NOT NULL, created_at timestamp NOT NULL, {key})"
    )
}

const KEY: &str =
    "user_id bigint NOT NULL, CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE";

/// What the library makes itself gives no cause for complaint, on any engine.
async fn what_create_all_makes_is_clean(db: Db) -> Result<()> {
    for entities in [entity::entities(), crate::models::entities()] {
        let store = created(&db, entities.clone()).await?;
        let schema = introspect::schema(store.connection(), &introspect::Scope::Own).await?;
        let facts = lint::facts(store.connection(), &schema).await?;
        let declared = Declared::new(db.backend, &entities)?;
        let findings = lint::lint(
            &Subject::new(&schema).entities(&declared).facts(facts),
            &LintSettings::default(),
        );
        // These entities have one-sided relations, a tree (deep on InnoDB), and a diamond with RESTRICT nowhere; on purpose.
        let serious: Vec<_> = findings
            .iter()
            .filter(|finding| !["L06", "L20"].contains(&finding.code))
            .map(|finding| format!("{} {}", finding.code, finding.message))
            .collect();
        ensure!(serious.is_empty(), "{serious:#?}");
    }
    Ok(())
}

async fn l03_missing_constraint(db: Db) -> Result<()> {
    let store = with_posts(&db, "user_id bigint NOT NULL").await?;
    let message = "the database has no foreign key for posts.user_id, which references users.id";
    let anew = posts(db.backend, KEY);
    let cure = match db.backend {
        Backend::Postgres | Backend::MySql => Cure::Proposed,
        Backend::Sqlite => Cure::By(&anew),
    };
    fires_beside(&store, Some(&entity::entities()), "L03", message, cure).await?;
    // On PostgreSQL it is proved as well.
    silent(&store, None, "L11").await
}

/// Where no constraint kept them away.
async fn l25_orphans_of_a_declared_key(db: Db) -> Result<()> {
    let entities = entity::entities();
    let store = with_posts(&db, "user_id bigint NOT NULL").await?;
    let columns = "id, title, content, published, created_at, user_id";
    let published = if db.backend == Backend::Postgres { "true" } else { "1" };
    run(
        &store,
        &format!("INSERT INTO posts ({columns}) VALUES (1, 't', 'c', {published}, CURRENT_TIMESTAMP, 7)"),
    )
    .await?;
    silent(&store, None, "L25").await?;
    let message = "1 row references by posts.user_id what is not in users.id";
    fires_beside(&store, Some(&entities), "L25", message, Cure::By("DELETE FROM posts")).await
}

async fn l05_undeclared_constraint(db: Db) -> Result<()> {
    let store = created(&db, entity::entities()).await?;
    run(&store, "CREATE TABLE logins (id bigint NOT NULL PRIMARY KEY, who bigint, FOREIGN KEY (who) REFERENCES users (id) ON DELETE CASCADE)").await?;
    let message = "logins has no entity, and logins.who, which references users.id (on delete cascade)";
    let entities = entity::entities();
    fires_beside(&store, Some(&entities), "L05", message, Cure::By("DROP TABLE logins")).await?;
    run(
        &store,
        &posts(
            db.backend,
            &format!("editor bigint, {KEY}, FOREIGN KEY (editor) REFERENCES users (id)"),
        ),
    )
    .await?;
    let message = "no entity declares posts.editor, which references users.id";
    fires_beside(
        &store,
        Some(&entities),
        "L05",
        message,
        Cure::By(&posts(db.backend, KEY)),
    )
    .await
}

async fn l06_one_sided_relation(db: Db) -> Result<()> {
    let entities = models::entities();
    let store = created(&db, entities.clone()).await?;
    let messages: Vec<_> = found(&store, Some(&entities), "L06")
        .await?
        .into_iter()
        .map(|finding| finding.message)
        .collect();
    ensure!(
        messages
            == [
                "countries has_many cities by founded_by, and cities declares no belongs_to for it",
                "streets belongs to cities by city_id, and cities declares no has_many or has_one for it",
            ],
        "{messages:#?}"
    );
    silent(&store, Some(&entity::entities()), "L06").await
}

async fn l07_one_to_one_not_unique(db: Db) -> Result<()> {
    let entities = models::entities();
    let store = created(&db, entities.clone()).await?;
    // The database itself takes a second capital.
    run(
        &store,
        "INSERT INTO countries VALUES (1); INSERT INTO capitals VALUES (1, 1), (2, 1)",
    )
    .await?;
    run(&store, "DELETE FROM capitals WHERE id = 2").await?;
    let message = "countries has_one capitals, and capitals.country_id is not unique";
    fires_beside(&store, Some(&entities), "L07", message, Cure::Proposed).await?;
    ensure!(super::refused(&store, "INSERT INTO capitals VALUES (2, 1)").await);
    Ok(())
}

async fn l08_unique_has_many(db: Db) -> Result<()> {
    let store = created(&db, entity::entities()).await?;
    run(&store, "CREATE UNIQUE INDEX one_post ON posts (user_id)").await?;
    let drop = match db.backend {
        Backend::MySql => "DROP INDEX one_post ON posts",
        Backend::Postgres | Backend::Sqlite => "DROP INDEX one_post",
    };
    let message = "users has_many posts, and posts.user_id is unique";
    fires_beside(&store, Some(&entity::entities()), "L08", message, Cure::By(drop)).await
}

async fn l09_action_differs(db: Db) -> Result<()> {
    let store = with_posts(&db, &KEY.replace("CASCADE", "RESTRICT ON UPDATE CASCADE")).await?;
    let message = "posts.user_id is on delete restrict in the database and cascade in the entity, \
                   on update cascade in the database and no action in the entity";
    let anew = posts(db.backend, KEY);
    let cure = match db.backend {
        Backend::Postgres | Backend::MySql => Cure::Proposed,
        Backend::Sqlite => Cure::By(&anew),
    };
    fires_beside(&store, Some(&entity::entities()), "L09", message, cure).await
}

async fn l10_deferrability_differs(db: Db) -> Result<()> {
    // MySQL has none that are deferrable.
    if db.backend == Backend::MySql {
        let store = created(&db, entity::entities()).await?;
        return silent(&store, Some(&entity::entities()), "L10").await;
    }
    let store = with_posts(&db, &format!("{KEY} DEFERRABLE INITIALLY DEFERRED")).await?;
    let message = "posts.user_id is DEFERRABLE INITIALLY DEFERRED in the database and NOT DEFERRABLE by the entity";
    let anew = posts(db.backend, KEY);
    let cure = match db.backend {
        Backend::Postgres | Backend::MySql => Cure::Proposed,
        Backend::Sqlite => Cure::By(&anew),
    };
    fires_beside(&store, Some(&entity::entities()), "L10", message, cure).await
}

/// MariaDB takes it, and keeps RESTRICT.
async fn l16_set_default(db: Db) -> Result<()> {
    let entities = models::entities();
    let store = created(&db, entities.clone()).await?;
    match db.backend {
        Backend::MySql => {
            let sql = "SELECT COUNT(*) FROM information_schema.referential_constraints WHERE constraint_schema = database() \
                       AND table_name = 'streets' AND delete_rule = 'RESTRICT'";
            ensure!(number(&store, sql).await? == 1);
            let messages: Vec<_> = found(&store, Some(&entities), "L16")
                .await?
                .into_iter()
                .map(|finding| finding.message)
                .collect();
            ensure!(
                messages == ["streets.city_id is SET DEFAULT, which InnoDB does not have"],
                "{messages:?}"
            );
            silent(&store, Some(&entity::entities()), "L16").await
        }
        Backend::Postgres => {
            let message = "streets.city_id is SET DEFAULT, and streets.city_id has no default, so it becomes NULL";
            let cure = "ALTER TABLE streets ALTER COLUMN city_id SET DEFAULT 1";
            fires_beside(&store, Some(&entities), "L16", message, Cure::By(cure)).await
        }
        Backend::Sqlite => {
            let message = "streets.city_id is SET DEFAULT, and streets.city_id has no default, so it becomes NULL";
            let cure = "PRAGMA foreign_keys = OFF; DROP TABLE streets; PRAGMA foreign_keys = ON; CREATE TABLE streets \
                        (id integer NOT NULL PRIMARY KEY, city_id integer DEFAULT 1 REFERENCES cities (id) ON DELETE SET DEFAULT)";
            fires_beside(&store, Some(&entities), "L16", message, Cure::By(cure)).await
        }
    }
}

async fn l18_nullability_differs(db: Db) -> Result<()> {
    let store = with_posts(&db, &KEY.replace("bigint NOT NULL", "bigint")).await?;
    let message = "posts.user_id is required in the entity, and may be NULL in the database";
    let anew = posts(db.backend, KEY);
    let cure = match db.backend {
        Backend::Postgres | Backend::MySql => Cure::Proposed,
        Backend::Sqlite => Cure::By(&anew),
    };
    fires_beside(&store, Some(&entity::entities()), "L18", message, cure).await
}

/// An entity whose index gets a name of 67 bytes.
mod long {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "a_table_with_a_name_that_is_rather_long")]
    pub(super) struct Model {
        #[sea_orm(primary_key)]
        pub(super) id: i64,
        #[sea_orm(indexed)]
        pub(super) a_long_name_of_23_chars: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

async fn l28_name_limit(db: Db) -> Result<()> {
    let entities = Entities::new().with(long::Entity);
    let store = Store::connect(&db.url, entities.clone()).await?;
    let name = "idx-a_table_with_a_name_that_is_rather_long-a_long_name_of_23_chars";
    let of_that_name = format!("SELECT COUNT(*) FROM pg_class WHERE relname::text = '{name}'");
    let then = match db.backend {
        Backend::Postgres => {
            store.create_all().await?;
            // The database has another name than the one that was given.
            ensure!(number(&store, &of_that_name).await? == 0);
            "bytes, and PostgreSQL cuts it after 63"
        }
        Backend::MySql => {
            ensure!(store.create_all().await.is_err());
            "characters, and MySQL refuses more than 64"
        }
        Backend::Sqlite => {
            store.create_all().await?;
            return silent(&store, Some(&entities), "L28").await;
        }
    };
    let found: Vec<_> = found(&store, Some(&entities), "L28")
        .await?
        .into_iter()
        .map(|finding| finding.message)
        .collect();
    let message = format!("the index {name} of a_table_with_a_name_that_is_rather_long has 67 {then}");
    ensure!(found == [message], "{found:?}");
    silent(&store, Some(&entity::entities()), "L28").await
}

async fn l46_action_without_effect(db: Db) -> Result<()> {
    let entities = models::entities();
    let store = created(&db, entities.clone()).await?;
    let found: Vec<_> = found(&store, Some(&entities), "L46")
        .await?
        .into_iter()
        .map(|finding| finding.message)
        .collect();
    ensure!(
        found.first().map(String::as_str)
            == Some("countries declares on_delete = \"Cascade\" on has_many cities, where it has no effect"),
        "{found:?}"
    );
    // It has none indeed.
    run(
        &store,
        "INSERT INTO countries VALUES (1); INSERT INTO cities VALUES (1, 1, 1)",
    )
    .await?;
    ensure!(super::refused(&store, "DELETE FROM countries").await);
    silent(&store, Some(&entity::entities()), "L46").await
}
