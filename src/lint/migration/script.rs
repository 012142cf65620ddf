//! [`Script`]: statements in the order in which a migration sends them.

use std::fmt;

use serde::Serialize;

use super::act::Act;
use super::cut;
use crate::backend::Backend;
use crate::schema::Schema;

/// What a migration does to a database: statements, in their order.
#[derive(Debug, Clone)]
pub struct Script<'a> {
    pub(super) backend: Backend,
    pub(super) statements: Vec<Statement>,
    pub(super) earlier: Vec<Statement>,
    pub(super) file: Option<String>,
    pub(super) schema: Option<&'a Schema>,
    pub(super) direction: Direction,
}

/// Whether a migration is applied or rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// It is applied.
    Up,
    /// It is rolled back, which destroys by its nature: L40 says nothing.
    Down,
}

/// A statement, or several in one text, which PostgreSQL then runs in one transaction.
#[derive(Debug, Clone)]
pub struct Statement {
    pub(super) what: What,
    pub(super) line: Option<usize>,
    pub(super) transaction: Option<u32>,
    pub(super) ignored: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Sql(String),
    /// Something that is not sent as text of the migration's own: a call of SeaORM's builder.
    Built(Vec<Act>),
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Place {
    /// The file, as it was named; nothing if the text came from somewhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{file}:{}", self.line),
            None => write!(f, "line {}", self.line),
        }
    }
}

impl<'a> Script<'a> {
    /// A script without statements.
    #[must_use]
    pub const fn new(backend: Backend) -> Self {
        Self {
            backend,
            statements: Vec::new(),
            earlier: Vec::new(),
            file: None,
            schema: None,
            direction: Direction::Up,
        }
    }

    /// The statements of a text, which are sent one by one: what is between `BEGIN` and `COMMIT` is one transaction, and everything else
    /// none.
    #[must_use]
    pub fn sql(backend: Backend, text: &str) -> Self {
        let mut script = Self::new(backend);
        for piece in cut::statements(backend, text) {
            script.statements.push(Statement {
                what: What::Sql(piece.sql.to_owned()),
                line: Some(piece.lines_before + 1),
                transaction: None,
                ignored: piece.ignored,
            });
        }
        script
    }

    /// Adds a statement.
    #[must_use]
    pub fn statement(mut self, statement: Statement) -> Self {
        self.statements.push(statement);
        self
    }

    /// Names the file it stands in. A finding's identity has its name, without directories and ending.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// The schema of the database it will run on. Tables that are not in it have no rows. Without it, every table counts as one with
    /// rows that the script does not make itself.
    #[must_use]
    pub const fn on(mut self, schema: &'a Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// What runs before it, in migrations of their own. It is read and not judged: a constraint that an earlier migration has validated is
    /// one that this one may rely on.
    #[must_use]
    pub fn after(mut self, earlier: &Script<'_>) -> Self {
        self.earlier.extend(earlier.statements.iter().cloned());
        self
    }

    /// The same with the statements of another one behind its own.
    #[must_use]
    pub fn then(mut self, next: &Script<'_>) -> Self {
        self.statements.extend(next.statements.iter().cloned());
        self
    }

    /// Whether it applies something or rolls it back.
    #[must_use]
    pub const fn direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Whether it has no statements.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// The file's name, without directories and ending.
    pub(super) fn name(&self) -> Option<&str> {
        let name = self.file.as_deref()?.rsplit(['/', '\\']).next()?;
        Some(name.split_once('.').map_or(name, |(name, _)| name))
    }

    pub(super) fn place(&self, line: Option<usize>) -> Option<Place> {
        line.map(|line| Place {
            file: self.file.clone(),
            line,
        })
    }
}

impl Statement {
    /// A statement that is sent by itself, in no transaction.
    pub fn new(sql: impl Into<String>) -> Self {
        Self {
            what: What::Sql(sql.into()),
            line: None,
            transaction: None,
            ignored: Vec::new(),
        }
    }

    /// The line it begins on, from 1.
    #[must_use]
    pub const fn at_line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// The transaction it runs in: any number that the other statements of that transaction have too.
    #[must_use]
    pub const fn in_transaction(mut self, transaction: u32) -> Self {
        self.transaction = Some(transaction);
        self
    }

    /// Leaves it out of what the rule of this code finds.
    #[must_use]
    pub fn ignore(mut self, code: impl Into<String>) -> Self {
        self.ignored.push(code.into());
        self
    }
}
