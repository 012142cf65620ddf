//! What is deleted.

use crate::bed::Rows;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Workload {
    W1,
    W2,
    W3,
    W4,
    W8,
}

impl Workload {
    pub(crate) const ALL: [Self; 5] = [Self::W1, Self::W2, Self::W3, Self::W4, Self::W8];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::W1 => "W1",
            Self::W2 => "W2",
            Self::W3 => "W3",
            Self::W4 => "W4",
            Self::W8 => "W8",
        }
    }

    /// Whether users go one by one.
    pub(crate) const fn one_at_a_time(self) -> bool {
        matches!(self, Self::W1 | Self::W4)
    }

    /// How many rows; a quick run has a tenth.
    pub(crate) fn rows(self, quick: bool) -> Rows {
        let of = |count: usize| if quick { count / 10 } else { count };
        let rows = |roots, staying, posts, comments| Rows {
            roots,
            staying,
            posts,
            comments,
        };
        match self {
            Self::W1 => rows(1, 1, of(10_000), 0),
            Self::W2 => rows(of(1_000), of(100), 100, 0),
            Self::W3 => rows(of(200), of(20), 50, 10),
            Self::W4 => rows(of(1_000), 100, 3, 0),
            Self::W8 => rows(of(1_000), of(100), 100, 1),
        }
    }
}
