//! The statements of a delete, in order, each with what its answer means. No I/O: whoever carries them out is in `execute`.

use sea_orm::Statement;

use super::conditions::{Conditions, Form, Fused, expression};
use super::counts::{Counted, is_roots};
use super::options::Counting;
use super::plan::Plan;
use super::sets::{Locking, Storing, with};
use super::shape::{Arm, Block, Key, ROOTS, Shape, Step, TableDelete};
use crate::backend::Backend;
use crate::ddl::identifier;
use crate::name::ColumnName;
use crate::sql::Sql;

/// One statement, and what its answer means.
pub(super) struct Stage {
    pub(super) statement: Statement,
    pub(super) answer: Answer,
}

/// What a statement's answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nothing.
    None,
    /// Its only number is how many roots there are.
    RootCount,
    /// It affected so many roots.
    Roots,
    /// Its rows are counts of these.
    Counts(Vec<Counted>),
    /// It changed the rows of this update's arm.
    Updated(usize, usize),
    /// It deleted the rows of this table's arm; nothing for all arms.
    Deleted(usize, Option<usize>),
    /// It is to be sent until it deletes no more; the rows are of these tables.
    Peel(usize),
    /// The rows of this table go in batches, between its hooks.
    Hooked(usize),
    /// The same for [`Peel`](Self::Peel): those that no other row references through these keys.
    HookedPeel(usize, Vec<usize>),
}

/// What a number says of what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Rows that the arm holds and no earlier one.
    Own,
    /// Rows that the arm holds; there may be more numbers of them.
    Rows,
    Both,
}

impl Plan {
    fn conditions<'a>(&'a self, form: Form, fused: &'a [Option<Fused>]) -> Conditions<'a> {
        Conditions {
            shape: &self.shape,
            schema: self.relations.schema(),
            roots: &self.roots,
            form,
            fused,
        }
    }

    /// Where the statements find the sets, if there are several.
    pub(super) fn form(&self) -> Form {
        match self.shape.is_tree && self.roots.is_repeatable(self.shape.backend) {
            true => Form::Inline,
            false => Form::Stored,
        }
    }

