//! Log lines as JSON objects. Numbers and booleans keep their type; everything else is text.

use std::fmt;
use std::io::Write as _;

use chrono::SecondsFormat;
use regcred_core::{Clock, shown_json};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};

/// Writes each event as one line, in one piece.
pub(super) struct Lines<W> {
    clock: Clock,
    writer: W,
}

impl<W> Lines<W> {
    pub(super) fn new(clock: Clock, writer: W) -> Self {
        Self { clock, writer }
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        let time = self.clock.now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut fields = Fields(Map::new());
        fields.set("time", time);
        fields.set("level", meta.level().as_str().to_ascii_lowercase());
        fields.set("target", meta.target());
        event.record(&mut fields);
        let line = shown_json(&Value::Object(fields.0).to_string()) + "\n";
        let _ = self.writer.make_writer().write_all(line.as_bytes());
    }
}

struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use tracing::Metadata;
    use tracing::callsite::{Callsite, DefaultCallsite, Identifier};
    use tracing::field::FieldSet;
    use tracing::metadata::{Kind, Level};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::logging::testing::Log;

    static SITE: DefaultCallsite = DefaultCallsite::new(&META);
    static META: Metadata<'static> = Metadata::new(
        "event",
        "regcred_test",
        Level::WARN,
        None,
        None,
        None,
        FieldSet::new(
            &["message", "count", "share", "good", "who"],
            Identifier(&SITE),
        ),
        Kind::EVENT,
    );

    /// The event goes to the subscriber itself, whatever other tests have switched on or off.
    #[test]
    fn an_event_is_one_line() {
        let log = Log::default();
        let clock = Clock::fixed(DateTime::UNIX_EPOCH);
        let lines = Lines::new(clock, log.clone());
        let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(lines));
        let fields = SITE.metadata().fields();
        let mut names = fields.iter();
        let mut next = || names.next().expect("a field");
        let values = [
            (
                &next(),
                Some(&format_args!("two\nlines") as &dyn tracing::Value),
            ),
            (&next(), Some(&7_u64 as &dyn tracing::Value)),
            (&next(), Some(&0.5 as &dyn tracing::Value)),
            (&next(), Some(&true as &dyn tracing::Value)),
            (&next(), Some(&"a \"b\"" as &dyn tracing::Value)),
        ];
        dispatch.event(&Event::new(&META, &fields.value_set(&values)));
        assert_eq!(
            log.text(),
            "{\"count\":7,\"good\":true,\"level\":\"warn\",\"message\":\"two\\nlines\",\"share\":0.5,\
             \"target\":\"regcred_test\",\"time\":\"1970-01-01T00:00:00Z\",\
             \"who\":\"a \\\"b\\\"\"}\n"
        );
    }
}
