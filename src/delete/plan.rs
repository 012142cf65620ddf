//! [`Plan`]: what a delete would do, before any row has been looked at.

use std::fmt;
use std::sync::Arc;

use super::batches::Next;
use super::counts::{Counted, Counts, is_roots};
use super::options::{Counting, DeleteOptions};
use super::relations::Relations;
use super::report::{KeyReport, TableReport};
use super::roots::{RootRows, Roots};
use super::shape::{Arm, Shape, TableDelete, shape};
use super::stages::Answer;
use crate::backend::Backend;
use crate::error::Result;
use crate::name::{KeyValues, TableName};
use crate::schema::Action;

/// What a delete would do: pure, and cheap to clone. Look at it with [`preview`](Self::preview), carry it out with
/// [`execute`](Self::execute).
///
/// `Debug` shows no key.
#[derive(Clone)]
pub struct Plan {
    pub(super) relations: Arc<Relations>,
    pub(super) roots: RootRows,
    pub(super) options: DeleteOptions,
    pub(super) shape: Arc<Shape>,
}

/// Plans the delete of some rows and of what goes with them. Nothing is sent to the database.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sea_orm_cascade::Error> {
/// use std::sync::Arc;
/// use sea_orm_cascade::delete::{self, DeleteOptions, Relations, Roots};
/// use sea_orm_cascade::introspect::Scope;
/// # use entity::{post, user};
/// # use sea_orm_cascade::{Repository, RepositoryExt, Store};
///
/// let store = Store::connect("sqlite::memory:", entity::entities()).await?;
/// store.create_all().await?;
/// # let ann = store.repository::<user::Entity>().insert(user::new("ann@example.com", "…")).await?;
/// # store.repository::<post::Entity>().insert_many((1..=3).map(|n| post::new(ann.id, format!("{n}"), "…"))).await?;
///
/// let relations = Arc::new(Relations::read(store.connection(), &Scope::Own).await?);
/// let plan = delete::plan(&relations, &Roots::written("users", ["1"]), &DeleteOptions::new())?;
/// let preview = plan.preview(&store).await?;
/// assert_eq!(preview.deleted("posts"), 3);
/// let report = plan.execute(&store).await?;
/// assert_eq!(report.to_string(), "posts  deleted 3\nusers  deleted 1");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Invalid input for a table, a column or a key that is not there, for text that is no value of its column's type, and for what cannot be
/// done on any rows: SET NULL of a column that cannot be NULL, DO NOTHING where a constraint does something, an action the catalog does
/// not tell, [`Enforce::Database`](super::Enforce::Database) of a key without an equal constraint.
pub fn plan(relations: &Arc<Relations>, roots: &Roots, options: &DeleteOptions) -> Result<Plan> {
    let roots = roots.resolve(relations)?;
    let shape = shape(relations, &roots.table, &roots.identity, options)?;
    Ok(Plan {
        relations: Arc::clone(relations),
        roots,
        options: options.clone(),
        shape: Arc::new(shape),
    })
}

impl Plan {
    /// The same for other rows of the same table.
    pub(crate) fn with_roots(&self, roots: &Roots) -> Result<Self> {
        let rows = roots.resolve(&self.relations)?;
        match rows.table == self.roots.table && rows.identity == self.roots.identity {
            true => Ok(Self {
                roots: rows,
                ..self.clone()
            }),
            false => plan(&self.relations, roots, &self.options),
        }
    }

    /// The same delete, if the relations are these.
    pub(super) fn made_of(&self, relations: Arc<Relations>) -> Result<Self> {
        let shape = shape(&relations, &self.roots.table, &self.roots.identity, &self.options)?;
        Ok(Self {
            relations,
            roots: self.roots.clone(),
            options: self.options.clone(),
            shape: Arc::new(shape),
        })
    }

    /// The table that the delete starts from.
    #[must_use]
    pub fn root(&self) -> &TableName {
        &self.roots.table
    }

    /// How many keys it starts from; nothing for a condition. Each may be of no row, or, where it is no unique key, of several.
    #[must_use]
    pub fn given(&self) -> Option<usize> {
        self.roots.given()
    }

    /// The key it starts from, if it is one.
    #[must_use]
    pub fn only_key(&self) -> Option<KeyValues> {
        self.roots.only_key()
    }

    /// How it is to be done.
    #[must_use]
    pub const fn options(&self) -> &DeleteOptions {
        &self.options
    }

    /// What it was made from.
    #[must_use]
    pub fn relations(&self) -> &Relations {
        &self.relations
    }

