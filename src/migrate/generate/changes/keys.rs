//! Foreign keys that are changed and dropped, and those that a table gets, each in a function of its own.

use super::super::file::{Block, File};
use super::super::rust::{Argument, Chain, array, string};
use super::super::tables::declared_key;
use super::super::{Given, words};
use super::{Changing, alteration, run};
use crate::diff::Change;
use crate::error::{Error, Result};
use crate::name::{ColumnList, ColumnName, Relation, TableName};
use crate::schema::{self, Action, ForeignKey};

/// Takes the keys on retyped columns off while both sides change: MySQL has no key between two types.
///
/// The other engines keep the key and change the columns under it. Keys that go or change themselves are left to their own calls.
pub(super) fn off_meanwhile(
    given: &Given<'_>,
    file: &mut File,
    before: (usize, usize),
    retyped: &[(TableName, ColumnName)],
) {
    let is_retyped = |table: &TableName, columns: &[ColumnName]| {
        let mut retyped = retyped.iter();
        retyped.any(|(known, column)| known == table && columns.contains(column))
    };
    for key in given.live.foreign_keys() {
        let relation = &key.relation;
        let is_left_alone = given.changes().all(|change| match change {
            Change::DropForeignKey { key } | Change::ChangeForeignKey { from: key, .. } => {
                key.relation.columns != relation.columns || key.relation.table != relation.table
            }
            _ => true,
        });
        let is_under_it = is_retyped(&relation.table, &relation.columns)
            || is_retyped(&relation.referenced_table, &relation.referenced_columns);
        if !is_left_alone || !is_under_it {
            continue;
        }
        let on_mysql =
            |name, argument: Argument| Block::on("MySql", run(alteration(&relation.table).call(name, [argument])));
        let recalled = || {
            Argument::from(words::foreign_key(
                words::recalled_key(key).get_foreign_key(),
                &relation.table,
            ))
        };
        let columns = || Argument::from(array(relation.columns.iter().map(ColumnName::as_str)));
        let why = format!(
            "MySQL has no key between two types: {relation} is off while its columns change, and then looked at again."
        );
        file.step_at(
            before,
            on_mysql("drop_foreign_key", columns()).remark(&why),
            on_mysql("add_foreign_key", recalled()),
        );
        file.step(
            on_mysql("add_foreign_key", recalled()),
            on_mysql("drop_foreign_key", columns()).remark(&why),
        );
    }
}

