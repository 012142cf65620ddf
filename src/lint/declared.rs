//! Rules that compare the database's foreign keys with those the entities declare.

use super::finding::{Declared, Draft, Fix, Subject};
use super::keys::reference;
use super::sql;
use crate::backend::Backend;
use crate::name::{ColumnList, Relation, TableName};
use crate::schema::{Action, Enforcement, ForeignKey, Schema};

pub(super) fn key_of<'a>(schema: &'a Schema, relation: &Relation) -> Option<&'a ForeignKey> {
    schema.foreign_keys().find(|key| key.relation.is_same(relation))
}

pub(super) fn is_registered(entities: &Declared, table: &TableName) -> bool {
    entities.schema.table(table).is_some()
}

/// Each declared key with the database's, where it has it. An overlay may say that the application enforces either.
fn both<'a>(subject: &Subject<'a>) -> Vec<(&'a ForeignKey, &'a ForeignKey)> {
    let declared = subject.declared().into_iter().flat_map(Schema::foreign_keys);
    declared
        .filter_map(|key| Some((key, key_of(subject.database, &key.relation)?)))
        .filter(|(declared, found)| {
            [declared, found]
                .iter()
                .all(|key| key.enforced_by == Enforcement::Database)
        })
        .collect()
}

/// The attribute of a `belongs_to` that declares this key.
pub(super) fn attribute(key: &ForeignKey) -> String {
    let relation = &key.relation;
    let mut parts = vec![match relation.table == relation.referenced_table {
        true => "self_ref, relation_enum = \"…\"".to_owned(),
        false => "belongs_to".to_owned(),
    }];
    parts.push(format!("from = \"{}\"", ColumnList(&relation.columns)));
    parts.push(format!("to = \"{}\"", ColumnList(&relation.referenced_columns)));
    for (word, action) in [("on_delete", key.on_delete), ("on_update", key.on_update)] {
        if action != Action::NoAction {
            parts.push(format!("{word} = \"{}\"", seaorm_word(action)));
        }
    }
    format!("#[sea_orm({})]", parts.join(", "))
}

/// `SetNull` for `set null`.
pub(super) fn seaorm_word(action: Action) -> String {
    action
        .to_string()
        .split(' ')
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
        .collect()
}

pub(super) fn missing_constraint(subject: &Subject<'_>) -> Vec<Draft> {
    let backend = subject.backend();
    let declared = subject.declared().into_iter().flat_map(Schema::foreign_keys);
    declared
        .filter(|key| {
            // A table that is not there is a question for `diff`; a key the application enforces needs no constraint.
            key.enforced_by == Enforcement::Database
                && subject.database.table(&key.relation.table).is_some()
                && key_of(subject.database, &key.relation).is_none()
        })
        .map(|key| {
            let message = format!("the database has no foreign key for {}", reference(key));
            Draft::of_key(key, message, sql::add_key(backend, key))
        })
        .collect()
}

pub(super) fn undeclared_constraint(subject: &Subject<'_>) -> Vec<Draft> {
    let Some(entities) = subject.entities else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for key in subject.database.foreign_keys() {
        let relation = &key.relation;
        let referencing = is_registered(entities, &relation.table);
        let known = key_of(&entities.schema, relation).is_some()
            || entities
                .declarations
                .iter()
                .any(|declaration| declaration.relation.is_same(relation));
        let concerns = referencing || is_registered(entities, &relation.referenced_table);
        if known || !concerns || key.enforced_by != Enforcement::Database {
            continue;
        }
        let (message, fix) = match referencing {
            true => (
                format!("no entity declares {}", reference(key)),
                Fix::Entity(format!("on the entity of {}: {}", relation.table, attribute(key))),
            ),
            false => (
                format!(
                    "{} has no entity, and {} (on delete {})",
                    relation.table,
                    reference(key),
                    key.on_delete
                ),
                Fix::Entity(format!(
                    "register an entity of {}, with {}",
                    relation.table,
                    attribute(key)
                )),
            ),
        };
        found.push(Draft::of_key(key, message, fix));
    }
    found
}

