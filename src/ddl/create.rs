//! [`create`]: a whole schema.

use std::collections::BTreeSet;

use super::parts::{check, column, foreign_key, index_statement, mysql_index, own_checks, primary_key, unique_key};
use super::quote::{identifier, table_name};
use crate::backend::Backend;
use crate::graph;
use crate::name::{Relation, TableName};
use crate::schema::{Check, Enforcement, ForeignKey, Identity, NamedType, NamedTypeKind, Schema, Sequence, Table};

/// The statements that make a schema in an empty database, each without a semicolon.
///
/// Referenced tables come first. Where tables reference each other in a circle, the keys that cannot stand in a CREATE TABLE yet are added
/// at the end; SQLite takes them inside. So are keys and checks that are to be NOT VALID. An index that is marked invalid is made valid:
/// no statement makes the other kind. Keys that the application enforces are left out.
///
/// ```
/// use sea_orm_cascade::{Backend, ddl, schema::Schema};
///
/// let schema = Schema::from_entities(Backend::Postgres, &entity::entities())?;
/// let statements = ddl::create(&schema);
/// assert!(statements[0].starts_with("CREATE TABLE \"users\""));
/// assert_eq!(statements[2], "CREATE INDEX \"idx-posts-user_id\" ON \"posts\" (\"user_id\")");
/// # Ok::<(), sea_orm_cascade::Error>(())
/// ```
#[must_use]
pub fn create(schema: &Schema) -> Vec<String> {
    let creation = creation(schema, &BTreeSet::new());
    let mut statements: Vec<_> = schema
        .types
        .iter()
        .map(|known| create_type(schema.backend, known))
        .collect();
    statements.extend(
        schema
            .sequences
            .iter()
            .map(|sequence| create_sequence(schema.backend, sequence)),
    );
    for (table, inline) in &creation.tables {
        statements.extend(create_table(schema.backend, table, inline));
    }
    for key in &creation.later {
        statements.push(add_foreign_key(schema.backend, key));
    }
    statements
}

/// The key with the connection's own database named, if it leads there from another one. MySQL looks for a referenced table without a
/// database's name in the referencing table's database, and not in the connection's.
pub(crate) fn qualified(backend: Backend, key: &ForeignKey, own: Option<&str>) -> ForeignKey {
    let mut key = key.clone();
    let relation = &mut key.relation;
    if let (Backend::MySql, Some(_), None, Some(own)) = (
        backend,
        relation.table.schema(),
        relation.referenced_table.schema(),
        own,
    ) {
        relation.referenced_table = TableName::in_schema(own, relation.referenced_table.name());
    }
    key
}

/// In which order tables are made, and which of their keys must wait until all are.
pub(crate) struct Creation<'a> {
    /// The tables with the keys that can stand in their CREATE TABLE.
    pub(crate) tables: Vec<(&'a Table, Vec<&'a ForeignKey>)>,
    /// The keys that come last.
    pub(crate) later: Vec<&'a ForeignKey>,
}

/// The order in which to make those tables of a schema that are not `there` yet.
pub(crate) fn creation<'a>(schema: &'a Schema, there: &BTreeSet<TableName>) -> Creation<'a> {
    let names: BTreeSet<_> = schema.tables.iter().map(|table| &table.name).collect();
    let mut made = there.clone();
    let mut creation = Creation {
        tables: Vec::new(),
        later: Vec::new(),
    };
    // A table comes after those it inherits from, as after those it references.
    let inheritance: Vec<_> = schema.tables.iter().flat_map(inheritance).collect();
    let order = graph::components(names.iter().copied(), schema.foreign_keys().chain(&inheritance));
    for table in order.iter().flatten().filter_map(|name| schema.table(name)) {
        if there.contains(&table.name) {
            continue;
        }
        made.insert(table.name.clone());
        let constraints = table.foreign_keys.iter().filter(|key| is_constraint(key));
        let (inline, later): (Vec<_>, Vec<_>) = constraints.partition(|key| {
            let referenced = &key.relation.referenced_table;
            let is_there = made.contains(referenced) || !names.contains(referenced);
            let can_be = is_there && !key.not_validated && !needs_index(schema.backend, table, key);
            can_be || !schema.backend.capability().adds_foreign_keys
        });
        creation.tables.push((table, inline));
        creation.later.extend(later);
    }
    creation
}

fn inheritance(table: &Table) -> impl Iterator<Item = ForeignKey> {
    table.options.inherits.iter().map(|parent| {
        ForeignKey::new(Relation {
            constraint: None,
            table: table.name.clone(),
            columns: Vec::new(),
            referenced_table: parent.clone(),
            referenced_columns: Vec::new(),
        })
    })
}

