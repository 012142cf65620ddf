//! Tables that are there and change.

use sea_orm::sea_query::ColumnDef;

use super::columns::{Written, definition, may_lose, recalled};
use super::file::{Block, File};
use super::rust::{Argument, Chain, array, string};
use super::tables::{declared_indexes, declared_key};
use super::{Given, words};
use crate::diff::Change;
use crate::error::{Error, Result};
use crate::graph;
use crate::name::{ColumnList, ColumnName, TableName};
use crate::schema::{self, Action, Column, ForeignKey, Index, Table, UniqueKey};

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
            };
            alteration.write()?;
        }
    }
    for change in given.changes().filter(|change| !alters(change)) {
        match change {
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
    file.note(format!("{change}: write that by hand"));
    file.step_up(Block::remark_alone().remark(format!("By hand: {change}.")));
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

    fn definition(&self, column: &ColumnName, written: Written) -> Chain {
        let backend = self.given.live.backend;
        match self.given.column(&self.to.name, column) {
            Some(declared) => definition(backend, &declared, written),
            // It is in no entity, and so in no change either.
            None => Chain::new(format!("ColumnDef::new({})", string(column.as_str()))),
        }
    }

    fn recalled(&self, column: &Column) -> ColumnDef {
        let declared = self.given.column(&self.to.name, &column.name);
        recalled(self.given.live, column, declared.as_ref())
    }

    fn recalled_text(&self, column: &Column) -> Chain {
        definition(self.given.live.backend, &self.recalled(column), Written::Whole)
    }

    fn columns(columns: &[ColumnName]) -> String {
        array(columns.iter().map(ColumnName::as_str))
    }

    /// The key that is to be added on this column, if there is one.
    fn added_key(&self, column: &ColumnName) -> Option<&'a ForeignKey> {
        self.changes.iter().find_map(|change| match change {
            Change::AddForeignKey { key } if key.relation.columns.contains(column) => Some(key.as_ref()),
            _ => None,
        })
    }

    /// Whether a column of these goes, and takes with it what stands on it.
    fn is_dropped(&self, columns: &[ColumnName]) -> bool {
        columns.iter().any(|column| self.to.column(column).is_none())
    }

    fn add_column(&mut self, column: &Column) {
        let is_key = self.added_key(&column.name).is_some();
        let written = match self.added_key(&column.name) {
            // A required key adds its columns itself, as what they reference is.
            Some(key) if !self.needs_its_columns_first(key) => return,
            Some(_) => Written::Nullable,
            None => Written::Whole,
        };
        let declared = self.given.column(&self.to.name, &column.name);
        let is_unique = declared.is_some_and(|declared| declared.get_column_spec().unique);
        let definition = self.definition(&column.name, written);
        self.edit(
            ("add_column", definition),
            ("drop_column", string(column.name.as_str())),
        );
        if is_key && is_unique {
            self.add_unique(std::slice::from_ref(&column.name));
        }
        if !is_key && !column.nullable && column.default.is_none() && column.generated.is_none() {
            let name = &column.name;
            self.remarks.push(format!(
                "If there are rows, {name} needs a value for them: give it a default, or add it with null(), fill it, and require it in a \
                 later migration."
            ));
        }
    }

    /// Whether a key's columns differ from those it references, or stand in an index of their own.
    fn needs_its_columns_first(&self, key: &ForeignKey) -> bool {
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

    fn change_column(&mut self, from: &Column, to: &Column, lost: &mut Vec<Lost>) {
        let only_required = Column {
            nullable: from.nullable,
            ..to.clone()
        };
        if self.added_key(&to.name).is_some() && only_required.data_type == from.data_type && from.nullable {
            return;
        }
        let was = self.recalled(from);
        let (up, down) = (self.definition(&to.name, Written::NotUnique), self.recalled_text(from));
        let edit = Edit {
            up: ("change_column", up.into()),
            down: ("change_column", down.into()),
        };
        let declared = self.given.column(&self.to.name, &to.name);
        let kinds = was
            .get_column_type()
            .zip(declared.as_ref().and_then(ColumnDef::get_column_type));
        let is_retyped = from.data_type != to.data_type;
        if is_retyped && kinds.is_some_and(|(from, to)| may_lose(from, to)) {
            let name = format!("{}.{}", self.to.name, to.name);
            lost.push(Lost {
                edit,
                reason: format!("Destructive: values of {name} that do not fit its new type are lost, or stop this."),
                back: format!("{name} as it was."),
                note: format!("{name}: its new type is commented out, since values may not fit"),
            });
            return;
        }
        if from.nullable && !to.nullable {
            let column = &to.name;
            self.remarks
                .push(format!("Rows without {column} stop this before anything is changed."));
        }
        self.edits.push(edit);
    }

    fn drop_column(&self, column: &Column, lost: &mut Vec<Lost>) {
        let name = format!("{}.{}", self.to.name, column.name);
        lost.push(Lost {
            edit: Edit {
                up: ("drop_column", string(column.name.as_str()).into()),
                down: ("add_column", self.recalled_text(column).into()),
            },
            reason: format!("Destructive: the values of {name} are lost."),
            back: format!("{name} as it was, without its values, keys and indexes."),
            note: format!("{name}: nothing declares it; dropping it is commented out, since its values are lost"),
        });
    }

    fn add_unique(&mut self, columns: &[ColumnName]) {
        let is_it = |unique: bool, known: &[ColumnName]| unique && known == columns;
        let declared = declared_indexes(self.given, self.to);
        let index = declared.iter().find(|index| is_it(index.unique, &index.columns));
        let undo = ("drop_unique", Self::columns(columns));
        match index {
            Some(index) => {
                let made = words::index(&index.name, true, columns);
                self.edit(("add_index", made), undo);
            }
            None => {
                let is_with_its_column = self.changes.iter().any(|change| match change {
                    Change::AddColumn { column, .. } => {
                        columns == [column.name.clone()] && self.added_key(&column.name).is_none()
                    }
                    _ => false,
                });
                let is_there = self.edits.iter().any(|edit| {
                    edit.up.0 == "add_unique"
                        && matches!(&edit.up.1, Argument::Text(text) if *text == Self::columns(columns))
                });
                if !is_with_its_column && !is_there {
                    self.edit(("add_unique", Self::columns(columns)), undo);
                }
            }
        }
    }

    fn drop_unique(&mut self, key: &UniqueKey) {
        // MySQL calls a key by its first column unless it was made as an index with a name.
        let name = key.name.as_ref().map(|name| name.as_str());
        let is_index = name.is_some_and(|name| name.starts_with("idx-"));
        let undo = match (is_index, name) {
            (true, Some(name)) => ("add_index", Argument::from(words::index(name, true, &key.columns))),
            _ => ("add_unique", Self::columns(&key.columns).into()),
        };
        self.edit(("drop_unique", Self::columns(&key.columns)), undo);
    }

    fn add_index(&mut self, index: &Index) {
        let columns = index.columns().unwrap_or_default();
        if index.unique {
            return self.add_unique(&columns);
        }
        // A required key makes its own.
        let is_key_s = self.changes.iter().any(|change| match change {
            Change::AddForeignKey { key } => key.relation.columns == columns,
            _ => false,
        });
        if !is_key_s {
            let made = words::index(&index.name, false, &columns);
            self.edit(("add_index", made), ("drop_index", Self::columns(&columns)));
        }
    }

    fn drop_index(&mut self, index: &Index, columns: &[ColumnName]) {
        let made = words::index(&index.name, index.unique, columns);
        let drop = if index.unique { "drop_unique" } else { "drop_index" };
        self.edit((drop, Self::columns(columns)), ("add_index", made));
    }

    fn recalled_key(&self, key: &ForeignKey) -> Chain {
        let statement = words::recalled_key(key);
        words::foreign_key(statement.get_foreign_key(), &self.to.name)
    }

    fn declared_key(&self, key: &ForeignKey) -> Chain {
        match declared_key(self.given, key) {
            Some(declared) => words::foreign_key(&declared, &self.to.name),
            None => self.recalled_key(key),
        }
    }

    fn change_key(&mut self, from: &ForeignKey, to: &ForeignKey) {
        let (up, down) = (self.declared_key(to), self.recalled_key(from));
        self.edit(("change_foreign_key", up), ("change_foreign_key", down));
    }

    fn drop_key(&mut self, key: &ForeignKey) {
        let made = self.recalled_key(key);
        self.edit(
            ("drop_foreign_key", Self::columns(&key.relation.columns)),
            ("add_foreign_key", made),
        );
    }

    /// A key of its own function, which both directions call.
    fn add_key(&mut self, key: &ForeignKey) -> Result<()> {
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
        let has_none = |column: &ColumnName| self.from.column(column).is_none_or(|column| column.nullable);
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
        self.file.function(&function, says, "RequiredForeignKey", chain);
        let call = || Chain::new(format!("{function}()"));
        let connection = || "manager.get_connection()".to_owned();
        let revert = call().call("revert", [connection(), "Revert::Full".to_owned()]).wait();
        self.file.both(run(call()), revert);
        Ok(())
    }

    fn backfill(&self, relation: &crate::name::Relation) -> Result<Option<String>> {
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

    /// What is for a person to uncomment, with what goes along.
    fn lose(&mut self, lost: Lost) {
        let Lost {
            edit,
            reason,
            back,
            note,
        } = lost;
        let new = |edit: (&'static str, Argument)| {
            // It is imported only if something else uses it.
            let head = format!(
                "sea_orm_cascade::migrate::Alteration::new({})",
                words::written(&self.to.name)
            );
            run(Chain::new(head).call(edit.0, [edit.1]))
        };
        let (up, down) = (new(edit.up), new(edit.down));
        self.file.note(note);
        self.file
            .step(Block::commented(up).remark(reason), Block::commented(down).remark(back));
    }
}

/// A change that loses something.
struct Lost {
    edit: Edit,
    reason: String,
    back: String,
    note: String,
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
