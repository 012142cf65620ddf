//! Rules that one engine has cause for, and the session's.

use anyhow::{Result, ensure};
use sea_orm_cascade::introspect::{self, Scope};
use sea_orm_cascade::lint::{self, Facts};
use sea_orm_cascade::{Backend, Entities, Error, Store};

use super::{Cure, fires, found, refused, run, silent, store};
use crate::harness::{Db, cases, number};

cases![
    l11_not_validated,
    l12_invalid_index,
    l20_cascade_depth,
    l26_not_enforced,
    l27_key_overflow,
    l42_engine_without_keys,
    what_a_role_may_not_read,
];

/// PostgreSQL alone keeps a constraint that old rows were not checked for.
async fn l11_not_validated(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let users = "CREATE TABLE users (id integer NOT NULL PRIMARY KEY)";
    let posts = "CREATE TABLE posts (id integer NOT NULL PRIMARY KEY, user_id integer NOT NULL";
    if db.backend != Backend::Postgres {
        run(
            &store,
            &format!("{users}; {posts}, FOREIGN KEY (user_id) REFERENCES users (id), CHECK (id > 0))"),
        )
        .await?;
        return silent(&store, None, "L11").await;
    }
    run(&store, &format!("{users}; {posts})")).await?;
    run(
        &store,
        "ALTER TABLE posts ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id) NOT VALID",
    )
    .await?;
    let message = "the foreign key of posts.user_id was never validated for the rows before it";
    fires(&store, "L11", message, Cure::Proposed).await?;
    run(
        &store,
        "ALTER TABLE posts ADD CONSTRAINT positive CHECK (id > 0) NOT VALID",
    )
    .await?;
    let message = "the check positive of posts was never validated for the rows before it";
    fires(&store, "L11", message, Cure::Proposed).await?;
    ensure!(
        number(
            &store,
            "SELECT COUNT(*) FROM pg_constraint WHERE conname IN ('fk', 'positive') AND convalidated"
        )
        .await?
            == 2
    );
    Ok(())
}

/// What a failed CREATE INDEX CONCURRENTLY leaves behind on PostgreSQL.
async fn l12_invalid_index(db: Db) -> Result<()> {
    let store = store(&db).await?;
    run(
        &store,
        "CREATE TABLE notes (id integer NOT NULL PRIMARY KEY, n integer); INSERT INTO notes VALUES (1, 7), (2, 7)",
    )
    .await?;
    if db.backend != Backend::Postgres {
        ensure!(refused(&store, "CREATE UNIQUE INDEX u ON notes (n)").await);
        return silent(&store, None, "L12").await;
    }
    ensure!(refused(&store, "CREATE UNIQUE INDEX CONCURRENTLY u ON notes (n)").await);
    run(&store, "DELETE FROM notes WHERE id = 2").await?;
    fires(&store, "L12", "the index u of notes is invalid", Cure::Proposed).await?;
    ensure!(
        number(
            &store,
            "SELECT COUNT(*) FROM pg_index WHERE indexrelid = 'u'::regclass AND indisvalid"
        )
        .await?
            == 1
    );
    Ok(())
}

/// Tables with a CASCADE key each to the one before, and a row in each.
fn chain(tables: u32) -> String {
    let mut sql = String::from("CREATE TABLE t0 (id integer NOT NULL PRIMARY KEY); INSERT INTO t0 VALUES (1)");
    for number in 1..tables {
        let before = number - 1;
        sql.push_str(&format!(
            "; CREATE TABLE t{number} (id integer NOT NULL PRIMARY KEY, up integer NOT NULL, \
             FOREIGN KEY (up) REFERENCES t{before} (id) ON DELETE CASCADE); INSERT INTO t{number} VALUES (1, 1)"
        ));
    }
    sql
}

