//! MySQL and MariaDB: each statement commits by itself, none builds the table anew, and none keeps writers out (`LOCK=NONE`): one that
//! would is refused by the server.
//!
//! InnoDB adds a key without building the table anew only if it need not check it (MySQL, "Online DDL Operations", foreign key operations).
//! So the rows are looked at afterwards: from then on the key itself lets none dangle.

use super::super::backfill::Backfill;
use super::super::batches;
use super::super::foreign_key::{RequiredForeignKey, WritePath};
use super::super::proof::proof;
use super::super::revert::Revert;
use super::super::situation::Situation;
use super::super::step::{Step, StepKind, Way};
use super::super::values::literals;
use super::{Standing, add_columns, closes_trigger, default_values, index, is_filled, is_past, new_columns, step};
use crate::backend::Backend::MySql;
use crate::ddl::{self, identifier};
use crate::error::Result;
use crate::name::{ColumnName, TableName};
use crate::schema::{Column, Table};

/// Every ALTER takes the metadata lock for itself when it begins and when it ends, and lets others work between.
const EXCLUSIVE: &str = "metadata lock, exclusive at the beginning and the end";

pub(super) fn forward(situation: &Situation, request: &RequiredForeignKey) -> Result<Vec<Standing>> {
    let relation = &situation.key.relation;
    let table = &relation.table;
    let mut steps: Vec<Standing> = Vec::new();
    let add = alone(
        StepKind::AddColumns,
        vec![format!("{}, LOCK=NONE", add_columns(situation, request))],
        match situation.placeholders.is_empty() {
            true => "columns that may be empty, which nobody needs to know of",
            false => "columns whose default stands for no value yet, which nobody needs to know of",
        },
    );
    steps.push((add.locks(table, EXCLUSIVE), situation.has_columns()));
    if let Some(open) = open(situation, request)? {
        steps.push((open, situation.is_open_for_all() || is_past(situation, request)));
    }
    if request.backfill.is_some() {
        let batches = step(
            StepKind::Backfill,
            Way::Batches,
            batches::example(situation, request)?,
            "some rows with their value; the next run goes on behind them",
        );
        steps.push((
            batches.locks(table, "row locks, a batch at a time").scans(table),
            is_filled(situation, request),
        ));
    }
    let make = alter(
        situation,
        &format!(
            "ADD {}, ALGORITHM=INPLACE, LOCK=NONE",
            ddl::mysql_index(&index(situation))
        ),
    );
    let make = alone(StepKind::AddIndex, vec![make], "an index");
    steps.push((make.locks(table, EXCLUSIVE).scans(table), situation.has_index()));
    if request.is_required {
        let require = require(situation, request).locks(table, EXCLUSIVE);
        steps.push((require, situation.requires_values()));
    }
    let add = alone(
        StepKind::AddKey,
        vec![
            "SET SESSION foreign_key_checks = 0".to_owned(),
            format!(
                "{}, ALGORITHM=INPLACE, LOCK=NONE",
                ddl::add_foreign_key(MySql, &situation.key)
            ),
            "SET SESSION foreign_key_checks = 1".to_owned(),
        ],
        "a key that holds for rows written from now on, and on delete for all",
    );
    steps.push((
        add.locks(table, EXCLUSIVE).locks(&relation.referenced_table, EXCLUSIVE),
        situation.live_key().is_some(),
    ));
    let prove = step(
        StepKind::Prove,
        Way::Looking,
        vec![proof(situation)],
        "a key that holds for all rows; the proof is in the ledger",
    );
    steps.push((
        prove.scans(table),
        situation.entry.as_ref().is_some_and(|entry| entry.proved_at.is_some()),
    ));
    if situation.write_path != WritePath::Application || situation.is_open() {
        let close = alone(
            StepKind::CloseWritePath,
            close(situation),
            "the key, and nothing of its making",
        );
        steps.push((
            close.locks(table, EXCLUSIVE),
            !situation.is_open() && is_past(situation, request),
        ));
    }
    Ok(steps)
}

fn alone(kind: StepKind, statements: Vec<String>, leaves: &'static str) -> Step {
    step(kind, Way::Alone, statements, leaves)
}

fn alter(situation: &Situation, what: &str) -> String {
    format!("ALTER TABLE {} {what}", situation.quoted())
}

