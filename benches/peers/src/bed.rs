//! A database with the benchmark's tables, in one of four ways of having foreign keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use scratch::Scratch;
use sea_orm::DatabaseConnection;
use sea_orm_cascade::delete::Relations;
use sea_orm_cascade::introspect::Scope;
use sea_orm_cascade::overlay::Overlay;
use sea_orm_cascade::{Backend, Store};

use crate::entity::entities;
use crate::raw::{Keys, Raw, sql};

/// What the foreign keys do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Constraints {
    Cascade,
    NoAction,
    Restrict,
    Absent,
}

impl Constraints {
    pub(crate) const ALL: [Self; 4] = [Self::Cascade, Self::NoAction, Self::Restrict, Self::Absent];

    /// The letter of the tables.
    pub(crate) const fn letter(self) -> &'static str {
        match self {
            Self::Cascade => "c",
            Self::NoAction => "n",
            Self::Restrict => "r",
            Self::Absent => "z",
        }
    }

    pub(crate) fn of(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.letter() == letter)
    }

    fn clause(self, column: &str, table: &str) -> String {
        let action = match self {
            Self::Cascade => "CASCADE",
            Self::NoAction => "NO ACTION",
            Self::Restrict => "RESTRICT",
            Self::Absent => return String::new(),
        };
        format!(", FOREIGN KEY ({column}) REFERENCES {table} (id) ON DELETE {action}")
    }
}

/// How many rows: the first `roots` users are deleted, the others stay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) roots: usize,
    pub(crate) staying: usize,
    pub(crate) posts: usize,
    pub(crate) comments: usize,
}

impl Rows {
    /// The keys of the users to delete.
    pub(crate) fn keys(self) -> Result<Vec<i64>> {
        Ok((1..=i64::try_from(self.roots)?).collect())
    }

    /// How many rows go.
    pub(crate) const fn going(self) -> usize {
        self.roots * (1 + self.posts * (1 + self.comments))
    }
}

/// The database.
pub(crate) struct Bed {
    pub(crate) backend: Backend,
    pub(crate) constraints: Constraints,
    pub(crate) store: Store,
    pub(crate) raw: Raw,
    /// The same pool through SeaORM alone.
    pub(crate) sea_orm: DatabaseConnection,
    /// Every key cascades, whatever the constraints do.
    pub(crate) relations: Arc<Relations>,
    sent: Arc<AtomicU64>,
    scratch: Scratch,
}

const OVERLAY: &str = r#"
[[foreign_key]]
table = "posts"
columns = ["user_id"]
references = { table = "users", columns = ["id"] }
on_delete = "cascade"

[[foreign_key]]
table = "comments"
columns = ["post_id"]
references = { table = "posts", columns = ["id"] }
on_delete = "cascade"
"#;

/// The keys, all of which cascade, whatever the constraints do.
pub(crate) async fn relations(store: &Store, constraints: Constraints) -> Result<Arc<Relations>> {
    let relations = Relations::read(store.connection(), &Scope::Own).await?;
    Ok(Arc::new(match constraints {
        Constraints::Cascade => relations,
        _ => relations.overlaid(&Overlay::parse(OVERLAY)?)?,
    }))
}

impl Bed {
    pub(crate) async fn make(server: &str, constraints: Constraints) -> Result<Self> {
        let scratch = Scratch::create(server).await?;
        let opened = Store::connect(scratch.url(), entities()).await?;
        let raw = Raw::of(&opened)?;
        raw.script(&tables(opened.backend(), constraints)).await?;
        let mut sea_orm = opened.connection().as_pool().context("a pool")?.clone();
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        sea_orm.set_metric_callback(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let store = Store::from_connection(sea_orm.clone(), entities())?;
        let relations = relations(&store, constraints).await?;
        Ok(Self {
            backend: store.backend(),
            constraints,
            store,
            raw,
            sea_orm,
            relations,
            sent,
            scratch,
        })
    }

    pub(crate) fn url(&self) -> &str {
        self.scratch.url()
    }

    /// How many statements SeaORM was given since the last call; BEGIN and COMMIT are none.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.swap(0, Ordering::Relaxed)
    }

