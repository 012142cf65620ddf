//! Two public sample databases, from their published table lists: made, read back, drawn, and made again from what was read.

use anyhow::{Context, Result, ensure};
use sea_orm_cascade::diff::DiffOptions;
use sea_orm_cascade::schema::{Identity, Schema, Table, TypeKind};
use sea_orm_cascade::{Backend, Entities, Store, StoreOptions, ddl, render};

use crate::harness::{Db, cases, execute};

cases![chinook, sakila];

async fn chinook(db: Db) -> Result<()> {
    there_and_back(&db, include_str!("../pure/fixtures/chinook.txt"), 11, 11).await
}

async fn sakila(db: Db) -> Result<()> {
    there_and_back(&db, include_str!("../pure/fixtures/sakila.txt"), 16, 22).await
}

async fn there_and_back(db: &Db, published: &str, tables: usize, keys: usize) -> Result<()> {
    let wanted = on(db.backend, Schema::parse(published)?);
    let first = make(&db.url, &wanted).await?;
    let read = first.introspect().await?;
    ensure!(
        read.tables.len() == tables && read.foreign_keys().count() == keys,
        "{read}"
    );
    let diff = first.diff_to(&wanted, &DiffOptions::new()).await?;
    ensure!(diff.is_empty(), "{diff}");

    let svg = render::svg(&read);
    for table in &read.tables {
        ensure!(
            svg.contains(&format!(">{}<", table.name)),
            "{} is not in the picture",
            table.name
        );
    }

    let again = scratch::Scratch::create(&db.url).await?;
    let outcome = again_from(again.url(), &read).await;
    again.discard().await?;
    outcome
}

async fn again_from(url: &str, read: &Schema) -> Result<()> {
    let second = make(url, read).await?;
    let diff = second.diff_to(read, &DiffOptions::new()).await?;
    ensure!(diff.is_empty(), "{diff}");
    let reread = second.introspect().await?;
    second.close().await?;
    ensure!(reread == *read, "--- read\n{read}\n--- read again\n{reread}");
    Ok(())
}

async fn make(url: &str, schema: &Schema) -> Result<Store> {
    let store = Store::connect_with(url, Entities::new(), StoreOptions::new().max_connections(1)).await?;
    for statement in ddl::create(schema) {
        execute(&store, &statement).await.with_context(|| statement.clone())?;
    }
    Ok(store)
}

/// The same tables in the types of another engine.
fn on(backend: Backend, mut schema: Schema) -> Schema {
    let written_for = schema.backend;
    schema.backend = backend;
    for table in &mut schema.tables {
        translate(written_for, backend, table);
    }
    schema
}

fn translate(written_for: Backend, backend: Backend, table: &mut Table) {
    for column in &mut table.columns {
        let (name, rest) = column
            .data_type
            .split_once('(')
            .map_or((column.data_type.as_str(), ""), |(name, rest)| (name, rest));
        let length = if rest.is_empty() {
            String::new()
        } else {
            format!("({rest}")
        };
        let integer = matches!(TypeKind::of(written_for, &column.data_type), TypeKind::Integer { .. });
        column.data_type = match (backend, name) {
            (Backend::Sqlite, _) if integer => "integer".to_owned(),
            (Backend::Postgres, _) if integer => "integer".to_owned(),
            (Backend::MySql, "integer") => "int".to_owned(),
            (Backend::MySql | Backend::Postgres, "nvarchar") => format!("varchar{length}"),
            (Backend::Postgres, "datetime") => "timestamp".to_owned(),
            (Backend::Postgres, "decimal") => format!("numeric{length}"),
            (Backend::Postgres, "geometry" | "blob") => "bytea".to_owned(),
            (Backend::Postgres | Backend::Sqlite, "enum" | "set") => "text".to_owned(),
            (Backend::Postgres, "year") => "smallint".to_owned(),
            _ => column.data_type.clone(),
        };
        column.identity = column.identity.map(|_| match backend {
            Backend::Postgres => Identity::ByDefault,
            Backend::MySql | Backend::Sqlite => Identity::AutoIncrement,
        });
    }
    for index in &mut table.indexes {
        index.method = index.method.take().filter(|_| backend == Backend::MySql);
    }
    for key in &mut table.foreign_keys {
        // PostgreSQL and MySQL name every key; InnoDB's own index for a key is named after it.
        let columns: Vec<_> = key.relation.columns.iter().map(ToString::to_string).collect();
        let name = format!("fk_{}_{}", table.name, columns.join("_"));
        key.relation.constraint.get_or_insert_with(|| name.as_str().into());
    }
}
