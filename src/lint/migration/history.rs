//! [`History`]: what a script does, act by act, and what is known at each of them.

use super::act::Act;
use super::cut::statements;
use super::read::acts;
use super::script::{Place, Script, Statement, What};
use crate::backend::Backend;
use crate::name::{ColumnName, TableName};
use crate::schema::{Schema, Table};

/// A script, read.
pub(in crate::lint) struct History<'a> {
    pub(super) script: &'a Script<'a>,
    pub(super) backend: Backend,
    pub(super) events: Vec<Event>,
    sources: Vec<Source>,
}

/// One act, where it comes.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) act: Act,
    /// The statement it is of.
    pub(super) source: usize,
    pub(super) transaction: Option<Transaction>,
    /// Whether its table was there before the script, and may have rows and readers.
    pub(super) existing: bool,
    /// Whether it is of the script, and not of what ran before.
    pub(super) judged: bool,
}

/// A transaction of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Transaction {
    /// As whoever made the script numbered it.
    Given(u32),
    /// One that the statements begin.
    Begun(usize),
}

/// A statement, as far as a report needs it.
struct Source {
    line: Option<usize>,
    ignored: Vec<String>,
    sql: Option<String>,
}

impl<'a> History<'a> {
    pub(in crate::lint) fn read(script: &'a Script<'a>) -> Self {
        let mut history = Self {
            script,
            backend: script.backend,
            events: Vec::new(),
            sources: Vec::new(),
        };
        for (statements, judged) in [(&script.earlier, false), (&script.statements, true)] {
            let mut tables = Tables::new(script.backend, script.schema);
            let mut begun = Begun::default();
            for statement in statements {
                for (source, acts) in split(script.backend, statement, &mut begun) {
                    history.add(source, acts, judged, &mut tables);
                }
            }
        }
        history
    }

    fn add(&mut self, source: Source, acts: Vec<(Act, Option<Transaction>)>, judged: bool, tables: &mut Tables<'_>) {
        let position = self.sources.len();
        self.sources.push(source);
        for (act, transaction) in acts {
            let existing = act.table().is_none_or(|table| tables.existing(table));
            tables.follow(&act);
            self.events.push(Event {
                act,
                source: position,
                transaction,
                existing,
                judged,
            });
        }
    }

    /// What the script does, without what ran before.
    pub(super) fn judged(&self) -> impl DoubleEndedIterator<Item = (usize, &Event)> {
        self.events.iter().enumerate().filter(|(_, event)| event.judged)
    }

    /// What the script does to tables that were there before it.
    pub(super) fn to_existing(&self) -> impl DoubleEndedIterator<Item = (usize, &Event)> {
        self.judged().filter(|(_, event)| event.existing)
    }

    /// Everything that was done before this event, in earlier migrations too.
    pub(super) fn before(&self, position: usize) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.iter().take(position)
    }

    /// What is done after it.
    pub(super) fn after(&self, position: usize) -> impl Iterator<Item = &Event> {
        self.events.iter().skip(position.saturating_add(1))
    }

    pub(super) fn same(&self, one: &TableName, other: &TableName) -> bool {
        same(self.backend, one, other)
    }

    pub(super) fn same_column(&self, one: &ColumnName, other: &ColumnName) -> bool {
        same_name(self.backend, one.as_str(), other.as_str())
    }

    /// The table as the database has it, if that is known.
    pub(super) fn known(&self, table: &TableName) -> Option<&'a Table> {
        let tables = &self.script.schema?.tables;
        tables.iter().find(|known| self.same(&known.name, table))
    }

    /// The statement's text, if it has one.
    pub(super) fn sql(&self, source: usize) -> Option<&str> {
        self.sources.get(source)?.sql.as_deref()
    }

    pub(in crate::lint) fn place(&self, source: usize) -> Option<Place> {
        self.script.place(self.sources.get(source)?.line)
    }

    /// Whether a comment asks that the rule leaves the statement alone.
    pub(in crate::lint) fn ignores(&self, source: usize, code: &str) -> bool {
        let ignored = self.sources.get(source).map(|source| &source.ignored);
        ignored.is_some_and(|codes| codes.iter().any(|ignored| ignored == code))
    }

    pub(in crate::lint) fn name(&self) -> Option<&str> {
        self.script.name()
    }
}

