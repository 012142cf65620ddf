//! What stays as it is, but is in the way of a change: it is taken off before and put back after.
//!
//! A computed column whose expression changes is made anew, and what hangs on a column goes with it: indexes, keys, checks. A key that is
//! referenced cannot go while the foreign key is there. SQLite's tables are built anew as a whole, so there nothing is in the way.

use std::collections::BTreeSet;

use super::{Change, Class, Difference};
use crate::backend::Backend;
use crate::ddl;
use crate::diff::class::is_only_longer;
use crate::name::{ColumnName, TableName};
use crate::schema::{Check, Column, ForeignKey, Index, IndexKey, NamedType, Schema, Storage, Table};

/// A column of a table.
type Place = (TableName, ColumnName);

/// The differences with those that take off and put back what is in the way. These come first.
pub(super) fn taken_off_and_put_back(from: &Schema, to: &Schema, differences: &[Difference]) -> Vec<Difference> {
    if to.backend == Backend::Sqlite {
        return differences.to_vec();
    }
    let retyped = retyped(from, differences);
    let (mut all, remade) = remade(from, to, &retyped, differences);
    let hanging: Vec<_> = from
        .tables
        .iter()
        .filter(|table| to.table(&table.name).is_some())
        .flat_map(|table| hanging(to.backend, table, &remade, &retyped.by_name, &all))
        .collect();
    put_first(&mut all, to.backend, hanging);
    let keys = keys(from, &remade, &retyped.all, &all);
    put_first(&mut all, to.backend, keys);
    all
}

fn put_first(all: &mut Vec<Difference>, backend: Backend, changes: Vec<Change>) {
    all.splice(0..0, changes.into_iter().map(|change| Difference::new(backend, change)));
}

/// A type with a name that cannot be changed in place.
pub(super) fn is_type_made_anew(from: &NamedType, to: &NamedType) -> bool {
    !is_only_longer(from, to)
}

/// Whether the column's values are of this type, or lists of it.
pub(super) fn has_type(column: &Column, name: &TableName) -> bool {
    TableName::read(column.data_type.trim_end_matches("[]")).as_ref() == Some(name)
}

/// The columns whose type changes; and of them those whose type keeps its name.
struct Retyped {
    all: BTreeSet<Place>,
    by_name: BTreeSet<Place>,
}

fn retyped(from: &Schema, differences: &[Difference]) -> Retyped {
    let (mut all, mut by_name) = (BTreeSet::new(), BTreeSet::new());
    for difference in differences {
        match &difference.change {
            Change::ChangeColumn { table, from, to }
                if from.data_type != to.data_type || from.collation != to.collation =>
            {
                all.insert((table.clone(), to.name.clone()));
            }
            Change::ChangeType { from: known, to } if is_type_made_anew(known, to) => {
                for table in &from.tables {
                    let columns = table.columns.iter().filter(|column| has_type(column, &to.name));
                    by_name.extend(columns.map(|column| (table.name.clone(), column.name.clone())));
                }
            }
            _ => {}
        }
    }
    all.extend(by_name.iter().cloned());
    Retyped { all, by_name }
}

/// Columns that are dropped and added, since they cannot be altered: what is computed has no values to lose.
fn remade(
    from: &Schema,
    to: &Schema,
    retyped: &Retyped,
    differences: &[Difference],
) -> (Vec<Difference>, BTreeSet<Place>) {
    let mut columns = BTreeSet::new();
    let mut all = Vec::new();
    let mut remake = |table: &TableName, from: &Column, to: &Column, class: Class, reason: &str| {
        columns.insert((table.clone(), to.name.clone()));
        let (table, from, to) = (table.clone(), Box::new(from.clone()), Box::new(to.clone()));
        let drop = Change::DropColumn {
            table: table.clone(),
            column: from,
        };
        [drop, Change::AddColumn { table, column: to }].map(|change| Difference {
            change,
            class,
            reason: reason.to_owned(),
        })
    };
    let mut changed = BTreeSet::new();
    for difference in differences {
        match &difference.change {
            Change::ChangeColumn {
                table,
                from,
                to: column,
            } => {
                changed.insert((table.clone(), column.name.clone()));
                match cannot_be_altered(to.backend, table, from, column, retyped) {
                    true => all.extend(remake(table, from, column, difference.class, &difference.reason)),
                    false => all.push(difference.clone()),
                }
            }
            _ => all.push(difference.clone()),
        }
    }
    for table in &to.tables {
        for column in &table.columns {
            let known = from.table(&table.name).and_then(|table| table.column(&column.name));
            if let Some(known) = known
                && !changed.contains(&(table.name.clone(), column.name.clone()))
                && cannot_be_altered(to.backend, &table.name, known, column, retyped)
            {
                all.extend(remake(
                    &table.name,
                    known,
                    column,
                    Class::Blocking,
                    "it is computed anew",
                ));
            }
        }
    }
    (all, columns)
}

fn cannot_be_altered(backend: Backend, table: &TableName, from: &Column, to: &Column, retyped: &Retyped) -> bool {
    match (&from.generated, &to.generated) {
        (None, None) => false,
        // PostgreSQL refuses new types for computed columns, and for those they are computed from.
        (Some(made), Some(wanted)) if made == wanted => {
            let uses =
                |(of, column): &Place| of == table && (*column == to.name || made.expression.contains(column.as_str()));
            backend == Backend::Postgres && retyped.all.iter().any(uses)
        }
        // Stored values stay when the expression goes.
        (Some(made), None) => made.storage == Storage::Virtual,
        // Before PostgreSQL 17 no expression can be altered; MySQL error 3106, MariaDB error 1907.
        (_, Some(_)) => true,
    }
}

