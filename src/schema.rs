//! The schema model: tables, columns, keys and the actions of foreign keys, whoever said so.
//!
//! Start at [`Schema`]. One comes from three sources: from the entities ([`Schema::from_entities`]), from a live catalog
//! (`introspect::schema`), or from either with an [overlay file. What creates, compares,
//! lints or draws a schema takes a [`Schema`] and does not care where it came from.
//!
//! [`Display`](std::fmt::Display) writes a schema as text that a person reads, and [`Schema::parse`] reads it back:
//!
//! ```
//! use sea_orm_cascade::schema::Schema;
//!
//! let text = "\
//! backend sqlite
//!
//! table posts
//!   id: integer, not null, auto increment
//!   user_id: integer, not null
//!   primary key (id)
//!   index (user_id), as idx-posts-user_id
//!   foreign key (user_id) references users (id), on delete cascade
//!
//! table users
//!   id: integer, not null, auto increment
//!   email: varchar, not null
//!   primary key (id)
//!   unique (email)
//! ";
//! let schema = Schema::parse(text)?;
//! assert_eq!(schema.foreign_keys().count(), 1);
//! assert_eq!(schema.to_string(), text);
//! # Ok::<(), sea_orm_cascade::Error>(())
//! ```
//!
//! # Invariants
//!
//! - No I/O.
//! - Stable order: tables, types and sequences by name, keys and indexes by their columns; columns as the table has them.
//! - A foreign key is the same key if table, columns, referenced table and referenced columns are; the rest are attributes.

mod data_type;
mod declaration;
mod entities;
mod foreign_key;
mod from_entities;
mod model;
mod normal;
mod table;
mod text;
mod visit;

pub use data_type::TypeKind;
pub use declaration::{Declaration, DeclarationKind};
pub(crate) use declaration::{declared_relations, table_name, usual_name};
pub use entities::Entities;
pub(crate) use entities::Registered;
pub use foreign_key::{Action, Deferrable, Enforcement, ForeignKey, Match};
pub(crate) use from_entities::{add_column, add_index, default_text, type_text, within_limit};
pub use model::{LeftOut, LeftOutKind, NamedType, NamedTypeKind, Schema, Sequence};
pub(crate) use normal::data_type;
pub use table::{
    Check, Column, Generated, Identity, Index, IndexKey, IndexPart, PrimaryKey, Storage, Table, TableOptions, UniqueKey,
};
