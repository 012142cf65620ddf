//! Deletes held against an oracle, on random graphs.
//!
//! `CASCADE_SEED=17` runs one seed, `CASCADE_CASES=20000` more of them.

mod compare;
pub(crate) mod engines;
mod graphs;
mod model;
mod oracle;
mod rows;
pub(crate) mod shapes;
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

cases![without_constraints, with_constraints];

async fn without_constraints(db: Db) -> Result<()> {
    random(&db, Constraints::None, &[(Enforce::Auto, Counting::Exact)]).await
}

async fn with_constraints(db: Db) -> Result<()> {
    let modes = [
        (Enforce::Application, Counting::Exact),
        (Enforce::Auto, Counting::Exact),
        (Enforce::Auto, Counting::Declined),
    ];
    random(&db, Constraints::Mixed, &modes).await
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

async fn random(db: &Db, constraints: Constraints, modes: &[(Enforce, Counting)]) -> Result<()> {
    let store = open(db).await?;
    let count = asked("CASCADE_CASES").unwrap_or(match db.backend {
        Backend::Sqlite => 2_000,
        Backend::Postgres | Backend::MySql => 300,
    });
    let one = asked("CASCADE_SEED");
    let mut endings: BTreeMap<Ending, u64> = BTreeMap::new();
    for seed in one.map_or(0..count, |seed| seed..seed + 1) {
        let graph = graphs::graph(db.backend, constraints, seed);
        match one.is_some() || seed % graphs::PER_SHAPE == 0 {
            true => sql::make(&store, &graph).await?,
            false => sql::refill(&store, &graph).await?,
        }
        for (place, (enforce, counting)) in modes.iter().enumerate() {
            let mode = Mode {
                enforce: *enforce,
                counting: *counting,
            };
            let ending = compare::compare(&store, &graph, mode, seed)
                .await
                .with_context(|| compare::describe(&graph, &store, mode, seed))?;
            *endings.entry(ending).or_default() += 1;
            if ending == Ending::Done && place + 1 < modes.len() {
                sql::refill(&store, &graph).await?;
            }
        }
    }
    let of = |ending| endings.get(&ending).copied().unwrap_or(0);
    let mut reasons = vec![
        BlockReason::Restrict,
        BlockReason::NoAction,
        BlockReason::Protect,
        BlockReason::Dangles,
    ];
    // The rarest; hardly ever where real constraints must hold for the rows before.
    if count >= 2_000 && constraints == Constraints::None {
        reasons.push(BlockReason::Referenced);
    }
    // A generator that makes nothing happen would test nothing.
    let enough = of(Ending::Done) > count / 3 && reasons.iter().all(|reason| of(Ending::Blocked(*reason)) > 0);
    ensure!(one.is_some() || count < 300 || enough, "{endings:?}");
    Ok(())
}
