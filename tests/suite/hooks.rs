//! Hooks: what they are told, in which order, and what their refusal undoes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anyhow::{Result, ensure};
use entity::{post, user};
use sea_orm::ActiveValue::Set;
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_cascade::delete::{Batch, Cause, DeleteOptions, Enforce, Roots};
use sea_orm_cascade::{Backend, Entities, Error, ErrorKind, Repository, RepositoryExt, Store};

use crate::harness::{Db, cases, execute, number};
use crate::log::Log;
use crate::models::{self, file, folder, link};

cases![
    the_order_of_calls,
    a_veto_rolls_everything_back,
    a_veto_inside_a_transaction,
    ten_thousand_rows_in_batches,
    writes_with_the_batch_are_the_deletes_own,
    rows_that_reference_each_other,
    rows_that_must_reference_each_other,
    tables_in_a_circle,
    a_diamond_has_several_causes,
    a_plan_says_which_hooks_it_skips,
    a_plan_without_hooks_calls_them_all_the_same,
    what_the_entity_says_itself,
    rows_that_a_trigger_keeps,
];

type Heard = Arc<Mutex<Vec<String>>>;

fn say(heard: &Heard, text: impl Into<String>) {
    heard.lock().unwrap().push(text.into());
}

fn all(heard: &Heard) -> Vec<String> {
    heard.lock().unwrap().clone()
}

fn causes(causes: &[Cause]) -> String {
    let texts: Vec<_> = causes.iter().map(ToString::to_string).collect();
    texts.join(" and ")
}

async fn count(connection: &impl ConnectionTrait, table: &str) -> Result<i64> {
    let statement = Statement::from_string(
        connection.get_database_backend(),
        format!("SELECT COUNT(*) FROM {table}"),
    );
    let row = connection.query_one_raw(statement).await?;
    row.map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
}

/// Two users; the first has three posts.
async fn a_user_with_posts(store: &Store) -> Result<()> {
    let users = store.repository::<user::Entity>();
    users
        .insert_many((1..=2).map(|n| user::new(format!("{n}"), "h")))
        .await?;
    let posts = store.repository::<post::Entity>();
    let of_first = (1..=3).map(|n| post::new(1, format!("{n}"), "…"));
    posts.insert_many(of_first.chain([post::new(2, "other", "…")])).await?;
    Ok(())
}

async fn the_order_of_calls(db: Db) -> Result<()> {
    let store = db.created().await?;
    a_user_with_posts(&store).await?;
    let heard = Heard::default();
    // On a clone: the hooks are the database's, not the variable's.
    let clone = store.clone();
    for when in ["first", "second"] {
        let hear = Arc::clone(&heard);
        clone.before_delete::<post::Entity, _>(move |batch| {
            let hear = Arc::clone(&hear);
            async move {
                let there = count(batch.connection(), "posts").await?;
                let rows: Vec<_> = batch
                    .iter()
                    .map(|(row, why)| format!("{} {}", row.title, causes(why)))
                    .collect();
                say(
                    &hear,
                    format!("{when} before posts, {there} there: {}", rows.join(", ")),
                );
                anyhow::Ok(())
            }
        });
    }
    let hear = Arc::clone(&heard);
    clone.after_delete::<post::Entity, _>(move |batch| {
        let hear = Arc::clone(&hear);
        async move {
            let there = count(batch.connection(), "posts").await?;
            say(&hear, format!("after posts {:?}, {there} there", batch.keys()));
            anyhow::Ok(())
        }
    });
    let hear = Arc::clone(&heard);
    clone.before_delete::<user::Entity, _>(move |batch: Batch<user::Entity>| {
        let hear = Arc::clone(&hear);
        async move {
            say(&hear, format!("before users: {}", causes(&batch.causes()[0])));
            Ok::<_, Error>(())
        }
    });
    let users = store.repository::<user::Entity>();
    let preview = users.plan_delete(1).await?;
    ensure!(all(&heard).is_empty(), "a preview calls nobody");
    let report = users.delete(1).await?;
    ensure!(report.tables() == preview.tables(), "{report}");
    ensure!(report.to_string() == "posts  deleted 3\nusers  deleted 1", "{report}");
    let heard = all(&heard);
    let rows = "4 there: 1 posts.user_id = 1, 2 posts.user_id = 1, 3 posts.user_id = 1";
    ensure!(
        heard
            == [
                format!("first before posts, {rows}"),
                format!("second before posts, {rows}"),
                "after posts [1, 2, 3], 1 there".to_owned(),
                "before users: root".to_owned(),
            ],
        "{heard:#?}"
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 1);
    Ok(())
}

