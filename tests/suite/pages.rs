//! Queries, pages and streams.

use anyhow::{Result, ensure};
use entity::{post, user};
use futures_util::{StreamExt, TryStreamExt};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Order};
use sea_orm_cascade::{Query, Repository, RepositoryExt, Store};

use crate::harness::{Db, cases};
use crate::models::{self, seat};

cases![
    pages_cover_every_row_once,
    rows_deleted_meanwhile_shift_nothing,
    misused_cursors,
    streams,
    stream_while_writing
];

async fn posts(db: &Db, count: i64) -> Result<Store> {
    let store = db.created().await?;
    let ann = store.repository::<user::Entity>().insert(user::new("ann", "h")).await?;
    let rows = (0..count).map(|n| {
        let mut row = post::new(ann.id, format!("title {}", n % 7), "…");
        row.published = Set(n % 2 == 0);
        row
    });
    store.repository::<post::Entity>().insert_many(rows).await?;
    Ok(store)
}

/// Against an oracle: the rows sorted here, not there.
async fn pages_cover_every_row_once(db: Db) -> Result<()> {
    let store = posts(&db, 100).await?;
    let posts = store.repository::<post::Entity>();
    let mut expected = posts.find_by(post::Column::Published.eq(true)).await?;
    expected.sort_by(|a, b| b.title.cmp(&a.title).then(a.id.cmp(&b.id)));
    let query = Query::new()
        .filter(post::Column::Published.eq(true))
        .order_by(post::Column::Title, Order::Desc)
        .limit(9);
    let mut seen = Vec::new();
    let mut page = posts.page(query.clone()).await?;
    loop {
        ensure!(page.rows.len() == 9 || page.next.is_none());
        seen.extend(page.rows);
        let Some(next) = page.next else { break };
        page = posts.page(query.clone().after(next)).await?;
    }
    ensure!(seen == expected, "{} rows, {} expected", seen.len(), expected.len());
    Ok(())
}

async fn rows_deleted_meanwhile_shift_nothing(db: Db) -> Result<()> {
    let store = posts(&db, 20).await?;
    let posts = store.repository::<post::Entity>();
    let first = posts.page(Query::new().limit(5)).await?;
    for row in &first.rows {
        posts.delete(row.id).await?;
    }
    let last = first.rows.last().unwrap().id;
    let by_cursor = posts.page(Query::new().limit(5).after(first.next.unwrap())).await?;
    let by_key = posts.page(Query::new().limit(5).after_key(last)).await?;
    ensure!(by_cursor.rows == by_key.rows && by_cursor.rows[0].id == last + 1);
    Ok(())
}

async fn misused_cursors(db: Db) -> Result<()> {
    let store = posts(&db, 3).await?;
    let posts = store.repository::<post::Entity>();
    let cursor = posts.page(Query::new().limit(1)).await?.next.unwrap();
    let other_order = Query::new().order_by(post::Column::Title, Order::Asc);
    let error = posts.page(other_order.clone().after(cursor)).await.unwrap_err();
    ensure!(
        error.is_invalid_input() && error.to_string().contains("another order"),
        "{error}"
    );
    let error = posts.page(other_order.after_key(1)).await.unwrap_err();
    ensure!(error.is_invalid_input(), "{error}");

    let store = db.store_of(models::entities()).await?;
    store.create_all().await?;
    let seats = store.repository::<seat::Entity>();
    let by_nullable = Query::new().order_by(seat::Column::TakenBy, Order::Asc);
    ensure!(seats.select(by_nullable.clone()).await?.is_empty());
    let error = seats.page(by_nullable).await.unwrap_err();
    ensure!(error.to_string().contains("taken_by, which may be NULL"), "{error}");
    Ok(())
}

async fn streams(db: Db) -> Result<()> {
    let store = posts(&db, 2_500).await?;
    let posts = store.repository::<post::Entity>();
    let ids: Vec<_> = posts.stream(Query::new()).map_ok(|post| post.id).try_collect().await?;
    ensure!(ids.len() == 2_500 && ids.is_sorted());
    for limit in [0, 1, 1_000, 1_001, 9_999] {
        let rows: Vec<_> = posts.stream(Query::new().limit(limit)).try_collect().await?;
        ensure!(
            rows.len() as u64 == limit.min(2_500),
            "limit {limit}: {} rows",
            rows.len()
        );
    }
    // Inside a transaction too.
    let counted = store
        .transaction(async |tx| {
            let posts = tx.repository::<post::Entity>();
            let rows: Vec<_> = posts.stream(Query::new()).try_collect().await?;
            Ok::<_, sea_orm_cascade::Error>(rows.len())
        })
        .await?;
    ensure!(counted == 2_500);
    Ok(())
}

/// On one connection, a stream that held it would never let the write through.
async fn stream_while_writing(db: Db) -> Result<()> {
    drop(posts(&db, 1_500).await?);
    let store = db
        .store_with(sea_orm_cascade::StoreOptions::new().max_connections(1))
        .await?;
    let posts = store.repository::<post::Entity>();
    let mut stream = posts.stream(Query::new());
    let mut deleted = 0;
    while let Some(row) = stream.next().await {
        let row = row?;
        if row.id % 500 == 0 {
            posts.delete(row.id).await?;
            deleted += 1;
        }
    }
    ensure!(deleted == 3);
    Ok(())
}
