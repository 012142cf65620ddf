//! The tutorial's entities: [users](user), who have many [posts](post).
//!
//! A post belongs to one user and goes with it (`ON DELETE CASCADE`). [`entities`] registers both, and [`schema`]
//! shows what they come to.

pub mod post;
pub mod user;

use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Backend, Entities, Result};

/// Both entities, for [`Store::connect`](sea_orm_cascade::Store::connect).
#[must_use]
pub fn entities() -> Entities {
    Entities::new().with(user::Entity).with(post::Entity)
}

/// The schema that both declare on an engine: tables, keys, and the index each foreign key needs.
///
/// # Errors
///
/// None with these entities: every engine has the types they use.
pub fn schema(backend: Backend) -> Result<Schema> {
    Schema::from_entities(backend, &entities())
}