    /// The engine.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.shape.backend
    }

    /// [`Relations::fingerprint`] of what it was made from.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        self.relations.fingerprint()
    }

    /// What is to be known before: what the engine may refuse, what will be slow, what is left for later, hooks that are not called.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.shape.warnings
    }

    /// The tables that rows may go from or be changed in, in the order of execution, with every count 0 and every key that reaches them.
    #[must_use]
    pub fn tables(&self) -> Vec<TableReport> {
        self.table_reports(&Counts::new())
    }

    /// The statements that [`execute`](Self::execute) sends, in order, with placeholders for values; without those that begin and end the
    /// transaction. One that is [sent several times](super) stands here once.
    #[must_use]
    pub fn statements(&self) -> Vec<String> {
        if !self.shape.is_stepwise && !self.is_left_to_the_database() {
            return vec![self.one_statement().0.sql];
        }
        let stages = self.stages();
        let texts = stages.into_iter().map(|stage| match stage.answer {
            Answer::Hooked(place) => self.hooked_text(place, Next::Any),
            Answer::HookedPeel(place, keys) => self.hooked_text(place, Next::Unreferenced(&keys)),
            _ => stage.statement.sql,
        });
        texts.collect()
    }

    /// What the statements found or did, by table.
    pub(super) fn table_reports(&self, counts: &Counts) -> Vec<TableReport> {
        let shape = &*self.shape;
        let found = |counted| counts.get(&counted).copied().unwrap_or_default();
        let mut reports: Vec<TableReport> = Vec::new();
        let changed = shape.updates.iter().map(|update| &update.table);
        let dangling = shape.dangling.iter().map(|(table, _)| table);
        let deleted = shape.deletes.iter().map(|delete| &delete.table);
        for table in changed.chain(dangling) {
            let known = |report: &TableReport| report.table == *table;
            if !reports.iter().any(known) && !shape.going.contains_key(table) {
                reports.push(TableReport::new(table.clone()));
            }
        }
        reports.extend(deleted.map(|table| TableReport::new(table.clone())));
        let mut entry = |table: &TableName, change: &mut dyn FnMut(&mut TableReport)| {
            if let Some(report) = reports.iter_mut().find(|report| report.table == *table) {
                change(report);
            }
        };
        for (place, delete) in shape.deletes.iter().enumerate() {
            for (arm, own) in delete.arms.iter().enumerate() {
                let found = found(Counted::Delete(place, arm));
                entry(&delete.table, &mut |report| {
                    report.deleted += found.own;
                    report.by.extend(self.key_report(own, found.rows));
                });
            }
        }
        for (place, update) in shape.updates.iter().enumerate() {
            for (arm, change) in update.arms.iter().enumerate() {
                let found = found(Counted::Update(place, arm));
                let action = shape.key(&change.arm).map(|key| key.key.on_delete);
                entry(&update.table, &mut |report| {
                    match action {
                        Some(Action::SetDefault) => report.set_default += found.own,
                        Some(Action::SetValue) => report.set_value += found.own,
                        _ => report.set_null += found.own,
                    }
                    report.by.extend(self.key_report(&change.arm, found.rows));
                });
            }
        }
        for (place, (table, arm)) in shape.dangling.iter().enumerate() {
            let found = found(Counted::Dangle(place));
            entry(table, &mut |report| {
                report.dangling += found.own;
                report.by.extend(self.key_report(arm, found.rows));
            });
        }
        reports
    }

    fn key_report(&self, arm: &Arm, rows: u64) -> Option<KeyReport> {
        self.shape.key(arm).map(|key| KeyReport {
            relation: key.key.relation.clone(),
            action: key.key.on_delete,
            rows,
            by_database: key.by_database,
        })
    }

    /// The tables whose rows nobody counts: the database changes them, or to count them would cost.
    pub(super) fn not_counted(&self) -> Vec<TableName> {
        if self.options.counting == Counting::Exact {
            return Vec::new();
        }
        let shape = &*self.shape;
        let updates = shape.updates.iter().filter(|update| update.by_database);
        let looked_up = self.is_looked_up();
        let unseen = |delete: &&TableDelete| delete.by_database || looked_up && !delete.arms.iter().all(is_roots);
        let deletes = shape.deletes.iter().filter(unseen);
        let mut tables: Vec<_> = updates.map(|update| update.table.clone()).collect();
        for delete in deletes {
            if !tables.contains(&delete.table) {
                tables.push(delete.table.clone());
            }
        }
        tables
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("root", &self.roots.table)
            .field("options", &self.options)
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}
