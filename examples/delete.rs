//! A delete looked at, refused, made possible, and carried out: with an action no database has, a hook, and exact counts.
//!
//! `cargo run --example delete`; `DATABASE_URL` chooses the server.

#![expect(clippy::print_stdout, reason = "it shows what it did")]

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use entity::{post, user};
use scratch::Scratch;
use sea_orm::ConnectionTrait;
use sea_orm_cascade::delete::{self, DeleteOptions, Relations, Roots};
use sea_orm_cascade::introspect::Scope;
use sea_orm_cascade::overlay::Overlay;
use sea_orm_cascade::{Error, Repository, RepositoryExt, Store};

/// Keys the database does not have: invoices protect their user, and log entries may stay behind.
const OVERLAY: &str = r#"
[[foreign_key]]
table = "invoices"
columns = ["user_id"]
references = { table = "users" }
on_delete = "protect"

[[foreign_key]]
table = "log_entries"
columns = ["actor_id"]
references = { table = "users" }
on_delete = "do_nothing"
"#;

#[tokio::main]
async fn main() -> Result<()> {
    let server = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite:file".to_owned());
    let scratch = Scratch::create(&server).await?;
    let outcome = run(scratch.url()).await;
    scratch.discard().await?;
    outcome
}

async fn run(url: &str) -> Result<()> {
    let store = Store::connect(url, entity::entities()).await?;
    prepare(&store).await?;

    // What there is, what shall happen, and which rows it is about. No row has been looked at yet.
    let relations = Relations::read(store.connection(), &Scope::Own).await?;
    let relations = Arc::new(relations.overlaid(&Overlay::parse(OVERLAY)?)?);
    let plan = delete::plan(&relations, &Roots::written("users", ["1"]), &DeleteOptions::new())?;

    println!("Deleting user 1 would be:\n\n{}\n", plan.preview(&store).await?);
    let refused = plan.execute(&store).await.err().context("it was deleted")?;
    ensure!(refused.is_blocked());
    println!("So it is refused: {refused}.\n");

    // The invoices get another owner, and then nothing blocks any more.
    execute(&store, "UPDATE invoices SET user_id = 2").await?;
    store.after_delete::<post::Entity, _>(async |batch| {
        println!("A hook sees {} posts go; it could still refuse.", batch.rows().len());
        Ok::<_, Error>(())
    });
    let report = plan.execute(&store).await?;
    println!("Done:\n\n{report}\n");
    ensure!(report.deleted("posts") == 3 && report.dangling("log_entries") == 2);

    // Without anything special, by what the entities declare.
    let report = store.repository::<user::Entity>().delete(2).await?;
    println!("And user 2, in one breath:\n\n{report}");
    store.close().await?;
    Ok(())
}

async fn prepare(store: &Store) -> Result<()> {
    store.create_all().await?;
    execute(
        store,
        "CREATE TABLE invoices (id bigint PRIMARY KEY, user_id bigint NOT NULL)",
    )
    .await?;
    execute(
        store,
        "CREATE TABLE log_entries (id bigint PRIMARY KEY, actor_id bigint)",
    )
    .await?;
    let users = store.repository::<user::Entity>();
    users
        .insert_many(["ann", "bob"].map(|name| user::new(format!("{name}@example.com"), "$argon2id$…")))
        .await?;
    let posts = store.repository::<post::Entity>();
    posts
        .insert_many((1..=4).map(|n| post::new(if n < 4 { 1 } else { 2 }, format!("post {n}"), "…")))
        .await?;
    execute(store, "INSERT INTO invoices VALUES (5, 1), (9, 1)").await?;
    execute(store, "INSERT INTO log_entries VALUES (1, 1), (2, 1), (3, NULL)").await
}

async fn execute(store: &Store, sql: &str) -> Result<()> {
    store.connection().execute_unprepared(sql).await?;
    Ok(())
}
