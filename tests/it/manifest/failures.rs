//! Commands that fail or are killed, and what they leave.

use std::fs;

use regcred_tests::namespace::in_namespace;
use regcred_tests::program::built;
use regcred_tests::registry::Access;
use regcred_tests::{Image, Program, Registry, TokenServer};
use serde_json::json;
use tempfile::TempDir;

use super::bench::{Bench, contents};

#[test]
fn a_push_with_a_login_that_may_only_pull_names_it_and_what_to_do() {
    let tokens = TokenServer::start();
    for (user, actions) in [("ci", &["pull", "push"][..]), ("node", &["pull"])] {
        tokens.add(user, "s3cret");
        for repository in ["team/src", "team/app"] {
            tokens.allow(user, repository, actions);
        }
    }
    let Some(registry) = Registry::start(&Access::Token(&tokens)) else {
        return;
    };
    let image = Image::multi_arch(40, 1_000, 100);
    let Some(()) = registry.push(&image, "team/src:v1", Some(("ci", "s3cret"))) else {
        return;
    };
    let home = TempDir::new().expect("a directory");
    let logins = |user: &str| {
        use base64::Engine as _;
        let auth = base64::engine::general_purpose::STANDARD.encode(format!("{user}:s3cret"));
        let config = json!({"auths": {registry.authority(): {"auth": auth}}});
        fs::write(home.path().join("config.json"), config.to_string()).expect("written");
    };
    let manifest = |args: &[&str]| {
        let program = Program::ours("regcred").arg("manifest").args(args);
        let program = program.env("HOME", "/nowhere");
        program.env("DOCKER_CONFIG", home.path()).run()
    };
    let name = |name: &str| format!("{}/{name}", registry.authority());
    let (list, source) = (name("team/app:v1"), name("team/src:v1"));
    logins("node");
    let _ = manifest(&["create", &list, &source]).success();
    let refused = manifest(&["push", &list]);
    assert_eq!(refused.code(), Some(6), "{}", refused.stderr);
    let last = refused.stderr.lines().last().unwrap_or_default();
    for part in [
        "push access denied",
        "user node",
        "can only pull on most clouds",
    ] {
        assert!(last.contains(part), "{last}");
    }
    assert!(!refused.stderr.contains("s3cret"));
    logins("ci");
    let _ = manifest(&["push", &list]).success();
    let missing = manifest(&["inspect", &name("team/app:v9")]);
    let lines: Vec<_> = missing.stderr.lines().collect();
    let app = name("team/app:v9");
    assert_eq!(lines[0], format!("no such manifest: {app}"));
    assert!(
        lines[1].starts_with(&format!("{app}: fails with ")),
        "{}",
        lines[1]
    );
}

#[test]
fn a_create_that_fails_leaves_the_lists_as_they_were() {
    let Some(bench) = Bench::start(41) else {
        return;
    };
    let (new, amd64) = (bench.name("team/new:v1"), bench.name("team/app-amd64:v1"));
    let missing = bench.name("team/none:v1");
    let failed = bench.manifest(&["create", &new, &amd64, &missing]);
    assert_eq!((failed.code(), &*failed.stdout()), (Some(6), ""));
    let lines: Vec<_> = failed.stderr.lines().collect();
    assert_eq!(lines[0], format!("no such manifest: {missing}"));
    assert!(
        lines[1].ends_with("a login is missing or may not pull"),
        "{}",
        lines[1]
    );
    assert!(!bench.store(&new).exists());

    let list = bench.create();
    let before = contents(&bench.store(&list));
    let failed = bench.manifest(&["create", "--amend", &list, &amd64, &missing]);
    assert_eq!(failed.code(), Some(6));
    let refused = bench.manifest(&["create", &list, &amd64]);
    let expected = "refusing to amend an existing manifest list with no --amend flag";
    assert_eq!(refused.fails(2), expected);
    assert_eq!(contents(&bench.store(&list)), before);

    let file = bench.store(&list).join("docker.io_library_broken-v1");
    fs::write(&file, "{").expect("written");
    for args in [&["inspect", &list][..], &["push", &list]] {
        let broken = bench.manifest(args);
        let error = broken.fails(4);
        assert!(error.contains("docker.io_library_broken-v1"), "{error}");
        assert!(error.contains("regcred manifest rm"), "{error}");
    }
    let gone = bench.name("team/gone:v1");
    let removed = bench.manifest(&["rm", &gone, &list]);
    assert_eq!(removed.fails(2), format!("No such manifest: {gone}"));
    assert!(!bench.store(&list).exists(), "all that can be is removed");
}

/// At whatever point it is killed: the list is the old one or the new one, and the next command works.
#[test]
fn a_killed_command_leaves_a_whole_list() {
    let Some(bench) = Bench::start(42) else {
        return;
    };
    let list = bench.create();
    let arm64 = bench.name("team/app-arm64:v1");
    let before = contents(&bench.store(&list));
    for step in 0..24_u64 {
        let variant = format!("v8.{}", step % 9);
        let annotate = ["annotate", "--variant", &variant, &list, &arm64];
        let mut running = bench.program(&annotate).start();
        // Nothing is waited for: each step kills at another point.
        std::thread::sleep(std::time::Duration::from_micros(step * 400));
        running.kill();
        let _ = running.finish();
        let found = contents(&bench.store(&list));
        assert_eq!(found.len(), before.len(), "step {step}");
        let _ = bench.manifest(&["inspect", &list]).success();
    }
    let _ = bench
        .manifest(&["annotate", "--variant", "v8", &list, &arm64])
        .success();
    let lists = bench.home.path().join(".docker/manifests");
    assert_eq!(fs::read_dir(lists).expect("readable").count(), 1);
}

#[test]
fn a_full_disk_is_named_and_leaves_the_list() {
    let Some(bench) = Bench::start(43) else {
        return;
    };
    let disk = bench.home.path().join("disk");
    fs::create_dir(&disk).expect("made");
    let program = built("regcred");
    let (list, arm64) = (bench.create(), bench.name("team/app-arm64:v1"));
    let store = bench.home.path().join(".docker/manifests");
    let (disk, program) = (disk.display(), program.display());
    let setup = format!(
        "mount -t tmpfs -o size=24k tmpfs {disk} && cp -r {} {disk}/manifests",
        store.display()
    );
    let command = format!(
        "export DOCKER_CONFIG={disk}; dd if=/dev/zero of={disk}/filler bs=4k 2>/dev/null; \
         {program} manifest annotate --variant v8 {list} {arm64} 2>&1; echo code $?; \
         rm {disk}/filler; {program} manifest inspect {list} {arm64} | grep schemaVersion; ls -A {disk}/manifests"
    );
    let Some(inside) = in_namespace(&setup, &command) else {
        return;
    };
    let output = inside.run().success();
    assert!(output.contains("No space left on device"), "{output}");
    assert!(output.contains("code 4"), "{output}");
    assert!(output.contains("schemaVersion"), "{output}");
    let kept = list.replace(':', "-").replace('/', "_");
    let last = output.trim_end().lines().last();
    assert_eq!(last, Some(&*kept), "nothing else: {output}");
}
