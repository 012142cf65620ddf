//! [`Cursor`]: a statement's tokens, read from the left.

use crate::backend::Backend;
use crate::lex::{Kind, Token, group};
use crate::name::{ColumnName, TableName};

/// What of a statement is still to be read. What is not understood is stepped over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'t, 'a> {
    pub(super) backend: Backend,
    pub(super) rest: &'t [Token<'a>],
}

impl<'t, 'a> Cursor<'t, 'a> {
    pub(super) const fn new(backend: Backend, rest: &'t [Token<'a>]) -> Self {
        Self { backend, rest }
    }

    pub(super) fn step(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    pub(super) fn is(&self, word: &str) -> bool {
        self.rest.first().is_some_and(|token| token.is_word(word))
    }

    /// Steps over the word, if it is next.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let is = self.is(word);
        if is {
            self.step();
        }
        is
    }

    /// Steps over these words, if they are next; else over none.
    pub(super) fn words(&mut self, words: &[&str]) -> bool {
        let are =
            self.rest.len() >= words.len() && words.iter().zip(self.rest).all(|(word, token)| token.is_word(word));
        if are {
            self.rest = self.rest.get(words.len()..).unwrap_or_default();
        }
        are
    }

    /// Steps over the first of these that is next.
    pub(super) fn one_of(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.word(word))
    }

    pub(super) fn symbol(&mut self, symbol: char) -> bool {
        let is = self.rest.first().is_some_and(|token| token.is(symbol));
        if is {
            self.step();
        }
        is
    }

    /// Steps over `IF EXISTS` or `IF NOT EXISTS`.
    pub(super) fn if_exists(&mut self) -> bool {
        self.words(&["IF", "EXISTS"]) || self.words(&["IF", "NOT", "EXISTS"])
    }

    /// Steps over tokens until this word is next, and says whether it is.
    pub(super) fn find(&mut self, word: &str) -> bool {
        while !self.rest.is_empty() && !self.is(word) {
            self.step();
        }
        !self.rest.is_empty()
    }

    /// Whether the words stand in what is left, in parentheses or not.
    pub(super) fn has(&self, words: &[&str]) -> bool {
        self.rest
            .windows(words.len().max(1))
            .any(|window| words.iter().zip(window).all(|(word, token)| token.is_word(word)))
    }

    /// What is in the parentheses that are next.
    pub(super) fn group(&mut self) -> Option<&'t [Token<'a>]> {
        let (inner, rest) = group(self.rest).filter(|_| self.rest.first().is_some_and(|token| token.is('(')))?;
        self.rest = rest;
        Some(inner)
    }

    /// A name, without its quotes and as the engine keeps it. A placeholder such as `{table}` is one, or a part of one.
    pub(super) fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        while let Some(token) = self.rest.first() {
            if !name.is_empty() && token.spaced {
                break;
            }
            match token.kind {
                Kind::Word if self.backend == Backend::Postgres => name.push_str(&token.text.to_lowercase()),
                Kind::Word => name.push_str(token.text),
                Kind::Name => name.push_str(&token.name()),
                Kind::Symbol if token.is('{') => {
                    name.push_str(&self.placeholder());
                    continue;
                }
                Kind::Text | Kind::Symbol | Kind::Comment => break,
            }
            self.step();
        }
        (!name.is_empty()).then_some(name)
    }

    fn placeholder(&mut self) -> String {
        let mut text = String::new();
        while let Some(token) = self.rest.first() {
            text.push_str(token.text);
            self.step();
            if token.is('}') {
                break;
            }
        }
        text
    }

    pub(super) fn table(&mut self) -> Option<TableName> {
        let mut names = vec![self.name()?];
        while self.symbol('.') {
            names.push(self.name()?);
        }
        let name = names.pop()?;
        Some(match names.pop() {
            Some(schema) => TableName::in_schema(schema, name),
            None => TableName::new(name),
        })
    }

    pub(super) fn column(&mut self) -> Option<ColumnName> {
        self.name().map(ColumnName::new)
    }

    /// The columns in the parentheses that are next: of each part the name in front.
    pub(super) fn columns(&mut self) -> Vec<ColumnName> {
        let inner = self.group().unwrap_or_default();
        crate::lex::between_commas(inner)
            .into_iter()
            .filter_map(|part| {
                let mut part = Cursor::new(self.backend, part);
                let column = part.column()?;
                // An expression is no column.
                (!part.rest.first().is_some_and(|token| token.is('(')) || self.backend == Backend::MySql)
                    .then_some(column)
            })
            .collect()
    }
}
