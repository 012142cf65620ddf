//! Where the boxes of one connected part of a picture go: columns from left to right, referenced tables left of those that reference
//! them, and heights at which long edges pass the columns in between.
//!
//! dagre does it. What it gives is checked, and a plain grid takes its place where it would take too long or the check fails.

use std::collections::BTreeMap;

use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir};
use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;
use petgraph::unionfind::UnionFind;

/// Between two boxes of a column.
const BOX_GAP: f64 = 34.0;
/// Between two passing edges.
const EDGE_GAP: f64 = 16.0;
/// Beyond these, dagre takes seconds: the boxes, and the columns that all edges together cross.
const MOST_BOXES: usize = 400;
const MOST_CROSSED: usize = 1_500;

/// From a referenced box to one that references it, by their indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) referenced: usize,
    pub(super) referencing: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// One for each box.
    pub(super) spots: Vec<Spot>,
    /// For each link, its heights in the columns strictly between its ends, from left to right.
    pub(super) passes: Vec<Vec<f64>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spot {
    pub(super) column: usize,
    pub(super) top: f64,
}

/// The indices of boxes that hang together, largest group first.
pub(super) fn groups(boxes: usize, links: &[Link]) -> Vec<Vec<usize>> {
    let mut joined = UnionFind::new(boxes);
    for link in links {
        if link.referenced < boxes && link.referencing < boxes {
            joined.union(link.referenced, link.referencing);
        }
    }
    let mut groups = BTreeMap::<usize, Vec<usize>>::new();
    for (index, label) in joined.into_labeling().into_iter().enumerate() {
        groups.entry(label).or_default().push(index);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| (std::cmp::Reverse(group.len()), group.first().copied()));
    groups
}

/// Places boxes of these heights, which hang together.
pub(super) fn place(heights: &[f64], links: &[Link]) -> Layout {
    let small = heights.len() <= MOST_BOXES && crossed(heights.len(), links) <= MOST_CROSSED;
    small
        .then(|| layered(heights, links))
        .flatten()
        .filter(|layout| is_sound(layout, heights, links))
        .unwrap_or_else(|| grid(heights, links))
}

/// How many columns all edges together cross if every box stands just right of those it references; dagre does not need more.
fn crossed(boxes: usize, links: &[Link]) -> usize {
    let mut columns = vec![0_usize; boxes];
    for index in referenced_first(boxes, links) {
        let own = columns.get(index).copied().unwrap_or_default();
        for link in links
            .iter()
            .filter(|link| link.referenced == index && link.referencing != index)
        {
            if let Some(column) = columns.get_mut(link.referencing) {
                *column = Ord::max(*column, own + 1);
            }
        }
    }
    let column = |index: usize| columns.get(index).copied().unwrap_or_default();
    links
        .iter()
        .map(|link| column(link.referencing).abs_diff(column(link.referenced)))
        .sum()
}

