//! Posts.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;

/// A post of a user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "posts")]
pub struct Model {
    /// The primary key; the database counts it up.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The title.
    pub title: String,
    /// The text.
    #[sea_orm(column_type = "Text")]
    pub content: String,
    /// Whether others see it; yes, unless said otherwise.
    #[sea_orm(default_value = true)]
    pub published: bool,
    /// When the row was inserted, by the database's clock.
    #[sea_orm(default_expr = "Expr::current_timestamp()")]
    pub created_at: DateTimeUtc,
    /// The user who owns it.
    pub user_id: i64,
    /// The user who owns it. When the user goes, so does the post.
    #[sea_orm(belongs_to, from = "user_id", to = "id", on_delete = "Cascade")]
    pub user: HasOne<super::user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

/// A post of this user, to insert.
pub fn new(user_id: i64, title: impl Into<String>, content: impl Into<String>) -> ActiveModel {
    ActiveModel {
        title: Set(title.into()),
        content: Set(content.into()),
        user_id: Set(user_id),
        ..Default::default()
    }
}

/// A change that gives posts to this user.
#[must_use]
pub fn owner(user_id: i64) -> ActiveModel {
    ActiveModel {
        user_id: Set(user_id),
        ..Default::default()
    }
}
