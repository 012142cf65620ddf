//! Changing every name of a table, or every piece of SQL, in a schema.

use super::model::{NamedTypeKind, Schema};
use super::table::{IndexKey, Table};
use crate::name::TableName;

impl Schema {
    /// Renames tables, types and sequences wherever they are named, SQL excepted.
    pub(crate) fn map_names(&mut self, rename: impl Fn(&TableName) -> TableName) {
        let each = |name: &mut TableName| *name = rename(name);
        for table in &mut self.tables {
            each(&mut table.name);
            table.options.inherits.iter_mut().for_each(each);
            for key in &mut table.foreign_keys {
                each(&mut key.relation.table);
                each(&mut key.relation.referenced_table);
            }
        }
        self.types.iter_mut().for_each(|named| each(&mut named.name));
        self.sequences.iter_mut().for_each(|sequence| each(&mut sequence.name));
        for left_out in &mut self.left_out {
            each(&mut left_out.name);
            left_out.table.iter_mut().for_each(each);
        }
    }

    /// Changes every piece of SQL: types, defaults, expressions, conditions.
    pub(crate) fn map_sql(&mut self, change: impl Fn(&str) -> String) {
        let each = |sql: &mut String| *sql = change(sql);
        for named in &mut self.types {
            if let NamedTypeKind::Domain(definition) = &mut named.kind {
                each(definition);
            }
        }
        for table in &mut self.tables {
            map_table_sql(table, &each);
        }
    }
}

fn map_table_sql(table: &mut Table, each: &impl Fn(&mut String)) {
    for column in &mut table.columns {
        each(&mut column.data_type);
        column.default.iter_mut().for_each(each);
        column.generated.iter_mut().for_each(|made| each(&mut made.expression));
        column.collation.iter_mut().for_each(each);
        column.on_update.iter_mut().for_each(each);
    }
    for index in &mut table.indexes {
        index.predicate.iter_mut().for_each(each);
        for part in &mut index.parts {
            each(&mut part.modifiers);
            if let IndexKey::Expression(expression) = &mut part.key {
                each(expression);
            }
        }
    }
    table.checks.iter_mut().for_each(|check| each(&mut check.expression));
    table.options.partition_by.iter_mut().for_each(each);
}
