//! A process that alters a table: it tells each statement before it sends it and goes on only when it is told to, so that it can be
//! killed in and between all steps.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context, Result};
use sea_orm::sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, Index};
use sea_orm_cascade::migrate::Alteration;
use sea_orm_cascade::{Entities, Store};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context as Around, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use crate::harness::{Db, execute, number};
use crate::required::process::{Process, ask};

/// Names the database whose table this process is to alter, and be killed.
const URL: &str = "SUITE_ALTERS_A_TABLE_ON";
/// What it is to do.
const JOB: &str = "SUITE_ALTERS_A_TABLE_HOW";
const READS: &str = "Reads";

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Something of everything.
    Forth,
    /// And back.
    Back,
    /// A key gets another action.
    Key,
}

impl Job {
    pub(crate) const ALL: [Self; 3] = [Self::Forth, Self::Back, Self::Key];

    /// What is asked for. A lock is waited for as long as it takes.
    pub(crate) fn alteration(self) -> Alteration {
        let posts = Alteration::new("posts").lock_timeout(Duration::from_secs(600));
        match self {
            Self::Forth => posts
                .add_column(ColumnDef::new("views").integer().not_null().default(7))
                .change_column(ColumnDef::new("title").string_len(200).not_null())
                .add_unique(["slug"])
                .add_index(Index::create().name("idx-posts-title").col("title"))
                .add_foreign_key(
                    ForeignKey::create()
                        .name("fk-posts-user_id")
                        .from("posts", "user_id")
                        .to("users", "id")
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .drop_index(["body"])
                .drop_column("legacy"),
            Self::Back => posts
                .add_column(ColumnDef::new("legacy").string().null())
                .add_index(Index::create().name("by_body").col("body"))
                .drop_foreign_key(["user_id"])
                .drop_index(["title"])
                .drop_unique(["slug"])
                .change_column(ColumnDef::new("title").string_len(100).null())
                .drop_column("views"),
            Self::Key => posts.change_foreign_key(
                ForeignKey::create()
                    .from("posts", "editor_id")
                    .to("users", "id")
                    .on_delete(ForeignKeyAction::SetNull),
            ),
        }
    }

    pub(crate) fn start(self, db: &Db) -> Result<Process> {
        Process::with([(URL, db.url.clone()), (JOB, format!("{self:?}"))])
    }
}

/// A process that reads posts, says so, and goes on reading until it is told to go on.
pub(crate) fn reads(db: &Db) -> Result<Process> {
    Process::with([(URL, db.url.clone()), (JOB, READS.to_owned())])
}

async fn read(store: &Store) -> Result<()> {
    execute(store, "BEGIN").await?;
    number(store, "SELECT COUNT(*) FROM posts").await?;
    ask("reads");
    execute(store, "ROLLBACK").await
}

/// What the process does that is killed; nothing, if this is not it.
pub(crate) fn run() -> Result<bool> {
    let Ok(url) = std::env::var(URL) else {
        return Ok(false);
    };
    let asked = std::env::var(JOB)?;
    let runtime = tokio::runtime::Runtime::new()?;
    if asked == READS {
        runtime.block_on(async { read(&super::one_connection_to(&url).await?).await })?;
        return Ok(true);
    }
    let job = Job::ALL.into_iter().find(|job| format!("{job:?}") == asked);
    let job = job.context("no such job")?;
    tracing::subscriber::set_global_default(Registry::default().with(Asking))?;
    runtime.block_on(async {
        let store = Store::connect_with(&url, Entities::new(), super::options()).await?;
        let outcome = job.alteration().run(store.connection()).await;
        store.close().await?;
        match outcome {
            Ok(()) => ask("done"),
            Err(error) => ask(&format!("failed: {error:#}")),
        };
        Ok(true)
    })
}

/// Tells each statement that changes something, and waits for a word before it is sent.
struct Asking;

impl<S: Subscriber> Layer<S> for Asking {
    fn on_event(&self, event: &Event<'_>, _: Around<'_, S>) {
        if event.metadata().target() != "sea_orm_cascade::statement" {
            return;
        }
        let mut statement = Sent(String::new());
        event.record(&mut statement);
        let first = statement.0.split_whitespace().next().unwrap_or_default();
        if ["BEGIN", "COMMIT", "ALTER", "CREATE", "DROP", "INSERT", "DELETE"].contains(&first) {
            ask(&statement.0.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
}

struct Sent(String);

impl Visit for Sent {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "statement" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
