//! Slices of tokens: what is in parentheses, and where things end.

use super::rust::Token;

/// The tokens in the brackets that are opened at the front, and those after them. Brackets that are left open end with the tokens.
pub(super) fn group(tokens: &[Token]) -> (&[Token], &[Token]) {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        depth = deeper(depth, token);
        if depth == 0 {
            return (
                tokens.get(1..at).unwrap_or_default(),
                tokens.get(at + 1..).unwrap_or_default(),
            );
        }
    }
    (tokens.get(1..).unwrap_or_default(), &[])
}

fn deeper(depth: usize, token: &Token) -> usize {
    if ['(', '[', '{'].iter().any(|open| token.is(*open)) {
        depth + 1
    } else if [')', ']', '}'].iter().any(|close| token.is(*close)) {
        depth.saturating_sub(1)
    } else {
        depth
    }
}

/// How many tokens stand before the first in no brackets that is one of these.
pub(super) fn until(tokens: &[Token], mut end: impl FnMut(&[Token]) -> bool) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        let rest = tokens.get(at..).unwrap_or_default();
        if depth == 0 && end(rest) {
            return at;
        }
        depth = deeper(depth, token);
    }
    tokens.len()
}

/// The parts between the commas that are in no brackets.
pub(super) fn between_commas(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut parts, mut rest) = (Vec::new(), tokens);
    while !rest.is_empty() {
        let end = until(rest, |rest| rest.first().is_some_and(|token| token.is(',')));
        parts.push(rest.get(..end).unwrap_or_default());
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    parts
}

/// Whether an arrow with two strokes is next.
pub(super) fn is_arrow(tokens: &[Token]) -> bool {
    matches!(tokens, [one, two, ..] if one.is('=') && two.is('>'))
}
