//! A table in use that an `Alteration` changes. What was done is asked of the database, in SQL of the tests' own.

pub(crate) mod killed;
pub(crate) mod locks;
pub(crate) mod process;
pub(crate) mod refused;
pub(crate) mod within;

use anyhow::Result;
use sea_orm_cascade::{Backend, Entities, SqliteJournal, Store, StoreOptions};

use crate::harness::{Db, execute};
use crate::required::catalog::{catalog, texts};

/// SQLite's journal stays as it is at first, where readers keep a writer waiting.
pub(crate) fn options() -> StoreOptions {
    StoreOptions::new().sqlite_journal(SqliteJournal::AsIs)
}

/// A store of one connection, so that whoever else is there is somebody else.
pub(crate) async fn one_connection(db: &Db) -> Result<Store> {
    one_connection_to(&db.url).await
}

pub(crate) async fn one_connection_to(url: &str) -> Result<Store> {
    Ok(Store::connect_with(url, Entities::new(), options().max_connections(1)).await?)
}

/// Three users, and four posts of theirs, afresh. No two have the same slug, and none is without a title.
pub(crate) async fn fresh(store: &Store) -> Result<()> {
    let (id, text) = match store.backend() {
        Backend::Postgres | Backend::MySql => ("bigint NOT NULL PRIMARY KEY", "varchar(100)"),
        Backend::Sqlite => ("integer NOT NULL PRIMARY KEY", "varchar(100)"),
    };
    let number = match store.backend() {
        Backend::Postgres | Backend::MySql => "bigint",
        Backend::Sqlite => "integer",
    };
    for sql in [
        "DROP TABLE IF EXISTS posts".to_owned(),
        "DROP TABLE IF EXISTS users".to_owned(),
        format!("CREATE TABLE users (id {id}, name {text})"),
        format!(
            "CREATE TABLE posts (id {id}, title {text}, slug {text}, body {text}, legacy {text}, user_id {number}, editor_id {number}, \
             CONSTRAINT posts_editor FOREIGN KEY (editor_id) REFERENCES users (id))"
        ),
        "CREATE INDEX by_editor ON posts (editor_id)".to_owned(),
        "CREATE INDEX by_body ON posts (body)".to_owned(),
        "INSERT INTO users VALUES (1, 'ann'), (2, 'bob'), (3, 'cat')".to_owned(),
        "INSERT INTO posts VALUES (1, 'a', 'one', 'x', 'l', 1, 1), (2, 'b', 'two', 'x', 'l', 1, 2), (3, 'c', 'three', NULL, 'l', 3, NULL), \
         (4, 'd', NULL, 'y', NULL, NULL, 3)"
            .to_owned(),
    ] {
        execute(store, &sql).await?;
    }
    Ok(())
}

/// The catalog, and all values of posts but those of columns that come and go.
pub(crate) async fn everything(store: &Store) -> Result<Vec<String>> {
    let rows = match store.backend() {
        Backend::Postgres => "SELECT to_jsonb(p)::text FROM posts p ORDER BY id",
        Backend::MySql => {
            "SELECT CONCAT_WS('|', id, title, COALESCE(slug, 'NULL'), COALESCE(body, 'NULL'), COALESCE(user_id, 'NULL'), \
             COALESCE(editor_id, 'NULL')) FROM posts ORDER BY id"
        }
        Backend::Sqlite => {
            "SELECT id || '|' || COALESCE(title, 'NULL') || '|' || COALESCE(slug, 'NULL') || '|' || COALESCE(body, 'NULL') || '|' \
             || COALESCE(user_id, 'NULL') || '|' || COALESCE(editor_id, 'NULL') FROM posts ORDER BY id"
        }
    };
    let mut all = catalog(store).await?;
    all.extend(texts(store, rows).await?);
    Ok(all)
}
