//! Reading hand-written SeaORM migrations: the SQL that a Rust source file sends, as far as it stands in it.
//!
//! Start at [`read`]. What is sent is followed from `up` and `down` through the functions of the same file: texts, `concat!`, `format!`
//! (what is not known stays in it as `{name}`), constants, and parameters that a text is passed for. Branches that name an engine are
//! read for that engine alone. Of SeaORM's builder, the common calls of `SchemaManager` are understood.
//!
//! A migration that goes through this crate's own staged operations (`RequiredForeignKey`, `Alteration`) sends nothing of its own there:
//! nothing is found about their locks and scans, but a column that an `Alteration` drops is one that is dropped.
//!
//! ```
//! use sea_orm_cascade::Backend;
//! use sea_orm_cascade::lint::migration::{self, Direction, source};
//! use sea_orm_cascade::overlay::LintSettings;
//!
//! let file = r#"
//!     impl MigrationTrait for Migration {
//!         async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
//!             manager.get_connection().execute_unprepared("ALTER TABLE posts DROP COLUMN title").await?;
//!             Ok(())
//!         }
//!     }
//! "#;
//! let script = source::read(file).script(Backend::Postgres, Direction::Up).in_file("m1.rs");
//! let findings = migration::lint(&script, &LintSettings::default());
//! let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
//! assert_eq!(codes, ["L36", "L40"]);
//! assert_eq!(findings[1].place.as_ref().map(ToString::to_string).as_deref(), Some("m1.rs:4"));
//! ```

mod builder;
mod functions;
mod rust;
mod text;
mod tree;
mod walk;

use super::script::{Direction, Script, Statement, What};
use crate::backend::Backend;
use walk::{Engines, Sent};

/// What a source file sends.
#[derive(Debug, Clone)]
pub struct Source {
    sent: Vec<Sent>,
    unread: Vec<Sent>,
    transaction: Option<bool>,
    is_migration: bool,
}

/// Something that is sent, and could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unread {
    /// The call that sends it.
    pub call: String,
    /// The line, from 1.
    pub line: usize,
}

/// Reads a source file. Any text gives something.
#[must_use]
pub fn read(text: &str) -> Source {
    let (tokens, comments) = rust::tokens(text);
    let functions = functions::functions(&tokens);
    let constants = functions::constants(&tokens);
    let (mut sent, mut unread) = (Vec::new(), Vec::new());
    for (name, direction) in [("up", Direction::Up), ("down", Direction::Down)] {
        let read = walk::from(name, direction, &functions, &constants, &comments);
        sent.extend(read.sent);
        unread.extend(read.unread);
    }
    Source {
        sent,
        unread,
        transaction: transaction(&functions),
        is_migration: functions.iter().any(|function| function.name == "up"),
    }
}

/// What `use_transaction` says; nothing if the migrator decides.
fn transaction(functions: &[functions::Function<'_>]) -> Option<bool> {
    let says = functions.iter().find(|function| function.name == "use_transaction")?;
    says.body.windows(3).find_map(|window| match window {
        [some, open, value] if some.is_word("Some") && open.is('(') => match value.word() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        },
        _ => None,
    })
}

impl Source {
    /// What it sends to this engine in this direction.
    ///
    /// It is one transaction if `use_transaction` says so, and on PostgreSQL also if it says nothing.
    #[must_use]
    pub fn script(&self, backend: Backend, direction: Direction) -> Script<'static> {
        let default = match backend {
            Backend::Postgres => true,
            Backend::MySql | Backend::Sqlite => false,
        };
        let in_one = self.transaction.unwrap_or(default);
        let mut script = Script::new(backend).direction(direction);
        for sent in chosen(&self.sent, backend, direction) {
            let what = sent.what.clone();
            script = script.statement(Statement {
                what,
                line: Some(sent.line),
                transaction: in_one.then_some(1),
                ignored: sent.ignored.clone(),
            });
        }
        script
    }

    /// What it sends besides and could not be read, in the order in which it is sent.
    #[must_use]
    pub fn unread(&self, backend: Backend, direction: Direction) -> Vec<Unread> {
        let unread = chosen(&self.unread, backend, direction).map(|sent| Unread {
            call: match &sent.what {
                What::Sql(call) => call.clone(),
                What::Built(_) => String::new(),
            },
            line: sent.line,
        });
        unread.collect()
    }

    /// Whether there is a function `up` in it.
    #[must_use]
    pub const fn is_migration(&self) -> bool {
        self.is_migration
    }
}

fn chosen(sent: &[Sent], backend: Backend, direction: Direction) -> impl Iterator<Item = &Sent> {
    sent.iter()
        .filter(move |sent| sent.direction == direction && sent.engines.contains(Engines::of(backend)))
}
