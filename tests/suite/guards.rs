//! Guards: who writes a row marks its parents, and finds out that one is not there, without any constraint.

use anyhow::{Result, ensure};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::IntoCondition;
use sea_orm::{ColumnTrait, IntoActiveModel};
use sea_orm_cascade::delete::{DeleteOptions, RawCondition, Roots};
use sea_orm_cascade::overlay::Overlay;
use sea_orm_cascade::{Direction, Entities, ErrorKind, Repository, RepositoryExt, Store};

use crate::harness::{Db, cases, execute, number};
use crate::log::Log;

cases![
    every_write_marks_the_parents,
    a_parent_that_is_not_there,
    a_row_that_references_its_like,
    nothing_is_read_where_nothing_is_guarded,
    a_delete_marks_what_it_takes,
    a_guard_that_cannot_count,
];

/// An owner, whose version no entity knows of.
pub(crate) mod owner {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "owners")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: i64,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A thing of one owner, kept by another. Neither is declared.
pub(crate) mod thing {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "things")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: i64,
        pub(crate) owner_id: i64,
        pub(crate) keeper_id: Option<i64>,
        pub(crate) part_of: Option<i64>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

const TABLES: [&str; 3] = [
    "CREATE TABLE owners (id bigint PRIMARY KEY, version bigint NOT NULL DEFAULT 0, note varchar(20))",
    "CREATE TABLE things (id bigint PRIMARY KEY, owner_id bigint NOT NULL DEFAULT 3, keeper_id bigint, part_of bigint, \
     version int NOT NULL DEFAULT 0)",
    "INSERT INTO owners (id) VALUES (1), (2), (3)",
];

const OVERLAY: &str = r#"
    [[foreign_key]]
    table = "things"
    columns = ["owner_id"]
    references = { table = "owners" }
    on_delete = "cascade"
    guard = "version"

    [[foreign_key]]
    table = "things"
    columns = ["keeper_id"]
    references = { table = "owners" }
    on_delete = "set_null"
    guard = "version"

    [[foreign_key]]
    table = "things"
    columns = ["part_of"]
    references = { table = "things" }
    on_delete = "cascade"
    guard = "version"
"#;

async fn guarded(db: &Db) -> Result<Store> {
    let store = db.store_of(Entities::new()).await?;
    for sql in TABLES {
        execute(&store, sql).await?;
    }
    Ok(store.with_overlay(Overlay::parse(OVERLAY)?))
}

fn thing(id: i64, owner: i64, keeper: Option<i64>) -> thing::ActiveModel {
    thing::ActiveModel {
        id: Set(id),
        owner_id: Set(owner),
        keeper_id: Set(keeper),
        part_of: NotSet,
    }
}

/// A change that gives things to this keeper.
fn keeper(id: i64) -> thing::ActiveModel {
    thing::ActiveModel {
        keeper_id: Set(Some(id)),
        ..Default::default()
    }
}

/// The versions of the three owners, as one number.
async fn versions(store: &Store) -> Result<i64> {
    let digit = |id: i64, factor: i64| format!("(SELECT version FROM owners WHERE id = {id}) * {factor}");
    number(
        store,
        &format!("SELECT {} + {} + {}", digit(1, 100), digit(2, 10), digit(3, 1)),
    )
    .await
}

async fn every_write_marks_the_parents(db: Db) -> Result<()> {
    let store = guarded(&db).await?;
    let things = store.repository::<thing::Entity>();
    things.insert(thing(1, 1, None)).await?;
    ensure!(versions(&store).await? == 100);
    things.insert(thing(2, 1, Some(2))).await?;
    ensure!(versions(&store).await? == 210);
    // One row that is both is marked once.
    let stored = things.insert(thing(3, 2, Some(2))).await?;
    ensure!(versions(&store).await? == 220);
    // By a default, which is known afterwards.
    let mut row = thing(4, 0, None);
    row.owner_id = NotSet;
    things.insert(row).await?;
    ensure!(versions(&store).await? == 221);
    // Each of many parents once, however many rows have it.
    things
        .insert_many((0..30).map(|n| thing(10 + n, 1 + n % 2, (n == 7).then_some(3))))
        .await?;
    ensure!(versions(&store).await? == 332);

    let mut row = stored.clone().into_active_model();
    row.owner_id = Set(1);
    things.update(row).await?;
    ensure!(versions(&store).await? == 432);
    // A change of something else marks nobody.
    let mut row = stored.into_active_model();
    row.part_of = Set(None);
    things.update(row).await?;
    ensure!(versions(&store).await? == 432);
    let mut change = keeper(3);
    ensure!(things.update_many(thing::Column::Id.gte(10), change.clone()).await? == 30);
    ensure!(versions(&store).await? == 433);
    change.id = Set(10);
    things
        .update_if(change, thing::Column::OwnerId.eq(1).into_condition())
        .await?;
    ensure!(versions(&store).await? == 434);
    things.upsert(thing(10, 2, None), &[]).await?;
    things.upsert(thing(99, 2, None), &[]).await?;
    ensure!(versions(&store).await? == 454, "{}", versions(&store).await?);
    Ok(())
}

