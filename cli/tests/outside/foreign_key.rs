//! `cascade foreign-key` on servers. What was done is asked of the database, in SQL of the tests' own.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use sea_orm_cascade::Backend;
use sea_orm_migration::sea_orm::{ConnectionTrait, IsolationLevel, TransactionTrait};
use snapbox::cmd::cargo_bin;

use crate::servers::{Shop, said, user, with_database};
use crate::{Body, cascade};

pub(crate) const ON_POSTGRES: [(&str, Body); 8] = [
    ("a_key_is_made_from_a_pipe_and_taken_back", |url| {
        with_database(url, &POSTGRES, made_and_taken_back)
    }),
    ("a_key_is_stopped_and_resumed", |url| {
        with_database(url, &POSTGRES, stopped_and_resumed)
    }),
    ("a_key_is_stopped_by_a_held_lock", |url| {
        with_database(url, &POSTGRES, lock_is_held)
    }),
    ("a_key_is_cut_off", |url| with_database(url, &POSTGRES, cut_off)),
    ("a_key_that_cannot_be_made", |url| {
        with_database(url, &POSTGRES, refused)
    }),
    ("a_key_of_a_partitioned_table", |url| {
        with_database(url, &POSTGRES, partitioned)
    }),
    ("a_key_without_rights", |url| {
        with_database(url, &POSTGRES, without_rights_on_postgres)
    }),
    ("a_key_on_a_terminal", |url| {
        with_database(url, &POSTGRES, on_a_terminal)
    }),
];

pub(crate) const ON_MYSQL: [(&str, Body); 5] = [
    ("a_key_is_made_from_a_pipe_and_taken_back", |url| {
        with_database(url, &MYSQL, made_and_taken_back)
    }),
    ("a_key_is_stopped_and_resumed", |url| {
        with_database(url, &MYSQL, stopped_and_resumed)
    }),
    ("a_key_that_cannot_be_made", |url| with_database(url, &MYSQL, refused)),
    ("a_key_without_rights", |url| {
        with_database(url, &MYSQL, without_rights_on_mysql)
    }),
    ("a_key_on_a_terminal", |url| with_database(url, &MYSQL, on_a_terminal)),
];

const POSTGRES: [&str; 5] = [
    "CREATE TABLE users (id bigint NOT NULL PRIMARY KEY, name varchar(20))",
    "CREATE TABLE posts (id bigint NOT NULL PRIMARY KEY, title text)",
    "INSERT INTO users SELECT n, 'user' FROM generate_series(1, 10) AS s (n)",
    "INSERT INTO posts SELECT n, 'post' FROM generate_series(1, 1000) AS s (n)",
    "ANALYZE",
];

const MYSQL: [&str; 5] = [
    "CREATE TABLE users (id bigint NOT NULL PRIMARY KEY, name varchar(20))",
    "CREATE TABLE posts (id bigint NOT NULL PRIMARY KEY, title text)",
    "INSERT INTO users WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 10) SELECT n, 'user' FROM s",
    "INSERT INTO posts WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000) SELECT n, 'post' FROM s",
    "ANALYZE TABLE posts",
];

/// The rule: user 2 to 10 and 1 own a post each, in turn.
const RULE: &str = "1 + id % 10";
const WRONG: &str = "SELECT COUNT(*) FROM posts WHERE user_id IS NULL OR user_id <> 1 + id % 10";
const OWNED: &str = "SELECT COUNT(*) FROM posts WHERE user_id <> 0";
const REQUIRED: [&str; 7] = [
    "--references",
    "users.id",
    "--on-delete",
    "cascade",
    "--required",
    "--backfill",
    RULE,
];

/// `cascade foreign-key`, not run yet.
fn command(url: &str, first: &[&str], more: &[&str]) -> Command {
    let mut command = cascade(&std::env::temp_dir(), url);
    command.arg("foreign-key").args(first).args(more);
    command
}

