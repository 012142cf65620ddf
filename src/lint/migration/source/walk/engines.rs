//! [`Engines`]: for which engines a piece of a source file is.

use super::super::rust::Token;
use crate::backend::Backend;

/// A set of engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Engines(u8);

impl Engines {
    pub(super) const ALL: Self = Self(7);
    pub(super) const NONE: Self = Self(0);

    pub(in super::super) const fn of(backend: Backend) -> Self {
        match backend {
            Backend::Postgres => Self(1),
            Backend::MySql => Self(2),
            Backend::Sqlite => Self(4),
        }
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn others(self) -> Self {
        Self(Self::ALL.0 & !self.0)
    }

    pub(in super::super) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those that a pattern or a condition names: `DbBackend::Postgres`, `Backend::Sqlite`.
    pub(super) fn named(tokens: &[Token]) -> Self {
        let mut named = Self::NONE;
        for window in tokens.windows(3) {
            let [one, two, name] = window else {
                continue;
            };
            if one.is(':') && two.is(':') {
                named = named.or(match name.word() {
                    Some("Postgres") => Self::of(Backend::Postgres),
                    Some("MySql") => Self::of(Backend::MySql),
                    Some("Sqlite") => Self::of(Backend::Sqlite),
                    _ => Self::NONE,
                });
            }
        }
        named
    }

    /// The engines for which a condition may hold, and for which it may not.
    pub(super) fn decided(condition: &[Token]) -> (Self, Self) {
        let named = Self::named(condition);
        let pair = |one: char, other: char| {
            condition
                .windows(2)
                .any(|window| matches!(window, [a, b] if a.is(one) && b.is(other)))
        };
        if named == Self::NONE || (pair('|', '|') && pair('&', '&')) {
            return (Self::ALL, Self::ALL);
        }
        let negated = pair('!', '=')
            || condition
                .windows(2)
                .any(|window| matches!(window, [not, word] if not.is('!') && word.is_word("matches")));
        match (negated, pair('&', '&'), pair('|', '|')) {
            // a == Postgres && more
            (false, true, _) => (named, Self::ALL),
            // a == Postgres || a == MySql; something else may be among the alternatives.
            (false, false, true) => match is_only_comparisons(condition) {
                true => (named, named.others()),
                false => (Self::ALL, named.others()),
            },
            (false, false, false) => (named, named.others()),
            // a != Postgres && more
            (true, true, _) => (named.others(), Self::ALL),
            (true, false, true) => (Self::ALL, named),
            (true, false, false) => (named.others(), named),
        }
    }
}

/// Whether each alternative of a condition compares with an engine.
fn is_only_comparisons(condition: &[Token]) -> bool {
    let alternatives = condition.split(|token| token.is('|'));
    alternatives
        .filter(|alternative| !alternative.is_empty())
        .all(|alternative| Engines::named(alternative) != Engines::NONE)
}
