//! Ten changes of the entities, each with the migration that was generated for it.
//!
//! The migrations are committed as they were written, and compiled into this program. `UPDATE_GENERATED=1` writes them anew.

mod versions;

/// The generated migrations, which are formatted as their users' rustfmt does it and not as this project's.
mod migrations {
    #![expect(unreachable_pub, reason = "a migration's crate exports it")]
    #[rustfmt::skip]
    pub(super) mod m01_create_reviews;
    #[rustfmt::skip]
    pub(super) mod m02_books_have_an_author;
    #[rustfmt::skip]
    pub(super) mod m03_an_author_with_books_stays;
    #[rustfmt::skip]
    pub(super) mod m04_email_required_summary_not;
    #[rustfmt::skip]
    pub(super) mod m05_longer_names;
    #[rustfmt::skip]
    pub(super) mod m06_books_by_title;
    #[rustfmt::skip]
    pub(super) mod m07_one_author_an_email;
    #[rustfmt::skip]
    pub(super) mod m08_no_legacy;
    #[rustfmt::skip]
    pub(super) mod m09_teams_and_players;
    #[rustfmt::skip]
    pub(super) mod m10_reviews_are_ratings;
}

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use scratch::Scratch;
use sea_orm::sea_query::ColumnDef;
use sea_orm_cascade::diff::DiffOptions;
use sea_orm_cascade::lint::migration::{self, Direction};
use sea_orm_cascade::migrate::{Alteration, Hints, needs_type};
use sea_orm_cascade::overlay::LintSettings;
use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Backend, Entities, Store, lint};
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager};

use crate::harness::{Db, cases, execute, number};
use migrations::*;
use versions::versions;

cases![
    the_text_is_what_is_committed,
    ten_changes_up_and_down_with_rows,
    a_type_is_needed_once,
];

/// As a migration asks, with a name that has to be quoted.
async fn a_type_is_needed_once(db: Db) -> Result<()> {
    let store = db.store_of(Entities::new()).await?;
    let pool = store.connection().as_pool().context("it is a pool")?;
    let manager = SchemaManager::new(pool);
    let is_postgres = db.backend == Backend::Postgres;
    ensure!(needs_type(manager.get_connection(), "Mood").await? == is_postgres);
    if is_postgres {
        execute(&store, "CREATE TYPE \"Mood\" AS ENUM ('good')").await?;
    }
    ensure!(!needs_type(manager.get_connection(), "Mood").await?);
    ensure!(needs_type(manager.get_connection(), "mood").await? == is_postgres);
    Ok(())
}

struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m01_create_reviews::Migration),
            Box::new(m02_books_have_an_author::Migration),
            Box::new(m03_an_author_with_books_stays::Migration),
            Box::new(m04_email_required_summary_not::Migration),
            Box::new(m05_longer_names::Migration),
            Box::new(m06_books_by_title::Migration),
            Box::new(m07_one_author_an_email::Migration),
            Box::new(m08_no_legacy::Migration),
            Box::new(m09_teams_and_players::Migration),
            Box::new(m10_reviews_are_ratings::Migration),
        ]
    }
}

fn committed(step: usize) -> Result<String> {
    let name = Migrator::migrations().get(step).context("ten steps")?.name().to_owned();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/suite/generate/migrations/{name}.rs"));
    path.to_str().map(str::to_owned).context("a path")
}

/// What a comparison cannot know of each step.
fn hints(step: usize) -> Result<Hints> {
    let hints = Hints::new();
    Ok(match step {
        1 => hints.backfill("books.author_id=1 + id % 10")?,
        9 => hints.rename("reviews=ratings")?.rename("ratings.body=comment")?,
        _ => hints,
    })
}

async fn same_as_committed(store: &Store, step: usize) -> Result<()> {
    let generated = store.generate_migration(&hints(step)?, &DiffOptions::new()).await?;
    let source = generated.context("there is something to do")?.source;
    let path = committed(step)?;
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &source)?;
    }
    let script = migration::source::read(&source).script(store.backend(), Direction::Up);
    let mut findings = migration::lint(&script, &LintSettings::default());
    // Renaming takes a short lock on a table in use, and no builder of SeaORM's can set a limit for that.
    let renames = source.contains("Table::rename()");
    findings.retain(|finding| finding.code != "L36" || !renames);
    ensure!(findings.is_empty(), "{path}: {}", lint::text(&findings));
    let known = std::fs::read_to_string(&path)?;
    ensure!(source == known, "{path} is\n{known}\nand is now generated as\n{source}");
    Ok(())
}

/// Whatever the engine, and however the database came to be as it is.
async fn the_text_is_what_is_committed(db: Db) -> Result<()> {
    let versions = versions();
    for (step, pair) in versions.windows(2).enumerate() {
        let scratch = Scratch::create(&db.url).await?;
        let before = Store::connect(scratch.url(), pair[0].clone()).await?;
        before.create_all().await?;
        let store = Store::connect(scratch.url(), pair[1].clone()).await?;
        let same = same_as_committed(&store, step).await;
        before.close().await?;
        store.close().await?;
        scratch.discard().await?;
        same?;
    }
    let files: Vec<_> = (0..10).map(committed).collect::<Result<_>>()?;
    let formatted = Command::new("rustfmt")
        .args(["--check", "--edition", "2024", "--config", "max_width=100"])
        .args(&files)
        .output();
    // Not everybody has one.
    if let Ok(formatted) = formatted {
        let said = String::from_utf8_lossy(&formatted.stdout);
        ensure!(formatted.status.success(), "{said}");
    }
    Ok(())
}

