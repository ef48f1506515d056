//! Secrets that are made of a login and of a file.

use std::fs;

use super::regcred;

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
