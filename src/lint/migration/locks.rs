//! Rules about who waits.

use std::collections::BTreeSet;

use super::super::finding::{Draft, Fix};
use super::act::{Act, Lock, Scope};
use super::history::{Event, History, Transaction};
use super::seen::{Seen, column_of};
use crate::backend::Backend;
use crate::lex::tokens;
use crate::name::TableName;
use crate::overlay::Severity;

pub(super) fn blocking_index(history: &History<'_>) -> Vec<Seen> {
    let mut found = Vec::new();
    match history.backend {
        Backend::Postgres => {}
        // InnoDB makes one while others write; SQLite has one writer.
        Backend::MySql | Backend::Sqlite => return found,
    }
    for (_, event) in history.judged() {
        match &event.act {
            Act::CreateIndex {
                table,
                columns,
                name,
                concurrently: true,
            } if event.transaction.is_some() => {
                let of = named(name.as_deref(), table);
                let message = format!("{of} is made CONCURRENTLY inside a transaction, which PostgreSQL refuses");
                let fix = Fix::Advice(
                    "send it by itself and in no transaction: a migration whose use_transaction is Some(false)"
                        .to_owned(),
                );
                let draft = Draft::new(table, columns, message, fix).severity(Severity::Error);
                found.push(Seen::of(event, and(draft, name.as_deref())));
            }
            Act::CreateIndex {
                table,
                columns,
                name,
                concurrently: false,
            } if event.existing && !is_partitioned(history, table) => {
                let of = named(name.as_deref(), table);
                let message = format!("{of} is not made CONCURRENTLY: writers of {table} wait until it is there");
                let draft = Draft::new(table, columns, message, concurrently(history, event));
                found.push(Seen::of(event, and(draft, name.as_deref())));
            }
            Act::AddUnique { table, columns } if event.existing => {
                let message = format!(
                    "{} gets a unique constraint whose index is made meanwhile: nobody reads or writes {table} until it is there",
                    column_of(table, columns)
                );
                let fix = Fix::Advice(
                    "CREATE UNIQUE INDEX CONCURRENTLY in no transaction, and then ADD CONSTRAINT … UNIQUE USING INDEX"
                        .to_owned(),
                );
                found.push(Seen::of(event, Draft::new(table, columns, message, fix).and(" unique")));
            }
            _ => {}
        }
    }
    found
}

fn named(name: Option<&str>, table: &TableName) -> String {
    match name {
        Some(name) => format!("the index {name} of {table}"),
        None => format!("an index of {table}"),
    }
}

fn and(draft: Draft, name: Option<&str>) -> Draft {
    match name {
        Some(name) => draft.and(&format!(" {name}")),
        None => draft,
    }
}

/// PostgreSQL makes no index CONCURRENTLY for a partitioned table.
fn is_partitioned(history: &History<'_>, table: &TableName) -> bool {
    history
        .known(table)
        .is_some_and(|known| known.options.partition_by.is_some())
}

/// The statement with the word in it, where it may be.
fn concurrently(history: &History<'_>, event: &Event) -> Fix {
    let advice =
        "CREATE INDEX CONCURRENTLY, by itself and in no transaction: a migration whose use_transaction is Some(false)";
    if event.transaction.is_some() {
        return Fix::Advice(advice.to_owned());
    }
    let with_it = history.sql(event.source).and_then(|sql| {
        let tokens = tokens(history.backend, sql);
        let index = tokens.iter().find(|token| token.is_word("INDEX"))?;
        let (before, after) = sql.split_at_checked(index.end())?;
        Some(format!("{before} CONCURRENTLY{after};"))
    });
    with_it.map_or_else(|| Fix::Advice(advice.to_owned()), Fix::Sql)
}

pub(super) fn no_lock_timeout(history: &History<'_>) -> Vec<Seen> {
    let severity = match history.backend {
        Backend::Postgres => Severity::Warning,
        Backend::MySql => Severity::Info,
        // Who waits there is bounded by busy_timeout.
        Backend::Sqlite => return Vec::new(),
    };
    let mut found: Vec<Seen> = Vec::new();
    let mut told: Vec<&TableName> = Vec::new();
    let mut bounds = Bounds::default();
    for (_, event) in history.judged() {
        match &event.act {
            Act::LockTimeout { scope, bounded } => bounds.set(*scope, *bounded, event.transaction),
            Act::Lock { table, lock } if event.existing && !bounds.hold(event.transaction) => {
                // Once a table: what bounds the first wait bounds the others.
                if told.iter().any(|known| history.same(known, table)) {
                    continue;
                }
                told.push(table);
                let (message, fix) = words(history.backend, table, *lock, event);
                let draft = Draft::new(table, &[], message, fix).severity(severity);
                found.push(Seen::of(event, draft));
            }
            _ => {}
        }
    }
    found
}

fn words(backend: Backend, table: &TableName, lock: Lock, event: &Event) -> (String, Fix) {
    match backend {
        Backend::Postgres => (
            format!(
                "{} on {table} is waited for without a lock_timeout",
                match lock {
                    Lock::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
                    Lock::AccessExclusive => "ACCESS EXCLUSIVE",
                }
            ),
            Fix::Sql(
                match event.transaction {
                    Some(_) => "SET LOCAL lock_timeout = '2s';",
                    None => "SET lock_timeout = '2s';",
                }
                .to_owned(),
            ),
        ),
        Backend::MySql | Backend::Sqlite => (
            format!("the metadata lock on {table} is waited for without a lock_wait_timeout of the session's own"),
            Fix::Sql("SET SESSION lock_wait_timeout = 5;".to_owned()),
        ),
    }
}

/// Where waiting is bounded.
#[derive(Default)]
struct Bounds {
    session: bool,
    transactions: BTreeSet<Transaction>,
}

impl Bounds {
    fn set(&mut self, scope: Scope, bounded: bool, transaction: Option<Transaction>) {
        match (scope, transaction) {
            (Scope::Session, _) => self.session = bounded,
            (Scope::Transaction, Some(transaction)) if bounded => {
                self.transactions.insert(transaction);
            }
            (Scope::Transaction, Some(transaction)) => {
                self.transactions.remove(&transaction);
            }
            // Outside of a transaction SET LOCAL does nothing but warn.
            (Scope::Transaction, None) => {}
        }
    }

    fn hold(&self, transaction: Option<Transaction>) -> bool {
        self.session || transaction.is_some_and(|transaction| self.transactions.contains(&transaction))
    }
}
