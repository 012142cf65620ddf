//! Rules about one table and its indexes.

use super::finding::{Draft, Fix, Subject};
use super::sql;
use crate::backend::Backend;
use crate::ddl::{column_list, table_name};
use crate::name::{ColumnList, ColumnName, ConstraintName, TableName};
use crate::overlay::Severity;
use crate::schema::{Column, Index, IndexKey, IndexPart, Schema, Table, TypeKind};

pub(super) fn unlinked_id(subject: &Subject<'_>) -> Vec<Draft> {
    let schema = subject.database;
    let mut found = Vec::new();
    for table in &schema.tables {
        let linked = linked_columns(subject, table);
        for column in &table.columns {
            let Some(stem) = column.name.as_str().strip_suffix("_id") else {
                continue;
            };
            // `subject_id` beside `subject_type` references different tables in different rows: no key can say that.
            let kind = format!("{stem}_type");
            let polymorphic = table.columns.iter().any(|other| other.name.as_str() == kind);
            let meant = meant_by(schema, table, stem);
            // A text without a table of that name is somebody else's identifier, such as a payment provider's.
            let foreign = TypeKind::of(schema.backend, &column.data_type) == TypeKind::Text && meant.is_none();
            if stem.is_empty() || linked.contains(&&column.name) || polymorphic || foreign {
                continue;
            }
            found.push(unlinked(table, column, meant));
        }
    }
    found
}

fn unlinked(table: &Table, column: &Column, meant: Option<&Table>) -> Draft {
    let (perhaps, fix) = match meant {
        Some(meant) => (
            format!(" (perhaps {})", meant.name),
            Fix::Entity(format!(
                "#[sea_orm(belongs_to, from = \"{}\", to = \"{}\")]",
                column.name,
                meant
                    .primary_key
                    .iter()
                    .flat_map(|key| &key.columns)
                    .map(ColumnName::as_str)
                    .next()
                    .unwrap_or("id")
            )),
        ),
        None => (
            String::new(),
            Fix::Advice("declare the relation; if it is none, ignore this rule for the column".to_owned()),
        ),
    };
    let message = format!(
        "{}.{} is called like a reference{perhaps}, and no relation or foreign key has it",
        table.name, column.name
    );
    Draft::new(&table.name, std::slice::from_ref(&column.name), message, fix)
}

/// The columns that a key or a declared relation has on this table's side, and a primary key of one column.
fn linked_columns<'a>(subject: &Subject<'a>, table: &'a Table) -> Vec<&'a ColumnName> {
    let own_key = table.primary_key.iter().filter(|key| key.columns.len() == 1);
    let declared = subject.entities.into_iter().flat_map(|entities| &entities.declarations);
    let declared = declared.filter(|declaration| declaration.relation.table == table.name);
    own_key
        .flat_map(|key| &key.columns)
        .chain(table.foreign_keys.iter().flat_map(|key| &key.relation.columns))
        .chain(declared.flat_map(|declaration| &declaration.relation.columns))
        .collect()
}

/// The table a column's stem is about: `user` is about `user` or `users`, `category` about `categories`.
fn meant_by<'a>(schema: &'a Schema, table: &Table, stem: &str) -> Option<&'a Table> {
    let plural = match stem.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{stem}s"),
    };
    [stem.to_owned(), plural, format!("{stem}es")]
        .into_iter()
        .find_map(|name| {
            schema.tables.iter().find(|known| {
                known.name.schema() == table.name.schema() && known.name.name().eq_ignore_ascii_case(&name)
            })
        })
}

