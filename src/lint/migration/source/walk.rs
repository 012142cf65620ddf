//! Following what a function sends, through the functions it calls.

mod calls;
mod engines;

use super::super::script::{Direction, What};
use super::functions::{Function, function, value};
use super::rust::{Comment, Token};
use super::text::{Known, texts};
use super::tree::{group, is_arrow, until};

pub(super) use engines::Engines;

/// Something that is sent, in its order.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) direction: Direction,
    /// Where it could not be read, the name of the call.
    pub(super) what: What,
    pub(super) line: usize,
    pub(super) engines: Engines,
    pub(super) ignored: Vec<String>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) sent: Vec<Sent>,
    pub(super) unread: Vec<Sent>,
}

/// How deep calls are followed.
const DEPTH: usize = 8;
/// How deep blocks are read that are in one another.
const NESTED: usize = 100;
/// How many tokens are looked at: a file may call functions from functions without an end.
const TOKENS: usize = 200_000;

/// Follows all functions of this name.
pub(super) fn from<'t>(
    name: &str,
    direction: Direction,
    functions: &[Function<'t>],
    constants: &[(&'t str, &'t [Token])],
    comments: &[Comment],
) -> Read {
    let mut known = Known::default();
    for (name, expression) in constants {
        if let Some(values) = texts(expression, &known, functions) {
            known.texts.insert(name, values);
        }
        known.bound.insert(name, expression);
    }
    let mut walk = Walk {
        direction,
        functions,
        comments,
        constants: known.clone(),
        read: Read::default(),
        left: TOKENS,
        depth: 0,
    };
    for function in functions.iter().filter(|function| function.name == name) {
        let mut frame = Frame {
            known: known.clone(),
            engines: Engines::ALL,
            stack: vec![function.name],
            ignored: Vec::new(),
        };
        walk.block(function.body, &mut frame);
    }
    walk.read
}

struct Walk<'w, 't> {
    direction: Direction,
    functions: &'w [Function<'t>],
    comments: &'w [Comment],
    constants: Known<'t>,
    read: Read,
    left: usize,
    depth: usize,
}

/// What holds at a place.
#[derive(Clone)]
struct Frame<'t> {
    known: Known<'t>,
    engines: Engines,
    stack: Vec<&'t str>,
    ignored: Vec<String>,
}

/// A call, as it stands.
struct Call<'t> {
    name: &'t str,
    arguments: &'t [Token],
    /// The lines of its statement, up to the end of the call.
    lines: (usize, usize),
}

