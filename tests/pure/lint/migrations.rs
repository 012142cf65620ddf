//! A firing and a silent script for each rule about migrations, on each engine it is about.

use proptest::prelude::*;
use sea_orm_cascade::Backend::{self, MySql, Postgres, Sqlite};
use sea_orm_cascade::lint::migration::{self, Direction, Script, Statement};
use sea_orm_cascade::lint::{self, Baseline, Finding};
use sea_orm_cascade::overlay::{LintSettings, Severity};
use sea_orm_cascade::schema::Schema;
use serde_json::Value;

use super::of;

fn findings(script: &Script<'_>) -> Vec<Finding> {
    migration::lint(script, &LintSettings::default())
}

/// The rule's findings in the first script are these, and in the others there are none.
fn check(code: &str, backend: Backend, fires: &str, expected: &[&str], silent: &[&str]) {
    let found = findings(&Script::sql(backend, fires));
    assert_eq!(of(code, &found), expected, "{code} on {backend} in {fires}");
    for silent in silent {
        let found = findings(&Script::sql(backend, silent));
        let none: Vec<String> = Vec::new();
        assert_eq!(of(code, &found), none, "{code} on {backend} in {silent}");
    }
}

fn fixes(code: &str, script: &Script<'_>) -> Vec<String> {
    let found = findings(script).into_iter().filter(|finding| finding.code == code);
    found.map(|finding| finding.fix.to_string()).collect()
}

const KEY: &str = "ALTER TABLE posts ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id)";
const POSTS: &str = "CREATE TABLE posts (id bigint PRIMARY KEY, user_id bigint)";

#[test]
fn a_column_of_a_key_is_required_by_one_call() {
    let call = r#"RequiredForeignKey::new("posts", ["user_id"]).references("users", ["id"])"#;
    let steps = "ALTER TABLE posts ADD COLUMN user_id bigint; UPDATE posts SET user_id = 1; ALTER TABLE posts ALTER user_id SET NOT NULL";
    let keyed = format!("{steps}; {KEY} NOT VALID");
    for (code, backend) in [("L33", Postgres), ("L39", Postgres), ("L39", MySql)] {
        let named = fixes(code, &Script::sql(backend, &keyed));
        assert!(named.iter().all(|fix| fix.contains(call)), "{code}: {named:?}");
        let without = fixes(code, &Script::sql(backend, steps));
        assert!(
            without.iter().all(|fix| !fix.contains("RequiredForeignKey")),
            "{without:?}"
        );
        assert_eq!((named.len(), without.len()), (1, 1), "{code} on {backend}");
    }
    let required = format!("ALTER TABLE posts ADD COLUMN user_id bigint NOT NULL; {KEY}");
    for (code, backend) in [("L32", Postgres), ("L30", MySql)] {
        let named = fixes(code, &Script::sql(backend, &required));
        assert!(named.iter().any(|fix| fix.contains(call)), "{code}: {named:?}");
    }
}

#[test]
fn l30_validating_foreign_key() {
    let waits = "warning posts.user_id gets a foreign key to users that is validated at once: writers of both tables wait while all of \
                 posts is read";
    let made = format!("{POSTS}; {KEY}");
    let not_valid = format!("{KEY} NOT VALID");
    check("L30", Postgres, KEY, &[waits], &[&made, &not_valid]);
    assert_eq!(
        fixes("L30", &Script::sql(Postgres, KEY)),
        [format!(
            "-- or in a SeaORM migration, all steps in one call: RequiredForeignKey::new(\"posts\", [\"user_id\"]).references(\"users\", \
             [\"id\"])\n{KEY} NOT VALID;\nALTER TABLE \"posts\" VALIDATE CONSTRAINT \"fk\";"
        )]
    );
    for same in [
        "alter table only \"posts\" add foreign key (\"user_id\") references \"users\"",
        "ALTER TABLE IF EXISTS posts ADD x int, ADD CONSTRAINT fk FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE DEFERRABLE",
        "/* ; */ ALTER TABLE -- ;\n posts ADD CONSTRAINT \";\" FOREIGN KEY (user_id) REFERENCES users (id)",
        "ALTER TABLE posts ADD COLUMN user_id bigint DEFAULT 1 REFERENCES users (id)",
    ] {
        // A column of NULLs is not read.
        let without = "ALTER TABLE posts ADD COLUMN user_id bigint REFERENCES users (id)";
        check("L30", Postgres, same, &[waits], &[without]);
    }
    check(
        "L30",
        MySql,
        KEY,
        &[
            "warning posts.user_id gets a foreign key to users that is validated at once: writers of posts wait while it is copied",
        ],
        &[
            &made,
            &format!("SET SESSION foreign_key_checks = 0; {KEY}"),
            &format!("SET @@foreign_key_checks=OFF; {KEY}, ALGORITHM=INPLACE"),
        ],
    );
    let again = format!("SET foreign_key_checks = 0; SET foreign_key_checks = 1; {KEY}");
    assert_eq!(of("L30", &findings(&Script::sql(MySql, &again))).len(), 1);
}

