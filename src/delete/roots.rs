//! [`Roots`]: the rows a delete starts from.

use std::collections::HashSet;
use std::fmt;

use sea_orm::sea_query::{Condition, Expr, Query};
use sea_orm::{DbBackend, Value};

use super::relations::Relations;
use crate::backend::Backend;
use crate::ddl::identifier;
use crate::error::{Error, Result};
use crate::name::{ColumnList, ColumnName, KeyValues, TableName, did_you_mean};
use crate::schema::{Table, TypeKind};
use crate::sql::{Sql, Typed, from_table, typed};

/// How many keys one statement lists on an engine without arrays; more are put into a temporary table first.
pub(super) const KEYS_PER_STATEMENT: usize = 1_000;

/// The rows a delete starts from: those with certain keys, or those that meet a condition.
///
/// `Debug` shows neither keys nor conditions.
#[derive(Clone, PartialEq)]
pub struct Roots {
    table: TableName,
    which: Which,
}

#[derive(Clone, PartialEq)]
enum Which {
    /// No columns means the primary key.
    Keys(Vec<ColumnName>, Vec<Vec<Value>>),
    Texts(Vec<String>),
    Condition(Condition),
    Sql(RawCondition),
}

/// A condition as SQL, from somebody who may send SQL: it is put into statements as it is.
///
/// `Debug` does not show it: it may hold values.
#[derive(Clone, PartialEq, Eq)]
pub struct RawCondition(String);

impl fmt::Debug for RawCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawCondition").finish_non_exhaustive()
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl RawCondition {
    /// Takes a condition as it would stand after `WHERE`.
    pub fn new(sql: impl Into<String>) -> Self {
        Self(sql.into())
    }
}

impl Roots {
    /// The rows with these primary keys, each the values of its columns in their order. Text is read as the column's type asks.
    pub fn keys(table: impl Into<TableName>, keys: impl IntoIterator<Item = Vec<Value>>) -> Self {
        Self::keys_of(table, [], keys)
    }

    /// The rows with these values in these columns, which need not be a key.
    pub fn keys_of(
        table: impl Into<TableName>,
        columns: impl IntoIterator<Item = ColumnName>,
        keys: impl IntoIterator<Item = Vec<Value>>,
    ) -> Self {
        Self {
            table: table.into(),
            which: Which::Keys(columns.into_iter().collect(), keys.into_iter().collect()),
        }
    }

    /// The rows with these keys as a person writes them: `17`, `id=17`, `tenant_id=1,id=2`.
    pub fn written<T: Into<String>>(table: impl Into<TableName>, keys: impl IntoIterator<Item = T>) -> Self {
        Self {
            table: table.into(),
            which: Which::Texts(keys.into_iter().map(Into::into).collect()),
        }
    }

    /// The rows that meet a condition of SeaORM's.
    pub fn filter(table: impl Into<TableName>, condition: Condition) -> Self {
        Self {
            table: table.into(),
            which: Which::Condition(condition),
        }
    }

    /// The rows that meet a condition in SQL.
    pub fn matching(table: impl Into<TableName>, condition: RawCondition) -> Self {
        Self {
            table: table.into(),
            which: Which::Sql(condition),
        }
    }

    /// The same rows of a table that is called otherwise.
    #[must_use]
    pub(crate) fn of(mut self, table: TableName) -> Self {
        self.table = table;
        self
    }

    /// The table.
    #[must_use]
    pub const fn table(&self) -> &TableName {
        &self.table
    }

    /// Finds the table and the columns, and reads what is text.
    pub(super) fn resolve(&self, relations: &Relations) -> Result<RootRows> {
        let table = relations.table(&self.table)?;
        let rows = match &self.which {
            Which::Keys(columns, keys) => {
                let columns = match columns.as_slice() {
                    [] => primary_key(table)?.to_vec(),
                    named => named.to_vec(),
                };
                Found::Keys(read_keys(relations.backend(), table, &columns, keys)?, columns)
            }
            Which::Texts(texts) => {
                let (columns, keys) = read_texts(relations.backend(), table, texts)?;
                Found::Keys(read_keys(relations.backend(), table, &columns, &keys)?, columns)
            }
            Which::Condition(condition) => {
                let (text, values) = condition_sql(relations.backend(), table, condition.clone());
                Found::Matching(text, values)
            }
            Which::Sql(RawCondition(text)) if text.trim().is_empty() => {
                return Err(Error::invalid_input("the condition is empty: say which rows are to go"));
            }
            Which::Sql(RawCondition(text)) => Found::Matching(text.clone(), Vec::new()),
        };
        let identity = match &rows {
            Found::Keys(_, columns) => columns.clone(),
            Found::Matching(..) => identity(relations.backend(), table)?,
        };
        Ok(RootRows {
            table: table.name.clone(),
            from: from_table(relations.schema(), &table.name),
            identity,
            found: rows,
        })
    }
}

