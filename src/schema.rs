//! What the entities declare: tables in SeaORM's own create statements, and the foreign keys between them.
//!
//! Start at [`Entities`], which a data layer fills once. A [`ForeignKey`] has the same shape whether it was declared on an entity or
//! read from a live catalog ([`introspect`](crate::introspect)).
//!
//! # Invariants
//!
//! - No I/O.
//! - Iteration follows registration or names, never a hash.

mod entities;
mod foreign_key;

pub use entities::Entities;
pub(crate) use entities::Registered;
pub use foreign_key::{Action, ForeignKey};
pub(crate) use foreign_key::{declared_relations, table_name};
