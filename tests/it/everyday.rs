//! `regcred version`, `completions` and `man`.

use std::fs;

use regcred_tests::Program;

fn regcred() -> Program {
    Program::ours("regcred")
}

#[test]
fn version_names_what_it_was_built_of() {
    let done = regcred().args(["version", "--json"]).run().json();
    assert_eq!(done["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(done["architecture"], std::env::consts::ARCH);
    let text = regcred().arg("version").run().success();
    assert!(text.contains("providers: ecr, "), "{text}");
}

#[test]
fn shells_complete_and_manual_pages_describe_every_command() {
    let bash = regcred().args(["completions", "bash"]).run().success();
    let syntax = Program::new("/bin/bash").arg("-n").stdin(&*bash).run();
    assert_eq!(syntax.success(), "");
    for text in [
        &bash,
        &regcred().args(["completions", "zsh"]).run().success(),
    ] {
        assert!(text.contains("explain") && text.contains("--pull-secret"));
    }
    let dir = tempfile::tempdir().expect("a directory");
    let written = regcred().args(["man", "--dir"]).arg(dir.path()).run();
    assert_eq!(written.success(), "");
    let page = fs::read_to_string(dir.path().join("regcred-manifest-push.1")).expect("a page");
    assert_eq!(
        regcred().args(["man", "manifest", "push"]).run().success(),
        page
    );
    assert!(
        page.contains(".SH OPTIONS") && page.contains("purge"),
        "{page}"
    );
    let wrong = regcred().args(["man", "manifest", "psuh"]).run();
    assert!(wrong.fails(2).contains("expected one of create, "));
    let unwritable = regcred().args(["man", "--dir", "/proc"]).run();
    assert!(unwritable.fails(9).contains("/proc/regcred.1"));
}
