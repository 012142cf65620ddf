//! Rules about a schema alone.

use anyhow::{Result, ensure};
use sea_orm_cascade::Backend;

use super::{Cure, fires, found, refused, run, silent, store};
use crate::harness::{Db, cases, number};

cases![
    l01_missing_index,
    l02_type_mismatch,
    l04_unlinked_id,
    l13_overlapping_keys,
    l14_redundant_index,
    l15_set_null_not_null,
    l16_set_default,
    l17_nullable_cascade,
    l19_cascade_cycle,
    l21_mixed_diamond,
    l22_required_cycle,
    l23_referenced_not_unique,
    l24_referenced_missing,
    l25_orphans,
    l29_collation_mismatch,
    l43_shared_column_nulled,
    l45_no_primary_key,
    names_in_another_case,
];

const USERS: &str = "CREATE TABLE users (id integer NOT NULL PRIMARY KEY);";

/// Users, and posts with these columns and constraints more.
fn posts(more: &str) -> String {
    format!("{USERS} CREATE TABLE posts (id integer NOT NULL PRIMARY KEY, {more})")
}

/// Drops the posts and makes them anew: how one alters a table on SQLite.
fn anew(more: &str) -> String {
    format!("DROP TABLE posts; CREATE TABLE posts (id integer NOT NULL PRIMARY KEY, {more})")
}

async fn l01_missing_index(db: Db) -> Result<()> {
    let store = store(&db).await?;
    run(
        &store,
        &posts("user_id integer NOT NULL, FOREIGN KEY (user_id) REFERENCES users (id)"),
    )
    .await?;
    match db.backend {
        // InnoDB has made the index.
        Backend::MySql => {
            let sql = "SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = database() \
                       AND table_name = 'posts' AND column_name = 'user_id'";
            ensure!(number(&store, sql).await? == 1);
            silent(&store, None, "L01").await
        }
        Backend::Postgres | Backend::Sqlite => {
            let message = "no index begins with posts.user_id, which references users.id";
            // One of that name that leaves rows out is in the way of the proposed one, and no help.
            run(
                &store,
                "CREATE INDEX \"idx-posts-user_id\" ON posts (user_id) WHERE id > 7",
            )
            .await?;
            fires(&store, "L01", message, Cure::Proposed).await
        }
    }
}

async fn l02_type_mismatch(db: Db) -> Result<()> {
    let store = store(&db).await?;
    match db.backend {
        Backend::Postgres => {
            run(&store, &posts("user_id bigint NOT NULL REFERENCES users (id)")).await?;
            let message = "posts.user_id is bigint, and users.id, which it references, is integer";
            fires(&store, "L02", message, Cure::Proposed).await?;
            run(&store, &anew("user_id smallint NOT NULL REFERENCES users (id)")).await?;
            let message = "posts.user_id is smallint, and users.id, which it references, is bigint";
            fires(&store, "L02", message, Cure::Proposed).await
        }
        Backend::Sqlite => {
            run(&store, &posts("user_id text NOT NULL REFERENCES users (id)")).await?;
            let message = "posts.user_id is text, and users.id, which it references, is integer";
            let cure = anew("user_id bigint NOT NULL REFERENCES users (id)");
            fires(&store, "L02", message, Cure::By(&cure)).await
        }
        // InnoDB makes no constraint of columns that differ.
        Backend::MySql => {
            run(&store, USERS).await?;
            let differs = "CREATE TABLE posts (user_id bigint, FOREIGN KEY (user_id) REFERENCES users (id))";
            ensure!(refused(&store, differs).await);
            let same = "CREATE TABLE posts (user_id int(7), FOREIGN KEY (user_id) REFERENCES users (id))";
            run(&store, same).await?;
            silent(&store, None, "L02").await
        }
    }
}

async fn l04_unlinked_id(db: Db) -> Result<()> {
    let store = store(&db).await?;
    run(
        &store,
        &posts("user_id integer, stripe_id varchar(80), note_id integer, note_type varchar(9)"),
    )
    .await?;
    let message = "posts.user_id is called like a reference (perhaps users), and no relation or foreign key has it";
    let cure = anew("user_id integer, FOREIGN KEY (user_id) REFERENCES users (id)");
    fires(&store, "L04", message, Cure::By(&cure)).await
}

