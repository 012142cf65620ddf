//! Repairing orphans.

use std::fmt;

use sea_orm::{ConnectionTrait, Value};

use super::find::number;
use super::reason::{self, Reason};
use super::report::{Effect, Further, RepairReport};
use super::sql::{Dangling, Lock, Sql, column};
use crate::backend::Backend;
use crate::connection::{Connection, TransactionOptions};
use crate::error::{Direction, Error, ErrorKind, Result};
use crate::introspect;
use crate::name::{ColumnList, ColumnName, Relation};
use crate::observe::Operation;
use crate::schema::{Action, ForeignKey, Match, Schema, Table, TypeKind};

/// What to do with rows whose reference dangles.
#[derive(Clone, PartialEq)]
pub enum Repair {
    /// Delete them. Where a constraint references them, the database does what the constraint says. If the key references its own
    /// table and cascades, the rows below them go too, whoever enforces the key.
    Delete,
    /// Set the reference to NULL: all columns of the key, or those its *on delete set null* names.
    SetNull,
    /// Let them reference this row: the values of the referenced columns, in the key's order. Text stands for a value of any type.
    Reown(Vec<Value>),
}

/// Whether a repair is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Count what it would do, and write nothing.
    #[default]
    DryRun,
    /// Do it.
    Apply,
}

/// The values are not shown.
impl fmt::Debug for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delete => f.write_str("Delete"),
            Self::SetNull => f.write_str("SetNull"),
            Self::Reown(values) => write!(f, "Reown(<{} values hidden>)", values.len()),
        }
    }
}

/// Repairs the rows whose reference through this key dangles.
///
/// In one transaction, all or nothing. The rows are locked before they are counted, where the engine has row locks, and so is the row
/// that orphans are re-owned to. No row is fetched: it takes one statement to repair, one for each key that references the table, and a
/// few to count.
///
/// # Errors
///
/// Invalid input if the key cannot be checked, if a column of *set null* cannot be NULL, or if there is no row to re-own to. Foreign key,
/// naming the relation, if rows to delete are referenced by rows that forbid it. Otherwise what the database refuses. In every case
/// nothing was changed.
pub async fn repair(
    connection: &Connection,
    schema: &Schema,
    key: &ForeignKey,
    repair: &Repair,
    mode: Mode,
) -> Result<RepairReport> {
    let backend = connection.backend();
    if let Some(reason) = reason::beforehand(backend, schema, key)? {
        return Err(Error::invalid_input(unchecked(key, &reason)));
    }
    let dangling = Dangling { backend, schema, key };
    let values = match repair {
        Repair::Delete => Vec::new(),
        Repair::SetNull => {
            refuse_required(dangling)?;
            Vec::new()
        }
        Repair::Reown(values) => typed(dangling, values)?,
    };
    let operation = Operation::new("repair_orphans", backend, key.relation.table.name());
    let options = match mode {
        Mode::DryRun => TransactionOptions::new().read_only(),
        Mode::Apply => TransactionOptions::new(),
    };
    let values = values.as_slice();
    let work = connection.transaction(options, &operation, |tx| async move {
        work(&tx, dangling, repair, values, mode).await
    });
    let error = match operation.run(work, |report| report.changed).await {
        Ok(report) => return Ok(report),
        Err(error) => error,
    };
    let problem = match reason::of_error(connection, key, &error).await? {
        Some(Reason::NotPermitted) => format!(
            "the role may not repair {}: grant it SELECT, UPDATE and DELETE on {}, and SELECT and UPDATE on {}",
            key.relation, key.relation.table, key.relation.referenced_table
        ),
        Some(reason) => unchecked(key, &reason),
        None => return Err(error),
    };
    Err(error.with_kind(ErrorKind::InvalidInput { problem }))
}

