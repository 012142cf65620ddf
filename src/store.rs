//! [`Store`]: a database, or one transaction of it, and the repositories on it.

use std::sync::Arc;

use sea_orm::{DatabaseConnection, EntityTrait};

use crate::backend::Backend;
use crate::connection::{Connection, StoreOptions, TransactionOptions, open};
use crate::create;
use crate::delete::{self, Batch, Called, Calls, DeleteHook, DeleteOptions, On, Plan, Roots};
use crate::diff::{DiffOptions, SchemaDiff};
use crate::drift;
use crate::error::{Error, Result};
use crate::introspect;
use crate::migrate::{self, Generated, Hints};
use crate::name::TableName;
use crate::observe::Operation;
use crate::overlay::Overlay;
use crate::registry::Registry;
use crate::repository::{Entity, EntityRepository, table_of};
use crate::schema::{Entities, Schema};

/// A database with its entities. Cheap to clone; a clone shares the pool.
///
/// Inside [`transaction`](Self::transaction) a store stands for that one transaction, so code that takes a `&Store` works in both.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sea_orm_cascade::Error> {
/// use entity::{post, user};
/// use sea_orm_cascade::{Repository, RepositoryExt, Store};
///
/// let store = Store::connect("sqlite::memory:", entity::entities()).await?;
/// store.create_all().await?;
///
/// let users = store.repository::<user::Entity>();
/// let ann = users.insert(user::new("ann@example.com", "…")).await?;
/// let posts = store.repository::<post::Entity>();
/// posts.insert_many((1..=3).map(|n| post::new(ann.id, format!("post {n}"), "…"))).await?;
///
/// let error = posts.insert(post::new(20, "lost", "…")).await.unwrap_err();
/// assert_eq!(error.to_string(), "posts.user_id = 20 references no row of users");
///
/// let report = users.delete(ann.id).await?;
/// assert_eq!(report.deleted("posts"), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Store {
    connection: Connection,
    registry: Arc<Registry>,
}

impl Store {
    /// Connects to `postgres://…`, `mysql://…` (also MariaDB) or `sqlite:…` with the [default options](StoreOptions::new).
    ///
    /// SQLite checks foreign keys and, in a file, uses write-ahead logging; `sqlite::memory:` is one connection, which is one
    /// database. The file must exist, unless the URL ends in `?mode=rwc`.
    ///
    /// # Errors
    ///
    /// Connection if the database cannot be reached; invalid input for a URL that cannot be used. No text contains the URL.
    pub async fn connect(url: &str, entities: Entities) -> Result<Self> {
        Self::connect_with(url, entities, StoreOptions::new()).await
    }

