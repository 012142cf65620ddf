//! The project's own chores. `cargo xtask help` lists them.

mod bench;
mod live;
mod run;
mod server;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use run::run;
use server::{Backends, Needed};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run all tests: on SQLite, and on PostgreSQL and MariaDB where there is a server or one can be started
    Test {
        /// Passed on to `cargo test`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run every example on every backend there is
    Examples,
    /// Run a command with `TEST_POSTGRES_URL` and `TEST_MYSQL_URL` set to servers that are stopped afterwards
    Serve {
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Measure deletes beside raw SQL, SeaORM's own and Python's, and write the page of results
    Bench(bench::Options),
    /// Measure how long writers and readers are held up while a table gets a required key, and write the page of results
    Live(live::Options),
    /// Check the licences and sources of all dependencies against deny.toml, with cargo-deny
    Audit,
}

fn main() -> Result<()> {
    match Arguments::parse().chore {
        Chore::Test { arguments } => test(arguments),
        Chore::Examples => examples(),
        Chore::Serve { command } => serve(&command),
        Chore::Bench(options) => bench::bench(&options),
        Chore::Live(options) => live::live(&options),
        Chore::Audit => audit(),
    }
}

fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or(own.clone(), PathBuf::from)
}

fn test(arguments: Vec<String>) -> Result<()> {
    let backends = Backends::start(&Needed::from_environment()?)?;
    backends.announce();
    let mut tests = cargo();
    tests.arg("test");
    if !arguments
        .iter()
        .any(|argument| argument == "-p" || argument.starts_with("--package"))
    {
        tests.arg("--workspace");
    }
    tests.args(arguments).envs(backends.variables());
    let result = run(&mut tests);
    backends.announce_skips();
    result
}

fn examples() -> Result<()> {
    let backends = Backends::start(&Needed::from_environment()?)?;
    backends.announce();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("examples"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
        }
    }
    names.sort();
    for name in names {
        run(cargo()
            .args(["run", "--quiet", "--example", &name])
            .env_remove("DATABASE_URL"))?;
        for (_, url) in backends.variables() {
            run(cargo()
                .args(["run", "--quiet", "--example", &name])
                .env("DATABASE_URL", url))?;
        }
    }
    backends.announce_skips();
    Ok(())
}

fn serve(command: &[String]) -> Result<()> {
    let backends = Backends::start(&Needed::from_environment()?)?;
    backends.announce();
    let (program, arguments) = command.split_first().context("no command to run")?;
    run(Command::new(program).args(arguments).envs(backends.variables()))
}

fn audit() -> Result<()> {
    let mut installed = cargo();
    let found = installed.args(["deny", "--version"]).output()?.status.success();
    if !found {
        bail!("cargo-deny is not installed: run `cargo install --locked cargo-deny`");
    }
    // Without the advisories, whose database is fetched from the network: `cargo deny check` has them too.
    run(cargo().args(["deny", "--all-features", "check", "bans", "licenses", "sources"]))
}
