//! Columns of rows that are lists: they come as JSON text.

use sea_orm::QueryResult;

use crate::error::{Error, Result};
use crate::name::ColumnName;

/// A list of columns that came as a JSON array of names.
pub(super) fn columns(row: &QueryResult, name: &str) -> Result<Vec<ColumnName>> {
    let names: Option<Vec<String>> = json(row, name)?;
    Ok(names.unwrap_or_default().into_iter().map(ColumnName::new).collect())
}

/// What came as JSON; nothing for NULL.
pub(super) fn json<T: serde::de::DeserializeOwned>(row: &QueryResult, name: &str) -> Result<Option<T>> {
    let Some(text) = row.try_get::<Option<String>>("", name)? else {
        return Ok(None);
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| Error::invalid_input(format!("the catalog's {name} cannot be read: {error}")))
}
