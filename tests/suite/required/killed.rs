//! Killed before, after and inside every step, the next run ends where an undisturbed one ends.

use anyhow::{Context, Result, ensure};
use sea_orm_cascade::{Backend, Store};

use super::catalog::{difference, everything, texts};
use super::process::{Job, Process, alone, before_the_next_look, somebody_waits, waiting, words};
use super::{POSTS, is_complete, tables, wrong_owners};
use crate::harness::{Db, cases, execute, number};

cases![
    before_and_after_each_step_of_one_run,
    after_each_step,
    after_each_step_with_a_default,
    after_each_step_back,
    inside_each_step,
    inside_each_step_back,
    inside_each_step_with_a_default,
    while_the_index_is_made,
    what_was_sent_goes_on_beside_the_next_run,
];

/// A store of one connection, so that whoever else is there is the process or what it left; and the tables, afresh.
async fn begin(db: &Db, job: Job) -> Result<Store> {
    let store = fresh(db).await?;
    if job == Job::Back {
        Job::ByRule.carry_out(&Job::ByRule.request(), &store).await?;
    }
    Ok(store)
}

async fn fresh(db: &Db) -> Result<Store> {
    let store = tables(db).await?;
    if db.backend == Backend::MySql {
        // A trigger does not see a number that MySQL counts up.
        execute(&store, "ALTER TABLE posts MODIFY COLUMN id bigint NOT NULL").await?;
    }
    store.close().await?;
    db.store_with(sea_orm_cascade::StoreOptions::new().max_connections(2))
        .await
}

async fn clear(store: Store) -> Result<()> {
    let functions = match store.backend() {
        Backend::Postgres => {
            texts(
                &store,
                "SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'cascade%'",
            )
            .await?
        }
        Backend::MySql | Backend::Sqlite => Vec::new(),
    };
    for table in ["posts", "users", "cascade_ledger"] {
        execute(&store, &format!("DROP TABLE IF EXISTS {table}")).await?;
    }
    ensure!(functions.is_empty(), "left behind: {functions:?}");
    store.close().await?;
    Ok(())
}

/// What an undisturbed run says and leaves.
async fn undisturbed(db: &Db, job: Job) -> Result<(Vec<String>, Vec<String>)> {
    let store = begin(db, job).await?;
    store.close().await?;
    let said = Process::start(db, job)?.ends()?;
    let store = one_connection(db).await?;
    let left = everything(&store).await?;
    match job {
        Job::ByRule => ensure!(is_complete(&store).await? && wrong_owners(&store).await? == 0),
        Job::ByDefault => ensure!(
            is_complete(&store).await?
                && number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 3").await? == POSTS
        ),
        Job::Back => ensure!(
            !left
                .iter()
                .any(|line| line.contains("user_id") || line.contains("ledger"))
        ),
    }
    clear(store).await?;
    Ok((said, left))
}

async fn one_connection(db: &Db) -> Result<Store> {
    db.store_with(sea_orm_cascade::StoreOptions::new().max_connections(1))
        .await
}

/// After the process is gone: the next run completes, and nothing tells that there was another.
async fn completes(db: &Db, job: Job, left: &[String], when: &str) -> Result<()> {
    let store = one_connection(db).await?;
    alone(&store).await?;
    ensure!(
        number(&store, "SELECT COUNT(*) FROM posts").await? == POSTS,
        "{when}: rows were lost"
    );
    job.carry_out(&job.request(), &store)
        .await
        .with_context(|| format!("killed {when}"))?;
    let ours = everything(&store).await?;
    ensure!(ours == left, "killed {when}: {}", difference(&ours, left));
    if job == Job::ByRule {
        ensure!(wrong_owners(&store).await? == 0);
    }
    clear(store).await
}