#[derive(Debug)]
struct Lawsuit;

impl std::fmt::Display for Lawsuit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("evidence must be kept")
    }
}

impl std::error::Error for Lawsuit {}

async fn a_veto_rolls_everything_back(db: Db) -> Result<()> {
    let store = db.created().await?;
    a_user_with_posts(&store).await?;
    let users = store.repository::<user::Entity>();
    // After the posts and the users have gone: all of it comes back.
    let bound = store.with_hook_after_users(async |_| Err(Lawsuit));
    let error = bound.repository::<user::Entity>().delete(1).await.unwrap_err();
    ensure!(error.is_vetoed() && error.kind().name() == "vetoed", "{error:?}");
    ensure!(
        error.to_string() == "a hook refuses to let rows of users go: evidence must be kept",
        "{error}"
    );
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<Lawsuit>());
    ensure!(source.is_some(), "{error:?}");
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 4);

    // A statement of the hook's own that the database refuses: PostgreSQL's transaction is doomed then.
    let bound = db.store().await?.with_hook_after_users(async |batch| {
        let posts = batch.store().repository::<post::Entity>();
        posts.insert(post::new(20, "lost", "…")).await.map(drop)
    });
    let error = bound.repository::<user::Entity>().delete(1).await.unwrap_err();
    ensure!(
        matches!(error.kind(), ErrorKind::Vetoed { table, .. } if table.name() == "users"),
        "{error:?}"
    );
    let source = std::error::Error::source(&error).and_then(|source| source.downcast_ref::<Error>());
    ensure!(source.is_some_and(Error::is_foreign_key), "{error:?}");
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 4);

    let bound = db
        .store()
        .await?
        .with_hook_after_users(async |_| Err(anyhow::anyhow!("no, {}", "not now")));
    let error = bound.repository::<user::Entity>().delete(1).await.unwrap_err();
    ensure!(error.to_string().ends_with("rows of users go: no, not now"), "{error}");
    let bound = db.store().await?.with_hook_after_users(async |_| Err("no"));
    let error = bound.repository::<user::Entity>().delete(1).await.unwrap_err();
    ensure!(error.to_string().ends_with("rows of users go: no"), "{error}");
    ensure!(users.find(1).await?.is_some());
    Ok(())
}

/// A store with one hook.
trait WithHook {
    fn with_hook_after_users<F, Fut, X>(&self, hook: F) -> Store
    where
        F: Fn(Batch<user::Entity>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), X>> + Send + 'static,
        X: Into<Box<dyn std::error::Error + Send + Sync>>;
}

impl WithHook for Store {
    fn with_hook_after_users<F, Fut, X>(&self, hook: F) -> Store
    where
        F: Fn(Batch<user::Entity>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), X>> + Send + 'static,
        X: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.after_delete::<user::Entity, _>(hook);
        self.clone()
    }
}

async fn a_veto_inside_a_transaction(db: Db) -> Result<()> {
    let store = db.created().await?;
    a_user_with_posts(&store).await?;
    store.after_delete::<user::Entity, _>(async |batch| match batch.rows()[0].email.as_str() {
        "1" => Err("the first stays"),
        _ => Ok(()),
    });
    store
        .transaction(async |tx| {
            let users = tx.repository::<user::Entity>();
            let error = users.delete(1).await.unwrap_err();
            assert!(error.is_vetoed(), "{error}");
            users.delete(2).await.map(drop)
        })
        .await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 3);
    ensure!(number(&store, "SELECT MIN(id) FROM users").await? == 1);
    Ok(())
}

