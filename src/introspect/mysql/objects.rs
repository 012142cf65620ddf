//! What stands beside the tables: triggers, and MariaDB's sequences.

use sea_orm::QueryResult;

use super::super::draft::Draft;
use super::super::rows::table_name;
use super::columns::SequenceName;
use super::schema_of;
use crate::error::Result;
use crate::schema::{LeftOutKind, Sequence};

pub(super) const TRIGGERS: &str = concat!(
    "SELECT ",
    schema_of!("t.trigger_schema"),
    " AS trigger_schema, t.trigger_name AS trigger_name, ",
    schema_of!("t.event_object_schema"),
    " AS table_schema, t.event_object_table AS table_name
FROM information_schema.triggers t WHERE t.trigger_schema {scope}"
);

pub(super) fn add_triggers(draft: &mut Draft, rows: &[QueryResult]) -> Result<()> {
    for row in rows {
        let name = table_name(row, "trigger_schema", "trigger_name")?;
        let table = table_name(row, "table_schema", "table_name")?;
        draft.leave_out(LeftOutKind::Trigger, name, Some(table), None);
    }
    Ok(())
}

/// One statement for all sequences, each of which is a table of one row with its attributes; none without sequences.
pub(super) fn sequences_sql(sequences: &[SequenceName]) -> Option<String> {
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    let selects: Vec<_> = sequences
        .iter()
        .enumerate()
        .map(|(place, sequence)| {
            format!(
                "SELECT {place} AS place, start_value, minimum_value, maximum_value, increment, cache_size, cycle_option FROM {}.{}",
                quoted(&sequence.database),
                quoted(sequence.name.name())
            )
        })
        .collect();
    (!selects.is_empty()).then(|| {
        format!(
            "SELECT CAST(s.place AS SIGNED) AS place, CONCAT_WS(' ',
  CONCAT('START WITH ', NULLIF(s.start_value, IF(s.increment < 0, s.maximum_value, s.minimum_value))),
  CONCAT('INCREMENT BY ', NULLIF(s.increment, 1)),
  CONCAT('MINVALUE ', NULLIF(s.minimum_value, IF(s.increment < 0, -9223372036854775807, 1))),
  CONCAT('MAXVALUE ', NULLIF(s.maximum_value, IF(s.increment < 0, -1, 9223372036854775806))),
  CONCAT('CACHE ', NULLIF(s.cache_size, 1000)), IF(s.cycle_option, 'CYCLE', NULL)) AS definition
FROM ({}) s ORDER BY s.place",
            selects.join("\nUNION ALL ")
        )
    })
}

pub(super) fn add_sequences(draft: &mut Draft, sequences: &[SequenceName], rows: &[QueryResult]) -> Result<()> {
    for row in rows {
        let place = usize::try_from(row.try_get::<i64>("", "place")?).ok();
        if let Some(sequence) = place.and_then(|place| sequences.get(place)) {
            draft.schema.sequences.push(Sequence {
                name: sequence.name.clone(),
                definition: row.try_get("", "definition")?,
            });
        }
    }
    Ok(())
}

/// Adds the sequences as plain ones, and says that they may not be.
pub(super) fn add_unread_sequences(draft: &mut Draft, sequences: &[SequenceName]) {
    for SequenceName { name, .. } in sequences {
        draft.unknown(format!("the attributes of the sequence {name} cannot be read"));
        draft.schema.sequences.push(Sequence {
            name: name.clone(),
            definition: String::new(),
        });
    }
}
