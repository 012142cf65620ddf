//! Keys of every shape: made, found done, and taken back to exactly what was there.

use anyhow::{Context, Result, ensure};
use sea_orm_cascade::migrate::{Backfill, RequiredForeignKey, Revert, WritePath};
use sea_orm_cascade::{Action, Backend, Entities, Store, StoreOptions};

use super::catalog::{catalog, difference};
use super::{POSTS, owner, series, tables};
use crate::harness::{Db, cases, execute, number};

cases![
    with_a_shared_column,
    to_a_unique_column,
    to_itself,
    of_text,
    of_uuids,
    from_rows_with_a_key_of_two_columns,
    of_a_column_that_was_there,
    of_a_column_that_was_required,
    of_a_column_with_a_default,
    a_key_that_was_not_validated,
    a_key_without_an_index,
    optional,
    optional_with_gaps,
    by_a_default,
    by_the_application,
    by_a_mapping,
    by_code,
    in_another_schema,
    with_long_names,
    with_odd_names,
    what_is_refused,
    back_twice,
    back_and_forth,
];

/// Statements with the engine's words for `{big}`, `{text}` and `{n 100}`, a series of numbers.
async fn made(db: &Db, sql: &[&str]) -> Result<Store> {
    let store = db.store_of(Entities::new()).await?;
    prepare(&store, sql).await?;
    Ok(store)
}

async fn prepare(store: &Store, sql: &[&str]) -> Result<()> {
    let (big, text) = match store.backend() {
        Backend::Postgres => ("bigint", "text"),
        Backend::MySql => ("bigint", "varchar(60)"),
        Backend::Sqlite => ("integer", "text"),
    };
    for sql in sql {
        let mut sql = sql.replace("{big}", big).replace("{text}", text);
        for count in [10, 450] {
            sql = sql.replace(&format!("{{n {count}}}"), &series(store.backend(), count));
        }
        execute(store, &sql).await.with_context(|| sql)?;
    }
    Ok(())
}

