//! `cache show` and `cache clear`: the shared cache, for people. No secret is printed.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use regcred_cache::{CacheDir, ListedEntry};
use regcred_run::{ProgramError, Streams};

use crate::context::Context;

/// Lists the entries in every cache directory, one line each.
pub(crate) fn show(context: &Context<'_>, streams: &mut Streams<'_>) -> Result<(), ProgramError> {
    each_directory(context, streams, |dir| {
        let entries = dir.list();
        let lines = entries.iter().map(|entry| line(entry, context.clock.now()));
        format!("{} in {}\n", count(entries.len()), dir.path().display())
            + &lines.collect::<String>()
    })
}

/// Removes the entries in every cache directory.
pub(crate) fn clear(context: &Context<'_>, streams: &mut Streams<'_>) -> Result<(), ProgramError> {
    each_directory(context, streams, |dir| {
        format!(
            "{} removed from {}\n",
            count(dir.clear()),
            dir.path().display()
        )
    })
}

fn each_directory(
    context: &Context<'_>,
    streams: &mut Streams<'_>,
    text: impl Fn(&CacheDir) -> String,
) -> Result<(), ProgramError> {
    let dirs = context.cache_dirs()?;
    if dirs.is_empty() {
        return streams.text("the cache is off\n");
    }
    let text: String = dirs.iter().map(text).collect();
    streams.text(&text)
}

fn count(entries: usize) -> String {
    match entries {
        1 => "1 entry".to_owned(),
        n => format!("{n} entries"),
    }
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

#[cfg(test)]
mod tests {
    use crate::fake::{self, CANARY};
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
    fn every_directory_of_several_providers_is_shown_and_cleared() {
        let root = tempfile::tempdir().unwrap();
        let paths = ["one", "two"].map(|name| root.path().join(name));
        let [one, two] = paths.each_ref().map(|path| path.to_str().unwrap());
        let run = |line: &str| {
            Started::new("docker-credential-regcred", line)
                .clouds(&[&fake::SPEC, &fake::OTHER])
                .env(&[("FAKE_CACHE_DIR", one), ("OTHER_CACHE_DIR", two)])
                .run()
        };
        for host in ["fake.io", "other.io"] {
            assert!(run(&format!("token {host}")).stdout.contains(CANARY));
        }
        let shown = run("cache show").stdout;
        for text in [one, two, "fake: fake.io as", "other: other.io as"] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        assert_eq!(
            run("cache clear").stdout,
            format!("1 entry removed from {one}\n1 entry removed from {two}\n")
        );
        let shown = run("cache show").stdout;
        assert_eq!(shown, format!("0 entries in {one}\n0 entries in {two}\n"));
    }

    #[test]
    fn a_directory_that_is_named_and_unusable_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "").unwrap();
        for (variable, value, text) in [
            (
                "REGCRED_CACHE",
                file.to_str().unwrap(),
                "or not a directory\n",
            ),
            (
                "FAKE_CACHE_DIR",
                file.to_str().unwrap(),
                "or not a directory\n",
            ),
            (
                "REGCRED_CACHE",
                "/proc/none/cache",
                "cannot use the cache directory",
            ),
            ("REGCRED_CACHE", "cache", "neither off nor an absolute path"),
        ] {
            for line in ["cache show", "cache clear"] {
                let answer = Started::new("fake-credential-provider", line)
                    .env(&[(variable, value)])
                    .run();
                assert_eq!((answer.code, &*answer.stdout), (4, ""), "{line} {value}");
                assert!(answer.stderr.contains(text), "{}", answer.stderr);
            }
        }
    }

    #[test]
    fn a_cache_that_is_off_is_named_as_such() {
        let answer = Started::new("fake-credential-provider", "cache show")
            .env(&[("REGCRED_CACHE", "off")])
            .run();
        assert_eq!((answer.code, &*answer.stdout), (0, "the cache is off\n"));
    }
}