/// Never more than a batch of rows is fetched, and the number of statements follows from the number of batches.
async fn ten_thousand_rows_in_batches(db: Db) -> Result<()> {
    let store = db.created().await?;
    a_user_with_posts(&store).await?;
    let posts = store.repository::<post::Entity>();
    posts
        .insert_many((4..=10_000).map(|n| post::new(1, format!("{n}"), "…")))
        .await?;
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&sizes);
    store.before_delete::<post::Entity, _>(move |batch| {
        seen.lock().unwrap().push(batch.len());
        async move { Ok::<_, Error>(()) }
    });
    let users = store.repository::<user::Entity>();
    users.plan_delete(1).await?;
    let log = Log::new();
    let report = log.capture(users.delete(1)).await?;
    ensure!(report.deleted("posts") == 10_000, "{report}");
    ensure!(*sizes.lock().unwrap() == [1_000; 10]);
    let sent = log.statements();
    let selects = sent.iter().filter(|sql| sql.contains(" LIMIT 1000")).count();
    let deletes = sent.iter().filter(|sql| sql.starts_with("DELETE FROM")).count();
    // The last select finds nothing; ten batches and the user are deleted.
    let of_the_user = usize::from(db.backend != Backend::MySql);
    ensure!(selects == 11 && deletes == 10 + of_the_user, "{sent:#?}");
    // BEGIN, the lock, COMMIT, and on MySQL a delete that begins otherwise.
    let more = match db.backend {
        Backend::Postgres | Backend::MySql => 3 + (1 - of_the_user),
        Backend::Sqlite => 2,
    };
    ensure!(sent.len() == selects + deletes + more, "{} sent: {sent:#?}", sent.len());

    // A batch that is not full is the last.
    posts
        .insert_many((0..25).map(|n| post::new(2, format!("{n}"), "…")))
        .await?;
    store.hook_batch(10);
    sizes.lock().unwrap().clear();
    let report = users.delete(2).await?;
    ensure!(
        report.deleted("posts") == 26 && *sizes.lock().unwrap() == [10, 10, 6],
        "{report}"
    );
    Ok(())
}

async fn writes_with_the_batch_are_the_deletes_own(db: Db) -> Result<()> {
    let store = db.created().await?;
    a_user_with_posts(&store).await?;
    // What the first leaves goes to the second, by a repository and by a query of SeaORM's.
    store.before_delete::<user::Entity, _>(async |batch| {
        let posts = batch.store().repository::<post::Entity>();
        for user in batch.rows() {
            posts
                .insert(post::new(2, format!("{} was here", user.email), "…"))
                .await?;
        }
        batch
            .connection()
            .execute_unprepared("UPDATE users SET password_hash = 'changed' WHERE id = 2")
            .await?;
        match batch.keys().contains(&2) {
            true => Err(anyhow::anyhow!("somebody must remain")),
            false => Ok(()),
        }
    });
    let users = store.repository::<user::Entity>();
    let both = users.delete_many([1, 2]).await.unwrap_err();
    ensure!(both.is_vetoed(), "{both}");
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 4);
    users.delete(1).await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE title = '1 was here'").await? == 1);
    ensure!(number(&store, "SELECT COUNT(*) FROM users WHERE password_hash = 'changed'").await? == 1);

    // A delete within a delete: its hooks are called too, and it is undone with the outer one.
    store.before_delete::<post::Entity, _>(async |batch| {
        match batch.rows().iter().any(|post| post.title == "1 was here") {
            true => Err("posts are kept"),
            false => Ok(()),
        }
    });
    let error = users.delete(2).await.unwrap_err();
    ensure!(
        matches!(error.kind(), ErrorKind::Vetoed { table, .. } if table.name() == "posts"),
        "{error}"
    );
    Ok(())
}

/// Each row once, as it was, with what it goes for, whatever the engine needs to have done to its references before.
async fn rows_that_reference_each_other(db: Db) -> Result<()> {
    let store = db.store_of(models::entities()).await?;
    store.create_all().await?;
    let folders = store.repository::<folder::Entity>();
    let parent = |n: i64| (n > 1).then(|| n / 2);
    folders
        .insert_many((1..=30).map(|n| folder::ActiveModel {
            id: Set(n),
            parent_id: Set(parent(n)),
        }))
        .await?;
    store.hook_batch(4);
    let heard = Arc::new(Mutex::new(BTreeMap::new()));
    let hear = Arc::clone(&heard);
    store.after_delete::<folder::Entity, _>(move |batch| {
        for (row, why) in batch.iter() {
            let told = (row.parent_id, causes(why));
            assert!(hear.lock().unwrap().insert(row.id, told).is_none(), "{} twice", row.id);
        }
        async move { Ok::<_, Error>(()) }
    });
    let preview = folders.plan_delete(2).await?;
    let report = preview.execute(&store).await?;
    ensure!(report.tables() == preview.tables(), "{report}\n{preview:?}");
    let heard = heard.lock().unwrap().clone();
    let below = |n: i64| {
        let mut n = n;
        while n > 2 {
            n /= 2;
        }
        n == 2
    };
    let expected: BTreeMap<_, _> = (2..=30)
        .filter(|n| below(*n))
        .map(|n| {
            let why = match n {
                2 => "root".to_owned(),
                n => format!("folders.parent_id = {}", n / 2),
            };
            (n, (parent(n), why))
        })
        .collect();
    ensure!(heard == expected, "{heard:#?}");
    ensure!(number(&store, "SELECT COUNT(*) FROM folders").await? == 30 - i64::try_from(expected.len())?);
    Ok(())
}

