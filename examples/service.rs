//! A repository behind `dyn` in an application service: the service does not know where its posts come from.
//!
//! `cargo run --example service`; `DATABASE_URL` chooses the server.

#![expect(clippy::print_stdout, reason = "it shows what it did")]

use std::sync::Arc;

use anyhow::Result;
use entity::{post, user};
use scratch::Scratch;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Order};
use sea_orm_cascade::{Query, Repository, RepositoryExt, Store};

/// Part of an application. It holds the trait, so a test, a cache or a transaction can stand in for the database.
struct Feed {
    posts: Arc<dyn Repository<post::Entity>>,
}

impl Feed {
    async fn draft(&self, author: i64, title: &str) -> Result<post::Model, sea_orm_cascade::Error> {
        let draft = post::ActiveModel {
            published: Set(false),
            ..post::new(author, title, "…")
        };
        self.posts.insert(draft).await
    }

    async fn publish_all(&self, author: i64) -> Result<u64, sea_orm_cascade::Error> {
        let published = post::ActiveModel {
            published: Set(true),
            ..Default::default()
        };
        self.posts.update_many(post::Column::UserId.eq(author), published).await
    }

    async fn newest(&self, how_many: u64) -> Result<Vec<String>, sea_orm_cascade::Error> {
        let query = Query::new()
            .filter(post::Column::Published.eq(true))
            .order_by(post::Column::Id, Order::Desc)
            .limit(how_many);
        Ok(self
            .posts
            .select(query)
            .await?
            .into_iter()
            .map(|post| post.title)
            .collect())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let server = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite::memory:".to_owned());
    let scratch = Scratch::create(&server).await?;
    let outcome = run(scratch.url()).await;
    scratch.discard().await?;
    outcome
}

async fn run(url: &str) -> Result<()> {
    let store = Store::connect(url, entity::entities()).await?;
    store.create_all().await?;
    let ann = store
        .repository::<user::Entity>()
        .insert(user::new("ann@example.com", "$argon2id$…"))
        .await?;

    let feed = Feed {
        posts: Arc::new(store.repository::<post::Entity>()),
    };
    for title in ["On keys", "On locks", "On doors"] {
        feed.draft(ann.id, title).await?;
    }
    println!("Published: {:?}", feed.newest(10).await?);
    println!("Publishing {} drafts.", feed.publish_all(ann.id).await?);
    println!("Published, the newest two: {:?}", feed.newest(2).await?);

    // The same service, inside a transaction that is then rolled back.
    let rehearsal: Result<(), _> = store
        .transaction(async |tx| {
            let feed = Feed {
                posts: Arc::new(tx.repository::<post::Entity>()),
            };
            feed.draft(ann.id, "A rehearsal").await?;
            feed.publish_all(ann.id).await?;
            println!("In a rehearsal: {:?}", feed.newest(1).await?);
            Err(anyhow::anyhow!("only a rehearsal"))
        })
        .await;
    println!(
        "Afterwards ({}): {:?}",
        rehearsal.err().map_or_else(String::new, |e| e.to_string()),
        feed.newest(1).await?
    );
    store.close().await?;
    Ok(())
}
