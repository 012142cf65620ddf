//! Hooks: code that sees rows go, in batches, with the reason, within the transaction, and may refuse.
//!
//! A [`Store`](crate::Store) keeps the [`Hooks`] by table. Whoever carries a plan out is given [`Calls`]: those hooks, under the names the catalog
//! has for their tables. `batches` fetches the rows and calls.
//!
//! # Invariants
//!
//! - A batch is the most that is held in memory.
//! - A hook's error is never taken for a refusal of the database: only failures that a retry may cure, or that leave no connection, pass as they are.

mod batch;
mod typed;

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sea_orm::{EntityTrait, IntoActiveModel, QueryResult, Value};

use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::Result;
use crate::name::{ColumnName, TableName};

pub use batch::{Batch, Cause};
use typed::Typed;

/// How many rows a batch has, unless the store says otherwise.
const ROWS: usize = 1_000;

/// What a hook may fail with: any error, or a text.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A future that can move between threads.
pub(super) type Boxed<'a, T> = futures_util::future::BoxFuture<'a, T>;

/// Code that is called with each batch of an entity's rows that go: any `async |batch| …` that returns a `Result`.
///
/// What it captures must live as long as the store, so a closure that needs something of its own clones it for each call:
/// `move |batch| { let index = Arc::clone(&index); async move { … } }`.
pub trait DeleteHook<E: EntityTrait>: Fn(Batch<E>) -> Self::Future + Send + Sync + 'static {
    /// What it returns.
    type Future: Future<Output = Result<(), Self::Error>> + Send + 'static;
    /// What it may fail with: any error, `anyhow::Error` included, or a text.
    type Error: Into<Box<dyn std::error::Error + Send + Sync>>;
}

impl<E, F, Fut, X> DeleteHook<E> for F
where
    E: EntityTrait,
    F: Fn(Batch<E>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), X>> + Send + 'static,
    X: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Error = X;
    type Future = Fut;
}

/// An entity that may have hooks.
pub(crate) trait Hooked:
    EntityTrait<Model: IntoActiveModel<Self::ActiveModel> + Send + Sync, ActiveModel: Send + Sync>
{
}

impl<E> Hooked for E where E: EntityTrait<Model: IntoActiveModel<E::ActiveModel> + Send + Sync, ActiveModel: Send + Sync>
{}

/// One entity's hooks, whichever entity it is.
trait TableHooks: Any + Send + Sync {
    /// What to select, so that [`read`](Self::read) finds it: the columns of `x`, but of `h` where that has one of the same name.
    fn columns(&self, backend: Backend, prefix: &str, of_h: &[ColumnName]) -> String;
    fn read(&self, rows: &[QueryResult], prefix: &str) -> Result<Box<dyn Going>>;
    /// The columns of the entity's primary key.
    fn key(&self) -> Vec<ColumnName>;
    fn as_any(&self) -> &dyn Any;
}

/// The rows of one batch, as an entity has them, with its hooks.
pub(super) trait Going: Send + Sync {
    /// The primary keys.
    fn keys(&self) -> Vec<Vec<Value>>;
    fn value(&self, row: usize, column: &ColumnName) -> Option<Value>;
    fn before<'a>(&'a mut self, told: &'a Told) -> Boxed<'a, Result<(), BoxError>>;
    fn after<'a>(&'a mut self, told: &'a Told) -> Boxed<'a, Result<(), BoxError>>;
}

/// What hooks are told of a batch besides its rows.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) causes: Arc<[Vec<Cause>]>,
    pub(super) connection: Connection,
    pub(super) within: Arc<dyn Any + Send + Sync>,
}

/// The hooks of every table.
#[derive(Clone)]
pub(crate) struct Hooks {
    tables: BTreeMap<TableName, Vec<OfEntity>>,
    rows: usize,
}

/// One entity's hooks, and which entity that is.
type OfEntity = (TypeId, Arc<dyn TableHooks>);

impl Default for Hooks {
    fn default() -> Self {
        Self {
            tables: BTreeMap::new(),
            rows: ROWS,
        }
    }
}

impl Hooks {
    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &TableName> {
        self.tables.keys()
    }

