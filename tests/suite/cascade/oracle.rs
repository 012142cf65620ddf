//! What a delete does, by the definition alone: loops over rows, and nothing of the planner's.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm_cascade::error::BlockReason;
use sea_orm_cascade::schema::Action;

use super::model::{Cell, Graph, Key, Row, Test, Which};

/// A row: its table and its place there.
type Place = (usize, usize);

/// What a delete comes to.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The rows of every table if nothing blocks.
    pub(crate) rows: Vec<Vec<Row>>,
    pub(crate) roots: u64,
    pub(crate) tables: Vec<Counts>,
    /// Rows that each key does something to.
    pub(crate) by_key: Vec<u64>,
    /// Keys through which rows that go reference rows that go.
    pub(crate) within: BTreeSet<usize>,
    /// By key and reason: how many rows.
    pub(crate) blockers: BTreeMap<(usize, BlockReason), u64>,
}

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) deleted: u64,
    pub(crate) set_null: u64,
    pub(crate) set_default: u64,
    pub(crate) set_value: u64,
    pub(crate) dangling: u64,
}

/// What a key's action sets a column to.
pub(crate) fn new_value(graph: &Graph, key: &Key, place: usize, column: usize) -> Cell {
    match key.action {
        Action::SetValue => key.values[place].clone(),
        Action::SetDefault => graph.tables[key.table].columns[column]
            .default
            .clone()
            .unwrap_or(Cell::Null),
        _ => Cell::Null,
    }
}

pub(crate) const fn sets(action: Action) -> bool {
    matches!(action, Action::SetNull | Action::SetDefault | Action::SetValue)
}

fn references(key: &Key, row: &Row, parent: &Row) -> bool {
    let mut pairs = key.columns.iter().zip(&key.referenced_columns);
    pairs.all(|(own, other)| row[*own] != Cell::Null && row[*own] == parent[*other])
}