    /// Connects with options.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    pub async fn connect_with(url: &str, entities: Entities, options: StoreOptions) -> Result<Self> {
        let pool = open(url, &options).await?;
        Self::new(pool, entities, &options)
    }

    /// Uses a connection SeaORM has made, with the [default options](StoreOptions::new) as far as they apply.
    ///
    /// # Errors
    ///
    /// Invalid input for an engine this crate does not know.
    pub fn from_connection(connection: DatabaseConnection, entities: Entities) -> Result<Self> {
        Self::new(connection, entities, &StoreOptions::new())
    }

    fn new(pool: DatabaseConnection, entities: Entities, options: &StoreOptions) -> Result<Self> {
        Ok(Self {
            connection: Connection::pool(pool, options.retry)?,
            registry: Arc::new(Registry::new(entities, None)),
        })
    }

    /// The engine.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.connection.backend()
    }

    /// The entities.
    #[must_use]
    pub fn entities(&self) -> &Entities {
        &self.registry.entities
    }

    /// The connection, for any query of SeaORM's own: `post::Entity::find().all(store.connection())`. Inside a transaction it takes
    /// part in that transaction.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The rows of an entity. It need not be registered.
    #[must_use]
    pub fn repository<E: Entity>(&self) -> EntityRepository<E> {
        EntityRepository::new(self.connection.clone(), Arc::clone(&self.registry))
    }

    /// Creates what the registered entities declare and the database does not have: tables, referenced ones first, their unique keys
    /// and indexes, foreign keys, and an index for each foreign key that has none. Returns the tables it created.
    ///
    /// On PostgreSQL and SQLite all or nothing. On MySQL each statement commits by itself; running it again continues.
    ///
    /// # Errors
    ///
    /// Invalid input if an entity references a table that is neither registered nor there; otherwise what the database refuses.
    pub async fn create_all(&self) -> Result<Vec<TableName>> {
        let created = create::create_all(&self.connection, &self.registry.entities).await;
        self.registry.forget();
        created
    }

    /// The schema that the entities declare, as this store's engine would have it.
    ///
    /// # Errors
    ///
    /// Invalid input for a type the engine does not have.
    pub fn schema(&self) -> Result<Schema> {
        Schema::from_entities(self.backend(), &self.registry.entities)
    }

    /// The schema that the database has: the tables of the connection's own schema (MySQL: database).
    ///
    /// # Errors
    ///
    /// A database error if the catalog cannot be read.
    pub async fn introspect(&self) -> Result<Schema> {
        introspect::schema(&self.connection, &introspect::Scope::Own).await
    }

    /// What would have to change in the database for it to be as the entities declare; empty if nothing.
    ///
    /// The engine itself says how it stores what the entities declare: they are made, read back and thrown away in a schema of their own in
    /// a transaction that is rolled back (PostgreSQL), in memory (SQLite), or in a database beside the connection's that is dropped again
    /// (MySQL). Where the role may not do that, spellings are compared by rule, and a default or an expression may be reported that means
    /// the same. The tables themselves are neither written nor locked.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sea_orm_cascade::Error> {
    /// # use sea_orm::ConnectionTrait;
    /// # use sea_orm_cascade::{Store, diff::DiffOptions};
    /// let store = Store::connect("sqlite::memory:", entity::entities()).await?;
    /// store.create_all().await?;
    /// assert!(store.diff(&DiffOptions::new()).await?.is_empty());
    ///
    /// store.connection().execute_unprepared("DROP INDEX \"idx-posts-user_id\"").await?;
    /// let diff = store.diff(&DiffOptions::new()).await?;
    /// assert_eq!(diff.changes[0].change.to_string(), "posts: add index (user_id), as idx-posts-user_id");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Invalid input if this database cannot have the schema (a type of an extension that is not there); otherwise what reading the
    /// catalog reports.
    pub async fn diff(&self, options: &DiffOptions) -> Result<SchemaDiff> {
        self.diff_to(&self.schema()?, options).await
    }

    /// What would have to change in the database for it to be as this schema says: [`diff`](Self::diff) for a schema of any origin.
    ///
    /// # Errors
    ///
    /// As for `diff`.
    pub async fn diff_to(&self, schema: &Schema, options: &DiffOptions) -> Result<SchemaDiff> {
        drift::drift(&self.connection, schema, options).await
    }

    /// Writes the migration that makes the database as the entities declare; nothing if it is. The database is only read, as for
    /// [`diff`](Self::diff).
    ///
    /// # Errors
    ///
    /// Invalid input for a hint that fits nothing; otherwise as for `diff`.
    pub async fn generate_migration(&self, hints: &Hints, options: &DiffOptions) -> Result<Option<Generated>> {
        migrate::against(&self.connection, &self.registry.entities, hints, options).await
    }

    /// Plans the delete of some rows and of what goes with them, by what the entities declare and, for keys that none declares, by what the
    /// database has. The catalog is read, unless it was before.
    ///
    /// # Errors
    ///
    /// As for [`delete::plan`](crate::delete::plan()), and what reading the catalog reports.
    pub async fn plan_delete(&self, roots: &Roots, options: &DeleteOptions) -> Result<Plan> {
        let relations = self.registry.relations(&self.connection).await?;
        delete::plan(&relations, roots, options)
    }

    /// Calls a hook with the rows of an entity before they are deleted, in batches, within the transaction: whichever of this store's deletes
    /// takes them, and for whatever reason. Its error vetoes: everything is rolled back.
    ///
    /// Of all clones of this store, and of the stores that stand for its transactions. There is no taking a hook off again.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sea_orm_cascade::Error> {
    /// # use entity::{post, user};
    /// # use sea_orm_cascade::{Repository, RepositoryExt, Store};
    /// # let store = Store::connect("sqlite::memory:", entity::entities()).await?;
    /// # store.create_all().await?;
    /// # let users = store.repository::<user::Entity>();
    /// # let ann = users.insert(user::new("ann@example.com", "…")).await?;
    /// # store.repository::<post::Entity>().insert_many((1..=3).map(|n| post::new(ann.id, format!("{n}"), "…"))).await?;
    /// store.before_delete::<post::Entity, _>(async |batch| match batch.rows().iter().any(|post| post.published) {
    ///     true => Err("a published post stays"),
    ///     false => Ok(()),
    /// });
    /// let error = users.delete(ann.id).await.unwrap_err();
    /// assert_eq!(error.to_string(), "a hook refuses to let rows of posts go: a published post stays");
    /// # Ok(())
    /// # }
    /// ```
    pub fn before_delete<E, F>(&self, hook: F)
    where
        E: Entity,
        F: DeleteHook<E> + Fn(Batch<E>) -> <F as DeleteHook<E>>::Future,
    {
        self.registry.hook(|hooks| hooks.before(table_of::<E>(), hook));
    }

    /// Calls a hook with the rows of an entity after they were deleted, before the transaction commits: otherwise as
    /// [`before_delete`](Self::before_delete).
    pub fn after_delete<E, F>(&self, hook: F)
    where
        E: Entity,
        F: DeleteHook<E> + Fn(Batch<E>) -> <F as DeleteHook<E>>::Future,
    {
        self.registry.hook(|hooks| hooks.after(table_of::<E>(), hook));
    }

    /// Calls what the entity says itself, `ActiveModelBehavior::before_delete` and `after_delete`, for each of its rows that goes.
    pub fn entity_hooks<E: Entity>(&self) {
        self.registry.hook(|hooks| hooks.behave::<E>(table_of::<E>()));
    }

    /// Sets how many rows hooks are called with at once, at most. Default: 1,000. So many are in memory.
    pub fn hook_batch(&self, rows: usize) {
        self.registry.hook(|hooks| hooks.set_rows(rows));
    }

    /// The same store, with what an overlay file says: keys that the database does not have, other actions, guards. What it shares with
    /// this one is the connection, not what either learns of the catalog, nor hooks that are added later.
    ///
    /// The catalog is not read here: what the overlay names and the database does not have is an error of the first delete.
    #[must_use]
    pub fn with_overlay(self, overlay: Overlay) -> Self {
        Self {
            registry: Arc::new(self.registry.overlaid(overlay)),
            connection: self.connection,
        }
    }

    /// Forgets what is known of the catalog, so that the next delete reads it again: for after tables or keys were changed while the store
    /// was in use.
    pub fn refresh(&self) {
        self.registry.forget();
    }

    /// Runs a closure in a transaction: commits if it returns `Ok`, rolls back if it returns `Err` or is dropped.
    ///
    /// If the database gives the transaction up in favour of another (a deadlock, a serialisation failure, SQLite's BUSY), the *whole
    /// closure* runs again, after a random pause, up to the store's [`RetryPolicy`](crate::RetryPolicy). So what it does outside the
    /// database must bear being done twice. It is run again also if it swallowed that failure: such a transaction is lost already.
    ///
    /// On a store that stands for a transaction this is a nested one, a savepoint: it can fail by itself, and is not retried by itself.
    ///
    /// The closure's error may be any type an [`Error`] converts into, `anyhow::Error` included.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sea_orm_cascade::Error> {
    /// # use entity::{post, user};
    /// # use sea_orm::ColumnTrait;
    /// # use sea_orm_cascade::{Repository, RepositoryExt, Store};
    /// # let store = Store::connect("sqlite::memory:", entity::entities()).await?;
    /// # store.create_all().await?;
    /// # let ann = store.repository::<user::Entity>().insert(user::new("ann@example.com", "…")).await?;
    /// # let bob = store.repository::<user::Entity>().insert(user::new("bob@example.com", "…")).await?;
    /// let moved = store
    ///     .transaction(async |tx| {
    ///         let posts = tx.repository::<post::Entity>();
    ///         posts.update_many(post::Column::UserId.eq(ann.id), post::owner(bob.id)).await
    ///     })
    ///     .await?;
    /// # assert_eq!(moved, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The closure's own error. Retryable if the attempts ran out, commit unknown if the connection broke while committing, aborted
    /// if a failure was swallowed that the database did not forget, and otherwise what beginning or committing reports.
    pub async fn transaction<T, X, F, Fut>(&self, body: F) -> Result<T, X>
    where
        F: Fn(Self) -> Fut,
        Fut: Future<Output = Result<T, X>>,
        X: From<Error>,
    {
        self.transaction_with(TransactionOptions::new(), body).await
    }

    /// [`transaction`](Self::transaction) with an isolation level or access mode.
    ///
    /// # Errors
    ///
    /// As for `transaction`.
    pub async fn transaction_with<T, X, F, Fut>(&self, options: TransactionOptions, body: F) -> Result<T, X>
    where
        F: Fn(Self) -> Fut,
        Fut: Future<Output = Result<T, X>>,
        X: From<Error>,
    {
        let operation = Operation::new("transaction", self.backend(), "");
        let work = self.connection.transaction(options, &operation, |connection| {
            body(Self {
                connection,
                registry: Arc::clone(&self.registry),
            })
        });
        operation.run_opaque(work).await
    }

    /// Closes the pool: waits for operations under way, and lets no new ones begin. In a transaction it does nothing.
    ///
    /// # Errors
    ///
    /// Connection if closing fails.
    pub async fn close(self) -> Result<()> {
        self.connection.close().await
    }
}

impl On for Store {
    fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl Called for Store {
    async fn calls(&self) -> Result<Calls> {
        self.registry.calls(&self.connection).await
    }
}

impl<E: EntityTrait> Batch<E> {
    /// The store, in the transaction that deletes the rows: for repositories, and deletes that are part of this one.
    #[must_use]
    pub fn store(&self) -> Store {
        Store {
            connection: self.connection().clone(),
            registry: self.within().downcast().unwrap_or_default(),
        }
    }
}

impl AsRef<Connection> for Store {
    fn as_ref(&self) -> &Connection {
        &self.connection
    }
}