async fn work(
    connection: &Connection,
    dangling: Dangling<'_>,
    repair: &Repair,
    values: &[Typed],
    mode: Mode,
) -> Result<RepairReport> {
    let lock = match mode {
        Mode::DryRun => Lock::No,
        Mode::Apply => Lock::Rows,
    };
    if matches!(repair, Repair::Reown(_)) {
        refuse_missing_owner(connection, dangling, values, lock).await?;
    }
    let violating = dangling.count(&dangling.violates("c", lock), lock);
    let found = number(connection, violating).await?;
    let mut report = RepairReport {
        relation: dangling.key.relation.clone(),
        repair: repair.clone(),
        mode,
        found,
        below: 0,
        changed: 0,
        remaining: found,
        further: Vec::new(),
    };
    if found == 0 {
        return Ok(report);
    }
    let mut live = Vec::new();
    if *repair == Repair::Delete {
        if dangling.takes_rows_below() {
            let going = number(connection, dangling.count(&dangling.goes("c", lock), lock)).await?;
            report.below = going.saturating_sub(found);
        }
        live = introspect::foreign_keys_around(connection, dangling.key.relation.table.schema()).await?;
        report.further = further(connection, dangling, &live).await?;
    }
    if mode == Mode::DryRun {
        return Ok(report);
    }
    // What a constraint forbids is the database's to say: it also knows what goes for another reason.
    if let Some(blocker) = report.blockers().find(|further| !further.by_database) {
        return Err(Error::new(still_referenced(blocker.relation.clone())));
    }
    let statement = match repair {
        Repair::Delete => dangling.delete(),
        Repair::SetNull => dangling.update(columns_to_null(dangling.key), |sql, _| sql.push("NULL")),
        Repair::Reown(_) => dangling.update(&dangling.key.relation.columns, |sql, place| {
            if let Some(value) = values.get(place) {
                value.bind_to(sql);
            }
        }),
    };
    let done = connection
        .execute_raw(statement.statement())
        .await
        .map_err(|error| explain(error.into(), repair, &live, &report.further))?;
    // A cascade that comes back to the table may take a row before the statement reaches it, and the engine then does not count it.
    report.changed = match repair {
        Repair::Delete => Ord::max(done.rows_affected(), found.saturating_add(report.below)),
        Repair::SetNull | Repair::Reown(_) => done.rows_affected(),
    };
    let violating = dangling.count(&dangling.violates("c", lock), lock);
    report.remaining = number(connection, violating).await?;
    if report.remaining > 0 && *repair == Repair::Delete {
        // What is still there was not deleted.
        report.changed = done.rows_affected();
    }
    Ok(report)
}

fn unchecked(key: &ForeignKey, reason: &Reason) -> String {
    format!("{} cannot be checked, and so not be repaired: {reason}", key.relation)
}

fn columns_to_null(key: &ForeignKey) -> &[ColumnName] {
    // MATCH FULL forbids what MATCH SIMPLE is content with: a key that is partly NULL.
    match key.on_delete == Action::SetNull && !key.on_delete_columns.is_empty() && key.matching != Match::Full {
        true => &key.on_delete_columns,
        false => &key.relation.columns,
    }
}

fn refuse_required(dangling: Dangling<'_>) -> Result<()> {
    let table = &dangling.key.relation.table;
    let known = dangling.schema.table(table);
    let required = columns_to_null(dangling.key).iter().find(|name| {
        known
            .and_then(|table| table.column(name))
            .is_some_and(|column| !column.nullable)
    });
    match required {
        Some(column) => Err(Error::invalid_input(format!(
            "{table}.{column} cannot be NULL: delete or re-own the rows, or make the column nullable first"
        ))),
        None => Ok(()),
    }
}

/// A value in the type of its column.
struct Typed {
    value: Value,
    cast: Option<String>,
}

impl Typed {
    fn bind_to(&self, sql: &mut Sql) {
        sql.bind(self.value.clone(), self.cast.as_deref());
    }
}

/// The values to re-own to; text in the referenced columns' types.
fn typed(dangling: Dangling<'_>, values: &[Value]) -> Result<Vec<Typed>> {
    let relation = &dangling.key.relation;
    if values.len() != relation.referenced_columns.len() {
        return Err(Error::invalid_input(format!(
            "{} value(s) were given to re-own to: give one for each of {}.{}",
            values.len(),
            relation.referenced_table,
            ColumnList(&relation.referenced_columns)
        )));
    }
    let known = dangling.schema.table(&relation.referenced_table);
    relation
        .referenced_columns
        .iter()
        .zip(values)
        .map(|(name, value)| typed_value(dangling.backend, known, name, value))
        .collect()
}

