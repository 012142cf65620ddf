//! What a delete consists of, whichever rows it starts from: which rows go and why, what is changed, what blocks, in which order.
//!
//! # How rows are known to go
//!
//! A row goes if it is a root, or if it references a row that goes through a key that cascades. So what must be known of the rows that go
//! from a table are the values other tables reference them by: a [`Set`]. Whether a row goes, is to be set null or blocks is then told by its own
//! columns and one set, an [`Arm`]. No row's identity is needed, and no row leaves the database.

use std::collections::{BTreeMap, BTreeSet};

use super::options::{Counting, DeleteOptions, Enforce, is_called};
use super::relations::Relations;
use super::roots::identity;
use crate::backend::Backend;
use crate::error::{BlockReason, Error, Result};
use crate::graph;
use crate::name::{ColumnName, TableName, did_you_mean};
use crate::schema::{Action, Enforcement, ForeignKey};
use crate::sql::{Typed, typed};

/// The place of a [`Set`] in [`Shape::sets`]. 0 are the roots.
pub(super) type SetId = usize;

pub(super) const ROOTS: SetId = 0;

/// InnoDB refuses deeper cascades (MySQL, "FOREIGN KEY Constraints": 15 levels).
const DEEPEST_INNODB_CASCADE: usize = 14;

/// Longer paths are not written out in one statement: MySQL joins at most 61 tables, and all engines plan long joins badly.
const DEEPEST_INLINE: usize = 10;

/// Values of some columns in the rows that go from a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) table: TableName,
    pub(super) columns: Vec<ColumnName>,
}

/// The rows of a table whose columns hold a value of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arm {
    pub(super) columns: Vec<ColumnName>,
    pub(super) set: SetId,
    /// The key in [`Shape::keys`]; nothing for the roots themselves.
    pub(super) key: Option<usize>,
}

/// A key that references a table from which rows go.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) key: ForeignKey,
    pub(super) by_database: bool,
}

/// Sets that are computed together.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) sets: Vec<SetId>,
    /// Whether they depend on themselves.
    pub(super) recursive: bool,
}

/// Rows that go from one table.
#[derive(Debug, Clone)]
pub(super) struct TableDelete {
    pub(super) table: TableName,
    pub(super) arms: Vec<Arm>,
    /// The database's own cascades delete them.
    pub(super) by_database: bool,
    /// The set of what identifies them, where their references are changed before they go, or they go one after the other.
    pub(super) by_identity: Option<SetId>,
    pub(super) hooked: bool,
}

/// Rows of one table that stay and are changed.
#[derive(Debug, Clone)]
pub(super) struct TableUpdate {
    pub(super) table: TableName,
    pub(super) arms: Vec<UpdateArm>,
    pub(super) by_database: bool,
}

/// Rows that stay and reference, through one key, rows that go.
#[derive(Debug, Clone)]
pub(super) struct UpdateArm {
    pub(super) arm: Arm,
    pub(super) assign: Vec<(ColumnName, NewValue)>,
}

/// What a column is set to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NewValue {
    Null,
    /// An expression, as the catalog has it.
    Default(String),
    Value(Typed),
}

/// Rows that block.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// The key in [`Shape::keys`], or one that is not there, since it references a table from which nothing goes.
    pub(super) key: ForeignKey,
    pub(super) reason: BlockReason,
    pub(super) rows: Blocking,
    /// The database refuses by itself.
    pub(super) by_database: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Blocking {
    /// Rows of the arm that stay.
    Staying(Arm),
    /// Rows of the arm, whether they stay or not.
    All(Arm),
    /// Rows that stay and are changed by this update, after which the key would reference no row that stays.
    Dangling { update: usize },
    /// Rows that stay and reference through the key a row whose referenced columns this update changes.
    Referencing { update: usize },
}

/// Columns that are set to NULL in rows that go, so that these can go in any order.
#[derive(Debug, Clone)]
pub(super) struct Break {
    pub(super) table: TableName,
    pub(super) columns: Vec<ColumnName>,
}

