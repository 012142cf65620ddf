//! A server that goes away, and users without rights.

use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use scratch::Scratch;
use sea_orm_cascade::{Backend, Entities, Store};
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement, TransactionTrait};

use crate::{Body, cascade};

pub(crate) const ON_POSTGRES: [(&str, Body); 3] = [
    ("the_connection_is_lost_half_way", |url| with_shop(url, lost)),
    ("a_right_is_missing", |url| with_shop(url, rights_on_postgres)),
    ("it_can_only_be_read", |url| with_shop(url, read_only)),
];

pub(crate) const ON_MYSQL: [(&str, Body); 2] = [
    ("the_connection_is_lost_half_way", |url| with_shop(url, lost)),
    ("actions_are_hidden", |url| with_shop(url, rights_on_mysql)),
];

const SCRIPT: [&str; 5] = [
    "CREATE TABLE users (id bigint NOT NULL PRIMARY KEY)",
    "CREATE TABLE posts (id bigint NOT NULL PRIMARY KEY, user_id bigint NOT NULL, \
     FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)",
    "CREATE INDEX by_user ON posts (user_id)",
    "INSERT INTO users VALUES (1), (2)",
    "INSERT INTO posts VALUES (1, 1), (2, 1)",
];

pub(crate) struct Shop {
    pub(crate) url: String,
    pub(crate) store: Store,
}

/// Runs a test with a database of two users and two posts.
fn with_shop(server: &str, body: impl AsyncFn(&Shop) -> Result<()>) -> Result<()> {
    with_database(server, &SCRIPT, body)
}

/// Runs a test with a database that a script makes.
pub(crate) fn with_database(server: &str, script: &[&str], body: impl AsyncFn(&Shop) -> Result<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let scratch = Scratch::create(server).await?;
        let store = Store::connect(scratch.url(), Entities::new()).await?;
        for statement in script {
            store.connection().execute_unprepared(statement).await?;
        }
        let shop = Shop {
            url: scratch.url().to_owned(),
            store,
        };
        let outcome = body(&shop).await;
        shop.store.close().await?;
        scratch.discard().await?;
        outcome
    })
}

impl Shop {
    fn cascade(&self, url: &str, arguments: &str) -> Result<Output> {
        let arguments = arguments.split(' ');
        Ok(cascade(&std::env::temp_dir(), url).args(arguments).output()?)
    }

    pub(crate) async fn number(&self, sql: &str) -> Result<Option<i64>> {
        let statement = Statement::from_string(self.store.backend().into(), sql);
        let row = self.store.connection().query_one_raw(statement).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
    }

    /// The URL as another user.
    pub(crate) fn as_user(&self, user: &str) -> Result<String> {
        let (scheme, rest) = self.url.split_once("://").context("a server's URL")?;
        let (authority, path) = rest.split_once('/').context("a server's URL")?;
        let server = authority.rsplit('@').next().unwrap_or(authority);
        Ok(format!("{scheme}://{user}:secret@{server}/{path}"))
    }

