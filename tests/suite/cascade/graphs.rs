//! Random graphs of tables, keys and rows: the same for the same seed.

use fastrand::Rng;
use sea_orm_cascade::Backend;
use sea_orm_cascade::schema::Action;

use super::model::{Cell, Column, Graph, Key, Kind, Row, Table, Test, Which};
use super::rows;

/// Whether the database has constraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Constraints {
    /// None: the keys come from an overlay.
    None,
    /// Most keys have one, of their own action or of another.
    Mixed,
    /// Every key has one, of its own action.
    Own,
}

/// So many seeds in a row have the same tables and keys, with other rows: making tables is what takes a server's time.
pub(crate) const PER_SHAPE: u64 = 4;

pub(crate) fn graph(backend: Backend, constraints: Constraints, seed: u64) -> Graph {
    let mut rng = Rng::with_seed(seed / PER_SHAPE);
    let count = rng.usize(2..=8);
    let mut graph = Graph {
        tables: (0..count).map(|number| table(&mut rng, number)).collect(),
        keys: Vec::new(),
        root: 0,
        which: Which::Condition(Vec::new()),
    };
    let mut last = (0, 0);
    for number in 0..rng.usize(2..=count + 3) {
        last = match (rng.u8(..20), last) {
            (0..=1, _) => {
                let table = rng.usize(..count);
                (table, table)
            }
            (2..=4, (child, parent)) => (child, parent),
            (5..=7, (child, parent)) => (parent, child),
            (8..=12, (child, _)) => (rng.usize(..count), child),
            _ => {
                let parent = rng.usize(..count);
                (rng.usize(..count), rng.usize(..=parent))
            }
        };
        key(&mut rng, &mut graph, number, last);
    }
    for number in 0..graph.keys.len() {
        act(&mut rng, &mut graph, number, constraints);
        constrain(backend, &mut rng, &mut graph, number, constraints);
    }
    graph.sort();
    let mut rng = Rng::with_seed(seed);
    graph.root = root(&mut rng, &graph);
    rows::fill(&mut rng, &mut graph, constraints);
    graph.which = which(&mut rng, &graph);
    graph
}

fn column(name: impl Into<String>, kind: Kind, nullable: bool) -> Column {
    Column {
        name: name.into(),
        kind,
        nullable,
        default: None,
    }
}

fn table(rng: &mut Rng, number: usize) -> Table {
    let mut columns = match rng.u8(..10) {
        0..=5 => vec![column("id", Kind::Int, false)],
        6..=7 => vec![column("a", Kind::Int, false), column("b", Kind::Int, false)],
        8 => vec![column("code", Kind::Text, false)],
        _ => vec![column("a", Kind::Int, false), column("code", Kind::Text, false)],
    };
    let mut unique = vec![(0..columns.len()).collect::<Vec<_>>()];
    if rng.bool() {
        unique.push(vec![columns.len()]);
        columns.push(column("u", Kind::Int, rng.u8(..3) > 0));
    }
    if rng.u8(..10) < 2 {
        unique.push(vec![columns.len(), columns.len() + 1]);
        columns.push(column("v", Kind::Int, rng.bool()));
        columns.push(column("w", Kind::Int, rng.bool()));
    }
    columns.push(column("p", Kind::Int, true));
    Table {
        name: format!("t{number}"),
        columns,
        unique,
        rows: Vec::new(),
    }
}

fn key(rng: &mut Rng, graph: &mut Graph, number: usize, (child, parent): (usize, usize)) {
    let keys = graph.tables[parent].unique.clone();
    let referenced_columns = match rng.u8(..10) {
        0..=5 => keys[0].clone(),
        _ => keys[rng.usize(..keys.len())].clone(),
    };
    let mut columns: Vec<usize> = Vec::new();
    for (place, referenced) in referenced_columns.iter().enumerate() {
        let kind = graph.tables[parent].columns[*referenced].kind;
        let own = &mut graph.tables[child].columns;
        let shared: Vec<usize> = (0..own.len())
            .filter(|column| own[*column].kind == kind && !columns.contains(column))
            .collect();
        let unique = shared.iter().copied().find(|column| own[*column].name == "u");
        let share = rng.u8(..10) < 3 && !shared.is_empty();
        columns.push(match (share, unique) {
            // A reference by which others reference.
            (true, Some(unique)) if rng.bool() => unique,
            (true, _) => shared[rng.usize(..shared.len())],
            (false, _) => {
                let default = match rng.bool() {
                    true => Some(rows::value(rng, kind)),
                    false => None,
                };
                own.push(Column {
                    default,
                    ..column(format!("k{number}_{place}"), kind, rng.u8(..10) < 6)
                });
                own.len() - 1
            }
        });
    }
    let is_trivial = child == parent && columns == referenced_columns;
    let is_known = graph.keys.iter().any(|known| {
        let pairs = |columns: &[usize], referenced: &[usize]| {
            let mut pairs: Vec<_> = columns.iter().copied().zip(referenced.iter().copied()).collect();
            pairs.sort_unstable();
            pairs
        };
        known.table == child
            && known.referenced == parent
            && pairs(&known.columns, &known.referenced_columns) == pairs(&columns, &referenced_columns)
    });
    if !is_trivial && !is_known {
        graph.keys.push(Key {
            table: child,
            columns,
            referenced: parent,
            referenced_columns,
            action: Action::Cascade,
            subset: Vec::new(),
            values: Vec::new(),
            constraint: None,
        });
    }
}

