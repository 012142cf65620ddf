//! Making a schema in a place of its own, to see how the engine stores it.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;

use super::schemas;
use crate::backend::Backend;
use crate::connection::{Connection, StoreOptions, TransactionOptions, open};
use crate::ddl;
use crate::error::{Error, Result};
use crate::introspect::{self, Scope};
use crate::name::TableName;
use crate::observe::Operation;
use crate::schema::{ForeignKey, Schema};

/// The schema as the engine stores it; nothing if the role may not make a place to try it in.
pub(super) async fn realise(connection: &Connection, wanted: &Schema) -> Result<Option<Schema>> {
    let (within, outside) = without_foreign_references(wanted);
    let realised = match connection.backend() {
        Backend::Postgres => on_postgres(connection, &within).await?,
        Backend::MySql => on_mysql(connection, &within).await?,
        Backend::Sqlite => Some(on_sqlite(&within).await?),
    };
    Ok(realised.map(|mut realised| {
        for key in outside {
            if let Some(table) = realised.table_mut(&key.relation.table.clone()) {
                table.foreign_keys.push(key);
            }
        }
        realised.left_out.clear();
        realised.sort();
        realised
    }))
}

/// A key to a table that is not part of the schema would reference, and on PostgreSQL lock, the live table: it is kept apart.
fn without_foreign_references(wanted: &Schema) -> (Schema, Vec<ForeignKey>) {
    let mut within = wanted.clone();
    let mut outside = Vec::new();
    for table in &mut within.tables {
        let (kept, taken): (Vec<_>, Vec<_>) = std::mem::take(&mut table.foreign_keys)
            .into_iter()
            .partition(|key| wanted.table(&key.relation.referenced_table).is_some());
        table.foreign_keys = kept;
        outside.extend(taken);
    }
    (within, outside)
}

/// Which scratch schema stands for which; `None` is the connection's own.
struct Places {
    own: String,
    named: BTreeMap<String, String>,
}

impl Places {
    fn new(wanted: &Schema) -> Self {
        let own = format!("cascade_scratch_{}_{:08x}", std::process::id(), fastrand::u32(..));
        let named = schemas(wanted)
            .into_iter()
            .enumerate()
            .map(|(number, schema)| (schema, format!("{own}_{number}")))
            .collect();
        Self { own, named }
    }

    fn all(&self) -> Vec<String> {
        std::iter::once(&self.own).chain(self.named.values()).cloned().collect()
    }

    /// A name of the wanted schema, in its scratch place. PostgreSQL finds those of the connection's own schema by its search path.
    fn there(&self, backend: Backend, name: &TableName) -> TableName {
        let place = match name.schema() {
            Some(schema) => self.named.get(schema),
            None => Some(&self.own).filter(|_| backend == Backend::MySql),
        };
        place.map_or_else(|| name.clone(), |place| TableName::in_schema(place, name.name()))
    }

    /// The other way round.
    fn back(&self, name: &TableName) -> TableName {
        match name.schema() {
            Some(place) if place == self.own => TableName::new(name.name()),
            Some(place) => match self.named.iter().find(|(_, known)| *known == place) {
                Some((schema, _)) => TableName::in_schema(schema, name.name()),
                None => name.clone(),
            },
            None => name.clone(),
        }
    }

    fn bring_back(&self, schema: &mut Schema) {
        schema.map_names(|name| self.back(name));
        schema.map_sql(|sql| {
            // Longer names first: the own place's name begins each of the others.
            let named = self
                .named
                .iter()
                .rev()
                .fold(sql.to_owned(), |sql, (schema, place)| sql.replace(place, schema));
            named.replace(&format!("{}.", self.own), "")
        });
    }
}

async fn make(connection: &Connection, schema: &Schema) -> Result<()> {
    for statement in ddl::create(schema) {
        let made = connection.execute_unprepared(&statement).await;
        made.map_err(|error| cannot_be_made(error.into(), &statement))?;
    }
    Ok(())
}

fn cannot_be_made(error: Error, statement: &str) -> Error {
    if error.is_refused() {
        return error;
    }
    let cause = std::error::Error::source(&error)
        .map(|cause| format!(": {cause}"))
        .unwrap_or_default();
    Error::invalid_input(format!(
        "this database cannot have the schema that is to be compared: {error}{cause}; the statement was {statement}"
    ))
}

