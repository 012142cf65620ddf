//! Tests that need no database.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod delete;
mod diff;
mod docs;
mod generate;
mod layers;
mod lint;
mod overlay;
mod random;
mod render;
mod schema;
mod sends;
