//! Tests that need no database.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod layers;
mod lint;
mod schema;
mod sends;
