//! What a delete costs this library itself: planning, writing the statements, and small deletes on SQLite in memory.
//!
//! `benches/peers` compares with others, on all engines.

use std::sync::Arc;

use anyhow::{Context, Result};
use criterion::{Criterion, criterion_group, criterion_main};
use sea_orm::ConnectionTrait;
use sea_orm_cascade::delete::{self, Check, DeleteOptions, Relations, Roots};
use sea_orm_cascade::introspect::Scope;
use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Backend, Store};

/// A schema of so many tables, each of which references the one at half its number.
fn tree(backend: Backend, tables: usize) -> Result<Schema> {
    let mut text = format!("backend {backend}\n");
    for table in 0..tables {
        text.push_str(&format!("\ntable t{table:04}\n  id: bigint, not null\n"));
        if table > 0 {
            text.push_str("  parent_id: bigint, not null\n");
        }
        text.push_str("  primary key (id)\n");
        if table > 0 {
            text.push_str(&format!(
                "  foreign key (parent_id) references t{:04} (id), on delete cascade\n",
                table / 2
            ));
        }
    }
    Ok(Schema::parse(&text)?)
}

fn planning(criterion: &mut Criterion) -> Result<()> {
    let options = DeleteOptions::new().check(Check::Nothing);
    for tables in [3, 1_000] {
        let relations = Arc::new(Relations::new(tree(Backend::Postgres, tables)?));
        let roots = Roots::keys("t0000", [vec![17_i64.into()]]);
        criterion.bench_function(&format!("plan, {tables} tables"), |bencher| {
            bencher.iter(|| delete::plan(&relations, &roots, &options));
        });
        let plan = delete::plan(&relations, &roots, &options)?;
        criterion.bench_function(&format!("statements, {tables} tables"), |bencher| {
            bencher.iter(|| plan.statements());
        });
    }
    Ok(())
}

const TABLES: &str = "\
    CREATE TABLE users (id integer PRIMARY KEY, email text NOT NULL);\
    CREATE TABLE posts (id integer PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE);\
    CREATE INDEX posts_user_id ON posts (user_id)";

fn executing(criterion: &mut Criterion) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (store, relations) = runtime.block_on(async {
        let store = Store::connect("sqlite::memory:", entity::entities()).await?;
        for sql in TABLES.split(';') {
            store.connection().execute_unprepared(sql).await?;
        }
        let relations = Arc::new(Relations::read(store.connection(), &Scope::Own).await?);
        anyhow::Ok((store, relations))
    })?;
    let options = DeleteOptions::new().check(Check::Nothing);
    for posts in [3, 1_000] {
        let fill = [
            "INSERT INTO users VALUES (1, 'ann@example.com')".to_owned(),
            format!(
                "INSERT INTO posts (user_id) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {posts}) SELECT 1 FROM n"
            ),
        ];
        criterion.bench_function(&format!("insert and delete a user with {posts} posts"), |bencher| {
            bencher.to_async(&runtime).iter(|| async {
                for sql in &fill {
                    store.connection().execute_unprepared(sql).await?;
                }
                let roots = Roots::keys("users", [vec![1_i64.into()]]);
                let plan = delete::plan(&relations, &roots, &options)?;
                let report = plan.execute(&store).await?;
                (report.deleted("posts") == posts)
                    .then_some(())
                    .context("not all were deleted")
            });
        });
    }
    Ok(())
}

#[expect(clippy::expect_used, reason = "a benchmark that cannot run has nothing to say")]
fn all(criterion: &mut Criterion) {
    planning(criterion).expect("schemas that can be read");
    executing(criterion).expect("a database in memory");
}

criterion_group!(benches, all);
criterion_main!(benches);