/// InnoDB does 14 levels and refuses 15; the others do more.
async fn l20_cascade_depth(db: Db) -> Result<()> {
    let store = store(&db).await?;
    run(&store, &chain(16)).await?;
    if db.backend != Backend::MySql {
        silent(&store, None, "L20").await?;
        ensure!(!refused(&store, "DELETE FROM t0").await);
        return Ok(());
    }
    ensure!(refused(&store, "DELETE FROM t0").await);
    let way: Vec<_> = (0..16).map(|number| format!("t{number}")).collect();
    let message = format!(
        "a delete from t0 cascades 15 levels, and InnoDB goes 14 deep: {}",
        way.join(" -> ")
    );
    fires(&store, "L20", &message, Cure::By("DROP TABLE t15")).await?;
    ensure!(!refused(&store, "DELETE FROM t0").await, "14 levels are refused too");
    // A SET NULL at the end is a level as well.
    run(&store, "INSERT INTO t0 VALUES (1)").await?;
    for table in 1..15 {
        run(&store, &format!("INSERT INTO t{table} VALUES (1, 1)")).await?;
    }
    run(
        &store,
        "CREATE TABLE t15 (id integer NOT NULL PRIMARY KEY, up integer, FOREIGN KEY (up) REFERENCES t14 (id) ON DELETE SET NULL); \
         INSERT INTO t15 VALUES (1, 1)",
    )
    .await?;
    ensure!(refused(&store, "DELETE FROM t0").await);
    fires(&store, "L20", &message, Cure::By("DROP TABLE t15")).await?;
    // So does a tree: 15 rows go, 16 do not.
    run(
        &store,
        "CREATE TABLE tree (id integer NOT NULL PRIMARY KEY, up integer, FOREIGN KEY (up) REFERENCES tree (id) ON DELETE CASCADE)",
    )
    .await?;
    for rows in [15, 16] {
        run(&store, "INSERT INTO tree VALUES (1, NULL)").await?;
        for row in 2..=rows {
            run(&store, &format!("INSERT INTO tree VALUES ({row}, {})", row - 1)).await?;
        }
        ensure!(
            refused(&store, "DELETE FROM tree WHERE id = 1").await == (rows == 16),
            "{rows} rows"
        );
    }
    let message = "tree.up cascades to its own table, and InnoDB goes 14 levels deep";
    fires(&store, "L20", message, Cure::By("DROP TABLE tree")).await
}

async fn l26_not_enforced(db: Db) -> Result<()> {
    let store = store(&db).await?;
    run(
        &store,
        "CREATE TABLE users (id integer NOT NULL PRIMARY KEY); \
         CREATE TABLE posts (user_id integer, FOREIGN KEY (user_id) REFERENCES users (id))",
    )
    .await?;
    silent(&store, None, "L26").await?;
    ensure!(refused(&store, "INSERT INTO posts VALUES (7)").await);
    let (off, setting) = match db.backend {
        Backend::Postgres => (
            "SET session_replication_role = replica",
            "session_replication_role is replica",
        ),
        Backend::MySql => ("SET foreign_key_checks = 0", "foreign_key_checks is 0"),
        Backend::Sqlite => ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys is off"),
    };
    run(&store, off).await?;
    ensure!(!refused(&store, "INSERT INTO posts VALUES (7)").await);
    let message = format!("{setting}: this session does not enforce foreign keys");
    fires(&store, "L26", &message, Cure::Proposed).await?;
    ensure!(refused(&store, "INSERT INTO posts VALUES (8)").await);
    Ok(())
}

async fn l27_key_overflow(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let id = match db.backend {
        Backend::Postgres => "id serial PRIMARY KEY",
        Backend::MySql => "id integer NOT NULL AUTO_INCREMENT PRIMARY KEY",
        // All whole numbers have 8 bytes there.
        Backend::Sqlite => "id integer PRIMARY KEY AUTOINCREMENT",
    };
    run(
        &store,
        &format!("CREATE TABLE notes ({id}, t integer); CREATE TABLE empty_ones ({id}, t integer)"),
    )
    .await?;
    run(&store, "INSERT INTO notes VALUES (1073741823, 1)").await?;
    silent(&store, None, "L27").await?;
    run(&store, "INSERT INTO notes VALUES (1073741824, 1)").await?;
    if db.backend == Backend::Sqlite {
        return silent(&store, None, "L27").await;
    }
    let cure = match db.backend {
        Backend::Postgres => "ALTER TABLE notes ALTER COLUMN id TYPE bigint",
        Backend::MySql => "ALTER TABLE notes MODIFY id bigint NOT NULL AUTO_INCREMENT",
        Backend::Sqlite => "",
    };
    let message = "notes.id has reached 1073741824, which is 50 % of the 2147483647 its type holds";
    fires(&store, "L27", message, Cure::By(cure)).await?;
    // A number that was given out is used up, though its row has gone, or never came.
    let given_out = match db.backend {
        Backend::Postgres => "SELECT setval('empty_ones_id_seq', 2000000000)",
        Backend::MySql => "INSERT INTO empty_ones VALUES (2000000000, 1); DELETE FROM empty_ones",
        Backend::Sqlite => "",
    };
    run(&store, given_out).await?;
    let findings = found(&store, None, "L27").await?;
    let told: Vec<_> = findings
        .iter()
        .map(|finding| format!("{} {}", finding.severity, finding.message))
        .collect();
    ensure!(
        told == ["error empty_ones.id has reached 2000000000, which is 93 % of the 2147483647 its type holds"],
        "{told:?}"
    );
    Ok(())
}

