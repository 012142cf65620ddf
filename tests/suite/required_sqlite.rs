//! What a required foreign key leaves of a SQLite table and of all that hangs on it: everything. Asked of `sqlite_master` and of the rows, in
//! SQL of the tests' own.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_cascade::migrate::{Backfill, Batch, RequiredForeignKey, Revert};
use sea_orm_cascade::{Action, Backend, Entities, Error, ErrorKind, Store};
use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

use crate::harness::{Db, cases, execute, number};

cases![
    everything_stays,
    every_kind_of_table_stays,
    what_was_there_before_stays_there,
    a_composite_key,
    a_backfill_in_rust,
    a_mapping_that_is_ambiguous,
    rows_in_the_way_are_named,
    dangling_rows_elsewhere_do_not_stand_in_the_way,
    a_view_that_uses_the_column_is_named,
    two_at_once,
    a_dropped_future_leaves_enforcement_on,
    within_a_transaction,
    in_a_migration,
    in_memory,
    a_strict_table_gets_a_type_it_knows,
];

/// Parents, children, and all that SQLite lets hang on a table.
const TABLES: [&str; 14] = [
    "CREATE TABLE users (id integer PRIMARY KEY, email text COLLATE NOCASE UNIQUE)",
    "CREATE TABLE posts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- the key, (of course)
  parent_id INTEGER REFERENCES posts (id) ON DELETE CASCADE,
  title TEXT NOT NULL COLLATE NOCASE DEFAULT 'a, (b',
  content BLOB,
  length INTEGER GENERATED ALWAYS AS (length(title)) STORED,
  published BOOLEAN NOT NULL DEFAULT FALSE, /* and, more */
  CONSTRAINT titled CHECK (title <> '')
)",
    "CREATE TABLE comments (id integer PRIMARY KEY, post_id integer NOT NULL REFERENCES posts ON DELETE CASCADE)",
    "CREATE TABLE audit (what text)",
    "CREATE VIEW published_posts AS SELECT id, title FROM posts WHERE published",
    "CREATE TRIGGER post_made AFTER INSERT ON posts BEGIN INSERT INTO audit VALUES ('made ' || NEW.id); END",
    "CREATE TRIGGER post_titled AFTER UPDATE OF title ON posts BEGIN INSERT INTO audit VALUES ('titled ' || NEW.title); END",
    "CREATE TRIGGER commented AFTER INSERT ON comments BEGIN UPDATE posts SET published = TRUE WHERE id = NEW.post_id; END",
    "CREATE INDEX drafts ON posts (title COLLATE BINARY, id DESC) WHERE NOT published",
    "CREATE INDEX lowered ON posts (lower(title))",
    "INSERT INTO users VALUES (1, 'ann'), (2, 'bob')",
    "INSERT INTO posts (id, parent_id, title, content) VALUES (3, NULL, 'A', x'00ff'), (7, 3, 'a', NULL), (11, 7, 'ü', 1.0), (40, NULL, 'gone', 1)",
    "INSERT INTO comments VALUES (1, 3), (2, 7), (3, 7), (4, 11)",
    "DELETE FROM posts WHERE id = 40",
];

fn owner() -> RequiredForeignKey {
    RequiredForeignKey::new("posts", ["user_id"])
        .references("users", ["id"])
        .on_delete(Action::Cascade)
        .backfill(Backfill::sql("1 + id % 2 -- odd or even"))
}

async fn made(db: &Db, statements: &[&str]) -> Result<Store> {
    let store = db.store_of(Entities::new()).await?;
    for statement in statements {
        execute(&store, statement)
            .await
            .with_context(|| (*statement).to_owned())?;
    }
    Ok(store)
}

async fn rows(store: &Store, sql: &str) -> Result<Vec<String>> {
    let rows = store
        .connection()
        .query_all_raw(Statement::from_string(store.backend().into(), sql))
        .await?;
    Ok(rows
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?)
}

