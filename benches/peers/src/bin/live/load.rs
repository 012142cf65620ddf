//! The load: two writers and two readers, each on a connection of its own and 50 times a second.
//!
//! It is open: each statement has a moment at which it is due, whatever became of those before it, and how long it took counts from then.
//! So a stall is not hidden by a writer that waits and sends nothing meanwhile. It runs in a thread of its own, so that what the change
//! costs this program does not count.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use tokio::task::JoinSet;

use crate::worker::Worker;

/// 50 a second.
const EVERY: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    PostsWriter,
    PostsReader,
    UsersWriter,
    UsersReader,
}

impl Stream {
    pub(crate) const ALL: [Self; 4] = [
        Self::PostsWriter,
        Self::PostsReader,
        Self::UsersWriter,
        Self::UsersReader,
    ];

    /// They take turns.
    const fn begins_after(self) -> Duration {
        match self {
            Self::PostsWriter => Duration::ZERO,
            Self::UsersWriter => Duration::from_millis(5),
            Self::PostsReader => Duration::from_millis(10),
            Self::UsersReader => Duration::from_millis(15),
        }
    }
}

/// One statement, from when it was due until it was done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) due: Instant,
    pub(crate) done: Instant,
}

impl Sample {
    pub(crate) fn took(self) -> Duration {
        self.done - self.due
    }
}

/// What became of a stream.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) stream: Stream,
    pub(crate) samples: Vec<Sample>,
    /// Rows it has inserted.
    pub(crate) inserted: i64,
    /// Statements that the server refused, by what it said.
    pub(crate) refused: BTreeMap<String, u64>,
}

/// A load that is on. Dropped, it goes on: end it.
pub(crate) struct Load {
    until: Arc<OnceLock<Instant>>,
    thread: JoinHandle<Result<Vec<Tally>>>,
}

impl Load {
    /// Returns when everybody is connected.
    pub(crate) fn begin(url: &str, posts: i64) -> Result<Self> {
        let until = Arc::new(OnceLock::new());
        let (ready, is_ready) = channel();
        let (url, its_until) = (url.to_owned(), Arc::clone(&until));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(everybody(&url, posts, &its_until, &ready))
        });
        match is_ready.recv() {
            Ok(()) => Ok(Self { until, thread }),
            Err(_) => {
                join(thread)?;
                Err(anyhow!("the load ended before it began"))
            }
        }
    }

    /// Does what is due by now, and returns what became of it.
    pub(crate) fn end(self) -> Result<Vec<Tally>> {
        self.until.get_or_init(Instant::now);
        join(self.thread)
    }
}

fn join(thread: JoinHandle<Result<Vec<Tally>>>) -> Result<Vec<Tally>> {
    thread.join().map_err(|_| anyhow!("the load panicked"))?
}

async fn everybody(url: &str, posts: i64, until: &Arc<OnceLock<Instant>>, ready: &Sender<()>) -> Result<Vec<Tally>> {
    let mut workers = Vec::new();
    for stream in Stream::ALL {
        workers.push(Worker::connect(url, posts, stream).await?);
    }
    ready.send(())?;
    let (start, mut working) = (Instant::now(), JoinSet::new());
    for worker in workers {
        working.spawn(work(worker, start, Arc::clone(until)));
    }
    let mut tallies = Vec::new();
    while let Some(tally) = working.join_next().await {
        tallies.push(tally??);
    }
    Ok(tallies)
}

/// Does what is due, until what is due is later than the end.
async fn work(mut worker: Worker, start: Instant, until: Arc<OnceLock<Instant>>) -> Result<Tally> {
    let mut due = start + worker.tally.stream.begins_after();
    for turn in 0.. {
        tokio::time::sleep_until(due.into()).await;
        if until.get().is_some_and(|end| due >= *end) {
            break;
        }
        worker.turn(turn).await?;
        let done = Instant::now();
        worker.tally.samples.push(Sample { due, done });
        due += EVERY;
    }
    worker.finish().await
}
