//! Rows that would belong to nobody: wherever they come from, they are found and named, and none is lost.

use anyhow::{Context, Result, ensure};
use sea_orm::Value;
use sea_orm_cascade::migrate::{Backfill, Control, Event, RequiredForeignKey, StepKind, WritePath};
use sea_orm_cascade::{Backend, Error, ErrorKind, Store};

use super::catalog::everything;
use super::{POSTS, is_complete, owner, tables, up_to, wrong_owners};
use crate::harness::{Db, cases, execute, number};

cases![
    dangling_before_the_first_step,
    a_backfill_that_names_a_missing_parent,
    a_backfill_without_a_value,
    a_mapping_with_gaps,
    code_without_an_answer,
    code_that_answers_for_too_few,
    code_that_names_a_missing_parent,
    no_backfill_at_all,
    a_parent_that_goes_between_backfill_and_key,
    a_parent_that_goes_between_key_and_check,
    a_row_that_comes_between_backfill_and_not_null,
    a_row_that_dangles_between_key_and_proof,
];

/// What an error of that kind counts and names.
fn unfilled(error: &Error) -> Result<(u64, u64, Vec<String>)> {
    let ErrorKind::Unfilled {
        missing,
        dangling,
        sample,
        ..
    } = error.kind()
    else {
        anyhow::bail!("another error: {error}");
    };
    Ok((*missing, *dangling, sample.iter().map(ToString::to_string).collect()))
}

/// It is refused for these rows, and nothing whatever is changed.
async fn is_refused(
    request: &RequiredForeignKey,
    store: &Store,
    (missing, dangling): (u64, u64),
    first: i64,
) -> Result<()> {
    let before = everything(store).await?;
    let error = request.run(store.connection()).await.err().context("it was accepted")?;
    let (without, to_nobody, sample) = unfilled(&error)?;
    ensure!((without, to_nobody) == (missing, dangling), "{error}");
    ensure!(
        sample.first().is_some_and(|row| *row == format!("id = {first}")),
        "{sample:?} begins not with {first}"
    );
    ensure!(everything(store).await? == before, "something was changed: {error}");
    Ok(())
}

async fn ends_well(request: &RequiredForeignKey, store: &Store) -> Result<()> {
    request.resume(store.connection()).await?;
    ensure!(is_complete(store).await?);
    ensure!(number(store, "SELECT COUNT(*) FROM posts").await? == POSTS);
    Ok(())
}

async fn dangling_before_the_first_step(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    let number_type = match db.backend {
        Backend::Postgres | Backend::MySql => "bigint",
        Backend::Sqlite => "integer",
    };
    execute(&store, &format!("ALTER TABLE posts ADD COLUMN user_id {number_type}")).await?;
    execute(&store, "UPDATE posts SET user_id = 77 WHERE id IN (17, 500, 1000)").await?;
    is_refused(&owner(), &store, (0, 3), 17).await?;
    execute(&store, "UPDATE posts SET user_id = NULL WHERE user_id = 77").await?;
    ends_well(&owner(), &store).await?;
    ensure!(wrong_owners(&store).await? == 0);
    Ok(())
}

async fn a_backfill_that_names_a_missing_parent(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    // Eleven of a thousand have no such user.
    let wrong = owner().backfill(Backfill::sql("CASE WHEN id % 90 = 0 THEN 11 ELSE 1 + id % 10 END"));
    is_refused(&wrong, &store, (0, 11), 90).await?;
    ends_well(&owner(), &store).await?;
    ensure!(wrong_owners(&store).await? == 0);
    Ok(())
}

async fn a_backfill_without_a_value(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    let wrong = owner().backfill(Backfill::sql("CASE WHEN id % 90 = 0 THEN NULL ELSE 1 + id % 10 END"));
    is_refused(&wrong, &store, (11, 0), 90).await?;
    ends_well(&owner(), &store).await
}