fn layered(heights: &[f64], links: &[Link]) -> Option<Layout> {
    let mut graph = Graph::<NodeLabel, EdgeLabel>::with_options(GraphOptions {
        directed: true,
        multigraph: true,
        compound: false,
    });
    for (index, height) in heights.iter().enumerate() {
        let label = NodeLabel {
            // Columns get their width later, when it is known how many edges run between them.
            width: 2.0,
            height: *height,
            ..NodeLabel::default()
        };
        graph.set_node(index.to_string(), Some(label));
    }
    for (index, link) in links
        .iter()
        .enumerate()
        .filter(|(_, link)| link.referenced != link.referencing)
    {
        let (from, to) = (link.referenced.to_string(), link.referencing.to_string());
        graph.set_edge(from, to, Some(EdgeLabel::default()), Some(index.to_string().as_str()));
    }
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        nodesep: BOX_GAP,
        edgesep: EDGE_GAP,
        ranksep: 40.0,
        ..LayoutOptions::default()
    };
    dagre::layout(&mut graph, Some(options));

    let mut placed = Vec::new();
    for (index, height) in heights.iter().enumerate() {
        let node = graph.node(&index.to_string())?;
        placed.push((node.rank?, node.x?, (node.y? - height / 2.0).round()));
    }
    // Ranks that only edges pass are no columns.
    let ranks: BTreeMap<i32, f64> = placed.iter().map(|(rank, x, _)| (*rank, *x)).collect();
    let column_of = |rank: i32| ranks.keys().position(|known| *known == rank);
    let spots = placed
        .iter()
        .map(|(rank, _, top)| {
            Some(Spot {
                column: column_of(*rank)?,
                top: *top,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    let mut passes = Vec::new();
    for (index, link) in links.iter().enumerate() {
        let (from, to) = (link.referenced.to_string(), link.referencing.to_string());
        let (first, last) = between(&spots, *link)?;
        let mut heights = Vec::new();
        if link.referenced != link.referencing {
            let label = graph.edge(&from, &to, Some(index.to_string().as_str()))?;
            for x in ranks.values().skip(first + 1).take(last.saturating_sub(first + 1)) {
                heights.push(label.points.iter().find(|point| (point.x - x).abs() < 0.5)?.y.round());
            }
        }
        passes.push(heights);
    }
    Some(Layout { spots, passes })
}

/// The columns of a link's ends, left one first.
fn between(spots: &[Spot], link: Link) -> Option<(usize, usize)> {
    let a = spots.get(link.referenced)?.column;
    let b = spots.get(link.referencing)?.column;
    Some((Ord::min(a, b), Ord::max(a, b)))
}

/// Whether boxes are apart and no edge passes through one.
fn is_sound(layout: &Layout, heights: &[f64], links: &[Link]) -> bool {
    let mut taken = Vec::new();
    for (spot, height) in layout.spots.iter().zip(heights) {
        taken.push((spot.column, spot.top, spot.top + height));
    }
    for (link, passes) in links.iter().zip(&layout.passes) {
        let Some((first, _)) = between(&layout.spots, *link) else {
            return false;
        };
        for (offset, y) in passes.iter().enumerate() {
            let through =
                |(column, top, bottom): &(usize, f64, f64)| *column == first + 1 + offset && top <= y && y <= bottom;
            if !y.is_finite() || taken.iter().any(through) {
                return false;
            }
        }
    }
    taken.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let apart = |pair: &[(usize, f64, f64)]| match pair {
        [a, b] => a.0 != b.0 || a.2 < b.1,
        _ => true,
    };
    taken
        .iter()
        .all(|(_, top, bottom)| top.is_finite() && bottom.is_finite())
        && taken.windows(2).all(apart)
}

/// Rows and columns; long edges pass between the rows.
fn grid(heights: &[f64], links: &[Link]) -> Layout {
    // A box is about as wide as this, and a picture about as wide as high.
    const WIDTH: f64 = 260.0;
    let total: f64 = heights.iter().sum();
    let mut columns = 1_usize;
    while (columns * columns) as f64 * WIDTH < total {
        columns += 1;
    }
    let rows = Ord::max(heights.len().div_ceil(columns), 1);
    let order = referenced_first(heights.len(), links);
    let mut cells = vec![(0, 0); heights.len()];
    for (position, index) in order.iter().enumerate() {
        if let Some(cell) = cells.get_mut(*index) {
            *cell = (position / rows, position % rows);
        }
    }
    // Above each row, as many lanes as edges pass there.
    let mut lanes = vec![0_usize; rows];
    let mut lane_of = Vec::new();
    for link in links {
        let ends = cells
            .get(link.referenced)
            .copied()
            .zip(cells.get(link.referencing).copied());
        let (columns, row) = ends.map_or((0, 0), |(a, b)| (a.0.abs_diff(b.0), b.1));
        let lane = lanes.get_mut(row).filter(|_| columns > 1).map_or(0, |lanes| {
            *lanes += 1;
            *lanes
        });
        lane_of.push((columns.saturating_sub(1), row, lane));
    }
    let mut bands = Vec::new();
    let mut y = 0.0;
    for (row, lanes) in lanes.iter().enumerate() {
        let band = y;
        y += *lanes as f64 * EDGE_GAP + BOX_GAP;
        bands.push((band, y));
        let in_row = cells.iter().zip(heights).filter(|(cell, _)| cell.1 == row);
        y += in_row.map(|(_, height)| *height).fold(0.0, f64::max);
    }
    let spots = cells.iter().map(|(column, row)| Spot {
        column: *column,
        top: bands.get(*row).map_or(0.0, |(_, top)| *top),
    });
    let passes = lane_of.iter().map(|(columns, row, lane)| {
        let band = bands.get(*row).map_or(0.0, |(band, _)| *band);
        vec![band + *lane as f64 * EDGE_GAP; *columns]
    });
    Layout {
        spots: spots.collect(),
        passes: passes.collect(),
    }
}

fn referenced_first(boxes: usize, links: &[Link]) -> Vec<usize> {
    let mut graph = DiGraph::<usize, ()>::new();
    let nodes: Vec<_> = (0..boxes).map(|index| graph.add_node(index)).collect();
    for link in links {
        if let (Some(from), Some(to)) = (nodes.get(link.referencing), nodes.get(link.referenced)) {
            graph.update_edge(*from, *to, ());
        }
    }
    let components = tarjan_scc(&graph);
    components
        .into_iter()
        .flatten()
        .filter_map(|node| graph.node_weight(node).copied())
        .collect()
}
