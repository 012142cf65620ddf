//! SQLite: ALTER TABLE where it can, else the table is built anew (SQLite, "ALTER TABLE", section 7).

use std::collections::BTreeMap;

use super::{Change, Class, Script, Step};
use crate::backend::Backend::Sqlite;
use crate::ddl::{self, identifier, table_name};
use crate::name::{ColumnName, TableName};
use crate::schema::{ForeignKey, Identity, LeftOutKind, Table};

pub(super) fn statements(script: &Script<'_>) -> Vec<Step> {
    let rebuilt = rebuilt(script);
    let in_place = |change: &Change| change.table().is_none_or(|table| !rebuilt.contains_key(table));
    let mut steps = script.each(|change| match change {
        Change::DropTable { table } => Some(format!("DROP TABLE {}", table_name(Sqlite, &table.name))),
        _ => None,
    });
    let enforced_off = !rebuilt.is_empty() || !steps.is_empty();
    steps.extend(script.each(|change| alter(change).filter(|_| in_place(change) && turn(change) == 0)));
    let mut last = Vec::new();
    for (table, class) in &rebuilt {
        if let (Some(from), Some(to)) = (script.from.table(table), script.to.table(table)) {
            let interim = interim_name(script, table);
            steps.extend(
                rebuild(from, to, &interim)
                    .into_iter()
                    .map(|sql| super::step(sql, *class)),
            );
            last.extend(finish(script, from, to).into_iter().map(|sql| super::step(sql, *class)));
        }
    }
    steps.extend(script.create_tables().0);
    steps.extend(last);
    for due in 1..=3 {
        steps.extend(script.each(|change| alter(change).filter(|_| in_place(change) && turn(change) == due)));
    }
    steps.extend(find_orphans(script));
    let around = |sql: &str| super::step(sql.to_owned(), Class::Safe);
    if enforced_off || steps.len() > 1 {
        steps.insert(0, around("BEGIN IMMEDIATE"));
        steps.push(around("COMMIT"));
    }
    if enforced_off {
        // With enforcement on, dropping a table would delete the rows that reference it.
        steps.insert(0, around("PRAGMA foreign_keys = OFF"));
        steps.push(around("PRAGMA foreign_keys = ON"));
    }
    steps
}

/// The names of indexes are the database's, so those that go make room. What is computed comes after what it is computed from, and an index
/// after its columns.
const fn turn(change: &Change) -> u8 {
    match change {
        Change::DropIndex { .. } => 0,
        Change::AddColumn { column, .. } if column.generated.is_none() => 1,
        Change::AddColumn { .. } => 2,
        _ => 3,
    }
}

/// The tables that must be built anew, and the most dangerous class among their changes.
fn rebuilt<'a>(script: &'a Script<'_>) -> BTreeMap<&'a TableName, Class> {
    let mut rebuilt: BTreeMap<&TableName, Class> = BTreeMap::new();
    for difference in &script.differences {
        let change = &difference.change;
        let made_or_gone = matches!(change, Change::CreateTable { .. } | Change::DropTable { .. });
        if let Some(table) = change.table()
            && !made_or_gone
            && alter(change).is_none()
        {
            rebuilt.insert(table, difference.class);
        }
    }
    for (table, class) in &mut rebuilt {
        let same_table = script
            .differences
            .iter()
            .filter(|difference| difference.change.table() == Some(table));
        *class = same_table.map(|difference| difference.class).fold(*class, Ord::max);
    }
    rebuilt
}

/// What SQLite can do to a table that is there.
fn alter(change: &Change) -> Option<String> {
    match change {
        Change::AddIndex { table, index } => Some(ddl::index_statement(Sqlite, table, index)),
        Change::DropIndex { index, .. } => Some(format!("DROP INDEX {}", identifier(Sqlite, &index.name))),
        Change::AddColumn { table, column } if ddl::sqlite_can_add(column) => {
            let of = Table::new(table.clone());
            Some(format!(
                "ALTER TABLE {} ADD COLUMN {}",
                table_name(Sqlite, table),
                ddl::column(Sqlite, &of, column)
            ))
        }
        _ => None,
    }
}

/// A name that nothing has.
fn interim_name(script: &Script<'_>, table: &TableName) -> TableName {
    let is_taken = |name: &TableName| {
        let left_out = script.from.left_out.iter().any(|left_out| left_out.name == *name);
        script.from.table(name).is_some() || script.to.table(name).is_some() || left_out
    };
    let mut name = TableName::new(format!("{} rebuilt", table.name()));
    while is_taken(&name) {
        name = TableName::new(format!("{} again", name.name()));
    }
    name
}

