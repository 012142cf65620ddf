//! Tables that are there and change.

mod columns;
mod indexes;
mod keys;
mod lost;

use super::file::{Block, File};
use super::rust::{Argument, Chain, array};
use super::{Given, tables, words};
use crate::diff::Change;
use crate::error::Result;
use crate::graph;
use crate::name::{ColumnName, TableName};
use crate::schema::Table;

/// `Alteration::new("posts")`.
pub(super) fn alteration(table: &TableName) -> Chain {
    Chain::new(format!("Alteration::new({})", words::written(table)))
}

pub(super) fn run(chain: Chain) -> Chain {
    chain.call("run", ["manager.get_connection()".to_owned()]).wait()
}

/// Whether it is a change of a table that is there.
pub(super) const fn alters(change: &Change) -> bool {
    match change {
        Change::CreateType { .. }
        | Change::ChangeType { .. }
        | Change::DropType { .. }
        | Change::CreateSequence { .. }
        | Change::DropSequence { .. }
        | Change::CreateTable { .. }
        | Change::DropTable { .. } => false,
        Change::ChangeOptions { .. }
        | Change::AddColumn { .. }
        | Change::DropColumn { .. }
        | Change::ChangeColumn { .. }
        | Change::ChangePrimaryKey { .. }
        | Change::AddUniqueKey { .. }
        | Change::DropUniqueKey { .. }
        | Change::AddIndex { .. }
        | Change::DropIndex { .. }
        | Change::RebuildIndex { .. }
        | Change::AddForeignKey { .. }
        | Change::DropForeignKey { .. }
        | Change::ChangeForeignKey { .. }
        | Change::ValidateForeignKey { .. }
        | Change::AddCheck { .. }
        | Change::DropCheck { .. }
        | Change::ValidateCheck { .. } => true,
    }
}

/// Changes the tables, referenced ones first.
pub(super) fn change(given: &Given<'_>, file: &mut File) -> Result<()> {
    let names = given.wanted.tables.iter().map(|table| &table.name);
    let order = graph::components(names, given.wanted.foreign_keys());
    let (before, mut retyped) = (file.mark(), Vec::new());
    for name in order.iter().flatten() {
        let changes: Vec<_> = given
            .changes()
            .filter(|change| alters(change) && change.table() == Some(name))
            .collect();
        if let (Some(from), Some(to)) = (given.live.table(name), given.wanted.table(name))
            && !changes.is_empty()
        {
            let mut alteration = Changing {
                given,
                file,
                from,
                to,
                changes: &changes,
                edits: Vec::new(),
                remarks: Vec::new(),
                retyped: &mut retyped,
            };
            alteration.write()?;
        }
    }
    keys::off_meanwhile(given, file, before, &retyped);
    for change in given.changes().filter(|change| !alters(change)) {
        match change {
            // It came first.
            Change::ChangeType { from, to } if tables::added_labels(from, to).is_some() => {}
            Change::ChangeType { .. }
            | Change::DropType { .. }
            | Change::CreateSequence { .. }
            | Change::DropSequence { .. } => by_hand(file, change),
            _ => {}
        }
    }
    Ok(())
}

/// What no call says.
fn by_hand(file: &mut File, change: &Change) {
    let why = why_by_hand(change);
    file.note(format!("{change}: write that by hand, since {why}"));
    file.step_up(Block::remark_alone().remark(format!("By hand: {change}. No call does it, since {why}.")));
}

const fn why_by_hand(change: &Change) -> &'static str {
    match change {
        Change::ChangeType { .. } => {
            "a label that goes away or moves needs a new type, and a decision about the rows that have it"
        }
        Change::DropType { .. } | Change::DropSequence { .. } => "something that nothing declares may use it",
        Change::CreateSequence { .. } => "the engines that have sequences write them in words of their own",
        Change::ChangePrimaryKey { .. } => "what references the key goes with it",
        Change::ChangeOptions { .. } => "each engine has its own",
        Change::AddIndex { .. } | Change::RebuildIndex { .. } | Change::DropIndex { .. } => {
            "it has an expression, a condition or an order, which each engine writes in its own words"
        }
        _ => "its condition is in the engine's own words",
    }
}

