//! [`Situation`]: where a change stands, by the catalog, the ledger and one look at the rows.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait, Statement};
use sha2::{Digest, Sha256};

use super::foreign_key::{RequiredForeignKey, WritePath};
use super::ledger::{Entry, Ledger};
use super::placeholder::Placeholders;
use super::revert::Revert;
use crate::backend::Backend;
use crate::connection::Connection;
use crate::ddl::table_name;
use crate::error::{Error, Result};
use crate::introspect::{self, Scope};
use crate::name::{ColumnName, ConstraintName, TableName, did_you_mean};
use crate::schema::{Action, Check, ForeignKey, Index, LeftOutKind, Schema, Table};

/// Where a change stands.
#[derive(Debug, Clone)]
pub(super) struct Situation {
    pub(super) schema: Schema,
    pub(super) key: ForeignKey,
    pub(super) write_path: WritePath,
    pub(super) entry: Option<Entry>,
    /// What stands for no value, in columns that are there by this change or will be.
    pub(super) placeholders: Placeholders,
}

impl Situation {
    /// Asks the catalog and the ledger, and refuses what cannot be done here.
    pub(super) async fn read(connection: &Connection, request: &RequiredForeignKey) -> Result<Self> {
        let backend = connection.backend();
        let mut request = request.clone();
        let mut key = request.key(backend)?;
        let own = introspect::own_schema(connection).await?;
        for name in [
            &mut request.table,
            &mut key.relation.table,
            &mut key.relation.referenced_table,
        ] {
            if name.schema().is_some() && (name.schema() == own.as_deref() || backend == Backend::Sqlite) {
                *name = TableName::new(name.name());
            }
        }
        let named: BTreeSet<String> = [&key.relation.table, &key.relation.referenced_table]
            .into_iter()
            .filter_map(|name| name.schema().map(str::to_owned))
            .collect();
        let scope = match named.is_empty() {
            true => Scope::Own,
            false => Scope::OwnAnd(named.into_iter().collect()),
        };
        let schema = introspect::schema(connection, &scope).await?;
        if let (None, Some(usual)) = (&request.constraint, &mut key.relation.constraint) {
            *usual = ConstraintName::new(short_enough(backend, usual.as_str()));
        }
        let entry = Ledger::of(backend, &request.label()).read(connection).await?;
        let write_path = request.chosen_write_path(&schema)?;
        let mut situation = Self {
            schema,
            key,
            write_path,
            placeholders: entry
                .as_ref()
                .map(|entry| entry.placeholders.clone())
                .unwrap_or_default(),
            entry,
        };
        situation.refuse(&request)?;
        if backend == Backend::MySql {
            situation.refuse_on_mysql(connection).await?;
            if !situation.has_columns() {
                situation.placeholders = situation.choose_placeholders(connection, &request).await?;
            }
        }
        Ok(situation)
    }

    pub(super) const fn backend(&self) -> Backend {
        self.schema.backend
    }

    pub(super) fn table(&self) -> Option<&Table> {
        self.schema.table(&self.key.relation.table)
    }

    /// The table as statements name it.
    pub(super) fn quoted(&self) -> String {
        table_name(self.backend(), &self.key.relation.table)
    }

    pub(super) fn entry(&self) -> Entry {
        self.entry.clone().unwrap_or_default()
    }

    /// What the ledger begins with: what was there before.
    pub(super) fn first_entry(&self) -> Entry {
        Entry {
            columns_before: self.columns_now(),
            required_before: self.required_columns(),
            had_index: self.has_index(),
            had_key: self.live_key().is_some(),
            placeholders: self.placeholders.clone(),
            ..Entry::default()
        }
    }

    /// What was there before, for taking a change back. One that the ledger does not know was not made here, or has been taken back: then
    /// all that is there was.
    pub(super) fn before(&self) -> Entry {
        self.entry.clone().unwrap_or_else(|| self.first_entry())
    }

    /// Those of the key's columns that are there.
    fn columns_now(&self) -> Vec<String> {
        let is_there = |name: &&ColumnName| self.table().is_some_and(|table| table.column(name).is_some());
        let columns = self.key.relation.columns.iter().filter(is_there);
        columns.map(|name| name.as_str().to_owned()).collect()
    }

    /// The columns that this change has added.
    pub(super) fn added_columns(&self) -> Vec<String> {
        let before = self.before().columns_before;
        let mut columns = self.columns_now();
        columns.retain(|name| !before.contains(name));
        columns
    }