pub(super) fn not_validated(subject: &Subject<'_>) -> Vec<Draft> {
    let mut found = Vec::new();
    for table in &subject.database.tables {
        for key in table
            .foreign_keys
            .iter()
            .filter(|key| key.not_validated || key.not_enforced)
        {
            let name = key.relation.constraint.as_ref().map_or("", ConstraintName::as_str);
            let (message, fix) = match key.not_enforced {
                true => (
                    format!("the foreign key of {} is not enforced", key.relation),
                    sql::alter_constraint(&table.name, name, "ENFORCED"),
                ),
                false => (
                    format!(
                        "the foreign key of {} was never validated for the rows before it",
                        key.relation
                    ),
                    sql::validate(&table.name, name),
                ),
            };
            found.push(Draft::of_key(key, message, Fix::Sql(fix)));
        }
        for check in table.checks.iter().filter(|check| check.not_validated) {
            let name = check.name.as_ref().map_or("", ConstraintName::as_str);
            let message = format!(
                "the check {name} of {} was never validated for the rows before it",
                table.name
            );
            let fix = Fix::Sql(sql::validate(&table.name, name));
            found.push(Draft::new(&table.name, &[], message, fix).and(" check ").and(name));
        }
    }
    found
}

pub(super) fn invalid_index(subject: &Subject<'_>) -> Vec<Draft> {
    let mut found = Vec::new();
    for table in &subject.database.tables {
        for index in table.indexes.iter().filter(|index| index.invalid) {
            let message = format!("the index {} of {} is invalid", index.name, table.name);
            let draft = Draft::new(
                &table.name,
                &index.leading_columns(),
                message,
                sql::reindex(table, index),
            );
            found.push(draft.and(" index ").and(&index.name));
        }
    }
    found
}

/// An index, or what a key has for one.
struct Ordered<'a> {
    name: &'a str,
    parts: Vec<IndexPart>,
    unique: bool,
    nulls_not_distinct: bool,
    include: &'a [ColumnName],
    method: Option<&'a str>,
    /// None for the index of a primary or unique key.
    index: Option<&'a Index>,
}

impl Ordered<'_> {
    /// Whether everything the other is good for, this one is good for too.
    fn replaces(&self, other: &Self) -> bool {
        let begins = self.parts.get(..other.parts.len()) == Some(other.parts.as_slice());
        let equal = begins && self.parts.len() == other.parts.len();
        let carries = |column: &ColumnName| {
            self.include.contains(column) || self.parts.contains(&IndexPart::column(column.clone()))
        };
        let enforces = !other.unique || (equal && self.unique && self.nulls_not_distinct == other.nulls_not_distinct);
        // Only an ordered tree can be used by the beginning of its parts.
        let method = self.method == other.method && (self.method.is_none() || equal);
        begins && enforces && method && other.include.iter().all(carries)
    }
}

pub(super) fn redundant_index(subject: &Subject<'_>) -> Vec<Draft> {
    let backend = subject.backend();
    let mut found = Vec::new();
    for table in &subject.database.tables {
        let all = usable_indexes(table);
        for (position, one) in all.iter().enumerate() {
            // Of two that replace each other the first stays; keys come before indexes, and unique indexes before others.
            let by = all
                .iter()
                .enumerate()
                .find(|(at, other)| *at != position && other.replaces(one) && (*at < position || !one.replaces(other)));
            if let Some((_, by)) = by {
                found.push(redundant(backend, table, one, by));
            }
        }
    }
    found
}

fn redundant(backend: Backend, table: &Table, one: &Ordered<'_>, by: &Ordered<'_>) -> Draft {
    let columns: Vec<_> = one.parts.iter().filter_map(|part| part_column(part).cloned()).collect();
    let by_name = match by.name {
        "" => "a key".to_owned(),
        name => name.to_owned(),
    };
    let message = format!(
        "{} of {} is not needed: {by_name} begins with the same columns",
        match (one.index, one.name) {
            (Some(_), name) => format!("the index {name}"),
            (None, "") => format!("the unique key {}", ColumnList(&columns)),
            (None, name) => format!("the unique key {name}"),
        },
        table.name
    );
    let fix = match (one.index, backend) {
        (Some(index), _) => sql::drop_index(backend, table, index),
        (None, Backend::MySql) => Fix::Sql(sql::drop_named_index(table, one.name)),
        (None, Backend::Postgres | Backend::Sqlite) => {
            sql::drop_constraint(backend, &table.name, (!one.name.is_empty()).then_some(one.name))
        }
    };
    Draft::new(&table.name, &columns, message, fix)
        .and(" index ")
        .and(one.name)
}

