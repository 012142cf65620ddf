//! [`On`]: what a plan is carried out on.

use super::hooks::Calls;
use crate::connection::Connection;
use crate::error::Result;

/// What a plan is carried out on: a [`Store`](crate::Store), whose hooks are called, or a [`Connection`], which has none.
#[expect(private_bounds, reason = "nobody else is to implement it")]
pub trait On: Called {
    /// The connection.
    fn connection(&self) -> &Connection;
}

/// Who is called.
pub(crate) trait Called: Sync {
    fn calls(&self) -> impl Future<Output = Result<Calls>> + Send;
}

impl On for Connection {
    fn connection(&self) -> &Connection {
        self
    }
}

impl Called for Connection {
    async fn calls(&self) -> Result<Calls> {
        Ok(Calls::none())
    }
}
