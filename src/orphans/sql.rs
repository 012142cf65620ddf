//! The one place where this module's SQL is written.

use crate::backend::Backend;
use crate::ddl::identifier;
use crate::name::{ColumnName, TableName};
use crate::schema::{Action, ForeignKey, Match, Schema};
use crate::sql::{Sql, column, from_table};

/// Whether a count also locks the rows it counts, where the engine has row locks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    No,
    Rows,
}

/// The rows of one key that dangle, as conditions.
#[derive(Clone, Copy)]
pub(super) struct Dangling<'a> {
    pub(super) backend: Backend,
    pub(super) schema: &'a Schema,
    pub(super) key: &'a ForeignKey,
}

impl Dangling<'_> {
    /// A table under an alias.
    pub(super) fn from(&self, table: &TableName, alias: &str) -> String {
        format!("{} AS {alias}", from_table(self.schema, table))
    }

    pub(super) fn references_itself(&self) -> bool {
        self.key.relation.table == self.key.relation.referenced_table
    }

    /// Whether rows below a row that goes are to go too, since they reference it through this same key.
    pub(super) fn takes_rows_below(&self) -> bool {
        self.references_itself() && self.key.on_delete == Action::Cascade
    }

    /// The row violates the key.
    pub(super) fn violates(&self, alias: &str, lock: Lock) -> String {
        let relation = &self.key.relation;
        let set: Vec<_> = relation
            .columns
            .iter()
            .map(|name| format!("{} IS NOT NULL", column(self.backend, alias, name)))
            .collect();
        // No comparison with NULL is true, so under MATCH FULL a key that is partly NULL is among these.
        let set = match self.key.matching {
            Match::Full => format!("({})", set.join(" OR ")),
            Match::Simple | Match::Partial => set.join(" AND "),
        };
        // The referenced column comes first: it is its collation that SQLite's constraints compare by.
        let equal = self.equal("p", &relation.referenced_columns, alias, &relation.columns);
        let share = match (self.backend, lock) {
            // InnoDB reads a subquery from the transaction's snapshot unless it locks.
            (Backend::MySql, Lock::Rows) => " LOCK IN SHARE MODE",
            _ => "",
        };
        format!(
            "{set} AND NOT EXISTS (SELECT 1 FROM {} WHERE {equal}{share})",
            self.from(&relation.referenced_table, "p")
        )
    }

    /// The row's key is partly NULL.
    pub(super) fn partly_null(&self, alias: &str) -> String {
        let columns = &self.key.relation.columns;
        let all = |what: &str, link: &str| {
            let parts: Vec<_> = columns
                .iter()
                .map(|name| format!("{} {what}", column(self.backend, alias, name)))
                .collect();
            parts.join(link)
        };
        format!("({}) AND ({})", all("IS NULL", " OR "), all("IS NOT NULL", " OR "))
    }

    /// The row goes if the rows that violate the key are deleted: it is one, or is below one.
    pub(super) fn goes(&self, alias: &str, lock: Lock) -> String {
        let violates = self.violates(alias, lock);
        if !self.takes_rows_below() {
            return violates;
        }
        let relation = &self.key.relation;
        let list = |alias: &str, columns: &[ColumnName]| {
            let columns: Vec<_> = columns.iter().map(|name| column(self.backend, alias, name)).collect();
            columns.join(", ")
        };
        let names: Vec<_> = (1..=relation.columns.len()).map(|n| format!("key_{n}")).collect();
        let same: Vec<_> = relation
            .columns
            .iter()
            .zip(&names)
            .map(|(name, key)| format!("g.{key} = {}", column(self.backend, "n", name)))
            .collect();
        format!(
            "({violates} OR ({}) IN (WITH RECURSIVE gone ({names}) AS (SELECT {} FROM {} WHERE {} UNION SELECT {} FROM {} \
             INNER JOIN gone AS g ON {}) SELECT {names} FROM gone))",
            list(alias, &relation.columns),
            list("o", &relation.referenced_columns),
            self.from(&relation.table, "o"),
            self.violates("o", lock),
            list("n", &relation.referenced_columns),
            self.from(&relation.table, "n"),
            same.join(" AND "),
            names = names.join(", "),
        )
    }

    /// Rows of another key's table that reference a row that goes and do not go themselves.
    pub(super) fn referencing(&self, other: &ForeignKey) -> Sql {
        let relation = &other.relation;
        let equal = self.equal("c", &relation.referenced_columns, "k", &relation.columns);
        let mut sql = Sql::new(
            self.backend,
            format!(
                "SELECT COUNT(*) FROM {} WHERE EXISTS (SELECT 1 FROM {} WHERE {equal} AND {})",
                self.from(&relation.table, "k"),
                self.from(&relation.referenced_table, "c"),
                self.goes("c", Lock::No),
            ),
        );
        if relation.table == self.key.relation.table {
            // A CASE, because NOT of a comparison with NULL is not true.
            sql.push(&format!(
                " AND CASE WHEN {} THEN 1 ELSE 0 END = 0",
                self.goes("k", Lock::No)
            ));
        }
        sql
    }

    /// How many rows of the table meet a condition over `c`.
    pub(super) fn count(&self, condition: &str, lock: Lock) -> Sql {
        let rows = format!("FROM {} WHERE {condition}", self.from(&self.key.relation.table, "c"));
        Sql::new(
            self.backend,
            match (self.backend, lock) {
                (_, Lock::No) | (Backend::Sqlite, Lock::Rows) => format!("SELECT COUNT(*) {rows}"),
                // PostgreSQL allows no lock beside an aggregate, MariaDB ignores one in a derived table.
                (Backend::Postgres, Lock::Rows) => {
                    format!("SELECT COUNT(*) FROM (SELECT 1 {rows} FOR UPDATE OF c) AS counted")
                }
                (Backend::MySql, Lock::Rows) => format!("SELECT COUNT(*) {rows} FOR UPDATE"),
            },
        )
    }

    /// `DELETE` of the rows that go.
    pub(super) fn delete(&self) -> Sql {
        let table = self.from(&self.key.relation.table, "c");
        Sql::new(
            self.backend,
            match self.backend {
                Backend::Postgres | Backend::Sqlite => {
                    format!("DELETE FROM {table} WHERE {}", self.goes("c", Lock::No))
                }
                Backend::MySql if self.references_itself() => {
                    format!(
                        "DELETE c FROM {table} INNER JOIN {}",
                        self.listed(&self.goes("o", Lock::No))
                    )
                }
                // The one form in which every MySQL and MariaDB takes an alias.
                Backend::MySql => format!("DELETE c FROM {table} WHERE {}", self.goes("c", Lock::No)),
            },
        )
    }

    /// `UPDATE` of the rows that violate the key; `set` writes what a column is set to.
    pub(super) fn update(&self, columns: &[ColumnName], set: impl Fn(&mut Sql, usize)) -> Sql {
        let listed = self.backend == Backend::MySql && self.references_itself();
        let mut sql = Sql::new(
            self.backend,
            format!("UPDATE {}", self.from(&self.key.relation.table, "c")),
        );
        if listed {
            sql.push(&format!(" INNER JOIN {}", self.listed(&self.violates("o", Lock::No))));
        }
        sql.push(" SET ");
        for (place, name) in columns.iter().enumerate() {
            if place > 0 {
                sql.push(", ");
            }
            sql.push(&match self.backend {
                Backend::Postgres | Backend::Sqlite => identifier(self.backend, name.as_str()),
                Backend::MySql => column(self.backend, "c", name),
            });
            sql.push(" = ");
            set(&mut sql, place);
        }
        if !listed {
            sql.push(&format!(" WHERE {}", self.violates("c", Lock::No)));
        }
        sql
    }

    /// The references of the rows that meet a condition over `o`, as a list to join `c` with.
    ///
    /// For a table that references itself: MySQL changes no table that a subquery of the statement reads, and MariaDB, which does, reads
    /// it again while rows go. A derived table with a LIMIT is neither merged nor split: it is read once, before anything is changed.
    /// The reference identifies the rows, since it is all that the condition is about.
    fn listed(&self, condition: &str) -> String {
        let relation = &self.key.relation;
        let names = &relation.columns;
        let columns: Vec<_> = names.iter().map(|name| column(self.backend, "o", name)).collect();
        let same: Vec<_> = names
            .iter()
            .map(|name| {
                let (own, listed) = (column(self.backend, "c", name), column(self.backend, "d", name));
                format!("{own} <=> {listed}")
            })
            .collect();
        format!(
            "(SELECT DISTINCT {} FROM {} WHERE {condition} LIMIT {}) AS d ON {}",
            columns.join(", "),
            self.from(&relation.table, "o"),
            u64::MAX,
            same.join(" AND ")
        )
    }

    fn equal(&self, a: &str, columns_of_a: &[ColumnName], b: &str, columns_of_b: &[ColumnName]) -> String {
        let pairs: Vec<_> = columns_of_a
            .iter()
            .zip(columns_of_b)
            .map(|(of_a, of_b)| format!("{} = {}", column(self.backend, a, of_a), column(self.backend, b, of_b)))
            .collect();
        pairs.join(" AND ")
    }
}
