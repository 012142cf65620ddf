//! Repairing rows whose reference dangles.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use sea_orm_cascade::orphans::{self, Effect, Mode, Repair};
use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Backend, ErrorKind, Store, StoreOptions};

use super::{
    Numbers, TABLES, apply, dangling_cards, dangling_posts, enforcement, family, key, lone, rows, schema, unenforced,
};
use crate::harness::{Db, cases, execute, number};
use crate::log::Log;

cases![
    deleting,
    deleting_where_nothing_is_enforced,
    setting_null,
    re_owning,
    what_blocks_a_delete,
    a_tree_without_a_constraint,
    random_trees,
    a_cascade_that_comes_back,
    what_a_trigger_keeps,
    the_new_owner_stays,
    a_dry_run_writes_nothing,
];

async fn deleting(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    family(&store).await?;
    let schema = schema(&db, TABLES)?;
    let (posts, cards) = (key(&schema, "posts"), key(&schema, "cards"));
    let dry = orphans::repair(store.connection(), &schema, posts, &Repair::Delete, Mode::DryRun).await?;
    ensure!(
        dry.to_string()
            == "posts.user_id: 4 row(s) found, would be deleted\ncomments.post_id: 3 row(s) deleted with them",
        "{dry}"
    );
    ensure!(dry.changed == 0 && dry.remaining == 4 && dangling_posts(&store).await? == [4, 4]);
    let report = apply(&store, &schema, posts, &Repair::Delete).await?;
    ensure!(
        report.to_string() == "posts.user_id: 4 row(s) found, 4 deleted\ncomments.post_id: 3 row(s) deleted with them",
        "{report}"
    );
    ensure!(report.remaining == 0 && report.further[0].effect == Effect::Deleted && report.further[0].by_database);
    ensure!(rows(&store, &schema, posts).await? == 0 && dangling_posts(&store).await? == [0, 0]);
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 2);
    ensure!(number(&store, "SELECT COUNT(*) FROM comments").await? == 1);
    // Rows that reference nothing stay.
    ensure!(apply(&store, &schema, cards, &Repair::Delete).await?.changed == 3);
    ensure!(rows(&store, &schema, cards).await? == 0 && dangling_cards(&store).await? == [0, 0]);
    ensure!(number(&store, "SELECT COUNT(*) FROM cards WHERE id <= 5").await? == 5);
    ensure!(number(&store, "SELECT COUNT(*) FROM cards").await? == 5);
    // Again is harmless.
    let again = apply(&store, &schema, posts, &Repair::Delete).await?;
    ensure!(again.found == 0 && again.changed == 0 && again.further.is_empty());
    Ok(())
}

async fn deleting_where_nothing_is_enforced(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    family(&store).await?;
    let schema = schema(&db, TABLES)?;
    let (posts, comments) = (key(&schema, "posts"), key(&schema, "comments"));
    enforcement(&store, false).await?;
    let report = apply(&store, &schema, posts, &Repair::Delete).await?;
    ensure!(
        report.to_string() == "posts.user_id: 4 row(s) found, 4 deleted\ncomments.post_id: 3 row(s) dangle afterwards",
        "{report}"
    );
    ensure!(!report.further[0].by_database && rows(&store, &schema, posts).await? == 0);
    // As it said.
    ensure!(rows(&store, &schema, comments).await? == 3);
    ensure!(apply(&store, &schema, comments, &Repair::Delete).await?.changed == 3);
    ensure!(rows(&store, &schema, comments).await? == 0);
    Ok(())
}

async fn setting_null(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    family(&store).await?;
    let schema = schema(&db, TABLES)?;
    let (posts, cards) = (key(&schema, "posts"), key(&schema, "cards"));
    let report = apply(&store, &schema, posts, &Repair::SetNull).await?;
    ensure!(
        report.to_string() == "posts.user_id: 4 row(s) found, 4 set to NULL",
        "{report}"
    );
    ensure!(rows(&store, &schema, posts).await? == 0);
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id IS NULL").await? == 5);
    // Only the columns that the key's own SET NULL names.
    let mut subset = cards.clone();
    subset.on_delete = sea_orm_cascade::Action::SetNull;
    subset.on_delete_columns = vec!["member_id".into()];
    ensure!(apply(&store, &schema, &subset, &Repair::SetNull).await?.changed == 3);
    ensure!(number(&store, "SELECT COUNT(*) FROM cards WHERE member_id IS NULL").await? == 5);
    ensure!(number(&store, "SELECT COUNT(*) FROM cards WHERE tenant_id IS NULL").await? == 2);
    // A column that cannot be NULL is refused before the database is asked.
    unenforced(&store, &["INSERT INTO comments VALUES (9, 99)"]).await?;
    let error = apply(&store, &schema, key(&schema, "comments"), &Repair::SetNull)
        .await
        .unwrap_err();
    ensure!(
        error.to_string()
            == "comments.post_id cannot be NULL: delete or re-own the rows, or make the column nullable first",
        "{error}"
    );
    ensure!(error.is_invalid_input() && rows(&store, &schema, key(&schema, "comments")).await? == 1);
    Ok(())
}

