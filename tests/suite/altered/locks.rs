//! Others get through while it waits for its lock, and in the end it either has the lock or says how it stands.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sea_orm::sea_query::{ColumnDef, ForeignKey, Index};
use sea_orm_cascade::migrate::Alteration;
use sea_orm_cascade::{Backend, Store};

use super::{everything, fresh, one_connection};
use crate::harness::{Db, cases, execute, number};
use crate::required::process::somebody_waits;

cases![
    behind_a_long_reader_others_pass,
    in_the_end_it_says_how_it_stands,
    nothing_was_changed_if_the_first_step_gives_up,
    two_at_once_do_it_once,
];

async fn reads(db: &Db, table: &str) -> Result<Store> {
    let reader = one_connection(db).await?;
    execute(&reader, "BEGIN").await?;
    execute(&reader, &format!("SELECT COUNT(*) FROM {table}")).await?;
    Ok(reader)
}

async fn lets_go(reader: Store) -> Result<()> {
    execute(&reader, "ROLLBACK").await?;
    Ok(reader.close().await?)
}

fn with_views() -> Alteration {
    Alteration::new("posts").add_column(ColumnDef::new("views").integer().not_null().default(7))
}

/// A reader keeps the step waiting. Writers go on between its attempts; when the reader is gone, it gets its turn.
async fn behind_a_long_reader_others_pass(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = one_connection(&db).await?;
    fresh(&store).await?;
    let reader = reads(&db, "posts").await?;
    let running = {
        let alters = one_connection(&db).await?;
        tokio::spawn(async move {
            with_views()
                .lock_timeout(Duration::from_millis(100))
                .run(alters.connection())
                .await?;
            Ok::<_, anyhow::Error>(alters.close().await?)
        })
    };
    let mut longest = Duration::ZERO;
    for attempt in 0..3 {
        somebody_waits(&store).await?;
        for row in 0..3 {
            let started = Instant::now();
            let id = 100 + attempt * 10 + row;
            execute(
                &store,
                &format!("INSERT INTO posts (id, title) VALUES ({id}, 'meanwhile')"),
            )
            .await?;
            longest = longest.max(started.elapsed());
        }
        ensure!(!running.is_finished(), "it did not wait for the reader");
    }
    // Without its time limit the reader's end would be waited for, which comes only now. MySQL waits for whole seconds.
    ensure!(
        longest < Duration::from_secs(10),
        "a writer was kept waiting for {longest:?}"
    );
    lets_go(reader).await?;
    running.await??;
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE views = 7").await? == 13);
    Ok(())
}

/// The second step wants a lock that another has. It gives up, and names the step, what is done, and the way out.
async fn in_the_end_it_says_how_it_stands(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = one_connection(&db).await?;
    fresh(&store).await?;
    execute(&store, "UPDATE posts SET editor_id = NULL").await?;
    execute(&store, "ALTER TABLE posts DROP CONSTRAINT posts_editor").await?;
    let alteration = with_views()
        .add_index(Index::create().name("by_user").col("user_id"))
        .add_foreign_key(
            ForeignKey::create()
                .name("fk")
                .from("posts", "user_id")
                .to("users", "id"),
        )
        .lock_timeout(Duration::from_millis(50))
        .attempts(2);
    let writer = one_connection(&db).await?;
    execute(&writer, "BEGIN").await?;
    // The key wants to lock users; the steps before it do not.
    execute(&writer, "UPDATE users SET name = 'x' WHERE id = 1").await?;
    let error = alteration
        .clone()
        .run(store.connection())
        .await
        .err()
        .context("it got the lock")?;
    ensure!(error.is_timeout() || error.is_retryable(), "{error}");
    let words = error.to_string();
    for word in [
        "tried 2 time(s) and got no lock: posts: add foreign key",
        "done before that, and kept: ",
        "add column views",
        "run it again",
        "goes on from here",
    ] {
        ensure!(words.contains(word), "without {word:?}: {words}");
    }
    if db.backend == Backend::Postgres {
        let pid = number(&writer, "SELECT pg_backend_pid()::bigint").await?;
        ensure!(words.contains(&format!("process {pid},")), "{pid} is not in {words}");
    }
    ensure!(
        number(&store, "SELECT COUNT(*) FROM posts WHERE views = 7").await? == 4,
        "{words}"
    );
    lets_go(writer).await?;
    alteration.clone().run(store.connection()).await?;
    let refused = execute(&store, "UPDATE posts SET user_id = 99 WHERE id = 1").await;
    ensure!(refused.is_err(), "the key is not there");
    let left = everything(&store).await?;
    alteration.run(store.connection()).await?;
    ensure!(everything(&store).await? == left);
    Ok(())
}

async fn nothing_was_changed_if_the_first_step_gives_up(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = one_connection(&db).await?;
    fresh(&store).await?;
    let before = everything(&store).await?;
    let reader = reads(&db, "posts").await?;
    let impatient = with_views().lock_timeout(Duration::from_millis(50)).attempts(1);
    let error = impatient
        .run(store.connection())
        .await
        .err()
        .context("it got the lock")?;
    ensure!(error.to_string().contains("nothing was changed"), "{error}");
    lets_go(reader).await?;
    ensure!(everything(&store).await? == before);
    Ok(())
}

async fn two_at_once_do_it_once(db: Db) -> Result<()> {
    let store = one_connection(&db).await?;
    for job in super::process::Job::ALL {
        fresh(&store).await?;
        let runs: Vec<_> = (0..3)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move {
                    let store = one_connection(&db).await?;
                    job.alteration().run(store.connection()).await?;
                    Ok::<_, anyhow::Error>(store.close().await?)
                })
            })
            .collect();
        for run in runs {
            run.await?.with_context(|| format!("{job:?}"))?;
        }
    }
    Ok(())
}
