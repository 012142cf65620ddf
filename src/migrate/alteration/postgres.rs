//! PostgreSQL: in stages, each of which is the difference between what the catalog says and how far the stage is to come.

use super::steps::{Next, Step, Steps, Way};
use super::{Alteration, edit};
use crate::backend::Backend::Postgres;
use crate::connection::Connection;
use crate::ddl::{self, identifier, table_name};
use crate::diff::{DiffOptions, diff};
use crate::error::Result;
use crate::name::{ColumnName, ConstraintName, TableName};
use crate::schema::{self, Check, Column, ForeignKey, Index, Schema, Table, UniqueKey};

pub(super) async fn make(alteration: &Alteration, connection: &Connection) -> Result<()> {
    let mut steps = Steps::new(alteration, connection);
    let stages: [Next; 7] = [
        |alteration, live, goal| reach(alteration, live, goal, Reach::shape),
        index,
        unchecked,
        validated,
        |alteration, live, goal| reach(alteration, live, goal, Reach::required),
        our_checks_gone,
        // What is left: columns that go.
        |alteration, live, goal| reach(alteration, live, goal, |_, goal| goal.clone()),
    ];
    for stage in stages {
        steps.until_none(stage).await?;
    }
    Ok(())
}

/// How far each stage comes, given what is there and what is to be.
struct Reach;

impl Reach {
    /// Columns are added and changed, and what is to go is taken off, but for columns. Nothing is required yet, nothing unique, no key
    /// added.
    fn shape(live: &Table, goal: &Table) -> Table {
        let mut table = goal.clone();
        for column in &mut table.columns {
            let known = live.column(&column.name);
            column.nullable |= known.is_some_and(|known| known.nullable);
        }
        let going = live.columns.iter().filter(|column| goal.column(&column.name).is_none());
        table.columns.extend(going.cloned());
        table.unique_keys = kept(&live.unique_keys, &goal.unique_keys, |a, b| a.columns == b.columns);
        table.indexes = kept(&live.indexes, &goal.indexes, is_same_index);
        table.foreign_keys = kept(&live.foreign_keys, &goal.foreign_keys, ForeignKey::is_same_key);
        table.checks = kept(&live.checks, &goal.checks, |a, b| a.expression == b.expression);
        // An interrupted run may have come so far.
        let still_needed = live.checks.iter().filter(|check| {
            let mut columns = to_be_required(live, goal);
            columns.any(|column| {
                check.name.as_ref() == Some(&check_name(&live.name, &column.name)) && is_ours(live, check)
            })
        });
        let still_needed: Vec<_> = still_needed
            .filter(|check| !table.checks.contains(check))
            .cloned()
            .collect();
        table.checks.extend(still_needed);
        table
    }

    fn required(live: &Table, goal: &Table) -> Table {
        let mut table = live.clone();
        for column in &mut table.columns {
            column.nullable &= goal.column(&column.name).is_none_or(|wanted| wanted.nullable);
        }
        table
    }

    fn without_our_checks(live: &Table) -> Table {
        let mut table = live.clone();
        table.checks.retain(|check| !is_ours(live, check));
        table
    }
}

/// By its name: somebody else's check may say the same.
fn our_checks_gone(alteration: &Alteration, live: &Schema, _: &Schema) -> Option<Step> {
    let table = live.table(&alteration.table)?;
    let check = table.checks.iter().find(|check| is_ours(table, check))?;
    let name = check.name.as_ref()?;
    Some(Step {
        says: format!("{}: drop {check}, which was needed on the way", table.name),
        statements: vec![format!(
            "ALTER TABLE {} DROP CONSTRAINT {}",
            table_name(Postgres, &table.name),
            identifier(Postgres, name.as_str())
        )],
        way: Way::Transaction,
    })
}

/// What is there and is to stay, as it is there.
fn kept<T: Clone>(live: &[T], goal: &[T], is_same: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let stays = |known: &&T| goal.iter().any(|wanted| is_same(known, wanted));
    live.iter().filter(stays).cloned().collect()
}

