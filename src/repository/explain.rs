//! What an engine does not say about a refused statement, found out afterwards.
//!
//! PostgreSQL tells nearly everything and dooms the transaction; MySQL tells the relation and not the key; SQLite tells nothing. So
//! what is missing is filled in from three sources, in this order: what was attempted, the relations the entity declares, and, where
//! the transaction still lives, the database itself.

use std::collections::HashSet;

use sea_orm::sea_query::{Expr, ExprTrait, Func, Query};
use sea_orm::{ConnectionTrait, DbErr, IdenStatic, Iterable, Value};

use super::Entity;
use super::key::{KeyTuple, set_value, table_of, tuple_in, value_text};
use crate::connection::Connection;
use crate::delete;
use crate::error::{Direction, Error, ErrorKind, Result};
use crate::introspect;
use crate::name::{ColumnName, KeyValues, Relation, TableName};
use crate::schema::{ForeignKey, declared_relations};

/// What was attempted when the statement failed.
pub(super) enum Attempted<'a, E: Entity> {
    Insert(&'a [E::ActiveModel]),
    Update(&'a E::ActiveModel),
}

/// Turns a statement's failure into an error that names the relation, the columns and the key.
pub(super) trait Explain<T> {
    async fn explain<E: Entity>(self, connection: &Connection, attempted: Attempted<'_, E>) -> Result<T>;
}

impl<T: Send> Explain<T> for Result<T, DbErr> {
    async fn explain<E: Entity>(self, connection: &Connection, attempted: Attempted<'_, E>) -> Result<T> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(explain::<E>(connection, error.into(), attempted).await),
        }
    }
}

async fn explain<E: Entity>(connection: &Connection, error: Error, attempted: Attempted<'_, E>) -> Error {
    let own = table_of::<E>();
    let kind = match error.kind().clone() {
        ErrorKind::Unique {
            table,
            columns,
            constraint,
        } => {
            let table = table.unwrap_or(own);
            let columns = match (&constraint, columns) {
                (Some(index), columns) if columns.is_empty() => index_columns(connection, &table, index.as_str()).await,
                (_, columns) => columns,
            };
            ErrorKind::Unique {
                table: Some(table),
                columns,
                constraint,
            }
        }
        ErrorKind::NotNull { table, column } => ErrorKind::NotNull {
            table: Some(table.unwrap_or(own)),
            column,
        },
        ErrorKind::Check { table, name } => ErrorKind::Check {
            table: Some(table.unwrap_or(own)),
            name,
        },
        ErrorKind::ForeignKey {
            relation,
            key,
            direction,
        } => foreign_key::<E>(connection, relation, key, direction, attempted).await,
        other => other,
    };
    error.with_kind(kind)
}

#[cfg(feature = "mysql")]
async fn index_columns(connection: &Connection, table: &TableName, index: &str) -> Vec<ColumnName> {
    if connection.backend() != crate::backend::Backend::MySql {
        return Vec::new();
    }
    introspect::index_columns(connection, table.name(), index)
        .await
        .unwrap_or_default()
}

#[cfg(not(feature = "mysql"))]
#[expect(clippy::unused_async, reason = "it stands in for the function of the feature")]
async fn index_columns(_: &Connection, _: &TableName, _: &str) -> Vec<ColumnName> {
    Vec::new()
}

async fn foreign_key<E: Entity>(
    connection: &Connection,
    relation: Option<Relation>,
    key: Option<KeyValues>,
    direction: Option<Direction>,
    attempted: Attempted<'_, E>,
) -> ErrorKind {
    let direction = direction.or(match attempted {
        Attempted::Insert(_) => Some(Direction::MissingParent),
        Attempted::Update(_) => None,
    });
    let found = match (relation, attempted) {
        (Some(relation), attempted) => complete::<E>(connection, relation, key, direction, attempted).await,
        (None, Attempted::Insert(rows)) => search_missing::<E>(connection, rows).await,
        (None, Attempted::Update(row)) => match search_missing::<E>(connection, std::slice::from_ref(row)).await {
            Some(found) => Some(found),
            None => search_referencing::<E>(connection, row).await,
        },
    };
    match found {
        Some(Found {
            relation,
            key,
            direction,
        }) => ErrorKind::ForeignKey {
            relation: Some(relation),
            key,
            direction,
        },
        None => ErrorKind::ForeignKey {
            relation: None,
            key: None,
            direction,
        },
    }
}

struct Found {
    relation: Relation,
    key: Option<KeyValues>,
    direction: Option<Direction>,
}

/// Adds what the engine left out of a relation it named: columns from the declared relations, the key from what was attempted.
async fn complete<E: Entity>(
    connection: &Connection,
    relation: Relation,
    key: Option<KeyValues>,
    direction: Option<Direction>,
    attempted: Attempted<'_, E>,
) -> Option<Found> {
    let known = match &attempted {
        Attempted::Insert(_) | Attempted::Update(_) => {
            let declared: Vec<_> = declared_relations::<E>().into_iter().map(|(key, _)| key).collect();
            matching(declared.iter(), &relation)
        }
    };
    let mut relation = known.map_or(relation.clone(), |known| Relation {
        constraint: relation.constraint.or(known.constraint),
        ..known
    });
    if relation.columns.is_empty()
        && let Ok(keys) = catalog_if_alive(connection).await
        && let Some(known) = matching(keys.iter(), &relation)
    {
        relation = known;
    }
    // The words of PostgreSQL's message follow the server's language; the detail's columns do not.
    let direction = direction.or_else(|| {
        let columns = key.as_ref()?.columns();
        Some(if columns == relation.columns.as_slice() {
            Direction::MissingParent
        } else {
            Direction::StillReferenced
        })
    });
    let key = match (key, direction, attempted) {
        (Some(key), _, _) => Some(key),
        (None, Some(Direction::MissingParent), Attempted::Insert(rows)) => {
            missing_key::<E>(connection, &relation, rows).await
        }
        (None, Some(Direction::MissingParent), Attempted::Update(row)) => {
            missing_key::<E>(connection, &relation, std::slice::from_ref(row)).await
        }
        (None, _, _) => None,
    };
    Some(Found {
        relation,
        key,
        direction,
    })
}

/// The catalog, unless the failed statement doomed the transaction that would have to read it.
async fn catalog_if_alive(connection: &Connection) -> Result<Vec<ForeignKey>> {
    if connection.is_transaction() && connection.backend().capability().error_aborts_transaction {
        return Ok(Vec::new());
    }
    introspect::foreign_keys(connection).await
}

/// The one known key that an engine's partial description fits.
fn matching<'k>(keys: impl Iterator<Item = &'k ForeignKey>, partial: &Relation) -> Option<Relation> {
    let fitting: Vec<_> = keys
        .map(|key| &key.relation)
        .filter(|known| {
            known.table.name() == partial.table.name()
                && (partial.columns.is_empty() || known.columns == partial.columns)
                && (partial.referenced_columns.is_empty() || known.referenced_columns == partial.referenced_columns)
        })
        .collect();
    let named = fitting.iter().find(|known| known.constraint == partial.constraint);
    match (named, fitting.as_slice()) {
        (Some(known), _) => Some((*known).clone()),
        (None, [only]) => Some((*only).clone()),
        (None, _) => None,
    }
}

