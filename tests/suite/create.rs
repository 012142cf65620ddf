//! The schema from the entities.

use anyhow::{Result, ensure};
use entity::{post, user};
use sea_orm_cascade::{Backend, Entities, Store, introspect};

use crate::harness::{Db, cases, execute, number};
use crate::models;

cases![
    referenced_tables_come_first,
    again_is_harmless,
    completes_what_is_there,
    a_table_of_an_older_version_is_left_alone,
    a_missing_entity_is_named,
    circles,
];

async fn keys(store: &Store) -> Result<Vec<String>> {
    let keys = introspect::foreign_keys(store.connection()).await?;
    Ok(keys
        .iter()
        .map(|key| {
            format!(
                "{} -> {} {}",
                key.relation, key.relation.referenced_table, key.on_delete
            )
        })
        .collect())
}

async fn referenced_tables_come_first(db: Db) -> Result<()> {
    let store = db.store_of(models::entities()).await?;
    let created: Vec<_> = store.create_all().await?.iter().map(ToString::to_string).collect();
    let place = |table: &str| created.iter().position(|name| name == table);
    for (child, parent) in [
        ("tickets", "seats"),
        ("links", "files"),
        ("files", "folders"),
        ("roles", "films"),
        ("roles", "actors"),
    ] {
        ensure!(place(child) > place(parent) && place(parent).is_some(), "{created:?}");
    }
    let expected = [
        "files.folder_id -> folders cascade",
        "files.origin_id -> folders set null",
        "folders.parent_id -> folders cascade",
        "links.from_id -> files cascade",
        "links.to_id -> files cascade",
        "roles.actor_id -> actors cascade",
        "roles.film_id -> films cascade",
        "tickets.(line, place) -> seats restrict",
    ];
    let mut found = keys(&store).await?;
    found.sort();
    ensure!(found == expected, "{found:#?}");
    // Every key has an index that begins with its columns, by the catalog's own account; the junction's primary key serves one.
    for (table, column) in [
        ("files", "origin_id"),
        ("links", "to_id"),
        ("folders", "parent_id"),
        ("roles", "actor_id"),
        ("tickets", "line"),
    ] {
        ensure!(
            has_leading_index(&store, table, column).await?,
            "{table}.{column} has no index"
        );
    }
    let on_roles = introspect::indexes(store.connection(), &"roles".into()).await?;
    ensure!(!on_roles.contains("idx-roles-film_id"), "{on_roles:?}");
    Ok(())
}

async fn has_leading_index(store: &Store, table: &str, column: &str) -> Result<bool> {
    let sql = match store.backend() {
        Backend::Postgres => format!(
            "SELECT COUNT(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
             WHERE i.indrelid = '{table}'::regclass AND a.attname = '{column}' AND i.indisvalid"
        ),
        Backend::MySql => format!(
            "SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = database() AND table_name = '{table}' \
             AND column_name = '{column}' AND seq_in_index = 1"
        ),
        Backend::Sqlite => format!(
            "SELECT COUNT(*) FROM pragma_index_list('{table}') l JOIN pragma_index_info(l.name) i WHERE i.seqno = 0 AND i.name = '{column}'"
        ),
    };
    Ok(number(store, &sql).await? > 0)
}

async fn again_is_harmless(db: Db) -> Result<()> {
    let store = db.created().await?;
    execute(&store, "INSERT INTO users (email, password_hash) VALUES ('ann', 'h')").await?;
    ensure!(store.create_all().await?.is_empty());
    ensure!(number(&store, "SELECT COUNT(*) FROM users").await? == 1);
    Ok(())
}

async fn completes_what_is_there(db: Db) -> Result<()> {
    let store = db.created().await?;
    let drop = match db.backend {
        // InnoDB keeps an index for the key, and makes one of its own in exchange.
        Backend::MySql => return Ok(()),
        Backend::Postgres | Backend::Sqlite => "DROP INDEX \"idx-posts-user_id\"",
    };
    execute(&store, drop).await?;
    ensure!(store.create_all().await?.is_empty());
    ensure!(has_leading_index(&store, "posts", "user_id").await?);
    Ok(())
}

async fn a_table_of_an_older_version_is_left_alone(db: Db) -> Result<()> {
    let store = db.store().await?;
    migration::run(&store, migration::Command::Up(Some(2))).await?;
    execute(&store, "INSERT INTO posts (title, content) VALUES ('t', 'c')").await?;
    let before = store.introspect().await?;
    ensure!(store.create_all().await?.is_empty());
    ensure!(store.introspect().await? == before);
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 1);
    Ok(())
}

async fn a_missing_entity_is_named(db: Db) -> Result<()> {
    let store = db.store_of(Entities::new().with(post::Entity)).await?;
    let error = store.create_all().await.unwrap_err();
    ensure!(
        error.to_string()
            == "posts.user_id references users, which is neither registered nor in the database: add its entity to Entities",
        "{error}"
    );
    // A table that is there already will do.
    db.store_of(Entities::new().with(user::Entity))
        .await?
        .create_all()
        .await?;
    ensure!(store.create_all().await?.len() == 1);
    Ok(())
}

pub(crate) mod team {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "teams")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) lead_id: Option<i64>,
        #[sea_orm(
            belongs_to,
            relation_enum = "Lead",
            from = "lead_id",
            to = "id",
            on_delete = "SetNull"
        )]
        pub(crate) lead: HasOne<super::person::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod person {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "people")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) team_id: i64,
        #[sea_orm(
            belongs_to,
            relation_enum = "Team",
            from = "team_id",
            to = "id",
            on_delete = "Cascade"
        )]
        pub(crate) team: HasOne<super::team::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn circles(db: Db) -> Result<()> {
    let store = db
        .store_of(Entities::new().with(team::Entity).with(person::Entity))
        .await?;
    let created = store.create_all().await?;
    ensure!(created.len() == 2, "{created:?}");
    let expected = ["people.team_id -> teams cascade", "teams.lead_id -> people set null"];
    ensure!(keys(&store).await? == expected);
    // An interrupted run left the second phase undone.
    if db.backend != Backend::Sqlite {
        execute(
            &store,
            match db.backend {
                Backend::Postgres => {
                    "ALTER TABLE teams DROP CONSTRAINT IF EXISTS \"fk-teams-lead_id\", DROP CONSTRAINT IF EXISTS x"
                }
                Backend::MySql | Backend::Sqlite => "ALTER TABLE teams DROP FOREIGN KEY IF EXISTS `fk-teams-lead_id`",
            },
        )
        .await?;
        execute(
            &store,
            match db.backend {
                Backend::Postgres => "ALTER TABLE people DROP CONSTRAINT IF EXISTS \"fk-people-team_id\"",
                Backend::MySql | Backend::Sqlite => "ALTER TABLE people DROP FOREIGN KEY IF EXISTS `fk-people-team_id`",
            },
        )
        .await?;
        ensure!(store.create_all().await?.is_empty());
        // Only the key that closes the circle is the second phase's.
        ensure!(keys(&store).await?.len() == 1);
    }
    Ok(())
}
