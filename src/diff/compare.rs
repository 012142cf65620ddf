//! Finding the differences.

use super::change::Change;
use crate::backend::Backend;
use crate::ddl::is_constraint;
use crate::name::{ColumnName, TableName};
use crate::schema::{Action, Check, Column, ForeignKey, Index, Match, Schema, Table, UniqueKey};

/// Both are normalised.
pub(super) fn changes(from: &Schema, to: &Schema) -> Vec<Change> {
    let mut changes = Vec::new();
    types_and_sequences(from, to, &mut changes);
    let mut names: Vec<&TableName> = from.tables.iter().chain(&to.tables).map(|table| &table.name).collect();
    names.sort();
    names.dedup();
    for name in names {
        match (from.table(name), to.table(name)) {
            (None, Some(table)) => changes.push(Change::CreateTable {
                table: Box::new(table.clone()),
            }),
            (Some(table), None) => changes.push(Change::DropTable {
                table: Box::new(table.clone()),
            }),
            (Some(from), Some(to_table)) => table(to.backend, from, to_table, &mut changes),
            (None, None) => {}
        }
    }
    changes
}

fn types_and_sequences(from: &Schema, to: &Schema, changes: &mut Vec<Change>) {
    for named in &to.types {
        match from.named_type(&named.name) {
            None => changes.push(Change::CreateType { named: named.clone() }),
            Some(known) if known == named => {}
            Some(known) => changes.push(Change::ChangeType {
                from: known.clone(),
                to: named.clone(),
            }),
        }
    }
    for named in &from.types {
        if to.named_type(&named.name).is_none() {
            changes.push(Change::DropType { named: named.clone() });
        }
    }
    // A sequence's start and step are its owner's business once it is there.
    for sequence in &to.sequences {
        if !from.sequences.iter().any(|known| known.name == sequence.name) {
            changes.push(Change::CreateSequence {
                sequence: sequence.clone(),
            });
        }
    }
    for sequence in &from.sequences {
        if !to.sequences.iter().any(|known| known.name == sequence.name) {
            changes.push(Change::DropSequence {
                sequence: sequence.clone(),
            });
        }
    }
}

fn table(backend: Backend, from: &Table, to: &Table, changes: &mut Vec<Change>) {
    let name = || to.name.clone();
    if from.options != to.options {
        changes.push(Change::ChangeOptions {
            table: name(),
            from: Box::new(from.options.clone()),
            to: Box::new(to.options.clone()),
        });
    }
    columns(from, to, changes);
    let columns_of = |table: &Table| table.primary_key.as_ref().map(|key| key.columns.clone());
    if columns_of(from) != columns_of(to) {
        changes.push(Change::ChangePrimaryKey {
            table: name(),
            from: from.primary_key.clone(),
            to: to.primary_key.clone(),
        });
    }
    unique_and_indexes(backend, from, to, changes);
    foreign_keys(from, to, changes);
    checks(from, to, changes);
}

fn columns(from: &Table, to: &Table, changes: &mut Vec<Change>) {
    for column in &to.columns {
        match from.column(&column.name) {
            None => changes.push(Change::AddColumn {
                table: to.name.clone(),
                column: Box::new(column.clone()),
            }),
            Some(known) if is_same_column(known, column) => {}
            Some(known) => changes.push(Change::ChangeColumn {
                table: to.name.clone(),
                from: Box::new(known.clone()),
                to: Box::new(column.clone()),
            }),
        }
    }
    for column in &from.columns {
        if to.column(&column.name).is_none() {
            changes.push(Change::DropColumn {
                table: to.name.clone(),
                column: Box::new(column.clone()),
            });
        }
    }
}

fn is_same_column(from: &Column, to: &Column) -> bool {
    let told = |column: &Column| Column {
        extra: None,
        ..column.clone()
    };
    told(from) == told(to)
}

/// A unique key or a plain unique index on the same columns do the same, so each may stand for the other.
#[derive(Clone, Copy)]
enum Unique<'a> {
    Key(&'a UniqueKey),
    Index(&'a Index),
}

impl Unique<'_> {
    fn is_same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Index(a), Self::Index(b)) => is_same_index(a, b),
            (a, b) => a.plain().is_some() && a.plain() == b.plain(),
        }
    }

    fn plain(self) -> Option<(Vec<ColumnName>, bool)> {
        match self {
            Self::Key(key) => Some((key.columns.clone(), key.nulls_not_distinct)),
            Self::Index(index) => {
                let plain =
                    index.predicate.is_none() && !index.invalid && index.include.is_empty() && index.is_ordered();
                let columns = index.columns().filter(|_| plain)?;
                Some((columns, index.nulls_not_distinct))
            }
        }
    }
}

fn unique_and_indexes(backend: Backend, from: &Table, to: &Table, changes: &mut Vec<Change>) {
    fn uniques(table: &Table) -> Vec<Unique<'_>> {
        let keys = table.unique_keys.iter().map(Unique::Key);
        keys.chain(table.indexes.iter().filter(|index| index.unique).map(Unique::Index))
            .collect()
    }
    let (missing, extra) = unmatched(&uniques(from), &uniques(to), |a, b| a.is_same(*b));
    for unique in missing {
        changes.push(match unique {
            Unique::Key(key) => Change::AddUniqueKey {
                table: to.name.clone(),
                key: key.clone(),
            },
            Unique::Index(index) => add_or_rebuild(from, to, index),
        });
    }
    for unique in extra {
        match unique {
            Unique::Key(key) => changes.push(Change::DropUniqueKey {
                table: to.name.clone(),
                key: key.clone(),
            }),
            Unique::Index(index) => drop_unless_rebuilt(to, index, changes),
        }
    }
    fn plain(table: &Table) -> Vec<&Index> {
        table.indexes.iter().filter(|index| !index.unique).collect()
    }
    let (missing, extra) = unmatched(&plain(from), &plain(to), |a, b| is_same_index(a, b));
    for index in missing {
        changes.push(add_or_rebuild(from, to, index));
    }
    for index in extra {
        if !(backend == Backend::MySql && serves_a_key(to, index)) {
            drop_unless_rebuilt(to, index, changes);
        }
    }
}

