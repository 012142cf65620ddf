//! Transactions: all or nothing, nested, and run again when the database asks for it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use anyhow::{Result, ensure};
use entity::{post, user};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IsolationLevel};
use sea_orm_cascade::{
    Backend, Error, ErrorKind, Repository, RepositoryExt, RetryPolicy, Store, StoreOptions, TransactionOptions,
};
use tokio::sync::Barrier;

use crate::harness::{Db, cases, execute, number};
use crate::log::Log;

cases![
    commits_or_rolls_back,
    a_panic_rolls_back,
    nested_transactions_fail_by_themselves,
    swallowed_failures_do_not_commit,
    repositories_end_with_their_transaction,
    work_left_running_does_not_commit,
    a_deadlock_is_run_again,
    retries_are_bounded,
    a_swallowed_deadlock_is_run_again,
    read_only,
    isolation_levels,
];

async fn commits_or_rolls_back(db: Db) -> Result<()> {
    let store = db.created().await?;
    let moved: i64 = store
        .transaction(async |tx| {
            let ann = tx.repository::<user::Entity>().insert(user::new("ann", "h")).await?;
            tx.repository::<post::Entity>()
                .insert(post::new(ann.id, "t", "…"))
                .await?;
            Ok::<_, Error>(ann.id)
        })
        .await?;
    ensure!(moved == 1 && number(&store, "SELECT COUNT(*) FROM posts").await? == 1);
    // The caller's own error type, and a query of SeaORM's own in the same transaction.
    let failed = store
        .transaction(async |tx| -> Result<()> {
            user::Entity::insert(user::new("bob", "h"))
                .exec_without_returning(tx.connection())
                .await?;
            anyhow::bail!("changed my mind")
        })
        .await;
    ensure!(failed.unwrap_err().to_string() == "changed my mind");
    ensure!(number(&store, "SELECT COUNT(*) FROM users").await? == 1);
    Ok(())
}

async fn a_panic_rolls_back(db: Db) -> Result<()> {
    let store = db.created().await?;
    let inner = store.clone();
    let task = tokio::spawn(async move {
        inner
            .transaction(async |tx| -> Result<(), Error> {
                tx.repository::<user::Entity>().insert(user::new("ann", "h")).await?;
                panic!("in the middle");
            })
            .await
    });
    ensure!(task.await.unwrap_err().is_panic());
    ensure!(number(&store, "SELECT COUNT(*) FROM users").await? == 0);
    store.repository::<user::Entity>().insert(user::new("bob", "h")).await?;
    Ok(())
}

/// The pattern that dooms a plain transaction on PostgreSQL: try, and do something else if it failed.
async fn nested_transactions_fail_by_themselves(db: Db) -> Result<()> {
    let store = db.created().await?;
    store
        .transaction(async |tx| {
            tx.repository::<user::Entity>().insert(user::new("ann", "h")).await?;
            let again: Result<(), Error> = tx
                .transaction(async |inner| {
                    let users = inner.repository::<user::Entity>();
                    users.insert(user::new("bob", "h")).await?;
                    users.insert(user::new("ann", "h")).await?;
                    Ok(())
                })
                .await;
            assert!(again.unwrap_err().is_unique());
            tx.repository::<user::Entity>().insert(user::new("carol", "h")).await?;
            Ok::<_, Error>(())
        })
        .await?;
    let users = store
        .repository::<user::Entity>()
        .find_by(sea_orm::Condition::all())
        .await?;
    let emails: Vec<_> = users.iter().map(|user| user.email.as_str()).collect();
    ensure!(emails == ["ann", "carol"], "{emails:?}");
    Ok(())
}

/// PostgreSQL answers COMMIT of a doomed transaction with ROLLBACK and without an error; nobody must take that for success.
async fn swallowed_failures_do_not_commit(db: Db) -> Result<()> {
    let store = db.created().await?;
    let result: Result<(), Error> = store
        .transaction(async |tx| {
            let users = tx.repository::<user::Entity>();
            users.insert(user::new("ann", "h")).await?;
            drop(users.insert(user::new("ann", "h")).await);
            Ok(())
        })
        .await;
    let kept = number(&store, "SELECT COUNT(*) FROM users").await?;
    if db.backend == Backend::Postgres {
        let error = result.unwrap_err();
        ensure!(*error.kind() == ErrorKind::Aborted && kept == 0, "{error}, {kept} rows");
    } else {
        ensure!(result.is_ok() && kept == 1, "{kept} rows");
    }
    Ok(())
}

