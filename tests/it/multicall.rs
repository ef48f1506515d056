//! `regcred` under a plugin's name is that plugin: it passes the plugins' own suite.

use std::os::unix::fs::symlink;

use regcred_tests::program::built;
use regcred_tests::{clouds, conformance};

#[test]
fn as_the_ecr_plugin() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("ecr-credential-provider");
    symlink(built("regcred"), &link).expect("a link");
    conformance::run(&link.display().to_string(), &*clouds::start("ecr"));
}

#[test]
fn as_googles_plugin_by_upstreams_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("auth-provider-gcp");
    symlink(built("regcred"), &link).expect("a link");
    conformance::run(&link.display().to_string(), &*clouds::start("gcr"));
}