/// Every statement and every row, by what they are of. Of `posts` without the columns named.
async fn everything(store: &Store, but: &[&str]) -> Result<BTreeMap<String, Vec<String>>> {
    let mut all = BTreeMap::new();
    // What the change remembers is beside what it changes.
    let names = "SELECT type || ' ' || name FROM sqlite_master WHERE tbl_name <> 'cascade_ledger'";
    for name in rows(store, names).await? {
        let (_, bare) = name.split_once(' ').context("a type and a name")?;
        let sql = format!("SELECT COALESCE(sql, '') FROM sqlite_master WHERE name = '{bare}'");
        all.insert(name.clone(), rows(store, &sql).await?);
        if name.starts_with("table ") {
            let columns = format!("SELECT name FROM pragma_table_xinfo('{bare}') ORDER BY cid");
            let columns = rows(store, &columns).await?;
            let quoted: Vec<_> = columns
                .iter()
                .filter(|column| bare != "posts" || !but.contains(&column.as_str()))
                .map(|column| format!("quote(\"{column}\")"))
                .collect();
            let sql = format!("SELECT {} FROM \"{bare}\" ORDER BY 1", quoted.join(" || ',' || "));
            all.insert(format!("rows of {bare}"), rows(store, &sql).await?);
        }
    }
    Ok(all)
}

async fn is_enforced(store: &Store) -> Result<bool> {
    Ok(number(store, "SELECT foreign_keys FROM pragma_foreign_keys").await? == 1)
}

fn unfilled(error: &Error) -> Result<(u64, u64, Vec<String>)> {
    let ErrorKind::Unfilled {
        missing,
        dangling,
        sample,
        ..
    } = error.kind()
    else {
        anyhow::bail!("{error}");
    };
    Ok((*missing, *dangling, sample.iter().map(ToString::to_string).collect()))
}

async fn everything_stays(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = made(&db, &TABLES).await?;
    execute(&store, "ANALYZE").await?;
    let before = everything(&store, &[]).await?;
    ensure!(before["rows of comments"].len() == 4 && before["rows of sqlite_stat1"].len() > 1);
    let report = owner().run(store.connection()).await?;
    ensure!(report.filled == 3, "{report}");
    let mut after = everything(&store, &["user_id"]).await?;
    let index = after.remove("index idx-posts-user_id");
    ensure!(index.is_some(), "{after:?}");
    let posts = "CREATE TABLE \"posts\" (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- the key, (of course)
  parent_id INTEGER REFERENCES posts (id) ON DELETE CASCADE,
  title TEXT NOT NULL COLLATE NOCASE DEFAULT 'a, (b',
  content BLOB,
  length INTEGER GENERATED ALWAYS AS (length(title)) STORED,
  published BOOLEAN NOT NULL DEFAULT FALSE, /* and, more */
  \"user_id\" integer NOT NULL, CONSTRAINT titled CHECK (title <> ''), FOREIGN KEY (\"user_id\") REFERENCES \"users\" (\"id\") ON DELETE CASCADE
)";
    let mut expected = before.clone();
    expected.insert("table posts".to_owned(), vec![posts.to_owned()]);
    ensure!(after == expected, "{after:#?}\n{expected:#?}");
    ensure!(rows(&store, "SELECT id || ' ' || user_id FROM posts ORDER BY id").await? == ["3 2", "7 2", "11 2"]);

    // It all works as it did.
    ensure!(is_enforced(&store).await?);
    execute(&store, "INSERT INTO posts (title, user_id) VALUES ('new', 1)").await?;
    ensure!(rows(&store, "SELECT what FROM audit").await? == ["made 3", "made 7", "made 11", "made 40", "made 41"]);
    execute(&store, "INSERT INTO comments VALUES (5, 41)").await?;
    ensure!(rows(&store, "SELECT title FROM published_posts WHERE id = 41").await? == ["new"]);
    ensure!(
        execute(&store, "INSERT INTO posts (title, user_id) VALUES ('x', 20)")
            .await
            .is_err()
    );
    ensure!(execute(&store, "INSERT INTO posts (title) VALUES ('x')").await.is_err());
    execute(&store, "DELETE FROM users WHERE id = 1").await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE id = 41").await? == 0);
    ensure!(number(&store, "SELECT COUNT(*) FROM comments").await? == 4);
    let again = owner().run(store.connection()).await?;
    ensure!(again.filled == 0 && again.steps.is_empty(), "{again}");

    // And back.
    owner().revert(store.connection(), Revert::Full).await?;
    let back = everything(&store, &[]).await?;
    let plain = before["table posts"][0].replace("TABLE posts", "TABLE \"posts\"");
    ensure!(back["table posts"] == [plain], "{back:#?}");
    for (name, is) in &back {
        let changed = [
            "table posts",
            "rows of users",
            "rows of audit",
            "rows of sqlite_sequence",
            "rows of posts",
        ];
        ensure!(
            changed.contains(&name.as_str()) || before.get(name) == Some(is),
            "{name}: {is:?}"
        );
    }
    ensure!(
        back.len() == before.len()
            && rows(
                &store,
                "SELECT seq FROM (SELECT CAST(seq AS text) AS seq FROM sqlite_sequence)"
            )
            .await?
                == ["41"]
    );
    Ok(())
}

