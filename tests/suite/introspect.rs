//! The schema read from a live catalog, against what a person wrote down next to the statements that made it.

use anyhow::{Context, Result, ensure};
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_cascade::introspect::{self, Scope};
use sea_orm_cascade::schema::{Action, Schema};
use sea_orm_cascade::{Backend, Entities, Store};

use crate::harness::{Db, cases, execute, number};
use crate::log::Log;

cases![
    everything,
    several_schemas,
    a_role_without_rights,
    a_user_who_may_only_select,
    as_many_statements_for_many_tables,
    long_names,
    unknown_words,
    virtual_tables_without_their_module,
];

async fn empty(db: &Db) -> Result<Store> {
    db.store_of(Entities::new()).await
}

async fn read(store: &Store, scope: &Scope) -> Result<Schema> {
    Ok(introspect::schema(store.connection(), scope).await?)
}

/// The statements of a file in this test's folder, and the schema they should make.
fn fixture(backend: Backend) -> (&'static str, &'static str) {
    match backend {
        Backend::Postgres => (
            include_str!("introspect/postgres.sql"),
            include_str!("introspect/postgres.txt"),
        ),
        Backend::MySql => (
            include_str!("introspect/mysql.sql"),
            include_str!("introspect/mysql.txt"),
        ),
        Backend::Sqlite => (
            include_str!("introspect/sqlite.sql"),
            include_str!("introspect/sqlite.txt"),
        ),
    }
}

async fn fixed(db: &Db) -> Result<Store> {
    let store = empty(db).await?;
    execute(&store, fixture(db.backend).0).await?;
    if db.backend == Backend::Postgres {
        // It fails, and leaves an index that is not valid.
        let unfinished = execute(&store, "CREATE UNIQUE INDEX CONCURRENTLY twice_n ON twice (n)").await;
        ensure!(unfinished.is_err());
    }
    Ok(store)
}

fn differences(found: &str, expected: &str) -> String {
    let lacks = |these: &str, those: &str, sign: char| -> String {
        let lacking = these.lines().filter(|line| !those.lines().any(|other| other == *line));
        lacking.map(|line| format!("\n{sign} {line}")).collect()
    };
    lacks(found, expected, '+') + &lacks(expected, found, '-')
}

async fn everything(db: Db) -> Result<()> {
    let store = fixed(&db).await?;
    let found = read(&store, &Scope::All).await?;
    let text = found.to_string();
    let expected = fixture(db.backend).1;
    // On MySQL other tests' databases are there too.
    let text = match db.backend {
        Backend::MySql => read(&store, &Scope::Own).await?.to_string(),
        Backend::Postgres | Backend::Sqlite => text,
    };
    ensure!(text == expected, "{}\n\n{text}", differences(&text, expected));
    let again = Schema::parse(&text)?.to_string();
    ensure!(again == text, "{}", differences(&again, &text));

    // The keys on their own are the same keys.
    let keys = introspect::foreign_keys(store.connection()).await?;
    for key in read(&store, &Scope::Own).await?.foreign_keys() {
        ensure!(keys.contains(key), "{key}");
    }
    Ok(())
}

async fn several_schemas(db: Db) -> Result<()> {
    let store = empty(&db).await?;
    let other = format!("{}_other", name_of(&db)?);
    let (make, table) = match db.backend {
        Backend::Postgres => ("CREATE SCHEMA", "CREATE TABLE parents (id integer PRIMARY KEY)"),
        Backend::MySql => ("CREATE DATABASE", "CREATE TABLE parents (id integer PRIMARY KEY)"),
        Backend::Sqlite => return Ok(()),
    };
    execute(&store, &format!("{make} {other}")).await?;
    let outcome = in_two_schemas(&store, &other, table).await;
    let drop = match db.backend {
        Backend::Postgres => format!("DROP SCHEMA {other} CASCADE"),
        Backend::MySql | Backend::Sqlite => {
            format!("SET foreign_key_checks = 0; DROP DATABASE {other}; SET foreign_key_checks = 1")
        }
    };
    execute(&store, &drop).await?;
    outcome
}

async fn in_two_schemas(store: &Store, other: &str, table: &str) -> Result<()> {
    execute(store, table).await?;
    execute(store, &format!("CREATE TABLE {other}.parents (id integer PRIMARY KEY)")).await?;
    execute(
        store,
        &format!(
            "CREATE TABLE children (id integer, near integer, far integer,
               CONSTRAINT near FOREIGN KEY (near) REFERENCES parents (id),
               CONSTRAINT far FOREIGN KEY (far) REFERENCES {other}.parents (id) ON DELETE CASCADE)"
        ),
    )
    .await?;
    let tables =
        |schema: &Schema| -> Vec<String> { schema.tables.iter().map(|table| table.name.to_string()).collect() };
    let far = format!("{other}.parents");

    let own = read(store, &Scope::Own).await?;
    ensure!(tables(&own) == ["children", "parents"], "{own}");
    let keys: Vec<_> = own
        .foreign_keys()
        .map(|key| key.relation.referenced_table.to_string())
        .collect();
    ensure!(keys == [far.as_str(), "parents"], "{own}");

    let named = read(store, &Scope::Named(vec![other.to_owned()])).await?;
    ensure!(tables(&named) == [far.as_str()], "{named}");

    let all = tables(&read(store, &Scope::All).await?);
    ensure!(
        ["children", "parents", &far]
            .iter()
            .all(|name| all.iter().any(|known| known == name)),
        "{all:?}"
    );

    let missing = read(store, &Scope::Named(vec!["nowhere".to_owned()]))
        .await
        .unwrap_err();
    let kind = if store.backend() == Backend::Postgres {
        "schema"
    } else {
        "database"
    };
    ensure!(
        missing
            .to_string()
            .starts_with(&format!("there is no {kind} \"nowhere\"")),
        "{missing}"
    );
    Ok(())
}

