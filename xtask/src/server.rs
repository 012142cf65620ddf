//! Database servers for the tests: those the environment names, or private ones started from installed binaries.

mod mariadb;
mod postgres;
mod process;

use anyhow::{Context, Result, bail};

use process::Server;

/// The backends that must not be skipped.
pub(crate) struct Needed(Vec<String>);

impl Needed {
    /// From `TEST_REQUIRE`, for example `postgres,mysql`.
    pub(crate) fn from_environment() -> Result<Self> {
        let list = std::env::var("TEST_REQUIRE").unwrap_or_default();
        let names: Vec<_> = list
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        if let Some(unknown) = names
            .iter()
            .find(|name| !["sqlite", "postgres", "mysql", "browser"].contains(&name.as_str()))
        {
            bail!("TEST_REQUIRE names {unknown}: it takes sqlite, postgres, mysql and browser, separated by commas");
        }
        Ok(Self(names))
    }

    fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|needed| needed == name)
    }
}

/// What there is to test on. Dropping it stops the private servers.
pub(crate) struct Backends(Vec<Backend>);

struct Backend {
    name: &'static str,
    variable: &'static str,
    source: Source,
}

enum Source {
    Environment(String),
    Private(Server),
    Missing(String),
}

impl Backends {
    /// Finds or starts the servers.
    ///
    /// # Errors
    ///
    /// If a needed one is missing, or an installed one does not start.
    pub(crate) fn start(needed: &Needed) -> Result<Self> {
        crate::run::catch_interrupts()?;
        let mut backends = Vec::new();
        for (key, name, variable, start) in [
            (
                "postgres",
                "PostgreSQL",
                "TEST_POSTGRES_URL",
                postgres::start as fn() -> Result<Option<Server>>,
            ),
            ("mysql", "MariaDB", "TEST_MYSQL_URL", mariadb::start),
        ] {
            let source = match std::env::var(variable) {
                Ok(url) if !url.is_empty() => Source::Environment(url),
                _ => match start().with_context(|| format!("{name} is installed and does not start"))? {
                    Some(server) => Source::Private(server),
                    None => Source::Missing(format!("no {name} server is installed, and {variable} is not set")),
                },
            };
            if let (Source::Missing(reason), true) = (&source, needed.contains(key)) {
                bail!("TEST_REQUIRE demands {key}, but {reason}");
            }
            backends.push(Backend { name, variable, source });
        }
        Ok(Self(backends))
    }

    /// The variables that tell the tests where the servers are.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.0.iter().filter_map(|backend| match &backend.source {
            Source::Environment(url) => Some((backend.variable, url.clone())),
            Source::Private(server) => Some((backend.variable, server.url.clone())),
            Source::Missing(_) => None,
        })
    }

    pub(crate) fn announce(&self) {
        tell("SQLite: tested");
        for Backend { name, variable, source } in &self.0 {
            match source {
                Source::Environment(_) => tell(&format!("{name}: tested on the server {variable} names")),
                Source::Private(server) => tell(&format!("{name}: tested on a private server, {}", server.what)),
                Source::Missing(reason) => tell(&format!("{name}: SKIPPED, {reason}")),
            }
        }
    }

    pub(crate) fn announce_skips(&self) {
        for Backend { name, source, .. } in &self.0 {
            if let Source::Missing(reason) = source {
                tell(&format!("{name}: was SKIPPED, {reason}"));
            }
        }
    }
}

#[expect(clippy::print_stderr, reason = "a chore speaks to the person who runs it")]
fn tell(line: &str) {
    eprintln!("xtask: {line}");
}
