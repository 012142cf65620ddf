//! How edges run: level through the columns, upright in the gaps between them, each upright in a lane of its own.
//!
//! Edges that end at the same place of a referenced table and look alike share the last upright, as branches of one line.

mod lanes;
mod passes;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::layout::Layout;
use lanes::Gap;

/// Between two ends at one row, and between two lanes.
const STEP: f64 = 10.0;
const LANE: f64 = 10.0;

/// What an edge needs to be routed.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) referencing: End,
    pub(super) referenced: End,
    /// Edges to one place share a line if these are equal.
    pub(super) look: usize,
    /// How much room the word at the referencing end takes.
    pub(super) label: f64,
}

/// A row of a box: the height of its middle below the box's top.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) table: usize,
    pub(super) row: usize,
    pub(super) middle: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Routed {
    /// Where the columns begin.
    pub(super) columns: Vec<f64>,
    pub(super) width: f64,
    /// One for each edge.
    pub(super) wires: Vec<Wire>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wire {
    /// From the referencing table to the referenced, or to where it joins another edge.
    pub(super) points: Vec<(f64, f64)>,
    pub(super) joins: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Left,
    Right,
}

/// An end at a box's side: its row and side, then which edge (referencing) or which look (referenced).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Port {
    table: usize,
    row: usize,
    side: Side,
    of: Of,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Look(usize),
    Edge(usize),
}

/// What shares one upright in one gap: the edges that end at one port, or one edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum NetId {
    Port(Port),
    Edge(usize),
}

/// One edge's way through one gap.
struct Hop {
    gap: usize,
    net: NetId,
    start: (Side, f64),
    end: (Side, f64),
}

/// How many ends may be at one row, either side; a row must have [`room_for`] as many.
pub(super) fn ends<'a>(edges: impl IntoIterator<Item = &'a Wanted>) -> BTreeMap<(usize, usize), usize> {
    let mut looks = BTreeMap::<(usize, usize), Vec<Of>>::new();
    for (index, edge) in edges.into_iter().enumerate() {
        for (end, of) in [
            (edge.referencing, Of::Edge(index)),
            (edge.referenced, Of::Look(edge.look)),
        ] {
            let known = looks.entry((end.table, end.row)).or_default();
            if !known.contains(&of) {
                known.push(of);
            }
        }
    }
    looks.into_iter().map(|(row, known)| (row, known.len())).collect()
}

/// The height of a row with so many ends.
pub(super) fn room_for(ends: usize) -> f64 {
    ends as f64 * STEP + 2.0
}

/// Routes the edges between boxes of these heights, in columns of these widths.
pub(super) fn route(mut layout: Layout, heights: &[f64], widths: &[f64], edges: &[Wanted]) -> Routed {
    let before = ports(&layout, edges);
    let ends: Vec<_> = edges
        .iter()
        .enumerate()
        .map(|(index, edge)| left_and_right(&layout, edge, index, &before))
        .collect();
    passes::straighten(&mut layout, heights, &ends);
    let layout = &layout;
    let ports = ports(layout, edges);
    let hops: Vec<Vec<Hop>> = edges
        .iter()
        .enumerate()
        .map(|(index, edge)| hops(layout, edge, index, &ports).unwrap_or_default())
        .collect();
    let mut gaps: Vec<Gap> = (0..=widths.len()).map(|_| Gap::default()).collect();
    for (edge, hops) in edges.iter().zip(&hops) {
        for (position, hop) in hops.iter().enumerate() {
            if let Some(gap) = gaps.get_mut(hop.gap) {
                gap.add(hop, (position == 0).then_some(edge.label), position + 1 == hops.len());
            }
        }
    }
    let lanes: Vec<usize> = gaps.iter_mut().map(Gap::assign_lanes).collect();
    let mut x = 0.0;
    let mut columns = Vec::new();
    let mut first_lanes = Vec::new();
    for (index, (gap, lanes)) in gaps.iter().zip(&lanes).enumerate() {
        first_lanes.push(x + gap.left_room);
        let outer = index == 0 || index == widths.len();
        if !gap.nets.is_empty() {
            x += gap.left_room + gap.right_room + lanes.saturating_sub(1) as f64 * LANE;
        } else if !outer {
            x += 40.0;
        }
        if let Some(width) = widths.get(index) {
            columns.push(x);
            x += width;
        }
    }
    let lane_x = |hop: &Hop| -> f64 {
        let lane = gaps
            .get(hop.gap)
            .and_then(|gap| gap.nets.get(&hop.net))
            .map_or(0, |net| net.lane);
        first_lanes.get(hop.gap).map_or(0.0, |first| first + lane as f64 * LANE)
    };
    let border = |gap: usize, side: Side| match side {
        Side::Left => gap.checked_sub(1).map_or(0.0, |left| {
            columns.get(left).unwrap_or(&0.0) + widths.get(left).unwrap_or(&0.0)
        }),
        Side::Right => columns.get(gap).copied().unwrap_or(x),
    };
    let mut wires: Vec<Wire> = hops
        .iter()
        .map(|hops| {
            let mut points = Vec::new();
            for hop in hops {
                let (start, end) = (hop.start, hop.end);
                points.push((border(hop.gap, start.0), start.1));
                points.push((lane_x(hop), start.1));
                points.push((lane_x(hop), end.1));
                points.push((border(hop.gap, end.0), end.1));
            }
            Wire { points, joins: false }
        })
        .collect();
    join(&hops, &mut wires);
    for wire in &mut wires {
        straighten(&mut wire.points);
    }
    Routed {
        columns,
        width: x,
        wires,
    }
}

