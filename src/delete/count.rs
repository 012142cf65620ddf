//! Which rows a delete reaches through the database's own foreign keys, as conditions, and how many they are.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sea_query::{
    CommonTableExpression, Condition, Expr, ExprTrait, IntoIden, LockType, Query, SelectStatement, TableRef, UnionType,
    WithClause,
};

use super::count_rows;
use super::report::{DeleteReport, TableReport};
use crate::backend::Backend;
use crate::connection::Connection;
use crate::error::Result;
use crate::graph;
use crate::name::{ColumnName, TableName};
use crate::schema::{Action, ForeignKey};

/// How deep conditions may nest. MySQL gives up at 63 nested selects.
const DEEPEST: u32 = 30;

/// How many subqueries one condition may hold: a table reached on many paths has one for each.
const WIDEST: u32 = 150;

/// The rows that are to go from one table, and the tables whose rows go with them.
pub(crate) struct Closure {
    backend: Backend,
    root: TableName,
    rows: Condition,
    keys: Vec<ForeignKey>,
    /// The tables whose rows may go, referenced ones first.
    order: Vec<TableName>,
    /// Tables of the closure whose rows one statement cannot describe: circles through several tables, tables reached over too many
    /// paths or too long ones, and what hangs on them.
    indescribable: BTreeSet<TableName>,
}

impl Closure {
    pub(crate) fn new(backend: Backend, root: TableName, rows: Condition, keys: Vec<ForeignKey>) -> Self {
        let tables = graph::cascade_closure(&root, &keys);
        let cascades: Vec<_> = keys
            .iter()
            .filter(|key| key.on_delete == Action::Cascade)
            .cloned()
            .collect();
        let mut order = Vec::new();
        let mut sizes: BTreeMap<TableName, Size> = BTreeMap::new();
        let mut indescribable = BTreeSet::new();
        for component in graph::components(&tables, &cascades) {
            let circular = component.len() > 1
                || component
                    .iter()
                    .any(|table| differing_self_references(table, &cascades));
            for table in component {
                let size = Size::of(&table, &cascades, &sizes);
                match size {
                    Some(size) if !circular && size.is_sensible() => {
                        sizes.insert(table.clone(), size);
                    }
                    _ => {
                        indescribable.insert(table.clone());
                    }
                }
                order.push(table);
            }
        }
        Self {
            backend,
            root,
            rows,
            keys,
            order,
            indescribable,
        }
    }

    /// The catalog's foreign keys.
    pub(crate) fn keys(&self) -> &[ForeignKey] {
        &self.keys
    }

    /// The keys that may refuse the delete.
    pub(super) fn restricting(&self) -> impl Iterator<Item = &ForeignKey> {
        self.keys_into_closure(|action| matches!(action, Action::Restrict | Action::NoAction))
    }

    /// Keys of an action that reference a table whose rows go and can be described.
    fn keys_into_closure(&self, wanted: impl Fn(Action) -> bool) -> impl Iterator<Item = &ForeignKey> {
        self.keys.iter().filter(move |key| {
            let referenced = &key.relation.referenced_table;
            wanted(key.on_delete)
                && self.order.contains(referenced)
                && !self.indescribable.contains(referenced)
                && !self.indescribable.contains(&key.relation.table)
        })
    }

    /// `SELECT 1` of the rows that go from a table.
    fn going_rows(&self, table: &TableName) -> SelectStatement {
        self.select_one(table, self.going(table))
    }

    /// `SELECT 1` of the rows that reference a going row through this key and do not go themselves.
    pub(super) fn blocking_rows(&self, key: &ForeignKey) -> SelectStatement {
        self.select_one(&key.relation.table, self.surviving_referencing([key]))
    }

    fn select_one(&self, table: &TableName, condition: Condition) -> SelectStatement {
        Query::select()
            .expr(Expr::val(1))
            .from(table_ref(table))
            .cond_where(condition)
            .take()
    }