async fn repositories_end_with_their_transaction(db: Db) -> Result<()> {
    let store = db.created().await?;
    let kept = store
        .transaction(async |tx| Ok::<_, Error>(tx.repository::<user::Entity>()))
        .await?;
    let error = kept.insert(user::new("late", "h")).await.unwrap_err();
    ensure!(
        error.is_invalid_input() && error.to_string().contains("has ended"),
        "{error}"
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM users").await? == 0);
    Ok(())
}

async fn work_left_running_does_not_commit(db: Db) -> Result<()> {
    let store = db.created().await?;
    let left_running = Mutex::new(None);
    let result: Result<(), Error> = store
        .transaction(async |tx| {
            tx.repository::<user::Entity>().insert(user::new("ann", "h")).await?;
            let connection = tx.connection().clone();
            let (started, wait) = tokio::sync::oneshot::channel();
            let task = tokio::spawn(async move {
                let mut query = Box::pin(connection.execute_unprepared(slow(connection.backend())));
                // Polled once, it is under way.
                let first = std::future::poll_fn(|context| Poll::Ready(query.as_mut().poll(context))).await;
                started.send(first.is_pending()).unwrap();
                query.await
            });
            *left_running.lock().unwrap() = Some(task);
            assert!(wait.await.unwrap(), "the query was not slow");
            Ok(())
        })
        .await;
    let error = result.unwrap_err();
    ensure!(error.to_string().contains("still running in another task"), "{error}");
    let task = left_running.into_inner().unwrap().unwrap();
    task.await??;
    ensure!(number(&store, "SELECT COUNT(*) FROM users").await? == 0);
    Ok(())
}

/// A statement of about half a second.
fn slow(backend: Backend) -> &'static str {
    match backend {
        Backend::Postgres => "SELECT pg_sleep(0.5)",
        Backend::MySql => "DO SLEEP(0.5)",
        Backend::Sqlite => {
            "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 3000000) SELECT MAX(n) FROM s"
        }
    }
}

/// Two transactions that lock two rows in opposite order, and meet in between so that neither can be first.
async fn a_deadlock_is_run_again(db: Db) -> Result<()> {
    let store = db
        .store_with(
            StoreOptions::new()
                .busy_timeout(Duration::from_millis(50))
                .retry(patient()),
        )
        .await?;
    store.create_all().await?;
    let users = store.repository::<user::Entity>();
    let (ann, bob) = (
        users.insert(user::new("ann", "0")).await?.id,
        users.insert(user::new("bob", "0")).await?.id,
    );
    let (log, runs) = (Log::new(), Arc::new(AtomicU32::new(0)));
    let meet = Arc::new(Barrier::new(2));
    let task = |first: i64, second: i64| {
        let (store, runs, meet) = (store.clone(), Arc::clone(&runs), Arc::clone(&meet));
        tokio::spawn(log.capture(async move {
            store
                .transaction(async |tx| {
                    let run = runs.fetch_add(1, Ordering::Relaxed);
                    append(&tx, first).await?;
                    // Only the first two runs wait for each other. SQLite has one writer, so there they cannot both come here.
                    if run < 2 && tx.backend() != Backend::Sqlite {
                        meet.wait().await;
                    } else if run < 2 {
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                    append(&tx, second).await
                })
                .await
        }))
    };
    let (one, two) = (task(ann, bob), task(bob, ann));
    one.await??;
    two.await??;
    let written = written(&store).await?;
    ensure!(
        written == 2 + 4,
        "each of two transactions appends to both rows: {written}"
    );
    let statements = log.statements();
    let count = |wanted: &str| {
        statements
            .iter()
            .filter(|statement| statement.starts_with(wanted))
            .count()
    };
    ensure!(count("COMMIT") == 2 && count("BEGIN") >= 3, "{statements:#?}");
    if db.backend != Backend::Sqlite {
        ensure!(
            runs.load(Ordering::Relaxed) == 3 && count("UPDATE") >= 5 && count("ROLLBACK") == 1,
            "{statements:#?}"
        );
    }
    ensure!(
        log.operations()
            .iter()
            .any(|ended| ended.contains("attempts=") && !ended.contains("attempts=1 ")),
        "{:#?}",
        log.operations()
    );
    Ok(())
}

/// The characters in all password hashes.
async fn written(store: &Store) -> Result<usize> {
    let users = store
        .repository::<user::Entity>()
        .find_by(sea_orm::Condition::all())
        .await?;
    Ok(users.iter().map(|user| user.password_hash.expose().len()).sum())
}

fn patient() -> RetryPolicy {
    RetryPolicy::new().attempts(30)
}

async fn append(store: &Store, id: i64) -> Result<(), Error> {
    let sql = match store.backend() {
        Backend::MySql => format!("UPDATE users SET password_hash = CONCAT(password_hash, 'x') WHERE id = {id}"),
        Backend::Postgres | Backend::Sqlite => {
            format!("UPDATE users SET password_hash = password_hash || 'x' WHERE id = {id}")
        }
    };
    store.connection().execute_unprepared(&sql).await?;
    Ok(())
}

/// A transaction that another one keeps from ever going through gives up, and says how often it tried.
async fn retries_are_bounded(db: Db) -> Result<()> {
    let retry = RetryPolicy::new().attempts(3).base(Duration::from_millis(1));
    let store = db
        .store_with(StoreOptions::new().busy_timeout(Duration::from_millis(20)).retry(retry))
        .await?;
    store.create_all().await?;
    let ann = store.repository::<user::Entity>().insert(user::new("ann", "0")).await?;
    let runs = AtomicU32::new(0);
    let result: Result<(), Error> = match db.backend {
        // Another connection holds the write lock.
        Backend::Sqlite => {
            let other = db.store().await?;
            other
                .transaction(async |_| Ok::<_, Error>(store.transaction(async |tx| append(&tx, ann.id).await).await))
                .await?
        }
        // Another connection changes the row after this transaction's snapshot, each time.
        Backend::Postgres => {
            let other = db.store().await?;
            let options = TransactionOptions::new().isolation(IsolationLevel::RepeatableRead);
            store
                .transaction_with(options, async |tx| {
                    runs.fetch_add(1, Ordering::Relaxed);
                    tx.repository::<user::Entity>().get(ann.id).await?;
                    append(&other, ann.id).await?;
                    append(&tx, ann.id).await
                })
                .await
        }
        // Another connection holds the row's lock, and the session waits one second for it.
        Backend::MySql => {
            let other = db.store().await?;
            other
                .transaction(async |tx| {
                    append(&tx, ann.id).await?;
                    let result = store
                        .transaction(async |tx| {
                            runs.fetch_add(1, Ordering::Relaxed);
                            tx.connection()
                                .execute_unprepared("SET innodb_lock_wait_timeout = 1")
                                .await?;
                            append(&tx, ann.id).await
                        })
                        .await;
                    Ok::<_, Error>(result)
                })
                .await?
        }
    };
    let error = result.unwrap_err();
    ensure!(
        matches!(error.kind(), ErrorKind::Retryable { attempts: 3, .. }),
        "{error:?}"
    );
    ensure!(error.to_string().ends_with(", in each of 3 attempts"), "{error}");
    ensure!(db.backend == Backend::Sqlite || runs.load(Ordering::Relaxed) == 3);
    Ok(())
}

/// After a deadlock the server has rolled everything back; a closure that ignores the error must not be believed.
async fn a_swallowed_deadlock_is_run_again(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        // One writer at a time: there are no deadlocks, and BUSY comes at BEGIN, where nobody can swallow it.
        return Ok(());
    }
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    let (ann, bob) = (
        users.insert(user::new("ann", "0")).await?.id,
        users.insert(user::new("bob", "0")).await?.id,
    );
    let meet = Arc::new(Barrier::new(2));
    let runs = Arc::new(AtomicU32::new(0));
    let task = |first: i64, second: i64| {
        let (store, runs, meet) = (store.clone(), Arc::clone(&runs), Arc::clone(&meet));
        tokio::spawn(async move {
            store
                .transaction(async |tx| {
                    let run = runs.fetch_add(1, Ordering::Relaxed);
                    append(&tx, first).await?;
                    if run < 2 {
                        meet.wait().await;
                    }
                    drop(append(&tx, second).await);
                    Ok::<_, Error>(())
                })
                .await
        })
    };
    let (one, two) = (task(ann, bob), task(bob, ann));
    one.await??;
    two.await??;
    let written = written(&store).await?;
    ensure!(
        written == 2 + 4 && runs.load(Ordering::Relaxed) == 3,
        "{written} in {runs:?} runs"
    );
    Ok(())
}

