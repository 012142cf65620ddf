//! Hooks.

use super::plan::Plan;
use crate::connection::Connection;
use crate::error::{Error, Result};

impl Plan {
    pub(super) fn hooked_text(&self, _: usize) -> String {
        String::new()
    }

    pub(super) async fn in_batches(&self, _: &Connection, _: usize) -> Result<()> {
        Err(Error::invalid_input("not yet"))
    }
}
