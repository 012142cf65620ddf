//! The picture as SVG: self-contained, its text text.

mod arrange;
mod draw;
mod legend;

use super::picture::picture;
use crate::schema::Schema;

/// The schema as an SVG picture: tables with their columns, foreign keys as lines between them, and a legend.
///
/// It needs no fonts, scripts or styles of others, its text can be selected, and hovering over a line tells all about the key. Referenced
/// tables stand left of those that reference them; tables without keys stand below.
///
/// ```
/// use sea_orm_cascade::{render, schema::Schema};
///
/// let schema = Schema::parse("
/// backend sqlite
/// table users
///   id: integer, not null
///   primary key (id)
/// table posts
///   id: integer, not null
///   user_id: integer, not null
///   primary key (id)
///   foreign key (user_id) references users (id), on delete cascade
/// ")?;
/// let picture = render::svg(&schema);
/// assert!(picture.contains("<title>posts (user_id) references users (id), on delete cascade"));
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
#[must_use]
pub fn svg(schema: &Schema) -> String {
    let picture = picture(schema);
    let arranged = arrange::arrange(&picture);
    draw::drawing(schema, &picture, &arranged)
}