async fn l13_overlapping_keys(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let key = |name: &str, action: &str| {
        format!("CONSTRAINT {name} FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE {action}")
    };
    let (one, two) = (key("one", "CASCADE"), key("two", "RESTRICT"));
    run(&store, &posts(&format!("user_id integer, {one}, {two}"))).await?;
    let message = found(&store, None, "L13")
        .await?
        .first()
        .map(|finding| finding.message.clone());
    let message = message.unwrap_or_default();
    ensure!(
        message.starts_with("posts.user_id references users.id twice, cascade"),
        "{message}"
    );
    let cure = anew(&format!("user_id integer, {one}"));
    let cure = match db.backend {
        Backend::Postgres | Backend::MySql => Cure::Proposed,
        Backend::Sqlite => Cure::By(&cure),
    };
    fires(&store, "L13", &message, cure).await
}

async fn l14_redundant_index(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let index = "CREATE INDEX short ON posts (user_id); CREATE INDEX long_one ON posts (user_id, id)";
    run(&store, &format!("{}; {index}", posts("user_id integer NOT NULL"))).await?;
    let message = "the index short of posts is not needed: long_one begins with the same columns";
    fires(&store, "L14", message, Cure::Proposed).await?;
    run(&store, "CREATE UNIQUE INDEX one ON posts (user_id)").await?;
    silent(&store, None, "L14").await?;
    // On MySQL the one that a foreign key needs can go too, as long as another begins with its columns.
    if db.backend == Backend::MySql {
        run(&store, "DROP TABLE posts").await?;
        run(&store, "CREATE TABLE posts (id integer NOT NULL PRIMARY KEY, user_id integer, KEY a (user_id), KEY b (user_id, id), \
             FOREIGN KEY (user_id) REFERENCES users (id))").await?;
        let message = "the index a of posts is not needed: b begins with the same columns";
        fires(&store, "L14", message, Cure::Proposed).await?;
    }
    Ok(())
}

async fn l15_set_null_not_null(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let key = "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET NULL";
    let required = posts(&format!("user_id integer NOT NULL, {key}"));
    if db.backend == Backend::MySql {
        run(&store, USERS).await?;
        let (_, posts) = required.split_once(';').unwrap_or_default();
        ensure!(refused(&store, posts).await, "MySQL takes SET NULL on NOT NULL");
        run(&store, &posts.replace("user_id integer NOT NULL", "user_id integer")).await?;
        return silent(&store, None, "L15").await;
    }
    run(&store, &required).await?;
    run(&store, "INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1)").await?;
    ensure!(refused(&store, "DELETE FROM users").await);
    let message = "posts.user_id is ON DELETE SET NULL, and posts.user_id must not be NULL";
    match db.backend {
        Backend::Postgres => fires(&store, "L15", message, Cure::Proposed).await?,
        Backend::MySql | Backend::Sqlite => {
            let cure = anew(&format!("user_id integer, {key}"));
            fires(&store, "L15", message, Cure::By(&cure)).await?;
        }
    }
    ensure!(!refused(&store, "DELETE FROM users").await);
    Ok(())
}

async fn l16_set_default(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let key = "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE SET DEFAULT";
    // What MariaDB makes of it is in `compared`; MySQL refuses it.
    if db.backend == Backend::MySql {
        return Ok(());
    }
    run(&store, &posts(&format!("user_id integer NOT NULL, {key}"))).await?;
    run(
        &store,
        "INSERT INTO users VALUES (1), (2); INSERT INTO posts VALUES (1, 2)",
    )
    .await?;
    ensure!(refused(&store, "DELETE FROM users WHERE id = 2").await);
    let message = "posts.user_id is SET DEFAULT, and posts.user_id has no default, and must not be NULL";
    let cure = anew(&format!("user_id integer NOT NULL DEFAULT 1, {key}"));
    fires(&store, "L16", message, Cure::By(&cure)).await?;
    run(
        &store,
        "INSERT INTO posts VALUES (1, 2); DELETE FROM users WHERE id = 2",
    )
    .await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM posts WHERE user_id = 1").await? == 1);
    Ok(())
}

