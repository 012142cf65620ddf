//! Who deletes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sea_orm::EntityTrait;
use sea_orm_cascade::delete::{self, Check, Counting, DeleteOptions, Plan, Roots};
use sea_orm_cascade::{Backend, Repository};

use crate::bed::{Bed, Constraints, Rows};
use crate::entity::user;
use crate::raw::{Keys, sql};
use crate::workload::Workload;

/// A way to delete users with all that is theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contender {
    /// `DELETE FROM users`, and the database does the rest.
    Cascade,
    /// One statement with common table expressions, by hand.
    AtOnce,
    /// A transaction of one statement for each table, by hand.
    ChildFirst,
    /// The counts in one query, by hand.
    Query,
    /// This library: plan and execute.
    Plan,
    /// This library: plan and execute, without counts.
    Declined,
    /// This library: a repository's `delete`.
    Repository,
    /// This library: plan and preview.
    Preview,
    /// SeaORM's `cascade_delete`.
    SeaOrm,
}

impl Contender {
    pub(crate) const ALL: [Self; 9] = [
        Self::Cascade,
        Self::AtOnce,
        Self::ChildFirst,
        Self::Query,
        Self::Plan,
        Self::Declined,
        Self::Repository,
        Self::Preview,
        Self::SeaOrm,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cascade => "cascade",
            Self::AtOnce => "at-once",
            Self::ChildFirst => "child-first",
            Self::Query => "query",
            Self::Plan => "plan",
            Self::Declined => "declined",
            Self::Repository => "repository",
            Self::Preview => "preview",
            Self::SeaOrm => "sea-orm",
        }
    }

    /// How many statements it sends where SeaORM's counter does not see them.
    pub(crate) fn by_hand(self, workload: Workload, rows: Rows) -> Option<u64> {
        let each = match self {
            Self::Cascade | Self::AtOnce | Self::Query => 1,
            Self::ChildFirst => 3,
            _ => return None,
        };
        let calls = if workload == Workload::W4 { rows.roots } else { 1 };
        u64::try_from(calls).ok().map(|calls| calls * each)
    }

    /// Whether it can do this.
    pub(crate) fn takes_part(self, backend: Backend, constraints: Constraints, workload: Workload) -> bool {
        let cascades = constraints == Constraints::Cascade;
        let one = workload.one_at_a_time();
        if workload == Workload::W8 {
            return matches!(self, Self::Query | Self::Preview) || cascades && self == Self::Plan;
        }
        match self {
            Self::Cascade | Self::Declined => cascades,
            Self::AtOnce => backend == Backend::Postgres,
            Self::ChildFirst => !cascades || workload == Workload::W4,
            Self::Plan => true,
            Self::Repository => one,
            Self::SeaOrm => one && cascades,
            Self::Query | Self::Preview => false,
        }
    }

    /// Does it once, and says how long it took.
    pub(crate) async fn run(self, bed: &Bed, workload: Workload, rows: Rows) -> Result<Duration> {
        let keys = rows.keys()?;
        let each: Vec<Keys<'_>> = match workload {
            Workload::W4 => keys.iter().map(|key| Keys::One(*key)).collect(),
            _ if keys.len() == 1 => vec![Keys::One(*keys.first().context("a key")?)],
            _ => vec![Keys::Many(&keys)],
        };
        let count = if workload == Workload::W4 { 1 } else { keys.len() };
        let started = Instant::now();
        match self {
            Self::Cascade => {
                let sql = sql::cascade(bed.backend, count);
                for keys in each {
                    bed.raw.execute(&sql, keys).await?;
                }
            }
            Self::AtOnce => {
                let sql = sql::at_once(count);
                for keys in each {
                    bed.raw.execute(&sql, keys).await?;
                }
            }
            Self::ChildFirst => {
                let statements = sql::child_first(bed.backend, count);
                for keys in each {
                    bed.raw.transaction(&statements, keys).await?;
                }
            }
            Self::Query => {
                let found = bed
                    .raw
                    .numbers(&sql::counts(bed.backend, count), Keys::Many(&keys))
                    .await?;
                ensure!(
                    usize::try_from(found.0 + found.1 + found.2)? == rows.going(),
                    "{found:?} were counted"
                );
            }
            Self::Plan | Self::Declined => {
                for keys in each {
                    let counting = if self == Self::Plan {
                        Counting::Exact
                    } else {
                        Counting::Declined
                    };
                    let report = plan(bed, keys, counting)?.execute(&bed.store).await?;
                    let going = rows.going() / if workload == Workload::W4 { rows.roots } else { 1 };
                    let counted = usize::try_from(report.total_deleted())?;
                    ensure!(
                        counted == going || self == Self::Declined,
                        "{counted} rows are reported instead of {going}"
                    );
                }
            }
            Self::Repository => {
                let users = bed.store.repository::<user::Entity>();
                for key in &keys {
                    users.delete(*key).await?;
                }
            }
            Self::Preview => {
                let preview = plan(bed, Keys::Many(&keys), Counting::Exact)?
                    .preview(&bed.store)
                    .await?;
                let found: u64 = ["users", "posts", "comments"]
                    .iter()
                    .map(|table| preview.deleted(table))
                    .sum();
                ensure!(usize::try_from(found)? == rows.going(), "{found} rows are foreseen");
            }
            Self::SeaOrm => {
                for key in &keys {
                    let found = user::Entity::find_by_id(*key).one(&bed.sea_orm).await?;
                    found
                        .context("the user is not there")?
                        .cascade_delete(&bed.sea_orm)
                        .await?;
                }
            }
        }
        Ok(started.elapsed())
    }
}

fn plan(bed: &Bed, keys: Keys<'_>, counting: Counting) -> Result<Plan> {
    let keys: Vec<_> = match keys {
        Keys::One(key) => vec![vec![key.into()]],
        Keys::Many(keys) => keys.iter().map(|key| vec![(*key).into()]).collect(),
    };
    let options = DeleteOptions::new().check(Check::Nothing).counting(counting);
    Ok(delete::plan(&bed.relations, &Roots::keys("users", keys), &options)?)
}
