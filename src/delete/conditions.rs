//! Sets and the conditions made from them, as SQL.

use super::roots::RootRows;
use super::shape::{Arm, Blocking, NewValue, ROOTS, SetId, Shape, UpdateArm, assigned};
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

impl<'a> Conditions<'a> {
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
            Blocking::Dangling { update, arm } => {
                let Some((change, others)) = self.change(*update, *arm) else {
                    return;
                };
                self.push_arm(sql, "x", &change.arm);
                self.push_stays(sql, "x", &relation.table);
                // What another key sets to NULL references nothing.
                let nulled = others.filter(|other| {
                    let mut columns = relation.columns.iter();
                    columns.any(|name| assigned(other, name) == Some(&NewValue::Null))
                });
                self.push_none_of(sql, "x", nulled.map(|other| &other.arm));
                self.push_references_nothing(sql, key, change);
            }
            Blocking::Referencing { update, arm } => {
                let Some((change, _)) = self.change(*update, *arm) else {
                    return;
                };
                let own: Vec<_> = relation.columns.iter().map(|name| self.column("x", name)).collect();
                let referenced = self.columns("r", &relation.referenced_columns);
                sql.push(&format!(
                    "({}) IN (SELECT {referenced} FROM {} AS r WHERE ",
                    own.join(", "),
                    self.from(&relation.referenced_table)
                ));
                self.push_arm(sql, "r", &change.arm);
                self.push_stays(sql, "r", &relation.referenced_table);
                sql.push(")");
                self.push_stays(sql, "x", &relation.table);
            }
        }
    }

    fn change(
        &self,
        update: usize,
        arm: usize,
    ) -> Option<(&'a UpdateArm, impl Iterator<Item = &'a UpdateArm> + use<'a>)> {
        let update = self.shape.updates.get(update)?;
        let change = update.arms.get(arm)?;
        let others = update.arms.iter().enumerate().filter(move |(place, _)| *place != arm);
        Some((change, others.map(|(_, other)| other)))
    }

    /// Writes ` AND …`: with what the change sets, the key of `x` would reference no row that stays.
    fn push_references_nothing(&self, sql: &mut Sql, key: &ForeignKey, change: &UpdateArm) {
        let relation = &key.relation;
        for name in &relation.columns {
            if assigned(change, name).is_none() {
                sql.push(&format!(" AND {} IS NOT NULL", self.column("x", name)));
            }
        }
        sql.push(&format!(
            " AND NOT EXISTS (SELECT 1 FROM {} AS r WHERE ",
            self.from(&relation.referenced_table)
        ));
        for (place, (own, referenced)) in relation.columns.iter().zip(&relation.referenced_columns).enumerate() {
            sql.push(if place > 0 { " AND " } else { "" });
            sql.push(&format!("{} = ", self.column("r", referenced)));
            match assigned(change, own) {
                Some(value) => push_value(sql, value),
                None => sql.push(&self.column("x", own)),
            }
        }
        self.push_stays(sql, "r", &relation.referenced_table);
        sql.push(")");
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
            self.push_new_value(sql, alias, name, later);
        }
    }

    /// NULL goes before any other value.
    fn push_new_value(&self, sql: &mut Sql, alias: &str, name: &ColumnName, later: &[UpdateArm]) {
        let own = later.first().and_then(|change| assigned(change, name));
        let others: Vec<_> = later
            .iter()
            .skip(1)
            .filter_map(|change| Some((change, assigned(change, name)?)))
            .collect();
        match own {
            Some(NewValue::Null) => return sql.push("NULL"),
            Some(value) if others.iter().all(|(_, other)| *other == value) => return push_value(sql, value),
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