/// Some posts are not in it, some are there without an owner, and one has an owner that is not there.
async fn a_mapping_with_gaps(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    execute(&store, "CREATE TABLE owners (post_id bigint, owner_id bigint)").await?;
    execute(
        &store,
        "INSERT INTO owners SELECT id, 1 + id % 10 FROM posts WHERE id % 100 <> 7",
    )
    .await?;
    execute(&store, "UPDATE owners SET owner_id = NULL WHERE post_id IN (8, 9)").await?;
    execute(&store, "UPDATE owners SET owner_id = 12 WHERE post_id = 10").await?;
    let mapped = owner().backfill(Backfill::mapping("owners", [("id", "post_id")], ["owner_id"]));
    is_refused(&mapped, &store, (12, 1), 7).await?;
    execute(&store, "DELETE FROM owners WHERE post_id IN (8, 9, 10)").await?;
    execute(
        &store,
        "INSERT INTO owners SELECT id, 1 + id % 10 FROM posts WHERE id % 100 = 7 OR id IN (8, 9, 10)",
    )
    .await?;
    ends_well(&mapped, &store).await?;
    ensure!(wrong_owners(&store).await? == 0);
    Ok(())
}

/// By the rule, but for what becomes of the row 555.
fn by_code(of_555: impl Fn(&mut Vec<Option<Vec<Value>>>) + Send + Sync + Clone + 'static) -> RequiredForeignKey {
    owner().backfill(Backfill::with(move |batch| {
        let of_555 = of_555.clone();
        async move {
            let mut given = Vec::new();
            for key in &batch.keys {
                let id: i64 = key.values()[0].parse().unwrap_or_default();
                given.push(Some(vec![Value::from(1 + id % 10)]));
                if id == 555 {
                    of_555(&mut given);
                }
            }
            Ok(given)
        }
    }))
}

/// What the code gives is known only when it is asked, so what was filled before stays.
async fn stops_and_goes_on(db: &Db, wrong: RequiredForeignKey, says: &str) -> Result<()> {
    let store = tables(db).await?;
    let error = wrong.run(store.connection()).await.err().context("it was accepted")?;
    ensure!(error.to_string().contains(says), "{error}");
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == POSTS);
    if db.backend != Backend::Sqlite {
        let filled = "SELECT COUNT(*) FROM posts WHERE user_id <> 0";
        ensure!(
            number(&store, filled).await? == 500,
            "the batch that failed was kept, or those before it were not"
        );
    }
    ends_well(&by_code(|_| ()), &store).await?;
    ensure!(wrong_owners(&store).await? == 0);
    Ok(())
}

async fn code_without_an_answer(db: Db) -> Result<()> {
    let none = by_code(|given| {
        given.pop();
        given.push(None);
    });
    stops_and_goes_on(&db, none, "id 555").await
}

async fn code_that_answers_for_too_few(db: Db) -> Result<()> {
    let too_few = by_code(|given| {
        given.pop();
    });
    stops_and_goes_on(&db, too_few, "answered for").await
}

async fn code_that_names_a_missing_parent(db: Db) -> Result<()> {
    let missing = by_code(|given| {
        given.pop();
        given.push(Some(vec![Value::from(99_i64)]));
    });
    stops_and_goes_on(&db, missing, "id 555").await
}

async fn no_backfill_at_all(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    let without = RequiredForeignKey::new("posts", ["user_id"]).references("users", ["id"]);
    is_refused(&without, &store, (1_000, 0), 1).await
}

/// The user is deleted by an application that does not know of the key yet.
async fn a_parent_that_goes_between_backfill_and_key(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = tables(&db).await?;
    up_to(&owner(), &store, StepKind::AddIndex).await?;
    execute(&store, "DELETE FROM users WHERE id = 4").await?;
    let before = everything(&store).await?;
    let error = owner()
        .resume(store.connection())
        .await
        .err()
        .context("it was accepted")?;
    let (missing, dangling, sample) = unfilled(&error)?;
    ensure!(
        (missing, dangling) == (0, 100) && sample.first().is_some_and(|row| row == "id = 3"),
        "{error}"
    );
    ensure!(everything(&store).await? == before, "something was changed");
    execute(&store, "UPDATE posts SET user_id = 5 WHERE user_id = 4").await?;
    ends_well(&owner(), &store).await?;
    ensure!(
        wrong_owners(&store).await? == 100,
        "only those that were repaired have another"
    );
    Ok(())
}