#[test]
fn l31_validated_in_one_transaction() {
    let two = format!("{KEY} NOT VALID; ALTER TABLE posts VALIDATE CONSTRAINT fk;");
    check(
        "L31",
        Postgres,
        &format!("BEGIN; {two} COMMIT"),
        &["warning fk of posts is added NOT VALID and validated in one transaction: writers wait for both"],
        &[
            &two,
            &format!("BEGIN; {KEY} NOT VALID; COMMIT; BEGIN; ALTER TABLE posts VALIDATE CONSTRAINT fk; COMMIT"),
            &format!("BEGIN; {KEY} NOT VALID; ALTER TABLE posts VALIDATE CONSTRAINT other; COMMIT"),
            &format!("BEGIN; {POSTS}; {two} COMMIT"),
        ],
    );
    check(
        "L31",
        Postgres,
        "ALTER TABLE posts ADD CONSTRAINT c CHECK (user_id IS NOT NULL) NOT VALID, VALIDATE CONSTRAINT c",
        &["warning c of posts is added NOT VALID and validated in one statement: writers wait for both"],
        &[],
    );
    // Several statements in one text are one transaction to PostgreSQL.
    let one_text = Script::new(Postgres).statement(Statement::new(&two));
    assert_eq!(of("L31", &findings(&one_text)).len(), 1);
}

#[test]
fn l32_required_without_value() {
    let column = "ALTER TABLE posts ADD COLUMN user_id bigint NOT NULL";
    let silent = [
        "ALTER TABLE posts ADD COLUMN user_id bigint".to_owned(),
        "ALTER TABLE posts ADD COLUMN user_id bigint DEFAULT 7 NOT NULL".to_owned(),
        "ALTER TABLE posts ADD COLUMN twice bigint NOT NULL GENERATED ALWAYS AS (2 * id) STORED".to_owned(),
        format!("{POSTS}; {column}"),
    ];
    let silent: Vec<_> = silent.iter().map(String::as_str).collect();
    for (backend, what) in [
        (Postgres, "if the table has a row, this fails"),
        (MySql, "the rows that are there get 0, an empty text or the like"),
        (Sqlite, "if the table has a row, this fails"),
    ] {
        let expected = format!("error posts.user_id is NOT NULL and has no default: {what}");
        check("L32", backend, column, &[&expected], &silent);
        let null = "ALTER TABLE posts ADD user_id bigint DEFAULT NULL NOT NULL";
        check("L32", backend, null, &[&expected], &[]);
    }
    check(
        "L32",
        Postgres,
        "SELECT 1",
        &[],
        &["ALTER TABLE posts ADD n bigserial NOT NULL"],
    );
    check(
        "L32",
        MySql,
        "ALTER TABLE posts ADD (a int NOT NULL, b int NOT NULL DEFAULT 1), ADD INDEX (a)",
        &["error posts.a is NOT NULL and has no default: the rows that are there get 0, an empty text or the like"],
        &["ALTER TABLE posts ADD n int NOT NULL AUTO_INCREMENT UNIQUE"],
    );
}