/// A column that was added with a placeholder only loses it; another is made NOT NULL, for which the table is built anew.
fn require(situation: &Situation, request: &RequiredForeignKey) -> Step {
    let leaves = "columns that must have a value";
    if situation.placeholders.is_empty() || situation.has_columns() && situation.is_nullable() {
        let required = columns(situation, request, |column| column.nullable = false);
        let sql = alter(situation, &format!("{required}, ALGORITHM=INPLACE, LOCK=NONE"));
        return alone(StepKind::Require, vec![sql], leaves).scans(&situation.key.relation.table);
    }
    let sql = alter(
        situation,
        &format!(
            "{}, LOCK=NONE",
            drop_defaults(
                situation
                    .key
                    .relation
                    .columns
                    .iter()
                    .filter(|name| situation.placeholders.of(name).is_some())
            )
        ),
    );
    alone(StepKind::Require, vec![sql], leaves)
}

/// `ALTER COLUMN … DROP DEFAULT` for each column.
fn drop_defaults<'a>(columns: impl Iterator<Item = &'a ColumnName>) -> String {
    let each: Vec<_> = columns
        .map(|name| format!("ALTER COLUMN {} DROP DEFAULT", identifier(MySql, name.as_str())))
        .collect();
    each.join(", ")
}

/// `MODIFY COLUMN …` for each column, which needs its whole definition.
fn columns(situation: &Situation, request: &RequiredForeignKey, change: impl Fn(&mut Column)) -> String {
    let Some(table) = situation.table() else {
        return String::new();
    };
    // In a plan they may not be there yet.
    let new = new_columns(situation, request);
    let names = situation.key.relation.columns.iter();
    let columns = names.filter_map(|name| {
        let is_it = |column: &&Column| column.name == *name;
        table.column(name).or_else(|| new.iter().find(is_it))
    });
    modified(table, columns.cloned(), change)
}

fn modified(table: &Table, columns: impl Iterator<Item = Column>, change: impl Fn(&mut Column)) -> String {
    let each: Vec<_> = columns
        .map(|mut column| {
            change(&mut column);
            format!("MODIFY COLUMN {}", ddl::column(MySql, table, &column))
        })
        .collect();
    each.join(", ")
}

fn open(situation: &Situation, request: &RequiredForeignKey) -> Result<Option<Step>> {
    let table = &situation.key.relation.table;
    let leaves = "rows that are written get a value, if they come without one";
    let statements = match situation.write_path {
        WritePath::Application => return Ok(None),
        WritePath::Default => {
            let values = default_values(situation, request)?;
            let each: Vec<_> = values
                .iter()
                .map(|(name, value)| format!("ALTER COLUMN {} SET DEFAULT {value}", identifier(MySql, name.as_str())))
                .collect();
            vec![alter(situation, &format!("{}, LOCK=NONE", each.join(", ")))]
        }
        WritePath::Trigger => create_triggers(situation, request)?,
    };
    Ok(Some(
        alone(StepKind::OpenWritePath, statements, leaves).locks(table, EXCLUSIVE),
    ))
}

/// One trigger for INSERT and one for UPDATE; those that are there already are not made again.
fn create_triggers(situation: &Situation, request: &RequiredForeignKey) -> Result<Vec<String>> {
    let expressions = match &request.backfill {
        Some(Backfill::Sql(expressions)) => expressions.clone(),
        _ => literals(situation, request)?,
    };
    let Some(table) = situation.table() else {
        return Ok(Vec::new());
    };
    // The row stands where the table stands in the backfill, so that an expression may name either. What is computed is not known yet.
    let new = new_columns(situation, request);
    let row: Vec<_> = table
        .columns
        .iter()
        .chain(&new)
        .filter(|column| column.generated.is_none())
        .map(|column| identifier(MySql, column.name.as_str()))
        .map(|name| format!("NEW.{name} AS {name}"))
        .collect();
    let row = format!(
        "(SELECT {}) AS {}",
        row.join(", "),
        identifier(MySql, table.name.name())
    );
    let values: Vec<_> = situation
        .key
        .relation
        .columns
        .iter()
        .zip(&expressions)
        .map(|(name, expression)| {
            let own = format!("NEW.{}", identifier(MySql, name.as_str()));
            let value = situation.placeholders.value(name, &own);
            let instead = situation.placeholders.instead(name, table);
            format!("{own} = COALESCE({value}, (SELECT ({expression}\n) FROM {row}){instead})")
        })
        .collect();
    let there = situation.triggers();
    let names = situation.trigger_names().into_iter().zip(["INSERT", "UPDATE"]);
    Ok(names
        .filter(|(name, _)| !there.contains(name))
        .map(|(name, event)| {
            format!(
                "CREATE TRIGGER {} BEFORE {event} ON {} FOR EACH ROW SET {}",
                trigger(situation, &name),
                situation.quoted(),
                values.join(", ")
            )
        })
        .collect())
}