/// A node must have a parent: the roots are their own.
mod node {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "nodes")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: i64,
        pub(crate) parent_id: i64,
        #[sea_orm(
            self_ref,
            relation_enum = "Parent",
            from = "parent_id",
            to = "id",
            on_delete = "Cascade"
        )]
        pub(crate) parent: HasOne<Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn rows_that_must_reference_each_other(db: Db) -> Result<()> {
    let store = db.store_of(Entities::new().with(node::Entity)).await?;
    store.create_all().await?;
    for n in 1..=12 {
        execute(
            &store,
            &format!("INSERT INTO nodes (id, parent_id) VALUES ({n}, {})", Ord::max(1, n / 2)),
        )
        .await?;
    }
    store.hook_batch(5);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&heard);
    store.before_delete::<node::Entity, _>(move |batch| {
        hear.lock()
            .unwrap()
            .extend(batch.rows().iter().map(|row| (row.id, row.parent_id)));
        async move { Ok::<_, Error>(()) }
    });
    let nodes = store.repository::<node::Entity>();
    let preview = nodes.plan_delete(1).await?;
    let report = preview.execute(&store).await?;
    ensure!(report.tables() == preview.tables(), "{report}");
    let mut heard = heard.lock().unwrap().clone();
    // No row before one that references it.
    for (place, (id, _)) in heard.iter().enumerate() {
        ensure!(
            heard[place + 1..]
                .iter()
                .all(|(other, parent)| other == id || parent != id),
            "{heard:?}"
        );
    }
    heard.sort_unstable();
    let expected: Vec<_> = (1..=12).map(|n| (n, Ord::max(1, n / 2))).collect();
    ensure!(heard == expected, "{heard:?}");
    Ok(())
}

/// A team has a lead, a member has a team.
mod team {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "teams")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: i64,
        pub(crate) lead_id: Option<i64>,
        #[sea_orm(belongs_to, from = "lead_id", to = "id", on_delete = "Cascade")]
        pub(crate) lead: HasOne<super::member::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod member {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "members")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: i64,
        pub(crate) team_id: i64,
        #[sea_orm(belongs_to, from = "team_id", to = "id", on_delete = "Cascade")]
        pub(crate) team: HasOne<super::team::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn tables_in_a_circle(db: Db) -> Result<()> {
    let store = db
        .store_of(Entities::new().with(team::Entity).with(member::Entity))
        .await?;
    store.create_all().await?;
    for sql in [
        "INSERT INTO teams (id) VALUES (1), (2), (3)",
        "INSERT INTO members (id, team_id) VALUES (10, 1), (11, 1), (20, 2), (30, 3)",
        // 1's lead is in 2, whose lead is in 1; 3 is led from 1.
        "UPDATE teams SET lead_id = CASE id WHEN 1 THEN 20 WHEN 2 THEN 10 ELSE 11 END",
    ] {
        execute(&store, sql).await?;
    }
    let heard = Heard::default();
    let hear = Arc::clone(&heard);
    store.before_delete::<team::Entity, _>(move |batch| {
        for (row, why) in batch.iter() {
            say(&hear, format!("team {} lead {:?} {}", row.id, row.lead_id, causes(why)));
        }
        async move { Ok::<_, Error>(()) }
    });
    let hear = Arc::clone(&heard);
    store.before_delete::<member::Entity, _>(move |batch| {
        for (row, why) in batch.iter() {
            say(&hear, format!("member {} {}", row.id, causes(why)));
        }
        async move { Ok::<_, Error>(()) }
    });
    let teams = store.repository::<team::Entity>();
    let preview = teams.plan_delete(1).await?;
    let report = preview.execute(&store).await?;
    ensure!(report.tables() == preview.tables(), "{report}");
    let mut heard = all(&heard);
    heard.sort_unstable();
    ensure!(
        heard
            == [
                "member 10 members.team_id = 1",
                "member 11 members.team_id = 1",
                "member 20 members.team_id = 2",
                "member 30 members.team_id = 3",
                "team 1 lead Some(20) root and teams.lead_id = 20",
                "team 2 lead Some(10) teams.lead_id = 10",
                "team 3 lead Some(11) teams.lead_id = 11",
            ],
        "{heard:#?}"
    );
    Ok(())
}

