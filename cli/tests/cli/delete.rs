//! `cascade plan` and `cascade delete`.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

use sea_orm_cascade::{Entities, Store};
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement};
use serde_json::Value;
use snapbox::cmd::{Command, cargo_bin};
use snapbox::str;
use tempfile::TempDir;

use crate::{cascade, runtime};

const SCRIPT: &str = "
    CREATE TABLE users (id integer NOT NULL PRIMARY KEY, name text NOT NULL);
    CREATE TABLE posts (id integer NOT NULL PRIMARY KEY, user_id integer NOT NULL REFERENCES users (id) ON DELETE CASCADE);
    CREATE INDEX by_user ON posts (user_id);
    CREATE TABLE comments (id integer NOT NULL PRIMARY KEY, post_id integer NOT NULL REFERENCES posts (id) ON DELETE CASCADE);
    CREATE INDEX by_post ON comments (post_id);
    CREATE TABLE images (id integer NOT NULL PRIMARY KEY, post_id integer REFERENCES posts (id) ON DELETE SET NULL);
    CREATE INDEX images_by_post ON images (post_id);
    CREATE TABLE invoices (id integer NOT NULL PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE RESTRICT);
    CREATE INDEX invoices_by_user ON invoices (user_id);
    CREATE TABLE seats (tenant_id integer NOT NULL, code text NOT NULL, PRIMARY KEY (tenant_id, code));
    INSERT INTO users VALUES (1, 'ann'), (2, 'ben'), (3, 'cem');
    INSERT INTO posts VALUES (1, 1), (2, 1), (3, 2), (4, 3);
    INSERT INTO comments VALUES (1, 1), (2, 1), (3, 3);
    INSERT INTO images VALUES (1, 1), (2, NULL), (3, 4);
    INSERT INTO invoices VALUES (5, 2), (9, 2);
    INSERT INTO seats VALUES (1, 'a'), (1, 'b,c'), (2, 'a');
";

/// A directory with a shop in `shop.db`: user 1 can be deleted, user 2 has invoices.
fn shop() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", directory.path().join("shop.db").display());
    runtime().block_on(async {
        let store = Store::connect(&url, Entities::new()).await.unwrap();
        store.connection().execute_unprepared(SCRIPT).await.unwrap();
        store.close().await.unwrap();
    });
    directory
}

/// How many rows a table has.
fn rows(directory: &Path, table: &str) -> i64 {
    let url = format!("sqlite://{}", directory.join("shop.db").display());
    runtime().block_on(async {
        let store = Store::connect(&url, Entities::new()).await.unwrap();
        let statement = Statement::from_string(store.backend().into(), format!("SELECT COUNT(*) FROM {table}"));
        let row = store.connection().query_one_raw(statement).await.unwrap().unwrap();
        let rows = row.try_get_by_index(0).unwrap();
        store.close().await.unwrap();
        rows
    })
}