pub(super) fn action_differs(subject: &Subject<'_>) -> Vec<Draft> {
    let backend = subject.backend();
    let mut found = Vec::new();
    for (declared, key) in both(subject) {
        let differences: Vec<_> = [
            ("on delete", declared.on_delete, key.on_delete),
            ("on update", declared.on_update, key.on_update),
        ]
        .into_iter()
        .filter(|(_, declared, found)| !does_the_same(backend, *declared, *found))
        .map(|(event, declared, found)| format!("{event} {found} in the database and {declared} in the entity"))
        .collect();
        if differences.is_empty() {
            continue;
        }
        let message = format!("{} is {}", declared.relation, differences.join(", "));
        let mut wanted = key.clone();
        (wanted.on_delete, wanted.on_update) = (declared.on_delete, declared.on_update);
        wanted.on_delete_columns.clear();
        found.push(Draft::of_key(
            declared,
            message,
            sql::replace_key(backend, key, &wanted),
        ));
    }
    found
}

/// On InnoDB, NO ACTION is RESTRICT.
fn does_the_same(backend: Backend, one: Action, other: Action) -> bool {
    let plain = |action| match (backend, action) {
        (Backend::MySql, Action::NoAction) => Action::Restrict,
        (Backend::Postgres | Backend::MySql | Backend::Sqlite, action) => action,
    };
    plain(one) == plain(other)
}

pub(super) fn deferrability_differs(subject: &Subject<'_>) -> Vec<Draft> {
    let backend = subject.backend();
    let mut found = Vec::new();
    for (declared, key) in both(subject) {
        if declared.deferrable == key.deferrable {
            continue;
        }
        let (is, wanted) = (sql::deferrable(key.deferrable), sql::deferrable(declared.deferrable));
        let message = format!(
            "{} is {is} in the database and {wanted} by the entity",
            declared.relation
        );
        let fix = match (backend, &key.relation.constraint) {
            (Backend::Postgres, Some(name)) => {
                Fix::Sql(sql::alter_constraint(&key.relation.table, name.as_str(), wanted))
            }
            (Backend::Postgres | Backend::MySql | Backend::Sqlite, _) => {
                let mut wanted = key.clone();
                wanted.deferrable = declared.deferrable;
                sql::replace_key(backend, key, &wanted)
            }
        };
        found.push(Draft::of_key(declared, message, fix));
    }
    found
}

pub(super) fn nullability_differs(subject: &Subject<'_>) -> Vec<Draft> {
    let Some(entities) = subject.entities else {
        return Vec::new();
    };
    let backend = subject.backend();
    let mut found = Vec::new();
    for declaration in entities.belongs_to() {
        let relation = &declaration.relation;
        let tables = (
            entities.schema.table(&relation.table),
            subject.database.table(&relation.table),
        );
        let (Some(declared), Some(table)) = tables else {
            continue;
        };
        for name in &relation.columns {
            let (Some(wanted), Some(is)) = (declared.column(name), table.column(name)) else {
                continue;
            };
            if wanted.nullable == is.nullable {
                continue;
            }
            let (message, fix) = match wanted.nullable {
                true => (
                    format!(
                        "{}.{name} is optional in the entity, and NOT NULL in the database",
                        table.name
                    ),
                    Fix::Entity(format!("declare {name} of {} without Option", table.name)),
                ),
                false => {
                    let mut required = is.clone();
                    required.nullable = false;
                    (
                        format!(
                            "{}.{name} is required in the entity, and may be NULL in the database",
                            table.name
                        ),
                        sql::change_column(backend, &table.name, is, &required),
                    )
                }
            };
            found.push(Draft::new(&table.name, std::slice::from_ref(name), message, fix));
        }
    }
    found
}
