//! What a person sees who types `cascade`.

use snapbox::cmd::{Command, cargo_bin};
use snapbox::str;

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
        .assert()
        .success()
        .stdout_eq(str![[r#"
Cascading deletes, looked at before they happen, on any PostgreSQL, MySQL, MariaDB or SQLite database.

This version has no commands yet. Planning, deleting, restoring, linting and pictures of the schema come with the next ones; the library sea-orm-cascade can be used today.

Usage: cascade

Options:
  -h, --help
          Print help (see a summary with '-h')

  -V, --version
          Print version

"#]]);
}

#[test]
fn an_unknown_command_is_wrong_usage() {
    Command::new(cargo_bin!("cascade"))
        .arg("explode")
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: unexpected argument 'explode' found

Usage: cascade

For more information, try '--help'.

"#]]);
}
