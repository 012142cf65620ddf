//! A parent is deleted while a child comes: with every isolation level, constraint and recipe, what the guide's table says of it.
//!
//! Two pools, two hundred rounds a cell. Where orphans are possible they must show: else the cell would prove nothing of the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, IsolationLevel};
use sea_orm_cascade::overlay::Overlay;
use sea_orm_cascade::{
    Backend, Entities, Error, Repository, RepositoryExt, RetryPolicy, Store, StoreOptions, TransactionOptions,
};
use tokio::sync::Notify;

use crate::guards::{owner, thing};
use crate::harness::{Db, cases, execute, number};

cases![
    without_a_constraint_it_does_not_help_to_look,
    without_a_constraint_it_may_help_to_look_in_the_transaction,
    without_a_constraint_a_guard_helps,
    a_constraint_that_cascades,
    a_constraint_that_cascades_and_a_guard,
    a_constraint_that_refuses,
    a_constraint_that_refuses_and_a_guard,
    two_levels_down,
    one_statement_does_not_count_what_it_waits_for,
];

const ROUNDS: i64 = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Constraint {
    Absent,
    Cascade,
    /// The application cascades.
    NoAction,
    /// The same.
    Restrict,
}

/// Where the child comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Below the row that is deleted.
    Next,
    /// Below a row that goes with it.
    NextButOne,
}

/// What the inserting side does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recipe {
    /// Looks whether the parent is there, and then inserts.
    Look,
    /// The same in one transaction.
    LookInside,
    /// The same, with a guard.
    Guard,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    orphans: i64,
    /// Rows that went and were not reported.
    uncounted: i64,
    inserted: i64,
}

fn levels(db: &Db) -> Vec<IsolationLevel> {
    match db.backend {
        Backend::Postgres | Backend::MySql => vec![
            IsolationLevel::ReadCommitted,
            IsolationLevel::RepeatableRead,
            IsolationLevel::Serializable,
        ],
        // It has one.
        Backend::Sqlite => vec![IsolationLevel::Serializable],
    }
}

async fn tables(store: &Store, constraint: Constraint) -> Result<()> {
    let key = |column: &str, referenced: &str| {
        let action = match constraint {
            Constraint::Absent => return String::new(),
            Constraint::Cascade => "CASCADE",
            Constraint::NoAction => "NO ACTION",
            Constraint::Restrict => "RESTRICT",
        };
        format!(", FOREIGN KEY ({column}) REFERENCES {referenced} (id) ON DELETE {action}")
    };
    let (of_owners, of_things) = (key("place_id", "places"), key("owner_id", "owners"));
    for sql in [
        "DROP TABLE IF EXISTS things",
        "DROP TABLE IF EXISTS owners",
        "DROP TABLE IF EXISTS places",
        "CREATE TABLE places (id bigint PRIMARY KEY, version bigint NOT NULL DEFAULT 0)",
        &format!(
            "CREATE TABLE owners (id bigint PRIMARY KEY, place_id bigint, version bigint NOT NULL DEFAULT 0{of_owners})"
        ),
        "CREATE INDEX owners_place ON owners (place_id)",
        &format!(
            "CREATE TABLE things (id bigint PRIMARY KEY, owner_id bigint NOT NULL, keeper_id bigint, part_of bigint{of_things})"
        ),
        "CREATE INDEX things_owner ON things (owner_id)",
    ] {
        execute(store, sql).await?;
    }
    Ok(())
}

fn overlay(recipe: Recipe) -> Result<Overlay> {
    let guard = match recipe {
        Recipe::Guard => "guard = \"version\"",
        Recipe::Look | Recipe::LookInside => "",
    };
    let key = |table: &str, column: &str, referenced: &str| {
        format!(
            "[[foreign_key]]\ntable = '{table}'\ncolumns = ['{column}']\nreferences = {{ table = '{referenced}' }}\n\
             on_delete = 'cascade'\n{guard}\n"
        )
    };
    let (of_owners, of_things) = (key("owners", "place_id", "places"), key("things", "owner_id", "owners"));
    Ok(Overlay::parse(&format!("{of_owners}{of_things}"))?)
}

fn row(id: i64, owner_id: i64) -> thing::ActiveModel {
    thing::ActiveModel {
        id: Set(id),
        owner_id: Set(owner_id),
        keeper_id: NotSet,
        part_of: NotSet,
    }
}

/// Where owners live.
mod place {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "places")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// How the two sides of a round meet.
struct Meeting {
    /// What the inserting side does before it lets the other begin.
    lets_begin_after: Step,
    /// Whether it then waits for the other to be done, or to have had time enough, if it is the one that waits.
    waits: bool,
    begun: Notify,
    done: AtomicBool,
    pinger: Store,
    yields: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Nothing,
    Looking,
    Inserting,
}

