//! Log lines of the daemon: one JSON object each, for whatever collects them. Text lines are those
//! of every program of this project.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use regcred_core::{Clock, Env};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use crate::secret::rfc3339;

/// Starts logging in JSON to standard error. A level alone in `REGCRED_LOG` is for our own code;
/// libraries stay at `warn` unless they are named.
pub(crate) fn init_json(env: &Env, clock: Clock) {
    let list = env.get("REGCRED_LOG").unwrap_or_default();
    let layer = Lines { clock };
    let subscriber = tracing_subscriber::registry()
        .with(targets(list))
        .with(layer);
    let _ = tracing::subscriber::set_global_default(subscriber);
}

fn targets(list: &str) -> Targets {
    let mut own = LevelFilter::INFO;
    let mut named = Vec::new();
    for part in list
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        if let Ok(level) = part.parse() {
            own = level;
        } else if let Some((target, level)) = part.split_once('=')
            && let Ok(level) = level.parse::<LevelFilter>()
        {
            named.push((target.to_owned(), level));
        }
    }
    Targets::new()
        .with_default(own.min(LevelFilter::WARN))
        .with_target("regcred", own)
        .with_targets(named)
}

struct Lines {
    clock: Clock,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields(Map::new());
        let meta = event.metadata();
        fields
            .0
            .insert("time".to_owned(), rfc3339(self.clock.now()).into());
        let level = meta.level().as_str().to_ascii_lowercase();
        fields.0.insert("level".to_owned(), level.into());
        fields.0.insert("target".to_owned(), meta.target().into());
        event.record(&mut fields);
        let line = format!("{}\n", Value::Object(fields.0));
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        self.set(field, text);
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_stay_quiet_unless_named() {
        let targets = targets("debug,hyper=trace");
        assert!(targets.would_enable("regcred_refresh::daemon", &Level::DEBUG));
        assert!(!targets.would_enable("kube_client", &Level::INFO));
        assert!(targets.would_enable("hyper", &Level::TRACE));
    }
}
