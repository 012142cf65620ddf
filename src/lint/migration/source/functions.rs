//! The functions and constants of a source file.

use super::rust::Token;
use super::tree::{group, until};

/// A function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Function<'t> {
    pub(super) name: &'t str,
    parameters: &'t [Token],
    pub(super) body: &'t [Token],
}

impl<'t> Function<'t> {
    /// The names of its parameters, without `self`.
    pub(super) fn parameters(&self) -> Vec<&'t str> {
        super::tree::between_commas(self.parameters)
            .into_iter()
            .filter_map(|part| {
                let colon = until(part, |rest| rest.first().is_some_and(|token| token.is(':')));
                let pattern = part.get(..colon)?;
                (colon < part.len()).then(|| pattern.iter().rev().find_map(Token::word))?
            })
            .collect()
    }
}

/// All functions, those in others and in `impl` blocks among them.
pub(super) fn functions(tokens: &[Token]) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        if let Some((function, _)) = function(tokens.get(at..).unwrap_or_default()) {
            found.push(function);
        }
    }
    found
}

/// The function whose `fn` is at the front, and what follows it.
pub(super) fn function(tokens: &[Token]) -> Option<(Function<'_>, &[Token])> {
    let [keyword, name, rest @ ..] = tokens else {
        return None;
    };
    let (true, Some(name)) = (keyword.is_word("fn"), name.word()) else {
        return None;
    };
    let rest = after_generics(rest);
    if !rest.first()?.is('(') {
        return None;
    }
    let (parameters, rest) = group(rest);
    let end = until(rest, |rest| {
        rest.first().is_some_and(|token| token.is('{') || token.is(';'))
    });
    let rest = rest.get(end..)?;
    if !rest.first()?.is('{') {
        return None;
    }
    let (body, after) = group(rest);
    Some((Function { name, parameters, body }, after))
}

fn after_generics(tokens: &[Token]) -> &[Token] {
    if !tokens.first().is_some_and(|token| token.is('<')) {
        return tokens;
    }
    let (mut depth, mut before) = (0usize, None);
    for (at, token) in tokens.iter().enumerate() {
        if token.is('<') {
            depth += 1;
        } else if token.is('>') && !before.is_some_and(|before: &Token| before.is('-')) {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 {
            return tokens.get(at + 1..).unwrap_or_default();
        }
        before = Some(token);
    }
    &[]
}

/// The constants: their names, and what they are set to.
pub(super) fn constants(tokens: &[Token]) -> Vec<(&str, &[Token])> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let Some([keyword, name, rest @ ..]) = tokens.get(at..) else {
            continue;
        };
        let is_one = keyword.is_word("const") || keyword.is_word("static");
        if let (true, Some(name)) = (is_one, name.word()) {
            found.extend(value(rest).map(|(value, _)| (name, value)));
        }
    }
    found
}

/// What follows the `=` of a `let` or `const`, and what follows its end.
pub(super) fn value(tokens: &[Token]) -> Option<(&[Token], &[Token])> {
    let ends = |rest: &[Token]| rest.first().is_some_and(|token| token.is(';'));
    let start = until(tokens, |rest| {
        ends(rest) || rest.first().is_some_and(|token| token.is('=') || token.is('}'))
    });
    if !tokens.get(start)?.is('=') {
        return None;
    }
    let value = tokens.get(start + 1..)?;
    let end = until(value, ends);
    Some((value.get(..end)?, value.get(end..)?))
}
