//! Killed in or between any steps, the next run ends where an undisturbed one ends.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sea_orm_cascade::{Backend, Store};

use super::process::{Job, reads};
use super::{everything, fresh, one_connection};
use crate::harness::{Db, cases, execute, number};
use crate::required::catalog::difference;
use crate::required::process::{alone, somebody_waits};

cases![
    before_each_statement_forth,
    before_each_statement_back,
    before_each_statement_of_a_key_s_change,
    what_was_sent_goes_on_beside_the_next_run,
    while_an_index_is_made,
    while_sqlite_waits_to_commit,
    a_check_of_somebody_else_s_stays,
];

/// The tables as the job finds them.
async fn begin(store: &Store, job: Job) -> Result<()> {
    fresh(store).await?;
    if job == Job::Back {
        Job::Forth.alteration().run(store.connection()).await?;
    }
    Ok(())
}

/// The statements of an undisturbed run, and what it leaves.
async fn undisturbed(db: &Db, store: &Store, job: Job) -> Result<(Vec<String>, Vec<String>)> {
    begin(store, job).await?;
    let said = job.start(db)?.ends()?;
    Ok((said, everything(store).await?))
}

/// After the process is gone: the next run completes, and nothing tells that there was another.
async fn completes(store: &Store, job: Job, left: &[String], when: &str) -> Result<()> {
    alone(store).await?;
    job.alteration()
        .run(store.connection())
        .await
        .with_context(|| format!("killed {when}"))?;
    let ours = everything(store).await?;
    ensure!(ours == left, "killed {when}: {}", difference(&ours, left));
    Ok(())
}

async fn before_each_statement(db: &Db, job: Job) -> Result<Vec<String>> {
    let store = one_connection(db).await?;
    let (said, left) = undisturbed(db, &store, job).await?;
    let mut states = Vec::new();
    for (place, sent) in said.iter().enumerate() {
        begin(&store, job).await?;
        let mut process = job.start(db)?;
        for _ in 0..place {
            process.says()?;
            process.goes_on()?;
        }
        let now = process.says()?;
        process.killed_now()?;
        ensure!(now == *sent, "{now}, and before it was {sent}");
        alone(&store).await?;
        let state = everything(&store).await?.join("\n");
        if states.last() != Some(&state) {
            states.push(state);
        }
        completes(&store, job, &left, &format!("before {place}, {now}")).await?;
    }
    // Again, and nothing is done.
    let again = job.start(db)?.ends()?;
    let changing = again.iter().find(|line| !["BEGIN", "COMMIT"].contains(&line.as_str()));
    ensure!(changing.is_none(), "done again: {again:?}");
    Ok(states)
}

async fn before_each_statement_forth(db: Db) -> Result<()> {
    let states = before_each_statement(&db, Job::Forth).await?;
    let least = match db.backend {
        // Columns; two indexes; the unique key; the key and the check, each validated; required; without the check; the last column.
        Backend::Postgres => 11,
        Backend::MySql => 2,
        Backend::Sqlite => 1,
    };
    ensure!(states.len() >= least, "{} states", states.len());
    if db.backend == Backend::Postgres {
        let is_there = |what: &[&str]| states.iter().any(|state| what.iter().all(|word| state.contains(word)));
        ensure!(
            is_there(&["cascade_posts_title_required", "NOT VALID"]),
            "no helper was left"
        );
        ensure!(is_there(&[
            "FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE NOT VALID"
        ]));
        let is_half = |state: &String| {
            state.contains("UNIQUE INDEX posts_slug_key") && !state.contains("constraint posts_slug_key")
        };
        ensure!(states.iter().any(is_half), "no index without its key was left");
    }
    Ok(())
}

async fn before_each_statement_back(db: Db) -> Result<()> {
    before_each_statement(&db, Job::Back).await?;
    Ok(())
}

async fn before_each_statement_of_a_key_s_change(db: Db) -> Result<()> {
    let states = before_each_statement(&db, Job::Key).await?;
    for state in &states {
        let has_key = match db.backend {
            Backend::Postgres => state.contains("FOREIGN KEY (editor_id) REFERENCES users(id)"),
            Backend::MySql => state.contains(" posts editor_id users id "),
            Backend::Sqlite => state.contains("(editor_id) REFERENCES users"),
        };
        ensure!(has_key, "for a while the key was off:\n{state}");
    }
    Ok(())
}

/// What keeps a statement waiting.
async fn hold(store: &Store, sql: &str) -> Result<()> {
    let statements = match store.backend() {
        Backend::Postgres if sql.contains("CONCURRENTLY") => ["BEGIN", "UPDATE posts SET title = title WHERE id = 1"],
        Backend::Postgres => ["BEGIN", "LOCK TABLE posts IN SHARE UPDATE EXCLUSIVE MODE"],
        Backend::MySql => ["BEGIN", "SELECT id FROM posts LIMIT 1"],
        Backend::Sqlite => ["SELECT 1", "SELECT 1"],
    };
    for sql in statements {
        execute(store, sql).await?;
    }
    Ok(())
}

