//! Plans: from which rows they start, who carries them out, and when they are refused.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use entity::{post, user};
use sea_orm::{ColumnTrait, Condition};
use sea_orm_cascade::delete::{self, Check, Counting, DeleteOptions, Enforce, Plan, RawCondition, Relations, Roots};
use sea_orm_cascade::introspect::Scope;
use sea_orm_cascade::overlay::Overlay;
use sea_orm_cascade::{Backend, Entities, Error, ErrorKind, Repository, RepositoryExt, Store};

use crate::harness::{Db, cases, execute, number};

cases![
    saved_and_carried_out_later,
    refused_after_the_schema_changed,
    refused_after_the_counts_changed,
    roots_by_a_condition_that_looks_at_what_goes,
    roots_as_people_write_them,
    many_roots_at_once,
    what_cannot_be_planned,
    left_to_the_database,
    declared_actions_win,
    a_catalog_that_changed_is_read_again,
    no_constraint_takes_a_late_row_that_the_key_protects,
    without_the_right_to_temporary_tables,
];

/// Users 1 to 4, of whom each has as many posts as its number, and invoices for two posts.
async fn prepared(db: &Db) -> Result<Store> {
    let store = db.created().await?;
    for id in 1..=4 {
        execute(
            &store,
            &format!("INSERT INTO users (id, email, password_hash) VALUES ({id}, 'u{id}', 'h')"),
        )
        .await?;
        let posts = (0..id).map(|n| post::new(id, format!("{n}"), "…"));
        store.repository::<post::Entity>().insert_many(posts).await?;
    }
    Ok(store)
}

async fn relations(store: &Store) -> Result<Arc<Relations>> {
    Ok(Arc::new(Relations::read(store.connection(), &Scope::Own).await?))
}

async fn overlaid(store: &Store, text: &str) -> Result<Arc<Relations>> {
    let relations = Relations::read(store.connection(), &Scope::Own).await?;
    Ok(Arc::new(relations.overlaid(&Overlay::parse(text)?)?))
}

async fn planned(store: &Store, roots: &Roots, options: &DeleteOptions) -> Result<Plan> {
    Ok(delete::plan(&relations(store).await?, roots, options)?)
}

async fn left(store: &Store) -> Result<(i64, i64)> {
    Ok((
        number(store, "SELECT COUNT(*) FROM users").await?,
        number(store, "SELECT COUNT(*) FROM posts").await?,
    ))
}

async fn saved_and_carried_out_later(db: Db) -> Result<()> {
    let store = prepared(&db).await?;
    let plan = planned(&store, &Roots::written("users", ["2", "3"]), &DeleteOptions::new()).await?;
    let text = plan.save()?;
    drop(plan);
    let report = delete::load(&text, &relations(&store).await?)?.execute(&store).await?;
    ensure!(report.to_string() == "posts  deleted 5\nusers  deleted 2", "{report}");
    ensure!(left(&store).await? == (2, 5));

    let roots = Roots::matching("users", RawCondition::new("email = 'u1'"));
    let plan = planned(&store, &roots, &DeleteOptions::new()).await?;
    let again = delete::load(&plan.save()?, &relations(&store).await?)?;
    ensure!(again.preview(&store).await?.roots() == 1);
    let error = delete::load("{}", &relations(&store).await?).unwrap_err();
    ensure!(error.to_string().starts_with("this is not a saved plan: "), "{error}");
    Ok(())
}

async fn refused_after_the_schema_changed(db: Db) -> Result<()> {
    let store = prepared(&db).await?;
    let plan = planned(&store, &Roots::written("users", ["2"]), &DeleteOptions::new()).await?;
    let preview = plan.preview(&store).await?;
    execute(&store, "ALTER TABLE posts ADD COLUMN pinned integer").await?;
    for error in [
        plan.execute(&store).await.unwrap_err(),
        preview.execute(&store).await.unwrap_err(),
        delete::load(&plan.save()?, &relations(&store).await?).unwrap_err(),
    ] {
        ensure!(error.is_stale_plan(), "{error}");
        ensure!(
            error.to_string()
                == "nothing was deleted: this is not what was planned, for the schema has changed since; plan again and look at it",
            "{error}"
        );
    }
    ensure!(left(&store).await? == (4, 10));
    Ok(())
}

