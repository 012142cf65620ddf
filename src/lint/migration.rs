//! Migrations, looked at before they run: who waits for them, what fails on a table with rows, and what is lost.
//!
//! Start at [`lint`], which looks at a [`Script`]: statements in their order, and which of them are in one transaction. [`source`] reads
//! one from a SeaORM migration. The rules are in the catalogue [`RULES`]; `docs/lint.md` says why and what to do.
//!
//! ```
//! use sea_orm_cascade::Backend;
//! use sea_orm_cascade::lint::migration::{self, Script};
//! use sea_orm_cascade::overlay::LintSettings;
//!
//! let script = Script::sql(
//!     Backend::Postgres,
//!     "SET lock_timeout = '2s';
//!      ALTER TABLE posts ADD COLUMN user_id bigint;
//!      CREATE INDEX posts_by_user ON posts (user_id);",
//! );
//! let findings = migration::lint(&script, &LintSettings::default());
//! assert_eq!(findings[0].code, "L35");
//! assert_eq!(findings[0].fix.to_string(), "CREATE INDEX CONCURRENTLY posts_by_user ON posts (user_id);");
//! ```
//!
//! # Invariants
//!
//! - No I/O, and any text gives a result.
//! - What is not understood is taken for harmless, except where a reader says that it could not read it ([`source::Source::unread`]).
//! - A table that the script makes itself has no rows and no readers: nothing is found about it.
//!
//! # What is not to be reported
//!
//! A comment in a statement, before it, or behind it on its line: `-- cascade: ignore L36 the table is empty`. In Rust the comment is
//! `// cascade: ignore L36 …`. The settings know rules and tables, as for a schema.

mod act;
mod columns;
mod cut;
mod history;
mod keys;
mod locks;
mod loss;
mod read;
pub(super) mod rules;
mod script;
mod seen;
pub mod source;

use super::finding::Finding;
use super::rules::RULES;
use crate::overlay::LintSettings;
pub(super) use history::History;
pub(super) use seen::Seen;

pub use script::{Direction, Place, Script, Statement};

/// Looks at a script with every rule about migrations. The findings come errors first, then by code and place.
#[must_use]
pub fn lint(script: &Script<'_>, settings: &LintSettings) -> Vec<Finding> {
    let history = History::read(script);
    let findings = RULES.iter().flat_map(|rule| rule.in_migration(&history));
    super::settled(findings, settings)
}
