//! Where everything stands: groups of tables that hang together first, then tables without keys.

use std::collections::BTreeMap;

use super::super::layout::{Link, groups, place};
use super::super::picture::{Edge, Picture, Place};
use super::super::route::{End, Wanted, Wire, ends, room_for, route};
use super::super::style;
use super::super::text::{cells, short_type, shortened};
use super::draw;

/// The height of a table's head and of an ordinary row, and the width of a character of the head, of a column's name, and of a type.
pub(super) const HEAD: f64 = 28.0;
const ROW: f64 = 20.0;
const HEAD_CELL: f64 = 7.9;
const NAME_CELL: f64 = 7.3;
const TYPE_CELL: f64 = 6.7;
const SMALL_CELL: f64 = 5.5;
/// Longer names are shortened; the whole name is in the table's title.
pub(super) const NAME_LIMIT: usize = 44;

pub(super) struct Arranged {
    pub(super) boxes: Vec<Boxed>,
    pub(super) wires: Vec<Wire>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A table where it is.
pub(super) struct Boxed {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    /// Where the names begin, right of the marks.
    pub(super) names: f64,
    /// The top of each row below the box's own, and its height.
    pub(super) rows: Vec<(f64, f64)>,
}

fn label_room(edge: &Edge<'_>) -> f64 {
    cells(&draw::label(edge)) * SMALL_CELL + 30.0
}

/// Which lines may run together at their referenced end: those that look alike.
fn look(picture: &Picture<'_>, edge: &Edge<'_>) -> usize {
    let alike = |other: &Edge<'_>| {
        let (a, b) = (edge.key, other.key);
        a.on_delete == b.on_delete && style::Stroke::of(a) == style::Stroke::of(b) && edge.optional == other.optional
    };
    picture.edges.iter().position(alike).unwrap_or_default()
}

pub(super) fn arrange(picture: &Picture<'_>) -> Arranged {
    let mut wanted: Vec<Wanted> = picture
        .edges
        .iter()
        .map(|edge| Wanted {
            referencing: end(edge.from),
            referenced: end(edge.to),
            look: look(picture, edge),
            label: label_room(edge),
        })
        .collect();
    let ends = ends(&wanted);
    let mut boxes: Vec<Boxed> = (0..picture.boxes.len())
        .map(|index| boxed(picture, index, &ends))
        .collect();
    for wanted in &mut wanted {
        for end in [&mut wanted.referencing, &mut wanted.referenced] {
            end.middle = match (end.row.checked_sub(1), boxes.get(end.table)) {
                (Some(row), Some(known)) => known.rows.get(row).map_or(0.0, |(top, height)| top + height / 2.0),
                (None, Some(known)) => known.head() / 2.0,
                (_, None) => 0.0,
            };
        }
    }
    let links: Vec<_> = picture
        .edges
        .iter()
        .map(|edge| Link {
            referenced: edge.to.table,
            referencing: edge.from.table,
        })
        .collect();
    let mut wires = vec![
        Wire {
            points: Vec::new(),
            joins: false,
        };
        wanted.len()
    ];
    let (single, joined): (Vec<_>, Vec<_>) = groups(boxes.len(), &links)
        .into_iter()
        .partition(|group| group.len() == 1 && !links.iter().any(|link| group.contains(&link.referenced)));
    let mut blocks = Vec::new();
    for group in joined {
        blocks.push(block(&group, &mut boxes, &links, &wanted, &mut wires));
    }
    let (width, height) = pack(&blocks, &mut boxes, &mut wires);
    let singles: Vec<usize> = single.into_iter().flatten().collect();
    let (width, height) = shelve(&singles, &mut boxes, width, height);
    Arranged {
        boxes,
        wires,
        width,
        height,
    }
}

fn end(place: Place) -> End {
    End {
        table: place.table,
        row: place.row.map_or(0, |row| row + 1),
        middle: 0.0,
    }
}

impl Boxed {
    pub(super) fn head(&self) -> f64 {
        self.rows.first().map_or(self.height, |(top, _)| *top)
    }
}

fn boxed(picture: &Picture<'_>, index: usize, ends: &BTreeMap<(usize, usize), usize>) -> Boxed {
    let room = |row: usize| ends.get(&(index, row)).map_or(0.0, |count| room_for(*count));
    let mut height = HEAD.max(room(0));
    let (mut rows, mut names, mut text, mut head) = (Vec::new(), 0.0_f64, 0.0_f64, 0.0);
    if let Some(table) = picture.boxes.get(index) {
        head = cells(&draw::head(table)) * HEAD_CELL + 24.0;
        for (position, row) in table.rows.iter().enumerate() {
            let own = ROW.max(room(position + 1));
            rows.push((height, own));
            height += own;
            names = names.max(cells(&row.marks().join(" ")) * SMALL_CELL);
            let name = cells(&shortened(row.name.as_str(), NAME_LIMIT)) * NAME_CELL;
            let null = if row.nullable { 5.0 } else { 0.0 };
            text = text.max(name + 18.0 + (cells(&short_type(row.data_type)) + null) * TYPE_CELL);
        }
    }
    let names = if names > 0.0 { names + 16.0 } else { 10.0 };
    Boxed {
        x: 0.0,
        y: 0.0,
        width: head.max(names + text + 10.0).max(90.0).ceil(),
        height,
        names,
        rows,
    }
}

/// Tables that hang together, placed from (0, 0).
struct Block {
    boxes: Vec<usize>,
    wires: Vec<usize>,
    width: f64,
    height: f64,
}

