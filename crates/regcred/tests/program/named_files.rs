//! Files and directories that an option names, and those that are found.

use std::fs;
use std::path::{Path, PathBuf};

use super::regcred;

#[test]
fn a_missing_directory_of_hosts_is_an_error() {
    for command in [
        ["explain", "--hosts-dir=/proc/none"],
        ["pull", "--hosts-dir=/proc/none"],
    ] {
        let done = regcred().args(command).arg("127.0.0.1:1/app").run();
        assert_eq!(done.code(), Some(4), "{}", done.stderr);
        assert!(done.stderr.contains("/proc/none is not"), "{}", done.stderr);
    }
}

#[test]
fn a_named_file_that_cannot_be_used_is_an_error_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("a file");
        path
    };
    let fifo = fifo(&dir.path().join("fifo"));
    let missing = dir.path().join("missing");
    let cut = file("cut.json", r#"{"auths":{"h.io":"#);
    let bad_entry = file("entry.json", r#"{"auths":{"h.io":{"auth":"%canary"}}}"#);
    let opaque = file(
        "opaque.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {.dockerconfigjson: e30=}\n",
    );
    let pod = file(
        "pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n",
    );
    let empty = file("empty", "");
    for (flag, path, why) in [
        ("--docker-config", &missing, "missing"),
        ("--docker-config", &dir.path().to_owned(), "Is a directory"),
        ("--docker-config", &fifo, "it is not a regular file"),
        ("--docker-config", &cut, "unexpected end of JSON input"),
        ("--docker-config", &bad_entry, "illegal base64 data"),
        ("--pull-secret", &missing, "cannot read"),
        ("--pull-secret", &fifo, "it is not a regular file"),
        (
            "--pull-secret",
            &opaque,
            "\"Opaque\" is not a pull secret's",
        ),
        ("--pull-secret", &pod, "is not a Secret"),
        ("--pull-secret", &empty, "it is empty"),
        ("--root-dir", &missing, "is not a directory"),
        ("--service-account-token", &missing, "cannot read"),
        ("--service-account-token", &empty, "it is empty"),
        ("--service-account-token", &fifo, "it is not a regular file"),
    ] {
        let store = dir.path().join("store");
        for command in ["pull", "explain"] {
            let mut program = regcred().arg(command).arg("127.0.0.1:1/app:v1");
            if command == "pull" {
                program = program.arg("--store").arg(&store);
            }
            let done = program.arg(flag).arg(path).env("HOME", dir.path()).run();
            let shown = format!("{command} {flag} {}: {}", path.display(), done.stderr);
            assert_eq!(done.code(), Some(4), "{shown}");
            assert!(done.stderr.contains(why), "{shown}");
            assert!(done.stderr.contains(&path.display().to_string()), "{shown}");
            assert_eq!(done.stderr.lines().count(), 1, "{shown}");
            assert!(!done.stderr.contains("canary"), "{shown}");
            assert!(!store.exists(), "{shown}");
        }
    }
}

#[test]
fn an_error_names_the_flag_that_was_given_and_else_the_variable() {
    let dir = tempfile::tempdir().expect("a directory");
    let cut = dir.path().join("cut.json");
    fs::write(&cut, "{").expect("a file");
    for (flag, path, why) in [
        (
            "docker-config",
            "/proc/none",
            "cannot read /proc/none: No such",
        ),
        (
            "docker-config",
            cut.to_str().expect("text"),
            "cannot use the docker",
        ),
        (
            "pull-secret",
            "/proc/none",
            "cannot read the pull secret file",
        ),
        (
            "service-account-token",
            "/proc/none",
            "cannot read the service",
        ),
        ("hosts-dir", "/proc/none", "/proc/none is not a directory: "),
        ("root-dir", "/proc/none", "/proc/none is not a directory: "),
        (
            "plugin-deadline",
            "soon",
            "\"soon\" is not a positive duration",
        ),
    ] {
        let explain = || regcred().args(["explain", "127.0.0.1:1/app"]);
        let by_flag = explain().arg(format!("--{flag}")).arg(path).run();
        let start = format!("--{flag}: {why}");
        assert!(by_flag.stderr.starts_with(&start), "{}", by_flag.stderr);
        let variable = format!("REGCRED_{}", flag.replace('-', "_").to_uppercase());
        let by_variable = explain().env(&variable, path).run();
        let start = format!("{variable}: {why}");
        assert!(
            by_variable.stderr.starts_with(&start),
            "{}",
            by_variable.stderr
        );
    }
}

#[test]
fn a_dash_is_standard_input_wherever_a_credentials_file_is_named() {
    let config = r#"{"auths":{"h.io":{"username":"reader","password":"canary"}}}"#;
    for option in ["--pull-secret", "--docker-config"] {
        let explain = regcred().args(["explain", "h.io/app", option, "-"]);
        let shown = explain.stdin(config).run().success();
        assert!(shown.contains("standard input"), "{shown}");
        assert!(
            shown.contains("reader") && !shown.contains("canary"),
            "{shown}"
        );
    }
    let token = regcred().args(["explain", "h.io/app", "--service-account-token", "-"]);
    let shown = token.stdin("canary\n").run().success();
    assert!(!shown.contains("canary"), "{shown}");
    let two = [
        "explain",
        "h.io/app",
        "--pull-secret=-",
        "--docker-config=-",
    ];
    for (args, stdin, why) in [
        (&two[..], config, "are both standard input"),
        (&two[..3], "", "standard input is empty"),
    ] {
        let refused = regcred().args(args).stdin(stdin).run();
        assert_eq!(refused.code(), Some(2));
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
}

#[test]
fn a_second_docker_configuration_is_refused_as_a_kubelet_uses_one() {
    let done = regcred()
        .args(["explain", "h.io/app", "--docker-config", "/a"])
        .args(["--docker-config", "/b"])
        .run();
    assert_eq!(done.code(), Some(2));
    assert!(done.stderr.contains("cannot be used multiple times"));
}

#[test]
fn a_file_that_was_found_and_cannot_be_used_is_in_the_failures_text() {
    let dir = tempfile::tempdir().expect("a directory");
    let docker = dir.path().join(".docker");
    fs::create_dir(&docker).expect("a directory");
    fs::write(docker.join("config.json"), "{").expect("a file");
    fifo(&dir.path().join("config.json"));
    for json in [false, true] {
        let mut program = regcred().args(["pull", "127.0.0.1:1/app:v1", "--root-dir"]);
        program = program.arg(dir.path()).env("HOME", dir.path());
        if json {
            program = program.arg("--json");
        }
        let store = dir.path().join("store");
        let done = program.arg("--store").arg(store).run();
        assert_eq!(done.code(), Some(7), "{}", done.stderr);
        for part in [
            "config.json: unreadable: it is not a regular file",
            ".docker/config.json: unparsable: unexpected end of JSON input",
        ] {
            assert!(done.stderr.contains(part), "{part}: {}", done.stderr);
            if json {
                let out = done.stdout();
                assert!(out.contains("\"passedOver\":["), "{out}");
                assert!(out.contains(part), "{part}: {out}");
            }
        }
    }
}

pub(super) fn fifo(path: &Path) -> PathBuf {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).expect("a FIFO");
    path.to_owned()
}
