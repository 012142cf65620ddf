//! The benchmark, on servers of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::run;
use crate::server::{Backends, Needed};
use crate::{cargo, root};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// A tenth of the rows, one round, no growth and no Python: to see that it works
    #[arg(long)]
    quick: bool,
    /// How often each contender runs: 5 times, or once if it is to be quick
    #[arg(long)]
    rounds: Option<usize>,
    /// The page to write
    #[arg(long)]
    out: Option<PathBuf>,
    /// Leave out SQLAlchemy and Django, which are installed from PyPI
    #[arg(long)]
    no_python: bool,
}

pub(crate) fn bench(options: &Options) -> Result<()> {
    run(cargo().args(["build", "--release", "--quiet", "--package", "peers"]))?;
    let backends = Backends::start(&Needed::from_environment()?)?;
    backends.announce();
    let urls: Vec<String> = backends
        .variables()
        .map(|(_, url)| url)
        .chain(["sqlite:scratch".to_owned()])
        .collect();
    let urls = urls.join(",");
    let directory = tempfile::tempdir()?;
    let python = directory.path().join("python.json");
    let mut peers = cargo();
    peers
        .args(["run", "--release", "--quiet", "--package", "peers", "--"])
        .env("BENCH_DATABASES_URL", &urls);
    let rounds = options.rounds.unwrap_or(if options.quick { 1 } else { 5 });
    peers.args(["--rounds", &rounds.to_string()]);
    if options.quick {
        peers.arg("--quick");
    } else if !options.no_python {
        measure_python(directory.path(), &python, &urls)?;
        peers.arg("--merge").arg(&python);
    }
    if let Some(out) = &options.out {
        peers.arg("--out").arg(std::path::absolute(out)?);
    }
    run(&mut peers)
}

/// SQLAlchemy and Django, in an environment that goes with the directory.
fn measure_python(directory: &Path, results: &Path, urls: &str) -> Result<()> {
    let peers = root().join("benches/peers");
    let environment = directory.join("venv");
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment))
        .context("python3 with venv is needed, or --no-python")?;
    let python = environment.join("bin/python");
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--requirement"])
        .arg(peers.join("requirements.txt")))?;
    run(Command::new(&python)
        .arg(peers.join("peers.py"))
        .arg(results)
        .env("BENCH_DATABASES_URL", urls))
}