async fn every_kind_of_table_stays(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    // The definition, rows as SQL has them, and the end of the definition afterwards.
    let kinds = [
        (
            "CREATE TABLE IF NOT EXISTS main . posts(id INT NOT NULL PRIMARY KEY,a ANY) STRICT , WITHOUT ROWID",
            "(1, 'x'), (2, 1.0), (3, x'00')",
        ),
        (
            "CREATE TABLE [posts] ('id' text collate nocase PRIMARY KEY, \"b c\" , `d` real check(`d` > 0))",
            "('1', 1, 2), ('2', '1', 0.5)",
        ),
        // Without a primary key rows are their rowids, unless columns have all their names.
        (
            "CREATE TABLE posts (id, Rowid text, \"_ROWID_\" /* , */ DEFAULT (1 + (2)))",
            "(1, 'a', 2), (1, 'a', 2), (2, NULL, NULL)",
        ),
        (
            "CREATE TABLE posts (id, rowid, _rowid_, oid)",
            "(1, 1, 1, 1), (1, 1, 1, 1), (2, 'A', x'00', NULL)",
        ),
        ("CREATE TABLE posts AS SELECT 1 AS id, 'a b' AS \"a b\"", "(2, 3)"),
        (
            "CREATE TABLE posts (id integer PRIMARY KEY DESC, a UNIQUE ON CONFLICT IGNORE, UNIQUE (id, a) ON CONFLICT REPLACE CHECK (id > 0))",
            "(1, 'a'), (2, 'b')",
        ),
    ];
    let store = made(
        &db,
        &[
            "CREATE TABLE users (id integer PRIMARY KEY)",
            "INSERT INTO users VALUES (1), (2)",
        ],
    )
    .await?;
    for (definition, values) in kinds {
        // At once, and so on one connection: others find out late that there is another table of the name.
        let made = format!("DROP TABLE IF EXISTS posts; {definition}; INSERT INTO posts VALUES {values}");
        execute(&store, &made).await?;
        let row_ids = match definition.contains("WITHOUT") || definition.contains("oid)") {
            true => "SELECT '' FROM posts",
            false => "SELECT CAST(oid AS text) FROM posts ORDER BY oid",
        };
        // Numbers of rows that no longer follow each other.
        execute(&store, "DELETE FROM posts WHERE id = 1").await?;
        let before = everything(&store, &[]).await?;
        let numbers = rows(&store, row_ids).await?;
        owner()
            .backfill(Backfill::owner(["2"]))
            .run(store.connection())
            .await
            .with_context(|| definition.to_owned())?;
        let filled = number(
            &store,
            "SELECT COUNT(*) FROM posts WHERE user_id = 2 AND typeof(user_id) = 'integer'",
        )
        .await?;
        ensure!(filled > 0 && filled == number(&store, "SELECT COUNT(*) FROM posts").await?);
        let after = everything(&store, &["user_id"]).await?;
        let of_rows = |all: &BTreeMap<String, Vec<String>>| {
            let mut rows = all.iter().filter(|(name, _)| name.to_lowercase() == "rows of posts");
            rows.next().map(|(_, rows)| rows.clone())
        };
        ensure!(of_rows(&after) == of_rows(&before), "{definition}: {after:#?}");
        ensure!(rows(&store, row_ids).await? == numbers, "{definition}");
        for how in [Revert::Soft, Revert::Full] {
            owner()
                .revert(store.connection(), how)
                .await
                .with_context(|| definition.to_owned())?;
            let required = "SELECT COUNT(*) FROM pragma_table_info('posts') WHERE name = 'user_id' AND \"notnull\"";
            ensure!(number(&store, required).await? == 0);
            let keys = number(&store, "SELECT COUNT(*) FROM pragma_foreign_key_list('posts')").await?;
            ensure!(keys == i64::from(how == Revert::Soft));
        }
        let back = everything(&store, &[]).await?;
        ensure!(of_rows(&back) == of_rows(&before), "{definition}");
        let text = |all: &BTreeMap<String, Vec<String>>| {
            let table = all.iter().find(|(name, _)| name.to_lowercase() == "table posts");
            let text = table.map(|(_, sql)| sql.concat()).unwrap_or_default();
            text.split_once('(').map(|(_, columns)| columns.to_owned())
        };
        ensure!(text(&back) == text(&before), "{definition}: {back:#?}");
    }
    Ok(())
}

