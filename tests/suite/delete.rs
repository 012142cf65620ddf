//! What a delete reports, held against what the tables say before and after.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use entity::{post, user};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm_cascade::{Backend, Entities, Error, Repository, RepositoryExt, Store};

use crate::harness::{Db, cases, execute, number};
use crate::models::{self, file, folder};

cases![
    a_user_takes_its_posts,
    trees_diamonds_and_nulls_are_counted_exactly,
    a_declared_cascade_needs_no_constraint,
    a_missing_row,
    restrict_keeps_everything,
    restrict_below_a_cascade,
    circles_are_counted,
    a_chain_of_seventy_tables,
    a_table_reached_on_a_thousand_paths,
    a_child_inserted_meanwhile_is_counted_or_refused,
    inside_a_transaction,
    tables_of_another_schema,
];

const TABLES: [&str; 3] = ["folders", "files", "links"];

async fn a_user_takes_its_posts(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    users
        .insert_many((1..=2).map(|n| user::new(format!("{n}"), "h")))
        .await?;
    let posts = store.repository::<post::Entity>();
    posts
        .insert_many((0..7).map(|n| post::new(1 + n % 2, format!("{n}"), "…")))
        .await?;
    let report = users.delete(1).await?;
    ensure!(report.to_string() == "posts  deleted 4\nusers  deleted 1", "{report}");
    ensure!(report.total_deleted() == 5 && report.not_counted().is_empty());
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 2").await? == 3);
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 3);
    Ok(())
}

/// Rows of each table, by the database.
async fn counts(store: &Store) -> Result<BTreeMap<&'static str, i64>> {
    let mut counts = BTreeMap::new();
    for table in TABLES {
        counts.insert(table, number(store, &format!("SELECT COUNT(*) FROM {table}")).await?);
    }
    Ok(counts)
}

/// Random trees of folders, with files in them, links between files (a diamond: both ends cascade) and origins that become NULL. The
/// oracle is the database: rows before less rows after, and NULLs after less NULLs before.
async fn trees_diamonds_and_nulls_are_counted_exactly(db: Db) -> Result<()> {
    let store = db.store_of(models::entities()).await?;
    store.create_all().await?;
    let folders = store.repository::<folder::Entity>();
    for seed in 0..6 {
        for table in ["links", "files", "folders"] {
            execute(&store, &format!("DELETE FROM {table}")).await?;
        }
        let mut random = fastrand::Rng::with_seed(seed);
        let offset = i64::try_from(seed)? * 1000;
        // InnoDB refuses cascades deeper than 15, so parents are among the first eight.
        let rows: Vec<_> = (1..=30)
            .map(|n| folder::ActiveModel {
                id: Set(offset + n),
                parent_id: Set((n > 1 && random.bool()).then(|| offset + random.i64(1..n.min(8)))),
            })
            .collect();
        folders.insert_many(rows).await?;
        let files: Vec<_> = (1..=60)
            .map(|n| file::ActiveModel {
                id: Set(offset + n),
                folder_id: Set(offset + random.i64(1..=30)),
                origin_id: Set(random.bool().then(|| offset + random.i64(1..=30))),
            })
            .collect();
        store.repository::<file::Entity>().insert_many(files).await?;
        let links: Vec<_> = (0..120)
            .map(|_| models::link::ActiveModel {
                id: NotSet,
                from_id: Set(offset + random.i64(1..=60)),
                to_id: Set(offset + random.i64(1..=60)),
            })
            .collect();
        store.repository::<models::link::Entity>().insert_many(links).await?;

        let before = counts(&store).await?;
        let nulls = "SELECT COUNT(*) FROM files WHERE origin_id IS NULL";
        // Files that go take their NULL along, so only those that stay are compared.
        let ids_before = store
            .repository::<file::Entity>()
            .find_by(sea_orm::Condition::all())
            .await?;
        let report = folders.delete(offset + random.i64(1..=4)).await?;
        let after = counts(&store).await?;
        for table in TABLES {
            let went = before[table] - after[table];
            ensure!(
                i64::try_from(report.deleted(table))? == went,
                "seed {seed}, {table}: {went} went\n{report}"
            );
        }
        let stayed = store
            .repository::<file::Entity>()
            .find_by(sea_orm::Condition::all())
            .await?;
        let had_null = ids_before
            .iter()
            .filter(|old| old.origin_id.is_none() && stayed.iter().any(|file| file.id == old.id))
            .count();
        let nulled = number(&store, nulls).await? - i64::try_from(had_null)?;
        ensure!(
            i64::try_from(report.set_null("files"))? == nulled,
            "seed {seed}: {nulled} nulled\n{report}"
        );
    }
    Ok(())
}

