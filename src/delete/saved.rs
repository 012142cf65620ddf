//! Plans as text, to be looked at by others and carried out later.

use std::sync::Arc;

use sea_orm::Value;
use sea_orm::sea_query::{QueryBuilder, SqliteQueryBuilder};
use serde::{Deserialize, Serialize};

use super::options::DeleteOptions;
use super::plan::{Plan, plan};
use super::relations::Relations;
use super::roots::{Found, RawCondition, Roots};
use crate::error::{Error, ErrorKind, Result};
use crate::name::{ColumnName, TableName};

/// The version of the form below.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    format: u32,
    fingerprint: String,
    table: TableName,
    rows: SavedRows,
    options: DeleteOptions,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedRows {
    Keys {
        columns: Vec<ColumnName>,
        values: Vec<Vec<String>>,
    },
    Where(String),
}

impl Plan {
    /// The plan as JSON, keys included, to be [loaded](load) again.
    ///
    /// # Errors
    ///
    /// Invalid input for roots that are a condition of SeaORM's: its values have no text form. Use keys, or a [`RawCondition`].
    pub fn save(&self) -> Result<String> {
        let rows = match &self.roots.found {
            Found::Keys(keys, columns) => SavedRows::Keys {
                columns: columns.clone(),
                values: keys
                    .iter()
                    .map(|key| key.iter().map(|typed| text(&typed.value)).collect())
                    .collect(),
            },
            Found::Matching(sql, values) if values.is_empty() => SavedRows::Where(sql.clone()),
            Found::Matching(..) => {
                return Err(Error::invalid_input(
                    "a plan whose rows are a condition with values cannot be saved: name the rows by keys, or by a condition in SQL",
                ));
            }
        };
        let saved = Saved {
            format: FORMAT,
            fingerprint: self.fingerprint().to_owned(),
            table: self.root().clone(),
            rows,
            options: self.options.clone(),
        };
        serde_json::to_string_pretty(&saved).map_err(|error| Error::invalid_input(error.to_string()))
    }
}

/// Reads a plan that was [saved](Plan::save).
///
/// ```
/// use std::sync::Arc;
/// use sea_orm_cascade::{Backend, schema::Schema};
/// use sea_orm_cascade::delete::{self, DeleteOptions, Relations, Roots};
///
/// let relations = Arc::new(Relations::new(Schema::from_entities(Backend::Sqlite, &entity::entities())?));
/// let plan = delete::plan(&relations, &Roots::written("users", ["17"]), &DeleteOptions::new())?;
/// let again = delete::load(&plan.save()?, &relations)?;
/// assert_eq!(again.statements(), plan.statements());
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
///
/// # Errors
///
/// Stale plan if the relations are not those it was made from; invalid input for a text that is no saved plan, and as for
/// [`plan`](super::plan()).
pub fn load(text: &str, relations: &Arc<Relations>) -> Result<Plan> {
    let saved: Saved = serde_json::from_str(text)
        .map_err(|error| Error::invalid_input(format!("this is not a saved plan: {error}")))?;
    if saved.format != FORMAT {
        return Err(Error::invalid_input(format!(
            "this plan was saved in format {}, and this version reads {FORMAT}: plan again",
            saved.format
        )));
    }
    if saved.fingerprint != relations.fingerprint() {
        return Err(Error::new(ErrorKind::StalePlan {
            difference: "the schema has changed since".to_owned(),
        }));
    }
    let roots = match saved.rows {
        SavedRows::Keys { columns, values } => {
            let keys = values.into_iter().map(|key| key.into_iter().map(Value::from).collect());
            Roots::keys_of(saved.table, columns, keys)
        }
        SavedRows::Where(sql) => Roots::matching(saved.table, RawCondition::new(sql)),
    };
    plan(relations, &roots, &saved.options)
}

/// A value as a person writes it, and as it is read again for a column of its type.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(Some(text)) => text.clone(),
        Value::Bytes(Some(bytes)) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("0x{digits}")
        }
        other => SqliteQueryBuilder.value_to_string(other).trim_matches('\'').to_owned(),
    }
}