impl<'t> Walk<'_, 't> {
    fn block(&mut self, tokens: &'t [Token], frame: &mut Frame<'t>) {
        if self.depth < NESTED {
            self.depth += 1;
            self.statements(tokens, frame);
            self.depth -= 1;
        }
    }

    fn statements(&mut self, tokens: &'t [Token], frame: &mut Frame<'t>) {
        let mut start = 0;
        let mut at = 0;
        while let Some([first, after @ ..]) = tokens.get(at..) {
            self.left = self.left.saturating_sub(1);
            if self.left == 0 {
                return;
            }
            let behind = |rest: &[Token]| tokens.len() - rest.len();
            let opened = after.first().is_some_and(|token| token.is('('));
            match first.word() {
                // A function in a function is followed where it is called.
                Some("fn") => {
                    let nested = function(tokens.get(at..).unwrap_or_default());
                    at = nested.map_or(at + 1, |(_, rest)| behind(rest));
                }
                Some("let") => {
                    self.bind(after, frame);
                    at += 1;
                }
                Some("for") => {
                    self.bind_each(after, frame);
                    at += 1;
                }
                Some("match") => at = behind(self.arms(after, frame)),
                Some("if") => at = behind(self.branches(after, frame)),
                Some(name) if opened => {
                    let (arguments, rest) = group(after);
                    let last = tokens.get(behind(rest).saturating_sub(1));
                    let from = tokens.get(start).map_or(first.line, |token| token.line);
                    let call = Call {
                        name,
                        arguments,
                        lines: (from, last.map_or(first.line, |token| token.line)),
                    };
                    let before = tokens.get(..at).unwrap_or_default();
                    at = if self.call(&call, before, frame) {
                        behind(rest)
                    } else {
                        at + 1
                    };
                }
                Some(_) => at += 1,
                // An attribute.
                None if first.is('#') && after.first().is_some_and(|token| token.is('[')) => {
                    at = behind(group(after).1)
                }
                None => {
                    at += 1;
                    if [';', '{', '}'].iter().any(|end| first.is(*end)) {
                        start = at;
                    }
                }
            }
        }
    }

    /// `let name = …`
    fn bind(&self, tokens: &'t [Token], frame: &mut Frame<'t>) {
        let name = tokens.iter().find(|token| !token.is_word("mut")).and_then(Token::word);
        if let (Some(name), Some((expression, _))) = (name, value(tokens)) {
            match texts(expression, &frame.known, self.functions) {
                Some(values) => frame.known.texts.insert(name, values),
                None => frame.known.texts.remove(name),
            };
            frame.known.bound.insert(name, expression);
        }
    }

    /// `for name in […] {`
    fn bind_each(&self, tokens: &'t [Token], frame: &mut Frame<'t>) {
        let [name, keyword, rest @ ..] = tokens else {
            return;
        };
        if let (Some(name), true) = (name.word(), keyword.is_word("in")) {
            let end = until(rest, |rest| rest.first().is_some_and(|token| token.is('{')));
            let expression = rest.get(..end).unwrap_or_default();
            if let Some(values) = texts(expression, &frame.known, self.functions) {
                frame.known.texts.insert(name, values);
            }
        }
    }

    /// The arms of a `match`; gives what follows it.
    fn arms(&mut self, tokens: &'t [Token], frame: &mut Frame<'t>) -> &'t [Token] {
        let open = until(tokens, |rest| rest.first().is_some_and(|token| token.is('{')));
        self.block(tokens.get(..open).unwrap_or_default(), frame);
        let (mut rest, after) = group(tokens.get(open..).unwrap_or_default());
        let mut arms = Vec::new();
        while !rest.is_empty() {
            let end = until(rest, is_arrow);
            let pattern = rest.get(..end).unwrap_or_default();
            let body = rest.get(end + 2..).unwrap_or_default();
            let length = match body.first() {
                Some(first) if first.is('{') => body.len() - group(body).1.len(),
                _ => until(body, |rest| rest.first().is_some_and(|token| token.is(','))),
            };
            arms.push((Engines::named(pattern), body.get(..length).unwrap_or_default()));
            rest = body.get(length..).unwrap_or_default();
            if rest.first().is_some_and(|token| token.is(',')) {
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        let all_named = arms.iter().fold(Engines::NONE, |all, (named, _)| all.or(*named));
        for (named, body) in arms {
            let mut inner = frame.clone();
            // What no other arm names is left for `_`.
            let its = if named == Engines::NONE {
                all_named.others()
            } else {
                named
            };
            inner.engines = frame.engines.and(its);
            self.block(body, &mut inner);
        }
        after
    }

    /// The branches of an `if`; gives what follows them.
    fn branches(&mut self, tokens: &'t [Token], frame: &mut Frame<'t>) -> &'t [Token] {
        let open = until(tokens, |rest| rest.first().is_some_and(|token| token.is('{')));
        let condition = tokens.get(..open).unwrap_or_default();
        self.block(condition, frame);
        let (body, after) = group(tokens.get(open..).unwrap_or_default());
        let (then, otherwise) = Engines::decided(condition);
        let mut inner = frame.clone();
        inner.engines = frame.engines.and(then);
        self.block(body, &mut inner);
        let mut inner = frame.clone();
        inner.engines = frame.engines.and(otherwise);
        match after {
            [keyword, second, ..] if keyword.is_word("else") && second.is_word("if") => {
                // The whole chain is what stands in for `{ if … }`.
                let rest = after.get(1..).unwrap_or_default();
                let length = chain(rest);
                self.block(rest.get(..length).unwrap_or_default(), &mut inner);
                rest.get(length..).unwrap_or_default()
            }
            [keyword, rest @ ..] if keyword.is_word("else") => {
                let (body, after) = group(rest);
                self.block(body, &mut inner);
                after
            }
            after => {
                if body.iter().any(|token| token.is_word("return")) {
                    frame.engines = frame.engines.and(otherwise);
                }
                after
            }
        }
    }
}

/// How long the `if … else if … else …` at the front is.
fn chain(tokens: &[Token]) -> usize {
    let mut rest = tokens;
    loop {
        let open = until(rest, |rest| rest.first().is_some_and(|token| token.is('{')));
        rest = group(rest.get(open..).unwrap_or_default()).1;
        match rest {
            [keyword, after @ ..] if keyword.is_word("else") => rest = after,
            rest => return tokens.len() - rest.len(),
        }
    }
}
