//! The program as a process: its names, its usage errors, and how it ends a plugin that hangs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use regcred_tests::{Node, Program};

fn regcred() -> Program {
    Program::new(env!("CARGO_BIN_EXE_regcred"))
}

#[test]
fn the_version_is_one_line() {
    let done = regcred().arg("--version").run();
    let expected = concat!("regcred ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(done.success(), expected);
}

#[test]
fn an_unknown_command_is_a_usage_error() {
    for (line, near) in [
        (&["xyzzy"][..], None),
        (&["psuh"], Some("'manifest push'")),
        (&["pul", "h.io/app"], Some("'pull'")),
        (&["exlpain", "h.io/app"], Some("'explain'")),
        (&["config", "genrate"], Some("'config generate'")),
    ] {
        let done = regcred().args(line).run();
        let last = line.iter().find(|word| done.stderr.contains(**word));
        assert!(last.is_some(), "{line:?}: {}", done.stderr);
        assert_eq!((done.code(), &*done.stdout()), (Some(2), ""), "{line:?}");
        let tip = done.stderr.lines().find(|line| line.contains("tip: "));
        assert_eq!(tip.is_some(), near.is_some(), "{}", done.stderr);
        assert!(tip.unwrap_or_default().contains(near.unwrap_or_default()));
    }
}

#[test]
fn an_unknown_flag_is_refused_without_advice_to_name_an_image_so() {
    for line in [
        &["token", "--profile", "x"][..],
        &["pull", "--nope"],
        &["explain", "--nope"],
    ] {
        let done = regcred().args(line).run();
        assert_eq!(done.code(), Some(2));
        assert!(done.stderr.contains(line[1]), "{}", done.stderr);
        assert!(!done.stderr.contains("tip"), "{}", done.stderr);
    }
}

#[test]
fn a_filter_of_the_log_that_is_not_one_is_an_error() {
    for line in [
        &["token", "h.io"][..],
        &["explain", "h.io/app"],
        &["plugin", "ecr", "match-images"],
    ] {
        let done = regcred().args(line).env("REGCRED_LOG", "nope").run();
        let expected = "REGCRED_LOG: \"nope\" is neither off, error, warn, info, debug or trace nor \
                        a TARGET=LEVEL\n";
        assert_eq!(
            (done.code(), &*done.stderr),
            (Some(4), expected),
            "{line:?}"
        );
        assert_eq!(done.stdout(), "");
    }
    for line in [&["--help"][..], &["plugin", "ecr", "--help"]] {
        let done = regcred().args(line).env("REGCRED_LOG", "nope").run();
        assert!(done.success().contains("Usage: "), "{line:?}");
    }
}

#[test]
fn help_of_every_command_is_a_success() {
    for line in [
        &["plugin", "-h"][..],
        &["plugin", "--help"],
        &["token", "-h"],
        &["config", "-h"],
    ] {
        let help = regcred().args(line).run().success();
        assert!(help.contains("Usage: regcred "), "{line:?}: {help}");
    }
}

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

#[test]
fn a_provider_configuration_requires_a_directory_of_plugins() {
    let done = regcred()
        .args(["explain", "--image-credential-provider-config=/c", "a.io/b"])
        .run();
    assert_eq!(done.code(), Some(4), "{}", done.stderr);
    assert!(done.stderr.contains("-bin-dir"), "{}", done.stderr);
}

#[test]
fn a_check_that_finds_nothing_to_check_is_not_a_success() {
    let mut node = Node::new();
    let done = node.regcred("check").run();
    let verdict = "no provider configuration is named: 0 errors, 1 warning, 0 notes";
    assert_eq!(done.code(), Some(4), "{}", done.stderr);
    assert_eq!(done.stdout().lines().last(), Some(verdict));
    assert!(
        done.stdout()
            .contains("fix: set --image-credential-provider-config")
    );
    let json = node.regcred("check").arg("--json").run();
    assert_eq!(json.code(), Some(4));
    assert!(json.stdout().contains(verdict), "{}", json.stdout());
    let docker = node.root().join("home/config.json");
    fs::write(&docker, "{}").expect("a file");
    let found = node.regcred("check").run();
    assert_eq!(found.stdout().lines().last(), Some(verdict));
    assert_eq!(found.code(), Some(0), "the docker configuration is checked");
    fs::remove_file(docker).expect("removed");
    node.add_script("p", &["h.io"], "exit 1\n");
    let named = node.regcred("check").run();
    assert_eq!(named.code(), Some(0), "{}", named.stdout());
}

#[test]
fn the_error_of_a_provider_that_is_not_configured_is_its_own() {
    let done = regcred()
        .args(["token", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"])
        .env("REGCRED_ECR_ROLES", "nonsense")
        .run();
    assert_eq!(done.code(), Some(4), "{}", done.stderr);
    assert!(done.stderr.starts_with("ecr: "), "{}", done.stderr);
    let done = regcred()
        .args(["token", "registry.example.com"])
        .env("REGCRED_ECR_ROLES", "nonsense")
        .run();
    assert_eq!(done.code(), Some(3), "{}", done.stderr);
}

#[test]
fn a_secret_is_made_of_a_login_and_of_a_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let made = regcred()
        .args(["token", "h.io", "--username", "u", "--password-stdin"])
        .args(["--output", "docker-config"])
        .stdin("canary\n")
        .run();
    let config = made.success();
    assert!(config.contains("\"auth\":\"dTpjYW5hcnk=\""), "{config}");
    let file = dir.path().join("config.json");
    fs::write(&file, &config).expect("a file");
    let copied = |registry: &str| {
        regcred()
            .args(["token", registry, "--output", "kubernetes-secret"])
            .args(["--name", "regcred", "-n", "shop", "--from-file"])
            .arg(&file)
            .run()
    };
    let manifest = copied("h.io").success();
    assert!(manifest.contains("name: \"regcred\"\n  namespace: \"shop\""));
    let other = copied("x.io");
    assert_eq!(other.code(), Some(4), "{}", other.stderr);
    assert!(other.stderr.contains("has no login for x.io"));
    let two = regcred().args(["token", "a.io", "b.io"]).run();
    assert_eq!(two.code(), Some(2), "{}", two.stderr);
}

#[test]
fn docker_hub_is_the_default_as_for_kubectl() {
    let made = regcred()
        .args(["token", "--username", "u", "--password-stdin", "-o"])
        .arg("docker-config")
        .stdin("p")
        .run();
    let config = made.success();
    assert!(config.starts_with("{\"auths\":{\"https://index.docker.io/v1/\":"));
}

#[test]
fn a_plugin_that_hangs_is_killed_at_the_deadline() {
    let mut node = Node::new();
    node.add_script("hanging", &["127.0.0.1:1"], "exec sleep 600\n");
    let started = Instant::now();
    let pulled = node.regcred("pull").arg("--store").arg(node.store());
    let pulled = pulled.args(["127.0.0.1:1/app:v1", "--plugin-deadline", "1s"]);
    let pulled = pulled.run();
    assert_ne!(pulled.code(), Some(0));
    assert_killed(&pulled.stderr);
    let explained = node
        .regcred("explain")
        .args(["127.0.0.1:1/app:v1", "--try"]);
    let explained = explained.env("REGCRED_PLUGIN_DEADLINE", "1s").run();
    assert_killed(&format!("{}{}", explained.stdout(), explained.stderr));
    // Far from the minute that each would take by itself.
    assert!(started.elapsed() < Duration::from_secs(50));
}

#[test]
fn a_plugin_runs_with_the_environment_of_the_process_that_is_named() {
    let mut node = Node::new();
    let seen = node.root().join("seen");
    let script = format!("/usr/bin/env > {}\nexit 3\n", seen.display());
    node.add_script("p", &["127.0.0.1:1"], &script);
    let mut kubelet = Program::new("/bin/sleep")
        .arg("600")
        .env("AWS_PROFILE", "canary")
        .start();
    let explain = |process: &str| {
        let mut program = node
            .regcred("explain")
            .args(["--try", "127.0.0.1:1/app:v1"]);
        if !process.is_empty() {
            program = program.args(["--environment-of", process]);
        }
        program.run()
    };
    let own = explain("").stdout();
    let names = "environment of this command, not of a kubelet: HOME\n";
    assert!(own.contains(names), "{own}");
    assert!(fs::read_to_string(&seen).expect("run").contains("HOME="));
    let pid = kubelet.id().to_string();
    let shown = explain(&pid).stdout();
    kubelet.kill();
    let names = format!("environment of process {pid}: AWS_PROFILE\n");
    assert!(
        shown.contains(&names) && !shown.contains("canary"),
        "{shown}"
    );
    let vars = fs::read_to_string(&seen).expect("run");
    assert!(
        vars.contains("AWS_PROFILE=canary") && !vars.contains("HOME="),
        "{vars}"
    );
    let missing = explain("no-such-process");
    assert_eq!(missing.code(), Some(4));
    let start = "--environment-of: no process is named \"no-such-process\"";
    assert!(missing.stderr.starts_with(start), "{}", missing.stderr);
}

fn fifo(path: &Path) -> PathBuf {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).expect("a FIFO");
    path.to_owned()
}

fn assert_killed(text: &str) {
    assert!(text.contains("context deadline exceeded"), "{text}");
}
