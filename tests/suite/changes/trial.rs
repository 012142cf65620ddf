//! The place where a schema is tried: nothing stays there, and nobody is disturbed.

use anyhow::{Context, Result, ensure};
use sea_orm_cascade::diff::{Comparison, DiffOptions};
use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Backend, Entities, Store, StoreOptions, TransactionOptions, ddl};

use crate::harness::{Db, cases, execute, number};

cases![
    nothing_stays_of_what_cannot_be_made,
    in_a_transaction,
    where_nothing_may_be_written,
    what_a_killed_run_left_is_not_in_the_way,
    types_of_an_extension,
    databases_that_reference_each_other,
];

async fn store(db: &Db) -> Result<Store> {
    let options = StoreOptions::new().max_connections(1);
    Ok(Store::connect_with(&db.url, Entities::new(), options).await?)
}

fn read(backend: Backend, text: &str) -> Result<Schema> {
    Ok(Schema::parse(&format!("backend {}\n{text}", backend.name()))?)
}

/// In how many places a table of this name is, scratch places and all.
async fn places_of(store: &Store, table: &str) -> Result<i64> {
    let catalog = match store.backend() {
        Backend::Postgres => format!("pg_class WHERE relname = '{table}'"),
        Backend::MySql => format!("information_schema.tables WHERE table_name = '{table}'"),
        Backend::Sqlite => format!("sqlite_master WHERE name = '{table}'"),
    };
    number(store, &format!("SELECT COUNT(*) FROM {catalog}")).await
}

async fn nothing_stays_of_what_cannot_be_made(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let marker = format!("a_marker_{:08x}", fastrand::u32(..));
    let schema = read(
        db.backend,
        &format!("table {marker}\n  id: integer\ntable z\n  id: integer, default {{\"(((\"}}\n"),
    )?;
    let error = store.diff_to(&schema, &DiffOptions::new()).await.unwrap_err();
    let told = error.to_string();
    ensure!(
        told.contains("this database cannot have the schema") && told.contains("CREATE TABLE"),
        "{told}"
    );
    ensure!(places_of(&store, &marker).await? == 0);
    if db.backend == Backend::Postgres {
        let left = "SELECT COUNT(*) FROM pg_namespace WHERE nspname LIKE 'cascade%'";
        ensure!(number(&store, left).await? == 0);
    }
    // And the store is as good as before.
    ensure!(
        store
            .diff_to(&Schema::new(db.backend), &DiffOptions::new())
            .await?
            .is_empty()
    );
    Ok(())
}

/// The transaction's fate is its own: what it did is neither committed nor lost by a comparison.
async fn in_a_transaction(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let schema = read(db.backend, "table t\n  id: integer, not null\n  primary key (id)")?;
    for statement in ddl::create(&schema) {
        execute(&store, &statement).await?;
    }
    let wanted = read(
        db.backend,
        "table t\n  id: integer, not null\n  a: integer\n  primary key (id)",
    )?;
    for (is_kept, rows) in [(false, 0), (true, 1)] {
        let wanted = &wanted;
        let outcome = store
            .transaction(|tx| async move {
                execute(&tx, "INSERT INTO t VALUES (1)").await?;
                let diff = tx.diff_to(wanted, &DiffOptions::new()).await?;
                ensure!(diff.changes.len() == 1, "{diff}");
                let expected = match tx.backend() {
                    Backend::MySql => Comparison::Spelling,
                    Backend::Postgres | Backend::Sqlite => Comparison::Engine,
                };
                ensure!(diff.compared == expected, "{:?}", diff.compared);
                ensure!(is_kept, "rolled back");
                Ok(())
            })
            .await;
        match outcome {
            Ok(()) => ensure!(is_kept),
            Err(error) => ensure!(!is_kept && error.to_string() == "rolled back", "{error}"),
        }
        ensure!(number(&store, "SELECT COUNT(*) FROM t").await? == rows);
    }
    Ok(())
}

async fn where_nothing_may_be_written(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let schema = read(db.backend, "table t\n  id: integer, not null\n  primary key (id)")?;
    for statement in ddl::create(&schema) {
        execute(&store, &statement).await?;
    }
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let schema = &schema;
    let options = TransactionOptions::new().read_only();
    let diff = store
        .transaction_with(options, |tx| async move {
            let diff = tx.diff_to(schema, &DiffOptions::new()).await?;
            // The transaction lives on.
            number(&tx, "SELECT COUNT(*) FROM t").await?;
            anyhow::Ok(diff)
        })
        .await?;
    ensure!(diff.compared == Comparison::Spelling, "{:?}", diff.compared);
    ensure!(diff.is_empty(), "{diff}");
    Ok(())
}

