//! Columns that are added or changed.

use super::{Class, REBUILD};
use crate::backend::Backend;
use crate::ddl;
use crate::schema::{Column, Identity, Storage};

pub(super) fn added_column(backend: Backend, column: &Column) -> (Class, &'static str) {
    let has_value = column.nullable || column.default.is_some() || column.identity.is_some();
    if column.generated.is_some() && !column.nullable {
        return (
            Class::DataDependent,
            "fails if a row has NULL there; every row is computed",
        );
    }
    if column.generated.is_none() && !has_value {
        return match backend {
            Backend::MySql => (
                Class::DataDependent,
                "rows that are there get the type's own zero, such as '' or 0; fails if the type has none",
            ),
            Backend::Postgres | Backend::Sqlite => (
                Class::DataDependent,
                "fails if the table has rows: it is required and has no default",
            ),
        };
    }
    let is_stored = column
        .generated
        .as_ref()
        .is_some_and(|made| made.storage == Storage::Stored);
    let is_the_same_for_all = column
        .default
        .as_deref()
        .is_none_or(|default| ddl::is_literal(backend, default));
    match backend {
        Backend::Sqlite if !ddl::sqlite_can_add(column) => (Class::Blocking, REBUILD),
        _ if is_stored || column.identity.is_some() => (Class::Blocking, "the table is written anew"),
        _ if !is_the_same_for_all => (
            Class::Blocking,
            "the table is written anew if the default is not the same for every row",
        ),
        Backend::Postgres | Backend::MySql | Backend::Sqlite => (Class::Safe, "rows that are there are not written"),
    }
}

pub(super) fn changed_column(backend: Backend, from: &Column, to: &Column) -> (Class, &'static str) {
    if from.generated.is_none() && to.generated.is_some() {
        return (Class::Destructive, "its values are replaced by computed ones");
    }
    let expression = |column: &Column| column.generated.as_ref().map(|made| made.expression.clone());
    let was_virtual = from
        .generated
        .as_ref()
        .is_some_and(|made| made.storage == Storage::Virtual);
    if was_virtual && to.generated.is_none() && backend == Backend::MySql {
        return (
            Class::Destructive,
            "the computed values are not kept: the column is made anew",
        );
    }
    if from.data_type != to.data_type {
        return (
            Class::DataDependent,
            "values are converted, and fail or lose precision where they do not fit; the table may be written anew",
        );
    }
    if from.nullable && !to.nullable {
        return (Class::DataDependent, "fails if a row has NULL there; reads every row");
    }
    if from.collation != to.collation {
        return (
            Class::DataDependent,
            "fails if a key has values that were equal and are not, or the reverse; indexes are built anew",
        );
    }
    if to.generated.is_some() && expression(from) != expression(to) {
        return (
            Class::DataDependent,
            "every row is computed anew; fails where the expression does, or what refers to the values",
        );
    }
    if backend == Backend::MySql && from.identity.is_none() && to.identity == Some(Identity::AutoIncrement) {
        return (
            Class::DataDependent,
            "a row that has 0 there gets another number; the table is written anew",
        );
    }
    if from.generated != to.generated {
        return (Class::Blocking, "the table is written anew");
    }
    match backend {
        Backend::Sqlite => (Class::Blocking, REBUILD),
        Backend::Postgres if forgets_its_numbers(from, to) => (
            Class::Blocking,
            "the last number given is forgotten: numbers go on after the highest that is there",
        ),
        Backend::MySql => (Class::Safe, "others read and write meanwhile"),
        Backend::Postgres => (Class::Safe, "rows that are there are not written"),
    }
}

/// Whether the sequence behind a column is dropped.
fn forgets_its_numbers(from: &Column, to: &Column) -> bool {
    let is_serial = |column: &Column| column.identity == Some(Identity::Serial);
    from.identity.is_some() && (to.identity.is_none() || is_serial(from) != is_serial(to))
}
