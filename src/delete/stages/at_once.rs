//! The delete as one statement.

use sea_orm::Statement;

use super::super::conditions::{Conditions, Form, Fused, expression};
use super::super::counts::{Counted, is_roots};
use super::super::options::Counting;
use super::super::plan::Plan;
use super::super::sets::{Locking, with};
use super::super::shape::{Block, ROOTS, Shape};
use crate::sql::Sql;

/// What a number says of what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::delete) enum Part {
    /// Rows that the arm holds and no earlier one.
    Own,
    /// Rows that the arm holds; there may be more numbers of them.
    Rows,
    Both,
}

impl Plan {
    /// Whether the one statement looks up how many rows it deletes, in the snapshot it deletes them from. To have the deletions return their
    /// rows costs as much again as deleting them, and is done where one table's rows go for several reasons.
    ///
    /// A row that somebody else deletes at the very moment is counted by both.
    pub(in crate::delete) fn is_looked_up(&self) -> bool {
        let shape = &*self.shape;
        !shape.is_stepwise && shape.is_tree && blocking(shape).next().is_none()
    }

    /// The delete as one statement, on an engine that can change several tables in one: its only row holds a count for each item.
    pub(in crate::delete) fn one_statement(&self) -> (Statement, Vec<(Counted, Part)>) {
        let shape = &*self.shape;
        let gates: Vec<_> = blocking(shape).collect();
        let looked_up = self.is_looked_up();
        let fused = match (looked_up, gates.is_empty()) {
            (true, _) => written(shape),
            (false, true) => fuse(shape),
            (false, false) => Vec::new(),
        };
        let conditions = self.conditions(Form::Expressions, &fused);
        let mut sql = Sql::new(shape.backend, with(&conditions));
        conditions.push_expressions(&mut sql, Locking::Rows);
        for (place, block) in &gates {
            sql.push(&format!(
                ", b{place} AS (SELECT COUNT(*) AS n FROM {} AS x WHERE ",
                conditions.from(&block.key.relation.table)
            ));
            conditions.push_blocking(&mut sql, &block.key, &block.rows);
            sql.push(")");
        }
        let gate = match gates.is_empty() {
            true => String::new(),
            false => {
                let sums: Vec<_> = gates
                    .iter()
                    .map(|(place, _)| format!("(SELECT n FROM b{place})"))
                    .collect();
                sql.push(&format!(", gate AS (SELECT {} = 0 AS is_open)", sums.join(" + ")));
                " AND (SELECT is_open FROM gate)".to_owned()
            }
        };
        self.push_changes(&conditions, &mut sql, &gate, looked_up);
        let mut items: Vec<(Counted, Part)> = Vec::new();
        let mut texts: Vec<String> = Vec::new();
        let mut select = |item: Counted, part: Part, text: String| {
            items.push((item, part));
            texts.push(text);
        };
        select(
            Counted::Roots,
            Part::Both,
            format!("(SELECT COUNT(*) FROM {})", expression(0)),
        );
        for (place, _) in &gates {
            select(Counted::Block(*place), Part::Both, format!("(SELECT n FROM b{place})"));
        }
        for (place, delete) in shape
            .deletes
            .iter()
            .enumerate()
            .filter(|(_, delete)| !delete.by_database)
        {
            if delete.arms.iter().all(is_roots) {
                let own = format!("(SELECT COUNT(*) FROM {})", expression(ROOTS));
                select(Counted::Delete(place, 0), Part::Both, own);
                continue;
            }
            for arm in 0..if looked_up { 0 } else { delete.arms.len() } {
                let own = format!("(SELECT COUNT(*) FROM d{place}_{arm})");
                select(Counted::Delete(place, arm), Part::Both, own);
                for later in arm + 1..delete.arms.len() {
                    let also = format!("(SELECT COUNT(*) FROM d{place}_{arm} WHERE f{later})");
                    select(Counted::Delete(place, later), Part::Rows, also);
                }
            }
        }
        for (place, update) in shape
            .updates
            .iter()
            .enumerate()
            .filter(|(_, update)| !update.by_database)
        {
            let part = if update.arms.len() == 1 { Part::Both } else { Part::Own };
            for arm in 0..update.arms.len() {
                let own = format!("(SELECT COUNT(*) FROM u{place}_{arm})");
                select(Counted::Update(place, arm), part, own);
            }
        }
        sql.push(&format!(" SELECT {}", texts.join(", ")));
        if self.options.counting == Counting::Exact {
            self.push_counts_before(&conditions, &mut sql, &mut items, looked_up);
        }
        (sql.statement(), items)
    }

