//! A client that is killed while it deletes leaves everything or nothing.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use entity::{post, user};
use sea_orm_cascade::{Backend, Repository, Store};

use crate::harness::{Db, cases, execute, number};

cases![between_batches, at_any_moment];

/// Names the database that this process is to delete from, and be killed.
const URL: &str = "SUITE_DELETES_FROM";
/// Whether with hooks.
const HOOKS: &str = "SUITE_DELETES_WITH_HOOKS";

const POSTS: i64 = 20_000;

type Output = BufReader<ChildStdout>;

/// What the process does that is killed; nothing, if this is not it.
pub(crate) fn run() -> Result<bool> {
    let Ok(url) = std::env::var(URL) else {
        return Ok(false);
    };
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let store = Store::connect(&url, entity::entities()).await?;
        if std::env::var(HOOKS).is_ok() {
            store.after_delete::<post::Entity, _>(async |_| say("a batch"));
        }
        let users = store.repository::<user::Entity>();
        users.plan_delete(1).await?;
        say("begins")?;
        users.delete(1).await?;
        say("done")?;
        Ok(true)
    })
}

fn say(line: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout();
    writeln!(output, "{line}")?;
    output.flush()
}

async fn big_tree(db: &Db) -> Result<Store> {
    let store = db.created().await?;
    let series = match db.backend {
        Backend::Postgres => format!("generate_series(1, {POSTS}) AS s (n)"),
        Backend::MySql => format!("(SELECT seq AS n FROM seq_1_to_{POSTS}) AS s"),
        Backend::Sqlite => {
            format!(
                "(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {POSTS}) SELECT n FROM s) AS s"
            )
        }
    };
    execute(
        &store,
        "INSERT INTO users (id, email, password_hash) VALUES (1, 'ann', 'h')",
    )
    .await?;
    let posts = format!("INSERT INTO posts (id, title, content, user_id) SELECT n, 't', 'c', 1 FROM {series}");
    execute(&store, &posts).await?;
    Ok(store)
}

/// Waits for what the server still does for whoever was killed.
async fn alone(store: &Store) -> Result<()> {
    let others = match store.backend() {
        Backend::Postgres => {
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        }
        Backend::MySql => {
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        }
        Backend::Sqlite => "SELECT 0",
    };
    while number(store, others).await? > 0 {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Starts a process that deletes, and kills it when `moment` returns; whether it was done before.
async fn kill(db: &Db, hooks: bool, moment: impl AsyncFnOnce(&mut Output) -> Result<()>) -> Result<bool> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(URL, &db.url).stdout(Stdio::piped());
    if hooks {
        command.env(HOOKS, "yes");
    }
    let mut process = command.spawn()?;
    let mut output = BufReader::new(process.stdout.take().context("it has an output")?);
    let reached = moment(&mut output).await;
    process.kill()?;
    process.wait()?;
    reached?;
    let rest: Vec<String> = output.lines().collect::<Result<_, _>>()?;
    Ok(rest.iter().any(|line| line == "done"))
}

fn line(output: &mut Output) -> Result<String> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

async fn everything_or_nothing(store: &Store) -> Result<bool> {
    let users = number(store, "SELECT COUNT(*) FROM users").await?;
    let posts = number(store, "SELECT COUNT(*) FROM posts").await?;
    ensure!(
        (users, posts) == (1, POSTS) || (users, posts) == (0, 0),
        "{users} users, {posts} posts"
    );
    Ok(users == 0)
}

/// It says when a batch has gone, so the moments are known.
async fn between_batches(db: Db) -> Result<()> {
    big_tree(&db).await?.close().await?;
    for batches in [1, 7, 19] {
        let done = kill(&db, true, async |output| {
            ensure!(line(output)? == "begins");
            for _ in 0..batches {
                ensure!(line(output)? == "a batch");
            }
            Ok(())
        })
        .await?;
        ensure!(!done, "it ended before it was killed");
        let store = db.store_with(one_connection()).await?;
        alone(&store).await?;
        ensure!(
            !everything_or_nothing(&store).await?,
            "after {batches} batches it was not complete"
        );
        store.close().await?;
    }
    Ok(())
}

fn one_connection() -> sea_orm_cascade::StoreOptions {
    sea_orm_cascade::StoreOptions::new().max_connections(1)
}

async fn at_any_moment(db: Db) -> Result<()> {
    big_tree(&db).await?.close().await?;
    let mut kept = 0;
    for moment in [0, 1, 3, 10, 30, 100, 300] {
        let store = db.store_with(one_connection()).await?;
        kill(&db, false, async |output| {
            ensure!(line(output)? == "begins");
            for _ in 0..moment {
                number(&store, "SELECT COUNT(*)").await?;
            }
            Ok(())
        })
        .await?;
        alone(&store).await?;
        match everything_or_nothing(&store).await? {
            true => {
                execute(&store, "DROP TABLE posts").await?;
                execute(&store, "DROP TABLE users").await?;
                store.close().await?;
                big_tree(&db).await?.close().await?;
            }
            false => kept += 1,
        }
    }
    ensure!(kept > 0, "it was never killed before it was done");
    Ok(())
}
