//! One of the four streams: what it sends when its turn comes.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use sea_orm::sqlx;

use crate::ground::USERS;
use crate::line::{Bound, Engine, Line};
use crate::load::{Stream, Tally};

pub(crate) struct Worker {
    engine: Engine,
    line: Line,
    posts: i64,
    /// From now on posts are written with an owner.
    gives_owner: bool,
    pub(crate) tally: Tally,
}

/// A statement with the placeholders of the engine.
macro_rules! sql {
    ($engine:expr, $postgres:literal, $mariadb:literal) => {
        match $engine {
            Engine::Postgres => $postgres,
            Engine::MariaDb => $mariadb,
        }
    };
}

impl Worker {
    pub(crate) async fn connect(url: &str, posts: i64, stream: Stream) -> Result<Self> {
        Ok(Self {
            engine: Engine::of(url),
            line: Line::open(url).await?,
            posts,
            gives_owner: false,
            tally: Tally {
                stream,
                samples: Vec::new(),
                inserted: 0,
                refused: BTreeMap::new(),
            },
        })
    }

    pub(crate) async fn finish(self) -> Result<Tally> {
        self.line.close().await?;
        Ok(self.tally)
    }

    /// One thing to do. A writer inserts and updates by turns.
    pub(crate) async fn turn(&mut self, turn: i64) -> Result<()> {
        let is_insert = turn % 2 == 0;
        match self.tally.stream {
            Stream::PostsWriter if is_insert => self.insert_post(turn).await,
            Stream::PostsWriter => {
                let changed = sql!(
                    self.engine,
                    "UPDATE posts SET content = $1, published = NOT published WHERE id = $2",
                    "UPDATE posts SET content = ?, published = NOT published WHERE id = ?"
                );
                let content = Bound::Text(format!("changed in turn {turn}, with some more words than that"));
                let key = Bound::Number(fastrand::i64(1..=self.posts));
                let sent = self.line.execute(changed, [content, key]).await;
                self.counted(sent).map(drop)
            }
            Stream::UsersWriter if is_insert => {
                let inserted = sql!(
                    self.engine,
                    "INSERT INTO users (email, name) VALUES ($1, $2)",
                    "INSERT INTO users (email, name) VALUES (?, ?)"
                );
                let email = Bound::Text(format!("n{turn}@example.com"));
                let name = Bound::Text("a new name".to_owned());
                let sent = self.line.execute(inserted, [email, name]).await;
                if self.counted(sent)? {
                    self.tally.inserted += 1;
                }
                Ok(())
            }
            Stream::UsersWriter => {
                let changed = sql!(
                    self.engine,
                    "UPDATE users SET name = $1 WHERE id = $2",
                    "UPDATE users SET name = ? WHERE id = ?"
                );
                let name = Bound::Text(format!("a name of turn {turn}"));
                let key = Bound::Number(fastrand::i64(1..=USERS));
                let sent = self.line.execute(changed, [name, key]).await;
                self.counted(sent).map(drop)
            }
            Stream::PostsReader => {
                let read = sql!(
                    self.engine,
                    "SELECT id, title, content, published FROM posts WHERE id = $1",
                    "SELECT id, title, content, published FROM posts WHERE id = ?"
                );
                let sent = self.line.read(read, fastrand::i64(1..=self.posts)).await;
                self.counted(sent).map(drop)
            }
            Stream::UsersReader => {
                let read = sql!(
                    self.engine,
                    "SELECT id, email, name FROM users WHERE id = $1",
                    "SELECT id, email, name FROM users WHERE id = ?"
                );
                let sent = self.line.read(read, fastrand::i64(1..=USERS)).await;
                self.counted(sent).map(drop)
            }
        }
    }

    /// On PostgreSQL without an owner until that is refused: the old application, and then the new one. On MariaDB with an owner as soon
    /// as there is a column for one, since no trigger can give it there.
    async fn insert_post(&mut self, turn: i64) -> Result<()> {
        let owner = 1 + turn % USERS;
        let sent = match (self.engine, self.gives_owner) {
            (_, true) => self.with_owner(owner).await,
            (Engine::Postgres, false) => {
                let sent = self.without_owner().await;
                if has_code(&sent, NOT_NULL_VIOLATED) {
                    self.counted(sent)?;
                    self.gives_owner = true;
                    self.with_owner(owner).await
                } else {
                    sent
                }
            }
            (Engine::MariaDb, false) => {
                let sent = self.with_owner(owner).await;
                if has_code(&sent, UNKNOWN_COLUMN) {
                    self.without_owner().await
                } else {
                    self.gives_owner = sent.is_ok();
                    sent
                }
            }
        };
        if self.counted(sent)? {
            self.tally.inserted += 1;
        }
        Ok(())
    }

    async fn with_owner(&mut self, owner: i64) -> Result<(), sqlx::Error> {
        let insert = sql!(
            self.engine,
            "INSERT INTO posts (title, content, user_id) VALUES ($1, $2, $3)",
            "INSERT INTO posts (title, content, user_id) VALUES (?, ?, ?)"
        );
        let title = Bound::Text(format!("of {owner}"));
        let content = Bound::Text("a new post, whose owner is named in its title".to_owned());
        self.line.execute(insert, [title, content, Bound::Number(owner)]).await
    }

    async fn without_owner(&mut self) -> Result<(), sqlx::Error> {
        let insert = sql!(
            self.engine,
            "INSERT INTO posts (title, content) VALUES ($1, $2)",
            "INSERT INTO posts (title, content) VALUES (?, ?)"
        );
        let title = Bound::Text("a new title".to_owned());
        let content = Bound::Text("a new post, by an application that knows of no owners".to_owned());
        self.line.execute(insert, [title, content]).await
    }

    /// Whether it was done; what the server refused is counted, and anything else is the end.
    fn counted(&mut self, sent: Result<(), sqlx::Error>) -> Result<bool> {
        match sent {
            Ok(()) => Ok(true),
            Err(sqlx::Error::Database(error)) => {
                *self.tally.refused.entry(error.message().to_owned()).or_default() += 1;
                Ok(false)
            }
            Err(error) => Err(error).context(format!("{:?}", self.tally.stream)),
        }
    }
}

const NOT_NULL_VIOLATED: &str = "23502";
const UNKNOWN_COLUMN: &str = "42S22";

fn has_code(sent: &Result<(), sqlx::Error>, code: &str) -> bool {
    let Err(sqlx::Error::Database(error)) = sent else {
        return false;
    };
    error.code().is_some_and(|known| known == code)
}
