//! [`Batch`]: what a hook is told.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use sea_orm::sea_query::FromValueTuple;
use sea_orm::{EntityTrait, ModelTrait, PrimaryKeyTrait, Value};

use super::super::saved::text;
use super::Told;
use crate::connection::Connection;
use crate::name::{KeyValues, Relation};

/// Some of an entity's rows that go: as they are before they do, with the reason. Cheap to clone.
pub struct Batch<E: EntityTrait> {
    rows: Arc<[E::Model]>,
    told: Told,
}

impl<E: EntityTrait> Batch<E> {
    pub(super) const fn new(rows: Arc<[E::Model]>, told: Told) -> Self {
        Self { rows, told }
    }

    /// The rows; never none.
    #[must_use]
    pub fn rows(&self) -> &[E::Model] {
        &self.rows
    }

    /// Their primary keys, in their order.
    #[must_use]
    pub fn keys(&self) -> Vec<<E::PrimaryKey as PrimaryKeyTrait>::ValueType> {
        self.rows
            .iter()
            .map(|row| FromValueTuple::from_value_tuple(row.get_primary_key_value()))
            .collect()
    }

    /// Why each of them goes, in their order; see [`Cause`].
    #[must_use]
    pub fn causes(&self) -> &[Vec<Cause>] {
        &self.told.causes
    }

    /// Each row with why it goes.
    pub fn iter(&self) -> impl Iterator<Item = (&E::Model, &[Cause])> {
        self.rows.iter().zip(self.told.causes.iter().map(Vec::as_slice))
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none, which never is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The transaction that deletes them: what a hook does with it is committed, or rolled back, together with the delete.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.told.connection
    }

    /// Whose hook it is, if anybody can tell.
    pub(crate) fn within(&self) -> Arc<dyn Any + Send + Sync> {
        Arc::clone(&self.told.within)
    }
}

impl<E: EntityTrait> Clone for Batch<E> {
    fn clone(&self) -> Self {
        Self {
            rows: Arc::clone(&self.rows),
            told: self.told.clone(),
        }
    }
}

impl<E: EntityTrait> fmt::Debug for Batch<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("table", &E::default().table_name())
            .field("rows", &self.rows.len())
            .finish_non_exhaustive()
    }
}

/// Why a row goes: it is one of those the delete starts from, or it references a row that goes through a key that cascades. A row may go for
/// several reasons.
#[derive(Clone, PartialEq)]
pub struct Cause {
    key: Option<(Arc<Relation>, Vec<Value>)>,
}

impl Cause {
    pub(in super::super) const fn root() -> Self {
        Self { key: None }
    }

    pub(in super::super) const fn key(relation: Arc<Relation>, parent: Vec<Value>) -> Self {
        Self {
            key: Some((relation, parent)),
        }
    }

    /// Whether the delete starts from the row.
    #[must_use]
    pub const fn is_root(&self) -> bool {
        self.key.is_none()
    }

    /// The key through which it goes.
    #[must_use]
    pub fn relation(&self) -> Option<&Relation> {
        self.key.as_ref().map(|(relation, _)| relation.as_ref())
    }

    /// The parent's values in the columns the key references, in their order.
    #[must_use]
    pub fn parent(&self) -> &[Value] {
        self.key.as_ref().map_or(&[], |(_, parent)| parent.as_slice())
    }

    /// The same as text, with the parent's columns.
    #[must_use]
    pub fn parent_key(&self) -> Option<KeyValues> {
        self.key.as_ref().map(|(relation, parent)| {
            let values = parent.iter().map(text);
            KeyValues::new(relation.referenced_columns.iter().cloned().zip(values))
        })
    }
}

/// `root`, or `posts.user_id = 17`.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.relation(), self.parent_key()) {
            (Some(relation), Some(key)) => write!(f, "{relation} = {}", key.value_list()),
            _ => f.write_str("root"),
        }
    }
}

/// Without values.
impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.relation() {
            Some(relation) => write!(f, "Cause({relation})"),
            None => f.write_str("Cause(root)"),
        }
    }
}