async fn l17_nullable_cascade(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let key = "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE";
    run(&store, &posts(&format!("user_id integer, {key}"))).await?;
    let message = "posts.user_id is ON DELETE CASCADE, and user_id may be NULL";
    let cure = anew(&format!("user_id integer NOT NULL, {key}"));
    fires(&store, "L17", message, Cure::By(&cure)).await
}

/// Two tables that reference each other, both with this action.
fn circle(backend: Backend, column: &str, action: &str) -> String {
    let key = |to: &str| format!("FOREIGN KEY ({to}_ref) REFERENCES {to} (id) ON DELETE {action}");
    let table = |name: &str, to: &str, key: &str| {
        format!("CREATE TABLE {name} (id integer NOT NULL PRIMARY KEY, {to}_ref {column}{key})")
    };
    match backend {
        Backend::Sqlite => format!(
            "{}; {}",
            table("a", "b", &format!(", {}", key("b"))),
            table("b", "a", &format!(", {}", key("a")))
        ),
        Backend::Postgres | Backend::MySql => format!(
            "{}; {}; ALTER TABLE a ADD CONSTRAINT a_b {}",
            table("a", "b", ""),
            table("b", "a", &format!(", {}", key("a"))),
            key("b")
        ),
    }
}

/// Gives both tables up.
fn without_circle(backend: Backend) -> &'static str {
    match backend {
        Backend::Postgres => "DROP TABLE a CASCADE; DROP TABLE b",
        Backend::MySql => "ALTER TABLE a DROP FOREIGN KEY a_b; DROP TABLE b; DROP TABLE a",
        Backend::Sqlite => "PRAGMA foreign_keys = OFF; DROP TABLE a; DROP TABLE b; PRAGMA foreign_keys = ON",
    }
}

async fn l19_cascade_cycle(db: Db) -> Result<()> {
    let store = store(&db).await?;
    run(&store, &circle(db.backend, "integer", "CASCADE")).await?;
    // One row of each, and everything goes.
    run(&store, "INSERT INTO a VALUES (1, NULL); INSERT INTO b VALUES (1, 1); INSERT INTO b VALUES (2, NULL); INSERT INTO a VALUES (2, 2); \
         UPDATE a SET b_ref = 1 WHERE id = 2; DELETE FROM a WHERE id = 1").await?;
    ensure!(
        number(&store, "SELECT COUNT(*) FROM a").await? == 0,
        "the delete did not go around"
    );
    let cure = format!(
        "{}; {}",
        without_circle(db.backend),
        circle(db.backend, "integer", "RESTRICT")
    );
    fires(
        &store,
        "L19",
        "deletes go around in a circle: a -> b -> a",
        Cure::By(&cure),
    )
    .await
}

async fn l22_required_cycle(db: Db) -> Result<()> {
    let store = store(&db).await?;
    run(&store, &circle(db.backend, "integer NOT NULL", "RESTRICT")).await?;
    ensure!(
        refused(&store, "INSERT INTO a VALUES (1, 1)").await && refused(&store, "INSERT INTO b VALUES (1, 1)").await
    );
    let action = match db.backend {
        Backend::Postgres | Backend::Sqlite => "RESTRICT DEFERRABLE INITIALLY DEFERRED",
        Backend::MySql => "RESTRICT",
    };
    let column = match db.backend {
        Backend::Postgres | Backend::Sqlite => "integer NOT NULL",
        Backend::MySql => "integer",
    };
    let cure = format!("{}; {}", without_circle(db.backend), circle(db.backend, column, action));
    fires(
        &store,
        "L22",
        "required references go around in a circle: a -> b -> a",
        Cure::By(&cure),
    )
    .await
}

/// A diamond whose left side protects what its right side deletes; the sides are made in this order.
fn diamond(sides: [&str; 2], action: &str) -> String {
    let [one, two] = sides;
    let side = |name: &str, number: u8| {
        format!(
            "CREATE TABLE {name} (id integer NOT NULL PRIMARY KEY, top integer NOT NULL, \
             CONSTRAINT k{number} FOREIGN KEY (top) REFERENCES tops (id) ON DELETE CASCADE);"
        )
    };
    format!(
        "CREATE TABLE tops (id integer NOT NULL PRIMARY KEY); {} {} \
         CREATE TABLE bottom (id integer NOT NULL PRIMARY KEY, l integer NOT NULL, r integer NOT NULL, \
         FOREIGN KEY (l) REFERENCES lefts (id) ON DELETE {action}, FOREIGN KEY (r) REFERENCES rights (id) ON DELETE CASCADE); \
         INSERT INTO tops VALUES (1); INSERT INTO lefts VALUES (1, 1); INSERT INTO rights VALUES (1, 1); INSERT INTO bottom VALUES (1, 1, 1)",
        side(one, 1),
        side(two, 2)
    )
}

