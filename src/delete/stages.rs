//! The statements of a delete, in order, each with what its answer means. No I/O: whoever carries them out is in `execute`.

mod at_once;
mod changes;

use sea_orm::Statement;

use super::conditions::{Conditions, Form, Fused};
use super::counts::{Counted, is_roots};
use super::options::Counting;
use super::plan::Plan;
use super::sets::{Locking, Storing, with};
use super::shape::{Step, TableDelete};
pub(super) use at_once::Part;
pub(super) use changes::referencing;
use changes::{push_break, push_delete, push_delete_identified, push_guard, push_lock, push_peel, push_update};

use crate::backend::Backend;
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
        if backend == Backend::Postgres && self.form() == Form::Stored {
            let conditions = self.conditions(Form::Expressions, &[]);
            let items = to_preview(&conditions);
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
        for items in Conditions::pieces(to_preview(&conditions)) {
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
            // Until the transaction ends. Setting it to OFF would forget what has been found to dangle.
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
            (Form::Inline, Backend::MySql | Backend::Postgres) => stages.push(Stage {
                statement: self.lock_statement(),
                answer: Answer::RootCount,
            }),
            (Form::Stored, _) => self.store(conditions, Locking::Rows, stages),
        }
        if self.shape.guards.is_empty() && self.shape.locks.is_empty() {
            return;
        }
        // Those that are stored now are stored again below, and counted then.
        for stage in stages.iter_mut().filter(|stage| stage.answer == Answer::Roots) {
            stage.answer = Answer::None;
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
            self.store(conditions, Locking::Rows, stages);
        }
    }

    /// Locks the roots and counts them.
    pub(super) fn lock_statement(&self) -> Statement {
        let backend = self.shape.backend;
        let mut sql = Sql::new(backend, "");
        sql.push(match backend {
            Backend::Postgres => "SELECT COUNT(*) FROM (SELECT 1 ",
            Backend::MySql | Backend::Sqlite => "SELECT COUNT(*) ",
        });
        self.roots.push_from(&mut sql, backend);
        sql.push(match backend {
            Backend::Postgres => " FOR UPDATE) AS locked",
            Backend::MySql => " FOR UPDATE",
            Backend::Sqlite => "",
        });
        sql.statement()
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
}

/// What a preview counts. The roots are the first arm of their table.
fn to_preview(conditions: &Conditions<'_>) -> Vec<Counted> {
    let mut items = conditions.all_counted();
    items.retain(|item| *item != Counted::Roots);
    items
}