    /// Fills the tables anew, and leaves them as a database that has been in use for a while: statistics made, nothing to tidy up.
    pub(crate) async fn seed(&self, rows: Rows) -> Result<()> {
        let (users, posts) = (rows.roots + rows.staying, (rows.roots + rows.staying) * rows.posts);
        let comments = posts * rows.comments;
        let mut statements: Vec<String> = Vec::new();
        let mut add = |statement: &str| statements.push(statement.to_owned());
        match self.backend {
            Backend::Postgres => {
                add("SET session_replication_role = replica");
                add("TRUNCATE users, posts, comments");
            }
            Backend::MySql => {
                add("SET foreign_key_checks = 0");
                for table in TABLES {
                    add(&format!("TRUNCATE {table}"));
                }
            }
            Backend::Sqlite => {
                add("PRAGMA foreign_keys = OFF");
                for table in TABLES {
                    add(&format!("DELETE FROM {table}"));
                }
            }
        }
        let numbers = |last: usize| match self.backend {
            Backend::Postgres => format!("generate_series(1, {last}) AS s (i)"),
            Backend::MySql => format!("(SELECT seq AS i FROM seq_1_to_{last}) AS s"),
            Backend::Sqlite => {
                format!(
                    "(WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < {last}) SELECT i FROM s) AS s"
                )
            }
        };
        let text =
            "some words that stand for what a person wrote, as long as a paragraph is, and about a hundred bytes";
        let divided = |by: usize| match self.backend {
            Backend::Postgres | Backend::Sqlite => format!("(i - 1) / {by} + 1"),
            Backend::MySql => format!("(i - 1) DIV {by} + 1"),
        };
        let email = match self.backend {
            Backend::Postgres | Backend::Sqlite => "i || '@example.com'",
            Backend::MySql => "CONCAT(i, '@example.com')",
        };
        add("BEGIN");
        add(&format!(
            "INSERT INTO users (id, email) SELECT i, {email} FROM {}",
            numbers(users)
        ));
        add(&format!(
            "INSERT INTO posts (id, user_id, title, content) SELECT i, {}, 'a title', '{text}' FROM {}",
            divided(rows.posts),
            numbers(posts)
        ));
        if comments > 0 {
            add(&format!(
                "INSERT INTO comments (id, post_id, body) SELECT i, {}, 'a comment' FROM {}",
                divided(rows.comments),
                numbers(comments)
            ));
        }
        add("COMMIT");
        match self.backend {
            Backend::Postgres => {
                add("SET session_replication_role = DEFAULT");
                add("VACUUM (ANALYZE) users, posts, comments");
            }
            Backend::MySql => {
                add("SET foreign_key_checks = 1");
                add("ANALYZE TABLE users, posts, comments");
            }
            Backend::Sqlite => {
                add("PRAGMA foreign_keys = ON");
                add("ANALYZE");
                add("PRAGMA wal_checkpoint(TRUNCATE)");
            }
        }
        self.raw.script(&statements).await
    }

    /// Fails if anything else is there than the rows that were to stay.
    pub(crate) async fn verify(&self, rows: Rows, deleted: bool) -> Result<()> {
        let users = rows.staying + if deleted { 0 } else { rows.roots };
        let posts = users * rows.posts;
        let expected = (
            i64::try_from(users)?,
            i64::try_from(posts)?,
            i64::try_from(posts * rows.comments)?,
        );
        let found = self.raw.numbers(sql::ALL, Keys::One(0)).await?;
        ensure!(found == expected, "{found:?} rows are left instead of {expected:?}");
        Ok(())
    }

    /// The engine's version.
    pub(crate) async fn version(&self) -> Result<String> {
        use sea_orm::{ConnectionTrait, Statement};
        let sql = match self.backend {
            Backend::Postgres => "SHOW server_version",
            Backend::MySql => "SELECT VERSION()",
            Backend::Sqlite => "SELECT sqlite_version()",
        };
        let statement = Statement::from_sql_and_values(self.backend.into(), sql, []);
        let row = self.sea_orm.query_one_raw(statement).await?;
        Ok(row.context("a version")?.try_get_by_index(0)?)
    }

    pub(crate) async fn discard(self) -> Result<()> {
        self.store.close().await?;
        self.scratch.discard().await
    }
}

const TABLES: [&str; 3] = ["comments", "posts", "users"];

fn tables(backend: Backend, constraints: Constraints) -> Vec<String> {
    let (text, moment, engine) = match backend {
        Backend::Postgres => ("text", "timestamptz NOT NULL DEFAULT now()", ""),
        Backend::MySql => (
            "text",
            "timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP",
            " ENGINE = InnoDB",
        ),
        Backend::Sqlite => ("text", "text NOT NULL DEFAULT CURRENT_TIMESTAMP", ""),
    };
    let key = match backend {
        Backend::Postgres | Backend::MySql => "bigint",
        Backend::Sqlite => "integer",
    };
    vec![
        format!(
            "CREATE TABLE users (id {key} NOT NULL PRIMARY KEY, email varchar(100) NOT NULL UNIQUE, created_at {moment}){engine}"
        ),
        format!(
            "CREATE TABLE posts (id {key} NOT NULL PRIMARY KEY, user_id {key} NOT NULL, title varchar(200) NOT NULL, content {text} NOT \
             NULL, published boolean NOT NULL DEFAULT true, created_at {moment}{}){engine}",
            constraints.clause("user_id", "users")
        ),
        "CREATE INDEX posts_user_id ON posts (user_id)".to_owned(),
        format!(
            "CREATE TABLE comments (id {key} NOT NULL PRIMARY KEY, post_id {key} NOT NULL, body {text} NOT NULL{}){engine}",
            constraints.clause("post_id", "posts")
        ),
        "CREATE INDEX comments_post_id ON comments (post_id)".to_owned(),
    ]
}