fn foreign_key(shop: &Shop, first: &[&str], more: &[&str]) -> Result<Output> {
    Ok(command(&shop.url, first, more).output()?)
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Shop {
    /// How many columns `posts.user_id` there are, that may be empty or may not.
    async fn columns(&self, is_nullable: &str) -> Result<i64> {
        let schema = match self.store.backend() {
            Backend::Postgres => "current_schema()",
            Backend::MySql | Backend::Sqlite => "DATABASE()",
        };
        let sql = format!(
            "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = {schema} AND table_name = 'posts' AND \
             column_name = 'user_id' AND is_nullable = '{is_nullable}'"
        );
        Ok(self.number(&sql).await?.unwrap_or_default())
    }

    /// How many keys that delete posts with their user there are.
    async fn keys(&self) -> Result<i64> {
        let sql = match self.store.backend() {
            Backend::Postgres => {
                "SELECT COUNT(*) FROM pg_constraint WHERE conrelid = 'posts'::regclass AND confrelid = 'users'::regclass AND contype = 'f' \
                 AND confdeltype = 'c' AND convalidated"
            }
            Backend::MySql | Backend::Sqlite => {
                "SELECT COUNT(*) FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE() AND \
                 table_name = 'posts' AND referenced_table_name = 'users' AND delete_rule = 'CASCADE'"
            }
        };
        Ok(self.number(sql).await?.unwrap_or_default())
    }
}

async fn made_and_taken_back(shop: &Shop) -> Result<()> {
    let plan = foreign_key(shop, &["plan", "posts.user_id"], &REQUIRED)?;
    let shown = told(&plan);
    ensure!(
        shown.starts_with("posts.user_id references users\n      1. add the columns\n"),
        "{shown}"
    );
    ensure!(plan.status.code() == Some(0) && said(&plan).is_empty(), "{plan:?}");
    ensure!(
        shop.columns("YES").await? + shop.columns("NO").await? == 0,
        "a plan changed something"
    );

    let run = foreign_key(shop, &["run", "posts.user_id", "--batch", "100"], &REQUIRED)?;
    ensure!(run.status.code() == Some(0), "{run:?}");
    let (report, lines) = (told(&run), said(&run));
    ensure!(report.contains(" s  fill the rows that are there: 1000\n"), "{report}");
    ensure!(report.ends_with("posts.user_id: done\n"), "{report}");
    ensure!(
        lines.starts_with("step 1 of ") && lines.contains(": make the index …\n"),
        "{lines}"
    );
    ensure!(lines.contains("\nfilled 100 rows of about "), "{lines}");
    ensure!(
        !lines.contains('\r') && !lines.contains('\u{1b}'),
        "no line for a file: {lines:?}"
    );
    ensure!(shop.number(WRONG).await? == Some(0));
    ensure!((shop.columns("NO").await?, shop.keys().await?) == (1, 1));

    let status = foreign_key(shop, &["status", "posts.user_id"], &[])?;
    ensure!(
        told(&status).ends_with("\ndone\n") && status.status.code() == Some(0),
        "{status:?}"
    );
    let again = foreign_key(shop, &["run", "posts.user_id", "--quiet"], &REQUIRED)?;
    ensure!(
        told(&again) == "posts.user_id: nothing was left to do\n" && said(&again).is_empty(),
        "{again:?}"
    );

    let soft = foreign_key(shop, &["revert", "posts.user_id"], &[])?;
    ensure!(told(&soft).ends_with("posts.user_id: done\n"), "{soft:?}");
    ensure!((shop.columns("YES").await?, shop.keys().await?) == (1, 1));
    // What was let go may be begun as another.
    let optional = ["--references", "users.id", "--on-delete", "cascade"];
    let other = foreign_key(shop, &["run", "posts.user_id"], &optional)?;
    ensure!(other.status.code() == Some(0), "{other:?}");

    let kept = foreign_key(shop, &["revert", "posts.user_id", "--keep-data"], &[])?;
    ensure!(kept.status.code() == Some(0), "{kept:?}");
    ensure!((shop.columns("YES").await?, shop.keys().await?) == (1, 0));
    let forgotten = foreign_key(shop, &["status", "posts.user_id"], &[])?;
    let nothing = "error: nothing is remembered of a key of posts.user_id: none was begun here by cascade, or it was reverted; say with \
                   --references what it references\n";
    ensure!(
        said(&forgotten) == nothing && forgotten.status.code() == Some(1),
        "{forgotten:?}"
    );
    shop.execute("ALTER TABLE posts DROP COLUMN user_id").await?;

    let json = foreign_key(shop, &["run", "posts.user_id", "--format", "json", "-q"], &REQUIRED)?;
    let report: serde_json::Value = serde_json::from_slice(&json.stdout)?;
    ensure!(
        report.get("format") == Some(&1.into())
            && report.get("filled") == Some(&1000.into())
            && report.get("done") == Some(&true.into()),
        "{report:#}"
    );
    let json = foreign_key(shop, &["status", "posts.user_id", "--format", "json"], &[])?;
    let status: serde_json::Value = serde_json::from_slice(&json.stdout)?;
    ensure!(
        status.get("format") == Some(&1.into())
            && status.get("done") == Some(&true.into())
            && status.pointer("/next") == Some(&serde_json::Value::Null),
        "{status:#}"
    );
    let full = foreign_key(shop, &["revert", "posts.user_id", "--full"], &[])?;
    ensure!(full.status.code() == Some(0), "{full:?}");
    ensure!(shop.columns("YES").await? + shop.columns("NO").await? == 0);
    Ok(())
}

/// Sends it Ctrl-C.
fn interrupt(process: u32) -> Result<()> {
    let sent = Command::new("kill").args(["-INT", &process.to_string()]).status()?;
    ensure!(sent.success(), "{sent}");
    Ok(())
}

/// Runs it until it says this, then lets something happen, and gives its exit code, what it told, and all it said.
fn until(
    mut command: Command,
    awaited: &str,
    then: impl FnOnce(u32) -> Result<()>,
) -> Result<(Option<i32>, String, String)> {
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stderr = BufReader::new(process.stderr.take().context("it is a pipe")?);
    let (mut said, mut told) = (String::new(), String::new());
    while !said.contains(awaited) {
        ensure!(stderr.read_line(&mut said)? > 0, "it ended before {awaited:?}: {said}");
    }
    then(process.id())?;
    stderr.read_to_string(&mut said)?;
    process
        .stdout
        .take()
        .context("it is a pipe")?
        .read_to_string(&mut told)?;
    Ok((process.wait()?.code(), told, said))
}

async fn stopped_and_resumed(shop: &Shop) -> Result<()> {
    let run = command(&shop.url, &["run", "posts.user_id", "--batch", "1"], &REQUIRED);
    let (code, report, lines) = until(run, "filled 1 rows", interrupt)?;
    ensure!(code == Some(4), "{code:?} {report} {lines}");
    ensure!(
        report.contains("posts.user_id: stopped before the end of: fill the rows that are there"),
        "{report}"
    );
    let ends = "stopping behind this step or batch; once more stops at once\n\
                stopped: run `cascade foreign-key resume posts.user_id` to go on\n";
    ensure!(lines.ends_with(ends), "{lines}");
    let owned = shop.number(OWNED).await?.unwrap_or_default();
    ensure!(
        (1..1000).contains(&owned),
        "{owned} rows were filled when it was stopped"
    );

    let status = told(&foreign_key(shop, &["status", "posts.user_id"], &[])?);
    ensure!(status.contains(&format!(", behind {owned}\n")), "{status}");
    let last = status.lines().last().unwrap_or_default();
    ensure!(
        last.ends_with(" steps done; next: fill the rows that are there"),
        "{status}"
    );
    let other = ["--references", "users.id", "--on-delete", "restrict", "--owner", "1"];
    let other = foreign_key(shop, &["run", "posts.user_id"], &other)?;
    let refused = "error: posts.user_id was begun otherwise and is not done: on delete was cascade, now restrict; the key was required, now \
                   optional; the backfill was 1 + id % 10, now the one owner 1; resume it as it was begun, or revert it first\n";
    ensure!(said(&other) == refused && other.status.code() == Some(1), "{other:?}");

    let resumed = foreign_key(shop, &["resume", "posts.user_id", "--batch", "400"], &[])?;
    ensure!(resumed.status.code() == Some(0), "{resumed:?}");
    let filled = format!("fill the rows that are there: {}\n", 1000 - owned);
    ensure!(told(&resumed).contains(&filled), "{owned} before, {resumed:?}");
    ensure!(shop.number(WRONG).await? == Some(0));
    ensure!((shop.columns("NO").await?, shop.keys().await?) == (1, 1));
    Ok(())
}

/// While somebody holds the table it says who, and stops there; it is resumed when the table is free.
async fn lock_is_held(shop: &Shop) -> Result<()> {
    let pool = shop.store.connection().as_pool().context("it is a pool")?;
    let holder = pool.begin().await?;
    holder.execute_unprepared("SELECT 1 FROM posts LIMIT 1").await?;
    let run = command(&shop.url, &["run", "posts.user_id", "--lock-timeout", "20"], &REQUIRED);
    let (code, report, lines) = until(run, "after attempt 2\n", interrupt)?;
    ensure!(
        lines.contains("waiting for a lock: process ") && lines.contains("AccessShareLock"),
        "{lines}"
    );
    ensure!(
        report == "posts.user_id: stopped before the end of: add the columns; run it again to go on\n",
        "{report}"
    );
    ensure!(
        code == Some(4) && lines.contains("`cascade foreign-key resume posts.user_id` to go on"),
        "{code:?} {lines}"
    );
    ensure!(
        shop.columns("YES").await? == 0,
        "the column was made in spite of the lock"
    );
    holder.rollback().await?;
    let resumed = foreign_key(shop, &["resume", "posts.user_id"], &[])?;
    ensure!(resumed.status.code() == Some(0), "{resumed:?}");
    ensure!(shop.number(WRONG).await? == Some(0) && shop.keys().await? == 1);
    Ok(())
}

/// An index is made only when nobody reads by an older snapshot; asked twice, it does not wait for that.
async fn cut_off(shop: &Shop) -> Result<()> {
    let pool = shop.store.connection().as_pool().context("it is a pool")?;
    let level = Some(IsolationLevel::RepeatableRead);
    let reader = pool.begin_with_config(level, None).await?;
    reader.execute_unprepared("SELECT 1 FROM users LIMIT 1").await?;
    let run = command(&shop.url, &["run", "posts.user_id"], &REQUIRED);
    let (code, report, lines) = until(run, ": make the index …\n", |process| {
        interrupt(process)?;
        // The same again could come as one.
        let sent = Command::new("kill").args(["-TERM", &process.to_string()]).status()?;
        ensure!(sent.success(), "{sent}");
        Ok(())
    })?;
    ensure!(code == Some(4) && report.is_empty(), "{code:?} {report} {lines}");
    let ends = "stopped in the middle of a step, which is undone, or which the server still completes; run `cascade foreign-key resume \
                posts.user_id` to go on\n";
    ensure!(lines.ends_with(ends), "{lines}");
    reader.rollback().await?;
    let resumed = foreign_key(shop, &["resume", "posts.user_id"], &[])?;
    ensure!(resumed.status.code() == Some(0), "{resumed:?}");
    ensure!(shop.number(WRONG).await? == Some(0) && shop.keys().await? == 1);
    ensure!((shop.columns("NO").await?, shop.keys().await?) == (1, 1));
    Ok(())
}

/// What cannot be done is refused by name, and changes nothing.
#[expect(clippy::too_many_lines, reason = "a list of what is refused, and how")]
async fn refused(shop: &Shop) -> Result<()> {
    for (arguments, code, known) in [
        (
            &["run", "postz.user_id", "--references", "users.id"][..],
            1,
            "error: there is no table postz, did you mean posts?\n",
        ),
        (
            &["run", "posts.user_id", "--references", "user.id"],
            1,
            "error: there is no table user, did you mean users?\n",
        ),
        (
            &["plan", "posts.user_id", "--references", "users.ident"],
            1,
            "error: users has no column ident\n",
        ),
        (
            &["run", "posts.user_name", "--references", "users.name"],
            1,
            "error: users cannot be referenced by posts.user_name: no primary key, unique key or unique index is on exactly these columns\n",
        ),
        (
            &["run", "posts.a,b", "--references", "users.id"],
            1,
            "error: posts.(a, b) has 2 column(s) and references 1 of users: there must be as many, and at least one\n",
        ),
        (
            &[
                "run",
                "posts.user_id",
                "--references",
                "users.id",
                "--required",
                "--on-delete",
                "set_null",
            ],
            1,
            "error: posts.user_id cannot be both required and set null: let it be optional, or choose another action\n",
        ),
        (
            &[
                "run",
                "posts.user_id",
                "--references",
                "users.id",
                "--backfill",
                "1",
                "--backfill",
                "2",
            ],
            1,
            "error: the key has 1 column(s) and the backfill gives 2 value(s)\n",
        ),
        (
            &["run", "posts.user_id", "--references", "users.id", "--owner", "ann"],
            1,
            "error: users.id must be a whole number\n",
        ),
        (
            &[
                "run",
                "posts.user_id",
                "--references",
                "users.id",
                "--backfill",
                "1",
                "--write-path",
                "default",
            ],
            1,
            "error: posts.user_id gets a default only if one owner gets all rows (Backfill::owner)\n",
        ),
        (
            &["run", "posts.user_id", "--references", "users.id", "--required"],
            3,
            "error: 1000 rows of posts would get no value for user_id (id 1, 2, 3, 4, 5, …): nothing was changed; give them a \
             value in the backfill, or repair them first\n",
        ),
        (
            &[
                "run",
                "posts.user_id",
                "--references",
                "users.id",
                "--backfill",
                "id + 7",
                "--format",
                "json",
            ],
            3,
            "error: 997 rows of posts would reference no row of users (id 4, 5, 6, 7, 8, …): nothing was changed; give them a \
             value in the backfill, or repair them first\n",
        ),
        (
            &["resume", "posts.user_id"],
            1,
            "error: nothing is remembered of a key of posts.user_id: none was begun here by cascade, or it was reverted; say with \
             --references what it references\n",
        ),
    ] {
        let output = foreign_key(shop, arguments, &[])?;
        ensure!(said(&output) == known, "{arguments:?}: {}", said(&output));
        ensure!(output.status.code() == Some(code), "{arguments:?}: {output:?}");
        match arguments.contains(&"json") {
            true => {
                let told: serde_json::Value = serde_json::from_slice(&output.stdout)?;
                ensure!(told.pointer("/unfilled/dangling") == Some(&997.into()), "{told:#}");
            }
            false => ensure!(output.stdout.is_empty(), "{output:?}"),
        }
    }
    for arguments in [
        ["--backfill", "nonsense"],
        ["--backfill", "1 +"],
        ["--mapping", "owners:id=post:user_id"],
    ] {
        let output = foreign_key(shop, &["run", "posts.user_id", "--references", "users.id"], &arguments)?;
        let [option, _] = arguments;
        let known = format!("error: the values of {option} cannot be found: the database refused the statement (");
        ensure!(
            said(&output).starts_with(&known) && output.status.code() == Some(1),
            "{output:?}"
        );
    }
    ensure!(shop.columns("YES").await? + shop.columns("NO").await? == 0);
    ensure!(
        shop.execute("SELECT * FROM cascade_ledger").await.is_err(),
        "a ledger was begun"
    );
    Ok(())
}

async fn partitioned(shop: &Shop) -> Result<()> {
    shop.execute("CREATE TABLE parts (id bigint PRIMARY KEY) PARTITION BY RANGE (id)")
        .await?;
    let run = foreign_key(shop, &["run", "parts.user_id", "--references", "users.id"], &[])?;
    ensure!(said(&run).starts_with("error: parts is partitioned: "), "{run:?}");
    ensure!(run.status.code() == Some(1), "{run:?}");
    Ok(())
}

async fn without_rights_on_postgres(shop: &Shop) -> Result<()> {
    let separator = if shop.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{separator}options[default_transaction_read_only]=on", shop.url);
    let reading = command(&url, &["run", "posts.user_id", "-q"], &REQUIRED).output()?;
    let known = "error: here the database can only be read: connect to where it can be written: ";
    ensure!(
        said(&reading).starts_with(known) && reading.status.code() == Some(1),
        "{reading:?}"
    );

    let user = user();
    shop.execute(&format!("CREATE ROLE {user} LOGIN PASSWORD 'secret'"))
        .await?;
    shop.execute(&format!("GRANT SELECT ON users, posts TO {user}")).await?;
    let url = shop.as_user(&user)?;
    let plan = command(&url, &["plan", "posts.user_id"], &REQUIRED).output()?;
    let run = command(&url, &["run", "posts.user_id", "-q"], &REQUIRED).output()?;
    shop.execute(&format!("DROP OWNED BY {user}")).await?;
    shop.execute(&format!("DROP ROLE {user}")).await?;
    ensure!(plan.status.code() == Some(0), "{plan:?}");
    let known = "error: this user lacks a right: grant it, or connect as another user: ";
    ensure!(said(&run).starts_with(known) && run.status.code() == Some(1), "{run:?}");
    Ok(())
}

async fn without_rights_on_mysql(shop: &Shop) -> Result<()> {
    let user = user();
    let (_, database) = shop.url.rsplit_once('/').context("a server's URL")?;
    shop.execute(&format!("CREATE USER {user}@'%' IDENTIFIED BY 'secret'"))
        .await?;
    shop.execute(&format!("GRANT SELECT ON {database}.* TO {user}@'%'"))
        .await?;
    let run = command(&shop.as_user(&user)?, &["run", "posts.user_id", "-q"], &REQUIRED).output()?;
    shop.execute(&format!("DROP USER {user}@'%'")).await?;
    let known = "error: this user lacks a right: grant it, or connect as another user: ";
    ensure!(said(&run).starts_with(known) && run.status.code() == Some(1), "{run:?}");
    Ok(())
}

/// On a pseudo-terminal of `script` (util-linux), where there is one.
async fn on_a_terminal(shop: &Shop) -> Result<()> {
    let has_script = Command::new("script").arg("--version").output();
    if !has_script.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    let cascade = cargo_bin!("cascade").display().to_string();
    let arguments = REQUIRED.map(|argument| format!("'{argument}'")).join(" ");
    let output = Command::new("script")
        .args(["-q", "-e", "-c"])
        .arg(format!(
            "{cascade} foreign-key run posts.user_id --batch 10 {arguments}"
        ))
        .arg("/dev/null")
        .env("DATABASE_URL", &shop.url)
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()?;
    let seen = told(&output);
    ensure!(output.status.code() == Some(0), "{seen}");
    ensure!(seen.contains(": filling [="), "no bar: {seen:?}");
    ensure!(
        seen.contains(" rows/s, ") && seen.contains(" left"),
        "no rate: {seen:?}"
    );
    ensure!(seen.contains(": make the index: 0."), "no line for a step: {seen:?}");
    ensure!(seen.contains("posts.user_id: done"), "{seen:?}");
    ensure!(shop.number(WRONG).await? == Some(0));
    Ok(())
}
