//! What a change was begun with is remembered until it is taken back.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use sea_orm_cascade::migrate::{Backfill, Control, Event, RequiredForeignKey, Revert};
use sea_orm_cascade::{Action, Backend, Store};

use crate::harness::{Db, cases, execute, number};
use crate::required::{RULE, is_complete, owner, tables, wrong_owners};

cases![
    a_stopped_change_is_gone_on_with,
    a_change_is_not_gone_on_with_as_another,
    rust_code_is_not_remembered,
];

async fn remembered(store: &Store, table: &str) -> Result<Option<RequiredForeignKey>> {
    Ok(RequiredForeignKey::remembered(store.connection(), table, ["user_id"]).await?)
}

/// Runs it until this many batches are filled. On SQLite it is one transaction, which is not stopped half-way.
async fn stopped(store: &Store, key: RequiredForeignKey, batches: u32) -> Result<()> {
    let filled = AtomicU32::new(0);
    let key = key.on_progress(move |event| match event {
        Event::Filled { .. } if filled.fetch_add(1, Ordering::Relaxed) + 1 >= batches => Control::Stop,
        _ => Control::Continue,
    });
    let report = key.run(store.connection()).await?;
    ensure!(report.stopped.is_some(), "{report}");
    Ok(())
}

async fn a_stopped_change_is_gone_on_with(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    ensure!(remembered(&store, "posts").await?.is_none());
    if db.backend == Backend::Sqlite {
        owner().run(store.connection()).await?;
        ensure!(remembered(&store, "posts").await?.is_none());
        return Ok(());
    }
    stopped(&store, owner(), 3).await?;
    let own = match db.backend {
        Backend::Postgres => "public".to_owned(),
        Backend::MySql | Backend::Sqlite => db.database()?.to_owned(),
    };
    // By its full name it is the same.
    let full = remembered(&store, &format!("{own}.posts")).await?;
    ensure!(
        !full
            .context("it is remembered")?
            .status(store.connection())
            .await?
            .is_done()
    );
    let report = remembered(&store, "posts").await?.context("it is remembered")?;
    let report = report.resume(store.connection()).await?;
    ensure!(report.filled == 700, "{report}");
    ensure!(is_complete(&store).await? && wrong_owners(&store).await? == 0);
    let done = remembered(&store, "posts").await?.context("it is remembered")?;
    ensure!(done.status(store.connection()).await?.is_done());
    done.revert(store.connection(), Revert::Full).await?;
    ensure!(remembered(&store, "posts").await?.is_none());
    Ok(())
}

async fn a_change_is_not_gone_on_with_as_another(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    stopped(&store, owner(), 3).await?;
    let other = || owner().on_delete(Action::Restrict).backfill(Backfill::owner([7_i64]));
    let refused = other().run(store.connection()).await;
    let refused = refused
        .err()
        .context("another change of the same columns was begun")?
        .to_string();
    let known = format!("on delete was cascade, now restrict; the backfill was {RULE}, now the one owner 7");
    ensure!(refused.contains(&known), "{refused}");
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 7").await? == 30);
    // The pace is nobody's business.
    stopped(&store, owner().batch_rows(10), 1).await?;

    let begun = remembered(&store, "posts").await?.context("it is remembered")?;
    begun.revert(store.connection(), Revert::Soft).await?;
    execute(&store, "UPDATE posts SET user_id = NULL").await?;
    let report = other().run(store.connection()).await?;
    ensure!(report.filled == 1_000, "{report}");
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 7").await? == 1_000);
    Ok(())
}

async fn rust_code_is_not_remembered(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let code = || {
        owner().backfill(Backfill::with(|batch| async move {
            Ok(vec![Some(vec![1_i64.into()]); batch.keys.len()])
        }))
    };
    stopped(&store, code(), 3).await?;
    let begun = remembered(&store, "posts").await?.context("it is remembered")?;
    ensure!(!begun.status(store.connection()).await?.is_done());
    let refused = begun.resume(store.connection()).await;
    let refused = refused.err().context("it went on without the code")?.to_string();
    ensure!(
        refused.contains("what fills posts.user_id is in the program that began it"),
        "{refused}"
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id <> 0").await? == 300);
    code().run(store.connection()).await?;
    ensure!(is_complete(&store).await?);
    Ok(())
}
