//! Rows that stay: how they are changed, and how they block.

use super::{
    Action, BTreeMap, Block, BlockReason, Blocking, Building, ColumnName, Error, ForeignKey, Key, NewValue, Result,
    TableName, TableUpdate, UpdateArm, assigned, typed,
};

impl Building<'_> {
    /// Rows that stay and are changed.
    pub(super) fn changes(&mut self) -> Result<()> {
        let mut by_table: BTreeMap<TableName, Vec<(UpdateArm, bool)>> = BTreeMap::new();
        for place in 0..self.shape.keys.len() {
            let Some(Key { key, by_database }) = self.shape.keys.get(place).cloned() else {
                continue;
            };
            if matches!(key.on_delete, Action::SetNull | Action::SetDefault | Action::SetValue) {
                let arm = self.arm(place, &key);
                let assign = self.assignments(&key)?;
                by_table
                    .entry(key.relation.table.clone())
                    .or_default()
                    .push((UpdateArm { arm, assign }, by_database));
            }
        }
        for (table, arms) in by_table {
            refuse_conflict(&table, &arms)?;
            self.shape.updates.push(TableUpdate {
                by_database: arms.iter().all(|(_, by_database)| *by_database),
                arms: arms.into_iter().map(|(arm, _)| arm).collect(),
                table,
            });
        }
        Ok(())
    }

    /// What the key's action sets its columns to.
    fn assignments(&self, key: &ForeignKey) -> Result<Vec<(ColumnName, NewValue)>> {
        let table = self.relations.table(&key.relation.table)?;
        let names = key.set_columns();
        let mut assign = Vec::new();
        for (place, name) in names.iter().enumerate() {
            let column = table.column(name);
            let value = match key.on_delete {
                Action::SetValue => {
                    let text = key.on_delete_values.get(place).ok_or_else(|| {
                        Error::invalid_input(format!("{} is set value and names no value for {name}", key.relation))
                    })?;
                    let value = typed(self.shape.backend, Some(table), name, &text.as_str().into());
                    NewValue::Value(value.map_err(|must| {
                        Error::invalid_input(format!("what {} is set to ({text:?}) {must}", key.relation))
                    })?)
                }
                Action::SetDefault => column
                    .and_then(|column| column.default.clone())
                    .filter(|default| !default.eq_ignore_ascii_case("null"))
                    .map_or(NewValue::Null, NewValue::Default),
                _ => NewValue::Null,
            };
            if value == NewValue::Null && column.is_some_and(|column| !column.nullable) {
                return Err(Error::invalid_input(format!(
                    "{} is {} on delete, and {}.{name} cannot be NULL{}: make it nullable, or declare another action",
                    key.relation,
                    key.on_delete,
                    key.relation.table,
                    if key.on_delete == Action::SetDefault {
                        " and has no default"
                    } else {
                        ""
                    }
                )));
            }
            assign.push((name.clone(), value));
        }
        Ok(assign)
    }

    /// Rows that keep the delete from happening, and rows that will dangle.
    pub(super) fn blocks(&mut self) {
        for place in 0..self.shape.keys.len() {
            let Some(Key { key, by_database }) = self.shape.keys.get(place).cloned() else {
                continue;
            };
            let (reason, rows) = match key.on_delete {
                Action::Restrict => (BlockReason::Restrict, Blocking::Staying(self.arm(place, &key))),
                Action::NoAction => (BlockReason::NoAction, Blocking::Staying(self.arm(place, &key))),
                Action::Protect => (BlockReason::Protect, Blocking::All(self.arm(place, &key))),
                Action::DoNothing => {
                    let arm = self.arm(place, &key);
                    self.shape.dangling.push((key.relation.table.clone(), arm));
                    continue;
                }
                Action::Cascade | Action::SetNull | Action::SetDefault | Action::SetValue | Action::Unknown => continue,
            };
            self.shape.blocks.push(Block {
                key,
                reason,
                rows,
                by_database,
            });
        }
        let schema = self.relations.schema();
        for (update, changed) in self.shape.updates.iter().enumerate() {
            let own = schema.foreign_keys().filter(|key| key.relation.table == changed.table);
            let referencing = schema
                .foreign_keys()
                .filter(|key| key.relation.referenced_table == changed.table);
            let mut add = |key: &ForeignKey, reason, rows| {
                self.shape.blocks.push(Block {
                    key: key.clone(),
                    reason,
                    rows,
                    by_database: false,
                });
            };
            for key in own {
                let columns = &key.relation.columns;
                let may_dangle = changed.arms.iter().any(|change| {
                    let mut values = columns.iter().filter_map(|name| assigned(change, name)).peekable();
                    values.peek().is_some() && values.all(|value| *value != NewValue::Null)
                });
                if key.on_delete != Action::DoNothing && may_dangle {
                    add(key, BlockReason::Dangles, Blocking::Dangling { update });
                }
            }
            for key in referencing {
                let columns = &key.relation.referenced_columns;
                let sets = |change: &UpdateArm| columns.iter().any(|name| assigned(change, name).is_some());
                if key.on_delete != Action::DoNothing && changed.arms.iter().any(sets) {
                    add(key, BlockReason::Referenced, Blocking::Referencing { update });
                }
            }
        }
    }
}

/// Two keys that would set one column to different values. NULL is no conflict: it makes both keys reference nothing.
fn refuse_conflict(table: &TableName, arms: &[(UpdateArm, bool)]) -> Result<()> {
    for (place, (one, _)) in arms.iter().enumerate() {
        for (other, _) in arms.iter().take(place) {
            for (column, value) in &one.assign {
                let differs = assigned(other, column)
                    .is_some_and(|known| known != value && *known != NewValue::Null && *value != NewValue::Null);
                if differs {
                    return Err(Error::invalid_input(format!(
                        "two keys of {table} would set {column} to different values: declare one value, or another action"
                    )));
                }
            }
        }
    }
    Ok(())
}
