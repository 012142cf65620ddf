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
use crate::schema::{Schema, Table};

/// Tables that are made in one transaction on PostgreSQL. Each takes a lock for itself, its indexes, its sequence and its TOAST table, and
/// the server has room for some thousands (`max_locks_per_transaction`), which others need too.
const TABLES_AT_ONCE: usize = 100;

/// The schema as the engine stores it; nothing if the role may not make a place to try it in.
///
/// Foreign keys are left as they are. An engine has no second spelling for them, and without them tables can be made in any order, a few
/// at a time, and no key locks what it references.
pub(super) async fn realise(connection: &Connection, wanted: &Schema) -> Result<Option<Schema>> {
    let mut tables = wanted.clone();
    for table in &mut tables.tables {
        table.foreign_keys.clear();
    }
    let made = match connection.backend() {
        Backend::Postgres => on_postgres(connection, &tables).await?,
        Backend::MySql => on_mysql(connection, &tables).await?,
        Backend::Sqlite => Some(on_sqlite(&tables).await?),
    };
    Ok(made.map(|made| with_keys(made, wanted.clone().normalised())))
}

fn with_keys(mut made: Schema, wanted: Schema) -> Schema {
    for table in wanted.tables {
        if let Some(made) = made.table_mut(&table.name) {
            made.foreign_keys = table.foreign_keys;
        }
    }
    made.left_out.clear();
    made.sort();
    made
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
    let mut whole = Schema::new(wanted.backend);
    // At least once, for the types of a schema without tables.
    let mut rest = wanted.tables.as_slice();
    loop {
        let (few, more) = rest.split_at(rest.len().min(TABLES_AT_ONCE));
        let mut moved = part(wanted, few);
        moved.map_names(|name| places.there(Backend::Postgres, name));
        let (places, moved) = (&places, &moved);
        let trial = connection
            .transaction(TransactionOptions::new(), &operation, |tx| async move {
                let made = try_on_postgres(&tx, places, moved).await?;
                Err::<(), _>(Trial::Made(Box::new(made)))
            })
            .await;
        match trial {
            Err(Trial::Made(mut made)) => {
                places.bring_back(&mut made);
                made.tables
                    .retain(|table| few.iter().any(|asked| is_same_name(&asked.name, &table.name)));
                whole.tables.append(&mut made.tables);
                (whole.types, whole.sequences) = (made.types, made.sequences);
            }
            Err(Trial::Failed(error)) if error.is_refused() => return Ok(None),
            Err(Trial::Failed(error)) => return Err(error),
            Ok(()) => return Ok(None),
        }
        if more.is_empty() {
            return Ok(Some(whole));
        }
        rest = more;
    }
}

/// PostgreSQL may have cut the name.
fn is_same_name(asked: &TableName, made: &TableName) -> bool {
    asked.schema() == made.schema() && asked.name().starts_with(made.name())
}

/// These tables of the schema, those they inherit from, and everything that is not a table.
fn part(wanted: &Schema, few: &[Table]) -> Schema {
    let mut part = Schema {
        tables: few.to_vec(),
        ..wanted.clone()
    };
    let mut at = 0;
    while let Some(table) = part.tables.get(at) {
        let parents: Vec<_> = table
            .options
            .inherits
            .iter()
            .filter_map(|name| wanted.table(name))
            .cloned()
            .collect();
        for parent in parents {
            if part.table(&parent.name).is_none() {
                part.tables.push(parent);
            }
        }
        at += 1;
    }
    part
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

/// No key leads from one to another, which would keep that one there.
async fn remove(connection: &Connection, databases: &[String]) -> Result<()> {
    for database in databases {
        connection
            .execute_unprepared(&format!("DROP DATABASE IF EXISTS {database}"))
            .await?;
    }
    Ok(())
}
