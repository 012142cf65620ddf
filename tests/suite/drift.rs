//! The database compared with what it should be.

use anyhow::{Context, Result, ensure};
use sea_orm_cascade::diff::{Class, Comparison, DiffOptions, SchemaDiff};
use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Backend, Entities, Store, StoreOptions, ddl};

use crate::create::{person, team};
use crate::harness::{Db, cases, execute, number};
use crate::log::Log;
use crate::{models, random};

cases![
    created_is_equal,
    migrated_is_equal,
    what_was_changed_by_hand_is_named,
    random_schemas_come_back_as_they_are,
    one_random_schema_becomes_another,
    nothing_is_left_behind,
    many_tables_are_tried_a_few_at_a_time,
    without_the_right_to_try_it,
];

/// A store on one connection: a script of statements needs that.
async fn store(db: &Db, entities: Entities) -> Result<Store> {
    Ok(Store::connect_with(&db.url, entities, StoreOptions::new().max_connections(1)).await?)
}

async fn apply(store: &Store, diff: &SchemaDiff) -> Result<()> {
    for step in diff.statements() {
        execute(store, &step.sql).await.with_context(|| step.sql.clone())?;
    }
    Ok(())
}

async fn created_is_equal(db: Db) -> Result<()> {
    let circle = Entities::new().with(team::Entity).with(person::Entity);
    for entities in [entity::entities(), models::entities(), circle] {
        let store = store(&db, entities).await?;
        store.create_all().await?;
        // Only this store's tables are its business.
        let mut options = DiffOptions::new();
        for table in store.introspect().await?.tables {
            if store.entities().tables().all(|own| *own != table.name) {
                options = options.ignore(table.name);
            }
        }
        let diff = store.diff(&options).await?;
        ensure!(diff.is_empty(), "{diff}");
        ensure!(diff.compared == Comparison::Engine, "{:?}", diff.compared);
        ensure!(store.create_all().await?.is_empty());
        // What is printed does the same in an empty database.
        let empty = scratch::Scratch::create(&db.url).await?;
        let printed = Store::connect_with(
            empty.url(),
            store.entities().clone(),
            StoreOptions::new().max_connections(1),
        )
        .await?;
        for statement in ddl::create(&printed.schema()?) {
            execute(&printed, &statement).await?;
        }
        let diff = printed.diff(&DiffOptions::new()).await?;
        printed.close().await?;
        empty.discard().await?;
        ensure!(diff.is_empty(), "{diff}");
    }
    Ok(())
}

async fn migrated_is_equal(db: Db) -> Result<()> {
    let store = db.store().await?;
    migration::run(&store, migration::Command::Up(None)).await?;
    let diff = store.diff(&DiffOptions::new()).await?;
    ensure!(diff.is_empty(), "{diff}");
    migration::run(&store, migration::Command::Down(Some(1))).await?;
    let diff = store.diff(&DiffOptions::new()).await?;
    let changes: Vec<_> = diff.changes.iter().map(|it| it.change.to_string()).collect();
    let name = if db.backend == Backend::Sqlite {
        ""
    } else {
        ", as fk-posts-user_id"
    };
    let column = if db.backend == Backend::Sqlite {
        "integer"
    } else {
        "bigint"
    };
    let expected = [
        format!("posts: add column user_id: {column}, not null"),
        "posts: add index (user_id), as idx-posts-user_id".to_owned(),
        format!("posts: add foreign key (user_id) references users (id), on delete cascade{name}"),
    ];
    ensure!(changes == expected, "{changes:#?}");
    ensure!(diff.class() == Some(Class::DataDependent), "{:?}", diff.class());
    Ok(())
}

/// Changes by hand, in each engine's own SQL, and what the comparison calls them. Several statements where one does not do.
fn changes_by_hand(backend: Backend) -> Vec<(Vec<&'static str>, &'static str)> {
    match backend {
        Backend::Postgres => by_hand_on_postgres(),
        Backend::MySql => by_hand_on_mysql(),
        Backend::Sqlite => by_hand_on_sqlite(),
    }
}

