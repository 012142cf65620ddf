//! [`Schema::from_entities`]: the schema that SeaORM's own create statements describe.

use sea_orm::sea_query::{
    ColumnDef, ColumnType, Expr, IndexCreateStatement, MysqlQueryBuilder, PostgresQueryBuilder, Query,
    SqliteQueryBuilder, Table as SeaTable, TableBuilder,
};

use sha2::{Digest, Sha256};

use super::entities::{Entities, Registered};
use super::foreign_key::ForeignKey;
use super::model::{NamedType, NamedTypeKind, Schema};
use super::table::{Check, Column, Generated, Identity, Index, PrimaryKey, Storage, Table, UniqueKey};
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::name::{ColumnName, ConstraintName, TableName, written};

impl Schema {
    /// The schema that the entities declare, as this backend would have it.
    ///
    /// It is read from SeaORM's own create statements, so it never disagrees with what SeaORM would create. Beyond those, each foreign
    /// key gets an index on its columns, unless a key or another index begins with them: without one, every delete of a referenced row
    /// reads the whole referencing table. On SQLite foreign keys have no names, since SeaORM gives them none there.
    ///
    /// ```
    /// use sea_orm_cascade::{Backend, schema::Schema};
    ///
    /// let schema = Schema::from_entities(Backend::Postgres, &entity::entities())?;
    /// let posts = schema.table(&"posts".into()).ok_or("no posts")?;
    /// assert_eq!(posts.indexes[0].to_string(), "index (user_id), as idx-posts-user_id");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Invalid input that names the column whose type this backend does not have, for example an array on SQLite.
    pub fn from_entities(backend: Backend, entities: &Entities) -> Result<Self> {
        let mut schema = Self::new(backend);
        for entity in entities.registered() {
            if backend.capability().named_types {
                add_enums(&mut schema, entity)?;
            }
            schema.tables.push(table(backend, entity)?);
        }
        schema.sort();
        Ok(schema)
    }
}

fn add_enums(schema: &mut Schema, entity: &Registered) -> Result<()> {
    for (name, labels) in (entity.enums)() {
        let named = NamedType {
            name: TableName::new(name),
            kind: NamedTypeKind::Enum(labels),
        };
        match schema.named_type(&named.name) {
            None => schema.types.push(named),
            Some(known) if *known == named => {}
            Some(_) => {
                return Err(Error::invalid_input(format!(
                    "two entities declare the enum {} with different labels; {} is one of them",
                    named.name, entity.table
                )));
            }
        }
    }
    Ok(())
}

fn table(backend: Backend, entity: &Registered) -> Result<Table> {
    let statement = (entity.create_table)(backend.into());
    let mut table = Table::new(entity.table.clone());
    for definition in statement.get_columns() {
        column(backend, &mut table, definition, &(entity.enums)())?;
    }
    for index in statement.get_indexes() {
        add_index(backend, &mut table, index);
    }
    for index in (entity.create_indexes)(backend.into()) {
        add_index(backend, &mut table, &index);
    }
    table.foreign_keys.clone_from(&entity.foreign_keys);
    for key in &mut table.foreign_keys {
        if !backend.capability().names_foreign_keys {
            key.relation.constraint = None;
        }
    }
    for key in &entity.foreign_keys {
        if !table.has_leading_index(&key.relation.columns) {
            table.indexes.push(foreign_key_index(backend, key));
        }
    }
    Ok(table)
}

/// Adds a column to a table of the model, and what its definition says beside: that it is unique, the primary key, checked.
pub(crate) fn add_column(backend: Backend, table: &mut Table, definition: &ColumnDef) -> Result<()> {
    column(backend, table, definition, &[])
}

fn column(backend: Backend, table: &mut Table, definition: &ColumnDef, enums: &[(String, Vec<String>)]) -> Result<()> {
    let spec = definition.get_column_spec();
    let name = ColumnName::new(definition.get_column_name());
    let kind = definition.get_column_type();
    let mut column = Column::new(
        name.clone(),
        match kind {
            Some(kind) => type_text(backend, kind, enums).ok_or_else(|| {
                Error::invalid_input(format!(
                    "{}.{name} is declared as {kind:?}, a type {backend} does not have: give it a column_type it has",
                    table.name
                ))
            })?,
            None => String::new(),
        },
    );
    column.nullable = spec.nullable.unwrap_or(true) && !spec.primary_key;
    column.default = spec.default.as_ref().map(|default| default_text(backend, default));
    column.generated = spec.generated.as_ref().map(|generated| Generated {
        expression: expression(backend, &generated.expr),
        storage: match generated.stored {
            true => Storage::Stored,
            false => Storage::Virtual,
        },
    });
    column.identity = spec.auto_increment.then(|| identity(backend));
    column.extra.clone_from(&spec.extra);
    if spec.primary_key {
        table.primary_key = Some(PrimaryKey::new(vec![name.clone()]));
    }
    if spec.unique {
        table.unique_keys.push(UniqueKey::new(vec![name]));
    }
    if let Some(check) = &spec.check {
        // Neither the check's condition nor its name can be had otherwise: sea-query keeps them to itself.
        if let Some(text) = rendered_check(backend, definition) {
            table.checks.push(Check::new(text));
        } else {
            return Err(Error::invalid_input(format!(
                "the check of {}.{} cannot be read: {check:?}",
                table.name, column.name
            )));
        }
    }
    table.columns.push(column);
    Ok(())
}

