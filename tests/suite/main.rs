//! One body of tests, run on every backend: on SQLite always, on PostgreSQL and MySQL or MariaDB where `TEST_POSTGRES_URL` and
//! `TEST_MYSQL_URL` name a server. Each test has a database of its own. A backend without a server shows its tests as *ignored*; if
//! `TEST_REQUIRE` (for example `postgres,mysql`) names it, they fail.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod create;
mod delete;
mod errors;
mod harness;
mod introspect;
mod lint;
mod log;
mod migrations;
mod models;
mod pages;
mod related;
mod rows;
mod secrets;
mod transactions;

fn main() {
    harness::run([
        create::cases(),
        delete::cases(),
        errors::cases(),
        introspect::cases(),
        lint::cases(),
        migrations::cases(),
        pages::cases(),
        related::cases(),
        rows::cases(),
        secrets::cases(),
        transactions::cases(),
    ]);
}
