//! What a delete consists of, whichever rows it starts from: which rows go and why, what is changed, what blocks, in which order.
//!
//! # How rows are known to go
//!
//! A row goes if it is a root, or if it references a row that goes through a key that cascades. So what must be known of the rows that go
//! from a table are the values other tables reference them by: a [`Set`]. Whether a row goes, is to be set null or blocks is then told by its own
//! columns and one set, an [`Arm`]. No row's identity is needed, and no row leaves the database.

mod enforcer;
mod order;
mod staying;

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
    building.warn();
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

    fn warn(&mut self) {
        let schema = self.relations.schema();
        if let Some(first) = schema.unknown.first() {
            self.shape.warnings.push(format!(
                "the catalog does not tell this user everything, so rows of tables it hides may block, or go uncounted: {first}"
            ));
        }
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

impl Shape {
    pub(super) fn key(&self, arm: &Arm) -> Option<&Key> {
        arm.key.and_then(|place| self.keys.get(place))
    }

    /// Whether rows of the table go.
    pub(super) fn goes(&self, table: &TableName) -> &[Arm] {
        self.going.get(table).map_or(&[], Vec::as_slice)
    }
}
