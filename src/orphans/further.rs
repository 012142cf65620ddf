//! What deleting rows does to those that reference them, before it is done and after it was refused.

use super::find::number;
use super::report::{Effect, Further};
use super::sql::Dangling;

use crate::connection::Connection;
use crate::error::{Direction, Error, ErrorKind, Result};
use crate::introspect;
use crate::name::Relation;
use crate::schema::{Action, ForeignKey};

/// The rows that reference rows that go, key by key: those the catalog has and those the schema adds.
pub(super) async fn further(
    connection: &Connection,
    dangling: Dangling<'_>,
    live: &[ForeignKey],
) -> Result<Vec<Further>> {
    let table = &dangling.key.relation.table;
    let enforcing = introspect::enforces_foreign_keys(connection).await?;
    let added = dangling
        .schema
        .foreign_keys()
        .filter(|key| !live.iter().any(|live| live.is_same_key(key)));
    let keys: Vec<_> = live
        .iter()
        .map(|key| (key, enforcing && !key.not_enforced))
        .chain(added.map(|key| (key, false)))
        .filter(|(key, _)| key.relation.referenced_table == *table)
        // The rows below are counted with those that go.
        .filter(|(key, _)| !(dangling.takes_rows_below() && key.is_same_key(dangling.key)))
        .collect();
    let mut further = Vec::new();
    for (key, by_database) in keys {
        let rows = number(connection, dangling.referencing(key)).await?;
        if rows > 0 {
            further.push(Further {
                relation: key.relation.clone(),
                rows,
                effect: effect(key.on_delete, by_database),
                by_database,
            });
        }
    }
    Ok(further)
}

const fn effect(action: Action, by_database: bool) -> Effect {
    match (action, by_database) {
        (Action::Restrict | Action::NoAction | Action::Protect | Action::Unknown, _) => Effect::Blocks,
        (Action::Cascade, true) => Effect::Deleted,
        (Action::SetNull, true) => Effect::SetNull,
        (Action::SetDefault, true) => Effect::SetDefault,
        (Action::DoNothing | Action::SetValue, _) | (Action::Cascade | Action::SetNull | Action::SetDefault, false) => {
            Effect::Dangles
        }
    }
}

/// Names the key that forbids a delete, as far as the engine did not.
pub(super) fn explain(error: Error, live: &[ForeignKey], further: &[Further]) -> Error {
    let ErrorKind::ForeignKey { relation, key, .. } = error.kind() else {
        return error;
    };
    let told = relation.as_ref().and_then(|told| {
        live.iter().map(|key| &key.relation).find(|known| {
            known.table.name() == told.table.name()
                && (known.constraint.is_some() && known.constraint == told.constraint
                    || !told.columns.is_empty() && known.columns == told.columns)
        })
    });
    let counted = further
        .iter()
        .find(|further| further.effect == Effect::Blocks)
        .map(|further| &further.relation);
    let Some(relation) = told.or(counted).or(relation.as_ref()).cloned() else {
        return error;
    };
    let kind = ErrorKind::ForeignKey {
        relation: Some(relation),
        key: key.clone(),
        direction: Some(Direction::StillReferenced),
    };
    error.with_kind(kind)
}

pub(super) const fn still_referenced(relation: Relation) -> ErrorKind {
    ErrorKind::ForeignKey {
        relation: Some(relation),
        key: None,
        direction: Some(Direction::StillReferenced),
    }
}
