//! Cutting Rust into tokens, as far as it takes to find calls and the texts in them.

/// A piece of Rust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// The line it begins on, from 1.
    pub(super) line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a name.
    Word(String),
    /// A string, as the program sees it.
    Text(String),
    /// One other character.
    Symbol(char),
    /// A character, a lifetime or a number.
    Other,
}

/// A comment, and the line of the code it is about: its own, or the next one that has code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    pub(super) text: String,
    pub(super) about: usize,
}

impl Token {
    pub(super) fn is(&self, symbol: char) -> bool {
        self.kind == Kind::Symbol(symbol)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            Kind::Text(_) | Kind::Symbol(_) | Kind::Other => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            Kind::Word(_) | Kind::Symbol(_) | Kind::Other => None,
        }
    }
}

/// The tokens of a source file, and its comments. Any text has some.
pub(super) fn tokens(source: &str) -> (Vec<Token>, Vec<Comment>) {
    let mut reader = Reader {
        rest: source,
        line: 1,
        tokens: Vec::new(),
        comments: Vec::new(),
        waiting: Vec::new(),
    };
    while reader.next() {}
    (reader.tokens, reader.comments)
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
    /// Comments on lines without code.
    waiting: Vec<String>,
}

impl Reader<'_> {
    /// Takes so many bytes off the front.
    fn take(&mut self, length: usize) -> &str {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let line = self.line;
        for text in self.waiting.drain(..) {
            self.comments.push(Comment { text, about: line });
        }
        self.tokens.push(Token { kind, line });
        self.take(length);
    }

    /// Reads one token or comment; gives whether there was something to read.
    fn next(&mut self) -> bool {
        let space = self.rest.len() - self.rest.trim_start().len();
        self.take(space);
        let text = self.rest;
        let Some(first) = text.chars().next() else {
            return false;
        };
        if text.starts_with("//") {
            self.comment(text.find('\n').unwrap_or(text.len()));
        } else if text.starts_with("/*") {
            self.comment(block(text));
        } else if let Some((value, length)) = string(text) {
            self.push(Kind::Text(value), length);
        } else if first == '\'' {
            self.push(Kind::Other, character(text));
        } else if first.is_ascii_digit() {
            let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_'));
            self.push(Kind::Other, end.unwrap_or(text.len()));
        } else if first.is_alphabetic() || first == '_' {
            // r#type is the name `type`.
            let raw = text.strip_prefix("r#");
            let name = raw.unwrap_or(text);
            let end = name
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(name.len());
            let word = name.get(..end).unwrap_or_default().to_owned();
            self.push(Kind::Word(word), text.len() - name.len() + end);
        } else {
            self.push(Kind::Symbol(first), first.len_utf8());
        }
        true
    }

    fn comment(&mut self, length: usize) {
        let line = self.line;
        let text = self.take(length).to_owned();
        match self.tokens.last() {
            Some(token) if token.line == line => self.comments.push(Comment { text, about: line }),
            _ => self.waiting.push(text),
        }
    }
}

/// Where the comment at the front ends; they nest.
fn block(text: &str) -> usize {
    let (mut at, mut depth) = (0usize, 0usize);
    loop {
        let rest = text.get(at..).unwrap_or_default();
        if rest.starts_with("/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if rest.starts_with("*/") {
            (at, depth) = (at + 2, depth.saturating_sub(1));
        } else {
            match rest.chars().next() {
                Some(c) => at += c.len_utf8(),
                None => return text.len(),
            }
        }
        if depth == 0 {
            return at;
        }
    }
}

/// The string at the front, as the program sees it, and how long it is in the source.
fn string(text: &str) -> Option<(String, usize)> {
    let body = text.strip_prefix(['b', 'c']).unwrap_or(text);
    if let Some(raw) = body.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let inner = raw.get(hashes..)?.strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = inner.find(&end).unwrap_or(inner.len());
        let value = inner.get(..length)?.to_owned();
        let consumed = text.len() - inner.len() + length + end.len();
        return Some((value, Ord::min(consumed, text.len())));
    }
    let inner = body.strip_prefix('"')?;
    let mut value = String::new();
    let mut characters = inner.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, text.len() - inner.len() + at + 1)),
            '\\' => match characters.next().map(|(_, c)| c) {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some('r') => value.push('\r'),
                // The next line goes on with what is not white space.
                Some('\n') => {
                    let rest = characters.as_str();
                    let skipped = rest.len() - rest.trim_start().len();
                    let count = rest.get(..skipped).map_or(0, |space| space.chars().count());
                    for _ in 0..count {
                        characters.next();
                    }
                }
                // Of a \u{…} the name it spells is not needed.
                Some(other) => value.push(other),
                None => {}
            },
            c => value.push(c),
        }
    }
    Some((value, text.len()))
}

/// Where the character or the lifetime at the front ends.
fn character(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match characters.next() {
        Some((_, '\\')) => {
            characters.next();
            characters
                .find(|(_, c)| *c == '\'')
                .map_or(text.len(), |(at, _)| at + 1)
        }
        Some((_, first)) => match characters.next() {
            Some((at, '\'')) => at + 1,
            // A lifetime is a quote and then a word of its own.
            _ => 1 + if first.is_alphanumeric() { 0 } else { first.len_utf8() },
        },
        None => text.len(),
    }
}
