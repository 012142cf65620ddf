//! The schema from the entities: create it, change it by hand, see what differs, lint it, put it right, draw it.
//!
//! `cargo run --example schema`; `DATABASE_URL` chooses the server.

#![expect(clippy::print_stdout, reason = "it shows what it did")]

use anyhow::Result;
use scratch::Scratch;
use sea_orm::ConnectionTrait;
use sea_orm_cascade::diff::DiffOptions;
use sea_orm_cascade::lint::{self, Declared, Subject};
use sea_orm_cascade::overlay::LintSettings;
use sea_orm_cascade::{Backend, Store, StoreOptions, render};

#[tokio::main]
async fn main() -> Result<()> {
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite::memory:".to_owned());
    let scratch = Scratch::create(&url).await?;
    let outcome = tour(scratch.url()).await;
    scratch.discard().await?;
    outcome
}

async fn tour(url: &str) -> Result<()> {
    // One connection: a script of statements may set something up for the next one.
    let options = StoreOptions::new().max_connections(1);
    let store = Store::connect_with(url, entity::entities(), options).await?;

    println!(
        "What the entities declare on {}:\n\n{}",
        store.backend(),
        store.schema()?
    );
    println!(
        "Created: {:?}",
        store
            .create_all()
            .await?
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    );
    assert!(store.diff(&DiffOptions::new()).await?.is_empty());

    // Somebody helps by hand.
    let (open, close) = if store.backend() == Backend::MySql {
        ('`', '`')
    } else {
        ('"', '"')
    };
    if store.backend() == Backend::MySql {
        // InnoDB does not give an index up that a key needs.
        let drop = "ALTER TABLE posts DROP FOREIGN KEY `fk-posts-user_id`";
        store.connection().execute_unprepared(drop).await?;
    }
    let on = if store.backend() == Backend::MySql {
        " ON posts"
    } else {
        ""
    };
    let drop = format!("DROP INDEX {open}idx-posts-user_id{close}{on}");
    store.connection().execute_unprepared(&drop).await?;
    let create = "CREATE UNIQUE INDEX stray ON posts (title)";
    store.connection().execute_unprepared(create).await?;

    let diff = store.diff(&DiffOptions::new()).await?;
    println!("\nWhat would have to change:\n\n{diff}");

    let live = store.introspect().await?;
    let declared = Declared::new(store.backend(), store.entities())?;
    let findings = lint::lint(&Subject::new(&live).entities(&declared), &LintSettings::default());
    println!("What the linter says:\n\n{}", lint::text(&findings));

    println!("The statements that put it right:\n");
    for step in diff.statements() {
        println!("{};", step.sql);
        store.connection().execute_unprepared(&step.sql).await?;
    }
    let again = store.diff(&DiffOptions::new()).await?;
    assert!(again.is_empty(), "{again}");

    println!("\nWhat references what:\n\n{}", render::tree(&live, None));
    println!(
        "As a diagram for Markdown:\n\n{}",
        render::mermaid(&store.introspect().await?)
    );
    store.close().await?;
    Ok(())
}
