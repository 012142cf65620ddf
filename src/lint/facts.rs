//! [`facts`]: what only the data and the session tell. The linter's one module that touches a database.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, QueryResult, Statement};

use super::types;
use crate::backend::Backend;
use crate::connection::{Connection, TransactionOptions};
use crate::ddl::{identifier, table_name};
use crate::error::{ErrorKind, Result};
use crate::name::{ColumnName, Relation, TableName};
use crate::observe::Operation;
use crate::schema::{Enforcement, ForeignKey, Schema};

/// Orphans are counted up to so many for each key.
pub(super) const COUNTED: u64 = 1_000;

/// Questions one statement asks.
const QUESTIONS: usize = 50;

/// What only the data and the session tell. What is not known is left out, and the rules that need it stay silent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// How many rows reference what is not there, for each key that was looked at.
    pub orphans: Vec<Orphans>,
    /// Whether the session enforces foreign keys.
    pub foreign_keys_enforced: Option<bool>,
    /// How far primary keys of one column of at most 4 bytes have come.
    pub key_use: Vec<KeyUse>,
    /// Tables that the role may not read: what only their rows tell is not known.
    pub unread: BTreeSet<TableName>,
}

/// Rows that reference what is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphans {
    /// Through which key.
    pub relation: Relation,
    /// How many; 1,000 means that many or more.
    pub rows: u64,
}

/// How far a key has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The table.
    pub table: TableName,
    /// Its primary key.
    pub column: ColumnName,
    /// The highest value a row has or the database has given out.
    pub highest: i128,
    /// The highest its type holds.
    pub capacity: i128,
}

/// Asks the database for the facts about this schema, in a few statements.
///
/// Orphans are looked for along every foreign key whose tables the schema has, by existence, and counted up to 1,000. Where there are
/// none that reads each referencing table once: on large tables this is the linter's only long part. Rows that MATCH FULL forbids
/// are not among them. A key that the database does not have is looked along too if the schema has it: from an overlay file, or from
/// entities by [`Declared::completing`](super::Declared::completing).
///
/// A table that the role may not read is left out and named in [`Facts::unread`]. In a transaction that does not doom it.
///
/// # Errors
///
/// What else the database reports.
pub async fn facts(connection: &Connection, schema: &Schema) -> Result<Facts> {
    let mut unread = BTreeSet::new();
    Ok(Facts {
        orphans: orphans(connection, schema, &mut unread).await?,
        foreign_keys_enforced: enforced(connection).await?,
        key_use: key_use(connection, schema, &mut unread).await?,
        unread,
    })
}

async fn enforced(connection: &Connection) -> Result<Option<bool>> {
    let question = match connection.backend() {
        Backend::Postgres => {
            "CASE current_setting('session_replication_role') WHEN 'replica' THEN 0::bigint ELSE 1 END"
        }
        Backend::MySql => "CAST(@@SESSION.foreign_key_checks AS SIGNED)",
        Backend::Sqlite => "(SELECT foreign_keys FROM pragma_foreign_keys)",
    };
    let answers = ask(connection, &[question.to_owned()]).await?;
    Ok(answers.first().copied().flatten().map(|answer| answer != 0))
}