impl<'a> Changing<'a, '_> {
    /// The key that is to be added on this column, if there is one.
    pub(super) fn added_key(&self, column: &ColumnName) -> Option<&'a ForeignKey> {
        self.changes.iter().find_map(|change| match change {
            Change::AddForeignKey { key } if key.relation.columns.contains(column) => Some(key.as_ref()),
            _ => None,
        })
    }

    /// Whether a key's columns differ from those it references, or stand in an index of their own.
    pub(super) fn needs_its_columns_first(&self, key: &ForeignKey) -> bool {
        let relation = &key.relation;
        let referenced = self.given.wanted.table(&relation.referenced_table);
        let pairs = relation.columns.iter().zip(&relation.referenced_columns);
        let is_other = |(own, other): (&ColumnName, &ColumnName)| {
            let own = self.to.column(own);
            let other = referenced.and_then(|table| table.column(other));
            own.is_some_and(|own| own.default.is_some()) || own.map(|it| &it.data_type) != other.map(|it| &it.data_type)
        };
        let mut without_usual = self.to.clone();
        without_usual
            .indexes
            .retain(|index| index.columns().as_ref() != Some(&relation.columns) || index.unique);
        pairs.into_iter().any(is_other) || without_usual.has_leading_index(&relation.columns)
    }

    pub(super) fn recalled_key(&self, key: &ForeignKey) -> Chain {
        let statement = words::recalled_key(key);
        words::foreign_key(statement.get_foreign_key(), &self.to.name)
    }

    pub(super) fn declared_key(&self, key: &ForeignKey) -> Chain {
        match declared_key(self.given, key) {
            Some(declared) => words::foreign_key(&declared, &self.to.name),
            None => self.recalled_key(key),
        }
    }

    pub(super) fn change_key(&mut self, from: &ForeignKey, to: &ForeignKey) {
        let (up, down) = (self.declared_key(to), self.recalled_key(from));
        self.edit(("change_foreign_key", up), ("change_foreign_key", down));
    }

    pub(super) fn drop_key(&mut self, key: &ForeignKey) {
        let made = self.recalled_key(key);
        self.edit(
            ("drop_foreign_key", Self::columns(&key.relation.columns)),
            ("add_foreign_key", made),
        );
    }

    /// A key of its own function, which both directions call.
    pub(super) fn add_key(&mut self, key: &ForeignKey) -> Result<()> {
        let relation = &key.relation;
        let new = format!(
            "RequiredForeignKey::new({}, {})",
            words::written(&relation.table),
            Self::columns(&relation.columns)
        );
        let mut chain = Chain::new(new).call(
            "references",
            [
                words::written(&relation.referenced_table),
                Self::columns(&relation.referenced_columns),
            ],
        );
        let declared = declared_key(self.given, key);
        for (event, action) in [
            ("on_delete", declared.as_ref().and_then(|key| key.get_on_delete())),
            ("on_update", declared.as_ref().and_then(|key| key.get_on_update())),
        ] {
            if let Some(action) = action.filter(|action| Action::from(action) != Action::NoAction) {
                chain = chain.call(event, [format!("Action::{:?}", Action::from(&action))]);
            }
        }
        let usual = schema::usual_name(&relation.table, &relation.columns);
        if let Some(name) = declared.as_ref().and_then(|key| key.get_name())
            && name != usual.as_str()
        {
            chain = chain.call("named", [string(name)]);
        }
        let is_optional = relation
            .columns
            .iter()
            .any(|column| self.to.column(column).is_some_and(|column| column.nullable));
        if is_optional {
            chain = chain.plain("optional");
        }
        let backfill = self.backfill(relation)?;
        let has_backfill = backfill.is_some();
        if let Some(backfill) = backfill {
            chain = chain.call("backfill", [backfill]);
        }
        let has_none = |column: &ColumnName| match self.from.column(column) {
            Some(there) => there.nullable,
            // One that is added with a default has it in every row.
            None => self.to.column(column).is_none_or(|added| added.default.is_none()),
        };
        let fills = has_backfill || is_optional || !relation.columns.iter().any(has_none);
        let (table, columns, referenced) = (
            &relation.table,
            ColumnList(&relation.columns),
            &relation.referenced_table,
        );
        let says = match fills {
            true => format!("What `{table}.{columns}` references: `{referenced}`."),
            false => format!(
                "What `{table}.{columns}` references: `{referenced}`. If there are rows without a value, say with `.backfill(…)` what they \
                 get; until then they stop this before anything is changed."
            ),
        };
        let function = function_name(relation.table.name(), &relation.columns);
        let function = self.file.function(&function, says, "RequiredForeignKey", chain);
        let call = || Chain::new(format!("{function}()"));
        let connection = || "manager.get_connection()".to_owned();
        let revert = call().call("revert", [connection(), "Revert::Full".to_owned()]).wait();
        self.file.both(run(call()), revert);
        Ok(())
    }

    pub(super) fn backfill(&self, relation: &Relation) -> Result<Option<String>> {
        let hints = &self.given.hints.backfills;
        let given: Vec<_> = relation
            .columns
            .iter()
            .filter_map(|column| hints.get(&(relation.table.clone(), column.clone())))
            .map(|sql| string(sql))
            .collect();
        match (given.as_slice(), relation.columns.as_slice()) {
            ([], _) => Ok(None),
            ([one], [_]) => Ok(Some(format!("Backfill::sql({one})"))),
            (several, columns) if several.len() == columns.len() => {
                Ok(Some(format!("Backfill::sqls([{}])", several.join(", "))))
            }
            _ => Err(Error::invalid_input(format!(
                "the key {relation} has {} columns: give a backfill for each",
                relation.columns.len()
            ))),
        }
    }
}

/// `posts_user_id`, whatever the names have in them.
fn function_name(table: &str, columns: &[ColumnName]) -> String {
    let words = std::iter::once(table).chain(columns.iter().map(ColumnName::as_str));
    let joined = words.collect::<Vec<_>>().join("_").to_lowercase();
    let name: String = joined
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    match name.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("key_{name}"),
        false => name,
    }
}
