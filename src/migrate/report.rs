//! [`ChangeReport`]: what a run did.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::step::StepKind;
use crate::name::Relation;

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ChangeReport {
    /// The key.
    pub relation: Relation,
    /// The steps of this run, in order.
    pub steps: Vec<StepReport>,
    /// Rows that were given a value by this run.
    pub filled: u64,
    /// The step it was stopped before, or within the filling of rows, if [`Control::Stop`](super::Control::Stop) was asked for.
    pub stopped: Option<StepKind>,
}

/// One step of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepReport {
    /// What it did.
    pub kind: StepKind,
    /// How long it took, waiting included.
    pub took: Duration,
    /// How often it was tried.
    pub attempts: u32,
}

impl ChangeReport {
    pub(super) const fn new(relation: Relation) -> Self {
        Self {
            relation,
            steps: Vec::new(),
            filled: 0,
            stopped: None,
        }
    }
}

impl fmt::Display for ChangeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = &self.relation;
        for step in &self.steps {
            write!(f, "{:>9.3} s  {}", step.took.as_secs_f64(), step.kind)?;
            if step.kind == StepKind::Backfill {
                write!(f, ": {}", self.filled)?;
            }
            if step.attempts > 1 {
                write!(f, ", at attempt {}", step.attempts)?;
            }
            writeln!(f)?;
        }
        match (self.stopped, self.steps.is_empty()) {
            (Some(step), _) => write!(
                f,
                "{relation}: stopped before the end of: {step}; run it again to go on"
            ),
            (None, true) => write!(f, "{relation}: nothing was left to do"),
            (None, false) => write!(f, "{relation}: done"),
        }
    }
}
