//! [`Declaration`]: a relation as an entity declares it, read from SeaORM's relation definitions.

use std::fmt;

use sea_orm::sea_query::{ForeignKeyAction, TableRef};
use sea_orm::{EntityTrait, Iterable, RelationDef, RelationTrait, RelationType};
use serde::Serialize;

use super::foreign_key::{Action, ForeignKey};
use crate::name::{ColumnName, ConstraintName, Relation, TableName};

/// A relation as one entity declares it, for what a foreign key alone does not say: which side declared it, and in which words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Declaration {
    /// The entity that declares it, by its table.
    pub on: TableName,
    /// In which words.
    pub kind: DeclarationKind,
    /// The relation, seen from the referencing side.
    pub relation: Relation,
    /// The action it declares for deletes, if it does. On `has_one` and `has_many` it reaches no statement and has no effect.
    pub on_delete: Option<Action>,
    /// The action it declares for updates, if it does.
    pub on_update: Option<Action>,
    /// Whether it becomes a constraint: a `belongs_to` that is not marked `skip_fk`.
    pub is_constraint: bool,
}

/// In which words an entity declares a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclarationKind {
    /// `belongs_to`: the referencing side.
    BelongsTo,
    /// `has_one`: the referenced side; the referencing columns are unique.
    HasOne,
    /// `has_many`: the referenced side.
    HasMany,
}

impl fmt::Display for DeclarationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BelongsTo => "belongs_to",
            Self::HasOne => "has_one",
            Self::HasMany => "has_many",
        })
    }
}

/// Every relation an entity declares, seen from the referencing side, whichever side declared it.
///
/// Only `belongs_to` becomes a constraint. (SeaORM's `is_owner` is false there, the opposite of its doc comment.)
pub(crate) fn declared_relations<E: EntityTrait>() -> Vec<(ForeignKey, Declaration)> {
    E::Relation::iter()
        .map(|relation| {
            let def = relation.def();
            let kind = match (def.is_owner, &def.rel_type) {
                (false, _) => DeclarationKind::BelongsTo,
                (true, RelationType::HasOne) => DeclarationKind::HasOne,
                (true, RelationType::HasMany) => DeclarationKind::HasMany,
            };
            let (on_delete, on_update) = (def.on_delete.as_ref(), def.on_update.as_ref());
            let declaration = Declaration {
                on: table_name(&def.from_tbl),
                kind,
                relation: foreign_key(if def.is_owner { def.clone().rev() } else { def.clone() }).relation,
                on_delete: on_delete.map(Action::from),
                on_update: on_update.map(Action::from),
                is_constraint: kind == DeclarationKind::BelongsTo && !def.skip_fk,
            };
            let key = foreign_key(if def.is_owner { def.rev() } else { def });
            (key, declaration)
        })
        .collect()
}

fn foreign_key(def: RelationDef) -> ForeignKey {
    let columns = |identity: &sea_orm::Identity| {
        identity
            .iter()
            .map(|c| ColumnName::new(c.to_string()))
            .collect::<Vec<_>>()
    };
    let action = |action: &Option<ForeignKeyAction>| action.as_ref().map_or(Action::NoAction, Action::from);
    let table = table_name(&def.from_tbl);
    let from = columns(&def.from_col);
    let constraint = def
        .fk_name
        .map_or_else(|| usual_name(&table, &from), ConstraintName::new);
    ForeignKey::new(Relation {
        constraint: Some(constraint),
        table,
        columns: from,
        referenced_table: table_name(&def.to_tbl),
        referenced_columns: columns(&def.to_col),
    })
    .on_delete(action(&def.on_delete))
    .on_update(action(&def.on_update))
}

/// What SeaORM calls the constraint of a key that was given no name.
pub(crate) fn usual_name(table: &TableName, columns: &[ColumnName]) -> ConstraintName {
    let columns: Vec<_> = columns.iter().map(ColumnName::as_str).collect();
    ConstraintName::new(format!("fk-{}-{}", table.name(), columns.join("-")))
}

/// The name in a sea-query table reference, without its alias.
pub(crate) fn table_name(table: &TableRef) -> TableName {
    let name = table.sea_orm_table().to_string();
    match table {
        TableRef::Table(sea_orm::sea_query::TableName(Some(schema), _), _) => {
            TableName::in_schema(schema.1.to_string(), name)
        }
        _ => TableName::new(name),
    }
}
