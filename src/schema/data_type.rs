//! [`TypeKind`]: what kind of type a column's type text names.

use crate::backend::Backend;

/// What kind of type a column has, as far as keys and comparisons need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TypeKind {
    /// A whole number of so many bytes.
    Integer {
        /// Bytes of a value: 1, 2, 3, 4 or 8.
        bytes: u8,
        /// Whether it has no negative values (MySQL).
        unsigned: bool,
    },
    /// Text, of limited length or not.
    Text,
    /// A UUID.
    Uuid,
    /// Something else.
    Other,
}

impl TypeKind {
    /// What kind of type this text names on this engine.
    ///
    /// SQLite's integers have up to 8 bytes whatever they are called (SQLite, "Datatypes In SQLite", sections 2 and 3.1).
    #[must_use]
    pub fn of(backend: Backend, data_type: &str) -> Self {
        let text = data_type.trim().to_ascii_lowercase();
        let name = text.split(['(', ' ']).next().unwrap_or_default();
        let integer = |bytes| Self::Integer {
            bytes,
            unsigned: text.split(' ').any(|word| word == "unsigned"),
        };
        match backend {
            Backend::Sqlite if text.contains("int") => integer(8),
            Backend::Sqlite if ["char", "clob", "text"].iter().any(|part| text.contains(part)) => match name {
                "uuid_text" => Self::Uuid,
                _ => Self::Text,
            },
            Backend::Sqlite => Self::Other,
            Backend::Postgres | Backend::MySql => match name {
                "tinyint" => integer(1),
                "smallint" | "int2" => integer(2),
                "mediumint" => integer(3),
                "integer" | "int" | "int4" => integer(4),
                "bigint" | "int8" => integer(8),
                "char" | "character" | "varchar" | "text" | "tinytext" | "mediumtext" | "longtext" | "bpchar" => {
                    Self::Text
                }
                "uuid" => Self::Uuid,
                _ => Self::Other,
            },
        }
    }
}