/// The condition of a column's check, from the whole column's text.
fn rendered_check(backend: Backend, definition: &ColumnDef) -> Option<String> {
    let statement = SeaTable::create().table("t").col(definition.clone()).take();
    let sql = match backend {
        Backend::Postgres => statement.to_string(PostgresQueryBuilder),
        Backend::MySql => statement.to_string(MysqlQueryBuilder),
        Backend::Sqlite => statement.to_string(SqliteQueryBuilder),
    };
    let (_, rest) = sql.split_once("CHECK (")?;
    let mut depth = 1usize;
    let end = rest.char_indices().find_map(|(at, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0).then_some(at)
    })?;
    rest.get(..end).map(|text| text.trim().to_owned())
}

/// What `AUTO_INCREMENT` is on this engine, as sea-query writes it.
fn identity(backend: Backend) -> Identity {
    match backend {
        Backend::Postgres => {
            // sea-query's feature `option-postgres-use-serial`, if some crate of the program turned it on, writes serial instead.
            let probe = SeaTable::create()
                .table("t")
                .col(ColumnDef::new("c").big_integer().auto_increment())
                .to_string(PostgresQueryBuilder);
            match probe.contains("serial") {
                true => Identity::Serial,
                false => Identity::ByDefault,
            }
        }
        Backend::MySql | Backend::Sqlite => Identity::AutoIncrement,
    }
}

/// The type in the backend's words; nothing if the backend does not have it. sea-query panics there, so it is asked only for what it can
/// write.
pub(crate) fn type_text(backend: Backend, kind: &ColumnType, enums: &[(String, Vec<String>)]) -> Option<String> {
    if !has_type(backend, kind) {
        return None;
    }
    let mut text = String::new();
    match (backend, kind) {
        // A declared enum is created under its quoted name.
        (Backend::Postgres, ColumnType::Custom(name)) if enums.iter().any(|(known, _)| *known == name.to_string()) => {
            text = postgres_enum(&name.to_string());
        }
        // As a migration declares it.
        (Backend::Postgres, ColumnType::Enum { name, .. }) => text = postgres_enum(&name.to_string()),
        (Backend::MySql, ColumnType::Enum { variants, .. }) => {
            let labels: Vec<_> = variants.iter().map(ToString::to_string).collect();
            text = mysql_enum_of(&labels);
        }
        // SeaORM writes the labels without escaping them.
        (Backend::MySql, ColumnType::Custom(sql)) if mysql_enum(&sql.to_string(), enums).is_some() => {
            text = mysql_enum(&sql.to_string(), enums).unwrap_or_default();
        }
        (Backend::Postgres, _) => TableBuilder::prepare_column_type(&PostgresQueryBuilder, kind, &mut text),
        (Backend::MySql, _) => TableBuilder::prepare_column_type(&MysqlQueryBuilder, kind, &mut text),
        (Backend::Sqlite, _) => TableBuilder::prepare_column_type(&SqliteQueryBuilder, kind, &mut text),
    }
    Some(text)
}

/// A declared enum's name, quoted where it would be read as another.
fn postgres_enum(name: &str) -> String {
    let folds = name != name.to_lowercase() || written(name) != name || name.contains(['-', '$']);
    match folds {
        true => format!("\"{name}\""),
        false => name.to_owned(),
    }
}

/// The type of a declared enum, its labels escaped.
fn mysql_enum(sql: &str, enums: &[(String, Vec<String>)]) -> Option<String> {
    let as_seaorm_writes_it = |labels: &[String]| format!("ENUM('{}')", labels.join("', '"));
    let (_, labels) = enums.iter().find(|(_, labels)| as_seaorm_writes_it(labels) == sql)?;
    Some(mysql_enum_of(labels))
}

