//! Tables that are made, renamed, dropped.

use std::collections::BTreeSet;

use sea_orm::sea_query::{ColumnType, TableForeignKey};

use super::file::{Block, File};
use super::rust::{Chain, array, string};
use super::{Given, words};
use crate::backend::Backend;
use crate::ddl;
use crate::diff::Change;
use crate::name::{ColumnName, TableName};
use crate::schema::{self, ForeignKey, NamedType, NamedTypeKind, Table};

pub(super) fn rename(old: &TableName, new: &TableName) -> Chain {
    let statement = Chain::new("Table::rename()")
        .call("table", [words::table(old), words::table(new)])
        .plain("to_owned");
    Chain::new("manager").call("rename_table", [statement]).wait()
}

pub(super) fn rename_column(table: &TableName, old: &ColumnName, new: &ColumnName) -> Chain {
    let statement = Chain::new("Table::alter()")
        .call("table", [words::table(table)])
        .call("rename_column", [string(old.as_str()), string(new.as_str())])
        .plain("to_owned");
    Chain::new("manager").call("alter_table", [statement]).wait()
}

/// An index as the entities declare it.
pub(super) struct DeclaredIndex {
    pub(super) name: String,
    pub(super) unique: bool,
    pub(super) columns: Vec<ColumnName>,
}

/// The table's indexes: those of the entity's statements, and those that its keys get.
pub(super) fn declared_indexes(given: &Given<'_>, table: &Table) -> Vec<DeclaredIndex> {
    let statements = given
        .entity(&table.name)
        .map(|entity| (entity.create_indexes)(Backend::Sqlite.into()));
    let mut declared: Vec<_> = statements
        .into_iter()
        .flatten()
        .map(|statement| {
            let spec = statement.get_index_spec();
            DeclaredIndex {
                name: spec.get_name().unwrap_or_default().to_owned(),
                unique: statement.is_unique_key(),
                columns: spec.get_column_names().into_iter().map(ColumnName::new).collect(),
            }
        })
        .collect();
    for index in &table.indexes {
        if let Some(columns) = index.columns()
            && !declared.iter().any(|known| known.name == index.name)
        {
            declared.push(DeclaredIndex {
                name: index.name.clone(),
                unique: index.unique,
                columns,
            });
        }
    }
    declared.sort_by(|a, b| a.name.cmp(&b.name));
    declared
}

/// Makes the tables that are missing, referenced ones first, and before them the types they need.
pub(super) fn create(given: &Given<'_>, file: &mut File) {
    create_types(given, file);
    let is_made = |name: &TableName| {
        given
            .changes()
            .any(|change| matches!(change, Change::CreateTable { table } if table.name == *name))
    };
    let there: BTreeSet<_> = given
        .wanted
        .tables
        .iter()
        .map(|table| table.name.clone())
        .filter(|name| !is_made(name))
        .collect();
    // As PostgreSQL makes them: on SQLite a key could stand before what it references.
    let mut as_elsewhere = given.wanted.clone();
    as_elsewhere.backend = Backend::Postgres;
    let creation = ddl::creation(&as_elsewhere, &there);
    // PostgreSQL makes a key only while nobody writes to what it references, and drops it only while nobody reads that: on a table in use
    // it is left to an alteration, which does not wait for that in everybody's way.
    let is_in_use = |key: &ForeignKey| !is_made(&key.relation.referenced_table);
    let mut made_keys = creation.tables.iter().flat_map(|(_, keys)| keys.iter());
    // In one transaction all or nothing; else each is looked for before it is made.
    let alone = creation.later.is_empty()
        && !made_keys.any(|key| is_in_use(key))
        && !given.changes().any(super::changes::alters);
    for (table, keys) in &creation.tables {
        let (later, inline): (Vec<_>, Vec<_>) = keys.iter().copied().partition(|key| is_in_use(key));
        create_one(given, file, table, &inline);
        let name = &table.name;
        let indexes = declared_indexes(given, table);
        // They go with their table.
        if alone {
            for index in &indexes {
                let made = words::index_of(name, &index.name, index.unique, &index.columns);
                file.step_up(Block::new(Chain::new("manager").call("create_index", [made]).wait()));
            }
            continue;
        }
        let (mut alteration, mut back) = (super::changes::alteration(name), super::changes::alteration(name));
        for index in &indexes {
            let made = words::index(&index.name, index.unique, &index.columns);
            alteration = alteration.call("add_index", [made]);
        }
        for key in &later {
            if let Some(statement) = declared_key(given, key) {
                alteration = alteration.call("add_foreign_key", [words::foreign_key(&statement, name)]);
                back = back.call("drop_foreign_key", [columns_of(key)]);
            }
        }
        match (later.is_empty(), indexes.is_empty()) {
            (true, true) => {}
            (true, false) => file.step_up(Block::new(super::changes::run(alteration))),
            (false, _) => file.both(super::changes::run(alteration), super::changes::run(back)),
        }
    }
    for key in &creation.later {
        let Some(statement) = declared_key(given, key) else {
            continue;
        };
        let relation = &key.relation;
        let add = super::changes::alteration(&relation.table)
            .call("add_foreign_key", [words::foreign_key(&statement, &relation.table)]);
        let drop = super::changes::alteration(&relation.table).call("drop_foreign_key", [columns_of(key)]);
        file.both(super::changes::run(add), super::changes::run(drop));
    }
}

