//! The statements that fixes propose, put together from the parts that `ddl` makes.

use super::finding::Fix;
use crate::backend::Backend;
use crate::ddl::{self, column_list, identifier, table_name};
use crate::name::{ColumnName, ConstraintName, Relation, TableName};
use crate::schema::{Column, Deferrable, ForeignKey, Index, Table, usual_name};

/// Whether an index to make is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uniqueness {
    Unique,
    Any,
}

/// An index on these columns, made without blocking writes where the engine can.
pub(super) fn create_index(backend: Backend, on: &Table, names: &[ColumnName], unique: Uniqueness) -> Fix {
    let words: Vec<_> = names.iter().map(ColumnName::as_str).collect();
    let prefix = match unique {
        Uniqueness::Unique => "unique",
        Uniqueness::Any => "idx",
    };
    let name = free_name(backend, on, &format!("{prefix}-{}-{}", on.name.name(), words.join("-")));
    Fix::Sql(format!(
        "CREATE {}INDEX {}{} ON {} {};",
        match unique {
            Uniqueness::Unique => "UNIQUE ",
            Uniqueness::Any => "",
        },
        concurrently(backend, on),
        identifier(backend, &name),
        table_name(backend, &on.name),
        column_list(backend, names)
    ))
}

/// The name, or another if an index of the table has it: a useless one perhaps, for whose sake the new one is made.
fn free_name(backend: Backend, on: &Table, name: &str) -> String {
    let taken = |name: &String| on.indexes.iter().any(|index| index.name == *name);
    let others = (2..=on.indexes.len() + 1).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned())
        .chain(others)
        .map(|name| fitting(backend, name))
        .find(|name| !taken(name))
        .unwrap_or_else(|| name.to_owned())
}

/// PostgreSQL does not do it for a partitioned table.
fn concurrently(backend: Backend, on: &Table) -> &'static str {
    match backend {
        Backend::Postgres if on.options.partition_by.is_none() => "CONCURRENTLY ",
        Backend::Postgres | Backend::MySql | Backend::Sqlite => "",
    }
}

pub(super) fn drop_index(backend: Backend, on: &Table, index: &Index) -> Fix {
    Fix::Sql(match backend {
        Backend::Postgres | Backend::Sqlite => format!(
            "DROP INDEX {}{};",
            concurrently(backend, on),
            table_name(backend, &beside(&on.name, &index.name))
        ),
        Backend::MySql => drop_named_index(on, &index.name),
    })
}

/// MySQL's indexes and unique keys are one.
pub(super) fn drop_named_index(on: &Table, name: &str) -> String {
    let backend = Backend::MySql;
    format!(
        "DROP INDEX {} ON {};",
        identifier(backend, name),
        table_name(backend, &on.name)
    )
}

pub(super) fn reindex(on: &Table, index: &Index) -> Fix {
    let backend = Backend::Postgres;
    Fix::Sql(format!(
        "REINDEX INDEX {}{};",
        concurrently(backend, on),
        table_name(backend, &beside(&on.name, &index.name))
    ))
}

/// A name in the table's schema.
fn beside(on: &TableName, name: &str) -> TableName {
    match on.schema() {
        Some(schema) => TableName::in_schema(schema, name),
        None => TableName::new(name),
    }
}

/// Adds a foreign key to a table that is there. On PostgreSQL in two steps, of which neither blocks writes for long.
pub(super) fn add_key(backend: Backend, key: &ForeignKey) -> Fix {
    match backend {
        Backend::Postgres => Fix::Sql(format!(
            "ALTER TABLE {on} ADD {} NOT VALID;\n{}",
            constraint(backend, key),
            validate(&key.relation.table, &constraint_name(key)),
            on = table_name(backend, &key.relation.table),
        )),
        Backend::MySql => Fix::Sql(format!(
            "ALTER TABLE {} ADD {};",
            table_name(backend, &key.relation.table),
            constraint(backend, key)
        )),
        Backend::Sqlite => rebuild(&key.relation.table, &format!("with {}", constraint(backend, key))),
    }
}

/// Puts one key in the place of another.
pub(super) fn replace_key(backend: Backend, old: &ForeignKey, new: &ForeignKey) -> Fix {
    let on = table_name(backend, &old.relation.table);
    // A name that is free only after the drop would need two statements; the old one is free in the same one.
    let mut new = new.clone();
    new.relation.constraint.clone_from(&old.relation.constraint);
    match (backend, &old.relation.constraint) {
        (Backend::Postgres, Some(name)) => Fix::Sql(format!(
            "ALTER TABLE {on} DROP CONSTRAINT {}, ADD {} NOT VALID;\n{}",
            identifier(backend, name.as_str()),
            constraint(backend, &new),
            validate(&old.relation.table, &constraint_name(&new)),
        )),
        (Backend::MySql, Some(name)) => Fix::Sql(format!(
            "ALTER TABLE {on} DROP FOREIGN KEY {};\nALTER TABLE {on} ADD {};",
            identifier(backend, name.as_str()),
            constraint(backend, &new),
        )),
        (Backend::Postgres | Backend::MySql | Backend::Sqlite, _) => {
            rebuild(&old.relation.table, &format!("with {}", constraint(backend, &new)))
        }
    }
}

