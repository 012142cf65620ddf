//! Cutting a text into its statements.

use crate::backend::Backend;
use crate::lex::{Kind, Token, lexemes};

/// One statement of a text.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    /// Without comments, and without the semicolon.
    pub(super) tokens: Vec<Token<'a>>,
    /// As it stands in the text, from its first token to its last.
    pub(super) sql: &'a str,
    /// The lines of the text before it.
    pub(super) lines_before: usize,
    /// The rules that comments in it, before it, or behind it on its last line ask to leave out.
    pub(super) ignored: Vec<String>,
}

/// The statements between the semicolons. A semicolon in the body of a trigger or of a routine ends no statement.
pub(super) fn statements(backend: Backend, text: &str) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut open = Open::default();
    // Where the semicolon stood that a comment on its line still belongs to.
    let mut ended: Option<usize> = None;
    for token in lexemes(backend, text) {
        if token.kind == Kind::Comment {
            let codes = ignored(token.text);
            let behind = ended.is_some_and(|end| text.get(end..token.at).is_some_and(|gap| !gap.contains('\n')));
            match pieces.last_mut() {
                Some(piece) if behind && open.tokens.is_empty() => piece.ignored.extend(codes),
                _ => open.ignored.extend(codes),
            }
        } else if token.is(';') && open.ends() {
            pieces.extend(std::mem::take(&mut open).closed(text));
            ended = Some(token.end());
        } else {
            open.push(token);
        }
    }
    pieces.extend(open.closed(text));
    pieces
}

/// A statement whose end has not come yet.
#[derive(Debug, Default)]
struct Open<'a> {
    tokens: Vec<Token<'a>>,
    ignored: Vec<String>,
    /// How many BEGIN and CASE of a body wait for their END.
    depth: usize,
    /// The word END was the last one.
    after_end: bool,
}

impl<'a> Open<'a> {
    fn push(&mut self, token: Token<'a>) {
        if self.has_body() {
            let loops = ["IF", "LOOP", "WHILE", "REPEAT", "FOR"];
            if self.after_end && loops.iter().any(|word| token.is_word(word)) {
                // END IF closes what was not counted.
                self.depth += 1;
            } else if (token.is_word("BEGIN") || token.is_word("CASE")) && !self.after_end {
                self.depth += 1;
            } else if token.is_word("END") {
                self.depth = self.depth.saturating_sub(1);
            }
            self.after_end = token.is_word("END");
        }
        self.tokens.push(token);
    }

    /// CREATE TRIGGER and its like hold statements.
    fn has_body(&self) -> bool {
        let kinds = ["TRIGGER", "PROCEDURE", "FUNCTION", "EVENT"];
        let head = self.tokens.iter().take(8);
        self.tokens.first().is_some_and(|first| first.is_word("CREATE"))
            && head
                .into_iter()
                .any(|token| kinds.iter().any(|kind| token.is_word(kind)))
    }

    const fn ends(&self) -> bool {
        self.depth == 0
    }

    fn closed(self, text: &'a str) -> Option<Piece<'a>> {
        let (first, last) = (self.tokens.first()?, self.tokens.last()?);
        let before = text.get(..first.at)?;
        Some(Piece {
            sql: text.get(first.at..last.end())?,
            lines_before: before.matches('\n').count(),
            ignored: self.ignored,
            tokens: self.tokens,
        })
    }
}

/// The codes in `cascade: ignore L36, L40 because …`; none if the comment says something else.
pub(super) fn ignored(comment: &str) -> Vec<String> {
    let Some((_, rest)) = comment.split_once("cascade:") else {
        return Vec::new();
    };
    let Some(codes) = rest.trim_start().strip_prefix("ignore") else {
        return Vec::new();
    };
    codes
        .split(|c: char| c.is_whitespace() || c == ',' || c == ':')
        .filter(|word| !word.is_empty())
        .map_while(|word| is_code(word).then(|| word.to_ascii_uppercase()))
        .collect()
}

fn is_code(word: &str) -> bool {
    let digits = word.strip_prefix(['L', 'l']).unwrap_or_default();
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
}
