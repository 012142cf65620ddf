//! [`Edit`]: one edit of a table, made to the model. No I/O.

use sea_orm::sea_query::{ColumnDef, ForeignKeyCreateStatement, IndexCreateStatement};

use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::name::{ColumnList, ColumnName, ConstraintName, Relation, TableName, did_you_mean};
use crate::schema::{self, Action, Column, ForeignKey, Index, IndexKey, Schema, Table, UniqueKey};

/// One edit. Each says how the table is to be, so that a second time it changes nothing.
#[derive(Clone)]
pub(super) enum Edit {
    AddColumn(Box<ColumnDef>),
    ChangeColumn(Box<ColumnDef>),
    DropColumn(ColumnName),
    AddUnique(Vec<ColumnName>),
    DropUnique(Vec<ColumnName>),
    AddIndex(Box<IndexCreateStatement>),
    DropIndex(Vec<ColumnName>),
    ForeignKey(Box<ForeignKeyCreateStatement>),
    DropForeignKey(Vec<ColumnName>),
}

impl Edit {
    pub(super) fn apply(&self, schema: &mut Schema, name: &TableName) -> Result<()> {
        let backend = schema.backend;
        if let Self::DropColumn(column) = self {
            refuse_if_referenced(schema, name, column)?;
        }
        let Some(table) = schema.table_mut(name) else {
            return Ok(());
        };
        match self {
            Self::AddColumn(definition) => set_column(backend, table, definition, Expected::Either),
            Self::ChangeColumn(definition) => set_column(backend, table, definition, Expected::There),
            Self::DropColumn(column) => drop_column(table, column),
            Self::AddUnique(columns) => {
                has_columns(table, columns)?;
                add_unique(backend, table, columns);
                Ok(())
            }
            Self::DropUnique(columns) => {
                table.unique_keys.retain(|key| key.columns != *columns);
                table
                    .indexes
                    .retain(|index| !(index.unique && is_plain(index, columns)));
                Ok(())
            }
            Self::AddIndex(statement) => add_index(backend, table, statement),
            Self::DropIndex(columns) => {
                table.indexes.retain(|index| index.unique || !is_plain(index, columns));
                Ok(())
            }
            Self::ForeignKey(statement) => set_foreign_key(backend, table, statement),
            Self::DropForeignKey(columns) => {
                table.foreign_keys.retain(|key| key.relation.columns != *columns);
                Ok(())
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    There,
    Either,
}

fn set_column(backend: Backend, table: &mut Table, definition: &ColumnDef, expected: Expected) -> Result<()> {
    // As an entity's column is read.
    let mut made = Table::new(table.name.clone());
    schema::add_column(backend, &mut made, definition)?;
    let Some(column) = made.columns.pop() else {
        return Ok(());
    };
    if made.primary_key.is_some() && table.primary_key != made.primary_key {
        return Err(Error::invalid_input(format!(
            "nothing was changed: {}.{} cannot be made the primary key of a table that is there",
            table.name, column.name
        )));
    }
    match table.column_mut(&column.name) {
        Some(known) => {
            // A definition has no words for these.
            let kept = Column {
                collation: known.collation.take(),
                on_update: known.on_update.take(),
                ..column.clone()
            };
            *known = kept;
        }
        None if expected == Expected::There => return Err(no_column(table, &column.name)),
        None => table.columns.push(column.clone()),
    }
    for key in made.unique_keys {
        add_unique(backend, table, &key.columns);
    }
    for check in made.checks {
        if !table.checks.iter().any(|known| known.expression == check.expression) {
            table.checks.push(check);
        }
    }
    Ok(())
}

fn drop_column(table: &mut Table, column: &ColumnName) -> Result<()> {
    if table.column(column).is_none() {
        return Ok(());
    }
    if table
        .primary_key
        .as_ref()
        .is_some_and(|key| key.columns.contains(column))
    {
        return Err(Error::invalid_input(format!(
            "nothing was changed: {}.{column} is in the primary key, and cannot be dropped",
            table.name
        )));
    }
    table.columns.retain(|known| known.name != *column);
    table.unique_keys.retain(|key| !key.columns.contains(column));
    table.indexes.retain(|index| !uses(index, column));
    table.foreign_keys.retain(|key| !key.relation.columns.contains(column));
    table.checks.retain(|check| !mentions(&check.expression, column));
    Ok(())
}

fn refuse_if_referenced(schema: &Schema, table: &TableName, column: &ColumnName) -> Result<()> {
    let references = |key: &&ForeignKey| {
        let relation = &key.relation;
        relation.referenced_table == *table
            && relation.referenced_columns.contains(column)
            && !(relation.table == *table && relation.columns.contains(column))
    };
    match schema.foreign_keys().find(references) {
        Some(key) => Err(Error::invalid_input(format!(
            "nothing was changed: {table}.{column} is referenced by {}; drop that key first",
            key.relation
        ))),
        None => Ok(()),
    }
}

fn add_unique(backend: Backend, table: &mut Table, columns: &[ColumnName]) {
    let mut key = UniqueKey::new(columns.to_vec());
    if backend == Backend::Postgres {
        // The name it would get by itself: the index that it is made from needs one.
        let columns: Vec<_> = columns.iter().map(ColumnName::as_str).collect();
        let name = format!("{}_{}_key", table.name.name(), columns.join("_"));
        key.name = Some(ConstraintName::new(schema::within_limit(backend, name)));
    }
    // An index of the key's own name is what an interrupted run left, which did not come to make the key from it.
    let is_half = |index: &Index| key.name.as_ref().is_some_and(|name| name.as_str() == index.name);
    let is_index = |index: &Index| index.unique && is_plain(index, columns) && !is_half(index);
    let is_there = table.unique_keys.iter().any(|key| key.columns == columns) || table.indexes.iter().any(is_index);
    if !is_there {
        table.unique_keys.push(key);
    }
}

fn add_index(backend: Backend, table: &mut Table, statement: &IndexCreateStatement) -> Result<()> {
    let mut made = Table::new(table.name.clone());
    schema::add_index(backend, &mut made, statement);
    if made.primary_key.is_some() {
        return Err(Error::invalid_input(format!(
            "nothing was changed: {} is there, and its primary key cannot be altered",
            table.name
        )));
    }
    for key in made.unique_keys {
        has_columns(table, &key.columns)?;
        if !table.is_unique(&key.columns) {
            table.unique_keys.push(key);
        }
    }
    for index in made.indexes {
        let columns = index.columns().unwrap_or_default();
        has_columns(table, &columns)?;
        let is_there = |known: &Index| is_plain(known, &columns) && known.unique == index.unique;
        let is_unique = index.unique && table.unique_keys.iter().any(|key| key.columns == columns);
        if !is_unique && !table.indexes.iter().any(is_there) {
            // What a failed CREATE INDEX CONCURRENTLY left makes room for it.
            table
                .indexes
                .retain(|known| !(known.invalid && known.name == index.name));
            table.indexes.push(index);
        }
    }
    Ok(())
}

fn set_foreign_key(backend: Backend, table: &mut Table, statement: &ForeignKeyCreateStatement) -> Result<()> {
    let said = statement.get_foreign_key();
    let columns: Vec<_> = said.get_columns().into_iter().map(ColumnName::new).collect();
    has_columns(table, &columns)?;
    let Some(referenced) = said.get_ref_table() else {
        return Err(Error::invalid_input(format!(
            "nothing was changed: what does {}.{} reference? Say so with `to`",
            table.name,
            ColumnList(&columns)
        )));
    };
    let usual = schema::usual_name(&table.name, &columns);
    let mut key = ForeignKey::new(Relation {
        constraint: backend
            .capability()
            .names_foreign_keys
            .then(|| said.get_name().map_or(usual, ConstraintName::new)),
        table: table.name.clone(),
        columns,
        referenced_table: schema::table_name(referenced),
        referenced_columns: said.get_ref_columns().into_iter().map(ColumnName::new).collect(),
    });
    key.on_delete = said.get_on_delete().as_ref().map_or(Action::NoAction, Action::from);
    key.on_update = said.get_on_update().as_ref().map_or(Action::NoAction, Action::from);
    match table.foreign_keys.iter_mut().find(|known| known.is_same_key(&key)) {
        Some(known) => {
            key.relation.constraint = known.relation.constraint.take();
            key.matching = known.matching;
            key.deferrable = known.deferrable;
            *known = key;
        }
        None => table.foreign_keys.push(key),
    }
    Ok(())
}

/// The table that its key references.
pub(super) fn references(edit: &Edit) -> Option<TableName> {
    match edit {
        Edit::ForeignKey(statement) => statement.get_foreign_key().get_ref_table().map(schema::table_name),
        _ => None,
    }
}

/// Whether it says how this key is to be.
pub(super) fn declares(edit: &Edit, key: &ForeignKey) -> bool {
    match edit {
        Edit::ForeignKey(statement) => {
            let columns = statement.get_foreign_key().get_columns();
            let known = key.relation.columns.iter().map(ColumnName::as_str);
            known.eq(columns.iter().map(String::as_str))
        }
        _ => false,
    }
}

fn has_columns(table: &Table, columns: &[ColumnName]) -> Result<()> {
    match columns.iter().find(|column| table.column(column).is_none()) {
        Some(column) => Err(no_column(table, column)),
        None => Ok(()),
    }
}

fn no_column(table: &Table, column: &ColumnName) -> Error {
    let known = table.columns.iter().map(|known| known.name.as_str());
    let guess = did_you_mean(column.as_str(), known);
    Error::invalid_input(format!(
        "nothing was changed: {} has no column {column}{guess}",
        table.name
    ))
}

/// Whether it is a usable index of exactly these columns and all rows.
pub(super) fn is_plain(index: &Index, columns: &[ColumnName]) -> bool {
    let is_whole = index.predicate.is_none() && index.include.is_empty() && index.is_ordered() && !index.invalid;
    is_whole && index.columns().as_deref() == Some(columns)
}

fn uses(index: &Index, column: &ColumnName) -> bool {
    let part = index.parts.iter().any(|part| match &part.key {
        IndexKey::Column(known) => known == column,
        IndexKey::Expression(expression) => mentions(expression, column),
    });
    let predicate = index.predicate.as_deref();
    part || index.include.contains(column) || predicate.is_some_and(|sql| mentions(sql, column))
}

/// Whether a piece of SQL has the column's name as a word.
pub(super) fn mentions(sql: &str, column: &ColumnName) -> bool {
    let mut words = sql.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.any(|word| word.eq_ignore_ascii_case(column.as_str()))
}
