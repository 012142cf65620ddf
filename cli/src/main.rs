//! `cascade`: what sea-orm-cascade can do, over any PostgreSQL, MySQL, MariaDB or SQLite database.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    cascade_cli::cascade::main().await
}