async fn l42_engine_without_keys(db: Db) -> Result<()> {
    let store = store(&db).await?;
    run(&store, "CREATE TABLE users (id integer NOT NULL PRIMARY KEY)").await?;
    let posts = "CREATE TABLE posts (id integer NOT NULL PRIMARY KEY, user_id integer, FOREIGN KEY (user_id) REFERENCES users (id))";
    if db.backend != Backend::MySql {
        run(&store, posts).await?;
        return silent(&store, None, "L42").await;
    }
    run(&store, &format!("{posts} ENGINE = MyISAM")).await?;
    // It took the key, and forgot it.
    ensure!(!refused(&store, "INSERT INTO posts VALUES (1, 7)").await);
    fires(
        &store,
        "L42",
        "posts is stored by MyISAM, which has no foreign keys",
        Cure::Proposed,
    )
    .await
}

/// It is left out and named, and the rest is known: alone, and in a transaction, which goes on.
async fn what_a_role_may_not_read(db: Db) -> Result<()> {
    let owner = store(&db).await?;
    let role = format!("lint_{}_{:x}", std::process::id(), fastrand::u32(..));
    let tables = "CREATE TABLE users (id integer NOT NULL PRIMARY KEY);
        CREATE TABLE posts (id integer NOT NULL PRIMARY KEY, user_id integer);
        CREATE TABLE secrets (id integer NOT NULL PRIMARY KEY, user_id integer);
        INSERT INTO posts VALUES (1, 17); INSERT INTO secrets VALUES (1, 17)";
    let key = |table: &str, not_valid: &str| {
        format!("ALTER TABLE {table} ADD CONSTRAINT of_{table} FOREIGN KEY (user_id) REFERENCES users (id){not_valid}")
    };
    let facts = match db.backend {
        Backend::Postgres => {
            let keys = [key("posts", " NOT VALID"), key("secrets", " NOT VALID")].join(";");
            let grant = format!("CREATE ROLE {role}; GRANT SELECT ON users, posts TO {role}; SET ROLE {role}");
            run(&owner, &format!("{tables};{keys};{grant}")).await?;
            let facts = facts_twice(&owner).await;
            run(&owner, &format!("RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")).await?;
            facts
        }
        Backend::MySql => {
            let database = db.database()?;
            run(&owner, &format!("SET foreign_key_checks = 0; {tables}")).await?;
            run(&owner, &[key("posts", ""), key("secrets", "")].join(";")).await?;
            let grants = ["SELECT ON users", "SELECT ON posts", "INSERT ON secrets"].map(|what| {
                let (word, table) = what.split_once(" ON ").unwrap_or_default();
                format!("GRANT {word} ON `{database}`.{table} TO {role}@'%'")
            });
            run(
                &owner,
                &format!("CREATE USER {role}@'%' IDENTIFIED BY 'p'; {}", grants.join(";")),
            )
            .await?;
            let facts = async {
                let reader = Store::connect(&db.url_as(&role, "p")?, Entities::new()).await?;
                facts_twice(&reader).await
            }
            .await;
            run(&owner, &format!("DROP USER {role}@'%'")).await?;
            facts
        }
        // It has no roles.
        Backend::Sqlite => return Ok(()),
    };
    for facts in facts? {
        ensure!(
            facts.unread.iter().map(ToString::to_string).collect::<Vec<_>>() == ["secrets"],
            "{facts:#?}"
        );
        let orphans: Vec<_> = facts
            .orphans
            .iter()
            .map(|found| (found.relation.to_string(), found.rows))
            .collect();
        ensure!(orphans == [("posts.user_id".to_owned(), 1)], "{facts:#?}");
        let keys: Vec<_> = facts.key_use.iter().map(|used| used.table.to_string()).collect();
        ensure!(keys == ["posts", "users"], "{facts:#?}");
    }
    Ok(())
}

async fn facts_twice(store: &Store) -> Result<[Facts; 2]> {
    let schema = introspect::schema(store.connection(), &Scope::Own).await?;
    let alone = lint::facts(store.connection(), &schema).await?;
    let inside = store
        .transaction(async |bound| {
            let facts = lint::facts(bound.connection(), &schema).await?;
            // The transaction lives, or this and the COMMIT would fail.
            introspect::schema(bound.connection(), &Scope::Own).await?;
            Ok::<_, Error>(facts)
        })
        .await?;
    Ok([alone, inside])
}