/// What a self reference references may be unique only by an index, which PostgreSQL makes after the table.
fn needs_index(backend: Backend, table: &Table, key: &ForeignKey) -> bool {
    let of_indexes = Table {
        indexes: Vec::new(),
        ..table.clone()
    };
    let relation = &key.relation;
    backend == Backend::Postgres
        && relation.referenced_table == table.name
        && !of_indexes.is_unique(&relation.referenced_columns)
}

pub(crate) fn is_constraint(key: &ForeignKey) -> bool {
    key.enforced_by == Enforcement::Database
}

pub(crate) fn create_type(backend: Backend, known: &NamedType) -> String {
    let name = table_name(backend, &known.name);
    match &known.kind {
        NamedTypeKind::Enum(labels) => {
            let labels: Vec<_> = labels.iter().map(|label| literal(label)).collect();
            format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", "))
        }
        NamedTypeKind::Domain(definition) => format!("CREATE DOMAIN {name} AS {definition}"),
    }
}

/// A string, where a backslash is a character like any other.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(crate) fn create_sequence(backend: Backend, sequence: &Sequence) -> String {
    let name = table_name(backend, &sequence.name);
    match sequence.definition.as_str() {
        "" => format!("CREATE SEQUENCE {name}"),
        definition => format!("CREATE SEQUENCE {name} {definition}"),
    }
}

/// `ALTER TABLE … ADD …`, NOT VALID if it is to be.
pub(crate) fn add_foreign_key(backend: Backend, key: &ForeignKey) -> String {
    let not_valid = if key.not_validated { " NOT VALID" } else { "" };
    format!(
        "ALTER TABLE {} ADD {}{not_valid}",
        table_name(backend, &key.relation.table),
        foreign_key(backend, key)
    )
}

/// CREATE TABLE with these keys, and what must follow at once: its indexes, and checks that are NOT VALID.
pub(crate) fn create_table(backend: Backend, table: &Table, keys: &[&ForeignKey]) -> Vec<String> {
    let mut parts: Vec<_> = table.columns.iter().map(|it| column(backend, table, it)).collect();
    let counts_up = |table: &Table| {
        table
            .columns
            .iter()
            .any(|it| it.identity == Some(Identity::AutoIncrement))
    };
    if let Some(key) = &table.primary_key
        && !(backend == Backend::Sqlite && counts_up(table))
    {
        parts.push(primary_key(backend, key));
    }
    parts.extend(table.unique_keys.iter().map(|key| unique_key(backend, key)));
    if backend == Backend::MySql {
        // Inside, so that a key that counts up has its index, and no foreign key gets one of InnoDB's own.
        parts.extend(table.indexes.iter().map(mysql_index));
    }
    parts.extend(keys.iter().map(|key| foreign_key(backend, key)));
    let is_own = |check: &&Check| {
        let mut columns = table.columns.iter();
        columns.any(|column| own_checks(backend, table, column).any(|own| own == *check))
    };
    let checks = table.checks.iter().filter(|check| !is_own(check));
    let (late_checks, checks): (Vec<_>, Vec<_>) = checks.partition(|check| check.not_validated);
    parts.extend(checks.iter().map(|it| check(backend, it)));
    let name = table_name(backend, &table.name);
    let mut statements = vec![format!(
        "CREATE TABLE {name} ({}){}",
        parts.join(", "),
        options(backend, table)
    )];
    if backend != Backend::MySql {
        statements.extend(
            table
                .indexes
                .iter()
                .map(|index| index_statement(backend, &table.name, index)),
        );
    }
    for late in late_checks {
        statements.push(format!("ALTER TABLE {name} ADD {} NOT VALID", check(backend, late)));
    }
    statements
}

fn options(backend: Backend, table: &Table) -> String {
    let mut sql = String::new();
    let options = &table.options;
    match backend {
        Backend::Postgres => {
            if !options.inherits.is_empty() {
                let parents: Vec<_> = options
                    .inherits
                    .iter()
                    .map(|parent| table_name(backend, parent))
                    .collect();
                sql.push_str(&format!(" INHERITS ({})", parents.join(", ")));
            }
            if let Some(by) = &options.partition_by {
                sql.push_str(&format!(" PARTITION BY {by}"));
            }
        }
        Backend::MySql => {
            if let Some(engine) = &options.engine {
                sql.push_str(&format!(" ENGINE = {}", identifier(backend, engine)));
            }
        }
        Backend::Sqlite => {
            let words: Vec<_> = [(options.strict, "STRICT"), (options.without_rowid, "WITHOUT ROWID")]
                .into_iter()
                .filter_map(|(is_set, word)| is_set.then_some(word))
                .collect();
            if !words.is_empty() {
                sql.push_str(&format!(" {}", words.join(", ")));
            }
        }
    }
    sql
}