/// The entity declares a cascade that the database does not have.
async fn a_declared_cascade_needs_no_constraint(db: Db) -> Result<()> {
    let store = db.store().await?;
    let key = match db.backend {
        Backend::Postgres => "id bigserial PRIMARY KEY",
        Backend::MySql => "id bigint AUTO_INCREMENT PRIMARY KEY",
        Backend::Sqlite => "id integer PRIMARY KEY",
    };
    execute(
        &store,
        &format!("CREATE TABLE users ({key}, email varchar(50), password_hash varchar(50))"),
    )
    .await?;
    execute(&store, &format!("CREATE TABLE posts ({key}, user_id bigint)")).await?;
    execute(&store, "INSERT INTO users (id) VALUES (1)").await?;
    execute(&store, "INSERT INTO posts (user_id) VALUES (1)").await?;
    let report = store.repository::<user::Entity>().delete(1).await?;
    ensure!(report.to_string() == "posts  deleted 1\nusers  deleted 1", "{report}");
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 0);
    Ok(())
}

async fn a_missing_row(db: Db) -> Result<()> {
    let store = db.created().await?;
    let error = store.repository::<user::Entity>().delete(5).await.unwrap_err();
    ensure!(
        error.is_not_found() && error.to_string() == "users has no row with id = 5",
        "{error}"
    );
    Ok(())
}

