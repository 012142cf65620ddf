//! The statements and expressions that hold the sets.

use super::conditions::{Conditions, Form, Fused, expression, expression_columns, stored};
use super::roots::RootRows;
use super::shape::{Arm, Group, ROOTS, Set, SetId};
use crate::backend::Backend;
use crate::ddl::identifier;
use crate::name::ColumnName;
use crate::schema::TypeKind;
use crate::sql::Sql;

/// Whether the roots are locked while they are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Locking {
    No,
    Rows,
}

impl Conditions<'_> {
    /// Writes the `SELECT` of the roots' identity.
    pub(super) fn push_roots(&self, sql: &mut Sql, roots: &RootRows, locking: Locking) {
        let columns: Vec<_> = roots
            .identity
            .iter()
            .map(|name| identifier(self.backend(), name.as_str()))
            .collect();
        sql.push(&format!("SELECT {} ", columns.join(", ")));
        roots.push_from(sql, self.backend());
        if locking == Locking::Rows && self.backend().capability().row_locks {
            sql.push(" FOR UPDATE");
        }
    }

    /// Writes the expressions of all sets but those that have none: `name (c1) AS (SELECT …), …`. Begins with the roots.
    pub(super) fn push_expressions(&self, sql: &mut Sql, locking: Locking) {
        let names = |set: &Set| expression_columns(set.columns.len()).join(", ");
        if let Some(set) = self.shape.sets.first() {
            sql.push(&format!("{} ({}) AS (", expression(ROOTS), names(set)));
            self.push_roots(sql, self.roots, locking);
            sql.push(")");
        }
        for (place, group) in self.shape.groups.iter().enumerate() {
            if group.recursive {
                self.push_recursion(sql, place, group);
                continue;
            }
            for set in &group.sets {
                let fused = self.fused.get(*set).is_some_and(Option::is_some);
                if let Some(known) = self.shape.sets.get(*set).filter(|_| !fused) {
                    sql.push(&format!(
                        ", {} ({}) AS {}(",
                        expression(*set),
                        names(known),
                        self.once()
                    ));
                    self.push_values(sql, known, self.shape.goes(&known.table));
                    sql.push(")");
                }
            }
        }
    }

    /// What keeps an expression that is named twice from being computed twice. MySQL does so by itself; MariaDB never.
    const fn once(&self) -> &'static str {
        match self.shape.backend {
            Backend::Postgres | Backend::Sqlite => "MATERIALIZED ",
            Backend::MySql => "",
        }
    }

    /// Writes the `SELECT` of a set's values in the rows that these arms hold.
    fn push_values(&self, sql: &mut Sql, set: &Set, arms: &[Arm]) {
        for (place, arm) in arms.iter().enumerate() {
            sql.push(if place > 0 { " UNION " } else { "" });
            self.push_values_of(sql, set, arm);
        }
    }

    fn push_values_of(&self, sql: &mut Sql, set: &Set, arm: &Arm) {
        sql.push(&format!(
            "SELECT {} FROM {} AS x WHERE ",
            self.columns("x", &set.columns),
            self.from(&set.table)
        ));
        self.push_arm(sql, "x", arm);
        self.push_not_null(sql, "x", &set.columns);
    }

    /// NULL is referenced by nothing.
    fn push_not_null(&self, sql: &mut Sql, alias: &str, columns: &[ColumnName]) {
        for name in columns {
            sql.push(&format!(" AND {} IS NOT NULL", self.column(alias, name)));
        }
    }

    /// Writes the recursive expression of a group, and one for each of its sets. Each row of the recursion is a value of one set: which, and
    /// then the columns of all sets, NULL but for its own.
    fn push_recursion(&self, sql: &mut Sql, place: usize, group: &Group) {
        sql.push(&format!(", {} AS (", self.recursion_head(place, group)));
        self.push_recursion_body(sql, place, group);
        sql.push(")");
        for set in &group.sets {
            if let Some(known) = self.shape.sets.get(*set) {
                let columns = expression_columns(known.columns.len());
                sql.push(&format!(
                    ", {} ({}) AS {}(",
                    expression(*set),
                    columns.join(", "),
                    self.once()
                ));
                self.push_of_recursion(sql, &recursion(place), group, *set);
                sql.push(")");
            }
        }
    }

    fn recursion_head(&self, place: usize, group: &Group) -> String {
        let mut columns = vec!["tag".to_owned()];
        for set in &group.sets {
            if let Some(known) = self.shape.sets.get(*set) {
                columns.extend(self.recursive_columns(*set, known));
            }
        }
        format!("{} ({})", recursion(place), columns.join(", "))
    }

    fn recursive_columns(&self, set: SetId, known: &Set) -> Vec<String> {
        (1..=known.columns.len())
            .map(|place| format!("s{set}_{place}"))
            .collect()
    }

    /// Writes the `SELECT` of one set's values out of a recursion's rows.
    fn push_of_recursion(&self, sql: &mut Sql, from: &str, group: &Group, set: SetId) {
        let tag = group.sets.iter().position(|known| *known == set).unwrap_or(0);
        let columns = self
            .shape
            .sets
            .get(set)
            .map(|known| self.recursive_columns(set, known))
            .unwrap_or_default();
        sql.push(&format!("SELECT {} FROM {from} WHERE tag = {tag}", columns.join(", ")));
    }

    fn push_recursion_body(&self, sql: &mut Sql, place: usize, group: &Group) {
        let from = recursion(place);
        // Where the recursion begins: rows that go for a reason outside the group.
        for (tag, set) in group.sets.iter().enumerate() {
            let Some(known) = self.shape.sets.get(*set) else {
                continue;
            };
            let outside: Vec<_> = self
                .shape
                .goes(&known.table)
                .iter()
                .filter(|arm| !group.sets.contains(&arm.set))
                .collect();
            // A branch without rows still tells the engine the columns' types.
            let branches = Ord::max(1, outside.len());
            for branch in 0..branches {
                sql.push(if tag + branch > 0 { " UNION " } else { "" });
                self.push_tagged(sql, group, *set, "x");
                sql.push(&format!(" FROM {} AS x WHERE ", self.from(&known.table)));
                match outside.get(branch) {
                    Some(arm) => self.push_arm(sql, "x", arm),
                    None => sql.push("1 = 0"),
                }
                self.push_not_null(sql, "x", &known.columns);
            }
        }
        let inner: Vec<(SetId, Arm)> = group
            .sets
            .iter()
            .flat_map(|set| {
                let table = self.shape.sets.get(*set).map(|known| &known.table);
                let arms = table.map_or(&[][..], |table| self.shape.goes(table));
                arms.iter()
                    .filter(|arm| group.sets.contains(&arm.set))
                    .map(|arm| (*set, arm.clone()))
            })
            .collect();
        match self.backend() {
            // PostgreSQL allows the recursion to be named once.
            Backend::Postgres => {
                sql.push(&format!(" UNION SELECT n.* FROM {from} AS d, LATERAL ("));
                for (branch, (set, arm)) in inner.iter().enumerate() {
                    sql.push(if branch > 0 { " UNION ALL " } else { "" });
                    self.push_tagged(sql, group, *set, "x");
                    sql.push(&format!(" FROM {} AS x WHERE ", self.rows_of(*set)));
                    self.push_below(sql, group, *set, arm);
                }
                sql.push(") AS n");
            }
            Backend::MySql | Backend::Sqlite => {
                for (set, arm) in &inner {
                    sql.push(" UNION ");
                    self.push_tagged(sql, group, *set, "x");
                    sql.push(&format!(" FROM {from} AS d INNER JOIN {} AS x ON ", self.rows_of(*set)));
                    self.push_below(sql, group, *set, arm);
                }
            }
        }
    }

    fn rows_of(&self, set: SetId) -> String {
        self.shape
            .sets
            .get(set)
            .map(|known| self.from(&known.table))
            .unwrap_or_default()
    }

    /// Writes `SELECT 1, NULL, x.id`: the set's tag, and its columns among those of all sets.
    fn push_tagged(&self, sql: &mut Sql, group: &Group, own: SetId, alias: &str) {
        let tag = group.sets.iter().position(|known| *known == own).unwrap_or(0);
        sql.push(&format!("SELECT {tag}"));
        for set in &group.sets {
            let Some(known) = self.shape.sets.get(*set) else {
                continue;
            };
            for name in &known.columns {
                match *set == own {
                    true => sql.push(&format!(", {}", self.column(alias, name))),
                    false => sql.push(&format!(", {}", self.null_of(known, name))),
                }
            }
        }
    }

    /// A NULL of the column's type. PostgreSQL takes a bare one for text.
    fn null_of(&self, set: &Set, name: &ColumnName) -> String {
        let known = self.schema.table(&set.table).and_then(|table| table.column(name));
        match (self.backend(), known) {
            (Backend::Postgres, Some(column)) => format!("CAST(NULL AS {})", column.data_type),
            (Backend::Postgres, None) => "CAST(NULL AS tid)".to_owned(),
            (Backend::MySql | Backend::Sqlite, _) => "NULL".to_owned(),
        }
    }

    /// Writes the condition that `x` references a row of the recursion so far.
    fn push_below(&self, sql: &mut Sql, group: &Group, own: SetId, arm: &Arm) {
        let tag = group.sets.iter().position(|known| *known == arm.set).unwrap_or(0);
        let columns = self
            .shape
            .sets
            .get(arm.set)
            .map(|known| self.recursive_columns(arm.set, known))
            .unwrap_or_default();
        let columns: Vec<_> = columns.iter().map(|name| format!("d.{name}")).collect();
        sql.push(&format!("d.tag = {tag} AND "));
        self.push_equal(sql, "x", &arm.columns, &columns);
        if let Some(known) = self.shape.sets.get(own) {
            self.push_not_null(sql, "x", &known.columns);
        }
    }

    /// The statements that put every set into a temporary table; `fill_roots` is called where the roots are to be put.
    pub(super) fn store_statements(&self, locking: Locking) -> Vec<Storing> {
        let mut statements = Vec::new();
        let mut store = |name: &str, create: Vec<String>| {
            statements.push(Storing::Plain(format!(
                "DROP {} IF EXISTS {}",
                self.temporary_table(),
                stored(self.backend(), name)
            )));
            statements.extend(create.into_iter().map(Storing::Plain));
        };
        for (set, known) in self.shape.sets.iter().enumerate() {
            store(&expression(set), self.create(set, known));
        }
        for roots in self.roots.pieces(self.backend()) {
            let mut sql = Sql::new(self.backend(), "");
            sql.push(&format!("INSERT INTO {} ", stored(self.backend(), &expression(ROOTS))));
            self.push_roots(&mut sql, &roots, locking);
            statements.push(Storing::Roots(sql));
        }
        for (place, group) in self.shape.groups.iter().enumerate() {
            match group.recursive {
                true => self.store_recursion(place, group, &mut statements),
                false => {
                    for set in &group.sets {
                        if let Some(known) = self.shape.sets.get(*set) {
                            let mut sql = Sql::new(
                                self.backend(),
                                format!("INSERT INTO {} ", stored(self.backend(), &expression(*set))),
                            );
                            self.push_values_distinct(&mut sql, known);
                            statements.push(Storing::Values(sql));
                        }
                    }
                }
            }
        }
        statements
    }

    fn push_values_distinct(&self, sql: &mut Sql, set: &Set) {
        let arms = self.shape.goes(&set.table);
        self.push_values(sql, set, arms);
    }

    fn store_recursion(&self, place: usize, group: &Group, statements: &mut Vec<Storing>) {
        let backend = self.backend();
        let head = self.recursion_head(place, group);
        // A level of the recursion counts as an iteration, and both stop at 1,000 unless told: MariaDB by the first, MySQL by the second.
        let (before, hint) = match backend {
            Backend::MySql => (
                "/*M!100200 SET STATEMENT max_recursive_iterations = 4294967295 FOR */ ",
                "/*+ SET_VAR(cte_max_recursion_depth = 4294967295) */ ",
            ),
            Backend::Postgres | Backend::Sqlite => ("", ""),
        };
        if let [only] = group.sets.as_slice() {
            let mut sql = Sql::new(backend, format!("{before}INSERT {hint}"));
            sql.push(&format!(
                "INTO {} WITH RECURSIVE {head} AS (",
                stored(backend, &expression(*only))
            ));
            self.push_recursion_body(&mut sql, place, group);
            sql.push(") ");
            self.push_of_recursion(&mut sql, &recursion(place), group, *only);
            statements.push(Storing::Values(sql));
            return;
        }
        let table = stored(backend, &recursion(place));
        statements.push(Storing::Plain(format!(
            "DROP {} IF EXISTS {table}",
            self.temporary_table()
        )));
        let create = match backend {
            Backend::MySql => "CREATE TEMPORARY TABLE",
            Backend::Postgres | Backend::Sqlite => "CREATE TEMP TABLE",
        };
        let mut sql = Sql::new(backend, "");
        let name = recursion(place);
        sql.push(&format!("{before}{create} {name} AS WITH RECURSIVE {head} AS ("));
        self.push_recursion_body(&mut sql, place, group);
        sql.push(&format!(") SELECT {hint}* FROM {name}"));
        statements.push(Storing::Values(sql));
        for set in &group.sets {
            let mut sql = Sql::new(backend, format!("INSERT INTO {} ", stored(backend, &expression(*set))));
            self.push_of_recursion(&mut sql, &table, group, *set);
            statements.push(Storing::Values(sql));
        }
    }

    const fn temporary_table(&self) -> &'static str {
        match self.shape.backend {
            Backend::MySql => "TEMPORARY TABLE",
            Backend::Postgres | Backend::Sqlite => "TABLE",
        }
    }

    /// An empty temporary table with the columns of a set, and an index on them.
    fn create(&self, set: SetId, known: &Set) -> Vec<String> {
        let backend = self.backend();
        let name = expression(set);
        let names = expression_columns(known.columns.len());
        let columns: Vec<_> = known
            .columns
            .iter()
            .zip(&names)
            .map(|(column, name)| format!("{} AS {name}", self.column("x", column)))
            .collect();
        let select = format!(
            "SELECT {} FROM {} AS x WHERE 1 = 0",
            columns.join(", "),
            self.from(&known.table)
        );
        match backend {
            Backend::MySql => {
                let parts: Vec<_> = known
                    .columns
                    .iter()
                    .zip(&names)
                    .map(|(column, name)| format!("{name}{}", self.prefix(known, column)))
                    .collect();
                vec![format!(
                    "CREATE TEMPORARY TABLE {name} (INDEX ({})) {select}",
                    parts.join(", ")
                )]
            }
            Backend::Postgres => vec![
                format!("CREATE TEMP TABLE {name} ON COMMIT DROP AS {select}"),
                format!("CREATE INDEX ON {} ({})", stored(backend, &name), names.join(", ")),
            ],
            Backend::Sqlite => vec![
                format!("CREATE TEMP TABLE {name} AS {select}"),
                format!("CREATE INDEX temp.{name}_i ON {name} ({})", names.join(", ")),
            ],
        }
    }

    /// How much of a column MySQL puts into an index, where it cannot be all.
    fn prefix(&self, set: &Set, column: &ColumnName) -> &'static str {
        let known = self.schema.table(&set.table).and_then(|table| table.column(column));
        let Some(column) = known else {
            return "";
        };
        let data_type = column.data_type.to_ascii_lowercase();
        let long = ["text", "blob"].iter().any(|word| data_type.contains(word));
        match TypeKind::of(Backend::MySql, &column.data_type) {
            TypeKind::Text if long => "(191)",
            TypeKind::Other if long => "(255)",
            _ => "",
        }
    }

    /// The statements that throw the temporary tables away.
    pub(super) fn drop_statements(&self) -> Vec<String> {
        let backend = self.backend();
        let recursions = self.shape.groups.iter().enumerate();
        let recursions = recursions
            .filter(|(_, group)| group.recursive && group.sets.len() > 1)
            .map(|(place, _)| recursion(place));
        let sets = (0..self.shape.sets.len()).map(expression);
        let names: Vec<_> = recursions.chain(sets).map(|name| stored(backend, &name)).collect();
        match backend {
            Backend::MySql | Backend::Postgres => vec![format!("DROP {} {}", self.temporary_table(), names.join(", "))],
            Backend::Sqlite => names.iter().map(|name| format!("DROP TABLE {name}")).collect(),
        }
    }
}

/// One statement of those that store the sets.
pub(super) enum Storing {
    Plain(String),
    /// Finds roots: it affects as many rows as there are.
    Roots(Sql),
    Values(Sql),
}

fn recursion(place: usize) -> String {
    format!("cascade_g{place}")
}

/// Whether a statement of this form needs `RECURSIVE`.
pub(super) fn with(conditions: &Conditions<'_>) -> &'static str {
    let recursive = conditions.shape.groups.iter().any(|group| group.recursive);
    // An expression may name one that stands after it only so: a set that a deletion returns.
    let returned = |fused: &Option<Fused>| matches!(fused, Some(Fused::Returned { .. }));
    let forward = conditions.fused.iter().any(returned);
    match (recursive || forward) && conditions.form == Form::Expressions {
        true => "WITH RECURSIVE ",
        false => "WITH ",
    }
}
