//! The filter in front of a log that is made when something passes it. Most runs log nothing, and the log's
//! table of spans takes 32 KiB.

use std::sync::LazyLock;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, Subscriber};
use tracing::{Event, Metadata};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Filter, Layer, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

/// A log that does not exist before the first event or span that its filter lets through.
pub(super) struct OnDemand {
    filter: Targets,
    log: LazyLock<Log, Box<dyn FnOnce() -> Log + Send>>,
}

type Log = Box<dyn Subscriber + Send + Sync>;

impl OnDemand {
    pub(super) fn new(filter: Targets, lines: impl Layer<Registry> + Send + Sync) -> Self {
        let make = move || Box::new(tracing_subscriber::registry().with(lines)) as Log;
        Self {
            filter,
            log: LazyLock::new(Box::new(make)),
        }
    }
}

impl Subscriber for OnDemand {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let filter = &self.filter;
        filter.would_enable(metadata.target(), metadata.level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<Registry>::max_level_hint(&self.filter)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.log.new_span(span)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.log.record(span, values);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.log.record_follows_from(span, follows);
    }

    fn event(&self, event: &Event<'_>) {
        self.log.event(event);
    }

    fn enter(&self, span: &Id) {
        self.log.enter(span);
    }

    fn exit(&self, span: &Id) {
        self.log.exit(span);
    }

    fn clone_span(&self, span: &Id) -> Id {
        self.log.clone_span(span)
    }

    fn try_close(&self, span: Id) -> bool {
        self.log.try_close(span)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use tracing_subscriber::layer::Context;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines {
        are_made: Arc<AtomicBool>,
        are_written: Arc<AtomicBool>,
    }

    impl Layer<Registry> for Lines {
        fn on_layer(&mut self, _: &mut Registry) {
            self.are_made.store(true, Ordering::Relaxed);
        }

        fn on_event(&self, _: &Event<'_>, context: Context<'_, Registry>) {
            assert!(context.lookup_current().is_some(), "in its span");
            self.are_written.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_log_is_made_when_the_filter_lets_something_through() {
        let lines = Lines::default();
        let filter = Targets::new().with_target("test", LevelFilter::INFO);
        tracing::subscriber::with_default(OnDemand::new(filter, lines.clone()), || {
            tracing::warn!(target: "other", "of a library");
            tracing::debug!(target: "test", "too much");
            assert!(!lines.are_made.load(Ordering::Relaxed));
            tracing::info_span!(target: "test", "a span").in_scope(|| {
                tracing::info!(target: "test", "an event");
            });
        });
        assert!(lines.are_written.load(Ordering::Relaxed));
    }
}