/// What of a table hangs on columns that are made anew, or says a type by its name.
fn hanging(
    backend: Backend,
    table: &Table,
    remade: &BTreeSet<Place>,
    retyped: &BTreeSet<Place>,
    differences: &[Difference],
) -> Vec<Change> {
    let of_table = |places: &BTreeSet<Place>| -> Vec<ColumnName> {
        let own = places.iter().filter(|(of, _)| *of == table.name);
        own.map(|(_, column)| column.clone()).collect()
    };
    let (remade, retyped) = (of_table(remade), of_table(retyped));
    let hangs = |columns: &[ColumnName]| columns.iter().any(|column| remade.contains(column));
    let mentions = |sql: &String| {
        remade
            .iter()
            .chain(&retyped)
            .any(|column| sql.contains(column.as_str()))
    };
    let name = || table.name.clone();

    let keys = table.primary_key.iter().filter(|key| hangs(&key.columns)).map(|key| {
        let (table, from, to) = (name(), Some(key.clone()), Some(key.clone()));
        (None, Change::ChangePrimaryKey { table, from, to })
    });
    let unique = table.unique_keys.iter().filter(|key| hangs(&key.columns)).map(|key| {
        let (table, key) = (name(), key.clone());
        let gone = Change::DropUniqueKey {
            table,
            key: key.clone(),
        };
        (Some(gone), Change::AddUniqueKey { table: name(), key })
    });
    let hanging_indexes = table
        .indexes
        .iter()
        .filter(|index| hangs(&columns_of(index)) || expressions_of(index).any(mentions));
    let indexes = hanging_indexes.map(|index| {
        let (table, index) = (name(), index.clone());
        let gone = Change::DropIndex {
            table,
            index: index.clone(),
        };
        (Some(gone), Change::AddIndex { table: name(), index })
    });
    // MariaDB makes a column's own check with the column.
    let is_own = |check: &Check| {
        let mut columns = table.columns.iter();
        columns.any(|column| ddl::own_checks(backend, table, column).any(|own| own == check))
    };
    let checks = table
        .checks
        .iter()
        .filter(|check| mentions(&check.expression) && !is_own(check));
    let checks = checks.map(|check| {
        let (table, check) = (name(), check.clone());
        let gone = Change::DropCheck {
            table,
            check: check.clone(),
        };
        (Some(gone), Change::AddCheck { table: name(), check })
    });

    let goes = |gone: &Option<Change>| {
        differences.iter().any(|difference| match (gone, &difference.change) {
            (None, Change::ChangePrimaryKey { table: of, .. }) => *of == table.name,
            (gone, change) => gone.as_ref() == Some(change),
        })
    };
    keys.chain(unique)
        .chain(indexes)
        .chain(checks)
        .filter(|(gone, _)| !goes(gone))
        .flat_map(|(gone, back)| gone.into_iter().chain([back]))
        .collect()
}

fn columns_of(index: &Index) -> Vec<ColumnName> {
    let parts = index.parts.iter().filter_map(|part| match &part.key {
        IndexKey::Column(column) => Some(column.clone()),
        IndexKey::Expression(_) => None,
    });
    parts.chain(index.include.iter().cloned()).collect()
}

fn expressions_of(index: &Index) -> impl Iterator<Item = &String> {
    let parts = index.parts.iter().filter_map(|part| match &part.key {
        IndexKey::Column(_) => None,
        IndexKey::Expression(expression) => Some(expression),
    });
    parts.chain(&index.predicate)
}

/// Foreign keys that stay, while a column of theirs, or what makes the referenced ones unique, does not.
fn keys(from: &Schema, remade: &BTreeSet<Place>, retyped: &BTreeSet<Place>, differences: &[Difference]) -> Vec<Change> {
    let mut changed = remade.clone();
    // InnoDB refuses to alter a column's type while a key is there; PostgreSQL checks the key anew.
    if from.backend == Backend::MySql {
        changed.extend(retyped.iter().cloned());
    }
    let mut not_unique = BTreeSet::new();
    let mut lose = |table: &TableName, columns: &[ColumnName]| {
        not_unique.extend(columns.iter().map(|column| (table.clone(), column.clone())));
    };
    for difference in differences {
        match &difference.change {
            Change::ChangePrimaryKey {
                table, from: Some(key), ..
            } => lose(table, &key.columns),
            Change::DropUniqueKey { table, key } => lose(table, &key.columns),
            Change::DropIndex { table, index } => lose(table, &index.leading_columns()),
            _ => {}
        }
    }
    let stays = |key: &&ForeignKey| {
        !differences.iter().any(|difference| match &difference.change {
            Change::DropForeignKey { key: gone } | Change::ChangeForeignKey { from: gone, .. } => **gone == **key,
            Change::DropTable { table } => table.name == key.relation.table,
            _ => false,
        })
    };
    let is_in = |places: &BTreeSet<Place>, table: &TableName, columns: &[ColumnName]| {
        columns
            .iter()
            .any(|column| places.contains(&(table.clone(), column.clone())))
    };
    let is_in_the_way = |key: &&ForeignKey| {
        let relation = &key.relation;
        let (referenced, columns) = (&relation.referenced_table, &relation.referenced_columns);
        is_in(&changed, &relation.table, &relation.columns)
            || is_in(&changed, referenced, columns)
            || is_in(&not_unique, referenced, columns)
    };
    let in_the_way = from.foreign_keys().filter(stays).filter(is_in_the_way);
    in_the_way
        .map(|key| Change::ChangeForeignKey {
            from: Box::new(key.clone()),
            to: Box::new(key.clone()),
        })
        .collect()
}
