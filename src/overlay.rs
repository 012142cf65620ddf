//! The overlay file, `cascade.toml`: what the database does not say of itself, and how to lint it.
//!
//! ```toml
//! [[foreign_key]]
//! table = "posts"
//! columns = ["user_id"]
//! references = { table = "users", columns = ["id"] }   # without columns: its primary key
//! on_delete = "cascade"        # cascade, set_null, set_default, restrict, no_action, protect, do_nothing
//! enforced_by = "application"  # application, database, loose
//!
//! [lint]
//! levels = { L04 = "off" }
//! ```
//!
//! Start at [`Overlay::parse`] and [`Overlay::apply`]. An error names every problem of the file with its line and a way out.
//!
//! # Invariants
//!
//! - No I/O.
//! - A schema is changed as a whole or, after an error, not at all.

mod apply;
mod problems;
mod read;
mod settings;

pub use settings::{Ignore, LintSettings, Severity};

use crate::error::Result;
use crate::name::TableName;
use crate::schema::Schema;
use read::File;

/// What an overlay file says.
///
/// ```
/// use sea_orm_cascade::overlay::Overlay;
/// use sea_orm_cascade::schema::Schema;
///
/// let mut schema = Schema::parse("\
/// backend sqlite
///
/// table posts
///   id: integer, not null
///   user_id: integer, not null
///   primary key (id)
///
/// table users
///   id: integer, not null
///   primary key (id)
/// ")?;
/// let overlay = Overlay::parse(r#"
///     [[foreign_key]]
///     table = "posts"
///     columns = ["user_id"]
///     references = { table = "users" }
///     on_delete = "cascade"
/// "#)?;
/// overlay.apply(&mut schema)?;
///
/// let keys: Vec<_> = schema.foreign_keys().map(ToString::to_string).collect();
/// assert_eq!(keys, ["foreign key (user_id) references users (id), on delete cascade, by application"]);
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    file: File,
}

impl Overlay {
    /// Reads a file's text.
    ///
    /// # Errors
    ///
    /// Invalid input that names every problem with its line: a text that is not TOML, a field or a word that is not known, a field that is
    /// missing, a combination that cannot be.
    pub fn parse(text: &str) -> Result<Self> {
        let file = read::read(text)?;
        apply::check(&file.entries)?;
        Ok(Self { file })
    }

    /// Adds the keys the schema does not have, and gives those it has the file's actions and enforcement.
    ///
    /// A key is the same if the same columns of the same table reference the same columns. What the file leaves out stays as the schema
    /// says; for a key the schema does not have it is *no action*. `enforced_by` may be left out: a key is enforced by the database if
    /// the schema has it with the very actions the file names, and otherwise by the application.
    ///
    /// # Errors
    ///
    /// Invalid input that names every problem with its line: a table or a column the schema does not have, in a key or in what the linter is
    /// to ignore, a key said to be enforced by
    /// the database that the schema does not have, *set null* over a column that cannot be NULL, two entries for one key. The schema
    /// is then as it was.
    pub fn apply(&self, schema: &mut Schema) -> Result<()> {
        apply::apply(&self.file, schema)
    }

    /// Whether a key of the table has a guard; of a table that is called so in any schema.
    pub(crate) fn guards(&self, table: &TableName) -> bool {
        let of_table = |entry: &&read::Entry| entry.table.value.name() == table.name();
        self.file
            .entries
            .iter()
            .filter(of_table)
            .any(|entry| entry.guard.is_some())
    }

    /// How to lint.
    #[must_use]
    pub const fn lint(&self) -> &LintSettings {
        &self.file.lint
    }
}
