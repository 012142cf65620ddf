//! The statements that make a difference go away.

mod in_the_way;
mod mysql;
mod postgres;
mod sqlite;

use std::collections::BTreeSet;

use super::SchemaDiff;
use super::change::{Change, Difference};
use super::class::Class;
use crate::backend::Backend;
use crate::ddl;
use crate::name::TableName;
use crate::schema::Schema;

/// A statement, and the most dangerous class among the changes it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The statement, without a semicolon.
    pub sql: String,
    /// How dangerous it is.
    pub class: Class,
}

pub(super) fn statements(diff: &SchemaDiff) -> Vec<Step> {
    let script = Script::new(diff);
    match diff.backend {
        Backend::Postgres => postgres::statements(&script),
        Backend::MySql => mysql::statements(&script),
        Backend::Sqlite => sqlite::statements(&script),
    }
}

/// What the engines' scripts are made from.
#[derive(Clone)]
struct Script<'a> {
    from: &'a Schema,
    to: &'a Schema,
    differences: Vec<Difference>,
    own: Option<&'a str>,
}

impl<'a> Script<'a> {
    fn new(diff: &'a SchemaDiff) -> Self {
        let own = diff.own.as_deref();
        let mut differences = in_the_way::taken_off_and_put_back(&diff.from, &diff.to, &diff.changes);
        for difference in &mut differences {
            if let Change::AddForeignKey { key } | Change::ChangeForeignKey { to: key, .. } = &mut difference.change {
                **key = ddl::qualified(diff.backend, key, own);
            }
        }
        Self {
            from: &diff.from,
            to: &diff.to,
            differences,
            own,
        }
    }

    /// A step for each change that gives one.
    fn each(&self, sql: impl Fn(&Change) -> Option<String>) -> Vec<Step> {
        self.differences
            .iter()
            .filter_map(|difference| sql(&difference.change).map(|sql| step(sql, difference.class)))
            .collect()
    }

    /// The missing tables, and their keys, which must wait until what they reference is there and as it should be. SQLite takes the keys at
    /// once.
    fn create_tables(&self) -> (Vec<Step>, Vec<Step>) {
        let backend = self.to.backend;
        let there: BTreeSet<TableName> = self.from.tables.iter().map(|table| table.name.clone()).collect();
        let (mut tables, mut later) = (Vec::new(), Vec::new());
        for (table, _) in ddl::creation(self.to, &there).tables {
            let keys: Vec<_> = table
                .foreign_keys
                .iter()
                .filter(|key| ddl::is_constraint(key))
                .collect();
            match backend.capability().adds_foreign_keys {
                true => {
                    tables.extend(ddl::create_table(backend, table, &[]));
                    let keys = keys.iter().map(|key| ddl::qualified(backend, key, self.own));
                    later.extend(keys.map(|key| ddl::add_foreign_key(backend, &key)));
                }
                false => tables.extend(ddl::create_table(backend, table, &keys)),
            }
        }
        let safe = |statements: Vec<String>| statements.into_iter().map(|sql| step(sql, Class::Safe)).collect();
        (safe(tables), safe(later))
    }
}

fn step(sql: String, class: Class) -> Step {
    Step { sql, class }
}
