//! How many statements a delete sends: that depends on the tables, and never on the rows.

use std::sync::Arc;

use anyhow::{Result, ensure};
use sea_orm::ActiveValue::Set;
use sea_orm_cascade::delete::{self, Check, Counting, DeleteOptions, Relations, Roots};
use sea_orm_cascade::introspect::Scope;
use sea_orm_cascade::overlay::Overlay;
use sea_orm_cascade::{Backend, Entities, Repository, RepositoryExt, Store};

use crate::harness::{Db, cases, execute, number};
use crate::log::Log;

cases![
    a_tree_of_three_levels,
    without_constraints,
    many_roots_at_once,
    counts_declined,
    a_preview,
    inside_a_transaction,
];

mod shelf {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "shelves")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod book {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "books")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: i64,
        pub(super) shelf_id: i64,
        #[sea_orm(belongs_to, from = "shelf_id", to = "id", on_delete = "Cascade")]
        pub(super) shelf: HasOne<super::shelf::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod leaf {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "leaves")]
    pub(super) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(super) id: i64,
        pub(super) book_id: i64,
        #[sea_orm(belongs_to, from = "book_id", to = "id", on_delete = "Cascade")]
        pub(super) book: HasOne<super::book::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn entities() -> Entities {
    Entities::new()
        .with(shelf::Entity)
        .with(book::Entity)
        .with(leaf::Entity)
}

const BOOKS: [i64; 2] = [2, 2_000];
const LEAVES: i64 = 4;

/// Four shelves, each with so many books of four leaves.
async fn fill(store: &Store, books: i64) -> Result<()> {
    let shelves = (1..=4).map(|id| shelf::ActiveModel { id: Set(id) });
    store.repository::<shelf::Entity>().insert_many(shelves).await?;
    let rows = (0..4 * books).map(|id| book::ActiveModel {
        id: Set(id),
        shelf_id: Set(id / books + 1),
    });
    store.repository::<book::Entity>().insert_many(rows).await?;
    let rows = (0..4 * books * LEAVES).map(|id| leaf::ActiveModel {
        id: Set(id),
        book_id: Set(id / LEAVES),
    });
    store.repository::<leaf::Entity>().insert_many(rows).await?;
    Ok(())
}

async fn empty(store: &Store) -> Result<()> {
    for table in ["leaves", "books", "shelves"] {
        execute(store, &format!("DELETE FROM {table}")).await?;
    }
    Ok(())
}

/// What was sent, without what begins and ends a transaction.
fn sent(log: &Log) -> Vec<String> {
    let frame = ["BEGIN", "COMMIT"];
    let statements = log.statements().into_iter();
    statements.filter(|sql| !frame.contains(&sql.as_str())).collect()
}

/// One on PostgreSQL; elsewhere one for each table, and on MySQL one that locks.
fn one_each(backend: Backend) -> usize {
    match backend {
        Backend::Postgres => 1,
        Backend::MySql => 4,
        Backend::Sqlite => 3,
    }
}

fn expect(log: &Log, count: usize) -> Result<()> {
    let sent = sent(log);
    ensure!(
        sent.len() == count,
        "{} instead of {count}:\n{}",
        sent.len(),
        sent.join("\n")
    );
    Ok(())
}

/// By an entity's repository and by a plan.
async fn a_tree_of_three_levels(db: Db) -> Result<()> {
    let store = db.store_of(entities()).await?;
    store.create_all().await?;
    let relations = Arc::new(Relations::read(store.connection(), &Scope::Own).await?);
    let options = DeleteOptions::new().check(Check::Nothing);
    let shelves = store.repository::<shelf::Entity>();
    for (place, books) in BOOKS.into_iter().enumerate() {
        fill(&store, books).await?;
        if place == 0 {
            // The first one reads the catalog.
            shelves.delete(4).await?;
        }

        let log = Log::new();
        let report = log.capture(shelves.delete(1)).await?;
        let expected = [
            report.deleted("leaves"),
            report.deleted("books"),
            report.deleted("shelves"),
        ];
        ensure!(expected.map(u64::cast_signed) == [books * LEAVES, books, 1], "{report}");
        expect(&log, one_each(db.backend))?;
        let transactions = log.statements().iter().filter(|sql| *sql == "BEGIN").count();
        ensure!(
            transactions == usize::from(db.backend != Backend::Postgres),
            "{transactions} transactions"
        );

        let plan = delete::plan(&relations, &Roots::written("shelves", ["2"]), &options)?;
        let log = Log::new();
        let report = log.capture(plan.execute(&store)).await?;
        ensure!(
            report.total_deleted().cast_signed() == books * (LEAVES + 1) + 1,
            "{report}"
        );
        expect(&log, one_each(db.backend))?;
        let planned: Vec<_> = plan
            .statements()
            .iter()
            .map(|sql| sql.escape_debug().to_string())
            .collect();
        ensure!(sent(&log).ends_with(&planned), "{planned:?}");

        let left = if place == 0 { 1 } else { 2 };
        let leaves = number(&store, "SELECT COUNT(*) FROM leaves").await?;
        ensure!(leaves == left * books * LEAVES, "{leaves} leaves are left");
        empty(&store).await?;
    }
    Ok(())
}

