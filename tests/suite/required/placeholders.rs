//! On MySQL a new column is NOT NULL from the start, and a value that nobody has stands for none: the table is not built anew, no placeholder
//! is left, and none is taken for an owner.

use anyhow::{Context, Result, ensure};
use sea_orm::Value;
use sea_orm_cascade::migrate::{Backfill, Control, Event, RequiredForeignKey, Revert, StepKind, WritePath};
use sea_orm_cascade::{Backend, ErrorKind, Store};

use super::{POSTS, is_complete, owner, tables, up_to, wrong_owners};
use crate::harness::{Db, cases, execute, number};

cases![
    the_table_is_not_built_anew,
    of_every_type,
    a_placeholder_that_is_an_owner,
    a_nullable_column_that_is_there,
    rows_that_come_without_a_value,
    a_row_that_gets_none_stops_it_before_anybody_is_refused,
    back_from_half_way_leaves_none,
    back_is_cut_off_and_gone_on_with,
];

/// InnoDB gives a table that is built anew another number.
async fn table_number(store: &Store) -> Result<i64> {
    let sql = "SELECT CAST(table_id AS SIGNED) FROM information_schema.innodb_sys_tables WHERE name = CONCAT(DATABASE(), '/posts')";
    number(store, sql).await
}

/// The placeholder of the tests' key, by this name or not.
async fn zeros(store: &Store) -> Result<i64> {
    number(store, "SELECT COUNT(*) FROM posts WHERE user_id = 0").await
}

async fn the_table_is_not_built_anew(db: Db) -> Result<()> {
    if db.backend != Backend::MySql {
        return Ok(());
    }
    let store = tables(&db).await?;
    let before = table_number(&store).await?;
    let seen = owner();
    up_to(&seen, &store, StepKind::AddIndex).await?;
    ensure!(zeros(&store).await? == 0 && wrong_owners(&store).await? == 0);
    seen.run(store.connection()).await?;
    ensure!(is_complete(&store).await? && wrong_owners(&store).await? == 0);
    ensure!(table_number(&store).await? == before, "the table was built anew");
    // So that the comparison can fail:
    execute(&store, "ALTER TABLE posts FORCE").await?;
    ensure!(table_number(&store).await? != before);
    Ok(())
}

/// Keys of all the types that have a placeholder, and of some that have none.
async fn of_every_type(db: Db) -> Result<()> {
    if db.backend != Backend::MySql {
        return Ok(());
    }
    let store = tables(&db).await?;
    let types = [
        ("tinyint unsigned", "7", true),
        ("int", "7", true),
        ("bigint unsigned", "7", true),
        ("char(36)", "'0b5f2c1e'", true),
        ("varchar(40) COLLATE utf8mb4_bin", "'it''s'", true),
        ("uuid", "'6ccd780c-baba-1026-9564-5b8c656024db'", true),
        ("binary(16)", "X'6CCD780CBABA102695645B8C656024DB'", true),
        ("date", "'2026-11-27'", false),
        ("decimal(10,2)", "1.50", false),
    ];
    for (data_type, value, has_placeholder) in types {
        execute(&store, "DROP TABLE IF EXISTS posts, users, cascade_ledger").await?;
        execute(
            &store,
            &format!("CREATE TABLE users (id {data_type} NOT NULL PRIMARY KEY)"),
        )
        .await?;
        execute(&store, "CREATE TABLE posts (id bigint NOT NULL PRIMARY KEY)").await?;
        execute(&store, &format!("INSERT INTO users VALUES ({value})")).await?;
        execute(&store, "INSERT INTO posts SELECT seq FROM seq_1_to_10").await?;
        let before = table_number(&store).await?;
        let key = RequiredForeignKey::new("posts", ["user_id"])
            .references("users", ["id"])
            .backfill(Backfill::sql(value))
            .batch_rows(3);
        up_to(&key, &store, StepKind::Backfill)
            .await
            .with_context(|| data_type.to_owned())?;
        execute(&store, "INSERT INTO posts (id) VALUES (11)").await?;
        key.run(store.connection())
            .await
            .with_context(|| data_type.to_owned())?;
        ensure!(
            (table_number(&store).await? == before) == has_placeholder,
            "{data_type}"
        );
        let owned =
            format!("SELECT COUNT(*) FROM posts JOIN users ON users.id = posts.user_id WHERE user_id = {value}");
        ensure!(number(&store, &owned).await? == 11, "{data_type}");
        let refused = execute(&store, "INSERT INTO posts (id) VALUES (12)").await;
        ensure!(refused.is_err(), "{data_type}: a post without an owner was accepted");
    }
    Ok(())
}

