//! One graph, deleted from by the library and by the oracle.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use sea_orm_cascade::delete::{self, Check, Counting, DeleteOptions, Enforce, Plan, Relations, TableReport};
use sea_orm_cascade::error::{BlockReason, Blocker};
use sea_orm_cascade::introspect::Scope;
use sea_orm_cascade::{ErrorKind, Store};

use super::model::{Graph, Key};
use super::oracle::{self, Counts, Outcome};
use super::sql;

/// Who enforces the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) enforce: Enforce,
    pub(crate) counting: Counting,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    Done,
    Blocked(BlockReason),
    /// The plan is an error, as it must be.
    NotPlanned,
    /// The engine refused, and the plan had said that it may.
    Refused,
}

/// The graph's tables are in the database. They are as they were after anything but [`Ending::Done`].
pub(crate) async fn compare(store: &Store, graph: &Graph, mode: Mode, seed: u64) -> Result<Ending> {
    let relations = Relations::read(store.connection(), &Scope::Own).await?;
    let relations = relations.overlaid(&sql::overlay(graph)?)?;
    let options = DeleteOptions::new()
        .enforce(mode.enforce)
        .counting(mode.counting)
        .sample(seed % 3)
        .check(if seed.is_multiple_of(16) {
            Check::Schema
        } else {
            Check::Nothing
        });
    let plan = match delete::plan(&relations.into(), &sql::roots(graph), &options) {
        Ok(plan) => plan,
        Err(error) => {
            let expected = matches!(error.kind(), ErrorKind::InvalidInput { .. }) && oracle::cannot_be_planned(graph);
            ensure!(expected, "the plan: {error}");
            return Ok(Ending::NotPlanned);
        }
    };
    ensure!(!oracle::cannot_be_planned(graph), "the plan should be an error");
    let expected = oracle::outcome(graph);
    match carry_out(store, graph, mode, &plan, &expected).await {
        Ok(ending) => Ok(ending),
        Err(error) => bail!(
            "{error:#}\nwarnings: {:#?}\nstatements: {:#?}",
            plan.warnings(),
            plan.statements()
        ),
    }
}

async fn carry_out(store: &Store, graph: &Graph, mode: Mode, plan: &Plan, expected: &Outcome) -> Result<Ending> {
    ensure!(plan.statements().iter().all(|statement| !statement.is_empty()));
    let preview = plan.preview(store).await?;
    ensure!(preview.roots() == expected.roots, "preview: {} roots", preview.roots());
    same_counts(graph, preview.tables(), expected, "preview")?;
    same_blockers(graph, preview.blockers(), expected, "preview")?;
    let outcome = plan.execute(store).await;
    let after = sql::read(store, graph).await?;
    let untouched = || after == sql::sorted(graph.tables.iter().map(|table| table.rows.clone()).collect());
    match (outcome, expected.blockers.keys().next()) {
        (Ok(report), None) => {
            let rows = sql::sorted(expected.rows.clone());
            ensure!(after == rows, "rows are\n{after:?}\nand not\n{rows:?}");
            if mode.counting == Counting::Exact {
                ensure!(report.not_counted().is_empty() && report.roots() == expected.roots);
                same_counts(graph, report.tables(), expected, "report")?;
            }
            Ok(Ending::Done)
        }
        (Ok(report), Some(_)) => bail!("done, and not blocked by {:?}: {report}", expected.blockers),
        (Err(error), blocked) => match (error.kind(), blocked) {
            (ErrorKind::Blocked { blockers }, Some((_, reason))) => {
                same_blockers(graph, blockers, expected, "execute")?;
                ensure!(untouched(), "blocked, and rows have changed");
                Ok(Ending::Blocked(*reason))
            }
            (_, None) if may_be_refused(plan) => {
                ensure!(untouched(), "refused, and rows have changed");
                Ok(Ending::Refused)
            }
            _ => bail!("execute: {error} ({:?})", error.db_err()),
        },
    }
}

/// Whether a warning says that the engine may refuse.
fn may_be_refused(plan: &Plan) -> bool {
    plan.warnings()
        .iter()
        .any(|warning| warning.contains(" refuses ") || warning.contains(" cannot go"))
}

fn is(graph: &Graph, key: &Key, relation: &sea_orm_cascade::name::Relation) -> bool {
    let names = |columns: &[sea_orm_cascade::name::ColumnName]| -> Vec<String> {
        columns.iter().map(|name| name.as_str().to_owned()).collect()
    };
    relation.table.name() == graph.tables[key.table].name
        && relation.referenced_table.name() == graph.tables[key.referenced].name
        && names(&relation.columns) == graph.names(key.table, &key.columns)
        && names(&relation.referenced_columns) == graph.names(key.referenced, &key.referenced_columns)
}

fn same_counts(graph: &Graph, reports: &[TableReport], expected: &Outcome, what: &str) -> Result<()> {
    for (table, counts) in graph.tables.iter().zip(&expected.tables) {
        let found: Vec<Counts> = reports
            .iter()
            .filter(|report| report.table.name() == table.name)
            .map(|report| Counts {
                deleted: report.deleted,
                set_null: report.set_null,
                set_default: report.set_default,
                set_value: report.set_value,
                dangling: report.dangling,
            })
            .collect();
        let same = match found.as_slice() {
            [] => *counts == Counts::default(),
            [only] => only == counts,
            _ => false,
        };
        ensure!(same, "{what}: {} has {found:?}, and not {counts:?}", table.name);
    }
    for (key, rows) in graph.keys.iter().zip(&expected.by_key) {
        let by = reports.iter().flat_map(|report| &report.by);
        let found: u64 = by.filter(|by| is(graph, key, &by.relation)).map(|by| by.rows).sum();
        ensure!(
            found == *rows,
            "{what}: by {} {found} rows, and not {rows}",
            graph.label(key)
        );
    }
    Ok(())
}

fn same_blockers(graph: &Graph, blockers: &[Blocker], expected: &Outcome, what: &str) -> Result<()> {
    let found: BTreeMap<(usize, BlockReason), u64> = blockers
        .iter()
        .map(|blocker| {
            let number = graph.keys.iter().position(|key| is(graph, key, &blocker.relation));
            ((number.unwrap_or(usize::MAX), blocker.reason), blocker.rows)
        })
        .collect();
    ensure!(
        found == expected.blockers && found.len() == blockers.len(),
        "{what}: blockers (key, reason, rows) are {found:?}, and not {:?}",
        expected.blockers
    );
    Ok(())
}

/// All that is needed to see a failure again.
pub(crate) fn describe(graph: &Graph, store: &Store, mode: Mode, seed: u64) -> String {
    let backend = store.backend();
    let mut text = format!("CASCADE_SEED={seed} on {backend}, {mode:?}:\n");
    text += &sql::script(graph, backend).join(";\n");
    for (number, key) in graph.keys.iter().enumerate() {
        text += &format!(
            "\nkey {number}: {} {} {:?} {:?}, constraint {:?}",
            graph.label(key),
            key.action,
            graph.names(key.table, &key.subset),
            key.values,
            key.constraint
        );
    }
    text + &format!(
        "\nroots: {} where {} ({:?})",
        graph.tables[graph.root].name,
        sql::condition(graph),
        graph.which
    )
}