fn name_of(db: &Db) -> Result<&str> {
    let name = db.url.rsplit('/').next().and_then(|name| name.split('?').next());
    name.context("the url names a database")
}

/// PostgreSQL's `information_schema` shows a role only what it owns; the catalog shows it everything.
async fn a_role_without_rights(db: Db) -> Result<()> {
    if db.backend != Backend::Postgres {
        return Ok(());
    }
    let store = fixed(&db).await?;
    let owner = read(&store, &Scope::All).await?;
    let role = format!("{}_nobody", name_of(&db)?);
    execute(&store, &format!("CREATE ROLE {role}")).await?;
    let outcome = store
        .transaction(async |tx| {
            execute(&tx, &format!("SET LOCAL ROLE {role}")).await.unwrap();
            let seen = introspect::schema(tx.connection(), &Scope::All).await?;
            let visible = number(&tx, "SELECT COUNT(*) FROM information_schema.table_constraints")
                .await
                .unwrap();
            let readable = number(&tx, "SELECT has_table_privilege('people', 'SELECT')::int::bigint")
                .await
                .unwrap();
            Ok::<_, sea_orm_cascade::Error>((seen, visible, readable))
        })
        .await;
    execute(&store, &format!("DROP ROLE {role}")).await?;
    let (seen, visible, readable) = outcome?;
    // The role is as poor as it should be.
    ensure!(visible == 0 && readable == 0, "{visible} {readable}");
    ensure!(seen == owner, "{}", differences(&seen.to_string(), &owner.to_string()));
    Ok(())
}

/// MySQL's catalog hides from such a user the actions of keys, and says nothing of it.
async fn a_user_who_may_only_select(db: Db) -> Result<()> {
    if db.backend != Backend::MySql {
        return Ok(());
    }
    let store = empty(&db).await?;
    let database = name_of(&db)?;
    let (before, after) = db.url.split_once("://").context("it has a scheme")?;
    let (_, host) = after.split_once('@').context("it has a user")?;
    execute(
        &store,
        &format!(
            "CREATE TABLE t (id integer PRIMARY KEY, p integer CHECK (p > 0), CONSTRAINT k FOREIGN KEY (p) REFERENCES t (id) ON DELETE CASCADE);
             CREATE SEQUENCE s START WITH 5;
             CREATE USER '{database}'@'%' IDENTIFIED BY 'x'; GRANT SELECT ON {database}.t TO '{database}'@'%';
             GRANT INSERT ON {database}.s TO '{database}'@'%'"
        ),
    )
    .await?;
    let outcome = as_reader(&format!("{before}://{database}:x@{host}")).await;
    execute(&store, &format!("DROP USER '{database}'@'%'")).await?;
    let schema = outcome?;
    let key = schema.foreign_keys().next().context("no key")?;
    ensure!(
        key.on_delete == Action::Unknown && key.relation.to_string() == "t.p",
        "{schema}"
    );
    let unknown = [
        "the attributes of the sequence s cannot be read",
        "the catalog says \"hidden from this user\" for on_delete of the foreign key t.p to t",
        "the catalog says \"hidden from this user\" for on_update of the foreign key t.p to t",
        "the checks, triggers and actions of foreign keys of these tables are hidden from this user: t",
    ];
    ensure!(schema.unknown == unknown, "{:#?}", schema.unknown);
    Ok(())
}

async fn as_reader(url: &str) -> Result<Schema> {
    let store = Store::connect(url, Entities::new()).await?;
    read(&store, &Scope::Own).await
}