async fn l21_mixed_diamond(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let gone = "DROP TABLE bottom; DROP TABLE lefts; DROP TABLE rights; DROP TABLE tops";
    // The same declaration, made in another order, is another database. SQLite takes the youngest key first.
    let (passing, refusing) = match db.backend {
        Backend::Postgres | Backend::MySql => (["rights", "lefts"], ["lefts", "rights"]),
        Backend::Sqlite => (["lefts", "rights"], ["rights", "lefts"]),
    };
    run(&store, &diamond(passing, "RESTRICT")).await?;
    ensure!(!refused(&store, "DELETE FROM tops").await, "it does not pass");
    run(&store, gone).await?;
    run(&store, &diamond(refusing, "RESTRICT")).await?;
    ensure!(refused(&store, "DELETE FROM tops").await, "it passes");
    let outcome = match db.backend {
        Backend::Postgres => {
            "whether it passes depends on the length of the paths and the order in which the keys were created"
        }
        Backend::MySql => "whether it passes depends on the order in which InnoDB takes the keys",
        Backend::Sqlite => "whether it passes depends on the paths and their order",
    };
    let message = format!(
        "a delete from tops cascades to bottom and is forbidden by bottom.l, which references lefts.id: {outcome}"
    );
    let cure = format!("{gone}; {}", diamond(["lefts", "rights"], "CASCADE"));
    fires(&store, "L21", &message, Cure::By(&cure)).await?;
    run(&store, "DELETE FROM tops").await
}

async fn l23_referenced_not_unique(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let names = "CREATE TABLE names (id integer NOT NULL PRIMARY KEY, name varchar(80) NOT NULL);";
    let pets = "CREATE TABLE pets (name varchar(80), FOREIGN KEY (name) REFERENCES names (name))";
    run(&store, names).await?;
    match db.backend {
        Backend::Postgres => {
            ensure!(refused(&store, pets).await);
            run(&store, "CREATE UNIQUE INDEX u ON names (name)").await?;
            run(&store, pets).await?;
            return silent(&store, None, "L23").await;
        }
        // An index that is not unique is enough for it.
        Backend::MySql => run(&store, &format!("CREATE INDEX n ON names (name); {pets}")).await?,
        Backend::Sqlite => {
            run(&store, pets).await?;
            run(&store, "INSERT INTO names VALUES (1, 'rex')").await?;
            ensure!(refused(&store, "INSERT INTO pets VALUES ('rex')").await);
        }
    }
    let message = "pets.name references names.name, which no primary key, unique key or unique index has";
    fires(&store, "L23", message, Cure::Proposed).await?;
    if db.backend == Backend::Sqlite {
        ensure!(!refused(&store, "INSERT INTO pets VALUES ('rex')").await);
    }
    Ok(())
}

/// Names that differ in their case alone are the same to SQLite, and columns' to MySQL.
async fn names_in_another_case(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let users = if db.backend == Backend::MySql { "users" } else { "USERS" };
    run(
        &store,
        &posts(&format!(
            "user_id integer NOT NULL, FOREIGN KEY (USER_ID) REFERENCES {users} (ID) ON DELETE CASCADE"
        )),
    )
    .await?;
    run(&store, "CREATE INDEX of_user ON posts (User_Id)").await?;
    for code in ["L01", "L02", "L04", "L23", "L24"] {
        silent(&store, None, code).await?;
    }
    // It is a key all the same.
    run(&store, "INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1)").await?;
    ensure!(refused(&store, "INSERT INTO posts VALUES (2, 2)").await);
    Ok(())
}