/// The same statements where no constraint helps.
async fn without_constraints(db: Db) -> Result<()> {
    let store = db.store_of(entities()).await?;
    for table in [
        "shelves (id",
        "books (shelf_id bigint, id",
        "leaves (book_id bigint, id",
    ] {
        execute(&store, &format!("CREATE TABLE {table} bigint NOT NULL PRIMARY KEY)")).await?;
    }
    let overlay = Overlay::parse(
        r#"
        [[foreign_key]]
        table = "books"
        columns = ["shelf_id"]
        references = { table = "shelves" }
        on_delete = "cascade"

        [[foreign_key]]
        table = "leaves"
        columns = ["book_id"]
        references = { table = "books" }
        on_delete = "cascade"
        "#,
    )?;
    let relations = Relations::read(store.connection(), &Scope::Own).await?;
    let relations = Arc::new(relations.overlaid(&overlay)?);
    for books in BOOKS {
        fill(&store, books).await?;
        let options = DeleteOptions::new().check(Check::Nothing);
        let plan = delete::plan(&relations, &Roots::written("shelves", ["3"]), &options)?;
        let log = Log::new();
        let report = log.capture(plan.execute(&store)).await?;
        ensure!(
            report.total_deleted().cast_signed() == books * (LEAVES + 1) + 1,
            "{report}"
        );
        expect(&log, one_each(db.backend))?;
        empty(&store).await?;
    }
    Ok(())
}

/// However many roots one call names; on MySQL up to what one statement can list.
async fn many_roots_at_once(db: Db) -> Result<()> {
    let store = db.store_of(entities()).await?;
    store.create_all().await?;
    fill(&store, 10).await?;
    let relations = Arc::new(Relations::read(store.connection(), &Scope::Own).await?);
    let options = DeleteOptions::new().check(Check::Nothing);
    let plan = delete::plan(&relations, &Roots::written("shelves", ["1", "2", "4"]), &options)?;
    let log = Log::new();
    let report = log.capture(plan.execute(&store)).await?;
    ensure!(report.roots() == 3 && report.deleted("leaves") == 120, "{report}");
    expect(&log, one_each(db.backend))
}

/// What the database can do, it does: nothing is left to send but the roots.
async fn counts_declined(db: Db) -> Result<()> {
    let store = db.store_of(entities()).await?;
    store.create_all().await?;
    fill(&store, 10).await?;
    let relations = Arc::new(Relations::read(store.connection(), &Scope::Own).await?);
    let options = DeleteOptions::new().check(Check::Nothing).counting(Counting::Declined);
    let plan = delete::plan(&relations, &Roots::written("shelves", ["1"]), &options)?;
    let log = Log::new();
    let report = log.capture(plan.execute(&store)).await?;
    ensure!(
        report.not_counted().len() == 2 && report.deleted("shelves") == 1,
        "{report}"
    );
    expect(&log, 1)?;
    let leaves = number(&store, "SELECT COUNT(*) FROM leaves").await?;
    ensure!(leaves == 120, "{leaves} leaves are left");
    Ok(())
}

/// Looking is one statement on every engine.
async fn a_preview(db: Db) -> Result<()> {
    let store = db.store_of(entities()).await?;
    store.create_all().await?;
    let relations = Arc::new(Relations::read(store.connection(), &Scope::Own).await?);
    for books in BOOKS {
        fill(&store, books).await?;
        let options = DeleteOptions::new().check(Check::Nothing);
        let plan = delete::plan(&relations, &Roots::written("shelves", ["1", "2"]), &options)?;
        let log = Log::new();
        let preview = log.capture(plan.preview(&store)).await?;
        ensure!(
            preview.deleted("leaves").cast_signed() == 2 * books * LEAVES,
            "{preview}"
        );
        expect(&log, 1)?;
        empty(&store).await?;
    }
    Ok(())
}

/// The same in a transaction of somebody else's: there PostgreSQL's lock is a statement of its own, so that every row that goes is counted.
async fn inside_a_transaction(db: Db) -> Result<()> {
    let store = db.store_of(entities()).await?;
    store.create_all().await?;
    fill(&store, 2).await?;
    store.repository::<shelf::Entity>().delete(4).await?;
    let log = Log::new();
    let body = store.transaction(async |tx| tx.repository::<shelf::Entity>().delete(1).await);
    let report = log.capture(body).await?;
    ensure!(report.deleted("leaves") == 8, "{report}");
    let lock = usize::from(db.backend == Backend::Postgres);
    expect(&log, one_each(db.backend) + lock)
}