fn primary_key(table: &Table) -> Result<&[ColumnName]> {
    table
        .primary_key
        .as_ref()
        .map(|key| key.columns.as_slice())
        .ok_or_else(|| {
            Error::invalid_input(format!(
                "{} has no primary key: say which columns the key is of, as in {}=…",
                table.name,
                table.columns.first().map_or("id", |column| column.name.as_str())
            ))
        })
}

/// Columns that tell a row from every other.
pub(super) fn identity(backend: Backend, table: &Table) -> Result<Vec<ColumnName>> {
    let is_required = |name: &ColumnName| table.column(name).is_some_and(|column| !column.nullable);
    let unique = table.unique_keys.iter().map(|key| &key.columns);
    let known = table.primary_key.as_ref().map(|key| &key.columns);
    match (
        known.or_else(|| unique.into_iter().find(|columns| columns.iter().all(is_required))),
        backend,
    ) {
        (Some(columns), _) => Ok(columns.clone()),
        (None, Backend::Postgres) => Ok(vec![ColumnName::new("ctid")]),
        (None, Backend::Sqlite) => Ok(vec![ColumnName::new("rowid")]),
        (None, Backend::MySql) => Err(Error::invalid_input(format!(
            "{} has no primary key, so its rows cannot be told apart: name them by columns, as in --key {}=…",
            table.name,
            table.columns.first().map_or("id", |column| column.name.as_str())
        ))),
    }
}

/// The text of a condition, and its values.
fn condition_sql(backend: Backend, table: &Table, condition: Condition) -> (String, Vec<Value>) {
    let select = Query::select()
        .expr(Expr::cust("1"))
        .from(super::table_ref(&table.name))
        .cond_where(condition)
        .take();
    let statement = DbBackend::from(backend).build(&select);
    match statement.sql.split_once(" WHERE ") {
        Some((_, text)) => (
            text.to_owned(),
            statement.values.map(|values| values.0).unwrap_or_default(),
        ),
        None => ("1 = 1".to_owned(), Vec::new()),
    }
}

/// The columns and the values of keys as they were written.
fn read_texts(backend: Backend, table: &Table, texts: &[String]) -> Result<(Vec<ColumnName>, Vec<Vec<Value>>)> {
    let mut columns: Option<Vec<ColumnName>> = None;
    let mut keys = Vec::new();
    for text in texts {
        let (own, values) = read_text(backend, table, text)?;
        match &columns {
            Some(known) if *known != own => {
                return Err(Error::invalid_input(format!(
                    "the keys are not of the same columns: {} and {}",
                    ColumnList(known),
                    ColumnList(&own)
                )));
            }
            Some(_) => {}
            None => columns = Some(own),
        }
        keys.push(values);
    }
    let columns = match columns {
        Some(columns) => columns,
        None => primary_key(table)?.to_vec(),
    };
    Ok((columns, keys))
}

fn read_text(backend: Backend, table: &Table, text: &str) -> Result<(Vec<ColumnName>, Vec<Value>)> {
    let is_column = |name: &str| table.column(&ColumnName::new(name.trim())).is_some();
    let first = text.split_once('=').map(|(name, _)| name);
    match (first, &table.primary_key) {
        (Some(name), _) if is_column(name) => {
            let mut columns = Vec::new();
            let mut values: Vec<String> = Vec::new();
            for piece in text.split(',') {
                match (piece.split_once('='), values.last_mut()) {
                    (Some((name, value)), _) if is_column(name) => {
                        columns.push(ColumnName::new(name.trim()));
                        values.push(value.to_owned());
                    }
                    (Some((name, _)), _) if columns.iter().all(|column| !is_text(backend, table, column)) => {
                        return Err(no_such_column(table, name.trim()));
                    }
                    // A comma inside a text.
                    (_, Some(last)) => {
                        last.push(',');
                        last.push_str(piece);
                    }
                    (_, None) => {}
                }
            }
            Ok((columns, values.into_iter().map(Value::from).collect()))
        }
        (Some(name), Some(key)) if !key.columns.iter().all(|column| is_text(backend, table, column)) => {
            Err(no_such_column(table, name.trim()))
        }
        _ => {
            let key = primary_key(table)?;
            let values: Vec<_> = match key.len() {
                1 => vec![text],
                _ => text.split(',').collect(),
            };
            if values.len() != key.len() {
                return Err(Error::invalid_input(format!(
                    "the primary key of {} is {}: give a value for each, as in {}",
                    table.name,
                    ColumnList(key),
                    key.iter().map(|name| format!("{name}=…")).collect::<Vec<_>>().join(",")
                )));
            }
            Ok((key.to_vec(), values.into_iter().map(Value::from).collect()))
        }
    }
}

