//! Rows whose reference dangles: finding them, and repairing them.
//!
//! Start at [`find`] and [`repair()`]. Both take a [`Schema`](crate::schema::Schema) and one of its keys, which need not be a constraint: a
//! key of an [overlay](crate::overlay) will do, and so will one that the database has and did not enforce.
//!
//! # What an orphan is
//!
//! A row of the referencing table that references no row. A composite key with any NULL references nothing and is no orphan (MATCH
//! SIMPLE); under MATCH FULL a key that is partly NULL is a violation too, and counted apart.
//!
//! # Invariants
//!
//! - Looking never writes, and never fails a transaction it runs in.
//! - A repair is one transaction, all or nothing, of a bounded number of statements.
//! - Values are bound, and no value of a key is logged.

mod find;
mod further;
mod owner;
mod page;
mod reason;
mod repair;
mod report;
mod sql;

pub use find::{Finding, Orphan, Orphans, Search, find, find_all};
pub use page::Cursor;
pub use reason::Reason;
pub use repair::{Mode, Repair, repair};
pub use report::{Effect, Further, RepairReport};
