//! `cascade` with what a machine may lack: servers and a browser. What is not there shows as ignored, unless `TEST_REQUIRE` names it.

mod browser;
mod foreign_key;
mod servers;

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};
use snapbox::cmd::cargo_bin;

fn main() {
    let browser = ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .find_map(|name| in_path(name))
        .map(|path| path.display().to_string());
    let mut trials = Vec::new();
    for (name, body) in browser::CASES {
        trials.push(trial("browser", name, browser.clone(), body));
    }
    for (name, body) in servers::ON_POSTGRES.into_iter().chain(foreign_key::ON_POSTGRES) {
        trials.push(trial("postgres", name, variable("TEST_POSTGRES_URL"), body));
    }
    for (name, body) in servers::ON_MYSQL.into_iter().chain(foreign_key::ON_MYSQL) {
        trials.push(trial("mysql", name, variable("TEST_MYSQL_URL"), body));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// A test, given where what it needs is.
type Body = fn(&str) -> anyhow::Result<()>;

fn trial(needs: &str, name: &str, place: Option<String>, body: Body) -> Trial {
    let required = std::env::var("TEST_REQUIRE").unwrap_or_default();
    let is_required = required.split(',').any(|needed| needed.trim() == needs);
    let (title, needs) = (format!("{needs}::{name}"), needs.to_owned());
    match place {
        Some(place) => Trial::test(title, move || {
            body(&place).map_err(|error| Failed::from(format!("{error:#}")))
        }),
        None if is_required => Trial::test(title, move || {
            Err(format!("TEST_REQUIRE demands {needs}, and there is none").into())
        }),
        None => Trial::test(title, || Ok(())).with_ignored_flag(true),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|url| !url.is_empty())
}

fn in_path(program: &str) -> Option<PathBuf> {
    let directories = std::env::var_os("PATH")?;
    std::env::split_paths(&directories)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
}

/// `cascade` in this directory, on this database.
fn cascade(directory: &Path, url: &str) -> Command {
    let mut command = Command::new(cargo_bin!("cascade"));
    command
        .current_dir(directory)
        .env("DATABASE_URL", url)
        .env_remove("RUST_BACKTRACE");
    command
}