async fn what_a_killed_run_left_is_not_in_the_way(db: Db) -> Result<()> {
    let place = format!("cascade_scratch_1_{:08x}", fastrand::u32(..));
    let make = match db.backend {
        Backend::Postgres => format!("CREATE SCHEMA {place}"),
        Backend::MySql => format!("CREATE DATABASE {place}"),
        Backend::Sqlite => return Ok(()),
    };
    let store = store(&db).await?;
    execute(&store, &make).await?;
    execute(&store, &format!("CREATE TABLE {place}.t (id integer)")).await?;
    let schema = read(db.backend, "table t\n  id: bigint, not null\n  primary key (id)")?;
    let outcome = async {
        for statement in ddl::create(&schema) {
            execute(&store, &statement).await?;
        }
        anyhow::Ok(store.diff_to(&schema, &DiffOptions::new()).await?)
    }
    .await;
    let drop = match db.backend {
        Backend::Postgres => format!("DROP SCHEMA {place} CASCADE"),
        Backend::MySql | Backend::Sqlite => format!("DROP DATABASE {place}"),
    };
    execute(&store, &drop).await?;
    let diff = outcome?;
    ensure!(diff.is_empty(), "{diff}");
    Ok(())
}

async fn types_of_an_extension(db: Db) -> Result<()> {
    if db.backend != Backend::Postgres {
        return Ok(());
    }
    let store = store(&db).await?;
    let there = "SELECT COUNT(*) FROM pg_available_extensions WHERE name = 'citext'";
    if number(&store, there).await? == 0 {
        return Ok(());
    }
    execute(&store, "CREATE EXTENSION citext").await?;
    let schema = read(
        db.backend,
        "table t\n  id: integer, not null\n  a: citext, not null, default 'X'\n  primary key (id)\n  unique (a), as t_a\n  index ((lower(a))), as low",
    )?;
    for statement in ddl::create(&schema) {
        execute(&store, &statement).await?;
    }
    let diff = store.diff_to(&schema, &DiffOptions::new()).await?;
    ensure!(diff.is_empty() && diff.compared == Comparison::Engine, "{diff}");
    Ok(())
}

/// Keys lead from each of two databases (schemas, on PostgreSQL) to the other.
async fn databases_that_reference_each_other(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = store(&db).await?;
    let marker = format!("marker_{:08x}", fastrand::u32(..));
    let (other, make, drop) = match db.backend {
        Backend::MySql => {
            let other = format!("{}_other", db.database()?);
            let (make, drop) = (format!("CREATE DATABASE `{other}`"), format!("DROP DATABASE `{other}`"));
            (other, make, drop)
        }
        Backend::Postgres | Backend::Sqlite => (
            "other".to_owned(),
            "CREATE SCHEMA other".to_owned(),
            "DROP SCHEMA other CASCADE".to_owned(),
        ),
    };
    execute(&store, &make).await?;
    let schema = read(
        db.backend,
        &format!(
            "table {marker}\n  id: integer, not null\n  far: integer\n  primary key (id)\n  index (far), as by_far\n  \
             foreign key (far) references {other}.far (id), on delete set null, as m_far\n\
             table {other}.far\n  id: integer, not null\n  near: integer\n  primary key (id)\n  index (near), as by_near\n  \
             foreign key (near) references {marker} (id), on delete cascade, as far_m\n"
        ),
    )?;
    let outcome = async {
        let diff = store.diff_to(&schema, &DiffOptions::new()).await?;
        for step in diff.statements() {
            execute(&store, &step.sql).await.with_context(|| step.sql.clone())?;
        }
        ensure!(places_of(&store, &marker).await? == 1, "a scratch place is left");
        execute(&store, &format!("INSERT INTO {marker} VALUES (1, NULL)")).await?;
        execute(&store, &format!("INSERT INTO {other}.far VALUES (1, 1)")).await?;
        let again = store.diff_to(&schema, &DiffOptions::new()).await?;
        ensure!(again.is_empty(), "{diff}and again\n{again}");
        execute(&store, &format!("DELETE FROM {marker}")).await?;
        ensure!(number(&store, &format!("SELECT COUNT(*) FROM {other}.far")).await? == 0);
        Ok(())
    }
    .await;
    if db.backend == Backend::MySql {
        let keys = format!("ALTER TABLE `{other}`.far DROP FOREIGN KEY far_m");
        execute(&store, &format!("ALTER TABLE {marker} DROP FOREIGN KEY m_far"))
            .await
            .ok();
        execute(&store, &keys).await.ok();
    }
    execute(&store, &drop).await?;
    outcome
}
