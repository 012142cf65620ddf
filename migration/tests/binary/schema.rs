//! `schema create`, `diff`, `check` and `sql`, against changes made in SQL of the test's own.

use anyhow::{Context, Result, ensure};
use sea_orm_cascade::Backend;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::{everywhere, migrate, number, store, succeeded};

/// What the process said, and how it ended.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn schema(url: &str, arguments: &[&str]) -> Result<Said> {
    let output = migrate(url, &[&["schema"], arguments].concat()).output()?;
    Ok(Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

fn is_equal(url: &str) -> Result<()> {
    let said = schema(url, &["check"])?;
    ensure!(
        said.code == Some(0) && said.stdout.starts_with("equal: "),
        "{:?}: {}{}",
        said.code,
        said.stdout,
        said.stderr
    );
    Ok(())
}

async fn execute(url: &str, script: &str) -> Result<()> {
    let store = store(url).await?;
    let outcome = store.connection().execute_unprepared(script).await;
    store.close().await?;
    outcome.with_context(|| script.to_owned())?;
    Ok(())
}

async fn backend(url: &str) -> Result<Backend> {
    let store = store(url).await?;
    let backend = store.backend();
    store.close().await?;
    Ok(backend)
}

#[tokio::test]
async fn created_from_nothing_it_is_equal_and_nothing_is_left_to_migrate() -> Result<()> {
    everywhere(async |url| {
        ensure!(
            schema(&url, &["check"])?.code == Some(2),
            "an empty database is not equal"
        );
        let created = schema(&url, &["create"])?;
        ensure!(created.code == Some(0), "{}", created.stderr);
        is_equal(&url)?;

        let up = migrate(&url, &["up"]).output()?;
        succeeded(&up)?;
        let said = String::from_utf8_lossy(&up.stderr);
        ensure!(said.contains("No pending migrations"), "{said}");

        let again = schema(&url, &["create"])?;
        ensure!(again.stdout == "every table is there already\n", "{}", again.stdout);
        let store = store(&url).await?;
        ensure!(number(&store, "SELECT COUNT(*) FROM seaql_migrations").await? == 3);
        Ok(store.close().await?)
    })
    .await
}

#[tokio::test]
async fn history_ends_where_the_entities_are() -> Result<()> {
    everywhere(async |url| {
        succeeded(&migrate(&url, &["up"]).output()?)?;
        is_equal(&url)
    })
    .await
}

#[tokio::test]
async fn the_printed_statements_make_it() -> Result<()> {
    everywhere(async |url| {
        let printed = schema(&url, &["sql"])?;
        ensure!(printed.code == Some(0), "{}", printed.stderr);
        ensure!(schema(&url, &["create", "--sql"])?.stdout == printed.stdout);
        execute(&url, &printed.stdout).await?;
        is_equal(&url)
    })
    .await
}

/// SQLite alters no key and no column: the table is made anew, with this action and this nullability.
fn sqlite_posts(action: &str, nullability: &str) -> String {
    format!(
        "DROP TABLE posts;
         CREATE TABLE posts (
             id integer NOT NULL PRIMARY KEY AUTOINCREMENT,
             title varchar NOT NULL,
             content text NOT NULL,
             published boolean NOT NULL DEFAULT TRUE,
             created_at timestamp_with_timezone_text NOT NULL DEFAULT CURRENT_TIMESTAMP,
             user_id integer {nullability},
             FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE {action}
         );
         CREATE INDEX by_user ON posts (user_id)"
    )
}

const WITHOUT_INDEX: &str = "posts: add index (user_id), as idx-posts-user_id";
const WITHOUT_KEY: &str =
    "posts: add foreign key (user_id) references users (id), on delete cascade, as fk-posts-user_id";
const OTHER_ACTION: &str = "posts: change foreign key posts.user_id: on delete restrict to cascade";
const NULLABLE: &str = "posts: change column user_id: not null";

/// What somebody does to the database, and what has to be said of it.
fn changes(backend: Backend) -> Vec<(String, Vec<&'static str>)> {
    let stray = "CREATE UNIQUE INDEX stray ON posts (title)".to_owned();
    let stray_index = "posts: drop index (title), unique, as stray, which nothing declares";
    match backend {
        Backend::Postgres => vec![
            (r#"DROP INDEX "idx-posts-user_id""#.to_owned(), vec![WITHOUT_INDEX]),
            (
                r#"ALTER TABLE posts DROP CONSTRAINT "fk-posts-user_id",
                   ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT"#
                    .to_owned(),
                vec![OTHER_ACTION],
            ),
            (
                "ALTER TABLE posts ALTER user_id DROP NOT NULL".to_owned(),
                vec![NULLABLE],
            ),
            (stray, vec![stray_index]),
        ],
        Backend::MySql => vec![
            (
                // InnoDB lets no key be without an index.
                "ALTER TABLE posts DROP FOREIGN KEY `fk-posts-user_id`, DROP INDEX `idx-posts-user_id`".to_owned(),
                vec![WITHOUT_INDEX, WITHOUT_KEY],
            ),
            (
                "ALTER TABLE posts DROP FOREIGN KEY `fk-posts-user_id`;
                 ALTER TABLE posts ADD CONSTRAINT other FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT"
                    .to_owned(),
                // RESTRICT and NO ACTION are one there.
                vec!["posts: change foreign key posts.user_id: on delete no action to cascade"],
            ),
            (
                "ALTER TABLE posts MODIFY user_id bigint NULL".to_owned(),
                vec![NULLABLE],
            ),
            // MySQL does not tell a unique index from a unique key.
            (
                stray,
                vec!["posts: drop unique (title), as stray, which nothing declares"],
            ),
        ],
        Backend::Sqlite => vec![
            (r#"DROP INDEX "idx-posts-user_id""#.to_owned(), vec![WITHOUT_INDEX]),
            (sqlite_posts("RESTRICT", "NOT NULL"), vec![OTHER_ACTION]),
            (sqlite_posts("CASCADE", "NULL"), vec![NULLABLE]),
            (stray, vec![stray_index]),
        ],
    }
}

#[tokio::test]
async fn each_change_is_named_found_and_undone() -> Result<()> {
    everywhere(async |url| {
        succeeded(&migrate(&url, &["schema", "create"]).output()?)?;
        for (change, expected) in changes(backend(&url).await?) {
            execute(&url, &change).await?;
            let diff = schema(&url, &["diff"])?;
            let named: Vec<_> = diff.stdout.lines().filter(|line| !line.starts_with(' ')).collect();
            ensure!(
                diff.code == Some(0) && named == expected,
                "{change}: {named:?} {}",
                diff.stderr
            );
            let check = schema(&url, &["check"])?;
            ensure!(
                check.code == Some(2) && check.stdout == diff.stdout,
                "{change}: {:?}",
                check.code
            );

            execute(&url, &schema(&url, &["diff", "--format", "sql"])?.stdout).await?;
            is_equal(&url).with_context(|| change)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_loses_values_is_for_a_person_to_uncomment() -> Result<()> {
    everywhere(async |url| {
        succeeded(&migrate(&url, &["schema", "create"]).output()?)?;
        execute(
            &url,
            "ALTER TABLE users ADD COLUMN nick varchar(20);
             INSERT INTO users (email, password_hash, nick) VALUES ('ann', 'h', 'annie')",
        )
        .await?;
        let sql = schema(&url, &["diff", "--format", "sql"])?.stdout;
        ensure!(sql.contains("-- destructive: "), "{sql}");
        // A comment alone is a statement to no engine.
        execute(&url, &format!("{sql}SELECT 1")).await?;

        let opened = store(&url).await?;
        ensure!(number(&opened, "SELECT COUNT(nick) FROM users").await? == 1);
        opened.close().await?;
        ensure!(schema(&url, &["check"])?.code == Some(2));

        execute(&url, &sql.replace("-- destructive: ", "").replace("\n-- ", "\n")).await?;
        is_equal(&url)?;
        let opened = store(&url).await?;
        ensure!(number(&opened, "SELECT COUNT(*) FROM users").await? == 1);
        Ok(opened.close().await?)
    })
    .await
}

#[tokio::test]
async fn migrations_are_linted_as_files() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let file = |name: &str, body: &str| {
        let text =
            format!("impl MigrationTrait for M {{\nasync fn up(&self, manager: &SchemaManager) {{\n{body}\n}} }}");
        std::fs::write(directory.path().join(name), text)
    };
    file(
        "m20260101_000001_a.rs",
        "db.execute_unprepared(\"DELETE FROM posts\").await",
    )?;
    file(
        "m20260102_000001_b.rs",
        "other::module(manager).await;\ndb.execute_unprepared(\"DELETE FROM users\").await",
    )?;
    file("my_helper.rs", "db.execute_unprepared(\"DELETE FROM tags\").await")?;
    everywhere(async |url| {
        let named = directory.path().display().to_string();
        let lint = |more: &[&str]| schema(&url, &[&["lint", "--migrations", &named], more].concat());
        let all = lint(&[])?;
        ensure!(all.code == Some(2), "{}", all.stderr);
        for table in ["posts", "users"] {
            let wanted = format!("warning L40 destructive: all rows of {table} are deleted");
            ensure!(all.stdout.contains(&wanted), "{}", all.stdout);
        }
        ensure!(!all.stdout.contains("tags"), "{}", all.stdout);
        ensure!(
            all.stderr
                .contains("m20260102_000001_b.rs:3: what module does could not be read"),
            "{}",
            all.stderr
        );
        let since = lint(&["--since", "m20260102"])?;
        ensure!(
            !since.stdout.contains("posts") && since.stdout.contains("m20260102_000001_b.rs:4"),
            "{}",
            since.stdout
        );
        let json = lint(&["--format", "json", "--fail-on", "error"])?;
        ensure!(
            json.code == Some(0) && json.stdout.contains("\"line\": 4"),
            "{}",
            json.stdout
        );
        Ok(())
    })
    .await?;
    // In the crate's own directory the files are found.
    let own = schema("sqlite::memory:", &["lint", "--migrations"])?;
    ensure!(own.code == Some(0), "{}{}", own.stdout, own.stderr);
    Ok(())
}

#[tokio::test]
async fn a_migration_is_generated_and_registered() -> Result<()> {
    everywhere(async |url| {
        let directory = tempfile::tempdir()?;
        let lib = directory.path().join("lib.rs");
        std::fs::write(
            &lib,
            "mod m20260101_000001_a;\n\nfn migrations() -> V {\n    vec![Box::new(m20260101_000001_a::Migration)]\n}\n",
        )?;
        let place = directory.path().to_str().context("a path")?;
        let generate = |more: &[&str]| schema(&url, &[&["generate", "Index the posts", "--dir", place], more].concat());

        let pending = generate(&[])?;
        ensure!(pending.code == Some(1), "{}", pending.stdout);
        ensure!(
            pending.stderr.contains("apply the pending migrations first (3)"),
            "{}",
            pending.stderr
        );

        succeeded(&migrate(&url, &["up"]).output()?)?;
        let equal = generate(&[])?;
        ensure!(
            equal.stdout == "equal: nothing to migrate\n",
            "{}{}",
            equal.stdout,
            equal.stderr
        );

        // InnoDB does not let a key be without one.
        if backend(&url).await? == Backend::MySql {
            return Ok(());
        }
        execute(&url, "DROP INDEX \"idx-posts-user_id\"").await?;
        let printed = generate(&["--dry-run"])?;
        let index = "Index::create().name(\"idx-posts-user_id\").col(\"user_id\")";
        ensure!(printed.stdout.contains(index), "{}{}", printed.stdout, printed.stderr);
        ensure!(std::fs::read_dir(place)?.count() == 1, "a dry run writes nothing");

        let written = generate(&[])?;
        ensure!(written.code == Some(0), "{}", written.stderr);
        let files = std::fs::read_dir(place)?.collect::<Result<Vec<_>, _>>()?;
        let names: Vec<_> = files
            .iter()
            .filter_map(|file| file.file_name().into_string().ok())
            .collect();
        let name = names
            .iter()
            .find(|name| name.ends_with("_index_the_posts.rs"))
            .context("it is written")?;
        let module = name.strip_suffix(".rs").context("a module")?;
        let registered = std::fs::read_to_string(&lib)?;
        ensure!(registered.contains(&format!("\nmod {module};\n")), "{registered}");
        ensure!(
            registered.contains(&format!("\n        Box::new({module}::Migration),\n")),
            "{registered}"
        );

        let unknown = generate(&["--rename", "post=articles"])?;
        ensure!(unknown.stderr.contains("did you mean posts?"), "{}", unknown.stderr);
        Ok(())
    })
    .await
}