    pub(crate) async fn execute(&self, sql: &str) -> Result<()> {
        self.store.connection().execute_unprepared(sql).await?;
        Ok(())
    }
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Its connection is closed while it waits for a row that another transaction holds.
async fn lost(shop: &Shop) -> Result<()> {
    let backend = shop.store.backend();
    let pool = shop.store.connection().as_pool().context("it is a pool")?;
    let holder = pool.begin().await?;
    holder
        .execute_unprepared("UPDATE users SET id = id WHERE id = 1")
        .await?;
    let mut process = cascade(Path::new("."), &shop.url)
        .args(["delete", "users", "--key", "1", "--yes"])
        .current_dir(std::env::temp_dir())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let waiting = match backend {
        Backend::Postgres => {
            "SELECT pid::bigint FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        }
        Backend::MySql | Backend::Sqlite => {
            // `innodb_trx` is a copy that does not change while it is looked at again and again.
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE '%FOR UPDATE' AND id <> CONNECTION_ID()"
        }
    };
    let connection = loop {
        ensure!(process.try_wait()?.is_none(), "it did not wait for the lock");
        if let Some(connection) = shop.number(waiting).await? {
            break connection;
        }
    };
    let kill = match backend {
        Backend::Postgres => format!("SELECT pg_terminate_backend({connection})"),
        Backend::MySql | Backend::Sqlite => format!("KILL {connection}"),
    };
    shop.execute(&kill).await?;
    let output = process.wait_with_output()?;
    holder.rollback().await?;
    let known = match backend {
        Backend::Postgres => {
            "error: the connection was lost while deleting; all or nothing was deleted, and `cascade plan` shows which: "
        }
        Backend::MySql | Backend::Sqlite => "error: the connection was lost while deleting; nothing was deleted: ",
    };
    ensure!(said(&output).starts_with(known), "{output:?}");
    ensure!(
        output.status.code() == Some(1) && output.stdout.is_empty(),
        "{output:?}"
    );
    ensure!(shop.number("SELECT COUNT(*) FROM users").await? == Some(2));
    ensure!(shop.number("SELECT COUNT(*) FROM posts").await? == Some(2));
    Ok(())
}

/// A user's name that no other test has.
pub(crate) fn user() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("cascade_user_{}_{next}", std::process::id())
}

async fn rights_on_postgres(shop: &Shop) -> Result<()> {
    let user = user();
    shop.execute(&format!("CREATE ROLE {user} LOGIN PASSWORD 'secret'"))
        .await?;
    shop.execute(&format!("GRANT SELECT ON users TO {user}")).await?;
    let url = shop.as_user(&user)?;
    let plan = shop.cascade(&url, "plan users --key 1")?;
    shop.execute(&format!("GRANT SELECT ON posts TO {user}")).await?;
    let planned = shop.cascade(&url, "plan users --key 1")?;
    let delete = shop.cascade(&url, "delete users --key 1 --yes")?;
    shop.execute(&format!("DROP OWNED BY {user}")).await?;
    shop.execute(&format!("DROP ROLE {user}")).await?;
    let lacks =
        "this user lacks a right: grant it, or connect as another user: the database refused the statement (42501): ";
    ensure!(
        said(&plan) == format!("error: {lacks}permission denied for table posts (42501)\n"),
        "{plan:?}"
    );
    ensure!(planned.status.code() == Some(0), "{planned:?}");
    ensure!(
        said(&delete) == format!("error: nothing was deleted: {lacks}permission denied for table users (42501)\n"),
        "{delete:?}"
    );
    Ok(())
}

async fn read_only(shop: &Shop) -> Result<()> {
    let separator = if shop.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options[default_transaction_read_only]=on", shop.url);
    let plan = shop.cascade(&url, "plan users --key 1")?;
    ensure!(plan.status.code() == Some(0), "{plan:?}");
    let delete = shop.cascade(&url, "delete users --key 1 --yes")?;
    let known = "error: nothing was deleted: here the database can only be read: connect to where it can be written: ";
    ensure!(
        said(&delete).starts_with(known) && delete.status.code() == Some(1),
        "{delete:?}"
    );
    Ok(())
}

/// Whoever may only SELECT is not told what a key does.
async fn rights_on_mysql(shop: &Shop) -> Result<()> {
    let user = user();
    shop.execute(&format!("CREATE USER {user}@'%' IDENTIFIED BY 'secret'"))
        .await?;
    let (_, database) = shop.url.rsplit_once('/').context("a server's URL")?;
    shop.execute(&format!("GRANT SELECT ON {database}.* TO {user}@'%'"))
        .await?;
    let plan = shop.cascade(&shop.as_user(&user)?, "plan users --key 1 --quiet")?;
    shop.execute(&format!("DROP USER {user}@'%'")).await?;
    let known = "error: what happens to posts.user_id when a row of users goes is not known: the catalog does not tell this user, or says it \
                 in words this version does not know; declare it in cascade.toml, or use another user\n";
    ensure!(said(&plan) == known && plan.status.code() == Some(1), "{plan:?}");
    Ok(())
}