fn by_hand_on_postgres() -> Vec<(Vec<&'static str>, &'static str)> {
    vec![
        (
            vec!["DROP INDEX \"idx-posts-user_id\""],
            "posts: add index (user_id), as idx-posts-user_id",
        ),
        (
            vec![
                "ALTER TABLE posts DROP CONSTRAINT \"fk-posts-user_id\"",
                "ALTER TABLE posts ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE SET NULL",
            ],
            "posts: change foreign key posts.user_id: on delete set null to cascade",
        ),
        (
            vec!["ALTER TABLE posts ALTER user_id DROP NOT NULL"],
            "posts: change column user_id: not null",
        ),
        (
            vec!["CREATE UNIQUE INDEX stray ON posts (title)"],
            "posts: drop index (title), unique, as stray, which nothing declares",
        ),
        (
            vec!["ALTER TABLE posts ALTER published SET DEFAULT false"],
            "posts: change column published: default false to true",
        ),
        (
            vec!["ALTER TABLE posts ALTER title TYPE text"],
            "posts: change column title: type text to character varying",
        ),
        (
            vec![
                "ALTER TABLE posts DROP CONSTRAINT \"fk-posts-user_id\"",
                "ALTER TABLE posts ADD CONSTRAINT k FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID",
            ],
            "posts: validate foreign key (user_id) references users (id), on delete cascade, not valid, as k",
        ),
        (
            vec!["ALTER TABLE posts DROP CONSTRAINT \"k\""],
            "posts: add foreign key (user_id) references users (id), on delete cascade, as fk-posts-user_id",
        ),
        (
            vec!["ALTER TABLE users DROP CONSTRAINT users_email_key"],
            "users: add unique (email), as users_email_key",
        ),
        (
            vec!["ALTER TABLE posts ADD CONSTRAINT c CHECK (title <> '')"],
            "posts: drop check ((title)::text <> ''::text), as c, which nothing declares",
        ),
        (
            vec!["ALTER TABLE posts ADD extra int"],
            "posts: drop column extra, which nothing declares",
        ),
        (
            vec!["ALTER TABLE posts DROP content"],
            "posts: add column content: text, not null",
        ),
        (
            vec!["CREATE TABLE other (id int)"],
            "other: drop table, which nothing declares",
        ),
        (vec!["CREATE TYPE mood AS ENUM ('sad')"], "drop type mood"),
    ]
}

fn by_hand_on_mysql() -> Vec<(Vec<&'static str>, &'static str)> {
    vec![
        (
            vec![
                "ALTER TABLE posts DROP FOREIGN KEY `fk-posts-user_id`",
                "ALTER TABLE posts ADD FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE RESTRICT",
            ],
            "posts: change foreign key posts.user_id: on delete no action to cascade",
        ),
        (
            vec!["ALTER TABLE posts MODIFY user_id bigint NULL"],
            "posts: change column user_id: not null",
        ),
        (
            vec!["CREATE UNIQUE INDEX stray ON posts (title)"],
            "posts: drop unique (title), as stray, which nothing declares",
        ),
        (
            vec!["ALTER TABLE posts ALTER published SET DEFAULT 0"],
            "posts: change column published: default 0 to 1",
        ),
        (
            vec!["ALTER TABLE posts MODIFY title varchar(100) NOT NULL"],
            "posts: change column title: type varchar(100) to varchar(255)",
        ),
        (
            vec!["ALTER TABLE posts DROP FOREIGN KEY `fk-posts-user_id`"],
            "posts: add foreign key (user_id) references users (id), on delete cascade, as fk-posts-user_id",
        ),
        (
            vec!["ALTER TABLE users DROP INDEX email"],
            "users: add unique (email), as email",
        ),
        (
            vec!["ALTER TABLE posts ADD CONSTRAINT c CHECK (title <> '')"],
            "posts: drop check (`title` <> ''), as c, which nothing declares",
        ),
        (
            vec!["ALTER TABLE posts ADD extra int"],
            "posts: drop column extra, which nothing declares",
        ),
        (
            vec!["ALTER TABLE posts DROP content"],
            "posts: add column content: text, not null",
        ),
        (
            vec!["CREATE TABLE other (id int)"],
            "other: drop table, which nothing declares",
        ),
    ]
}