/// A trigger's name is in the database of its table.
fn trigger(situation: &Situation, name: &str) -> String {
    let name = match situation.key.relation.table.schema() {
        Some(schema) => TableName::in_schema(schema, name),
        None => TableName::new(name),
    };
    ddl::table_name(MySql, &name)
}

/// Takes off what gives new rows a value: what is there or, in a plan made before it is, what will be.
fn close(situation: &Situation) -> Vec<String> {
    if closes_trigger(situation) {
        let names = situation.trigger_names();
        let drop = |name: &String| format!("DROP TRIGGER IF EXISTS {}", trigger(situation, name));
        return names.iter().map(drop).collect();
    }
    let columns = situation.filled_columns().map(|(_, name)| name);
    vec![alter(situation, &format!("{}, LOCK=NONE", drop_defaults(columns)))]
}

pub(super) fn backward(situation: &Situation, how: Revert) -> Result<Vec<Standing>> {
    let relation = &situation.key.relation;
    let table = &relation.table;
    let entry = situation.before();
    let alone = |kind, sql: Vec<String>, leaves| alone(kind, sql, leaves).locks(table, EXCLUSIVE);
    let mut steps: Vec<Standing> = Vec::new();
    if situation.is_open() {
        let close = alone(StepKind::CloseWritePath, close(situation), "new rows get no value");
        steps.push((close, false));
    }
    let removes = matches!(how, Revert::Full | Revert::KeepData);
    if removes && !entry.had_key {
        let name = situation.live_key().and_then(|key| key.relation.constraint.as_ref());
        let name = identifier(MySql, name.map_or("", |name| name.as_str()));
        let sql = alter(situation, &format!("DROP FOREIGN KEY {name}, LOCK=NONE"));
        let drop = alone(StepKind::DropKey, vec![sql], "rows that reference what they like");
        steps.push((
            drop.locks(&relation.referenced_table, EXCLUSIVE),
            situation.live_key().is_none(),
        ));
    }
    let added = situation.added_columns();
    let drops_columns = how == Revert::Full && !added.is_empty();
    let named = situation.index_name();
    let own_index = situation
        .table()
        .is_some_and(|table| table.indexes.iter().any(|index| index.name == named));
    // An index goes with its last column.
    if how == Revert::Full && !entry.had_index && !(drops_columns && relation.columns.len() == 1) {
        let sql = alter(
            situation,
            &format!("DROP INDEX {}, LOCK=NONE", identifier(MySql, &named)),
        );
        steps.push((alone(StepKind::DropIndex, vec![sql], "no index"), !own_index));
    }
    if drops_columns {
        let drops: Vec<_> = added
            .iter()
            .map(|name| format!("DROP COLUMN {}", identifier(MySql, name)))
            .collect();
        let drop = alone(
            StepKind::DropColumns,
            vec![alter(situation, &format!("{}, LOCK=NONE", drops.join(", ")))],
            "what was there before",
        );
        steps.push((drop, false));
    } else {
        let released = situation.releasable(how);
        let columns = situation.table().map(|table| {
            let columns = table
                .columns
                .iter()
                .filter(|column| released.iter().any(|name| name == column.name.as_str()));
            modified(table, columns.cloned(), |column| {
                column.nullable = true;
                if situation.placeholders.of(&column.name).is_some() {
                    column.default = None;
                }
            })
        });
        let sql = alter(situation, &format!("{}, LOCK=NONE", columns.unwrap_or_default()));
        let release = alone(StepKind::Release, vec![sql], "columns that may be empty");
        steps.push((release, released.is_empty()));
        if !situation.placeholders.is_empty() {
            let clear = step(
                StepKind::ClearPlaceholders,
                Way::Batches,
                batches::clearing_example(situation)?,
                "NULL in rows that have got no value",
            );
            let clear = clear.locks(table, "row locks, a batch at a time").scans(table);
            steps.push((clear, !situation.has_columns()));
        }
    }
    Ok(steps)
}
