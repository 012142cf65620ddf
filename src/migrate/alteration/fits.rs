//! Values that a column's new type does not take, or takes for others.

use sea_orm::{ConnectionTrait, Statement};

use super::in_the_way::Rows;
use crate::backend::Backend;
use crate::connection::TransactionOptions;
use crate::ddl::literal;
use crate::error::{Error, Result};
use crate::name::TableName;
use crate::observe::Operation;
use crate::schema::{Column, Schema, TypeKind};
use crate::sql::from_table;

pub(super) async fn look(rows: &Rows<'_>, goal: &Schema, known: &Column, wanted: &Column) -> Result<()> {
    let is_computed = known.generated.is_some() || wanted.generated.is_some();
    if known.data_type == wanted.data_type || is_computed {
        return Ok(());
    }
    let condition = match rows.connection.backend() {
        Backend::Postgres => return on_postgres(rows, goal, known, wanted).await,
        Backend::MySql => mysql(&rows.column(&known.name), known, wanted),
        Backend::Sqlite => sqlite(&rows.column(&known.name), wanted),
    };
    match condition {
        Some(condition) => refuse(rows, known, wanted, &condition).await,
        None => Ok(()),
    }
}

async fn refuse(rows: &Rows<'_>, known: &Column, wanted: &Column, condition: &str) -> Result<()> {
    let name = format!("{}.{}", rows.table.name, known.name);
    let data_type = &wanted.data_type;
    rows.refuse(condition, |found| {
        format!(
            "{name} is to be {data_type}, and {found} whose value is none, or would be another: change them before this"
        )
    })
    .await
}

/// SQLite takes any value, but reading it as the type would fail.
fn sqlite(column: &str, wanted: &Column) -> Option<String> {
    let text = wanted.data_type.to_ascii_lowercase();
    let is = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match TypeKind::of(Backend::Sqlite, &text) {
        TypeKind::Integer { .. } => Some(format!("CAST({column} AS INTEGER) <> {column}")),
        _ if is(&["bool"]) => Some(format!("{column} NOT IN (0, 1)")),
        _ if is(&["real", "floa", "doub", "decimal", "numeric"]) => {
            Some(format!("CAST({column} AS NUMERIC) <> {column}"))
        }
        _ => None,
    }
}

fn mysql(column: &str, known: &Column, wanted: &Column) -> Option<String> {
    let text = wanted.data_type.to_ascii_lowercase();
    let is_text = TypeKind::of(Backend::MySql, &known.data_type) == TypeKind::Text;
    // Text that is a number is one, also with spaces around it.
    let number = match is_text {
        true => format!("{column} NOT REGEXP '^ *[-+]?([0-9]+([.][0-9]*)?|[.][0-9]+)(e[-+]?[0-9]+)? *$' OR "),
        false => String::new(),
    };
    if let TypeKind::Integer { bytes, unsigned } = TypeKind::of(Backend::MySql, &text) {
        let all = 2_i128.pow(u32::from(bytes) * 8);
        let (least, most) = match unsigned {
            true => (0, all - 1),
            false => (-all / 2, all / 2 - 1),
        };
        let value = exact(column, is_text);
        return Some(format!(
            "{number}{value} NOT BETWEEN {least} AND {most} OR {value} <> ROUND({value})"
        ));
    }
    if let Some(inner) = text.strip_prefix("decimal(").or_else(|| text.strip_prefix("numeric(")) {
        let mut sizes = inner.trim_end_matches(" unsigned").trim_end_matches(')').split(',');
        let mut size = || sizes.next().and_then(|size| size.trim().parse::<u32>().ok());
        let (precision, scale) = (size()?, size().unwrap_or(0));
        let value = exact(column, is_text);
        let limit = format!(
            "1{}",
            "0".repeat(usize::try_from(precision.saturating_sub(scale)).unwrap_or(0))
        );
        return Some(format!(
            "{number}ABS({value}) >= {limit} OR {value} <> ROUND({value}, {scale})"
        ));
    }
    match text.split('(').next() {
        // As the type is written, so is a list of its labels.
        Some("enum") => {
            let labels = wanted.data_type.get("enum(".len()..)?.strip_suffix(')')?;
            Some(format!("{column} NOT IN ({labels})"))
        }
        Some("date" | "datetime" | "timestamp") if is_text => {
            Some(format!("{column} IS NOT NULL AND CAST({column} AS DATETIME) IS NULL"))
        }
        _ => None,
    }
}