async fn read_only(db: Db) -> Result<()> {
    let store = db.created().await?;
    store.repository::<user::Entity>().insert(user::new("ann", "0")).await?;
    let options = TransactionOptions::new().read_only();
    let counted = store
        .transaction_with(options, async |tx| {
            tx.repository::<user::Entity>()
                .count_by(user::Column::Email.eq("ann"))
                .await
        })
        .await?;
    ensure!(counted == 1);
    if db.backend != Backend::Sqlite {
        let refused = store.transaction_with(options, async |tx| append(&tx, 1).await).await;
        ensure!(matches!(refused.unwrap_err().kind(), ErrorKind::Database { .. }));
    }
    Ok(())
}

async fn isolation_levels(db: Db) -> Result<()> {
    let store = db.created().await?;
    execute(&store, "INSERT INTO users (email, password_hash) VALUES ('ann', 'h')").await?;
    let other = db.store().await?;
    let options = TransactionOptions::new().isolation(IsolationLevel::RepeatableRead);
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let counts = store
        .transaction_with(options, async |tx| {
            let users = tx.repository::<user::Entity>();
            let before = users.count(sea_orm::Condition::all()).await?;
            other.repository::<user::Entity>().insert(user::new("bob", "h")).await?;
            let nested = tx
                .transaction_with(options, async |inner| {
                    inner
                        .repository::<user::Entity>()
                        .count(sea_orm::Condition::all())
                        .await
                })
                .await?;
            Ok::<_, Error>((before, nested))
        })
        .await?;
    ensure!(counts == (1, 1), "{counts:?}");
    Ok(())
}