/// One step of deleting, in order.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// One table at once.
    Table(usize),
    /// Tables whose rows go one after the other: first those that no other row references through these keys.
    Peel(Vec<usize>, Vec<usize>),
}

/// The whole. See the [module](self).
#[derive(Debug, Clone)]
pub(super) struct Shape {
    pub(super) backend: Backend,
    pub(super) root: TableName,
    pub(super) keys: Vec<Key>,
    pub(super) sets: Vec<Set>,
    /// The sets but for the roots, each after those it depends on.
    pub(super) groups: Vec<Group>,
    pub(super) going: BTreeMap<TableName, Vec<Arm>>,
    pub(super) updates: Vec<TableUpdate>,
    pub(super) blocks: Vec<Block>,
    /// DO NOTHING: the tables and arms of rows that will dangle.
    pub(super) dangling: Vec<(TableName, Arm)>,
    /// Keys with a guard whose referenced rows go.
    pub(super) guards: Vec<(TableName, ColumnName)>,
    /// Tables whose rows are locked before those that reference them are looked for: a constraint of the database would do something else than
    /// the key says to a row that comes meanwhile.
    pub(super) locks: BTreeSet<TableName>,
    pub(super) deletes: Vec<TableDelete>,
    pub(super) breaks: Vec<Break>,
    pub(super) steps: Vec<Step>,
    pub(super) warnings: Vec<String>,
    /// SQLite is to check constraints only at the end.
    pub(super) defers: bool,
    /// Each table is reached on one path, so a set can be written where it is used.
    pub(super) is_tree: bool,
    /// More than one statement is needed even where one could do everything.
    pub(super) is_stepwise: bool,
}

/// The shape of a delete of rows of `root` that `identity` tells apart.
pub(super) fn shape(
    relations: &Relations,
    root: &TableName,
    identity: &[ColumnName],
    options: &DeleteOptions,
) -> Result<Shape> {
    check_overrides(relations, options)?;
    let schema = relations.schema();
    let followed: Vec<ForeignKey> = schema
        .foreign_keys()
        .filter(|key| key.enforced_by != Enforcement::Loose)
        .cloned()
        .collect();
    let closure = graph::cascade_closure(root, &followed);
    let mut building = Building {
        relations,
        options,
        closure,
        shape: Shape {
            backend: relations.backend(),
            root: root.clone(),
            keys: Vec::new(),
            sets: vec![Set {
                table: root.clone(),
                columns: identity.to_vec(),
            }],
            groups: Vec::new(),
            going: BTreeMap::new(),
            updates: Vec::new(),
            blocks: Vec::new(),
            dangling: Vec::new(),
            guards: Vec::new(),
            locks: BTreeSet::new(),
            deletes: Vec::new(),
            breaks: Vec::new(),
            steps: Vec::new(),
            warnings: Vec::new(),
            defers: false,
            is_tree: true,
            is_stepwise: false,
        },
    };
    building.keys(&followed)?;
    building.arms(&followed)?;
    building.changes()?;
    building.blocks();
    building.deletes()?;
    building.look_before_deferring();
    building.groups();
    building.warn(&followed);
    Ok(building.shape)
}

/// An override that names no key would change nothing without a word.
fn check_overrides(relations: &Relations, options: &DeleteOptions) -> Result<()> {
    for (name, _) in &options.overrides {
        if !relations.schema().foreign_keys().any(|key| is_called(key, name)) {
            let names: Vec<_> = relations
                .schema()
                .foreign_keys()
                .map(|key| key.relation.to_string())
                .collect();
            let meant = did_you_mean(name, names.iter().map(String::as_str));
            return Err(Error::invalid_input(format!("there is no foreign key {name}{meant}")));
        }
    }
    Ok(())
}

struct Building<'a> {
    relations: &'a Relations,
    options: &'a DeleteOptions,
    closure: BTreeSet<TableName>,
    shape: Shape,
}

