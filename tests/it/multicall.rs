//! `regcred` under a plugin's name is that plugin: it passes the plugins' own suite.

use std::os::unix::fs::symlink;

use regcred_tests::conformance::{self, EcrCloud, GcrCloud};
use regcred_tests::program::built;

#[test]
fn as_the_ecr_plugin() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("ecr-credential-provider");
    symlink(built("regcred"), &link).expect("a link");
    conformance::run(&link.display().to_string(), &EcrCloud::start());
}

#[test]
fn as_googles_plugin_by_upstreams_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("auth-provider-gcp");
    symlink(built("regcred"), &link).expect("a link");
    conformance::run(&link.display().to_string(), &GcrCloud::start());
}
