//! [`ForeignKey`] and [`Action`], and how they are read from a SeaORM relation.

use std::fmt;

use sea_orm::sea_query::{ForeignKeyAction, TableRef};
use sea_orm::{EntityTrait, Iterable, RelationDef, RelationTrait};

use crate::name::{ColumnName, ConstraintName, Relation, TableName};

/// What happens to the referencing rows when a referenced row goes or its key changes (SQL standard, "referential actions").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Action {
    /// They go too, or follow the new key.
    Cascade,
    /// Their referencing columns become NULL.
    SetNull,
    /// Their referencing columns take their default.
    SetDefault,
    /// They forbid it, at once.
    Restrict,
    /// They forbid it, by the end of the statement or, if deferred, of the transaction. What a key without an action has.
    NoAction,
}

/// A foreign key with its actions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForeignKey {
    /// Which columns reference which.
    pub relation: Relation,
    /// What happens when a referenced row is deleted.
    pub on_delete: Action,
    /// What happens when a referenced key changes.
    pub on_update: Action,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cascade => "cascade",
            Self::SetNull => "set null",
            Self::SetDefault => "set default",
            Self::Restrict => "restrict",
            Self::NoAction => "no action",
        })
    }
}

impl From<&ForeignKeyAction> for Action {
    fn from(action: &ForeignKeyAction) -> Self {
        match action {
            ForeignKeyAction::Cascade => Self::Cascade,
            ForeignKeyAction::SetNull => Self::SetNull,
            ForeignKeyAction::SetDefault => Self::SetDefault,
            ForeignKeyAction::Restrict => Self::Restrict,
            // The enum is open; an action sea-query learns later is read as the standard's default until it is added here.
            _ => Self::NoAction,
        }
    }
}

/// Every relation an entity declares, seen from the referencing side, whichever side declared it.
///
/// Only `belongs_to` becomes a constraint; the flag says so. (SeaORM's `is_owner` is false there, the opposite of its doc comment.)
pub(crate) fn declared_relations<E: EntityTrait>() -> Vec<(ForeignKey, bool)> {
    E::Relation::iter()
        .map(|relation| {
            let def = relation.def();
            let belongs_to = !def.is_owner;
            let constrained = belongs_to && !def.skip_fk;
            (foreign_key(if belongs_to { def } else { def.rev() }), constrained)
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
    let constraint = def.fk_name.unwrap_or_else(|| {
        let columns: Vec<_> = from.iter().map(ColumnName::as_str).collect();
        format!("fk-{}-{}", table.name(), columns.join("-"))
    });
    ForeignKey {
        relation: Relation {
            constraint: Some(ConstraintName::new(constraint)),
            table,
            columns: from,
            referenced_table: table_name(&def.to_tbl),
            referenced_columns: columns(&def.to_col),
        },
        on_delete: action(&def.on_delete),
        on_update: action(&def.on_update),
    }
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
