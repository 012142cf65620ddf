//! Finding, inserting, changing rows.

use anyhow::{Result, ensure};
use entity::{post, user};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, Condition};
use sea_orm_cascade::{Repository, RepositoryExt, Store};

use crate::harness::{Db, cases, execute, number};
use crate::log::Log;
use crate::models::{self, film, seat};

cases![
    one_row_by_key,
    composite_keys,
    many_keys_come_in_their_order,
    two_hundred_thousand_keys,
    a_hundred_thousand_rows,
    rows_that_differ_in_what_they_set,
    rows_of_nothing_but_defaults,
    all_rows_or_none,
    update_and_update_many,
    update_if,
    upsert,
    upsert_leaves_other_rows_alone,
    upserts_of_one_key_at_once,
    nothing_to_change,
    a_connection_of_seaorms,
    behind_dyn,
];

async fn one_row_by_key(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    let ann = users.insert(user::new("ann@example.com", "hash")).await?;
    ensure!(users.find(ann.id).await? == Some(ann.clone()));
    ensure!(users.get(ann.id).await? == ann);
    ensure!(users.find(ann.id + 1).await?.is_none());
    let error = users.get(ann.id + 1).await.unwrap_err();
    ensure!(
        error.is_not_found() && error.to_string() == format!("users has no row with id = {}", ann.id + 1),
        "{error}"
    );
    ensure!(ann.password_hash.expose() == "hash");
    Ok(())
}

async fn composite_keys(db: Db) -> Result<()> {
    let store = db.store_of(models::entities()).await?;
    store.create_all().await?;
    let seats = store.repository::<seat::Entity>();
    let row = |line: i32, place: &str| seat::ActiveModel {
        line: Set(line),
        place: Set(place.to_owned()),
        taken_by: NotSet,
    };
    seats
        .insert_many((1..=3).flat_map(|line| ["a", "b", "c"].map(|place| row(line, place))))
        .await?;
    ensure!(seats.get((2, "b".to_owned())).await?.place == "b");
    let keys = [(3, "a"), (1, "z"), (1, "c"), (3, "a")].map(|(line, place)| (line, place.to_owned()));
    let found: Vec<_> = seats
        .find_many(keys.to_vec())
        .await?
        .into_iter()
        .map(|seat| (seat.line, seat.place))
        .collect();
    ensure!(found == [(3, "a".to_owned()), (1, "c".to_owned())], "{found:?}");
    ensure!(seats.find_many(Vec::new()).await?.is_empty());
    let taken = seat::ActiveModel {
        taken_by: Set(Some("ann".to_owned())),
        ..row(2, "b")
    };
    ensure!(seats.update(taken).await?.taken_by.as_deref() == Some("ann"));
    ensure!(seats.delete((2, "b".to_owned())).await?.deleted("seats") == 1);
    ensure!(number(&store, "SELECT COUNT(*) FROM seats").await? == 8);
    Ok(())
}

async fn many_keys_come_in_their_order(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    users
        .insert_many((1..=5).map(|n| user::new(format!("{n}"), "hash")))
        .await?;
    let ids: Vec<_> = users
        .find_many(vec![5, 1, 99, 3, 1])
        .await?
        .iter()
        .map(|user| user.id)
        .collect();
    ensure!(ids == [5, 1, 3], "{ids:?}");
    Ok(())
}

async fn two_hundred_thousand_keys(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    users
        .insert_many((1..=20_000).map(|n| user::new(format!("{n}"), "hash")))
        .await?;
    let log = Log::new();
    let found = log.capture(users.find_many((1..=200_000).rev().collect())).await?;
    ensure!(log.statements().len() == 20, "{} statements", log.statements().len());
    ensure!(found.len() == 20_000 && found[0].id == 20_000, "{} rows", found.len());
    Ok(())
}

async fn a_hundred_thousand_rows(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    let ann = users.insert(user::new("ann@example.com", "hash")).await?;
    let posts = store.repository::<post::Entity>();
    let log = Log::new();
    // No row is taken before it is needed: memory holds one statement's rows, however many there are.
    let sent = log.clone();
    let rows = (0..100_000).map(|n| {
        let inserts = sent.count() - 1;
        assert!(
            n < (inserts + 1) * 1_000,
            "row {n} was taken after {inserts} statements"
        );
        post::new(ann.id, format!("post {n}"), "…")
    });
    ensure!(log.capture(posts.insert_many(rows)).await? == 100_000);
    ensure!(
        log.statements().len() == 102,
        "BEGIN, 100 statements, COMMIT: {}",
        log.statements().len()
    );
    ensure!(number(&store, "SELECT COUNT(DISTINCT title) FROM posts").await? == 100_000);
    Ok(())
}