pub(crate) fn is_root(graph: &Graph, row: &Row) -> bool {
    match &graph.which {
        Which::Keys(columns, values) => {
            let columns = match columns.as_slice() {
                [] => &graph.tables[graph.root].unique[0],
                named => named,
            };
            let own: Row = columns.iter().map(|column| row[*column].clone()).collect();
            values.contains(&own)
        }
        Which::Condition(tests) => tests.iter().any(|(column, test, cell)| match (test, &row[*column]) {
            (Test::IsNull, own) => *own == Cell::Null,
            (_, Cell::Null) => false,
            (Test::Equal, own) => own == cell,
            (Test::AtMost, own) => own <= cell,
        }),
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "the definition from top to bottom, and nothing shared between its parts"
)]
pub(crate) fn outcome(graph: &Graph) -> Outcome {
    let all: Vec<Place> = graph
        .tables
        .iter()
        .enumerate()
        .flat_map(|(table, known)| (0..known.rows.len()).map(move |row| (table, row)))
        .collect();
    let row = |place: Place| &graph.tables[place.0].rows[place.1];
    let of = |table: usize| all.iter().copied().filter(move |place| place.0 == table);

    let mut gone: BTreeSet<Place> = of(graph.root).filter(|place| is_root(graph, row(*place))).collect();
    let roots = gone.len() as u64;
    loop {
        let mut more = Vec::new();
        for key in graph.keys.iter().filter(|key| key.action == Action::Cascade) {
            for child in of(key.table).filter(|child| !gone.contains(child)) {
                if of(key.referenced).any(|parent| gone.contains(&parent) && references(key, row(child), row(parent))) {
                    more.push(child);
                }
            }
        }
        if more.is_empty() {
            break;
        }
        gone.extend(more);
    }
    let hit = |key: &Key, child: Place| {
        of(key.referenced).any(|parent| gone.contains(&parent) && references(key, row(child), row(parent)))
    };
    let stays = |place: &Place| !gone.contains(place);

    // What staying rows are changed to, and the columns that were touched.
    let mut tables = vec![Counts::default(); graph.tables.len()];
    let mut changed: BTreeMap<Place, (Row, BTreeSet<usize>)> = BTreeMap::new();
    for child in all.iter().copied().filter(stays) {
        let acting: Vec<&Key> = graph
            .keys
            .iter()
            .filter(|key| key.table == child.0 && sets(key.action) && hit(key, child))
            .collect();
        let Some(first) = acting.first() else { continue };
        let counts = &mut tables[child.0];
        match first.action {
            Action::SetNull => counts.set_null += 1,
            Action::SetDefault => counts.set_default += 1,
            _ => counts.set_value += 1,
        }
        let mut new = row(child).clone();
        let mut touched = BTreeSet::new();
        for nulls in [false, true] {
            for key in &acting {
                for (place, column) in key.set_columns().iter().enumerate() {
                    let value = new_value(graph, key, place, *column);
                    touched.insert(*column);
                    if (value == Cell::Null) == nulls {
                        new[*column] = value;
                    }
                }
            }
        }
        changed.insert(child, (new, touched));
    }
    let after = |place: Place| changed.get(&place).map_or_else(|| row(place), |(new, _)| new);

    let mut blocking: BTreeMap<(usize, BlockReason), BTreeSet<Place>> = BTreeMap::new();
    let mut by_key = vec![0; graph.keys.len()];
    let mut dangling = BTreeSet::new();
    let mut within = BTreeSet::new();
    for (number, key) in graph.keys.iter().enumerate() {
        let mut block = |reason, place| blocking.entry((number, reason)).or_default().insert(place);
        for child in of(key.table) {
            if !stays(&child) && hit(key, child) {
                within.insert(number);
            }
            let does = match key.action {
                Action::Cascade => !stays(&child),
                _ => stays(&child),
            };
            match (hit(key, child), key.action) {
                (false, _) => {}
                (true, Action::Protect) => {
                    block(BlockReason::Protect, child);
                }
                (true, Action::Restrict) if does => {
                    block(BlockReason::Restrict, child);
                }
                (true, Action::NoAction) if does => {
                    block(BlockReason::NoAction, child);
                }
                (true, Action::DoNothing) if does => {
                    by_key[number] += 1;
                    dangling.insert(child);
                }
                (true, _) if does => by_key[number] += 1,
                (true, _) => {}
            }
            if !stays(&child) || key.action == Action::DoNothing {
                continue;
            }
            if let Some((new, touched)) = changed.get(&child)
                && key.columns.iter().any(|column| touched.contains(column))
                && key.columns.iter().all(|column| new[*column] != Cell::Null)
                && !of(key.referenced).any(|parent| stays(&parent) && references(key, new, after(parent)))
            {
                block(BlockReason::Dangles, child);
            }
            let of_changed = of(key.referenced).filter(stays).any(|parent| {
                let moves = |column: &usize| row(parent)[*column] != after(parent)[*column];
                references(key, row(child), row(parent)) && key.referenced_columns.iter().any(moves)
            });
            if of_changed {
                block(BlockReason::Referenced, child);
            }
        }
    }
    for (table, _) in dangling {
        tables[table].dangling += 1;
    }
    for (table, _) in &gone {
        tables[*table].deleted += 1;
    }
    let rows = (0..graph.tables.len())
        .map(|table| of(table).filter(stays).map(|place| after(place).clone()).collect())
        .collect();
    Outcome {
        rows,
        roots,
        tables,
        by_key,
        within,
        blockers: blocking
            .into_iter()
            .map(|(key, rows)| (key, rows.len() as u64))
            .collect(),
    }
}

/// The tables from which rows might go, whatever the rows.
pub(crate) fn reachable(graph: &Graph) -> BTreeSet<usize> {
    let mut tables = BTreeSet::from([graph.root]);
    loop {
        let before = tables.len();
        for key in graph.keys.iter().filter(|key| key.action == Action::Cascade) {
            if tables.contains(&key.referenced) {
                tables.insert(key.table);
            }
        }
        if tables.len() == before {
            return tables;
        }
    }
}

/// Why a plan may be an error, whatever the rows.
pub(crate) fn cannot_be_planned(graph: &Graph) -> bool {
    let reachable = reachable(graph);
    let acting: Vec<&Key> = graph
        .keys
        .iter()
        .filter(|key| reachable.contains(&key.referenced) && sets(key.action))
        .collect();
    acting.iter().any(|key| {
        key.set_columns().iter().enumerate().any(|(place, column)| {
            let value = new_value(graph, key, place, *column);
            let required = !graph.tables[key.table].columns[*column].nullable;
            let disagree = acting.iter().filter(|other| other.table == key.table).any(|other| {
                other.set_columns().iter().enumerate().any(|(at, same)| {
                    let another = new_value(graph, other, at, *same);
                    same == column
                        && another != Cell::Null
                        && value != Cell::Null
                        // A default is an expression: that it equals a value nobody knows before.
                        && (another != value || other.action != key.action)
                })
            });
            value == Cell::Null && required || disagree
        })
    })
}
