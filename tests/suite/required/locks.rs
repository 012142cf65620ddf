//! The locks a plan speaks of are those the steps take, and nobody is kept waiting for longer than it says.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sea_orm_cascade::migrate::{Control, Event, Step, StepKind};
use sea_orm_cascade::{Backend, Store, StoreOptions};
use tokio::sync::mpsc::unbounded_channel;

use super::catalog::texts;
use super::process::somebody_waits;
use super::{is_complete, owner, tables, up_to, wrong_owners};
use crate::harness::{Db, cases, execute, number};
use crate::log::Log;

cases![
    as_pg_locks_has_them,
    what_is_planned_is_sent,
    no_alter_keeps_writers_out,
    behind_a_long_reader_others_pass,
    in_the_end_it_gives_up,
];

async fn one_connection(db: &Db) -> Result<Store> {
    db.store_with(StoreOptions::new().max_connections(1)).await
}

/// `posts RowExclusiveLock`, for each but a reader's.
async fn held(store: &Store, process: &str) -> Result<BTreeSet<String>> {
    let sql = format!(
        "SELECT DISTINCT c.relname || ' ' || l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation \
         WHERE l.pid = ({process}) AND l.granted AND c.relname IN ('posts', 'users') AND l.mode <> 'AccessShareLock'"
    );
    Ok(texts(store, &sql).await?.into_iter().collect())
}

fn claimed(step: &Step) -> BTreeSet<String> {
    let locks = step.locks.iter();
    locks.map(|lock| format!("{} {}", lock.table, lock.mode)).collect()
}

async fn as_pg_locks_has_them(db: Db) -> Result<()> {
    if db.backend != Backend::Postgres {
        return Ok(());
    }
    let tables = tables(&db).await?;
    let mut steps = 0;
    while let Some(step) = owner().plan(tables.connection()).await?.next().cloned() {
        let store = one_connection(&db).await?;
        if step.kind == StepKind::AddIndex {
            // It cannot be in a transaction, so it is looked at while it waits.
            let holds = one_connection(&db).await?;
            execute(&holds, "BEGIN").await?;
            execute(&holds, "UPDATE posts SET title = title WHERE id = 1").await?;
            let makes = one_connection(&db).await?;
            let sql = step.statements.join(";");
            let making = tokio::spawn(async move { execute(&makes, &sql).await });
            somebody_waits(&store).await?;
            let maker =
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            let held = held(&store, maker).await?;
            execute(&holds, "ROLLBACK").await?;
            making.await??;
            ensure!(held == claimed(&step), "{:?}: {held:?}", step.kind);
        } else {
            execute(&store, "BEGIN").await?;
            for statement in &step.statements {
                // A batch: between two keys.
                let statement = statement.replace("$1", "'1'").replace("$2", "'9'");
                execute(&store, &statement).await?;
            }
            let held = held(&store, "pg_backend_pid()").await?;
            execute(&store, "ROLLBACK").await?;
            ensure!(
                held == claimed(&step),
                "{:?}: {held:?}, not {:?}",
                step.kind,
                claimed(&step)
            );
        }
        store.close().await?;
        let next = owner().on_progress({
            let begun = AtomicU64::new(0);
            move |event| match event {
                Event::Begins { .. } if begun.fetch_add(1, Ordering::Relaxed) > 0 => Control::Stop,
                _ => Control::Continue,
            }
        });
        next.run(tables.connection()).await?;
        steps += 1;
    }
    ensure!(steps >= 10, "only {steps} steps");
    ensure!(is_complete(&tables).await?);
    Ok(())
}

/// A plan made before the first step already has every statement as it is sent in the end.
async fn what_is_planned_is_sent(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = tables(&db).await?;
    if db.backend == Backend::MySql {
        execute(&store, "ALTER TABLE posts MODIFY COLUMN id bigint NOT NULL").await?;
    }
    let plan = owner().plan(store.connection()).await?;
    let log = Log::new();
    let report = log.capture(async { owner().run(store.connection()).await }).await?;
    let planned: Vec<_> = plan.steps.iter().map(|step| step.step.kind).collect();
    let done: Vec<_> = report.steps.iter().map(|step| step.kind).collect();
    ensure!(planned == done, "{planned:?}, {done:?}");
    let sent = log.statements();
    let mut sent = sent.iter();
    for step in &plan.steps {
        // The first batch has no row to begin behind.
        let is_looked_up = matches!(step.step.kind, StepKind::Backfill | StepKind::Prove);
        for statement in step.step.statements.iter().filter(|_| !is_looked_up) {
            // The log has it escaped, without the quotes around it.
            let logged = format!("{statement:?}");
            let logged = logged.trim_matches('"');
            ensure!(
                sent.any(|sent| sent == logged),
                "not sent, or not in this order: {statement}"
            );
        }
    }
    Ok(())
}