    /// The condition under which a row of this table goes.
    fn going(&self, table: &TableName) -> Condition {
        let reached = self.reached_from_outside(table);
        match self.self_references(table).as_slice() {
            [] => reached,
            keys => reached.clone().add(self.reached_through_itself(table, reached, keys)),
        }
    }

    /// Rows of the table that go for a reason outside it: they are the roots, or reference a going row of another table.
    fn reached_from_outside(&self, table: &TableName) -> Condition {
        let mut any = Condition::any();
        if *table == self.root {
            any = any.add(self.rows.clone());
        }
        for key in &self.keys {
            let relation = &key.relation;
            if key.on_delete == Action::Cascade
                && relation.table == *table
                && relation.referenced_table != *table
                && self.order.contains(&relation.referenced_table)
            {
                any = any.add(self.references_going(key));
            }
        }
        any
    }

    fn self_references(&self, table: &TableName) -> Vec<&ForeignKey> {
        self.keys
            .iter()
            .filter(|key| {
                key.on_delete == Action::Cascade
                    && key.relation.table == *table
                    && key.relation.referenced_table == *table
            })
            .collect()
    }

    /// Rows below a going row of the same table, at any depth: their key is in a recursive list of referenced columns.
    fn reached_through_itself(&self, table: &TableName, start: Condition, keys: &[&ForeignKey]) -> Condition {
        let Some(referenced) = keys.first().map(|key| &key.relation.referenced_columns) else {
            return Condition::any();
        };
        let list = "reached".into_iden();
        let names: Vec<_> = (1..=referenced.len()).map(|n| format!("key_{n}")).collect();
        let mut step = Condition::any();
        for key in keys {
            let mut join = Condition::all();
            for (column, name) in key.relation.columns.iter().zip(&names) {
                join = join.add(column_of(table, column).equals((list.clone(), name.clone())));
            }
            step = step.add(join);
        }
        let mut next = Query::select();
        let mut first = Query::select();
        for column in referenced {
            next.expr(column_of(table, column));
            first.expr(column_of(table, column));
        }
        next.from(table_ref(table)).inner_join(list.clone(), step);
        first
            .from(table_ref(table))
            .cond_where(start)
            .union(UnionType::Distinct, next);
        let mut expression = CommonTableExpression::new();
        expression.table_name(list.clone()).columns(names.clone()).query(first);
        let reached = Query::select()
            .columns(names)
            .from(list)
            .with_cte(WithClause::new().recursive(true).cte(expression).to_owned())
            .take();
        let mut any = Condition::any();
        for key in keys {
            any = any.add(key_of(table, &key.relation.columns).in_subquery(reached.clone()));
        }
        any
    }

    /// The row references a going row through this key.
    fn references_going(&self, key: &ForeignKey) -> Expr {
        let relation = &key.relation;
        let mut referenced = Query::select();
        for column in &relation.referenced_columns {
            referenced.expr(column_of(&relation.referenced_table, column));
        }
        referenced
            .from(table_ref(&relation.referenced_table))
            .cond_where(self.going(&relation.referenced_table));
        if self.backend == Backend::MySql && self.self_references(&relation.referenced_table).is_empty() {
            // InnoDB reads a subquery from the transaction's snapshot, which may be older than the roots' lock; with a lock of its own it
            // reads what is there now.
            referenced.lock(LockType::Update);
        }
        key_of(&relation.table, &relation.columns).in_subquery(referenced)
    }

    /// The row references a going row through one of these keys (of one table) and does not go itself.
    fn surviving_referencing<'k>(&self, keys: impl IntoIterator<Item = &'k ForeignKey>) -> Condition {
        let mut referencing = Condition::any();
        let mut survivors = Condition::all();
        for key in keys {
            referencing = referencing.add(self.references_going(key));
            if self.order.contains(&key.relation.table) {
                // A CASE, because NOT of a comparison with NULL is not true.
                let goes = Expr::case(self.going(&key.relation.table), 1).finally(0);
                survivors = survivors.add(Expr::expr(goes).eq(0));
            }
        }
        survivors.add(referencing)
    }
}

