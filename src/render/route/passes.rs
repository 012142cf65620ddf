//! Where long edges pass columns: moved, as far as there is room, to where they bend least.

use std::collections::BTreeMap;

use super::super::layout::Layout;

/// What an edge keeps from boxes and from other edges.
const CLEAR: f64 = 16.0;
/// With more than this, the picture is no prettier for it, and late.
const MOST: usize = 5_000;

/// The heights at which an edge leaves the columns of its ends, and which is the left one of these.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) column: usize,
    pub(super) left: f64,
    pub(super) right: f64,
}

pub(super) fn straighten(layout: &mut Layout, heights: &[f64], ends: &[Option<Ends>]) {
    if layout.passes.iter().map(Vec::len).sum::<usize>() > MOST {
        return;
    }
    let mut columns = BTreeMap::<usize, Vec<(f64, f64, Option<usize>)>>::new();
    for (spot, height) in layout.spots.iter().zip(heights) {
        let column = columns.entry(spot.column).or_default();
        column.push((spot.top, spot.top + height, None));
    }
    for (index, (passes, ends)) in layout.passes.iter().zip(ends).enumerate() {
        for (offset, y) in passes.iter().enumerate() {
            if let Some(ends) = ends {
                columns
                    .entry(ends.column + 1 + offset)
                    .or_default()
                    .push((*y, *y, Some(index)));
            }
        }
    }
    for _ in 0..3 {
        for (index, (passes, ends)) in layout.passes.iter_mut().zip(ends).enumerate() {
            let Some(ends) = ends else { continue };
            let mut before = ends.left;
            for offset in 0..passes.len() {
                let after = passes.get(offset + 1).copied().unwrap_or(ends.right);
                let taken = columns.get_mut(&(ends.column + 1 + offset));
                if let (Some(y), Some(taken)) = (passes.get_mut(offset), taken) {
                    *y = best(*y, before, after, taken, index);
                    before = *y;
                    for known in taken.iter_mut().filter(|known| known.2 == Some(index)) {
                        (known.0, known.1) = (*y, *y);
                    }
                }
            }
        }
    }
}

/// The height between its neighbours in the column that lies best between the heights before and after.
fn best(y: f64, before: f64, after: f64, taken: &[(f64, f64, Option<usize>)], own: usize) -> f64 {
    let (mut above, mut below) = (f64::NEG_INFINITY, f64::INFINITY);
    for (top, bottom, _) in taken.iter().filter(|(_, _, edge)| *edge != Some(own)) {
        if *bottom <= y {
            above = above.max(bottom + CLEAR);
        } else {
            below = below.min(top - CLEAR);
        }
    }
    if above > below {
        return y;
    }
    // Straight on from one side is one bend less; else as near to both as can be.
    let fits = |y: &f64| above <= *y && *y <= below;
    let straight = [before, after].into_iter().find(fits);
    straight.unwrap_or_else(|| f64::midpoint(before, after).clamp(above, below))
}
