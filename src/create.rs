//! [`create_all`]: the whole schema from the entities.

use std::collections::BTreeSet;

use sea_orm::ConnectionTrait;

use crate::backend::Backend;
use crate::connection::{Connection, TransactionOptions};
use crate::ddl;
use crate::diff::{Change, DiffOptions, diff};
use crate::drift;
use crate::error::{Error, Result};
use crate::introspect::{self, Scope};
use crate::name::TableName;
use crate::observe::Operation;
use crate::schema::{Entities, ForeignKey, Index, Schema, Table};

/// Creates the tables, types, indexes and foreign keys the entities declare, referenced tables first; what exists is left alone.
///
/// A foreign key also gets an index on its columns, unless a unique key or another index begins with them: without one, every
/// delete of a referenced row reads the whole referencing table. Keys of tables that reference each other in a circle are added once all
/// tables are there (SQLite takes them at once). Returns the tables it created.
///
/// On PostgreSQL and SQLite all of it is one transaction, and a second process waits. On MySQL every statement commits by itself; after a
/// failure, running it again continues.
///
/// # Errors
///
/// Invalid input if an entity references a table that is neither registered nor there; otherwise what the database refuses.
pub(crate) async fn create_all(connection: &Connection, entities: &Entities) -> Result<Vec<TableName>> {
    let operation = Operation::new("create_all", connection.backend(), "");
    let wanted = Schema::from_entities(connection.backend(), entities)?;
    let wanted = &wanted;
    let work = async {
        if !connection.backend().capability().transactional_ddl {
            return create_missing(connection, wanted).await;
        }
        connection
            .transaction(TransactionOptions::new(), &operation, |tx| async move {
                create_missing(&tx, wanted).await
            })
            .await
    };
    operation.run(work, |_| 0).await
}

async fn create_missing(connection: &Connection, wanted: &Schema) -> Result<Vec<TableName>> {
    if connection.backend() == Backend::Postgres {
        // SQLite's transaction has the write lock already; MySQL's statements say IF NOT EXISTS.
        let alone = "SELECT pg_advisory_xact_lock(hashtextextended('create_all in ' || current_schema(), 0))";
        connection.execute_unprepared(alone).await?;
    }
    let wanted = drift::localised(connection, wanted.clone()).await?.with_names_as_kept();
    let live = introspect::schema(connection, &with_referenced(&wanted)).await?;
    refuse_missing(&wanted, &live)?;
    let own = match connection.backend() {
        Backend::MySql => introspect::own_schema(connection).await?,
        Backend::Postgres | Backend::Sqlite => None,
    };
    let (statements, created) = missing(&live, &wanted, own.as_deref());
    for statement in statements {
        connection.execute_unprepared(&statement).await?;
    }
    Ok(created)
}

/// As for a comparison, and the schemas of referenced tables.
fn with_referenced(wanted: &Schema) -> Scope {
    let named: BTreeSet<String> = wanted
        .foreign_keys()
        .flat_map(|key| [&key.relation.table, &key.relation.referenced_table])
        .chain(wanted.tables.iter().map(|table| &table.name))
        .filter_map(|table| table.schema().map(str::to_owned))
        .collect();
    Scope::OwnAnd(named.into_iter().collect())
}

fn refuse_missing(wanted: &Schema, live: &Schema) -> Result<()> {
    for key in wanted.foreign_keys() {
        let referenced = &key.relation.referenced_table;
        if wanted.table(referenced).is_none() && live.table(referenced).is_none() {
            return Err(Error::invalid_input(format!(
                "{} references {referenced}, which is neither registered nor in the database: add its entity to Entities",
                key.relation
            )));
        }
    }
    Ok(())
}

/// The statements for what is missing, and the tables they make.
fn missing(live: &Schema, wanted: &Schema, own: Option<&str>) -> (Vec<String>, Vec<TableName>) {
    let backend = wanted.backend;
    let named = |key: &ForeignKey| ddl::qualified(backend, key, own);
    let changes: Vec<_> = diff(live, wanted, &DiffOptions::default())
        .changes
        .into_iter()
        .map(|difference| difference.change)
        .collect();
    let mut statements = Vec::new();
    for change in &changes {
        if let Change::CreateType { named } = change {
            statements.push(ddl::create_type(backend, named));
        }
    }
    let there: BTreeSet<_> = live.tables.iter().map(|table| table.name.clone()).collect();
    let creation = ddl::creation(wanted, &there);
    for (table, keys) in &creation.tables {
        let keys: Vec<_> = keys.iter().map(|key| named(key)).collect();
        let create = ddl::create_table(backend, table, &keys.iter().collect::<Vec<_>>());
        statements.extend(
            create
                .iter()
                .map(|sql| sql.replacen("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)),
        );
    }
    let later = creation
        .later
        .iter()
        .map(|key| ddl::add_foreign_key(backend, &named(key)));
    statements.extend(later);
    statements.extend(changes.iter().filter_map(|change| complete(live, wanted, change, own)));
    let created = creation.tables.iter().map(|(table, _)| table.name.clone()).collect();
    (statements, created)
}

/// What a table that is there is given: an index that it lacks, and a key that an interrupted run did not come to.
fn complete(live: &Schema, wanted: &Schema, change: &Change, own: Option<&str>) -> Option<String> {
    let backend = wanted.backend;
    let is_free = |table: &TableName, name: &str| live.table(table).is_none_or(|table| !has_index_named(table, name));
    match change {
        Change::AddIndex { table, index } if is_free(table, &index.name) && has_columns(live, table, index) => {
            Some(ddl::index_statement(backend, table, index))
        }
        Change::AddUniqueKey { table, key } if !backend.capability().unique_indexes_apart => {
            let name = key.name.as_ref().filter(|name| is_free(table, name.as_str()))?;
            let mut index = Index::new(name.as_str(), key.columns.iter().cloned());
            index.unique = true;
            has_columns(live, table, &index).then(|| ddl::index_statement(backend, table, &index))
        }
        Change::AddForeignKey { key } => {
            let whole = ddl::creation(wanted, &BTreeSet::new());
            let late = whole.later.iter().any(|later| later.is_same_key(key));
            late.then(|| ddl::add_foreign_key(backend, &ddl::qualified(backend, key, own)))
        }
        _ => None,
    }
}

/// A table of an older version may lack the columns: bringing it up to date is for a migration.
fn has_columns(live: &Schema, table: &TableName, index: &Index) -> bool {
    let live = live.table(table);
    let columns = index.columns().unwrap_or_default();
    columns
        .iter()
        .all(|column| live.is_some_and(|live| live.column(column).is_some()))
}

fn has_index_named(table: &Table, name: &str) -> bool {
    let keys = table.unique_keys.iter().filter_map(|key| key.name.as_ref());
    keys.map(crate::name::ConstraintName::as_str)
        .chain(table.indexes.iter().map(|index| index.name.as_str()))
        .any(|known| known == name)
}