/// A column, a key or an index that was there is not taken back.
async fn what_was_there_before_stays_there(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = made(
        &db,
        &[
            "CREATE TABLE users (id integer PRIMARY KEY)",
            "CREATE TABLE posts (id integer PRIMARY KEY, user_id int CONSTRAINT k REFERENCES users (id) ON DELETE CASCADE, twice AS (user_id * 2))",
            "CREATE INDEX mine ON posts (user_id, id)",
            "INSERT INTO users VALUES (1), (2)",
            "INSERT INTO posts VALUES (1, NULL), (2, 1), (3, NULL)",
        ],
    )
    .await?;
    let before = everything(&store, &[]).await?;
    let report = owner().run(store.connection()).await?;
    ensure!(report.filled == 2, "{report}");
    ensure!(
        rows(&store, "SELECT id || ' ' || user_id || ' ' || twice FROM posts").await? == ["1 2 4", "2 1 2", "3 2 4"]
    );
    let sql = rows(&store, "SELECT sql FROM sqlite_master WHERE name = 'posts'").await?;
    ensure!(
        sql == [
            "CREATE TABLE \"posts\" (id integer PRIMARY KEY, user_id int NOT NULL CONSTRAINT k REFERENCES users (id) ON DELETE CASCADE, \
                 twice AS (user_id * 2))"
        ],
        "{sql:?}"
    );
    owner().revert(store.connection(), Revert::Full).await?;
    let mut after = everything(&store, &[]).await?;
    ensure!(
        after["table posts"][0] == before["table posts"][0].replace("TABLE posts", "TABLE \"posts\""),
        "{after:#?}"
    );
    after.insert("table posts".to_owned(), before["table posts"].clone());
    after.insert("rows of posts".to_owned(), before["rows of posts"].clone());
    ensure!(after == before, "{after:#?}");
    Ok(())
}

async fn a_composite_key(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = made(
        &db,
        &[
            "CREATE TABLE tenants (id integer PRIMARY KEY)",
            "CREATE TABLE users (tenant_id int, id int, PRIMARY KEY (tenant_id, id)) WITHOUT ROWID",
            "CREATE TABLE posts (tenant_id int NOT NULL REFERENCES tenants, id int, PRIMARY KEY (tenant_id, id))",
            "INSERT INTO tenants VALUES (1), (2)",
            "INSERT INTO users VALUES (1, 1), (1, 2), (2, 1)",
            "INSERT INTO posts VALUES (1, 1), (1, 2), (2, 1)",
        ],
    )
    .await?;
    let key = RequiredForeignKey::new("posts", ["tenant_id", "user_id"]).references("users", ["tenant_id", "id"]);
    let wrong = key.clone().backfill(Backfill::sqls(["tenant_id", "2"]));
    let error = wrong.run(store.connection()).await.unwrap_err();
    ensure!(
        unfilled(&error)? == (0, 1, vec!["(tenant_id, id) = (2, 1)".to_owned()]),
        "{error}"
    );
    let key = key.backfill(Backfill::sqls([
        "99",
        "(SELECT MAX(u.id) FROM users u WHERE u.tenant_id = posts.tenant_id)",
    ]));
    let report = key.run(store.connection()).await?;
    ensure!(report.filled == 3, "{report}");
    ensure!(rows(&store, "SELECT tenant_id || ' ' || user_id FROM posts ORDER BY 1").await? == ["1 2", "1 2", "2 1"]);
    ensure!(
        execute(&store, "INSERT INTO posts (tenant_id, id, user_id) VALUES (2, 9, 2)")
            .await
            .is_err()
    );
    // What the primary key and another key need stays.
    key.revert(store.connection(), Revert::Full).await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM pragma_table_info('posts')").await? == 2);
    ensure!(number(&store, "SELECT COUNT(*) FROM pragma_foreign_key_list('posts')").await? == 1);
    Ok(())
}

