//! Rows in the way are named before anything is changed, and the database is left as it was.

use anyhow::{Context, Result, ensure};
use sea_orm::sea_query::{ColumnDef, Expr, ExprTrait, ForeignKey, Index};
use sea_orm_cascade::migrate::Alteration;
use sea_orm_cascade::{Backend, Store};

use super::{everything, fresh, one_connection};
use crate::harness::{Db, cases, execute, number};

cases![
    without_a_value,
    equal_where_they_are_to_be_unique,
    orphans,
    values_that_do_not_fit,
    what_a_check_refuses,
    keys_that_could_be_lost,
];

/// It is refused in these words, beside a change that could be made, and nothing whatever is changed.
async fn is_refused(store: &Store, alteration: Alteration, words: &[&str]) -> Result<()> {
    let before = everything(store).await?;
    let alteration = alteration.add_column(ColumnDef::new("views").integer().null());
    let error = alteration.run(store.connection()).await.err();
    let error = error.with_context(|| format!("accepted, and not refused with {words:?}"))?;
    let said = error.to_string();
    ensure!(
        error.is_invalid_input() && said.starts_with("nothing was changed: "),
        "{said}"
    );
    for word in words {
        ensure!(said.contains(word), "{word:?} is not in: {said}");
    }
    ensure!(everything(store).await? == before, "something was changed: {said}");
    Ok(())
}

fn posts() -> Alteration {
    Alteration::new("posts")
}

async fn without_a_value(db: Db) -> Result<()> {
    let store = one_connection(&db).await?;
    fresh(&store).await?;
    let required = posts().change_column(ColumnDef::new("slug").string_len(100).not_null());
    is_refused(
        &store,
        required,
        &[
            "posts.slug is to be required",
            "there are 1 row(s) (id = 4) without a value",
            "UPDATE",
        ],
    )
    .await?;
    let added = posts().add_column(ColumnDef::new("kind").integer().not_null());
    is_refused(
        &store,
        added,
        &[
            "posts.kind is required and has no default",
            "4 row(s) (id = 1; id = 2; id = 3; id = 4)",
        ],
    )
    .await
}

async fn equal_where_they_are_to_be_unique(db: Db) -> Result<()> {
    let store = one_connection(&db).await?;
    fresh(&store).await?;
    let words = [
        "posts.body is to be unique",
        "2 row(s) (id = 1; id = 2) that agree with another",
        "delete",
    ];
    is_refused(&store, posts().add_unique(["body"]), &words).await?;
    let index = posts().add_index(Index::create().unique().name("one_body").col("body"));
    is_refused(&store, index, &words).await?;
    let words = ["posts.(user_id, body) is to be unique", "2 row(s) (id = 1; id = 2)"];
    is_refused(&store, posts().add_unique(["user_id", "body"]), &words).await?;
    // NULLs agree with nobody.
    execute(&store, "UPDATE posts SET body = NULL WHERE id = 2").await?;
    posts().add_unique(["body"]).run(store.connection()).await?;
    Ok(())
}

async fn orphans(db: Db) -> Result<()> {
    let store = one_connection(&db).await?;
    fresh(&store).await?;
    execute(&store, "UPDATE posts SET user_id = 77 WHERE id IN (2, 3)").await?;
    let key = || {
        let mut key = ForeignKey::create();
        key.name("fk").from("posts", "user_id").to("users", "id");
        key
    };
    let words = [
        "posts.user_id is to reference users",
        "2 row(s) (id = 2; id = 3) that reference no row of it",
    ];
    is_refused(&store, posts().add_foreign_key(key()), &words).await?;
    // Of a column that is not there yet, with a default that is nobody.
    let mut added = ForeignKey::create();
    added.name("fk2").from("posts", "owner_id").to("users", "id");
    let owner = posts()
        .add_column(ColumnDef::new("owner_id").big_integer().not_null().default(9))
        .add_foreign_key(added);
    is_refused(&store, owner, &["posts.owner_id is to reference users", "4 row(s)"]).await?;
    execute(&store, "UPDATE posts SET user_id = 2 WHERE user_id = 77").await?;
    posts().add_foreign_key(key()).run(store.connection()).await?;
    Ok(())
}

