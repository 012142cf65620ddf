//! What the engines do by themselves with the same constraints, held against the oracle. Every way in which they differ is known, and a row of
//! `docs/engines.md`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use sea_orm::ConnectionTrait;
use sea_orm_cascade::Backend;
use sea_orm_cascade::schema::Action;

use super::graphs::{self, Constraints};
use super::model::Graph;
use super::oracle::{self, Outcome};
use super::{asked, open, sql};
use crate::harness::{Db, cases};

cases![alone];

/// A row of the chapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// A row that goes too, by another key, forbids it.
    RefusesWhatGoesToo,
    /// A row that goes too, by another key, is first set to a default that goes.
    DefaultOfWhatGoesToo,
    /// Keys share columns, or a row is referenced by a column that a key sets: which of them acts first decides.
    OrderOfKeys,
    /// A default or another new value is there already in a unique column.
    Unique,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Did {
    Refused,
    Deleted(Vec<Vec<super::model::Row>>),
}

async fn alone(db: Db) -> Result<()> {
    let store = open(&db).await?;
    let count = asked("CASCADE_CASES").unwrap_or(match db.backend {
        Backend::Sqlite => 2_000,
        Backend::Postgres | Backend::MySql => 300,
    });
    let mut seen: BTreeMap<Class, u64> = BTreeMap::new();
    for seed in asked("CASCADE_SEED").map_or(0..count, |seed| seed..seed + 1) {
        let graph = graphs::graph(db.backend, Constraints::Own, seed);
        match asked("CASCADE_SEED").is_some() || seed % graphs::PER_SHAPE == 0 {
            true => sql::make(&store, &graph).await?,
            false => sql::refill(&store, &graph).await?,
        }
        // What no plan would begin with.
        if oracle::cannot_be_planned(&graph) {
            continue;
        }
        let expected = oracle::outcome(&graph);
        let root = &graph.tables[graph.root].name;
        let delete = format!("DELETE FROM {root} WHERE {}", sql::condition(&graph));
        let outcome = store.connection().execute_unprepared(&delete).await;
        let did = match &outcome {
            Ok(_) => Did::Deleted(sql::read(&store, &graph).await?),
            Err(_) => Did::Refused,
        };
        let should = match expected.blockers.is_empty() {
            true => Did::Deleted(sql::sorted(expected.rows.clone())),
            false => Did::Refused,
        };
        if did == should {
            continue;
        }
        let class = class(db.backend, &graph, &expected, &did).with_context(|| {
            let script = sql::script(&graph, db.backend).join(";\n");
            let blockers = &expected.blockers;
            format!("CASCADE_SEED={seed}:\n{script};\n{delete}\nbecame {did:?} ({outcome:?}), and not {should:?}, {blockers:?}")
        })?;
        *seen.entry(class).or_default() += 1;
    }
    ensure!(
        asked("CASCADE_SEED").is_some() || count < 300 || !seen.is_empty(),
        "nothing was different"
    );
    Ok(())
}

fn class(backend: Backend, graph: &Graph, expected: &Outcome, did: &Did) -> Option<Class> {
    let refuses_at_once = |action| match backend {
        Backend::Sqlite => action == Action::Restrict,
        Backend::Postgres | Backend::MySql => matches!(action, Action::Restrict | Action::NoAction),
    };
    let inside = expected
        .within
        .iter()
        .any(|key| refuses_at_once(graph.keys[*key].action));
    if *did == Did::Refused && inside {
        return Some(Class::RefusesWhatGoesToo);
    }
    let set_default = |key: &usize| graph.keys[*key].action == Action::SetDefault;
    if *did == Did::Refused && expected.within.iter().any(set_default) {
        return Some(Class::DefaultOfWhatGoesToo);
    }
    let twice = |rows: &Vec<super::model::Row>, columns: &Vec<usize>| {
        let mut known = BTreeSet::new();
        rows.iter().any(|row| {
            let values: Vec<_> = columns.iter().map(|column| &row[*column]).collect();
            !values.contains(&&super::model::Cell::Null) && !known.insert(values)
        })
    };
    let mut tables = graph.tables.iter().zip(&expected.rows);
    if *did == Did::Refused && tables.any(|(table, rows)| table.unique.iter().any(|columns| twice(rows, columns))) {
        return Some(Class::Unique);
    }
    let set: Vec<(usize, usize)> = graph
        .keys
        .iter()
        .filter(|key| oracle::sets(key.action))
        .flat_map(|key| key.set_columns().iter().map(|column| (key.table, *column)))
        .collect();
    let mixed = graph.keys.iter().enumerate().any(|(number, key)| {
        let own = key.columns.iter().map(|column| (key.table, *column));
        let referenced = key.referenced_columns.iter().map(|column| (key.referenced, *column));
        let others = graph.keys.iter().enumerate().filter(|(other, _)| *other != number);
        let mut shared = others.flat_map(|(_, other)| {
            let columns = if oracle::sets(other.action) {
                other.set_columns()
            } else {
                &[]
            };
            columns.iter().map(|column| (other.table, *column))
        });
        let own: Vec<_> = own.collect();
        shared.any(|place| own.contains(&place)) || referenced.into_iter().any(|place| set.contains(&place))
    });
    mixed.then_some(Class::OrderOfKeys)
}
