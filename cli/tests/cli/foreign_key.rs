//! `cascade foreign-key`, as far as it needs no server.

use snapbox::cmd::{Command, cargo_bin};
use snapbox::str;

use crate::{cascade, shop};

#[test]
fn help() {
    Command::new(cargo_bin!("cascade"))
        .args(["foreign-key", "--help"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
Make a foreign key, with its column, index and rows' values, on a table that is in use; it can be stopped, resumed and reverted

On PostgreSQL and MySQL each step is a transaction of its own that waits for its locks only so long. Ctrl-C stops at the next step or batch, with exit code 4, and once more at once; `resume` goes on, whatever interrupted it. What was begun is remembered in the database, in the table cascade_ledger. On SQLite the table is built anew, in one transaction.

Usage: cascade foreign-key [OPTIONS] <COMMAND>

Commands:
  plan    Show the steps to the key, what each locks and reads, and what the database is like if it stops there; changes nothing
  run     Make the key, step by step, while the database is in use; ends with 3, and nothing changed, if rows would get no owner
  resume  Go on where a run ended, as it was begun; nothing need be said again
  status  Show which steps of a run are done, and which comes next; changes nothing
  revert  Take it back: only that the column must have a value, unless told otherwise
  help    Print this message or the help of the given subcommand(s)

Options:
  -h, --help
          Print help (see a summary with '-h')

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
fn help_of_a_run() {
    Command::new(cargo_bin!("cascade"))
        .args(["foreign-key", "run", "--help"])
        .env_remove("DATABASE_URL")
        .assert()
        .success()
        .stdout_eq(str![[r#"
Make the key, step by step, while the database is in use; ends with 3, and nothing changed, if rows would get no owner

Usage: cascade foreign-key run [OPTIONS] --references <TABLE.COLUMN> <TABLE.COLUMN>

Arguments:
  <TABLE.COLUMN>
          The referencing column: posts.user_id, billing.invoices.user_id, or several, as in seats.tenant_id,user_id

Options:
      --references <TABLE.COLUMN>
          What it references: a primary or unique key, as users.id

      --on-delete <ACTION>
          What happens to a row when the one it references is deleted: cascade, set-null, set-default, restrict or no-action [default: no-action]

      --on-update <ACTION>
          The same when the key of the one it references changes [default: no-action]

      --required
          Every row must have a value: the column becomes NOT NULL

      --backfill <SQL>
          What rows without a value get: an SQL expression over the row, as '1 + id % 10', sent to the database as it is; repeat it for each column of a composite key

      --owner <KEY>
          What rows without a value get: all the same owner, by its key; the values of a composite one are separated by commas

      --mapping <TABLE:COLUMN=COLUMN:VALUE>
          What rows without a value get: what a table says, as post_owners:id=post_id:user_id, the user_id of the row of post_owners whose post_id is the row's id; several columns are separated by commas

      --write-path <WHO>
          Who gives rows a value that are written meanwhile [default: a trigger if it can do what the backfill does, else the application]

          Possible values:
          - trigger:     A trigger that does to new rows what the backfill does to old ones; it is dropped at the end
          - default:     A default, which is dropped at the end; only with --owner
          - application: The application: rows that come without a value are filled later

      --name <NAME>
          The constraint's name [default: as SeaORM calls it, fk-posts-user_id]

      --type <TYPE>
          The type of a column that is not there yet, in the engine's words; repeat it for each column of a composite key [default: that of what it references]

      --batch <ROWS>
          How many rows one transaction fills [default: 2000]

      --rest <PERCENT>
          How long to rest after each batch, in percent of the time it took [default: 100 on MySQL, else 0]

      --lock-timeout <MS>
          How long a step waits for a lock before it lets others pass and tries again [default: 200; MySQL waits whole seconds]

      --attempts <N>
          How often a step is tried [default: 50]

      --patience <SECONDS>
          How long to wait for another process that is making the same key [default: 600]

  -f, --format <FORMAT>
          How to show it

          Possible values:
          - text: For a person
          - json: JSON
          
          [default: text]

  -h, --help
          Print help (see a summary with '-h')

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
fn wrong_usage() {
    let shop = shop();
    for (arguments, said) in [
        (
            &["run", "posts"][..],
            "write it as TABLE.COLUMN, TABLE.COLUMN,COLUMN or SCHEMA.TABLE.COLUMN",
        ),
        (&["run", "posts.user_id"], "--references <TABLE.COLUMN>"),
        (&["plan", "posts.user_id"], "--references <TABLE.COLUMN>"),
        (
            &["resume", "posts.user_id", "--on-delete", "cascade"],
            "--references <TABLE.COLUMN>",
        ),
        (
            &["status", "posts.user_id", "--owner", "1"],
            "--references <TABLE.COLUMN>",
        ),
        (
            &["run", "posts.user_id", "--references", "users"],
            "write it as TABLE.COLUMN, TABLE.COLUMN,COLUMN or SCHEMA.TABLE.COLUMN",
        ),
        (
            &[
                "run",
                "posts.user_id",
                "--references",
                "users.id",
                "--on-delete",
                "protect",
            ],
            "write cascade, set-null, set-default, restrict or no-action",
        ),
        (
            &[
                "run",
                "posts.user_id",
                "--references",
                "users.id",
                "--owner",
                "1",
                "--backfill",
                "1",
            ],
            "cannot be used with",
        ),
        (
            &[
                "run",
                "posts.user_id",
                "--references",
                "users.id",
                "--mapping",
                "owners",
            ],
            "write it as TABLE:COLUMN=COLUMN:VALUE",
        ),
        (
            &["run", "posts.user_id", "--references", "users.id", "--batch", "0"],
            "0 is not in 1..",
        ),
        (
            &["revert", "posts.user_id", "--full", "--keep-data"],
            "cannot be used with",
        ),
    ] {
        let output = cascade(shop.path())
            .arg("foreign-key")
            .args(arguments)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "{arguments:?}"
        );
    }
}

#[test]
fn on_sqlite_a_key_is_there_or_not() {
    let shop = shop();
    for command in ["resume", "status", "revert"] {
        cascade(shop.path())
            .args(["foreign-key", command, "posts.editor_id"])
            .assert()
            .code(1)
            .stdout_eq("")
            .stderr_eq(str![[r#"
error: there is no key of posts.editor_id, and on SQLite none is ever half made: say with --references what it is to reference

"#]]);
    }
}

#[test]
fn made_on_sqlite_at_once() {
    let shop = shop();
    let foreign_key = |command: &str, more: &[&str]| {
        cascade(shop.path())
            .args(["foreign-key", command, "posts.editor_id"])
            .args(["--references", "users.id", "--required"])
            .args(more)
    };
    foreign_key("plan", &["--backfill", "1"])
        .assert()
        .success()
        .stderr_eq("")
        .stdout_eq(str![[r#"
posts.editor_id references users
      1. build the table anew
           CREATE TABLE "main"."posts rebuilt" ( id integer NOT NULL PRIMARY KEY, user_id integer REFERENCES users (id) ON DELETE CASCADE, title text, "editor_id" integer NOT NULL, FOREIGN KEY ("editor_id") REFERENCES "users" ("id") )
           INSERT OR ABORT INTO "main"."posts rebuilt" ("id", "user_id", "title", "editor_id") SELECT "posts"."id", "posts"."user_id", "posts"."title", (1 ) FROM "main"."posts"
           DROP TABLE "main"."posts"
           ALTER TABLE "main"."posts rebuilt" RENAME TO "posts"
           CREATE INDEX by_user ON posts (user_id)
           CREATE INDEX "idx-posts-editor_id" ON "posts" ("editor_id")
           lock on posts: RESERVED, the whole database
           reads every row of posts
           leaves all of it done

"#]]);
    foreign_key("run", &[])
        .assert()
        .code(3)
        .stdout_eq("")
        .stderr_eq(str![[r#"
step 1 of 1: build the table anew …
error: 4 rows of posts would get no value for editor_id (id 1, 2, 3, 4): nothing was changed; give them a value in the backfill, or repair them first

"#]]);
    foreign_key("run", &["--backfill", "id"])
        .assert()
        .code(3)
        .stdout_eq("")
        .stderr_eq(str![[r#"
step 1 of 1: build the table anew …
error: 3 rows of posts would reference no row of users (id 2, 3, 4): nothing was changed; give them a value in the backfill, or repair them first

"#]]);
    foreign_key("run", &["--backfill", "nonsense"])
        .assert()
        .code(1)
        .stdout_eq("")
        .stderr_eq(str![[r#"
step 1 of 1: build the table anew …
error: the values of --backfill cannot be found: the database refused the statement (1): no such column: nonsense (1)

"#]]);
    let run = foreign_key("run", &["--owner", "1", "--on-delete", "cascade"])
        .output()
        .unwrap();
    let (told, said) = (
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr),
    );
    assert!(told.ends_with("posts.editor_id: done\n"), "{told}{said}");
    assert_eq!(said, "step 1 of 1: build the table anew …\n");
    cascade(shop.path())
        .args(["foreign-key", "status", "posts.editor_id"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
posts.editor_id references users
done  1. build the table anew
done

"#]]);
    let schema = cascade(shop.path()).arg("schema").output().unwrap();
    let schema = String::from_utf8_lossy(&schema.stdout);
    assert!(schema.contains("  editor_id: integer, not null\n"), "{schema}");
    assert!(
        schema.contains("foreign key (editor_id) references users (id), on delete cascade\n"),
        "{schema}"
    );
    cascade(shop.path())
        .args(["foreign-key", "revert", "posts.editor_id", "--full"])
        .assert()
        .success();
    let schema = cascade(shop.path()).arg("schema").output().unwrap();
    assert!(
        !String::from_utf8_lossy(&schema.stdout).contains("editor_id"),
        "it is still there"
    );
}

#[test]
fn a_file_that_can_only_be_read() {
    let shop = shop();
    let arguments = [
        "foreign-key",
        "run",
        "posts.editor_id",
        "--references",
        "users.id",
        "-q",
    ];
    let url = ["-u", "sqlite:shop.db?mode=ro"];
    cascade(shop.path())
        .args(arguments)
        .args(url)
        .assert()
        .code(1)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: shop.db can only be read: leave mode=ro out of the URL, and see who may write the file and its directory: the database refused the statement (8): attempt to write a readonly database (8)

"#]]);
}
