//! The tutorial's migrations, on tables that have rows. What they did is asked of the database, not of our code.

use anyhow::{Result, ensure};
use migration::Command;
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_cascade::{Backend, Entities, Store};

use crate::harness::{Db, cases, execute, number};

cases![
    up_down_up_with_a_hundred_thousand_posts,
    posts_without_users_are_refused,
    two_at_once,
    equal_to_the_entities,
    resumes_after_being_cut_off,
    what_it_knows_nothing_of_stays,
    children_survive_a_rebuild,
    fresh_status_refresh_reset,
    enforcement_is_on_after_a_failure,
    old_dangling_rows_do_not_stand_in_the_way,
];

const POSTS: i64 = 100_000;

/// A series of numbers, as each engine makes one.
fn series(backend: Backend, to: i64) -> String {
    match backend {
        Backend::Postgres => format!("generate_series(1, {to}) AS s (n)"),
        Backend::MySql => format!("(SELECT seq AS n FROM seq_1_to_{to}) AS s"),
        Backend::Sqlite => format!(
            "(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {to}) SELECT n FROM s) AS s"
        ),
    }
}

async fn before_the_relation(db: &Db, posts: i64) -> Result<Store> {
    let store = db.store_of(Entities::new()).await?;
    migration::run(&store, Command::Up(Some(2))).await?;
    execute(
        &store,
        "INSERT INTO users (id, email, password_hash) VALUES (17, 'ann', 'h'), (18, 'bob', 'h')",
    )
    .await?;
    let title = match db.backend {
        Backend::MySql => "CONCAT('post ', n)",
        Backend::Postgres | Backend::Sqlite => "'post ' || n",
    };
    let rows = format!(
        "INSERT INTO posts (title, content, published) SELECT {title}, {title}, n % 3 = 0 FROM {}",
        series(db.backend, posts)
    );
    execute(&store, &rows).await?;
    Ok(store)
}

/// Every value of every post in one number.
async fn fingerprint(store: &Store) -> Result<String> {
    let sql = match store.backend() {
        Backend::Postgres => {
            "SELECT COUNT(*) || ' ' || MD5(STRING_AGG(id || title || content || published || created_at, ',' ORDER BY id)) FROM posts"
        }
        Backend::MySql => {
            "SELECT CONCAT(COUNT(*), ' ', BIT_XOR(CAST(CONV(LEFT(MD5(CONCAT(id, title, content, published, created_at)), 16), 16, 10) AS UNSIGNED))) FROM posts"
        }
        // SQLite has no digest; sums over everything a value can be changed in come close.
        Backend::Sqlite => {
            "SELECT COUNT(*) || ' ' || SUM(id) || ' ' || SUM(id * published) || ' ' || SUM(id * LENGTH(title || content || created_at)) \
             || ' ' || MIN(title || content) || MAX(title || content) || COUNT(DISTINCT title || content) FROM posts"
        }
    };
    let row = store
        .connection()
        .query_one_raw(Statement::from_string(store.backend().into(), sql))
        .await?;
    Ok(row.unwrap().try_get_by_index(0)?)
}

/// The foreign key and its index, by the catalog.
async fn relation(store: &Store) -> Result<(i64, i64)> {
    let (key, index) = match store.backend() {
        Backend::Postgres => (
            "SELECT COUNT(*) FROM pg_constraint WHERE conrelid = 'posts'::regclass AND confrelid = 'users'::regclass AND contype = 'f' \
             AND confdeltype = 'c' AND convalidated",
            "SELECT COUNT(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = 'idx-posts-user_id' AND indisvalid",
        ),
        Backend::MySql => (
            "SELECT COUNT(*) FROM information_schema.referential_constraints WHERE constraint_schema = database() \
             AND table_name = 'posts' AND referenced_table_name = 'users' AND delete_rule = 'CASCADE'",
            "SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = database() AND index_name = 'idx-posts-user_id'",
        ),
        Backend::Sqlite => (
            "SELECT COUNT(*) FROM pragma_foreign_key_list('posts') WHERE \"table\" = 'users' AND on_delete = 'CASCADE'",
            "SELECT COUNT(*) FROM pragma_index_list('posts') WHERE name = 'idx-posts-user_id'",
        ),
    };
    Ok((number(store, key).await?, number(store, index).await?))
}

