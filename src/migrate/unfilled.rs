//! Looking before anything is changed: what rows would get, and which would get nothing or reference a row that is not there.
//!
//! [`Filling`] is also what batches and a rebuild fill rows with, so that what is looked at is what is done.

use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::backfill::Backfill;
use super::foreign_key::RequiredForeignKey;
use super::placeholder::Placeholders;
use crate::backend::Backend;
use crate::connection::Connection;
use crate::ddl::identifier;
use crate::error::{Error, ErrorKind, Result};
use crate::name::{ColumnName, KeyValues};
use crate::schema::{Column, ForeignKey, Schema, Table};
use crate::sql::{Sql, Typed, column, from_table, shown, typed};

/// Rows that are named in an error.
const SAMPLE: usize = 5;

/// Refuses a change that would leave rows without a value, or with one that references no row.
///
/// A row's value is the one it has or, where it has none, what the backfill gives it; a column that is not there yet has none. What a
/// backfill in Rust gives is not known here: rows that have no value yet pass, and are looked at when it was asked.
///
/// # Errors
///
/// [`ErrorKind::Unfilled`] with some of the rows; invalid input for a backfill that does not fit the key.
pub(super) async fn unfilled(
    connection: &Connection,
    schema: &Schema,
    request: &RequiredForeignKey,
    key: &ForeignKey,
    placeholders: &Placeholders,
) -> Result<()> {
    Filling::new(schema, request, key, request.backfill.as_ref())?
        .with_placeholders(placeholders)
        .check(connection)
        .await
}

/// What fills the rows of a table that have no value for a key.
#[derive(Debug)]
pub(super) struct Filling<'a> {
    schema: &'a Schema,
    table: &'a Table,
    request: &'a RequiredForeignKey,
    key: &'a ForeignKey,
    backfill: Option<&'a Backfill>,
    /// The owner's values, if one owner gets all.
    owner: Vec<Typed>,
    placeholders: Placeholders,
}

impl<'a> Filling<'a> {
    /// `backfill` is the request's, or what stands for it.
    pub(super) fn new(
        schema: &'a Schema,
        request: &'a RequiredForeignKey,
        key: &'a ForeignKey,
        backfill: Option<&'a Backfill>,
    ) -> Result<Self> {
        let relation = &key.relation;
        let Some(table) = schema.table(&relation.table) else {
            return Err(Error::invalid_input(format!("there is no table {}", relation.table)));
        };
        let mut filling = Self {
            schema,
            table,
            request,
            key,
            backfill,
            owner: Vec::new(),
            placeholders: Placeholders::default(),
        };
        if let Some(backfill) = backfill {
            backfill.check(&relation.columns)?;
            if let Backfill::Owner(values) = backfill {
                filling.owner = filling.typed(values)?;
            }
        }
        Ok(filling)
    }

    /// In columns that are there, this stands for no value.
    pub(super) fn with_placeholders(mut self, placeholders: &Placeholders) -> Self {
        self.placeholders = placeholders.clone();
        self
    }

    /// The one owner's key.
    pub(super) fn owner(&self) -> &[Typed] {
        &self.owner
    }

    /// `user_id = (…)`, for each column that may be without a value: what UPDATE sets. Values that are there stay.
    pub(super) fn push_assignments(&self, sql: &mut Sql) {
        let mut first = true;
        for (place, name) in self.key.relation.columns.iter().enumerate() {
            if self.is_set_already(name) {
                continue;
            }
            if !first {
                sql.push(", ");
            }
            first = false;
            let instead = self.placeholders.instead(name, self.table);
            sql.push(&format!("{} = ", identifier(self.backend(), name.as_str())));
            self.push_value_or(sql, place, &instead);
        }
    }