/// MySQL refuses a statement with LOCK=NONE that would keep writers out. Each of them has it, and is accepted.
async fn no_alter_keeps_writers_out(db: Db) -> Result<()> {
    if db.backend != Backend::MySql {
        return Ok(());
    }
    let store = tables(&db).await?;
    let log = Log::new();
    log.capture(async {
        owner().run(store.connection()).await?;
        owner()
            .revert(store.connection(), sea_orm_cascade::migrate::Revert::Soft)
            .await?;
        owner()
            .revert(store.connection(), sea_orm_cascade::migrate::Revert::KeepData)
            .await?;
        owner().run(store.connection()).await?;
        owner()
            .revert(store.connection(), sea_orm_cascade::migrate::Revert::Full)
            .await?;
        owner().run(store.connection()).await?;
        Ok::<_, anyhow::Error>(())
    })
    .await?;
    let statements = log.statements();
    let altering: Vec<_> = statements.iter().filter(|sql| sql.starts_with("ALTER TABLE")).collect();
    ensure!(altering.len() >= 7, "{altering:#?}");
    let without = altering.iter().find(|sql| !sql.ends_with("LOCK=NONE"));
    ensure!(without.is_none(), "{without:?}");
    ensure!(is_complete(&store).await?);
    let proved = number(
        &store,
        "SELECT JSON_VALUE(entry, '$.proved_at') > 0 FROM cascade_ledger",
    )
    .await?;
    ensure!(proved == 1, "the proof is not in the ledger");
    Ok(())
}

/// A reader keeps the first step waiting. Writers go on between its attempts; when the reader is gone, it gets its turn.
async fn behind_a_long_reader_others_pass(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = tables(&db).await?;
    let reader = one_connection(&db).await?;
    execute(&reader, "BEGIN").await?;
    execute(&reader, "SELECT COUNT(*) FROM posts").await?;
    let who = match db.backend {
        Backend::Postgres => format!("process {}", number(&reader, "SELECT pg_backend_pid()::bigint").await?),
        Backend::MySql => format!(
            "thread {}",
            number(&reader, "SELECT CAST(CONNECTION_ID() AS SIGNED)").await?
        ),
        Backend::Sqlite => String::new(),
    };
    let (waits, mut waited) = unbounded_channel();
    let all: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
    let request = owner().lock_timeout(Duration::from_millis(100)).on_progress({
        let all = Arc::clone(&all);
        move |event| {
            if let Event::Waits {
                step: StepKind::AddColumns,
                blockers,
                ..
            } = event
            {
                all.lock().unwrap().push(blockers.clone());
                waits.send(()).ok();
            }
            Control::Continue
        }
    });
    let running = {
        let store = store.clone();
        tokio::spawn(async move { request.run(store.connection()).await })
    };
    let mut longest = Duration::ZERO;
    for attempt in 0..3 {
        waited.recv().await.context("it waits")?;
        for row in 0..5 {
            let started = Instant::now();
            let id = 5_000 + attempt * 10 + row;
            execute(
                &store,
                &format!("INSERT INTO posts (id, title) VALUES ({id}, 'meanwhile')"),
            )
            .await?;
            longest = longest.max(started.elapsed());
        }
    }
    // Without its time limit the reader's end would be waited for, which comes only now. MySQL waits for whole seconds.
    ensure!(
        longest < Duration::from_secs(10),
        "a writer was kept waiting for {longest:?}"
    );
    execute(&reader, "ROLLBACK").await?;
    reader.close().await?;
    let report = running.await??;
    let blockers = all.lock().unwrap().clone();
    // MySQL lists transactions, in parallel with other tests not always this one.
    ensure!(
        db.backend == Backend::MySql
            || blockers
                .iter()
                .all(|blockers| blockers.iter().any(|blocker| blocker.starts_with(&format!("{who},")))),
        "{who} is not among {blockers:?}"
    );
    ensure!(
        !blockers.iter().flatten().any(|words| words.contains("SELECT")),
        "{blockers:?}"
    );
    let first = report.steps.first().context("steps")?;
    ensure!(first.kind == StepKind::AddColumns && first.attempts > 3, "{report}");
    ensure!(is_complete(&store).await? && wrong_owners(&store).await? == 0);
    Ok(())
}

async fn in_the_end_it_gives_up(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = tables(&db).await?;
    let patient = owner().lock_timeout(Duration::from_millis(50)).attempts(2);
    up_to(&patient, &store, StepKind::Require).await?;
    let reader = one_connection(&db).await?;
    execute(&reader, "BEGIN").await?;
    execute(&reader, "SELECT COUNT(*) FROM posts").await?;
    let begun = Arc::new(AtomicU64::new(0));
    let counted = patient.clone().on_progress({
        let begun = Arc::clone(&begun);
        move |event| {
            if matches!(event, Event::Begins { .. }) {
                begun.fetch_add(1, Ordering::Relaxed);
            }
            Control::Continue
        }
    });
    let error = counted.run(store.connection()).await.err().context("it got the lock")?;
    ensure!(error.is_timeout() || error.is_retryable(), "{error}");
    let words = format!("{error:#}");
    ensure!(
        words.contains("require values") && words.contains("running it again"),
        "{words}"
    );
    // What waited for a lock does not lack values: nothing is filled again.
    ensure!(begun.load(Ordering::Relaxed) == 1, "{begun:?} steps");
    execute(&reader, "ROLLBACK").await?;
    reader.close().await?;
    patient.resume(store.connection()).await?;
    ensure!(is_complete(&store).await? && wrong_owners(&store).await? == 0);
    Ok(())
}