fn part_column(part: &IndexPart) -> Option<&ColumnName> {
    match &part.key {
        IndexKey::Column(column) => Some(column),
        IndexKey::Expression(_) => None,
    }
}

/// Keys first, then unique indexes, then the others. What is partial or invalid is no substitute, and has its own reason to be.
fn usable_indexes(table: &Table) -> Vec<Ordered<'_>> {
    let key = |name, columns: &[ColumnName], nulls_not_distinct| Ordered {
        name,
        parts: columns.iter().cloned().map(IndexPart::column).collect(),
        unique: true,
        nulls_not_distinct,
        include: &[],
        method: None,
        index: None,
    };
    let mut all: Vec<_> = table
        .primary_key
        .iter()
        .map(|known| key("the primary key", &known.columns, false))
        .collect();
    all.extend(table.unique_keys.iter().map(|known| {
        let name = known.name.as_ref().map_or("", ConstraintName::as_str);
        key(name, &known.columns, known.nulls_not_distinct)
    }));
    let mut indexes: Vec<_> = table
        .indexes
        .iter()
        .filter(|index| index.predicate.is_none() && !index.invalid)
        .collect();
    indexes.sort_by_key(|index| !index.unique);
    all.extend(indexes.into_iter().map(|index| Ordered {
        name: &index.name,
        parts: index.parts.clone(),
        unique: index.unique,
        nulls_not_distinct: index.nulls_not_distinct,
        include: &index.include,
        method: index.method.as_deref(),
        index: Some(index),
    }));
    all
}

pub(super) fn engine_without_keys(subject: &Subject<'_>) -> Vec<Draft> {
    if subject.backend() != Backend::MySql {
        return Vec::new();
    }
    let keys = subject.all_keys();
    let related = |table: &TableName| {
        keys.iter()
            .any(|key| key.relation.table == *table || key.relation.referenced_table == *table)
    };
    let mut found = Vec::new();
    for table in &subject.database.tables {
        let Some(engine) = &table.options.engine else {
            continue;
        };
        // MySQL Cluster's engine has them ("Foreign Key Constraints", MySQL manual).
        if engine.eq_ignore_ascii_case("ndbcluster") || engine.eq_ignore_ascii_case("innodb") {
            continue;
        }
        let severity = if related(&table.name) {
            Severity::Error
        } else {
            Severity::Warning
        };
        let fix = Fix::Sql(format!(
            "ALTER TABLE {} ENGINE = InnoDB;",
            table_name(Backend::MySql, &table.name)
        ));
        let message = format!("{} is stored by {engine}, which has no foreign keys", table.name);
        found.push(Draft::new(&table.name, &[], message, fix).severity(severity));
    }
    found
}

pub(super) fn no_primary_key(subject: &Subject<'_>) -> Vec<Draft> {
    let backend = subject.backend();
    let mut found = Vec::new();
    for table in subject
        .database
        .tables
        .iter()
        .filter(|table| table.primary_key.is_none())
    {
        let required = |columns: &[ColumnName]| {
            columns
                .iter()
                .all(|name| table.column(name).is_some_and(|column| !column.nullable))
        };
        let unique = table
            .unique_keys
            .iter()
            .map(|key| key.columns.as_slice())
            .find(|columns| required(columns));
        let on = table_name(backend, &table.name);
        let fix = match (backend, unique) {
            (Backend::Sqlite, _) => sql::rebuild(&table.name, "with a PRIMARY KEY"),
            (_, Some(columns)) => Fix::Sql(format!(
                "ALTER TABLE {on} ADD PRIMARY KEY {};",
                column_list(backend, columns)
            )),
            (Backend::Postgres, None) => Fix::Sql(format!(
                "ALTER TABLE {on} ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;"
            )),
            (Backend::MySql, None) => Fix::Sql(format!(
                "ALTER TABLE {on} ADD COLUMN id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY;"
            )),
        };
        let message = format!("{} has no primary key", table.name);
        found.push(Draft::new(&table.name, &[], message, fix));
    }
    found
}
