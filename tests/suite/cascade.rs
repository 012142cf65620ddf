//! Deletes held against an oracle, on random graphs.
//!
//! `CASCADE_SEED=17` runs one seed, `CASCADE_CASES=20000` more of them.

mod compare;
mod graphs;
mod model;
mod oracle;
mod rows;
mod sql;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sea_orm_cascade::delete::{Counting, Enforce};
use sea_orm_cascade::error::BlockReason;
use sea_orm_cascade::{Backend, Entities, RetryPolicy, Store, StoreOptions};

use crate::harness::{Db, cases};
use compare::{Ending, Mode};
use graphs::Constraints;

cases![without_constraints, application, auto, declined];

async fn without_constraints(db: Db) -> Result<()> {
    let mode = Mode {
        constraints: Constraints::None,
        enforce: Enforce::Auto,
        counting: Counting::Exact,
    };
    random(&db, mode).await
}

async fn application(db: Db) -> Result<()> {
    let mode = Mode {
        constraints: Constraints::Mixed,
        enforce: Enforce::Application,
        counting: Counting::Exact,
    };
    random(&db, mode).await
}

async fn auto(db: Db) -> Result<()> {
    let mode = Mode {
        constraints: Constraints::Mixed,
        enforce: Enforce::Auto,
        counting: Counting::Exact,
    };
    random(&db, mode).await
}

async fn declined(db: Db) -> Result<()> {
    let mode = Mode {
        constraints: Constraints::Mixed,
        enforce: Enforce::Auto,
        counting: Counting::Declined,
    };
    random(&db, mode).await
}

/// One connection: SQLite's in memory, a server's with a database that every graph's tables are made in.
async fn open(db: &Db) -> Result<Store> {
    let url = match db.backend {
        Backend::Sqlite => "sqlite::memory:",
        Backend::Postgres | Backend::MySql => &db.url,
    };
    // Nobody else writes: what is refused once is refused for good.
    let options = StoreOptions::new()
        .max_connections(1)
        .retry(RetryPolicy::new().attempts(2).base(Duration::ZERO));
    Ok(Store::connect_with(url, Entities::new(), options).await?)
}

/// A number from the environment.
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

async fn random(db: &Db, mode: Mode) -> Result<()> {
    let store = open(db).await?;
    let count = asked("CASCADE_CASES").unwrap_or(match db.backend {
        Backend::Sqlite => 2_000,
        Backend::Postgres | Backend::MySql => 300,
    });
    let seeds = asked("CASCADE_SEED").map_or(0..count, |seed| seed..seed + 1);
    let is_all = asked("CASCADE_SEED").is_none();
    let mut failures: Vec<String> = Vec::new();
    let mut endings: BTreeMap<Ending, u64> = BTreeMap::new();
    for seed in seeds {
        let graph = graphs::graph(db.backend, mode.constraints, seed);
        let ending = async {
            sql::make(&store, &graph).await?;
            compare::compare(&store, &graph, mode, seed).await
        };
        let ending = ending.await.with_context(|| {
            format!(
                "CASCADE_SEED={seed} on {}, {mode:?}:\n{}",
                db.backend,
                compare::describe(&graph, &store)
            )
        })?;
        *endings.entry(ending).or_default() += 1;
    }
    ensure!(failures.is_empty(), "{failures:#?}");
    let of = |ending| endings.get(&ending).copied().unwrap_or(0);
    let reasons = [
        BlockReason::Restrict,
        BlockReason::NoAction,
        BlockReason::Protect,
        BlockReason::Dangles,
        BlockReason::Referenced,
    ];
    // A generator that makes nothing happen would test nothing.
    let enough = of(Ending::Done) > count / 3 && reasons.iter().all(|reason| of(Ending::Blocked(*reason)) > 0);
    ensure!(!is_all || enough, "{endings:?}");
    Ok(())
}
