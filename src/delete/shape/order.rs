//! In which order rows go: one in which no constraint minds.

use super::{
    Action, Arm, Backend, Break, Building, ColumnName, ForeignKey, Key, Result, Shape, Step, TableDelete, TableName,
    graph, identity, is_circle,
};

impl Building<'_> {
    /// The rows that go, in an order in which no constraint minds.
    pub(super) fn deletes(&mut self) -> Result<()> {
        let order = graph::components(&self.closure, self.relations.schema().foreign_keys());
        for table in order.iter().rev().flatten() {
            let arms = self.shape.going.get(table).cloned().unwrap_or_default();
            let by_database = arms.iter().all(|arm| {
                let key = arm.key.and_then(|place| self.shape.keys.get(place));
                key.is_some_and(|key| key.by_database)
            });
            self.shape.deletes.push(TableDelete {
                table: table.clone(),
                by_database,
                arms,
                by_identity: None,
                hooked: self.relations.is_hooked(table),
            });
        }
        // A set that is written where it is used must still be there: the tables of a circle go in any order.
        self.shape.is_tree &= order.iter().all(|component| component.len() == 1);
        let mut first = 0;
        for component in order.iter().rev() {
            let places: Vec<_> = (first..first + component.len()).collect();
            first += component.len();
            if self.shape.is_stepwise {
                self.order_component(&places)?;
            } else {
                self.shape.steps.extend(places.into_iter().map(Step::Table));
            }
        }
        Ok(())
    }

    /// Where the engine is to check only at COMMIT, a row that blocks would be found too late for the caller's own transaction.
    pub(super) fn look_before_deferring(&mut self) {
        if self.shape.defers {
            for block in &mut self.shape.blocks {
                block.by_database = false;
            }
        }
    }

    /// Whether the engine minds if a referenced row goes before one that references it through this constraint, or takes one along that a hook
    /// is to see.
    fn minds(&self, constraint: &ForeignKey) -> bool {
        if self.relations.is_hooked(&constraint.relation.table) && constraint.on_delete == Action::Cascade {
            return true;
        }
        match (self.shape.backend, constraint.on_delete) {
            (Backend::MySql, Action::Cascade | Action::Restrict | Action::NoAction)
            | (Backend::Sqlite, Action::Cascade | Action::Restrict)
            | (Backend::Postgres, Action::Restrict | Action::NoAction) => true,
            (Backend::MySql | Backend::Sqlite | Backend::Postgres, _) => false,
        }
    }

    /// Tables that reference each other in a circle, or one that references itself.
    fn order_component(&mut self, places: &[usize]) -> Result<()> {
        let tables: Vec<TableName> = places
            .iter()
            .filter_map(|place| self.shape.deletes.get(*place).map(|delete| delete.table.clone()))
            .collect();
        let within =
            |key: &ForeignKey| tables.contains(&key.relation.table) && tables.contains(&key.relation.referenced_table);
        let mut minded: Vec<ForeignKey> = self
            .relations
            .schema()
            .foreign_keys()
            .filter(|key| within(key) && self.relations.constraints(key).any(|constraint| self.minds(constraint)))
            .filter(|key| {
                // Within one statement PostgreSQL looks only when all of the table's rows have gone. Rows with hooks go in several.
                self.shape.backend != Backend::Postgres
                    || key.relation.table != key.relation.referenced_table
                    || self.relations.is_hooked(&key.relation.table)
            })
            .cloned()
            .collect();
        // Whoever leaves a circle to the database has its way of going round.
        let left = |known: &Key| known.by_database && known.key.on_delete == Action::Cascade && within(&known.key);
        if self.shape.keys.iter().any(left) {
            minded.clear();
        }
        let constrained = |key: &&ForeignKey| within(key) && self.relations.constraints(key).next().is_some();
        let constrained: Vec<ForeignKey> = self
            .relations
            .schema()
            .foreign_keys()
            .filter(constrained)
            .cloned()
            .collect();
        self.shape.defers |= self.shape.backend == Backend::Sqlite
            && tables.len() > 1
            && constrained.iter().any(|key| {
                let mut constraints = self.relations.constraints(key);
                constraints.any(|constraint| constraint.on_delete != Action::Restrict)
            });
        for table in &tables {
            let own: Vec<_> = constrained.iter().filter(|key| key.relation.table == *table).collect();
            // While other rows of the circle go, the engine's own actions may change or delete these: then nothing but their identity tells
            // them, and only what was counted before is the count.
            let arms = self.shape.goes(table);
            let set = |arm: &Arm| {
                let columns = own.iter().flat_map(|key| &key.relation.columns);
                columns.into_iter().any(|name| arm.columns.contains(name))
            };
            let is_changed = match tables.len() {
                1 => arms.len() > 1 || arms.iter().any(set),
                _ => true,
            };
            if !own.is_empty() && is_changed {
                self.by_identity(table)?;
            }
        }
        loop {
            let order = graph::components(&tables, &minded);
            let circle = order
                .iter()
                .find(|component| is_circle(component, &minded) && self.breakable(component, &minded).is_some());
            let Some(place) = circle.and_then(|component| self.breakable(component, &minded)) else {
                self.steps_of(&order, &minded)?;
                return Ok(());
            };
            let key = minded.remove(place);
            self.break_key(&key)?;
        }
    }

    /// The first key within the circle that can be set to NULL.
    fn breakable(&self, circle: &[TableName], minded: &[ForeignKey]) -> Option<usize> {
        minded.iter().position(|key| {
            circle.contains(&key.relation.table)
                && circle.contains(&key.relation.referenced_table)
                && self.nullable_column(key).is_some()
        })
    }

    fn nullable_column(&self, key: &ForeignKey) -> Option<ColumnName> {
        let table = self.relations.schema().table(&key.relation.table)?;
        let nullable = |name: &&ColumnName| {
            table
                .column(name)
                .is_some_and(|column| column.nullable && column.generated.is_none())
        };
        // A change of a column that others reference would be theirs to follow.
        let is_referenced = |name: &&ColumnName| {
            self.relations.schema().foreign_keys().any(|other| {
                other.relation.referenced_table == table.name && other.relation.referenced_columns.contains(name)
            })
        };
        let mut columns = key.relation.columns.iter();
        columns.find(|name| nullable(name) && !is_referenced(name)).cloned()
    }

    fn break_key(&mut self, key: &ForeignKey) -> Result<()> {
        let table = key.relation.table.clone();
        self.by_identity(&table)?;
        // Under MATCH FULL a key is NULL as a whole.
        let columns = match key.matching {
            crate::schema::Match::Full => key.relation.columns.clone(),
            _ => self.nullable_column(key).into_iter().collect(),
        };
        match self.shape.breaks.iter_mut().find(|known| known.table == table) {
            Some(known) => {
                for column in columns {
                    if !known.columns.contains(&column) {
                        known.columns.push(column);
                    }
                }
            }
            None => self.shape.breaks.push(Break { table, columns }),
        }
        Ok(())
    }

    pub(super) fn by_identity(&mut self, table: &TableName) -> Result<()> {
        let columns = identity(self.shape.backend, self.relations.table(table)?)?;
        let set = self.set(table, &columns);
        if let Some(delete) = self.shape.deletes.iter_mut().find(|delete| delete.table == *table) {
            delete.by_identity = Some(set);
        }
        Ok(())
    }

    fn steps_of(&mut self, order: &[Vec<TableName>], minded: &[ForeignKey]) -> Result<()> {
        let place_of =
            |shape: &Shape, table: &TableName| shape.deletes.iter().position(|delete| delete.table == *table);
        for component in order.iter().rev() {
            let places: Vec<_> = component
                .iter()
                .filter_map(|table| place_of(&self.shape, table))
                .collect();
            if !is_circle(component, minded) {
                self.shape.steps.extend(places.into_iter().map(Step::Table));
                continue;
            }
            for table in component {
                self.by_identity(table)?;
            }
            let keys: Vec<_> = self
                .shape
                .keys
                .iter()
                .enumerate()
                .filter(|(_, key)| {
                    minded.iter().any(|minded| minded.is_same_key(&key.key))
                        && component.contains(&key.key.relation.table)
                })
                .map(|(place, _)| place)
                .collect();
            let names: Vec<_> = component.iter().map(ToString::to_string).collect();
            self.shape.warnings.push(format!(
                "rows of {} reference each other through keys that cannot be NULL and that {} checks at once: they go one after the other, and \
                 rows that do so in a circle cannot go",
                names.join(", "),
                self.shape.backend
            ));
            self.shape.steps.push(Step::Peel(places, keys));
        }
        Ok(())
    }
}
