//! A cascade-aware data layer for [SeaORM](sea_orm).
//!
//! Declare relations once, on the entities. From them come the schema with its foreign keys *and the index each key needs*, typed
//! [repositories](Repository) that follow relations without a query per row, deletes that say what went with a row,
//! [transactions](Store::transaction) that are run again when the database asks for it, and [errors](Error) that name the relation and
//! the key, on PostgreSQL, MySQL, MariaDB and SQLite alike.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), sea_orm_cascade::Error> {
//! use entity::{post, user};
//! use sea_orm_cascade::{Repository, RepositoryExt, Store};
//!
//! let store = Store::connect("sqlite::memory:", entity::entities()).await?;
//! store.create_all().await?;
//! let users = store.repository::<user::Entity>();
//! let posts = store.repository::<post::Entity>();
//!
//! let ann = users.insert(user::new("ann@example.com", "$argon2id$…")).await?;
//! posts.insert_many((1..=3).map(|n| post::new(ann.id, format!("post {n}"), "…"))).await?;
//!
//! assert_eq!(users.related::<post::Entity>(ann.id).await?.len(), 3);
//! println!("{}", users.delete(ann.id).await?);
//! # Ok(())
//! # }
//! ```
//!
//! # A tour
//!
//! | | |
//! |---|---|
//! | [`Store`] | a database, or one transaction of it, with its entities |
//! | [`Repository`], [`RepositoryExt`], [`EntityRepository`] | one entity's rows: the trait, its conveniences, the implementation |
//! | [`Query`], [`Page`], [`Cursor`] | which rows, in which order, page by page |
//! | [`Entities`], [`schema`] | what the entities declare |
//! | [`introspect`] | what the database has |
//! | [`ddl`], [`diff`] | the statements that make a schema; what makes one into another |
//! | [`overlay`] | what `cascade.toml` adds to either |
//! | [`orphans`] | rows whose reference dangles, and their repair |
//! | [`render`] | pictures of a schema |
//! | [`lint`] | what is wrong with it |
//! | [`migrate`] | a table in use, changed without a stall; a migration, generated |
//! | [`delete`] | what a delete would do, what blocks it, and then exactly that |
//! | [`Error`], [`ErrorKind`], [`error`] | what went wrong, the same on every backend |
//! | [`Connection`] | SeaORM's `ConnectionTrait`, for any query of its own |
//!
//! The entities of the examples are the `entity` crate of this project's workspace: users, who have many posts.
//!
//! # Features
//!
//! | feature | what it adds | default |
//! |---|---|---|
//! | `sqlite` | SQLite, bundled | yes |
//! | `postgres` | PostgreSQL | no |
//! | `mysql` | MySQL and MariaDB | no |
//!
//! Every item is there under every feature; a URL whose feature is off is refused and says which feature it needs.
//!
//! For TLS, enable one of SeaORM's runtimes in your own `Cargo.toml`, for example
//! `sea-orm = { version = "2", default-features = false, features = ["runtime-tokio-rustls"] }`.
//!
//! # What is logged
//!
//! Through [`tracing`]: a DEBUG span `operation` with `operation`, `backend` and `table` for everything a repository or a store does, and in
//! it one event with `rows`, `attempts` and `milliseconds`; each statement's text, with placeholders, at TRACE under the target
//! `sea_orm_cascade::statement`. Bound values, keys and URLs are never logged.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(any(feature = "postgres", feature = "mysql", feature = "sqlite")))]
compile_error!(
    "sea-orm-cascade needs a database: enable at least one of its features `sqlite`, `postgres` and `mysql`"
);

pub mod backend;
mod connection;
mod create;
pub mod ddl;
pub mod delete;
pub mod diff;
mod drift;
pub mod error;
mod graph;
pub mod introspect;
mod lex;
pub mod lint;
pub mod migrate;
pub mod name;
mod observe;
pub mod orphans;
pub mod overlay;
mod registry;
pub mod render;
pub mod repository;
pub mod schema;
mod sql;
mod store;

pub use backend::Backend;
pub use connection::{Access, Connection, RetryPolicy, SqliteJournal, StoreOptions, TransactionOptions};
pub use delete::DeleteReport;
pub use error::{Direction, Error, ErrorKind, Result};
pub use repository::{Cursor, EntityRepository, Page, Query, Repository, RepositoryExt};
pub use schema::{Action, Entities};
pub use store::Store;

/// The guide's chapters; their examples are run with the documentation's.
#[cfg(all(doctest, feature = "sqlite"))]
mod guide {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../docs/errors.md")]
    mod errors {}
    #[doc = include_str!("../docs/transactions.md")]
    mod transactions {}
    #[doc = include_str!("../docs/pictures.md")]
    mod pictures {}
    #[doc = include_str!("../docs/repositories.md")]
    mod repositories {}
    #[doc = include_str!("../docs/schema.md")]
    mod schema {}
    #[doc = include_str!("../docs/migrations.md")]
    mod migrations {}
    #[doc = include_str!("../docs/deletes.md")]
    mod deletes {}
    #[doc = include_str!("../docs/overlay.md")]
    mod overlay {}
    #[doc = include_str!("../docs/orphans.md")]
    mod orphans {}
    #[doc = include_str!("../docs/lint.md")]
    mod lint {}
    #[doc = include_str!("../docs/hooks.md")]
    mod hooks {}
    #[doc = include_str!("../docs/races.md")]
    mod races {}
    #[doc = include_str!("../docs/engines.md")]
    mod engines {}
    #[doc = include_str!("../docs/required-keys.md")]
    mod required_keys {}
}