async fn re_owning(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    family(&store).await?;
    let schema = schema(&db, TABLES)?;
    let (posts, cards) = (key(&schema, "posts"), key(&schema, "cards"));
    let mut errors = Vec::new();
    for values in [
        vec![20.into()],
        vec!["2b".into()],
        vec![],
        vec![sea_orm::Value::BigInt(None)],
    ] {
        let error = apply(&store, &schema, posts, &Repair::Reown(values)).await.unwrap_err();
        ensure!(error.is_invalid_input());
        errors.push(error.to_string());
    }
    ensure!(
        errors
            == [
                "users has no row with the id to re-own to: give the key of a row that is there",
                "the value for id must be a whole number",
                "0 value(s) were given to re-own to: give one for each of users.id",
                "the value for id is NULL, which references nothing: use SetNull, or give a value",
            ],
        "{errors:#?}"
    );
    ensure!(dangling_posts(&store).await? == [4, 4]);
    let report = apply(&store, &schema, posts, &Repair::Reown(vec![2.into()])).await?;
    ensure!(
        report.to_string() == "posts.user_id: 4 row(s) found, 4 re-owned",
        "{report}"
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 2").await? == 4);
    ensure!(rows(&store, &schema, posts).await? == 0);
    // Text stands for any type; a composite key needs the very pair.
    for (member, owned) in [(["2", "2"], false), (["2", "1"], true)] {
        let values = member.map(sea_orm::Value::from).to_vec();
        ensure!(apply(&store, &schema, cards, &Repair::Reown(values)).await.is_ok() == owned);
    }
    ensure!(
        number(
            &store,
            "SELECT COUNT(*) FROM cards WHERE tenant_id = 2 AND member_id = 1"
        )
        .await?
            == 4
    );
    ensure!(rows(&store, &schema, cards).await? == 0);
    Ok(())
}

async fn what_blocks_a_delete(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    family(&store).await?;
    execute(
        &store,
        "CREATE TABLE prizes (id BIGINT NOT NULL PRIMARY KEY, post_id BIGINT, CONSTRAINT prizes_post \
         FOREIGN KEY (post_id) REFERENCES posts (id) ON DELETE RESTRICT)",
    )
    .await?;
    execute(&store, "INSERT INTO prizes VALUES (1, 1), (2, 6)").await?;
    let schema = schema(&db, TABLES)?;
    let posts = key(&schema, "posts");
    // The schema does not know the table; the catalog does.
    let dry = orphans::repair(store.connection(), &schema, posts, &Repair::Delete, Mode::DryRun).await?;
    let blockers: Vec<_> = dry
        .blockers()
        .map(|further| (further.relation.to_string(), further.rows))
        .collect();
    ensure!(blockers == [("prizes.post_id".to_owned(), 1)], "{dry}");
    let error = apply(&store, &schema, posts, &Repair::Delete).await.unwrap_err();
    ensure!(error.is_foreign_key(), "{error:?}");
    let ErrorKind::ForeignKey {
        relation: Some(relation),
        ..
    } = error.kind()
    else {
        panic!("{error}")
    };
    ensure!(relation.to_string() == "prizes.post_id" && relation.referenced_table.name() == "posts");
    ensure!(
        error.to_string().ends_with("is still referenced by prizes.post_id"),
        "{error}"
    );
    // All or nothing.
    ensure!(dangling_posts(&store).await? == [4, 4]);
    ensure!(number(&store, "SELECT COUNT(*) FROM comments").await? == 4);

    // A key that only the application enforces blocks as well.
    execute(&store, "DROP TABLE prizes").await?;
    execute(
        &store,
        "CREATE TABLE prizes (id BIGINT NOT NULL PRIMARY KEY, post_id BIGINT)",
    )
    .await?;
    execute(&store, "INSERT INTO prizes VALUES (1, 1), (2, 6)").await?;
    let prizes = "table prizes\n  id: bigint, not null\n  post_id: bigint\n  primary key (id)\n  \
                  foreign key (post_id) references posts (id), on delete protect, by application\n\n";
    let protected = Schema::parse(&format!("backend {}\n\n{TABLES}\n{prizes}", db.backend))?;
    let error = apply(&store, &protected, posts, &Repair::Delete).await.unwrap_err();
    ensure!(
        error.to_string() == "a row of posts is still referenced by prizes.post_id",
        "{error}"
    );
    ensure!(dangling_posts(&store).await? == [4, 4]);
    // What is not deleted does not mind it.
    ensure!(
        apply(&store, &protected, posts, &Repair::Reown(vec![1.into()]))
            .await?
            .changed
            == 4
    );
    Ok(())
}

/// A tree whose root's parent is gone: 2 and 7 are orphans, 3, 4 and 5 below 2.
const TREE: &str = "\
table folders
  id: bigint, not null
  parent_id: bigint
  primary key (id)
  foreign key (parent_id) references folders (id), on delete cascade
";

async fn a_tree_without_a_constraint(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    execute(
        &store,
        "CREATE TABLE folders (id BIGINT NOT NULL PRIMARY KEY, parent_id BIGINT)",
    )
    .await?;
    execute(&store, "CREATE INDEX by_parent ON folders (parent_id)").await?;
    let fill = "INSERT INTO folders VALUES (1, NULL), (2, 99), (3, 2), (4, 3), (5, 2), (6, 1), (7, 98), (8, 8)";
    execute(&store, fill).await?;
    let cascading = schema(&db, TREE)?;
    let folders = key(&cascading, "folders");
    let dry = orphans::repair(store.connection(), &cascading, folders, &Repair::Delete, Mode::DryRun).await?;
    ensure!((dry.found, dry.below) == (2, 3) && dry.further.is_empty(), "{dry}");
    let report = apply(&store, &cascading, folders, &Repair::Delete).await?;
    ensure!(
        report.to_string() == "folders.parent_id: 2 row(s) found, 3 below them, 5 deleted",
        "{report}"
    );
    ensure!(rows(&store, &cascading, folders).await? == 0);
    ensure!(number(&store, "SELECT COUNT(*) FROM folders WHERE id IN (1, 6, 8)").await? == 3);
    ensure!(number(&store, "SELECT COUNT(*) FROM folders").await? == 3);

    // Under an action that does not cascade, rows below forbid it; the other repairs touch the orphans alone.
    execute(&store, "DELETE FROM folders").await?;
    execute(&store, fill).await?;
    let restricting = schema(&db, &TREE.replace("cascade", "no action"))?;
    let folders = key(&restricting, "folders");
    let error = apply(&store, &restricting, folders, &Repair::Delete).await.unwrap_err();
    ensure!(
        error.to_string() == "a row of folders is still referenced by folders.parent_id",
        "{error}"
    );
    ensure!(
        apply(&store, &restricting, folders, &Repair::Reown(vec![1.into()]))
            .await?
            .changed
            == 2
    );
    ensure!(rows(&store, &restricting, folders).await? == 0);
    execute(&store, "UPDATE folders SET parent_id = 97 WHERE id = 2").await?;
    ensure!(apply(&store, &restricting, folders, &Repair::SetNull).await?.changed == 1);
    ensure!(number(&store, "SELECT COUNT(*) FROM folders").await? == 8);
    ensure!(rows(&store, &restricting, folders).await? == 0);
    Ok(())
}

async fn a_dry_run_writes_nothing(db: Db) -> Result<()> {
    let log = Log::new();
    let url = db.url.clone();
    let tables = schema(&db, TABLES)?;
    log.capture(async move {
        let store = Store::connect_with(&url, entity::entities(), StoreOptions::new().max_connections(1)).await?;
        family(&store).await?;
        execute(&store, "SELECT 'here it begins'").await?;
        for repair in [Repair::Delete, Repair::SetNull, Repair::Reown(vec![1.into()])] {
            let report = orphans::repair(
                store.connection(),
                &tables,
                key(&tables, "posts"),
                &repair,
                Mode::default(),
            )
            .await?;
            ensure!(report.found == 4 && report.changed == 0 && report.mode == Mode::DryRun);
        }
        execute(&store, "SELECT 'here it ends'").await?;
        apply(&store, &tables, key(&tables, "posts"), &Repair::Delete).await?;
        Ok(())
    })
    .await?;
    let mut statements = log.statements().into_iter();
    let dry: Vec<_> = statements
        .by_ref()
        .skip_while(|sql| !sql.contains("begins"))
        .skip(1)
        .take_while(|sql| !sql.contains("ends"))
        .collect();
    ensure!(!dry.is_empty());
    for sql in dry {
        ensure!(!sql.contains("UPDATE") && !sql.contains("DELETE"), "{sql}");
    }
    // Applied, it is a bounded number of statements: two counts, the keys around the table, one statement.
    let applied: Vec<_> = statements.collect();
    ensure!(
        applied.iter().filter(|sql| sql.starts_with("DELETE")).count() == 1,
        "{applied:#?}"
    );
    ensure!(applied.len() <= 8, "{applied:#?}");
    let locks = applied.iter().filter(|sql| sql.contains("FOR UPDATE")).count();
    ensure!(
        locks == if db.backend == Backend::Sqlite { 0 } else { 2 },
        "{applied:#?}"
    );
    Ok(())
}

/// What the ids of a forest's rows are that dangle, and those below them; each row is an id and its parent's.
fn going(forest: &BTreeMap<u64, Option<u64>>) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let dangling: BTreeSet<u64> = forest
        .iter()
        .filter(|(_, parent)| parent.is_some_and(|parent| !forest.contains_key(&parent)))
        .map(|(id, _)| *id)
        .collect();
    let mut all = dangling.clone();
    loop {
        let below: Vec<u64> = forest
            .iter()
            .filter(|(id, parent)| parent.is_some_and(|parent| all.contains(&parent)) && !all.contains(*id))
            .map(|(id, _)| *id)
            .collect();
        if below.is_empty() {
            return (dangling, all);
        }
        all.extend(below);
    }
}