async fn a_backfill_in_rust(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = made(&db, &TABLES).await?;
    let before = everything(&store, &[]).await?;
    let by_rule = |last: &'static str| {
        Backfill::with(move |batch: Batch| async move {
            // It may look things up in the transaction.
            batch.connection.execute_unprepared("SELECT 1").await?;
            let of = |key: &str| (key != last).then(|| vec![if key == "7" { 1_i64 } else { 2 }.into()]);
            Ok(batch.keys.iter().map(|key| of(&key.values()[0])).collect())
        })
    };
    let error = owner()
        .batch_rows(2)
        .backfill(by_rule("11"))
        .run(store.connection())
        .await
        .unwrap_err();
    ensure!(unfilled(&error)? == (1, 0, vec!["id = 11".to_owned()]), "{error}");
    ensure!(everything(&store, &[]).await? == before && is_enforced(&store).await?);
    owner()
        .batch_rows(2)
        .backfill(by_rule(""))
        .run(store.connection())
        .await?;
    ensure!(rows(&store, "SELECT id || ' ' || user_id FROM posts ORDER BY id").await? == ["3 2", "7 1", "11 2"]);
    let plan = owner().backfill(by_rule("")).plan(store.connection()).await?;
    ensure!(plan.is_done(), "{plan}");
    Ok(())
}

async fn a_mapping_that_is_ambiguous(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = made(&db, &TABLES).await?;
    for sql in [
        "CREATE TABLE owners (post_id int, user_id int)",
        "INSERT INTO owners VALUES (3, 1), (7, 1), (7, 2)",
    ] {
        execute(&store, sql).await?;
    }
    let key = owner().backfill(Backfill::mapping("owners", [("id", "post_id")], ["user_id"]));
    let error = key.run(store.connection()).await.unwrap_err();
    let named = vec!["id = 7".to_owned(), "id = 11".to_owned()];
    ensure!(unfilled(&error)? == (2, 0, named), "{error}");
    execute(&store, "DELETE FROM owners WHERE user_id = 2").await?;
    execute(&store, "INSERT INTO owners VALUES (11, 2)").await?;
    key.run(store.connection()).await?;
    ensure!(rows(&store, "SELECT id || ' ' || user_id FROM posts ORDER BY id").await? == ["3 1", "7 1", "11 2"]);
    Ok(())
}

async fn rows_in_the_way_are_named(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = made(&db, &TABLES).await?;
    let before = everything(&store, &[]).await?;
    let key = owner().backfill(Backfill::sql("CASE id WHEN 3 THEN NULL WHEN 7 THEN 20 ELSE 1 END"));
    let error = key.run(store.connection()).await.unwrap_err();
    ensure!(
        unfilled(&error)? == (1, 1, vec!["id = 3".to_owned(), "id = 7".to_owned()]),
        "{error}"
    );
    ensure!(
        error
            .to_string()
            .contains("1 row of posts would get no value for user_id")
            && error
                .to_string()
                .contains("1 row of posts would reference no row of users (id 3, 7)"),
        "{error}"
    );
    ensure!(everything(&store, &[]).await? == before && is_enforced(&store).await?);
    // Optional, a row may be without an owner, but not with one that is not there.
    let error = key.clone().optional().run(store.connection()).await.unwrap_err();
    ensure!(unfilled(&error)? == (0, 1, vec!["id = 7".to_owned()]), "{error}");
    let none = RequiredForeignKey::new("posts", ["user_id"]).references("users", ["id"]);
    let error = none.run(store.connection()).await.unwrap_err();
    ensure!(unfilled(&error)?.0 == 3, "{error}");
    none.optional().run(store.connection()).await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id IS NULL").await? == 3);
    // Nor may a value that was there.
    let dangles = "PRAGMA foreign_keys = OFF; UPDATE posts SET user_id = 1 + id; PRAGMA foreign_keys = ON";
    execute(&store, dangles).await?;
    let error = owner()
        .on_delete(Action::NoAction)
        .run(store.connection())
        .await
        .unwrap_err();
    ensure!(unfilled(&error)?.1 == 3, "{error}");
    Ok(())
}