/// What of `to` has no equal in `from`, and the reverse. An element is matched once.
fn unmatched<T: Clone>(from: &[T], to: &[T], is_same: impl Fn(&T, &T) -> bool) -> (Vec<T>, Vec<T>) {
    let mut extra = from.to_vec();
    let mut missing = Vec::new();
    for wanted in to {
        match extra.iter().position(|known| is_same(known, wanted)) {
            Some(at) => drop(extra.remove(at)),
            None => missing.push(wanted.clone()),
        }
    }
    (missing, extra)
}

fn is_same_index(a: &Index, b: &Index) -> bool {
    let nameless = |index: &Index| Index {
        name: String::new(),
        ..index.clone()
    };
    nameless(a) == nameless(b)
}

fn add_or_rebuild(from: &Table, to: &Table, index: &Index) -> Change {
    let table = to.name.clone();
    let index = index.clone();
    match from.indexes.iter().any(|known| is_invalid_twin(known, &index)) {
        true => Change::RebuildIndex { table, index },
        false => Change::AddIndex { table, index },
    }
}

fn drop_unless_rebuilt(to: &Table, index: &Index, changes: &mut Vec<Change>) {
    if !to.indexes.iter().any(|wanted| is_invalid_twin(index, wanted)) {
        changes.push(Change::DropIndex {
            table: to.name.clone(),
            index: index.clone(),
        });
    }
}

/// The same index under the same name, but unusable.
fn is_invalid_twin(known: &Index, wanted: &Index) -> bool {
    known.invalid
        && Index {
            invalid: false,
            ..known.clone()
        } == *wanted
}

/// InnoDB makes an index for a foreign key that has no other, and keeps one there whatever is asked.
fn serves_a_key(to: &Table, index: &Index) -> bool {
    to.foreign_keys.iter().any(|key| {
        let columns = &key.relation.columns;
        index.columns().as_ref() == Some(columns) && !to.has_leading_index(columns)
    })
}

fn foreign_keys(from: &Table, to: &Table, changes: &mut Vec<Change>) {
    let constraints = |table: &Table| {
        table
            .foreign_keys
            .iter()
            .filter(|key| is_constraint(key))
            .cloned()
            .collect::<Vec<_>>()
    };
    // Equal ones first, so that of two keys on the same columns each finds its own.
    let (missing, extra) = unmatched(&constraints(from), &constraints(to), |a, b| {
        a.is_same_key(b) && is_same_attributes(a, b)
    });
    let mut extra = extra;
    for wanted in missing {
        match extra.iter().position(|known| known.is_same_key(&wanted)) {
            None => changes.push(Change::AddForeignKey { key: Box::new(wanted) }),
            Some(at) => {
                let known = extra.remove(at);
                let validated = ForeignKey {
                    not_validated: false,
                    ..known.clone()
                };
                changes.push(match is_same_attributes(&validated, &wanted) {
                    true => Change::ValidateForeignKey { key: Box::new(known) },
                    false => Change::ChangeForeignKey {
                        from: Box::new(known),
                        to: Box::new(wanted),
                    },
                });
            }
        }
    }
    changes.extend(
        extra
            .into_iter()
            .map(|key| Change::DropForeignKey { key: Box::new(key) }),
    );
}

/// Whether two keys on the same columns do the same. A key that is only to be NOT VALID may as well be valid.
fn is_same_attributes(known: &ForeignKey, wanted: &ForeignKey) -> bool {
    let is_same = |known: Action, wanted: Action| match wanted {
        // The application's; the constraint only must not act itself.
        Action::Protect | Action::DoNothing => known == Action::NoAction || known == wanted,
        // A catalog that does not tell gives no reason to change anything.
        wanted => known == wanted || known == Action::Unknown,
    };
    let matching = |key: &ForeignKey| match key.relation.columns.len() {
        // With one column the match types do not differ.
        0 | 1 => Match::Simple,
        _ => key.matching,
    };
    is_same(known.on_delete, wanted.on_delete)
        && is_same(known.on_update, wanted.on_update)
        && known.on_delete_columns == wanted.on_delete_columns
        && matching(known) == matching(wanted)
        && known.deferrable == wanted.deferrable
        && known.not_enforced == wanted.not_enforced
        && (!known.not_validated || wanted.not_validated)
}

fn checks(from: &Table, to: &Table, changes: &mut Vec<Change>) {
    let table = || to.name.clone();
    let (missing, extra) = unmatched(&from.checks, &to.checks, |a, b| {
        a.expression == b.expression && (!a.not_validated || b.not_validated)
    });
    let mut extra = extra;
    for wanted in missing {
        let twin = extra
            .iter()
            .position(|known: &Check| known.expression == wanted.expression);
        changes.push(match twin {
            Some(at) => Change::ValidateCheck {
                table: table(),
                check: extra.remove(at),
            },
            None => Change::AddCheck {
                table: table(),
                check: wanted,
            },
        });
    }
    changes.extend(
        extra
            .into_iter()
            .map(|check| Change::DropCheck { table: table(), check }),
    );
}