async fn up_down_up_with_a_hundred_thousand_posts(db: Db) -> Result<()> {
    let store = before_the_relation(&db, POSTS).await?;
    let before = fingerprint(&store).await?;
    ensure!(before.starts_with(&format!("{POSTS} ")), "{before}");
    for _ in 0..2 {
        migration::run(&store, Command::Up(None)).await?;
        ensure!(fingerprint(&store).await? == before);
        ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 17").await? == POSTS);
        ensure!(relation(&store).await? == (1, 1), "{:?}", relation(&store).await?);
        let ownerless = execute(&store, "INSERT INTO posts (title, content) VALUES ('x', 'x')").await;
        ensure!(ownerless.is_err(), "a post without an owner was accepted");
        ensure!(
            execute(
                &store,
                "INSERT INTO posts (title, content, user_id) VALUES ('x', 'x', 20)"
            )
            .await
            .is_err()
        );
        migration::run(&store, Command::Down(Some(1))).await?;
        ensure!(fingerprint(&store).await? == before);
        ensure!(relation(&store).await? == (0, 0));
        ensure!(
            execute(&store, "SELECT user_id FROM posts").await.is_err(),
            "the column is still there"
        );
    }
    Ok(())
}

async fn posts_without_users_are_refused(db: Db) -> Result<()> {
    let store = before_the_relation(&db, 3).await?;
    execute(&store, "DELETE FROM users").await?;
    let before = fingerprint(&store).await?;
    let error = migration::run(&store, Command::Up(None)).await.unwrap_err().to_string();
    ensure!(
        error.contains("3 rows of posts would get no value for user_id (id 1, 2, 3): nothing was changed"),
        "{error}"
    );
    ensure!(fingerprint(&store).await? == before);
    ensure!(
        execute(&store, "SELECT user_id FROM posts").await.is_err(),
        "something was changed"
    );
    execute(&store, "INSERT INTO users (email, password_hash) VALUES ('late', 'h')").await?;
    migration::run(&store, Command::Up(None)).await?;
    ensure!(relation(&store).await? == (1, 1));
    Ok(())
}

/// Four at once, each with a pool of its own: as good as four processes, for the lock is the database's.
async fn two_at_once(db: Db) -> Result<()> {
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let store = db.store_of(Entities::new()).await?;
        tasks.push(tokio::spawn(
            async move { migration::run(&store, Command::Up(None)).await },
        ));
    }
    for task in tasks {
        task.await??;
    }
    let store = db.store_of(Entities::new()).await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM seaql_migrations").await? == 3);
    ensure!(relation(&store).await? == (1, 1));
    Ok(())
}

/// The columns, keys and indexes of both tables, as the catalog lists them.
async fn catalog(store: &Store) -> Result<Vec<String>> {
    let sql = match store.backend() {
        Backend::Postgres => {
            "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || COALESCE(column_default, '-') \
             FROM information_schema.columns WHERE table_name IN ('users', 'posts') AND table_schema = current_schema() \
             UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint \
             WHERE conrelid IN ('users'::regclass, 'posts'::regclass) \
             UNION ALL SELECT indexdef FROM pg_indexes WHERE tablename IN ('users', 'posts') ORDER BY 1"
        }
        Backend::MySql => {
            "SELECT CONCAT(table_name, '.', column_name, ' ', column_type, ' ', is_nullable, ' ', COALESCE(column_default, '-'), extra) \
             FROM information_schema.columns WHERE table_schema = database() AND table_name IN ('users', 'posts') \
             UNION ALL SELECT CONCAT(table_name, ' ', index_name, ' ', column_name, ' ', non_unique) FROM information_schema.statistics \
             WHERE table_schema = database() AND table_name IN ('users', 'posts') \
             UNION ALL SELECT CONCAT(table_name, ' ', constraint_name, ' ', delete_rule, ' ', update_rule) \
             FROM information_schema.referential_constraints WHERE constraint_schema = database() ORDER BY 1"
        }
        Backend::Sqlite => {
            "SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || COALESCE(c.dflt_value, '-') || ' ' || c.pk \
             FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.name IN ('users', 'posts') \
             UNION ALL SELECT m.name || ' ' || i.name || ' ' || i.\"unique\" FROM sqlite_master m JOIN pragma_index_list(m.name) i \
             WHERE m.name IN ('users', 'posts') \
             UNION ALL SELECT f.\"table\" || ' ' || f.\"from\" || ' ' || f.\"to\" || ' ' || f.on_delete || ' ' || f.on_update \
             FROM pragma_foreign_key_list('posts') f ORDER BY 1"
        }
    };
    let rows = store
        .connection()
        .query_all_raw(Statement::from_string(store.backend().into(), sql))
        .await?;
    Ok(rows
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?)
}