/// Forests at random, with a constraint that cascades and without one.
async fn random_trees(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    let schema = schema(&db, TREE)?;
    let folders = key(&schema, "folders");
    let mut numbers = Numbers(3);
    for round in 0..16 {
        let constraint = match round % 2 {
            0 => "",
            _ => ", FOREIGN KEY (parent_id) REFERENCES folders (id) ON DELETE CASCADE",
        };
        execute(
            &store,
            &format!("CREATE TABLE folders (id BIGINT NOT NULL PRIMARY KEY, parent_id BIGINT{constraint})"),
        )
        .await?;
        execute(&store, "CREATE INDEX by_parent ON folders (parent_id)").await?;
        // A parent may come before its child or after it, be the row itself, or be nobody.
        let forest: BTreeMap<u64, Option<u64>> = (0..60).map(|id| (id, numbers.maybe(64))).collect();
        let values: Vec<_> = forest
            .iter()
            .map(|(id, parent)| match parent {
                Some(parent) => format!("({id}, {parent})"),
                None => format!("({id}, NULL)"),
            })
            .collect();
        unenforced(&store, &[&format!("INSERT INTO folders VALUES {}", values.join(", "))]).await?;
        let (dangling, all) = going(&forest);
        let (found, gone) = (u64::try_from(dangling.len())?, u64::try_from(all.len())?);
        let repair = match round % 4 {
            2 => Repair::SetNull,
            3 => Repair::Reown(vec![7.into()]),
            _ => Repair::Delete,
        };
        let report = apply(&store, &schema, folders, &repair).await?;
        ensure!(
            report.found == found && report.remaining == 0,
            "round {round}: {report}"
        );
        ensure!(rows(&store, &schema, folders).await? == 0, "round {round}");
        let kept = number(&store, "SELECT COUNT(*) FROM folders").await?;
        if repair == Repair::Delete {
            ensure!(
                (report.below, report.changed) == (gone - found, gone),
                "round {round}: {report}"
            );
            ensure!(kept == i64::try_from(60 - all.len())?, "round {round}: {kept}");
        } else {
            ensure!(report.changed == found && kept == 60, "round {round}: {report}");
        }
        execute(&store, "DROP TABLE folders").await?;
    }
    Ok(())
}

