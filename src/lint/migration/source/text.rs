//! Expressions that are texts: literals, and what is put together from them.

use std::collections::BTreeMap;

use super::functions::Function;
use super::rust::Token;
use super::tree::{between_commas, group};

/// A text, and the line it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) value: String,
    pub(super) line: usize,
}

/// What is known of names where an expression stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Known<'t> {
    /// The texts a name stands for: one, or each element of a list.
    pub(super) texts: BTreeMap<&'t str, Vec<Text>>,
    /// The expression a name was bound to.
    pub(super) bound: BTreeMap<&'t str, &'t [Token]>,
}

/// How far functions that give texts, and texts in texts, are followed.
const DEPTH: usize = 6;

/// The texts an expression may be: one, or the elements of a list; nothing if that cannot be read.
pub(super) fn texts(expression: &[Token], known: &Known<'_>, functions: &[Function<'_>]) -> Option<Vec<Text>> {
    read(expression, known, functions, DEPTH)
}

fn read(expression: &[Token], known: &Known<'_>, functions: &[Function<'_>], depth: usize) -> Option<Vec<Text>> {
    let depth = depth.checked_sub(1)?;
    let mut rest = expression;
    while rest.first().is_some_and(|token| token.is('&') || token.is('*')) {
        rest = rest.get(1..)?;
    }
    let first = rest.first()?;
    let one = |value: String| {
        Some(vec![Text {
            value,
            line: first.line,
        }])
    };
    if let Some(text) = first.text() {
        return one(text.to_owned());
    }
    if first.is('(') {
        return read(group(rest).0, known, functions, depth);
    }
    if first.is('[') {
        return list(rest, known, functions, depth);
    }
    // The last name of a path is what it is called.
    let mut name = first.word()?;
    let mut after = rest.get(1..)?;
    while let [one, two, next, more @ ..] = after
        && one.is(':')
        && two.is(':')
        && let Some(word) = next.word()
    {
        (name, after) = (word, more);
    }
    match after {
        [bang, ..] if bang.is('!') => {
            let arguments = group(after.get(1..)?).0;
            match name {
                "format" => format(arguments, known, functions, depth).and_then(one),
                "concat" => {
                    let parts = between_commas(arguments).into_iter();
                    let texts =
                        parts.map(|part| single(part, known, functions, depth).unwrap_or_else(|| "{…}".to_owned()));
                    one(texts.collect())
                }
                "vec" => list(after.get(1..)?, known, functions, depth),
                "include_str" => None,
                _ => read(between_commas(arguments).first()?, known, functions, depth),
            }
        }
        [open, ..] if open.is('(') => {
            if ["from", "new", "Borrowed", "Owned", "Some"].contains(&name) {
                return read(group(after).0, known, functions, depth);
            }
            let function = functions.iter().find(|function| function.name == name)?;
            let is_expression = !function.body.iter().any(|token| token.is(';'));
            is_expression.then(|| read(function.body, known, functions, depth))?
        }
        _ => known.texts.get(name).cloned(),
    }
}

/// The elements of a list, or the one text they are joined to.
fn list(tokens: &[Token], known: &Known<'_>, functions: &[Function<'_>], depth: usize) -> Option<Vec<Text>> {
    let line = tokens.first()?.line;
    let (inner, after) = group(tokens);
    let elements: Option<Vec<_>> = between_commas(inner)
        .into_iter()
        .map(|part| read(part, known, functions, depth))
        .collect();
    let elements: Vec<_> = elements?.into_iter().flatten().collect();
    let joined = match after {
        [dot, join, open, between, ..]
            if dot.is('.') && open.is('(') && (join.is_word("join") || join.is_word("concat")) =>
        {
            Some(between.text().unwrap_or_default())
        }
        _ => None,
    };
    match joined {
        Some(between) => {
            let values: Vec<_> = elements.iter().map(|text| text.value.as_str()).collect();
            Some(vec![Text {
                value: values.join(between),
                line,
            }])
        }
        None => (!elements.is_empty()).then_some(elements),
    }
}

fn single(part: &[Token], known: &Known<'_>, functions: &[Function<'_>], depth: usize) -> Option<String> {
    match read(part, known, functions, depth)?.as_slice() {
        [only] => Some(only.value.clone()),
        _ => None,
    }
}

/// The text of a `format!`. What it holds places for is put in where it is known, and stays `{…}` where it is not.
fn format(arguments: &[Token], known: &Known<'_>, functions: &[Function<'_>], depth: usize) -> Option<String> {
    let mut parts = between_commas(arguments).into_iter();
    let pattern = single(parts.next()?, known, functions, depth)?;
    let mut positional = Vec::new();
    let mut named = BTreeMap::new();
    for part in parts {
        match part {
            [name, equals, value @ ..] if equals.is('=') => {
                if let Some(name) = name.word() {
                    named.insert(name, single(value, known, functions, depth));
                }
            }
            value => positional.push(single(value, known, functions, depth)),
        }
    }
    let mut positional = positional.into_iter();
    let mut text = String::new();
    let mut rest = pattern.as_str();
    while let Some((before, after)) = rest.split_once(['{', '}']) {
        text.push_str(before);
        let opened = rest.get(before.len()..).is_some_and(|at| at.starts_with('{'));
        if let Some(after) = after.strip_prefix(if opened { '{' } else { '}' }) {
            text.push(if opened { '{' } else { '}' });
            rest = after;
            continue;
        }
        let Some((place, after)) = after.split_once('}').filter(|_| opened) else {
            rest = after;
            continue;
        };
        let name = place.split(':').next().unwrap_or_default().trim();
        let value = match (name, named.get(name)) {
            ("", _) => positional.next().flatten(),
            (_, Some(value)) => value.clone(),
            (name, None) => match known.texts.get(name).map(Vec::as_slice) {
                Some([only]) => Some(only.value.clone()),
                _ => None,
            },
        };
        match value {
            Some(value) => text.push_str(&value),
            None if name.is_empty() => text.push_str("{…}"),
            None => {
                text.push('{');
                text.push_str(name);
                text.push('}');
            }
        }
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}