#[test]
fn l33_scanning_not_null() {
    let set = "ALTER TABLE posts ALTER COLUMN user_id SET NOT NULL";
    let check_ = "ALTER TABLE posts ADD CONSTRAINT c CHECK (user_id IS NOT NULL) NOT VALID";
    let validate = "ALTER TABLE posts VALIDATE CONSTRAINT c";
    let message = "warning posts.user_id becomes NOT NULL without a validated check: nobody reads or writes posts while all of it is read";
    check(
        "L33",
        Postgres,
        set,
        &[message],
        &[
            &format!("{check_}; {validate}; {set}"),
            &format!("{POSTS}; {set}"),
            "ALTER TABLE posts ALTER COLUMN user_id DROP NOT NULL",
        ],
    );
    for missing in [
        format!("{check_}; {set}"),
        format!("{check_}; {set}; {validate}"),
        format!("{check_}; {validate}; ALTER TABLE posts DROP CONSTRAINT c; {set}"),
        format!("{}; {validate}; {set}", check_.replace("user_id", "other_id")),
        format!("{}; {validate}; {set}", check_.replace("NULL)", "NULL OR id = 1)")),
    ] {
        check("L33", Postgres, &missing, &[message], &[]);
    }
    let at_once = check_.replace(" NOT VALID", "");
    check(
        "L33",
        Postgres,
        &format!("{at_once}; {set}"),
        &[
            "warning the check that posts.user_id is not NULL is validated at once: nobody reads or writes posts while all of it is read",
        ],
        &[],
    );
    check(
        "L33",
        MySql,
        "SELECT 1",
        &[],
        &["ALTER TABLE posts MODIFY user_id bigint NOT NULL"],
    );

    // What earlier migrations did, and what the database has, is known.
    let earlier = Script::sql(Postgres, &format!("{check_}; {validate}"));
    assert_eq!(
        of("L33", &findings(&Script::sql(Postgres, set).after(&earlier))),
        [""; 0]
    );
    let schema = |more: &str| {
        let text =
            format!("backend postgres\ntable posts\n  user_id: bigint\n  check (user_id IS NOT NULL){more}, as c\n");
        Schema::parse(&text).expect("it is well formed")
    };
    let valid = schema("");
    assert_eq!(of("L33", &findings(&Script::sql(Postgres, set).on(&valid))), [""; 0]);
    let not_valid = schema(", not valid");
    assert_eq!(
        of("L33", &findings(&Script::sql(Postgres, set).on(&not_valid))).len(),
        1
    );
}

#[test]
fn l34_check_before_backfill() {
    let checked = "ALTER TABLE posts ADD CONSTRAINT c CHECK (user_id IS NOT NULL) NOT VALID";
    let fill = "UPDATE posts SET user_id = 1 WHERE id BETWEEN 1 AND 1000";
    check(
        "L34",
        Postgres,
        &format!("{checked}; {fill}"),
        &["warning posts.user_id is checked before it is filled: until then every update of a row that is there fails"],
        &[
            &format!("{fill}; {checked}"),
            &format!("{checked}; UPDATE posts SET title = ''"),
            &format!("{checked}; UPDATE users SET user_id = 1"),
        ],
    );
}

#[test]
fn l35_blocking_index() {
    let index = "CREATE UNIQUE INDEX posts_by_user ON posts USING btree (user_id)";
    check(
        "L35",
        Postgres,
        index,
        &["warning the index posts_by_user of posts is not made CONCURRENTLY: writers of posts wait until it is there"],
        &[
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS posts_by_user ON posts (user_id)",
            &format!("{POSTS}; {index}"),
            "ALTER TABLE posts ADD CONSTRAINT u UNIQUE USING INDEX posts_by_user",
        ],
    );
    assert_eq!(
        fixes("L35", &Script::sql(Postgres, index)),
        ["CREATE UNIQUE INDEX CONCURRENTLY posts_by_user ON posts USING btree (user_id);"]
    );
    check(
        "L35",
        Postgres,
        "BEGIN; CREATE INDEX CONCURRENTLY i ON posts (user_id); COMMIT",
        &["error the index i of posts is made CONCURRENTLY inside a transaction, which PostgreSQL refuses"],
        &[],
    );
    check(
        "L35",
        Postgres,
        "ALTER TABLE posts ADD CONSTRAINT u UNIQUE (user_id)",
        &[
            "warning posts.user_id gets a unique constraint whose index is made meanwhile: nobody reads or writes posts until it is there",
        ],
        &[],
    );
    check("L35", MySql, "SELECT 1", &[], &[index]);
    check("L35", Sqlite, "SELECT 1", &[], &[index]);
    let partitioned =
        Schema::parse("backend postgres\ntable posts\n  user_id: bigint\n  with partition by RANGE (user_id)\n");
    let partitioned = partitioned.expect("it is well formed");
    assert_eq!(
        of("L35", &findings(&Script::sql(Postgres, index).on(&partitioned))),
        [""; 0]
    );
}

