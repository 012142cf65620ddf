//! Names of tables, columns and constraints, and [`Relation`], which says which columns reference which.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a table, with its schema where that is not the connection's own.
///
/// As text it is `posts` or `billing.invoices`; a part that is no plain word is written in double quotes where the text is read
/// again: `billing."new.invoices"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TableName {
    schema: Option<String>,
    name: String,
}

impl TableName {
    /// A table of the connection's own schema.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            schema: None,
            name: name.into(),
        }
    }

    /// A table of the named schema (in MySQL: of the named database).
    pub fn in_schema(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            schema: Some(schema.into()),
            name: name.into(),
        }
    }

    /// The schema, where it is not the connection's own.
    #[must_use]
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The name without the schema.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A name as it is written where text is read again: as it is if it is one plain word, else in double quotes, which are doubled inside.
pub(crate) fn written(name: &str) -> String {
    let plain = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '$'));
    match plain {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// Reads one [`written`] name from the front of a text; gives it and what follows.
pub(crate) fn read_written(text: &str) -> Option<(String, &str)> {
    if let Some(json) = text.strip_prefix('{') {
        let mut values = serde_json::Deserializer::from_str(json).into_iter::<String>();
        let name = values.next()?.ok()?;
        let rest = json.get(values.byte_offset()..)?;
        return Some((name, rest.strip_prefix('}')?));
    }
    if let Some(mut rest) = text.strip_prefix('"') {
        let mut name = String::new();
        loop {
            let (part, after) = rest.split_once('"')?;
            name.push_str(part);
            match after.strip_prefix('"') {
                Some(more) => {
                    name.push('"');
                    rest = more;
                }
                None => return Some((name, after)),
            }
        }
    }
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '$')))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    (!name.is_empty()).then(|| (name.to_owned(), rest))
}

impl TableName {
    /// As it is written where the text is read again.
    pub(crate) fn written(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", written(schema), written(&self.name)),
            None => written(&self.name),
        }
    }

    /// Reads `posts`, `billing.invoices` or `billing."new.invoices"`; nothing if it is none of these.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::read_front(text).and_then(|(name, rest)| rest.is_empty().then_some(name))
    }

    /// Reads a written name from the front of a text; gives it and what follows.
    pub(crate) fn read_front(text: &str) -> Option<(Self, &str)> {
        let (first, rest) = read_written(text)?;
        match rest.strip_prefix('.') {
            Some(rest) => read_written(rest).map(|(name, rest)| (Self::in_schema(first, name), rest)),
            None => Some((Self::new(first), rest)),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}

impl From<&str> for TableName {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<TableName> for String {
    fn from(name: TableName) -> Self {
        name.written()
    }
}

impl TryFrom<String> for TableName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::read(&text).ok_or_else(|| {
            format!("{text:?} is not the name of a table: write table, schema.table, or \"schema\".\"table\"")
        })
    }
}

macro_rules! name {
    ($(#[$meta:meta])* $type:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $type(String);

        impl $type {
            /// Wraps a name.
            pub fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $type {
            fn from(name: &str) -> Self {
                Self::new(name)
            }
        }
    };
}

name! {
    /// The name of a column.
    ColumnName
}
name! {
    /// The name of a constraint or of a unique index.
    ConstraintName
}

/// Which columns of which table reference which columns of which other: what a foreign key is, without its actions.
///
/// [`Display`](fmt::Display) writes the referencing side as `posts.user_id`, or `orders.(tenant_id, user_id)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Relation {
    /// The constraint's name, where there is one and the engine told it.
    #[serde(default, rename = "name", skip_serializing_if = "Option::is_none")]
    pub constraint: Option<ConstraintName>,
    /// The referencing table (the child).
    pub table: TableName,
    /// The referencing columns. Empty where the engine named the constraint and not its columns.
    pub columns: Vec<ColumnName>,
    /// The referenced table (the parent).
    pub referenced_table: TableName,
    /// The referenced columns, in the order of `columns`.
    pub referenced_columns: Vec<ColumnName>,
}

impl Relation {
    /// What the key is called: its constraint's name or, where it has none, `posts(user_id)`.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.constraint {
            Some(constraint) => constraint.to_string(),
            None => {
                let columns: Vec<_> = self.columns.iter().map(ColumnName::as_str).collect();
                format!("{}({})", self.table, columns.join(", "))
            }
        }
    }

    /// Whether the same columns reference the same columns, whatever the constraints are called.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.table == other.table
            && self.columns == other.columns
            && self.referenced_table == other.referenced_table
            && self.referenced_columns == other.referenced_columns
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.columns.is_empty(), &self.constraint) {
            (true, Some(constraint)) => write!(f, "{} ({constraint})", self.table),
            (true, None) => write!(f, "{}", self.table),
            (false, _) => write!(f, "{}.{}", self.table, ColumnList(&self.columns)),
        }
    }
}

/// Columns as a person writes them: `user_id`, or `(tenant_id, user_id)`.
pub(crate) struct ColumnList<'a>(pub(crate) &'a [ColumnName]);

impl fmt::Display for ColumnList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [only] => write!(f, "{only}"),
            many => {
                f.write_str("(")?;
                for (index, column) in many.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{column}")?;
                }
                f.write_str(")")
            }
        }
    }
}

/// The values of a key, column by column, as text.
///
/// [`Display`](fmt::Display) writes `id = 17`, or `(tenant_id, id) = (1, 17)`. `Debug` shows the columns and hides the values, so
/// that a key does not reach a log by accident.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyValues {
    columns: Vec<ColumnName>,
    values: Vec<String>,
}

impl KeyValues {
    /// Pairs columns with their values.
    pub fn new(values: impl IntoIterator<Item = (ColumnName, String)>) -> Self {
        let (columns, values) = values.into_iter().unzip();
        Self { columns, values }
    }

    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &[ColumnName] {
        &self.columns
    }

    /// The values as text, in the order of the columns.
    #[must_use]
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// The values as a person writes them: `17`, or `(1, 17)`.
    pub(crate) fn value_list(&self) -> String {
        match self.values.as_slice() {
            [only] => only.clone(),
            many => format!("({})", many.join(", ")),
        }
    }
}

impl fmt::Display for KeyValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", ColumnList(&self.columns), self.value_list())
    }
}

impl fmt::Debug for KeyValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyValues")
            .field("columns", &self.columns)
            .field("values", &format_args!("<{} hidden>", self.values.len()))
            .finish()
    }
}

/// `, did you mean that one?`, if one of the known words is so like this one that it is probably meant; else nothing.
pub(crate) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&lower, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= Ord::max(1, lower.chars().count() / 3))
        .min()
        .map_or_else(String::new, |(_, known)| format!(", did you mean {known}?"))
}
