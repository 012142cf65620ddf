//! `cascade schema`.

use sea_orm_cascade::{Store, ddl};

use super::arguments::{Common, SchemaArguments, SchemaFormat};
use super::introspect;
use crate::Outcome;
use crate::output::print;

pub(super) async fn run(store: &Store, common: &Common, arguments: &SchemaArguments) -> anyhow::Result<Outcome> {
    let schema = introspect(store, common).await?;
    let text = match arguments.format {
        SchemaFormat::Text => schema.to_string(),
        SchemaFormat::Sql => ddl::create(&schema).iter().map(|sql| format!("{sql};\n")).collect(),
        SchemaFormat::Json => serde_json::to_string_pretty(&schema)? + "\n",
    };
    match &arguments.output {
        Some(file) => std::fs::write(file, text)?,
        None => print(&text)?,
    }
    Ok(Outcome::Done)
}
