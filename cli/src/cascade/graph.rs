//! `cascade graph`.

use sea_orm_cascade::name::TableName;
use sea_orm_cascade::render;
use sea_orm_cascade::schema::Schema;

use super::arguments::{GraphArguments, GraphFormat};
use super::write;
use crate::Outcome;

pub(super) fn run(schema: &Schema, arguments: &GraphArguments) -> anyhow::Result<Outcome> {
    let table = arguments
        .table
        .as_ref()
        .map(|name| find_table(schema, name))
        .transpose()?;
    let near = table.and_then(|table| render::around(schema, table, arguments.steps));
    let drawn = near.as_ref().unwrap_or(schema);
    let text = match arguments.format {
        GraphFormat::Text => render::tree(schema, table),
        GraphFormat::Json => render::json(drawn) + "\n",
        GraphFormat::Mermaid => render::mermaid(drawn),
        GraphFormat::Dot => render::dot(drawn),
        GraphFormat::Svg => render::svg(drawn),
    };
    write(&text, arguments.output.as_deref())?;
    Ok(Outcome::Done)
}

/// The table of this name, as it is written or as reports show it, without its schema if no other is called so; an error that lists
/// those there are.
pub(super) fn find_table<'a>(schema: &'a Schema, name: &str) -> anyhow::Result<&'a TableName> {
    let tables = || schema.tables.iter().map(|table| &table.name);
    let alike: Vec<_> = tables().filter(|table| table.name() == name).collect();
    let known = TableName::read(name)
        .and_then(|name| tables().find(|table| **table == name))
        .or_else(|| tables().find(|table| table.to_string() == name));
    known
        .or(<[_; 1]>::try_from(alike).ok().map(|[only]| only))
        .ok_or_else(|| {
            let names: Vec<_> = tables().map(ToString::to_string).collect();
            let near: Vec<_> = names
                .iter()
                .filter(|known| known.contains(name) || name.contains(known.as_str()))
                .collect();
            match (names.as_slice(), near.as_slice()) {
                ([], _) => anyhow::anyhow!("there is no table {name:?}: this database has none"),
                (names, _) if names.len() <= SHOWN => {
                    anyhow::anyhow!("there is no table {name:?}: there are {}", names.join(", "))
                }
                (names, []) => anyhow::anyhow!(
                    "there is no table {name:?} among {}: `cascade graph` shows them",
                    names.len()
                ),
                (_, nearest) => {
                    let nearest: Vec<_> = nearest.iter().take(SHOWN).map(|name| name.as_str()).collect();
                    anyhow::anyhow!("there is no table {name:?}: did you mean {}?", nearest.join(", "))
                }
            }
        })
}

/// Tables an error lists.
const SHOWN: usize = 30;
