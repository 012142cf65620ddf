//! Nothing secret leaves through a log, an error or `Debug`: no bound value, and no part of the URL's password.

use std::error::Error as _;

use anyhow::{Result, ensure};
use entity::{post, user};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, ConnectionTrait};
use sea_orm_cascade::{Backend, Error, Query, Repository, RepositoryExt, Store};

use crate::harness::{Db, cases};
use crate::log::Log;

cases![
    bound_values_stay_inside,
    the_password_stays_inside,
    every_operation_is_logged
];

const SECRET: &str = "s3cr3t-value";

async fn bound_values_stay_inside(db: Db) -> Result<()> {
    let log = Log::new();
    let url = db.url.clone();
    let mut shown: Vec<String> = log
        .capture(async move {
            let store = Store::connect(&url, entity::entities()).await?;
            store.create_all().await?;
            let mut shown = vec![format!("{store:?}")];
            let users = store.repository::<user::Entity>();
            let ann = users.insert(user::new(SECRET, SECRET)).await?;
            shown.push(format!("{:?} {}", ann.password_hash, ann.password_hash));
            shown.push(format!("{users:?}"));
            // A duplicate: MySQL quotes the value in its message, PostgreSQL in its detail.
            for error in [
                users.insert(user::new(SECRET, "h")).await.unwrap_err(),
                users.insert_many([user::new(SECRET, "h")]).await.unwrap_err(),
                users
                    .upsert(user::new(SECRET, SECRET), &[user::Column::CreatedAt])
                    .await
                    .unwrap_err(),
                too_long(&store).await,
            ] {
                shown.extend(all_texts(&error));
            }
            let query = Query::<user::Entity>::new()
                .filter(user::Column::Email.eq(SECRET))
                .order_by(user::Column::Email, sea_orm::Order::Asc);
            shown.push(format!("{query:?}"));
            shown.push(format!("{:?}", users.page(query.limit(1)).await?));
            users.find_by(user::Column::Email.eq(SECRET)).await?;
            let rows: Vec<_> = futures_util::TryStreamExt::try_collect(
                users.stream(Query::new().filter(user::Column::Email.eq(SECRET))),
            )
            .await?;
            ensure!(rows.len() == 1);
            store
                .transaction(async |tx| {
                    let posts = tx.repository::<post::Entity>();
                    posts.insert(post::new(ann.id, SECRET, SECRET)).await?;
                    posts.find_by(post::Column::Title.eq(SECRET)).await
                })
                .await?;
            users.delete(ann.id).await?;
            Ok::<_, anyhow::Error>(shown)
        })
        .await?;
    shown.extend(
        log.entries()
            .into_iter()
            .map(|entry| format!("{}: {}", entry.target, entry.text)),
    );
    ensure!(shown.len() > 50, "the log was not captured");
    for text in shown {
        ensure!(!text.contains(SECRET), "a bound value got out: {text}");
    }
    Ok(())
}

/// A value that does not fit its column, on engines that check.
async fn too_long(store: &Store) -> Error {
    let users = store.repository::<user::Entity>();
    match store.backend() {
        Backend::MySql => users.insert(user::new("x", SECRET.repeat(100))).await.unwrap_err(),
        Backend::Postgres => {
            let cast = sea_orm::Statement::from_sql_and_values(
                store.backend().into(),
                "SELECT CAST($1 AS text)::bigint",
                [SECRET.into()],
            );
            store.connection().query_one_raw(cast).await.unwrap_err().into()
        }
        Backend::Sqlite => users.get(99).await.unwrap_err(),
    }
}

/// Every way an error reaches a person or a log.
fn all_texts(error: &Error) -> Vec<String> {
    let mut texts = vec![error.to_string(), format!("{error:?}"), format!("{error:#?}")];
    let mut source = error.source();
    while let Some(cause) = source {
        texts.extend([cause.to_string(), format!("{cause:?}")]);
        source = cause.source();
    }
    texts.push(format!(
        "{:?}",
        anyhow::Error::from(std::io::Error::other(error.to_string()))
    ));
    texts
}

async fn the_password_stays_inside(db: Db) -> Result<()> {
    let log = Log::new();
    let scheme = db.backend.name();
    let urls = [
        format!("{scheme}://someone:{SECRET}@127.0.0.1:1/nowhere"),
        format!("{scheme}://someone:{SECRET}@not a host/nowhere"),
        format!("{scheme}://someone:{SECRET}@127.0.0.1:notaport/nowhere"),
        format!("oracle://someone:{SECRET}@127.0.0.1/nowhere"),
        SECRET.to_owned(),
        format!("{SECRET}:{SECRET}//"),
    ];
    for url in &urls {
        let options = sea_orm_cascade::StoreOptions::new().acquire_timeout(std::time::Duration::from_millis(300));
        let connect = Store::connect_with(url, entity::entities(), options);
        let Err(error) = log.capture(connect).await else {
            continue;
        };
        for text in all_texts(&error) {
            ensure!(!text.contains(SECRET), "the password got out: {text}");
        }
    }
    for entry in log.entries() {
        ensure!(
            !entry.text.contains(SECRET),
            "the password got out: {}: {}",
            entry.target,
            entry.text
        );
    }
    Ok(())
}

async fn every_operation_is_logged(db: Db) -> Result<()> {
    let store = db.created().await?;
    let log = Log::new();
    log.capture(async {
        let users = store.repository::<user::Entity>();
        users
            .insert_many((0..3).map(|n| user::new(format!("{n}"), "h")))
            .await?;
        users.find_many(vec![1, 2]).await?;
        let changed = user::ActiveModel {
            id: Set(99),
            ..user::new("x", "h")
        };
        drop(users.update(changed).await);
        users.delete(1).await?;
        Ok::<_, Error>(())
    })
    .await?;
    let spans: Vec<_> = log
        .entries()
        .into_iter()
        .filter(|entry| entry.text.starts_with("span operation"))
        .map(|entry| entry.text.trim().to_owned())
        .collect();
    let expected: Vec<_> = ["insert_many", "find_many", "update", "delete"]
        .map(|name| {
            format!(
                "span operation operation=\"{name}\" backend=\"{}\" table=\"users\"",
                db.backend
            )
        })
        .to_vec();
    ensure!(spans == expected, "{spans:#?}");
    let ended = log.operations();
    let rows = [
        "rows=3 attempts=1 ",
        "rows=2 attempts=1 ",
        "rows=0 attempts=1 ",
        "rows=1 attempts=1 ",
    ];
    ensure!(ended.len() == 4, "{ended:#?}");
    for (ended, rows) in ended.iter().zip(rows) {
        ensure!(ended.contains(rows) && ended.contains("milliseconds="), "{ended}");
    }
    ensure!(ended[2].contains("error=\"not_found\""), "{}", ended[2]);
    Ok(())
}
