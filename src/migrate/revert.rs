//! [`Revert`]: how far back.

use serde::{Deserialize, Serialize};

/// How far a change is taken back. What the ledger does not know of, because it was not made here or has been taken back, was there before:
/// [`Full`](Self::Full) and [`KeepData`](Self::KeepData) leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Revert {
    /// Stop requiring: the columns may be empty again. The key, the index and every value stay.
    Soft,
    /// As [`Full`](Self::Full), but the columns and their values stay, and may be empty.
    KeepData,
    /// Remove the key, the index and the columns, as far as they were not there before; of those that were, only what was changed is
    /// taken back. Which owner a row had is lost with the columns.
    Full,
}