fn block(group: &[usize], boxes: &mut [Boxed], links: &[Link], wanted: &[Wanted], wires: &mut [Wire]) -> Block {
    let local = |table: usize| group.iter().position(|known| *known == table);
    let mut members = Vec::new();
    let mut local_links = Vec::new();
    let mut local_wanted = Vec::new();
    for (index, (link, wanted)) in links.iter().zip(wanted).enumerate() {
        if let (Some(referenced), Some(referencing)) = (local(link.referenced), local(link.referencing)) {
            members.push(index);
            local_links.push(Link {
                referenced,
                referencing,
            });
            let mut wanted = wanted.clone();
            wanted.referenced.table = referenced;
            wanted.referencing.table = referencing;
            local_wanted.push(wanted);
        }
    }
    let heights: Vec<f64> = group
        .iter()
        .filter_map(|index| Some(boxes.get(*index)?.height))
        .collect();
    let layout = place(&heights, &local_links);
    let mut widths = Vec::new();
    for (index, spot) in group.iter().zip(&layout.spots) {
        widths.resize(Ord::max(widths.len(), spot.column + 1), 0.0_f64);
        if let (Some(width), Some(known)) = (widths.get_mut(spot.column), boxes.get(*index)) {
            *width = width.max(known.width);
        }
    }
    let spots = layout.spots.clone();
    let routed = route(layout, &heights, &widths, &local_wanted);
    let heights = routed.wires.iter().flat_map(|wire| &wire.points).map(|(_, y)| *y);
    let tops = spots.iter().map(|spot| spot.top);
    let top = tops
        .chain(heights.clone().map(|y| y - 12.0))
        .fold(f64::INFINITY, f64::min);
    let mut bottom = heights.map(|y| y + 12.0).fold(top, f64::max);
    for (index, spot) in group.iter().zip(&spots) {
        if let Some(known) = boxes.get_mut(*index) {
            known.x = routed.columns.get(spot.column).copied().unwrap_or_default();
            known.y = spot.top - top;
            known.width = widths.get(spot.column).copied().unwrap_or(known.width);
            bottom = bottom.max(spot.top + known.height);
        }
    }
    for (index, routed) in members.iter().zip(routed.wires) {
        if let Some(wire) = wires.get_mut(*index) {
            *wire = routed;
            for point in &mut wire.points {
                point.1 -= top;
            }
        }
    }
    Block {
        boxes: group.to_vec(),
        wires: members,
        width: routed.width,
        height: bottom - top,
    }
}

pub(super) const MARGIN: f64 = 24.0;
const APART: f64 = 48.0;

/// Places blocks beside each other as long as there is room, else below. Gives the width and height so far.
fn pack(blocks: &[Block], boxes: &mut [Boxed], wires: &mut [Wire]) -> (f64, f64) {
    let widest = blocks.iter().map(|block| block.width).fold(0.0, f64::max);
    let area: f64 = blocks.iter().map(|block| block.width * block.height).sum();
    let limit = widest.max((area * 1.6).sqrt());
    let (mut x, mut y, mut below, mut right) = (0.0, 0.0, 0.0_f64, 0.0_f64);
    for block in blocks {
        if x > 0.0 && x + block.width > limit {
            (x, y) = (0.0, below + APART);
        }
        let (left, top) = (MARGIN + x, MARGIN + y);
        for index in &block.boxes {
            if let Some(known) = boxes.get_mut(*index) {
                known.x += left;
                known.y += top;
            }
        }
        for index in &block.wires {
            for point in wires.get_mut(*index).into_iter().flat_map(|wire| &mut wire.points) {
                *point = (point.0 + left, point.1 + top);
            }
        }
        x += block.width + APART;
        right = right.max(left + block.width);
        below = below.max(y + block.height);
    }
    (right + MARGIN, below + 2.0 * MARGIN)
}

/// Places tables without keys below, each where there is most room above.
fn shelve(singles: &[usize], boxes: &mut [Boxed], width: f64, height: f64) -> (f64, f64) {
    const GAP: f64 = 28.0;
    let own = |boxes: &[Boxed]| -> Vec<(f64, f64)> {
        singles
            .iter()
            .filter_map(|index| boxes.get(*index).map(|known| (known.width, known.height)))
            .collect()
    };
    let sizes = own(boxes);
    if sizes.is_empty() {
        return (width, height);
    }
    let widest = sizes.iter().map(|(width, _)| *width).fold(0.0, f64::max);
    let area: f64 = sizes.iter().map(|(_, height)| (widest + GAP) * (height + GAP)).sum();
    let limit = (width - 2.0 * MARGIN).max((area * 1.6).sqrt()).max(widest);
    let mut bottoms = Vec::new();
    while (bottoms.len() + 1) as f64 * (widest + GAP) - GAP <= limit.max(widest) && bottoms.len() < sizes.len() {
        bottoms.push(height);
    }
    if bottoms.is_empty() {
        bottoms.push(height);
    }
    let columns = bottoms.len();
    for index in singles {
        let shortest = bottoms
            .iter()
            .enumerate()
            .min_by(|a, b| a.1.total_cmp(b.1).then(a.0.cmp(&b.0)));
        let Some(column) = shortest.map(|(column, _)| column) else {
            break;
        };
        if let (Some(known), Some(bottom)) = (boxes.get_mut(*index), bottoms.get_mut(column)) {
            known.x = MARGIN + column as f64 * (widest + GAP);
            known.y = *bottom;
            known.width = widest;
            *bottom += known.height + GAP;
        }
    }
    let bottom = bottoms.into_iter().fold(0.0, f64::max) - GAP + MARGIN;
    let used = columns as f64 * (widest + GAP) - GAP + 2.0 * MARGIN;
    (width.max(used), bottom)
}