async fn l24_referenced_missing(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let key = "CONSTRAINT lost FOREIGN KEY (user_id) REFERENCES people (id)";
    let make = posts(&format!("user_id integer, {key}"));
    let message = "posts.user_id references people, and there is no such table";
    match db.backend {
        Backend::Postgres => {
            run(&store, USERS).await?;
            let (_, posts) = make.split_once(';').unwrap_or_default();
            ensure!(refused(&store, posts).await);
            silent(&store, None, "L24").await
        }
        Backend::MySql => {
            run(
                &store,
                &format!("SET foreign_key_checks = 0; {make}; SET foreign_key_checks = 1"),
            )
            .await?;
            ensure!(refused(&store, "INSERT INTO posts VALUES (1, 1)").await);
            fires(&store, "L24", message, Cure::Proposed).await
        }
        Backend::Sqlite => {
            run(&store, &make).await?;
            ensure!(refused(&store, "INSERT INTO posts VALUES (1, 1)").await);
            fires(&store, "L24", message, Cure::By(&anew("user_id integer"))).await?;
            run(
                &store,
                &anew("user_id integer, FOREIGN KEY (user_id) REFERENCES users (number)"),
            )
            .await?;
            let message = "posts.user_id references users.number, and there is no such column";
            fires(&store, "L24", message, Cure::By(&anew("user_id integer"))).await
        }
    }
}

async fn l25_orphans(db: Db) -> Result<()> {
    let store = store(&db).await?;
    // Composite, with a NULL in some rows: they reference nothing, and dangle not.
    run(
        &store,
        "CREATE TABLE users (tenant integer NOT NULL, id integer NOT NULL, PRIMARY KEY (tenant, id)); INSERT INTO users VALUES (1, 1)",
    )
    .await?;
    let key = "FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id)";
    let table = "CREATE TABLE posts (id integer NOT NULL PRIMARY KEY, tenant integer, user_id integer";
    let rows = "INSERT INTO posts VALUES (1, 1, 1), (2, 1, 2), (3, 2, 1), (4, NULL, 9), (5, 9, NULL)";
    match db.backend {
        Backend::Postgres => {
            run(
                &store,
                &format!("{table}); {rows}; ALTER TABLE posts ADD CONSTRAINT fk {key} NOT VALID"),
            )
            .await?;
        }
        Backend::MySql => {
            run(
                &store,
                &format!("{table}, {key}); SET foreign_key_checks = 0; {rows}; SET foreign_key_checks = 1"),
            )
            .await?;
        }
        Backend::Sqlite => {
            run(
                &store,
                &format!("{table}, {key}); PRAGMA foreign_keys = OFF; {rows}; PRAGMA foreign_keys = ON"),
            )
            .await?;
            ensure!(number(&store, "SELECT COUNT(*) FROM pragma_foreign_key_check").await? == 2);
        }
    }
    let message = "2 rows reference by posts.(tenant, user_id) what is not in users.(tenant, id)";
    fires(&store, "L25", message, Cure::By("DELETE FROM posts WHERE id IN (2, 3)")).await?;
    // Very many are counted up to a thousand.
    let many = match db.backend {
        Backend::Postgres => "ALTER TABLE posts DROP CONSTRAINT fk;",
        Backend::MySql => "SET foreign_key_checks = 0;",
        Backend::Sqlite => "PRAGMA foreign_keys = OFF;",
    };
    let values: Vec<_> = (10..1_020).map(|id| format!("({id}, 7, 7)")).collect();
    let back = match db.backend {
        Backend::Postgres => format!("ALTER TABLE posts ADD CONSTRAINT fk {key} NOT VALID"),
        Backend::MySql => "SET foreign_key_checks = 1".to_owned(),
        Backend::Sqlite => "PRAGMA foreign_keys = ON".to_owned(),
    };
    run(
        &store,
        &format!("{many} INSERT INTO posts VALUES {}; {back}", values.join(", ")),
    )
    .await?;
    let message = "1000 or more rows reference by posts.(tenant, user_id) what is not in users.(tenant, id)";
    fires(&store, "L25", message, Cure::By("DELETE FROM posts WHERE id > 9")).await
}