async fn as_many_statements_for_many_tables(db: Db) -> Result<()> {
    let store = empty(&db).await?;
    let mut sent = Vec::new();
    for tables in [0..10, 10..1000] {
        let last = tables.end;
        let mut batch: Vec<_> = tables
            .map(|n| {
                let parent = n / 2;
                let (inside, after) = match db.backend {
                    // Apart it would copy the table.
                    Backend::MySql => (format!("INDEX i{n} (u, parent),"), String::new()),
                    Backend::Postgres | Backend::Sqlite => {
                        (String::new(), format!("CREATE INDEX i{n} ON t{n} (u, parent);"))
                    }
                };
                format!(
                    "CREATE TABLE t{n} (id integer PRIMARY KEY, parent integer, u integer UNIQUE, CHECK (id > 0), {inside}
                     CONSTRAINT k{n} FOREIGN KEY (parent) REFERENCES t{parent} (id)); {after}"
                )
            })
            .collect();
        if db.backend == Backend::Sqlite {
            batch.insert(0, "BEGIN;".to_owned());
            batch.push("COMMIT;".to_owned());
        }
        execute(&store, &batch.concat()).await?;
        let log = Log::new();
        let schema = log.capture(introspect::schema(store.connection(), &Scope::Own)).await?;
        ensure!(schema.tables.len() == last && schema.foreign_keys().count() == last);
        for table in &schema.tables {
            ensure!(
                table.columns.len() == 3 && table.primary_key.is_some() && table.unique_keys.len() == 1,
                "{table}"
            );
            ensure!(!table.indexes.is_empty() && table.checks.len() == 1, "{table}");
        }
        sent.push(log.statements());
    }
    ensure!(
        !sent[0].is_empty() && sent[0].len() < 12 && sent[0] == sent[1],
        "{} and {}",
        sent[0].len(),
        sent[1].len()
    );
    Ok(())
}

/// PostgreSQL cuts a name at 63 bytes, MySQL refuses one above 64 characters, SQLite takes any.
async fn long_names(db: Db) -> Result<()> {
    let store = empty(&db).await?;
    let long = |first: &str, length: usize| format!("{first}{}", "x".repeat(length - first.len()));
    let make = |length| {
        let (table, key) = (long("t", length), long("k", length));
        format!(
            "CREATE TABLE {table} (id integer PRIMARY KEY, p integer, CONSTRAINT {key} FOREIGN KEY (p) REFERENCES {table} (id))"
        )
    };
    let made = execute(&store, &make(70)).await;
    let kept = match db.backend {
        Backend::Postgres => 63,
        Backend::MySql => {
            ensure!(made.is_err());
            execute(&store, &make(64)).await?;
            64
        }
        Backend::Sqlite => 70,
    };
    let (table, key) = (long("t", kept), long("k", kept));
    let schema = read(&store, &Scope::Own).await?;
    let found = schema.foreign_keys().next().context("no key")?;
    ensure!(schema.tables[0].name.name() == table, "{schema}");
    let constraint = found.relation.constraint.as_ref().context("no name")?;
    ensure!(
        constraint.as_str() == key && found.relation.referenced_table.name() == table,
        "{schema}"
    );
    Ok(())
}

/// A later version's words, put into PostgreSQL's own catalog.
async fn unknown_words(db: Db) -> Result<()> {
    if db.backend != Backend::Postgres {
        return Ok(());
    }
    let store = empty(&db).await?;
    execute(
        &store,
        "CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, p integer CONSTRAINT k REFERENCES t, CONSTRAINT c CHECK (id > 0));
         UPDATE pg_constraint SET confdeltype = 'z', confmatchtype = 'y' WHERE conname = 'k';
         UPDATE pg_constraint SET contype = 'q' WHERE conname = 'c';
         UPDATE pg_attribute SET attidentity = 'w' WHERE attrelid = 't'::regclass AND attname = 'id'",
    )
    .await?;
    let schema = read(&store, &Scope::Own).await?;
    let key = schema.foreign_keys().next().context("no key")?;
    ensure!(
        key.on_delete == Action::Unknown && key.on_update == Action::NoAction,
        "{schema}"
    );
    let unknown = [
        "the catalog says \"q\" for what the constraint c of t is",
        "the catalog says \"w\" for the identity of t.id",
        "the catalog says \"y\" for how the foreign key t.p matches",
        "the catalog says \"z\" for on_delete of the foreign key t.p to t",
    ];
    ensure!(schema.unknown == unknown, "{:#?}", schema.unknown);
    let keys = introspect::foreign_keys(store.connection()).await?;
    ensure!(keys.len() == 1 && keys[0].on_delete == Action::Unknown);
    Ok(())
}

/// A virtual table whose module this program lacks cannot be asked anything.
async fn virtual_tables_without_their_module(db: Db) -> Result<()> {
    if db.backend != Backend::Sqlite {
        return Ok(());
    }
    let store = empty(&db).await?;
    execute(
        &store,
        "CREATE TABLE t (id integer PRIMARY KEY, p integer REFERENCES t);
         PRAGMA writable_schema = ON;
         INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING nowhere(a)');
         PRAGMA writable_schema = RESET",
    )
    .await?;
    let asked = Statement::from_string(Backend::Sqlite.into(), "SELECT * FROM v");
    ensure!(store.connection().query_all_raw(asked).await.is_err());
    let schema = read(&store, &Scope::Own).await?;
    ensure!(
        schema.tables.len() == 1 && schema.foreign_keys().count() == 1,
        "{schema}"
    );
    ensure!(
        schema.left_out.len() == 1 && schema.left_out[0].name.name() == "v",
        "{schema}"
    );
    Ok(())
}