/// SeaORM's own `insert_many` writes NULL where a row leaves a column unset, and `published` is required.
async fn rows_that_differ_in_what_they_set(db: Db) -> Result<()> {
    let store = db.created().await?;
    let ann = store
        .repository::<user::Entity>()
        .insert(user::new("ann", "hash"))
        .await?;
    let posts = store.repository::<post::Entity>();
    let rows = (1..=2_500).map(|n| {
        let mut row = post::new(ann.id, format!("{n:04}"), "…");
        if n % 3 == 0 {
            row.published = Set(false);
        }
        if n % 7 == 0 {
            row.id = Set(-n);
        }
        row
    });
    ensure!(posts.insert_many(rows).await? == 2_500);
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE NOT published").await? == 833);
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE id < 0").await? == 357);
    ensure!(
        number(
            &store,
            "SELECT COUNT(DISTINCT title) FROM posts WHERE created_at IS NOT NULL"
        )
        .await?
            == 2_500
    );
    Ok(())
}

async fn rows_of_nothing_but_defaults(db: Db) -> Result<()> {
    let store = db.store_of(models::entities()).await?;
    store.create_all().await?;
    let folders = store.repository::<models::folder::Entity>();
    let rows = (0..3).map(|_| models::folder::ActiveModel::default());
    ensure!(folders.insert_many(rows).await? == 3);
    ensure!(folders.insert_many(Vec::new()).await? == 0);
    ensure!(number(&store, "SELECT COUNT(*) FROM folders WHERE parent_id IS NULL").await? == 3);
    Ok(())
}