fn columns_of(key: &ForeignKey) -> String {
    array(key.relation.columns.iter().map(ColumnName::as_str))
}

fn create_one(given: &Given<'_>, file: &mut File, table: &Table, keys: &[&ForeignKey]) {
    let backend = given.live.backend;
    let Some(statement) = given.statement(&table.name) else {
        return;
    };
    let can_stand_in_it = |key: &TableForeignKey| {
        keys.iter().any(|inline| {
            let columns = inline.relation.columns.iter().map(ColumnName::as_str);
            columns.eq(key.get_columns().iter().map(String::as_str))
        })
    };
    let made = words::create_table(backend, &statement, &table.name, can_stand_in_it);
    file.both(
        Chain::new("manager").call("create_table", [made]).wait(),
        drop_table(&table.name),
    );
}

fn drop_table(name: &TableName) -> Chain {
    let statement = Chain::new("Table::drop()")
        .call("table", [words::table(name)])
        .plain("if_exists")
        .plain("to_owned");
    Chain::new("manager").call("drop_table", [statement]).wait()
}

/// The key as the entity declares it.
pub(super) fn declared_key(given: &Given<'_>, key: &ForeignKey) -> Option<TableForeignKey> {
    let relation = &key.relation;
    let statement = given.statement(&relation.table)?;
    let mut keys = statement
        .get_foreign_key_create_stmts()
        .iter()
        .map(|key| key.get_foreign_key());
    let is_it = |known: &&TableForeignKey| {
        let columns = relation.columns.iter().map(ColumnName::as_str);
        let referenced = known.get_ref_table().map(schema::table_name);
        columns.eq(known.get_columns().iter().map(String::as_str))
            && referenced.is_some_and(|table| table.name() == relation.referenced_table.name())
    };
    keys.find(is_it).cloned()
}

/// PostgreSQL's enums are types with a name, and come before the columns that use them.
fn create_types(given: &Given<'_>, file: &mut File) {
    let mut made = BTreeSet::new();
    for entity in given.entities.registered() {
        let Some(statement) = given.statement(&entity.table) else {
            continue;
        };
        for column in statement.get_columns() {
            let Some(ColumnType::Enum { name, variants }) = column.get_column_type() else {
                continue;
            };
            let labels: Vec<_> = variants.iter().map(ToString::to_string).collect();
            if is_new_type(given, &name.to_string()) && made.insert(name.to_string()) {
                let labels = array(labels.iter().map(String::as_str));
                let create = Chain::new("Type::create()")
                    .call("as_enum", [string(&name.to_string())])
                    .call("values", [labels])
                    .plain("to_owned");
                let drop = Chain::new("Type::drop()")
                    .plain("if_exists")
                    .call("name", [string(&name.to_string())])
                    .plain("to_owned");
                let needs = format!(
                    "needs_type(manager.get_connection(), {}).await?",
                    string(&name.to_string())
                );
                file.step(
                    Block::only_if(needs, Chain::new("manager").call("create_type", [create]).wait()),
                    Block::on_postgres(Chain::new("manager").call("drop_type", [drop]).wait()),
                );
            }
        }
    }
}

