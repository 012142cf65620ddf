//! Reading the CREATE TABLE and CREATE INDEX statements that SQLite keeps as they were written.
//!
//! # Invariants
//!
//! - Any text is read: what is not understood is stepped over.
//! - What the pragmas tell is not read here.

#[cfg(test)]
mod tests;

use crate::backend::Backend;
use crate::lex::{Kind, Token, between_commas, group, joined, tokens, without_parentheses};
use crate::name::{ColumnName, ConstraintName};
use crate::schema::{Deferrable, ForeignKey, Generated, Storage};

/// What a CREATE TABLE says beyond the pragmas.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) columns: Vec<ColumnDefinition>,
    /// The primary key's name.
    pub(super) primary_key: Option<ConstraintName>,
    /// Unique constraints by name, those without a name left out.
    pub(super) unique: Vec<(Vec<String>, Option<ConstraintName>)>,
    pub(super) checks: Vec<(String, Option<ConstraintName>)>,
    /// In the order in which they are declared.
    pub(super) foreign_keys: Vec<KeyDefinition>,
    /// `ON CONFLICT` clauses, which the model has no place for.
    pub(super) conflicts: usize,
}

/// A column's part of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ColumnDefinition {
    pub(super) name: String,
    pub(super) data_type: String,
    pub(super) auto_increment: bool,
    pub(super) collation: Option<String>,
    pub(super) generated: Option<Generated>,
}

/// A foreign key's part of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyDefinition {
    pub(super) name: Option<ConstraintName>,
    columns: Vec<String>,
    referenced_table: String,
    pub(super) deferrable: Deferrable,
}

/// What a CREATE INDEX says beyond the pragmas.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct IndexDefinition {
    /// Each part as it is written, and its collation and direction.
    pub(super) parts: Vec<(String, String)>,
    pub(super) predicate: Option<String>,
}

impl Definition {
    /// Reads a CREATE TABLE.
    pub(super) fn read(sql: &str) -> Self {
        let mut definition = Self::default();
        let tokens = tokens(Backend::Sqlite, sql);
        for item in between_commas(body(&tokens).0) {
            let mut rest = Rest(item);
            if !rest.is_table_constraint() {
                definition.column(&mut rest);
            }
            definition.constraints(&mut rest, None);
        }
        definition
    }

    pub(super) fn column_named(&self, name: &ColumnName) -> Option<&ColumnDefinition> {
        self.columns.iter().find(|column| column.name == name.as_str())
    }

    fn column(&mut self, rest: &mut Rest<'_, '_>) {
        let Some(name) = rest.name() else {
            return;
        };
        let start = rest.0;
        while rest.0.first().is_some_and(|token| !is_constraint_word(token)) {
            rest.step();
        }
        let length = start.len() - rest.0.len();
        let column = ColumnDefinition {
            data_type: joined(start.get(..length).unwrap_or_default()),
            name,
            ..ColumnDefinition::default()
        };
        self.columns.push(column);
        let column = self.columns.len() - 1;
        self.constraints(rest, Some(column));
    }

    /// Reads constraints up to the end of the item: of the column at a place, or of the table.
    fn constraints(&mut self, rest: &mut Rest<'_, '_>, column: Option<usize>) {
        let mut name = None;
        while !rest.0.is_empty() {
            if rest.word("CONSTRAINT") {
                name = rest.name().map(ConstraintName::new);
                continue;
            }
            self.constraint(rest, column, name.take());
        }
    }

    fn constraint(&mut self, rest: &mut Rest<'_, '_>, at: Option<usize>, name: Option<ConstraintName>) {
        let own = at.and_then(|at| self.columns.get(at)).map(|column| column.name.clone());
        if rest.words(["PRIMARY", "KEY"]) {
            self.primary_key = name;
            let list = rest.group().unwrap_or_default();
            if list.iter().any(|token| token.is_word("AUTOINCREMENT")) {
                let first = list.first().map(Token::name).unwrap_or_default();
                let known = self
                    .columns
                    .iter_mut()
                    .find(|column| column.name.eq_ignore_ascii_case(&first));
                known.into_iter().for_each(|column| column.auto_increment = true);
            }
        } else if rest.word("AUTOINCREMENT") {
            self.at(at, |column| column.auto_increment = true);
        } else if rest.word("UNIQUE") {
            let columns = match own {
                Some(own) => vec![own],
                None => rest.group().map(names).unwrap_or_default(),
            };
            self.unique.push((columns, name));
        } else if rest.word("CHECK") {
            let expression = rest.group().map(expression).unwrap_or_default();
            self.checks.push((expression, name));
        } else if rest.words(["FOREIGN", "KEY"]) {
            let columns = rest.group().map(names).unwrap_or_default();
            if rest.word("REFERENCES") {
                self.foreign_key(rest, columns, name);
            }
        } else if rest.word("REFERENCES") {
            self.foreign_key(rest, own.into_iter().collect(), name);
        } else if rest.words(["NOT", "DEFERRABLE"]) {
            rest.initially();
            self.defer(Deferrable::No);
        } else if rest.word("DEFERRABLE") {
            let deferred = rest.initially();
            self.defer(match deferred {
                true => Deferrable::InitiallyDeferred,
                false => Deferrable::InitiallyImmediate,
            });
        } else if rest.word("COLLATE") {
            let collation = rest.name();
            self.at(at, |column| column.collation = collation);
        } else if rest.word("AS") {
            let expression = rest.group().map(expression).unwrap_or_default();
            let storage = match rest.word("STORED") {
                true => Storage::Stored,
                false => Storage::Virtual,
            };
            self.at(at, |column| column.generated = Some(Generated { expression, storage }));
        } else if rest.word("DEFAULT") {
            // It may be a keyword that else begins a constraint: NULL.
            rest.step();
        } else if rest.words(["ON", "CONFLICT"]) {
            self.conflicts += 1;
            rest.step();
        } else {
            rest.step();
        }
    }

