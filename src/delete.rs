//! Deleting rows: what goes with them, what blocks, and then exactly that.
//!
//! 1. [`Relations`]: which keys there are, what each does on delete, and which of them the database enforces.
//! 2. [`plan()`]: from relations and [`Roots`] to a [`Plan`]. Pure.
//! 3. [`Plan::preview`]: how many rows, and all that blocks. Reads.
//! 4. [`Plan::execute`]: does it, and returns a [`DeleteReport`].
//!
//! # What is deleted
//!
//! The roots, and every row that references a deleted row through a key that cascades; a key with any NULL references nothing. What happens to
//! other rows that reference deleted ones is their key's [action](crate::Action). None of this depends on the engine, nor on the order in which
//! constraints were made.
//!
//! # Invariants
//!
//! - All or nothing: one transaction, or one statement.
//! - The number of statements depends on the schema, not on the rows. (Two exceptions: tables with hooks go in batches, and rows that
//!   reference each other through required keys the engine checks at once go level by level.)
//! - No row leaves the database unless a hook wants it.
//! - Equal relations give equal plans.

mod batches;
mod conditions;
mod counts;
mod execute;
mod guard;
mod hooks;
mod on;
mod options;
mod plan;
mod preview;
mod relations;
mod report;
mod roots;
mod saved;
mod sets;
mod shape;
mod show;
mod stages;

use sea_orm::sea_query::{IntoTableRef, TableRef};

pub use hooks::{Batch, Cause, DeleteHook};
pub use on::On;
pub use options::{Check, Counting, DeleteOptions, Enforce};
pub use plan::{Plan, plan};
pub use preview::Preview;
pub use relations::Relations;
pub use report::{DeleteReport, KeyReport, TableReport};
pub use roots::{RawCondition, Roots};
pub use saved::load;

pub(crate) use guard::{Guards, Parent};
pub(crate) use hooks::{Calls, Hooks};
pub(crate) use on::Called;

use crate::name::TableName;

pub(crate) fn table_ref(table: &TableName) -> TableRef {
    match table.schema() {
        Some(schema) => (schema.to_owned(), table.name().to_owned()).into_table_ref(),
        None => table.name().to_owned().into_table_ref(),
    }
}