    pub(crate) fn set_rows(&mut self, rows: usize) {
        self.rows = rows.max(1);
    }

    pub(crate) fn before<E: Hooked, F: DeleteHook<E>>(&mut self, table: TableName, hook: F) {
        self.change::<E>(table, |typed| typed.add_before(hook));
    }

    pub(crate) fn after<E: Hooked, F: DeleteHook<E>>(&mut self, table: TableName, hook: F) {
        self.change::<E>(table, |typed| typed.add_after(hook));
    }

    pub(crate) fn behave<E: Hooked>(&mut self, table: TableName) {
        self.change::<E>(table, Typed::behave);
    }

    fn change<E: Hooked>(&mut self, table: TableName, change: impl FnOnce(&mut Typed<E>)) {
        let hooks = self.tables.entry(table).or_default();
        let own = TypeId::of::<E>();
        let known = hooks.iter_mut().find(|(entity, _)| *entity == own);
        let mut typed: Typed<E> = known
            .as_ref()
            .and_then(|(_, hooks)| hooks.as_any().downcast_ref::<Typed<E>>())
            .cloned()
            .unwrap_or_default();
        change(&mut typed);
        match known {
            Some((_, hooks)) => *hooks = Arc::new(typed),
            None => hooks.push((own, Arc::new(typed))),
        }
    }

    /// The same under other names.
    pub(crate) fn named(&self, name: impl Fn(&TableName) -> TableName) -> Self {
        let mut tables: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (table, hooks) in &self.tables {
            tables.entry(name(table)).or_default().extend(hooks.iter().cloned());
        }
        Self {
            tables,
            rows: self.rows,
        }
    }

    /// Who is called while a plan is carried out, and for whom: what `within` is, whoever gives it knows.
    pub(crate) fn calls(self, within: Arc<dyn Any + Send + Sync>) -> Calls {
        Calls { hooks: self, within }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("tables", &self.tables.keys())
            .field("rows", &self.rows)
            .finish()
    }
}

/// The hooks that are called while a plan is carried out.
#[derive(Debug, Clone)]
pub(crate) struct Calls {
    hooks: Hooks,
    within: Arc<dyn Any + Send + Sync>,
}

impl Calls {
    /// Nobody.
    pub(crate) fn none() -> Self {
        Hooks::default().calls(Arc::new(()))
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &TableName> {
        self.hooks.tables()
    }

    pub(super) fn has(&self, table: &TableName) -> bool {
        self.hooks.tables.contains_key(table)
    }

    pub(super) const fn rows(&self) -> usize {
        self.hooks.rows
    }

    /// What to select of `x` for the hooks of a table.
    pub(super) fn columns(&self, backend: Backend, table: &TableName, of_h: &[ColumnName]) -> Vec<String> {
        let hooks = self.of(table).enumerate();
        hooks
            .map(|(place, hooks)| hooks.columns(backend, &prefix(place), of_h))
            .collect()
    }

    /// The columns of the primary key, as the first entity has it.
    pub(super) fn key(&self, table: &TableName) -> Vec<ColumnName> {
        self.of(table).next().map(|hooks| hooks.key()).unwrap_or_default()
    }

    pub(super) fn read(&self, table: &TableName, rows: &[QueryResult]) -> Result<Vec<Box<dyn Going>>> {
        let hooks = self.of(table).enumerate();
        hooks.map(|(place, hooks)| hooks.read(rows, &prefix(place))).collect()
    }

    pub(super) fn told(&self, causes: Vec<Vec<Cause>>, connection: &Connection) -> Told {
        Told {
            causes: causes.into(),
            connection: connection.clone(),
            within: Arc::clone(&self.within),
        }
    }

    fn of(&self, table: &TableName) -> impl Iterator<Item = &Arc<dyn TableHooks>> {
        let hooks = self.hooks.tables.get(table);
        hooks.into_iter().flatten().map(|(_, hooks)| hooks)
    }
}

/// What the columns of an entity's place are called by: nothing for the first, since a name has only so many characters.
fn prefix(place: usize) -> String {
    match place {
        0 => String::new(),
        more => format!("cascade_e{more}_"),
    }
}
