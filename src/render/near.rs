//! The part of a schema that is near one table.

use std::collections::BTreeSet;

use crate::name::TableName;
use crate::schema::{LeftOut, Schema};

/// The tables that are at most so many foreign keys away from this one, in either direction, with the keys among them; nothing if the
/// schema does not have the table.
///
/// A key to a table that is further away is left out, so that the result can be drawn. It is for looking at, not for comparing.
#[must_use]
pub fn around(schema: &Schema, table: &TableName, steps: u32) -> Option<Schema> {
    let root = schema.table(table)?;
    let mut near = BTreeSet::from([&root.name]);
    for _ in 0..steps {
        let before = near.len();
        let found: Vec<_> = schema
            .foreign_keys()
            .map(|key| (&key.relation.table, &key.relation.referenced_table))
            .filter(|(from, to)| near.contains(from) || near.contains(to))
            .flat_map(|(from, to)| [from, to])
            .collect();
        near.extend(found);
        if near.len() == before {
            break;
        }
    }
    let is_near = |left_out: &LeftOut| left_out.table.as_ref().is_some_and(|table| near.contains(table));
    let mut part = Schema::new(schema.backend);
    part.tables = schema
        .tables
        .iter()
        .filter(|table| near.contains(&table.name))
        .cloned()
        .collect();
    for table in &mut part.tables {
        // A key to a table the schema does not have stays, as far as it is near: it is drawn as missing.
        table
            .foreign_keys
            .retain(|key| near.contains(&key.relation.referenced_table));
    }
    part.left_out = schema
        .left_out
        .iter()
        .filter(|left_out| is_near(left_out))
        .cloned()
        .collect();
    let columns = || part.tables.iter().flat_map(|table| &table.columns);
    let types = schema.types.iter();
    part.types = types
        .filter(|known| columns().any(|column| column.data_type.contains(known.name.name())))
        .cloned()
        .collect();
    Some(part)
}
