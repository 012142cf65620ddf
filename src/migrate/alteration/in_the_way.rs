//! Rows that a change would fail at, or quietly change: they are named, and nothing is done.

use sea_orm::ConnectionTrait;

use super::edit::{is_plain, mentions};
use super::fits;
use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::name::{ColumnList, ColumnName, KeyValues, TableName};
use crate::schema::{Check, Column, ForeignKey, Schema, Table, TypeKind};
use crate::sql::{Sql, column, from_table};

/// Rows that an error names.
const SHOWN: usize = 5;

pub(super) async fn look(connection: &Connection, table: &TableName, live: &Schema, goal: &Schema) -> Result<()> {
    let (Some(from), Some(to)) = (live.table(table), goal.table(table)) else {
        return Ok(());
    };
    let rows = Rows {
        connection,
        live,
        table: from,
    };
    for wanted in &to.columns {
        match from.column(&wanted.name) {
            None => rows.refuse_added(wanted).await?,
            Some(known) => {
                rows.refuse_empty(known, wanted).await?;
                rows.refuse_longer(known, wanted).await?;
                fits::look(&rows, goal, known, wanted).await?;
            }
        }
    }
    let is_new = |check: &&Check| !from.checks.iter().any(|known| known.expression == check.expression);
    for check in to.checks.iter().filter(is_new) {
        rows.refuse_unchecked(to, check).await?;
    }
    for (columns, nulls_not_distinct) in made_unique(from, to) {
        rows.refuse_equal(to, &columns, nulls_not_distinct).await?;
    }
    for key in to.foreign_keys.iter().filter(|key| !key.not_validated) {
        let known = from.foreign_keys.iter().find(|known| known.is_same_key(key));
        if known.is_none_or(|known| known.not_validated) {
            rows.refuse_orphans(to, key).await?;
        }
    }
    Ok(())
}

/// What is to be unique and is not.
fn made_unique(from: &Table, to: &Table) -> Vec<(Vec<ColumnName>, bool)> {
    let keys = to
        .unique_keys
        .iter()
        .map(|key| (key.columns.clone(), key.nulls_not_distinct));
    let indexes = to.indexes.iter().filter(|index| index.unique && !index.invalid);
    let indexes = indexes.filter_map(|index| {
        let columns = index.columns()?;
        is_plain(index, &columns).then_some((columns, index.nulls_not_distinct))
    });
    let is_unique = |columns: &[ColumnName]| {
        let indexes = from
            .indexes
            .iter()
            .any(|index| index.unique && is_plain(index, columns));
        indexes || from.unique_keys.iter().any(|key| key.columns == columns)
    };
    keys.chain(indexes).filter(|(columns, _)| !is_unique(columns)).collect()
}

const fn has_value(column: &Column) -> bool {
    column.default.is_some() || column.generated.is_some() || column.identity.is_some()
}

/// How many characters a text may have, if that becomes fewer. PostgreSQL would cut it off.
fn shorter(backend: Backend, from: &Column, to: &Column) -> Option<u64> {
    let is_text = |column: &Column| TypeKind::of(backend, &column.data_type) == TypeKind::Text;
    let length = |column: &Column| {
        let (_, inner) = column.data_type.split_once('(')?;
        inner.split_once(')')?.0.trim().parse::<u64>().ok()
    };
    if !is_text(from) || !is_text(to) {
        return None;
    }
    let wanted = length(to)?;
    length(from).is_none_or(|known| known > wanted).then_some(wanted)
}

/// The table's rows as they are.
pub(super) struct Rows<'a> {
    pub(super) connection: &'a Connection,
    pub(super) live: &'a Schema,
    pub(super) table: &'a Table,
}

