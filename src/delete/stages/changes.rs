//! The statements that change rows, one at a time.

use super::super::conditions::{Conditions, Form};
use super::super::counts::is_roots;
use super::super::shape::{Arm, Key, Shape, TableDelete};
use crate::backend::Backend;
use crate::ddl::identifier;
use crate::name::ColumnName;
use crate::sql::Sql;

pub(super) fn push_update(conditions: &Conditions<'_>, sql: &mut Sql, place: usize, arm: usize) {
    let Some(update) = conditions.shape.updates.get(place) else {
        return;
    };
    let Some(change) = update.arms.get(arm) else {
        return;
    };
    let from = conditions.from(&update.table);
    match conditions.backend() {
        Backend::Postgres | Backend::Sqlite => {
            sql.push(&format!("UPDATE {from} AS x SET "));
            conditions.push_assignments(sql, "x", "", &update.arms, arm);
            sql.push(" WHERE ");
            conditions.push_arm(sql, "x", &change.arm);
        }
        Backend::MySql => {
            sql.push("UPDATE ");
            let joined = conditions.push_joined(sql, change.arm.set);
            sql.push(&format!(" INNER JOIN {from} AS x ON "));
            conditions.push_equal(sql, "x", &change.arm.columns, &joined);
            sql.push(" SET ");
            conditions.push_assignments(sql, "x", "x.", &update.arms, arm);
            sql.push(" WHERE ");
            conditions.push_joined_roots(sql, change.arm.set);
        }
    }
    conditions.push_stays(sql, "x", &update.table);
}

pub(super) fn push_delete(conditions: &Conditions<'_>, sql: &mut Sql, delete: &TableDelete, arm: usize) {
    let Some(own) = delete.arms.get(arm) else {
        return;
    };
    let from = conditions.from(&delete.table);
    match conditions.backend() {
        Backend::Postgres | Backend::Sqlite => {
            sql.push(&format!("DELETE FROM {from} AS x WHERE "));
            conditions.push_arm(sql, "x", own);
        }
        Backend::MySql if is_roots(own) && conditions.form == Form::Inline => {
            sql.push(&format!("DELETE x FROM {from} AS x WHERE "));
            conditions.push_arm(sql, "x", own);
        }
        Backend::MySql => {
            sql.push("DELETE x FROM ");
            let joined = conditions.push_joined(sql, own.set);
            sql.push(&format!(" INNER JOIN {from} AS x ON "));
            conditions.push_equal(sql, "x", &own.columns, &joined);
            sql.push(" WHERE ");
            conditions.push_joined_roots(sql, own.set);
        }
    }
}

/// Rows that are told apart by their identity: of those, whatever their references are now.
pub(super) fn push_delete_identified(conditions: &Conditions<'_>, sql: &mut Sql, delete: &TableDelete) {
    let Some(set) = delete.by_identity else { return };
    push_identified(conditions, sql, set, &delete.table, "DELETE", |_| {});
}

pub(super) fn push_break(conditions: &Conditions<'_>, sql: &mut Sql, broken: &super::super::shape::Break) {
    let delete = conditions
        .shape
        .deletes
        .iter()
        .find(|delete| delete.table == broken.table);
    let Some(set) = delete.and_then(|delete| delete.by_identity) else {
        return;
    };
    let backend = conditions.backend();
    let target = if backend == Backend::MySql { "x." } else { "" };
    let nulls: Vec<_> = broken
        .columns
        .iter()
        .map(|name| format!("{target}{} = NULL", identifier(backend, name.as_str())))
        .collect();
    push_identified(conditions, sql, set, &broken.table, "UPDATE", |sql| {
        sql.push(&format!(" SET {}", nulls.join(", ")));
    });
}

fn push_identified(
    conditions: &Conditions<'_>,
    sql: &mut Sql,
    set: usize,
    table: &crate::name::TableName,
    what: &str,
    change: impl Fn(&mut Sql),
) {
    let from = conditions.from(table);
    let columns = conditions
        .shape
        .sets
        .get(set)
        .map(|set| set.columns.clone())
        .unwrap_or_default();
    if conditions.backend() == Backend::MySql {
        sql.push(if what == "DELETE" { "DELETE x FROM " } else { "UPDATE " });
        let joined = conditions.push_joined(sql, set);
        sql.push(&format!(" INNER JOIN {from} AS x ON "));
        conditions.push_equal(sql, "x", &columns, &joined);
        return change(sql);
    }
    sql.push(if what == "DELETE" { "DELETE FROM " } else { "UPDATE " });
    sql.push(&format!("{from} AS x"));
    change(sql);
    let own: Vec<_> = columns.iter().map(|name| conditions.column("x", name)).collect();
    sql.push(&format!(" WHERE ({}) IN (", own.join(", ")));
    conditions.push_set(sql, set);
    sql.push(")");
}