/// How rows and catalog are to be in the end.
type Checks<'a> = &'a [(&'a str, i64)];

/// Makes the key, finds it done, and takes it back: all but the rows is then as it was.
async fn there_and_back(store: &Store, request: &RequiredForeignKey, checks: Checks<'_>) -> Result<()> {
    let before = catalog(store).await?;
    made_and_done(store, request, checks).await?;
    request.revert(store.connection(), Revert::Full).await?;
    let after = catalog(store).await?;
    ensure!(after == before, "taken back: {}", difference(&after, &before));
    request.revert(store.connection(), Revert::Full).await?;
    let again = catalog(store).await?;
    ensure!(again == before, "taken back twice: {}", difference(&again, &before));
    Ok(())
}

/// By the rule.
const BY_RULE: [(&str, i64); 1] = [("SELECT COUNT(*) FROM posts WHERE user_id = 1 + id % 10", POSTS)];

async fn made_and_done(store: &Store, request: &RequiredForeignKey, checks: Checks<'_>) -> Result<()> {
    request.run(store.connection()).await?;
    for (sql, expected) in checks {
        let found = number(store, sql).await?;
        ensure!(found == *expected, "{sql}: {found}, not {expected}");
    }
    let plan = request.plan(store.connection()).await?;
    ensure!(plan.is_done(), "{plan}");
    let again = request.run(store.connection()).await?;
    ensure!(again.steps.is_empty() && again.filled == 0, "{again}");
    Ok(())
}

async fn with_a_shared_column(db: Db) -> Result<()> {
    let store = made(
        &db,
        &[
            "CREATE TABLE users (tenant_id {big} NOT NULL, id {big} NOT NULL, PRIMARY KEY (tenant_id, id))",
            "CREATE TABLE posts (id {big} NOT NULL PRIMARY KEY, tenant_id {big} NOT NULL)",
            "INSERT INTO users SELECT 1, n FROM {n 10}",
            "INSERT INTO users SELECT 2, n FROM {n 10}",
            "INSERT INTO posts SELECT n, 1 + n % 2 FROM {n 450}",
        ],
    )
    .await?;
    let key = RequiredForeignKey::new("posts", ["tenant_id", "user_id"])
        .references("users", ["tenant_id", "id"])
        .on_delete(Action::Cascade)
        .backfill(Backfill::sqls(["99", "1 + id % 10"]))
        .batch_rows(100);
    let wrong = "SELECT COUNT(*) FROM posts WHERE tenant_id <> 1 + id % 2 OR user_id <> 1 + id % 10 OR user_id IS NULL";
    there_and_back(&store, &key, &[(wrong, 0)]).await
}

async fn to_a_unique_column(db: Db) -> Result<()> {
    let concat = match db.backend {
        Backend::Postgres | Backend::Sqlite => "'u' || (1 + id % 10)",
        Backend::MySql => "CONCAT('u', 1 + id % 10)",
    };
    let store = made(
        &db,
        &[
            "CREATE TABLE users (id {big} NOT NULL PRIMARY KEY, handle {text} NOT NULL UNIQUE)",
            "CREATE TABLE posts (id {big} NOT NULL PRIMARY KEY)",
            &format!(
                "INSERT INTO users SELECT id, {} FROM (SELECT n AS id FROM {{n 10}}) AS x",
                concat.replace("1 + id % 10", "id")
            ),
            "INSERT INTO posts SELECT n FROM {n 450}",
        ],
    )
    .await?;
    let key = RequiredForeignKey::new("posts", ["handle"])
        .references("users", ["handle"])
        .on_update(Action::Cascade)
        .backfill(Backfill::sql(concat))
        .batch_rows(100);
    let wrong = format!("SELECT COUNT(*) FROM posts WHERE handle IS NULL OR handle <> {concat}");
    there_and_back(&store, &key, &[(&wrong, 0)]).await
}

async fn to_itself(db: Db) -> Result<()> {
    let store = made(
        &db,
        &[
            "CREATE TABLE employees (id {big} NOT NULL PRIMARY KEY)",
            "INSERT INTO employees SELECT n FROM {n 450}",
        ],
    )
    .await?;
    let key = RequiredForeignKey::new("employees", ["boss_id"])
        .references("employees", ["id"])
        .backfill(Backfill::sql("CASE WHEN id = 1 THEN 1 ELSE id - 1 END"))
        .batch_rows(100);
    let wrong =
        "SELECT COUNT(*) FROM employees WHERE boss_id IS NULL OR boss_id <> CASE WHEN id = 1 THEN 1 ELSE id - 1 END";
    there_and_back(&store, &key, &[(wrong, 0)]).await
}

/// Batches follow the collation's order, which is not that of bytes.
async fn of_text(db: Db) -> Result<()> {
    let concat = |prefix: &str, number: &str| match db.backend {
        Backend::Postgres | Backend::Sqlite => format!("'{prefix}' || ({number})"),
        Backend::MySql => format!("CONCAT('{prefix}', {number})"),
    };
    let case = format!(
        "CASE WHEN n % 2 = 0 THEN {} ELSE {} END",
        concat("p", "n"),
        concat("Ö''\\\\", "n")
    );
    let store = made(
        &db,
        &[
            "CREATE TABLE users (id {text} NOT NULL PRIMARY KEY)",
            "CREATE TABLE posts (id {text} NOT NULL PRIMARY KEY, n {big} NOT NULL)",
            &format!("INSERT INTO users SELECT {} FROM {{n 10}}", concat("u", "n")),
            &format!("INSERT INTO posts SELECT {case}, n FROM {{n 450}}"),
        ],
    )
    .await?;
    let owner = concat("u", "1 + n % 10");
    let key = RequiredForeignKey::new("posts", ["user_id"])
        .references("users", ["id"])
        .backfill(Backfill::sql(&owner))
        .batch_rows(100);
    let wrong = format!("SELECT COUNT(*) FROM posts WHERE user_id IS NULL OR user_id <> {owner}");
    there_and_back(&store, &key, &[(&wrong, 0), ("SELECT COUNT(*) FROM posts", 450)]).await
}

async fn of_uuids(db: Db) -> Result<()> {
    let (uuid, made_of) = match db.backend {
        Backend::Postgres => ("uuid", "md5(n::text)::uuid"),
        Backend::MySql => (
            "char(36)",
            "INSERT(INSERT(INSERT(INSERT(MD5(n), 21, 0, '-'), 17, 0, '-'), 13, 0, '-'), 9, 0, '-')",
        ),
        Backend::Sqlite => ("blob", "CAST('uuid' || n AS blob)"),
    };
    let one = "0e3dbcca-ab8c-4b5a-9e7e-6ab1f0d6a001";
    let owner_of_all = match db.backend {
        Backend::Postgres | Backend::MySql => format!("'{one}'"),
        Backend::Sqlite => format!("CAST('{one}' AS blob)"),
    };
    let store = made(
        &db,
        &[
            &format!("CREATE TABLE users (id {uuid} NOT NULL PRIMARY KEY)"),
            &format!("CREATE TABLE posts (id {uuid} NOT NULL PRIMARY KEY)"),
            &format!("INSERT INTO users VALUES ({owner_of_all})"),
            &format!("INSERT INTO posts SELECT {made_of} FROM {{n 450}}"),
        ],
    )
    .await?;
    let key = RequiredForeignKey::new("posts", ["user_id"])
        .references("users", ["id"])
        .batch_rows(100);
    let key = match db.backend {
        Backend::Postgres | Backend::MySql => key.backfill(Backfill::owner([one])),
        Backend::Sqlite => key.backfill(Backfill::sql(&owner_of_all)),
    };
    let wrong = format!("SELECT COUNT(*) FROM posts WHERE user_id IS NULL OR user_id <> {owner_of_all}");
    there_and_back(&store, &key, &[(&wrong, 0), ("SELECT COUNT(*) FROM posts", 450)]).await
}

async fn from_rows_with_a_key_of_two_columns(db: Db) -> Result<()> {
    let store = made(
        &db,
        &[
            "CREATE TABLE users (id {big} NOT NULL PRIMARY KEY)",
            "CREATE TABLE posts (a {big} NOT NULL, b {text} NOT NULL, PRIMARY KEY (a, b))",
            "INSERT INTO users SELECT n FROM {n 10}",
            "INSERT INTO posts SELECT n % 7, n FROM {n 450}",
        ],
    )
    .await?;
    let key = RequiredForeignKey::new("posts", ["user_id"])
        .references("users", ["id"])
        .backfill(Backfill::sql("1 + a"))
        .batch_rows(30);
    let wrong = "SELECT COUNT(*) FROM posts WHERE user_id IS NULL OR user_id <> 1 + a";
    there_and_back(&store, &key, &[(wrong, 0), ("SELECT COUNT(*) FROM posts", 450)]).await
}

const USERS_AND_POSTS: [&str; 4] = [
    "CREATE TABLE users (id {big} NOT NULL PRIMARY KEY)",
    "CREATE TABLE posts (id {big} NOT NULL PRIMARY KEY, user_id {big})",
    "INSERT INTO users SELECT n FROM {n 10}",
    "INSERT INTO posts SELECT n, CASE WHEN n % 3 = 0 THEN 7 END FROM {n 450}",
];

/// Values that are there stay; the column and they stay when it is taken back.
async fn of_a_column_that_was_there(db: Db) -> Result<()> {
    let store = made(&db, &USERS_AND_POSTS).await?;
    let wrong = "SELECT COUNT(*) FROM posts WHERE user_id IS NULL OR user_id <> CASE WHEN id % 3 = 0 THEN 7 ELSE 1 + id % 10 END";
    there_and_back(&store, &owner(), &[(wrong, 0)]).await?;
    for how in [Revert::Soft, Revert::KeepData, Revert::Full] {
        owner().run(store.connection()).await?;
        owner().revert(store.connection(), how).await?;
        ensure!(number(&store, wrong).await? == 0, "{how:?} lost values");
        execute(&store, "INSERT INTO posts (id, user_id) VALUES (9999, NULL)").await?;
        execute(&store, "DELETE FROM posts WHERE id = 9999").await?;
    }
    Ok(())
}

async fn of_a_column_that_was_required(db: Db) -> Result<()> {
    let mut sql = USERS_AND_POSTS;
    sql[1] = "CREATE TABLE posts (id {big} NOT NULL PRIMARY KEY, user_id {big} NOT NULL)";
    sql[3] = "INSERT INTO posts SELECT n, 1 + n % 10 FROM {n 450}";
    let store = made(&db, &sql).await?;
    let key = RequiredForeignKey::new("posts", ["user_id"]).references("users", ["id"]);
    there_and_back(
        &store,
        &key,
        &[("SELECT COUNT(*) FROM posts WHERE user_id = 1 + id % 10", 450)],
    )
    .await
}

/// The default is the application's: it is neither replaced nor dropped.
async fn of_a_column_with_a_default(db: Db) -> Result<()> {
    let mut sql = USERS_AND_POSTS;
    sql[1] = "CREATE TABLE posts (id {big} NOT NULL PRIMARY KEY, user_id {big} DEFAULT 5)";
    let store = made(&db, &sql).await?;
    let before = catalog(&store).await?;
    let replaces = owner()
        .backfill(Backfill::owner([3_i64]))
        .write_path(WritePath::Default);
    if db.backend != Backend::Sqlite {
        let error = replaces
            .run(store.connection())
            .await
            .err()
            .context("it replaced the default")?;
        ensure!(error.to_string().contains("default already"), "{error}");
        ensure!(catalog(&store).await? == before, "something was changed");
    }
    owner().run(store.connection()).await?;
    execute(&store, "INSERT INTO posts (id) VALUES (9999)").await?;
    ensure!(number(&store, "SELECT user_id FROM posts WHERE id = 9999").await? == 5);
    Ok(())
}

async fn a_key_that_was_not_validated(db: Db) -> Result<()> {
    if db.backend != Backend::Postgres {
        return Ok(());
    }
    let store = made(&db, &USERS_AND_POSTS).await?;
    execute(&store, "UPDATE posts SET user_id = 1 + id % 10").await?;
    execute(
        &store,
        "ALTER TABLE posts ADD CONSTRAINT theirs FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID",
    )
    .await?;
    made_and_done(
        &store,
        &owner(),
        &[(
            "SELECT COUNT(*) FROM pg_constraint WHERE contype = 'f' AND convalidated",
            1,
        )],
    )
    .await?;
    owner().revert(store.connection(), Revert::Full).await?;
    ensure!(
        number(&store, "SELECT COUNT(*) FROM pg_constraint WHERE conname = 'theirs'").await? == 1,
        "the key was there before"
    );
    let columns = number(&store, "SELECT COUNT(user_id) FROM posts").await?;
    ensure!(columns == 450);
    Ok(())
}

async fn a_key_without_an_index(db: Db) -> Result<()> {
    if db.backend == Backend::MySql {
        // InnoDB makes the index with the key.
        return Ok(());
    }
    let mut sql = USERS_AND_POSTS;
    sql[1] =
        "CREATE TABLE posts (id {big} NOT NULL PRIMARY KEY, user_id {big} REFERENCES users (id) ON DELETE CASCADE)";
    let store = made(&db, &sql).await?;
    let indexes = match db.backend {
        Backend::Postgres => "SELECT COUNT(*) FROM pg_indexes WHERE tablename = 'posts' AND indexdef LIKE '%(user_id)'",
        Backend::Sqlite | Backend::MySql => {
            "SELECT COUNT(*) FROM pragma_index_list('posts') AS l JOIN pragma_index_info(l.name) AS i WHERE i.name = 'user_id'"
        }
    };
    there_and_back(&store, &owner(), &[(indexes, 1)]).await
}

async fn optional(db: Db) -> Result<()> {
    let store = made(&db, &USERS_AND_POSTS).await?;
    let key = RequiredForeignKey::new("posts", ["user_id"])
        .references("users", ["id"])
        .on_delete(Action::SetNull)
        .optional();
    let checks = [("SELECT COUNT(*) FROM posts WHERE user_id IS NULL", 300)];
    there_and_back(&store, &key, &checks).await?;
    made_and_done(&store, &key, &checks).await?;
    execute(&store, "DELETE FROM users WHERE id = 7").await?;
    ensure!(number(&store, "SELECT COUNT(user_id) FROM posts").await? == 0);
    Ok(())
}

async fn optional_with_gaps(db: Db) -> Result<()> {
    let store = made(&db, &USERS_AND_POSTS).await?;
    let key = owner()
        .optional()
        .backfill(Backfill::sql("CASE WHEN id % 3 = 1 THEN 2 END"));
    let checks = [
        ("SELECT COUNT(*) FROM posts WHERE user_id IS NULL", 150),
        ("SELECT COUNT(*) FROM posts WHERE user_id = 2 AND id % 3 = 1", 150),
    ];
    made_and_done(&store, &key, &checks).await?;
    // What comes later without one has none.
    execute(&store, "INSERT INTO posts (id) VALUES (9999)").await?;
    made_and_done(
        &store,
        &key,
        &[("SELECT COUNT(*) FROM posts WHERE id = 9999 AND user_id IS NULL", 1)],
    )
    .await
}

async fn by_a_default(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    let key = owner()
        .backfill(Backfill::owner([3_i64]))
        .write_path(WritePath::Default);
    let checks = [("SELECT COUNT(*) FROM posts WHERE user_id = 3", POSTS)];
    there_and_back(&store, &key, &checks).await?;
    made_and_done(&store, &key, &checks).await?;
    let refused = execute(&store, "INSERT INTO posts (id, title) VALUES (5000, 'x')").await;
    ensure!(refused.is_err(), "the default is still there");
    // A default of the application's own, made afterwards, is not ours to drop.
    if db.backend != Backend::Sqlite {
        execute(&store, "ALTER TABLE posts ALTER COLUMN user_id SET DEFAULT 4").await?;
        ensure!(key.run(store.connection()).await?.steps.is_empty());
        execute(&store, "INSERT INTO posts (id, title) VALUES (5000, 'x')").await?;
        ensure!(number(&store, "SELECT user_id FROM posts WHERE id = 5000").await? == 4);
    }
    Ok(())
}

async fn by_the_application(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    there_and_back(&store, &owner().write_path(WritePath::Application), &BY_RULE).await
}

async fn by_a_mapping(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    execute(&store, "CREATE TABLE owners (post bigint, owner bigint)").await?;
    execute(&store, "INSERT INTO owners SELECT id, 1 + id % 10 FROM posts").await?;
    there_and_back(
        &store,
        &owner().backfill(Backfill::mapping("owners", [("id", "post")], ["owner"])),
        &BY_RULE,
    )
    .await
}

async fn by_code(db: Db) -> Result<()> {
    let store = tables(&db).await?;
    let code = Backfill::with(async |batch| {
        let owner = |id: &str| 1 + id.parse::<i64>().unwrap() % 10;
        Ok(batch
            .keys
            .iter()
            .map(|key| Some(vec![owner(&key.values()[0]).into()]))
            .collect())
    });
    there_and_back(&store, &owner().backfill(code), &BY_RULE).await
}

async fn in_another_schema(db: Db) -> Result<()> {
    if db.backend != Backend::Postgres {
        return Ok(());
    }
    let store = made(
        &db,
        &[
            "CREATE SCHEMA sales",
            "CREATE SCHEMA people",
            // The same name in the schema that statements mean without one.
            "CREATE TABLE posts (id text)",
            "CREATE TABLE people.users (id bigint PRIMARY KEY)",
            "CREATE TABLE sales.posts (id bigint PRIMARY KEY)",
            "INSERT INTO people.users SELECT n FROM {n 10}",
            "INSERT INTO sales.posts SELECT n FROM {n 450}",
        ],
    )
    .await?;
    let key = RequiredForeignKey::new("sales.posts", ["user_id"])
        .references("people.users", ["id"])
        .backfill(Backfill::sql("1 + posts.id % 10"))
        .batch_rows(100);
    there_and_back(
        &store,
        &key,
        &[("SELECT COUNT(*) FROM sales.posts WHERE user_id = 1 + id % 10", 450)],
    )
    .await
}

/// Longer than the engines let the names of a key and of an index be, which are made of them.
async fn with_long_names(db: Db) -> Result<()> {
    let posts = "posts_of_a_table_whose_name_is_as_long_as_they_get_fifty";
    let column = "user_id_of_a_column_with_a_long_name";
    let store = made(
        &db,
        &[
            "CREATE TABLE users (id {big} NOT NULL PRIMARY KEY)",
            &format!("CREATE TABLE {posts} (id {{big}} NOT NULL PRIMARY KEY)"),
            "INSERT INTO users SELECT n FROM {n 10}",
            &format!("INSERT INTO {posts} SELECT n FROM {{n 450}}"),
        ],
    )
    .await?;
    let key = RequiredForeignKey::new(posts, [column])
        .references("users", ["id"])
        .backfill(Backfill::sql("1 + id % 10"));
    let right = format!("SELECT COUNT(*) FROM {posts} WHERE {column} = 1 + id % 10");
    there_and_back(&store, &key, &[(&right, 450)]).await
}

async fn with_odd_names(db: Db) -> Result<()> {
    let (open, close) = match db.backend {
        Backend::Postgres | Backend::Sqlite => ('"', "\"\""),
        Backend::MySql => ('`', "``"),
    };
    let quoted = |name: &str| format!("{open}{}{open}", name.replace(open, close));
    let (posts, users, column, id) = ("My Posts' \"x\"", "Users`s", "User Id\"", "Id?");
    let (q_posts, q_users, q_column, q_id) = (quoted(posts), quoted(users), quoted(column), quoted(id));
    let store = made(
        &db,
        &[
            &format!("CREATE TABLE {q_users} ({q_id} {{big}} NOT NULL PRIMARY KEY)"),
            &format!("CREATE TABLE {q_posts} ({q_id} {{big}} NOT NULL PRIMARY KEY)"),
            &format!("INSERT INTO {q_users} SELECT n FROM {{n 10}}"),
            &format!("INSERT INTO {q_posts} SELECT n FROM {{n 450}}"),
        ],
    )
    .await?;
    let key = RequiredForeignKey::new(posts, [column])
        .references(users, [id])
        .backfill(Backfill::owner([3_i64]))
        .batch_rows(100);
    let right = format!("SELECT COUNT(*) FROM {q_posts} WHERE {q_column} = 3");
    there_and_back(&store, &key, &[(&right, 450)]).await
}

/// Said before anything is changed.
async fn what_is_refused(db: Db) -> Result<()> {
    let store = made(&db, &USERS_AND_POSTS).await?;
    prepare(
        &store,
        &[
            "CREATE TABLE loose (id {big})",
            "CREATE TABLE bare (x {big}, user_id {big})",
        ],
    )
    .await?;
    let key = |table: &str| RequiredForeignKey::new(table, ["user_id"]).backfill(Backfill::sql("1"));
    let mut cases = vec![
        (key("posts"), "what does posts.user_id reference"),
        (key("post").references("users", ["id"]), "did you mean"),
        (key("posts").references("loose", ["id"]), "cannot be referenced"),
        (key("posts").references("users", ["ident"]), "has no column ident"),
        (
            key("posts").references("users", ["id"]).on_delete(Action::SetNull),
            "both required and set null",
        ),
        (
            key("posts")
                .references("users", ["id"])
                .backfill(Backfill::sqls(["1", "2"])),
            "gives 2 value(s)",
        ),
    ];
    match db.backend {
        Backend::Postgres => {
            for sql in [
                "CREATE TABLE parts (id bigint, user_id bigint, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
                "CREATE TABLE parent (id bigint PRIMARY KEY)",
                "CREATE TABLE child () INHERITS (parent)",
            ] {
                execute(&store, sql).await?;
            }
            cases.push((key("parts").references("users", ["id"]), "is partitioned"));
            cases.push((key("parent").references("users", ["id"]), "inherits from"));
            cases.push((key("bare").references("users", ["id"]), "has no primary key"));
        }
        Backend::MySql => {
            for sql in [
                "CREATE TABLE parts (id bigint PRIMARY KEY, user_id bigint) PARTITION BY HASH (id) PARTITIONS 2",
                "CREATE TABLE mine (id bigint PRIMARY KEY, user_id bigint) ENGINE = Aria",
                "CREATE TABLE small (id bigint PRIMARY KEY, user_id int)",
            ] {
                execute(&store, sql).await?;
            }
            cases.push((key("parts").references("users", ["id"]), "partitioned"));
            cases.push((key("mine").references("users", ["id"]), "has no foreign keys"));
            cases.push((key("small").references("users", ["id"]), "wants the same type"));
            cases.push((key("bare").references("users", ["id"]), "has no primary key"));
        }
        Backend::Sqlite => {}
    }
    let before = catalog(&store).await?;
    for (request, says) in cases {
        let error = request
            .run(store.connection())
            .await
            .err()
            .with_context(|| format!("{says}: accepted"))?;
        ensure!(error.to_string().contains(says), "{error}, not {says}");
        let planned = request
            .plan(store.connection())
            .await
            .err()
            .with_context(|| format!("{says}: planned"))?;
        ensure!(planned.to_string().contains(says), "{planned}, not {says}");
    }
    ensure!(catalog(&store).await? == before, "something was changed");
    if db.backend == Backend::MySql {
        let careless = db.store_with(StoreOptions::new().max_connections(1)).await?;
        execute(&careless, "SET SESSION sql_mode = ''").await?;
        let error = owner()
            .plan(careless.connection())
            .await
            .err()
            .context("it was planned")?;
        ensure!(error.to_string().contains("is not strict"), "{error}");
    }
    Ok(())
}

/// What the ledger does not know of is not dropped: it may have been there before.
async fn back_twice(db: Db) -> Result<()> {
    let store = made(&db, &USERS_AND_POSTS).await?;
    let before = catalog(&store).await?;
    for how in [Revert::KeepData, Revert::Full] {
        owner().revert(store.connection(), how).await?;
        ensure!(
            catalog(&store).await? == before,
            "{how:?} of what was never made: {}",
            difference(&catalog(&store).await?, &before)
        );
    }
    Ok(())
}

/// Taken back half-way and made again: what the ledger knew of the first is not taken for the second.
async fn back_and_forth(db: Db) -> Result<()> {
    use sea_orm_cascade::migrate::{Control, Event, StepKind};

    let store = tables(&db).await?;
    let optional = owner().optional();
    made_and_done(&store, &optional, &BY_RULE).await?;
    // Stopped with the columns gone, before it has forgotten them.
    let stops = optional.clone().on_progress(|event| {
        assert!(
            !matches!(
                event,
                Event::Ends {
                    step: StepKind::DropColumns,
                    ..
                }
            ),
            "stop here"
        );
        Control::Continue
    });
    if db.backend == Backend::Sqlite {
        return Ok(());
    }
    let connection = store.clone();
    let stopped = tokio::spawn(async move { stops.revert(connection.connection(), Revert::Full).await }).await;
    ensure!(stopped.is_err(), "it was not stopped");
    made_and_done(&store, &optional, &BY_RULE).await
}
