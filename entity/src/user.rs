//! Users.

use std::fmt;

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;

/// A user.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// The primary key; the database counts it up.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// No two users have the same.
    #[sea_orm(unique)]
    pub email: String,
    /// What a password hashing library made of the password.
    pub password_hash: PasswordHash,
    /// When the row was inserted, by the database's clock.
    #[sea_orm(default_expr = "Expr::current_timestamp()")]
    pub created_at: DateTimeUtc,
    /// The user's posts.
    #[sea_orm(has_many)]
    pub posts: HasMany<super::post::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

/// A password's hash, which neither `Debug` nor `Display` shows.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps a hash. It is stored as it is: hash the password first.
    pub fn new(hash: impl Into<String>) -> Self {
        Self(hash.into())
    }

    /// The hash, to verify a password against.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(<hidden>)")
    }
}

impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<hidden>")
    }
}

/// A user to insert.
pub fn new(email: impl Into<String>, password_hash: impl Into<String>) -> ActiveModel {
    ActiveModel {
        email: Set(email.into()),
        password_hash: Set(PasswordHash::new(password_hash)),
        ..Default::default()
    }
}
