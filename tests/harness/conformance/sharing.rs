//! Many processes, one call: the cache on disk that all processes of a node share.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{Plugin, request};
use crate::program::Running;
use crate::{Finished, Program};

pub(super) fn check(plugin: &Plugin<'_>) {
    let directory = tempfile::tempdir().expect("a directory");
    let cache = directory.path().join("cache");
    let input = request("v1", plugin.cloud.image()).to_string();
    let start = || {
        let program = plugin.start().env("REGCRED_CACHE", &cache);
        program.stdin(input.as_str()).start()
    };

    let calls = plugin.cloud.calls();
    let together: Vec<Running> = (0..8).map(|_| start()).collect();
    let mut answers: Vec<String> = together
        .into_iter()
        .map(Running::finish)
        .map(|done| password(plugin, &done))
        .collect();
    answers.push(password(plugin, &start().finish()));
    answers.dedup();
    assert_eq!(answers.len(), 1, "all got the same token");
    assert_eq!(plugin.cloud.calls() - calls, 1, "one call served them all");
    only_ours(&cache);
    fresh_answer_is_cheap(plugin, &cache, &input);

    // A cache that cannot be used is not an error.
    std::fs::remove_dir_all(&cache).expect("our own directory");
    std::fs::write(&cache, "in the way").expect("a file");
    let _ = password(plugin, &start().finish());
}

/// A fresh answer takes less open files than a runtime: neither is one started nor a connection made.
fn fresh_answer_is_cheap(plugin: &Plugin<'_>, cache: &Path, input: &str) {
    let within_few_files = |cache: &OsStr| {
        let program = Program::new("/bin/sh").args(["-c", "ulimit -n 8 && exec \"$0\""]);
        let program = program.arg(&plugin.program).envs(plugin.cloud.env());
        program.env("REGCRED_CACHE", cache).stdin(input).run()
    };
    let _ = password(plugin, &within_few_files(cache.as_os_str()));
    let fetched = within_few_files(OsStr::new("off"));
    assert_ne!(fetched.code(), Some(0), "a fetch takes more");
}

fn password(plugin: &Plugin<'_>, done: &Finished) -> String {
    let login = plugin.login(&done.json());
    plugin.assert_issued(&login["username"], &login["password"]);
    login["password"].as_str().unwrap_or_default().to_owned()
}

/// Neither the directory nor a file in it may be read by others.
fn only_ours(path: &Path) {
    let mode = path.metadata().expect("our own file").permissions().mode();
    assert_eq!(mode & 0o077, 0, "{} is open to others", path.display());
    if path.is_dir() {
        for entry in path.read_dir().expect("our own directory") {
            only_ours(&entry.expect("an entry").path());
        }
    }
}
