//! Following what a function sends, through the functions it calls.

mod engines;

use super::super::cut::ignored;
use super::super::script::{Direction, What};
use super::builder;
use super::functions::{Function, function, value};
use super::rust::{Comment, Token};
use super::text::{Known, Text, texts};
use super::tree::{between_commas, group, is_arrow, until};

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

    /// Follows a call; gives whether its arguments have been read.
    fn call(&mut self, call: &Call<'t>, before: &'t [Token], frame: &Frame<'t>) -> bool {
        let is_method = before.last().is_some_and(|token| token.is('.'));
        let of_self = matches!(before, [.., own, _] if own.is_word("self"));
        let arguments = between_commas(call.arguments);
        match call.name {
            "execute_unprepared" => {
                self.send(call, arguments.first().copied(), frame);
                true
            }
            "from_string" | "from_sql_and_values" => {
                self.send(call, arguments.get(1).copied(), frame);
                true
            }
            name if is_method && builder::is_call(name) => {
                let argument = self.followed(arguments.first().copied().unwrap_or_default(), frame);
                let names = builder::Names {
                    known: &frame.known,
                    functions: self.functions,
                };
                let acts = builder::acts(name, argument, &names);
                let unknown = acts.iter().filter_map(|act| act.table()).any(builder::is_unknown);
                if acts.is_empty() || unknown {
                    let sent = self.sent(call, What::Sql(call.name.to_owned()), call.lines.0, frame);
                    self.read.unread.push(sent);
                }
                let sent = self.sent(call, What::Built(acts), call.lines.0, frame);
                self.read.sent.push(sent);
                true
            }
            // A query for orphans of this crate's own.
            "find" | "find_all" if before.iter().rev().take(3).any(|token| token.is_word("orphans")) => {
                let sent = self.sent(
                    call,
                    What::Built(vec![super::super::act::Act::Proof]),
                    call.lines.0,
                    frame,
                );
                self.read.sent.push(sent);
                false
            }
            name => {
                let function = (!is_method || of_self)
                    .then(|| self.functions.iter().find(|function| function.name == name))
                    .flatten();
                match function {
                    Some(function) => self.enter(*function, call, &arguments, frame),
                    None if self.send_by_helper(call, &arguments, before, frame) => {}
                    None if !is_method && arguments.iter().any(|argument| is_manager(argument)) => {
                        // What another module does with it is not seen from here.
                        let sent = self.sent(call, What::Sql(call.name.to_owned()), call.lines.1, frame);
                        self.read.unread.push(sent);
                    }
                    None => {}
                }
                false
            }
        }
    }

    /// Follows a function of the same file.
    fn enter(&mut self, function: Function<'t>, call: &Call<'t>, arguments: &[&'t [Token]], frame: &Frame<'t>) {
        if frame.stack.contains(&function.name) || frame.stack.len() >= DEPTH {
            return;
        }
        let mut inner = Frame {
            known: self.constants.clone(),
            engines: frame.engines,
            stack: frame.stack.clone(),
            ignored: [frame.ignored.clone(), self.ignored_at(call)].concat(),
        };
        inner.stack.push(function.name);
        for (parameter, argument) in function.parameters().into_iter().zip(arguments) {
            if let Some(values) = texts(argument, &frame.known, self.functions) {
                inner.known.texts.insert(parameter, values);
            }
            inner.known.bound.insert(parameter, self.followed(argument, frame));
        }
        self.block(function.body, &mut inner);
    }

    /// A helper that is not in this file, if by its name it sends and a text that it gets is SQL; gives whether that was so.
    fn send_by_helper(
        &mut self,
        call: &Call<'t>,
        arguments: &[&'t [Token]],
        before: &[Token],
        frame: &Frame<'t>,
    ) -> bool {
        let sends = ["exec", "run", "query", "sql", "apply", "send"];
        let name = call.name.to_lowercase();
        let of_other = before.iter().rev().take(3).any(|token| {
            // `Expr::custom…` and the texts of staged operations are parts of statements.
            ["Expr", "SimpleExpr", "Backfill"]
                .iter()
                .any(|other| token.is_word(other))
        });
        if of_other || !sends.iter().any(|part| name.contains(part)) {
            return false;
        }
        let mut sent = false;
        for argument in arguments {
            let values = texts(argument, &frame.known, self.functions).unwrap_or_default();
            for text in values.into_iter().filter(|text| is_statement(&text.value)) {
                self.send_text(call, text, frame);
                sent = true;
            }
        }
        sent
    }

    fn send(&mut self, call: &Call<'t>, argument: Option<&'t [Token]>, frame: &Frame<'t>) {
        match argument.and_then(|argument| texts(argument, &frame.known, self.functions)) {
            Some(values) => {
                for text in values {
                    self.send_text(call, text, frame);
                }
            }
            None => {
                let sent = self.sent(call, What::Sql(call.name.to_owned()), call.lines.1, frame);
                self.read.unread.push(sent);
            }
        }
    }

    fn send_text(&mut self, call: &Call<'t>, text: Text, frame: &Frame<'t>) {
        let sent = self.sent(call, What::Sql(text.value), text.line, frame);
        self.read.sent.push(sent);
    }

    fn sent(&self, call: &Call<'t>, what: What, line: usize, frame: &Frame<'t>) -> Sent {
        Sent {
            direction: self.direction,
            what,
            line,
            engines: frame.engines,
            ignored: [frame.ignored.clone(), self.ignored_at(call)].concat(),
        }
    }

    fn ignored_at(&self, call: &Call<'t>) -> Vec<String> {
        let (first, last) = call.lines;
        let comments = self.comments.iter();
        comments
            .filter(|comment| (first..=last).contains(&comment.about))
            .flat_map(|comment| ignored(&comment.text))
            .collect()
    }

    /// The expression that a name or a function of this file stands for, or else itself.
    fn followed(&self, mut expression: &'t [Token], frame: &Frame<'t>) -> &'t [Token] {
        for _ in 0..DEPTH {
            let plain = match expression {
                [reference, rest @ ..] if reference.is('&') => rest,
                expression => expression,
            };
            let next = match plain {
                [name, rest @ ..] if rest.first().is_none_or(|token| token.is('.')) => {
                    name.word().and_then(|name| frame.known.bound.get(name).copied())
                }
                [name, open, ..] if open.is('(') => self
                    .functions
                    .iter()
                    .find(|function| name.is_word(function.name))
                    .map(|function| function.body),
                _ => None,
            };
            match next {
                Some(next) if next != expression => expression = next,
                _ => return plain,
            }
        }
        expression
    }
}

/// Whether an argument hands on the migration's manager.
fn is_manager(argument: &[Token]) -> bool {
    match argument {
        [reference, rest @ ..] if reference.is('&') => is_manager(rest),
        [only] => only.is_word("manager"),
        _ => false,
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

/// Whether a text begins as a statement does that a helper may be given.
fn is_statement(text: &str) -> bool {
    let mut words = text.split_whitespace().map(str::to_ascii_uppercase);
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match first.as_str() {
        "ALTER" | "CREATE" | "DROP" | "TRUNCATE" | "PRAGMA" | "LOCK" => !second.is_empty(),
        "UPDATE" => words.any(|word| word == "SET"),
        "DELETE" => second == "FROM",
        "INSERT" | "REPLACE" => second == "INTO",
        "SET" => {
            second == "LOCAL"
                || second == "SESSION"
                || words.any(|word| word == "=" || word == "TO")
                || second.contains('=')
        }
        "SELECT" | "WITH" => words.any(|word| word == "FROM"),
        _ => false,
    }
}
