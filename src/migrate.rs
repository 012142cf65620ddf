//! Changing a database that is in use: a foreign key on a table that has rows, and changes of a table that every engine can make.
//!
//! Start at [`RequiredForeignKey`], for what every engine can do to a table at [`Alteration`].
//!
//! # Invariants
//!
//! - The catalog is the truth: before each step it is asked whether that is done already. The ledger only remembers how far the filling
//!   of rows has come, and what MySQL cannot say of a key.
//! - Each step is a transaction of its own and leaves a database that works; what interrupts a run is completed by running it again.
//! - A row never gets an owner that nobody named.

mod alteration;
mod backfill;
mod batches;
mod blockers;
mod exclusive;
mod foreign_key;
mod generate;
mod ledger;
mod named_type;
mod placeholder;
mod plan;
mod progress;
mod proof;
pub(crate) mod rebuild;
mod remembered;
mod report;
mod revert;
mod run;
mod situation;
mod sqlite;
mod step;
mod steps;
mod target;
mod unfilled;
mod values;

pub use alteration::Alteration;
pub use backfill::{Backfill, Batch, RustBackfill};
pub use exclusive::Exclusive;
pub use foreign_key::{RequiredForeignKey, WritePath};
pub(crate) use generate::against;
pub use generate::{Generated, Hints, generate};
pub use named_type::needs_type;
pub use plan::{KeyPlan, PlannedStep};
pub use progress::{Control, Event};
pub use report::{ChangeReport, StepReport};
pub use revert::Revert;
pub use step::{Lock, Step, StepKind};
pub use target::Target;
