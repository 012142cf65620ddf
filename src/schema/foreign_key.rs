//! [`ForeignKey`] and its attributes.

use std::fmt;
use std::str::FromStr;

use sea_orm::sea_query::ForeignKeyAction;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::name::{ColumnName, Relation, TableName};

/// What happens to the referencing rows when a referenced row goes or its key changes (SQL standard, "referential actions").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// They go too, or follow the new key.
    Cascade,
    /// Their referencing columns become NULL.
    SetNull,
    /// Their referencing columns take their default.
    SetDefault,
    /// Their referencing columns take the values the key names: they get another owner. No database has it.
    SetValue,
    /// They forbid it, at once.
    Restrict,
    /// They forbid it, by the end of the statement or, if deferred, of the transaction. What a key without an action has.
    NoAction,
    /// They forbid it even if they would go too. No database has it: only the application can enforce it.
    Protect,
    /// They stay and dangle. No database has it.
    DoNothing,
    /// The catalog names an action this version does not know.
    Unknown,
}

/// How a composite key with some NULLs is compared (SQL standard, "match type").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Match {
    /// With any NULL it references nothing. What every engine does unless told otherwise, and all that MySQL and SQLite do.
    #[default]
    Simple,
    /// All NULL or none (PostgreSQL).
    Full,
    /// What is not NULL must match. In no engine's code yet.
    Partial,
}

/// When a key is checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deferrable {
    /// With each statement. All that MySQL has.
    #[default]
    No,
    /// With each statement, unless a transaction says otherwise.
    InitiallyImmediate,
    /// At the end of the transaction, unless it says otherwise.
    InitiallyDeferred,
}

/// Who enforces a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// A constraint.
    #[default]
    Database,
    /// This library, in the transaction that deletes.
    Application,
    /// This library, later.
    Loose,
}

/// A foreign key with its actions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ForeignKey {
    /// Which columns reference which.
    #[serde(flatten)]
    pub relation: Relation,
    /// What happens when a referenced row is deleted.
    pub on_delete: Action,
    /// The columns that [`on_delete`](Self::on_delete) sets to NULL or their default; empty means all (PostgreSQL 15 and later can name
    /// them).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_delete_columns: Vec<ColumnName>,
    /// What [`Action::SetValue`] sets the columns to that are named by [`on_delete_columns`](Self::on_delete_columns), or all: as text, in
    /// their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_delete_values: Vec<String>,
    /// What happens when a referenced key changes.
    pub on_update: Action,
    /// How NULLs are compared.
    #[serde(default, rename = "match", skip_serializing_if = "is_default")]
    pub matching: Match,
    /// When it is checked.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deferrable: Deferrable,
    /// Whether rows that were there before it were never checked (`NOT VALID`, PostgreSQL).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_validated: bool,
    /// Whether new rows are not checked (`NOT ENFORCED`, PostgreSQL 18 and later).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_enforced: bool,
    /// Who enforces it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub enforced_by: Enforcement,
    /// The referenced table's column that a delete, and every insert or update that sets this key, count up in the referenced row: what keeps
    /// a row from being referenced while it goes, where no constraint does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<ColumnName>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ForeignKey {
    /// A key as a database makes it when nothing else is said: no action, MATCH SIMPLE, not deferrable, checked.
    #[must_use]
    pub const fn new(relation: Relation) -> Self {
        Self {
            relation,
            on_delete: Action::NoAction,
            on_delete_columns: Vec::new(),
            on_delete_values: Vec::new(),
            on_update: Action::NoAction,
            matching: Match::Simple,
            deferrable: Deferrable::No,
            not_validated: false,
            not_enforced: false,
            enforced_by: Enforcement::Database,
            guard: None,
        }
    }

    /// The columns that a delete of the referenced row sets, by [`on_delete`](Self::on_delete): all, or the named ones.
    #[must_use]
    pub fn set_columns(&self) -> &[ColumnName] {
        match self.on_delete_columns.as_slice() {
            [] => &self.relation.columns,
            named => named,
        }
    }

    /// Sets [`on_delete`](Self::on_delete).
    #[must_use]
    pub const fn on_delete(mut self, action: Action) -> Self {
        self.on_delete = action;
        self
    }

    /// Sets [`on_update`](Self::on_update).
    #[must_use]
    pub const fn on_update(mut self, action: Action) -> Self {
        self.on_update = action;
        self
    }

    /// Whether the other is the same key, whatever its attributes: the same columns reference the same columns.
    #[must_use]
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.relation.is_same(&other.relation)
    }

    /// What keys are sorted by: first what they are, then what they are called.
    pub(super) const fn order(&self) -> (&TableName, &Vec<ColumnName>, &TableName, &Vec<ColumnName>, &Self) {
        let Relation {
            table,
            columns,
            referenced_table,
            referenced_columns,
            ..
        } = &self.relation;
        (table, columns, referenced_table, referenced_columns, self)
    }
}

impl Action {
    const WORDS: [(Self, &'static str); 9] = [
        (Self::Cascade, "cascade"),
        (Self::SetNull, "set null"),
        (Self::SetDefault, "set default"),
        (Self::SetValue, "set value"),
        (Self::Restrict, "restrict"),
        (Self::NoAction, "no action"),
        (Self::Protect, "protect"),
        (Self::DoNothing, "do nothing"),
        (Self::Unknown, "unknown"),
    ];

    /// Whether a constraint can have it.
    #[must_use]
    pub const fn is_in_databases(self) -> bool {
        match self {
            Self::Cascade | Self::SetNull | Self::SetDefault | Self::Restrict | Self::NoAction => true,
            Self::SetValue | Self::Protect | Self::DoNothing | Self::Unknown => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.iter().find(|(action, _)| action == self);
        f.write_str(word.map_or("unknown", |(_, word)| word))
    }
}

impl FromStr for Action {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        let known = Self::WORDS.iter().find(|(_, known)| *known == word);
        known.map(|(action, _)| *action).ok_or_else(|| {
            let known: Vec<_> = Self::WORDS.iter().map(|(_, word)| *word).collect();
            Error::invalid_input(format!(
                "{word:?} is not a referential action: use one of {}",
                known.join(", ")
            ))
        })
    }
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Database => "database",
            Self::Application => "application",
            Self::Loose => "loose",
        })
    }
}

impl From<&ForeignKeyAction> for Action {
    fn from(action: &ForeignKeyAction) -> Self {
        match action {
            ForeignKeyAction::Cascade => Self::Cascade,
            ForeignKeyAction::SetNull => Self::SetNull,
            ForeignKeyAction::SetDefault => Self::SetDefault,
            ForeignKeyAction::Restrict => Self::Restrict,
            // The enum is open; an action sea-query learns later is read as the standard's default until it is added here.
            _ => Self::NoAction,
        }
    }
}
