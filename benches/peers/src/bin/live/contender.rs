//! The ways to get the key.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::Result;
use sea_orm_cascade::migrate::{Backfill, Control, Event, RequiredForeignKey};
use sea_orm_cascade::{Action, Entities, Store};

use crate::ground::{Ground, Owners, RULE};
use crate::line::{Engine, Line};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Contender {
    /// No change at all: what its load meets is the machine's noise.
    Idle,
    /// This library's.
    Staged,
    /// A single ALTER TABLE, with a default for an owner.
    OneShot,
    /// The statements that a migration would have, in one transaction where the engine has such.
    OneTransaction,
}

/// A span of time, and what was done in it.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub(crate) name: String,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    /// How often it waited for a lock in vain, and tried again.
    pub(crate) waits: u32,
}

impl Window {
    fn new(name: impl Into<String>, from: Instant) -> Self {
        Self {
            name: name.into(),
            from,
            to: from,
            waits: 0,
        }
    }
}

/// What is known of a change that was made.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    pub(crate) steps: Vec<Window>,
    /// How long the batches took, each with all that comes with it.
    pub(crate) batches: Vec<Duration>,
}

impl Contender {
    pub(crate) const ALL: [Self; 4] = [Self::Idle, Self::Staged, Self::OneShot, Self::OneTransaction];

    pub(crate) const fn owners(self) -> Owners {
        match self {
            Self::Idle => Owners::None,
            Self::Staged | Self::OneTransaction => Owners::ByRule,
            Self::OneShot => Owners::First,
        }
    }

    /// Makes the change; idle waits for as long as it is told.
    pub(crate) async fn run(self, ground: &Ground, idle_for: Duration) -> Result<Change> {
        match self {
            Self::Idle => {
                let from = Instant::now();
                tokio::time::sleep(idle_for).await;
                Ok(Change::without_steps(from))
            }
            Self::Staged => staged(ground).await,
            Self::OneShot => {
                let statement = match ground.engine {
                    Engine::Postgres => {
                        "ALTER TABLE posts ADD COLUMN user_id bigint NOT NULL DEFAULT 1 REFERENCES users ON DELETE CASCADE"
                    }
                    Engine::MariaDb => {
                        "ALTER TABLE posts ADD COLUMN user_id bigint NOT NULL DEFAULT 1, ADD FOREIGN KEY (user_id) REFERENCES users (id) \
                         ON DELETE CASCADE"
                    }
                };
                let mut line = Line::open(ground.url()).await?;
                let from = Instant::now();
                line.send(statement).await?;
                let change = Change::without_steps(from);
                line.close().await?;
                Ok(change)
            }
            Self::OneTransaction => one_transaction(ground).await,
        }
    }
}

impl Change {
    fn without_steps(from: Instant) -> Self {
        Self {
            from,
            to: Instant::now(),
            steps: Vec::new(),
            batches: Vec::new(),
        }
    }
}

async fn staged(ground: &Ground) -> Result<Change> {
    let store = Store::connect(ground.url(), Entities::new()).await?;
    let (tell, told) = channel();
    let owner = RequiredForeignKey::new("posts", ["user_id"])
        .references("users", ["id"])
        .on_delete(Action::Cascade)
        .backfill(Backfill::sql(RULE))
        .on_progress(move |event| match tell.send((Instant::now(), event.clone())) {
            Ok(()) => Control::Continue,
            Err(_) => Control::Stop,
        });
    let from = Instant::now();
    let report = owner.run(store.connection()).await;
    let to = Instant::now();
    store.close().await?;
    report?;
    Ok(told_of(from, to, &told))
}

/// The spans of the steps, by what was told of them.
fn told_of(from: Instant, to: Instant, told: &Receiver<(Instant, Event)>) -> Change {
    // Before its first step it reads the catalog, and looks at what every row would get.
    let (mut steps, mut batches) = (Vec::new(), Vec::new());
    let mut open = Window::new("look at the catalog and at all rows", from);
    let mut batch_from = from;
    for (at, event) in told.try_iter() {
        match event {
            Event::Begins { step } => {
                open.to = at;
                batch_from = at;
                steps.push(std::mem::replace(&mut open, Window::new(step.title(), at)));
            }
            Event::Filled { .. } => {
                batches.push(at - batch_from);
                batch_from = at;
            }
            Event::Waits { .. } => open.waits += 1,
            _ => {}
        }
    }
    open.to = to;
    steps.push(open);
    Change {
        from,
        to,
        steps,
        batches,
    }
}

/// What SeaORM's migrations do: on PostgreSQL all in one transaction, on MariaDB, where each ALTER commits, one after the other.
async fn one_transaction(ground: &Ground) -> Result<Change> {
    let mut line = Line::open(ground.url()).await?;
    let fill = format!("UPDATE posts SET user_id = {RULE} WHERE user_id IS NULL");
    let key =
        "ALTER TABLE posts ADD CONSTRAINT posts_user_id FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE";
    let from = Instant::now();
    match ground.engine {
        Engine::Postgres => {
            for sql in [
                "BEGIN",
                "ALTER TABLE posts ADD COLUMN user_id bigint",
                &fill,
                "ALTER TABLE posts ALTER COLUMN user_id SET NOT NULL",
                "CREATE INDEX posts_user_id ON posts (user_id)",
                key,
                "COMMIT",
            ] {
                line.send(sql).await?;
            }
        }
        Engine::MariaDb => {
            line.send("ALTER TABLE posts ADD COLUMN user_id bigint").await?;
            line.send(&fill).await?;
            // A post may have come without an owner just before the column was there, and waited until the others had theirs.
            let require = "ALTER TABLE posts MODIFY user_id bigint NOT NULL";
            if line.send(require).await.is_err() {
                line.send(&fill).await?;
                line.send(require).await?;
            }
            line.send("CREATE INDEX posts_user_id ON posts (user_id)").await?;
            line.send(key).await?;
        }
    }
    let change = Change::without_steps(from);
    line.close().await?;
    Ok(change)
}
