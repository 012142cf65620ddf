//! Values that came as text, in the type of their column.

use sea_orm::Value;

use super::Sql;
use crate::backend::Backend;
use crate::name::ColumnName;
use crate::schema::{Table, TypeKind};

/// A value in the type of its column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Typed {
    pub(crate) value: Value,
    /// What its placeholder must be cast to, where that does not follow from the place.
    pub(crate) cast: Option<String>,
}

impl Typed {
    pub(crate) fn bind_to(&self, sql: &mut Sql) {
        sql.bind(self.value.clone(), self.cast.as_deref());
    }
}

/// A value for a column; text is read as the column's type asks. The error is what it must be: "must be a whole number".
///
/// Not left to the engine: MySQL takes `'17b'` for 17 and `'b'` for 0, and would find a row nobody meant.
pub(crate) fn typed(
    backend: Backend,
    table: Option<&Table>,
    name: &ColumnName,
    value: &Value,
) -> Result<Typed, &'static str> {
    let plain = |value: Value| Typed { value, cast: None };
    let Some(column) = table.and_then(|table| table.column(name)) else {
        return Ok(plain(value.clone()));
    };
    let kind = TypeKind::of(backend, &column.data_type);
    let Value::String(Some(text)) = value else {
        let cast = match kind {
            TypeKind::Integer { .. } | TypeKind::Text => None,
            TypeKind::Uuid | TypeKind::Other => cast(backend, &column.data_type),
        };
        return Ok(Typed {
            value: value.clone(),
            cast,
        });
    };
    let trimmed = text.trim();
    match kind {
        TypeKind::Text => Ok(plain(value.clone())),
        TypeKind::Integer { .. } => match (trimmed.parse::<i64>(), trimmed.parse::<u64>()) {
            (Ok(number), _) => Ok(plain(number.into())),
            (Err(_), Ok(number)) if backend == Backend::MySql => Ok(plain(number.into())),
            _ => Err("must be a whole number"),
        },
        TypeKind::Uuid if backend != Backend::Sqlite && !is_uuid(trimmed) => Err("must be a UUID"),
        TypeKind::Uuid | TypeKind::Other => {
            let name = column.data_type.to_ascii_lowercase();
            let starts = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
            if starts(&["decimal", "numeric", "float", "double", "real"]) && trimmed.parse::<f64>().is_err() {
                return Err("must be a number");
            }
            if starts(&["blob", "binary", "varbinary", "bytea"]) {
                let bytes = trimmed
                    .strip_prefix("0x")
                    .or_else(|| trimmed.strip_prefix("\\x"))
                    .and_then(hexadecimal)
                    .ok_or("must be bytes in hexadecimal, as in 0x0a1b")?;
                return Ok(plain(bytes.into()));
            }
            Ok(Typed {
                value: value.clone(),
                cast: cast(backend, &column.data_type),
            })
        }
    }
}

/// The type to cast to: without its length or precision, since a cast to `numeric(10,2)` would round.
fn cast(backend: Backend, data_type: &str) -> Option<String> {
    let bare = match (data_type.split_once('('), data_type.rsplit_once(')')) {
        (Some((front, _)), Some((_, back))) if !data_type.contains('"') => format!("{front}{back}"),
        _ => data_type.to_owned(),
    };
    (backend == Backend::Postgres).then_some(bare)
}

/// In any of the spellings that PostgreSQL takes (PostgreSQL, "UUID Type").
fn is_uuid(text: &str) -> bool {
    let digits = text.trim_start_matches('{').trim_end_matches('}');
    let digits: Vec<_> = digits.chars().filter(|c| *c != '-').collect();
    digits.len() == 32 && digits.iter().all(char::is_ascii_hexdigit)
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits?;
    (digits.len() % 2 == 0).then(|| {
        digits
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit))
            .collect()
    })
}
