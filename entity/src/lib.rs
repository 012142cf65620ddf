//! The tutorial's entities: [users](user), who have many [posts](post).
//!
//! A post belongs to one user and goes with it (`ON DELETE CASCADE`). [`entities`] registers both.

pub mod post;
pub mod user;

use sea_orm_cascade::Entities;

/// Both entities, for [`Store::connect`](sea_orm_cascade::Store::connect).
#[must_use]
pub fn entities() -> Entities {
    Entities::new().with(user::Entity).with(post::Entity)
}
