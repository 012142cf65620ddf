//! What was measured, and what it comes to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How long one contender took, round by round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) engine: String,
    pub(crate) workload: String,
    /// `c`, `n`, `r` or `z`.
    pub(crate) constraints: String,
    pub(crate) contender: String,
    pub(crate) milliseconds: Vec<f64>,
    /// How many statements it sent, where that is known; BEGIN and COMMIT are none.
    pub(crate) statements: Option<u64>,
}

/// A delete of many rows under one user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Growth {
    pub(crate) engine: String,
    pub(crate) constraints: String,
    pub(crate) posts: usize,
    pub(crate) milliseconds: f64,
    /// Peak memory of the client, before the delete and after it.
    pub(crate) idle_kib: u64,
    pub(crate) peak_kib: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) versions: BTreeMap<String, String>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) growth: Vec<Growth>,
}

pub(crate) fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = numbers.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Entry {
    pub(crate) fn median(&self) -> f64 {
        median(self.milliseconds.iter().copied())
    }

    /// The median of the ratios of each round: what disturbs a round disturbs both.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        if self.milliseconds.len() != other.milliseconds.len() {
            return self.median() / other.median();
        }
        median(
            self.milliseconds
                .iter()
                .zip(&other.milliseconds)
                .map(|(own, other)| own / other),
        )
    }
}

impl Results {
    pub(crate) fn of(&self, engine: &str, workload: &str) -> Vec<&Entry> {
        let entries = self.entries.iter();
        let own = entries.filter(|entry| entry.engine == engine && entry.workload == workload);
        own.collect()
    }

    pub(crate) fn find(&self, engine: &str, workload: &str, constraints: &str, contender: &str) -> Option<&Entry> {
        self.of(engine, workload)
            .into_iter()
            .find(|entry| entry.constraints == constraints && entry.contender == contender)
    }

    /// The faster of what an expert would write.
    pub(crate) fn expert(&self, entry: &Entry) -> Option<&Entry> {
        let known = self.of(&entry.engine, &entry.workload);
        known
            .into_iter()
            .filter(|other| other.constraints == entry.constraints)
            .filter(|other| ["at-once", "child-first", "query"].contains(&other.contender.as_str()))
            .min_by(|a, b| a.median().total_cmp(&b.median()))
    }
}
