//! Two transactions that get into each other's way on purpose, and both finish: the database gives one up, and its whole closure runs
//! again.
//!
//! `cargo run --example retry`; `DATABASE_URL` chooses the server.

#![expect(clippy::print_stdout, reason = "it shows what it did")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use entity::{post, user};
use scratch::Scratch;
use sea_orm::ActiveValue::Set;
use sea_orm_cascade::{Error, Repository, RetryPolicy, Store, StoreOptions};

#[tokio::main]
async fn main() -> Result<()> {
    // A file, since SQLite in memory has one connection, on which nothing can get into anything's way.
    let server = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite:file".to_owned());
    let scratch = Scratch::create(&server).await?;
    let outcome = run(scratch.url()).await;
    scratch.discard().await?;
    outcome
}

async fn run(url: &str) -> Result<()> {
    // SQLite would wait five seconds for another writer before it gives up; here it is to give up soon.
    let options = StoreOptions::new()
        .busy_timeout(Duration::from_millis(20))
        .retry(RetryPolicy::new().attempts(20));
    let store = Store::connect_with(url, entity::entities(), options).await?;
    store.create_all().await?;
    let ann = store
        .repository::<user::Entity>()
        .insert(user::new("ann@example.com", "$argon2id$…"))
        .await?;
    let posts = store.repository::<post::Entity>();
    let (first, second) = (
        posts.insert(post::new(ann.id, "first", "")).await?,
        posts.insert(post::new(ann.id, "second", "")).await?,
    );

    let runs = Arc::new(AtomicU32::new(0));
    let forwards = tokio::spawn(append(store.clone(), [first.id, second.id], "→", Arc::clone(&runs)));
    let backwards = tokio::spawn(append(store.clone(), [second.id, first.id], "←", Arc::clone(&runs)));
    forwards.await??;
    backwards.await??;

    println!(
        "Two transactions committed; the closures ran {} times.",
        runs.load(Ordering::Relaxed)
    );
    for id in [first.id, second.id] {
        let post = posts.get(id).await?;
        println!("{:>6}: {}", post.title, post.content);
        ensure!(post.content.chars().count() == 2, "an update was lost");
    }
    store.close().await?;
    Ok(())
}

/// Appends a mark to two posts, in this order.
async fn append(store: Store, order: [i64; 2], mark: &'static str, runs: Arc<AtomicU32>) -> Result<(), Error> {
    let runs = &runs;
    store
        .transaction(async |tx| {
            runs.fetch_add(1, Ordering::Relaxed);
            for id in order {
                let posts = tx.repository::<post::Entity>();
                // Writing first takes the row's lock; what is read then cannot change.
                let touched = posts.update(content_of(id, None)).await?;
                posts.update(content_of(id, Some(touched.content + mark))).await?;
                // Time for the other transaction to lock the other post.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        })
        .await
}

/// A change of a post's content, or one that changes nothing and locks the row.
fn content_of(id: i64, content: Option<String>) -> post::ActiveModel {
    post::ActiveModel {
        id: Set(id),
        published: Set(true),
        content: content.map_or_else(Default::default, Set),
        ..Default::default()
    }
}