/// User 0 is there, so 0 cannot stand for nobody.
async fn a_placeholder_that_is_an_owner(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    execute(&store, "UPDATE users SET id = 0 WHERE id = 10").await?;
    let key = owner().backfill(Backfill::sql("id % 10"));
    key.run(store.connection()).await?;
    ensure!(is_complete(&store).await?);
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id <> id % 10").await? == 0);
    ensure!(zeros(&store).await? == POSTS / 10);
    Ok(())
}

/// NULL is what stands for nobody there, and 0 is a value like any other.
async fn a_nullable_column_that_is_there(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    execute(&store, "ALTER TABLE posts ADD COLUMN user_id bigint").await?;
    execute(&store, "UPDATE posts SET user_id = 0 WHERE id = 17").await?;
    let error = owner()
        .run(store.connection())
        .await
        .err()
        .context("0 was taken for no value")?;
    ensure!(
        matches!(
            error.kind(),
            ErrorKind::Unfilled {
                missing: 0,
                dangling: 1,
                ..
            }
        ),
        "{error}"
    );
    ensure!(zeros(&store).await? == 1);
    execute(&store, "UPDATE posts SET user_id = 8 WHERE id = 17").await?;
    owner().run(store.connection()).await?;
    ensure!(is_complete(&store).await? && wrong_owners(&store).await? == 0);
    Ok(())
}

/// From the old application, at each moment at which it is not yet refused, and by the way of a trigger or without one.
async fn rows_that_come_without_a_value(db: Db) -> Result<()> {
    if db.backend != Backend::MySql {
        return Ok(());
    }
    for path in [WritePath::Trigger, WritePath::Application] {
        let store = tables(&db).await?;
        // A trigger does not see a number that MySQL counts up.
        execute(&store, "ALTER TABLE posts MODIFY COLUMN id bigint NOT NULL").await?;
        let key = owner().write_path(path);
        let mut expected = POSTS;
        for step in [StepKind::Backfill, StepKind::AddIndex, StepKind::Require] {
            up_to(&key, &store, step).await?;
            expected += 1;
            execute(
                &store,
                &format!("INSERT INTO posts (id, title) VALUES ({expected}, 'without')"),
            )
            .await?;
            if path == WritePath::Trigger {
                expected += 1;
                let null = format!("INSERT INTO posts (id, title, user_id) VALUES ({expected}, 'without', NULL)");
                execute(&store, &null).await?;
                execute(&store, &format!("UPDATE posts SET user_id = 0 WHERE id = {expected}")).await?;
                ensure!(
                    zeros(&store).await? == 0 || step == StepKind::Backfill,
                    "the trigger left one"
                );
            }
        }
        key.run(store.connection()).await.with_context(|| format!("{path:?}"))?;
        ensure!(
            is_complete(&store).await? && wrong_owners(&store).await? == 0,
            "{path:?}"
        );
        ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == expected);
        execute(&store, "DROP TABLE posts, users, cascade_ledger").await?;
    }
    Ok(())
}

