//! A clock that is off, as far as this machine alone can show it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_exec::Exec;

use super::finding::{Finding, Place};
use super::validity::CLOCK;

/// The finding for files that were written in the future: either the clock was ahead then, or it is
/// behind now. The last of them is named.
pub(super) fn future(files: &[PathBuf], now: DateTime<Utc>) -> Option<Finding> {
    let written = files.iter().filter_map(|file| {
        let at = file.metadata().and_then(|about| about.modified()).ok()?;
        Some((DateTime::<Utc>::from(at), file))
    });
    let (at, file) = written.max()?;
    (at > now + TimeDelta::minutes(1)).then(|| {
        let at = at.format("%Y-%m-%dT%H:%M:%SZ");
        let what = format!("the file was written at {at}, which is in the future: this machine's clock is off, or was then");
        Finding::warning(Place::file(file), what, CLOCK)
    })
}

/// The finding for a kernel whose clock no NTP client keeps, as `timedatectl` reports it; `None` also
/// without that program.
pub(super) async fn unsynchronised(timedatectl: &Path) -> Option<Finding> {
    let asked = Exec::new(timedatectl).args(["show", "--property=NTPSynchronized", "--value"]);
    let answer = asked
        .deadline(Duration::from_secs(5))
        .max_stdout(64)
        .run()
        .await;
    (answer.ok()?.stdout.trim_ascii() == b"no").then(|| {
        let what = "no NTP client keeps this machine's clock (timedatectl: NTPSynchronized=no): a cloud \
                    refuses requests that are signed at a wrong time";
        Finding::warning(Place::default(), what, CLOCK)
    })
}

/// Where systemd has it.
pub(super) const TIMEDATECTL: &str = "/usr/bin/timedatectl";

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use regcred_core::Clock;
    use regcred_run::{ProgramError, block_on_until_signal};

    use super::*;

    fn ask(timedatectl: &Path) -> Option<Finding> {
        let asked = block_on_until_signal(async {
            Ok::<_, ProgramError>(unsynchronised(timedatectl).await)
        });
        asked.expect("not interrupted")
    }

    #[test]
    fn a_file_that_was_written_in_the_future_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        fs::write(&old, "").expect("a file");
        let now = Clock::system().now();
        let ahead = now + TimeDelta::hours(2);
        let file = File::create(&new).expect("a file");
        file.set_modified(ahead.into()).expect("a time");
        let found = future(&[old.clone(), new.clone()], now).expect("in the future");
        assert_eq!(found.place.file, Some(new));
        assert_eq!(future(&[old, dir.path().join("missing")], now), None);
    }

    #[test]
    fn a_clock_that_is_not_synchronised_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, script, expected) in [
            (
                "a",
                "[ \"$*\" = 'show --property=NTPSynchronized --value' ] && echo no\n",
                true,
            ),
            ("b", "echo yes\n", false),
            ("c", "echo no >&2; exit 1\n", false),
        ] {
            let program = dir.path().join(name);
            regcred_tests::program::script(&program, script);
            let found = ask(&program);
            assert_eq!(found.is_some(), expected, "{script}");
        }
        assert_eq!(ask(&dir.path().join("none")), None);
    }
}
