//! What a person sees who types `cascade`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod delete;
mod foreign_key;

use std::path::Path;

use sea_orm_cascade::{Entities, SqliteJournal, Store, StoreOptions};
use sea_orm_migration::sea_orm::ConnectionTrait;
use snapbox::cmd::{Command, cargo_bin};
use snapbox::str;
use tempfile::TempDir;

/// A directory with a small shop in `shop.db`: a key without an index, and rows that were written while nobody enforced the keys.
fn shop() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", directory.path().join("shop.db").display());
    runtime().block_on(async {
        let store = Store::connect(&url, Entities::new()).await.unwrap();
        let script = "
                PRAGMA foreign_keys = OFF;
                CREATE TABLE users (id integer NOT NULL PRIMARY KEY, name text NOT NULL);
                CREATE TABLE posts (
                    id integer NOT NULL PRIMARY KEY,
                    user_id integer REFERENCES users (id) ON DELETE CASCADE,
                    title text
                );
                CREATE INDEX by_user ON posts (user_id);
                CREATE TABLE comments (
                    id integer NOT NULL PRIMARY KEY,
                    post_id integer NOT NULL REFERENCES posts (id) ON DELETE RESTRICT
                );
                INSERT INTO users VALUES (1, 'ann');
                INSERT INTO posts VALUES (1, 1, 'a'), (2, 7, 'b'), (3, 8, 'c'), (4, NULL, 'd');
                INSERT INTO comments VALUES (1, 1);
            ";
        store.connection().execute_unprepared(script).await.unwrap();
        store.close().await.unwrap();
    });
    directory
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// `cascade` in this directory, on its database.
fn cascade(directory: &Path) -> Command {
    Command::new(cargo_bin!("cascade"))
        .current_dir(directory)
        .env("DATABASE_URL", "sqlite://shop.db")
        .env_remove("RUST_BACKTRACE")
}

