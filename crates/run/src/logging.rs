//! Logging: `tracing` to standard error, as text for people or as JSON for collectors; one filter for
//! all programs.
//!
//! The filter is tracing-subscriber's `Targets`: of `EnvFilter`'s syntax it has levels and
//! `target=level`, not spans and fields, and it links no regular expressions into a program that runs
//! for milliseconds.

mod json;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

use std::io;

use regcred_core::{Clock, Env, EnvVar};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, Layered, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

/// The variable that decides what is logged.
pub const LOG: EnvVar = EnvVar::new(
    "REGCRED_LOG",
    "What is logged on standard error: a level (`off` to `trace`) or a list of \
     `target=level`. A bare level counts for this program's own parts; its libraries stay at \
     `warn` unless named.",
    "`warn`",
);

/// Starts logging to standard error, filtered by `REGCRED_LOG`, else by the level given. Does nothing
/// if logging is already on.
pub fn init_logging(env: &Env, default: LevelFilter) {
    let lines = fmt::layer().with_writer(io::stderr).without_time();
    init(env, default, lines);
}

/// The same with one JSON object a line: `time`, `level`, `target`, and what is logged.
pub fn init_json_logging(env: &Env, default: LevelFilter, clock: Clock) {
    init(env, default, json::Lines::new(clock, io::stderr));
}

fn init(env: &Env, default: LevelFilter, lines: impl Layer<Filtered> + Send + Sync) {
    let (targets, unreadable) = targets(env.get(LOG.name), default);
    let subscriber = tracing_subscriber::registry().with(targets).with(lines);
    if tracing::subscriber::set_global_default(subscriber).is_ok() && !unreadable.is_empty() {
        tracing::warn!(
            "{} has parts that are not filters: {unreadable:?}",
            LOG.name
        );
    }
}

type Filtered = Layered<Targets, Registry>;

/// The level of klog's `-v N`.
#[must_use]
pub fn klog_level(verbosity: u32) -> LevelFilter {
    match verbosity {
        0 => LevelFilter::WARN,
        1 | 2 => LevelFilter::INFO,
        3..=5 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

/// A bare level applies to our own crates. Libraries may log secrets: they stay at `warn` unless the
/// list names them.
fn targets(list: Option<&str>, default: LevelFilter) -> (Targets, Vec<String>) {
    let mut own = default;
    let mut named = Vec::new();
    let mut unreadable = Vec::new();
    let parts = list.unwrap_or_default().split(',').map(str::trim);
    for part in parts.filter(|part| !part.is_empty()) {
        let (target, level) = part.split_once('=').unwrap_or((part, "trace"));
        if let Ok(level) = part.parse() {
            own = level;
        } else if let (true, Ok(level)) = (is_target(target), level.trim().parse::<LevelFilter>()) {
            named.push((target.trim().to_owned(), level));
        } else {
            unreadable.push(part.to_owned());
        }
    }
    let targets = Targets::new()
        .with_default(own.min(LevelFilter::WARN))
        .with_target(OWN, own)
        .with_targets(named);
    (targets, unreadable)
}

fn is_target(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'-' | b' ' | b'.');
    !text.trim().is_empty() && text.bytes().all(legal)
}

/// The beginning of every module path of ours.
const OWN: &str = "regcred";

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    fn enabled(list: &str, target: &str, level: Level) -> bool {
        let (targets, unreadable) = targets(Some(list), LevelFilter::WARN);
        assert!(unreadable.is_empty(), "{unreadable:?}");
        targets.would_enable(target, &level)
    }

    #[test]
    fn a_bare_level_does_not_open_the_libraries() {
        assert!(enabled("", "regcred_ecr", Level::WARN));
        assert!(!enabled("", "regcred_ecr", Level::INFO));
        assert!(enabled("trace", "regcred_ecr::provider", Level::TRACE));
        assert!(enabled("trace", "hyper", Level::WARN));
        assert!(!enabled("trace", "hyper", Level::INFO));
        assert!(!enabled("error", "hyper", Level::WARN));
        assert!(!enabled("off", "regcred_ecr", Level::ERROR));
    }

    #[test]
    fn what_is_named_is_opened() {
        let list = "info,hyper=debug,regcred_cache=trace,aws_config";
        assert!(enabled(list, "hyper::client", Level::DEBUG));
        assert!(enabled(list, "regcred_cache", Level::TRACE));
        assert!(!enabled(list, "regcred_ecr", Level::DEBUG));
        assert!(enabled(list, "aws_config", Level::TRACE));
    }

    #[test]
    fn parts_that_are_no_filter_are_named_and_the_rest_holds() {
        let list = "debug,a[span]=info,x=loud";
        let (targets, unreadable) = targets(Some(list), LevelFilter::WARN);
        assert_eq!(unreadable, ["a[span]=info", "x=loud"]);
        assert!(targets.would_enable("regcred", &Level::DEBUG));
    }

    #[test]
    fn klog_verbosity_raises_the_level() {
        let levels = [0, 2, 3, 4, 6, 10].map(klog_level);
        assert_eq!(
            levels,
            [
                LevelFilter::WARN,
                LevelFilter::INFO,
                LevelFilter::DEBUG,
                LevelFilter::DEBUG,
                LevelFilter::TRACE,
                LevelFilter::TRACE
            ]
        );
    }
}
