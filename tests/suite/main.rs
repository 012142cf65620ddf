//! One body of tests, run on every backend: on SQLite always, on PostgreSQL and MySQL or MariaDB where `TEST_POSTGRES_URL` and
//! `TEST_MYSQL_URL` name a server. Each test has a database of its own. A backend without a server shows its tests as *ignored*; if
//! `TEST_REQUIRE` (for example `postgres,mysql`) names it, they fail.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod altered;
mod cascade;
mod changes;
mod create;
mod delete;
mod drift;
mod errors;
mod generate;
mod guards;
mod harness;
mod hooks;
mod introspect;
mod killed;
mod kinds;
mod lint;
mod log;
mod migrations;
mod models;
mod orphans;
mod pages;
mod plans;
mod races;
mod random;
mod related;
mod remembered;
mod required;
mod required_sqlite;
mod rows;
mod samples;
mod secrets;
mod statements;
mod transactions;

fn main() {
    if killed::run().unwrap() || required::process::run().unwrap() || altered::process::run().unwrap() {
        return;
    }
    harness::run([
        altered::killed::cases(),
        altered::locks::cases(),
        altered::refused::cases(),
        altered::within::cases(),
        cascade::cases(),
        cascade::engines::cases(),
        cascade::shapes::cases(),
        changes::cases(),
        changes::trial::cases(),
        create::cases(),
        delete::cases(),
        drift::cases(),
        errors::cases(),
        generate::cases(),
        guards::cases(),
        hooks::cases(),
        introspect::cases(),
        killed::cases(),
        kinds::cases(),
        lint::cases(),
        migrations::cases(),
        orphans::cases(),
        orphans::repair::cases(),
        pages::cases(),
        plans::cases(),
        races::cases(),
        related::cases(),
        remembered::cases(),
        required::cases(),
        required_sqlite::cases(),
        required::killed::cases(),
        required::locks::cases(),
        required::orphans::cases(),
        required::placeholders::cases(),
        required::shapes::cases(),
        required::together::cases(),
        rows::cases(),
        samples::cases(),
        secrets::cases(),
        statements::cases(),
        transactions::cases(),
    ]);
}