/// Text as a number that nothing is lost of; MySQL would compare it as a floating one.
fn exact(column: &str, is_text: bool) -> String {
    match is_text {
        true => format!("CAST({column} AS DECIMAL(65, 30))"),
        false => column.to_owned(),
    }
}

/// PostgreSQL is asked to make one into the other.
async fn on_postgres(rows: &Rows<'_>, goal: &Schema, known: &Column, wanted: &Column) -> Result<()> {
    let is_named = |column: &Column, schema: &Schema| {
        let name = TableName::read(&column.data_type);
        schema.types.iter().any(|named| Some(&named.name) == name.as_ref())
    };
    // One enum becomes another by way of its labels.
    let by = match is_named(known, rows.live) && is_named(wanted, goal) {
        true => "::text",
        false => "",
    };
    // Its length is looked at already.
    let is_text = |data_type: &str| TypeKind::of(Backend::Postgres, data_type) == TypeKind::Text;
    if is_text(&known.data_type) && is_text(&wanted.data_type) {
        return Ok(());
    }
    let (column, from, to) = (rows.column(&known.name), &known.data_type, &wanted.data_type);
    let table = from_table(rows.live, &rows.table.name);
    let ask = format!("SELECT COUNT({column}{by}::{to}) FROM {table} AS r");
    let asked = Statement::from_string(rows.connection.get_database_backend(), ask);
    if let Err(error) = rows.connection.query_one_raw(asked).await {
        let error = Error::from(error);
        // Class 22: it is a value that does not fit, and not the type.
        if error.driver_code().is_some_and(|code| code.starts_with("22")) {
            find(rows, known, wanted, by).await?;
        }
        let name = format!("{}.{}", rows.table.name, known.name);
        return Err(error.with_hint(format!(
            "nothing was changed: {name} is {from}, and its values cannot be made {to}"
        )));
    }
    match comparable(from) && comparable(to) {
        true => {
            refuse(
                rows,
                known,
                wanted,
                &format!("{column}::{to}::{from} IS DISTINCT FROM {column}"),
            )
            .await
        }
        false => Ok(()),
    }
}

/// Types among which a value may become another without a word: a number is rounded, a moment loses its time.
fn comparable(data_type: &str) -> bool {
    let name = data_type.split('(').next().unwrap_or_default().trim();
    let numbers = ["smallint", "integer", "bigint", "numeric", "real", "double precision"];
    numbers.contains(&name) || (name.starts_with("timestamp") || name == "date")
}

/// Names the rows. A function that is gone with its transaction tries each.
async fn find(rows: &Rows<'_>, known: &Column, wanted: &Column, by: &str) -> Result<()> {
    let body = format!(
        "BEGIN PERFORM value{by}::{}; RETURN false; EXCEPTION WHEN data_exception THEN RETURN true; END",
        wanted.data_type
    );
    let create = &format!(
        "CREATE FUNCTION pg_temp.cascade_does_not_fit(value {}) RETURNS boolean LANGUAGE plpgsql AS {}",
        known.data_type,
        literal(&body)
    );
    let condition = &format!("pg_temp.cascade_does_not_fit({})", rows.column(&known.name));
    let operation = Operation::new("alter", Backend::Postgres, "");
    let once = rows.connection.once();
    let work = once.transaction(TransactionOptions::new(), &operation, |tx| async move {
        // Not everybody may make one; then the first value that does not fit is named by the database.
        if tx.execute_unprepared(create).await.is_err() {
            return Ok(());
        }
        let rows = Rows {
            connection: &tx,
            ..*rows
        };
        refuse(&rows, known, wanted, condition).await
    });
    match operation.run(work, |()| 0).await {
        // Nobody was allowed to look.
        Err(error) if !error.is_invalid_input() => Ok(()),
        outcome => outcome,
    }
}
