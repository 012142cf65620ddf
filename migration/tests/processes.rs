//! The binary as its users run it: several processes at once, and a process killed half-way.
//!
//! On SQLite always; on PostgreSQL and MariaDB where `TEST_POSTGRES_URL` and `TEST_MYSQL_URL` name a server.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use scratch::Scratch;
use sea_orm_cascade::{Backend, Entities, Store};
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement};

const POSTS: i64 = 50_000;

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
            _ => {}
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

#[tokio::test]
async fn processes_at_once_do_no_harm() -> Result<()> {
    everywhere(async |url| {
        let running: Vec<_> = (0..4)
            .map(|_| migrate(&url, &["up"]).spawn())
            .collect::<Result<_, _>>()?;
        for process in running {
            succeeded(&process.wait_with_output()?)?;
        }
        let store = store(&url).await?;
        ensure!(number(&store, "SELECT COUNT(*) FROM seaql_migrations").await? == 3);
        Ok(store.close().await?)
    })
    .await
}

/// Killed at fifteen different moments. Whatever it left, no post is lost, and running it again ends well.
#[tokio::test]
async fn a_process_killed_half_way_loses_nothing() -> Result<()> {
    everywhere(async |url| {
        succeeded(&migrate(&url, &["up", "-n", "2"]).output()?)?;
        let before = store(&url).await?;
        let series = match before.backend() {
            Backend::Postgres => format!("generate_series(1, {POSTS}) AS s (n)"),
            Backend::MySql => format!("(SELECT seq AS n FROM seq_1_to_{POSTS}) AS s"),
            Backend::Sqlite => {
                format!("(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {POSTS}) SELECT n FROM s) AS s")
            }
        };
        for sql in [
            "INSERT INTO users (id, email, password_hash) VALUES (17, 'ann', 'h')".to_owned(),
            format!("INSERT INTO posts (id, title, content) SELECT n, 'title', 'content' FROM {series}"),
        ] {
            before.connection().execute_unprepared(&sql).await?;
        }
        before.close().await?;

        let mut killed = 0;
        for moment in 0..15 {
            let mut process = migrate(&url, &["up"]).spawn()?;
            std::thread::sleep(Duration::from_millis(10 + moment * 17));
            // It may have ended by itself, which is a moment too.
            process.kill()?;
            killed += u32::from(!process.wait_with_output()?.status.success());

            succeeded(&migrate(&url, &["up"]).output()?)?;
            let store = store(&url).await?;
            let owned = number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 17 AND title = 'title'").await?;
            ensure!(owned == POSTS, "moment {moment}: {owned} posts");
            let ownerless = "INSERT INTO posts (title, content, user_id) VALUES ('t', 'c', 20)";
            ensure!(store.connection().execute_unprepared(ownerless).await.is_err(), "moment {moment}: no foreign key");
            store.close().await?;
            succeeded(&migrate(&url, &["down"]).output()?)?;
        }
        ensure!(killed > 0, "every process ended before it could be killed");
        Ok(())
    })
    .await
}

#[test]
fn without_a_database_it_says_how_to_name_one() -> Result<()> {
    let mut command = migrate("", &["up"]);
    command.env_remove("DATABASE_URL").current_dir(std::env::temp_dir());
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success() && said.contains("give --database-url, or set DATABASE_URL"),
        "{said}"
    );
    Ok(())
}
