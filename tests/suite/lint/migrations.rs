//! What the rules about migrations say of an engine, asked of the engine itself.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_cascade::lint::Fix;
use sea_orm_cascade::lint::migration::{self, Script};
use sea_orm_cascade::overlay::LintSettings;
use sea_orm_cascade::{Backend, Store};

use super::{refused, run, store};
use crate::harness::{Db, cases, execute, number};

cases![
    l30_l36_locks_are_those_that_are_named,
    l30_l33_rows_are_read_where_it_is_said,
    l32_a_required_column_without_a_value,
    l34_a_check_before_the_backfill,
    l35_concurrently_in_a_transaction,
    l41_a_dropped_parent_takes_its_children_along,
    l44_the_proof_finds_what_came_unchecked,
];

const USERS: &str = "CREATE TABLE users (id bigint NOT NULL PRIMARY KEY);";
const POSTS: &str = "CREATE TABLE posts (id bigint NOT NULL PRIMARY KEY, user_id bigint, title varchar(80));";
const KEY: &str = "ALTER TABLE posts ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id)";

/// Two tables, each with a row.
async fn tables(db: &Db) -> Result<Store> {
    let store = store(db).await?;
    let rows = "INSERT INTO users (id) VALUES (1); INSERT INTO posts (id, user_id) VALUES (1, 1)";
    run(&store, &format!("{USERS} {POSTS} {rows}")).await?;
    Ok(store)
}

/// The codes of what is found in a script.
fn codes(backend: Backend, sql: &str) -> Vec<&'static str> {
    let findings = migration::lint(&Script::sql(backend, sql), &LintSettings::default());
    findings.iter().map(|finding| finding.code).collect()
}

/// The statements that the rule proposes.
fn proposed(backend: Backend, sql: &str, code: &str) -> Result<String> {
    let findings = migration::lint(&Script::sql(backend, sql), &LintSettings::default());
    let found = findings.into_iter().find(|finding| finding.code == code);
    match found.with_context(|| format!("{code} finds nothing"))?.fix {
        Fix::Sql(sql) => Ok(sql),
        fix => anyhow::bail!("it proposes {fix:?}"),
    }
}