pub(super) fn drop_constraint(backend: Backend, on: &TableName, name: Option<&str>) -> Fix {
    match (backend, name) {
        (Backend::Postgres, Some(name)) => Fix::Sql(format!(
            "ALTER TABLE {} DROP CONSTRAINT {};",
            table_name(backend, on),
            identifier(backend, name)
        )),
        (Backend::MySql, Some(name)) => Fix::Sql(format!(
            "ALTER TABLE {} DROP FOREIGN KEY {};",
            table_name(backend, on),
            identifier(backend, name)
        )),
        (Backend::Postgres | Backend::MySql | Backend::Sqlite, _) => rebuild(on, "without it"),
    }
}

pub(super) fn validate(on: &TableName, name: &str) -> String {
    let backend = Backend::Postgres;
    format!(
        "ALTER TABLE {} VALIDATE CONSTRAINT {};",
        table_name(backend, on),
        identifier(backend, name)
    )
}

/// Changes something of a constraint in place (PostgreSQL).
pub(super) fn alter_constraint(on: &TableName, name: &str, change: &str) -> String {
    let backend = Backend::Postgres;
    format!(
        "ALTER TABLE {} ALTER CONSTRAINT {} {change};",
        table_name(backend, on),
        identifier(backend, name)
    )
}

pub(super) const fn deferrable(when: Deferrable) -> &'static str {
    match when {
        Deferrable::No => "NOT DEFERRABLE",
        Deferrable::InitiallyImmediate => "DEFERRABLE INITIALLY IMMEDIATE",
        Deferrable::InitiallyDeferred => "DEFERRABLE INITIALLY DEFERRED",
    }
}

/// Makes a column what is given, which differs from what it is in its type, its collation or in whether it may be NULL.
pub(super) fn change_column(backend: Backend, on: &TableName, is: &Column, wanted: &Column) -> Fix {
    let name = identifier(backend, is.name.as_str());
    let alter = format!("ALTER TABLE {}", table_name(backend, on));
    match backend {
        Backend::Postgres => {
            let mut changes = Vec::new();
            if is.data_type != wanted.data_type || is.collation != wanted.collation {
                let collation = match (&is.collation, &wanted.collation) {
                    (_, Some(collation)) => format!(" COLLATE {collation}"),
                    (Some(_), None) => " COLLATE \"default\"".to_owned(),
                    (None, None) => String::new(),
                };
                changes.push(format!("ALTER COLUMN {name} TYPE {}{collation}", wanted.data_type));
            }
            if is.nullable != wanted.nullable {
                let word = if wanted.nullable { "DROP" } else { "SET" };
                changes.push(format!("ALTER COLUMN {name} {word} NOT NULL"));
            }
            Fix::Sql(format!("{alter} {};", changes.join(", ")))
        }
        Backend::MySql => Fix::Sql(format!(
            "{alter} MODIFY COLUMN {};", // The whole definition, since MODIFY forgets what is not repeated.
            ddl::column(backend, &Table::new(on.clone()), wanted)
        )),
        Backend::Sqlite => {
            let null = if wanted.nullable { "" } else { " NOT NULL" };
            rebuild(on, &format!("with {name} {}{null}", wanted.data_type))
        }
    }
}

/// What `ALTER TABLE` of SQLite cannot do.
pub(super) fn rebuild(on: &TableName, how: &str) -> Fix {
    Fix::Advice(format!(
        "rebuild {on} {how} (make a new table, copy the rows, drop the old one, rename; foreign_keys off meanwhile): this engine \
         cannot alter it"
    ))
}

/// `CONSTRAINT … FOREIGN KEY … REFERENCES …`, with a name that the engine takes.
fn constraint(backend: Backend, key: &ForeignKey) -> String {
    let mut named = key.clone();
    named.relation.constraint = Some(ConstraintName::new(fitting(backend, constraint_name(key))));
    ddl::foreign_key(backend, &named)
}

fn constraint_name(key: &ForeignKey) -> String {
    let Relation {
        constraint,
        table,
        columns,
        ..
    } = &key.relation;
    match constraint {
        Some(name) => name.to_string(),
        None => usual_name(table, columns).to_string(),
    }
}

/// The name, as long as the engine takes it.
pub(super) fn fitting(backend: Backend, name: String) -> String {
    match backend.capability().name_limit {
        Some(limit) => name
            .char_indices()
            .enumerate()
            .take_while(|(count, (at, c))| match backend {
                Backend::Postgres => at + c.len_utf8() <= limit,
                Backend::MySql | Backend::Sqlite => *count < limit,
            })
            .map(|(_, (_, c))| c)
            .collect(),
        None => name,
    }
}