/// Rows that go and that no other row references through these keys. A row that references itself is in nobody's way but its own.
pub(super) fn push_peel(conditions: &Conditions<'_>, sql: &mut Sql, place: usize, keys: &[usize]) {
    let shape = conditions.shape;
    let Some(delete) = shape.deletes.get(place) else { return };
    let Some(set) = delete.by_identity else { return };
    let columns = shape.sets.get(set).map(|set| set.columns.clone()).unwrap_or_default();
    let known: Vec<_> = referenced_through(shape, delete, keys).collect();
    let mysql = conditions.backend() == Backend::MySql;
    if mysql {
        sql.push("DELETE x FROM ");
        let joined = conditions.push_joined(sql, set);
        sql.push(&format!(" INNER JOIN {} AS x ON ", conditions.from(&delete.table)));
        conditions.push_equal(sql, "x", &columns, &joined);
    } else {
        sql.push(&format!("DELETE FROM {} AS x WHERE ", conditions.from(&delete.table)));
        let own: Vec<_> = columns.iter().map(|name| conditions.column("x", name)).collect();
        sql.push(&format!("({}) IN (", own.join(", ")));
        conditions.push_set(sql, set);
        sql.push(")");
    }
    let mut after = Sql::new(conditions.backend(), "");
    let referencing = referencing(conditions, delete, &columns, keys);
    for (number, (from, equal)) in referencing.into_iter().enumerate() {
        let key = known.get(number);
        if mysql {
            sql.push(&format!(" LEFT JOIN {from} ON {equal}"));
            let alias = format!("k{number}");
            let first = key.and_then(|key| key.key.relation.columns.first());
            let first = first.map(|name| conditions.column(&alias, name));
            after.push(&format!(
                "{}{} IS NULL",
                if number > 0 { " AND " } else { " WHERE " },
                first.unwrap_or_default()
            ));
        } else {
            sql.push(&format!(" AND NOT EXISTS (SELECT 1 FROM {from} WHERE {equal})"));
        }
    }
    sql.push(&after.statement().sql);
}

/// Those of the keys that reference the table.
fn referenced_through<'a>(
    shape: &'a Shape,
    delete: &'a TableDelete,
    keys: &'a [usize],
) -> impl Iterator<Item = &'a Key> {
    let keys = keys.iter().filter_map(|key| shape.keys.get(*key));
    keys.filter(|key| key.key.relation.referenced_table == delete.table)
}

/// The tables whose rows may reference the rows of `x` through these keys, as `posts AS k0`, each with the condition that they do. A row that
/// references itself does not count.
pub(in crate::delete) fn referencing(
    conditions: &Conditions<'_>,
    delete: &TableDelete,
    identity: &[ColumnName],
    keys: &[usize],
) -> Vec<(String, String)> {
    let keys = referenced_through(conditions.shape, delete, keys).enumerate();
    keys.map(|(number, key)| {
        let relation = &key.key.relation;
        let alias = format!("k{number}");
        let same = |(own, referenced): (&ColumnName, &ColumnName)| {
            format!(
                "{} = {}",
                conditions.column(&alias, own),
                conditions.column("x", referenced)
            )
        };
        let pairs = relation.columns.iter().zip(&relation.referenced_columns);
        let mut equal = pairs.map(same).collect::<Vec<_>>().join(" AND ");
        if relation.table == delete.table {
            let itself: Vec<_> = identity.iter().zip(identity).map(same).collect();
            equal.push_str(&format!(" AND NOT ({})", itself.join(" AND ")));
        }
        (format!("{} AS {alias}", conditions.from(&relation.table)), equal)
    })
    .collect()
}

/// Locks the rows of one arm.
pub(super) fn push_lock(conditions: &Conditions<'_>, sql: &mut Sql, delete: &TableDelete, own: &Arm) {
    let from = conditions.from(&delete.table);
    let postgres = conditions.backend() == Backend::Postgres;
    sql.push(if postgres {
        "SELECT COUNT(*) FROM (SELECT 1"
    } else {
        "SELECT COUNT(*)"
    });
    sql.push(&format!(" FROM {from} AS x WHERE "));
    conditions.push_arm(sql, "x", own);
    sql.push(if postgres {
        " FOR UPDATE OF x) AS locked"
    } else {
        " FOR UPDATE"
    });
}

/// Counts up the guard in the rows of one arm.
pub(super) fn push_guard(
    conditions: &Conditions<'_>,
    sql: &mut Sql,
    delete: &TableDelete,
    arm: usize,
    guard: &ColumnName,
) {
    let Some(own) = delete.arms.get(arm) else {
        return;
    };
    let backend = conditions.backend();
    let from = conditions.from(&delete.table);
    let name = identifier(backend, guard.as_str());
    match backend {
        Backend::Postgres | Backend::Sqlite => {
            sql.push(&format!("UPDATE {from} AS x SET {name} = x.{name} + 1 WHERE "));
            conditions.push_arm(sql, "x", own);
        }
        Backend::MySql if is_roots(own) && conditions.form == Form::Inline => {
            sql.push(&format!("UPDATE {from} AS x SET x.{name} = x.{name} + 1 WHERE "));
            conditions.push_arm(sql, "x", own);
        }
        Backend::MySql => {
            sql.push("UPDATE ");
            let joined = conditions.push_joined(sql, own.set);
            sql.push(&format!(" INNER JOIN {from} AS x ON "));
            conditions.push_equal(sql, "x", &own.columns, &joined);
            sql.push(&format!(" SET x.{name} = x.{name} + 1 WHERE "));
            conditions.push_joined_roots(sql, own.set);
        }
    }
}
