//! `posts.user_id`: required, indexed, a foreign key with ON DELETE CASCADE, on a table that has rows.
//!
//! Posts that are there already get an owner by this rule: **the oldest user, the one with the smallest id**. If there are posts and no
//! user, the migration refuses and changes nothing. Not one post is lost, on the way up or down; going down forgets who owned which.
//!
//! Writers of `posts` wait while this runs (PostgreSQL and SQLite), or may make it fail and be run again (MySQL, if a row without an
//! owner is inserted between its steps).

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::exclusive::migration_error;
use crate::sqlite_rebuild;

const INDEX: &str = "idx-posts-user_id";
const FOREIGN_KEY: &str = "fk-posts-user_id";
const OLDEST_USER: &str = "SELECT MIN(id) FROM users";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::Postgres => postgres_up(manager).await,
            DbBackend::MySql => mysql_up(manager).await,
            _ => sqlite_up(manager).await,
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            // The key and the index go with the column.
            DbBackend::Postgres => execute(manager, "ALTER TABLE posts DROP COLUMN user_id").await,
            DbBackend::MySql => mysql_down(manager).await,
            _ => sqlite_rebuild::remove_column(manager, "posts", "user_id").await,
        }
    }
}

/// One transaction, from the lock on.
async fn postgres_up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    execute(manager, "LOCK TABLE posts IN SHARE ROW EXCLUSIVE MODE").await?;
    refuse_posts_without_users(manager).await?;
    execute(manager, "ALTER TABLE posts ADD COLUMN user_id bigint").await?;
    execute(manager, &format!("UPDATE posts SET user_id = ({OLDEST_USER})")).await?;
    execute(manager, "ALTER TABLE posts ALTER COLUMN user_id SET NOT NULL").await?;
    create_index(manager).await?;
    manager.create_foreign_key(foreign_key()).await
}

/// Every statement commits by itself, so each step first looks whether an earlier run has done it.
async fn mysql_up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    refuse_posts_without_users(manager).await?;
    if !manager.has_column("posts", "user_id").await? {
        execute(manager, "ALTER TABLE posts ADD COLUMN user_id bigint NULL").await?;
    }
    execute(
        manager,
        &format!("UPDATE posts SET user_id = ({OLDEST_USER}) WHERE user_id IS NULL"),
    )
    .await?;
    execute(manager, "ALTER TABLE posts MODIFY COLUMN user_id bigint NOT NULL").await?;
    if !manager.has_index("posts", INDEX).await? {
        create_index(manager).await?;
    }
    if !mysql_has_foreign_key(manager).await? {
        manager.create_foreign_key(foreign_key()).await?;
    }
    Ok(())
}

async fn mysql_down(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    if mysql_has_foreign_key(manager).await? {
        execute(manager, &format!("ALTER TABLE posts DROP FOREIGN KEY `{FOREIGN_KEY}`")).await?;
    }
    if manager.has_column("posts", "user_id").await? {
        // The index goes with its only column.
        execute(manager, "ALTER TABLE posts DROP COLUMN user_id").await?;
    }
    Ok(())
}

async fn mysql_has_foreign_key(manager: &SchemaManager<'_>) -> Result<bool, DbErr> {
    let found = one_number(
        manager,
        &format!(
            "SELECT COUNT(*) FROM information_schema.referential_constraints \
             WHERE constraint_schema = DATABASE() AND table_name = 'posts' AND constraint_name = '{FOREIGN_KEY}'"
        ),
    )
    .await?;
    Ok(found > 0)
}

/// SQLite cannot add a required column with a foreign key to a table: the table is built anew.
async fn sqlite_up(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    refuse_posts_without_users(manager).await?;
    let column = sqlite_rebuild::NewColumn {
        name: "user_id",
        definition: "\"user_id\" integer NOT NULL",
        constraint: "FOREIGN KEY (\"user_id\") REFERENCES \"users\" (\"id\") ON DELETE CASCADE",
        value: OLDEST_USER,
    };
    sqlite_rebuild::add_column(manager, "posts", &column).await?;
    create_index(manager).await
}

async fn refuse_posts_without_users(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let users = one_number(
        manager,
        "SELECT COUNT(*) FROM (SELECT 1 FROM users LIMIT 1) AS first_user",
    )
    .await?;
    let posts = one_number(manager, "SELECT COUNT(*) FROM posts").await?;
    if users == 0 && posts > 0 {
        return Err(migration_error(format!(
            "nothing was changed: posts has {posts} rows and users has none that could own them; insert a user and migrate again"
        )));
    }
    Ok(())
}

async fn create_index(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    manager
        .create_index(Index::create().name(INDEX).table("posts").col("user_id").take())
        .await
}

fn foreign_key() -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(FOREIGN_KEY)
        .from("posts", "user_id")
        .to("users", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}

async fn execute(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    manager.get_connection().execute_unprepared(sql).await.map(drop)
}

async fn one_number(manager: &SchemaManager<'_>, sql: &str) -> Result<i64, DbErr> {
    let connection = manager.get_connection();
    let row = connection
        .query_one_raw(Statement::from_string(connection.get_database_backend(), sql))
        .await?;
    row.map_or(Ok(0), |row| row.try_get_by_index(0))
}
