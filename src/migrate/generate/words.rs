//! Keys, indexes and tables in SeaORM's words.

use sea_orm::sea_query::{
    ForeignKeyAction, ForeignKeyCreateStatement, Index as SeaIndex, Table as SeaTable, TableCreateStatement,
    TableForeignKey,
};

use super::columns::{Written, definition, recalled};
use super::rust::{Chain, name_or_tuple, string};
use crate::backend::Backend;
use crate::name::{ColumnName, TableName};
use crate::schema::{self, Action, ForeignKey, Index, Schema, Table};

/// A table's name, as SeaORM takes it: `"posts"`, or `("sales", "posts")`.
pub(super) fn table(name: &TableName) -> String {
    match name.schema() {
        Some(schema) => format!("({}, {})", string(schema), string(name.name())),
        None => string(name.name()),
    }
}

/// A table's name, as this crate reads it.
pub(super) fn written(name: &TableName) -> String {
    string(&name.to_string())
}

/// `Table::create().table("posts")…`, with those of its keys that can stand in it.
pub(super) fn create_table(
    backend: Backend,
    statement: &TableCreateStatement,
    name: &TableName,
    can_stand_in_it: impl Fn(&TableForeignKey) -> bool,
) -> Chain {
    let mut chain = Chain::new("Table::create()")
        .call("table", [table(name)])
        .plain("if_not_exists");
    for column in statement.get_columns() {
        chain = chain.call("col", [definition(backend, column, Written::Whole)]);
    }
    for index in statement.get_indexes() {
        let spec = index.get_index_spec();
        let mut made = Chain::new("Index::create()");
        if let Some(name) = spec.get_name() {
            made = made.call("name", [string(name)]);
        }
        for column in spec.get_column_names() {
            made = made.call("col", [string(&column)]);
        }
        chain = match index.is_primary_key() {
            true => chain.call("primary_key", [made]),
            false => chain.call("index", [made.plain("unique")]),
        };
    }
    for key in statement.get_foreign_key_create_stmts() {
        let key = key.get_foreign_key();
        if can_stand_in_it(key) {
            chain = chain.call("foreign_key", [foreign_key(key, name)]);
        }
    }
    if let Some(comment) = statement.get_comment() {
        chain = chain.call("comment", [string(comment)]);
    }
    chain.plain("to_owned")
}

/// `ForeignKey::create().from("posts", "user_id").to("users", "id")…`.
pub(super) fn foreign_key(key: &TableForeignKey, of: &TableName) -> Chain {
    let mut chain = Chain::new("ForeignKey::create()");
    if let Some(name) = key.get_name() {
        chain = chain.call("name", [string(name)]);
    }
    let (columns, referenced_columns) = (key.get_columns(), key.get_ref_columns());
    let referenced = key.get_ref_table().map(schema::table_name);
    chain = chain.call("from", [table(of), name_or_tuple(columns.iter().map(String::as_str))]);
    if let Some(referenced) = referenced {
        let columns = name_or_tuple(referenced_columns.iter().map(String::as_str));
        chain = chain.call("to", [table(&referenced), columns]);
    }
    for (event, action) in [("on_delete", key.get_on_delete()), ("on_update", key.get_on_update())] {
        if let Some(action) = action.filter(|action| !matches!(action, ForeignKeyAction::NoAction)) {
            chain = chain.call(event, [format!("ForeignKeyAction::{action:?}")]);
        }
    }
    chain
}

/// The statement that makes this key again.
pub(super) fn recalled_key(key: &ForeignKey) -> ForeignKeyCreateStatement {
    let relation = &key.relation;
    let usual = || schema::usual_name(&relation.table, &relation.columns);
    let mut statement = ForeignKeyCreateStatement::new();
    statement.name(relation.constraint.clone().unwrap_or_else(usual).as_str());
    statement.from_tbl(relation.table.name().to_owned());
    match relation.referenced_table.schema() {
        Some(schema) => statement.to_tbl((schema.to_owned(), relation.referenced_table.name().to_owned())),
        None => statement.to_tbl(relation.referenced_table.name().to_owned()),
    };
    for column in &relation.columns {
        statement.from_col(column.as_str().to_owned());
    }
    for column in &relation.referenced_columns {
        statement.to_col(column.as_str().to_owned());
    }
    if let Some(action) = sea_action(key.on_delete) {
        statement.on_delete(action);
    }
    if let Some(action) = sea_action(key.on_update) {
        statement.on_update(action);
    }
    statement
}

const fn sea_action(action: Action) -> Option<ForeignKeyAction> {
    match action {
        Action::Cascade => Some(ForeignKeyAction::Cascade),
        Action::SetNull => Some(ForeignKeyAction::SetNull),
        Action::SetDefault => Some(ForeignKeyAction::SetDefault),
        Action::Restrict => Some(ForeignKeyAction::Restrict),
        Action::NoAction | Action::SetValue | Action::Protect | Action::DoNothing | Action::Unknown => None,
    }
}

/// `Index::create().name("idx-posts-title").col("title")`, without its table.
pub(super) fn index(name: &str, unique: bool, columns: &[ColumnName]) -> Chain {
    index_on(
        Chain::new("Index::create()").call("name", [string(name)]),
        unique,
        columns,
    )
}

/// The same for a table.
pub(super) fn index_of(of: &TableName, name: &str, unique: bool, columns: &[ColumnName]) -> Chain {
    let chain = Chain::new("Index::create()").plain("if_not_exists");
    let chain = chain.call("name", [string(name)]).call("table", [table(of)]);
    index_on(chain, unique, columns).plain("to_owned")
}

fn index_on(chain: Chain, unique: bool, columns: &[ColumnName]) -> Chain {
    let chain = if unique { chain.plain("unique") } else { chain };
    columns
        .iter()
        .fold(chain, |chain, column| chain.call("col", [string(column.as_str())]))
}

/// The statement that makes this table again.
pub(super) fn recalled_table(live: &Schema, table: &Table) -> TableCreateStatement {
    let mut statement = SeaTable::create();
    let single = table.primary_key.as_ref().filter(|key| key.columns.len() == 1);
    for column in &table.columns {
        let mut made = recalled(live, column, None);
        if single.is_some_and(|key| key.columns.contains(&column.name)) {
            made.primary_key();
        }
        let is_unique = |key: &schema::UniqueKey| key.columns == [column.name.clone()];
        if table.unique_keys.iter().any(is_unique) {
            made.unique_key();
        }
        statement.col(made);
    }
    if let Some(key) = table.primary_key.as_ref().filter(|key| key.columns.len() > 1) {
        let mut index = SeaIndex::create();
        index.name(format!("pk-{}", table.name.name())).primary();
        for column in &key.columns {
            index.col(column.as_str().to_owned());
        }
        statement.primary_key(&mut index);
    }
    for key in &table.foreign_keys {
        statement.foreign_key(&mut recalled_key(key));
    }
    statement
}

/// Whether it can be said in these words: whole columns, all rows.
pub(super) fn is_plain(index: &Index) -> bool {
    let bare = index.parts.iter().all(|part| part.modifiers.is_empty());
    bare && index.columns().is_some() && index.predicate.is_none() && index.include.is_empty() && index.is_ordered()
}
