//! [`Definition`]: the text of a `CREATE TABLE`, changed where it has to be and nowhere else.

use std::ops::Range;

use super::Edit;
use super::layout::{Item, Layout, What};
use crate::error::{Error, Result};
use crate::name::ColumnName;

/// A table's definition as SQLite keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Definition {
    table: String,
    sql: String,
}

impl Definition {
    pub(super) fn new(table: &str, sql: impl Into<String>) -> Self {
        Self {
            table: table.to_owned(),
            sql: sql.into(),
        }
    }

    /// The statement that makes the table under another name, which is quoted already.
    pub(super) fn create(&self, quoted_name: &str) -> Result<String> {
        let behind = self.sql.get(self.layout()?.name_end..).unwrap_or_default();
        let space = if behind.starts_with('(') { " " } else { "" };
        Ok(format!("CREATE TABLE {quoted_name}{space}{behind}"))
    }

    /// The definition with an edit made. What is so already stays as it is.
    pub(super) fn edited(&self, edit: &Edit) -> Result<Self> {
        match edit {
            Edit::AddColumn { definition } => self.with_column(definition),
            Edit::AddConstraint { text } => self.with_constraint(text),
            Edit::SetNotNull(name) => self.with_not_null(name),
            Edit::DropNotNull(name) => self.without(name, What::NotNull),
            Edit::DropColumn(name) => self.without_column(name),
            Edit::DropForeignKey(relation) => self.without_all(|item| {
                let of = item.column.as_deref();
                let key = item.constraints.iter().position(|known| known.is_key(of, relation))?;
                // What is said of when it is checked goes with it.
                let deferrals = item.constraints.iter().skip(key + 1);
                let deferrals = deferrals.take_while(|next| next.what == What::Deferral).count();
                Some(key..key + 1 + deferrals)
            }),
        }
    }

