//! The benchmark of a required key on a table in use, on servers of its own.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::cargo;
use crate::run::run;
use crate::server::{Backends, Needed};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// 100,000 posts, one round: to see that it works
    #[arg(long)]
    quick: bool,
    /// How often each contender runs: 3 times, or once if it is to be quick
    #[arg(long)]
    rounds: Option<usize>,
    /// How many posts there are: 1,000,000, or 100,000 if it is to be quick
    #[arg(long)]
    posts: Option<u32>,
    /// The redo log that MariaDB is given, in MiB
    #[arg(long, default_value_t = 1024)]
    redo_log: u32,
    /// The page to write
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(crate) fn live(options: &Options) -> Result<()> {
    let binary = ["--release", "--quiet", "--package", "peers", "--bin", "live"];
    run(cargo().arg("build").args(binary))?;
    let backends = Backends::start(&Needed::from_environment()?)?;
    let urls: Vec<String> = backends.variables().map(|(_, url)| url).collect();
    ensure!(
        !urls.is_empty(),
        "neither PostgreSQL nor MariaDB is there: install one, or name one by TEST_POSTGRES_URL or TEST_MYSQL_URL"
    );
    let mut live = cargo();
    live.arg("run")
        .args(binary)
        .arg("--")
        .env("BENCH_DATABASES_URL", urls.join(","));
    let rounds = options.rounds.unwrap_or(if options.quick { 1 } else { 3 });
    live.args([
        "--rounds",
        &rounds.to_string(),
        "--redo-log",
        &options.redo_log.to_string(),
    ]);
    if options.quick {
        live.arg("--quick");
    }
    if let Some(posts) = options.posts {
        live.args(["--posts", &posts.to_string()]);
    }
    if let Some(out) = &options.out {
        live.arg("--out").arg(std::path::absolute(out)?);
    }
    run(&mut live)?;
    backends.announce_skips();
    Ok(())
}
