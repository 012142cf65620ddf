//! What the code under test logged: the statements it sent, and every word it let out.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::span::{Attributes, Record};
use tracing::{Event, Id, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

/// Everything at every level, by whichever crate, while a future runs.
#[derive(Clone, Default)]
pub(crate) struct Log {
    entries: Arc<Mutex<Vec<Entry>>>,
    sent: Arc<AtomicUsize>,
}

const STATEMENT: &str = "sea_orm_cascade::statement";

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) target: String,
    pub(crate) text: String,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn capture<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        future.with_subscriber(Registry::default().with(self.clone()))
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap().clone()
    }

    /// The statements, BEGIN and COMMIT included, in their order.
    pub(crate) fn statements(&self) -> Vec<String> {
        let entries = self.entries();
        let sent = entries.iter().filter(|entry| entry.target == STATEMENT);
        sent.filter_map(|entry| {
            Some(
                entry
                    .text
                    .split_once("statement=\"")?
                    .1
                    .trim_end()
                    .trim_end_matches('"')
                    .to_owned(),
            )
        })
        .collect()
    }

    /// How many statements there have been so far.
    pub(crate) fn count(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// The operations' closing events.
    pub(crate) fn operations(&self) -> Vec<String> {
        let entries = self.entries();
        let ended = entries
            .iter()
            .filter(|entry| entry.target == "sea_orm_cascade::observe" && !entry.text.starts_with("span "));
        ended.map(|entry| entry.text.clone()).collect()
    }

    fn push(&self, target: &str, text: String) {
        if target == STATEMENT {
            self.sent.fetch_add(1, Ordering::Relaxed);
        }
        self.entries.lock().unwrap().push(Entry {
            target: target.to_owned(),
            text,
        });
    }
}

impl<S: Subscriber> Layer<S> for Log {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut text = Text(format!("span {} ", attributes.metadata().name()));
        attributes.record(&mut text);
        self.push(attributes.metadata().target(), text.0);
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        self.push(event.metadata().target(), text.0);
    }
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!("{}={value:?} ", field.name()));
    }
}

/// Listens to everything and keeps nothing. A test's log is one of several subscribers that come and go; one that stays keeps what they
/// listen to from being switched off meanwhile.
pub(crate) struct Listening;

impl Subscriber for Listening {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