    /// The row has no value for one of the columns. Columns that are not there have none.
    pub(super) fn push_is_empty(&self, sql: &mut Sql) {
        let empty: Vec<_> = self
            .key
            .relation
            .columns
            .iter()
            .filter(|name| !self.is_set_already(name))
            .map(|name| match self.table.column(name) {
                Some(_) => self.placeholders.lacks(name, &self.own(name)),
                None => "1 = 1".to_owned(),
            })
            .collect();
        match empty.is_empty() {
            true => sql.push("1 = 0"),
            false => sql.push(&format!("({})", empty.join(" OR "))),
        }
    }

    /// What the column at this place has in the end: the value it has, or else the backfill's.
    pub(super) fn push_value(&self, sql: &mut Sql, place: usize) {
        self.push_value_or(sql, place, "");
    }

    /// `instead` is what stands behind the arguments of COALESCE.
    fn push_value_or(&self, sql: &mut Sql, place: usize, instead: &str) {
        let Some(name) = self.key.relation.columns.get(place) else {
            return;
        };
        match (self.table.column(name), self.fills()) {
            (Some(_), true) if !self.is_set_already(name) => {
                sql.push(&format!(
                    "COALESCE({}, ",
                    self.placeholders.value(name, &self.own(name))
                ));
                self.push_filled(sql, place);
                sql.push(&format!("{instead})"));
            }
            (Some(_), _) => sql.push(&self.placeholders.value(name, &self.own(name))),
            (None, true) => self.push_filled(sql, place),
            (None, false) => sql.push("NULL"),
        }
    }

    /// What the backfill gives. Text of the caller's ends its line, in which a comment may have begun.
    fn push_filled(&self, sql: &mut Sql, place: usize) {
        match self.backfill {
            Some(Backfill::Sql(expressions)) => {
                let expression = expressions.get(place).map_or("NULL", String::as_str);
                sql.push(&format!("({expression}\n)"));
            }
            Some(Backfill::Owner(_)) => match self.owner.get(place) {
                Some(value) => value.bind_to(sql),
                None => sql.push("NULL"),
            },
            Some(Backfill::Mapping { table, on, values }) => {
                let backend = self.backend();
                let value = match values.get(place) {
                    Some(value) => column(backend, "m", value),
                    None => "NULL".to_owned(),
                };
                let same: Vec<_> = on
                    .iter()
                    .map(|(own, other)| format!("{} = {}", column(backend, "m", other), self.own(own)))
                    .collect();
                // The others refuse a second row; SQLite would take either. It has HAVING only beside an aggregate.
                let (value, only) = match backend {
                    Backend::Sqlite => (format!("MIN({value})"), " HAVING COUNT(*) = 1"),
                    Backend::Postgres | Backend::MySql => (value, ""),
                };
                sql.push(&format!(
                    "(SELECT {value} FROM {} AS m WHERE {}{only})",
                    from_table(self.schema, table),
                    if same.is_empty() {
                        "1 = 1".to_owned()
                    } else {
                        same.join(" AND ")
                    },
                ));
            }
            Some(Backfill::Rust(_)) | None => sql.push("NULL"),
        }
    }

    /// `value_0 = …`, for each value that code gave for a row.
    pub(super) fn push_given(&self, sql: &mut Sql, values: &[Value]) -> Result<()> {
        let relation = &self.key.relation;
        if values.len() != relation.columns.len() {
            return Err(Error::invalid_input(format!(
                "the key has {} column(s) and the backfill gave {} value(s) for a row",
                relation.columns.len(),
                values.len()
            )));
        }
        for (place, value) in self.typed(values)?.iter().enumerate() {
            if place > 0 {
                sql.push(", ");
            }
            sql.push(&format!("value_{place} = "));
            value.bind_to(sql);
        }
        Ok(())
    }

