//! Docker's face: a credential helper (docker-credential-helpers), whose error texts go to stdout.

use std::os::unix::fs::symlink;

use regcred_api::docker_helper;
use serde_json::json;

use super::{CANARY, FOREIGN, Plugin};
use crate::{Finished, Program};

pub(super) fn check(plugin: &Plugin<'_>) {
    let host = plugin.host();
    for asked in [
        host.to_owned(),
        format!("https://{host}"),
        format!("https://{host}/v1/"),
    ] {
        answers(plugin, &asked, plugin.start().args(["docker", "get"]));
    }
    by_its_name(plugin);

    let get = |input: &str| plugin.run(plugin.start().args(["docker", "get"]).stdin(input));
    refuses(&get(FOREIGN), docker_helper::NOT_FOUND);
    refuses(
        &get(&format!("https://{FOREIGN}")),
        docker_helper::NOT_FOUND,
    );
    refuses(&get(""), docker_helper::NO_SERVER_URL);
    refuses(&get("\n"), docker_helper::NO_SERVER_URL);

    let list = plugin.run(plugin.start().args(["docker", "list"]));
    assert!(list.json().is_object());
    let version = plugin.run(plugin.start().args(["docker", "version"]));
    assert_eq!(version.success().lines().count(), 1);
    let done = plugin.run(plugin.start().args(["docker", "dance"]));
    assert_ne!(done.code(), Some(0));

    let login = json!({"ServerURL": FOREIGN, "Username": "u", "Secret": CANARY});
    let done = plugin.run(
        plugin
            .start()
            .args(["docker", "store"])
            .stdin(login.to_string()),
    );
    assert!(!done.stdout().contains(CANARY), "a secret on stdout");
}

/// After the cloud went wrong: one line that says why, without a secret.
pub(super) fn check_failure(plugin: &Plugin<'_>) {
    let get = plugin.start().args(["docker", "get"]).stdin(plugin.host());
    let done = plugin.run(get);
    assert_eq!(done.code(), Some(1), "{}", done.stderr);
    assert_eq!(done.stdout().lines().count(), 1, "{}", done.stdout());
    plugin.assert_no_secret(&done.stdout());
}

fn answers(plugin: &Plugin<'_>, asked: &str, program: Program) {
    let answer = plugin.run(program.stdin(format!("{asked}\n"))).json();
    assert_eq!(answer["ServerURL"], asked);
    plugin.assert_issued(&answer["Username"], &answer["Secret"]);
    assert_eq!(answer.as_object().map_or(0, serde_json::Map::len), 3);
}

/// Under a name that begins `docker-credential-` it is a helper without being told.
fn by_its_name(plugin: &Plugin<'_>) {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join(plugin.cloud.helper());
    symlink(&plugin.program, &link).expect("a link");
    let start = || Program::new(&link).envs(plugin.cloud.env());
    answers(plugin, plugin.host(), start().arg("get"));
    let done = plugin.run(start().arg("get").stdin(FOREIGN));
    refuses(&done, docker_helper::NOT_FOUND);
}

#[track_caller]
fn refuses(done: &Finished, text: &str) {
    assert_eq!(
        (done.code(), done.stdout().trim_end()),
        (Some(1), text),
        "{}",
        done.stderr
    );
}