/// Which key of which row references nothing: for an engine that says neither.
async fn search_missing<E: Entity>(connection: &Connection, rows: &[E::ActiveModel]) -> Option<Found> {
    let own = table_of::<E>();
    let keys = introspect::foreign_keys(connection).await.ok()?;
    for key in keys.into_iter().filter(|key| key.relation.table == own) {
        if let Some(missing) = missing_key::<E>(connection, &key.relation, rows).await {
            return Some(Found {
                relation: with_declared_name::<E>(key.relation),
                key: Some(missing),
                direction: Some(Direction::MissingParent),
            });
        }
    }
    None
}

/// Which key still references the row whose key was to change.
async fn search_referencing<E: Entity>(connection: &Connection, row: &E::ActiveModel) -> Option<Found> {
    let own = table_of::<E>();
    let keys = introspect::foreign_keys(connection).await.ok()?;
    let touched = |columns: &[ColumnName]| columns.iter().any(|column| value_of::<E>(row, column).is_some());
    keys.into_iter()
        .find(|key| key.relation.referenced_table == own && touched(&key.relation.referenced_columns))
        .map(|key| Found {
            relation: with_declared_name::<E>(key.relation),
            key: None,
            direction: Some(Direction::StillReferenced),
        })
}

/// SQLite tells no constraint names; the entity may.
fn with_declared_name<E: Entity>(relation: Relation) -> Relation {
    let constraint = relation.constraint.clone().or_else(|| {
        let declared = declared_relations::<E>();
        let same = declared
            .into_iter()
            .find(|(key, _)| key.relation.table == relation.table && key.relation.columns == relation.columns);
        same.and_then(|(key, _)| key.relation.constraint)
    });
    Relation { constraint, ..relation }
}