impl Rows<'_> {
    pub(super) fn column(&self, name: &ColumnName) -> String {
        column(self.connection.backend(), "r", name)
    }

    fn named(&self, columns: &[ColumnName]) -> String {
        format!("{}.{}", self.table.name, ColumnList(columns))
    }

    /// The engine would fail, or, MySQL, make up a value.
    async fn refuse_added(&self, wanted: &Column) -> Result<()> {
        if wanted.nullable || has_value(wanted) {
            return Ok(());
        }
        let name = self.named(std::slice::from_ref(&wanted.name));
        self.refuse("1 = 1", |found| {
            format!(
                "{name} is required and has no default, and {found}: give it a default, or add it nullable, fill it, and then require it"
            )
        })
        .await
    }

    async fn refuse_empty(&self, known: &Column, wanted: &Column) -> Result<()> {
        if !known.nullable || wanted.nullable {
            return Ok(());
        }
        let name = self.named(std::slice::from_ref(&known.name));
        self.refuse(&format!("{} IS NULL", self.column(&known.name)), |found| {
            format!("{name} is to be required and {found} without a value: give them one by an UPDATE before this")
        })
        .await
    }

    async fn refuse_longer(&self, known: &Column, wanted: &Column) -> Result<()> {
        let backend = self.connection.backend();
        let Some(length) = shorter(backend, known, wanted) else {
            return Ok(());
        };
        let function = match backend {
            Backend::Sqlite => "LENGTH",
            Backend::Postgres | Backend::MySql => "CHAR_LENGTH",
        };
        let name = self.named(std::slice::from_ref(&known.name));
        let longer = format!("{function}({}) > {length}", self.column(&known.name));
        self.refuse(&longer, |found| {
            format!("{name} is to hold {length} character(s), and {found} with more: shorten them before this")
        })
        .await
    }

    /// What a check says of columns that are not there yet, or are another type then, is the database's to find out.
    async fn refuse_unchecked(&self, to: &Table, check: &Check) -> Result<()> {
        let is_other = |wanted: &&Column| {
            let known = self.table.column(&wanted.name);
            known.is_none_or(|known| known.data_type != wanted.data_type)
        };
        let mut others = to.columns.iter().filter(is_other);
        if others.any(|column| mentions(&check.expression, &column.name)) {
            return Ok(());
        }
        let table = &self.table.name;
        self.refuse(&format!("NOT ({})", check.expression), |found| {
            format!(
                "{table} is to have the {check}, and {found} of which that is not true: change or delete them before this"
            )
        })
        .await
    }

    /// What the column has afterwards, as an expression over the row that is there; nothing if that differs from row to row.
    fn value(&self, to: &Table, name: &ColumnName) -> Option<String> {
        let wanted = to.column(name)?;
        if let Some(known) = self.table.column(name) {
            let is_cast = self.connection.backend() == Backend::Postgres && known.data_type != wanted.data_type;
            return Some(match is_cast {
                true => format!("{}::{}", self.column(name), wanted.data_type),
                false => self.column(name),
            });
        }
        if wanted.generated.is_some() || wanted.identity.is_some() {
            return None;
        }
        let Some(default) = &wanted.default else {
            return Some("NULL".to_owned());
        };
        let is_literal = default.starts_with(|first: char| first == '\'' || first == '-' || first.is_ascii_digit());
        is_literal.then(|| format!("({default})"))
    }

    async fn refuse_equal(&self, to: &Table, columns: &[ColumnName], nulls_not_distinct: bool) -> Result<()> {
        let values: Option<Vec<_>> = columns.iter().map(|name| self.value(to, name)).collect();
        let Some(values) = values else {
            return Ok(());
        };
        if !nulls_not_distinct && values.iter().any(|value| value == "NULL") {
            return Ok(());
        }
        let backend = self.connection.backend();
        // A value that all rows have tells none from another.
        let telling: Vec<_> = values.iter().filter(|value| value.starts_with("r.")).collect();
        let from = from_table(self.live, &self.table.name);
        let same = telling
            .iter()
            .map(|value| value.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        let condition = match (telling.len(), nulls_not_distinct) {
            (0, _) => format!("1 < (SELECT COUNT(*) FROM {from})"),
            // A NULL is in no list.
            (_, false) => {
                let inner = same.replace("r.", "s.");
                format!("({same}) IN (SELECT {inner} FROM {from} AS s GROUP BY {inner} HAVING COUNT(*) > 1)")
            }
            (_, true) => {
                let equal = match backend {
                    Backend::Postgres => "IS NOT DISTINCT FROM",
                    Backend::MySql => "<=>",
                    Backend::Sqlite => "IS",
                };
                let pairs = telling
                    .iter()
                    .map(|value| format!("{} {equal} {value}", value.replacen("r.", "s.", 1)));
                let pairs: Vec<_> = pairs.collect();
                format!("1 < (SELECT COUNT(*) FROM {from} AS s WHERE {})", pairs.join(" AND "))
            }
        };
        let name = self.named(columns);
        self.refuse(&condition, |found| {
            format!("{name} is to be unique, and {found} that agree with another: change or delete them before this")
        })
        .await
    }

    async fn refuse_orphans(&self, to: &Table, key: &ForeignKey) -> Result<()> {
        let backend = self.connection.backend();
        let relation = &key.relation;
        // SQLite may have the key before what it references.
        if backend == Backend::Sqlite && self.live.table(&relation.referenced_table).is_none() {
            return Ok(());
        }
        let values: Option<Vec<_>> = relation.columns.iter().map(|name| self.value(to, name)).collect();
        let Some(values) = values.filter(|values| values.iter().all(|value| value != "NULL")) else {
            return Ok(());
        };
        let has = values.iter().map(|value| format!("{value} IS NOT NULL"));
        let pairs = relation.referenced_columns.iter().zip(&values);
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{} = {value}", column(backend, "p", name)))
            .collect();
        let orphan = format!(
            "NOT EXISTS (SELECT 1 FROM {} AS p WHERE {})",
            from_table(self.live, &relation.referenced_table),
            pairs.join(" AND ")
        );
        let condition: Vec<_> = has.chain([orphan]).collect();
        let (name, referenced) = (self.named(&relation.columns), &relation.referenced_table);
        self.refuse(&condition.join(" AND "), |found| {
            format!(
                "{name} is to reference {referenced}, and {found} that reference no row of it: give them another value, or delete them, \
                 before this"
            )
        })
        .await
    }

    /// Fails if there are rows of which the condition is true; what it says is told how many, and which.
    pub(super) async fn refuse(&self, condition: &str, problem: impl FnOnce(&str) -> String) -> Result<()> {
        let backend = self.connection.backend();
        let from = format!(
            "FROM {} AS r WHERE {condition}",
            from_table(self.live, &self.table.name)
        );
        let count = Sql::new(backend, format!("SELECT COUNT(*) {from}")).statement();
        let rows: i64 = match self.connection.query_one_raw(count).await? {
            Some(row) => row.try_get_by_index(0)?,
            None => 0,
        };
        if rows == 0 {
            return Ok(());
        }
        let mut found = format!("there are {rows} row(s)");
        let keys = self.keys(&from).await?;
        if !keys.is_empty() {
            let more = if i64::try_from(keys.len()).is_ok_and(|shown| shown < rows) {
                "; …"
            } else {
                ""
            };
            found.push_str(&format!(" ({}{more})", keys.join("; ")));
        }
        Err(Error::invalid_input(format!(
            "nothing was changed: {}",
            problem(&found)
        )))
    }

    async fn keys(&self, from: &str) -> Result<Vec<String>> {
        let backend = self.connection.backend();
        let Some(key) = &self.table.primary_key else {
            return Ok(Vec::new());
        };
        let text = match backend {
            Backend::Postgres | Backend::Sqlite => "text",
            Backend::MySql => "char",
        };
        let columns: Vec<_> = key.columns.iter().map(|name| self.column(name)).collect();
        let shown: Vec<_> = columns.iter().map(|name| format!("CAST({name} AS {text})")).collect();
        let sample = format!(
            "SELECT {} {from} ORDER BY {} LIMIT {SHOWN}",
            shown.join(", "),
            columns.join(", ")
        );
        let mut keys = Vec::new();
        for row in self
            .connection
            .query_all_raw(Sql::new(backend, sample).statement())
            .await?
        {
            let mut values = Vec::new();
            for (place, name) in key.columns.iter().enumerate() {
                let value: Option<String> = row.try_get_by_index(place)?;
                values.push((name.clone(), value.unwrap_or_default()));
            }
            keys.push(KeyValues::new(values).to_string());
        }
        Ok(keys)
    }
}
