//! A schema as a picture, and in the formats other tools draw from.
//!
//! Start at [`svg`] for a picture to look at, at [`mermaid`] for one inside Markdown, at [`dot`] for Graphviz and at [`json`] for
//! programs, at [`tree`] for a terminal; [`around`] picks the part of a large schema that is near one table.
//!
//! A foreign key's line says three things. Its colour and its word say what happens on delete. Solid, dashed or dotted says who
//! enforces it: the database, the application, or the application later. Its ends say how many rows: a crow's foot for many, a bar for
//! at most one; an arrow at the referenced table, with a circle where the key may be NULL.
//!
//! # Invariants
//!
//! - No I/O, and the same schema gives the same bytes.
//! - Every schema can be drawn, however odd: names are escaped, a table that keys reference and the schema does not have is drawn as
//!   missing.
//! - The layout library does not appear in any signature.

mod diagram;
mod dot;
mod layout;
mod mermaid;
mod near;
mod picture;
mod route;
mod style;
mod svg;
mod text;
mod tree;

pub use dot::dot;
pub use mermaid::mermaid;
pub use near::around;
pub use svg::svg;
pub use tree::tree;

pub(crate) use diagram::{Diagram, Line, Node, diagram};
pub(crate) use mermaid::quotable;
pub(crate) use text::{cells, clean, escaped, shortened};

use crate::schema::Schema;

/// The schema as JSON with line breaks, which `serde` reads back as the same [`Schema`].
///
/// ```
/// use sea_orm_cascade::{render, schema::Schema};
///
/// let schema = Schema::parse("backend sqlite\n\ntable users\n  id: integer, not null\n")?;
/// let json = render::json(&schema);
/// assert_eq!(serde_json::from_str::<Schema>(&json).ok(), Some(schema));
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
#[must_use]
pub fn json(schema: &Schema) -> String {
    // A schema has neither maps with odd keys nor values that refuse to be written, which is all that could fail.
    serde_json::to_string_pretty(schema).unwrap_or_default()
}