#[test]
fn l36_no_lock_timeout() {
    let alter = "ALTER TABLE posts ADD COLUMN x int; ALTER TABLE posts ADD COLUMN y int";
    let message = "warning ACCESS EXCLUSIVE on posts is waited for without a lock_timeout";
    check(
        "L36",
        Postgres,
        alter,
        &[message],
        &[
            &format!("SET lock_timeout = '2s'; {alter}"),
            &format!("SET lock_timeout TO 2000; {alter}"),
            &format!("BEGIN; SET LOCAL lock_timeout = '2s'; {alter}; COMMIT"),
            &format!("SELECT set_config('lock_timeout', '2s', false); {alter}"),
            &format!("{POSTS}; {alter}"),
            "ALTER TABLE posts VALIDATE CONSTRAINT fk",
            "CREATE INDEX CONCURRENTLY i ON posts (user_id)",
            "UPDATE posts SET x = 1",
            "DO $$ BEGIN; ALTER TABLE posts ADD COLUMN x int; END $$",
        ],
    );
    for unbounded in [
        format!("SET lock_timeout = 0; {alter}"),
        format!("SET lock_timeout = '2s'; RESET lock_timeout; {alter}"),
        // It lasts as long as its transaction, and outside of one it does nothing.
        format!("SET LOCAL lock_timeout = '2s'; {alter}"),
        format!("BEGIN; SET LOCAL lock_timeout = '2s'; COMMIT; BEGIN; {alter}; COMMIT"),
    ] {
        check("L36", Postgres, &unbounded, &[message], &[]);
    }
    check(
        "L36",
        Postgres,
        &format!("{KEY} NOT VALID"),
        &[
            "warning SHARE ROW EXCLUSIVE on posts is waited for without a lock_timeout",
            "warning SHARE ROW EXCLUSIVE on users is waited for without a lock_timeout",
        ],
        &[],
    );
    // Making a table that references one makes its writers wait.
    check(
        "L36",
        Postgres,
        "CREATE TABLE posts (id int, user_id bigint REFERENCES users (id), parent_id int REFERENCES posts (id))",
        &["warning SHARE ROW EXCLUSIVE on users is waited for without a lock_timeout"],
        &[POSTS],
    );
    check(
        "L36",
        MySql,
        alter,
        &["info the metadata lock on posts is waited for without a lock_wait_timeout of the session's own"],
        &[
            &format!("SET SESSION lock_wait_timeout = 5; {alter}"),
            "ALTER TABLE posts WAIT 5 ADD COLUMN x int",
        ],
    );
    check("L36", Sqlite, "SELECT 1", &[], &[alter, "DROP TABLE posts"]);
}

#[test]
fn l39_one_statement_backfill() {
    let add = "ALTER TABLE posts ADD COLUMN user_id bigint";
    for backend in [Postgres, MySql] {
        for whole in [
            "UPDATE posts SET user_id = 1",
            "UPDATE posts SET title = '', user_id = (SELECT min(id) FROM users WHERE id > 1) WHERE user_id IS NULL",
            "UPDATE posts SET user_id = author_id WHERE author_id IS NOT NULL AND user_id IS NULL",
        ] {
            check(
                "L39",
                backend,
                &format!("{add}; {whole}"),
                &["warning posts.user_id is filled by one UPDATE: all rows of posts are locked until it ends"],
                &[
                    whole,
                    &format!("{POSTS}; {add}; {whole}"),
                    &format!("{add}; UPDATE posts SET user_id = 1 WHERE user_id IS NULL AND id BETWEEN 1 AND 1000"),
                    &format!("{add}; UPDATE posts SET user_id = 1 WHERE user_id IS NULL LIMIT 1000"),
                    &format!("{add}; UPDATE posts SET title = ''"),
                ],
            );
        }
    }
    check(
        "L39",
        Sqlite,
        "SELECT 1",
        &[],
        &[&format!("{add}; UPDATE posts SET user_id = 1")],
    );
}

