//! Whether two columns' types are the same, as far as a key that compares them needs.

use crate::backend::Backend;
use crate::schema::{Column, NamedTypeKind, Schema, TypeKind};

/// What a comparison of the two has to convert.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Comparable {
    Integer {
        bytes: u8,
        unsigned: bool,
    },
    /// Whatever its length: what does not fit is refused, and nothing is converted.
    Text,
    /// Padded with blanks, which PostgreSQL ignores when it compares.
    Padded,
    Other(String),
}

/// Whether values of the one are values of the other.
pub(super) fn are_comparable(schema: &Schema, one: &Column, other: &Column) -> bool {
    comparable(schema, one) == comparable(schema, other)
}

/// Whether the column holds text, whose equality a collation decides.
pub(super) fn is_text(schema: &Schema, column: &Column) -> bool {
    matches!(comparable(schema, column), Comparable::Text | Comparable::Padded)
}

/// Bytes and sign of a whole number.
pub(super) fn integer(schema: &Schema, column: &Column) -> Option<(u8, bool)> {
    match comparable(schema, column) {
        Comparable::Integer { bytes, unsigned } => Some((bytes, unsigned)),
        Comparable::Text | Comparable::Padded | Comparable::Other(_) => None,
    }
}

fn comparable(schema: &Schema, column: &Column) -> Comparable {
    let text = base(schema, &column.data_type);
    match (schema.backend, TypeKind::of(schema.backend, &text)) {
        (Backend::Sqlite, _) => affinity(&text),
        (_, TypeKind::Integer { bytes, unsigned }) => Comparable::Integer { bytes, unsigned },
        (Backend::Postgres, TypeKind::Text) => {
            let varies = ["varchar", "character varying", "text"]
                .iter()
                .any(|name| text.starts_with(name));
            if varies { Comparable::Text } else { Comparable::Padded }
        }
        (_, TypeKind::Text) => Comparable::Text,
        (_, TypeKind::Uuid) => Comparable::Other("uuid".to_owned()),
        (_, TypeKind::Other) => Comparable::Other(without_length(&text)),
    }
}

/// The type under a domain (PostgreSQL), in lower case.
fn base(schema: &Schema, data_type: &str) -> String {
    let domain = schema.types.iter().find_map(|known| match &known.kind {
        NamedTypeKind::Domain(definition) if known.name.to_string() == data_type => Some(definition),
        NamedTypeKind::Domain(_) | NamedTypeKind::Enum(_) => None,
    });
    let text = domain.map_or(data_type, String::as_str).to_ascii_lowercase();
    let end = [" check", " not null", " default", " collate", " constraint"]
        .iter()
        .filter_map(|word| text.find(word))
        .min();
    match (domain, end.and_then(|end| text.get(..end))) {
        (Some(_), Some(head)) => head.trim().to_owned(),
        _ => text.trim().to_owned(),
    }
}

/// SQLite, "Datatypes In SQLite", section 3.1. A whole number and any other number compare alike.
fn affinity(text: &str) -> Comparable {
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if has(&["int"]) {
        Comparable::Other("a number".to_owned())
    } else if has(&["char", "clob", "text"]) {
        Comparable::Text
    } else if text.is_empty() || has(&["blob"]) {
        Comparable::Other("unconverted".to_owned())
    } else {
        Comparable::Other("a number".to_owned())
    }
}

/// `numeric(10,2)` and `numeric` are compared without conversion; so are `timestamp(3)` and `timestamp(6)`.
fn without_length(text: &str) -> String {
    match (text.split_once('('), text.rsplit_once(')')) {
        (Some((head, _)), Some((_, tail))) if !head.starts_with("enum") && !head.starts_with("set") => {
            format!("{}{tail}", head.trim_end())
        }
        _ => text.to_owned(),
    }
}
