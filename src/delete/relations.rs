//! [`Relations`]: what a plan is made from.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::{Error, ErrorKind, Result};
use crate::introspect::{self, Scope};
use crate::name::{TableName, did_you_mean};
use crate::overlay::Overlay;
use crate::schema::{Action, Deferrable, Enforcement, Entities, ForeignKey, Schema, Table};

/// The tables and keys that a delete follows, and beside them the constraints that the database really has.
///
/// The two differ where the database has no constraint, or one with another action: what shall happen is read from the keys, and who can
/// make it happen from the constraints.
///
/// ```
/// use sea_orm_cascade::{Backend, delete::Relations, schema::Schema};
///
/// let schema = Schema::from_entities(Backend::Sqlite, &entity::entities())?;
/// let relations = Relations::new(schema);
/// assert_eq!(relations.schema().foreign_keys().count(), 1);
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Relations {
    schema: Schema,
    constraints: Vec<ForeignKey>,
    hooked: BTreeSet<TableName>,
    fingerprint: OnceLock<String>,
    read: Option<Read>,
}

/// Where the catalog was read, and what it was.
#[derive(Debug, Clone)]
struct Read {
    scope: Scope,
    fingerprint: String,
}

impl Relations {
    /// What a catalog says: every key is a constraint, and does what its constraint does.
    #[must_use]
    pub fn new(catalog: Schema) -> Self {
        let constraints = catalog
            .foreign_keys()
            .filter(|key| key.enforced_by == Enforcement::Database && !key.not_enforced)
            .cloned()
            .collect();
        Self {
            schema: catalog,
            constraints,
            hooked: BTreeSet::new(),
            fingerprint: OnceLock::new(),
            read: None,
        }
    }

    /// Reads a live database's catalog. If the connection does not enforce foreign keys, there are no constraints.
    ///
    /// # Errors
    ///
    /// As for [`introspect::schema`].
    pub async fn read(connection: &Connection, scope: &Scope) -> Result<Self> {
        let catalog = introspect::schema(connection, scope).await?;
        let read = Read {
            scope: scope.clone(),
            fingerprint: catalog.fingerprint(),
        };
        let relations = Self {
            read: Some(read),
            ..Self::new(catalog)
        };
        Ok(match introspect::enforces_foreign_keys(connection).await? {
            true => relations,
            false => relations.without_constraints(),
        })
    }

    /// Reads the catalog again, if this came from one, and fails if it has changed.
    pub(super) async fn check(&self, connection: &Connection) -> Result<()> {
        let Some(read) = &self.read else { return Ok(()) };
        let now = introspect::schema(connection, &read.scope).await?.fingerprint();
        match now == read.fingerprint {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::StalePlan {
                difference: "the schema has changed since".to_owned(),
            })),
        }
    }

    /// The same keys, and a database that enforces none of them.
    #[must_use]
    pub fn without_constraints(mut self) -> Self {
        self.constraints.clear();
        self.fingerprint.take();
        self
    }

    /// Adds what entities declare with `belongs_to`: keys that the database does not have, and for those it has the declared action. A key whose
    /// entity names no action keeps the database's; a table that is not in the database is left out.
    #[must_use]
    pub fn declared(mut self, entities: &Entities) -> Self {
        let declared: Vec<_> = entities.belonging().collect();
        for (key, action) in declared {
            let relation = &key.relation;
            let is_there = |table: &TableName, columns: &[_]| {
                let known = self.schema.table(table);
                known.is_some_and(|known| columns.iter().all(|column| known.column(column).is_some()))
            };
            if !is_there(&relation.table, &relation.columns)
                || !is_there(&relation.referenced_table, &relation.referenced_columns)
            {
                continue;
            }
            let Some(table) = self.schema.table_mut(&relation.table) else {
                continue;
            };
            let mut known = table.foreign_keys.iter_mut().filter(|known| known.is_same_key(&key));
            match (known.next(), action) {
                (Some(known), Some(action)) if known.on_delete != action => {
                    known.on_delete = action;
                    known.on_delete_columns.clear();
                    known.enforced_by = Enforcement::Application;
                }
                (Some(_), _) => {}
                (None, _) => table.foreign_keys.push(ForeignKey {
                    enforced_by: Enforcement::Application,
                    ..key
                }),
            }
        }
        self.schema.sort();
        self.fingerprint.take();
        self
    }

    /// Adds what an overlay says.
    ///
    /// # Errors
    ///
    /// As for [`Overlay::apply`].
    pub fn overlaid(mut self, overlay: &Overlay) -> Result<Self> {
        overlay.apply(&mut self.schema)?;
        self.fingerprint.take();
        Ok(self)
    }

    /// Names the tables with hooks: their rows must not be left to the database.
    #[must_use]
    pub fn hooked(mut self, tables: impl IntoIterator<Item = TableName>) -> Self {
        self.hooked.extend(tables);
        self
    }

    pub(super) fn table(&self, name: &TableName) -> Result<&Table> {
        self.schema.table(name).ok_or_else(|| {
            let names: Vec<_> = self.schema.tables.iter().map(|table| table.name.to_string()).collect();
            let meant = did_you_mean(&name.to_string(), names.iter().map(String::as_str));
            Error::invalid_input(format!("there is no table {name}{meant}"))
        })
    }

    /// The tables and the keys.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The engine.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.schema.backend
    }

    /// The constraints of the database that the key's columns have, whatever their action.
    pub fn constraints(&self, key: &ForeignKey) -> impl Iterator<Item = &ForeignKey> {
        self.constraints.iter().filter(move |known| known.is_same_key(key))
    }

    /// Whether a constraint does just what the key says, is proved for all rows, and is checked at once.
    pub(super) fn has_equal_constraint(&self, key: &ForeignKey) -> bool {
        let refuses = |action| matches!(action, Action::Restrict | Action::NoAction);
        self.constraints(key).any(|known| {
            (known.on_delete == key.on_delete || refuses(known.on_delete) && refuses(key.on_delete))
                && known.on_delete_columns == key.on_delete_columns
                && known.deferrable != Deferrable::InitiallyDeferred
                && !known.not_validated
        })
    }

    pub(super) fn is_hooked(&self, table: &TableName) -> bool {
        self.hooked.contains(table)
    }

    /// 16 hexadecimal digits that change with every table, column, key and action, and with every constraint.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.fingerprint.get_or_init(|| {
            let mut whole = self.schema.clone();
            // A constraint that differs from its key is carried as an attribute of the whole.
            whole.unknown = self.constraints.iter().map(ToString::to_string).collect();
            whole.fingerprint()
        })
    }
}