async fn a_diamond_has_several_causes(db: Db) -> Result<()> {
    let store = db.store_of(models::entities()).await?;
    store.create_all().await?;
    for sql in [
        "INSERT INTO folders (id) VALUES (1), (2)",
        "INSERT INTO files (id, folder_id, origin_id) VALUES (1, 1, NULL), (2, 1, NULL), (3, 2, 1)",
        "INSERT INTO links (id, from_id, to_id) VALUES (1, 1, 2), (2, 1, 3), (3, 3, 2), (4, 3, 3)",
    ] {
        execute(&store, sql).await?;
    }
    let heard = Heard::default();
    let hear = Arc::clone(&heard);
    store.before_delete::<link::Entity, _>(move |batch| {
        for (row, why) in batch.iter() {
            let parents: Vec<_> = why.iter().map(|cause| format!("{:?}", cause.parent())).collect();
            say(&hear, format!("{}: {} {}", row.id, causes(why), parents.join(" ")));
            assert!(!format!("{why:?}").contains("= 1"), "Debug shows no key");
        }
        async move { Ok::<_, Error>(()) }
    });
    let folders = store.repository::<folder::Entity>();
    let preview = folders.plan_delete(1).await?;
    let report = folders.delete(1).await?;
    ensure!(report.tables() == preview.tables(), "{report}");
    ensure!(
        report.deleted("links") == 3 && report.set_null("files") == 1,
        "{report}"
    );
    let mut heard = all(&heard);
    heard.sort_unstable();
    ensure!(
        heard
            == [
                "1: links.from_id = 1 and links.to_id = 2 [BigInt(Some(1))] [BigInt(Some(2))]",
                "2: links.from_id = 1 [BigInt(Some(1))]",
                "3: links.to_id = 2 [BigInt(Some(2))]",
            ],
        "{heard:#?}"
    );
    // What only becomes NULL is not deleted.
    store.before_delete::<file::Entity, _>(async |_| Err("files stay"));
    execute(&store, "UPDATE files SET folder_id = 2, origin_id = 2").await?;
    execute(&store, "INSERT INTO folders (id) VALUES (5)").await?;
    execute(&store, "UPDATE files SET folder_id = 5").await?;
    let report = folders.delete(2).await?;
    ensure!(report.set_null("files") == 1, "{report}");
    Ok(())
}

async fn a_plan_says_which_hooks_it_skips(db: Db) -> Result<()> {
    let store = db.created().await?;
    a_user_with_posts(&store).await?;
    store.before_delete::<post::Entity, _>(async |_| Err("never"));
    let roots = Roots::written("users", ["1"]);
    let plan = store.plan_delete(&roots, &DeleteOptions::new()).await?;
    ensure!(plan.skipped_hooks().is_empty());
    ensure!(plan.execute(&store).await.unwrap_err().is_vetoed());
    // A connection knows no hooks, and must not pass them over.
    let error = plan.execute(store.connection()).await.unwrap_err();
    ensure!(
        error.to_string()
            == "rows of posts have hooks, which a store calls and a connection does not know: carry the plan out on the store",
        "{error}"
    );
    let options = DeleteOptions::new().enforce(Enforce::Database);
    let plan = store.plan_delete(&roots, &options).await?;
    let skipped: Vec<_> = plan.skipped_hooks().iter().map(ToString::to_string).collect();
    ensure!(skipped == ["posts.user_id"], "{skipped:?}");
    ensure!(
        plan.warnings()
            .iter()
            .any(|text| text.contains("the hooks of posts are not called"))
    );
    let report = plan.execute(&store).await?;
    ensure!(report.deleted("posts") == 3, "{report}");
    Ok(())
}

