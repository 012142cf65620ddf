//! PostgreSQL: in stages, each of which is the difference between what the catalog says and how far the stage is to come.

use sea_orm::ConnectionTrait;

use super::{Alteration, edit};
use crate::backend::Backend::Postgres;
use crate::connection::Connection;
use crate::ddl::{self, identifier, table_name};
use crate::diff::{DiffOptions, diff};
use crate::error::Result;
use crate::name::{ColumnName, ConstraintName, TableName};
use crate::schema::{self, Check, Column, ForeignKey, Index, Schema, Table, UniqueKey};

pub(super) async fn make(alteration: &Alteration, connection: &Connection) -> Result<()> {
    let stages = Stages { alteration, connection };
    stages.reach(Reach::shape).await?;
    stages.build_indexes().await?;
    stages.add_unchecked().await?;
    stages.validate().await?;
    stages.reach(Reach::required).await?;
    stages.reach(Reach::without_our_checks).await?;
    // What is left: columns that go.
    stages.reach(|_, goal| goal.clone()).await
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
        table
    }

    fn required(live: &Table, goal: &Table) -> Table {
        let mut table = live.clone();
        for column in &mut table.columns {
            column.nullable &= goal.column(&column.name).is_none_or(|wanted| wanted.nullable);
        }
        table
    }

    fn without_our_checks(live: &Table, goal: &Table) -> Table {
        let mut table = live.clone();
        let ours: Vec<_> = goal
            .columns
            .iter()
            .map(|column| check_name(&goal.name, &column.name))
            .collect();
        table
            .checks
            .retain(|check| !check.name.as_ref().is_some_and(|name| ours.contains(name)));
        table
    }
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
        format!("{}_{column}_required", table.name()),
    ))
}

struct Stages<'a> {
    alteration: &'a Alteration,
    connection: &'a Connection,
}