async fn refused_after_the_counts_changed(db: Db) -> Result<()> {
    let store = prepared(&db).await?;
    let options = DeleteOptions::new().check(Check::Counts);
    let plan = planned(&store, &Roots::written("users", ["2"]), &options).await?;
    let preview = plan.preview(&store).await?;
    store
        .repository::<post::Entity>()
        .insert(post::new(2, "one more", "…"))
        .await?;
    let error = preview.execute(&store).await.unwrap_err();
    ensure!(error.is_stale_plan(), "{error}");
    ensure!(left(&store).await? == (4, 11));
    let report = plan.preview(&store).await?.execute(&store).await?;
    ensure!(report.deleted("posts") == 3, "{report}");
    Ok(())
}

/// While posts go, the condition finds other users; it must be asked once.
async fn roots_by_a_condition_that_looks_at_what_goes(db: Db) -> Result<()> {
    let store = prepared(&db).await?;
    let many = RawCondition::new("(SELECT COUNT(*) FROM posts WHERE posts.user_id = users.id) >= 3 -- of theirs");
    let plan = planned(&store, &Roots::matching("users", many), &DeleteOptions::new()).await?;
    let preview = plan.preview(&store).await?;
    ensure!(preview.roots() == 2 && preview.deleted("posts") == 7);
    let report = plan.execute(&store).await?;
    ensure!(report.roots() == 2);
    ensure!(report.to_string() == "posts  deleted 7\nusers  deleted 2", "{report}");
    ensure!(left(&store).await? == (2, 3));
    // Again: nobody is left who has three.
    let report = plan.execute(&store).await?;
    ensure!(
        report.roots() == 0 && report.to_string() == "nothing deleted",
        "{report}"
    );

    let users = store.repository::<user::Entity>();
    let report = users
        .delete_by(
            Condition::any()
                .add(user::Column::Email.eq("u1"))
                .add(user::Column::Id.eq(99)),
        )
        .await?;
    ensure!(report.to_string() == "posts  deleted 1\nusers  deleted 1", "{report}");
    Ok(())
}

async fn roots_as_people_write_them(db: Db) -> Result<()> {
    let store = prepared(&db).await?;
    execute(
        &store,
        "CREATE TABLE seats (line integer NOT NULL, place varchar(20) NOT NULL, PRIMARY KEY (line, place))",
    )
    .await?;
    execute(&store, "INSERT INTO seats VALUES (1, 'a'), (1, 'b,c'), (2, 'a')").await?;
    let relations = relations(&store).await?;
    for (table, keys, rows) in [
        ("users", &["2"][..], 1),
        ("users", &["id=2", "id=3"], 2),
        ("users", &["email=u3"], 1),
        ("users", &["2", "2", "99"], 1),
        ("seats", &["1,a"], 1),
        ("seats", &["line=1,place=a", "line=1,place=b,c"], 2),
        ("seats", &["line=1"], 2),
        ("seats", &["place=a,line=2"], 1),
    ] {
        let plan = delete::plan(
            &relations,
            &Roots::written(table, keys.iter().copied()),
            &DeleteOptions::new(),
        )?;
        let preview = plan.preview(&store).await?;
        ensure!(preview.roots() == rows, "{keys:?}: {}", preview.roots());
    }
    for (table, key, problem) in [
        ("user", "2", "there is no table user, did you mean users?"),
        ("users", "idd=2", "users has no column idd, did you mean id?"),
        ("users", "2x", "it must be a whole number, and \"2x\" is not"),
        (
            "seats",
            "1",
            "the primary key of seats is (line, place): give a value for each, as in line=…,place=…",
        ),
    ] {
        let roots = Roots::written(table, [key]);
        let error = delete::plan(&relations, &roots, &DeleteOptions::new()).unwrap_err();
        ensure!(
            error.is_invalid_input() && error.to_string().ends_with(problem),
            "{error}"
        );
    }
    Ok(())
}

/// More than one statement lists, on every engine.
async fn many_roots_at_once(db: Db) -> Result<()> {
    let store = db.created().await?;
    let users = store.repository::<user::Entity>();
    users
        .insert_many((1..=3_000).map(|n| user::new(format!("{n}"), "h")))
        .await?;
    let posts = store.repository::<post::Entity>();
    posts.insert_many((1..=3_000).map(|n| post::new(n, "t", "c"))).await?;
    let report = users.delete_many(501..=2_600).await?;
    ensure!(
        report.to_string() == "posts  deleted 2100\nusers  deleted 2100",
        "{report}"
    );
    ensure!(left(&store).await? == (900, 900));
    let report = users.delete_many([]).await?;
    ensure!(report.roots() == 0 && left(&store).await? == (900, 900));
    Ok(())
}

