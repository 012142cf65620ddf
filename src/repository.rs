//! [`Repository`]: the typed way to one entity's rows, behind a trait an application can hold and substitute.
//!
//! - [`Repository`] is the trait. It has no generic methods, so `Arc<dyn Repository<post::Entity>>` works.
//! - [`RepositoryExt`] adds the conveniences that are generic (conditions as SeaORM writes them, any iterator of rows). It is
//!   implemented for every repository, `dyn` included.
//! - [`EntityRepository`] is the implementation, for any SeaORM entity, made by [`Store::repository`](crate::Store::repository).
//!   It also follows relations: [`related`](EntityRepository::related), [`with_related`](EntityRepository::with_related).
//! - [`Query`] says which rows, in which order, how many and after which; [`Page`] is one piece of them.

mod entity;
mod explain;
mod guard;
mod insert_many;
mod key;
mod query;
mod read;
mod related;
mod write;

use async_trait::async_trait;
use futures_util::Stream;
use sea_orm::sea_query::{Condition, IntoCondition};
use sea_orm::{EntityTrait, IntoActiveModel, PrimaryKeyTrait};
use std::pin::Pin;

use crate::delete::DeleteReport;
use crate::error::Result;

pub use entity::EntityRepository;
pub use query::{Cursor, Page, Query};

pub(crate) use key::table_of;

/// The type of an entity's primary key: its only column's type, or a tuple.
pub type Key<E> = <<E as EntityTrait>::PrimaryKey as PrimaryKeyTrait>::ValueType;

/// Rows that arrive one after the other; dropping it stops the reading.
pub type RowStream<'a, E> = Pin<Box<dyn Stream<Item = Result<<E as EntityTrait>::Model>> + Send + 'a>>;

/// Rows to insert, taken one after the other.
pub type Rows<'a, E> = Box<dyn Iterator<Item = <E as EntityTrait>::ActiveModel> + Send + 'a>;

/// What a repository needs of an entity. Every entity SeaORM's macros write has it.
pub trait Entity:
    EntityTrait<Model: IntoActiveModel<Self::ActiveModel> + Send + Sync, ActiveModel: Send + Sync>
{
}

impl<E> Entity for E where E: EntityTrait<Model: IntoActiveModel<E::ActiveModel> + Send + Sync, ActiveModel: Send + Sync>
{}

/// The rows of one entity.
///
/// An application that holds `Arc<dyn Repository<post::Entity>>` can be given the database's repository, one bound to a transaction, or
/// a substitute of its own.
///
/// # Errors
///
/// Every method returns an [`Error`](crate::Error) whose [kind](crate::ErrorKind) is the same on every backend. Besides what each
/// method names, any of them may report a connection, a timeout, a retryable failure, or another refusal of the database.
#[async_trait]
pub trait Repository<E: Entity>: Send + Sync {
    /// The row with this primary key, if there is one.
    ///
    /// # Errors
    ///
    /// None of its own.
    async fn find(&self, key: Key<E>) -> Result<Option<E::Model>>;

    /// The row with this primary key.
    ///
    /// # Errors
    ///
    /// Not found.
    async fn get(&self, key: Key<E>) -> Result<E::Model>;

    /// The rows with these primary keys, in the order of the keys, each once; keys without a row are left out.
    ///
    /// Any number of keys: they are asked for in pieces that fit a statement.
    ///
    /// # Errors
    ///
    /// None of its own.
    async fn find_many(&self, keys: Vec<Key<E>>) -> Result<Vec<E::Model>>;

    /// The rows a query asks for, all at once.
    ///
    /// # Errors
    ///
    /// Invalid input for a cursor that is not this query's, or one that rests on a nullable column.
    async fn select(&self, query: Query<E>) -> Result<Vec<E::Model>>;

    /// One page of a query, and where the next begins. Without a limit a page has 50 rows.
    ///
    /// Pages follow keys ("keyset pagination"): the thousandth costs what the first does, and rows inserted or deleted meanwhile shift
    /// nothing.
    ///
    /// # Errors
    ///
    /// Invalid input as for [`select`](Self::select).
    async fn page(&self, query: Query<E>) -> Result<Page<E>>;

    /// The rows a query asks for, one after the other, in the memory of one page.
    ///
    /// Read in pages of 1,000, so no connection is held between them, and other work on the same pool cannot starve. On a pool the
    /// pages are not one snapshot: for one, stream inside a transaction at REPEATABLE READ.
    fn stream(&self, query: Query<E>) -> RowStream<'_, E>;

    /// How many rows meet the condition.
    ///
    /// # Errors
    ///
    /// None of its own.
    async fn count(&self, filter: Condition) -> Result<u64>;

    /// Whether any row meets the condition.
    ///
    /// # Errors
    ///
    /// None of its own.
    async fn exists(&self, filter: Condition) -> Result<bool>;

    /// Inserts a row and returns it as the database stored it, defaults and generated key included.
    ///
    /// # Errors
    ///
    /// Unique, foreign key, not null, check, invalid input.
    async fn insert(&self, row: E::ActiveModel) -> Result<E::Model>;