    pub(super) fn stepwise_conditions(&self) -> Conditions<'_> {
        self.conditions(self.form(), &[])
    }

    /// Looking without touching.
    pub(super) fn preview_stages(&self) -> Vec<Stage> {
        let backend = self.shape.backend;
        if backend == Backend::Postgres {
            let conditions = self.conditions(Form::Expressions, &[]);
            let items = conditions.all_counted();
            let mut sql = Sql::new(backend, with(&conditions));
            conditions.push_expressions(&mut sql, Locking::No);
            sql.push(" ");
            conditions.push_counts(&mut sql, &items, self.options.cap);
            return vec![Stage {
                statement: sql.statement(),
                answer: Answer::Counts(items),
            }];
        }
        let conditions = self.stepwise_conditions();
        let mut stages = Vec::new();
        if conditions.form == Form::Stored {
            self.store(&conditions, Locking::No, &mut stages);
        }
        for items in Conditions::pieces(conditions.all_counted()) {
            stages.push(self.count_stage(&conditions, items, self.options.cap));
        }
        if conditions.form == Form::Stored {
            stages.extend(self.drop_stages(&conditions));
        }
        stages
    }

    /// The statement that shows the keys of some of the counted rows; on an engine that stores sets, while they are there.
    pub(super) fn sample_statement(&self, counted: Counted, columns: &[ColumnName]) -> Statement {
        let backend = self.shape.backend;
        let form = match backend {
            Backend::Postgres => Form::Expressions,
            Backend::MySql | Backend::Sqlite => self.form(),
        };
        let conditions = self.conditions(form, &[]);
        let mut sql = Sql::new(backend, "");
        if form == Form::Expressions {
            sql.push(with(&conditions));
            conditions.push_expressions(&mut sql, Locking::No);
            sql.push(" ");
        }
        conditions.push_sample(&mut sql, counted, columns, self.options.sample);
        sql.statement()
    }

    fn count_stage(&self, conditions: &Conditions<'_>, items: Vec<Counted>, cap: Option<u64>) -> Stage {
        let mut sql = Sql::new(self.shape.backend, "");
        conditions.push_counts(&mut sql, &items, cap);
        Stage {
            statement: sql.statement(),
            answer: Answer::Counts(items),
        }
    }

    fn plain(&self, text: impl Into<String>) -> Stage {
        Stage {
            statement: Sql::new(self.shape.backend, text).statement(),
            answer: Answer::None,
        }
    }

    fn store(&self, conditions: &Conditions<'_>, locking: Locking, stages: &mut Vec<Stage>) {
        for storing in conditions.store_statements(locking) {
            stages.push(match storing {
                Storing::Plain(text) => self.plain(text),
                Storing::Roots(sql) => Stage {
                    statement: sql.statement(),
                    answer: Answer::Roots,
                },
                Storing::Values(sql) => Stage {
                    statement: sql.statement(),
                    answer: Answer::None,
                },
            });
        }
    }

    fn drop_stages(&self, conditions: &Conditions<'_>) -> Vec<Stage> {
        let statements = conditions.drop_statements();
        statements.into_iter().map(|text| self.plain(text)).collect()
    }

    /// The delete, several statements of one transaction.
    pub(super) fn stages(&self) -> Vec<Stage> {
        let shape = &*self.shape;
        let conditions = self.stepwise_conditions();
        let mut stages = Vec::new();
        self.find_roots(&conditions, &mut stages);
        let items: Vec<_> = conditions
            .all_counted()
            .into_iter()
            .filter(|counted| self.must_be_counted(*counted))
            .collect();
        for items in Conditions::pieces(items) {
            stages.push(self.count_stage(&conditions, items, None));
        }
        for (place, update) in shape
            .updates
            .iter()
            .enumerate()
            .filter(|(_, update)| !update.by_database)
        {
            for arm in 0..update.arms.len() {
                let mut sql = Sql::new(shape.backend, "");
                push_update(&conditions, &mut sql, place, arm);
                stages.push(Stage {
                    statement: sql.statement(),
                    answer: Answer::Updated(place, arm),
                });
            }
        }
        stages.extend(self.keeping(&conditions).into_iter().map(|text| self.plain(text)));
        for broken in &shape.breaks {
            let mut sql = Sql::new(shape.backend, "");
            push_break(&conditions, &mut sql, broken);
            stages.push(Stage {
                statement: sql.statement(),
                answer: Answer::None,
            });
        }
        if shape.defers {
            stages.push(self.plain("PRAGMA defer_foreign_keys = ON"));
        }
        for step in &shape.steps {
            match step {
                Step::Table(place) => self.delete_stages(&conditions, *place, &mut stages),
                Step::Peel(places, keys) => {
                    for place in places {
                        let hooked = shape.deletes.get(*place).is_some_and(|delete| delete.hooked);
                        let mut sql = Sql::new(shape.backend, "");
                        push_peel(&conditions, &mut sql, *place, keys);
                        stages.push(Stage {
                            statement: sql.statement(),
                            answer: match hooked {
                                true => Answer::HookedPeel(*place, keys.clone()),
                                false => Answer::Peel(*place),
                            },
                        });
                    }
                    // What is left is in a circle: the engine may still follow it, or refuse.
                    for place in places {
                        self.delete_stages(&conditions, *place, &mut stages);
                    }
                }
            }
        }
        if shape.defers {
            stages.push(self.plain("PRAGMA defer_foreign_keys = OFF"));
        }
        stages.extend(self.forgetting().into_iter().map(|text| self.plain(text)));
        if conditions.form == Form::Stored {
            stages.extend(self.drop_stages(&conditions));
        }
        stages
    }

    /// Whether nothing is to be done but to delete the roots, all of them in one statement: the database does the rest, and nobody counts.
    pub(super) fn is_left_to_the_database(&self) -> bool {
        let shape = &*self.shape;
        let plain =
            |delete: &TableDelete| delete.arms.iter().all(is_roots) && delete.by_identity.is_none() && !delete.hooked;
        self.form() == Form::Inline
            && self.options.counting == Counting::Declined
            && shape.deletes.iter().all(|delete| delete.by_database || plain(delete))
            && shape.updates.iter().all(|update| update.by_database)
            && shape.blocks.iter().all(|block| block.by_database)
            && shape.guards.is_empty()
            && shape.locks.is_empty()
            && !shape.defers
    }

    /// Locks the roots, marks what is guarded, and stores the sets.
    fn find_roots(&self, conditions: &Conditions<'_>, stages: &mut Vec<Stage>) {
        let backend = self.shape.backend;
        if self.is_left_to_the_database() {
            return;
        }
        match (conditions.form, backend) {
            // BEGIN IMMEDIATE has locked the whole database.
            (Form::Inline, Backend::Sqlite) | (Form::Expressions, _) => {}
            (Form::Inline, Backend::MySql) => {
                let mut sql = Sql::new(backend, "SELECT COUNT(*) ");
                self.roots.push_from(&mut sql, backend);
                sql.push(" FOR UPDATE");
                stages.push(Stage {
                    statement: sql.statement(),
                    answer: Answer::RootCount,
                });
            }
            (Form::Inline, Backend::Postgres) => {
                let mut sql = Sql::new(backend, "SELECT COUNT(*) FROM (SELECT 1 ");
                self.roots.push_from(&mut sql, backend);
                sql.push(" FOR UPDATE) AS locked");
                stages.push(Stage {
                    statement: sql.statement(),
                    answer: Answer::RootCount,
                });
            }
            (Form::Stored, _) => self.store(conditions, Locking::Rows, stages),
        }
        if self.shape.guards.is_empty() && self.shape.locks.is_empty() {
            return;
        }
        // Referenced tables first: a level's rows are marked before the next level is looked for. Stored sets are then looked for again.
        for delete in self.shape.deletes.iter().rev() {
            if self.shape.locks.contains(&delete.table) && backend.capability().row_locks {
                for own in &delete.arms {
                    let mut sql = Sql::new(backend, "");
                    push_lock(conditions, &mut sql, delete, own);
                    stages.push(Stage {
                        statement: sql.statement(),
                        answer: Answer::None,
                    });
                }
            }
            let guards = self.shape.guards.iter().filter(|(table, _)| *table == delete.table);
            for (_, guard) in guards {
                for arm in 0..delete.arms.len() {
                    let mut sql = Sql::new(backend, "");
                    push_guard(conditions, &mut sql, delete, arm, guard);
                    stages.push(Stage {
                        statement: sql.statement(),
                        answer: Answer::None,
                    });
                }
            }
        }
        if conditions.form == Form::Stored {
            let before = stages.len();
            self.store(conditions, Locking::Rows, stages);
            for stage in stages.iter_mut().skip(before) {
                // The roots were counted the first time.
                stage.answer = Answer::None;
            }
        }
    }

    /// What must be counted beforehand, since no statement's own count tells it.
    pub(super) fn must_be_counted(&self, counted: Counted) -> bool {
        let shape = &*self.shape;
        let exact = self.options.counting == Counting::Exact;
        match counted {
            Counted::Block(place) => shape.blocks.get(place).is_some_and(|block| !block.by_database),
            Counted::Dangle(_) => exact,
            Counted::Delete(place, _) => {
                let delete = shape.deletes.get(place);
                // Those with hooks are counted as they go.
                exact
                    && delete.is_some_and(|delete| {
                        let several = delete.arms.len() > 1 || delete.by_identity.is_some();
                        delete.by_database || several && !delete.hooked
                    })
            }
            Counted::Update(place, _) => {
                let update = shape.updates.get(place);
                exact && update.is_some_and(|update| update.arms.len() > 1 || update.by_database)
            }
            Counted::Roots => false,
        }
    }

    fn delete_stages(&self, conditions: &Conditions<'_>, place: usize, stages: &mut Vec<Stage>) {
        let Some(delete) = self.shape.deletes.get(place).filter(|delete| !delete.by_database) else {
            return;
        };
        let backend = self.shape.backend;
        if delete.hooked {
            stages.push(Stage {
                statement: Sql::new(backend, "").statement(),
                answer: Answer::Hooked(place),
            });
            return;
        }
        if delete.by_identity.is_some() {
            let mut sql = Sql::new(backend, "");
            push_delete_identified(conditions, &mut sql, delete);
            stages.push(Stage {
                statement: sql.statement(),
                answer: Answer::Deleted(place, None),
            });
            return;
        }
        for arm in 0..delete.arms.len() {
            let mut sql = Sql::new(backend, "");
            push_delete(conditions, &mut sql, delete, arm);
            stages.push(Stage {
                statement: sql.statement(),
                answer: Answer::Deleted(place, Some(arm)),
            });
        }
    }

    /// Whether the one statement looks up how many rows it deletes, in the snapshot it deletes them from. To have the deletions return their
    /// rows costs as much again as deleting them, and is done where one table's rows go for several reasons.
    ///
    /// A row that somebody else deletes at the very moment is counted by both.
    pub(super) fn is_looked_up(&self) -> bool {
        let shape = &*self.shape;
        !shape.is_stepwise && shape.is_tree && blocking(shape).next().is_none()
    }

    /// The delete as one statement, on an engine that can change several tables in one: its only row holds a count for each item.
    pub(super) fn one_statement(&self) -> (Statement, Vec<(Counted, Part)>) {
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
        self.push_lookups(&conditions, &mut sql, looked_up, &mut items);
        (sql.statement(), items)
    }

    /// Writes `, (SELECT COUNT(*) …)` for what no deletion or update counts: as it was before.
    fn push_lookups(
        &self,
        conditions: &Conditions<'_>,
        sql: &mut Sql,
        looked_up: bool,
        items: &mut Vec<(Counted, Part)>,
    ) {
        let shape = &*self.shape;
        for counted in conditions.all_counted() {
            let part = match counted {
                Counted::Delete(place, _) => shape
                    .deletes
                    .get(place)
                    .filter(|delete| delete.by_database || looked_up && !delete.arms.iter().all(is_roots))
                    .map(|delete| if delete.arms.len() == 1 { Part::Both } else { Part::Rows }),
                Counted::Update(place, _) => match shape.updates.get(place) {
                    Some(update) if update.by_database => Some(Part::Both),
                    Some(update) if update.arms.len() > 1 => Some(Part::Rows),
                    _ => None,
                },
                Counted::Dangle(_) => Some(Part::Both),
                Counted::Block(_) | Counted::Roots => None,
            };
            let Some(part) = part.filter(|_| self.options.counting == Counting::Exact) else {
                continue;
            };
            sql.push(", (SELECT COUNT(*)");
            conditions.push_count_from(sql, counted);
            sql.push(")");
            items.push((counted, part));
            if let (Counted::Delete(..), Part::Rows) = (counted, part) {
                sql.push(", (SELECT COUNT(*)");
                conditions.push_count_from(sql, counted);
                conditions.push_not_counted_before(sql, counted);
                sql.push(")");
                items.push((counted, Part::Own));
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

fn push_update(conditions: &Conditions<'_>, sql: &mut Sql, place: usize, arm: usize) {
    let Some(update) = conditions.shape.updates.get(place) else {
        return;
    };
    let Some(change) = update.arms.get(arm) else {
        return;
    };
    let from = conditions.from(&update.table);
    match conditions.backend() {
        Backend::Postgres | Backend::Sqlite => {
            sql.push(&format!("UPDATE {from} AS x SET "));
            conditions.push_assignments(sql, "x", "", &update.arms, arm);
            sql.push(" WHERE ");
            conditions.push_arm(sql, "x", &change.arm);
        }
        Backend::MySql => {
            sql.push("UPDATE ");
            let joined = conditions.push_joined(sql, change.arm.set);
            sql.push(&format!(" INNER JOIN {from} AS x ON "));
            conditions.push_equal(sql, "x", &change.arm.columns, &joined);
            sql.push(" SET ");
            conditions.push_assignments(sql, "x", "x.", &update.arms, arm);
            sql.push(" WHERE ");
            conditions.push_joined_roots(sql, change.arm.set);
        }
    }
    conditions.push_stays(sql, "x", &update.table);
}

fn push_delete(conditions: &Conditions<'_>, sql: &mut Sql, delete: &TableDelete, arm: usize) {
    let Some(own) = delete.arms.get(arm) else {
        return;
    };
    let from = conditions.from(&delete.table);
    match conditions.backend() {
        Backend::Postgres | Backend::Sqlite => {
            sql.push(&format!("DELETE FROM {from} AS x WHERE "));
            conditions.push_arm(sql, "x", own);
        }
        Backend::MySql if is_roots(own) && conditions.form == Form::Inline => {
            sql.push(&format!("DELETE x FROM {from} AS x WHERE "));
            conditions.push_arm(sql, "x", own);
        }
        Backend::MySql => {
            sql.push("DELETE x FROM ");
            let joined = conditions.push_joined(sql, own.set);
            sql.push(&format!(" INNER JOIN {from} AS x ON "));
            conditions.push_equal(sql, "x", &own.columns, &joined);
            sql.push(" WHERE ");
            conditions.push_joined_roots(sql, own.set);
        }
    }
}

/// Rows that are told apart by their identity: of those, whatever their references are now.
fn push_delete_identified(conditions: &Conditions<'_>, sql: &mut Sql, delete: &TableDelete) {
    let Some(set) = delete.by_identity else { return };
    push_identified(conditions, sql, set, &delete.table, "DELETE", |_| {});
}

fn push_break(conditions: &Conditions<'_>, sql: &mut Sql, broken: &super::shape::Break) {
    let delete = conditions
        .shape
        .deletes
        .iter()
        .find(|delete| delete.table == broken.table);
    let Some(set) = delete.and_then(|delete| delete.by_identity) else {
        return;
    };
    let backend = conditions.backend();
    let target = if backend == Backend::MySql { "x." } else { "" };
    let nulls: Vec<_> = broken
        .columns
        .iter()
        .map(|name| format!("{target}{} = NULL", identifier(backend, name.as_str())))
        .collect();
    push_identified(conditions, sql, set, &broken.table, "UPDATE", |sql| {
        sql.push(&format!(" SET {}", nulls.join(", ")));
    });
}

fn push_identified(
    conditions: &Conditions<'_>,
    sql: &mut Sql,
    set: usize,
    table: &crate::name::TableName,
    what: &str,
    change: impl Fn(&mut Sql),
) {
    let from = conditions.from(table);
    let columns = conditions
        .shape
        .sets
        .get(set)
        .map(|set| set.columns.clone())
        .unwrap_or_default();
    if conditions.backend() == Backend::MySql {
        sql.push(if what == "DELETE" { "DELETE x FROM " } else { "UPDATE " });
        let joined = conditions.push_joined(sql, set);
        sql.push(&format!(" INNER JOIN {from} AS x ON "));
        conditions.push_equal(sql, "x", &columns, &joined);
        return change(sql);
    }
    sql.push(if what == "DELETE" { "DELETE FROM " } else { "UPDATE " });
    sql.push(&format!("{from} AS x"));
    change(sql);
    let own: Vec<_> = columns.iter().map(|name| conditions.column("x", name)).collect();
    sql.push(&format!(" WHERE ({}) IN (", own.join(", ")));
    conditions.push_set(sql, set);
    sql.push(")");
}

/// Rows that go and that no other row references through these keys. A row that references itself is in nobody's way but its own.
fn push_peel(conditions: &Conditions<'_>, sql: &mut Sql, place: usize, keys: &[usize]) {
    let shape = conditions.shape;
    let Some(delete) = shape.deletes.get(place) else { return };
    let Some(set) = delete.by_identity else { return };
    let columns = shape.sets.get(set).map(|set| set.columns.clone()).unwrap_or_default();
    let known: Vec<_> = referenced_through(shape, delete, keys).collect();
    let mysql = conditions.backend() == Backend::MySql;
    if mysql {
        sql.push("DELETE x FROM ");
        let joined = conditions.push_joined(sql, set);
        sql.push(&format!(" INNER JOIN {} AS x ON ", conditions.from(&delete.table)));
        conditions.push_equal(sql, "x", &columns, &joined);
    } else {
        sql.push(&format!("DELETE FROM {} AS x WHERE ", conditions.from(&delete.table)));
        let own: Vec<_> = columns.iter().map(|name| conditions.column("x", name)).collect();
        sql.push(&format!("({}) IN (", own.join(", ")));
        conditions.push_set(sql, set);
        sql.push(")");
    }
    let mut after = Sql::new(conditions.backend(), "");
    let referencing = referencing(conditions, delete, &columns, keys);
    for (number, (from, equal)) in referencing.into_iter().enumerate() {
        let key = known.get(number);
        if mysql {
            sql.push(&format!(" LEFT JOIN {from} ON {equal}"));
            let alias = format!("k{number}");
            let first = key.and_then(|key| key.key.relation.columns.first());
            let first = first.map(|name| conditions.column(&alias, name));
            after.push(&format!(
                "{}{} IS NULL",
                if number > 0 { " AND " } else { " WHERE " },
                first.unwrap_or_default()
            ));
        } else {
            sql.push(&format!(" AND NOT EXISTS (SELECT 1 FROM {from} WHERE {equal})"));
        }
    }
    sql.push(&after.statement().sql);
}

/// Those of the keys that reference the table.
fn referenced_through<'a>(
    shape: &'a Shape,
    delete: &'a TableDelete,
    keys: &'a [usize],
) -> impl Iterator<Item = &'a Key> {
    let keys = keys.iter().filter_map(|key| shape.keys.get(*key));
    keys.filter(|key| key.key.relation.referenced_table == delete.table)
}

/// The tables whose rows may reference the rows of `x` through these keys, as `posts AS k0`, each with the condition that they do. A row that
/// references itself does not count.
pub(super) fn referencing(
    conditions: &Conditions<'_>,
    delete: &TableDelete,
    identity: &[ColumnName],
    keys: &[usize],
) -> Vec<(String, String)> {
    let keys = referenced_through(conditions.shape, delete, keys).enumerate();
    keys.map(|(number, key)| {
        let relation = &key.key.relation;
        let alias = format!("k{number}");
        let same = |(own, referenced): (&ColumnName, &ColumnName)| {
            format!(
                "{} = {}",
                conditions.column(&alias, own),
                conditions.column("x", referenced)
            )
        };
        let pairs = relation.columns.iter().zip(&relation.referenced_columns);
        let mut equal = pairs.map(same).collect::<Vec<_>>().join(" AND ");
        if relation.table == delete.table {
            let itself: Vec<_> = identity.iter().zip(identity).map(same).collect();
            equal.push_str(&format!(" AND NOT ({})", itself.join(" AND ")));
        }
        (format!("{} AS {alias}", conditions.from(&relation.table)), equal)
    })
    .collect()
}

/// Locks the rows of one arm.
fn push_lock(conditions: &Conditions<'_>, sql: &mut Sql, delete: &TableDelete, own: &Arm) {
    let from = conditions.from(&delete.table);
    let postgres = conditions.backend() == Backend::Postgres;
    sql.push(if postgres {
        "SELECT COUNT(*) FROM (SELECT 1"
    } else {
        "SELECT COUNT(*)"
    });
    sql.push(&format!(" FROM {from} AS x WHERE "));
    conditions.push_arm(sql, "x", own);
    sql.push(if postgres {
        " FOR UPDATE OF x) AS locked"
    } else {
        " FOR UPDATE"
    });
}

/// Counts up the guard in the rows of one arm.
fn push_guard(conditions: &Conditions<'_>, sql: &mut Sql, delete: &TableDelete, arm: usize, guard: &ColumnName) {
    let Some(own) = delete.arms.get(arm) else {
        return;
    };
    let backend = conditions.backend();
    let from = conditions.from(&delete.table);
    let name = identifier(backend, guard.as_str());
    match backend {
        Backend::Postgres | Backend::Sqlite => {
            sql.push(&format!("UPDATE {from} AS x SET {name} = x.{name} + 1 WHERE "));
            conditions.push_arm(sql, "x", own);
        }
        Backend::MySql if is_roots(own) && conditions.form == Form::Inline => {
            sql.push(&format!("UPDATE {from} AS x SET x.{name} = x.{name} + 1 WHERE "));
            conditions.push_arm(sql, "x", own);
        }
        Backend::MySql => {
            sql.push("UPDATE ");
            let joined = conditions.push_joined(sql, own.set);
            sql.push(&format!(" INNER JOIN {from} AS x ON "));
            conditions.push_equal(sql, "x", &own.columns, &joined);
            sql.push(&format!(" SET x.{name} = x.{name} + 1 WHERE "));
            conditions.push_joined_roots(sql, own.set);
        }
    }
}