const BOOKS: i64 = 1_500;

async fn rows(store: &Store, table: &str, columns: &str, values: &str, rows: i64) -> Result<()> {
    let series = match store.backend() {
        Backend::Postgres => format!("generate_series(1, {rows}) AS s (n)"),
        Backend::MySql => format!("(SELECT seq AS n FROM seq_1_to_{rows}) AS s"),
        Backend::Sqlite => format!(
            "(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) SELECT n FROM s) AS s"
        ),
    };
    execute(
        store,
        &format!("INSERT INTO {table} ({columns}) SELECT {values} FROM {series}"),
    )
    .await
}

/// Rows that there are from the beginning.
async fn first_rows(store: &Store) -> Result<()> {
    let text = |word: &str| match store.backend() {
        Backend::MySql => format!("CONCAT('{word} ', n)"),
        Backend::Postgres | Backend::Sqlite => format!("'{word} ' || n"),
    };
    let values = format!("{}, {}, {}", text("name"), text("email"), text("legacy"));
    rows(store, "authors", "name, email, legacy", &values, 10).await?;
    let values = format!("{}, {}, n % 7", text("title"), text("summary"));
    rows(store, "books", "title, summary, pages", &values, BOOKS).await
}

/// Every value that ought to be there is, by the database's own account.
async fn nothing_is_lost(store: &Store, step: usize) -> Result<()> {
    let reviews = if step >= 10 {
        ("ratings", "comment")
    } else {
        ("reviews", "body")
    };
    let mut checks = vec![
        ("books", "SELECT COUNT(*) FROM books".to_owned(), BOOKS),
        (
            "their values",
            "SELECT COUNT(*) FROM books WHERE pages = id % 7 AND title LIKE 'title %' AND summary LIKE 'summary %'"
                .to_owned(),
            BOOKS,
        ),
        (
            "authors",
            "SELECT COUNT(*) FROM authors WHERE name LIKE 'name %' AND email LIKE 'email %'".to_owned(),
            10,
        ),
    ];
    if step >= 1 {
        let (table, body) = reviews;
        checks.push((
            "reviews",
            format!("SELECT COUNT(*) FROM {table} WHERE stars = book_id % 5 AND {body} LIKE 'body %'"),
            BOOKS,
        ));
    }
    if step >= 2 {
        let owned =
            "SELECT COUNT(*) FROM books b JOIN authors a ON a.id = b.author_id WHERE b.author_id = 1 + b.id % 10";
        checks.push(("owners", owned.to_owned(), BOOKS));
    }
    for (what, sql, expected) in checks {
        let found = number(store, &sql).await?;
        ensure!(found == expected, "step {step}: {what}: {found}, not {expected}");
    }
    Ok(())
}

async fn migrate(store: &Store, step: usize) -> Result<()> {
    let pool = store.connection().as_pool().context("a pool")?;
    Migrator::up(pool, Some(1))
        .await
        .with_context(|| format!("up, step {step}"))?;
    match step {
        // What the file leaves to a person.
        8 => Alteration::new("authors").drop_column("legacy").run(pool).await?,
        1 => {
            let body = match store.backend() {
                Backend::MySql => "CONCAT('body ', n)",
                Backend::Postgres | Backend::Sqlite => "'body ' || n",
            };
            rows(
                store,
                "reviews",
                "book_id, stars, body",
                &format!("n, n % 5, {body}"),
                BOOKS,
            )
            .await?;
        }
        _ => {}
    }
    Ok(())
}

async fn back(store: &Store, step: usize) -> Result<()> {
    let pool = store.connection().as_pool().context("a pool")?;
    if step == 8 {
        let legacy = Alteration::new("authors").add_column(ColumnDef::new("legacy").string().null());
        legacy.run(pool).await?;
    }
    Migrator::down(pool, Some(1))
        .await
        .with_context(|| format!("down, step {step}"))?;
    Ok(())
}

async fn ten_changes_up_and_down_with_rows(db: Db) -> Result<()> {
    let options = DiffOptions::new();
    let versions = versions();
    let store = db.store_of(versions[0].clone()).await?;
    store.create_all().await?;
    first_rows(&store).await?;
    let mut were: Vec<Schema> = Vec::new();
    for (step, entities) in (1..).zip(&versions[1..]) {
        let store = db.store_of(entities.clone()).await?;
        were.push(without_the_migrator_s(store.introspect().await?));
        same_as_committed(&store, step - 1).await?;
        migrate(&store, step).await?;
        let diff = store.diff(&options).await?;
        ensure!(diff.is_empty(), "step {step}:\n{diff}");
        let again = store.generate_migration(&Hints::new(), &options).await?;
        ensure!(again.is_none(), "step {step}: {again:?}");
        nothing_is_lost(&store, step).await?;
        store.close().await?;
    }
    for (step, was) in (1..11).zip(&were).rev() {
        back(&store, step).await?;
        let is = without_the_migrator_s(store.introspect().await?);
        ensure!(
            is == *was,
            "after step {step} was taken back:\n{is}\nand before it:\n{was}"
        );
        if step > 1 {
            nothing_is_lost(&store, step - 1).await?;
        }
    }
    Ok(())
}

fn without_the_migrator_s(mut schema: Schema) -> Schema {
    schema.tables.retain(|table| table.name != "seaql_migrations".into());
    schema
}