/// Deleting the first orphan takes the second with it, through another table.
async fn a_cascade_that_comes_back(db: Db) -> Result<()> {
    let store = lone(&db).await?;
    let a = "CREATE TABLE a (id BIGINT NOT NULL PRIMARY KEY, b_id BIGINT, other_id BIGINT";
    let keys = "FOREIGN KEY (b_id) REFERENCES b (id) ON DELETE CASCADE, FOREIGN KEY (other_id) REFERENCES b (id) ON DELETE CASCADE";
    let b = "CREATE TABLE b (id BIGINT NOT NULL PRIMARY KEY, a_id BIGINT, FOREIGN KEY (a_id) REFERENCES a (id) ON DELETE CASCADE)";
    match db.backend {
        Backend::Sqlite => {
            execute(&store, &format!("{a}, {keys})")).await?;
            execute(&store, b).await?;
        }
        Backend::Postgres | Backend::MySql => {
            execute(&store, &format!("{a})")).await?;
            execute(&store, b).await?;
            execute(
                &store,
                &format!("ALTER TABLE a ADD {}", keys.replace(", FOREIGN", ", ADD FOREIGN")),
            )
            .await?;
        }
    }
    unenforced(
        &store,
        &[
            "INSERT INTO a VALUES (1, 99, NULL), (2, 98, 1), (3, NULL, NULL)",
            "INSERT INTO b VALUES (1, 1), (2, 3)",
        ],
    )
    .await?;
    let schema = schema(
        &db,
        "table a\n  id: bigint, not null\n  b_id: bigint\n  other_id: bigint\n  primary key (id)\n  \
         foreign key (b_id) references b (id), on delete cascade\n",
    )?;
    let report = apply(&store, &schema, key(&schema, "a"), &Repair::Delete).await?;
    ensure!(
        (report.found, report.changed, report.remaining) == (2, 2, 0),
        "{report}"
    );
    ensure!(
        number(&store, "SELECT COUNT(*) FROM a").await? == 1 && number(&store, "SELECT COUNT(*) FROM b").await? == 1
    );
    Ok(())
}

