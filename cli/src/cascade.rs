//! The binary `cascade`.

mod arguments;
mod graph;
mod schema;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use sea_orm_cascade::introspect::{self, Scope};
use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{Entities, Store, StoreOptions};

use crate::{Outcome, finish};
use arguments::{Arguments, Command, Common};

/// The `main` of `cascade`. Reads the arguments and the environment.
pub async fn main() -> ExitCode {
    finish(carry_out(Arguments::parse()).await)
}

async fn carry_out(arguments: Arguments) -> anyhow::Result<Outcome> {
    let Arguments { common, command } = arguments;
    let store = connect(&common).await?;
    let outcome = match command {
        Command::Schema(arguments) => schema::run(&store, &common, &arguments).await,
        Command::Graph(arguments) => graph::run(&store, &common, &arguments).await,
    };
    store.close().await?;
    outcome
}

async fn connect(common: &Common) -> anyhow::Result<Store> {
    let url = common
        .database_url
        .as_deref()
        .context("no database: give --database-url, or set DATABASE_URL")?;
    let mut options = StoreOptions::new();
    if let [only] = common.schema.as_slice() {
        options.schema = Some(only.clone());
    }
    Ok(Store::connect_with(url, Entities::new(), options).await?)
}

/// The schema that was asked for.
async fn introspect(store: &Store, common: &Common) -> anyhow::Result<Schema> {
    let scope = match common.schema.as_slice() {
        [] | [_] => Scope::Own,
        several => Scope::Named(several.to_vec()),
    };
    Ok(introspect::schema(store.connection(), &scope).await?)
}