async fn dangling_rows_elsewhere_do_not_stand_in_the_way(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = made(&db, &TABLES).await?;
    // In one statement and so on one connection: a comment of no post, a post below none, a key to what is not unique, one to no table.
    execute(
        &store,
        "PRAGMA foreign_keys = OFF; INSERT INTO comments VALUES (9, 900); UPDATE posts SET parent_id = 800 WHERE id = 3; \
         CREATE TABLE odd (a REFERENCES audit (what), b REFERENCES nowhere (id)); INSERT INTO odd VALUES (1, 1); PRAGMA foreign_keys = ON",
    )
    .await?;
    owner().run(store.connection()).await?;
    ensure!(
        number(
            &store,
            "SELECT COUNT(*) FROM posts WHERE user_id = 2 AND (id <> 3 OR parent_id = 800)"
        )
        .await?
            == 3
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM comments").await? == 5);
    Ok(())
}

async fn a_view_that_uses_the_column_is_named(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = made(&db, &TABLES).await?;
    owner().run(store.connection()).await?;
    let users = [
        ("CREATE VIEW owned AS SELECT user_id FROM posts", "owned"),
        ("CREATE VIEW owned AS SELECT \"user_id\" FROM posts", "owned"),
        (
            "CREATE TRIGGER owned AFTER DELETE ON audit BEGIN UPDATE posts SET user_id = 1; END",
            "a change of audit",
        ),
        ("CREATE INDEX owned ON posts (title) WHERE user_id > 1", "user_id"),
    ];
    for (sql, named) in users {
        execute(&store, sql).await?;
        let before = everything(&store, &[]).await?;
        let error = owner().revert(store.connection(), Revert::Full).await.unwrap_err();
        let source = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        ensure!(format!("{error} {source}").contains(named), "{sql}: {error} {source}");
        ensure!(
            everything(&store, &[]).await? == before && is_enforced(&store).await?,
            "{sql}"
        );
        let kind = sql.split(' ').nth(1).context("a kind")?;
        execute(&store, &format!("DROP {kind} owned")).await?;
    }
    owner().revert(store.connection(), Revert::Full).await?;
    Ok(())
}

async fn two_at_once(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = made(&db, &TABLES).await?;
    let other = db.store_of(Entities::new()).await?;
    let (one, two) = (owner(), owner());
    let (one, two) = tokio::join!(one.run(store.connection()), two.run(other.connection()));
    let filled = one?.filled + two?.filled;
    ensure!(filled == 3, "{filled}");
    ensure!(number(&store, "SELECT COUNT(*) FROM pragma_foreign_key_list('posts')").await? == 2);
    Ok(())
}

async fn a_dropped_future_leaves_enforcement_on(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = made(&db, &TABLES).await?;
    let before = everything(&store, &[]).await?;
    let (sender, asked) = tokio::sync::watch::channel(false);
    let never = owner().backfill(Backfill::with(move |_| {
        sender.send_replace(true);
        std::future::pending()
    }));
    let mut asked = asked;
    tokio::select! {
        result = never.run(store.connection()) => anyhow::bail!("{result:?}"),
        result = asked.wait_for(|asked| *asked) => drop(result?),
    }
    drop(never);
    // The connection that was cut off is closed by another thread.
    owner()
        .lock_timeout(Duration::from_millis(200))
        .run(store.connection())
        .await?;
    ensure!(is_enforced(&store).await?);
    ensure!(everything(&store, &["user_id"]).await?["rows of posts"] == before["rows of posts"]);
    Ok(())
}

async fn within_a_transaction(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = made(&db, &TABLES).await?;
    let before = everything(&store, &[]).await?;
    let change = async |store: &Store| {
        let run = |tx: Store| async move { owner().run(tx.connection()).await };
        store.transaction(run).await
    };
    // Comments reference posts, and so do posts.
    let error = change(&store).await.unwrap_err();
    ensure!(error.to_string().contains("would delete the rows of"), "{error}");
    ensure!(everything(&store, &[]).await? == before && is_enforced(&store).await?);
    let made = "DROP TABLE comments; DROP VIEW published_posts; DROP TABLE posts; CREATE TABLE posts (id integer PRIMARY KEY); INSERT INTO posts VALUES (1), (2)";
    execute(&store, made).await?;
    let report = change(&store).await?;
    ensure!(report.filled == 2, "{report}");
    ensure!(
        execute(&store, "INSERT INTO posts (id, user_id) VALUES (3, 30)")
            .await
            .is_err()
    );
    Ok(())
}

/// The one connection there is does not enforce keys while the table is built, and does afterwards.
async fn in_memory(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let memory = Db {
        url: "sqlite::memory:".to_owned(),
        ..db
    };
    let store = made(&memory, &TABLES).await?;
    let wrong = owner().backfill(Backfill::sql("20")).run(store.connection()).await;
    ensure!(wrong.is_err() && is_enforced(&store).await?);
    owner().run(store.connection()).await?;
    ensure!(is_enforced(&store).await? && number(&store, "SELECT COUNT(*) FROM comments").await? == 4);
    execute(&store, "PRAGMA foreign_keys = OFF").await?;
    owner().revert(store.connection(), Revert::Full).await?;
    ensure!(!is_enforced(&store).await?, "it was off before");
    Ok(())
}

/// A migration of SeaORM's, in a transaction or not.
struct Migrator<const IN_TRANSACTION: bool>;

struct Migration<const IN_TRANSACTION: bool>;

impl<const IN_TRANSACTION: bool> MigratorTrait for Migrator<IN_TRANSACTION> {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Migration::<IN_TRANSACTION>)]
    }
}