async fn texts(store: &Store, sql: &str) -> Result<BTreeSet<String>> {
    let statement = Statement::from_string(store.backend().into(), sql);
    let rows = store.connection().query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

/// For each statement: the strong locks that PostgreSQL then has, and those that L36 names.
async fn l30_l36_locks_are_those_that_are_named(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    match db.backend {
        Backend::Postgres => {}
        Backend::MySql | Backend::Sqlite => return Ok(()),
    }
    let checked = "ALTER TABLE posts ADD CONSTRAINT c CHECK (id > 0) NOT VALID";
    execute(&store, checked).await?;
    for sql in [
        KEY,
        &format!("{KEY} NOT VALID"),
        "ALTER TABLE posts VALIDATE CONSTRAINT c",
        "ALTER TABLE posts DROP CONSTRAINT c",
        "ALTER TABLE posts ADD COLUMN x bigint",
        "ALTER TABLE posts ADD COLUMN x bigint REFERENCES users (id)",
        "ALTER TABLE posts ALTER COLUMN id SET NOT NULL",
        "ALTER TABLE posts ALTER COLUMN title SET STATISTICS 100",
        "ALTER TABLE posts SET (fillfactor = 70)",
        "ALTER TABLE posts SET (fillfactor = 70), ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id)",
        "ALTER TABLE posts DISABLE TRIGGER ALL",
        "ALTER TABLE posts DROP COLUMN title",
        "ALTER TABLE posts RENAME TO articles",
        "CREATE TABLE likes (user_id bigint REFERENCES users (id))",
        "CREATE INDEX i ON posts (user_id)",
        "TRUNCATE posts",
        "DROP TABLE posts",
        "LOCK TABLE posts IN SHARE ROW EXCLUSIVE MODE",
        "LOCK TABLE posts IN ROW EXCLUSIVE MODE",
        "LOCK posts",
        "CLUSTER posts USING posts_pkey",
        "UPDATE posts SET title = ''",
    ] {
        let oids = "SELECT ('posts'::regclass::oid::bigint)";
        let posts = number(&store, oids).await?;
        execute(&store, "BEGIN").await?;
        execute(&store, sql).await.with_context(|| sql.to_owned())?;
        let held = texts(
            &store,
            &format!(
                "SELECT CASE mode WHEN 'AccessExclusiveLock' THEN 'ACCESS EXCLUSIVE' ELSE 'SHARE ROW EXCLUSIVE' END || ' on ' || \
                 CASE relation WHEN {posts} THEN 'posts' ELSE 'users' END FROM pg_locks WHERE pid = pg_backend_pid() AND granted \
                 AND mode IN ('AccessExclusiveLock', 'ShareRowExclusiveLock') AND relation IN ({posts}, 'users'::regclass)"
            ),
        )
        .await?;
        execute(&store, "ROLLBACK").await?;
        // A weaker one beside it adds nothing.
        let exclusive = held.contains("ACCESS EXCLUSIVE on posts");
        let held: BTreeSet<_> = held
            .into_iter()
            .filter(|lock| !(exclusive && lock == "SHARE ROW EXCLUSIVE on posts"))
            .collect();
        let findings = migration::lint(&Script::sql(db.backend, sql), &LintSettings::default());
        let named: BTreeSet<_> = findings
            .iter()
            .filter(|finding| finding.code == "L36")
            .filter_map(|finding| finding.message.split_once(" is waited"))
            .map(|(lock, _)| lock.to_owned())
            .collect();
        ensure!(
            held == named,
            "{sql}: PostgreSQL has {held:?}, and the linter says {named:?}"
        );
    }
    Ok(())
}

/// How many rows of `posts` a statement reads; it is rolled back.
async fn reads(store: &Store, sql: &str) -> Result<i64> {
    // What was counted before may not have been handed to the statistics yet.
    let read = "SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables WHERE relname = 'posts'";
    execute(store, "BEGIN").await?;
    let before = number(store, read).await?;
    execute(store, sql).await.with_context(|| sql.to_owned())?;
    let after = number(store, read).await?;
    execute(store, "ROLLBACK").await?;
    Ok(after - before)
}

async fn l30_l33_rows_are_read_where_it_is_said(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    match db.backend {
        Backend::Postgres => {}
        Backend::MySql | Backend::Sqlite => return Ok(()),
    }
    execute(
        &store,
        "INSERT INTO posts SELECT n, 1 FROM generate_series(2, 100) AS n",
    )
    .await?;
    let backend = db.backend;
    let not_valid = format!("{KEY} NOT VALID");
    for (sql, code, rows) in [
        (KEY, "L30", 100),
        (&not_valid, "L30", 0),
        (
            "ALTER TABLE posts ADD COLUMN x bigint DEFAULT 1 REFERENCES users (id)",
            "L30",
            100,
        ),
        ("ALTER TABLE posts ADD COLUMN x bigint REFERENCES users (id)", "L30", 0),
        ("ALTER TABLE posts ALTER COLUMN user_id SET NOT NULL", "L33", 100),
        ("ALTER TABLE posts ADD CHECK (user_id IS NOT NULL)", "L33", 100),
        ("ALTER TABLE posts ADD CHECK (user_id IS NOT NULL) NOT VALID", "L33", 0),
    ] {
        let read = reads(&store, sql).await?;
        ensure!((read > 0) == (rows > 0) && read >= rows, "{sql} reads {read}");
        ensure!(codes(backend, sql).contains(&code) == (rows > 0), "{code}: {sql}");
    }
    // What L33 proposes reads the table in its second statement only, and then the column is what it should be.
    let set = "ALTER TABLE posts ALTER COLUMN user_id SET NOT NULL";
    let steps = proposed(backend, set, "L33")?;
    ensure!(!codes(backend, &steps).contains(&"L33"), "{steps}");
    for (number, step) in steps.lines().enumerate() {
        let read = reads(&store, step).await?;
        ensure!((read > 0) == (number == 1), "{step} reads {read}");
        run(&store, step).await?;
    }
    ensure!(refused(&store, "UPDATE posts SET user_id = NULL WHERE id = 1").await);
    let steps = proposed(backend, KEY, "L30")?;
    ensure!(!codes(backend, &steps).contains(&"L30"), "{steps}");
    run(&store, &steps).await?;
    ensure!(
        number(
            &store,
            "SELECT COUNT(*) FROM pg_constraint WHERE conname = 'fk' AND convalidated"
        )
        .await?
            == 1
    );
    Ok(())
}

async fn l32_a_required_column_without_a_value(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    let sql = "ALTER TABLE posts ADD COLUMN stars integer NOT NULL";
    ensure!(codes(db.backend, sql).contains(&"L32"));
    match db.backend {
        Backend::Postgres | Backend::Sqlite => ensure!(refused(&store, sql).await),
        Backend::MySql => {
            execute(&store, sql).await?;
            ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE stars = 0").await? == 1);
        }
    }
    Ok(())
}

async fn l34_a_check_before_the_backfill(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    match db.backend {
        Backend::Postgres => {}
        Backend::MySql | Backend::Sqlite => return Ok(()),
    }
    let check = "ALTER TABLE posts ADD COLUMN stars integer; ALTER TABLE posts ADD CHECK (stars IS NOT NULL) NOT VALID";
    let fill = "UPDATE posts SET stars = 0 WHERE id BETWEEN 1 AND 10";
    ensure!(codes(db.backend, &format!("{check}; {fill}")).contains(&"L34"));
    run(&store, check).await?;
    ensure!(refused(&store, "UPDATE posts SET title = 'new' WHERE id = 1").await);
    execute(&store, fill).await?;
    execute(&store, "UPDATE posts SET title = 'new' WHERE id = 1").await
}

async fn l35_concurrently_in_a_transaction(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    match db.backend {
        Backend::Postgres => {}
        Backend::MySql | Backend::Sqlite => return Ok(()),
    }
    // Two statements in one text are a transaction too.
    let two = "SELECT 1; CREATE INDEX CONCURRENTLY i ON posts (user_id)";
    ensure!(refused(&store, two).await);
    let script = Script::new(db.backend).statement(migration::Statement::new(two));
    let found = migration::lint(&script, &LintSettings::default());
    ensure!(found.iter().any(|finding| finding.code == "L35"), "{found:#?}");
    let fix = proposed(db.backend, "CREATE INDEX i ON posts (user_id)", "L35")?;
    run(&store, &fix).await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM pg_indexes WHERE indexname = 'i'").await? == 1);
    Ok(())
}

async fn l41_a_dropped_parent_takes_its_children_along(db: Db) -> Result<()> {
    let store = store(&db).await?;
    match db.backend {
        Backend::Sqlite => {}
        Backend::Postgres | Backend::MySql => return Ok(()),
    }
    let rebuild = "CREATE TABLE new_users (id bigint NOT NULL PRIMARY KEY); INSERT INTO new_users SELECT id FROM users; DROP TABLE users; \
                   ALTER TABLE new_users RENAME TO users";
    let off = "PRAGMA foreign_keys = OFF";
    let on = "PRAGMA foreign_keys = ON";
    run(&store, USERS).await?;
    execute(
        &store,
        "CREATE TABLE posts (id integer PRIMARY KEY, user_id bigint REFERENCES users (id) ON DELETE CASCADE)",
    )
    .await?;
    for (script, left) in [
        (format!("BEGIN; {rebuild}; COMMIT"), 0),
        (format!("BEGIN; {off}; {rebuild}; COMMIT"), 0),
        (format!("BEGIN; PRAGMA defer_foreign_keys = ON; {rebuild}; COMMIT"), 0),
        (format!("{off}; BEGIN; {rebuild}; COMMIT; {on}"), 1),
    ] {
        run(
            &store,
            "DELETE FROM users; INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1)",
        )
        .await?;
        run(&store, &script).await?;
        ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == left, "{script}");
        ensure!(codes(db.backend, &script).contains(&"L41") == (left == 0), "{script}");
    }
    Ok(())
}

async fn l44_the_proof_finds_what_came_unchecked(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    execute(&store, "INSERT INTO posts (id, user_id) VALUES (2, 7), (3, NULL)").await?;
    let sql = match db.backend {
        // A superuser's setting; the keys are triggers there.
        Backend::Postgres => return Ok(()),
        Backend::MySql => format!("SET foreign_key_checks = 0; {KEY}; SET foreign_key_checks = 1"),
        Backend::Sqlite => {
            "PRAGMA foreign_keys = OFF; ALTER TABLE posts ADD COLUMN other_id bigint REFERENCES users (id); \
                            UPDATE posts SET other_id = user_id WHERE id > 0; PRAGMA foreign_keys = ON"
                .to_owned()
        }
    };
    run(&store, &sql).await?;
    let proof = proposed(db.backend, &sql, "L44")?;
    let statement = Statement::from_string(store.backend().into(), proof.trim_end_matches(';'));
    let rows = store.connection().query_all_raw(statement).await?;
    ensure!(rows.len() == 1, "{proof} lists {} rows", rows.len());
    ensure!(!codes(db.backend, &format!("{sql}; {proof}")).contains(&"L44"));
    Ok(())
}