#[test]
fn l40_destructive() {
    let rebuild = "CREATE TABLE new_posts (id int); DROP TABLE posts; ALTER TABLE new_posts RENAME TO posts";
    for backend in [Postgres, MySql, Sqlite] {
        check(
            "L40",
            backend,
            "DROP TABLE IF EXISTS posts, users CASCADE; ALTER TABLE comments DROP COLUMN IF EXISTS text; DELETE FROM likes",
            &[
                "warning comments.text is dropped with what is in it",
                "warning all rows of likes are deleted",
                "warning posts is dropped with all its rows",
                "warning users is dropped with all its rows",
            ],
            &[
                "DELETE FROM likes WHERE id < 7",
                "CREATE TABLE scratch (x int); DROP TABLE scratch",
                "ALTER TABLE posts ADD COLUMN x int; ALTER TABLE posts DROP COLUMN x",
                rebuild,
            ],
        );
        let down = Script::sql(backend, "DROP TABLE posts").direction(Direction::Down);
        assert_eq!(of("L40", &findings(&down)), [""; 0]);
    }
    check(
        "L40",
        Postgres,
        "TRUNCATE posts",
        &["warning all rows of posts are deleted"],
        &[],
    );
    let dropped =
        "warning the foreign key fk of posts is dropped: nothing keeps rows from referencing what is not there";
    let again = |drop: &str| format!("{drop}; {KEY}");
    let drop = "ALTER TABLE posts DROP FOREIGN KEY fk";
    check(
        "L40",
        MySql,
        drop,
        &[dropped],
        &[
            &again(drop),
            "ALTER TABLE posts DROP INDEX i, DROP PRIMARY KEY, DROP CHECK c",
        ],
    );
    let drop = "ALTER TABLE posts DROP CONSTRAINT fk";
    let checked = "ALTER TABLE posts ADD CONSTRAINT fk CHECK (id > 0) NOT VALID";
    check(
        "L40",
        Postgres,
        drop,
        &[dropped],
        &[
            &again(drop),
            "ALTER TABLE posts DROP CONSTRAINT posts_title_check",
            &format!("{checked}; {drop}"),
        ],
    );
}

#[test]
fn l41_rebuilt_while_enforced() {
    let rebuild = "CREATE TABLE new_users (id int); INSERT INTO new_users SELECT * FROM users; DROP TABLE users;
                   ALTER TABLE new_users RENAME TO users;";
    let message = "error users is rebuilt while foreign keys are enforced: DROP TABLE deletes the rows that reference it by CASCADE";
    let off = format!("PRAGMA foreign_keys = OFF; BEGIN; {rebuild} PRAGMA foreign_key_check; COMMIT");
    check(
        "L41",
        Sqlite,
        rebuild,
        &[message],
        &[&off, &off.replace(" = OFF", "(0)"), "DROP TABLE users"],
    );
    let renamed_first = "ALTER TABLE users RENAME TO old; CREATE TABLE users (id int); DROP TABLE old";
    check("L41", Sqlite, renamed_first, &[message], &[]);
    let inside = off.replace("PRAGMA foreign_keys = OFF; BEGIN;", "BEGIN; PRAGMA foreign_keys = OFF;");
    let why = format!("{message}; PRAGMA foreign_keys inside a transaction does nothing");
    check("L41", Sqlite, &inside, &[&why], &[]);
    check("L41", Postgres, "SELECT 1", &[], &[rebuild]);
    // Nobody references the posts.
    let schema = Schema::parse(super::cases::POSTS).expect("it is well formed");
    let of_posts = rebuild.replace("users", "posts");
    assert_eq!(
        of("L41", &findings(&Script::sql(Sqlite, &of_posts).on(&schema))),
        [""; 0]
    );
    assert_eq!(
        of("L41", &findings(&Script::sql(Sqlite, rebuild).on(&schema))),
        [message]
    );
}

