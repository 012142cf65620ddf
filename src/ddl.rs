//! Data definition: the statements that make a schema, and the one place where names are quoted.
//!
//! Start at [`create`]. What changes a schema that is there is in `diff/statements`, and is put together from these parts.
//!
//! # Invariants
//!
//! - No I/O; the same schema gives the same statements.
//! - Only what a database enforces becomes a constraint: a key that the application enforces is not in any statement.

mod create;
mod parts;
mod quote;

pub use create::create;
pub(crate) use create::{
    add_foreign_key, create_sequence, create_table, create_type, creation, is_constraint, literal, qualified,
};
pub(crate) use parts::{
    check, column, foreign_key, index_statement, is_literal, mysql_index, own_checks, primary_key, sqlite_can_add,
    unique_key,
};
pub(crate) use quote::{column_list, identifier, table_name};