async fn what_a_trigger_keeps(db: Db) -> Result<()> {
    let statements: &[&str] = match db.backend {
        Backend::Postgres => &[
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN IF OLD.id = 3 THEN RETURN NULL; END IF; RETURN OLD; END $$",
            "CREATE TRIGGER keeps BEFORE DELETE ON posts FOR EACH ROW EXECUTE FUNCTION keep()",
        ],
        Backend::Sqlite => {
            &["CREATE TRIGGER keeps BEFORE DELETE ON posts WHEN OLD.id = 3 BEGIN SELECT RAISE(IGNORE); END"]
        }
        // A trigger of MySQL's can only refuse the whole statement.
        Backend::MySql => return Ok(()),
    };
    let store = lone(&db).await?;
    family(&store).await?;
    for statement in statements {
        execute(&store, statement).await?;
    }
    let schema = schema(&db, TABLES)?;
    let report = apply(&store, &schema, key(&schema, "posts"), &Repair::Delete).await?;
    ensure!(
        report
            .to_string()
            .starts_with("posts.user_id: 4 row(s) found, 3 deleted, 1 remaining"),
        "{report}"
    );
    ensure!(number(&store, "SELECT COUNT(*) FROM posts").await? == 3);
    Ok(())
}

/// Without a constraint, nothing but the repair's own lock keeps the row from going.
async fn the_new_owner_stays(db: Db) -> Result<()> {
    let (store, other) = (lone(&db).await?, lone(&db).await?);
    execute(&store, "CREATE TABLE users (id BIGINT NOT NULL PRIMARY KEY)").await?;
    execute(
        &store,
        "CREATE TABLE posts (id BIGINT NOT NULL PRIMARY KEY, user_id BIGINT)",
    )
    .await?;
    execute(&store, "INSERT INTO users VALUES (1), (2)").await?;
    execute(&store, "INSERT INTO posts VALUES (1, 9)").await?;
    let patience = match db.backend {
        Backend::Postgres => "SET lock_timeout = '200ms'",
        Backend::MySql => "SET innodb_lock_wait_timeout = 1",
        Backend::Sqlite => "PRAGMA busy_timeout = 200",
    };
    execute(&other, patience).await?;
    let schema = schema(&db, TABLES)?;
    store
        .transaction(async |tx| {
            apply(&tx, &schema, key(&schema, "posts"), &Repair::Reown(vec![2.into()])).await?;
            ensure!(execute(&other, "DELETE FROM users WHERE id = 2").await.is_err());
            Ok(())
        })
        .await?;
    ensure!(dangling_posts(&store).await? == [0, 0]);
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 2").await? == 1);
    Ok(())
}