#[test]
fn a_plan_is_a_tree() {
    let shop = shop();
    cascade(shop.path())
        .args(["plan", "users", "--key", "1"])
        .assert()
        .success()
        .stderr_eq("")
        .stdout_eq(str![[r#"
users                             delete 1
├─ invoices.user_id     restrict  blocks nothing
└─ posts.user_id        cascade   delete 2
   ├─ comments.post_id  cascade   delete 2
   └─ images.post_id    set null  null   1
would delete 5 rows of 3 tables, change 1

"#]]);
    cascade(shop.path())
        .args(["plan", "users", "--key", "2"])
        .assert()
        .code(3)
        .stderr_eq("")
        .stdout_eq(str![[r#"
users                             delete 1
├─ invoices.user_id     restrict  BLOCKED by 2 rows: id 5, 9
└─ posts.user_id        cascade   delete 1
   ├─ comments.post_id  cascade   delete 1
   └─ images.post_id    set null  no rows
blocked: nothing would be deleted. Delete or re-own the 2 invoices first, or declare another action for invoices.user_id.

"#]]);
    assert_eq!((rows(shop.path(), "users"), rows(shop.path(), "posts")), (3, 4));
}

#[test]
fn a_plan_for_programs() {
    let shop = shop();
    let output = cascade(shop.path())
        .args(["plan", "users", "--key", "2", "--format", "json", "--sample", "1"])
        .output()
        .unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["blockers"][0]["sample"], serde_json::json!([{ "id": 5 }]));
    assert_eq!(
        (&json["blockers"][0]["rows"], &json["done"]),
        (&Value::from(2), &Value::from(false))
    );
    assert_eq!(output.status.code(), Some(3));
    cascade(shop.path())
        .args(["plan", "users", "--key", "2", "--format", "mermaid"])
        .assert()
        .code(3)
        .stdout_eq(str![[r#"
flowchart LR
  t0["users<br/>delete 1"]
  t1["invoices<br/>BLOCKED by 2 rows: id 5, 9"]
  t2["posts<br/>delete 1"]
  t3["comments<br/>delete 1"]
  t4["images"]
  t0 -.->|"user_id: restrict"| t1
  t0 -->|"user_id: cascade"| t2
  t2 -->|"post_id: cascade"| t3
  t2 -.->|"post_id: set null"| t4
  classDef blocked fill:#fde2e2,stroke:#c62828,stroke-width:2px,color:#7f1d1d
  class t1 blocked
  linkStyle 0 stroke:#c62828,stroke-width:2px

"#]]);
    cascade(shop.path())
        .args(["plan", "users", "--key", "2", "-f", "html", "-o", "plan.html"])
        .assert()
        .code(3)
        .stdout_eq("");
    let html = std::fs::read_to_string(shop.path().join("plan.html")).unwrap();
    assert!(
        html.starts_with("<!DOCTYPE html>") && html.contains("BLOCKED by 2 rows"),
        "{html}"
    );
}

#[test]
fn keys_in_every_spelling() {
    let shop = shop();
    for (arguments, found) in [
        (&["users", "--key", "1"][..], 1),
        (&["users", "--key", "id=1"], 1),
        (&["users", "--key", "1", "--key", "1"], 1),
        (&["users", "-k", "1", "-k", "3"], 2),
        (&["posts", "--key", "user_id=1"], 2),
        (&["users", "--where", "name LIKE '%n'"], 2),
        (&["seats", "--key", "1,a"], 1),
        (&["seats", "--key", "tenant_id=1,code=b,c"], 1),
        (&["seats", "--where", "tenant_id = 1 -- those of the first"], 2),
    ] {
        let output = cascade(shop.path())
            .arg("plan")
            .args(arguments)
            .args(["-f", "json"])
            .output()
            .unwrap();
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["roots"]["rows"], found, "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn keys_from_stdin() {
    let shop = shop();
    cascade(shop.path())
        .args(["plan", "users", "--key", "-"])
        .stdin("1\r\n\nid=3\n77\n")
        .assert()
        .success()
        .stderr_eq(str![[r#"
note: 3 keys were given, and users has 2 such rows

"#]])
        .stdout_eq(str![[r#"
users                             delete 2
├─ invoices.user_id     restrict  blocks nothing
└─ posts.user_id        cascade   delete 3
   ├─ comments.post_id  cascade   delete 2
   └─ images.post_id    set null  null   2
would delete 7 rows of 3 tables, change 2

"#]]);
    cascade(shop.path())
        .args(["plan", "users", "--key", "-"])
        .stdin("\n")
        .assert()
        .code(2)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: stdin lists no keys: give one per line, or name the rows with --key or --where

"#]]);
}

/// Every error names the thing, and the way out.
#[test]
fn what_cannot_be_planned() {
    let shop = shop();
    for (arguments, said) in [
        (
            &["user", "--key", "1"][..],
            "error: there is no table \"user\": there are comments, images, invoices, posts, seats, users\n",
        ),
        (
            &["users", "--key", "ann"],
            "error: the key users.id is of type integer: it must be a whole number, and \"ann\" is not\n",
        ),
        (
            &["users", "--key", "mane=ann"],
            "error: users has no column mane: there are id, name\n",
        ),
        (&["users", "--key", "77"], "error: users has no row with id = 77\n"),
        (
            &["users", "--key", "77", "--key", "78"],
            "error: users has no row with any of the 2 keys\n",
        ),
        (
            &["seats", "--key", "1"],
            "error: the primary key of seats is (tenant_id, code): give a value for each, as in tenant_id=…,code=…\n",
        ),
        (
            &["users", "--where", "nam = 'ann'"],
            "error: the rows of users for --where cannot be found: the database refused the statement (1): no such column: nam (1)\n",
        ),
        (
            &["users", "--where", " "],
            "error: the condition is empty: say which rows are to go\n",
        ),
        (
            &["users", "--key", "1", "--enforce-key", "post.user_id=database"],
            "error: there is no foreign key post.user_id, did you mean posts.user_id?\n",
        ),
    ] {
        let output = cascade(shop.path()).arg("plan").args(arguments).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), said, "{arguments:?}");
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(1), 0),
            "{arguments:?}"
        );
    }
}

#[test]
fn wrong_usage() {
    let shop = shop();
    for (arguments, said) in [
        (&["plan", "users"][..], "<--key <KEY>|--where <SQL>>"),
        (
            &["plan", "users", "--key", "1", "--where", "true"],
            "cannot be used with",
        ),
        (
            &["plan", "users", "--key", "1", "--enforce-key", "posts.user_id"],
            "write it as posts.user_id=database",
        ),
        (
            &["plan", "users", "--key", "1", "--enforce-key", "posts.user_id=me"],
            "\"me\" is not a way to enforce a key",
        ),
        (&["plan", "users", "--key", "1", "--cap", "0"], "0 is not in 1.."),
        (
            &["delete", "users", "--key", "1"],
            "look with `cascade plan`, then add --yes",
        ),
    ] {
        let output = cascade(shop.path()).args(arguments).stdin("y\n").output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "{arguments:?}"
        );
    }
    assert_eq!(rows(shop.path(), "users"), 3);
}

#[test]
fn nothing_meets_the_condition() {
    let shop = shop();
    cascade(shop.path())
        .args(["plan", "users", "--where", "id > 9"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
users                          delete 0
├─ invoices.user_id  restrict  blocks nothing
└─ posts.user_id     cascade   no rows
nothing would be deleted: users has no such row

"#]]);
    cascade(shop.path())
        .args(["delete", "users", "--where", "id > 9", "--yes"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
nothing deleted

"#]]);
}

#[test]
fn a_cap_is_a_lower_bound() {
    let shop = shop();
    cascade(shop.path())
        .args(["plan", "users", "--key", "1", "--cap", "2"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
users                             delete 1
├─ invoices.user_id     restrict  blocks nothing
└─ posts.user_id        cascade   delete at least 2
   ├─ comments.post_id  cascade   delete at least 2
   └─ images.post_id    set null  null   1
would delete at least 5 rows of 3 tables, change 1

"#]]);
}

#[test]
fn a_delete_without_a_question() {
    let shop = shop();
    cascade(shop.path())
        .args(["delete", "users", "--key", "1", "--yes"])
        .assert()
        .success()
        .stderr_eq("")
        .stdout_eq(str![[r#"
images    set null 1
comments  deleted 2
posts     deleted 2
users     deleted 1

"#]]);
    assert_eq!((rows(shop.path(), "users"), rows(shop.path(), "posts")), (2, 2));
    assert_eq!(rows(shop.path(), "images WHERE post_id IS NULL"), 2);
    cascade(shop.path())
        .args(["delete", "users", "--key", "1", "--yes"])
        .assert()
        .code(1)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: users has no row with id = 1

"#]]);
    let output = cascade(shop.path())
        .args(["delete", "users", "-k", "3", "-k", "4", "--yes", "--format", "json"])
        .output()
        .unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&json["done"], &json["roots"]["rows"]),
        (&Value::from(true), &Value::from(1))
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "note: 2 keys were given, and users has 1 such row\n"
    );
}

#[test]
fn a_blocked_delete_changes_nothing() {
    let shop = shop();
    for more in [&[][..], &["--max-rows", "100"]] {
        cascade(shop.path())
            .args(["delete", "users", "-k", "1", "-k", "2", "--yes"])
            .args(more)
            .assert()
            .code(3)
            .stdout_eq(str![[r#"
users                             delete 2
├─ invoices.user_id     restrict  BLOCKED by 2 rows: id 5, 9
└─ posts.user_id        cascade   delete 3
   ├─ comments.post_id  cascade   delete 3
   └─ images.post_id    set null  null   1
blocked: nothing would be deleted. Delete or re-own the 2 invoices first, or declare another action for invoices.user_id.

"#]]);
    }
    assert_eq!((rows(shop.path(), "users"), rows(shop.path(), "posts")), (3, 4));
}

#[test]
fn a_limit_stops_before_anything_is_done() {
    let shop = shop();
    let delete = |limit: &str| cascade(shop.path()).args(["delete", "users", "-k", "1", "--yes", "--max-rows", limit]);
    // One user, two posts, two comments, and an image that is changed.
    delete("5")
        .assert()
        .code(4)
        .stdout_eq(str![[r#"
users                             delete 1
├─ invoices.user_id     restrict  blocks nothing
└─ posts.user_id        cascade   delete 2
   ├─ comments.post_id  cascade   delete 2
   └─ images.post_id    set null  null   1
would delete 5 rows of 3 tables, change 1

"#]])
        .stderr_eq(str![[r#"
stopped: nothing was deleted, since 6 rows would be deleted or changed, and --max-rows is 5

"#]]);
    assert_eq!((rows(shop.path(), "users"), rows(shop.path(), "posts")), (3, 4));
    delete("6").assert().success().stdout_eq(str![[r#"
images    set null 1
comments  deleted 2
posts     deleted 2
users     deleted 1

"#]]);
    assert_eq!((rows(shop.path(), "users"), rows(shop.path(), "posts")), (2, 2));
}

#[test]
fn a_database_that_can_only_be_read() {
    let shop = shop();
    let url = "sqlite://shop.db?mode=ro";
    cascade(shop.path())
        .args(["plan", "users", "--where", "id = 1", "-u", url])
        .assert()
        .success();
    cascade(shop.path())
        .args(["delete", "users", "--key", "1", "--yes", "-u", url])
        .assert()
        .code(1)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: nothing was deleted: shop.db can only be read: leave mode=ro out of the URL, and see who may write the file and its directory: the database refused the statement (8): attempt to write a readonly database (8)

"#]]);
}

#[test]
fn a_report_that_cannot_be_written_is_noticed_before() {
    let shop = shop();
    cascade(shop.path())
        .args(["delete", "users", "--key", "1", "--yes", "-o", "no/report.txt"])
        .assert()
        .code(1)
        .stderr_eq(str![[r#"
error: nothing was deleted: no/report.txt cannot be written: No such file or directory (os error 2)

"#]]);
    assert_eq!(rows(shop.path(), "users"), 3);
}

/// An action that the database does not have, from a file.
#[test]
fn actions_of_an_overlay() {
    let shop = shop();
    std::fs::write(
        shop.path().join("cascade.toml"),
        "[[foreign_key]]\ntable = \"invoices\"\ncolumns = [\"user_id\"]\nreferences = { table = \"users\" }\non_delete = \"set_null\"\n",
    )
    .unwrap();
    cascade(shop.path())
        .args(["plan", "users", "--key", "2"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
users                             delete 1
├─ invoices.user_id     set null  null   2
└─ posts.user_id        cascade   delete 1
   ├─ comments.post_id  cascade   delete 1
   └─ images.post_id    set null  no rows
would delete 3 rows of 3 tables, change 2

"#]]);
    cascade(shop.path())
        .args(["plan", "users", "--key", "2", "--enforce", "database"])
        .assert()
        .code(1)
        .stderr_eq(str![[r#"
error: the database does not enforce invoices.user_id as set null: it has no such constraint, one with another action, or one that was never validated; let the application enforce it, or add the constraint

"#]]);
    cascade(shop.path())
        .args(["delete", "users", "-k", "2", "--yes"])
        .assert()
        .success();
    assert_eq!(rows(shop.path(), "invoices WHERE user_id IS NULL"), 2);
}

/// `cascade` on a pseudo-terminal of `script` (util-linux), where somebody types an answer to what was said until then. Gives all that was
/// said, and the exit code. `None` where there is no such `script`.
fn on_a_terminal(
    directory: &Path,
    arguments: &str,
    answer: impl FnOnce() -> &'static str,
) -> Option<(String, Option<i32>)> {
    let has_script = Command::new("script").arg("--version").output();
    if !has_script.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let command = format!("{} {arguments}", cargo_bin!("cascade").display());
    let mut process = std::process::Command::new("script")
        .args(["-q", "-e", "-c", &command, "/dev/null"])
        .current_dir(directory)
        .env("DATABASE_URL", "sqlite://shop.db")
        .env("SHELL", "/bin/sh")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    let mut stdout = process.stdout.take().unwrap();
    let mut byte = [0];
    while !said.ends_with(b"[y/N] ") && stdout.read(&mut byte).unwrap() > 0 {
        said.extend_from_slice(&byte);
    }
    let mut stdin = process.stdin.take().unwrap();
    // It may have ended without a question.
    drop(stdin.write_all(answer().as_bytes()));
    drop(stdin);
    stdout.read_to_end(&mut said).unwrap();
    Some((
        String::from_utf8_lossy(&said).into_owned(),
        process.wait().unwrap().code(),
    ))
}

#[test]
fn on_a_terminal_it_asks() {
    let shop = shop();
    for typed in ["n\n", "\n", "yess\n", ""] {
        let Some((said, code)) = on_a_terminal(shop.path(), "delete users --key 1", || typed) else {
            return;
        };
        assert!(
            said.contains("would delete 5 rows of 3 tables, change 1"),
            "{typed:?}: {said}"
        );
        assert!(said.contains("stopped: nothing was deleted"), "{typed:?}: {said}");
        assert_eq!((code, rows(shop.path(), "users")), (Some(4), 3), "{typed:?}");
    }
    // What blocks is shown without a question.
    let (said, code) = on_a_terminal(shop.path(), "delete users --key 2", || "y\n").unwrap();
    assert!(said.contains("BLOCKED") && !said.contains("[y/N]"), "{said}");
    assert_eq!(code, Some(3));
    let (said, code) = on_a_terminal(shop.path(), "delete users --key 1", || "Y\n").unwrap();
    assert!(said.contains("posts     deleted 2"), "{said}");
    assert_eq!((code, rows(shop.path(), "users")), (Some(0), 2));
}

#[test]
fn what_was_shown_is_what_is_done() {
    let shop = shop();
    let url = format!("sqlite://{}", shop.path().join("shop.db").display());
    let meanwhile = || {
        runtime().block_on(async {
            let store = Store::connect(&url, Entities::new()).await.unwrap();
            let insert = "INSERT INTO comments VALUES (4, 1)";
            store.connection().execute_unprepared(insert).await.unwrap();
            store.close().await.unwrap();
        });
        "y\n"
    };
    let Some((said, code)) = on_a_terminal(shop.path(), "delete users --key 1", meanwhile) else {
        return;
    };
    let refused = "error: nothing was deleted: this is not what was planned, for other rows would be touched; plan again and look at it";
    assert!(said.contains(refused), "{said}");
    assert_eq!(
        (code, rows(shop.path(), "users"), rows(shop.path(), "comments")),
        (Some(1), 3, 4)
    );
}