    /// The columns that get their values by this change, with their places: those that were not required before.
    pub(super) fn filled_columns(&self) -> impl Iterator<Item = (usize, &ColumnName)> {
        let before = self.before().required_before;
        let columns = self.key.relation.columns.iter().enumerate();
        columns.filter(move |(_, name)| !before.iter().any(|before| before == name.as_str()))
    }

    /// The columns that are required now.
    fn required_columns(&self) -> Vec<String> {
        let is_required = |name: &&ColumnName| {
            let column = self.table().and_then(|table| table.column(name));
            column.is_some_and(|column| !column.nullable)
        };
        let columns = self.key.relation.columns.iter().filter(is_required);
        columns.map(|name| name.as_str().to_owned()).collect()
    }

    /// The columns that are required now and need not be: neither before the change nor by the primary key.
    pub(super) fn releasable(&self, how: Revert) -> Vec<String> {
        let before = match how {
            Revert::Soft => self.entry(),
            Revert::Full | Revert::KeepData => self.before(),
        }
        .required_before;
        let primary = self.table().and_then(|table| table.primary_key.as_ref());
        let is_primary = |name: &str| primary.is_some_and(|key| key.columns.contains(&ColumnName::new(name)));
        let mut columns = self.required_columns();
        columns.retain(|name| !before.contains(name) && !is_primary(name));
        columns
    }

    /// As it will be when the columns are there, for a plan.
    pub(super) fn with_columns(&self, request: &RequiredForeignKey) -> Self {
        let new = super::steps::new_columns(self, request);
        let mut later = self.clone();
        let table = &later.key.relation.table;
        if let Some(table) = later.schema.tables.iter_mut().find(|known| known.name == *table) {
            table.columns.extend(new);
        }
        later
    }

    pub(super) fn has_columns(&self) -> bool {
        let columns = &self.key.relation.columns;
        self.table()
            .is_some_and(|table| columns.iter().all(|name| table.column(name).is_some()))
    }

    /// Whether a column that is there may be NULL.
    pub(super) fn is_nullable(&self) -> bool {
        let columns = &self.key.relation.columns;
        self.table().is_none_or(|table| {
            columns
                .iter()
                .any(|name| table.column(name).is_none_or(|column| column.nullable))
        })
    }

    /// What will stand for no value in the columns that are to be added.
    async fn choose_placeholders(&self, connection: &Connection, request: &RequiredForeignKey) -> Result<Placeholders> {
        // A default for new rows would be taken for one.
        if !request.is_required || self.write_path == WritePath::Default {
            return Ok(Placeholders::default());
        }
        let new = super::steps::new_columns(self, request);
        Placeholders::choose(connection, &self.schema, &self.key, &new).await
    }

    /// Whether a column has its placeholder for a default, so that a row may still come without a value.
    fn gives_placeholder(&self) -> bool {
        let gives = |name: &ColumnName| {
            let column = self.table().and_then(|table| table.column(name));
            self.placeholders.of(name).is_some()
                && column.is_some_and(|column| !column.nullable && column.default.is_some())
        };
        self.key.relation.columns.iter().any(gives)
    }

    /// Whether the columns are there and refuse a row without a value.
    pub(super) fn requires_values(&self) -> bool {
        self.has_columns() && !self.is_nullable() && !self.gives_placeholder()
    }

    pub(super) fn has_default(&self) -> bool {
        let given = |name| self.table()?.column(name)?.default.as_ref();
        self.filled_columns().any(|(_, name)| given(name).is_some())
    }

    pub(super) fn has_index(&self) -> bool {
        self.table()
            .is_some_and(|table| table.has_leading_index(&self.key.relation.columns))
    }

    /// Our index, as PostgreSQL left it unusable. Those of others are theirs.
    pub(super) fn invalid_index(&self) -> Option<&Index> {
        let own = self.index_name();
        let mut indexes = self.table()?.indexes.iter();
        indexes.find(|index| index.invalid && index.name == own)
    }

    pub(super) fn live_key(&self) -> Option<&ForeignKey> {
        let keys = &self.table()?.foreign_keys;
        keys.iter().find(|key| key.is_same_key(&self.key))
    }

    /// The check that stands in for NOT NULL while it is made.
    pub(super) fn check(&self) -> Option<&Check> {
        let own = self.object_name("required");
        let checks = &self.table()?.checks;
        checks
            .iter()
            .find(|check| check.name.as_ref().is_some_and(|name| name.as_str() == own))
    }