    /// Values of the referenced columns, which are there whether or not the referencing ones are.
    fn typed(&self, values: &[Value]) -> Result<Vec<Typed>> {
        let relation = &self.key.relation;
        let referenced = self.schema.table(&relation.referenced_table);
        let columns = relation.referenced_columns.iter();
        columns
            .zip(values)
            .map(|(name, value)| {
                typed(self.schema.backend, referenced, name, value)
                    .map_err(|problem| Error::invalid_input(format!("{}.{name} {problem}", relation.referenced_table)))
            })
            .collect()
    }

    /// [`unfilled`], with the backfill this was made with.
    pub(super) async fn check(&self, connection: &Connection) -> Result<()> {
        let (missing, dangling) = (self.missing(), self.dangling());
        let mut sql = Sql::new(self.backend(), "SELECT ");
        let count = |condition: &str| format!("COUNT(CASE WHEN {condition} THEN 1 END)");
        sql.push(&format!("{}, {} FROM ", count(&missing), count(&dangling)));
        self.push_outcome(&mut sql);
        let row = connection.query_one_raw(sql.statement()).await?;
        let (missing_rows, dangling_rows) = match row {
            Some(row) => (number(&row, 0)?, number(&row, 1)?),
            None => (0, 0),
        };
        if missing_rows == 0 && dangling_rows == 0 {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unfilled {
            relation: self.key.relation.clone(),
            missing: missing_rows,
            dangling: dangling_rows,
            sample: self.sample(connection, &format!("({missing}) OR ({dangling})")).await?,
        })
        .with_hint("nothing was changed; give them a value in the backfill, or repair them first"))
    }

    /// Some rows, by primary key.
    async fn sample(&self, connection: &Connection, condition: &str) -> Result<Vec<KeyValues>> {
        let Some(primary_key) = &self.table.primary_key else {
            return Ok(Vec::new());
        };
        let backend = self.backend();
        let names = &primary_key.columns;
        let places = || (0..names.len()).map(|place| format!("f.key_{place}"));
        let shown: Vec<_> = names
            .iter()
            .zip(places())
            .map(|(name, place)| {
                let data_type = self.table.column(name).map(|column| column.data_type.as_str());
                shown(backend, data_type, &place)
            })
            .collect();
        let mut sql = Sql::new(backend, format!("SELECT {} FROM ", shown.join(", ")));
        self.push_outcome(&mut sql);
        let order: Vec<_> = places().collect();
        sql.push(&format!(
            " WHERE {condition} ORDER BY {} LIMIT {SAMPLE}",
            order.join(", ")
        ));
        let rows = connection.query_all_raw(sql.statement()).await?;
        rows.iter()
            .map(|row| {
                let mut values = Vec::new();
                for (place, name) in names.iter().enumerate() {
                    let text: Option<String> = row.try_get_by_index(place)?;
                    values.push((name.clone(), text.unwrap_or_else(|| "NULL".to_owned())));
                }
                Ok(KeyValues::new(values))
            })
            .collect()
    }

    /// The rows as they would be, as `f`: their primary key, their value for each of the key's columns, and whether they are empty now.
    fn push_outcome(&self, sql: &mut Sql) {
        sql.push("(SELECT ");
        if let Some(primary_key) = &self.table.primary_key {
            for (place, name) in primary_key.columns.iter().enumerate() {
                sql.push(&format!("{} AS key_{place}, ", self.own(name)));
            }
        }
        for place in 0..self.key.relation.columns.len() {
            match self.cast(place) {
                Some(data_type) => {
                    sql.push("CAST(");
                    self.push_value(sql, place);
                    sql.push(&format!(" AS {data_type})"));
                }
                None => self.push_value(sql, place),
            }
            sql.push(&format!(" AS value_{place}, "));
        }
        sql.push("CASE WHEN ");
        self.push_is_empty(sql);
        sql.push(&format!(
            " THEN 1 ELSE 0 END AS is_empty FROM {}) AS f",
            from_table(self.schema, &self.key.relation.table)
        ));
    }

    /// What PostgreSQL is told of a value whose type would not follow from its place, as it does where it is assigned.
    fn cast(&self, place: usize) -> Option<String> {
        let name = self.key.relation.columns.get(place)?;
        match self.backend() {
            Backend::Postgres if self.table.column(name).is_none() => {
                let data_type = column_type(self.schema, self.request, self.key, place)?;
                // Without a length: a cast to `varchar(2)` would cut off what assigning refuses.
                Some(match data_type.split_once('(') {
                    Some((bare, rest)) if !data_type.contains('"') => {
                        format!("{bare}{}", rest.split_once(')').map_or("", |(_, after)| after))
                    }
                    _ => data_type,
                })
            }
            Backend::Postgres | Backend::MySql | Backend::Sqlite => None,
        }
    }

    /// The row of `f` would have no value where it must have one.
    fn missing(&self) -> String {
        if !self.request.is_required {
            return "1 = 0".to_owned();
        }
        let empty: Vec<_> = self.values().map(|value| format!("{value} IS NULL")).collect();
        let empty = empty.join(" OR ");
        match self.backfill {
            Some(Backfill::Rust(_)) => format!("f.is_empty = 0 AND ({empty})"),
            Some(Backfill::Sql(_) | Backfill::Mapping { .. } | Backfill::Owner(_)) | None => empty,
        }
    }

    /// The row of `f` would reference a row that is not there. A key that is partly NULL references nothing.
    fn dangling(&self) -> String {
        let relation = &self.key.relation;
        let set: Vec<_> = self.values().map(|value| format!("{value} IS NOT NULL")).collect();
        // The referenced column comes first: it is its collation that SQLite's constraints compare by.
        let equal: Vec<_> = relation
            .referenced_columns
            .iter()
            .zip(self.values())
            .map(|(name, value)| format!("{} = {value}", column(self.backend(), "p", name)))
            .collect();
        format!(
            "{} AND NOT EXISTS (SELECT 1 FROM {} AS p WHERE {})",
            set.join(" AND "),
            from_table(self.schema, &relation.referenced_table),
            equal.join(" AND ")
        )
    }

    fn values(&self) -> impl Iterator<Item = String> {
        (0..self.key.relation.columns.len()).map(|place| format!("f.value_{place}"))
    }

    const fn backend(&self) -> Backend {
        self.schema.backend
    }

    /// Whether rows that have no value get one.
    const fn fills(&self) -> bool {
        matches!(
            self.backfill,
            Some(Backfill::Sql(_) | Backfill::Mapping { .. } | Backfill::Owner(_))
        )
    }

    /// Whether every row has a value for the column.
    fn is_set_already(&self, name: &ColumnName) -> bool {
        self.placeholders.of(name).is_none() && self.table.column(name).is_some_and(|column| !column.nullable)
    }

    /// A column of the row, behind the table's own name: the caller's expressions may use that, so there is no alias.
    fn own(&self, name: &ColumnName) -> String {
        let backend = self.backend();
        column(backend, &identifier(backend, self.key.relation.table.name()), name)
    }
}

/// The type of the key's column at this place: its own, the one that was asked for, or that of the column it references.
pub(super) fn column_type(
    schema: &Schema,
    request: &RequiredForeignKey,
    key: &ForeignKey,
    place: usize,
) -> Option<String> {
    let relation = &key.relation;
    let data_type = |column: &Column| column.data_type.clone();
    let own = schema.table(&relation.table).zip(relation.columns.get(place));
    let referenced = schema
        .table(&relation.referenced_table)
        .zip(relation.referenced_columns.get(place));
    own.and_then(|(table, name)| table.column(name))
        .map(data_type)
        .or_else(|| request.types.get(place).cloned())
        .or_else(|| referenced.and_then(|(table, name)| table.column(name)).map(data_type))
}

fn number(row: &QueryResult, place: usize) -> Result<u64> {
    let number: i64 = row.try_get_by_index(place)?;
    Ok(u64::try_from(number).unwrap_or(0))
}
