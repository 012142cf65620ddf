//! PostgreSQL: eleven steps (PostgreSQL, "ALTER TABLE", NOT VALID and SET NOT NULL; "CREATE INDEX", building indexes concurrently).

use super::super::backfill::Backfill;
use super::super::batches::example;
use super::super::foreign_key::{RequiredForeignKey, WritePath};
use super::super::revert::Revert;
use super::super::situation::Situation;
use super::super::step::{Step, StepKind, Way};
use super::super::values::literals;
use super::{Standing, add_columns, closes_trigger, default_values, index, is_filled, is_past, nullable_columns, step};
use crate::backend::Backend::Postgres;
use crate::ddl::{self, identifier, literal, table_name};
use crate::error::Result;
use crate::name::TableName;
use crate::schema::ForeignKey;

const EXCLUSIVE: &str = "AccessExclusiveLock";
const SHARE_ROW_EXCLUSIVE: &str = "ShareRowExclusiveLock";
const SHARE_UPDATE_EXCLUSIVE: &str = "ShareUpdateExclusiveLock";
const ROW_SHARE: &str = "RowShareLock";
const ROW_EXCLUSIVE: &str = "RowExclusiveLock";

pub(super) fn forward(situation: &Situation, request: &RequiredForeignKey) -> Result<Vec<Standing>> {
    let relation = &situation.key.relation;
    let table = &relation.table;
    let transaction = |kind, sql: Vec<String>, leaves| step(kind, Way::Transaction, sql, leaves);
    let is_filled = is_filled(situation, request);
    let mut steps: Vec<Standing> = Vec::new();
    steps.push((
        transaction(
            StepKind::AddColumns,
            vec![add_columns(situation, request)],
            "columns that may be empty, which nobody needs to know of",
        )
        .locks(table, EXCLUSIVE),
        situation.has_columns(),
    ));
    if let Some(open) = open(situation, request)? {
        steps.push((open, situation.is_open_for_all() || is_past(situation, request)));
    }
    if request.backfill.is_some() {
        let batches = step(
            StepKind::Backfill,
            Way::Batches,
            example(situation, request)?,
            "some rows with their value; the next run goes on behind them",
        );
        steps.push((batches.locks(table, ROW_EXCLUSIVE).scans(table), is_filled));
    }
    if let Some(invalid) = situation.invalid_index() {
        let sql = format!("DROP INDEX CONCURRENTLY {}", index_name(table, &invalid.name));
        let drop = step(StepKind::DropInvalidIndex, Way::Alone, vec![sql], "no index");
        steps.push((drop.locks(table, SHARE_UPDATE_EXCLUSIVE), false));
    }
    let sql = ddl::index_statement(Postgres, table, &index(situation)).replacen("INDEX ", "INDEX CONCURRENTLY ", 1);
    let make = step(
        StepKind::AddIndex,
        Way::Alone,
        vec![sql],
        "an index; if it is cut off, an unusable one, which the next run drops",
    );
    steps.push((
        make.locks(table, SHARE_UPDATE_EXCLUSIVE).scans(table),
        situation.has_index(),
    ));
    steps.extend(key_steps(situation));
    if request.is_required {
        steps.extend(require_steps(situation));
    }
    if situation.write_path != WritePath::Application || situation.is_open() {
        let close = transaction(
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

fn key_steps(situation: &Situation) -> Vec<Standing> {
    let relation = &situation.key.relation;
    let live = situation.live_key();
    let add = ForeignKey {
        not_validated: true,
        ..situation.key.clone()
    };
    let name = live.unwrap_or(&add).relation.constraint.as_ref();
    let name = identifier(Postgres, name.map_or("", |name| name.as_str()));
    let add = step(
        StepKind::AddKey,
        Way::Transaction,
        vec![ddl::add_foreign_key(Postgres, &add)],
        "a key that holds for rows written from now on, and on delete for all",
    )
    .locks(&relation.table, SHARE_ROW_EXCLUSIVE)
    .locks(&relation.referenced_table, SHARE_ROW_EXCLUSIVE);
    let validate = step(
        StepKind::ValidateKey,
        Way::Transaction,
        vec![format!("ALTER TABLE {} VALIDATE CONSTRAINT {name}", situation.quoted())],
        "a key that holds for all rows",
    )
    .locks(&relation.table, SHARE_UPDATE_EXCLUSIVE)
    .locks(&relation.referenced_table, ROW_SHARE)
    .scans(&relation.table);
    vec![
        (add, live.is_some()),
        (validate, live.is_some_and(|key| !key.not_validated)),
    ]
}

/// A check first: proved without keeping anybody out, it spares SET NOT NULL its scan.
fn require_steps(situation: &Situation) -> Vec<Standing> {
    let table = &situation.key.relation.table;
    let alter = |what: &str| vec![format!("ALTER TABLE {} {what}", situation.quoted())];
    let check = identifier(Postgres, &situation.object_name("required"));
    let is_required = situation.requires_values();
    let columns = nullable_columns(situation);
    let conditions: Vec<_> = columns.iter().map(|name| format!("{name} IS NOT NULL")).collect();
    let required: Vec<_> = columns
        .iter()
        .map(|name| format!("ALTER COLUMN {name} SET NOT NULL"))
        .collect();
    let live = situation.check();
    let add = step(
        StepKind::AddCheck,
        Way::Transaction,
        alter(&format!(
            "ADD CONSTRAINT {check} CHECK ({}) NOT VALID",
            conditions.join(" AND ")
        )),
        "rows without a value are refused from now on",
    );
    let validate = step(
        StepKind::ValidateCheck,
        Way::Transaction,
        alter(&format!("VALIDATE CONSTRAINT {check}")),
        "it is proved that every row has a value",
    );
    let require = step(
        StepKind::Require,
        Way::Transaction,
        alter(&required.join(", ")),
        "columns that must have a value",
    );
    let drop = step(
        StepKind::DropCheck,
        Way::Transaction,
        alter(&format!("DROP CONSTRAINT {check}")),
        "the columns alone say that they must have a value",
    );
    vec![
        (add.locks(table, EXCLUSIVE), is_required || live.is_some()),
        (
            validate.locks(table, SHARE_UPDATE_EXCLUSIVE).scans(table),
            is_required || live.is_some_and(|check| !check.not_validated),
        ),
        (require.locks(table, EXCLUSIVE), is_required),
        (drop.locks(table, EXCLUSIVE), is_required && live.is_none()),
    ]
}

/// Takes off what gives new rows a value: what is there or, in a plan made before it is, what will be.
fn close(situation: &Situation) -> Vec<String> {
    if closes_trigger(situation) {
        return drop_trigger(situation);
    }
    let columns = situation.filled_columns();
    let each: Vec<_> = columns
        .map(|(_, name)| format!("ALTER COLUMN {} DROP DEFAULT", identifier(Postgres, name.as_str())))
        .collect();
    vec![format!("ALTER TABLE {} {}", situation.quoted(), each.join(", "))]
}

fn open(situation: &Situation, request: &RequiredForeignKey) -> Result<Option<Step>> {
    let table = &situation.key.relation.table;
    let leaves = "rows that are written get a value, if they come without one";
    match situation.write_path {
        WritePath::Application => Ok(None),
        WritePath::Default => {
            let values = default_values(situation, request)?;
            let each: Vec<_> = values
                .iter()
                .map(|(name, value)| {
                    format!(
                        "ALTER COLUMN {} SET DEFAULT {value}",
                        identifier(Postgres, name.as_str())
                    )
                })
                .collect();
            let sql = format!("ALTER TABLE {} {}", situation.quoted(), each.join(", "));
            let step = step(StepKind::OpenWritePath, Way::Transaction, vec![sql], leaves);
            Ok(Some(step.locks(table, EXCLUSIVE)))
        }
        WritePath::Trigger => {
            let sql = create_trigger(situation, request)?;
            let step = step(StepKind::OpenWritePath, Way::Transaction, sql, leaves);
            Ok(Some(step.locks(table, SHARE_ROW_EXCLUSIVE)))
        }
    }
}

/// The function is in the schema of its table.
fn function(situation: &Situation) -> String {
    let name = situation.object_name("fill");
    let name = match situation.key.relation.table.schema() {
        Some(schema) => TableName::in_schema(schema, name),
        None => TableName::new(name),
    };
    table_name(Postgres, &name)
}

fn create_trigger(situation: &Situation, request: &RequiredForeignKey) -> Result<Vec<String>> {
    let expressions = match &request.backfill {
        Some(Backfill::Sql(expressions)) => expressions.clone(),
        _ => literals(situation, request)?,
    };
    let columns: Vec<_> = situation
        .key
        .relation
        .columns
        .iter()
        .map(|name| identifier(Postgres, name.as_str()))
        .collect();
    let values: Vec<_> = columns
        .iter()
        .zip(&expressions)
        .map(|(name, expression)| format!("COALESCE(NEW.{name}, ({expression}\n))"))
        .collect();
    let targets: Vec<_> = columns.iter().map(|name| format!("NEW.{name}")).collect();
    let missing: Vec<_> = columns.iter().map(|name| format!("NEW.{name} IS NULL")).collect();
    // The row stands where the table stands in the backfill, so that an expression may name either.
    let body = format!(
        "BEGIN SELECT {} INTO {} FROM (SELECT NEW.*) AS {}; RETURN NEW; END",
        values.join(", "),
        targets.join(", "),
        identifier(Postgres, situation.key.relation.table.name())
    );
    let (function, trigger) = (
        function(situation),
        identifier(Postgres, &situation.object_name("fill")),
    );
    Ok(vec![
        format!(
            "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS {}",
            literal_of_body(&body)
        ),
        format!(
            "CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW WHEN ({}) EXECUTE FUNCTION {function}()",
            situation.quoted(),
            missing.join(" OR ")
        ),
    ])
}

/// A string whose backslashes are characters like any other.
fn literal_of_body(body: &str) -> String {
    match body.contains('\\') {
        true => format!("E{}", literal(&body.replace('\\', "\\\\"))),
        false => literal(body),
    }
}

fn drop_trigger(situation: &Situation) -> Vec<String> {
    let trigger = identifier(Postgres, &situation.object_name("fill"));
    vec![
        format!("DROP TRIGGER IF EXISTS {trigger} ON {}", situation.quoted()),
        format!("DROP FUNCTION IF EXISTS {}()", function(situation)),
    ]
}

fn index_name(table: &TableName, name: &str) -> String {
    let name = match table.schema() {
        Some(schema) => TableName::in_schema(schema, name),
        None => TableName::new(name),
    };
    table_name(Postgres, &name)
}

pub(super) fn backward(situation: &Situation, how: Revert) -> Vec<Standing> {
    let relation = &situation.key.relation;
    let table = &relation.table;
    let entry = situation.before();
    let alter = |what: &str| vec![format!("ALTER TABLE {} {what}", situation.quoted())];
    let transaction =
        |kind, sql: Vec<String>, leaves| step(kind, Way::Transaction, sql, leaves).locks(table, EXCLUSIVE);
    let mut steps: Vec<Standing> = Vec::new();
    if situation.is_open() {
        steps.push((
            transaction(StepKind::CloseWritePath, close(situation), "new rows get no value"),
            false,
        ));
    }
    if let Some(check) = situation.check().and_then(|check| check.name.as_ref()) {
        let sql = alter(&format!("DROP CONSTRAINT {}", identifier(Postgres, check.as_str())));
        steps.push((transaction(StepKind::DropCheck, sql, "no check"), false));
    }
    let removes = matches!(how, Revert::Full | Revert::KeepData);
    if removes && !entry.had_key {
        let name = situation.live_key().and_then(|key| key.relation.constraint.as_ref());
        let sql = alter(&format!(
            "DROP CONSTRAINT {}",
            identifier(Postgres, name.map_or("", |name| name.as_str()))
        ));
        let drop = transaction(StepKind::DropKey, sql, "rows that reference what they like");
        steps.push((
            drop.locks(&relation.referenced_table, EXCLUSIVE),
            situation.live_key().is_none(),
        ));
    }
    let own_index = situation.table().and_then(|table| {
        let named = situation.index_name();
        table.indexes.iter().find(|index| index.name == named)
    });
    if how == Revert::Full && !entry.had_index {
        let sql = format!("DROP INDEX CONCURRENTLY {}", index_name(table, &situation.index_name()));
        let drop = step(StepKind::DropIndex, Way::Alone, vec![sql], "no index").locks(table, SHARE_UPDATE_EXCLUSIVE);
        steps.push((drop, own_index.is_none()));
    }
    let added = situation.added_columns();
    if how == Revert::Full && !added.is_empty() {
        let drops: Vec<_> = added
            .iter()
            .map(|name| format!("DROP COLUMN {}", identifier(Postgres, name)))
            .collect();
        let drop = transaction(StepKind::DropColumns, alter(&drops.join(", ")), "what was there before");
        steps.push((drop, false));
    } else {
        let columns = situation.releasable(how);
        let releases: Vec<_> = columns
            .iter()
            .map(|name| format!("ALTER COLUMN {} DROP NOT NULL", identifier(Postgres, name)))
            .collect();
        let release = transaction(
            StepKind::Release,
            alter(&releases.join(", ")),
            "columns that may be empty",
        );
        steps.push((release, columns.is_empty()));
    }
    steps
}
