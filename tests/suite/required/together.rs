//! Others at work: a second process that makes the same key, and an application that reads and writes while it is made.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sea_orm::ConnectionTrait;
use sea_orm_cascade::migrate::{Control, Event, StepKind};
use sea_orm_cascade::{Backend, Error, Store};
use tokio::sync::mpsc::unbounded_channel;

use super::catalog::texts;
use super::process::{Job, Process, words};
use super::{POSTS, is_complete, owner, tables, wrong_owners};
use crate::harness::{Db, cases, execute};

cases![
    two_at_once_do_each_step_once,
    the_second_waits_and_finds_it_done,
    the_second_takes_over_from_one_that_killed_now,
    the_second_need_not_wait,
    a_time_limit_of_the_database_does_not_cut_off_the_index,
    an_application_goes_on,
];

async fn two_at_once_do_each_step_once(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    let both = [Process::start(&db, Job::ByRule)?, Process::start(&db, Job::ByRule)?];
    let both = both.map(|process| tokio::task::spawn_blocking(|| process.ends()));
    let mut ends = Vec::new();
    for one in both {
        ends.extend(one.await??.into_iter().filter(|line| line.starts_with("ends")));
    }
    let distinct: BTreeSet<_> = ends.iter().collect();
    // On SQLite the second builds nothing anew: it finds that the first has.
    let once = distinct.len() == ends.len() || db.backend == Backend::Sqlite;
    ensure!(once && !ends.is_empty(), "{ends:?}");
    ensure!(is_complete(&store).await? && wrong_owners(&store).await? == 0);
    Ok(())
}

/// The first stands in the middle of it; a second has come.
async fn second(db: &Db) -> Result<(Process, tokio::task::JoinHandle<Result<usize>>)> {
    let mut first = Process::start(db, Job::ByRule)?;
    first.goes_on_until("ends AddColumns")?;
    let (tells, mut told) = unbounded_channel();
    let store = db.store().await?;
    let request = Job::ByRule.request().on_progress(move |event| {
        tells.send(words(event)).ok();
        Control::Continue
    });
    let second = tokio::spawn(async move {
        let report = request.run(store.connection()).await?;
        store.close().await?;
        Ok(report.steps.len())
    });
    ensure!(told.recv().await.context("it says something")? == "waits for another");
    Ok((first, second))
}

/// It waits while an index is made concurrently, which must not wait for it.
async fn the_second_waits_and_finds_it_done(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = tables(&db).await?;
    let (mut first, second) = second(&db).await?;
    first.goes_on()?;
    let first = tokio::task::spawn_blocking(|| first.ends()).await??;
    ensure!(first.iter().any(|line| line == "ends AddIndex"), "{first:?}");
    let steps = second.await??;
    ensure!(steps == 0, "the second did {steps} steps");
    ensure!(is_complete(&store).await? && wrong_owners(&store).await? == 0);
    Ok(())
}

async fn the_second_takes_over_from_one_that_killed_now(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = tables(&db).await?;
    let (first, second) = second(&db).await?;
    first.killed_now()?;
    let steps = second.await??;
    ensure!(steps > 3, "the second did {steps} steps");
    ensure!(is_complete(&store).await? && wrong_owners(&store).await? == 0);
    Ok(())
}

async fn the_second_need_not_wait(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = tables(&db).await?;
    let mut first = Process::start(&db, Job::ByRule)?;
    first.goes_on_until("ends AddColumns")?;
    let impatient = owner().patience(Duration::ZERO);
    let error = impatient.run(store.connection()).await.err().context("both made it")?;
    ensure!(
        error.is_timeout() && error.to_string().contains("another process has the lock"),
        "{error}"
    );
    first.goes_on()?;
    tokio::task::spawn_blocking(|| first.ends()).await??;
    ensure!(impatient.run(store.connection()).await?.steps.is_empty());
    ensure!(is_complete(&store).await?);
    Ok(())
}

/// A limit that is set for all sessions, as careful people set one, would leave an unusable index each time.
async fn a_time_limit_of_the_database_does_not_cut_off_the_index(db: Db) -> Result<()> {
    if db.backend != Backend::Postgres {
        return Ok(());
    }
    let store = tables(&db).await?;
    execute(
        &store,
        &format!("ALTER DATABASE {} SET lock_timeout = '1ms'", db.database()?),
    )
    .await?;
    let limited = db
        .store_with(sea_orm_cascade::StoreOptions::new().max_connections(2))
        .await?;
    let (tells, mut told) = unbounded_channel();
    let request = owner().on_progress(move |event| {
        if matches!(
            event,
            Event::Begins {
                step: StepKind::AddIndex
            }
        ) {
            let (goes_on, waits) = std::sync::mpsc::channel::<()>();
            tells.send(goes_on).ok();
            tokio::task::block_in_place(|| waits.recv().ok());
        }
        Control::Continue
    });
    let running = tokio::spawn(async move { request.run(limited.connection()).await });
    let goes_on = told.recv().await.context("it comes to the index")?;
    let holds = db
        .store_with(sea_orm_cascade::StoreOptions::new().max_connections(1))
        .await?;
    execute(&holds, "BEGIN").await?;
    execute(&holds, "UPDATE posts SET title = title WHERE id = 1").await?;
    goes_on.send(())?;
    super::process::somebody_waits(&store).await?;
    // Time enough for the limit, by the server's clock.
    execute(&holds, "SELECT pg_sleep(0.05)").await?;
    execute(&holds, "ROLLBACK").await?;
    let report = running.await??;
    let repeated = report
        .steps
        .iter()
        .any(|step| step.kind == StepKind::DropInvalidIndex || step.attempts > 1);
    ensure!(!repeated, "{report}");
    ensure!(is_complete(&store).await?);
    Ok(())
}