#[test]
fn l44_unchecked_keys() {
    let proof = "SELECT * FROM posts AS child WHERE child.user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM users AS parent WHERE \
                 parent.id = child.user_id)";
    let left_join = "SELECT p.id FROM posts p LEFT JOIN users u ON u.id = p.user_id WHERE u.id IS NULL";
    let added = format!("SET foreign_key_checks = 0; {KEY}; SET foreign_key_checks = 1");
    check(
        "L44",
        MySql,
        &added,
        &[
            "warning foreign_key_checks = 0, and the foreign key of posts.user_id to users is added unchecked: nothing afterwards looks for \
           orphans",
        ],
        &[
            &format!("{added}; {proof}"),
            &format!("{added}; {left_join}"),
            "SET foreign_key_checks = 1",
        ],
    );
    assert_eq!(
        fixes("L44", &Script::sql(MySql, &added)),
        [
            "SELECT * FROM `posts` AS child WHERE child.`user_id` IS NOT NULL AND NOT EXISTS (SELECT 1 FROM `users` AS parent WHERE \
          parent.`id` = child.`user_id`);"
        ]
    );
    // A proof of what was before proves nothing.
    let before = format!("SET foreign_key_checks = 0; {proof}; {KEY}");
    assert_eq!(of("L44", &findings(&Script::sql(MySql, &before))).len(), 1);
    check(
        "L44",
        Postgres,
        "SET session_replication_role = replica; INSERT INTO posts SELECT * FROM old; SET session_replication_role = DEFAULT;
         ALTER TABLE posts DISABLE TRIGGER ALL",
        &[
            "warning DISABLE TRIGGER ALL on posts, and nothing afterwards looks for orphans",
            "warning session_replication_role = replica, and nothing afterwards looks for orphans",
        ],
        &[
            &format!("ALTER TABLE posts DISABLE TRIGGER ALL; UPDATE posts SET x = 1; {proof}"),
            "ALTER TABLE posts DISABLE TRIGGER USER",
            "SET session_replication_role = DEFAULT",
            "RESET session_replication_role",
        ],
    );
    check(
        "L44",
        Sqlite,
        "PRAGMA foreign_keys = OFF; DELETE FROM users WHERE id = 1",
        &["warning PRAGMA foreign_keys = OFF, and nothing afterwards looks for orphans"],
        &[
            "PRAGMA foreign_keys = OFF; DELETE FROM users WHERE id = 1; PRAGMA foreign_key_check",
            "PRAGMA foreign_keys",
        ],
    );
}

#[test]
fn comments_leave_statements_out() {
    let silent = [
        "-- cascade: ignore L35 it is small\nCREATE INDEX i ON posts (user_id);",
        "CREATE INDEX i -- cascade: ignore L36, L35: it is small\nON posts (user_id);",
        "CREATE INDEX i ON posts (user_id); -- cascade: ignore L35\n",
        "CREATE INDEX i /* cascade: ignore l35 */ ON posts (user_id)",
    ];
    for silent in silent {
        assert_eq!(
            of("L35", &findings(&Script::sql(Postgres, silent))),
            [""; 0],
            "{silent}"
        );
    }
    for fires in [
        "-- cascade: ignore L36 it is small\nCREATE INDEX i ON posts (user_id);",
        "-- cascade: ignore\nCREATE INDEX i ON posts (user_id);",
        "-- ignore L35\nCREATE INDEX i ON posts (user_id);",
        "SELECT 1; -- cascade: ignore L35\nCREATE INDEX i ON posts (user_id);",
        "CREATE INDEX i ON posts (user_id);\n-- cascade: ignore L35\nSELECT 1",
    ] {
        assert_eq!(of("L35", &findings(&Script::sql(Postgres, fires))).len(), 1, "{fires}");
    }
    let mut settings = LintSettings::default();
    settings.levels.insert("L35".to_owned(), Severity::Off);
    let script = Script::sql(Postgres, "CREATE INDEX i ON posts (user_id)");
    assert_eq!(migration::lint(&script, &settings), []);
    assert!(lint::check_settings(&settings).is_ok());
}

#[test]
fn a_database_tells_which_tables_have_rows() {
    let schema = Schema::parse("backend postgres\ntable posts\n  id: bigint\n").expect("it is well formed");
    let sql = "ALTER TABLE users ADD x int NOT NULL; ALTER TABLE public.posts ADD x int NOT NULL;
               CREATE TABLE IF NOT EXISTS posts (id bigint); ALTER TABLE posts ADD y int NOT NULL;
               ALTER TABLE posts RENAME TO articles; ALTER TABLE articles ADD z int NOT NULL";
    let found = findings(&Script::sql(Postgres, sql).on(&schema));
    let required: Vec<_> = found
        .iter()
        .filter(|finding| finding.code == "L32")
        .map(|finding| finding.id.as_str())
        .collect();
    assert_eq!(required, ["L32 articles(z)", "L32 posts(y)", "L32 public.posts(x)"]);
}

