//! The tutorial from end to end: users and posts without a relation, the relation made on tables that have rows, what it refuses, what it
//! takes along, its removal, and the same schema made from the entities.
//!
//! `cargo run --example cascade` runs it on SQLite in memory; `DATABASE_URL=postgres://… cargo run --example cascade` on that server, in a
//! database of its own that is gone afterwards.

#![expect(clippy::print_stdout, reason = "it tells a story")]

use anyhow::{Result, bail, ensure};
use entity::{post, user};
use migration::Command;
use scratch::Scratch;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::ConnectionTrait;
use sea_orm_cascade::{Backend, Query, Repository, RepositoryExt, Store, introspect};

#[tokio::main]
async fn main() -> Result<()> {
    let server = std::env::var("DATABASE_URL").unwrap_or_else(|_| "sqlite::memory:".to_owned());
    let scratch = Scratch::create(&server).await?;
    let empty = match Scratch::create(&server).await {
        Ok(empty) => empty,
        Err(error) => {
            scratch.discard().await?;
            return Err(error);
        }
    };
    let story = tokio::spawn(tell(scratch.url().to_owned(), empty.url().to_owned()));
    // Whether the story ends well, fails, panics or is interrupted: its databases go.
    let outcome = tokio::select! {
        told = story => told.map_err(anyhow::Error::from).flatten(),
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    scratch.discard().await?;
    empty.discard().await?;
    outcome?;
    if server == "sqlite::memory:" {
        println!(
            "\nSkipped: PostgreSQL and MariaDB. Set DATABASE_URL=postgres://… or mysql://… to hear the same story there."
        );
    }
    Ok(())
}

async fn tell(url: String, empty_url: String) -> Result<()> {
    let store = Store::connect(&url, entity::entities()).await?;
    let database = match store.backend() {
        Backend::Postgres => "PostgreSQL",
        Backend::MySql => "MySQL or MariaDB",
        Backend::Sqlite => "SQLite",
    };
    println!("The cascade tutorial, on {database}");
    without_a_relation(&store).await?;
    make_the_relation(&store).await?;
    what_it_refuses(&store).await?;
    what_it_takes_along(&store).await?;
    remove_the_relation(&store).await?;
    store.close().await?;
    from_the_entities(&empty_url).await
}

async fn without_a_relation(store: &Store) -> Result<()> {
    chapter(1, "Users and posts exist, with rows and with no relation between them");
    migration::run(store, Command::Up(Some(2))).await?;
    let users = store.repository::<user::Entity>();
    users.insert(with_id(17, "ann@example.com")).await?;
    users.insert(with_id(18, "bob@example.com")).await?;
    let posts = "INSERT INTO posts (title, content) VALUES ('Hello', '…'), ('Second thoughts', '…'), ('A recipe', '…')";
    store.connection().execute_unprepared(posts).await?;
    say(&format!(
        "users: 17 (ann@example.com), 18 (bob@example.com). posts: {}, and nobody owns them.",
        rows_of_posts(store).await?
    ));
    Ok(())
}

async fn make_the_relation(store: &Store) -> Result<()> {
    chapter(2, "Migrate: posts.user_id is required, indexed, and ON DELETE CASCADE");
    migration::run(store, Command::Up(None)).await?;
    let posts = store.repository::<post::Entity>().select(Query::new()).await?;
    ensure!(
        posts.len() == 3 && posts.iter().all(|post| post.user_id == 17),
        "the posts were not given to user 17"
    );
    say("No table had to be emptied: all 3 posts are there, and the oldest user, 17, owns them.");
    for key in introspect::foreign_keys(store.connection()).await? {
        say(&format!(
            "The catalog says: {} → {}, on delete {}.",
            key.relation, key.relation.referenced_table, key.on_delete
        ));
    }
    Ok(())
}

async fn what_it_refuses(store: &Store) -> Result<()> {
    chapter(3, "What the relation refuses, and what it allows");
    let posts = store.repository::<post::Entity>();
    let nobodys = post::ActiveModel {
        user_id: NotSet,
        ..post::new(0, "Whose is this?", "…")
    };
    let Err(error) = posts.insert(nobodys).await else {
        bail!("a post without an owner was accepted");
    };
    say(&format!("A post without an owner:  {error}"));

    posts
        .insert_many([
            post::new(17, "On keys", "…"),
            post::new(18, "On locks", "…"),
            post::new(18, "On doors", "…"),
        ])
        .await?;
    say("Posts for users 17 and 18: accepted.");

    let Err(error) = posts.insert(post::new(20, "Lost", "…")).await else {
        bail!("a post for a user who does not exist was accepted");
    };
    say(&format!("A post for user 20:       {error}"));
    Ok(())
}

async fn what_it_takes_along(store: &Store) -> Result<()> {
    chapter(4, "What goes with a user");
    let users = store.repository::<user::Entity>();
    let anns = users.related::<post::Entity>(17).await?;
    say("The posts of user 17:");
    for post in &anns {
        println!("     {:>3}  {}", post.id, post.title);
    }

    let report = users.delete(17).await?;
    say("Delete user 17. It took:");
    for line in report.to_string().lines() {
        println!("     {line}");
    }
    ensure!(
        report.deleted("users") == 1 && report.deleted("posts") == 4,
        "the report is wrong: {report}"
    );

    let everyone = users.with_related::<post::Entity>(sea_orm::Condition::all()).await?;
    for (user, posts) in everyone {
        let titles: Vec<_> = posts.iter().map(|post| post.title.as_str()).collect();
        say(&format!("Still there: user {} with {}.", user.id, titles.join(" and ")));
    }
    Ok(())
}

async fn remove_the_relation(store: &Store) -> Result<()> {
    chapter(5, "Undo it: the relation goes, the posts stay");
    migration::run(store, Command::Down(Some(1))).await?;
    let keys = introspect::foreign_keys(store.connection()).await?;
    let kept = rows_of_posts(store).await?;
    ensure!(
        keys.is_empty() && kept == 2,
        "{} keys and {kept} posts are left",
        keys.len()
    );
    say(&format!("Foreign keys left: {}. Posts left: {kept}.", keys.len()));
    Ok(())
}

async fn from_the_entities(url: &str) -> Result<()> {
    chapter(6, "On an empty database: the whole schema, from the entities");
    let store = Store::connect(url, entity::entities()).await?;
    let created: Vec<_> = store.create_all().await?.iter().map(ToString::to_string).collect();
    say(&format!("Created, in this order: {}.", created.join(", ")));
    for key in introspect::foreign_keys(store.connection()).await? {
        let indexes = introspect::indexes(store.connection(), &key.relation.table).await?;
        ensure!(indexes.contains("idx-posts-user_id"), "the key has no index");
        say(&format!(
            "{} → {}, on delete {}, with the index idx-posts-user_id.",
            key.relation, key.relation.referenced_table, key.on_delete
        ));
    }
    ensure!(store.create_all().await?.is_empty(), "creating again created something");
    say("Asked again, it finds nothing to do.");
    store.close().await?;
    Ok(())
}

fn with_id(id: i64, email: &str) -> user::ActiveModel {
    user::ActiveModel {
        id: Set(id),
        ..user::new(email, "$argon2id$v=19$…")
    }
}

/// Also where `posts` has no owner yet, and the entity does not fit.
async fn rows_of_posts(store: &Store) -> Result<i64> {
    let counted =
        sea_orm::Statement::from_string(store.connection().get_database_backend(), "SELECT COUNT(*) FROM posts");
    let row = store.connection().query_one_raw(counted).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get_by_index(0))?)
}

fn chapter(number: u32, title: &str) {
    println!("\n{number}. {title}");
}

fn say(sentence: &str) {
    println!("   {sentence}");
}