/// The next run comes while the server still waits with, or carries out, what the killed one has sent.
async fn what_was_sent_goes_on_beside_the_next_run(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = one_connection(&db).await?;
    for job in Job::ALL {
        let (said, left) = undisturbed(&db, &store, job).await?;
        for (place, sql) in said.iter().enumerate() {
            // What comes second in a transaction has its lock already.
            let is_frame = |sql: &String| ["BEGIN", "COMMIT"].contains(&sql.as_str());
            let has_lock = db.backend == Backend::Postgres
                && !sql.contains("CONCURRENTLY")
                && said[..place].last().is_some_and(|before| before != "BEGIN");
            if is_frame(sql) || has_lock || said[..place].contains(sql) {
                continue;
            }
            begin(&store, job).await?;
            let mut process = job.start(&db)?;
            process.goes_on_until(sql)?;
            let holds = one_connection(&db).await?;
            hold(&holds, sql).await?;
            process.goes_on()?;
            somebody_waits(&store).await?;
            process.killed_now()?;
            let next = job.alteration().lock_timeout(Duration::from_millis(100));
            let running = {
                let store = one_connection(&db).await?;
                tokio::spawn(async move {
                    let outcome = next.run(store.connection()).await;
                    store.close().await?;
                    Ok::<_, anyhow::Error>(outcome?)
                })
            };
            tokio::task::yield_now().await;
            execute(&holds, "ROLLBACK").await?;
            holds.close().await?;
            running.await?.with_context(|| format!("beside {sql}"))?;
            completes(&store, job, &left, &format!("in {sql}, which went on")).await?;
        }
    }
    Ok(())
}

/// Cut off half-way, it leaves an index that is not used and is in the way of another of its name.
async fn while_an_index_is_made(db: Db) -> Result<()> {
    if db.backend != Backend::Postgres {
        return Ok(());
    }
    let store = one_connection(&db).await?;
    let (said, left) = undisturbed(&db, &store, Job::Forth).await?;
    let making: Vec<_> = said.iter().filter(|sql| sql.contains("INDEX CONCURRENTLY")).collect();
    ensure!(making.len() == 2, "{said:?}");
    for sql in making {
        begin(&store, Job::Forth).await?;
        let mut process = Job::Forth.start(&db)?;
        process.goes_on_until(sql)?;
        let holds = one_connection(&db).await?;
        hold(&holds, sql).await?;
        process.goes_on()?;
        somebody_waits(&store).await?;
        process.killed_now()?;
        let cut = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
                   AND query LIKE 'CREATE % CONCURRENTLY%'";
        ensure!(number(&store, cut).await? == 1);
        execute(&holds, "ROLLBACK").await?;
        holds.close().await?;
        alone(&store).await?;
        let unusable = "SELECT COUNT(*) FROM pg_index WHERE indrelid = 'posts'::regclass AND NOT indisvalid";
        ensure!(number(&store, unusable).await? == 1, "{sql}");
        completes(&store, Job::Forth, &left, &format!("in {sql}")).await?;
    }
    Ok(())
}

/// All is written but for the end: a reader keeps it waiting with its COMMIT.
async fn while_sqlite_waits_to_commit(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = one_connection(&db).await?;
    execute(&store, "PRAGMA journal_mode = DELETE").await?;
    for job in Job::ALL {
        let (_, left) = undisturbed(&db, &store, job).await?;
        begin(&store, job).await?;
        let before = everything(&store).await?;
        let mut process = job.start(&db)?;
        process.goes_on_until("COMMIT")?;
        let looks = one_connection(&db).await?;
        execute(&looks, "PRAGMA busy_timeout = 0").await?;
        // In a process of its own: two connections of one process share their locks.
        let mut reader = reads(&db)?;
        ensure!(reader.says()? == "reads");
        process.goes_on()?;
        // No new reader passes one who waits to commit.
        while number(&looks, "SELECT COUNT(*) FROM posts").await.is_ok() {
            tokio::task::yield_now().await;
        }
        looks.close().await?;
        process.killed_now()?;
        reader.killed_now()?;
        ensure!(everything(&store).await? == before, "something was left");
        completes(&store, job, &left, "while it waited to commit").await?;
    }
    Ok(())
}

/// A check that is called as our own might be, and one that says what ours says, are nobody's to drop.
async fn a_check_of_somebody_else_s_stays(db: Db) -> Result<()> {
    if db.backend != Backend::Postgres {
        return Ok(());
    }
    let store = one_connection(&db).await?;
    fresh(&store).await?;
    for check in [
        "posts_title_required CHECK (title IS NOT NULL)",
        "cascade_posts_slug_required CHECK (slug <> 'x')",
    ] {
        execute(&store, &format!("ALTER TABLE posts ADD CONSTRAINT {check}")).await?;
    }
    execute(&store, "UPDATE posts SET slug = 'four' WHERE slug IS NULL").await?;
    let required = sea_orm_cascade::migrate::Alteration::new("posts")
        .change_column(sea_orm::sea_query::ColumnDef::new("title").string_len(100).not_null());
    required.run(store.connection()).await?;
    let checks = "SELECT COUNT(*) FROM pg_constraint WHERE conrelid = 'posts'::regclass AND contype = 'c'";
    ensure!(number(&store, checks).await? == 2);
    Ok(())
}