/// The key is there and not yet proved when the run comes upon them. They are named, all there, and can be repaired under the key.
async fn a_parent_that_goes_between_key_and_check(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = tables(&db).await?;
    up_to(&owner(), &store, StepKind::AddKey).await?;
    let aside = store.clone();
    let request = owner().on_progress({
        move |event| {
            if matches!(event, Event::Begins { step: StepKind::AddKey }) {
                let aside = aside.clone();
                let deleted = tokio::task::block_in_place(|| {
                    tokio::runtime::Handle::current()
                        .block_on(async { execute(&aside, "DELETE FROM users WHERE id = 4").await })
                });
                deleted.unwrap();
            }
            Control::Continue
        }
    });
    let error = request
        .resume(store.connection())
        .await
        .err()
        .context("it was accepted")?;
    let (missing, dangling, sample) = unfilled(&error)?;
    ensure!(
        (missing, dangling) == (0, 100) && sample.first().is_some_and(|row| row == "id = 3"),
        "{error}"
    );
    ensure!(
        number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 4").await? == 100,
        "rows were lost"
    );
    ensure!(!owner().plan(store.connection()).await?.is_done());
    execute(&store, "UPDATE posts SET user_id = 5 WHERE user_id = 4").await?;
    ends_well(&owner(), &store).await
}

async fn a_row_that_comes_between_backfill_and_not_null(db: Db) -> Result<()> {
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let store = tables(&db).await?;
    let by_application = owner().write_path(WritePath::Application);
    let late = match db.backend {
        Backend::Postgres => StepKind::AddCheck,
        Backend::MySql | Backend::Sqlite => StepKind::Require,
    };
    up_to(&by_application, &store, late).await?;
    execute(&store, "DELETE FROM posts WHERE id = 700").await?;
    execute(&store, "INSERT INTO posts (id, title) VALUES (700, 'late')").await?;
    let report = by_application.resume(store.connection()).await?;
    ensure!(report.filled == 1, "{report}");
    ends_well(&by_application, &store).await?;
    ensure!(wrong_owners(&store).await? == 0);
    Ok(())
}

/// On MySQL nobody has looked at the rows before the proof.
async fn a_row_that_dangles_between_key_and_proof(db: Db) -> Result<()> {
    if db.backend != Backend::MySql {
        return Ok(());
    }
    let store = tables(&db).await?;
    up_to(&owner(), &store, StepKind::Prove).await?;
    let careless = db
        .store_with(sea_orm_cascade::StoreOptions::new().max_connections(1))
        .await?;
    execute(&careless, "SET SESSION foreign_key_checks = 0").await?;
    execute(&careless, "UPDATE posts SET user_id = 55 WHERE id = 600").await?;
    careless.close().await?;
    let error = owner()
        .resume(store.connection())
        .await
        .err()
        .context("it was proved")?;
    let (missing, dangling, sample) = unfilled(&error)?;
    ensure!((missing, dangling) == (0, 1) && sample == ["id = 600"], "{error}");
    ensure!(!owner().plan(store.connection()).await?.is_done());
    execute(&store, "UPDATE posts SET user_id = 1 WHERE id = 600").await?;
    ends_well(&owner(), &store).await?;
    // A key that is dropped and made again is proved again.
    execute(&store, "ALTER TABLE posts DROP FOREIGN KEY `fk-posts-user_id`").await?;
    execute(&store, "UPDATE posts SET user_id = 55 WHERE id = 601").await?;
    let error = owner()
        .resume(store.connection())
        .await
        .err()
        .context("it was taken for proved")?;
    ensure!(unfilled(&error)?.2 == ["id = 601"], "{error}");
    Ok(())
}
