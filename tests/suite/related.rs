//! Related rows, without a query per row.

use anyhow::{Result, ensure};
use entity::{post, user};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition};
use sea_orm_cascade::RepositoryExt;

use crate::harness::{Db, cases, execute};
use crate::log::Log;
use crate::models::{self, actor, film, role, seat, ticket};

cases![
    posts_of_a_user,
    users_with_their_posts,
    any_number_of_parents,
    many_to_many,
    composite
];

async fn posts_of_a_user(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    users
        .insert_many((1..=3).map(|n| user::new(format!("{n}"), "h")))
        .await?;
    let posts = store.repository::<post::Entity>();
    posts
        .insert_many((0..9).map(|n| post::new(1 + n % 2, format!("{n}"), "…")))
        .await?;
    let log = Log::new();
    let mine = log.capture(users.related::<post::Entity>(2)).await?;
    let titles: Vec<_> = mine.iter().map(|post| post.title.as_str()).collect();
    ensure!(titles == ["1", "3", "5", "7"], "{titles:?}");
    ensure!(log.statements().len() == 1, "{:?}", log.statements());
    ensure!(
        !log.statements()[0].contains("users"),
        "the parent need not be visited: {:?}",
        log.statements()
    );
    ensure!(users.related::<post::Entity>(3).await?.is_empty() && users.related::<post::Entity>(99).await?.is_empty());
    // The other way round.
    let owners = posts.related::<user::Entity>(mine[0].id).await?;
    ensure!(owners.len() == 1 && owners[0].id == 2);
    Ok(())
}

async fn users_with_their_posts(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    users
        .insert_many((1..=20).map(|n| user::new(format!("{n:02}"), "h")))
        .await?;
    let posts = store.repository::<post::Entity>();
    posts
        .insert_many((0..200).map(|n| post::new(1 + n % 19, format!("{n}"), "…")))
        .await?;
    let log = Log::new();
    let pairs = log
        .capture(users.with_related::<post::Entity>(user::Column::Email.gt("10")))
        .await?;
    ensure!(log.statements().len() == 2, "{:?}", log.statements());
    ensure!(pairs.len() == 10);
    for (user, posts) in &pairs {
        let expected = (0..200).filter(|n| 1 + n % 19 == user.id).count();
        ensure!(posts.len() == expected && posts.iter().all(|post| post.user_id == user.id));
        ensure!(posts.is_sorted_by_key(|post| post.id));
    }
    Ok(())
}

async fn any_number_of_parents(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    users
        .insert_many((1..=12_000).map(|n| user::new(format!("{n}"), "h")))
        .await?;
    let posts = store.repository::<post::Entity>();
    posts
        .insert_many((1..=12_000).map(|n| post::new(n, format!("{n}"), "…")))
        .await?;
    let log = Log::new();
    let pairs = log
        .capture(users.with_related::<post::Entity>(Condition::all()))
        .await?;
    ensure!(
        pairs.len() == 12_000
            && pairs
                .iter()
                .all(|(user, posts)| posts.len() == 1 && posts[0].user_id == user.id)
    );
    ensure!(
        log.statements().len() == 4,
        "one, and three pieces of 5,000: {}",
        log.statements().len()
    );
    Ok(())
}

async fn many_to_many(db: Db) -> Result<()> {
    let store = db.store_of(models::entities()).await?;
    store.create_all().await?;
    execute(
        &store,
        "INSERT INTO films (id, title, code) VALUES (1, 'Alien', 1), (2, 'Aliens', 2), (3, 'Up', 3)",
    )
    .await?;
    execute(
        &store,
        "INSERT INTO actors (id, name) VALUES (1, 'Weaver'), (2, 'Holm')",
    )
    .await?;
    let roles = store.repository::<role::Entity>();
    let cast = [(1, 1), (1, 2), (2, 1)].map(|(film, actor)| role::ActiveModel {
        film_id: Set(film),
        actor_id: Set(actor),
    });
    roles.insert_many(cast).await?;
    let films = store.repository::<film::Entity>();
    let names = |actors: &[actor::Model]| {
        actors
            .iter()
            .map(|actor| actor.name.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    ensure!(names(&films.related::<actor::Entity>(1).await?) == "Weaver Holm");
    let pairs = films.with_related::<actor::Entity>(Condition::all()).await?;
    let shown: Vec<_> = pairs
        .iter()
        .map(|(film, actors)| format!("{}: {}", film.title, names(actors)))
        .collect();
    ensure!(shown == ["Alien: Weaver Holm", "Aliens: Weaver", "Up: "], "{shown:?}");
    Ok(())
}

async fn composite(db: Db) -> Result<()> {
    let store = db.store_of(models::entities()).await?;
    store.create_all().await?;
    execute(&store, "INSERT INTO seats (line, place) VALUES (1, 'a'), (1, 'b')").await?;
    execute(
        &store,
        "INSERT INTO tickets (line, place) VALUES (1, 'a'), (1, 'b'), (1, 'b')",
    )
    .await?;
    let tickets = store.repository::<ticket::Entity>();
    let seats = tickets.related::<seat::Entity>(3).await?;
    ensure!(seats.len() == 1 && seats[0].place == "b");
    let pairs = tickets.with_related::<seat::Entity>(Condition::all()).await?;
    ensure!(
        pairs.len() == 3
            && pairs
                .iter()
                .all(|(ticket, seats)| seats.len() == 1 && seats[0].place == ticket.place)
    );
    Ok(())
}
