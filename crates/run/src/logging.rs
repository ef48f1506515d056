//! Logging: `tracing` to standard error, as text for people or as JSON for collectors; one filter for
//! all programs.
//!
//! The filter is tracing-subscriber's `Targets`: of `EnvFilter`'s syntax it has levels and
//! `target=level`, not spans and fields, and it links no regular expressions into a program that runs
//! for milliseconds.

mod json;
mod on_demand;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

use std::io::{self, Write};

use regcred_core::{Clock, Env, EnvVar, shown};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::Registry;

use crate::error::ProgramError;
use on_demand::OnDemand;

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
///
/// # Errors
/// When `REGCRED_LOG` is not a filter.
pub fn init_logging(env: &Env, default: LevelFilter) -> Result<(), ProgramError> {
    let lines = fmt::layer().with_writer(|| ShownLine(io::stderr()));
    init(env, default, lines.without_time())
}

/// The same with one JSON object a line: `time`, `level`, `target`, and what is logged.
///
/// # Errors
/// When `REGCRED_LOG` is not a filter.
pub fn init_json_logging(
    env: &Env,
    default: LevelFilter,
    clock: Clock,
) -> Result<(), ProgramError> {
    init(env, default, json::Lines::new(clock, io::stderr))
}

fn init(
    env: &Env,
    default: LevelFilter,
    lines: impl Layer<Registry> + Send + Sync,
) -> Result<(), ProgramError> {
    let targets = targets(env.get(LOG.name), default).map_err(ProgramError::not_configured)?;
    let _ = tracing::subscriber::set_global_default(OnDemand::new(targets, lines));
    Ok(())
}

/// Writes each event as one line that a person may see. The layer writes an event in one piece.
struct ShownLine<W>(W);

impl<W: Write> Write for ShownLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = shown(text.trim_end_matches('\n')).replace('\n', " ");
        self.0.write_all((line + "\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

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
fn targets(list: Option<&str>, default: LevelFilter) -> Result<Targets, String> {
    let mut own = default;
    let mut named = Vec::new();
    let parts = list.unwrap_or_default().split(',').map(str::trim);
    for part in parts.filter(|part| !part.is_empty()) {
        let filter = part
            .split_once('=')
            .filter(|(target, _)| is_target(target))
            .and_then(|(target, level)| Some((target, level.trim().parse::<LevelFilter>().ok()?)));
        if let Ok(level) = part.parse() {
            own = level;
        } else if let Some((target, level)) = filter {
            named.push((target.trim().to_owned(), level));
        } else {
            return Err(format!(
                "{}: {part:?} is neither off, error, warn, info, debug or trace nor a \
                 TARGET=LEVEL",
                LOG.name
            ));
        }
    }
    Ok(Targets::new()
        .with_default(own.min(LevelFilter::WARN))
        .with_target(OWN, own)
        .with_targets(named))
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
        let targets = targets(Some(list), LevelFilter::WARN).expect(list);
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
        let list = "info,hyper=debug,regcred_cache=trace, aws_config = trace,";
        assert!(enabled(list, "hyper::client", Level::DEBUG));
        assert!(enabled(list, "regcred_cache", Level::TRACE));
        assert!(!enabled(list, "regcred_ecr", Level::DEBUG));
        assert!(enabled(list, "aws_config", Level::TRACE));
    }

    #[test]
    fn a_part_that_is_not_a_filter_is_an_error_that_names_it() {
        for (list, part) in [
            ("nope", "nope"),
            ("debug,a[span]=info", "a[span]=info"),
            ("x=loud,info", "x=loud"),
            ("=debug", "=debug"),
            ("9", "9"),
        ] {
            let error = targets(Some(list), LevelFilter::WARN).expect_err(list);
            let start = format!("REGCRED_LOG: {part:?} is neither off, ");
            assert!(error.starts_with(&start), "{error}");
        }
    }

    #[test]
    fn an_event_is_one_line_without_known_secrets() {
        regcred_core::know_secret("c4n4ry-line");
        let mut written = Vec::new();
        let event = b"WARN it failed: a\n ERROR \x1b[2Jc4n4ry-line at http://u:p@h/?q\n";
        ShownLine(&mut written).write_all(event).expect("written");
        let expected = "WARN it failed: a  ERROR  [2J[secret] at http://h/\n";
        assert_eq!(String::from_utf8_lossy(&written), expected);
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
