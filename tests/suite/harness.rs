//! A case for each test and backend, each in a database of its own.

use std::pin::Pin;

use anyhow::{Context, Result};
use libtest_mimic::{Arguments, Failed, Trial};
use scratch::Scratch;
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_cascade::{Backend, Entities, Store, StoreOptions};

use crate::log::Listening;

/// A test's body.
pub(crate) type Body = fn(Db) -> Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// A test, for whichever backend it is given.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) body: Body,
}

/// Lists a module's tests.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub(crate) fn cases() -> Vec<crate::harness::Case> {
            vec![$(crate::harness::Case {
                name: concat!(module_path!(), "::", stringify!($name)),
                body: |db| Box::pin($name(db)),
            }),*]
        }
    };
}
pub(crate) use cases;

/// An empty database for one test.
#[derive(Clone)]
pub(crate) struct Db {
    pub(crate) url: String,
    pub(crate) backend: Backend,
}

impl Db {
    /// A store for the tutorial's entities; the tables are not there yet.
    pub(crate) async fn store(&self) -> Result<Store> {
        self.store_of(entity::entities()).await
    }

    pub(crate) async fn store_of(&self, entities: Entities) -> Result<Store> {
        Ok(Store::connect(&self.url, entities).await?)
    }

    pub(crate) async fn store_with(&self, options: StoreOptions) -> Result<Store> {
        Ok(Store::connect_with(&self.url, entity::entities(), options).await?)
    }

    /// The URL as another user of the server.
    pub(crate) fn url_as(&self, user: &str, password: &str) -> Result<String> {
        let (scheme, rest) = self.url.split_once("://").context("a server's URL")?;
        let (authority, path) = rest.split_once('/').context("a server's URL")?;
        let server = authority.rsplit('@').next().unwrap_or(authority);
        Ok(format!("{scheme}://{user}:{password}@{server}/{path}"))
    }

    /// The database's name.
    pub(crate) fn database(&self) -> Result<&str> {
        let (_, path) = self.url.rsplit_once('/').context("a server's URL")?;
        Ok(path.split('?').next().unwrap_or(path))
    }

    /// A store for the tutorial's entities, with their tables.
    pub(crate) async fn created(&self) -> Result<Store> {
        let store = self.store().await?;
        store.create_all().await?;
        Ok(store)
    }
}

/// The one number a query gives: how a test asks the database itself, past the code under test.
pub(crate) async fn number(store: &Store, sql: &str) -> Result<i64> {
    let statement = Statement::from_string(store.backend().into(), sql);
    let row = store.connection().query_one_raw(statement).await?;
    row.map_or(Ok(0), |row| Ok(row.try_get_by_index(0)?))
}

pub(crate) async fn execute(store: &Store, sql: &str) -> Result<()> {
    store.connection().execute_unprepared(sql).await?;
    Ok(())
}

pub(crate) fn run<const N: usize>(modules: [Vec<Case>; N]) {
    let arguments = Arguments::from_args();
    tracing::subscriber::set_global_default(Listening).ok();
    let required = std::env::var("TEST_REQUIRE").unwrap_or_default();
    let mut trials = Vec::new();
    let servers = [
        (Backend::Sqlite, Some("sqlite:scratch".to_owned())),
        (Backend::Postgres, variable("TEST_POSTGRES_URL")),
        (Backend::MySql, variable("TEST_MYSQL_URL")),
    ];
    for case in modules.iter().flatten() {
        for (backend, server) in &servers {
            let name = format!("{backend}::{}", case.name.trim_start_matches("suite::"));
            let (backend, body) = (*backend, case.body);
            trials.push(match server {
                Some(server) => {
                    let server = server.clone();
                    Trial::test(name, move || run_case(&server, backend, body))
                }
                None if required.split(',').any(|needed| needed.trim() == backend.name()) => {
                    Trial::test(name, move || {
                        Err(format!("TEST_REQUIRE demands {backend}, and there is no server").into())
                    })
                }
                None => Trial::test(name, || Ok(())).with_ignored_flag(true),
            });
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|url| !url.is_empty())
}

fn run_case(server: &str, backend: Backend, body: Body) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let scratch = Scratch::create(server).await?;
        let db = Db {
            url: scratch.url().to_owned(),
            backend,
        };
        // In a task of its own, so that a panic does not keep the database from being dropped.
        let outcome = tokio::spawn(body(db)).await;
        scratch.discard().await?;
        outcome?
    });
    outcome.map_err(|error: anyhow::Error| format!("{error:#}").into())
}