async fn what_cannot_be_planned(db: Db) -> Result<()> {
    let store = prepared(&db).await?;
    let entry = "[[foreign_key]]\ntable = \"posts\"\ncolumns = [\"user_id\"]\nreferences = { table = \"users\" }\n";
    let roots = Roots::written("users", ["2"]);
    let doing_nothing = overlaid(&store, &format!("{entry}on_delete = \"do_nothing\"")).await?;
    let error = delete::plan(&doing_nothing, &roots, &DeleteOptions::new()).unwrap_err();
    ensure!(
        error
            .to_string()
            .starts_with("posts.user_id cannot do nothing: the database has the constraint "),
        "{error}"
    );
    let protected = overlaid(&store, &format!("{entry}on_delete = \"protect\"")).await?;
    let error = delete::plan(&protected, &roots, &DeleteOptions::new().enforce(Enforce::Database)).unwrap_err();
    ensure!(
        error
            .to_string()
            .starts_with("the database does not enforce posts.user_id as protect: "),
        "{error}"
    );
    let plain = relations(&store).await?;
    let options = DeleteOptions::new().enforce_key("posts.userid", Enforce::Application);
    let error = delete::plan(&plain, &roots, &options).unwrap_err();
    ensure!(
        error.to_string() == "there is no foreign key posts.userid, did you mean posts.user_id?",
        "{error}"
    );
    let error = delete::plan(
        &plain,
        &Roots::matching("users", RawCondition::new(" ")),
        &DeleteOptions::new(),
    );
    ensure!(error.is_err_and(|error| error.is_invalid_input()));
    Ok(())
}

async fn left_to_the_database(db: Db) -> Result<()> {
    let store = prepared(&db).await?;
    for options in [
        DeleteOptions::new().enforce(Enforce::Database),
        DeleteOptions::new().enforce_key("posts.user_id", Enforce::Database),
    ] {
        let id = if options.overrides.is_empty() { "2" } else { "1" };
        let plan = planned(&store, &Roots::written("users", [id]), &options).await?;
        let statements = plan.statements().join("\n");
        let deleting: Vec<_> = statements.split("DELETE").skip(1).collect();
        ensure!(deleting.len() == 1, "{statements}");
        let report = plan.execute(&store).await?;
        let posts = report
            .tables()
            .iter()
            .find(|table| table.table == "posts".into())
            .context("posts")?;
        ensure!(
            posts.by.iter().all(|key| key.by_database && key.rows == posts.deleted),
            "{posts:?}"
        );
        ensure!(
            report.deleted("posts") == id.parse::<u64>()? && report.not_counted().is_empty(),
            "{report}"
        );
    }
    let declined = DeleteOptions::new().counting(Counting::Declined);
    let report = planned(&store, &Roots::written("users", ["3"]), &declined)
        .await?
        .execute(&store)
        .await?;
    ensure!(report.to_string() == "users  deleted 1\nposts  not counted", "{report}");
    ensure!(left(&store).await? == (1, 4));
    Ok(())
}

/// The database would refuse, or delete; the entities say otherwise.
async fn declared_actions_win(db: Db) -> Result<()> {
    for (constraint, posts_left) in [("RESTRICT", 0), ("NO ACTION", 0), ("SET NULL", 0)] {
        let store = db.store().await?;
        execute(&store, "DROP TABLE IF EXISTS posts").await?;
        execute(&store, "DROP TABLE IF EXISTS users").await?;
        let key = match db.backend {
            Backend::Postgres => "id bigserial PRIMARY KEY",
            Backend::MySql => "id bigint AUTO_INCREMENT PRIMARY KEY",
            Backend::Sqlite => "id integer PRIMARY KEY",
        };
        execute(&store, &format!("CREATE TABLE users ({key}, email varchar(9))")).await?;
        execute(
            &store,
            &format!(
                "CREATE TABLE posts ({key}, user_id bigint, FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE {constraint})"
            ),
        )
        .await?;
        execute(&store, "INSERT INTO users (id) VALUES (1)").await?;
        execute(&store, "INSERT INTO posts (user_id) VALUES (1), (1)").await?;
        let report = store.repository::<user::Entity>().delete(1).await?;
        ensure!(report.deleted("posts") == 2, "{constraint}: {report}");
        ensure!(left(&store).await? == (0, posts_left), "{constraint}");
        store.close().await?;
    }
    Ok(())
}