/// How the trial transaction ends: always with an error, so that it is rolled back.
enum Trial {
    Made(Box<Schema>),
    Failed(Error),
}

impl From<Error> for Trial {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

async fn on_postgres(connection: &Connection, wanted: &Schema) -> Result<Option<Schema>> {
    let operation = Operation::new("diff", connection.backend(), "");
    let places = Places::new(wanted);
    let mut moved = wanted.clone();
    moved.map_names(|name| places.there(Backend::Postgres, name));
    let (places, moved) = (&places, &moved);
    let trial = connection
        .transaction(TransactionOptions::new(), &operation, |tx| async move {
            let made = try_on_postgres(&tx, places, moved).await?;
            Err::<(), _>(Trial::Made(Box::new(made)))
        })
        .await;
    match trial {
        Ok(()) => Ok(None),
        Err(Trial::Made(mut made)) => {
            places.bring_back(&mut made);
            Ok(Some(*made))
        }
        Err(Trial::Failed(error)) if error.is_refused() => Ok(None),
        Err(Trial::Failed(error)) => Err(error),
    }
}

async fn try_on_postgres(tx: &Connection, places: &Places, moved: &Schema) -> Result<Schema> {
    for place in places.all() {
        tx.execute_unprepared(&format!("CREATE SCHEMA {place}")).await?;
    }
    // Types of extensions are found where they were.
    let path = "SELECT set_config('search_path', '$own, ' || current_setting('search_path'), true)";
    tx.execute_unprepared(&path.replace("$own", &places.own)).await?;
    make(tx, moved).await?;
    introspect::schema(tx, &Scope::OwnAnd(places.named.values().cloned().collect())).await
}

async fn on_sqlite(wanted: &Schema) -> Result<Schema> {
    let options = StoreOptions::new();
    let memory = Connection::pool(open("sqlite::memory:", &options).await?, options.retry)?;
    let made = match make(&memory, wanted).await {
        Ok(()) => introspect::schema(&memory, &Scope::Own).await,
        Err(error) => Err(error),
    };
    memory.close().await?;
    made
}

async fn on_mysql(connection: &Connection, wanted: &Schema) -> Result<Option<Schema>> {
    // CREATE DATABASE would commit the transaction.
    if connection.is_transaction() {
        return Ok(None);
    }
    let places = Places::new(wanted);
    let mut moved = wanted.clone();
    moved.map_names(|name| places.there(Backend::MySql, name));
    let mut there = Vec::new();
    let trial = try_on_mysql(connection, &places, &moved, &mut there).await;
    // In whatever way the trial ended.
    remove(connection, &there).await?;
    match trial {
        Ok(mut made) => {
            places.bring_back(&mut made);
            Ok(Some(made))
        }
        Err(error) if error.is_refused() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn try_on_mysql(
    connection: &Connection,
    places: &Places,
    moved: &Schema,
    there: &mut Vec<String>,
) -> Result<Schema> {
    let defaults = introspect::database_defaults(connection).await?;
    for place in places.all() {
        connection
            .execute_unprepared(&format!("CREATE DATABASE {place} {defaults}"))
            .await?;
        there.push(place);
    }
    make(connection, moved).await?;
    introspect::schema(connection, &Scope::Named(places.all())).await
}

/// Drops databases. A key from one to another would keep that one there.
async fn remove(connection: &Connection, databases: &[String]) -> Result<()> {
    if databases.len() > 1 {
        let made = introspect::schema(connection, &Scope::Named(databases.to_vec())).await?;
        for key in made.foreign_keys() {
            let relation = &key.relation;
            if let Some(name) = &relation.constraint
                && relation.table.schema() != relation.referenced_table.schema()
            {
                let table = ddl::table_name(Backend::MySql, &relation.table);
                let name = ddl::identifier(Backend::MySql, name.as_str());
                connection
                    .execute_unprepared(&format!("ALTER TABLE {table} DROP FOREIGN KEY {name}"))
                    .await?;
            }
        }
    }
    for database in databases {
        connection
            .execute_unprepared(&format!("DROP DATABASE IF EXISTS {database}"))
            .await?;
    }
    Ok(())
}