async fn equal_to_the_entities(db: Db) -> Result<()> {
    let store = db.store_of(entity::entities()).await?;
    migration::run(&store, Command::Up(None)).await?;
    let migrated = catalog(&store).await?;
    execute(&store, "DROP TABLE posts").await?;
    execute(&store, "DROP TABLE users").await?;
    store.create_all().await?;
    let created = catalog(&store).await?;
    ensure!(
        migrated == created && created.len() > 12,
        "migrated {migrated:#?}\ncreated {created:#?}"
    );
    Ok(())
}

/// Every statement commits by itself on MySQL. Whatever of it somebody has done already, the migration completes it, and does not take back
/// what it did not do.
async fn resumes_after_being_cut_off(db: Db) -> Result<()> {
    let left_behind: &[&str] = match db.backend {
        Backend::MySql => &[
            "ALTER TABLE posts ADD COLUMN user_id bigint NULL",
            "UPDATE posts SET user_id = 17 WHERE id < 5",
            "ALTER TABLE posts MODIFY COLUMN user_id bigint NULL",
            "CREATE INDEX `idx-posts-user_id` ON posts (user_id)",
            "ALTER TABLE posts ADD CONSTRAINT `fk-posts-user_id` FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE",
        ],
        // There it is one transaction.
        Backend::Postgres | Backend::Sqlite => &[],
    };
    let store = before_the_relation(&db, 10).await?;
    for steps in 0..=left_behind.len() {
        for statement in left_behind.iter().take(steps) {
            execute(&store, statement).await?;
        }
        migration::run(&store, Command::Up(None)).await?;
        ensure!(relation(&store).await? == (1, 1), "after {steps} steps");
        ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 17").await? == 10);
        migration::run(&store, Command::Down(Some(1))).await?;
        if steps > 0 {
            ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 17").await? == 10);
            execute(
                &store,
                "ALTER TABLE posts DROP FOREIGN KEY IF EXISTS `fk-posts-user_id`",
            )
            .await?;
            execute(&store, "ALTER TABLE posts DROP COLUMN user_id").await?;
        }
    }
    Ok(())
}

/// SQLite builds the table anew: a check, a generated column, a trigger, an index, and the counter of ids must come through.
async fn what_it_knows_nothing_of_stays(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = db.store_of(Entities::new()).await?;
    migration::run(&store, Command::Up(Some(2))).await?;
    for statement in [
        "DROP TABLE posts",
        "CREATE TABLE posts (\"id\" integer PRIMARY KEY AUTOINCREMENT, -- the key, (of course)
           title text COLLATE NOCASE NOT NULL, content text NOT NULL CHECK (content <> 'a, b'), published boolean DEFAULT TRUE,
           created_at text NOT NULL DEFAULT CURRENT_TIMESTAMP, shout text GENERATED ALWAYS AS (upper(title)) STORED,
           UNIQUE (title, content))",
        "CREATE INDEX by_title ON posts (title) WHERE published",
        "CREATE TABLE log (what text)",
        "CREATE TRIGGER noted AFTER INSERT ON posts BEGIN INSERT INTO log VALUES (new.title); END",
        "INSERT INTO users (id, email, password_hash) VALUES (17, 'ann', 'h')",
        "INSERT INTO posts (id, title, content) VALUES (1, 'one', 'c'), (99, 'last', 'c')",
        "DELETE FROM posts WHERE id = 99",
        "DELETE FROM log",
    ] {
        execute(&store, statement).await?;
    }
    let stored = "SELECT COUNT(*) FROM sqlite_master WHERE tbl_name = 'posts' AND name IN ('by_title', 'noted')";
    for command in [Command::Up(None), Command::Down(Some(1))] {
        migration::run(&store, command).await?;
        ensure!(number(&store, stored).await? == 2);
        ensure!(
            number(&store, "SELECT COUNT(*) FROM log").await? == 0,
            "copying fired the trigger"
        );
        ensure!(
            number(
                &store,
                "SELECT COUNT(*) FROM posts WHERE shout = 'ONE' AND title = 'OnE'"
            )
            .await?
                == 1
        );
        ensure!(number(&store, "SELECT seq FROM sqlite_sequence WHERE name = 'posts'").await? == 99);
        ensure!(number(&store, "SELECT COUNT(*) FROM sqlite_sequence").await? == 2);
    }
    ensure!(
        execute(&store, "INSERT INTO posts (title, content) VALUES ('x', 'a, b')")
            .await
            .is_err()
    );
    execute(&store, "INSERT INTO posts (title, content) VALUES ('new', 'c')").await?;
    ensure!(
        number(&store, "SELECT MAX(id) FROM posts").await? == 100,
        "an id was given twice"
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM log").await? == 1);
    Ok(())
}