fn rebuild(from: &Table, to: &Table, interim_name: &TableName) -> Vec<String> {
    let name = table_name(Sqlite, &to.name);
    let interim = table_name(Sqlite, interim_name);
    let mut made = Table {
        name: interim_name.clone(),
        ..to.clone()
    };
    made.indexes.clear();
    let keys: Vec<_> = to.foreign_keys.iter().filter(|key| ddl::is_constraint(key)).collect();
    let mut steps = ddl::create_table(Sqlite, &made, &keys);
    let copied: Vec<_> = to
        .columns
        .iter()
        .filter(|column| column.generated.is_none() && from.column(&column.name).is_some())
        .map(|column| identifier(Sqlite, column.name.as_str()))
        .collect();
    if !copied.is_empty() {
        let columns = copied.join(", ");
        steps.push(format!(
            "INSERT INTO {interim} ({columns}) SELECT {columns} FROM {name}"
        ));
    }
    let counts_up = |table: &Table| {
        table
            .columns
            .iter()
            .any(|column| column.identity == Some(Identity::AutoIncrement))
    };
    if counts_up(from) && counts_up(to) {
        // The last number is kept, so that no number is given twice.
        let (old, new) = (ddl::literal(from.name.name()), ddl::literal(interim_name.name()));
        steps.push(format!("DELETE FROM sqlite_sequence WHERE name = {new}"));
        steps.push(format!(
            "INSERT INTO sqlite_sequence (name, seq) SELECT {new}, seq FROM sqlite_sequence WHERE name = {old}"
        ));
    }
    steps.push(format!("DROP TABLE {name}"));
    // Without it, renaming would also rewrite what other tables, views and triggers say of the interim name.
    steps.push("PRAGMA legacy_alter_table = ON".to_owned());
    steps.push(format!("ALTER TABLE {interim} RENAME TO {name}"));
    steps.push("PRAGMA legacy_alter_table = OFF".to_owned());
    steps
}

/// What hangs on a table that was built anew, once no old index is left whose name could be in the way.
fn finish(script: &Script<'_>, from: &Table, to: &Table) -> Vec<String> {
    let mut steps = Vec::new();
    steps.extend(
        to.indexes
            .iter()
            .map(|index| ddl::index_statement(Sqlite, &to.name, index)),
    );
    let triggers = script
        .from
        .left_out
        .iter()
        .filter(|left_out| left_out.kind == LeftOutKind::Trigger && left_out.table.as_ref() == Some(&from.name));
    steps.extend(triggers.filter_map(|trigger| trigger.definition.clone()));
    steps
}

/// Enforcement is off while tables are built anew, so a CHECK does what the keys would do.
fn find_orphans(script: &Script<'_>) -> Vec<Step> {
    let may_have = |table: &&Table| script.from.table(&table.name).is_some() && may_have_orphans(script, table);
    let tables = script.to.tables.iter().filter(may_have);
    let statements = tables.flat_map(|table| {
        let told = identifier(
            Sqlite,
            &format!("every row of {} references one that is there", table.name),
        );
        [
            format!("CREATE TEMP TABLE orphans (rows INTEGER CONSTRAINT {told} CHECK (rows = 0))"),
            format!(
                "INSERT INTO orphans SELECT COUNT(*) FROM pragma_foreign_key_check({})",
                ddl::literal(table.name.name())
            ),
            "DROP TABLE temp.orphans".to_owned(),
        ]
    });
    statements.map(|sql| super::step(sql, Class::DataDependent)).collect()
}

/// Whether it gets a key, or a key's columns, on either side, get other values by a new type.
fn may_have_orphans(script: &Script<'_>, table: &Table) -> bool {
    let is_retyped = |of: &TableName, columns: &[ColumnName]| {
        script.differences.iter().any(|difference| match &difference.change {
            Change::ChangeColumn { table, from, to } => {
                let is_other = from.data_type != to.data_type || from.collation != to.collation;
                table == of && is_other && columns.contains(&to.name)
            }
            _ => false,
        })
    };
    let is_added = |key: &ForeignKey| {
        script.differences.iter().any(|difference| match &difference.change {
            Change::AddForeignKey { key: added } => added.is_same_key(key),
            _ => false,
        })
    };
    table
        .foreign_keys
        .iter()
        .filter(|key| ddl::is_constraint(key))
        .any(|key| {
            let relation = &key.relation;
            is_added(key)
                || is_retyped(&relation.table, &relation.columns)
                || is_retyped(&relation.referenced_table, &relation.referenced_columns)
        })
}
