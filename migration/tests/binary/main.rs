//! The binary as its users run it.
//!
//! On SQLite always; on PostgreSQL and MariaDB where `TEST_POSTGRES_URL` and `TEST_MYSQL_URL` name a server.

mod processes;
mod schema;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use scratch::Scratch;
use sea_orm_cascade::{Entities, Store};
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement};

/// The servers to test on; one that `TEST_REQUIRE` names must be there.
fn servers() -> Result<Vec<String>> {
    let required = std::env::var("TEST_REQUIRE").unwrap_or_default();
    let mut servers = vec!["sqlite:scratch".to_owned()];
    for (backend, variable) in [("postgres", "TEST_POSTGRES_URL"), ("mysql", "TEST_MYSQL_URL")] {
        match std::env::var(variable) {
            Ok(url) if !url.is_empty() => servers.push(url),
            _ if required.split(',').any(|needed| needed.trim() == backend) => {
                bail!("TEST_REQUIRE demands {backend}, and {variable} is not set")
            }
            // Not by a macro: what those print is shown only if the test fails.
            _ => writeln!(std::io::stderr(), "{backend} is skipped: {variable} is not set")?,
        }
    }
    Ok(servers)
}

fn migrate(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_migration"));
    command
        .args(arguments)
        .env("DATABASE_URL", url)
        .env_remove("DATABASE_SCHEMA");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn succeeded(output: &Output) -> Result<()> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", output.status);
    Ok(())
}

async fn number(store: &Store, sql: &str) -> Result<i64> {
    let statement = Statement::from_string(store.backend().into(), sql);
    let row = store.connection().query_one_raw(statement).await?.context("no row")?;
    Ok(row.try_get_by_index(0)?)
}

async fn store(url: &str) -> Result<Store> {
    Ok(Store::connect(url, Entities::new()).await?)
}

/// Runs a test on each server, and drops its database also after a failure.
async fn everywhere<F: Future<Output = Result<()>>>(test: impl Fn(String) -> F) -> Result<()> {
    for server in servers()? {
        let scratch = Scratch::create(&server).await?;
        let outcome = test(scratch.url().to_owned()).await;
        scratch.discard().await?;
        outcome.with_context(|| server.split(':').next().unwrap_or_default().to_owned())?;
    }
    Ok(())
}