async fn a_parent_that_is_not_there(db: Db) -> Result<()> {
    let store = guarded(&db).await?;
    let things = store.repository::<thing::Entity>();
    let first = things.insert(thing(1, 1, None)).await?;
    let before = versions(&store).await?;
    let refused = |error: sea_orm_cascade::Error, text: &str| {
        assert!(
            matches!(
                error.kind(),
                ErrorKind::ForeignKey {
                    direction: Some(Direction::MissingParent),
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(error.to_string(), text);
    };
    let lost = "things.owner_id = 20 references no row of owners";
    refused(things.insert(thing(2, 20, None)).await.unwrap_err(), lost);
    let many = (0..1_500).map(|n| thing(10 + n, if n == 1_400 { 20 } else { 1 + n % 3 }, None));
    refused(things.insert_many(many).await.unwrap_err(), lost);
    let mut row = first.into_active_model();
    row.owner_id = Set(20);
    refused(things.update(row.clone()).await.unwrap_err(), lost);
    refused(
        things.update_if(row, sea_orm::Condition::all()).await.unwrap_err(),
        lost,
    );
    refused(things.upsert(thing(1, 20, None), &[]).await.unwrap_err(), lost);
    let change = keeper(21);
    let error = things.update_many(thing::Column::Id.eq(1), change.clone()).await;
    refused(error.unwrap_err(), "things.keeper_id = 21 references no row of owners");
    // Nobody would reference it.
    ensure!(things.update_many(thing::Column::Id.eq(77), change).await? == 0);
    ensure!(versions(&store).await? == before);
    ensure!(number(&store, "SELECT COUNT(*) FROM things WHERE owner_id = 1").await? == 1);
    ensure!(number(&store, "SELECT COUNT(*) FROM things").await? == 1);
    Ok(())
}

async fn a_row_that_references_its_like(db: Db) -> Result<()> {
    let store = guarded(&db).await?;
    let things = store.repository::<thing::Entity>();
    let part = |id: i64, of: i64| thing::ActiveModel {
        part_of: Set(Some(of)),
        ..thing(id, 1, None)
    };
    // Of itself, of an earlier one of the same insert, of one that was there.
    things.insert(part(1, 1)).await?;
    things.insert_many((2..=1_200).map(|n| part(n, n - 1))).await?;
    things.insert(part(2_000, 7)).await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM things WHERE id = 7 AND version = 1").await? == 1);
    let error = things.insert(part(3_000, 2_999)).await.unwrap_err();
    ensure!(
        error.to_string() == "things.part_of = 2999 references no row of things",
        "{error}"
    );
    Ok(())
}

async fn nothing_is_read_where_nothing_is_guarded(db: Db) -> Result<()> {
    let plain = db.created().await?;
    let overlay = Overlay::parse(OVERLAY)?;
    let store = plain.clone().with_overlay(overlay);
    let users = store.repository::<entity::user::Entity>();
    let (log, without) = (Log::new(), Log::new());
    log.capture(users.insert(entity::user::new("ann", "h"))).await?;
    let insert = plain.repository::<entity::user::Entity>();
    without.capture(insert.insert(entity::user::new("bob", "h"))).await?;
    ensure!(log.statements() == without.statements(), "{:#?}", log.statements());
    Ok(())
}

async fn a_delete_marks_what_it_takes(db: Db) -> Result<()> {
    let store = guarded(&db).await?;
    let things = store.repository::<thing::Entity>();
    things
        .insert_many((1..=6).map(|n| thing(n, 1, (n > 4).then_some(2))))
        .await?;
    let owners = store.repository::<owner::Entity>();
    let log = Log::new();
    let report = log.capture(owners.delete(1)).await?;
    ensure!(
        report.deleted("things") == 6 && report.deleted("owners") == 1 && report.roots() == 1,
        "{report}"
    );
    let sent = log.statements();
    let place = |what: &str| sent.iter().position(|sql| sql.contains(what));
    let marked = place("UPDATE").filter(|_| sent.iter().any(|sql| sql.contains("version")));
    ensure!(marked.is_some() && marked < place("DELETE"), "{sent:#?}");
    // Roots that a condition names are stored, and stored again after they were marked.
    let roots = Roots::matching("owners", RawCondition::new("id >= 2"));
    let plan = store.plan_delete(&roots, &DeleteOptions::new()).await?;
    let preview = plan.preview(&store).await?;
    let report = preview.execute(&store).await?;
    ensure!(report.roots() == 2 && preview.roots() == 2, "{} roots", report.roots());
    Ok(())
}

async fn a_guard_that_cannot_count(db: Db) -> Result<()> {
    let store = db.store_of(Entities::new()).await?;
    for sql in TABLES {
        execute(&store, sql).await?;
    }
    let with = |guard: &str| -> Result<Store> {
        let overlay = Overlay::parse(&OVERLAY.replace("guard = \"version\"", &format!("guard = \"{guard}\"")))?;
        Ok(store.clone().with_overlay(overlay))
    };
    for (guard, said) in [
        ("note", "and may be NULL: make it a whole number, NOT NULL DEFAULT 0"),
        ("versions", "owners has no column versions, did you mean version?"),
    ] {
        let store = with(guard)?;
        let insert = store
            .repository::<thing::Entity>()
            .insert(thing(1, 1, None))
            .await
            .unwrap_err();
        let delete = store.repository::<owner::Entity>().delete(1).await.unwrap_err();
        for error in [insert, delete] {
            ensure!(error.is_invalid_input() && error.to_string().contains(said), "{error}");
        }
    }
    Ok(())
}
