//! Guards: who writes a row that references others marks these first, so that none of them goes meanwhile, where no constraint keeps it.
//!
//! A delete counts up the same column in what it takes, before it looks for what references that. So of a delete and an insert one waits for the
//! other: then the insert finds no parent, or the delete finds the row. Reading the parent would not do on every engine; writing does.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, Value};

use super::relations::Relations;
use super::roots::{KEYS_PER_STATEMENT, Roots};
use super::saved::text;
use crate::backend::Backend;
use crate::connection::Connection;
use crate::ddl::identifier;
use crate::error::{Direction, Error, ErrorKind, Result};
use crate::name::{ColumnName, KeyValues, Relation, TableName};
use crate::sql::{Sql, from_table};

/// The keys of one table that have a guard.
#[derive(Clone)]
pub(crate) struct Guards {
    relations: Arc<Relations>,
    keys: Vec<(Relation, ColumnName)>,
}

/// A row that is referenced: the place of the key in [`Guards::keys`], and the referencing values.
pub(crate) type Parent = (usize, Vec<Value>);

impl Guards {
    /// Those of a table.
    pub(crate) fn of(relations: &Arc<Relations>, table: &TableName) -> Self {
        let own = relations.schema().foreign_keys();
        let own = own.filter(|key| key.relation.table == *table);
        let mut keys: Vec<_> = own
            .filter_map(|key| Some((key.relation.clone(), key.guard.clone()?)))
            .collect();
        // Everybody marks in the same order, so that no two wait for each other.
        keys.sort_by(|(one, guard), (other, next)| (target(one), guard).cmp(&(target(other), next)));
        Self {
            relations: Arc::clone(relations),
            keys,
        }
    }

    /// None.
    pub(crate) fn none(backend: Backend) -> Self {
        Self {
            relations: Arc::new(Relations::new(crate::schema::Schema::new(backend))),
            keys: Vec::new(),
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The guarded keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Relation> {
        self.keys.iter().map(|(relation, _)| relation)
    }

    /// Those of them that pass.
    pub(crate) fn only(mut self, passes: impl Fn(&Relation) -> bool) -> Self {
        self.keys.retain(|(relation, _)| passes(relation));
        self
    }

    /// Marks parents. Fails if one is not there.
    pub(crate) async fn mark(&self, connection: &Connection, parents: &[Parent]) -> Result<()> {
        for together in self.keys.chunk_by(is_together) {
            let Some(first @ (relation, guard)) = together.first() else {
                continue;
            };
            // Keys that reference the same columns are marked together: a row that two of them reference is not waited for twice.
            let own: Vec<&Parent> = parents
                .iter()
                .filter(|(key, _)| self.keys.get(*key).is_some_and(|known| is_together(known, first)))
                .collect();
            let mut values: Vec<Vec<Value>> = Vec::new();
            for (_, parent) in &own {
                if !values.contains(parent) {
                    values.push(parent.clone());
                }
            }
            for values in values.chunks(KEYS_PER_STATEMENT) {
                let marked = self.mark_some(connection, relation, guard, values).await?;
                if marked != u64::try_from(values.len()).unwrap_or(u64::MAX) {
                    self.refuse_missing(connection, &own).await?;
                }
            }
        }
        Ok(())
    }

    async fn mark_some(
        &self,
        connection: &Connection,
        relation: &Relation,
        guard: &ColumnName,
        values: &[Vec<Value>],
    ) -> Result<u64> {
        let backend = connection.backend();
        let columns = relation.referenced_columns.iter();
        let rows = Roots::keys_of(
            relation.referenced_table.clone(),
            columns.clone().cloned(),
            values.to_vec(),
        );
        let rows = rows.resolve(&self.relations)?;
        let table = from_table(self.relations.schema(), &relation.referenced_table);
        let guard = identifier(backend, guard.as_str());
        let order: Vec<_> = columns.map(|name| identifier(backend, name.as_str())).collect();
        let order = order.join(", ");
        let mut sql = Sql::new(backend, format!("UPDATE {table} SET {guard} = {guard} + 1 WHERE "));
        match (backend, values.len()) {
            (Backend::Postgres, 2..) => {
                sql.push(&format!("({order}) IN (SELECT {order} "));
                rows.push_from(&mut sql, backend);
                sql.push(&format!(" ORDER BY {order} FOR UPDATE)"));
            }
            (Backend::MySql, 2..) => {
                rows.push_keys(&mut sql, backend, "");
                sql.push(&format!(" ORDER BY {order}"));
            }
            (Backend::Postgres | Backend::MySql | Backend::Sqlite, _) => rows.push_keys(&mut sql, backend, ""),
        }
        Ok(connection.execute_raw(sql.statement()).await?.rows_affected())
    }

    /// Looks for each parent by itself. They may all be there: two texts may be one key.
    async fn refuse_missing(&self, connection: &Connection, parents: &[&Parent]) -> Result<()> {
        let backend = connection.backend();
        for (key, values) in parents {
            let Some((relation, _)) = self.keys.get(*key) else {
                continue;
            };
            let columns = relation.referenced_columns.iter().cloned();
            let row = Roots::keys_of(relation.referenced_table.clone(), columns, [values.clone()]);
            let mut sql = Sql::new(backend, "SELECT 1 ");
            row.resolve(&self.relations)?.push_from(&mut sql, backend);
            // In a snapshot it may still be there.
            if backend.capability().row_locks {
                sql.push(" FOR UPDATE");
            }
            if connection.query_one_raw(sql.statement()).await?.is_none() {
                let values = relation.columns.iter().cloned().zip(values.iter().map(text));
                return Err(Error::new(ErrorKind::ForeignKey {
                    relation: Some(relation.clone()),
                    key: Some(KeyValues::new(values)),
                    direction: Some(Direction::MissingParent),
                }));
            }
        }
        Ok(())
    }
}

/// What a key references.
fn target(relation: &Relation) -> (&TableName, &[ColumnName]) {
    (&relation.referenced_table, &relation.referenced_columns)
}

/// Whether one statement marks for both.
fn is_together((one, guard): &(Relation, ColumnName), (other, next): &(Relation, ColumnName)) -> bool {
    target(one) == target(other) && guard == next
}