async fn a_plan_without_hooks_calls_them_all_the_same(db: Db) -> Result<()> {
    let store = db.created().await?;
    a_user_with_posts(&store).await?;
    let plan = store
        .plan_delete(&Roots::written("users", ["1"]), &DeleteOptions::new())
        .await?;
    store.before_delete::<post::Entity, _>(async |_| Err("never"));
    let error = plan.execute(&store).await.unwrap_err();
    ensure!(error.is_vetoed(), "{error}");
    let statements = store
        .repository::<user::Entity>()
        .plan_delete(1)
        .await?
        .plan()
        .statements();
    ensure!(statements.iter().any(|sql| sql.contains("LIMIT")), "{statements:#?}");
    Ok(())
}

/// An entity with a behaviour of its own.
mod letter {
    use sea_orm::ActiveValue::Set;
    use sea_orm::entity::prelude::*;
    use sea_orm::{ConnectionTrait, Statement};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "letters")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: i64,
        pub(crate) user_id: i64,
        pub(crate) text: String,
        #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "Cascade")]
        pub(crate) user: HasOne<entity::user::Entity>,
    }

    #[async_trait::async_trait]
    impl ActiveModelBehavior for ActiveModel {
        async fn before_delete<C: ConnectionTrait>(mut self, _: &C) -> Result<Self, DbErr> {
            if self.text.as_ref() == "sealed" {
                return Err(DbErr::Custom("a sealed letter stays".to_owned()));
            }
            self.text = Set(format!("{} burnt", self.text.as_ref()));
            Ok(self)
        }

        async fn after_delete<C: ConnectionTrait>(self, db: &C) -> Result<Self, DbErr> {
            let sql = format!("UPDATE users SET password_hash = '{}'", self.text.as_ref());
            db.execute_raw(Statement::from_string(db.get_database_backend(), sql))
                .await?;
            Ok(self)
        }
    }
}

async fn what_the_entity_says_itself(db: Db) -> Result<()> {
    let store = db.store_of(entity::entities().with(letter::Entity)).await?;
    store.create_all().await?;
    a_user_with_posts(&store).await?;
    execute(
        &store,
        "INSERT INTO letters (id, user_id, text) VALUES (1, 1, 'open'), (2, 2, 'sealed')",
    )
    .await?;
    let users = store.repository::<user::Entity>();
    let letters = store.repository::<letter::Entity>();
    let changed = "SELECT COUNT(*) FROM users WHERE password_hash = 'open burnt'";
    // Only on request.
    let before = users.plan_delete(2).await?;
    ensure!(before.deleted("letters") == 1);
    store.entity_hooks::<letter::Entity>();
    letters.delete(1).await?;
    ensure!(number(&store, changed).await? == 2);
    let error = users.delete(2).await.unwrap_err();
    ensure!(
        error.to_string() == "a hook refuses to let rows of letters go: a sealed letter stays",
        "{error}"
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM letters").await? == 1);
    Ok(())
}

/// They would come again and again.
async fn rows_that_a_trigger_keeps(db: Db) -> Result<()> {
    let store = db.created().await?;
    a_user_with_posts(&store).await?;
    match db.backend {
        Backend::Postgres => {
            execute(
                &store,
                "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            )
            .await?;
            execute(
                &store,
                "CREATE TRIGGER keep BEFORE DELETE ON posts FOR EACH ROW EXECUTE FUNCTION keep()",
            )
            .await?;
        }
        Backend::Sqlite => {
            let sql = "CREATE TRIGGER keep BEFORE DELETE ON posts BEGIN SELECT RAISE(IGNORE); END";
            execute(&store, sql).await?;
        }
        // Its triggers can only refuse.
        Backend::MySql => return Ok(()),
    }
    store.before_delete::<post::Entity, _>(async |_| Ok::<_, Error>(()));
    let error = store.repository::<user::Entity>().delete(1).await.unwrap_err();
    ensure!(
        error
            .to_string()
            .starts_with("3 rows of posts do not go although they were deleted"),
        "{error}"
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 4);
    Ok(())
}