impl Building<'_> {
    /// The keys that reference a table from which rows go, and who carries each out.
    fn keys(&mut self, followed: &[ForeignKey]) -> Result<()> {
        for key in followed {
            if !self.closure.contains(&key.relation.referenced_table) {
                continue;
            }
            if key.on_delete == Action::Unknown {
                return Err(Error::invalid_input(format!(
                    "what happens to {} when a row of {} goes is not known: the catalog does not tell this user, or says it in words this \
                     version does not know; declare it in cascade.toml, or use another user",
                    key.relation, key.relation.referenced_table
                )));
            }
            let by_database = self.is_by_database(key, followed)?;
            let hooked = self.closure.contains(&key.relation.table) && self.relations.is_hooked(&key.relation.table);
            if key.guard.is_some() || hooked {
                self.shape.is_stepwise = true;
            }
            if self.is_contradicted(key) {
                self.shape.locks.insert(key.relation.referenced_table.clone());
                self.shape.is_stepwise = true;
            }
            if let Some(guard) = &key.guard {
                let guarded = (key.relation.referenced_table.clone(), guard.clone());
                if !self.shape.guards.contains(&guarded) {
                    self.shape.guards.push(guarded);
                }
            }
            self.shape.keys.push(Key {
                key: key.clone(),
                by_database,
            });
        }
        self.shape.is_stepwise |= self.shape.backend != Backend::Postgres || self.relations.is_hooked(&self.shape.root);
        Ok(())
    }

    fn is_by_database(&self, key: &ForeignKey, followed: &[ForeignKey]) -> Result<bool> {
        let relation = &key.relation;
        let equal = self.relations.has_equal_constraint(key);
        self.refuse_contradiction(key)?;
        match (self.options.enforced(key), key.on_delete) {
            (Enforce::Application, _) => Ok(false),
            // There is nothing to carry out.
            (Enforce::Database, Action::DoNothing) => Ok(false),
            (Enforce::Database, _) if equal => Ok(true),
            (Enforce::Database, _) => Err(Error::invalid_input(format!(
                "the database does not enforce {relation} as {}: it has no such constraint, one with another action, or one that was never \
                 validated; let the application enforce it, or add the constraint",
                key.on_delete
            ))),
            (Enforce::Auto, Action::Restrict | Action::NoAction) => {
                Ok(equal && !self.closure.contains(&relation.table))
            }
            (Enforce::Auto, Action::Cascade | Action::SetNull | Action::SetDefault) => Ok(equal
                && (self.options.counting == Counting::Declined || self.is_counted_for_little(key, followed))
                && !self.relations.is_hooked(&relation.table)
                && self.can_be_left_to_the_database(key, followed)),
            (Enforce::Auto, Action::SetValue | Action::Protect | Action::DoNothing | Action::Unknown) => Ok(false),
        }
    }

    /// Where one statement can both delete and count, the database's own cascade and a count are cheaper than deleting the rows first: its
    /// triggers look for every deleted row's references anyway.
    fn is_counted_for_little(&self, key: &ForeignKey, followed: &[ForeignKey]) -> bool {
        let table = &key.relation.table;
        let referencing = followed
            .iter()
            .filter(|other| other.relation.table == *table && self.closure.contains(&other.relation.referenced_table));
        self.shape.backend == Backend::Postgres && key.on_delete == Action::Cascade && referencing.count() == 1
    }

    /// Whether a constraint of the database would delete or change rows that the key says something else about.
    fn is_contradicted(&self, key: &ForeignKey) -> bool {
        self.relations.constraints(key).any(|constraint| {
            let refuses = matches!(constraint.on_delete, Action::Restrict | Action::NoAction);
            !refuses && constraint.on_delete != key.on_delete
        })
    }

    /// A constraint that does something else behind our back.
    fn refuse_contradiction(&self, key: &ForeignKey) -> Result<()> {
        if key.on_delete != Action::DoNothing {
            return Ok(());
        }
        match self.relations.constraints(key).next() {
            Some(constraint) => Err(Error::invalid_input(format!(
                "{} cannot do nothing: the database has the constraint {}, which is {} on delete; drop it, or declare what it does",
                key.relation,
                constraint.relation.label(),
                constraint.on_delete
            ))),
            None => Ok(()),
        }
    }

    /// The engine's result does not depend on the order of constraints, and it goes as deep as it must.
    fn can_be_left_to_the_database(&self, key: &ForeignKey, followed: &[ForeignKey]) -> bool {
        let table = &key.relation.table;
        let mixed = followed.iter().any(|other| {
            other.relation.table == *table
                && self.closure.contains(&other.relation.referenced_table)
                && other.on_delete != key.on_delete
        });
        // In a circle we may have to set columns to NULL by which the database would find the rows.
        let circular = graph::components(&self.closure, followed)
            .iter()
            .any(|component| component.contains(table) && component.contains(&key.relation.referenced_table));
        let deep = self.shape.backend == Backend::MySql && self.closure.len() >= DEEPEST_INNODB_CASCADE;
        !mixed && !circular && !deep
    }

    fn set(&mut self, table: &TableName, columns: &[ColumnName]) -> SetId {
        let only_roots = *table == self.shape.root && self.shape.going.get(table).is_some_and(|arms| arms.len() == 1);
        let known = self
            .shape
            .sets
            .iter()
            .enumerate()
            .find(|(place, set)| set.table == *table && set.columns == columns && (*place != ROOTS || only_roots));
        match known {
            Some((place, _)) => place,
            None => {
                self.shape.sets.push(Set {
                    table: table.clone(),
                    columns: columns.to_vec(),
                });
                self.shape.sets.len() - 1
            }
        }
    }

    /// Why rows of each table go.
    fn arms(&mut self, followed: &[ForeignKey]) -> Result<()> {
        let root = self.shape.root.clone();
        let reached_again = followed.iter().any(|key| {
            key.on_delete == Action::Cascade
                && key.relation.table == root
                && self.closure.contains(&key.relation.referenced_table)
        });
        let roots = Arm {
            columns: self
                .shape
                .sets
                .first()
                .map(|set| set.columns.clone())
                .unwrap_or_default(),
            set: ROOTS,
            key: None,
        };
        self.shape.going.insert(root.clone(), vec![roots.clone()]);
        if reached_again {
            // A second arm, for now, so that no set of the root's is taken for the roots themselves.
            self.shape.going.insert(root.clone(), vec![roots.clone(), roots]);
        }
        let mut going: BTreeMap<TableName, Vec<Arm>> = BTreeMap::new();
        for place in 0..self.shape.keys.len() {
            let Some(Key { key, .. }) = self.shape.keys.get(place).cloned() else {
                continue;
            };
            if key.on_delete == Action::Cascade {
                let arm = self.arm(place, &key);
                going.entry(key.relation.table).or_default().push(arm);
            }
        }
        if let Some(first) = self.shape.going.get_mut(&root) {
            first.truncate(1);
        }
        for (table, arms) in going {
            self.shape.going.entry(table).or_default().extend(arms);
        }
        Ok(())
    }

    fn arm(&mut self, place: usize, key: &ForeignKey) -> Arm {
        Arm {
            columns: key.relation.columns.clone(),
            set: self.set(&key.relation.referenced_table, &key.relation.referenced_columns),
            key: Some(place),
        }
    }

    /// Rows that stay and are changed.
    fn changes(&mut self) -> Result<()> {
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
    fn blocks(&mut self) {
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

    /// The rows that go, in an order in which no constraint minds.
    fn deletes(&mut self) -> Result<()> {
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
    fn look_before_deferring(&mut self) {
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

    fn by_identity(&mut self, table: &TableName) -> Result<()> {
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

    /// In which order sets are computed, and whether they can be written where they are used.
    fn groups(&mut self) {
        let cascades: Vec<ForeignKey> = self
            .shape
            .keys
            .iter()
            .filter(|key| key.key.on_delete == Action::Cascade)
            .map(|key| key.key.clone())
            .collect();
        for component in graph::components(&self.closure, &cascades) {
            let sets: Vec<SetId> = (1..self.shape.sets.len())
                .filter(|set| {
                    let set = self.shape.sets.get(*set);
                    set.is_some_and(|set| component.contains(&set.table))
                })
                .collect();
            let recursive = is_circle(&component, &cascades);
            self.shape.is_tree &= !recursive;
            if !sets.is_empty() {
                self.shape.groups.push(Group { sets, recursive });
            }
        }
        self.shape.is_tree &= self.depth() <= DEEPEST_INLINE;
        self.shape.is_tree &= self.shape.going.values().all(|arms| arms.len() == 1)
            && self.shape.breaks.is_empty()
            && self.shape.deletes.iter().all(|delete| delete.by_identity.is_none())
            && !self
                .shape
                .updates
                .iter()
                .any(|update| self.closure.contains(&update.table));
    }

    /// How many tables the longest path of a tree has.
    fn depth(&self) -> usize {
        let mut depths: BTreeMap<&TableName, usize> = BTreeMap::new();
        for delete in self.shape.deletes.iter().rev() {
            let above = delete
                .arms
                .iter()
                .filter_map(|arm| depths.get(&self.shape.sets.get(arm.set)?.table))
                .max();
            let depth = above.map_or(1, |above| above + 1);
            depths.insert(&delete.table, depth);
        }
        depths.values().copied().max().unwrap_or(0)
    }

    fn warn(&mut self, followed: &[ForeignKey]) {
        let schema = self.relations.schema();
        for Key { key, by_database } in &self.shape.keys {
            let relation = &key.relation;
            let table = schema.table(&relation.table);
            if table.is_some_and(|table| !table.has_leading_index(&relation.columns)) {
                self.shape.warnings.push(format!(
                    "no index begins with {relation}: every row of {} is read",
                    relation.table
                ));
            }
            if *by_database && key.on_delete == Action::Cascade && self.relations.is_hooked(&relation.table) {
                self.shape.warnings.push(format!(
                    "the hooks of {} are not called for rows that go through {relation}, which is left to the database",
                    relation.table
                ));
            }
        }
        for update in &self.shape.updates {
            let table = schema.table(&update.table);
            let unique = table.into_iter().flat_map(|table| {
                let primary = table.primary_key.iter().map(|key| &key.columns);
                let keys = table.unique_keys.iter().map(|key| &key.columns);
                primary.chain(keys).flatten()
            });
            for name in unique.collect::<BTreeSet<_>>() {
                let set = update.arms.iter().find(|change| {
                    let value = assigned(change, name);
                    value.is_some_and(|value| *value != NewValue::Null)
                });
                if let Some(key) = set.and_then(|change| self.shape.key(&change.arm)) {
                    self.shape.warnings.push(format!(
                        "{} is {} on delete, and {name} is part of a unique key: {} refuses if two rows are to get one value",
                        key.key.relation, key.key.on_delete, self.shape.backend
                    ));
                }
            }
        }
        for key in schema.foreign_keys() {
            if key.enforced_by == Enforcement::Loose && self.closure.contains(&key.relation.referenced_table) {
                self.shape.warnings.push(format!(
                    "{} is loose: rows that reference what goes are left for later",
                    key.relation
                ));
            }
        }
        let _ = followed;
    }
}

/// Whether the component is a circle: several tables, or one that references itself.
fn is_circle(component: &[TableName], keys: &[ForeignKey]) -> bool {
    component.len() > 1
        || keys
            .iter()
            .any(|key| component.contains(&key.relation.table) && key.relation.table == key.relation.referenced_table)
}

/// What an update sets a column to.
pub(super) fn assigned<'a>(change: &'a UpdateArm, column: &ColumnName) -> Option<&'a NewValue> {
    change
        .assign
        .iter()
        .find(|(name, _)| name == column)
        .map(|(_, value)| value)
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

impl Shape {
    pub(super) fn key(&self, arm: &Arm) -> Option<&Key> {
        arm.key.and_then(|place| self.keys.get(place))
    }

    /// Whether rows of the table go.
    pub(super) fn goes(&self, table: &TableName) -> &[Arm] {
        self.going.get(table).map_or(&[], Vec::as_slice)
    }
}
