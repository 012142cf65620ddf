//! How an action and an enforcement look.

use crate::schema::{Action, Enforcement, ForeignKey};

/// The lines' colour. Every line also bears the action's word, for those who see colours differently.
pub(super) const fn colour(action: Action) -> &'static str {
    match action {
        Action::Cascade => "#c62828",
        Action::SetNull => "#e67700",
        Action::SetDefault => "#8a6d00",
        Action::SetValue => "#5c7c0a",
        Action::Restrict => "#1971c2",
        Action::NoAction => "#6b7280",
        Action::Protect => "#1e3a8a",
        Action::DoNothing => "#a3a9b3",
        Action::Unknown => "#c026d3",
    }
}

/// The colour of the action's word: as the line's, but dark enough for small letters on white.
pub(super) const fn ink(action: Action) -> &'static str {
    match action {
        Action::SetNull => "#b35900",
        Action::NoAction | Action::DoNothing => "#4b5563",
        other => colour(other),
    }
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stroke {
    Solid,
    Dashed,
    Dotted,
}

impl Stroke {
    pub(super) const fn of(key: &ForeignKey) -> Self {
        match (key.enforced_by, key.on_delete) {
            (Enforcement::Application, _) | (Enforcement::Database, Action::DoNothing) => Self::Dashed,
            (Enforcement::Database, _) => Self::Solid,
            (Enforcement::Loose, _) => Self::Dotted,
        }
    }
}

/// What a line bears: the action, and what else a reviewer must not miss.
pub(super) fn label(key: &ForeignKey) -> String {
    match key.not_enforced {
        true => format!("{}, not enforced", key.on_delete),
        false => key.on_delete.to_string(),
    }
}

/// All that is to be said of a key, in a sentence.
pub(super) fn sentence(key: &ForeignKey) -> String {
    let relation = &key.relation;
    let list = |columns: &[crate::name::ColumnName]| {
        let names: Vec<_> = columns.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    let mut sentence = format!(
        "{} ({}) references {} ({}), on delete {}",
        relation.table,
        list(&relation.columns),
        relation.referenced_table,
        list(&relation.referenced_columns),
        key.on_delete
    );
    if !key.on_delete_columns.is_empty() {
        sentence.push_str(&format!(" ({})", list(&key.on_delete_columns)));
    }
    sentence.push_str(&format!(", on update {}", key.on_update));
    sentence.push_str(match key.enforced_by {
        Enforcement::Database => ", enforced by the database",
        Enforcement::Application => ", enforced by the application",
        Enforcement::Loose => ", enforced by the application, later",
    });
    if key.not_validated {
        sentence.push_str(", not valid");
    }
    if key.not_enforced {
        sentence.push_str(", not enforced");
    }
    if let Some(constraint) = &relation.constraint {
        sentence.push_str(&format!(", as {constraint}"));
    }
    sentence
}
