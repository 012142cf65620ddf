//! Rows for a graph: few values, so that many rows reference the same one; with constraints, none that dangles.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::graphs::Constraints;
use super::model::{Cell, Graph, Key, Kind, Row, Table};

pub(crate) fn value_of(number: i64, kind: Kind) -> Cell {
    match kind {
        Kind::Int => Cell::Int(number),
        Kind::Text => Cell::Text(format!("x{number}")),
    }
}

pub(crate) fn value(rng: &mut Rng, kind: Kind) -> Cell {
    value_of(rng.i64(1..=6), kind)
}

pub(crate) fn fill(rng: &mut Rng, graph: &mut Graph, constraints: Constraints) {
    for number in 0..graph.tables.len() {
        let table = &graph.tables[number];
        let mut made: Vec<Row> = (0..rng.usize(..=12)).map(|_| row(rng, table)).collect();
        if made.is_empty() && number == graph.root {
            made.push(row(rng, table));
        }
        graph.tables[number].rows = made;
        drop_twins(&mut graph.tables[number]);
    }
    let kept = constraints != Constraints::None;
    for pass in 0..5 {
        for key in graph.keys.clone() {
            let must = kept && key.constraint.is_some();
            for place in 0..graph.tables[key.table].rows.len() {
                let dangles = !is_satisfied(graph, &key, &graph.tables[key.table].rows[place]);
                let lets_be = !must && rng.u8(..10) == 0;
                if (pass == 0 || dangles) && !lets_be {
                    point(rng, graph, &key, place, pass);
                }
            }
        }
    }
    loop {
        let before = size(graph);
        for key in graph.keys.clone() {
            if kept && key.constraint.is_some() {
                let mut rows = graph.tables[key.table].rows.clone();
                rows.retain(|row| is_satisfied(graph, &key, row));
                graph.tables[key.table].rows = rows;
            }
        }
        graph.tables.iter_mut().for_each(drop_twins);
        if before == size(graph) {
            return;
        }
    }
}

fn size(graph: &Graph) -> usize {
    graph.tables.iter().map(|table| table.rows.len()).sum()
}

fn row(rng: &mut Rng, table: &Table) -> Row {
    let column = |column: &super::model::Column| match column.nullable && rng.u8(..5) == 0 {
        true => Cell::Null,
        false => {
            // A single key column has more values, so that there are more rows.
            let most = if table.unique[0].len() == 1 { 12 } else { 5 };
            let number = if column.name.starts_with(['i', 'c', 'u']) {
                rng.i64(1..=most)
            } else {
                rng.i64(1..=5)
            };
            value_of(number, column.kind)
        }
    };
    table.columns.iter().map(column).collect()
}

/// Takes out rows that a unique key forbids.
fn drop_twins(table: &mut Table) {
    for columns in &table.unique {
        let mut known = BTreeSet::new();
        table.rows.retain(|row| {
            let values: Row = columns.iter().map(|column| row[*column].clone()).collect();
            values.contains(&Cell::Null) || known.insert(values)
        });
    }
}

fn is_satisfied(graph: &Graph, key: &Key, row: &Row) -> bool {
    key.columns.iter().any(|column| row[*column] == Cell::Null)
        || graph.tables[key.referenced].rows.iter().any(|parent| {
            let mut pairs = key.columns.iter().zip(&key.referenced_columns);
            pairs.all(|(own, other)| row[*own] == parent[*other])
        })
}

/// Makes a row reference some row, or none; its own unique columns stay as they are.
fn point(rng: &mut Rng, graph: &mut Graph, key: &Key, place: usize, pass: usize) {
    let table = &graph.tables[key.table];
    let row = &table.rows[place];
    let is_fixed = |column: &usize| table.unique.iter().any(|columns| columns.contains(column));
    let fits: Vec<Row> = graph.tables[key.referenced]
        .rows
        .iter()
        .map(|parent| {
            key.referenced_columns
                .iter()
                .map(|column| parent[*column].clone())
                .collect()
        })
        .filter(|values: &Row| {
            let mut pairs = key.columns.iter().zip(values);
            !values.contains(&Cell::Null) && pairs.all(|(own, value)| !is_fixed(own) || row[*own] == *value)
        })
        .collect();
    let nullable: Vec<usize> = key
        .columns
        .iter()
        .copied()
        .filter(|column| table.columns[*column].nullable && !is_fixed(column))
        .collect();
    let to_null = !nullable.is_empty() && (fits.is_empty() || rng.usize(..8) < 1 + pass);
    let row = &mut graph.tables[key.table].rows[place];
    if to_null {
        row[nullable[rng.usize(..nullable.len())]] = Cell::Null;
    } else if !fits.is_empty() {
        let values = &fits[rng.usize(..fits.len())];
        for (column, value) in key.columns.iter().zip(values) {
            row[*column] = value.clone();
        }
    }
}