async fn orphans(connection: &Connection, schema: &Schema, unread: &mut BTreeSet<TableName>) -> Result<Vec<Orphans>> {
    let (constraints, others): (Vec<_>, Vec<_>) = schema
        .foreign_keys()
        .filter(|key| can_be_compared(schema, key))
        .partition(|key| key.enforced_by == Enforcement::Database);
    let questions: Vec<_> = constraints
        .iter()
        .map(|key| count_of_orphans(schema, &key.relation))
        .collect();
    let answers = ask_about(connection, &questions, unread).await?;
    let mut found: Vec<_> = constraints
        .into_iter()
        .zip(answers)
        .filter_map(|(key, rows)| Some(counted(key, rows?)))
        .collect();
    for key in others {
        match ask_about(connection, &[count_of_orphans(schema, &key.relation)], unread).await {
            Ok(rows) => found.extend(rows.into_iter().flatten().map(|rows| counted(key, rows))),
            // Two texts whose collations MySQL will not mix: that there are orphans is not known.
            Err(error) if is_mix_of_collations(error.kind()) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn is_mix_of_collations(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::Database { code: Some(code) } if code == "1267")
}

fn counted(key: &ForeignKey, rows: i64) -> Orphans {
    Orphans {
        relation: key.relation.clone(),
        rows: u64::try_from(rows).unwrap_or(0),
    }
}

/// Whether the engine can compare both sides. It can where it has made a constraint of them; otherwise PostgreSQL refuses differing types.
fn can_be_compared(schema: &Schema, key: &ForeignKey) -> bool {
    let relation = &key.relation;
    let (Some(table), Some(referenced)) = (schema.table(&relation.table), schema.table(&relation.referenced_table))
    else {
        return false;
    };
    let mut pairs = relation.columns.iter().zip(&relation.referenced_columns);
    pairs.all(|(from, to)| match (table.column(from), referenced.column(to)) {
        (Some(from), Some(to)) => key.enforced_by == Enforcement::Database || types::are_comparable(schema, from, to),
        _ => false,
    })
}

fn count_of_orphans<'a>(schema: &Schema, relation: &'a Relation) -> Question<'a> {
    let backend = schema.backend;
    let column = |alias: &str, column: &ColumnName| format!("{alias}.{}", identifier(backend, column.as_str()));
    let pairs = relation.columns.iter().zip(&relation.referenced_columns);
    // The referenced column comes first, since SQLite compares by the first one's affinity and collation, as the key does.
    let equal: Vec<_> = pairs
        .map(|(from, to)| {
            let collation = as_referenced(schema, relation, from, to).unwrap_or_default();
            format!("{} = {}{collation}", column("p", to), column("c", from))
        })
        .collect();
    let references: Vec<_> = relation
        .columns
        .iter()
        .map(|from| format!("{} IS NOT NULL", column("c", from)))
        .collect();
    let sql = format!(
        "(SELECT COUNT(*) FROM (SELECT 1 AS one FROM {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {}) LIMIT {COUNTED}) o)",
        table_name(backend, &relation.table),
        references.join(" AND "),
        table_name(backend, &relation.referenced_table),
        equal.join(" AND ")
    );
    Question {
        sql,
        of: vec![&relation.table, &relation.referenced_table],
    }
}

/// PostgreSQL's keys compare by the referenced column's collation; in a query it wants to be told which of two.
fn as_referenced(schema: &Schema, relation: &Relation, from: &ColumnName, to: &ColumnName) -> Option<String> {
    let from = schema.table(&relation.table)?.column(from)?;
    let to = schema.table(&relation.referenced_table)?.column(to)?;
    let differs = schema.backend == Backend::Postgres && from.collation != to.collation;
    differs.then(|| format!(" COLLATE {}", to.collation.as_deref().unwrap_or("\"default\"")))
}

async fn key_use(connection: &Connection, schema: &Schema, unread: &mut BTreeSet<TableName>) -> Result<Vec<KeyUse>> {
    let backend = connection.backend();
    let asked: Vec<_> = schema
        .tables
        .iter()
        .filter_map(|table| {
            let [name] = table.primary_key.as_ref()?.columns.as_slice() else {
                return None;
            };
            Some(KeyUse {
                table: table.name.clone(),
                column: name.clone(),
                highest: 0,
                capacity: small_capacity(schema, table.column(name)?)?,
            })
        })
        .collect();
    let questions: Vec<_> = asked.iter().map(|used| highest(backend, used)).collect();
    let answers = ask_about(connection, &questions, unread).await?;
    let mut uses: Vec<_> = asked
        .iter()
        .zip(answers)
        .filter_map(|(used, answer)| {
            Some(KeyUse {
                highest: i128::from(answer?),
                ..used.clone()
            })
        })
        .collect();
    if !uses.is_empty() {
        for (table, column, given) in given_out(connection).await? {
            let known = uses
                .iter_mut()
                .find(|used| used.table == table && column.as_ref().is_none_or(|column| used.column == *column));
            if let Some(known) = known {
                known.highest = Ord::max(known.highest, i128::from(given));
            }
        }
    }
    Ok(uses)
}

/// What a whole number of at most 4 bytes holds. SQLite's all have 8.
fn small_capacity(schema: &Schema, column: &crate::schema::Column) -> Option<i128> {
    if schema.backend == Backend::Sqlite {
        return None;
    }
    let (bytes, unsigned) = types::integer(schema, column)?;
    let bits = u32::from(bytes).checked_mul(8)?.checked_sub(u32::from(!unsigned))?;
    (bytes <= 4)
        .then(|| 1i128.checked_shl(bits).map(|power| power - 1))
        .flatten()
}

fn highest(backend: Backend, used: &KeyUse) -> Question<'_> {
    let kind = match backend {
        Backend::Postgres | Backend::Sqlite => "bigint",
        Backend::MySql => "SIGNED",
    };
    Question {
        sql: format!(
            "(SELECT CAST(MAX({}) AS {kind}) FROM {})",
            identifier(backend, used.column.as_str()),
            table_name(backend, &used.table)
        ),
        of: vec![&used.table],
    }
}