/// Each process does one step, or one batch, and is killed; and is killed before it too.
async fn before_and_after_each_step_of_one_run(db: Db) -> Result<()> {
    let (said, left) = undisturbed(&db, Job::ByRule).await?;
    let filled = said.iter().filter(|line| line.starts_with("filled")).count();
    let steps = said.iter().filter(|line| line.starts_with("begins")).count();
    begin(&db, Job::ByRule).await?.close().await?;
    let mut killed = 0;
    loop {
        let store = one_connection(&db).await?;
        let mut before = Process::start(&db, Job::ByRule)?;
        if before.says()? == "done" {
            break;
        }
        before.killed_now()?;
        alone(&store).await?;
        let mut after = Process::start(&db, Job::ByRule)?;
        let begins = after.says()?;
        ensure!(begins.starts_with("begins"), "{begins}");
        after.goes_on()?;
        let reached = after.says()?;
        ensure!(
            reached.starts_with("ends") || reached.starts_with("filled"),
            "{begins}, {reached}"
        );
        after.killed_now()?;
        alone(&store).await?;
        ensure!(
            number(&store, "SELECT COUNT(*) FROM posts").await? == POSTS,
            "after {reached}"
        );
        store.close().await?;
        killed += 1;
    }
    // The last batch is the end of its step.
    let expected = match db.backend {
        Backend::Postgres | Backend::MySql => steps + filled - 1,
        Backend::Sqlite => 1,
    };
    ensure!(killed == expected, "killed {killed} times: {said:?}");
    completes(&db, Job::ByRule, &left, "at every step").await
}

/// With a default other steps are as by the rule, but for these.
fn is_new(job: Job, line: &str) -> bool {
    job != Job::ByDefault || line.contains("WritePath") || line.contains("Rebuild")
}

async fn after_each(db: &Db, job: Job) -> Result<()> {
    let (said, left) = undisturbed(db, job).await?;
    for moment in said
        .iter()
        .filter(|line| !line.starts_with("begins") && is_new(job, line))
    {
        begin(db, job).await?.close().await?;
        let mut process = Process::start(db, job)?;
        process.goes_on_until(moment)?;
        process.killed_now()?;
        completes(db, job, &left, &format!("when it said {moment}")).await?;
    }
    Ok(())
}

async fn after_each_step(db: Db) -> Result<()> {
    after_each(&db, Job::ByRule).await
}

async fn after_each_step_with_a_default(db: Db) -> Result<()> {
    after_each(&db, Job::ByDefault).await
}

async fn after_each_step_back(db: Db) -> Result<()> {
    after_each(&db, Job::Back).await
}

/// What keeps a step's statement waiting: a lock, held by a transaction of the test's.
async fn hold(store: &Store, step: &str) -> Result<()> {
    let sql = match (store.backend(), step) {
        (_, "Backfill") => vec!["BEGIN", "SELECT id FROM posts WHERE id = 450 FOR UPDATE"],
        // Making the index has begun, and waits for those who may not have seen it.
        (Backend::Postgres, "AddIndex") => vec!["BEGIN", "UPDATE posts SET title = title WHERE id = 1"],
        (Backend::Postgres, _) => vec!["BEGIN", "LOCK TABLE posts IN SHARE UPDATE EXCLUSIVE MODE"],
        (Backend::MySql, "Prove") => vec!["LOCK TABLES posts WRITE"],
        (Backend::MySql, _) => vec!["BEGIN", "SELECT id FROM posts LIMIT 1"],
        // Its writer waits for another.
        (Backend::Sqlite, _) => vec!["BEGIN IMMEDIATE"],
    };
    for sql in sql {
        execute(store, sql).await?;
    }
    Ok(())
}

async fn release(store: &Store, step: &str) -> Result<()> {
    match (store.backend(), step) {
        (Backend::MySql, "Prove") => execute(store, "UNLOCK TABLES").await,
        _ => execute(store, "ROLLBACK").await,
    }
}

async fn inside_each(db: &Db, job: Job) -> Result<()> {
    let (said, left) = undisturbed(db, job).await?;
    for begins in said
        .iter()
        .filter(|line| line.starts_with("begins") && is_new(job, line))
    {
        let step = begins.trim_start_matches("begins ");
        begin(db, job).await?.close().await?;
        let mut process = Process::start(db, job)?;
        process.goes_on_until(begins)?;
        let (holds, looks) = (one_connection(db).await?, one_connection(db).await?);
        hold(&holds, step).await?;
        process.goes_on()?;
        if step == "Backfill" {
            // The first batch does not have the row.
            process.goes_on_until("filled 400")?;
            process.goes_on()?;
        }
        somebody_waits(&looks).await?;
        process.killed_now()?;
        release(&holds, step).await?;
        holds.close().await?;
        looks.close().await?;
        completes(db, job, &left, &format!("inside of {step}")).await?;
    }
    Ok(())
}

