//! Cutting SQL into tokens, as far as it takes to find the end of an expression.

use crate::backend::Backend;

/// A piece of SQL. Comments and white space are between tokens.
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
    /// A string in single quotes.
    Text,
    /// One other character.
    Symbol,
}

/// The tokens of a text. Any text has some: a quote that is left open ends with the text.
pub(crate) fn tokens(backend: Backend, sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut rest, mut spaced) = (sql, false);
    loop {
        let text = rest.trim_start();
        spaced |= text.len() != rest.len();
        // Only SQLite keeps a statement as it was written.
        if let Some(after) = comment(backend, text) {
            (rest, spaced) = (after, true);
            continue;
        }
        let Some(first) = text.chars().next() else {
            return tokens;
        };
        let (kind, end) = match first {
            '\'' => (Kind::Text, quoted(text, first, backend)),
            '"' | '`' => (Kind::Name, quoted(text, first, backend)),
            '[' if backend == Backend::Sqlite => (Kind::Name, text.find(']').map_or(text.len(), |at| at + 1)),
            _ if is_in_word(first) => (Kind::Word, text.find(|c| !is_in_word(c)).unwrap_or(text.len())),
            _ => (Kind::Symbol, first.len_utf8()),
        };
        let (token, after) = text.split_at_checked(end).unwrap_or((text, ""));
        tokens.push(Token {
            kind,
            text: token,
            at: sql.len() - text.len(),
            spaced,
        });
        (rest, spaced) = (after, false);
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

fn comment(backend: Backend, text: &str) -> Option<&str> {
    if backend != Backend::Sqlite {
        return None;
    }
    let after = |comment: &'static str, rest: &'_ str| rest.find(comment).map(|at| at + comment.len());
    let (body, end) = match (text.strip_prefix("--"), text.strip_prefix("/*")) {
        (Some(line), _) => (line, after("\n", line)),
        (None, Some(block)) => (block, after("*/", block)),
        (None, None) => return None,
    };
    Some(end.and_then(|end| body.get(end..)).unwrap_or(""))
}

/// Where the quoted text at the front ends. A doubled quote is one of its characters, and on MySQL so is one after a backslash.
fn quoted(text: &str, quote: char, backend: Backend) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\\' && quote == '\'' && backend == Backend::MySql {
            characters.next();
        } else if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + c.len_utf8();
        }
    }
    text.len()
}
