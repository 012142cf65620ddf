//! `cascade`: what sea-orm-cascade can do, over any PostgreSQL, MySQL, MariaDB or SQLite database.
//!
//! In this version it has no commands yet; it says what it is and which version.

use clap::Parser;

/// Cascading deletes, looked at before they happen, on any PostgreSQL, MySQL, MariaDB or SQLite database.
///
/// This version has no commands yet. Planning, deleting, restoring, linting and pictures of the schema come with the next ones; the
/// library sea-orm-cascade can be used today.
#[derive(Parser)]
#[command(name = "cascade", version, arg_required_else_help = true)]
struct Arguments {}

fn main() {
    Arguments::parse();
}
