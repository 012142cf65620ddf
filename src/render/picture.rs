//! What is to be drawn, before anything has a place: boxes with rows, and edges between rows.

use std::collections::BTreeMap;

use crate::name::{ColumnName, TableName};
use crate::schema::{ForeignKey, Schema, Table};

pub(super) struct Picture<'a> {
    /// The schema's tables, then those that keys reference and the schema does not have.
    pub(super) boxes: Vec<TableBox<'a>>,
    pub(super) edges: Vec<Edge<'a>>,
}

pub(super) struct TableBox<'a> {
    pub(super) name: &'a TableName,
    pub(super) rows: Vec<Row<'a>>,
    pub(super) in_schema: bool,
}

/// A column.
pub(super) struct Row<'a> {
    pub(super) name: &'a ColumnName,
    pub(super) data_type: &'a str,
    pub(super) nullable: bool,
    pub(super) in_primary_key: bool,
    pub(super) in_foreign_key: bool,
    pub(super) is_unique: bool,
}

pub(super) struct Edge<'a> {
    pub(super) key: &'a ForeignKey,
    pub(super) from: Place,
    pub(super) to: Place,
    /// Whether many rows may reference one.
    pub(super) many: bool,
    /// Whether a row may reference none.
    pub(super) optional: bool,
}

/// A box, and the row in it where the key's first column is; the box's head if it has none such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) table: usize,
    pub(super) row: Option<usize>,
}

pub(super) fn picture(schema: &Schema) -> Picture<'_> {
    let mut boxes: Vec<_> = schema.tables.iter().map(table_box).collect();
    let mut places = BTreeMap::new();
    for (index, table) in schema.tables.iter().enumerate() {
        places.entry(&table.name).or_insert(index);
    }
    for key in schema.foreign_keys() {
        let relation = &key.relation;
        if !places.contains_key(&relation.referenced_table) {
            places.insert(&relation.referenced_table, boxes.len());
            boxes.push(TableBox {
                name: &relation.referenced_table,
                rows: Vec::new(),
                in_schema: false,
            });
        }
        // What is known of a missing table is which columns are referenced.
        let known = places
            .get(&relation.referenced_table)
            .and_then(|index| boxes.get_mut(*index));
        if let Some(missing) = known.filter(|known| !known.in_schema) {
            for column in &relation.referenced_columns {
                if !missing.rows.iter().any(|row| row.name == column) {
                    missing.rows.push(Row::of_missing(column));
                }
            }
        }
    }
    let place = |table: usize, columns: &[ColumnName]| Place {
        table,
        row: columns.first().and_then(|first| {
            let rows = &boxes.get(table)?.rows;
            rows.iter().position(|row| row.name == first)
        }),
    };
    let keys = schema.tables.iter().enumerate();
    let edges = keys
        .flat_map(|(index, table)| table.foreign_keys.iter().map(move |key| (index, table, key)))
        .filter_map(|(index, table, key)| {
            let to = *places.get(&key.relation.referenced_table)?;
            Some(Edge {
                key,
                from: place(index, &key.relation.columns),
                to: place(to, &key.relation.referenced_columns),
                many: !table.is_unique(&key.relation.columns),
                optional: is_optional(table, key),
            })
        })
        .collect();
    Picture { boxes, edges }
}

/// With any NULL a key references nothing, so one column that may be NULL is enough.
fn is_optional(table: &Table, key: &ForeignKey) -> bool {
    let mut columns = key.relation.columns.iter().filter_map(|column| table.column(column));
    columns.any(|column| column.nullable)
}

fn table_box(table: &Table) -> TableBox<'_> {
    let rows = table.columns.iter().map(|column| {
        let name = &column.name;
        Row {
            name,
            data_type: &column.data_type,
            nullable: column.nullable,
            in_primary_key: table.primary_key.as_ref().is_some_and(|key| key.columns.contains(name)),
            in_foreign_key: table.foreign_keys.iter().any(|key| key.relation.columns.contains(name)),
            is_unique: table.is_unique(std::slice::from_ref(name)),
        }
    });
    TableBox {
        name: &table.name,
        rows: rows.collect(),
        in_schema: true,
    }
}

impl<'a> Row<'a> {
    const fn of_missing(name: &'a ColumnName) -> Self {
        Self {
            name,
            data_type: "",
            nullable: false,
            in_primary_key: false,
            in_foreign_key: false,
            is_unique: false,
        }
    }

    /// `PK`, `FK` and `UK`, where a primary key's only column need not say that it is unique too.
    pub(super) fn marks(&self) -> Vec<&'static str> {
        let marks = [
            (self.in_primary_key, "PK"),
            (self.in_foreign_key, "FK"),
            (self.is_unique && !self.in_primary_key, "UK"),
        ];
        marks
            .into_iter()
            .filter_map(|(has, mark)| has.then_some(mark))
            .collect()
    }
}
