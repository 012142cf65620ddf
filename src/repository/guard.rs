//! Marking the parents of rows that are written, for keys with a guard; see [`Guards`].
//!
//! Parents are marked before the row is written: a writer that waits for a delete then holds nothing the delete may want. What is known only
//! afterwards (a column's default, what `before_save` or a trigger set) is marked then.

use std::collections::HashSet;

use sea_orm::{ActiveModelTrait, IntoActiveModel, Iterable};

use super::explain::tuple_of;
use super::key::table_of;
use super::{Entity, EntityRepository};
use crate::connection::Connection;
use crate::delete::{Guards, Parent};
use crate::error::{Error, Result};
use crate::name::{ColumnName, Relation};

impl<E: Entity> EntityRepository<E> {
    /// The keys of the entity's table that have a guard. The catalog is read only if an overlay names one.
    pub(super) async fn guards(&self) -> Result<Guards> {
        self.registry.guards(&self.connection, &table_of::<E>()).await
    }
}

/// Those keys of which the row sets a column.
pub(super) fn touched<E: Entity>(guards: Guards, row: &E::ActiveModel) -> Guards {
    guards.only(|relation| sets::<E>(row, relation).next().is_some())
}

/// The columns of the key that the row sets.
fn sets<'a, E: Entity>(row: &'a E::ActiveModel, relation: &'a Relation) -> impl Iterator<Item = &'a ColumnName> {
    use sea_orm::IdenStatic;
    relation.columns.iter().filter(move |name| {
        E::Column::iter().any(|column| column.as_str() == name.as_str() && row.get(column).is_set())
    })
}

/// Marks the rows that these reference, but for those that are among them. What a row does not say is not marked.
pub(super) async fn mark<E: Entity>(
    guards: &Guards,
    connection: &Connection,
    rows: &[E::ActiveModel],
) -> Result<HashSet<Parent>> {
    let mut parents: Vec<Parent> = Vec::new();
    for (place, relation) in guards.keys().enumerate() {
        let own = relation.table == relation.referenced_table;
        let written: HashSet<_> = rows
            .iter()
            .filter(|_| own)
            .filter_map(|row| tuple_of::<E>(row, &relation.referenced_columns))
            .collect();
        let referenced = rows.iter().filter_map(|row| tuple_of::<E>(row, &relation.columns));
        parents.extend(referenced.filter(|key| !written.contains(key)).map(|key| (place, key)));
    }
    guards.mark(connection, &parents).await?;
    Ok(parents.into_iter().collect())
}

/// Marks what the written row references and was not marked before.
pub(super) async fn mark_rest<E: Entity>(
    guards: &Guards,
    connection: &Connection,
    row: &E::Model,
    marked: &HashSet<Parent>,
) -> Result<()> {
    if guards.is_empty() {
        return Ok(());
    }
    let row = row.clone().into_active_model();
    let mut parents: Vec<Parent> = Vec::new();
    for (place, relation) in guards.keys().enumerate() {
        let itself =
            tuple_of::<E>(&row, &relation.referenced_columns).filter(|_| relation.table == relation.referenced_table);
        let key = tuple_of::<E>(&row, &relation.columns).map(|key| (place, key));
        parents.extend(key.filter(|parent| !marked.contains(parent) && Some(&parent.1) != itself.as_ref()));
    }
    guards.mark(connection, &parents).await
}

/// A change to many rows gives them all one parent, or it is not known which.
pub(super) fn check_complete<E: Entity>(guards: &Guards, change: &E::ActiveModel) -> Result<()> {
    for relation in guards.keys() {
        let set: Vec<_> = sets::<E>(change, relation).collect();
        if set.len() < relation.columns.len() {
            return Err(Error::invalid_input(format!(
                "the change sets only a part of {relation}, which has a guard: set all of its columns, or update row by row"
            )));
        }
    }
    Ok(())
}
