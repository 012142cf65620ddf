//! Rules that compare the database with what the entities declare.

use std::collections::BTreeSet;

use super::finding::{Declared, Draft, Fix, Subject};
use super::keys::reference;
use super::sql::{self, Uniqueness};
use crate::backend::Backend;
use crate::name::{ColumnList, ColumnName, Relation, TableName};
use crate::overlay::Severity;
use crate::schema::{Action, Declaration, DeclarationKind, Enforcement, ForeignKey, Schema, Table};

fn key_of<'a>(schema: &'a Schema, relation: &Relation) -> Option<&'a ForeignKey> {
    schema.foreign_keys().find(|key| key.relation.is_same(relation))
}

fn is_registered(entities: &Declared, table: &TableName) -> bool {
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
fn attribute(key: &ForeignKey) -> String {
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
fn seaorm_word(action: Action) -> String {
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

pub(super) fn one_sided(subject: &Subject<'_>) -> Vec<Draft> {
    let Some(entities) = subject.entities else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let both_registered = |relation: &Relation| {
        is_registered(entities, &relation.table) && is_registered(entities, &relation.referenced_table)
    };
    for declaration in entities.belongs_to() {
        let relation = &declaration.relation;
        let answered = entities.inverses().any(|inverse| inverse.relation.is_same(relation));
        if answered || !both_registered(relation) || is_of_junction(entities, relation) {
            continue;
        }
        let message = format!(
            "{} belongs to {} by {}, and {} declares no has_many or has_one for it",
            relation.table,
            relation.referenced_table,
            ColumnList(&relation.columns),
            relation.referenced_table
        );
        let word = match unique_within(subject.database.table(&relation.table), &relation.columns) {
            true => DeclarationKind::HasOne,
            false => DeclarationKind::HasMany,
        };
        let fix = Fix::Entity(format!(
            "on the entity of {}: #[sea_orm({word})]",
            relation.referenced_table
        ));
        found.push(of_relation(relation, message, fix));
    }
    for inverse in entities.inverses() {
        let relation = &inverse.relation;
        if !both_registered(relation) || entities.belongs_to().any(|known| known.relation.is_same(relation)) {
            continue;
        }
        let message = format!(
            "{} {} {} by {}, and {} declares no belongs_to for it",
            relation.referenced_table,
            inverse.kind,
            relation.table,
            ColumnList(&relation.columns),
            relation.table
        );
        let key = ForeignKey::new(relation.clone());
        let fix = Fix::Entity(format!("on the entity of {}: {}", relation.table, attribute(&key)));
        found.push(of_relation(relation, message, fix).and(" inverse"));
    }
    found
}

fn of_relation(relation: &Relation, message: String, fix: Fix) -> Draft {
    Draft::of_key(&ForeignKey::new(relation.clone()), message, fix)
}

/// Whether the referencing table does nothing but join others: its primary key is made of two references. SeaORM's `via` goes through
/// its two `belongs_to`, and needs no inverse of either.
fn is_of_junction(entities: &Declared, relation: &Relation) -> bool {
    let Some(key) = entities
        .schema
        .table(&relation.table)
        .and_then(|table| table.primary_key.as_ref())
    else {
        return false;
    };
    let references: Vec<_> = entities
        .belongs_to()
        .filter(|other| other.relation.table == relation.table)
        .filter(|other| other.relation.columns.iter().all(|column| key.columns.contains(column)))
        .map(|other| &other.relation)
        .collect();
    let covered: BTreeSet<_> = references.iter().flat_map(|relation| &relation.columns).collect();
    references.len() > 1
        && references.iter().any(|known| known.is_same(relation))
        && key.columns.iter().all(|column| covered.contains(column))
}

/// Whether at most one row has the same values in these columns, since already some of them are unique.
fn unique_within(table: Option<&Table>, columns: &[ColumnName]) -> bool {
    let Some(table) = table else { return false };
    let within = |key: &[ColumnName]| !key.is_empty() && key.iter().all(|column| columns.contains(column));
    table.primary_key.as_ref().is_some_and(|key| within(&key.columns))
        || table.unique_keys.iter().any(|key| within(&key.columns))
        || table
            .indexes
            .iter()
            .filter(|index| index.unique && index.predicate.is_none() && !index.invalid)
            .any(|index| index.columns().is_some_and(|columns| within(&columns)))
}

/// Inverse declarations of a kind, whose referencing table the database has, with that table.
fn inverses_of<'a>(subject: &Subject<'a>, kind: DeclarationKind) -> Vec<(&'a Declaration, &'a Table)> {
    let declarations = subject.entities.into_iter().flat_map(Declared::inverses);
    declarations
        .filter(|declaration| declaration.kind == kind)
        .filter_map(|declaration| Some((declaration, subject.database.table(&declaration.relation.table)?)))
        .collect()
}

pub(super) fn not_unique(subject: &Subject<'_>) -> Vec<Draft> {
    let backend = subject.backend();
    inverses_of(subject, DeclarationKind::HasOne)
        .into_iter()
        .filter(|(declaration, table)| !unique_within(Some(table), &declaration.relation.columns))
        .map(|(declaration, table)| {
            let relation = &declaration.relation;
            let message = format!(
                "{} has_one {}, and {relation} is not unique",
                relation.referenced_table, table.name
            );
            let fix = sql::create_index(backend, table, &relation.columns, Uniqueness::Unique);
            of_relation(relation, message, fix)
        })
        .collect()
}

pub(super) fn unique_has_many(subject: &Subject<'_>) -> Vec<Draft> {
    inverses_of(subject, DeclarationKind::HasMany)
        .into_iter()
        .filter(|(declaration, table)| unique_within(Some(table), &declaration.relation.columns))
        .map(|(declaration, table)| {
            let relation = &declaration.relation;
            let message = format!(
                "{} has_many {}, and {relation} is unique",
                relation.referenced_table, table.name
            );
            let fix = Fix::Entity(format!(
                "on the entity of {}: #[sea_orm(has_one)]",
                relation.referenced_table
            ));
            of_relation(relation, message, fix)
        })
        .collect()
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

pub(super) fn action_without_effect(subject: &Subject<'_>) -> Vec<Draft> {
    let Some(entities) = subject.entities else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for inverse in entities.inverses() {
        let relation = &inverse.relation;
        let declared = key_of(&entities.schema, relation);
        for (word, action, real) in [
            ("on_delete", inverse.on_delete, declared.map(|key| key.on_delete)),
            ("on_update", inverse.on_update, declared.map(|key| key.on_update)),
        ] {
            let Some(action) = action else { continue };
            let message = format!(
                "{} declares {word} = \"{}\" on {} {}, where it has no effect",
                inverse.on,
                seaorm_word(action),
                inverse.kind,
                relation.table
            );
            let mut key = declared.cloned().unwrap_or_else(|| ForeignKey::new(relation.clone()));
            match word {
                "on_delete" => key.on_delete = action,
                _ => key.on_update = action,
            }
            let draft = of_relation(
                relation,
                message,
                Fix::Entity(format!("on the entity of {}: {}", relation.table, attribute(&key))),
            );
            let draft = draft.and(" ").and(word);
            // Said twice alike, it misleads nobody.
            found.push(if real == Some(action) {
                draft.severity(Severity::Info)
            } else {
                draft
            });
        }
    }
    found
}
