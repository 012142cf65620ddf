//! [`EntityRepository`]: the repository of any SeaORM entity.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::sea_query::{Condition, IntoCondition};

use super::key::{key_tuple, key_values, table_of};
use super::{Entity, Key, Page, Query, Repository, RowStream, Rows};
use crate::connection::Connection;
use crate::delete::{DeleteReport, Preview, Roots};
use crate::error::{Error, Result};
use crate::observe::{Operation, count};
use crate::registry::Registry;

/// The rows of one entity in one database, or in one transaction of it. Cheap to clone.
pub struct EntityRepository<E: Entity> {
    pub(super) connection: Connection,
    pub(super) registry: Arc<Registry>,
    entity: PhantomData<fn() -> E>,
}

impl<E: Entity> EntityRepository<E> {
    pub(crate) fn new(connection: Connection, registry: Arc<Registry>) -> Self {
        Self {
            connection,
            registry,
            entity: PhantomData,
        }
    }

    /// The connection, for a query of SeaORM's own in the same transaction.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What deleting the row with this primary key would do now: every row that would go or be changed, and all that blocks.
    /// [`execute`](Preview::execute) it to do just that.
    ///
    /// # Errors
    ///
    /// Not found; invalid input for what can be done on no row, as for [`delete::plan`](crate::delete::plan()).
    pub async fn plan_delete(&self, key: Key<E>) -> Result<Preview> {
        self.look_at_delete(key_tuple::<E>(key)).await
    }

    /// Deletes the rows with these primary keys and what goes with them, together. Keys without a row are passed over.
    ///
    /// # Errors
    ///
    /// As for [`delete`](Repository::delete), but for not found.
    pub async fn delete_many(&self, keys: impl IntoIterator<Item = Key<E>> + Send) -> Result<DeleteReport> {
        let keys: Vec<_> = keys.into_iter().map(key_tuple::<E>).collect();
        self.delete_roots(self.roots(keys)).await
    }

    /// Deletes the rows that meet a condition and what goes with them, together.
    ///
    /// # Errors
    ///
    /// As for [`delete`](Repository::delete), but for not found.
    pub async fn delete_by(&self, condition: impl IntoCondition + Send) -> Result<DeleteReport> {
        self.delete_roots(Roots::filter(table_of::<E>(), condition.into_condition()))
            .await
    }

    /// The same repository on another connection.
    pub(super) fn on(&self, connection: &Connection) -> Self {
        Self::new(connection.clone(), Arc::clone(&self.registry))
    }

    pub(super) fn operation(&self, name: &'static str) -> Operation {
        Operation::new(name, self.connection.backend(), E::default().table_name())
    }
}

#[async_trait]
impl<E: Entity> Repository<E> for EntityRepository<E> {
    async fn find(&self, key: Key<E>) -> Result<Option<E::Model>> {
        let work = self.read_one(key_tuple::<E>(key));
        self.operation("find").run(work, |row| u64::from(row.is_some())).await
    }

    async fn get(&self, key: Key<E>) -> Result<E::Model> {
        let key = key_tuple::<E>(key);
        let work = async {
            match self.read_one(key.clone()).await? {
                Some(row) => Ok(row),
                None => Err(Error::not_found(table_of::<E>(), key_values::<E>(&key))),
            }
        };
        self.operation("get").run(work, |_| 1).await
    }

    async fn find_many(&self, keys: Vec<Key<E>>) -> Result<Vec<E::Model>> {
        let keys = keys.into_iter().map(key_tuple::<E>).collect();
        self.operation("find_many")
            .run(self.read_many(keys), |rows| count(rows))
            .await
    }

    async fn select(&self, query: Query<E>) -> Result<Vec<E::Model>> {
        self.operation("select")
            .run(self.read_query(&query), |rows| count(rows))
            .await
    }

    async fn page(&self, query: Query<E>) -> Result<Page<E>> {
        self.operation("page")
            .run(self.read_page(query), |page| count(&page.rows))
            .await
    }

    fn stream(&self, query: Query<E>) -> RowStream<'_, E> {
        Box::pin(self.read_stream(query))
    }

    async fn count(&self, filter: Condition) -> Result<u64> {
        self.operation("count").run(self.read_count(filter), |_| 0).await
    }

    async fn exists(&self, filter: Condition) -> Result<bool> {
        self.operation("exists").run(self.read_exists(filter), |_| 0).await
    }

    async fn insert(&self, row: E::ActiveModel) -> Result<E::Model> {
        let operation = self.operation("insert");
        operation.run(self.write_insert(&operation, row), |_| 1).await
    }

    async fn insert_rows(&self, rows: Rows<'_, E>) -> Result<u64> {
        let operation = self.operation("insert_many");
        operation.run(self.write_rows(&operation, rows), |rows| *rows).await
    }

    async fn update(&self, row: E::ActiveModel) -> Result<E::Model> {
        let operation = self.operation("update");
        operation.run(self.write_update(&operation, row), |_| 1).await
    }

    async fn update_if(&self, row: E::ActiveModel, condition: Condition) -> Result<E::Model> {
        let operation = self.operation("update_if");
        operation
            .run(self.write_update_if(&operation, row, condition), |_| 1)
            .await
    }

    async fn update_rows(&self, filter: Condition, change: E::ActiveModel) -> Result<u64> {
        let operation = self.operation("update_many");
        operation
            .run(self.write_update_rows(&operation, filter, change), |rows| *rows)
            .await
    }

    async fn upsert(&self, row: E::ActiveModel, unique_key: &[E::Column]) -> Result<E::Model> {
        let operation = self.operation("upsert");
        operation
            .run(self.write_upsert(&operation, row, unique_key), |_| 1)
            .await
    }

    async fn delete(&self, key: Key<E>) -> Result<DeleteReport> {
        self.write_delete(key_tuple::<E>(key)).await
    }
}

impl<E: Entity> Clone for EntityRepository<E> {
    fn clone(&self) -> Self {
        Self::new(self.connection.clone(), Arc::clone(&self.registry))
    }
}

impl<E: Entity> fmt::Debug for EntityRepository<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntityRepository")
            .field("table", &E::default().table_name())
            .field("connection", &self.connection)
            .finish()
    }
}
