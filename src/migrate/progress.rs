//! What is told of a change while it is under way.

use std::time::Duration;

use serde::Serialize;

use super::step::StepKind;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Another process is making the same change; this one waits for it.
    WaitingForOther,
    /// A step begins.
    Begins {
        /// Which.
        step: StepKind,
    },
    /// A lock was not granted in time; the step is tried again after a pause.
    Waits {
        /// Which.
        step: StepKind,
        /// How often it was tried.
        attempt: u32,
        /// Who may be in the way, as far as the server tells: process or thread, user, program and since when. No statement's text.
        blockers: Vec<String>,
        /// How long the pause is.
        pause: Duration,
    },
    /// Some rows were filled, or on the way back cleared, and that was committed.
    Filled {
        /// Rows filled or cleared so far by this run.
        rows: u64,
        /// Rows there are to look at, as the catalog estimates.
        of: Option<u64>,
    },
    /// A step is done.
    Ends {
        /// Which.
        step: StepKind,
        /// How long it took.
        took: Duration,
    },
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Stop here, between steps or batches: what is committed stays, and running it again goes on from there.
    Stop,
}
