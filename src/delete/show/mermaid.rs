//! Mermaid's `flowchart` (Mermaid, "Flowcharts - Basic Syntax").

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::View;
use super::outline::{Edge, Outline};
use super::words;
use crate::name::{ColumnList, TableName};
use crate::render::quotable;
use crate::schema::Action;

/// Nodes are tables, edges keys from the referenced to the referencing table: the way a delete goes. Red is what blocks.
pub(super) fn mermaid(view: &View<'_>) -> String {
    let outline = Outline::of(view);
    let tables = outline.tables(view.plan.root());
    let places: BTreeMap<&TableName, usize> = tables
        .iter()
        .enumerate()
        .map(|(place, table)| (*table, place))
        .collect();
    let mut out = "flowchart LR\n".to_owned();
    let mut blocked = Vec::new();
    for (place, table) in tables.iter().enumerate() {
        let mut lines = vec![table.to_string()];
        lines.extend(words::of_table(view, table));
        let blockers = view.blockers.iter().filter(|blocker| blocker.relation.table == **table);
        let before = lines.len();
        lines.extend(blockers.map(|blocker| words::blocked(view, blocker)));
        if lines.len() > before {
            blocked.push(format!("t{place}"));
        }
        let lines: Vec<_> = lines.iter().map(|line| quotable(line)).collect();
        // Infallible, here and below: a String takes everything.
        let _ = writeln!(out, "  t{place}[\"{}\"]", lines.join("<br/>"));
    }
    let mut red = Vec::new();
    for (number, edge) in outline.shown().enumerate() {
        let relation = edge.relation;
        if let (Some(from), Some(to)) = (places.get(&relation.referenced_table), places.get(&relation.table)) {
            let _ = writeln!(out, "  t{from} {}|\"{}\"| t{to}", arrow(edge), quotable(&label(edge)));
        }
        if !edge.blockers.is_empty() {
            red.push(number.to_string());
        }
    }
    if !blocked.is_empty() {
        let _ = writeln!(
            out,
            "  classDef blocked fill:#fde2e2,stroke:#c62828,stroke-width:2px,color:#7f1d1d"
        );
        let _ = writeln!(out, "  class {} blocked", blocked.join(","));
    }
    if !red.is_empty() {
        let _ = writeln!(out, "  linkStyle {} stroke:#c62828,stroke-width:2px", red.join(","));
    }
    out
}

/// Solid where rows go along, dashed where they stay.
const fn arrow(edge: &Edge<'_>) -> &'static str {
    match edge.action {
        Action::Cascade => "-->",
        _ => "-.->",
    }
}

fn label(edge: &Edge<'_>) -> String {
    format!("{}: {}", ColumnList(&edge.relation.columns), words::action(edge))
}
