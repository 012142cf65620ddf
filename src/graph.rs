//! The relation graph: which table references which, in which order to create, and how far a delete cascades.
//!
//! One node per table, one edge per foreign key, from the *referencing* (child) table to the *referenced* (parent) table.
//!
//! # Invariants
//!
//! - No I/O, no SQL dialect.
//! - Iteration follows table names, so equal keys give equal orders.
//! - petgraph does not appear in any signature.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::name::TableName;
use crate::schema::{Action, ForeignKey};

/// The tables grouped into components: a component is one table, or several that reference each other in a circle. Referenced
/// components come before those that reference them.
pub(crate) fn components<'a>(
    tables: impl IntoIterator<Item = &'a TableName>,
    keys: impl IntoIterator<Item = &'a ForeignKey>,
) -> Vec<Vec<TableName>> {
    let tables: BTreeSet<_> = tables.into_iter().collect();
    let mut graph = DiGraph::<&TableName, ()>::new();
    let nodes: BTreeMap<&TableName, NodeIndex> =
        tables.into_iter().map(|table| (table, graph.add_node(table))).collect();
    let edges: BTreeSet<_> = keys
        .into_iter()
        .filter_map(|key| {
            let from = nodes.get(&key.relation.table)?;
            let to = nodes.get(&key.relation.referenced_table)?;
            Some((*from, *to))
        })
        .collect();
    for (from, to) in edges {
        graph.add_edge(from, to, ());
    }
    // Tarjan's algorithm finishes a component after all that it can reach, so the referenced ones come first.
    tarjan_scc(&graph)
        .into_iter()
        .map(|component| {
            let mut tables: Vec<_> = component
                .into_iter()
                .filter_map(|node| graph.node_weight(node).map(|table| (*table).clone()))
                .collect();
            tables.sort();
            tables
        })
        .collect()
}

/// The tables whose rows may go when rows of `root` go: `root` itself, and every table that references one of them with CASCADE.
pub(crate) fn cascade_closure(root: &TableName, keys: &[ForeignKey]) -> BTreeSet<TableName> {
    let mut closure = BTreeSet::from([root.clone()]);
    let mut frontier = vec![root.clone()];
    while let Some(referenced) = frontier.pop() {
        for key in keys {
            let relation = &key.relation;
            if key.on_delete == Action::Cascade
                && relation.referenced_table == referenced
                && closure.insert(relation.table.clone())
            {
                frontier.push(relation.table.clone());
            }
        }
    }
    closure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::{ColumnName, Relation};

    fn keys(text: &str) -> Vec<ForeignKey> {
        text.lines()
            .filter_map(|line| {
                let (edge, action) = line.trim().split_once(' ')?;
                let (from, to) = edge.split_once("->")?;
                let relation = Relation {
                    constraint: None,
                    table: from.into(),
                    columns: vec![ColumnName::new("x")],
                    referenced_table: to.into(),
                    referenced_columns: vec![ColumnName::new("id")],
                };
                Some(ForeignKey::new(relation).on_delete(match action {
                    "cascade" => Action::Cascade,
                    _ => Action::SetNull,
                }))
            })
            .collect()
    }

    fn show(components: &[Vec<TableName>]) -> String {
        components
            .iter()
            .map(|component| component.iter().map(ToString::to_string).collect::<Vec<_>>().join("+"))
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn referenced_tables_come_first_and_circles_are_one_component() {
        let keys =
            keys("c->b cascade\nb->a cascade\nteam->person set-null\nperson->team cascade\nbadge->person cascade");
        let tables: Vec<TableName> = ["badge", "c", "person", "team", "b", "a"].map(TableName::from).to_vec();
        assert_eq!(show(&components(&tables, &keys)), "a b person+team badge c");
    }

    #[test]
    fn only_cascades_carry_a_delete_on() {
        let keys = keys("b->a cascade\nc->b set-null\nd->c cascade\na->a cascade");
        let closure: Vec<_> = cascade_closure(&"a".into(), &keys)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(closure, ["a", "b"]);
    }
}