fn is_text(backend: Backend, table: &Table, column: &ColumnName) -> bool {
    let known = table.column(column);
    known.is_some_and(|column| TypeKind::of(backend, &column.data_type) == TypeKind::Text)
}

fn no_such_column(table: &Table, name: &str) -> Error {
    let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let meant = match did_you_mean(name, names.iter().copied()) {
        meant if meant.is_empty() => format!(": there are {}", names.join(", ")),
        meant => meant,
    };
    Error::invalid_input(format!("{} has no column {name}{meant}", table.name))
}

fn read_keys(backend: Backend, table: &Table, columns: &[ColumnName], keys: &[Vec<Value>]) -> Result<Vec<Vec<Typed>>> {
    for column in columns {
        if table.column(column).is_none() {
            return Err(no_such_column(table, column.as_str()));
        }
    }
    keys.iter()
        .map(|key| {
            if key.len() != columns.len() {
                return Err(Error::invalid_input(format!(
                    "a key of {} has {} value(s), and {} column(s): {}",
                    table.name,
                    key.len(),
                    columns.len(),
                    ColumnList(columns)
                )));
            }
            let values = columns.iter().zip(key).map(|(name, value)| {
                if *value == value.as_null() {
                    return Err(Error::invalid_input(format!(
                        "{}.{name} of a key is NULL, which equals nothing: use a condition",
                        table.name
                    )));
                }
                typed(backend, Some(table), name, value).map_err(|must| {
                    let given = match value {
                        Value::String(Some(text)) => format!(", and {text:?} is not"),
                        _ => String::new(),
                    };
                    let data_type = table.column(name).map_or("", |column| column.data_type.as_str());
                    Error::invalid_input(format!(
                        "the key {}.{name} is of type {data_type}: it {must}{given}",
                        table.name
                    ))
                })
            });
            values.collect()
        })
        .collect()
}

/// The roots as statements find them.
#[derive(Clone, PartialEq)]
pub(super) struct RootRows {
    pub(super) table: TableName,
    /// The table as FROM names it.
    from: String,
    /// The columns that tell one root from another: those of the keys, or those that identify any row.
    pub(super) identity: Vec<ColumnName>,
    pub(super) found: Found,
}

#[derive(Clone, PartialEq)]
pub(super) enum Found {
    Keys(Vec<Vec<Typed>>, Vec<ColumnName>),
    Matching(String, Vec<Value>),
}

impl RootRows {
    /// How many different keys were given, if keys were.
    pub(super) fn given(&self) -> Option<usize> {
        match &self.found {
            Found::Keys(keys, _) => {
                let different: HashSet<_> = keys.iter().map(|key| format!("{key:?}")).collect();
                Some(different.len())
            }
            Found::Matching(..) => None,
        }
    }

    /// The only key that was given.
    pub(super) fn only_key(&self) -> Option<KeyValues> {
        match &self.found {
            Found::Keys(keys, columns) => match keys.as_slice() {
                [only] => {
                    let texts = only.iter().map(|typed| super::saved::text(&typed.value));
                    Some(KeyValues::new(columns.iter().cloned().zip(texts)))
                }
                _ => None,
            },
            Found::Matching(..) => None,
        }
    }

    /// Whether one statement can name them anew each time: few keys, and no condition, which deleting other rows might change.
    pub(super) fn is_repeatable(&self, backend: Backend) -> bool {
        match &self.found {
            Found::Keys(keys, _) => backend != Backend::MySql || keys.len() <= KEYS_PER_STATEMENT,
            Found::Matching(..) => false,
        }
    }

    /// The roots in pieces that one statement can name.
    pub(super) fn pieces(&self, backend: Backend) -> Vec<Self> {
        match (&self.found, backend) {
            (Found::Keys(keys, columns), Backend::MySql | Backend::Sqlite) if keys.len() > KEYS_PER_STATEMENT => keys
                .chunks(KEYS_PER_STATEMENT)
                .map(|chunk| Self {
                    found: Found::Keys(chunk.to_vec(), columns.clone()),
                    ..self.clone()
                })
                .collect(),
            _ => vec![self.clone()],
        }
    }

    /// Writes `FROM users WHERE …`: without an alias, which a condition would not know.
    ///
    /// A condition's own values are numbered from 1, so on PostgreSQL it must come before any other value.
    pub(super) fn push_from(&self, sql: &mut Sql, backend: Backend) {
        sql.push(&format!("FROM {} WHERE ", self.from));
        match &self.found {
            // The line break ends a comment.
            Found::Matching(text, values) => sql.push_with(&format!("({text}\n)"), values),
            Found::Keys(..) => self.push_keys(sql, backend, ""),
        }
    }