async fn values_that_do_not_fit(db: Db) -> Result<()> {
    let store = one_connection(&db).await?;
    fresh(&store).await?;
    for sql in [
        "ALTER TABLE posts ADD COLUMN price decimal(10, 4)",
        "UPDATE posts SET slug = CASE id WHEN 1 THEN '12' WHEN 2 THEN ' 007 ' WHEN 3 THEN '12abc' END",
        "UPDATE posts SET body = 'longer', price = CASE id WHEN 1 THEN 1.5 WHEN 2 THEN 2 END",
    ] {
        execute(&store, sql).await?;
    }
    let narrow = posts().change_column(ColumnDef::new("body").string_len(3).null());
    is_refused(
        &store,
        narrow,
        &["posts.body is to hold 3 character(s)", "4 row(s)", "shorten"],
    )
    .await?;
    let whole_slug = || posts().change_column(ColumnDef::new("slug").integer().null());
    is_refused(
        &store,
        whole_slug(),
        &["posts.slug is to be int", "1 row(s) (id = 3) whose value is none"],
    )
    .await?;
    // Nobody is to find a price rounded.
    let whole = || posts().change_column(ColumnDef::new("price").big_integer().null());
    is_refused(
        &store,
        whole(),
        &[
            "posts.price is to be ",
            "1 row(s) (id = 1) whose value is none, or would be another",
        ],
    )
    .await?;
    if db.backend != Backend::Sqlite {
        execute(&store, "UPDATE posts SET user_id = 3000000000 WHERE id = 1").await?;
        let smaller = posts().change_column(ColumnDef::new("user_id").integer().null());
        is_refused(&store, smaller, &["posts.user_id is to be int", "1 row(s) (id = 1)"]).await?;
        let shorter = posts().change_column(ColumnDef::new("price").decimal_len(5, 4).null());
        execute(&store, "UPDATE posts SET price = 12 WHERE id = 4").await?;
        is_refused(&store, shorter, &["posts.price is to be ", "1 row(s) (id = 4)"]).await?;
        let day = posts().change_column(ColumnDef::new("title").date().null());
        is_refused(&store, day, &["posts.title is to be date", "4 row(s)"]).await?;
    }
    execute(
        &store,
        "UPDATE posts SET slug = '-3', price = 4 WHERE slug = '12abc' OR price = 1.5",
    )
    .await?;
    whole_slug().run(store.connection()).await?;
    whole().run(store.connection()).await?;
    let sum = match db.backend {
        Backend::Postgres => "SELECT SUM(slug)::bigint FROM posts",
        Backend::MySql => "SELECT CAST(SUM(slug) AS SIGNED) FROM posts",
        Backend::Sqlite => "SELECT SUM(slug) FROM posts",
    };
    ensure!(number(&store, sum).await? == 7 - 3 - 3);
    Ok(())
}

async fn what_a_check_refuses(db: Db) -> Result<()> {
    let store = one_connection(&db).await?;
    fresh(&store).await?;
    let checked = posts().change_column(
        ColumnDef::new("user_id")
            .big_integer()
            .null()
            .check(Expr::col("user_id").gt(1)),
    );
    is_refused(
        &store,
        checked,
        &["posts is to have the check", "2 row(s) (id = 1; id = 2)"],
    )
    .await
}

/// InnoDB alters a column of a key only without the key.
async fn keys_that_could_be_lost(db: Db) -> Result<()> {
    if db.backend != Backend::MySql {
        return Ok(());
    }
    let store = one_connection(&db).await?;
    fresh(&store).await?;
    let referencing = posts().change_column(ColumnDef::new("editor_id").unsigned().null());
    is_refused(&store, referencing, &["editor_id", "change_foreign_key"]).await?;
    let referenced = Alteration::new("users").change_column(ColumnDef::new("id").integer().not_null());
    is_refused(&store, referenced, &["an Alteration of posts"]).await?;
    Ok(())
}