/// What the writers share.
#[derive(Default)]
struct Application {
    ended: AtomicBool,
    /// A post must come with its owner from now on.
    requires: AtomicBool,
    done: AtomicU64,
    posts: Mutex<BTreeSet<i64>>,
}

/// Four writers, which know nothing of the column until they must, while the key is made; each step has some of their work before it.
async fn an_application_goes_on(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    if db.backend == Backend::MySql {
        execute(&store, "ALTER TABLE posts MODIFY COLUMN id bigint NOT NULL").await?;
    }
    let application = Arc::new(Application::default());
    application.posts.lock().unwrap().extend(1..=POSTS);
    let writers: Vec<_> = (1..=4)
        .map(|writer| tokio::spawn(write(store.clone(), Arc::clone(&application), writer)))
        .collect();
    let shared = Arc::clone(&application);
    let request = owner().batch_rows(100).on_progress(move |event| {
        if matches!(
            event,
            Event::Begins {
                step: StepKind::CloseWritePath | StepKind::Rebuild
            }
        ) {
            shared.requires.store(true, Ordering::SeqCst);
        }
        let enough = shared.done.load(Ordering::SeqCst) + 20;
        tokio::task::block_in_place(|| {
            while shared.done.load(Ordering::SeqCst) < enough && !shared.ended.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
        });
        Control::Continue
    });
    let report = request.run(store.connection()).await;
    let enough = application.done.load(Ordering::SeqCst) + 20;
    while report.is_ok()
        && application.done.load(Ordering::SeqCst) < enough
        && !application.ended.load(Ordering::SeqCst)
    {
        tokio::task::yield_now().await;
    }
    application.ended.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await??;
    }
    report?;
    ensure!(is_complete(&store).await?);
    ensure!(wrong_owners(&store).await? == 0);
    let id = match db.backend {
        Backend::Postgres | Backend::Sqlite => "CAST(id AS text)",
        Backend::MySql => "CAST(id AS CHAR)",
    };
    let there = texts(&store, &format!("SELECT {id} FROM posts")).await?;
    let there: BTreeSet<i64> = there.iter().map(|id| id.parse()).collect::<Result<_, _>>()?;
    let expected = application.posts.lock().unwrap().clone();
    let (lost, extra): (Vec<_>, Vec<_>) = (
        expected.difference(&there).collect(),
        there.difference(&expected).collect(),
    );
    ensure!(
        lost.is_empty() && extra.is_empty(),
        "lost {lost:?}, came back {extra:?}"
    );
    ensure!(there.len() > 1_000, "nothing was written meanwhile");
    Ok(())
}

async fn write(store: Store, application: Arc<Application>, writer: i64) -> Result<()> {
    let outcome = rounds(&store, &application, writer).await;
    if outcome.is_err() {
        application.ended.store(true, Ordering::SeqCst);
    }
    outcome
}

async fn rounds(store: &Store, application: &Application, writer: i64) -> Result<()> {
    let mut names_owner = false;
    for round in 0.. {
        if application.ended.load(Ordering::SeqCst) {
            break;
        }
        let id = writer * 100_000 + round;
        let without = format!("INSERT INTO posts (id, title) VALUES ({id}, 'new')");
        let with = format!(
            "INSERT INTO posts (id, title, user_id) VALUES ({id}, 'new', {})",
            1 + id % 10
        );
        let written = again(store, if names_owner { &with } else { &without }).await;
        if let Err(error) = written {
            let may = application.requires.load(Ordering::SeqCst) && error.to_string().contains("user_id");
            ensure!(may && !names_owner, "a writer was refused: {error}");
            names_owner = true;
            again(store, &with).await?;
        }
        application.posts.lock().unwrap().insert(id);
        let old = 1 + (id * 7) % POSTS;
        again(store, &format!("UPDATE posts SET title = 'changed' WHERE id = {old}")).await?;
        again(store, &format!("INSERT INTO users (id, name) VALUES ({id}, 'new')")).await?;
        again(
            store,
            &format!("UPDATE users SET name = 'changed' WHERE id = {}", 1 + id % 10),
        )
        .await?;
        again(store, &format!("DELETE FROM users WHERE id = {id}")).await?;
        if round % 3 == 2 {
            let gone = id - 1;
            again(store, &format!("DELETE FROM posts WHERE id = {gone}")).await?;
            application.posts.lock().unwrap().remove(&gone);
        }
        application.done.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}

/// As an application does it that tries again what the database asks it to.
async fn again(store: &Store, sql: &str) -> Result<(), Error> {
    loop {
        match store.connection().execute_unprepared(sql).await.map_err(Error::from) {
            Err(error) if error.is_retryable() => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok(()),
        }
    }
}