fn typed_value(backend: Backend, table: Option<&Table>, name: &ColumnName, value: &Value) -> Result<Typed> {
    if *value == value.as_null() {
        return Err(Error::invalid_input(format!(
            "the value for {name} is NULL, which references nothing: use SetNull, or give a value"
        )));
    }
    let plain = || Typed {
        value: value.clone(),
        cast: None,
    };
    let (Some(column), Value::String(Some(text))) = (table.and_then(|table| table.column(name)), value) else {
        return Ok(plain());
    };
    match TypeKind::of(backend, &column.data_type) {
        TypeKind::Text => Ok(plain()),
        // Not left to the engine: MySQL takes '17b' for 17.
        TypeKind::Integer { .. } => match (text.trim().parse::<i64>(), text.trim().parse::<u64>()) {
            (Ok(number), _) => Ok(Typed {
                value: number.into(),
                cast: None,
            }),
            (Err(_), Ok(number)) if backend == Backend::MySql => Ok(Typed {
                value: number.into(),
                cast: None,
            }),
            _ => Err(Error::invalid_input(format!(
                "the value for {name} must be a whole number"
            ))),
        },
        TypeKind::Uuid | TypeKind::Other => Ok(Typed {
            value: value.clone(),
            cast: (backend == Backend::Postgres).then(|| column.data_type.clone()),
        }),
    }
}

/// Locks the row to re-own to, so that it does not go before the transaction ends.
async fn refuse_missing_owner(
    connection: &Connection,
    dangling: Dangling<'_>,
    values: &[Typed],
    lock: Lock,
) -> Result<()> {
    let relation = &dangling.key.relation;
    let backend = dangling.backend;
    let mut sql = Sql::new(
        backend,
        format!(
            "SELECT 1 FROM {} WHERE ",
            dangling.from(&relation.referenced_table, "p")
        ),
    );
    for (place, (name, value)) in relation.referenced_columns.iter().zip(values).enumerate() {
        if place > 0 {
            sql.push(" AND ");
        }
        sql.push(&format!("{} = ", column(backend, "p", name)));
        value.bind_to(&mut sql);
    }
    sql.push(" LIMIT 1");
    match (backend, lock) {
        (Backend::Postgres, Lock::Rows) => sql.push(" FOR KEY SHARE"),
        (Backend::MySql, Lock::Rows) => sql.push(" LOCK IN SHARE MODE"),
        (Backend::Sqlite, _) | (_, Lock::No) => {}
    }
    match connection.query_one_raw(sql.statement()).await? {
        Some(_) => Ok(()),
        None => Err(Error::invalid_input(format!(
            "{} has no row with the {} to re-own to: give the key of a row that is there",
            relation.referenced_table,
            ColumnList(&relation.referenced_columns)
        ))),
    }
}

/// The rows that reference rows that go, key by key: those the catalog has and those the schema adds.
async fn further(connection: &Connection, dangling: Dangling<'_>, live: &[ForeignKey]) -> Result<Vec<Further>> {
    let table = &dangling.key.relation.table;
    let enforcing = enforcing(connection).await?;
    let added = dangling
        .schema
        .foreign_keys()
        .filter(|key| !live.iter().any(|live| live.is_same_key(key)));
    let keys: Vec<_> = live
        .iter()
        .map(|key| (key, enforcing))
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
        (Action::DoNothing, _) | (Action::Cascade | Action::SetNull | Action::SetDefault, false) => Effect::Dangles,
    }
}

/// Whether this session's constraints do anything.
async fn enforcing(connection: &Connection) -> Result<bool> {
    let backend = connection.backend();
    let sql = match backend {
        Backend::Postgres => {
            "SELECT CAST(CASE current_setting('session_replication_role') WHEN 'replica' THEN 0 ELSE 1 END AS bigint)"
        }
        Backend::MySql => "SELECT CAST(@@SESSION.foreign_key_checks AS SIGNED)",
        Backend::Sqlite => "SELECT foreign_keys FROM pragma_foreign_keys",
    };
    Ok(number(connection, Sql::new(backend, sql)).await? != 0)
}

/// Names the key that forbids a delete, as far as the engine did not.
fn explain(error: Error, repair: &Repair, live: &[ForeignKey], further: &[Further]) -> Error {
    let ErrorKind::ForeignKey { relation, key, .. } = error.kind() else {
        return error;
    };
    if *repair != Repair::Delete {
        return error;
    }
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

const fn still_referenced(relation: Relation) -> ErrorKind {
    ErrorKind::ForeignKey {
        relation: Some(relation),
        key: None,
        direction: Some(Direction::StillReferenced),
    }
}