/// How large the condition for a table's going rows is.
#[derive(Clone, Copy)]
struct Size {
    depth: u32,
    subqueries: u32,
}

impl Size {
    /// From the sizes of the tables it references, which come earlier; `None` if one of them has no condition.
    fn of(table: &TableName, cascades: &[ForeignKey], known: &BTreeMap<TableName, Self>) -> Option<Self> {
        let mut size = Self {
            depth: 1,
            subqueries: 1,
        };
        for key in cascades.iter().filter(|key| key.relation.table == *table) {
            let referenced = &key.relation.referenced_table;
            if referenced != table {
                let inner = known.get(referenced)?;
                size.depth = Ord::max(size.depth, inner.depth.saturating_add(1));
                size.subqueries = size.subqueries.saturating_add(inner.subqueries);
            }
        }
        Some(size)
    }

    const fn is_sensible(self) -> bool {
        self.depth <= DEEPEST && self.subqueries <= WIDEST
    }
}

/// Counts the rows that will go or be changed, table by table, and locks them on the way.
pub(super) async fn count(connection: &Connection, closure: &Closure) -> Result<DeleteReport> {
    let mut reports: BTreeMap<TableName, TableReport> = BTreeMap::new();
    // Referenced tables first: their rows must be locked before those that reference them are counted.
    for table in &closure.order {
        if !closure.indescribable.contains(table) {
            let deleted = count_rows(connection, closure.going_rows(table)).await?;
            reports.insert(
                table.clone(),
                TableReport {
                    deleted,
                    ..TableReport::new(table.clone())
                },
            );
        }
    }
    for action in [Action::SetNull, Action::SetDefault] {
        let mut by_table: BTreeMap<&TableName, Vec<&ForeignKey>> = BTreeMap::new();
        for key in closure.keys_into_closure(|found| found == action) {
            by_table.entry(&key.relation.table).or_default().push(key);
        }
        for (table, keys) in by_table {
            let rows = closure.select_one(table, closure.surviving_referencing(keys));
            let changed = count_rows(connection, rows).await?;
            let report = reports
                .entry(table.clone())
                .or_insert_with(|| TableReport::new(table.clone()));
            match action {
                Action::SetNull => report.set_null = changed,
                _ => report.set_default = changed,
            }
        }
    }
    let not_counted = closure.indescribable.iter().cloned().collect();
    // Execution order: what references goes before what is referenced; changed tables come first of all.
    let mut tables: Vec<_> = reports
        .keys()
        .filter(|table| !closure.order.contains(table))
        .cloned()
        .collect();
    tables.extend(closure.order.iter().rev().cloned());
    let tables = tables.into_iter().filter_map(|table| reports.remove(&table)).collect();
    Ok(DeleteReport::new(tables, not_counted))
}

/// Whether a table references itself through keys to different columns, which one recursive list cannot follow.
fn differing_self_references(table: &TableName, cascades: &[ForeignKey]) -> bool {
    let mut referenced = cascades
        .iter()
        .filter(|key| key.relation.table == *table && key.relation.referenced_table == *table)
        .map(|key| &key.relation.referenced_columns);
    let first = referenced.next();
    referenced.any(|columns| Some(columns) != first)
}

pub(crate) fn table_ref(table: &TableName) -> TableRef {
    use sea_orm::sea_query::IntoTableRef;
    match table.schema() {
        Some(schema) => (schema.to_owned(), table.name().to_owned()).into_table_ref(),
        None => table.name().to_owned().into_table_ref(),
    }
}

fn column_of(table: &TableName, column: &ColumnName) -> Expr {
    match table.schema() {
        Some(schema) => Expr::col((schema.to_owned(), table.name().to_owned(), column.as_str().to_owned())),
        None => Expr::col((table.name().to_owned(), column.as_str().to_owned())),
    }
}

/// The key's columns as one expression: a column, or a row value.
fn key_of(table: &TableName, columns: &[ColumnName]) -> Expr {
    match columns {
        [only] => column_of(table, only),
        many => Expr::tuple(many.iter().map(|column| column_of(table, column))),
    }
}