#[test]
fn version() {
    Command::new(cargo_bin!("cascade"))
        .arg("--version")
        .assert()
        .success()
        .stdout_eq(format!("cascade {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help() {
    Command::new(cargo_bin!("cascade"))
        .arg("--help")
        .env_remove("DATABASE_URL")
        .assert()
        .success()
        .stdout_eq(str![[r#"
Cascading deletes, looked at before they happen, on any PostgreSQL, MySQL, MariaDB or SQLite database.

Exit codes: 0 done, 1 failed, 2 wrong usage or findings, 3 blocked (nothing was changed), 4 stopped by the user or by --max-rows.

Usage: cascade [OPTIONS] <COMMAND>

Commands:
  plan         Show what deleting rows would delete and change, and what blocks it; exit with 3 if it is blocked
  delete       Delete rows and what goes with them: all or nothing, after showing what it is and asking
  schema       Show the tables, keys and indexes of a database
  graph        Draw which table references which, and what happens on delete
  lint         Find what in a schema is wrong, likely to hurt, or worth knowing; exit with 2 for an error or a warning
  orphans      Find rows that reference rows that are not there, and repair them; exit with 2 if there are any, or a key cannot be checked
  foreign-key  Make a foreign key, with its column, index and rows' values, on a table that is in use; it can be stopped, resumed and reverted
  help         Print this message or the help of the given subcommand(s)

Options:
  -h, --help
          Print help (see a summary with '-h')

  -V, --version
          Print version

Options of every command:
  -u, --database-url <URL>
          The database: postgres://…, mysql://… or sqlite:…
          
          [env: DATABASE_URL]

  -s, --schema <NAME>
          The schema (on MySQL: database) to look at, instead of the connection's own; repeat it for several

  -r, --relations <FILE>
          The overlay file: keys the database does not have, other actions, lint settings [default: cascade.toml, if it is there]

  -q, --quiet
          Say nothing on stderr but errors

  -v, --verbose
          Log every statement to stderr, without its values

"#]]);
}

#[test]
fn an_unknown_command_is_wrong_usage() {
    Command::new(cargo_bin!("cascade"))
        .arg("explode")
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: unrecognized subcommand 'explode'

Usage: cascade [OPTIONS] <COMMAND>

For more information, try '--help'.

"#]]);
}

#[test]
fn without_a_database() {
    Command::new(cargo_bin!("cascade"))
        .arg("schema")
        .env_remove("DATABASE_URL")
        .assert()
        .code(1)
        .stderr_eq(str![[r#"
error: no database: give --database-url, or set DATABASE_URL

"#]]);
}

#[test]
fn schema_as_text_and_as_statements() {
    let shop = shop();
    cascade(shop.path())
        .arg("schema")
        .assert()
        .success()
        .stdout_eq(str![[r#"
backend sqlite

table comments
  id: integer, not null
  post_id: integer, not null
  primary key (id)
  foreign key (post_id) references posts (id), on delete restrict

table posts
  id: integer, not null
  user_id: integer
  title: text
  primary key (id)
  index (user_id), as by_user
  foreign key (user_id) references users (id), on delete cascade

table users
  id: integer, not null
  name: text, not null
  primary key (id)

"#]]);
    cascade(shop.path())
        .args(["schema", "--format", "sql"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
CREATE TABLE "users" ("id" integer NOT NULL, "name" text NOT NULL, PRIMARY KEY ("id"));
CREATE TABLE "posts" ("id" integer NOT NULL, "user_id" integer, "title" text, PRIMARY KEY ("id"), FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE);
CREATE INDEX "by_user" ON "posts" ("user_id");
CREATE TABLE "comments" ("id" integer NOT NULL, "post_id" integer NOT NULL, PRIMARY KEY ("id"), FOREIGN KEY ("post_id") REFERENCES "posts" ("id") ON DELETE RESTRICT);

"#]]);
}

#[test]
fn schema_as_a_picture_in_a_file() {
    let shop = shop();
    cascade(shop.path())
        .args(["schema", "--format", "svg", "--output", "shop.svg"])
        .assert()
        .success()
        .stdout_eq("");
    let svg = std::fs::read_to_string(shop.path().join("shop.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("posts"), "{svg}");
}

#[test]
fn graph_of_everything_and_of_one_table() {
    let shop = shop();
    cascade(shop.path()).arg("graph").assert().success().stdout_eq(str![[r#"
users
└─ posts.user_id        cascade
   └─ comments.post_id  restrict

"#]]);
    cascade(shop.path())
        .args(["graph", "posts"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
posts
└─ comments.post_id  restrict

"#]]);
    cascade(shop.path())
        .args(["graph", "users", "--format", "mermaid"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
erDiagram
  "posts" {
    integer id PK
    integer user_id FK "null"
    text title "null"
  }
  "users" {
    integer id PK
    text name
  }
  "users" |o--o{ "posts" : "user_id: cascade"

"#]]);
    cascade(shop.path())
        .args(["graph", "post"])
        .assert()
        .code(1)
        .stderr_eq(str![[r#"
error: there is no table "post": there are comments, posts, users

"#]]);
}

#[test]
fn lint_finds_and_is_told_what_not_to_find() {
    let shop = shop();
    cascade(shop.path()).arg("lint").assert().code(2).stdout_eq(str![[r#"
error L25 orphans: 2 rows reference by posts.user_id what is not in users.id
  why  joins lose them silently, and the constraint cannot be validated
  fix  see them with `cascade orphans posts`; then delete them, null the reference, or insert what it references

warning L01 missing-index: no index begins with comments.post_id, which references posts.id
  why  every delete of a referenced row, and every change of its key, reads the whole referencing table
  fix  CREATE INDEX "idx-comments-post_id" ON "comments" ("post_id");

info L17 nullable-cascade: posts.user_id is ON DELETE CASCADE, and user_id may be NULL
  why  rows that could live without the referenced row go with it
  fix  if a row of posts can live without one of users, SET NULL keeps it; if it cannot, NOT NULL says so

1 error, 1 warning, 1 note

"#]]);

    std::fs::write(
        shop.path().join("cascade.toml"),
        "[lint.levels]\nL01 = \"off\"\nL25 = \"info\"\n\n[[lint.ignore]]\nrule = \"L17\"\ntable = \"posts\"\n",
    )
    .unwrap();
    cascade(shop.path()).arg("lint").assert().success().stdout_eq(str![[r#"
info L25 orphans: 2 rows reference by posts.user_id what is not in users.id
  why  joins lose them silently, and the constraint cannot be validated
  fix  see them with `cascade orphans posts`; then delete them, null the reference, or insert what it references

0 errors, 0 warnings, 1 note

"#]]);

    std::fs::write(shop.path().join("cascade.toml"), "[lint.levels]\nL1 = \"off\"\n").unwrap();
    cascade(shop.path()).arg("lint").assert().code(1).stderr_eq(str![[r#"
error: cascade.toml cannot be used: "L1" is not a rule of the linter: there are L01, L02, L03, L04, L05, L06, L07, L08, L09, L10, L11, L12, L13, L14, L15, L16, L17, L18, L19, L20, L21, L22, L23, L24, L25, L26, L27, L28, L29, L30, L31, L32, L33, L34, L35, L36, L39, L40, L41, L42, L43, L44, L45, L46

"#]]);
}

#[test]
fn a_baseline_is_what_was_there_before() {
    let shop = shop();
    cascade(shop.path())
        .args(["lint", "--write-baseline", "baseline.txt"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
3 finding(s) written to baseline.txt

"#]]);
    cascade(shop.path())
        .args(["lint", "--baseline", "baseline.txt"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
0 errors, 0 warnings, 0 notes

"#]]);
}

#[test]
fn lint_for_machines() {
    let shop = shop();
    let output = cascade(shop.path())
        .args(["lint", "--format", "sarif"])
        .output()
        .unwrap();
    let sarif: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sarif.pointer("/version").and_then(|it| it.as_str()), Some("2.1.0"));
    assert!(sarif.pointer("/runs/0/results/0/ruleId").is_some(), "{sarif:#}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn lint_of_a_script() {
    let shop = shop();
    std::fs::write(
        shop.path().join("change.sql"),
        "-- cascade: ignore L40 nobody reads it\nALTER TABLE posts DROP COLUMN title;\n\nALTER TABLE posts ADD COLUMN stars integer NOT NULL;\n\
         ALTER TABLE likes ADD COLUMN x integer NOT NULL;\n",
    )
    .unwrap();
    cascade(shop.path())
        .args(["lint", "--sql", "change.sql"])
        .assert()
        .code(2)
        .stdout_eq(str![[r#"
error L32 required-without-value: posts.stars is NOT NULL and has no default: if the table has a row, this fails
  at   change.sql:4
  why  PostgreSQL and SQLite refuse it, and MySQL gives the rows 0 or an empty text that nobody chose
  fix  give it a DEFAULT that is right for every row; or rebuild the table, with a value for every row in the copy

1 error, 0 warnings, 0 notes

"#]]);
    // What it says of users' children depends on the database: two tables reference none of the comments.
    let rebuild =
        |table: &str| format!("CREATE TABLE n (id integer); DROP TABLE {table}; ALTER TABLE n RENAME TO {table};");
    let lint = |sql: String| cascade(shop.path()).args(["lint", "--sql", "-"]).stdin(sql).assert();
    lint(rebuild("comments")).success();
    lint(rebuild("users")).code(2).stdout_eq(str![[r#"
error L41 rebuilt-while-enforced: users is rebuilt while foreign keys are enforced: DROP TABLE deletes the rows that reference it by CASCADE
  at   line 1
...
"#]]);
    cascade(shop.path())
        .args(["lint", "--sql", "gone.sql"])
        .assert()
        .code(1)
        .stderr_eq(str![[r#"
error: gone.sql cannot be read: [..]

"#]]);
}

#[test]
fn orphans_are_shown_tried_and_repaired() {
    let shop = shop();
    cascade(shop.path()).arg("orphans").assert().code(2).stdout_eq(str![[r#"
posts.user_id references no row of users: 2 row(s)
  id = 2  user_id = 7
  id = 3  user_id = 8
1 key without orphans

"#]]);
    cascade(shop.path())
        .args(["orphans", "posts.user_id", "--repair", "delete"])
        .assert()
        .code(2)
        .stdout_eq(str![[r#"
posts.user_id: 2 row(s) found, would be deleted
nothing was changed: add --yes to do it

"#]]);
    cascade(shop.path())
        .args(["orphans", "posts", "--repair", "reown", "--to", "9", "--yes"])
        .assert()
        .code(1)
        .stderr_eq(str![[r#"
error: users has no row with the id to re-own to: give the key of a row that is there

"#]]);
    cascade(shop.path())
        .args(["orphans", "posts", "--repair", "null", "--yes"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
posts.user_id: 2 row(s) found, 2 set to NULL

"#]]);
    cascade(shop.path())
        .arg("orphans")
        .assert()
        .success()
        .stdout_eq(str![[r#"
2 keys without orphans

"#]]);
}

#[test]
fn a_key_the_database_does_not_have() {
    let shop = shop();
    std::fs::write(
        shop.path().join("keys.toml"),
        "[[foreign_key]]\ntable = \"comments\"\ncolumns = [\"id\"]\nreferences = { table = \"users\" }\non_delete = \"protect\"\n",
    )
    .unwrap();
    cascade(shop.path())
        .args(["graph", "users", "--relations", "keys.toml"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
users
├─ comments.id          protect, by application
└─ posts.user_id        cascade
   └─ comments.post_id  restrict

"#]]);
    std::fs::write(shop.path().join("keys.toml"), "[[foreign_key]]\ntabel = \"comments\"\n").unwrap();
    cascade(shop.path())
        .args(["graph", "users", "--relations", "keys.toml"])
        .assert()
        .code(1)
        .stderr_eq(str![[r#"
error: keys.toml cannot be used: overlay, line 1: [[foreign_key]] needs table: table = "posts"
overlay, line 1: [[foreign_key]] needs columns: columns = ["user_id"]
overlay, line 1: [[foreign_key]] needs references: references = { table = "users", columns = ["id"] }
overlay, line 2: [[foreign_key]] has no field tabel, did you mean table? known are table, columns, references, on_delete, on_delete_columns, on_delete_values, on_update, enforced_by, guard, name

"#]]);
}

#[test]
fn looking_at_a_file_does_not_change_it() {
    let shop = shop();
    let file = shop.path().join("old.db");
    // As most programs leave a file: not in WAL mode.
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let options = StoreOptions::new().sqlite_journal(SqliteJournal::AsIs);
    runtime().block_on(async {
        let store = Store::connect_with(&url, Entities::new(), options).await.unwrap();
        let script = "CREATE TABLE users (id integer NOT NULL PRIMARY KEY, boss_id integer REFERENCES users (id))";
        store.connection().execute_unprepared(script).await.unwrap();
        store.close().await.unwrap();
    });
    let before = std::fs::read(&file).unwrap();
    for command in [
        &["schema"][..],
        &["graph"],
        &["lint"],
        &["orphans"],
        &["plan", "users", "--where", "true"],
    ] {
        let output = cascade(shop.path())
            .args(command)
            .args(["-u", "sqlite://old.db"])
            .output()
            .unwrap();
        assert_ne!(output.status.code(), Some(1), "{command:?}");
        assert!(std::fs::read(&file).unwrap() == before, "{command:?} changed it");
    }
}

#[test]
fn what_cannot_be_opened_is_named() {
    let shop = shop();
    std::fs::write(
        shop.path().join("letter.db"),
        "Dear Ann, this is no database. ".repeat(40),
    )
    .unwrap();
    for (url, said) in [
        (
            "sqlite:no/shop.db",
            "error: the database cannot be reached, refuses the connection, or closed it: no/shop.db cannot be opened; if it is to be \
             created, add ?mode=rwc to the URL, and make its directory: unable to open database file (14)\n",
        ),
        (
            "sqlite:letter.db",
            "error: the database cannot be reached, refuses the connection, or closed it: letter.db is no SQLite database, or is \
             encrypted: file is not a database (26)\n",
        ),
        (
            "sqlite:shop.db?mode=x",
            "error: the database URL cannot be read: it must look like sqlite:FILE or sqlite::memory:, with ?mode=ro, rw, rwc or memory, \
             cache=, immutable= or vfs= behind it\n",
        ),
        (
            "shop.db",
            "error: the database URL must begin with postgres://, mysql:// or sqlite:\n",
        ),
        (
            "oracle://ann:hunter2@localhost/shop",
            "error: oracle is not a supported database: the URL must begin with postgres://, mysql:// or sqlite:\n",
        ),
        (
            "postgres://ann:hunter2@127.0.0.1:1/shop",
            "error: the database cannot be reached, refuses the connection, or closed it: no server answers at 127.0.0.1:1: error \
             communicating with database: Connection refused (os error 111)\n",
        ),
        (
            "mysql://ann:hunter2/@127.0.0.1:1/shop",
            "error: the database URL cannot be read: it must look like \
             mysql://USER:PASSWORD@HOST:PORT/DATABASE?ssl-mode=required, with / # ? @ : in the user's name and the password written as \
             %2F %23 %3F %40 %3A\n",
        ),
    ] {
        let output = cascade(shop.path()).args(["schema", "-u", url]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), said, "{url}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{url}");
    }
}

#[test]
fn an_empty_database_is_remarked_upon() {
    let shop = shop();
    std::fs::write(shop.path().join("empty.db"), "").unwrap();
    let graph = || cascade(shop.path()).args(["graph", "-u", "sqlite:empty.db"]);
    graph().assert().success().stdout_eq("").stderr_eq(str![[r#"
note: there are no tables in this file

"#]]);
    graph().arg("--quiet").assert().success().stdout_eq("").stderr_eq("");
}

#[test]
fn schemas_are_not_for_sqlite() {
    let shop = shop();
    cascade(shop.path())
        .args(["schema", "--schema", "main"])
        .assert()
        .code(1)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: a SQLite database has no schemas: leave --schema out

"#]]);
}

#[test]
fn where_it_cannot_write() {
    let shop = shop();
    cascade(shop.path())
        .args(["schema", "--output", "no/schema.txt"])
        .assert()
        .code(1)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: no/schema.txt cannot be written: No such file or directory (os error 2)

"#]]);
}

/// As `cascade schema | head` does.
#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let shop = shop();
    let mut process = std::process::Command::new(cargo_bin!("cascade"))
        .current_dir(shop.path())
        .args(["schema", "-u", "sqlite://shop.db", "--format", "svg"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(process.stdout.take());
    let output = process.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn every_json_says_its_format() {
    let shop = shop();
    for arguments in [
        &["lint", "--format", "json"][..],
        &["orphans", "--format", "json"],
        &["orphans", "posts", "--repair", "null", "--format", "json"],
        &["plan", "posts", "--key", "1", "--format", "json"],
    ] {
        let output = cascade(shop.path()).args(arguments).output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["format"], 1, "{arguments:?}");
        assert!(matches!(output.status.code(), Some(2 | 3)), "{arguments:?}");
    }
}

#[test]
fn a_baseline_that_shrank_is_told_unless_quiet() {
    let shop = shop();
    std::fs::write(shop.path().join("baseline.txt"), "L45 elsewhere\n").unwrap();
    let lint = || cascade(shop.path()).args(["lint", "--baseline", "baseline.txt"]);
    lint().assert().code(2).stderr_eq(str![[r#"
note: baseline.txt: no longer found: L45 elsewhere

"#]]);
    lint().arg("-q").assert().code(2).stderr_eq("");
}

#[test]
fn a_column_that_is_not_there() {
    let shop = shop();
    cascade(shop.path())
        .args(["orphans", "posts.user"])
        .assert()
        .code(1)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: posts has no column user

"#]]);
    std::fs::write(
        shop.path().join("cascade.toml"),
        "[[foreign_key]]\ntable = \"posts\"\ncolumns = [\"user\"]\nreferences = { table = \"user\" }\n",
    )
    .unwrap();
    cascade(shop.path()).arg("graph").assert().code(1).stderr_eq(str![[r#"
error: cascade.toml cannot be used: overlay, line 3: posts has no column user
overlay, line 4: there is no table user, did you mean users?

"#]]);
}

/// The statements, and never what is bound to them.
#[test]
fn verbose_shows_the_statements() {
    let shop = shop();
    let output = cascade(shop.path())
        .args(["orphans", "posts", "--repair", "reown", "--to", "1", "-v"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("SELECT") && said.contains("posts"), "{said}");
}