/// The transactions that statements begin.
#[derive(Default)]
struct Begun {
    open: Option<Transaction>,
    count: usize,
}

impl Begun {
    fn begin(&mut self) -> Transaction {
        self.count += 1;
        Transaction::Begun(self.count)
    }
}

type Acts = Vec<(Act, Option<Transaction>)>;

/// The statements of a text, and what each does in which transaction.
fn split(backend: Backend, statement: &Statement, begun: &mut Begun) -> Vec<(Source, Acts)> {
    let given = statement.transaction.map(Transaction::Given);
    let source = |lines: usize, ignored: Vec<String>, sql: Option<&str>| Source {
        line: statement.line.map(|line| line + lines),
        ignored: [statement.ignored.clone(), ignored].concat(),
        sql: sql.map(str::to_owned),
    };
    let text = match &statement.what {
        What::Built(acts) => {
            let transaction = given.or(begun.open);
            let acts = acts.iter().map(|act| (act.clone(), transaction)).collect();
            return vec![(source(0, Vec::new(), None), acts)];
        }
        What::Sql(text) => text,
    };
    let read: Vec<_> = statements(backend, text)
        .into_iter()
        .map(|piece| (acts(backend, &piece.tokens), piece))
        .collect();
    let together = match backend {
        // PostgreSQL, "Multiple Statements in a Simple Query": they are one transaction.
        Backend::Postgres => read.len() > 1 && !read.iter().any(|(acts, _)| acts.contains(&Act::Begin)),
        Backend::MySql | Backend::Sqlite => false,
    };
    let implicit = (together && given.is_none() && begun.open.is_none()).then(|| begun.begin());
    let mut split = Vec::new();
    for (acts, piece) in read {
        if acts.contains(&Act::Begin) && begun.open.is_none() {
            begun.open = Some(begun.begin());
        }
        let transaction = given.or(begun.open).or(implicit);
        if acts.contains(&Act::End) {
            begun.open = None;
        }
        let acts = acts.into_iter().map(|act| (act, transaction)).collect();
        split.push((source(piece.lines_before, piece.ignored, Some(piece.sql)), acts));
    }
    split
}

/// Which tables were there before the script.
struct Tables<'a> {
    backend: Backend,
    schema: Option<&'a Schema>,
    /// Those that the script has made.
    made: Vec<TableName>,
    /// The new names of those that were there.
    renamed: Vec<TableName>,
}

impl<'a> Tables<'a> {
    const fn new(backend: Backend, schema: Option<&'a Schema>) -> Self {
        Self {
            backend,
            schema,
            made: Vec::new(),
            renamed: Vec::new(),
        }
    }

    fn existing(&self, table: &TableName) -> bool {
        let is = |other: &TableName| same(self.backend, table, other);
        if self.made.iter().any(is) {
            return false;
        }
        match self.schema {
            Some(schema) => schema.tables.iter().any(|known| is(&known.name)) || self.renamed.iter().any(is),
            None => true,
        }
    }

    fn follow(&mut self, act: &Act) {
        let backend = self.backend;
        match act {
            Act::CreateTable { table, perhaps } => {
                let is_there = self.schema.is_some() && self.existing(table);
                if !(*perhaps && is_there) {
                    self.made.push(table.clone());
                }
            }
            Act::DropTable { table } => self.made.retain(|made| !same(backend, made, table)),
            Act::RenameTable { table, to } => {
                let was_there = self.existing(table);
                self.made
                    .retain(|made| !same(backend, made, table) && !same(backend, made, to));
                match was_there {
                    true => self.renamed.push(to.clone()),
                    false => self.made.push(to.clone()),
                }
            }
            _ => {}
        }
    }
}

/// Whether two names are of one table. One without a schema may be of any.
fn same(backend: Backend, one: &TableName, other: &TableName) -> bool {
    let schemas = match (one.schema(), other.schema()) {
        (Some(one), Some(other)) => same_name(backend, one, other),
        (None, _) | (_, None) => true,
    };
    schemas && same_name(backend, one.name(), other.name())
}

fn same_name(backend: Backend, one: &str, other: &str) -> bool {
    match backend {
        Backend::Postgres => one == other,
        Backend::MySql | Backend::Sqlite => one.eq_ignore_ascii_case(other),
    }
}