fn by_hand_on_sqlite() -> Vec<(Vec<&'static str>, &'static str)> {
    vec![
        (
            vec!["DROP INDEX \"idx-posts-user_id\""],
            "posts: add index (user_id), as idx-posts-user_id",
        ),
        (
            vec!["CREATE UNIQUE INDEX stray ON posts (title)"],
            "posts: drop index (title), unique, as stray, which nothing declares",
        ),
        (
            vec!["ALTER TABLE posts ADD extra int"],
            "posts: drop column extra, which nothing declares",
        ),
        (
            vec!["ALTER TABLE posts DROP content"],
            "posts: add column content: text, not null",
        ),
        (
            vec!["CREATE TABLE other (id int)"],
            "other: drop table, which nothing declares",
        ),
        (
            vec![
                "PRAGMA writable_schema = ON",
                "UPDATE sqlite_master SET sql = replace(sql, 'ON DELETE CASCADE', '')",
                "PRAGMA writable_schema = RESET",
            ],
            "posts: change foreign key posts.user_id: on delete no action to cascade",
        ),
        (
            vec![
                "PRAGMA writable_schema = ON",
                "UPDATE sqlite_master SET sql = replace(sql, '\"user_id\" integer NOT NULL', '\"user_id\" integer')",
                "PRAGMA writable_schema = RESET",
            ],
            "posts: change column user_id: not null",
        ),
        (
            vec![
                "PRAGMA writable_schema = ON",
                "UPDATE sqlite_master SET sql = replace(sql, '\"title\" varchar NOT NULL', '\"title\" text NOT NULL')",
                "PRAGMA writable_schema = RESET",
            ],
            "posts: change column title: type text to varchar",
        ),
    ]
}

async fn what_was_changed_by_hand_is_named(db: Db) -> Result<()> {
    let store = store(&db, entity::entities()).await?;
    store.create_all().await?;
    for (statements, expected) in changes_by_hand(db.backend) {
        for statement in statements {
            execute(&store, statement).await.with_context(|| statement)?;
        }
        let diff = store.diff(&DiffOptions::new()).await?;
        let changes: Vec<_> = diff.changes.iter().map(|it| it.change.to_string()).collect();
        ensure!(changes == [expected], "{changes:#?}, expected {expected}");
        if expected.contains("validate") {
            continue;
        }
        apply(&store, &diff).await?;
        let again = store.diff(&DiffOptions::new()).await?;
        ensure!(again.is_empty(), "{expected}: applied, and then\n{again}");
    }
    Ok(())
}

const CASES: u64 = 200;

async fn random_schemas_come_back_as_they_are(db: Db) -> Result<()> {
    let store = store(&db, Entities::new()).await?;
    let empty = Schema::new(db.backend);
    for seed in 0..CASES {
        let wanted = random::schema(db.backend, seed);
        for statement in ddl::create(&wanted) {
            execute(&store, &statement)
                .await
                .with_context(|| format!("seed {seed}\n{wanted}\n{statement}"))?;
        }
        let live = store.introspect().await?;
        let (wanted, live) = (wanted.normalised().to_string(), live.normalised().to_string());
        ensure!(live == wanted, "seed {seed}\n--- wanted\n{wanted}\n--- live\n{live}");
        apply(&store, &store.diff_to(&empty, &DiffOptions::new()).await?)
            .await
            .with_context(|| format!("seed {seed}: dropping\n{wanted}"))?;
    }
    Ok(())
}

async fn one_random_schema_becomes_another(db: Db) -> Result<()> {
    let store = store(&db, Entities::new()).await?;
    for seed in 0..CASES / 4 {
        let wanted = random::schema(db.backend, 1_000 + seed);
        let diff = store.diff_to(&wanted, &DiffOptions::new()).await?;
        apply(&store, &diff)
            .await
            .with_context(|| format!("seed {seed}\n{diff}"))?;
        let again = store.diff_to(&wanted, &DiffOptions::new()).await?;
        ensure!(
            again.is_empty(),
            "seed {seed}\n{wanted}\n--- first\n{diff}\n--- again\n{again}"
        );
    }
    Ok(())
}

