//! Sets and the conditions made from them, as SQL.

use super::roots::RootRows;
use super::shape::{Arm, Blocking, NewValue, ROOTS, SetId, Shape, TableUpdate, UpdateArm, assigned};
use crate::backend::Backend;
use crate::ddl::identifier;
use crate::name::{ColumnName, TableName};
use crate::schema::{ForeignKey, Schema};
use crate::sql::{Sql, column, from_table};

/// Where a statement finds the sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// In common table expressions of the statement.
    Expressions,
    /// In temporary tables.
    Stored,
    /// Nowhere: they are written out where they are used.
    Inline,
}

/// Writes conditions.
#[derive(Clone, Copy)]
pub(super) struct Conditions<'a> {
    pub(super) shape: &'a Shape,
    pub(super) schema: &'a Schema,
    pub(super) roots: &'a RootRows,
    pub(super) form: Form,
    /// What stands for the expression of a set, where that is not [`expression`].
    pub(super) fused: &'a [Option<Fused>],
}

/// A set without an expression of its own.
#[derive(Debug, Clone)]
pub(super) enum Fused {
    /// A deletion returns it.
    Returned { expression: String, columns: Vec<String> },
    /// It is written out where it is used.
    Written,
}

/// What a set's expression or temporary table is called.
pub(super) fn expression(set: SetId) -> String {
    format!("cascade_s{set}")
}

/// The columns of a set's expression or temporary table.
pub(super) fn expression_columns(count: usize) -> Vec<String> {
    (1..=count).map(|place| format!("c{place}")).collect()
}

/// A temporary table as a statement names it.
pub(super) fn stored(backend: Backend, name: &str) -> String {
    match backend {
        Backend::Postgres => format!("pg_temp.{name}"),
        Backend::Sqlite => format!("temp.{name}"),
        Backend::MySql => name.to_owned(),
    }
}

/// Whether the row is known to be one that an arm of the update holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Known,
    Unknown,
}

