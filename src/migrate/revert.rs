//! [`Revert`]: how much of a change is taken back.

use serde::{Deserialize, Serialize};

/// How much of a [`RequiredForeignKey`](super::RequiredForeignKey) is taken back.
///
/// A column that the primary key or another foreign key needs stays, and stays required, whatever is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Revert {
    /// Values are no longer required; the columns, the key and the index stay.
    Soft,
    /// The key goes, and values are no longer required; the columns with their values and the index stay.
    KeepData,
    /// The key, the columns with all their values, and the indexes on them go.
    Full,
}
