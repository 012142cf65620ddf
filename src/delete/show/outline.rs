//! What is shown of a plan, and in which order: a tree of keys, each once.

use std::collections::{BTreeMap, BTreeSet};

use super::{State, View};
use crate::error::{BlockReason, Blocker};
use crate::name::{Relation, TableName};
use crate::schema::Action;

/// A key that references a table from which rows go, or one that blocks.
pub(super) struct Edge<'a> {
    pub(super) relation: &'a Relation,
    pub(super) action: Action,
    /// Whether the database carries the action out.
    pub(super) by_database: bool,
    /// The rows that the action is done to; nothing if that is not known, or the action does nothing to rows.
    pub(super) rows: Option<u64>,
    pub(super) blockers: Vec<&'a Blocker>,
}

/// An edge's line in the tree.
pub(super) struct Line {
    pub(super) edge: usize,
    /// The branches before it.
    pub(super) branches: String,
    /// Whether what is below it stands elsewhere.
    pub(super) again: bool,
}

pub(super) struct Outline<'a> {
    pub(super) edges: Vec<Edge<'a>>,
    /// One for each edge that is shown.
    pub(super) lines: Vec<Line>,
}

impl<'a> Outline<'a> {
    pub(super) fn of(view: &'a View<'a>) -> Self {
        let mut drawing = Drawing::new(view);
        drawing.draw(view.plan.root());
        Self {
            edges: drawing.edges,
            lines: drawing.lines,
        }
    }

    /// The edges that are shown, in the order of the lines.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Edge<'a>> {
        self.lines.iter().filter_map(|line| self.edges.get(line.edge))
    }

    /// The root and the tables that edges which are shown connect, in the order of the lines.
    pub(super) fn tables(&self, root: &'a TableName) -> Vec<&'a TableName> {
        let mut known = BTreeSet::from([root]);
        let mut tables = vec![root];
        for edge in self.shown() {
            for table in [&edge.relation.referenced_table, &edge.relation.table] {
                if known.insert(table) {
                    tables.push(table);
                }
            }
        }
        tables
    }
}

struct Drawing<'a> {
    edges: Vec<Edge<'a>>,
    /// The edges below a table whose rows go.
    below: BTreeMap<&'a TableName, Vec<usize>>,
    /// The edges that block because rows of this table would be changed.
    hanging: BTreeMap<&'a TableName, Vec<usize>>,
    unfolded: BTreeSet<&'a TableName>,
    lines: Vec<Line>,
}

/// Edges that are still to be drawn below another.
struct Open {
    edges: std::vec::IntoIter<usize>,
    indent: String,
}

impl<'a> Drawing<'a> {
    fn new(view: &'a View<'a>) -> Self {
        let mut drawing = Self {
            edges: Vec::new(),
            below: BTreeMap::new(),
            hanging: BTreeMap::new(),
            unfolded: BTreeSet::new(),
            lines: Vec::new(),
        };
        let by = view.tables.iter().flat_map(|report| &report.by);
        let rows: BTreeMap<&Relation, u64> = by.map(|by| (&by.relation, by.rows)).collect();
        let mut places: BTreeMap<&Relation, usize> = BTreeMap::new();
        for key in &view.plan.shape.keys {
            let relation = &key.key.relation;
            let counted = match view.state {
                State::Planned => false,
                State::Previewed => true,
                State::Done => !(key.by_database && view.not_counted.contains(&relation.table)),
            };
            places.insert(relation, drawing.edges.len());
            let below = drawing.below.entry(&relation.referenced_table).or_default();
            below.push(drawing.edges.len());
            drawing.edges.push(Edge {
                relation,
                action: key.key.on_delete,
                by_database: key.by_database,
                rows: rows.get(relation).copied().filter(|_| counted),
                blockers: Vec::new(),
            });
        }
        for blocker in view.blockers {
            drawing.add(view, blocker, &places);
        }
        drawing
    }

    fn add(&mut self, view: &'a View<'a>, blocker: &'a Blocker, places: &BTreeMap<&Relation, usize>) {
        let known = places
            .get(&blocker.relation)
            .and_then(|place| self.edges.get_mut(*place));
        let changes = |edge: &Edge<'_>| matches!(edge.action, Action::SetDefault | Action::SetValue);
        match (blocker.reason, known) {
            (BlockReason::Restrict | BlockReason::NoAction | BlockReason::Protect, Some(edge)) => {
                edge.blockers.push(blocker);
            }
            (BlockReason::Dangles, Some(edge)) if changes(edge) => edge.blockers.push(blocker),
            (reason, _) => {
                let changed = match reason {
                    BlockReason::Referenced => &blocker.relation.referenced_table,
                    _ => &blocker.relation.table,
                };
                self.hanging.entry(changed).or_default().push(self.edges.len());
                let mut keys = view.plan.relations.schema().foreign_keys();
                let key = keys.find(|key| key.relation == blocker.relation);
                self.edges.push(Edge {
                    relation: &blocker.relation,
                    action: key.map_or(Action::Unknown, |key| key.on_delete),
                    by_database: false,
                    rows: None,
                    blockers: vec![blocker],
                });
            }
        }
    }

    /// Depth first, with a stack of its own: a chain of keys may be longer than the thread's.
    fn draw(&mut self, root: &'a TableName) {
        self.unfolded.insert(root);
        let mut stack = vec![self.open(root, String::new())];
        while let Some(open) = stack.last_mut() {
            let Some(place) = open.edges.next() else {
                stack.pop();
                continue;
            };
            let (branch, below) = match open.edges.as_slice().is_empty() {
                true => ("└─ ", "   "),
                false => ("├─ ", "│  "),
            };
            let (branches, indent) = (format!("{}{branch}", open.indent), format!("{}{below}", open.indent));
            let Some(edge) = self.edges.get(place) else { continue };
            let (table, action, reached) = (&edge.relation.table, edge.action, edge.rows != Some(0));
            let mut again = false;
            if action == Action::Cascade && reached {
                match self.unfolded.insert(table) {
                    true => stack.push(self.open(table, indent)),
                    false => again = self.below.contains_key(table),
                }
            } else if reached && matches!(action, Action::SetNull | Action::SetDefault | Action::SetValue) {
                let hanging = self.hanging.remove(table).unwrap_or_default();
                stack.push(Open {
                    edges: hanging.into_iter(),
                    indent,
                });
            }
            self.lines.push(Line {
                edge: place,
                branches,
                again,
            });
        }
        self.draw_rest();
    }

    fn open(&self, table: &TableName, indent: String) -> Open {
        Open {
            edges: self.below.get(table).cloned().unwrap_or_default().into_iter(),
            indent,
        }
    }

    /// What blocks and has no place: rows came or went while they were counted.
    fn draw_rest(&mut self) {
        let shown: BTreeSet<_> = self.lines.iter().map(|line| line.edge).collect();
        let blocks = self
            .edges
            .iter()
            .enumerate()
            .filter(|(_, edge)| !edge.blockers.is_empty());
        let rest: Vec<_> = blocks
            .map(|(place, _)| place)
            .filter(|place| !shown.contains(place))
            .collect();
        self.lines.extend(rest.into_iter().map(|edge| Line {
            edge,
            branches: String::new(),
            again: false,
        }));
    }
}
