//! Pairs of schemas with rows in the tables: the statements of a diff make one into the other and back, and keep the rows.
//!
//! A pair is text, in `changes/`: `common.txt` for every engine, and a file for each. Its sections:
//!
//! - `from`: the schema that is made first.
//! - `rows`: statements, one a line. With an empty section `altered`, they also change the tables.
//! - `to`: the schema that it becomes. After the statements a second diff must be empty. Or `refused`: the same, but the rows do not
//!   allow it, and after the failure everything must be as it was.
//! - `there`: what is asked then. `SELECT … => values` compares all values, in the order of their text; `! statement` must be refused;
//!   any other line is a statement.
//! - `back`: what is asked after the way back, which is gone in every case but after a refusal or with an empty section `one way`.

pub(crate) mod trial;

use anyhow::{Context, Result, bail, ensure};
use scratch::Scratch;
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_cascade::diff::{Class, DiffOptions, SchemaDiff};
use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Backend, Entities, Store, StoreOptions, ddl};

use crate::harness::{Db, cases, execute};

cases![on_every_engine, on_this_engine];

#[derive(Debug, Default)]
struct Pair {
    name: String,
    from: String,
    rows: Vec<String>,
    to: String,
    is_refused: bool,
    there: Vec<String>,
    back: Vec<String>,
    is_one_way: bool,
    is_altered: bool,
}

fn pairs(text: &str) -> Result<Vec<Pair>> {
    let mut pairs: Vec<Pair> = Vec::new();
    let mut section = "";
    for line in text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line.strip_prefix("== ") {
            pairs.push(Pair {
                name: name.to_owned(),
                ..Pair::default()
            });
            continue;
        }
        let pair = pairs.last_mut().context("a pair begins with its name")?;
        if let Some(name) = line.strip_prefix("-- ") {
            section = name;
            pair.is_refused |= name == "refused";
            pair.is_one_way |= name == "one way";
            pair.is_altered |= name == "altered";
            continue;
        }
        match section {
            "from" => pair.from.push_str(&format!("{line}\n")),
            "to" | "refused" => pair.to.push_str(&format!("{line}\n")),
            "rows" => pair.rows.push(line.to_owned()),
            "there" => pair.there.push(line.to_owned()),
            "back" => pair.back.push(line.to_owned()),
            other => bail!("{}: there is no section {other}", pair.name),
        }
    }
    Ok(pairs)
}

async fn on_every_engine(db: Db) -> Result<()> {
    all(db, include_str!("changes/common.txt")).await
}

async fn on_this_engine(db: Db) -> Result<()> {
    let text = match db.backend {
        Backend::Postgres => include_str!("changes/postgres.txt"),
        Backend::MySql => include_str!("changes/mysql.txt"),
        Backend::Sqlite => include_str!("changes/sqlite.txt"),
    };
    all(db, text).await
}

