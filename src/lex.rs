//! Cutting SQL into tokens, as far as it takes to find the end of an expression or of a statement.
//!
//! # Invariants
//!
//! - Any text has tokens, and together with the white space between them they are the text.

use crate::backend::Backend;

/// A piece of SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    /// As it stands in the text, with its quotes.
    pub(crate) text: &'a str,
    /// Where it begins, in bytes.
    pub(crate) at: usize,
    /// Whether white space or a comment is before it.
    pub(crate) spaced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword, a bare name, a number or a part of one.
    Word,
    /// A name in quotes.
    Name,
    /// A string in single quotes, or between dollars (PostgreSQL).
    Text,
    /// A comment, which only [`lexemes`] gives.
    Comment,
    /// One other character.
    Symbol,
}

/// The tokens of a text, without its comments.
pub(crate) fn tokens(backend: Backend, sql: &str) -> Vec<Token<'_>> {
    let mut tokens = lexemes(backend, sql);
    tokens.retain(|token| token.kind != Kind::Comment);
    tokens
}

/// The tokens of a text, and its comments. Any text has some: a quote that is left open ends with the text.
pub(crate) fn lexemes(backend: Backend, sql: &str) -> Vec<Token<'_>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let (mut rest, mut spaced) = (sql, false);
    loop {
        let text = rest.trim_start();
        spaced |= text.len() != rest.len();
        let Some(first) = text.chars().next() else {
            return tokens;
        };
        let escaped = match backend {
            Backend::Postgres => !spaced && tokens.last().is_some_and(|before| before.is_word("E")),
            Backend::MySql => true,
            Backend::Sqlite => false,
        };
        let comment = comment(backend, text).map(|end| (Kind::Comment, end));
        let dollars = between_dollars(backend, text).map(|end| (Kind::Text, end));
        let (kind, end) = comment.or(dollars).unwrap_or_else(|| match first {
            '\'' => (Kind::Text, quoted(text, first, escaped)),
            '"' | '`' => (Kind::Name, quoted(text, first, false)),
            '[' if backend == Backend::Sqlite => (Kind::Name, text.find(']').map_or(text.len(), |at| at + 1)),
            _ if is_in_word(first) => (Kind::Word, text.find(|c| !is_in_word(c)).unwrap_or(text.len())),
            _ => (Kind::Symbol, first.len_utf8()),
        });
        let (token, after) = text.split_at_checked(end).unwrap_or((text, ""));
        tokens.push(Token {
            kind,
            text: token,
            at: sql.len() - text.len(),
            spaced,
        });
        (rest, spaced) = (after, kind == Kind::Comment);
    }
}

/// An expression without the parentheses that are around the whole of it.
pub(crate) fn without_parentheses(backend: Backend, sql: &str) -> &str {
    let mut inner = sql.trim();
    loop {
        let tokens = tokens(backend, inner);
        let around = tokens.len() > 1 && group(&tokens).is_some_and(|(_, rest)| rest.is_empty());
        match inner.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
            Some(text) if around => inner = text.trim(),
            _ => return inner,
        }
    }
}

/// What is in the parentheses at the front, and what follows them.
pub(crate) fn group<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<(&'t [Token<'a>], &'t [Token<'a>])> {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        if token.is('(') {
            depth += 1;
        } else if token.is(')') {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 {
            return (at > 0).then_some((tokens.get(1..at)?, tokens.get(at + 1..)?));
        }
    }
    None
}

/// The lists between the commas that are in no parentheses.
pub(crate) fn between_commas<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut depth = 0usize;
    tokens
        .split(|token| {
            if token.is('(') {
                depth += 1;
            } else if token.is(')') {
                depth = depth.saturating_sub(1);
            }
            depth == 0 && token.is(',')
        })
        .collect()
}

/// The text of these tokens, on one line and without comments.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) fn joined(tokens: &[Token<'_>]) -> String {
    let mut text = String::new();
    for token in tokens {
        if token.spaced && !text.is_empty() {
            text.push(' ');
        }
        text.push_str(token.text);
    }
    text
}

impl Token<'_> {
    /// Where it ends, in bytes.
    pub(crate) const fn end(&self) -> usize {
        self.at + self.text.len()
    }

    pub(crate) fn is(&self, symbol: char) -> bool {
        self.kind == Kind::Symbol && self.text.starts_with(symbol)
    }

    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// The name it is, without its quotes.
    pub(crate) fn name(&self) -> String {
        let inner = |quote: char| {
            let inner = self.text.strip_prefix(quote).unwrap_or(self.text);
            let inner = inner.strip_suffix(quote).unwrap_or(inner);
            inner.replace(&format!("{quote}{quote}"), &quote.to_string())
        };
        match self.text.chars().next() {
            Some(quote @ ('"' | '`' | '\'')) => inner(quote),
            Some('[') => self.text.trim_start_matches('[').trim_end_matches(']').to_owned(),
            _ => self.text.to_owned(),
        }
    }
}

fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

/// Where the comment at the front ends.
fn comment(backend: Backend, text: &str) -> Option<usize> {
    let to_line_end = || text.find('\n').unwrap_or(text.len());
    if let Some(after) = text.strip_prefix("--") {
        // On MySQL `5--1` is 6.
        let is_one = match backend {
            Backend::Postgres | Backend::Sqlite => true,
            Backend::MySql => after.chars().next().is_none_or(char::is_whitespace),
        };
        return is_one.then(to_line_end);
    }
    if text.starts_with('#') && backend == Backend::MySql {
        return Some(to_line_end());
    }
    text.starts_with("/*").then(|| block(backend, text))
}

/// Where the `/* … */` at the front ends; on PostgreSQL they nest.
fn block(backend: Backend, text: &str) -> usize {
    let (mut at, mut depth) = (2, 1usize);
    loop {
        let Some(rest) = text.get(at..) else {
            return text.len();
        };
        let Some(end) = rest.find("*/") else {
            return text.len();
        };
        match rest.find("/*") {
            Some(inner) if backend == Backend::Postgres && inner < end => {
                depth += 1;
                at += inner + 2;
            }
            _ => {
                depth -= 1;
                at += end + 2;
            }
        }
        if depth == 0 {
            return at;
        }
    }
}

/// Where the text in `$$` or `$tag$` at the front ends (PostgreSQL).
fn between_dollars(backend: Backend, text: &str) -> Option<usize> {
    if backend != Backend::Postgres {
        return None;
    }
    let (tag, _) = text.strip_prefix('$')?.split_once('$')?;
    let is_tag = tag.chars().all(|c| c.is_alphanumeric() || c == '_') && !tag.starts_with(|c: char| c.is_ascii_digit());
    if !is_tag {
        return None;
    }
    let quote = text.get(..tag.len() + 2)?;
    let body = text.get(quote.len()..)?;
    Some(body.find(quote).map_or(text.len(), |end| end + 2 * quote.len()))
}

/// Where the quoted text at the front ends. A doubled quote is one of its characters, and where there are escapes so is one after a
/// backslash.
fn quoted(text: &str, quote: char, escaped: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\\' && escaped {
            characters.next();
        } else if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + c.len_utf8();
        }
    }
    text.len()
}
