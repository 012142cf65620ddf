//! Several processes at once, and a process killed half-way.

use std::time::Duration;

use anyhow::{Result, ensure};
use sea_orm_cascade::Backend;
use sea_orm_migration::sea_orm::ConnectionTrait;

use super::{everywhere, migrate, number, store, succeeded};

const POSTS: i64 = 50_000;

#[tokio::test]
async fn processes_at_once_do_no_harm() -> Result<()> {
    everywhere(async |url| {
        let running: Vec<_> = (0..4)
            .map(|_| migrate(&url, &["up"]).spawn())
            .collect::<Result<_, _>>()?;
        for process in running {
            succeeded(&process.wait_with_output()?)?;
        }
        let store = store(&url).await?;
        ensure!(number(&store, "SELECT COUNT(*) FROM seaql_migrations").await? == 3);
        Ok(store.close().await?)
    })
    .await
}

/// Killed at fifteen different moments. Whatever it left, no post is lost, and running it again ends well.
#[tokio::test]
async fn a_process_killed_half_way_loses_nothing() -> Result<()> {
    everywhere(async |url| {
        succeeded(&migrate(&url, &["up", "-n", "2"]).output()?)?;
        let before = store(&url).await?;
        let series = match before.backend() {
            Backend::Postgres => format!("generate_series(1, {POSTS}) AS s (n)"),
            Backend::MySql => format!("(SELECT seq AS n FROM seq_1_to_{POSTS}) AS s"),
            Backend::Sqlite => {
                format!("(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {POSTS}) SELECT n FROM s) AS s")
            }
        };
        for sql in [
            "INSERT INTO users (id, email, password_hash) VALUES (17, 'ann', 'h')".to_owned(),
            format!("INSERT INTO posts (id, title, content) SELECT n, 'title', 'content' FROM {series}"),
        ] {
            before.connection().execute_unprepared(&sql).await?;
        }
        before.close().await?;

        let mut killed = 0;
        for moment in 0..15 {
            let mut process = migrate(&url, &["up"]).spawn()?;
            std::thread::sleep(Duration::from_millis(10 + moment * 17));
            // It may have ended by itself, which is a moment too.
            process.kill()?;
            killed += u32::from(!process.wait_with_output()?.status.success());

            succeeded(&migrate(&url, &["up"]).output()?)?;
            let store = store(&url).await?;
            let owned = number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 17 AND title = 'title'").await?;
            ensure!(owned == POSTS, "moment {moment}: {owned} posts");
            let ownerless = "INSERT INTO posts (title, content, user_id) VALUES ('t', 'c', 20)";
            ensure!(store.connection().execute_unprepared(ownerless).await.is_err(), "moment {moment}: no foreign key");
            store.close().await?;
            succeeded(&migrate(&url, &["down"]).output()?)?;
        }
        ensure!(killed > 0, "every process ended before it could be killed");
        Ok(())
    })
    .await
}

#[test]
fn without_a_database_it_says_how_to_name_one() -> Result<()> {
    let mut command = migrate("", &["up"]);
    command.env_remove("DATABASE_URL").current_dir(std::env::temp_dir());
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success() && said.contains("give --database-url, or set DATABASE_URL"),
        "{said}"
    );
    Ok(())
}
