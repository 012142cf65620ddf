//! [`Picture`]: a database before and after, but for rows, and the proof that only what was asked for is different.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DbErr, Statement};

use super::{Edit, Plan, execute, main_table, query, run};
use crate::backend::Backend;
use crate::connection::Connection;
use crate::ddl::identifier;
use crate::diff::{Change, DiffOptions, diff};
use crate::error::{Error, Result};
use crate::introspect::{self, Scope};
use crate::name::ColumnName;
use crate::schema::{Column, Schema};

/// What a database says of itself.
pub(super) struct Picture {
    /// The statement of the table that is looked at.
    definition: String,
    /// Those of everything else by sort, name and table; not those indexes that only a constraint of the table made.
    objects: BTreeMap<(String, String, String), Option<String>>,
    /// The last number given by each table that counts up.
    sequence: Vec<(String, Option<String>)>,
    schema: Schema,
    /// What SQLite says that views and triggers need and is not there.
    complaints: BTreeSet<String>,
}

impl Picture {
    pub(super) async fn take(tx: &Connection, table: &str) -> Result<Self> {
        let (mut definition, mut objects) = (String::new(), BTreeMap::new());
        for row in query(tx, "SELECT type, name, tbl_name, sql FROM sqlite_master", []).await? {
            let key: (String, String, String) = (
                row.try_get_by_index(0)?,
                row.try_get_by_index(1)?,
                row.try_get_by_index(2)?,
            );
            let sql: Option<String> = row.try_get_by_index(3)?;
            if key.0 == "table" && key.1 == table {
                definition = sql.unwrap_or_default();
            } else if sql.is_some() || key.2 != table {
                objects.insert(key, sql);
            }
        }
        let counted = objects.keys().any(|(_, name, _)| name == "sqlite_sequence");
        let mut sequence = Vec::new();
        if counted {
            let rows = query(
                tx,
                "SELECT name, CAST(seq AS text) FROM sqlite_sequence ORDER BY 1, 2",
                [],
            )
            .await?;
            for row in rows {
                sequence.push((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
            }
        }
        Ok(Self {
            definition,
            objects,
            sequence,
            schema: introspect::schema(tx, &Scope::Own).await?,
            complaints: complaints(tx, table).await?,
        })
    }

    /// AUTOINCREMENT goes on from the number it gave last, and not from the greatest that is still there: no number is given twice.
    pub(super) async fn restore_sequence(&self, tx: &Connection, table: &str) -> Result<()> {
        let counted = "SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'";
        if query(tx, counted, []).await?.is_empty() {
            return Ok(());
        }
        run(tx, "DELETE FROM sqlite_sequence WHERE name = ?1", vec![table.into()]).await?;
        for (_, number) in self.sequence.iter().filter(|(name, _)| name == table) {
            let insert = "INSERT INTO sqlite_sequence (name, seq) VALUES (?1, CAST(?2 AS integer))";
            run(tx, insert, vec![table.into(), number.clone().into()]).await?;
        }
        Ok(())
    }

    /// Refuses a difference that was not asked for.
    pub(super) fn prove(&self, after: &Self, plan: &Plan, edits: &[Edit]) -> Result<()> {
        let table = &plan.stored.name;
        let refuse = |what: String| Err(Error::invalid_input(format!("nothing was changed: {what}")));
        if after.definition != plan.edited.create(&identifier(Backend::Sqlite, table))? {
            return refuse(format!("the definition of {table} would not be what it was to be"));
        }
        let gone = |(kind, name, _): &(String, String, String)| kind == "index" && plan.dropped_indexes.contains(name);
        let kept: BTreeMap<_, _> = self.objects.iter().filter(|(key, _)| !gone(key)).collect();
        let now: BTreeMap<_, _> = after.objects.iter().collect();
        let all = kept.keys().chain(now.keys());
        if let Some((kind, name, _)) = all.copied().find(|key| kept.get(*key) != now.get(*key)) {
            return refuse(format!("the {kind} {name} would not be what it was"));
        }
        if self.sequence != after.sequence {
            return refuse("the numbers that AUTOINCREMENT gave last would not be what they were".to_owned());
        }
        if let Some(complaint) = after.complaints.difference(&self.complaints).next() {
            return refuse(format!("a view or a trigger would no longer work: {complaint}"));
        }
        self.prove_schema(&after.schema, table, edits)
    }

    fn prove_schema(&self, after: &Schema, table: &str, edits: &[Edit]) -> Result<()> {
        let refuse = |what: String| {
            Err(Error::invalid_input(format!(
                "nothing was changed: it would also do this: {what}"
            )))
        };
        let mine = |name: &crate::name::TableName| name.schema().is_none() && name.name() == table;
        let others = |schema: &Schema| {
            let mut schema = schema.clone();
            schema.tables.retain(|table| !mine(&table.name));
            schema
        };
        if others(&self.schema) != others(after) {
            return refuse("change what is no part of the table".to_owned());
        }
        let difference = diff(&self.schema, after, &DiffOptions::default());
        let unasked = difference.changes.iter().map(|difference| &difference.change);
        let mut unasked = unasked.filter(|change| !edits.iter().any(|edit| edit.asks_for(change)));
        if let Some(change) = unasked.next() {
            return refuse(change.to_string());
        }
        let columns = |schema: &Schema| {
            let table = schema.tables.iter().find(|table| mine(&table.name));
            table.map_or_else(Vec::new, |table| table.columns.clone())
        };
        let (old, new) = (columns(&self.schema), columns(after));
        let both = |of: &[Column], other: &[Column]| -> Vec<ColumnName> {
            let stays = |column: &&Column| other.iter().any(|other| other.name == column.name);
            of.iter().filter(stays).map(|column| column.name.clone()).collect()
        };
        match both(&old, &new) == both(&new, &old) {
            true => Ok(()),
            false => refuse(format!("put the columns of {table} in another order")),
        }
    }
}

impl Edit {
    /// Whether a difference is what this edit was made for.
    fn asks_for(&self, change: &Change) -> bool {
        let is = |name: &ColumnName, column: &ColumnName| name.as_str().eq_ignore_ascii_case(column.as_str());
        match (self, change) {
            (Self::AddColumn { definition }, Change::AddColumn { column, .. }) => {
                let tokens = crate::lex::tokens(Backend::Sqlite, definition);
                let name = tokens.first().map(crate::lex::Token::name);
                name.is_some_and(|name| name.eq_ignore_ascii_case(column.name.as_str()))
            }
            // A definition may have constraints.
            (
                Self::AddColumn { .. } | Self::AddConstraint { .. },
                Change::AddForeignKey { .. } | Change::AddCheck { .. } | Change::AddUniqueKey { .. },
            ) => true,
            (Self::DropColumn(name), Change::DropColumn { column, .. }) => is(name, &column.name),
            (Self::DropColumn(name), Change::DropIndex { index, .. }) => index
                .parts
                .iter()
                .any(|part| matches!(&part.key, crate::schema::IndexKey::Column(column) if is(name, column))),
            // What it was declared with goes with it.
            (Self::DropColumn(name), Change::DropForeignKey { key }) => {
                matches!(key.relation.columns.as_slice(), [only] if is(name, only))
            }
            (Self::DropColumn(name), Change::DropUniqueKey { key, .. }) => {
                matches!(key.columns.as_slice(), [only] if is(name, only))
            }
            (Self::DropColumn(_), Change::DropCheck { .. }) => true,
            (Self::SetNotNull(name), Change::ChangeColumn { from, to, .. }) => {
                is(name, &to.name) && from.nullable && !to.nullable && is_else_equal(from, to)
            }
            (Self::DropNotNull(name), Change::ChangeColumn { from, to, .. }) => {
                is(name, &to.name) && !from.nullable && to.nullable && is_else_equal(from, to)
            }
            (Self::DropForeignKey(relation), Change::DropForeignKey { key }) => same_key(relation, &key.relation),
            (Self::DropForeignKey(relation), Change::ChangeForeignKey { from, .. }) => {
                same_key(relation, &from.relation)
            }
            _ => false,
        }
    }
}

fn is_else_equal(from: &Column, to: &Column) -> bool {
    let nullable = |column: &Column| Column {
        nullable: true,
        ..column.clone()
    };
    nullable(from) == nullable(to)
}

fn same_key(asked: &crate::name::Relation, known: &crate::name::Relation) -> bool {
    asked.columns.len() == known.columns.len()
        && asked
            .columns
            .iter()
            .zip(&known.columns)
            .all(|(asked, known)| asked.as_str().eq_ignore_ascii_case(known.as_str()))
        && asked
            .referenced_table
            .name()
            .eq_ignore_ascii_case(known.referenced_table.name())
}

/// What SQLite finds wrong with views and triggers.
///
/// Renaming a table has it look at what each of them reads, and is undone. What a trigger writes it looks at only where a statement
/// fires it.
async fn complaints(tx: &Connection, table: &str) -> Result<BTreeSet<String>> {
    let legacy = super::one_number(tx, "PRAGMA legacy_alter_table", []).await?;
    execute(tx, "PRAGMA legacy_alter_table = OFF").await?;
    execute(tx, "SAVEPOINT cascade_looks").await?;
    let other = identifier(Backend::Sqlite, &format!("{table} looked at"));
    let rename = format!("ALTER TABLE {} RENAME TO {other}", main_table(table));
    let mut complaints = BTreeSet::new();
    complaints.extend(tx.execute_unprepared(&rename).await.err().as_ref().map(words));
    execute(tx, "ROLLBACK TO cascade_looks").await?;
    execute(tx, "RELEASE cascade_looks").await?;
    execute(tx, &format!("PRAGMA legacy_alter_table = {legacy}")).await?;
    let fired = "SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'trigger' ORDER BY 1";
    for row in query(tx, fired, []).await? {
        let on: String = row.try_get_by_index(0)?;
        let columns = "SELECT name FROM pragma_table_xinfo(?1, 'main') WHERE hidden = 0 ORDER BY cid";
        let mut set = Vec::new();
        for row in query(tx, columns, [on.as_str().into()]).await? {
            let column = identifier(Backend::Sqlite, &row.try_get_by_index::<String>(0)?);
            set.push(format!("{column} = {column}"));
        }
        let quoted = main_table(&on);
        for statement in [
            format!("EXPLAIN INSERT INTO {quoted} DEFAULT VALUES"),
            format!("EXPLAIN UPDATE {quoted} SET {}", set.join(", ")),
            format!("EXPLAIN DELETE FROM {quoted}"),
        ] {
            let statement = Statement::from_string(tx.get_database_backend(), statement);
            if let Err(error) = tx.query_all_raw(statement).await {
                complaints.insert(format!("{} in what a change of {on} fires", words(&error)));
            }
        }
    }
    Ok(complaints)
}

/// SQLite's own words.
fn words(error: &DbErr) -> String {
    let text = error.to_string();
    let own = text.split_once("(code: 1) ").map_or(text.as_str(), |(_, own)| own);
    own.trim().to_owned()
}
