//! The gap between two columns: which upright runs in which lane.

use std::collections::BTreeMap;

use super::{Hop, NetId, Side};

/// Room for an arrow, and for a passing edge's bend.
const ARROW: f64 = 26.0;
const BEND: f64 = 8.0;

/// What shares one upright: the heights at which it is entered from either side.
#[derive(Debug, Default)]
pub(super) struct Net {
    from_left: Vec<f64>,
    from_right: Vec<f64>,
    pub(super) lane: usize,
}

#[derive(Debug, Default)]
pub(super) struct Gap {
    pub(super) nets: BTreeMap<NetId, Net>,
    pub(super) left_room: f64,
    pub(super) right_room: f64,
}

impl Gap {
    pub(super) fn add(&mut self, hop: &Hop, label: Option<f64>, is_last: bool) {
        let net = self.nets.entry(hop.net).or_default();
        let ends = [
            (hop.start, label.unwrap_or(BEND)),
            (hop.end, if is_last { ARROW } else { BEND }),
        ];
        for ((side, y), room) in ends {
            let (known, wide) = match side {
                Side::Left => (&mut net.from_left, &mut self.left_room),
                Side::Right => (&mut net.from_right, &mut self.right_room),
            };
            known.push(y);
            *wide = wide.max(room);
        }
    }

    /// Gives every net a lane so that few lines cross, and says how many lanes there are.
    pub(super) fn assign_lanes(&mut self) -> usize {
        let mut nets: Vec<&mut Net> = self.nets.values_mut().filter(|net| net.bottom() > net.top()).collect();
        // What goes down is best ordered from below, what goes up from above, and each down before each up is as good as any.
        nets.sort_by(|a, b| {
            let order = |net: &Net| if net.descends() { -net.entry() } else { net.entry() };
            a.descends().cmp(&b.descends()).then(order(a).total_cmp(&order(b)))
        });
        improve(&mut nets);
        let mut lanes = 0;
        let mut placed: Vec<(f64, f64, usize)> = Vec::new();
        for net in nets {
            let (top, bottom) = (net.top() - BEND, net.bottom() + BEND);
            let meets = placed.iter().filter(|(a, b, _)| top < *b && *a < bottom);
            net.lane = meets.map(|(_, _, lane)| lane + 1).fold(0, Ord::max);
            lanes = Ord::max(lanes, net.lane + 1);
            placed.push((top, bottom, net.lane));
        }
        lanes
    }
}

impl Net {
    fn heights(&self) -> impl Iterator<Item = f64> {
        self.from_left.iter().chain(&self.from_right).copied()
    }

    fn top(&self) -> f64 {
        self.heights().fold(f64::INFINITY, f64::min)
    }

    fn bottom(&self) -> f64 {
        self.heights().fold(f64::NEG_INFINITY, f64::max)
    }

    fn entry(&self) -> f64 {
        let count = Ord::max(self.from_left.len(), 1);
        self.from_left.iter().sum::<f64>() / count as f64
    }

    fn descends(&self) -> bool {
        let count = Ord::max(self.from_right.len(), 1);
        self.from_right.iter().sum::<f64>() / count as f64 > self.entry()
    }

    /// How much two nets are in each other's way if this one's upright is left of the other's.
    fn cost_before(&self, other: &Self) -> usize {
        let crosses = |heights: &[f64], over: &Self| {
            let (top, bottom) = (over.top(), over.bottom());
            heights.iter().filter(|y| top <= **y && **y <= bottom).count()
        };
        // Two level parts at one height would look like one line.
        let merges = self
            .from_right
            .iter()
            .filter(|y| other.from_left.iter().any(|other| (*y - other).abs() < 3.0))
            .count();
        crosses(&self.from_right, other) + crosses(&other.from_left, self) + merges * 4
    }
}

/// Swaps neighbours as long as that helps, a bounded number of times.
fn improve(nets: &mut [&mut Net]) {
    for _ in 0..Ord::min(nets.len(), 60) {
        let mut swapped = false;
        for position in 1..nets.len() {
            if let Some([a, b]) = nets.get_mut(position - 1..=position)
                && b.cost_before(a) < a.cost_before(b)
            {
                std::mem::swap(a, b);
                swapped = true;
            }
        }
        if !swapped {
            return;
        }
    }
}