    /// The triggers of ours that give new rows a value.
    pub(super) fn triggers(&self) -> Vec<String> {
        let own = self.trigger_names();
        let triggers = self.schema.left_out.iter().filter(|left_out| {
            left_out.kind == LeftOutKind::Trigger && left_out.table.as_ref() == Some(&self.key.relation.table)
        });
        triggers
            .map(|trigger| trigger.name.name().to_owned())
            .filter(|name| own.contains(name))
            .collect()
    }

    /// Whether something of ours gives new rows a value.
    pub(super) fn is_open(&self) -> bool {
        !self.triggers().is_empty() || self.gives_default()
    }

    /// Whether all of it is there that is to be.
    pub(super) fn is_open_for_all(&self) -> bool {
        self.triggers().len() == self.trigger_names().len() || self.gives_default()
    }

    fn gives_default(&self) -> bool {
        self.entry().gave_default && self.has_default()
    }

    /// What our triggers are called.
    pub(super) fn trigger_names(&self) -> Vec<String> {
        match self.backend() {
            Backend::Postgres => vec![self.object_name("fill")],
            Backend::MySql => vec![self.object_name("fill_insert"), self.object_name("fill_update")],
            Backend::Sqlite => Vec::new(),
        }
    }

    /// A name for something of ours: the same each time, and short enough for the engine.
    pub(super) fn object_name(&self, what: &str) -> String {
        let relation = &self.key.relation;
        let columns: Vec<_> = relation.columns.iter().map(|name| name.as_str()).collect();
        // The words alone would be the same for `posts(a_b)` and `posts_a(b)`.
        let digest = Sha256::digest(format!("{}.{}", relation.table, columns.join(",")).as_bytes());
        let digest: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let name = format!(
            "cascade_{what}_{}_{}_{digest}",
            relation.table.name(),
            columns.join("_")
        );
        match name.len() <= 60 {
            true => name,
            false => format!("cascade_{what}_{digest}"),
        }
    }

    /// What our index is called: as SeaORM would call it.
    pub(super) fn index_name(&self) -> String {
        let relation = &self.key.relation;
        let columns: Vec<_> = relation.columns.iter().map(|name| name.as_str()).collect();
        let name = format!("idx-{}-{}", relation.table.name(), columns.join("-"));
        short_enough(self.backend(), &name)
    }

    fn refuse(&self, request: &RequiredForeignKey) -> Result<()> {
        let relation = &self.key.relation;
        for name in [&relation.table, &relation.referenced_table] {
            if self.schema.table(name).is_none() {
                let known: Vec<_> = self.schema.tables.iter().map(|table| table.name.to_string()).collect();
                let meant = did_you_mean(&name.to_string(), known.iter().map(String::as_str));
                return Err(Error::invalid_input(format!("there is no table {name}{meant}")));
            }
        }
        let (Some(table), Some(referenced)) = (self.table(), self.schema.table(&relation.referenced_table)) else {
            return Ok(());
        };
        for name in &relation.referenced_columns {
            if referenced.column(name).is_none() {
                let known = referenced.columns.iter().map(|column| column.name.as_str());
                let meant = did_you_mean(name.as_str(), known);
                return Err(Error::invalid_input(format!(
                    "{} has no column {name}{meant}",
                    referenced.name
                )));
            }
        }
        if !referenced.is_unique(&relation.referenced_columns) {
            return Err(Error::invalid_input(format!(
                "{} cannot be referenced by {}: no primary key, unique key or unique index is on exactly these columns",
                referenced.name,
                request.label()
            )));
        }
        if !request.types.is_empty() && request.types.len() != relation.columns.len() {
            return Err(Error::invalid_input(format!(
                "{} has {} column(s) and {} type(s) are given",
                request.label(),
                relation.columns.len(),
                request.types.len()
            )));
        }
        if let Some(backfill) = &request.backfill {
            backfill.check(&relation.columns)?;
        }
        if table.primary_key.is_none() && !self.requires_values() && self.backend() != Backend::Sqlite {
            return Err(Error::invalid_input(format!(
                "{} has no primary key, so its rows can be filled neither in batches nor exactly once: give it one first",
                table.name
            )));
        }
        if table.options.partition_by.is_some() {
            return Err(Error::invalid_input(format!(
                "{} is partitioned: PostgreSQL can neither make an index on it without locking writers out nor add a key without checking \
                 all rows at once; do it partition by partition by hand",
                table.name
            )));
        }
        let inherits = |other: &&Table| other.options.inherits.contains(&table.name);
        if let Some(child) = self.schema.tables.iter().find(inherits) {
            return Err(Error::invalid_input(format!(
                "{} inherits from {}: a foreign key does not reach the tables that inherit, so their rows would stay unchecked",
                child.name, table.name
            )));
        }
        self.refuse_other_key()
    }