impl<const IN_TRANSACTION: bool> MigrationName for Migration<IN_TRANSACTION> {
    fn name(&self) -> &str {
        "owner"
    }
}

#[async_trait::async_trait]
impl<const IN_TRANSACTION: bool> MigrationTrait for Migration<IN_TRANSACTION> {
    fn use_transaction(&self) -> Option<bool> {
        Some(IN_TRANSACTION)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let run = owner().run(manager.get_connection()).await;
        run.map(drop).map_err(|error| DbErr::Custom(error.to_string()))
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let reverted = owner().revert(manager.get_connection(), Revert::Full).await;
        reverted.map(drop).map_err(|error| DbErr::Custom(error.to_string()))
    }
}

async fn in_a_migration(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = made(&db, &TABLES).await?;
    let pool = store.connection().as_pool().context("a pool")?;
    let before = everything(&store, &[]).await?;
    Migrator::<false>::up(pool, None).await?;
    let after = everything(&store, &["user_id"]).await?;
    for name in [
        "rows of posts",
        "rows of comments",
        "view published_posts",
        "trigger commented",
    ] {
        ensure!(after[name] == before[name], "{name}: {:?}", after[name]);
    }
    Migrator::<false>::down(pool, None).await?;
    ensure!(everything(&store, &[]).await?["rows of posts"] == before["rows of posts"]);
    // In a transaction that enforces keys, only a table that nobody references can be built anew.
    let error = Migrator::<true>::up(pool, None).await.unwrap_err().to_string();
    ensure!(error.contains("would delete the rows of"), "{error}");
    ensure!(everything(&store, &[]).await?["rows of comments"] == before["rows of comments"]);
    execute(
        &store,
        "DROP TABLE comments; DROP VIEW published_posts; DROP TABLE posts; CREATE TABLE posts (id integer PRIMARY KEY); \
         INSERT INTO posts VALUES (5)",
    )
    .await?;
    Migrator::<true>::up(pool, None).await?;
    ensure!(number(&store, "SELECT user_id FROM posts").await? == 2 && is_enforced(&store).await?);
    Migrator::<true>::down(pool, None).await?;
    ensure!(execute(&store, "SELECT user_id FROM posts").await.is_err());
    Ok(())
}

async fn a_strict_table_gets_a_type_it_knows(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = made(
        &db,
        &[
            "CREATE TABLE users (id uuid_text PRIMARY KEY COLLATE NOCASE)",
            "CREATE TABLE posts (id integer PRIMARY KEY) STRICT",
            "INSERT INTO users VALUES ('Ann')",
            "INSERT INTO posts VALUES (1)",
        ],
    )
    .await?;
    owner().backfill(Backfill::sql("'ann'")).run(store.connection()).await?;
    let column = "SELECT type FROM pragma_table_info('posts') WHERE name = 'user_id'";
    ensure!(rows(&store, column).await? == ["TEXT"]);
    Ok(())
}
