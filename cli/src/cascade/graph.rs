//! `cascade graph`.

use sea_orm_cascade::Store;

use super::arguments::{Common, GraphArguments};
use super::introspect;
use crate::Outcome;
use crate::output::print;

pub(super) async fn run(store: &Store, common: &Common, _arguments: &GraphArguments) -> anyhow::Result<Outcome> {
    let schema = introspect(store, common).await?;
    print(&schema.to_string())?;
    Ok(Outcome::Done)
}