    fn foreign_key(&mut self, rest: &mut Rest<'_, '_>, columns: Vec<String>, name: Option<ConstraintName>) {
        let referenced_table = rest.name().unwrap_or_default();
        rest.group();
        while rest.word("ON") || rest.word("MATCH") {
            // ON DELETE SET NULL: an event and one or two words; MATCH: a name.
            rest.step();
            let two = ["SET", "NO"].iter().any(|word| rest.word(word));
            if two || ["CASCADE", "RESTRICT"].iter().any(|word| rest.is(word)) {
                rest.step();
            }
        }
        self.foreign_keys.push(KeyDefinition {
            name,
            columns,
            referenced_table,
            deferrable: Deferrable::No,
        });
    }

    fn defer(&mut self, deferrable: Deferrable) {
        if let Some(key) = self.foreign_keys.last_mut() {
            key.deferrable = deferrable;
        }
    }

    fn at(&mut self, at: Option<usize>, change: impl FnOnce(&mut ColumnDefinition)) {
        if let Some(column) = at.and_then(|at| self.columns.get_mut(at)) {
            change(column);
        }
    }
}

impl KeyDefinition {
    /// Whether it declares this key.
    pub(super) fn is(&self, key: &ForeignKey) -> bool {
        let columns = &key.relation.columns;
        self.referenced_table
            .eq_ignore_ascii_case(key.relation.referenced_table.name())
            && self.columns.len() == columns.len()
            && (self.columns.iter().zip(columns)).all(|(mine, its)| mine.eq_ignore_ascii_case(its.as_str()))
    }
}

impl IndexDefinition {
    /// Reads a CREATE INDEX.
    pub(super) fn read(sql: &str) -> Self {
        let tokens = tokens(Backend::Sqlite, sql);
        let (list, rest) = body(&tokens);
        let mut rest = Rest(rest);
        Self {
            parts: between_commas(list).into_iter().map(index_part).collect(),
            predicate: rest.word("WHERE").then(|| expression(rest.0)),
        }
    }
}

/// The part's expression, and what follows it.
fn index_part(mut part: &[Token<'_>]) -> (String, String) {
    let mut modifiers = Vec::new();
    if let Some((last, before)) = part.split_last()
        && (last.is_word("ASC") || last.is_word("DESC"))
    {
        modifiers.extend(last.is_word("DESC").then(|| "DESC".to_owned()));
        part = before;
    }
    if let [before @ .., word, name] = part
        && word.is_word("COLLATE")
    {
        modifiers.insert(0, format!("COLLATE {}", name.name()));
        part = before;
    }
    (expression(part), modifiers.join(" "))
}

/// What is in the first parentheses, and what follows them. A name in quotes is one token, so these are the list's.
fn body<'t, 'a>(tokens: &'t [Token<'a>]) -> (&'t [Token<'a>], &'t [Token<'a>]) {
    let start = tokens.iter().position(|token| token.is('('));
    let list = start.and_then(|start| tokens.get(start..));
    list.and_then(group).unwrap_or_default()
}

fn expression(tokens: &[Token<'_>]) -> String {
    without_parentheses(Backend::Sqlite, &joined(tokens)).to_owned()
}

fn names(list: &[Token<'_>]) -> Vec<String> {
    let items = between_commas(list).into_iter();
    items.filter_map(|item| item.first().map(Token::name)).collect()
}

/// What can follow a column's type. All but GENERATED and AS are reserved in SQLite.
fn is_constraint_word(token: &Token<'_>) -> bool {
    const WORDS: [&str; 12] = [
        "CONSTRAINT",
        "PRIMARY",
        "NOT",
        "NULL",
        "UNIQUE",
        "CHECK",
        "DEFAULT",
        "COLLATE",
        "REFERENCES",
        "GENERATED",
        "AS",
        "DEFERRABLE",
    ];
    WORDS.iter().any(|word| token.is_word(word))
}

/// The tokens that are still to be read.
struct Rest<'t, 'a>(&'t [Token<'a>]);

impl<'t, 'a> Rest<'t, 'a> {
    fn step(&mut self) {
        self.0 = match group(self.0) {
            Some((_, rest)) => rest,
            None => self.0.split_first().map_or(&[], |(_, rest)| rest),
        };
    }

    fn is(&self, word: &str) -> bool {
        self.0.first().is_some_and(|token| token.is_word(word))
    }

    /// Steps over this word, if it is next.
    fn word(&mut self, word: &str) -> bool {
        let is = self.is(word);
        if is {
            self.step();
        }
        is
    }

    fn words(&mut self, words: [&str; 2]) -> bool {
        let [first, second] = words;
        let are = self.is(first) && self.0.get(1).is_some_and(|token| token.is_word(second));
        if are {
            self.step();
            self.step();
        }
        are
    }

    fn name(&mut self) -> Option<String> {
        let (first, rest) = self.0.split_first()?;
        if first.kind == Kind::Symbol {
            return None;
        }
        self.0 = rest;
        Some(first.name())
    }

    fn group(&mut self) -> Option<&'t [Token<'a>]> {
        let (inner, rest) = group(self.0)?;
        self.0 = rest;
        Some(inner)
    }

    /// Reads INITIALLY DEFERRED or INITIALLY IMMEDIATE; whether it was the former.
    fn initially(&mut self) -> bool {
        self.word("INITIALLY") && {
            let deferred = self.is("DEFERRED");
            self.step();
            deferred
        }
    }

    fn is_table_constraint(&self) -> bool {
        ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"]
            .iter()
            .any(|word| self.is(word))
    }
}