impl Meeting {
    async fn reached(&self, step: Step) -> Result<()> {
        if step == self.lets_begin_after {
            self.begun.notify_one();
            // As long as some statements take: who is not done by then is waiting for us.
            for _ in 0..if self.waits { 8 } else { 0 } {
                if self.done.load(Ordering::Acquire) {
                    break;
                }
                number(&self.pinger, "SELECT COUNT(*)").await?;
            }
        }
        for _ in 0..self.yields {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// Whether a child was inserted.
async fn insert(store: &Store, options: TransactionOptions, recipe: Recipe, n: i64, meeting: &Meeting) -> Result<bool> {
    let looks = async |store: &Store| -> Result<bool> {
        meeting.reached(Step::Nothing).await?;
        let owners = store.repository::<owner::Entity>();
        let is_there = owners.exists_by(owner::Column::Id.eq(n)).await?;
        meeting.reached(Step::Looking).await?;
        Ok(is_there)
    };
    let inserts = async |store: &Store| -> Result<bool> {
        let things = store.repository::<thing::Entity>();
        things.insert(row(100_000 + n, n)).await?;
        meeting.reached(Step::Inserting).await?;
        Ok(true)
    };
    let inserted = match recipe {
        Recipe::Look => match looks(store).await? {
            true => inserts(store).await,
            false => Ok(false),
        },
        Recipe::LookInside | Recipe::Guard => {
            store
                .transaction_with(options, |tx| {
                    let (looks, inserts) = (&looks, &inserts);
                    async move {
                        match looks(&tx).await? {
                            true => inserts(&tx).await,
                            false => Ok(false),
                        }
                    }
                })
                .await
        }
    };
    // Whatever came of it, nobody waits for it any longer.
    meeting.begun.notify_one();
    match inserted {
        Err(error) if error.downcast_ref::<Error>().is_some_and(Error::is_foreign_key) => Ok(false),
        other => other,
    }
}

async fn cell(
    db: &Db,
    isolation: IsolationLevel,
    constraint: Constraint,
    recipe: Recipe,
    level: Level,
) -> Result<Outcome> {
    let pinger = db.store_of(Entities::new()).await?;
    tables(&pinger, constraint).await?;
    // Collisions are what is wanted, so who was given up tries again at once; SQLite's own waiting takes steps of up to 100 ms.
    let retry = RetryPolicy::new()
        .attempts(100)
        .base(Duration::from_millis(1))
        .longest(Duration::from_millis(4));
    let eager = StoreOptions::new().retry(retry).busy_timeout(Duration::from_millis(20));
    let deleting = Store::connect_with(&db.url, Entities::new(), eager).await?;
    let deleting = deleting.with_overlay(overlay(recipe)?);
    let inserting = Store::connect_with(&db.url, Entities::new(), StoreOptions::new().retry(retry)).await?;
    let inserting = inserting.with_overlay(overlay(recipe)?);
    let owners = pinger.repository::<owner::Entity>();
    owners
        .insert_many((1..=ROUNDS).map(|n| owner::ActiveModel { id: Set(n) }))
        .await?;
    let things = pinger.repository::<thing::Entity>();
    things
        .insert_many((1..=2 * ROUNDS).map(|n| row(n, 1 + n % ROUNDS)))
        .await?;
    if level == Level::NextButOne {
        let places = pinger.repository::<place::Entity>();
        places
            .insert_many((1..=ROUNDS).map(|n| place::ActiveModel { id: Set(n) }))
            .await?;
        execute(&pinger, "UPDATE owners SET place_id = id").await?;
    }
    let options = TransactionOptions::new().isolation(isolation);
    let mut random = fastrand::Rng::with_seed(7);
    let mut outcome = Outcome::default();
    let mut reported = 0;
    for n in 1..=ROUNDS {
        let meeting = Arc::new(Meeting {
            lets_begin_after: [Step::Nothing, Step::Looking, Step::Looking, Step::Inserting][usize::try_from(n % 4)?],
            waits: n % 4 > 1,
            begun: Notify::new(),
            done: AtomicBool::new(false),
            pinger: pinger.clone(),
            yields: random.u32(0..4),
        });
        let met = Arc::clone(&meeting);
        let store = deleting.clone();
        let delete = tokio::spawn(async move {
            met.begun.notified().await;
            let deleted = store
                .transaction_with(
                    options,
                    |tx| async move { tx.repository::<owner::Entity>().delete(n).await },
                )
                .await;
            met.done.store(true, Ordering::Release);
            deleted
        });
        let inserted = insert(&inserting, options, recipe, n, &meeting).await;
        let report = delete.await?.with_context(|| format!("round {n}"))?;
        outcome.inserted += i64::from(inserted.with_context(|| format!("round {n}"))?);
        reported += i64::try_from(report.deleted("things"))?;
    }
    outcome.orphans = number(
        &pinger,
        "SELECT COUNT(*) FROM things WHERE owner_id NOT IN (SELECT id FROM owners)",
    )
    .await?;
    let left = number(&pinger, "SELECT COUNT(*) FROM things").await?;
    outcome.uncounted = 2 * ROUNDS + outcome.inserted - left - reported;
    ensure!(number(&pinger, "SELECT COUNT(*) FROM owners").await? == 0);
    // SQLite tidies up when the last connection closes, and locks the file meanwhile: not while the next cell begins.
    for store in [deleting, inserting, pinger] {
        store.close().await?;
    }
    Ok(outcome)
}

/// No orphan, and every row counted.
async fn holds(db: &Db, constraint: Constraint, recipe: Recipe) -> Result<()> {
    for level in levels(db) {
        let outcome = cell(db, level, constraint, recipe, Level::Next).await?;
        ensure!(outcome.orphans == 0 && outcome.uncounted == 0, "{level:?}: {outcome:?}");
        ensure!(
            outcome.inserted > 0,
            "{level:?}: nothing was ever inserted, so nothing was shown"
        );
    }
    Ok(())
}

async fn without_a_constraint_it_does_not_help_to_look(db: Db) -> Result<()> {
    for level in levels(&db) {
        let outcome = cell(&db, level, Constraint::Absent, Recipe::Look, Level::Next).await?;
        ensure!(outcome.orphans > 0 && outcome.uncounted == 0, "{level:?}: {outcome:?}");
    }
    Ok(())
}

async fn without_a_constraint_it_may_help_to_look_in_the_transaction(db: Db) -> Result<()> {
    for level in levels(&db) {
        let outcome = cell(&db, level, Constraint::Absent, Recipe::LookInside, Level::Next).await?;
        let helps = level == IsolationLevel::Serializable;
        ensure!(
            (outcome.orphans == 0) == helps && outcome.uncounted == 0,
            "{level:?}: {outcome:?}"
        );
    }
    Ok(())
}

async fn without_a_constraint_a_guard_helps(db: Db) -> Result<()> {
    holds(&db, Constraint::Absent, Recipe::Guard).await
}

async fn a_constraint_that_cascades(db: Db) -> Result<()> {
    holds(&db, Constraint::Cascade, Recipe::LookInside).await
}

async fn a_constraint_that_cascades_and_a_guard(db: Db) -> Result<()> {
    holds(&db, Constraint::Cascade, Recipe::Guard).await
}

async fn a_constraint_that_refuses(db: Db) -> Result<()> {
    holds(&db, Constraint::NoAction, Recipe::LookInside).await
}

async fn a_constraint_that_refuses_and_a_guard(db: Db) -> Result<()> {
    holds(&db, Constraint::Restrict, Recipe::Guard).await
}

/// A row that is reached, and not named: it is not locked before rows that reference it are looked for.
async fn two_levels_down(db: Db) -> Result<()> {
    let isolation = IsolationLevel::ReadCommitted;
    let absent = cell(
        &db,
        isolation,
        Constraint::Absent,
        Recipe::LookInside,
        Level::NextButOne,
    )
    .await?;
    let one_writer = db.backend == Backend::Sqlite;
    ensure!((absent.orphans == 0) == one_writer, "{absent:?}");
    for (constraint, recipe, exact) in [
        (Constraint::Absent, Recipe::Guard, true),
        (Constraint::Cascade, Recipe::LookInside, one_writer),
        (Constraint::NoAction, Recipe::LookInside, true),
        (Constraint::Restrict, Recipe::LookInside, true),
    ] {
        let outcome = cell(&db, isolation, constraint, recipe, Level::NextButOne).await?;
        ensure!(
            outcome.orphans == 0 && outcome.inserted > 0,
            "{constraint:?}: {outcome:?}"
        );
        ensure!(outcome.uncounted == 0 || !exact, "{constraint:?}: {outcome:?}");
    }
    Ok(())
}

/// PostgreSQL's one statement, outside a transaction: what is committed while it waits for its lock is not in what it sees.
async fn one_statement_does_not_count_what_it_waits_for(db: Db) -> Result<()> {
    if db.backend != Backend::Postgres {
        return Ok(());
    }
    let store = db.store_of(Entities::new()).await?;
    for (constraint, counted) in [
        (Constraint::Cascade, 0),
        (Constraint::NoAction, 1),
        (Constraint::Restrict, 1),
    ] {
        tables(&store, constraint).await?;
        execute(&store, "INSERT INTO owners (id) VALUES (1)").await?;
        let deleting = store.clone().with_overlay(overlay(Recipe::Look)?);
        let looking = store.clone();
        let delete = store
            .transaction(|tx| {
                let (deleting, looking) = (deleting.clone(), looking.clone());
                async move {
                    tx.repository::<thing::Entity>().insert(row(1, 1)).await?;
                    let delete = tokio::spawn(async move { deleting.repository::<owner::Entity>().delete(1).await });
                    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
                    while number(&looking, waiting).await? == 0 {
                        tokio::task::yield_now().await;
                    }
                    anyhow::Ok(delete)
                }
            })
            .await?;
        let report = delete.await??;
        ensure!(
            report.deleted("owners") == 1 && report.deleted("things") == counted,
            "{constraint:?}: {report}"
        );
        ensure!(number(&store, "SELECT COUNT(*) FROM things").await? == 0);
    }
    Ok(())
}