/// With enforcement on, dropping `posts` would delete what references it.
async fn children_survive_a_rebuild(db: Db) -> Result<()> {
    let store = before_the_relation(&db, 10).await?;
    let comments = "CREATE TABLE comments (id integer PRIMARY KEY, post_id bigint NOT NULL, \
                    FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE CASCADE)";
    execute(&store, comments).await?;
    execute(&store, "INSERT INTO comments SELECT id, id FROM posts").await?;
    migration::run(&store, Command::Up(None)).await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM comments").await? == 10);
    migration::run(&store, Command::Down(Some(1))).await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM comments").await? == 10);
    // The key still works, and enforcement is on again.
    execute(&store, "DELETE FROM posts WHERE id = 1").await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM comments").await? == 9);
    // SeaORM's own way does them no harm either.
    use sea_orm_migration::MigratorTrait;
    migration::Migrator::up(store.connection().as_pool().unwrap(), None).await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM comments").await? == 9);
    ensure!(relation(&store).await? == (1, 1));
    execute(&store, "DELETE FROM posts WHERE id = 2").await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM comments").await? == 8);
    Ok(())
}

async fn fresh_status_refresh_reset(db: Db) -> Result<()> {
    let store = before_the_relation(&db, 10).await?;
    for command in [Command::Up(None), Command::Status, Command::Refresh, Command::Status] {
        migration::run(&store, command).await?;
        ensure!(relation(&store).await? == (1, 1), "{command:?}");
    }
    execute(&store, "INSERT INTO users (email, password_hash) VALUES ('ann', 'h')").await?;
    migration::run(&store, Command::Fresh).await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM users").await? == 0 && relation(&store).await? == (1, 1));
    migration::run(&store, Command::Reset).await?;
    ensure!(execute(&store, "SELECT 1 FROM users").await.is_err());
    Ok(())
}

/// In memory there is one connection, whose enforcement is off while it migrates. A failure must not leave it so.
async fn enforcement_is_on_after_a_failure(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let memory = Db {
        url: "sqlite::memory:".to_owned(),
        backend: db.backend,
    };
    let store = before_the_relation(&memory, 3).await?;
    execute(&store, "DELETE FROM users").await?;
    ensure!(migration::run(&store, Command::Up(None)).await.is_err());
    ensure!(number(&store, "SELECT foreign_keys FROM pragma_foreign_keys").await? == 1);
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 3);
    Ok(())
}

/// References that dangled before are somebody else's to mend; new ones are refused.
async fn old_dangling_rows_do_not_stand_in_the_way(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = before_the_relation(&db, 3).await?;
    execute(&store, "CREATE TABLE notes (post_id bigint REFERENCES posts (id))").await?;
    let unchecked = "PRAGMA foreign_keys = OFF; INSERT INTO notes VALUES (99); PRAGMA foreign_keys = ON";
    execute(&store, unchecked).await?;
    migration::run(&store, Command::Up(None)).await?;
    ensure!(relation(&store).await? == (1, 1) && number(&store, "SELECT COUNT(*) FROM notes").await? == 1);
    execute(&store, "INSERT INTO notes VALUES (1), (2)").await?;
    // Rolling everything back would drop what the notes reference.
    let error = migration::run(&store, Command::Reset).await.unwrap_err().to_string();
    ensure!(error.contains("rows of notes would reference rows of posts"), "{error}");
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 3);
    Ok(())
}