/// The height of every port. Those at one row are spread about its middle, in the order of where they lead.
fn ports(layout: &Layout, edges: &[Wanted]) -> BTreeMap<Port, f64> {
    let mut rows = BTreeMap::<(usize, usize, Side), BTreeMap<Port, (f64, f64)>>::new();
    for (index, edge) in edges.iter().enumerate() {
        let Some((referencing, referenced)) = sides(layout, edge, index) else {
            continue;
        };
        let height = |end: End| layout.spots.get(end.table).map_or(0.0, |spot| spot.top + end.middle);
        let passes = layout.passes.get(index);
        let leftmost = passes.and_then(|passes| passes.first());
        let rightmost = passes.and_then(|passes| passes.last());
        for (port, end, other) in [
            (referencing, edge.referencing, edge.referenced),
            (referenced, edge.referenced, edge.referencing),
        ] {
            let next = match port.side {
                Side::Left => rightmost,
                Side::Right => leftmost,
            };
            // A loop within one column goes inside of what leads away from it.
            let leads_to = match (referencing.side == referenced.side, height(other) > height(end)) {
                (true, true) => f64::INFINITY,
                (true, false) => f64::NEG_INFINITY,
                (false, _) => next.copied().unwrap_or_else(|| height(other)),
            };
            let row = rows.entry((port.table, port.row, port.side)).or_default();
            row.entry(port).or_insert((leads_to, height(end)));
        }
    }
    let mut heights = BTreeMap::new();
    for row in rows.into_values() {
        let mut row: Vec<_> = row.into_iter().collect();
        row.sort_by(|(port, (a, _)), (other, (b, _))| a.total_cmp(b).then(port.cmp(other)));
        let half = row.len().saturating_sub(1) as f64 / 2.0;
        for (position, (port, (_, middle))) in row.into_iter().enumerate() {
            heights.insert(port, middle + (position as f64 - half) * STEP);
        }
    }
    heights
}

fn sides(layout: &Layout, edge: &Wanted, index: usize) -> Option<(Port, Port)> {
    let referencing = layout.spots.get(edge.referencing.table)?.column;
    let referenced = layout.spots.get(edge.referenced.table)?.column;
    let port = |end: End, side: Side, of: Of| Port {
        table: end.table,
        row: end.row,
        side,
        of,
    };
    let (from, to) = match referencing.cmp(&referenced) {
        std::cmp::Ordering::Greater => (Side::Left, Side::Right),
        std::cmp::Ordering::Less => (Side::Right, Side::Left),
        std::cmp::Ordering::Equal => (Side::Right, Side::Right),
    };
    Some((
        port(edge.referencing, from, Of::Edge(index)),
        port(edge.referenced, to, Of::Look(edge.look)),
    ))
}

/// The heights of an edge's ends, and the column of the left one.
fn left_and_right(layout: &Layout, edge: &Wanted, index: usize, ports: &BTreeMap<Port, f64>) -> Option<passes::Ends> {
    let (from, to) = sides(layout, edge, index)?;
    let (left, right) = match from.side {
        Side::Left => (to, from),
        Side::Right => (from, to),
    };
    Some(passes::Ends {
        column: layout.spots.get(left.table)?.column,
        left: *ports.get(&left)?,
        right: *ports.get(&right)?,
    })
}

