//! Repairing orphans.

use std::fmt;

use sea_orm::{ConnectionTrait, Value};

use super::find::number;
use super::reason::{self, Reason};
use super::report::RepairReport;
use super::sql::{Dangling, Lock};
use super::{further, owner};
use crate::connection::{Connection, TransactionOptions};
use crate::error::{Error, ErrorKind, Result};
use crate::introspect;
use crate::name::ColumnName;
use crate::observe::Operation;
use crate::schema::{Action, ForeignKey, Match, Schema};

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
        Repair::Reown(values) => owner::typed(dangling, values)?,
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
    values: &[crate::sql::Typed],
    mode: Mode,
) -> Result<RepairReport> {
    let lock = match mode {
        Mode::DryRun => Lock::No,
        Mode::Apply => Lock::Rows,
    };
    if matches!(repair, Repair::Reown(_)) {
        owner::refuse_missing(connection, dangling, values, lock).await?;
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
        report.further = further::further(connection, dangling, &live).await?;
    }
    if mode == Mode::DryRun {
        return Ok(report);
    }
    // What a constraint forbids is the database's to say: it also knows what goes for another reason.
    if let Some(blocker) = report.blockers().find(|further| !further.by_database) {
        return Err(Error::new(further::still_referenced(blocker.relation.clone())));
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
        .map_err(|error| match repair {
            Repair::Delete => further::explain(error.into(), &live, &report.further),
            Repair::SetNull | Repair::Reown(_) => error.into(),
        })?;
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
