//! `cascade schema`.

use sea_orm_cascade::schema::Schema;
use sea_orm_cascade::{ddl, render};

use super::arguments::{SchemaArguments, SchemaFormat};
use super::write;
use crate::Outcome;

pub(super) fn run(schema: &Schema, arguments: &SchemaArguments) -> anyhow::Result<Outcome> {
    let text = match arguments.format {
        SchemaFormat::Text => schema.to_string(),
        SchemaFormat::Sql => ddl::create(schema).iter().map(|sql| format!("{sql};\n")).collect(),
        SchemaFormat::Json => render::json(schema) + "\n",
        SchemaFormat::Mermaid => render::mermaid(schema),
        SchemaFormat::Dot => render::dot(schema),
        SchemaFormat::Svg => render::svg(schema),
    };
    write(&text, arguments.output.as_deref())?;
    Ok(Outcome::Done)
}
