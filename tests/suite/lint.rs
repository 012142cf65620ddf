//! Every rule of the linter on a real database: it fires, and after the fix it proposes, or another cure, it does not.
//!
//! Where the engine itself shows what the rule warns of, the engine is asked too.

mod compared;
mod engines;
mod migrations;
#[path = "../pure/lint/models.rs"]
mod models;
mod plain;

use anyhow::{Result, ensure};
use sea_orm_cascade::introspect::{self, Scope};
use sea_orm_cascade::lint::{self, Declared, Finding, Fix, Subject};
use sea_orm_cascade::overlay::LintSettings;
use sea_orm_cascade::{Entities, Store, StoreOptions};

use crate::harness::{Case, Db, execute};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = plain::cases();
    cases.extend(compared::cases());
    cases.extend(engines::cases());
    cases.extend(migrations::cases());
    cases
}

/// A store with one connection, so that what is set for a session stays set.
async fn store(db: &Db) -> Result<Store> {
    Ok(Store::connect_with(&db.url, Entities::new(), StoreOptions::new().max_connections(1)).await?)
}

/// Runs statements one by one; a semicolon ends each.
async fn run(store: &Store, sql: &str) -> Result<()> {
    for statement in sql.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        execute(store, statement).await?;
    }
    Ok(())
}

/// What the rule finds in the live database, compared with entities if there are some.
async fn found(store: &Store, entities: Option<&Entities>, code: &str) -> Result<Vec<Finding>> {
    let schema = introspect::schema(store.connection(), &Scope::Own).await?;
    let declared = entities
        .map(|entities| Declared::new(store.backend(), entities))
        .transpose()?;
    let mut subject = Subject::new(&schema);
    let mut asked = schema.clone();
    if let Some(declared) = &declared {
        subject = subject.entities(declared);
        asked = declared.completing(&schema);
    }
    let facts = lint::facts(store.connection(), &asked).await?;
    let mut findings = lint::lint(&subject.facts(facts), &LintSettings::default());
    findings.retain(|finding| finding.code == code);
    Ok(findings)
}

/// How a finding is to go away.
enum Cure<'a> {
    /// By the statements it proposes.
    Proposed,
    /// It proposes none, and these do it.
    By(&'a str),
}

/// The rule finds exactly this; and nothing any more once it is cured.
async fn fires(store: &Store, code: &str, message: &str, cure: Cure<'_>) -> Result<()> {
    fires_beside(store, None, code, message, cure).await
}

async fn fires_beside(
    store: &Store,
    entities: Option<&Entities>,
    code: &str,
    message: &str,
    cure: Cure<'_>,
) -> Result<()> {
    let findings = found(store, entities, code).await?;
    let [only] = findings.as_slice() else {
        anyhow::bail!("{code} finds {findings:#?}");
    };
    ensure!(only.message == message, "{}\nand not\n{message}", only.message);
    match (cure, &only.fix) {
        (Cure::Proposed, Fix::Sql(sql)) => run(store, sql).await?,
        (Cure::By(sql), Fix::Entity(_) | Fix::Advice(_)) => run(store, sql).await?,
        (Cure::Proposed | Cure::By(_), fix) => anyhow::bail!("it proposes {fix:?}"),
    }
    silent(store, entities, code).await
}

async fn silent(store: &Store, entities: Option<&Entities>, code: &str) -> Result<()> {
    let left = found(store, entities, code).await?;
    ensure!(left.is_empty(), "{code} still finds {left:#?}");
    Ok(())
}

/// Whether the database refuses the statement.
async fn refused(store: &Store, sql: &str) -> bool {
    execute(store, sql).await.is_err()
}
