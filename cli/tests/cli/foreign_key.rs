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
        .stdout_eq(str![[r#""#]]);
}

#[test]
fn help_of_a_run() {
    Command::new(cargo_bin!("cascade"))
        .args(["foreign-key", "run", "--help"])
        .env_remove("DATABASE_URL")
        .assert()
        .success()
        .stdout_eq(str![[r#""#]]);
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
fn on_sqlite_nothing_is_remembered() {
    let shop = shop();
    for command in ["resume", "status", "revert"] {
        cascade(shop.path())
            .args(["foreign-key", command, "posts.user_id"])
            .assert()
            .code(1)
            .stdout_eq("")
            .stderr_eq(str![[r#"
error: on SQLite nothing is remembered of a key of posts.user_id, since it is made in one transaction: give the options it was made with, --references at least

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
        .stdout_eq(str![[r#""#]]);
    foreign_key("run", &[])
        .assert()
        .code(3)
        .stdout_eq("")
        .stderr_eq(str![[r#""#]]);
    foreign_key("run", &["--backfill", "id"])
        .assert()
        .code(3)
        .stdout_eq("")
        .stderr_eq(str![[r#""#]]);
    foreign_key("run", &["--backfill", "nonsense"])
        .assert()
        .code(1)
        .stdout_eq("")
        .stderr_eq(str![[r#""#]]);
    let run = foreign_key("run", &["--owner", "1", "--on-delete", "cascade"])
        .output()
        .unwrap();
    let (told, said) = (
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr),
    );
    assert!(told.ends_with("posts.editor_id: done\n"), "{told}{said}");
    assert_eq!(said, "step 1 of 1: build the table anew …\n");
    foreign_key("status", &["--on-delete", "cascade"])
        .assert()
        .success()
        .stdout_eq(str![[r#""#]]);
    let schema = cascade(shop.path()).arg("schema").output().unwrap();
    let schema = String::from_utf8_lossy(&schema.stdout);
    assert!(schema.contains("  editor_id: integer, not null\n"), "{schema}");
    assert!(
        schema.contains("foreign key (editor_id) references users (id), on delete cascade\n"),
        "{schema}"
    );
    foreign_key("revert", &["--full"]).assert().success();
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
        .stderr_eq(str![[r#""#]]);
}
