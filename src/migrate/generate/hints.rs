//! [`Hints`]: what a comparison cannot know.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::name::{ColumnName, TableName, did_you_mean};
use crate::schema::{IndexKey, Schema, Table};

/// What a comparison cannot know: that a thing was given another name, and what rows get that have no value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hints {
    /// Tables with another name: what they are called, and what they are to be called.
    pub tables: Vec<(TableName, TableName)>,
    /// Columns with another name: their table, what they are called, and what they are to be called.
    pub columns: Vec<(TableName, ColumnName, ColumnName)>,
    /// For a column of a foreign key, the SQL expression over the row that gives it its value.
    pub backfills: BTreeMap<(TableName, ColumnName), String>,
}

impl Hints {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A rename, as text: `articles=posts` of a table, `posts.body=content` of a column.
    ///
    /// # Errors
    ///
    /// Invalid input for any other text.
    pub fn rename(mut self, text: &str) -> Result<Self> {
        let unreadable = || {
            Error::invalid_input(format!(
                "{text:?} is no rename: write old=new for a table, table.old=new for a column"
            ))
        };
        let (old, new) = text.split_once('=').ok_or_else(unreadable)?;
        let (old, new) = (old.trim(), new.trim());
        if new.is_empty() || old.is_empty() {
            return Err(unreadable());
        }
        match old.rsplit_once('.') {
            Some((table, column)) => {
                let table = TableName::read(table).ok_or_else(unreadable)?;
                // The new name may be written with the table's, too.
                let new = new.rsplit_once('.').map_or(new, |(_, column)| column);
                self.columns
                    .push((table, ColumnName::new(column), ColumnName::new(new)));
            }
            None => self.tables.push((TableName::new(old), TableName::new(new))),
        }
        Ok(self)
    }

    /// What rows get, as text: `posts.user_id=1 + id % 1000`.
    ///
    /// # Errors
    ///
    /// Invalid input for any other text.
    pub fn backfill(mut self, text: &str) -> Result<Self> {
        let unreadable = || {
            Error::invalid_input(format!(
                "{text:?} is no backfill: write table.column=SQL, an expression over the row"
            ))
        };
        let (place, sql) = text.split_once('=').ok_or_else(unreadable)?;
        let (table, column) = place.trim().rsplit_once('.').ok_or_else(unreadable)?;
        let table = TableName::read(table).ok_or_else(unreadable)?;
        if sql.trim().is_empty() {
            return Err(unreadable());
        }
        self.backfills
            .insert((table, ColumnName::new(column)), sql.trim().to_owned());
        Ok(self)
    }

    /// The live schema with what is renamed under its new name.
    pub(super) fn renamed(&self, live: &Schema, wanted: &Schema) -> Result<Schema> {
        let mut schema = live.clone();
        for (old, new) in &self.tables {
            must_be(live, "database", old)?;
            must_be(wanted, "entities", new)?;
            if live.table(new).is_some() {
                return Err(Error::invalid_input(format!(
                    "{old} cannot be renamed: there is a table {new} already"
                )));
            }
            schema.map_names(|name| if name == old { new.clone() } else { name.clone() });
        }
        for (table, old, new) in self.columns() {
            must_be(&schema, "database", &table)?;
            must_be(wanted, "entities", &table)?;
            if let Some(known) = schema.table(&table) {
                must_have(known, "database", old)?;
            }
            if let Some(wanted) = wanted.table(&table) {
                must_have(wanted, "entities", new)?;
            }
            rename_column(&mut schema, &table, old, new);
        }
        schema.sort();
        Ok(schema)
    }

    /// The renamed columns, by their tables' new names.
    pub(super) fn columns(&self) -> impl Iterator<Item = (TableName, &ColumnName, &ColumnName)> {
        self.columns.iter().map(|(table, old, new)| {
            let renamed = self.tables.iter().find(|(old, _)| old == table);
            (renamed.map_or(table, |(_, new)| new).clone(), old, new)
        })
    }
}

