//! [`create_all`]: the whole schema from the entities.

use sea_orm::sea_query::{Index, IndexCreateStatement, TableCreateStatement};
use sea_orm::{ConnectionTrait, DbBackend};

use crate::connection::{Connection, TransactionOptions};
use crate::error::{Error, Result};
use crate::graph;
use crate::introspect;
use crate::name::TableName;
use crate::observe::Operation;
use crate::schema::{Entities, ForeignKey, Registered};

/// Creates the tables, types, indexes and foreign keys the entities declare, referenced tables first; what exists is left alone.
///
/// A foreign key also gets an index on its columns, unless a unique key or another index begins with them: without one, every
/// delete of a referenced row reads the whole referencing table. Returns the tables it created.
///
/// On PostgreSQL and SQLite all of it is one transaction. On MySQL every statement commits by itself; after a failure, running it
/// again continues.
///
/// # Errors
///
/// Invalid input if tables reference each other in a circle and the backend cannot declare that inline (PostgreSQL, MySQL), or if
/// an entity references a table that is neither registered nor there; otherwise what the database refuses.
pub(crate) async fn create_all(connection: &Connection, entities: &Entities) -> Result<Vec<TableName>> {
    let operation = Operation::new("create_all", connection.backend(), "");
    let work = async {
        if !connection.backend().capability().transactional_ddl {
            return create_missing(connection, entities).await;
        }
        connection
            .transaction(TransactionOptions::new(), &operation, |tx| async move {
                create_missing(&tx, entities).await
            })
            .await
    };
    operation.run(work, |_| 0).await
}

async fn create_missing(connection: &Connection, entities: &Entities) -> Result<Vec<TableName>> {
    let backend = connection.get_database_backend();
    let referenced = entities.foreign_keys().map(|key| &key.relation.referenced_table);
    let asked: Vec<_> = entities.tables().chain(referenced).cloned().collect();
    let existing = introspect::existing(connection, &asked).await?;
    let order = creation_order(backend, entities, |table| existing.contains(table))?;
    let mut created = Vec::new();
    for entity in order {
        if !existing.contains(&entity.table) {
            create_types(connection, entity).await?;
            connection
                .execute((entity.create_table)(backend).if_not_exists())
                .await?;
            created.push(entity.table.clone());
        }
        let present = introspect::indexes(connection, &entity.table).await?;
        for index in indexes(entity, backend) {
            let name = index.get_index_spec().get_name().unwrap_or_default().to_owned();
            if !present.contains(&name) {
                connection.execute(&index).await?;
            }
        }
    }
    Ok(created)
}

/// PostgreSQL has no `CREATE TYPE IF NOT EXISTS`, and two entities may share an enum.
async fn create_types(connection: &Connection, entity: &Registered) -> Result<()> {
    if connection.backend().capability().named_types {
        for (name, labels) in (entity.enums)() {
            let labels: Vec<_> = labels
                .iter()
                .map(|label| format!("'{}'", label.replace('\'', "''")))
                .collect();
            let guarded = format!(
                "DO $create$ BEGIN CREATE TYPE \"{}\" AS ENUM ({}); EXCEPTION WHEN duplicate_object THEN NULL; END $create$",
                name.replace('"', "\"\""),
                labels.join(", ")
            );
            connection.execute_unprepared(&guarded).await?;
        }
    }
    Ok(())
}

fn creation_order(
    backend: DbBackend,
    entities: &Entities,
    exists: impl Fn(&TableName) -> bool,
) -> Result<Vec<&Registered>> {
    for key in entities.foreign_keys() {
        let referenced = &key.relation.referenced_table;
        if !exists(referenced) && entities.tables().all(|table| table != referenced) {
            return Err(Error::invalid_input(format!(
                "{} references {referenced}, which is neither registered nor in the database: add its entity to Entities",
                key.relation
            )));
        }
    }
    let mut order = Vec::new();
    for component in graph::components(entities.tables(), entities.foreign_keys()) {
        if component.len() > 1 && backend != DbBackend::Sqlite && !component.iter().all(&exists) {
            let names: Vec<_> = component.iter().map(TableName::to_string).collect();
            return Err(Error::invalid_input(format!(
                "{} reference each other in a circle: create one of these foreign keys in a migration and mark its relation skip_fk",
                names.join(", ")
            )));
        }
        for table in component {
            order.extend(entities.registered().iter().find(|entity| entity.table == table));
        }
    }
    Ok(order)
}

/// The indexes the entity declares, and one for each foreign key that no key or index serves.
fn indexes(entity: &Registered, backend: DbBackend) -> Vec<IndexCreateStatement> {
    let mut indexes = (entity.create_indexes)(backend);
    let mut served = leading_columns(&(entity.create_table)(backend));
    served.extend(indexes.iter().map(|index| index.get_index_spec().get_column_names()));
    for key in &entity.foreign_keys {
        let columns: Vec<String> = key.relation.columns.iter().map(ToString::to_string).collect();
        if !served.iter().any(|index| index.starts_with(&columns)) {
            indexes.push(foreign_key_index(key, &columns));
            served.push(columns);
        }
    }
    indexes
}

/// What the table's own primary and unique keys begin with.
fn leading_columns(table: &TableCreateStatement) -> Vec<Vec<String>> {
    let keys = table
        .get_indexes()
        .iter()
        .map(|index| index.get_index_spec().get_column_names());
    let columns = table
        .get_columns()
        .iter()
        .filter(|column| column.get_column_spec().primary_key || column.get_column_spec().unique)
        .map(|column| vec![column.get_column_name().clone()]);
    keys.chain(columns).collect()
}

/// Named as SeaORM names the index of an `indexed` column.
fn foreign_key_index(key: &ForeignKey, columns: &[String]) -> IndexCreateStatement {
    let table = &key.relation.table;
    let mut index = Index::create();
    index.name(format!("idx-{}-{}", table.name(), columns.join("-")));
    match table.schema() {
        Some(schema) => index.table((schema.to_owned(), table.name().to_owned())),
        None => index.table(table.name().to_owned()),
    };
    for column in columns {
        index.col(column.clone());
    }
    index
}