impl Stages<'_> {
    /// What is there now, and what is to be.
    async fn now(&self) -> Result<(Schema, Schema)> {
        let live = self.alteration.live(self.connection).await?;
        let mut goal = self.alteration.applied_to(&live)?;
        // An interrupted run may have left some.
        if let Some(table) = goal.table_mut(&self.alteration.table) {
            *table = Reach::without_our_checks(table, table);
        }
        Ok((live, goal))
    }

    /// Changes the table, in one transaction, as far as a stage says.
    async fn reach(&self, stage: fn(&Table, &Table) -> Table) -> Result<()> {
        let (live, goal) = self.now().await?;
        let Some(reached) = self.both(&live, &goal).map(|(from, to)| stage(from, to)) else {
            return Ok(());
        };
        self.become_this(&live, reached).await
    }

    fn both<'s>(&self, live: &'s Schema, goal: &'s Schema) -> Option<(&'s Table, &'s Table)> {
        live.table(&self.alteration.table)
            .zip(goal.table(&self.alteration.table))
    }

    async fn become_this(&self, live: &Schema, table: Table) -> Result<()> {
        let mut wanted = live.clone();
        if let Some(known) = wanted.table_mut(&table.name) {
            *known = table;
        }
        let steps = diff(live, &wanted, &DiffOptions::default()).statements();
        let statements: Vec<_> = steps.into_iter().map(|step| step.sql).collect();
        self.alteration
            .patience
            .in_one_transaction(self.connection, &statements)
            .await
    }

    /// Each by itself and outside any transaction: others write meanwhile.
    async fn build_indexes(&self) -> Result<()> {
        let (live, goal) = self.now().await?;
        let Some((from, to)) = self.both(&live, &goal) else {
            return Ok(());
        };
        if to.options.partition_by.is_some() {
            // PostgreSQL cannot do it concurrently there.
            let mut table = from.clone();
            (table.indexes, table.unique_keys) = (to.indexes.clone(), to.unique_keys.clone());
            return self.become_this(&live, table).await;
        }
        for index in &to.indexes {
            if !from.indexes.iter().any(|known| is_same_index(known, index)) {
                self.build(from, index).await?;
            }
        }
        for key in &to.unique_keys {
            let is_there = from.unique_keys.iter().any(|known| known.columns == key.columns);
            let is_indexed = from
                .indexes
                .iter()
                .any(|known| known.unique && edit::is_plain(known, &key.columns));
            if !is_there && !is_indexed {
                self.build_unique(from, key).await?;
            }
        }
        Ok(())
    }

    async fn build_unique(&self, table: &Table, key: &UniqueKey) -> Result<()> {
        let name = key.name.as_ref().map_or("", ConstraintName::as_str);
        let mut index = Index::new(name, key.columns.iter().cloned());
        index.unique = true;
        index.nulls_not_distinct = key.nulls_not_distinct;
        self.build(table, &index).await?;
        let name = identifier(Postgres, name);
        let add = format!(
            "ALTER TABLE {} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}",
            table_name(Postgres, &table.name)
        );
        self.alteration
            .patience
            .in_one_transaction(self.connection, &[add])
            .await
    }

    async fn build(&self, table: &Table, index: &Index) -> Result<()> {
        let name = match table.name.schema() {
            Some(schema) => table_name(Postgres, &TableName::in_schema(schema, index.name.as_str())),
            None => identifier(Postgres, &index.name),
        };
        let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {name}");
        if table
            .indexes
            .iter()
            .any(|known| known.invalid && known.name == index.name)
        {
            self.connection.execute_unprepared(&drop).await?;
        }
        let statement = ddl::index_statement(Postgres, &table.name, index);
        let built = statement.replacen("INDEX ", "INDEX CONCURRENTLY ", 1);
        // Without a lock timeout: that would leave an unusable index behind.
        if let Err(error) = self.connection.execute_unprepared(&built).await {
            let left = self.alteration.live(self.connection).await?;
            let left = left
                .table(&table.name)
                .map(|table| table.indexes.clone())
                .unwrap_or_default();
            if left.iter().any(|known| known.invalid && known.name == index.name) {
                self.connection.execute_unprepared(&drop).await?;
            }
            return Err(error.into());
        }
        Ok(())
    }

    /// Keys and checks that hold for rows written from now on; each in a transaction of its own, since a key locks two tables.
    async fn add_unchecked(&self) -> Result<()> {
        let (live, goal) = self.now().await?;
        let Some((from, to)) = self.both(&live, &goal) else {
            return Ok(());
        };
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
            self.become_this(&live, table).await?;
        }
        let is_new = |check: &&Check| !from.checks.iter().any(|known| known.expression == check.expression);
        let mut checks: Vec<_> = to.checks.iter().filter(is_new).cloned().collect();
        checks.extend(to_be_required(from, to).map(|column| {
            let mut check = Check::new(format!("{} IS NOT NULL", identifier(Postgres, column.name.as_str())));
            check.name = Some(check_name(&to.name, &column.name));
            check
        }));
        for mut check in checks {
            check.not_validated = true;
            if from
                .checks
                .iter()
                .any(|known| known.name.is_some() && known.name == check.name)
            {
                continue;
            }
            let add = format!(
                "ALTER TABLE {} ADD {} NOT VALID",
                table_name(Postgres, &to.name),
                ddl::check(Postgres, &check)
            );
            self.alteration
                .patience
                .in_one_transaction(self.connection, &[add])
                .await?;
        }
        Ok(())
    }

    /// Has the rows checked that are there. Others read and write meanwhile.
    async fn validate(&self) -> Result<()> {
        let (live, goal) = self.now().await?;
        let Some((from, to)) = self.both(&live, &goal) else {
            return Ok(());
        };
        let asked = to.foreign_keys.iter().filter(|key| !key.not_validated);
        let keys = asked.filter_map(|key| {
            let mut live = from.foreign_keys.iter();
            live.find(|known| known.is_same_key(key) && known.not_validated)
        });
        let keys = keys.filter_map(|key| key.relation.constraint.clone());
        let ours: Vec<_> = to
            .columns
            .iter()
            .map(|column| check_name(&to.name, &column.name))
            .collect();
        let is_asked = |check: &&Check| {
            let is_ours = check.name.as_ref().is_some_and(|name| ours.contains(name));
            let mut wanted = to.checks.iter();
            is_ours || wanted.any(|wanted| wanted.expression == check.expression && !wanted.not_validated)
        };
        let checks = from.checks.iter().filter(|check| check.not_validated).filter(is_asked);
        for name in keys.chain(checks.filter_map(|check| check.name.clone())) {
            let validate = format!(
                "ALTER TABLE {} VALIDATE CONSTRAINT {}",
                table_name(Postgres, &to.name),
                identifier(Postgres, name.as_str())
            );
            self.alteration
                .patience
                .in_one_transaction(self.connection, &[validate])
                .await?;
        }
        Ok(())
    }
}

fn to_be_required<'a>(from: &'a Table, to: &'a Table) -> impl Iterator<Item = &'a Column> {
    to.columns.iter().filter(|column| {
        let known = from.column(&column.name);
        !column.nullable && known.is_some_and(|known| known.nullable)
    })
}
