//! `cache show` and `cache clear`: the shared cache, for people. No secret is printed.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use regcred_cache::{CacheDir, ListedEntry};
use regcred_run::{ProgramError, Streams};

use crate::context::Context;
use crate::vars;

/// Lists the entries of all providers, one line each.
pub(crate) fn show(context: &Context<'_>, streams: &mut Streams<'_>) -> Result<(), ProgramError> {
    let Some(dir) = directory(context) else {
        return streams.write(OFF.as_bytes());
    };
    let entries = dir.list();
    let mut text = format!("{} in {}\n", count(entries.len()), dir.path().display());
    for entry in &entries {
        text.push_str(&line(entry, context.clock.now()));
    }
    streams.write(text.as_bytes())
}

/// Removes the entries of all providers.
pub(crate) fn clear(context: &Context<'_>, streams: &mut Streams<'_>) -> Result<(), ProgramError> {
    let Some(dir) = directory(context) else {
        return streams.write(OFF.as_bytes());
    };
    let path = dir.path().display();
    let text = format!("{} removed from {path}\n", count(dir.clear()));
    streams.write(text.as_bytes())
}

fn count(entries: usize) -> String {
    match entries {
        1 => "1 entry".to_owned(),
        n => format!("{n} entries"),
    }
}

fn directory(context: &Context<'_>) -> Option<CacheDir> {
    let spec = context.specs.first()?;
    CacheDir::resolve(&vars::with_cache_names(spec, &context.env))
}

fn line(entry: &ListedEntry, now: DateTime<Utc>) -> String {
    let logins = entry.logins.iter();
    let logins: Vec<_> = logins
        .map(|(key, user)| format!("{key} as {user}"))
        .collect();
    let logins = if logins.is_empty() {
        "no credentials".to_owned()
    } else {
        logins.join(", ")
    };
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let left = entry.expires_at - now;
    let left = if left > TimeDelta::zero() {
        format!("{}h{:02}m left", left.num_hours(), left.num_minutes() % 60)
    } else {
        "expired".to_owned()
    };
    format!(
        "{}: {logins}, issued {}, expires {} ({left})\n",
        entry.provider,
        time(entry.issued_at),
        time(entry.expires_at)
    )
}

const OFF: &str = "the cache is off\n";

#[cfg(test)]
mod tests {
    use crate::fake::CANARY;
    use crate::run::testing::Started;

    #[test]
    fn entries_are_shown_without_secrets_and_removed() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("cache");
        let path = path.to_str().unwrap();
        let run = |line: &str| {
            Started::new("fake-credential-provider", line)
                .env(&[("FAKE_CACHE_DIR", path)])
                .run()
        };
        assert!(run("token fake.io").stdout.contains(CANARY));
        let shown = run("cache show").stdout;
        assert_eq!(
            shown,
            format!(
                "1 entry in {path}\nfake: fake.io as AWS, issued 2023-11-14T22:13:20Z, expires \
                 2023-11-15T10:13:20Z (12h00m left)\n"
            )
        );
        assert_eq!(
            run("cache clear").stdout,
            format!("1 entry removed from {path}\n")
        );
        assert_eq!(run("cache").stdout, format!("0 entries in {path}\n"));
    }

    #[test]
    fn a_cache_that_is_off_is_told() {
        let answer = Started::new("fake-credential-provider", "cache show")
            .env(&[("REGCRED_CACHE", "off")])
            .run();
        assert_eq!((answer.code, &*answer.stdout), (0, "the cache is off\n"));
    }
}
