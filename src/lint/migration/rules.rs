//! The rules about migrations, as the catalogue has them.

use super::super::rules::{Check, Rule};
use super::{columns, keys, locks, loss};
use crate::overlay::Severity::{Error, Warning};

pub(in crate::lint) const L30: Rule = Rule {
    code: "L30",
    name: "validating-foreign-key",
    severity: Warning,
    summary: "a foreign key that is added to a table with rows and validated at once",
    why: "writers of both tables wait while every row is read; MySQL copies the table",
    check: Check::Migration(keys::validating_key),
};

pub(in crate::lint) const L31: Rule = Rule {
    code: "L31",
    name: "validated-in-one-transaction",
    severity: Warning,
    summary: "NOT VALID and VALIDATE CONSTRAINT in one transaction",
    why: "the lock of the first is held while the second reads the table, which is what the two steps are to avoid",
    check: Check::Migration(keys::validated_at_once),
};

pub(in crate::lint) const L32: Rule = Rule {
    code: "L32",
    name: "required-without-value",
    severity: Error,
    summary: "a NOT NULL column without a default, added to a table with rows",
    why: "PostgreSQL and SQLite refuse it, and MySQL gives the rows 0 or an empty text that nobody chose",
    check: Check::Migration(columns::required_without_value),
};

pub(in crate::lint) const L33: Rule = Rule {
    code: "L33",
    name: "scanning-not-null",
    severity: Warning,
    summary: "SET NOT NULL without a validated check that says the same",
    why: "every row is read while nobody can read or write the table",
    check: Check::Migration(columns::scanning_not_null),
};

pub(in crate::lint) const L34: Rule = Rule {
    code: "L34",
    name: "check-before-backfill",
    severity: Warning,
    summary: "a check on a column that is filled only afterwards",
    why: "NOT VALID spares the rows that are there until one of them is updated, which then fails whatever it changes",
    check: Check::Migration(columns::check_before_backfill),
};

pub(in crate::lint) const L35: Rule = Rule {
    code: "L35",
    name: "blocking-index",
    severity: Warning,
    summary: "an index that is not made CONCURRENTLY; an error if it is, inside a transaction",
    why: "writers wait while it is made; inside a transaction PostgreSQL refuses CONCURRENTLY",
    check: Check::Migration(locks::blocking_index),
};

pub(in crate::lint) const L36: Rule = Rule {
    code: "L36",
    name: "no-lock-timeout",
    severity: Warning,
    summary: "a strong lock on a table in use, without a bound on waiting for it; a note on MySQL",
    why: "while it waits behind one long reader, everybody who comes after it waits too",
    check: Check::Migration(locks::no_lock_timeout),
};

pub(in crate::lint) const L39: Rule = Rule {
    code: "L39",
    name: "one-statement-backfill",
    severity: Warning,
    summary: "one UPDATE that fills an added column in all rows",
    why: "all rows are locked until it ends, and it cannot be resumed",
    check: Check::Migration(columns::one_statement_backfill),
};

pub(in crate::lint) const L40: Rule = Rule {
    code: "L40",
    name: "destructive",
    severity: Warning,
    summary: "a table, a column, all rows or a foreign key that goes away",
    why: "rolling back brings no data back, and the code that still runs meanwhile uses what is gone",
    check: Check::Migration(loss::destructive),
};

pub(in crate::lint) const L41: Rule = Rule {
    code: "L41",
    name: "rebuilt-while-enforced",
    severity: Error,
    summary: "a SQLite table that is dropped to be rebuilt while foreign keys are enforced",
    why: "DROP TABLE deletes its rows first, and with them the rows that reference them by CASCADE, deferred or not",
    check: Check::Migration(loss::rebuilt_while_enforced),
};

pub(in crate::lint) const L44: Rule = Rule {
    code: "L44",
    name: "unchecked-keys",
    severity: Warning,
    summary: "foreign keys that are not checked for a while, and no query afterwards that looks for orphans",
    why: "rows that came meanwhile, or were there before a key was added, may reference nothing, and no check ever finds them",
    check: Check::Migration(keys::unchecked),
};
