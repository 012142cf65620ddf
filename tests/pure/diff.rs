//! Every change with its class, its reason and its statements; and for any two schemas there are some.

use proptest::prelude::*;
use sea_orm_cascade::diff::{DiffOptions, diff};
use sea_orm_cascade::name::TableName;
use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Backend, ddl};

use crate::random::schemas;

const POSTGRES: &str = include_str!("fixtures/diff/postgres.txt");
const MYSQL: &str = include_str!("fixtures/diff/mysql.txt");
const SQLITE: &str = include_str!("fixtures/diff/sqlite.txt");

/// Each pair of schemas in the text with what makes one into the other: `from` and `to` are lines below a name, parted by `->`.
fn told(backend: Backend, text: &str) -> String {
    let mut told = String::new();
    for pair in text.split("== ").skip(1) {
        let (name, schemas) = pair.split_once('\n').expect("a name, and lines below");
        let (from, to) = schemas.split_once("->\n").expect("two schemas");
        let read =
            |text: &str| Schema::parse(&format!("backend {backend}\n{text}")).expect("the fixture is well formed");
        let diff = diff(&read(from), &read(to), &DiffOptions::new());
        told.push_str(&format!("== {name}\n{diff}"));
        for step in diff.statements() {
            told.push_str(&format!("    {}\n", step.sql));
        }
    }
    told
}

#[test]
fn on_postgres() {
    insta::assert_snapshot!(told(Backend::Postgres, POSTGRES));
}

#[test]
fn on_mysql() {
    insta::assert_snapshot!(told(Backend::MySql, MYSQL));
}

#[test]
fn on_sqlite() {
    insta::assert_snapshot!(told(Backend::Sqlite, SQLITE));
}

fn two_schemas() -> impl Strategy<Value = (Schema, Schema)> {
    let backends = vec![Backend::Postgres, Backend::MySql, Backend::Sqlite];
    prop::sample::select(backends).prop_flat_map(|backend| (schemas(backend), schemas(backend)))
}

proptest! {
    /// Also of schemas that no engine would take. What is the same needs nothing, and what is different something, but for what an
    /// engine keeps whatever is asked: an index that InnoDB made for a key.
    #[test]
    fn any_schema_is_made_and_becomes_any_other((from, to) in two_schemas()) {
        let tables = ddl::create(&to).iter().filter(|sql| sql.starts_with("CREATE TABLE")).count();
        prop_assert_eq!(tables, to.tables.len());
        let there = diff(&from, &to, &DiffOptions::new());
        prop_assert_eq!(there.is_empty(), there.statements().is_empty(), "{}", there);
        prop_assert!(diff(&to, &to, &DiffOptions::new()).is_empty());
        // The same from the same, byte for byte.
        prop_assert_eq!(there.statements(), diff(&from, &to, &DiffOptions::new()).statements());
    }

    /// Two versions of one table, so that columns, keys and indexes are compared and not only made.
    #[test]
    fn any_table_becomes_any_other((mut from, mut to) in two_schemas()) {
        for schema in [&mut from, &mut to] {
            for (number, table) in schema.tables.iter_mut().enumerate() {
                table.name = TableName::new(format!("t{number}"));
                for key in &mut table.foreign_keys {
                    key.relation.table = table.name.clone();
                }
            }
        }
        let there = diff(&from, &to, &DiffOptions::new());
        prop_assert_eq!(there.to_string().is_empty(), there.statements().is_empty());
        prop_assert_eq!(there.class().is_none(), there.is_empty());
    }
}
