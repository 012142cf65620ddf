//! Names of tables, columns and constraints, and [`Relation`], which says which columns reference which.

use std::fmt;

/// The name of a table, with its schema where that is not the connection's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

macro_rules! name {
    ($(#[$meta:meta])* $type:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relation {
    /// The constraint's name, where there is one and the engine told it.
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
