//! Keys as values, as conditions and as text.

use sea_orm::sea_query::{
    Asterisk, Condition, Expr, ExprTrait, IntoValueTuple, Query, QueryBuilder, SqliteQueryBuilder, Value, ValueTuple,
};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, EntityTrait, IdenStatic, Iterable, ModelTrait, PrimaryKeyToColumn,
};

use super::Key;
use crate::backend::Backend;
use crate::name::{ColumnName, KeyValues, TableName};

/// The values of a primary key, in the order of its columns. A list of them can be compared and hashed.
pub(super) type KeyTuple = Vec<Value>;

pub(super) fn key_tuple<E: EntityTrait>(key: Key<E>) -> KeyTuple {
    key.into_value_tuple().into_iter().collect()
}

pub(super) fn key_columns<E: EntityTrait>() -> Vec<E::Column> {
    E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect()
}

pub(super) fn key_of_model<E: EntityTrait>(model: &E::Model) -> KeyTuple {
    key_columns::<E>().into_iter().map(|column| model.get(column)).collect()
}

/// The row's primary key, if all of it is set.
pub(super) fn key_of_row<E: EntityTrait>(row: &E::ActiveModel) -> Option<KeyTuple> {
    key_columns::<E>()
        .into_iter()
        .map(|column| set_value(row, column))
        .collect()
}

/// The value a row holds in a column, whether it was just set or came from the database.
pub(super) fn set_value<A: ActiveModelTrait>(row: &A, column: <A::Entity as EntityTrait>::Column) -> Option<Value> {
    match row.get(column) {
        ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Some(value),
        ActiveValue::NotSet => None,
    }
}

/// The row with these values in these columns.
pub(super) fn row_condition<C: ColumnTrait>(columns: &[C], values: &[Value]) -> Condition {
    columns
        .iter()
        .zip(values)
        .fold(Condition::all(), |all, (column, value)| {
            all.add(column.eq(value.clone()))
        })
}

/// The rows with one of these primary keys.
pub(super) fn keys_condition<E: EntityTrait>(backend: Backend, keys: &[KeyTuple]) -> Condition {
    let columns = key_columns::<E>();
    let condition = match columns.as_slice() {
        [only] => single_column(backend, *only, keys.iter().flatten().cloned()),
        many => tuple_in(
            backend,
            many.iter().map(|column| Expr::col(column.as_column_ref())),
            keys,
        ),
    };
    Condition::all().add(condition)
}

/// One array is bound where the engine has arrays: the statement's text, and so its plan, is the same for any number of keys.
fn single_column<C: ColumnTrait>(backend: Backend, column: C, values: impl Iterator<Item = Value>) -> Expr {
    #[cfg(feature = "postgres")]
    if backend.capability().array_bind && has_plain_array(&column) {
        let values: Vec<_> = values.collect();
        if let Some(first) = values.first() {
            let array = Value::Array(first.array_type(), Some(Box::new(values)));
            let any = sea_orm::sea_query::extension::postgres::PgFunc::any(Expr::val(array));
            return Expr::col(column.as_column_ref()).eq(any);
        }
        return Expr::val(false);
    }
    #[cfg(not(feature = "postgres"))]
    let _ = backend;
    column.is_in(values)
}

/// An array of other types would need a cast to the column's own type.
#[cfg(feature = "postgres")]
fn has_plain_array<C: ColumnTrait>(column: &C) -> bool {
    use sea_orm::ColumnType;
    matches!(
        column.def().get_column_type(),
        ColumnType::SmallInteger
            | ColumnType::Integer
            | ColumnType::BigInteger
            | ColumnType::String(_)
            | ColumnType::Text
    )
}

/// `(a, b) IN ((1, 2), …)`. SQLite has no list of row values and takes a table of them.
pub(super) fn tuple_in(backend: Backend, columns: impl IntoIterator<Item = Expr>, keys: &[KeyTuple]) -> Expr {
    let tuples = keys.iter().map(|key| ValueTuple::Many(key.clone()));
    match backend {
        Backend::Postgres | Backend::MySql => Expr::tuple(columns).in_tuples(tuples),
        Backend::Sqlite => {
            let list = Query::select()
                .column(Asterisk)
                .from_values(tuples.collect::<Vec<_>>(), "keys")
                .take();
            Expr::tuple(columns).in_subquery(list)
        }
    }
}

pub(super) fn key_values<E: EntityTrait>(key: &[Value]) -> KeyValues {
    let columns = key_columns::<E>();
    KeyValues::new(columns.iter().map(column_name).zip(key.iter().map(value_text)))
}

pub(super) fn column_name<C: IdenStatic>(column: &C) -> ColumnName {
    ColumnName::new(column.as_str())
}

pub(crate) fn table_of<E: EntityTrait>() -> TableName {
    crate::schema::table_name(&E::default().table_ref())
}

/// A value as a person writes it.
pub(super) fn value_text(value: &Value) -> String {
    match value {
        Value::String(Some(text)) => text.clone(),
        other => SqliteQueryBuilder.value_to_string(other).trim_matches('\'').to_owned(),
    }
}