    fn layout(&self) -> Result<Layout<'_>> {
        Layout::of(&self.sql).ok_or_else(|| {
            Error::invalid_input(format!(
                "nothing was changed: the definition that SQLite keeps of {} cannot be read",
                self.table
            ))
        })
    }

    fn column<'l, 'a>(&self, layout: &'l Layout<'a>, name: &ColumnName) -> Result<&'l Item<'a>> {
        layout
            .column(name)
            .ok_or_else(|| Error::invalid_input(format!("nothing was changed: {} has no column {name}", self.table)))
    }

    fn spliced(&self, place: Range<usize>, text: &str) -> Result<Self> {
        let around = self.sql.get(..place.start).zip(self.sql.get(place.end..));
        let (before, after) = around.ok_or_else(|| {
            Error::invalid_input(format!("nothing was changed: {} cannot be edited there", self.table))
        })?;
        Ok(Self {
            table: self.table.clone(),
            sql: format!("{before}{text}{after}"),
        })
    }

    /// Whether only white space is there, and no comment.
    fn is_blank(&self, place: Range<usize>) -> bool {
        self.sql.get(place).is_some_and(|text| text.trim().is_empty())
    }

    fn with_column(&self, column: &str) -> Result<Self> {
        let layout = self.layout()?;
        match layout.items.iter().find(|item| item.column.is_none()) {
            Some(first) => self.spliced(first.span.start..first.span.start, &format!("{column}, ")),
            None => self.with_last(&layout, column),
        }
    }

    fn with_constraint(&self, constraint: &str) -> Result<Self> {
        self.with_last(&self.layout()?, constraint)
    }

    /// At the end of the list; behind the comment of what was last, if it has one.
    fn with_last(&self, layout: &Layout<'_>, item: &str) -> Result<Self> {
        let end = layout.items.last().map_or(layout.close, |last| last.span.end);
        let at = match self.is_blank(end..layout.close) {
            true => end,
            false => layout.close,
        };
        self.spliced(at..at, &format!(", {item}"))
    }

    fn with_not_null(&self, name: &ColumnName) -> Result<Self> {
        let layout = self.layout()?;
        let column = self.column(&layout, name)?;
        if column.all(What::NotNull).next().is_some() {
            return Ok(self.clone());
        }
        match column.all(What::Null).next() {
            Some(null) => self.spliced(null.span.clone(), "NOT NULL"),
            None => self.spliced(column.data_type.end..column.data_type.end, " NOT NULL"),
        }
    }

    /// Without a column's constraints of one sort.
    fn without(&self, name: &ColumnName, what: What) -> Result<Self> {
        self.column(&self.layout()?, name)?;
        self.without_all(|item| {
            let at = item.constraints.iter().position(|known| known.what == what)?;
            item.is_column(name).then_some(at..at + 1)
        })
    }

    /// Without the constraints that are found in an item, time and again, until no more are.
    fn without_all(&self, find: impl Fn(&Item<'_>) -> Option<Range<usize>>) -> Result<Self> {
        let mut edited = self.clone();
        loop {
            let layout = edited.layout()?;
            let mut items = layout.items.iter().enumerate();
            let found = items.find_map(|(place, item)| find(item).map(|constraints| (place, constraints)));
            let Some((place, constraints)) = found else {
                drop(layout);
                return Ok(edited);
            };
            let next = edited.without_constraints(&layout, place, constraints)?;
            edited = next;
        }
    }

    fn without_constraints(&self, layout: &Layout<'_>, place: usize, which: Range<usize>) -> Result<Self> {
        let Some(item) = layout.items.get(place) else {
            return Ok(self.clone());
        };
        let going = item.constraints.get(which).unwrap_or_default();
        if item.column.is_none() && going.len() == item.constraints.len() {
            return self.without_item(layout, place);
        }
        let (Some(first), Some(last)) = (going.first(), going.last()) else {
            return Ok(self.clone());
        };
        let from = match self.is_blank(first.behind..first.span.start) {
            true => first.behind,
            false => first.span.start,
        };
        self.spliced(from..last.span.end, "")
    }

    fn without_column(&self, name: &ColumnName) -> Result<Self> {
        let layout = self.layout()?;
        self.column(&layout, name)?;
        for (place, item) in layout.items.iter().enumerate() {
            if item.is_column(name) {
                return self.without_item(&layout, place);
            }
        }
        Ok(self.clone())
    }

    /// What keeps a column from being dropped: the text of a constraint that uses it.
    pub(super) fn user_of(&self, name: &ColumnName) -> Result<Option<String>> {
        let layout = self.layout()?;
        let others = layout.items.iter().filter(|item| !item.is_column(name));
        let mut constraints = others.flat_map(|item| &item.constraints);
        let user = constraints.find(|constraint| constraint.uses(&self.table, name));
        Ok(user.and_then(|user| self.sql.get(user.span.clone())).map(str::to_owned))
    }

    /// Without an item and one of the commas around it.
    fn without_item(&self, layout: &Layout<'_>, place: usize) -> Result<Self> {
        let Some(item) = layout.items.get(place) else {
            return Ok(self.clone());
        };
        let comma = |from: usize, to: usize| {
            // Comments may have commas too; what is between two items has one token.
            let tokens = crate::lex::tokens(crate::backend::Backend::Sqlite, self.sql.get(from..to)?);
            tokens.first().map(|comma| from + comma.at)
        };
        if let Some(next) = layout.items.get(place + 1) {
            let comma = comma(item.span.end, next.span.start).unwrap_or(item.span.end);
            let to = match self.is_blank(item.span.end..comma) && self.is_blank(comma + 1..next.span.start) {
                true => next.span.start,
                false => comma + 1,
            };
            return self.spliced(item.span.start..to, "");
        }
        let Some(previous) = place.checked_sub(1).and_then(|place| layout.items.get(place)) else {
            return Err(Error::invalid_input(format!(
                "nothing was changed: {} would have no column left",
                self.table
            )));
        };
        let comma = comma(previous.span.end, item.span.start).unwrap_or(previous.span.end);
        match self.is_blank(comma + 1..item.span.start) {
            true => self.spliced(comma..item.span.end, ""),
            false => self.spliced(item.span.clone(), "")?.spliced(comma..comma + 1, ""),
        }
    }
}

#[cfg(test)]
mod tests;
