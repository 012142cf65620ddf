//! Which schemas or databases a [`Scope`] names.

use super::Scope;
use crate::error::{Error, Result};

/// The schemas (on MySQL: databases) that a scope names, by name. `own` is the connection's own.
pub(super) fn in_scope(
    scope: &Scope,
    own: Option<String>,
    mut present: Vec<String>,
    words: &Words,
) -> Result<Vec<String>> {
    let without = || Error::invalid_input(words.without.as_str());
    present.sort();
    match scope {
        Scope::OwnAnd(names) => {
            let own = own.ok_or_else(without)?;
            let others = names.iter().filter(|name| **name != own).cloned().collect::<Vec<_>>();
            let all = std::iter::once(own).chain(others).collect();
            in_scope(&Scope::Named(all), None, present, words)
        }
        Scope::All => Ok(present),
        Scope::Own => own
            .filter(|own| present.contains(own))
            .map(|own| vec![own])
            .ok_or_else(without),
        Scope::Named(names) => match names.iter().find(|name| !present.contains(name)) {
            Some(missing) => Err(Error::invalid_input(format!(
                "there is no {} {missing:?}, or this user may not see it; there are: {}",
                words.kind,
                present.join(", ")
            ))),
            None => Ok(names.clone()),
        },
    }
}

/// What an engine calls what a [`Scope`] names, and what is said to a connection that has none.
pub(super) struct Words {
    pub(super) kind: &'static str,
    pub(super) without: String,
}
