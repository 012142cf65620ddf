//! Throw-away databases, for the tests and the examples: a fresh database beside the one a URL names, and nothing of it afterwards.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
use tempfile::TempDir;

/// A database of one's own. [`discard`](Self::discard) it, also after a failure: a server's database does not go by itself.
#[derive(Debug)]
pub struct Scratch {
    url: String,
    kept_by: Kept,
}

#[derive(Debug)]
enum Kept {
    /// The database goes with its last connection.
    Memory,
    /// The database goes with its directory.
    Directory(TempDir),
    /// A database or a schema of a server, and the statement that drops it.
    Server { admin_url: String, drop: String },
}

impl Scratch {
    /// Makes an empty database on the server, or of the kind, that a URL names.
    ///
    /// A PostgreSQL role that may not create databases gets a schema of its own instead. For a SQLite file it is another file, in
    /// the system's temporary directory; `sqlite::memory:` is scratch already.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, or the role may create neither database nor schema.
    pub async fn create(url: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "cascade_scratch_{}_{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        if url.contains(":memory:") || url.contains("mode=memory") {
            return Ok(Self {
                url: url.to_owned(),
                kept_by: Kept::Memory,
            });
        }
        if url.starts_with("sqlite:") {
            let directory = tempfile::Builder::new().prefix("cascade-scratch-").tempdir()?;
            return Ok(Self {
                url: format!("sqlite://{}/{name}.db?mode=rwc", directory.path().display()),
                kept_by: Kept::Directory(directory),
            });
        }
        let admin = connect(url).await?;
        let (url_of_it, drop) = if url.starts_with("mysql:") {
            admin
                .execute_unprepared(&format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"))
                .await
                .context("the user may not create a database of its own to work in")?;
            (with_database(url, &name)?, format!("DROP DATABASE IF EXISTS {name}"))
        } else {
            create_on_postgres(&admin, url, &name).await?
        };
        admin.close().await?;
        Ok(Self {
            url: url_of_it,
            kept_by: Kept::Server {
                admin_url: url.to_owned(),
                drop,
            },
        })
    }

    /// The URL of the database.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Drops the database, whoever is still connected.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached any more.
    pub async fn discard(self) -> Result<()> {
        match self.kept_by {
            Kept::Memory => Ok(()),
            Kept::Directory(directory) => Ok(directory.close()?),
            Kept::Server { admin_url, drop } => {
                let admin = connect(&admin_url).await?;
                admin.execute_unprepared(&drop).await?;
                Ok(admin.close().await?)
            }
        }
    }
}

async fn create_on_postgres(admin: &DatabaseConnection, url: &str, name: &str) -> Result<(String, String)> {
    // template0, since nobody can be connected to it: a connection to template1 would make this fail.
    let created = admin
        .execute_unprepared(&format!("CREATE DATABASE {name} TEMPLATE template0"))
        .await;
    match created {
        Ok(_) => Ok((
            with_database(url, name)?,
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        )),
        Err(_) => {
            admin
                .execute_unprepared(&format!("CREATE SCHEMA {name}"))
                .await
                .context("the role may create neither a database nor a schema of its own to work in")?;
            let separator = if url.contains('?') { '&' } else { '?' };
            Ok((
                format!("{url}{separator}options[search_path]={name}"),
                format!("DROP SCHEMA IF EXISTS {name} CASCADE"),
            ))
        }
    }
}

async fn connect(url: &str) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.context("the server cannot be reached")
}

/// The URL with another database's name in its path.
fn with_database(url: &str, name: &str) -> Result<String> {
    let (address, parameters) = match url.split_once('?') {
        Some((address, parameters)) => (address, format!("?{parameters}")),
        None => (url, String::new()),
    };
    let Some((scheme, rest)) = address.split_once("://") else {
        bail!("the database URL must contain ://");
    };
    let server = rest.split_once('/').map_or(rest, |(server, _)| server);
    Ok(format!("{scheme}://{server}/{name}{parameters}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_changes() -> Result<()> {
        assert_eq!(
            with_database("postgres://a:b@h:1/x?y=z", "new")?,
            "postgres://a:b@h:1/new?y=z"
        );
        assert_eq!(with_database("mysql://h", "new")?, "mysql://h/new");
        Ok(())
    }
}