async fn inside_each_step(db: Db) -> Result<()> {
    inside_each(&db, Job::ByRule).await
}

async fn inside_each_step_back(db: Db) -> Result<()> {
    inside_each(&db, Job::Back).await
}

async fn inside_each_step_with_a_default(db: Db) -> Result<()> {
    inside_each(&db, Job::ByDefault).await
}

/// Cut off half-way, it leaves an index that is not used and is in the way of another of its name.
async fn while_the_index_is_made(db: Db) -> Result<()> {
    if db.backend != Backend::Postgres {
        return Ok(());
    }
    let (_, left) = undisturbed(&db, Job::ByRule).await?;
    begin(&db, Job::ByRule).await?.close().await?;
    let mut process = Process::start(&db, Job::ByRule)?;
    process.goes_on_until("begins AddIndex")?;
    let (holds, looks) = (one_connection(&db).await?, one_connection(&db).await?);
    hold(&holds, "AddIndex").await?;
    process.goes_on()?;
    somebody_waits(&looks).await?;
    process.killed_now()?;
    let cut = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
               AND query LIKE 'CREATE INDEX CONCURRENTLY%'";
    ensure!(number(&looks, cut).await? == 1);
    release(&holds, "AddIndex").await?;
    holds.close().await?;
    alone(&looks).await?;
    let unusable = "SELECT COUNT(*) FROM pg_index WHERE indrelid = 'posts'::regclass AND NOT indisvalid";
    ensure!(number(&looks, unusable).await? == 1);
    let plan = Job::ByRule.request().plan(looks.connection()).await?;
    let next = plan.next().context("there is more to do")?;
    ensure!(format!("{:?}", next.kind) == "DropInvalidIndex", "{plan}");
    looks.close().await?;
    completes(&db, Job::ByRule, &left, "while the index was made").await
}

/// The next run comes while the server still carries out, or waits with, what the killed one has sent.
async fn what_was_sent_goes_on_beside_the_next_run(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let (said, left) = undisturbed(&db, Job::ByRule).await?;
    for begins in said.iter().filter(|line| line.starts_with("begins")) {
        let step = begins.trim_start_matches("begins ");
        begin(&db, Job::ByRule).await?.close().await?;
        let mut process = Process::start(&db, Job::ByRule)?;
        process.goes_on_until(begins)?;
        let (holds, looks) = (one_connection(&db).await?, one_connection(&db).await?);
        hold(&holds, step).await?;
        process.goes_on()?;
        if step == "Backfill" {
            process.goes_on_until("filled 400")?;
            process.goes_on()?;
        }
        somebody_waits(&looks).await?;
        process.killed_now()?;
        let (tells, mut told) = tokio::sync::mpsc::unbounded_channel();
        let next = Job::ByRule
            .request()
            .lock_timeout(std::time::Duration::from_millis(50))
            .on_progress(move |event| {
                tells.send(words(event)).ok();
                sea_orm_cascade::migrate::Control::Continue
            });
        let store = one_connection(&db).await?;
        let running = tokio::spawn(async move {
            let outcome = next.resume(store.connection()).await;
            store.close().await?;
            Ok::<_, anyhow::Error>(outcome?)
        });
        // Until it has begun, or stands behind the other and has not even looked.
        while told.try_recv().is_err() && waiting(&looks).await? < 2 {
            before_the_next_look(&looks).await;
        }
        release(&holds, step).await?;
        holds.close().await?;
        let report = running.await?.with_context(|| format!("beside {step}"))?;
        ensure!(report.stopped.is_none());
        looks.close().await?;
        completes(&db, Job::ByRule, &left, &format!("inside of {step}, which went on")).await?;
    }
    Ok(())
}