async fn restrict_keeps_everything(db: Db) -> Result<()> {
    let store = db.store_of(models::entities()).await?;
    store.create_all().await?;
    execute(&store, "INSERT INTO seats (line, place) VALUES (1, 'a')").await?;
    execute(&store, "INSERT INTO tickets (line, place) VALUES (1, 'a')").await?;
    let error = store
        .repository::<models::seat::Entity>()
        .delete((1, "a".to_owned()))
        .await
        .unwrap_err();
    ensure!(error.is_blocked(), "{error}");
    ensure!(
        error.to_string()
            == "nothing was deleted: 1 row of tickets would still reference seats through tickets.(line, place), which is restrict \
                (id 1)",
        "{error}"
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM seats").await? == 1);
    Ok(())
}

async fn restrict_below_a_cascade(db: Db) -> Result<()> {
    let store = db.created().await?;
    execute(
        &store,
        "INSERT INTO users (id, email, password_hash) VALUES (1, 'a', 'h')",
    )
    .await?;
    execute(
        &store,
        "INSERT INTO posts (id, title, content, user_id) VALUES (7, 't', 'c', 1)",
    )
    .await?;
    let invoices = "CREATE TABLE invoices (id integer PRIMARY KEY, post_id bigint NOT NULL, \
                    CONSTRAINT invoiced FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE RESTRICT)";
    execute(&store, invoices).await?;
    execute(&store, "INSERT INTO invoices VALUES (1, 7)").await?;
    let error = store.repository::<user::Entity>().delete(1).await.unwrap_err();
    ensure!(error.is_blocked(), "{error}");
    ensure!(
        error.to_string().ends_with(
            "1 row of invoices would still reference posts through invoices.post_id, which is restrict (id 1)"
        ),
        "{error}"
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 1);
    Ok(())
}

/// Two tables that cascade in a circle.
async fn circles_are_counted(db: Db) -> Result<()> {
    let store = db.store_of(Entities::new()).await?;
    execute(&store, "CREATE TABLE folders (id bigint PRIMARY KEY, parent_id bigint)").await?;
    if db.backend == Backend::Sqlite {
        execute(&store, "DROP TABLE folders").await?;
        execute(
            &store,
            "CREATE TABLE folders (id bigint PRIMARY KEY, parent_id bigint REFERENCES covers (id) ON DELETE CASCADE)",
        )
        .await?;
    }
    let covers = "CREATE TABLE covers (id bigint PRIMARY KEY, folder_id bigint, \
                  FOREIGN KEY (folder_id) REFERENCES folders (id) ON DELETE CASCADE)";
    execute(&store, covers).await?;
    if db.backend != Backend::Sqlite {
        execute(
            &store,
            "ALTER TABLE folders ADD CONSTRAINT up FOREIGN KEY (parent_id) REFERENCES covers (id) ON DELETE CASCADE",
        )
        .await?;
    }
    execute(&store, "INSERT INTO folders VALUES (1, NULL)").await?;
    execute(&store, "INSERT INTO covers VALUES (1, 1)").await?;
    execute(&store, "INSERT INTO folders VALUES (2, 1)").await?;
    let report = store.repository::<folder::Entity>().delete(1).await?;
    ensure!(
        report.to_string() == "covers   deleted 1\nfolders  deleted 2",
        "{report}"
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM folders").await? == 0);
    ensure!(
        store
            .repository::<folder::Entity>()
            .delete(1)
            .await
            .unwrap_err()
            .is_not_found()
    );
    Ok(())
}

/// A second connection inserts posts of the user while it is deleted. Whatever the order: no orphan, and the report is what went.
async fn a_child_inserted_meanwhile_is_counted_or_refused(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    for round in 1..=15 {
        let user = users.insert(user::new(format!("{round}"), "h")).await?;
        let posts = store.repository::<post::Entity>();
        let before = number(&store, "SELECT COUNT(*) FROM posts").await?;
        let racing = tokio::spawn(async move {
            let mut inserted = 0;
            while inserted < 200 {
                match posts.insert(post::new(user.id, "late", "…")).await {
                    Ok(_) => inserted += 1,
                    Err(error) if error.is_foreign_key() => break,
                    Err(error) if error.is_retryable() => {}
                    Err(error) => return Err(error),
                }
            }
            Ok::<_, Error>(inserted)
        });
        // Not before the first of them is there.
        while number(&store, "SELECT COUNT(*) FROM posts").await? == before && !racing.is_finished() {
            tokio::task::yield_now().await;
        }
        // PostgreSQL's one statement does not see what is committed while it waits for its lock, so the cascade that takes it is not counted.
        // In a transaction the lock is a statement of its own.
        let alone = round % 3 == 0;
        let report = match alone {
            true => users.delete(user.id).await?,
            false => {
                store
                    .transaction(async |tx| tx.repository::<user::Entity>().delete(user.id).await)
                    .await?
            }
        };
        let inserted: u64 = racing.await??;
        let counted = report.deleted("posts");
        let exact = db.backend != Backend::Postgres || !alone;
        ensure!(
            counted == inserted || !exact && counted < inserted,
            "{inserted} were inserted\n{report}"
        );
        let orphans = "SELECT COUNT(*) FROM posts WHERE user_id NOT IN (SELECT id FROM users)";
        ensure!(number(&store, orphans).await? == 0);
    }
    Ok(())
}

async fn inside_a_transaction(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    users.insert(user::new("ann", "h")).await?;
    let result = store
        .transaction(async |tx| -> Result<()> {
            let report = tx.repository::<user::Entity>().delete(1).await?;
            anyhow::ensure!(report.deleted("users") == 1);
            anyhow::bail!("no, keep her")
        })
        .await;
    ensure!(result.unwrap_err().to_string() == "no, keep her");
    ensure!(users.find(1).await?.is_some());
    Ok(())
}

/// Entities that name their schema, on a connection whose own schema is another.
async fn tables_of_another_schema(db: Db) -> Result<()> {
    if db.backend != Backend::Postgres {
        return Ok(());
    }
    let store = db
        .store_of(Entities::new().with(shelf::Entity).with(book::Entity))
        .await?;
    execute(&store, "CREATE SCHEMA library").await?;
    ensure!(store.create_all().await?.len() == 2);
    ensure!(store.create_all().await?.is_empty());
    execute(&store, "INSERT INTO library.shelves (id) VALUES (1), (2)").await?;
    execute(&store, "INSERT INTO library.books (shelf_id) VALUES (1), (1), (2)").await?;
    let report = store.repository::<shelf::Entity>().delete(1).await?;
    ensure!(
        report.to_string() == "library.books    deleted 2\nlibrary.shelves  deleted 1",
        "{report}"
    );
    let error = store
        .repository::<book::Entity>()
        .insert(book::ActiveModel {
            id: NotSet,
            shelf_id: Set(9),
        })
        .await
        .unwrap_err();
    ensure!(
        error
            .to_string()
            .contains("books.shelf_id = 9 references no row of library.shelves"),
        "{error}"
    );

    // On a connection in that schema, the same entities mean the same tables.
    let inside = db
        .store_with(sea_orm_cascade::StoreOptions::new().schema("library"))
        .await?;
    let report = inside.repository::<shelf::Entity>().delete(2).await?;
    ensure!(
        report.deleted("books") == 1 && report.deleted("shelves") == 1,
        "{report}"
    );
    Ok(())
}

mod shelf {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "library", table_name = "shelves")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod book {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(schema_name = "library", table_name = "books")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i64,
        pub(crate) shelf_id: i64,
        #[sea_orm(belongs_to, from = "shelf_id", to = "id", on_delete = "Cascade")]
        pub(crate) shelf: HasOne<super::shelf::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Deeper than InnoDB cascades by itself (fifteen levels), and than one of its statements joins (61 tables).
async fn a_chain_of_seventy_tables(db: Db) -> Result<()> {
    let levels: i64 = 70;
    let store = db.store_of(Entities::new()).await?;
    execute(&store, "CREATE TABLE folders (id bigint PRIMARY KEY, parent_id bigint)").await?;
    execute(&store, "INSERT INTO folders VALUES (1, NULL)").await?;
    let mut parent = "folders".to_owned();
    for level in 1..=levels {
        let table = format!("level_{level:02}");
        let create = format!(
            "CREATE TABLE {table} (id bigint PRIMARY KEY, up bigint, FOREIGN KEY (up) REFERENCES {parent} (id) ON DELETE CASCADE)"
        );
        execute(&store, &create).await?;
        execute(&store, &format!("INSERT INTO {table} VALUES (1, 1), (2, NULL)")).await?;
        parent = table;
    }
    let report = store.repository::<folder::Entity>().delete(1).await?;
    for level in 1..=levels {
        let table = format!("level_{level:02}");
        ensure!(
            number(&store, &format!("SELECT COUNT(*) FROM {table}")).await? == 1,
            "{table}"
        );
        ensure!(report.deleted(&table) == 1, "{table}\n{report}");
    }
    Ok(())
}

/// Each of twelve tables references all before it: 1,024 paths lead to the last.
async fn a_table_reached_on_a_thousand_paths(db: Db) -> Result<()> {
    let store = db.store_of(Entities::new()).await?;
    execute(&store, "CREATE TABLE folders (id bigint PRIMARY KEY, parent_id bigint)").await?;
    execute(&store, "INSERT INTO folders VALUES (1, NULL), (2, NULL)").await?;
    let mut above = vec!["folders".to_owned()];
    for level in 1..=11 {
        let table = format!("level_{level:02}");
        let columns: String = above.iter().map(|up| format!(", {up}_id bigint")).collect();
        let keys: String = above
            .iter()
            .map(|up| format!(", FOREIGN KEY ({up}_id) REFERENCES {up} (id) ON DELETE CASCADE"))
            .collect();
        execute(
            &store,
            &format!("CREATE TABLE {table} (id bigint PRIMARY KEY{columns}{keys})"),
        )
        .await?;
        let ones = ", 1".repeat(above.len());
        let twos = ", 2".repeat(above.len());
        execute(&store, &format!("INSERT INTO {table} VALUES (1{ones}), (2{twos})")).await?;
        above.push(table);
    }
    let report = store.repository::<folder::Entity>().delete(1).await?;
    for table in &above {
        ensure!(
            number(&store, &format!("SELECT COUNT(*) FROM {table}")).await? == 1,
            "{table}"
        );
        ensure!(report.deleted(table) == 1, "{table}\n{report}");
    }
    Ok(())
}
