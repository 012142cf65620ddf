//! One owner's key as SQL literals.

use sea_orm::Value;

use super::foreign_key::RequiredForeignKey;
use super::situation::Situation;
use super::unfilled::Filling;
use crate::backend::Backend;
use crate::ddl::literal;
use crate::error::{Error, Result};

/// The one owner's key as SQL literals, for a trigger or a default.
pub(super) fn literals(situation: &Situation, request: &RequiredForeignKey) -> Result<Vec<String>> {
    let (schema, key) = (&situation.schema, &situation.key);
    let filling = Filling::new(schema, request, key, request.backfill.as_ref())?;
    filling
        .owner()
        .iter()
        .map(|value| {
            let text = plain(schema.backend, &value.value).ok_or_else(|| {
                Error::invalid_input(format!(
                    "a value of {} cannot be written into a trigger or a default: give the key as text",
                    key.relation
                ))
            })?;
            Ok(match &value.cast {
                Some(cast) => format!("CAST({text} AS {cast})"),
                None => text,
            })
        })
        .collect()
}

fn plain(backend: Backend, value: &Value) -> Option<String> {
    match value {
        Value::TinyInt(Some(number)) => Some(number.to_string()),
        Value::SmallInt(Some(number)) => Some(number.to_string()),
        Value::Int(Some(number)) => Some(number.to_string()),
        Value::BigInt(Some(number)) => Some(number.to_string()),
        Value::TinyUnsigned(Some(number)) => Some(number.to_string()),
        Value::SmallUnsigned(Some(number)) => Some(number.to_string()),
        Value::Unsigned(Some(number)) => Some(number.to_string()),
        Value::BigUnsigned(Some(number)) => Some(number.to_string()),
        Value::String(Some(text)) if backend == Backend::MySql => Some(literal(&text.replace('\\', "\\\\"))),
        Value::String(Some(text)) => Some(literal(text)),
        _ => None,
    }
}