async fn nothing_is_left_behind(db: Db) -> Result<()> {
    let store = db.created().await?;
    // A schema that can be made, and one that cannot.
    let mut broken = store.schema()?;
    let posts = broken.table_mut(&"posts".into()).context("posts")?;
    posts.checks.push(sea_orm_cascade::schema::Check::new("nonsense ("));
    for (wanted, works) in [(store.schema()?, true), (broken, false)] {
        let log = Log::new();
        let outcome = log.capture(store.diff_to(&wanted, &DiffOptions::new())).await;
        ensure!(outcome.is_ok() == works, "{outcome:?}");
        let statements = log.statements();
        let made: Vec<_> = statements
            .iter()
            .filter_map(|it| {
                it.strip_prefix("CREATE SCHEMA ")
                    .or(it.strip_prefix("CREATE DATABASE "))
            })
            .filter_map(|rest| rest.split(' ').next())
            .collect();
        ensure!(
            made.len() == usize::from(db.backend != Backend::Sqlite),
            "{statements:#?}"
        );
        for place in made {
            let left = format!("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = '{place}'");
            ensure!(number(&store, &left).await? == 0, "{place} is left");
        }
    }
    Ok(())
}

/// A transaction that made them all would take a lock for each, and leave none to others.
async fn many_tables_are_tried_a_few_at_a_time(db: Db) -> Result<()> {
    let store = db.store().await?;
    let mut text = format!("backend {}\n", db.backend);
    for number in 0..250 {
        text += &format!(
            "\ntable t{number}\n  id: bigint, not null\n  up: bigint\n  primary key (id)\n  index (up), as i{number}\n"
        );
        text += &format!("  foreign key (up) references t{} (id)\n", 249 - number);
    }
    let wanted = Schema::parse(&text)?;
    let log = Log::new();
    let diff = log.capture(store.diff_to(&wanted, &DiffOptions::new())).await?;
    ensure!(
        diff.changes.len() == 250 && diff.compared == Comparison::Engine,
        "{diff}"
    );
    let statements = log.statements();
    let of = |start: &str| statements.iter().filter(|it| it.starts_with(start)).count();
    ensure!(of("CREATE TABLE") == 250, "{}", of("CREATE TABLE"));
    ensure!(
        statements.iter().all(|it| !it.contains("REFERENCES")),
        "a key would lock what it references"
    );
    let places = match db.backend {
        Backend::Postgres => of("CREATE SCHEMA") == 3 && statements.iter().all(|it| !it.starts_with("COMMIT")),
        Backend::MySql => of("CREATE DATABASE") == 1 && of("DROP DATABASE") == 1,
        Backend::Sqlite => true,
    };
    ensure!(places, "{statements:#?}");
    Ok(())
}

/// A role that may read and not make a schema: spellings are compared by rule, and the tutorial's are told to be equal.
async fn without_the_right_to_try_it(db: Db) -> Result<()> {
    let store = db.created().await?;
    match db.backend {
        Backend::Postgres => {
            let role = format!("cascade_reader_{}_{:x}", std::process::id(), fastrand::u32(..));
            execute(&store, &format!("CREATE ROLE {role}")).await?;
            let one = self::store(&db, entity::entities()).await?;
            execute(&one, &format!("SET ROLE {role}")).await?;
            let diff = one.diff(&DiffOptions::new()).await;
            one.close().await?;
            execute(&store, &format!("DROP ROLE {role}")).await?;
            let diff = diff?;
            ensure!(diff.compared == Comparison::Spelling, "{:?}", diff.compared);
            ensure!(diff.is_empty(), "{diff}");
        }
        Backend::MySql => {
            let user = format!("reader_{}_{:x}", std::process::id(), fastrand::u16(..));
            execute(&store, &format!("CREATE USER {user}@'%' IDENTIFIED BY 'p'")).await?;
            execute(&store, &format!("GRANT SELECT ON `{}`.* TO {user}@'%'", db.database()?)).await?;
            let diff = async {
                let url = db.url_as(&user, "p")?;
                let one = Store::connect(&url, entity::entities()).await?;
                let diff = one.diff(&DiffOptions::new()).await?;
                one.close().await?;
                anyhow::Ok(diff)
            }
            .await;
            execute(&store, &format!("DROP USER {user}@'%'")).await?;
            let diff = diff?;
            ensure!(diff.compared == Comparison::Spelling, "{:?}", diff.compared);
            ensure!(diff.is_empty(), "{diff}");
        }
        // Everybody may have a database in memory.
        Backend::Sqlite => {}
    }
    Ok(())
}