/// A call of an alteration, and the one that takes it back.
struct Edit {
    up: (&'static str, Argument),
    down: (&'static str, Argument),
}

struct Changing<'a, 'f> {
    given: &'a Given<'a>,
    file: &'f mut File,
    from: &'a Table,
    to: &'a Table,
    changes: &'a [&'a Change],
    edits: Vec<Edit>,
    remarks: Vec<String>,
    /// The columns that are there and get another type.
    retyped: &'f mut Vec<(TableName, ColumnName)>,
}

impl<'a> Changing<'a, '_> {
    fn write(&mut self) -> Result<()> {
        let mut lost = Vec::new();
        let mut keys = Vec::new();
        let mut unsaid = Vec::new();
        for change in self.changes {
            match change {
                Change::AddColumn { column, .. } => self.add_column(column),
                Change::ChangeColumn { from, to, .. } => self.change_column(from, to, &mut lost),
                Change::DropColumn { column, .. } => self.drop_column(column, &mut lost),
                Change::AddUniqueKey { key, .. } => self.add_unique(&key.columns),
                Change::DropUniqueKey { key, .. } if !self.is_dropped(&key.columns) => self.drop_unique(key),
                Change::DropUniqueKey { .. } => {}
                Change::AddIndex { index, .. } | Change::RebuildIndex { index, .. } => match words::is_plain(index) {
                    true => self.add_index(index),
                    false => unsaid.push(*change),
                },
                Change::DropIndex { index, .. } => match index.columns() {
                    Some(columns) if self.is_dropped(&columns) => {}
                    Some(columns) if words::is_plain(index) => self.drop_index(index, &columns),
                    _ => unsaid.push(*change),
                },
                Change::AddForeignKey { key } => keys.push(key.as_ref()),
                Change::DropForeignKey { key } if !self.is_dropped(&key.relation.columns) => self.drop_key(key),
                Change::DropForeignKey { .. } => {}
                Change::ChangeForeignKey { from, to } => self.change_key(from, to),
                Change::ValidateForeignKey { key } => self.change_key(key, key),
                _ => unsaid.push(*change),
            }
        }
        self.alter();
        for key in keys {
            self.add_key(key)?;
        }
        for edit in lost {
            self.lose(edit);
        }
        for change in unsaid {
            by_hand(self.file, change);
        }
        Ok(())
    }

    fn edit(&mut self, up: (&'static str, impl Into<Argument>), down: (&'static str, impl Into<Argument>)) {
        self.edits.push(Edit {
            up: (up.0, up.1.into()),
            down: (down.0, down.1.into()),
        });
    }

    /// One alteration for all edits, and one that takes them back.
    fn alter(&mut self) {
        let edits = std::mem::take(&mut self.edits);
        if edits.is_empty() {
            return;
        }
        let name = &self.to.name;
        let up = edits.iter().fold(alteration(name), |chain, edit| {
            chain.call(edit.up.0, [edit.up.1.clone()])
        });
        let down = edits.iter().rev().fold(alteration(name), |chain, edit| {
            chain.call(edit.down.0, [edit.down.1.clone()])
        });
        let remarks = std::mem::take(&mut self.remarks);
        let up = remarks.into_iter().fold(Block::new(run(up)), Block::remark);
        self.file.step(up, Block::new(run(down)));
    }

    fn columns(columns: &[ColumnName]) -> String {
        array(columns.iter().map(ColumnName::as_str))
    }

    /// Whether a column of these goes, and takes with it what stands on it.
    fn is_dropped(&self, columns: &[ColumnName]) -> bool {
        columns.iter().any(|column| self.to.column(column).is_none())
    }
}