/// A table comes that references users, after the store has read the catalog.
async fn a_catalog_that_changed_is_read_again(db: Db) -> Result<()> {
    let store = prepared(&db).await?;
    let users = store.repository::<user::Entity>();
    users.delete(1).await?;
    execute(
        &store,
        "CREATE TABLE badges (id bigint PRIMARY KEY, user_id bigint REFERENCES users (id), \
         CONSTRAINT of_user FOREIGN KEY (user_id) REFERENCES users (id))",
    )
    .await?;
    execute(&store, "INSERT INTO badges VALUES (7, 2)").await?;
    let error: Error = users.delete(2).await.unwrap_err();
    let ErrorKind::Blocked { blockers } = error.kind() else {
        anyhow::bail!("{error}");
    };
    ensure!(
        blockers.iter().all(|blocker| blocker.relation.table == "badges".into()),
        "{error}"
    );
    // A table that is new to the store is found by itself.
    let other = db.store_of(Entities::new()).await?;
    execute(&other, "DELETE FROM badges").await?;
    ensure!(users.delete(2).await?.deleted("posts") == 2);
    Ok(())
}

/// The constraint cascades, the overlay protects. A post comes while its user is looked at: it must block, and not be taken by the constraint.
async fn no_constraint_takes_a_late_row_that_the_key_protects(db: Db) -> Result<()> {
    let waiting = match db.backend {
        Backend::Postgres => {
            "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        }
        // `innodb_trx` is a copy that does not change while it is looked at again and again.
        Backend::MySql => {
            "SELECT COUNT(*) FROM information_schema.processlist \
             WHERE db = DATABASE() AND info LIKE '%FOR UPDATE' AND id <> CONNECTION_ID()"
        }
        // One writer at a time.
        Backend::Sqlite => return Ok(()),
    };
    let store = db.created().await?;
    execute(
        &store,
        "INSERT INTO users (id, email, password_hash) VALUES (1, 'u', 'h')",
    )
    .await?;
    let text = "[[foreign_key]]\ntable = \"posts\"\ncolumns = [\"user_id\"]\nreferences = { table = \"users\" }\non_delete = \"protect\"";
    let relations = overlaid(&store, text).await?;
    let plan = delete::plan(&relations, &Roots::written("users", ["1"]), &DeleteOptions::new())?;
    let deleting = store
        .transaction(|tx| {
            let (plan, store) = (plan.clone(), store.clone());
            async move {
                tx.repository::<post::Entity>()
                    .insert(post::new(1, "late", "…"))
                    .await?;
                let other = store.clone();
                let deleting = tokio::spawn(async move { plan.execute(&other).await });
                while number(&store, waiting).await? == 0 {
                    tokio::task::yield_now().await;
                }
                Ok::<_, anyhow::Error>(deleting)
            }
        })
        .await?;
    let error = deleting.await?.err().context("it was deleted")?;
    ensure!(error.is_blocked(), "{error}");
    ensure!(left(&store).await? == (1, 1));
    Ok(())
}

async fn without_the_right_to_temporary_tables(db: Db) -> Result<()> {
    if db.backend != Backend::MySql {
        return Ok(());
    }
    let store = db.store().await?;
    execute(
        &store,
        "CREATE TABLE folders (id bigint PRIMARY KEY, parent_id bigint, FOREIGN KEY (parent_id) REFERENCES folders (id) ON DELETE CASCADE)",
    )
    .await?;
    execute(&store, "INSERT INTO folders VALUES (1, NULL), (2, 1)").await?;
    let database = db.database()?;
    let user = format!("limited_{}_{:x}", std::process::id(), fastrand::u16(..));
    execute(&store, &format!("CREATE USER `{user}`@`%` IDENTIFIED BY 'pw'")).await?;
    execute(
        &store,
        &format!("GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.* TO `{user}`@`%`"),
    )
    .await?;
    let limited = Store::connect(&db.url_as(&user, "pw")?, Entities::new()).await?;
    let plan = planned(&limited, &Roots::written("folders", ["1"]), &DeleteOptions::new()).await?;
    let error = plan.execute(&limited).await.unwrap_err();
    limited.close().await?;
    execute(&store, &format!("DROP USER `{user}`@`%`")).await?;
    ensure!(error.to_string().contains("GRANT CREATE TEMPORARY TABLES"), "{error}");
    ensure!(number(&store, "SELECT COUNT(*) FROM folders").await? == 2);
    Ok(())
}