async fn l29_collation_mismatch(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let names = |more: &str| format!("CREATE TABLE names (name varchar(80) {more} NOT NULL PRIMARY KEY);");
    let pets = |more: &str| {
        format!("CREATE TABLE pets (name varchar(80) {more} PRIMARY KEY, FOREIGN KEY (name) REFERENCES names (name))")
    };
    match db.backend {
        Backend::Postgres => {
            run(
                &store,
                &format!("{} {}", names("COLLATE \"POSIX\""), pets("COLLATE \"C\"")),
            )
            .await?;
            // With rows to compare, PostgreSQL wants to know by which of the two.
            run(
                &store,
                "INSERT INTO names VALUES ('rex'), ('ida'); INSERT INTO pets VALUES ('rex')",
            )
            .await?;
            ensure!(
                refused(
                    &store,
                    "SELECT 1 FROM pets c WHERE NOT EXISTS (SELECT 1 FROM names p WHERE p.name = c.name)"
                )
                .await
            );
            let message = "pets.name has the collation \"C\", and names.name, which it references, \"POSIX\"";
            fires(&store, "L29", message, Cure::Proposed).await
        }
        Backend::Sqlite => {
            run(&store, &format!("{} {}", names(""), pets("COLLATE NOCASE"))).await?;
            let cure = format!("DROP TABLE pets; {}", pets(""));
            let message = "pets.name has the collation NOCASE, and names.name, which it references, the default one";
            fires(&store, "L29", message, Cure::By(&cure)).await
        }
        Backend::MySql => {
            run(&store, &names("COLLATE utf8mb4_bin")).await?;
            ensure!(refused(&store, &pets("COLLATE utf8mb4_general_ci")).await);
            run(&store, &pets("COLLATE utf8mb4_bin")).await?;
            silent(&store, None, "L29").await
        }
    }
}

async fn l43_shared_column_nulled(db: Db) -> Result<()> {
    let store = store(&db).await?;
    let orders = |action: &str| {
        format!(
            "CREATE TABLE orders (id integer NOT NULL PRIMARY KEY, tenant integer, user_ref integer, \
             FOREIGN KEY (tenant) REFERENCES tenants (id), \
             CONSTRAINT of_user FOREIGN KEY (tenant, user_ref) REFERENCES users (tenant, id) ON DELETE {action})"
        )
    };
    run(
        &store,
        &format!(
            "CREATE TABLE tenants (id integer NOT NULL PRIMARY KEY); \
             CREATE TABLE users (tenant integer NOT NULL, id integer NOT NULL, PRIMARY KEY (tenant, id)); {}",
            orders("SET NULL")
        ),
    )
    .await?;
    let rows = "INSERT INTO tenants VALUES (1); INSERT INTO users VALUES (1, 1); INSERT INTO orders VALUES (1, 1, 1)";
    run(&store, rows).await?;
    run(&store, "DELETE FROM users").await?;
    ensure!(number(&store, "SELECT COUNT(*) FROM orders WHERE tenant IS NULL").await? == 1);
    run(&store, "DELETE FROM orders").await?;
    let message = "orders.(tenant, user_ref) is ON DELETE SET NULL and nulls orders.tenant too, which another key uses";
    let cure = format!("DROP TABLE orders; {}", orders("RESTRICT"));
    match db.backend {
        Backend::Postgres => {
            fires(&store, "L43", message, Cure::Proposed).await?;
            run(
                &store,
                "INSERT INTO users VALUES (1, 1); INSERT INTO orders VALUES (1, 1, 1); DELETE FROM users",
            )
            .await?;
            ensure!(
                number(
                    &store,
                    "SELECT COUNT(*) FROM orders WHERE tenant = 1 AND user_ref IS NULL"
                )
                .await?
                    == 1
            );
            Ok(())
        }
        Backend::MySql | Backend::Sqlite => fires(&store, "L43", message, Cure::By(&cure)).await,
    }
}

async fn l45_no_primary_key(db: Db) -> Result<()> {
    let store = store(&db).await?;
    run(&store, "CREATE TABLE notes (t varchar(80))").await?;
    match db.backend {
        Backend::Postgres | Backend::MySql => {
            fires(&store, "L45", "notes has no primary key", Cure::Proposed).await?;
            run(&store, "CREATE TABLE tags (t varchar(80) NOT NULL UNIQUE)").await?;
            fires(&store, "L45", "tags has no primary key", Cure::Proposed).await
        }
        Backend::Sqlite => {
            let cure = "DROP TABLE notes; CREATE TABLE notes (t varchar(80) PRIMARY KEY)";
            fires(&store, "L45", "notes has no primary key", Cure::By(cure)).await
        }
    }
}