/// Code that has no answer for a row that came late: the row is named, and nobody is refused yet.
async fn a_row_that_gets_none_stops_it_before_anybody_is_refused(db: Db) -> Result<()> {
    if db.backend != Backend::MySql {
        return Ok(());
    }
    let store = tables(&db).await?;
    let key = |knows: i64| {
        owner().backfill(Backfill::with(move |batch| async move {
            let answers = batch.keys.iter().map(|key| {
                let id: i64 = key.values().first()?.parse().ok()?;
                (id <= knows).then(|| vec![Value::from(1 + id % 10)])
            });
            Ok(answers.collect())
        }))
    };
    up_to(&key(POSTS), &store, StepKind::Require).await?;
    execute(&store, "INSERT INTO posts (id, title) VALUES (5000, 'late')").await?;
    let error = key(POSTS)
        .run(store.connection())
        .await
        .err()
        .context("it was accepted")?;
    let ErrorKind::Unfilled {
        missing: 1,
        dangling: 0,
        sample,
        ..
    } = error.kind()
    else {
        anyhow::bail!("another error: {error}");
    };
    ensure!(sample.iter().map(ToString::to_string).eq(["id = 5000"]), "{sample:?}");
    execute(&store, "INSERT INTO posts (id, title) VALUES (5001, 'later')").await?;
    key(6000).run(store.connection()).await?;
    ensure!(is_complete(&store).await? && wrong_owners(&store).await? == 0);
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == POSTS + 2);
    Ok(())
}

/// Stops behind so many batches.
fn behind_batches(request: RequiredForeignKey, batches: u64) -> RequiredForeignKey {
    let seen = std::sync::atomic::AtomicU64::new(0);
    request.on_progress(move |event| match event {
        Event::Filled { .. } if seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 == batches => Control::Stop,
        _ => Control::Continue,
    })
}

const NULLABLE: &str = "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'posts' \
                        AND column_name = 'user_id' AND is_nullable = 'YES' AND COALESCE(column_default, 'NULL') = 'NULL'";

async fn back_from_half_way_leaves_none(db: Db) -> Result<()> {
    if db.backend != Backend::MySql {
        return Ok(());
    }
    for how in [Revert::Soft, Revert::KeepData, Revert::Full] {
        let store = tables(&db).await?;
        let report = behind_batches(owner(), 4).run(store.connection()).await?;
        ensure!(report.stopped == Some(StepKind::Backfill), "{report}");
        ensure!(zeros(&store).await? == POSTS - 400);
        owner().revert(store.connection(), how).await?;
        if how == Revert::Full {
            ensure!(execute(&store, "SELECT user_id FROM posts").await.is_err());
        } else {
            ensure!(zeros(&store).await? == 0, "{how:?}");
            ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 1 + id % 10").await? == 400);
            ensure!(number(&store, NULLABLE).await? == 1, "{how:?}");
            execute(&store, "INSERT INTO posts (id, title) VALUES (5000, 'of nobody')").await?;
        }
        owner()
            .run(store.connection())
            .await
            .with_context(|| format!("{how:?}"))?;
        ensure!(
            is_complete(&store).await? && wrong_owners(&store).await? == 0,
            "{how:?}"
        );
        execute(&store, "DROP TABLE posts, users, cascade_ledger").await?;
    }
    Ok(())
}

/// Stopped within the clearing, it is gone on with either way.
async fn back_is_cut_off_and_gone_on_with(db: Db) -> Result<()> {
    if db.backend != Backend::MySql {
        return Ok(());
    }
    for goes_back in [true, false] {
        let store = tables(&db).await?;
        behind_batches(owner(), 4).run(store.connection()).await?;
        let report = behind_batches(owner(), 7)
            .revert(store.connection(), Revert::Soft)
            .await?;
        ensure!(report.stopped == Some(StepKind::ClearPlaceholders), "{report}");
        ensure!(zeros(&store).await? == 300);
        if goes_back {
            owner().revert(store.connection(), Revert::Soft).await?;
            ensure!(zeros(&store).await? == 0 && number(&store, NULLABLE).await? == 1);
        }
        owner().run(store.connection()).await?;
        ensure!(is_complete(&store).await? && wrong_owners(&store).await? == 0);
        execute(&store, "DROP TABLE posts, users, cascade_ledger").await?;
    }
    Ok(())
}