    /// Writes the condition over an alias, which ends with a dot; only for [repeatable](Self::is_repeatable) roots.
    pub(super) fn push_keys(&self, sql: &mut Sql, backend: Backend, alias: &str) {
        let Found::Keys(keys, columns) = &self.found else {
            return;
        };
        let names: Vec<_> = columns
            .iter()
            .map(|name| format!("{alias}{}", identifier(backend, name.as_str())))
            .collect();
        match keys.as_slice() {
            [] => sql.push("1 = 0"),
            [only] => {
                for (place, (name, value)) in names.iter().zip(only).enumerate() {
                    sql.push(if place > 0 { " AND " } else { "" });
                    sql.push(&format!("{name} = "));
                    value.bind_to(sql);
                }
            }
            many => push_many(sql, backend, &names, many),
        }
    }
}

fn push_many(sql: &mut Sql, backend: Backend, names: &[String], keys: &[Vec<Typed>]) {
    let row = match names {
        [only] => only.clone(),
        many => format!("({})", many.join(", ")),
    };
    sql.push(&row);
    match backend {
        #[cfg(feature = "postgres")]
        Backend::Postgres => push_arrays(sql, names.len(), keys),
        Backend::Sqlite if let Some(json) = json(keys) => {
            sql.push(" IN (SELECT ");
            match names.len() {
                1 => sql.push("value"),
                many => {
                    let parts: Vec<_> = (0..many).map(|place| format!("value ->> {place}")).collect();
                    sql.push(&parts.join(", "));
                }
            }
            sql.push(" FROM json_each(");
            sql.bind(json.into(), None);
            sql.push("))");
        }
        Backend::Sqlite => {
            sql.push(" IN (VALUES ");
            push_rows(sql, keys, true);
            sql.push(")");
        }
        Backend::MySql => {
            sql.push(" IN (");
            push_rows(sql, keys, names.len() > 1);
            sql.push(")");
        }
        #[cfg(not(feature = "postgres"))]
        Backend::Postgres => {
            sql.push(" IN (");
            push_rows(sql, keys, names.len() > 1);
            sql.push(")");
        }
    }
}

fn push_rows(sql: &mut Sql, keys: &[Vec<Typed>], parentheses: bool) {
    for (place, key) in keys.iter().enumerate() {
        sql.push(if place > 0 { ", " } else { "" });
        sql.push(if parentheses { "(" } else { "" });
        for (column, value) in key.iter().enumerate() {
            sql.push(if column > 0 { ", " } else { "" });
            value.bind_to(sql);
        }
        sql.push(if parentheses { ")" } else { "" });
    }
}

/// One array for each column: the statement's text is the same for any number of keys.
#[cfg(feature = "postgres")]
fn push_arrays(sql: &mut Sql, columns: usize, keys: &[Vec<Typed>]) {
    let array = |sql: &mut Sql, column: usize| {
        let values: Vec<_> = keys.iter().filter_map(|key| key.get(column)).collect();
        if let Some(first) = values.first() {
            let array = Value::Array(
                first.value.array_type(),
                Some(Box::new(values.iter().map(|typed| typed.value.clone()).collect())),
            );
            let cast = first.cast.as_ref().map(|cast| format!("{cast}[]"));
            sql.bind(array, cast.as_deref());
        }
    };
    match columns {
        1 => {
            sql.push(" = ANY(");
            array(sql, 0);
            sql.push(")");
        }
        many => {
            sql.push(" IN (SELECT * FROM unnest(");
            for column in 0..many {
                sql.push(if column > 0 { ", " } else { "" });
                array(sql, column);
            }
            sql.push("))");
        }
    }
}

/// The keys as one JSON text, if JSON can hold them: whole numbers and text.
fn json(keys: &[Vec<Typed>]) -> Option<String> {
    use serde_json::Value as Json;
    let one = |typed: &Typed| match &typed.value {
        Value::TinyInt(Some(n)) => Some(Json::from(*n)),
        Value::SmallInt(Some(n)) => Some(Json::from(*n)),
        Value::Int(Some(n)) => Some(Json::from(*n)),
        Value::BigInt(Some(n)) => Some(Json::from(*n)),
        Value::TinyUnsigned(Some(n)) => Some(Json::from(*n)),
        Value::SmallUnsigned(Some(n)) => Some(Json::from(*n)),
        Value::Unsigned(Some(n)) => Some(Json::from(*n)),
        Value::String(Some(text)) => Some(Json::from(text.as_str())),
        _ => None,
    };
    let rows: Option<Vec<Json>> = keys
        .iter()
        .map(|key| match key.as_slice() {
            [only] => one(only),
            many => many.iter().map(one).collect::<Option<Vec<_>>>().map(Json::from),
        })
        .collect();
    rows.map(|rows| Json::from(rows).to_string())
}