    /// Inserts all rows or none, in few statements, and returns how many.
    ///
    /// A column a row leaves unset takes the column's default, also when its neighbours set it. (SeaORM's `insert_many` writes NULL
    /// there.) Rows are taken from the iterator as they are needed, so any number fits in bounded memory; for the same reason it is
    /// not retried. Like SeaORM's, it does not call `before_save`.
    ///
    /// # Errors
    ///
    /// Unique, foreign key, not null, check, invalid input; then nothing was inserted.
    async fn insert_rows(&self, rows: Rows<'_, E>) -> Result<u64>;

    /// Writes the columns that are set to the row with the primary key that is set, and returns the row.
    ///
    /// # Errors
    ///
    /// Not found; invalid input if the key is not set; unique, foreign key, not null, check.
    async fn update(&self, row: E::ActiveModel) -> Result<E::Model>;

    /// [`update`](Self::update), if the row still meets a condition: optimistic locking.
    ///
    /// # Errors
    ///
    /// Stale if the row no longer meets it; otherwise as for `update`.
    async fn update_if(&self, row: E::ActiveModel, condition: Condition) -> Result<E::Model>;

    /// Writes the columns that are set to every row that meets the condition, and returns how many rows that were.
    ///
    /// # Errors
    ///
    /// Unique, foreign key, not null, check; invalid input if no column is set.
    async fn update_rows(&self, filter: Condition, change: E::ActiveModel) -> Result<u64>;

    /// Inserts the row, or, if another has the same values in the columns of `unique_key`, writes the other columns that are set to
    /// that one. An empty `unique_key` stands for the primary key.
    ///
    /// A conflict on any *other* unique key is an error on every backend. (MySQL's `ON DUPLICATE KEY UPDATE` would overwrite that
    /// other row; there this is an update and, if it finds none, an insert, in a transaction.)
    ///
    /// # Errors
    ///
    /// Invalid input if a column of the key is not set; unique, foreign key, not null, check.
    async fn upsert(&self, row: E::ActiveModel, unique_key: &[E::Column]) -> Result<E::Model>;

    /// Deletes the row with this primary key and all that the database's foreign keys take with it, and says what that was.
    ///
    /// The counts are exact: the rows are locked, level by level, and counted before they go, in the same transaction. A cascade that
    /// is declared on an entity but missing in the database does not happen and is not counted. Tables that cascade in a circle, or that
    /// are reached over very many or very long paths, are named in the report and not counted.
    ///
    /// Counting needs the right to SELECT, and locking on PostgreSQL the right to UPDATE, on each table that is reached.
    ///
    /// # Errors
    ///
    /// Not found; foreign key, still referenced, naming a relation that refuses. Then nothing was deleted.
    async fn delete(&self, key: Key<E>) -> Result<DeleteReport>;
}

/// What every [`Repository`] can do besides: the conveniences that are generic.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sea_orm_cascade::Error> {
/// use std::sync::Arc;
/// use entity::{post, user};
/// use sea_orm::ColumnTrait;
/// use sea_orm_cascade::{Repository, RepositoryExt, Store};
///
/// let store = Store::connect("sqlite::memory:", entity::entities()).await?;
/// store.create_all().await?;
/// let ann = store.repository::<user::Entity>().insert(user::new("ann@example.com", "…")).await?;
///
/// let posts: Arc<dyn Repository<post::Entity>> = Arc::new(store.repository::<post::Entity>());
/// posts.insert_many((1..=3).map(|n| post::new(ann.id, format!("post {n}"), "…"))).await?;
/// assert_eq!(posts.count_by(post::Column::UserId.eq(ann.id)).await?, 3);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait RepositoryExt<E: Entity>: Repository<E> {
    /// The rows that meet the condition, by primary key.
    ///
    /// # Errors
    ///
    /// None of its own.
    async fn find_by<F: IntoCondition + Send>(&self, filter: F) -> Result<Vec<E::Model>> {
        self.select(Query::new().filter(filter)).await
    }

    /// The first row, by primary key, that meets the condition.
    ///
    /// # Errors
    ///
    /// None of its own.
    async fn find_one_by<F: IntoCondition + Send>(&self, filter: F) -> Result<Option<E::Model>> {
        let rows = self.select(Query::new().filter(filter).limit(1)).await?;
        Ok(rows.into_iter().next())
    }

    /// How many rows meet the condition.
    ///
    /// # Errors
    ///
    /// None of its own.
    async fn count_by<F: IntoCondition + Send>(&self, filter: F) -> Result<u64> {
        self.count(filter.into_condition()).await
    }

    /// Whether any row meets the condition.
    ///
    /// # Errors
    ///
    /// None of its own.
    async fn exists_by<F: IntoCondition + Send>(&self, filter: F) -> Result<bool> {
        self.exists(filter.into_condition()).await
    }

    /// [`insert_rows`](Repository::insert_rows) from anything that yields rows.
    ///
    /// # Errors
    ///
    /// As for `insert_rows`.
    async fn insert_many<I>(&self, rows: I) -> Result<u64>
    where
        I: IntoIterator<Item = E::ActiveModel> + Send,
        I::IntoIter: Send,
    {
        self.insert_rows(Box::new(rows.into_iter())).await
    }

    /// [`update_rows`](Repository::update_rows) with a condition as SeaORM writes it.
    ///
    /// # Errors
    ///
    /// As for `update_rows`.
    async fn update_many<F: IntoCondition + Send>(&self, filter: F, change: E::ActiveModel) -> Result<u64> {
        self.update_rows(filter.into_condition(), change).await
    }
}

impl<E: Entity, R: Repository<E> + ?Sized> RepositoryExt<E> for R {}
