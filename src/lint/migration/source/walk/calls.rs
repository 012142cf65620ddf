//! What a call sends: itself, or a function that it enters.

use super::super::super::act::Act;
use super::super::super::cut::ignored;
use super::super::super::script::What;
use super::super::builder;
use super::super::functions::Function;
use super::super::rust::Token;
use super::super::text::{Text, texts};
use super::super::tree::{between_commas, group};
use super::{Call, DEPTH, Frame, Sent, Walk};

impl<'t> Walk<'_, 't> {
    /// Follows a call; gives whether its arguments have been read.
    pub(super) fn call(&mut self, call: &Call<'t>, before: &'t [Token], frame: &Frame<'t>) -> bool {
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
            "drop_column" if is_method && altered(before).is_some() => {
                let names = builder::Names {
                    known: &frame.known,
                    functions: self.functions,
                };
                let dropped = builder::dropped(altered(before).unwrap_or_default(), call.arguments, &names);
                let sent = self.sent(call, What::Built(vec![dropped]), call.lines.1, frame);
                self.read.sent.push(sent);
                true
            }
            // A query for orphans of this crate's own.
            "find" | "find_all" if before.iter().rev().take(3).any(|token| token.is_word("orphans")) => {
                let sent = self.sent(call, What::Built(vec![Act::Proof]), call.lines.0, frame);
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

/// What the `Alteration::new(…)` is given that a chain of calls begins with.
fn altered(before: &[Token]) -> Option<&[Token]> {
    let ends = |token: &Token| [';', '{', '}'].iter().any(|end| token.is(*end));
    let start = before.iter().rposition(ends).map_or(0, |end| end + 1);
    let chain = before.get(start..)?;
    let at = chain.iter().position(|token| token.is_word("Alteration"))?;
    match chain.get(at + 1..)? {
        [one, two, new, rest @ ..] if one.is(':') && two.is(':') && new.is_word("new") => Some(group(rest).0),
        _ => None,
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