#[test]
fn reports_have_the_place() {
    let sql = "SET lock_timeout = '2s';\n\n  -- why\n  ALTER TABLE posts\n    DROP COLUMN title;\n";
    let found = findings(&Script::sql(Postgres, sql).in_file("migrations/m1 drop.sql"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].id, "L40 m1 drop: posts(title)");
    assert!(lint::text(&found).starts_with(
        "warning L40 destructive: posts.title is dropped with what is in it\n  at   migrations/m1 drop.sql:4\n  why  rolling back"
    ));
    let json: Value = serde_json::from_str(&lint::json(&found)).expect("it is JSON");
    assert_eq!(
        json["findings"][0]["place"],
        serde_json::json!({ "file": "migrations/m1 drop.sql", "line": 4 })
    );
    let sarif: Value = serde_json::from_str(&lint::sarif(&found)).expect("it is JSON");
    let result = &sarif["runs"][0]["results"][0];
    let rules = &sarif["runs"][0]["tool"]["driver"]["rules"];
    let index = result["ruleIndex"].as_u64().expect("a number");
    assert_eq!(
        rules.as_array().expect("a list")[usize::try_from(index).expect("a small one")]["id"],
        "L40"
    );
    assert_eq!(
        result["locations"][0]["physicalLocation"],
        serde_json::json!({ "artifactLocation": { "uri": "migrations/m1%20drop.sql" }, "region": { "startLine": 4 } })
    );
    assert_eq!(
        result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"],
        "posts.title"
    );
    // A baseline knows it wherever it stands.
    let moved = findings(&Script::sql(Postgres, &format!("\n\n{sql}")).in_file("elsewhere/m1 drop.sql"));
    assert_eq!(Baseline::of(&found).compare(moved).findings, []);
}

#[test]
fn bodies_are_one_statement() {
    let sql = "CREATE TRIGGER t AFTER INSERT ON posts BEGIN UPDATE posts SET x = CASE WHEN 1 THEN 2 END; DROP TABLE users; END;
               DROP TABLE likes";
    check("L40", Sqlite, sql, &["warning likes is dropped with all its rows"], &[]);
    let sql = "CREATE TRIGGER t BEFORE INSERT ON posts FOR EACH ROW BEGIN IF NEW.x THEN DELETE FROM users; END IF; DELETE FROM posts; END;
               DELETE FROM likes";
    check("L40", MySql, sql, &["warning all rows of likes are deleted"], &[]);
    let sql = "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $f$ DROP TABLE posts; $f$; DROP TABLE likes";
    check(
        "L40",
        Postgres,
        sql,
        &["warning likes is dropped with all its rows"],
        &[],
    );
}

/// Texts that are nearly SQL.
fn nearly_sql() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => proptest::sample::select(vec![
            "ALTER TABLE", "posts", "ADD", "COLUMN", "CONSTRAINT", "FOREIGN KEY", "(", ")", ",", ";", "REFERENCES", "users", "NOT", "NULL",
            "DEFAULT", "CHECK", "IS", "VALID", "VALIDATE", "CREATE", "INDEX", "CONCURRENTLY", "ON", "DROP", "TABLE", "UPDATE", "SET", "=",
            "WHERE", "BEGIN", "COMMIT", "END", "PRAGMA", "foreign_keys", "SELECT", "EXISTS", "WITH", "RENAME", "TO", "LOCK", "TRIGGER", "$$",
            "$a$", "'", "\"", "`", "[", "]", "{", "}", "{…}", "--", "/*", "*/", "#", "\\", "\n", ".", "@@", "E'", "cascade: ignore L36", "é",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn any_text_is_read(sql in nearly_sql()) {
        for backend in [Postgres, MySql, Sqlite] {
            let all = [Script::sql(backend, &sql), Script::new(backend).statement(Statement::new(&sql).in_transaction(7))];
            for script in all {
                let found = findings(&script.after(&Script::sql(backend, &sql)));
                prop_assert!(found.iter().all(|finding| !finding.id.contains('\n')));
                prop_assert!(serde_json::from_str::<Value>(&lint::sarif(&found)).is_ok());
            }
        }
    }
}