fn mysql_enum_of(labels: &[String]) -> String {
    let labels: Vec<_> = labels
        .iter()
        .map(|label| format!("'{}'", label.replace('\'', "''")))
        .collect();
    format!("enum({})", labels.join(","))
}

/// Whether sea-query can write the type for the backend.
fn has_type(backend: Backend, kind: &ColumnType) -> bool {
    use ColumnType::{Array, Bit, Cidr, Inet, Interval, LTree, MacAddr, VarBit, Vector, Year};
    match (backend, kind) {
        (Backend::Postgres, Array(element)) => has_type(backend, element),
        (Backend::Postgres, Year) => false,
        (Backend::Postgres, _) => true,
        (Backend::MySql | Backend::Sqlite, Array(_) | Vector(_) | Cidr | Inet | MacAddr | LTree | Interval(..)) => {
            false
        }
        (Backend::Sqlite, Year | Bit(_) | VarBit(_)) => false,
        (Backend::MySql | Backend::Sqlite, _) => true,
    }
}

/// A default as it is written after DEFAULT: an expression in parentheses, a constant without.
pub(crate) fn default_text(backend: Backend, default: &Expr) -> String {
    let text = expression(backend, default);
    match default {
        Expr::Value(_) | Expr::Constant(_) | Expr::Keyword(_) => text,
        _ => format!("({text})"),
    }
}

fn expression(backend: Backend, expression: &Expr) -> String {
    // The only way to have sea-query write a bare expression.
    let select = Query::select().expr(expression.clone()).take();
    let sql = match backend {
        Backend::Postgres => select.to_string(PostgresQueryBuilder),
        Backend::MySql => select.to_string(MysqlQueryBuilder),
        Backend::Sqlite => select.to_string(SqliteQueryBuilder),
    };
    sql.strip_prefix("SELECT ").unwrap_or(&sql).to_owned()
}

/// Adds an index, a unique or the primary key to a table of the model, as SeaORM creates it on this backend.
pub(crate) fn add_index(backend: Backend, table: &mut Table, statement: &IndexCreateStatement) {
    let spec = statement.get_index_spec();
    let columns: Vec<_> = spec.get_column_names().into_iter().map(ColumnName::new).collect();
    let name = spec.get_name().unwrap_or_default();
    if statement.is_primary_key() {
        let mut key = PrimaryKey::new(columns);
        // Neither MySQL nor SeaORM on SQLite names it.
        key.name = (backend == Backend::Postgres && !name.is_empty()).then(|| ConstraintName::new(name));
        table.primary_key = Some(key);
    } else if statement.is_unique_key() && !backend.capability().unique_indexes_apart {
        let mut key = UniqueKey::new(columns);
        key.name = Some(ConstraintName::new(name));
        table.unique_keys.push(key);
    } else {
        let mut index = Index::new(name, columns);
        index.unique = statement.is_unique_key();
        index.nulls_not_distinct = statement.is_nulls_not_distinct();
        table.indexes.push(index);
    }
}

/// Named as SeaORM names the index of an `indexed` column. A name that the engine would refuse, or cut until it is another's, ends with a
/// number made from all of it.
fn foreign_key_index(backend: Backend, key: &ForeignKey) -> Index {
    let columns: Vec<_> = key.relation.columns.iter().map(ColumnName::as_str).collect();
    let name = format!("idx-{}-{}", key.relation.table.name(), columns.join("-"));
    Index::new(within_limit(backend, name), key.relation.columns.iter().cloned())
}

/// A name that the engine keeps as it is.
pub(crate) fn within_limit(backend: Backend, name: String) -> String {
    const NUMBER: usize = 9;
    match backend.capability().name_limit {
        Some(limit) if name.len() > limit => {
            let digest = Sha256::digest(name.as_bytes());
            let number: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            let end = (0..=limit - NUMBER)
                .rev()
                .find(|at| name.is_char_boundary(*at))
                .unwrap_or(0);
            format!("{}-{number}", name.get(..end).unwrap_or_default())
        }
        Some(_) | None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enum_that_a_migration_declares_is_written_as_the_engine_reads_it() {
        let kind = ColumnType::Enum {
            name: "parcelState".into(),
            variants: vec!["new".into(), "it's lost".into()],
        };
        let text = |backend| type_text(backend, &kind, &[]);
        assert_eq!(text(Backend::Postgres).as_deref(), Some("\"parcelState\""));
        assert_eq!(text(Backend::MySql).as_deref(), Some("enum('new','it''s lost')"));
    }
}