async fn all_rows_or_none(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    // The duplicate comes in the third statement.
    let rows = (0..3_000).map(|n| user::new(format!("{}", n.min(2_500)), "hash"));
    let error = users.insert_many(rows).await.unwrap_err();
    ensure!(
        error.to_string() == "another row of users already has the same email",
        "{error}"
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM users").await? == 0);
    Ok(())
}

async fn update_and_update_many(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    let (ann, bob) = (
        users.insert(user::new("ann", "h")).await?,
        users.insert(user::new("bob", "h")).await?,
    );
    let posts = store.repository::<post::Entity>();
    posts
        .insert_many((0..4).map(|n| post::new(ann.id, format!("{n}"), "…")))
        .await?;

    let mut change: post::ActiveModel = posts.find_one_by(post::Column::Title.eq("2")).await?.unwrap().into();
    change.title = Set("changed".to_owned());
    let changed = posts.update(change.clone()).await?;
    ensure!(changed.title == "changed" && posts.get(changed.id).await? == changed);

    change.id = Set(99);
    ensure!(posts.update(change.clone()).await.unwrap_err().is_not_found());
    change.id = NotSet;
    let error = posts.update(change).await.unwrap_err();
    ensure!(
        error.to_string() == "the update does not say which row of posts it is for: set id",
        "{error}"
    );

    ensure!(
        posts
            .update_many(post::Column::UserId.eq(ann.id), post::owner(bob.id))
            .await?
            == 4
    );
    ensure!(posts.count_by(post::Column::UserId.eq(bob.id)).await? == 4);
    ensure!(!posts.exists_by(post::Column::UserId.eq(ann.id)).await?);
    ensure!(
        posts
            .update_many(Condition::all(), post::ActiveModel::default())
            .await
            .unwrap_err()
            .is_invalid_input()
    );
    Ok(())
}

async fn update_if(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    let ann = users.insert(user::new("ann", "h")).await?;
    let renamed = |to: &str| user::ActiveModel {
        id: Set(ann.id),
        email: Set(to.to_owned()),
        ..Default::default()
    };
    let still = |email: &str| Condition::all().add(user::Column::Email.eq(email));
    ensure!(users.update_if(renamed("anna"), still("ann")).await?.email == "anna");
    let error = users.update_if(renamed("late"), still("ann")).await.unwrap_err();
    ensure!(error.is_stale(), "{error}");
    ensure!(users.get(ann.id).await?.email == "anna");
    // Writing what is there already is not stale.
    ensure!(users.update_if(renamed("anna"), still("anna")).await?.email == "anna");
    let nobody = user::ActiveModel {
        id: Set(99),
        ..renamed("x")
    };
    ensure!(users.update_if(nobody, still("anna")).await.unwrap_err().is_not_found());
    Ok(())
}

async fn upsert(db: Db) -> Result<()> {
    let store = db.store_of(models::entities()).await?;
    store.create_all().await?;
    let films = store.repository::<film::Entity>();
    let row = |code: i32, title: &str, stars: i32| film::ActiveModel {
        id: NotSet,
        title: Set(title.to_owned()),
        code: Set(code),
        stars: Set(stars),
    };
    let first = films.upsert(row(1, "Alien", 4), &[film::Column::Code]).await?;
    let second = films.upsert(row(1, "Aliens", 5), &[film::Column::Code]).await?;
    ensure!(second.id == first.id && second.title == "Aliens" && second.stars == 5);
    // Only the columns that are set are written.
    let partial = film::ActiveModel {
        stars: NotSet,
        ..row(1, "Alien 3", 0)
    };
    ensure!(films.upsert(partial, &[film::Column::Code]).await?.stars == 5);
    // By primary key, and with nothing besides the key to write.
    let by_key = film::ActiveModel {
        id: Set(first.id),
        ..row(1, "Alien 4", 1)
    };
    ensure!(films.upsert(by_key, &[]).await?.title == "Alien 4");
    let error = films.upsert(row(1, "x", 1), &[]).await.unwrap_err();
    ensure!(
        error.to_string() == "upsert into films needs a value in each of: id",
        "{error}"
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM films").await? == 1);
    Ok(())
}

/// MySQL's ON DUPLICATE KEY UPDATE would overwrite the row that has the same *title*.
async fn upsert_leaves_other_rows_alone(db: Db) -> Result<()> {
    let store = db.store_of(models::entities()).await?;
    store.create_all().await?;
    let films = store.repository::<film::Entity>();
    let row = |code: i32| film::ActiveModel {
        id: NotSet,
        title: Set("Alien".to_owned()),
        code: Set(code),
        stars: Set(code),
    };
    let first = films.insert(row(1)).await?;
    let error = films.upsert(row(2), &[film::Column::Code]).await.unwrap_err();
    ensure!(
        error.to_string() == "another row of films already has the same title",
        "{error}"
    );
    ensure!(films.get(first.id).await? == first);
    Ok(())
}

async fn behind_dyn(db: Db) -> Result<()> {
    let store = db.created().await?;
    let posts: std::sync::Arc<dyn Repository<post::Entity>> = std::sync::Arc::new(store.repository::<post::Entity>());
    execute(
        &store,
        "INSERT INTO users (id, email, password_hash) VALUES (17, 'a', 'b')",
    )
    .await?;
    ensure!(
        posts
            .insert_many((0..3).map(|n| post::new(17, format!("{n}"), "…")))
            .await?
            == 3
    );
    ensure!(posts.find_by(post::Column::Title.gt("0")).await?.len() == 2);
    // It can move into a task.
    let counted = tokio::spawn(async move { posts.count_by(post::Column::UserId.eq(17)).await }).await??;
    ensure!(counted == 3);
    Ok(())
}

/// Many connections upsert the same key: one row, and nobody fails.
async fn upserts_of_one_key_at_once(db: Db) -> Result<()> {
    let store = db.store_of(models::entities()).await?;
    store.create_all().await?;
    for round in 0..10 {
        let tasks: Vec<_> = (0..6)
            .map(|n| {
                let films = store.repository::<film::Entity>();
                tokio::spawn(async move {
                    let row = film::ActiveModel {
                        id: NotSet,
                        title: Set(format!("title {round}")),
                        code: Set(round),
                        stars: Set(n),
                    };
                    films.upsert(row, &[film::Column::Code]).await
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
    }
    ensure!(number(&store, "SELECT COUNT(*) FROM films").await? == 10);
    Ok(())
}

async fn nothing_to_change(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    let ann = users.insert(user::new("ann", "h")).await?;
    let unchanged = |id: i64| user::ActiveModel {
        id: Set(id),
        ..Default::default()
    };
    ensure!(users.update(unchanged(ann.id)).await? == ann);
    ensure!(users.update(unchanged(99)).await.unwrap_err().is_not_found());
    ensure!(users.update_if(unchanged(ann.id), Condition::all()).await? == ann);
    Ok(())
}

/// A store over a connection an application has already.
async fn a_connection_of_seaorms(db: Db) -> Result<()> {
    db.created().await?.close().await?;
    let connection = sea_orm::Database::connect(&db.url).await?;
    let store = Store::from_connection(connection.clone(), entity::entities())?;
    ensure!(store.backend() == db.backend);
    let ann = store.repository::<user::Entity>().insert(user::new("ann", "h")).await?;
    let found = <user::Entity as sea_orm::EntityTrait>::find_by_id(ann.id)
        .one(&connection)
        .await?;
    ensure!(found == Some(ann));
    let error = store
        .repository::<post::Entity>()
        .insert(post::new(20, "t", "c"))
        .await
        .unwrap_err();
    ensure!(
        error.to_string() == "posts.user_id = 20 references no row of users",
        "{error}"
    );
    Ok(())
}