/// The last number that was given out for a column, which may be of a row that has gone. MySQL has one counted column a table, and does
/// not say which.
async fn given_out(connection: &Connection) -> Result<Vec<(TableName, Option<ColumnName>, i64)>> {
    let sql = match connection.backend() {
        // A sequence belongs to its column by an automatic (serial) or internal (identity) dependency.
        Backend::Postgres => {
            "SELECT CASE WHEN n.nspname <> current_schema() THEN n.nspname::text END, t.relname::text, a.attname::text, \
                    CASE WHEN pg_catalog.has_sequence_privilege(s.oid, 'SELECT, USAGE') THEN pg_catalog.pg_sequence_last_value(s.oid) END \
             FROM pg_catalog.pg_depend d \
             JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S' \
             JOIN pg_catalog.pg_class t ON t.oid = d.refobjid \
             JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid \
             WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass \
               AND d.deptype IN ('a', 'i')"
        }
        Backend::MySql => {
            "SELECT NULL, table_name, NULL, CAST(auto_increment - 1 AS SIGNED) FROM information_schema.tables \
             WHERE table_schema = database() AND auto_increment IS NOT NULL AND auto_increment < 9223372036854775807"
        }
        Backend::Sqlite => return Ok(Vec::new()),
    };
    let rows = query(connection, sql).await?;
    let mut given = Vec::new();
    for row in rows {
        let (schema, table): (Option<String>, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let (column, last): (Option<String>, Option<i64>) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        let table = match schema {
            Some(schema) => TableName::in_schema(schema, table),
            None => TableName::new(table),
        };
        // Nothing, if it was never used.
        given.extend(last.map(|last| (table, column.map(ColumnName::new), last)));
    }
    Ok(given)
}

/// A number to ask of the rows of tables.
struct Question<'a> {
    sql: String,
    of: Vec<&'a TableName>,
}

/// One number for each question, in their order; 0 for NULL, and nothing where the role may not read the tables.
async fn ask_about(
    connection: &Connection,
    questions: &[Question<'_>],
    unread: &mut BTreeSet<TableName>,
) -> Result<Vec<Option<i64>>> {
    let mut answers = Vec::new();
    for some in questions.chunks(QUESTIONS) {
        let sql: Vec<_> = some.iter().map(|question| question.sql.clone()).collect();
        match ask_safely(connection, &sql).await {
            Ok(numbers) => answers.extend(numbers.into_iter().map(|number| Some(number.unwrap_or(0)))),
            Err(error) if error.is_refused() => {
                for question in some {
                    answers.push(ask_alone(connection, question, unread).await?);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(answers)
}

async fn ask_alone(
    connection: &Connection,
    question: &Question<'_>,
    unread: &mut BTreeSet<TableName>,
) -> Result<Option<i64>> {
    if question.of.iter().any(|table| unread.contains(table)) {
        return Ok(None);
    }
    match ask_safely(connection, std::slice::from_ref(&question.sql)).await {
        Ok(numbers) => Ok(Some(numbers.first().copied().flatten().unwrap_or(0))),
        Err(error) if error.is_refused() => {
            let mut refused = Vec::new();
            for table in &question.of {
                let table_sql = table_name(connection.backend(), table);
                let probe = format!("(SELECT COUNT(*) FROM (SELECT 1 AS one FROM {table_sql} LIMIT 1) o)");
                if ask_safely(connection, &[probe])
                    .await
                    .is_err_and(|error| error.is_refused())
                {
                    refused.push((*table).clone());
                }
            }
            // Neither, if it is columns that it may not read.
            if refused.is_empty() {
                refused.extend(question.of.first().map(|table| (*table).clone()));
            }
            unread.extend(refused);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// [`ask`], without dooming a transaction around it.
async fn ask_safely(connection: &Connection, questions: &[String]) -> Result<Vec<Option<i64>>> {
    if !connection.is_transaction() {
        return ask(connection, questions).await;
    }
    let operation = Operation::new("lint_facts", connection.backend(), "");
    let options = TransactionOptions::new().read_only();
    connection
        .transaction(
            options,
            &operation,
            |nested| async move { ask(&nested, questions).await },
        )
        .await
}

/// One number for each question, in their order.
async fn ask(connection: &Connection, questions: &[String]) -> Result<Vec<Option<i64>>> {
    let mut answers = Vec::new();
    for some in questions.chunks(QUESTIONS) {
        let rows = query(connection, &format!("SELECT {}", some.join(", "))).await?;
        if let Some(row) = rows.first() {
            for position in 0..some.len() {
                answers.push(row.try_get_by_index(position)?);
            }
        }
    }
    Ok(answers)
}

async fn query(connection: &Connection, sql: &str) -> Result<Vec<QueryResult>> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    Ok(connection.query_all_raw(statement).await?)
}
