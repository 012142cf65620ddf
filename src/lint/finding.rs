//! [`Subject`], what is looked at, and [`Finding`], what was seen.

use std::fmt;

use serde::Serialize;

use super::facts::Facts;
use super::migration::Place;
use crate::backend::Backend;
use crate::error::Result;
use crate::name::{ColumnName, TableName, written};
use crate::overlay::Severity;
use crate::schema::{Declaration, DeclarationKind, Enforcement, Entities, ForeignKey, Schema};

/// What is looked at.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    pub(super) database: &'a Schema,
    pub(super) entities: Option<&'a Declared>,
    pub(super) facts: Facts,
}

impl<'a> Subject<'a> {
    /// A schema by itself: a live one, or any other.
    #[must_use]
    pub fn new(database: &'a Schema) -> Self {
        Self {
            database,
            entities: None,
            facts: Facts::default(),
        }
    }

    /// Compares it with what entities declare.
    #[must_use]
    pub const fn entities(mut self, entities: &'a Declared) -> Self {
        self.entities = Some(entities);
        self
    }

    /// Adds what only the data and the session tell.
    #[must_use]
    pub fn facts(mut self, facts: Facts) -> Self {
        self.facts = facts;
        self
    }

    pub(super) const fn backend(&self) -> Backend {
        self.database.backend
    }

    /// The entities' schema, if there are entities.
    pub(super) fn declared(&self) -> Option<&'a Schema> {
        self.entities.map(|entities| &entities.schema)
    }

    /// The keys of the database, and those the entities declare and the database does not have.
    pub(super) fn all_keys(&self) -> Vec<&'a ForeignKey> {
        let mut keys: Vec<_> = self.database.foreign_keys().collect();
        for key in self.declared().into_iter().flat_map(Schema::foreign_keys) {
            if !keys.iter().any(|known| known.is_same_key(key)) {
                keys.push(key);
            }
        }
        keys
    }
}

/// What entities declare: the schema that follows from them, and which side said what.
#[derive(Debug, Clone)]
pub struct Declared {
    pub(super) schema: Schema,
    pub(super) declarations: Vec<Declaration>,
}

impl Declared {
    /// What the entities declare, for this backend.
    ///
    /// # Errors
    ///
    /// As [`Schema::from_entities`].
    pub fn new(backend: Backend, entities: &Entities) -> Result<Self> {
        Ok(Self {
            schema: Schema::from_entities(backend, entities)?,
            declarations: entities.declarations().cloned().collect(),
        })
    }

    /// The same declarations with another schema: one that an overlay has been laid over.
    #[must_use]
    pub fn with_schema(mut self, schema: Schema) -> Self {
        self.schema = schema;
        self
    }

    /// The schema of a database, completed by the keys that the entities declare and it does not have, as if the application enforced
    /// them: for [`facts`](super::facts), so that orphans are looked for where nothing kept them away.
    #[must_use]
    pub fn completing(&self, database: &Schema) -> Schema {
        let mut schema = database.clone();
        for key in self.schema.foreign_keys() {
            let Some(table) = schema.table_mut(&key.relation.table) else {
                continue;
            };
            if !table.foreign_keys.iter().any(|known| known.is_same_key(key)) {
                let mut key = key.clone();
                key.enforced_by = Enforcement::Application;
                table.foreign_keys.push(key);
            }
        }
        schema.sort();
        schema
    }

    /// The schema that follows from the entities.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What the referencing side declares.
    pub(super) fn belongs_to(&self) -> impl Iterator<Item = &Declaration> {
        self.declarations
            .iter()
            .filter(|declaration| declaration.kind == DeclarationKind::BelongsTo)
    }

    /// What the referenced side declares.
    pub(super) fn inverses(&self) -> impl Iterator<Item = &Declaration> {
        self.declarations
            .iter()
            .filter(|declaration| declaration.kind != DeclarationKind::BelongsTo)
    }
}

/// One thing a rule has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The rule's code: `L01`.
    pub code: &'static str,
    /// The rule's name: `missing-index`.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The table it is about; nothing if it is about the whole database.
    pub table: Option<TableName>,
    /// The columns it is about, if it is about some.
    pub columns: Vec<ColumnName>,
    /// What is the case, with the names of the things.
    pub message: String,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub fix: Fix,
    /// What the finding is, the same in every run: what a [`Baseline`](super::Baseline) knows it by.
    pub id: String,
    /// Where in a migration it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// What to do about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fix {
    /// Statements for the database, one a line; perhaps a comment before them.
    Sql(String),
    /// What to write on an entity.
    Entity(String),
    /// What to think about.
    Advice(String),
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sql(text) | Self::Entity(text) | Self::Advice(text) => f.write_str(text),
        }
    }
}

/// A finding as a rule makes it: without what the rule does not know of itself.
pub(super) struct Draft {
    pub(super) table: Option<TableName>,
    pub(super) columns: Vec<ColumnName>,
    /// What tells it from the rule's other findings.
    pub(super) about: String,
    pub(super) message: String,
    pub(super) fix: Fix,
    /// Where it is not the rule's own.
    pub(super) severity: Option<Severity>,
}

impl Draft {
    /// About columns of a table.
    pub(super) fn new(table: &TableName, columns: &[ColumnName], message: String, fix: Fix) -> Self {
        Self {
            table: Some(table.clone()),
            columns: columns.to_vec(),
            about: match columns {
                [] => table.written(),
                columns => format!("{}({})", table.written(), list(columns)),
            },
            message,
            fix,
            severity: None,
        }
    }

    /// About a foreign key.
    pub(super) fn of_key(key: &ForeignKey, message: String, fix: Fix) -> Self {
        let relation = &key.relation;
        let to = format!(
            " -> {}({})",
            relation.referenced_table.written(),
            list(&relation.referenced_columns)
        );
        Self::new(&relation.table, &relation.columns, message, fix).and(&to)
    }

    /// Tells it from others about the same columns.
    pub(super) fn and(mut self, more: &str) -> Self {
        self.about.push_str(more);
        self
    }

    pub(super) const fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }
}

/// Columns as an identity has them.
fn list(columns: &[ColumnName]) -> String {
    let columns: Vec<_> = columns.iter().map(|column| written(column.as_str())).collect();
    columns.join(", ")
}
