//! Boxes that hang together and lines between them, placed: for pictures of something else than a schema.

use super::layout::{Link, place};
use super::route::{End, Wanted, ends, room_for, rounded, route};

/// A box to be placed.
pub(crate) struct Node {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// A line to be drawn, between boxes by their indices.
pub(crate) struct Line {
    pub(crate) referenced: usize,
    pub(crate) referencing: usize,
    /// Lines to one box run together at its end if these are equal.
    pub(crate) look: usize,
    /// How much room the words at the referencing end need.
    pub(crate) label: f64,
}

pub(crate) struct Diagram {
    /// One for each box.
    pub(crate) boxes: Vec<Area>,
    /// One for each line.
    pub(crate) lines: Vec<Drawn>,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

#[derive(Clone, Copy)]
pub(crate) struct Area {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

pub(crate) struct Drawn {
    /// SVG's `d`.
    pub(crate) path: String,
    /// The referencing end.
    pub(crate) start: (f64, f64),
    /// 1 if the line leaves it to the right, -1 if to the left.
    pub(crate) direction: f64,
}

/// Places boxes, referenced ones left of those that reference them.
pub(crate) fn diagram(nodes: &[Node], lines: &[Line]) -> Diagram {
    let end = |table: usize, middle: f64| End { table, row: 0, middle };
    let mut wanted: Vec<Wanted> = lines
        .iter()
        .map(|line| Wanted {
            referencing: end(line.referencing, 0.0),
            referenced: end(line.referenced, 0.0),
            look: line.look,
            label: line.label,
        })
        .collect();
    let ends = ends(&wanted);
    let room = |node: usize| ends.get(&(node, 0)).map_or(0.0, |count| room_for(*count));
    let heights: Vec<f64> = nodes
        .iter()
        .enumerate()
        .map(|(index, node)| node.height.max(room(index)))
        .collect();
    for end in wanted
        .iter_mut()
        .flat_map(|wanted| [&mut wanted.referencing, &mut wanted.referenced])
    {
        end.middle = heights.get(end.table).map_or(0.0, |height| height / 2.0);
    }
    let links: Vec<_> = lines
        .iter()
        .map(|line| Link {
            referenced: line.referenced,
            referencing: line.referencing,
        })
        .collect();
    let layout = place(&heights, &links);
    let mut widths = Vec::new();
    for (node, spot) in nodes.iter().zip(&layout.spots) {
        widths.resize(Ord::max(widths.len(), spot.column + 1), 0.0_f64);
        if let Some(width) = widths.get_mut(spot.column) {
            *width = width.max(node.width);
        }
    }
    let spots = layout.spots.clone();
    let routed = route(layout, &heights, &widths, &wanted);
    let mut boxes: Vec<Area> = spots
        .iter()
        .zip(&heights)
        .map(|(spot, height)| Area {
            x: routed.columns.get(spot.column).copied().unwrap_or_default(),
            y: spot.top,
            width: widths.get(spot.column).copied().unwrap_or_default(),
            height: *height,
        })
        .collect();
    let passed = routed.wires.iter().flat_map(|wire| &wire.points).map(|(_, y)| *y);
    let tops = boxes.iter().map(|area| area.y).chain(passed.clone().map(|y| y - PAST));
    let top = tops.fold(f64::INFINITY, f64::min);
    let top = if top.is_finite() { top - MARGIN } else { 0.0 };
    let bottoms = boxes
        .iter()
        .map(|area| area.y + area.height)
        .chain(passed.map(|y| y + PAST));
    let bottom = bottoms.fold(top, f64::max);
    for area in &mut boxes {
        area.x += MARGIN;
        area.y -= top;
    }
    let drawn = routed.wires.into_iter().map(|wire| {
        let points: Vec<_> = wire.points.iter().map(|(x, y)| (x + MARGIN, y - top)).collect();
        let start = points.first().copied().unwrap_or_default();
        let next = points.get(1).copied().unwrap_or(start);
        Drawn {
            path: rounded(&points),
            start,
            direction: (next.0 - start.0).signum(),
        }
    });
    Diagram {
        lines: drawn.collect(),
        boxes,
        width: routed.width + 2.0 * MARGIN,
        height: bottom - top + MARGIN,
    }
}

/// About the whole, and between a line and the border.
const MARGIN: f64 = 12.0;
const PAST: f64 = 12.0;