fn must_be(schema: &Schema, whose: &str, table: &TableName) -> Result<()> {
    if schema.table(table).is_some() {
        return Ok(());
    }
    let known = schema.tables.iter().map(|known| known.name.name());
    let guess = did_you_mean(table.name(), known);
    Err(Error::invalid_input(format!(
        "there is no table {table} in the {whose}, so none can be renamed{guess}"
    )))
}

fn must_have(table: &Table, whose: &str, column: &ColumnName) -> Result<()> {
    if table.column(column).is_some() {
        return Ok(());
    }
    let known = table.columns.iter().map(|known| known.name.as_str());
    let guess = did_you_mean(column.as_str(), known);
    let name = &table.name;
    Err(Error::invalid_input(format!(
        "{name} has no column {column} in the {whose}, so none can be renamed{guess}"
    )))
}

fn rename_column(schema: &mut Schema, of: &TableName, old: &ColumnName, new: &ColumnName) {
    let each = |name: &mut ColumnName| {
        if name == old {
            *name = new.clone();
        }
    };
    for table in &mut schema.tables {
        for key in &mut table.foreign_keys {
            if key.relation.referenced_table == *of {
                key.relation.referenced_columns.iter_mut().for_each(each);
            }
            if key.relation.table == *of {
                key.relation.columns.iter_mut().for_each(each);
                key.on_delete_columns.iter_mut().for_each(each);
            }
        }
    }
    let Some(table) = schema.table_mut(of) else {
        return;
    };
    // As the engine does, within expressions too.
    let in_sql = |sql: &mut String| *sql = with_word_replaced(sql, old.as_str(), new.as_str());
    for column in &mut table.columns {
        each(&mut column.name);
        column
            .generated
            .iter_mut()
            .for_each(|made| in_sql(&mut made.expression));
    }
    table
        .primary_key
        .iter_mut()
        .for_each(|key| key.columns.iter_mut().for_each(each));
    table
        .unique_keys
        .iter_mut()
        .for_each(|key| key.columns.iter_mut().for_each(each));
    for index in &mut table.indexes {
        index.include.iter_mut().for_each(each);
        index.predicate.iter_mut().for_each(in_sql);
        for part in &mut index.parts {
            match &mut part.key {
                IndexKey::Column(column) => each(column),
                IndexKey::Expression(sql) => in_sql(sql),
            }
        }
    }
    table.checks.iter_mut().for_each(|check| in_sql(&mut check.expression));
}

fn with_word_replaced(sql: &str, old: &str, new: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let (mut replaced, mut word) = (String::new(), String::new());
    for c in sql.chars().chain(std::iter::once(' ')) {
        if is_part(c) {
            word.push(c);
            continue;
        }
        replaced.push_str(if word == old { new } else { &word });
        word.clear();
        replaced.push(c);
    }
    replaced.pop();
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renames_and_backfills_are_read() {
        let hints = Hints::new()
            .rename("articles=posts")
            .and_then(|hints| hints.rename("posts.body = content"))
            .and_then(|hints| hints.backfill("posts.user_id=CASE WHEN id = 1 THEN 2 END"))
            .expect("they can be read");
        assert_eq!(hints.tables, [("articles".into(), "posts".into())]);
        let (posts, body, content) = ("posts".into(), ColumnName::new("body"), ColumnName::new("content"));
        assert_eq!(hints.columns, [(posts, body, content)]);
        let place = ("posts".into(), ColumnName::new("user_id"));
        assert_eq!(
            hints.backfills.get(&place).map(String::as_str),
            Some("CASE WHEN id = 1 THEN 2 END")
        );
        for text in ["posts", "=posts", "posts="] {
            assert!(Hints::new().rename(text).is_err(), "{text}");
        }
    }

    #[test]
    fn whole_words_are_replaced() {
        assert_eq!(
            with_word_replaced("(body > 'a') AND bodyguard", "body", "content"),
            "(content > 'a') AND bodyguard"
        );
    }
}