    fn refuse_other_key(&self) -> Result<()> {
        let Some(live) = self.live_key() else {
            return Ok(());
        };
        let is_same = |live: Action, wanted: Action| {
            let refuses = |action| matches!(action, Action::Restrict | Action::NoAction);
            live == wanted || self.backend() == Backend::MySql && refuses(live) && refuses(wanted)
        };
        match is_same(live.on_delete, self.key.on_delete) && is_same(live.on_update, self.key.on_update) {
            true => Ok(()),
            false => Err(Error::invalid_input(format!(
                "the key {} is there already, {} on delete and {} on update, not {} and {}: name the actions it has, or change them in a \
                 migration of their own",
                live.relation.label(),
                live.on_delete,
                live.on_update,
                self.key.on_delete,
                self.key.on_update
            ))),
        }
    }

    async fn refuse_on_mysql(&self, connection: &Connection) -> Result<()> {
        let relation = &self.key.relation;
        for name in [&relation.table, &relation.referenced_table] {
            let engine = self
                .schema
                .table(name)
                .and_then(|table| table.options.engine.as_deref());
            if let Some(engine) = engine.filter(|engine| !engine.eq_ignore_ascii_case("InnoDB")) {
                return Err(Error::invalid_input(format!(
                    "{name} is a table of {engine}, which has no foreign keys: ALTER TABLE {name} ENGINE = InnoDB first"
                )));
            }
        }
        let sql = "SELECT CAST(COALESCE(SUM(partition_name IS NOT NULL), 0) AS SIGNED), @@SESSION.sql_mode \
                   FROM information_schema.partitions WHERE table_schema = COALESCE(?, DATABASE()) AND table_name IN (?, ?)";
        let values = [
            relation.table.schema().into(),
            relation.table.name().into(),
            relation.referenced_table.name().into(),
        ];
        let row = connection
            .query_one_raw(Statement::from_sql_and_values(
                connection.get_database_backend(),
                sql,
                values,
            ))
            .await?;
        let Some(row) = row else { return Ok(()) };
        let (partitions, mode): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if partitions > 0 {
            return Err(Error::invalid_input(format!(
                "{} or {} is partitioned: InnoDB has no foreign keys from or to partitioned tables",
                relation.table, relation.referenced_table
            )));
        }
        if !mode.to_ascii_uppercase().contains("STRICT_") {
            return Err(Error::invalid_input(
                "this server's sql_mode is not strict, so it would turn a missing value into 0 instead of refusing it: SET GLOBAL sql_mode \
                 to one with STRICT_TRANS_TABLES, here and for the application",
            ));
        }
        let referenced = self.schema.table(&relation.referenced_table);
        for (own, other) in relation.columns.iter().zip(&relation.referenced_columns) {
            let own = self.table().and_then(|table| table.column(own));
            let other = referenced.and_then(|table| table.column(other));
            if let (Some(own), Some(other)) = (own, other)
                && (own.data_type != other.data_type || own.collation != other.collation)
            {
                return Err(Error::invalid_input(format!(
                    "{}.{} is {} and references {}.{}, which is {}: InnoDB wants the same type, sign, character set and collation",
                    relation.table, own.name, own.data_type, relation.referenced_table, other.name, other.data_type
                )));
            }
        }
        Ok(())
    }
}

/// A name as it is, or, where the engine would cut it off or refuse it, its beginning and a digest. PostgreSQL counts bytes and takes 63,
/// MySQL 64 characters.
fn short_enough(backend: Backend, name: &str) -> String {
    let most = match backend {
        Backend::Postgres | Backend::MySql => 63,
        Backend::Sqlite => return name.to_owned(),
    };
    if name.len() <= most {
        return name.to_owned();
    }
    let digest = Sha256::digest(name.as_bytes());
    let digest: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let mut short = String::new();
    for character in name.chars() {
        if short.len() + character.len_utf8() + 1 + digest.len() > most {
            break;
        }
        short.push(character);
    }
    format!("{short}-{digest}")
}