/// Gives a key its action, and what that sets.
fn act(rng: &mut Rng, graph: &mut Graph, number: usize, constraints: Constraints) {
    let key = graph.keys[number].clone();
    let own = &graph.tables[key.table];
    let action = match rng.u8(..100) {
        0..=45 => Action::Cascade,
        46..=61 => Action::SetNull,
        62..=69 => Action::SetDefault,
        70..=75 => Action::SetValue,
        76..=81 => Action::Restrict,
        82..=87 => Action::NoAction,
        88..=91 => Action::Protect,
        _ => Action::DoNothing,
    };
    let is_unique = |column: &usize| own.unique.iter().any(|columns| columns.contains(column));
    let nullable: Vec<usize> = key
        .columns
        .iter()
        .copied()
        .filter(|column| own.columns[*column].nullable)
        .collect();
    let some = |rng: &mut Rng, of: &[usize]| -> Vec<usize> {
        let some: Vec<_> = of.iter().copied().filter(|_| rng.bool()).collect();
        let all = some.len() == key.columns.len() || some.is_empty() || rng.bool();
        if all { Vec::new() } else { some }
    };
    let (action, subset) = match action {
        Action::SetNull if nullable.is_empty() => (Action::Cascade, Vec::new()),
        Action::SetNull if nullable.len() < key.columns.len() => (action, nullable),
        Action::SetNull => (action, some(rng, &nullable)),
        // One value for a unique column is soon there twice.
        Action::SetDefault | Action::SetValue if key.columns.iter().any(is_unique) && rng.u8(..4) > 0 => {
            (Action::Cascade, Vec::new())
        }
        Action::SetDefault | Action::SetValue => (action, some(rng, &key.columns)),
        other => (other, Vec::new()),
    };
    let action = match (constraints, action) {
        (Constraints::Own, action) if !action.is_in_databases() => Action::Cascade,
        (_, action) => action,
    };
    let subset = if action == Action::Cascade { Vec::new() } else { subset };
    let set: Vec<usize> = if subset.is_empty() { key.columns } else { subset.clone() };
    let values = match action {
        Action::SetValue => set
            .iter()
            .map(|column| rows::value(rng, own.columns[*column].kind))
            .collect(),
        _ => Vec::new(),
    };
    let key = &mut graph.keys[number];
    (key.action, key.subset, key.values) = (action, subset, values);
}

/// Gives a key its constraint: its own action, another, or none.
fn constrain(backend: Backend, rng: &mut Rng, graph: &mut Graph, number: usize, constraints: Constraints) {
    let key = graph.keys[number].clone();
    let own = &graph.tables[key.table];
    let nullable = key.columns.iter().all(|column| own.columns[*column].nullable);
    let can_be = match key.action {
        Action::SetNull | Action::SetDefault if !key.subset.is_empty() => backend == Backend::Postgres,
        Action::SetDefault => backend != Backend::MySql,
        action => action.is_in_databases(),
    };
    let chance = rng.u8(..20);
    graph.keys[number].constraint = match (constraints, key.action) {
        (Constraints::None, _) | (Constraints::Mixed, Action::DoNothing) => None,
        (Constraints::Own, _) if can_be => Some((key.action, key.subset)),
        (Constraints::Own, _) => {
            graph.keys[number].action = Action::Restrict;
            graph.keys[number].subset = Vec::new();
            Some((Action::Restrict, Vec::new()))
        }
        (Constraints::Mixed, _) if chance == 0 => None,
        (Constraints::Mixed, _) if chance < 17 && can_be => Some((key.action, key.subset)),
        (Constraints::Mixed, _) => Some(match rng.u8(..4) {
            0 => (Action::Cascade, Vec::new()),
            1 => (Action::Restrict, Vec::new()),
            2 if nullable => (Action::SetNull, Vec::new()),
            _ => (Action::NoAction, Vec::new()),
        }),
    };
}

/// A table that others reference.
fn root(rng: &mut Rng, graph: &Graph) -> usize {
    let referenced: Vec<usize> = graph.keys.iter().map(|key| key.referenced).collect();
    match referenced.is_empty() {
        true => 0,
        false => referenced[rng.usize(..referenced.len())],
    }
}

fn which(rng: &mut Rng, graph: &Graph) -> Which {
    let table = &graph.tables[graph.root];
    let any = |rng: &mut Rng, columns: &[usize]| -> Option<Row> {
        let rows: Vec<Row> = table
            .rows
            .iter()
            .map(|row| columns.iter().map(|column| row[*column].clone()).collect())
            .filter(|row: &Row| !row.contains(&Cell::Null))
            .collect();
        rows.get(rng.usize(..Ord::max(rows.len(), 1))).cloned()
    };
    let primary = &table.unique[0];
    match rng.u8(..10) {
        0..=3 => Which::Keys(Vec::new(), any(rng, primary).into_iter().collect()),
        4..=5 => {
            let mut keys: Vec<Row> = (0..3).filter_map(|_| any(rng, primary)).collect();
            // One that is not there.
            keys.push(
                primary
                    .iter()
                    .map(|column| rows::value_of(99, table.columns[*column].kind))
                    .collect(),
            );
            Which::Keys(Vec::new(), keys)
        }
        6 => {
            let columns = vec![rng.usize(..table.columns.len())];
            let keys = (0..rng.usize(1..3)).filter_map(|_| any(rng, &columns)).collect();
            Which::Keys(columns, keys)
        }
        _ => {
            let tests = (0..rng.usize(1..3)).map(|_| {
                let column = rng.usize(..table.columns.len());
                match (table.columns[column].kind, rng.u8(..5)) {
                    (_, 0) => (column, Test::IsNull, Cell::Null),
                    (Kind::Int, 1..=2) => (column, Test::AtMost, Cell::Int(rng.i64(1..5))),
                    (kind, _) => (column, Test::Equal, rows::value(rng, kind)),
                }
            });
            Which::Condition(tests.collect())
        }
    }
}
