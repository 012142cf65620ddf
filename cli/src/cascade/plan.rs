//! `cascade plan`.

use sea_orm_cascade::delete::Preview;

use super::arguments::{PlanArguments, PlanFormat, RowsArguments};
use super::{Database, rows, write};
use crate::Outcome;

pub(super) async fn run(database: &Database, arguments: &PlanArguments) -> anyhow::Result<Outcome> {
    let relations = database.relations().await?;
    let plan = rows::plan(&relations, &arguments.rows, |options| match arguments.cap {
        Some(cap) => options.cap(cap),
        None => options,
    })?;
    let preview = rows::preview(database, &arguments.rows, &plan).await?;
    show(&preview, &arguments.rows)?;
    Ok(match preview.is_blocked() {
        true => Outcome::Blocked,
        false => Outcome::Done,
    })
}

/// Writes the preview as it was asked for.
pub(super) fn show(preview: &Preview, rows: &RowsArguments) -> anyhow::Result<()> {
    let text = match rows.format {
        PlanFormat::Text => format!("{preview}\n"),
        PlanFormat::Json => preview.to_json() + "\n",
        PlanFormat::Mermaid => preview.to_mermaid(),
        PlanFormat::Html => preview.to_html(),
    };
    write(&text, rows.output.as_deref())
}
