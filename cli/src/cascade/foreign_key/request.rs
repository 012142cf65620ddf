//! The key that was asked for, or that was begun.

use std::time::Duration;

use anyhow::bail;
use sea_orm_cascade::Backend;
use sea_orm_cascade::introspect;
use sea_orm_cascade::migrate::{Backfill, RequiredForeignKey};
use sea_orm_cascade::name::TableName;
use sea_orm_cascade::schema::Action;

use super::super::Database;
use super::super::arguments::{Columns, KeyArguments};

/// What was asked for or, if only its columns are named, what is remembered of it; at the pace that was asked for.
pub(super) async fn of(database: &Database, key: &KeyArguments) -> anyhow::Result<RequiredForeignKey> {
    let columns = at_home(database, &key.columns)?;
    let table = String::from(columns.table.clone());
    let request = match &key.references {
        Some(references) => declared(&columns, &at_home(database, references)?, key),
        None => {
            let connection = database.store.connection();
            match RequiredForeignKey::remembered(connection, &table, columns.columns.clone()).await? {
                Some(remembered) => remembered,
                None => match alive(database, &columns).await? {
                    Some(alive) => alive,
                    None => bail!("{}", unknown(database.store.backend(), &columns)),
                },
            }
        }
    };
    Ok(paced(request, key))
}

/// The key of these columns that is there, on SQLite: what was made is all that was begun.
async fn alive(database: &Database, columns: &Columns) -> anyhow::Result<Option<RequiredForeignKey>> {
    match database.store.backend() {
        Backend::Postgres | Backend::MySql => return Ok(None),
        Backend::Sqlite => {}
    }
    // As the database has it, whatever an overlay says.
    let schema = introspect::schema(database.store.connection(), &database.scope).await?;
    let Some(table) = schema.table(&columns.table) else {
        return Ok(None);
    };
    let mut keys = table.foreign_keys.iter();
    let Some(key) = keys.find(|key| key.relation.columns == columns.columns) else {
        return Ok(None);
    };
    let referenced = String::from(key.relation.referenced_table.clone());
    let request = RequiredForeignKey::new(&String::from(table.name.clone()), columns.columns.clone())
        .references(&referenced, key.relation.referenced_columns.clone())
        .on_delete(key.on_delete)
        .on_update(key.on_update);
    let is_required = |name| table.column(name).is_some_and(|column| !column.nullable);
    Ok(Some(match columns.columns.iter().all(is_required) {
        true => request,
        false => request.optional(),
    }))
}

fn unknown(backend: Backend, columns: &Columns) -> String {
    let typed = columns.typed();
    match backend {
        Backend::Postgres | Backend::MySql => format!(
            "nothing is remembered of a key of {typed}: none was begun here by cascade, or it was reverted; say with --references what it \
             references"
        ),
        Backend::Sqlite => format!(
            "there is no key of {typed}, and on SQLite none is ever half made: say with --references what it is to reference"
        ),
    }
}

/// A table without a schema is in the one that `--schema` names. On PostgreSQL the connection works in it.
fn at_home(database: &Database, columns: &Columns) -> anyhow::Result<Columns> {
    let mut columns = columns.clone();
    match (database.store.backend(), database.schemas.as_slice()) {
        (Backend::MySql, [only]) if columns.table.schema().is_none() => {
            columns.table = TableName::in_schema(only, columns.table.name());
        }
        (_, [] | [_]) => {}
        (Backend::Postgres | Backend::MySql | Backend::Sqlite, _) => {
            bail!("name one --schema, or write the tables as SCHEMA.TABLE.COLUMN");
        }
    }
    Ok(columns)
}

fn declared(columns: &Columns, references: &Columns, key: &KeyArguments) -> RequiredForeignKey {
    let table = |of: &Columns| String::from(of.table.clone());
    let mut request = RequiredForeignKey::new(&table(columns), columns.columns.clone())
        .references(&table(references), references.columns.clone())
        .on_delete(key.on_delete.unwrap_or(Action::NoAction))
        .on_update(key.on_update.unwrap_or(Action::NoAction))
        .column_types(key.types.iter().cloned());
    if !key.required {
        request = request.optional();
    }
    if let Some(name) = &key.name {
        request = request.named(name);
    }
    if let Some(backfill) = backfill(key) {
        request = request.backfill(backfill);
    }
    if let Some(writer) = key.write_path {
        request = request.write_path(writer.into());
    }
    request
}

fn backfill(key: &KeyArguments) -> Option<Backfill> {
    if let Some(owner) = &key.owner {
        let values = owner.split(',').map(|value| value.trim().to_owned());
        return Some(Backfill::owner(values));
    }
    if let Some(mapping) = &key.mapping {
        return Some(Backfill::Mapping {
            table: mapping.table.clone(),
            on: mapping.on.clone(),
            values: mapping.values.clone(),
        });
    }
    (!key.backfill.is_empty()).then(|| Backfill::sqls(key.backfill.iter().cloned()))
}

fn paced(mut request: RequiredForeignKey, key: &KeyArguments) -> RequiredForeignKey {
    if let Some(rows) = key.batch {
        request = request.batch_rows(rows);
    }
    if let Some(percent) = key.rest {
        request = request.rest(percent);
    }
    if let Some(milliseconds) = key.lock_timeout {
        request = request.lock_timeout(Duration::from_millis(milliseconds));
    }
    if let Some(attempts) = key.attempts {
        request = request.attempts(attempts);
    }
    if let Some(seconds) = key.patience {
        request = request.patience(Duration::from_secs(seconds));
    }
    request
}