/// The gaps an edge crosses, from its referencing end.
fn hops(layout: &Layout, edge: &Wanted, index: usize, ports: &BTreeMap<Port, f64>) -> Option<Vec<Hop>> {
    let (from, to) = sides(layout, edge, index)?;
    let (start, end) = (*ports.get(&from)?, *ports.get(&to)?);
    let first = layout.spots.get(from.table)?.column;
    let last = layout.spots.get(to.table)?.column;
    let mut passes = layout.passes.get(index)?.clone();
    let mut gaps: Vec<usize> = (Ord::min(first, last) + 1..=Ord::max(first, last)).collect();
    if from.side == Side::Left {
        passes.reverse();
        gaps.reverse();
    }
    if gaps.is_empty() {
        gaps.push(first + 1);
    }
    let count = gaps.len();
    let mut heights = vec![start];
    heights.extend(passes);
    heights.push(end);
    let (enters, leaves) = match from.side {
        Side::Left => (Side::Right, Side::Left),
        Side::Right => (Side::Left, Side::Right),
    };
    let hop = |(position, gap)| {
        let is_last = position + 1 == count;
        Some(Hop {
            gap,
            net: if is_last { NetId::Port(to) } else { NetId::Edge(index) },
            start: (enters, *heights.get(position)?),
            end: (if first == last { enters } else { leaves }, *heights.get(position + 1)?),
        })
    };
    gaps.into_iter().enumerate().map(hop).collect()
}

/// Lets those that share their last upright end there, but for the outermost: of two lines drawn over each other, dashes would mix.
fn join(hops: &[Vec<Hop>], wires: &mut [Wire]) {
    let mut by_net = BTreeMap::<NetId, Vec<(f64, usize)>>::new();
    for (index, hops) in hops.iter().enumerate() {
        if let Some(last) = hops.last() {
            by_net
                .entry(last.net)
                .or_default()
                .push((last.start.1 - last.end.1, index));
        }
    }
    for mut members in by_net.into_values() {
        members.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let highest = members
            .first()
            .filter(|(offset, _)| *offset < 0.0)
            .map(|(_, index)| *index);
        let lowest = members
            .last()
            .filter(|(offset, _)| *offset > 0.0)
            .map(|(_, index)| *index);
        // One goes all the way to the arrow; the outermost on the other side goes to where the upright meets its level part.
        let whole = highest.or(lowest).or(members.first().map(|(_, index)| *index));
        for (_, index) in &members {
            let Some(wire) = wires.get_mut(*index) else { continue };
            if Some(*index) == whole {
                continue;
            }
            wire.joins = true;
            wire.points.pop();
            if Some(*index) != lowest {
                wire.points.pop();
            }
        }
    }
}

/// Without points that are not needed.
fn straighten(points: &mut Vec<(f64, f64)>) {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for point in points.drain(..) {
        let same = |a: f64, b: f64| (a - b).abs() < 0.01;
        if kept
            .last()
            .is_some_and(|last| same(last.0, point.0) && same(last.1, point.1))
        {
            continue;
        }
        if let [.., before, last] = kept.as_mut_slice()
            && ((same(before.0, last.0) && same(last.0, point.0)) || (same(before.1, last.1) && same(last.1, point.1)))
        {
            *last = point;
            continue;
        }
        kept.push(point);
    }
    *points = kept;
}

/// A path along these points with rounded corners.
pub(super) fn rounded(points: &[(f64, f64)]) -> String {
    const RADIUS: f64 = 6.0;
    let mut path = String::new();
    if let Some((x, y)) = points.first() {
        // Infallible, here and below: a String takes everything.
        let _ = write!(path, "M{x} {y}");
    }
    for window in points.windows(3) {
        let [a, corner, b] = window else { continue };
        let radius = RADIUS.min(distance(*a, *corner) / 2.0).min(distance(*corner, *b) / 2.0);
        let (start, end) = (towards(*corner, *a, radius), towards(*corner, *b, radius));
        let _ = write!(
            path,
            "L{} {}Q{} {} {} {}",
            start.0, start.1, corner.0, corner.1, end.0, end.1
        );
    }
    if let [_, .., (x, y)] = points {
        let _ = write!(path, "L{x} {y}");
    }
    path
}

fn distance(a: (f64, f64), b: (f64, f64)) -> f64 {
    (a.0 - b.0).abs() + (a.1 - b.1).abs()
}

/// The point so far from one point towards another, of which one coordinate is the same.
fn towards(from: (f64, f64), to: (f64, f64), by: f64) -> (f64, f64) {
    let step = |a: f64, b: f64| match (b - a).abs() < 0.01 {
        true => a,
        false => a + (b - a).signum() * by,
    };
    (step(from.0, to.0), step(from.1, to.1))
}
