//! One span and one event for every operation.
//!
//! The span is `operation` with the fields `operation`, `backend` and `table`; when the operation ends, one DEBUG event in it carries
//! `rows`, `attempts`, `milliseconds`, and `error` with the kind's name if it failed. No bound value, key or URL is ever a field.
//! Each statement's text, with placeholders, is a TRACE event of the target `sea_orm_cascade::statement`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use tracing::{Instrument, Span};

use crate::backend::Backend;
use crate::error::{Result, milliseconds};

/// The target of the events that show each statement's text.
pub(crate) const STATEMENT: &str = "sea_orm_cascade::statement";

/// An operation that is under way.
pub(crate) struct Operation {
    span: Span,
    started: Instant,
    attempts: AtomicU32,
}

impl Operation {
    pub(crate) fn new(name: &'static str, backend: Backend, table: &str) -> Self {
        Self {
            span: tracing::debug_span!("operation", operation = name, backend = backend.name(), table),
            started: Instant::now(),
            attempts: AtomicU32::new(1),
        }
    }

    pub(crate) fn set_attempts(&self, attempts: u32) {
        self.attempts.store(attempts, Ordering::Relaxed);
    }

    /// Runs the operation in its span and reports its end; `rows` counts what it returned or changed.
    pub(crate) async fn run<T>(
        &self,
        work: impl Future<Output = Result<T>>,
        rows: impl FnOnce(&T) -> u64,
    ) -> Result<T> {
        let result = work.instrument(self.span.clone()).await;
        let error = result.as_ref().err().map(|error| error.kind().name());
        self.report(result.as_ref().map_or(0, rows), error);
        result
    }

    /// [`run`](Self::run) for a result and an error of the caller's own types, of which nothing may be shown.
    pub(crate) async fn run_opaque<T, X>(&self, work: impl Future<Output = Result<T, X>>) -> Result<T, X> {
        let result = work.instrument(self.span.clone()).await;
        self.report(0, result.is_err().then_some("rolled_back"));
        result
    }

    fn report(&self, rows: u64, error: Option<&'static str>) {
        let attempts = self.attempts.load(Ordering::Relaxed);
        let milliseconds = milliseconds(self.started.elapsed());
        self.span.in_scope(|| match error {
            None => tracing::debug!(rows, attempts, milliseconds, "done"),
            Some(error) => tracing::debug!(error, rows, attempts, milliseconds, "failed"),
        });
    }
}

/// The number of elements as a count of rows.
pub(crate) fn count<T>(rows: &[T]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}
