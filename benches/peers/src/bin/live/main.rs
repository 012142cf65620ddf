//! The benchmark of a required foreign key on a table in use: how long writers and readers are held up, and by which step.
//!
//! `cargo xtask live` runs it with servers of its own. Contenders are shuffled in each round, tables are filled anew before each, and what
//! became of the rows is verified afterwards.

mod contender;
mod ground;
mod line;
mod load;
mod outcome;
mod page;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use contender::Contender;
use ground::Ground;
use line::{Engine, Line};
use load::{Load, Stream};
use outcome::{Outcome, Run};

#[derive(Parser)]
#[command(about = "Measures how long writers and readers are held up while a table gets a required foreign key")]
struct Arguments {
    /// A tenth of the posts
    #[arg(long)]
    quick: bool,
    /// How often each contender runs
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many posts there are
    #[arg(long)]
    posts: Option<i64>,
    /// Servers, each by the URL of a database beside which others are made
    #[arg(long, value_delimiter = ',', env = "BENCH_DATABASES_URL", hide_env_values = true)]
    databases: Vec<String>,
    /// Only these
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = Contender::ALL)]
    contenders: Vec<Contender>,
    /// Gives MariaDB (10.9 and later) a redo log of so many MiB: its own, of 96, makes everybody wait who writes while much is written
    #[arg(long)]
    redo_log: Option<u32>,
    /// The page to write
    #[arg(long)]
    out: Option<PathBuf>,
}

/// The load goes on so long before a change, and after it: a server's caches are warm, and what waited is let through.
const BEFORE: Duration = Duration::from_secs(2);
const AFTER: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let posts = arguments
        .posts
        .unwrap_or(if arguments.quick { 100_000 } else { 1_000_000 });
    ensure!(
        posts > 0 && arguments.rounds > 0,
        "there must be a post and a round at least"
    );
    let mut outcomes = Vec::new();
    for server in &arguments.databases {
        if let Some(mebibytes) = arguments.redo_log {
            give_redo_log(server, mebibytes).await?;
        }
        outcomes.push(measure(server, posts, arguments.rounds, &arguments.contenders).await?);
    }
    if let Some(path) = &arguments.out {
        std::fs::write(path, page::markdown(&outcomes, posts, arguments.rounds))?;
    }
    Ok(())
}

async fn give_redo_log(server: &str, mebibytes: u32) -> Result<()> {
    let mut line = Line::open(server).await?;
    if let Line::MariaDb(_) = line {
        let bytes = u64::from(mebibytes) << 20;
        line.send(&format!("SET GLOBAL innodb_log_file_size = {bytes}")).await?;
    }
    line.close().await
}

/// All contenders on one engine, in shuffled rounds.
async fn measure(server: &str, posts: i64, rounds: usize, contenders: &[Contender]) -> Result<Outcome> {
    let mut line = Line::open(server).await?;
    let mut outcome = Outcome {
        engine: Engine::of(server).name(),
        version: line.version().await?,
        runs: Vec::new(),
    };
    line.close().await?;
    let mut contenders = contenders.to_vec();
    // Idle is to last as long as the longest of the others, which has to be known: in the first round it comes last.
    let mut longest = Duration::ZERO;
    for round in 1..=rounds {
        fastrand::shuffle(&mut contenders);
        if round == 1 {
            contenders.sort_by_key(|contender| *contender == Contender::Idle);
        }
        for &contender in &contenders {
            let run = Box::pin(once(server, posts, contender, longest)).await;
            let run = run.with_context(|| format!("{contender:?} on {}", outcome.engine))?;
            longest = longest.max(run.took());
            tell(outcome.engine, round, &run);
            outcome.runs.push(run);
        }
    }
    Ok(outcome)
}

async fn once(server: &str, posts: i64, contender: Contender, idle_for: Duration) -> Result<Run> {
    let ground = Ground::make(server, posts).await?;
    let run = under_load(&ground, contender, idle_for).await;
    ground.discard().await?;
    run
}

async fn under_load(ground: &Ground, contender: Contender, idle_for: Duration) -> Result<Run> {
    let load = Load::begin(ground.url(), ground.posts)?;
    tokio::time::sleep(BEFORE).await;
    let change = contender.run(ground, idle_for).await;
    tokio::time::sleep(AFTER).await;
    let tallies = load.end();
    let (change, tallies) = (change?, tallies?);
    let new = |stream| Run::inserted(&tallies, stream);
    ground
        .verify(contender.owners(), new(Stream::PostsWriter), new(Stream::UsersWriter))
        .await?;
    Ok(Run::new(contender, change, tallies))
}

#[expect(clippy::print_stderr, reason = "a program speaks to the person who runs it")]
fn tell(engine: &str, round: usize, run: &Run) {
    let worst = Stream::ALL.map(|stream| format!("{stream:?} {:.1}", page::ms(run.worst(stream))));
    eprintln!(
        "{engine}, round {round}: {:?} took {:.1} s; worst in ms: {}",
        run.contender,
        run.took().as_secs_f64(),
        worst.join(", ")
    );
}
