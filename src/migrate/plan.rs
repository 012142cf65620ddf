//! [`KeyPlan`]: the steps of a change, and which of them are done.

use std::fmt;

use serde::Serialize;

use super::step::Step;
use crate::backend::Backend;
use crate::name::Relation;

/// The steps of a change and how far it has come. [`Display`](fmt::Display) shows them for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyPlan {
    /// The engine.
    pub backend: Backend,
    /// The key.
    pub relation: Relation,
    /// The steps, in order.
    pub steps: Vec<PlannedStep>,
    /// The primary key up to which rows are filled, if filling was interrupted.
    pub filled_to: Option<Vec<String>>,
}

/// A step and whether it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlannedStep {
    /// The step.
    #[serde(flatten)]
    pub step: Step,
    /// Whether the catalog says that it is done.
    pub done: bool,
}

impl KeyPlan {
    /// Whether nothing is left to do.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.steps.iter().all(|step| step.done)
    }

    /// The first step that is not done.
    #[must_use]
    pub fn next(&self) -> Option<&Step> {
        self.steps.iter().find(|step| !step.done).map(|step| &step.step)
    }
}

impl fmt::Display for KeyPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = &self.relation;
        write!(f, "{relation} references {}", relation.referenced_table)?;
        for (place, PlannedStep { step, done }) in self.steps.iter().enumerate() {
            let mark = if *done { "done" } else { "    " };
            write!(f, "\n{mark} {:>2}. {}", place + 1, step.kind)?;
            if *done {
                continue;
            }
            if let Some(cursor) = self
                .filled_to
                .as_ref()
                .filter(|_| step.kind == super::StepKind::Backfill)
            {
                write!(f, ", behind {}", cursor.join(", "))?;
            }
            for statement in &step.statements {
                let lines: Vec<_> = statement.lines().map(str::trim).collect();
                write!(f, "\n           {}", lines.join(" "))?;
            }
            for lock in &step.locks {
                write!(f, "\n           lock on {}: {}", lock.table, lock.mode)?;
            }
            if let Some(table) = &step.scans {
                write!(f, "\n           reads every row of {table}")?;
            }
            write!(f, "\n           leaves {}", step.leaves)?;
        }
        Ok(())
    }
}