/// The labels that a type gets, each with the one it comes before, if it only gets some.
pub(super) fn added_labels<'t>(from: &'t NamedType, to: &'t NamedType) -> Option<Vec<(&'t str, Option<&'t str>)>> {
    let (NamedTypeKind::Enum(from), NamedTypeKind::Enum(to)) = (&from.kind, &to.kind) else {
        return None;
    };
    let mut there = from.iter().map(String::as_str).peekable();
    let mut added = Vec::new();
    for label in to {
        match there.peek() {
            Some(next) if next == label => {
                there.next();
            }
            next => added.push((label.as_str(), next.copied())),
        }
    }
    there.next().is_none().then_some(added)
}

/// Labels that PostgreSQL's enums get, before columns and defaults use them.
pub(super) fn add_labels(given: &Given<'_>, file: &mut File) {
    for change in given.changes() {
        let Change::ChangeType { from, to } = change else {
            continue;
        };
        let name = to.name.name();
        for (label, before) in added_labels(from, to).unwrap_or_default() {
            let mut alter = Chain::new("Type::alter()")
                .call("name", [string(name)])
                .call("add_value", [string(label)])
                .plain("if_not_exists");
            if let Some(before) = before {
                alter = alter.call("before", [string(before)]);
            }
            let alter = Chain::new("manager").call("alter_type", [alter]).wait();
            file.step(
                Block::on_postgres(alter),
                Block::remark_alone().remark(format!("{name} keeps {label:?}: PostgreSQL takes no label off a type.")),
            );
        }
    }
}

/// Whether no column that is there has the type; on PostgreSQL the catalog says so itself.
fn is_new_type(given: &Given<'_>, name: &str) -> bool {
    let is_missing = given
        .changes()
        .any(|change| matches!(change, Change::CreateType { named } if named.name.name() == name));
    match given.live.backend {
        Backend::Postgres => is_missing,
        Backend::MySql | Backend::Sqlite => !given.entities.registered().iter().any(|entity| {
            let statement = given.statement(&entity.table);
            let live = given.live.table(&TableName::new(entity.table.name()));
            let mut columns = statement.iter().flat_map(|statement| statement.get_columns());
            columns.any(|column| {
                let is_it = matches!(column.get_column_type(), Some(ColumnType::Enum { name: known, .. }) if known.to_string() == name);
                is_it && live.is_some_and(|live| live.column(&ColumnName::new(column.get_column_name())).is_some())
            })
        }),
    }
}

/// Tables that nothing declares: for a person to uncomment.
pub(super) fn drop(given: &Given<'_>, file: &mut File) {
    let dropped: Vec<_> = given
        .changes()
        .filter_map(|change| match change {
            Change::DropTable { table } => Some(table.as_ref()),
            _ => None,
        })
        .collect();
    if dropped.is_empty() {
        return;
    }
    let staying: BTreeSet<_> = given
        .live
        .tables
        .iter()
        .map(|table| table.name.clone())
        .filter(|name| !dropped.iter().any(|table| table.name == *name))
        .collect();
    let order = ddl::creation(given.live, &staying).tables;
    for (table, keys) in order.into_iter().rev() {
        let name = &table.name;
        let statement = words::recalled_table(given.live, table);
        let can_stand_in_it = |key: &TableForeignKey| {
            let columns = key.get_columns();
            keys.iter().any(|inline| {
                let inline = inline.relation.columns.iter().map(ColumnName::as_str);
                inline.eq(columns.iter().map(String::as_str))
            })
        };
        let create = words::create_table(given.live.backend, &statement, name, can_stand_in_it);
        file.note(format!(
            "{name}: nothing declares it; dropping it is commented out, since its rows are lost"
        ));
        file.step(
            Block::commented(drop_table(name)).remark(format!("Destructive: the rows of {name} are lost.")),
            Block::commented(Chain::new("manager").call("create_table", [create]).wait())
                .remark(format!("{name} as it was, without its rows and indexes.")),
        );
    }
}
