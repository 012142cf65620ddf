//! Rules about what the referenced side of a relation declares: `has_one` and `has_many`.

use std::collections::BTreeSet;

use super::declared::{attribute, is_registered, key_of, seaorm_word};
use super::finding::{Declared, Draft, Fix, Subject};
use super::sql::{self, Uniqueness};
use crate::name::{ColumnList, ColumnName, Relation};
use crate::overlay::Severity;
use crate::schema::{Declaration, DeclarationKind, ForeignKey, Table};

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