fn is_same_index(a: &Index, b: &Index) -> bool {
    let nameless = |index: &Index| Index {
        name: String::new(),
        ..index.clone()
    };
    nameless(a) == nameless(b)
}

/// By what a column is required before it is.
fn check_name(table: &TableName, column: &ColumnName) -> ConstraintName {
    ConstraintName::new(schema::within_limit(
        Postgres,
        format!("cascade_{}_{column}_required", table.name()),
    ))
}

/// Whether it is such a check, by its name and by what it says.
fn is_ours(table: &Table, check: &Check) -> bool {
    table.columns.iter().any(|column| {
        check.name.as_ref() == Some(&check_name(&table.name, &column.name))
            && plain(&check.expression) == plain(&required(column))
    })
}

fn required(column: &Column) -> String {
    format!("{} IS NOT NULL", identifier(Postgres, column.name.as_str()))
}

/// Without what the catalog writes otherwise.
fn plain(expression: &str) -> String {
    expression.replace(['"', '(', ')'], "")
}

/// Our checks are not what is to be; an interrupted run may have left some.
pub(super) fn without_our_checks(table: &mut Table) {
    *table = Reach::without_our_checks(table);
}

fn both<'s>(alteration: &Alteration, live: &'s Schema, goal: &'s Schema) -> Option<(&'s Table, &'s Table)> {
    live.table(&alteration.table).zip(goal.table(&alteration.table))
}

/// Changes the table, in one transaction, as far as a stage says.
fn reach(
    alteration: &Alteration,
    live: &Schema,
    goal: &Schema,
    stage: impl Fn(&Table, &Table) -> Table,
) -> Option<Step> {
    let (from, to) = both(alteration, live, goal)?;
    become_this(live, stage(from, to))
}

fn become_this(live: &Schema, table: Table) -> Option<Step> {
    let mut wanted = live.clone();
    if let Some(known) = wanted.table_mut(&table.name) {
        *known = table;
    }
    let diff = diff(live, &wanted, &DiffOptions::default());
    let statements: Vec<_> = diff.statements().into_iter().map(|step| step.sql).collect();
    let says: Vec<_> = diff.changes.iter().map(|change| change.change.to_string()).collect();
    (!statements.is_empty()).then(|| Step {
        says: says.join(", "),
        statements,
        way: Way::Transaction,
    })
}

/// Makes an index, by itself and outside any transaction: others write meanwhile.
fn index(alteration: &Alteration, live: &Schema, goal: &Schema) -> Option<Step> {
    let (from, to) = both(alteration, live, goal)?;
    if to.options.partition_by.is_some() {
        // PostgreSQL cannot do it concurrently there.
        let mut table = from.clone();
        (table.indexes, table.unique_keys) = (to.indexes.clone(), to.unique_keys.clone());
        return become_this(live, table);
    }
    let is_missing = |index: &&Index| !from.indexes.iter().any(|known| is_same_index(known, index));
    if let Some(index) = to.indexes.iter().find(is_missing) {
        return Some(build(from, index));
    }
    let mut missing = to
        .unique_keys
        .iter()
        .filter(|key| !from.unique_keys.iter().any(|known| known.columns == key.columns));
    missing.next().map(|key| build_unique(from, key))
}

fn build_unique(table: &Table, key: &UniqueKey) -> Step {
    let name = key.name.as_ref().map_or("", ConstraintName::as_str);
    let is_built = |known: &Index| known.unique && known.name == name && edit::is_plain(known, &key.columns);
    if table.indexes.iter().any(is_built) {
        let quoted = identifier(Postgres, name);
        return Step {
            says: format!("{}: make {key} from its index", table.name),
            statements: vec![format!(
                "ALTER TABLE {} ADD CONSTRAINT {quoted} UNIQUE USING INDEX {quoted}",
                table_name(Postgres, &table.name)
            )],
            way: Way::Transaction,
        };
    }
    let mut index = Index::new(name, key.columns.iter().cloned());
    index.unique = true;
    index.nulls_not_distinct = key.nulls_not_distinct;
    build(table, &index)
}