/// The first key of these rows that references no row. Asks for all of them at once, and halves the list while some are missing.
async fn missing_key<E: Entity>(
    connection: &Connection,
    relation: &Relation,
    rows: &[E::ActiveModel],
) -> Option<KeyValues> {
    let own_rows = relation.referenced_table == relation.table;
    let inserted: HashSet<KeyTuple> = rows
        .iter()
        .filter(|_| own_rows)
        .filter_map(|row| tuple_of::<E>(row, &relation.referenced_columns))
        .collect();
    let mut seen = HashSet::new();
    let mut keys: Vec<KeyTuple> = rows
        .iter()
        .filter_map(|row| tuple_of::<E>(row, &relation.columns))
        .filter(|key| !inserted.contains(key) && seen.insert(key.clone()))
        .collect();
    if count_present(connection, relation, &keys).await? == keys.len() {
        return None;
    }
    while keys.len() > 1 {
        let second = keys.split_off(keys.len() / 2);
        if count_present(connection, relation, &keys).await? == keys.len() {
            keys = second;
        }
    }
    let missing = keys.pop()?;
    Some(KeyValues::new(
        relation.columns.iter().cloned().zip(missing.iter().map(value_text)),
    ))
}

/// How many of these keys have a row in the referenced table, whose referenced columns are unique.
async fn count_present(connection: &Connection, relation: &Relation, keys: &[KeyTuple]) -> Option<usize> {
    if keys.is_empty() {
        return Some(0);
    }
    let columns: Vec<_> = relation
        .referenced_columns
        .iter()
        .map(|column| Expr::col(column.as_str().to_owned()))
        .collect();
    let present = match columns.as_slice() {
        [only] => only.clone().is_in(keys.iter().flatten().cloned()),
        _ => tuple_in(connection.backend(), columns, keys),
    };
    let select = Query::select()
        .expr(Func::count(Expr::val(1)))
        .from(delete::table_ref(&relation.referenced_table))
        .and_where(present)
        .take();
    let counted: i64 = connection.query_one(&select).await.ok()??.try_get_by_index(0).ok()?;
    usize::try_from(counted).ok()
}

/// The row's values in these columns, if all are set and none is NULL: a key with a NULL references nothing (MATCH SIMPLE).
pub(super) fn tuple_of<E: Entity>(row: &E::ActiveModel, columns: &[ColumnName]) -> Option<KeyTuple> {
    columns
        .iter()
        .map(|column| value_of::<E>(row, column).filter(|value| *value != value.as_null()))
        .collect()
}

fn value_of<E: Entity>(row: &E::ActiveModel, column: &ColumnName) -> Option<Value> {
    let column = E::Column::iter().find(|candidate| candidate.as_str() == column.as_str())?;
    set_value(row, column)
}