/// Every pair in a database of its own; all that fail are told.
async fn all(db: Db, text: &str) -> Result<()> {
    let mut failures = Vec::new();
    for pair in pairs(text)? {
        let scratch = Scratch::create(&db.url).await?;
        let options = StoreOptions::new().max_connections(1);
        let store = Store::connect_with(scratch.url(), Entities::new(), options).await?;
        if let Err(error) = there_and_back(&store, &pair).await {
            failures.push(format!("== {}\n{error:#}", pair.name));
        }
        store.close().await?;
        scratch.discard().await?;
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

async fn there_and_back(store: &Store, pair: &Pair) -> Result<()> {
    let read = |text: &str| Schema::parse(&format!("backend {}\n{text}", store.backend().name()));
    let (from, to) = (read(&pair.from)?, read(&pair.to)?);
    for statement in ddl::create(&from) {
        execute(store, &statement).await.with_context(|| statement)?;
    }
    asked(store, &pair.rows).await?;
    let first = store.diff_to(&from, &DiffOptions::new()).await?;
    ensure!(first.is_empty() || pair.is_altered, "created, and at once\n{first}");
    let diff = store.diff_to(&to, &DiffOptions::new()).await?;
    if pair.is_refused {
        refused(store, &diff).await?;
        return asked(store, &pair.there).await;
    }
    become_it(store, &to, &diff).await.context("there")?;
    asked(store, &pair.there)
        .await
        .with_context(|| format!("there\n{diff}"))?;
    if !pair.is_one_way {
        let diff = store.diff_to(&from, &DiffOptions::new()).await?;
        become_it(store, &from, &diff).await.context("back")?;
        asked(store, &pair.back)
            .await
            .with_context(|| format!("back\n{diff}"))?;
    }
    Ok(())
}

async fn become_it(store: &Store, to: &Schema, diff: &SchemaDiff) -> Result<()> {
    ensure!(!diff.is_empty(), "nothing is different");
    let script = script(diff);
    for step in diff.statements() {
        execute(store, &step.sql)
            .await
            .with_context(|| format!("{diff}{script}failed at {}", step.sql))?;
    }
    let again = store.diff_to(to, &DiffOptions::new()).await?;
    ensure!(
        again.is_empty(),
        "{diff}{script}and again\n{again}{}",
        self::script(&again)
    );
    Ok(())
}

fn script(diff: &SchemaDiff) -> String {
    diff.statements()
        .iter()
        .map(|step| format!("  {}\n", step.sql))
        .collect()
}

/// The statements fail, and what they did is undone: by the transaction around them, which is SQLite's script's own. On MySQL each
/// statement stands for itself.
async fn refused(store: &Store, diff: &SchemaDiff) -> Result<()> {
    ensure!(
        diff.class() >= Some(Class::DataDependent),
        "nobody was told that this can fail\n{diff}"
    );
    if store.backend() == Backend::Postgres {
        execute(store, "BEGIN").await?;
    }
    let before = store.introspect().await?;
    let mut is_refused = false;
    for step in diff.statements() {
        if execute(store, &step.sql).await.is_err() {
            is_refused = true;
            break;
        }
    }
    ensure!(is_refused, "it was not refused\n{diff}{}", script(diff));
    if store.backend() == Backend::MySql {
        return Ok(());
    }
    // A single statement needs no transaction of the script's.
    let rolled_back = execute(store, "ROLLBACK").await;
    ensure!(rolled_back.is_ok() || diff.statements().len() == 1, "{}", script(diff));
    ensure!(
        store.introspect().await? == before,
        "something was left of\n{}",
        script(diff)
    );
    if store.backend() == Backend::Sqlite {
        execute(store, "PRAGMA foreign_keys = ON").await?;
        ensure!(values(store, "SELECT foreign_keys FROM pragma_foreign_keys").await? == "1");
        ensure!(values(store, "SELECT * FROM pragma_legacy_alter_table").await? == "0");
    }
    Ok(())
}

async fn asked(store: &Store, lines: &[String]) -> Result<()> {
    for line in lines {
        if let Some((query, expected)) = line.split_once("=>") {
            let found = values(store, query).await.with_context(|| line.clone())?;
            ensure!(found == expected.trim(), "{query} gives {found} and not {expected}");
        } else if let Some(statement) = line.strip_prefix("! ") {
            ensure!(execute(store, statement).await.is_err(), "{statement} is not refused");
        } else {
            execute(store, line).await.with_context(|| line.clone())?;
        }
    }
    Ok(())
}

/// All values of a query's one column, as text.
async fn values(store: &Store, query: &str) -> Result<String> {
    let list = match store.backend() {
        Backend::Postgres => "string_agg(COALESCE(x::text, 'NULL'), ' ' ORDER BY x::text)",
        Backend::MySql => "GROUP_CONCAT(COALESCE(CAST(x AS CHAR), 'NULL') ORDER BY CAST(x AS CHAR) SEPARATOR ' ')",
        Backend::Sqlite => "group_concat(COALESCE(CAST(x AS text), 'NULL'), ' ' ORDER BY CAST(x AS text))",
    };
    let sql = format!("WITH q(x) AS ({query}) SELECT COALESCE({list}, '') FROM q");
    let statement = Statement::from_string(store.backend().into(), sql);
    let row = store.connection().query_one_raw(statement).await?;
    Ok(row.context("one row")?.try_get_by_index(0)?)
}