fn build(table: &Table, index: &Index) -> Step {
    let name = match table.name.schema() {
        Some(schema) => table_name(Postgres, &TableName::in_schema(schema, index.name.as_str())),
        None => identifier(Postgres, &index.name),
    };
    let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
    let is_left = |known: &Index| known.invalid && known.name == index.name;
    if table.indexes.iter().any(is_left) {
        return Step {
            says: format!("{}: drop the unusable index {}", table.name, index.name),
            statements: vec![drop],
            way: Way::Dropping,
        };
    }
    let statement = ddl::index_statement(Postgres, &table.name, index);
    Step {
        says: format!("{}: add {index}", table.name),
        statements: vec![statement.replacen("INDEX ", "INDEX CONCURRENTLY ", 1)],
        way: Way::Building {
            index: index.name.clone(),
            drop,
        },
    }
}

/// A key or a check that holds for rows written from now on; each in a transaction of its own, since a key locks two tables.
fn unchecked(alteration: &Alteration, live: &Schema, goal: &Schema) -> Option<Step> {
    let (from, to) = both(alteration, live, goal)?;
    for key in &to.foreign_keys {
        let known = from.foreign_keys.iter().position(|known| known.is_same_key(key));
        let mut table = from.clone();
        let unchecked = ForeignKey {
            not_validated: true,
            ..key.clone()
        };
        match known.and_then(|at| table.foreign_keys.get_mut(at)) {
            Some(known) => *known = unchecked,
            None => table.foreign_keys.push(unchecked),
        }
        if let Some(step) = become_this(live, table) {
            return Some(step);
        }
    }
    let is_new = |check: &&Check| !from.checks.iter().any(|known| known.expression == check.expression);
    let mut checks: Vec<_> = to.checks.iter().filter(is_new).cloned().collect();
    let needed = to_be_required(from, to).map(|column| {
        let mut check = Check::new(required(column));
        check.name = Some(check_name(&to.name, &column.name));
        check
    });
    // Somebody else's that holds for all rows will do as well.
    let is_there = |check: &Check| {
        let mut known = from.checks.iter();
        let same = |known: &&Check| plain(&known.expression) == plain(&check.expression);
        known.any(|known| same(&known) && (known.name == check.name || !known.not_validated))
    };
    checks.extend(needed.filter(|check| !is_there(check)));
    let check = checks.first()?;
    let table = table_name(Postgres, &to.name);
    Some(Step {
        says: format!("{}: add {check}, for new rows", to.name),
        statements: vec![format!(
            "ALTER TABLE {table} ADD {} NOT VALID",
            ddl::check(Postgres, check)
        )],
        way: Way::Transaction,
    })
}

/// Has the rows checked that are there. Others read and write meanwhile.
fn validated(alteration: &Alteration, live: &Schema, goal: &Schema) -> Option<Step> {
    let (from, to) = both(alteration, live, goal)?;
    let asked = to.foreign_keys.iter().filter(|key| !key.not_validated);
    let keys = asked.filter_map(|key| {
        let mut live = from.foreign_keys.iter();
        let known = live.find(|known| known.is_same_key(key) && known.not_validated)?;
        Some((known.relation.constraint.clone()?, known.to_string()))
    });
    let is_asked = |check: &&Check| {
        let mut wanted = to.checks.iter();
        is_ours(from, check) || wanted.any(|wanted| wanted.expression == check.expression && !wanted.not_validated)
    };
    let checks = from.checks.iter().filter(|check| check.not_validated).filter(is_asked);
    let checks = checks.filter_map(|check| Some((check.name.clone()?, check.to_string())));
    let (name, what) = keys.chain(checks).next()?;
    Some(Step {
        says: format!("{}: have all rows checked for {what}", to.name),
        statements: vec![format!(
            "ALTER TABLE {} VALIDATE CONSTRAINT {}",
            table_name(Postgres, &to.name),
            identifier(Postgres, name.as_str())
        )],
        way: Way::Transaction,
    })
}

fn to_be_required<'a>(from: &'a Table, to: &'a Table) -> impl Iterator<Item = &'a Column> {
    to.columns.iter().filter(|column| {
        let known = from.column(&column.name);
        !column.nullable && known.is_some_and(|known| known.nullable)
    })
}