    /// What no deletion or update counts is counted as it was before.
    fn push_counts_before(
        &self,
        conditions: &Conditions<'_>,
        sql: &mut Sql,
        items: &mut Vec<(Counted, Part)>,
        looked_up: bool,
    ) {
        let shape = &*self.shape;
        for counted in conditions.all_counted() {
            let (rows, own) = match counted {
                Counted::Delete(place, _) => {
                    let before = shape
                        .deletes
                        .get(place)
                        .is_some_and(|delete| delete.by_database || looked_up && !delete.arms.iter().all(is_roots));
                    (before, before)
                }
                Counted::Update(place, _) => match shape.updates.get(place) {
                    Some(update) if update.by_database => (true, true),
                    Some(update) => (update.arms.len() > 1, false),
                    None => (false, false),
                },
                Counted::Dangle(_) => (true, true),
                Counted::Block(_) | Counted::Roots => (false, false),
            };
            if !rows {
                continue;
            }
            let earlier = conditions.earlier(counted);
            let parts = match (own, earlier.is_empty()) {
                (false, _) => &[Part::Rows][..],
                (true, true) => &[Part::Both],
                (true, false) => &[Part::Rows, Part::Own],
            };
            for part in parts {
                sql.push(", (SELECT COUNT(*)");
                conditions.push_count_from(sql, counted);
                if *part == Part::Own {
                    conditions.push_none_of(sql, "x", earlier.iter().copied());
                }
                sql.push(")");
                items.push((counted, *part));
            }
        }
    }

    fn push_changes(&self, conditions: &Conditions<'_>, sql: &mut Sql, gate: &str, looked_up: bool) {
        let shape = &*self.shape;
        for (place, update) in shape
            .updates
            .iter()
            .enumerate()
            .filter(|(_, update)| !update.by_database)
        {
            for (arm, change) in update.arms.iter().enumerate() {
                sql.push(&format!(
                    ", u{place}_{arm} AS (UPDATE {} AS x SET ",
                    conditions.from(&update.table)
                ));
                conditions.push_assignments(sql, "x", "", &update.arms, arm);
                sql.push(" WHERE ");
                conditions.push_arm(sql, "x", &change.arm);
                let earlier = update.arms.iter().take(arm).map(|change| &change.arm);
                conditions.push_none_of(sql, "x", earlier);
                conditions.push_stays(sql, "x", &update.table);
                sql.push(gate);
                sql.push(" RETURNING 1)");
            }
        }
        for (place, delete) in shape
            .deletes
            .iter()
            .enumerate()
            .filter(|(_, delete)| !delete.by_database)
        {
            for (arm, own) in delete.arms.iter().enumerate() {
                sql.push(&format!(
                    ", d{place}_{arm} AS (DELETE FROM {} AS x WHERE ",
                    conditions.from(&delete.table)
                ));
                conditions.push_arm(sql, "x", own);
                conditions.push_none_of(sql, "x", delete.arms.iter().take(arm));
                sql.push(gate);
                if looked_up {
                    sql.push(")");
                    continue;
                }
                sql.push(" RETURNING 1");
                for (set, known) in shape.sets.iter().enumerate() {
                    if known.table == delete.table && conditions.fused.get(set).is_some_and(Option::is_some) {
                        for (column, name) in known.columns.iter().enumerate() {
                            sql.push(&format!(", {} AS s{set}_{}", conditions.column("x", name), column + 1));
                        }
                    }
                }
                for (later, other) in delete.arms.iter().enumerate().skip(arm + 1) {
                    sql.push(", (");
                    conditions.push_arm(sql, "x", other);
                    sql.push(&format!(") AS f{later}"));
                }
                sql.push(")");
            }
        }
    }
}

/// The blocks that the application has to look for.
fn blocking(shape: &Shape) -> impl Iterator<Item = (usize, &Block)> {
    shape.blocks.iter().enumerate().filter(|(_, block)| !block.by_database)
}

/// All sets but the roots, which are found and locked once.
fn written(shape: &Shape) -> Vec<Option<Fused>> {
    let is_written = |set| (set != ROOTS).then_some(Fused::Written);
    (0..shape.sets.len()).map(is_written).collect()
}

/// The sets that the deletion of their table returns: a table with one arm, outside any circle.
fn fuse(shape: &Shape) -> Vec<Option<Fused>> {
    let mut fused = vec![None; shape.sets.len()];
    for group in shape.groups.iter().filter(|group| !group.recursive) {
        for set in &group.sets {
            let Some(known) = shape.sets.get(*set) else { continue };
            let place = shape
                .deletes
                .iter()
                .position(|delete| delete.table == known.table && delete.arms.len() == 1 && !delete.by_database);
            if let (Some(place), Some(slot)) = (place, fused.get_mut(*set)) {
                *slot = Some(Fused::Returned {
                    expression: format!("d{place}_0"),
                    columns: (1..=known.columns.len())
                        .map(|column| format!("s{set}_{column}"))
                        .collect(),
                });
            }
        }
    }
    fused
}