impl Conditions<'_> {
    pub(super) const fn backend(&self) -> Backend {
        self.shape.backend
    }

    pub(super) fn from(&self, table: &TableName) -> String {
        from_table(self.schema, table)
    }

    pub(super) fn column(&self, alias: &str, name: &ColumnName) -> String {
        column(self.backend(), alias, name)
    }

    pub(super) fn columns(&self, alias: &str, names: &[ColumnName]) -> String {
        let names: Vec<_> = names.iter().map(|name| self.column(alias, name)).collect();
        names.join(", ")
    }

    /// Writes a `SELECT` of the set's values.
    pub(super) fn push_set(&self, sql: &mut Sql, set: SetId) {
        let Some(known) = self.shape.sets.get(set) else {
            return;
        };
        let columns = expression_columns(known.columns.len()).join(", ");
        match (self.form, self.fused.get(set).and_then(Option::as_ref)) {
            (_, Some(Fused::Returned { expression, columns })) => {
                sql.push(&format!("SELECT {} FROM {expression}", columns.join(", ")));
            }
            (Form::Expressions, None) => sql.push(&format!("SELECT {columns} FROM {}", expression(set))),
            (Form::Stored, None) => sql.push(&format!(
                "SELECT {columns} FROM {}",
                stored(self.backend(), &expression(set))
            )),
            (Form::Inline, None) | (_, Some(Fused::Written)) => {
                let alias = format!("t{set}");
                sql.push(&format!(
                    "SELECT {} FROM {} AS {alias} WHERE ",
                    self.columns(&alias, &known.columns),
                    self.from(&known.table)
                ));
                self.push_goes(sql, &alias, &known.table);
            }
        }
    }

    /// Writes the condition that a row's own columns hold a value of the set.
    pub(super) fn push_arm(&self, sql: &mut Sql, alias: &str, arm: &Arm) {
        if self.form == Form::Inline && arm.key.is_none() {
            self.roots.push_keys(sql, self.backend(), &format!("{alias}."));
            return;
        }
        let referenced = self.shape.sets.get(arm.set);
        let own: Vec<_> = arm
            .columns
            .iter()
            .enumerate()
            .map(|(place, name)| {
                let other = referenced.and_then(|set| Some((&set.table, set.columns.get(place)?)));
                self.comparable(alias, name, other)
            })
            .collect();
        match own.as_slice() {
            [only] => sql.push(only),
            many => sql.push(&format!("({})", many.join(", "))),
        }
        sql.push(" IN (");
        self.push_set(sql, arm.set);
        sql.push(")");
    }

    /// A column, compared as the constraint would: SQLite's compares by the referenced column's collation, and `IN` by the left one's.
    fn comparable(&self, alias: &str, name: &ColumnName, referenced: Option<(&TableName, &ColumnName)>) -> String {
        let own = self.column(alias, name);
        if self.backend() != Backend::Sqlite {
            return own;
        }
        let collation = referenced.and_then(|(table, name)| {
            let known = self.schema.table(table)?.column(name)?;
            known.collation.as_deref()
        });
        match collation {
            Some(collation) => format!("{own} COLLATE {}", identifier(self.backend(), collation)),
            None => own,
        }
    }

    /// Writes the condition that a row of a table from which rows go is one of them.
    pub(super) fn push_goes(&self, sql: &mut Sql, alias: &str, table: &TableName) {
        let arms = self.shape.goes(table);
        sql.push(if arms.len() > 1 { "(" } else { "" });
        for (place, arm) in arms.iter().enumerate() {
            sql.push(if place > 0 { " OR " } else { "" });
            self.push_arm(sql, alias, arm);
        }
        sql.push(if arms.len() > 1 { ")" } else { "" });
    }

    /// Writes ` AND …`: none of these arms holds the row. A comparison with NULL is not true, and its negation would not be either.
    pub(super) fn push_none_of<'b>(&self, sql: &mut Sql, alias: &str, arms: impl IntoIterator<Item = &'b Arm>) {
        for arm in arms {
            sql.push(" AND (");
            self.push_arm(sql, alias, arm);
            sql.push(") IS NOT TRUE");
        }
    }

    /// Writes ` AND …`: the row stays.
    pub(super) fn push_stays(&self, sql: &mut Sql, alias: &str, table: &TableName) {
        self.push_none_of(sql, alias, self.shape.goes(table));
    }

    /// Writes the condition for the rows of `x` that block; see [`Blocking`].
    pub(super) fn push_blocking(&self, sql: &mut Sql, key: &ForeignKey, rows: &Blocking) {
        let relation = &key.relation;
        match rows {
            Blocking::Staying(arm) => {
                self.push_arm(sql, "x", arm);
                self.push_stays(sql, "x", &relation.table);
            }
            Blocking::All(arm) => self.push_arm(sql, "x", arm),
            Blocking::Dangling { update } => {
                if let Some(update) = self.shape.updates.get(*update) {
                    self.push_dangling(sql, key, update);
                }
            }
            Blocking::Referencing { update } => {
                if let Some(update) = self.shape.updates.get(*update) {
                    self.push_referencing(sql, key, update);
                }
            }
        }
    }

    /// Writes the condition for rows of `x` that stay and are changed, and whose key then references no row that stays.
    fn push_dangling(&self, sql: &mut Sql, key: &ForeignKey, update: &TableUpdate) {
        let relation = &key.relation;
        self.push_changed(sql, "x", update, &relation.columns);
        self.push_stays(sql, "x", &relation.table);
        for name in &relation.columns {
            let is_known = matches!(update.arms.as_slice(), [only] if assigned(only, name).is_some());
            if !is_known {
                sql.push(" AND ");
                self.push_outcome(sql, "x", Some(update), Held::Known, name);
                sql.push(" IS NOT NULL");
            }
        }
        sql.push(&format!(
            " AND NOT EXISTS (SELECT 1 FROM {} AS r WHERE ",
            self.from(&relation.referenced_table)
        ));
        let of_referenced = self
            .shape
            .updates
            .iter()
            .find(|update| update.table == relation.referenced_table);
        for (place, (own, referenced)) in relation.columns.iter().zip(&relation.referenced_columns).enumerate() {
            sql.push(if place > 0 { " AND " } else { "" });
            self.push_outcome(sql, "r", of_referenced, Held::Unknown, referenced);
            sql.push(" = ");
            self.push_outcome(sql, "x", Some(update), Held::Known, own);
        }
        self.push_stays(sql, "r", &relation.referenced_table);
        sql.push(")");
    }

    /// Writes the condition for rows of `x` that stay and reference a row of which the update changes what they reference it by.
    fn push_referencing(&self, sql: &mut Sql, key: &ForeignKey, update: &TableUpdate) {
        let relation = &key.relation;
        let referenced = &relation.referenced_columns;
        sql.push(&format!(
            "({}) IN (SELECT {} FROM {} AS r WHERE ",
            self.columns("x", &relation.columns),
            self.columns("r", referenced),
            self.from(&relation.referenced_table)
        ));
        self.push_changed(sql, "r", update, referenced);
        self.push_stays(sql, "r", &relation.referenced_table);
        let set = |name: &&ColumnName| update.arms.iter().any(|change| assigned(change, name).is_some());
        for (place, name) in referenced.iter().filter(set).enumerate() {
            // A column that is referenced is not NULL.
            sql.push(if place > 0 { " OR " } else { " AND (" });
            self.push_outcome(sql, "r", Some(update), Held::Known, name);
            sql.push(&format!(" <> {} OR ", self.column("r", name)));
            self.push_outcome(sql, "r", Some(update), Held::Known, name);
            sql.push(" IS NULL");
        }
        sql.push("))");
        self.push_stays(sql, "x", &relation.table);
    }

    /// Writes the condition that an arm of the update that sets one of these columns holds the row.
    fn push_changed(&self, sql: &mut Sql, alias: &str, update: &TableUpdate, columns: &[ColumnName]) {
        let sets = |change: &&UpdateArm| columns.iter().any(|name| assigned(change, name).is_some());
        for (place, change) in update.arms.iter().filter(sets).enumerate() {
            sql.push(if place > 0 { " OR " } else { "(" });
            self.push_arm(sql, alias, &change.arm);
        }
        sql.push(")");
    }

    /// Writes what a column of a row that stays holds afterwards.
    fn push_outcome(&self, sql: &mut Sql, alias: &str, update: Option<&TableUpdate>, held: Held, name: &ColumnName) {
        let arms = update.map_or(&[][..], |update| update.arms.as_slice());
        match (arms, held) {
            ([only], Held::Known) => match assigned(only, name) {
                Some(value) => push_value(sql, value),
                None => sql.push(&self.column(alias, name)),
            },
            _ => self.push_new_value(sql, alias, name, None, arms),
        }
    }

    /// Writes the assignments of an update's arm: its own, and those of the arms after it, where they hold the row too. A row that several
    /// arms hold is changed once, by the first.
    pub(super) fn push_assignments(&self, sql: &mut Sql, alias: &str, target: &str, arms: &[UpdateArm], arm: usize) {
        let later = arms.get(arm..).unwrap_or_default();
        let mut columns: Vec<&ColumnName> = Vec::new();
        for (name, _) in later.iter().flat_map(|change| &change.assign) {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        for (place, name) in columns.into_iter().enumerate() {
            sql.push(if place > 0 { ", " } else { "" });
            sql.push(&format!("{target}{} = ", identifier(self.backend(), name.as_str())));
            self.push_new_value(sql, alias, name, later.first(), later.get(1..).unwrap_or_default());
        }
    }

    /// Writes what a column is set to by the arms that hold the row: `own`, which does, and any of the others. NULL goes before any other value.
    fn push_new_value(
        &self,
        sql: &mut Sql,
        alias: &str,
        name: &ColumnName,
        own: Option<&UpdateArm>,
        others: &[UpdateArm],
    ) {
        let own = own.and_then(|change| assigned(change, name));
        let others: Vec<_> = others
            .iter()
            .filter_map(|change| Some((change, assigned(change, name)?)))
            .collect();
        match own {
            Some(NewValue::Null) => return sql.push("NULL"),
            Some(value) if others.iter().all(|(_, other)| *other == value) => return push_value(sql, value),
            None if others.is_empty() => return sql.push(&self.column(alias, name)),
            _ => {}
        }
        sql.push("CASE");
        let (nulls, values): (Vec<_>, Vec<_>) = others.into_iter().partition(|(_, value)| **value == NewValue::Null);
        for (change, value) in nulls.into_iter().chain(values) {
            sql.push(" WHEN ");
            self.push_arm(sql, alias, &change.arm);
            sql.push(" THEN ");
            push_value(sql, value);
        }
        sql.push(" ELSE ");
        match own {
            Some(value) => push_value(sql, value),
            None => sql.push(&self.column(alias, name)),
        }
        sql.push(" END");
    }

    /// Writes the tables to join so that their last one holds the set's rows, and gives the names of the set's columns there: for MySQL, whose
    /// DELETE and UPDATE read the whole table for a subquery.
    pub(super) fn push_joined(&self, sql: &mut Sql, set: SetId) -> Vec<String> {
        let Some(known) = self.shape.sets.get(set) else {
            return Vec::new();
        };
        if self.form == Form::Stored {
            let alias = format!("s{set}");
            sql.push(&format!("{} AS {alias}", stored(self.backend(), &expression(set))));
            return expression_columns(known.columns.len())
                .iter()
                .map(|name| format!("{alias}.{name}"))
                .collect();
        }
        let alias = format!("t{set}");
        let arm = self.shape.goes(&known.table).first();
        match arm.filter(|arm| arm.key.is_some() && set != ROOTS) {
            Some(arm) => {
                let outer = self.push_joined(sql, arm.set);
                sql.push(&format!(" INNER JOIN {} AS {alias} ON ", self.from(&known.table)));
                self.push_equal(sql, &alias, &arm.columns, &outer);
            }
            None => sql.push(&format!("{} AS {alias}", self.from(&known.table))),
        }
        known.columns.iter().map(|name| self.column(&alias, name)).collect()
    }

    pub(super) fn push_equal(&self, sql: &mut Sql, alias: &str, own: &[ColumnName], others: &[String]) {
        for (place, (own, other)) in own.iter().zip(others).enumerate() {
            sql.push(if place > 0 { " AND " } else { "" });
            sql.push(&format!("{} = {other}", self.column(alias, own)));
        }
    }

    /// Writes the condition for the roots at the beginning of joined tables; nothing for stored sets.
    pub(super) fn push_joined_roots(&self, sql: &mut Sql, set: SetId) {
        if self.form == Form::Stored {
            return sql.push("1 = 1");
        }
        let mut first = set;
        while let Some(arm) = self
            .shape
            .sets
            .get(first)
            .filter(|_| first != ROOTS)
            .and_then(|set| self.shape.goes(&set.table).first())
            .filter(|arm| arm.key.is_some())
        {
            first = arm.set;
        }
        self.roots.push_keys(sql, self.backend(), &format!("t{first}."));
    }
}

pub(super) fn push_value(sql: &mut Sql, value: &NewValue) {
    match value {
        NewValue::Null => sql.push("NULL"),
        NewValue::Default(expression) => sql.push(&format!("({expression})")),
        NewValue::Value(value) => value.bind_to(sql),
    }
}
