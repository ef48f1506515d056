//! Under the name of Amazon's docker credential helper: its texts to the byte, its variables. Where
//! `REGCRED_ECR_HELPER_PEER` names Amazon's own program, it is held against the same table.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use regcred_core::Env;
use regcred_tests::Program;
use regcred_tests::ecr::Failure;
use regcred_tests::program::built;
use tempfile::TempDir;

use super::{Account, CachePlace, HOST, with_keys};

/// Input, action, exit code, standard output. `{}` stands for a password that was issued.
const PROTOCOL: &[(&str, &str, i32, &str)] = &[
    (
        "123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "get",
        0,
        "{\"ServerURL\":\"123456789012.dkr.ecr.us-east-1.amazonaws.com\",\"Username\":\"AWS\",\"Secret\":\"{}\"}\n",
    ),
    (
        "https://123456789012.dkr.ecr.us-east-1.amazonaws.com\n",
        "get",
        0,
        "{\"ServerURL\":\"https://123456789012.dkr.ecr.us-east-1.amazonaws.com\",\"Username\":\"AWS\",\"Secret\":\"{}\"}\n",
    ),
    (
        "https://123456789012.dkr-ecr.us-west-2.on.aws/v2/\r\n",
        "get",
        0,
        "{\"ServerURL\":\"https://123456789012.dkr-ecr.us-west-2.on.aws/v2/\",\"Username\":\"AWS\",\"Secret\":\"{}\"}\n",
    ),
    (
        "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com:443",
        "get",
        0,
        "{\"ServerURL\":\"123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com:443\",\"Username\":\"AWS\",\"Secret\":\"{}\"}\n",
    ),
    (
        "public.ecr.aws",
        "get",
        0,
        "{\"ServerURL\":\"public.ecr.aws\",\"Username\":\"AWS\",\"Secret\":\"{}\"}\n",
    ),
    (
        "ecr-public.aws.com",
        "get",
        0,
        "{\"ServerURL\":\"ecr-public.aws.com\",\"Username\":\"AWS\",\"Secret\":\"{}\"}\n",
    ),
    ("https://index.docker.io/v1/", "get", 1, NOT_FOUND),
    (
        "123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example",
        "get",
        1,
        NOT_FOUND,
    ),
    ("", "get", 1, NO_SERVER_URL),
    (" \n", "get", 1, NO_SERVER_URL),
    (LOGIN, "store", 1, "not implemented\n"),
    (
        "{\"Username\":\"u\",\"Secret\":\"s\"}",
        "store",
        1,
        NO_SERVER_URL,
    ),
    (
        "{\"ServerURL\":\"h\",\"Secret\":\"s\"}",
        "store",
        1,
        "no credentials username\n",
    ),
    (
        "password",
        "store",
        1,
        "invalid character 'p' looking for beginning of value\n",
    ),
    ("", "store", 1, "EOF\n"),
    (
        "https://index.docker.io/v1/",
        "erase",
        1,
        "not implemented\n",
    ),
    ("", "erase", 1, NO_SERVER_URL),
    (
        "",
        "dance",
        1,
        "docker-credential-ecr-login: unknown action: dance\n",
    ),
    ("", "", 1, USAGE),
    ("", "get get", 1, USAGE),
];

#[test]
fn every_answer_of_the_protocol_is_upstreams_to_the_byte() {
    let (directory, ours) = ours();
    let mut programs = vec![ours];
    programs.extend(peer());
    for program in programs {
        let account = Account::new();
        for (stdin, action, code, expected) in PROTOCOL {
            let started = with_keys(Program::new(&program)).envs(account.ecr.env());
            let started = started.env("AWS_ECR_DISABLE_CACHE", "1");
            let done = started
                .env("HOME", directory.path())
                .args(action.split_whitespace())
                .stdin(*stdin)
                .run();
            let issued = account.ecr.logins().passwords();
            let last = issued.last().map(String::as_str).unwrap_or_default();
            let expected = expected.replace("{}", last);
            let shown = format!("{} {action} of {stdin:?}", program.display());
            assert_eq!(done.stdout(), expected, "{shown}");
            assert_eq!(done.code(), Some(*code), "{shown}");
        }
    }
}

#[test]
fn storage_may_be_ignored() {
    let (directory, ours) = ours();
    for program in [Some(ours), peer()].into_iter().flatten() {
        for (action, stdin) in [("store", LOGIN), ("erase", "https://index.docker.io/v1/")] {
            let done = Program::new(&program)
                .env("AWS_ECR_IGNORE_CREDS_STORAGE", "true")
                .env("HOME", directory.path())
                .arg(action)
                .stdin(stdin)
                .run();
            assert_eq!(done.success(), "", "{} {action}", program.display());
        }
    }
}

#[test]
fn docker_is_told_not_found_and_people_the_cause() {
    let (_directory, ours) = ours();
    let account = Account::new();
    account.ecr.fail(Failure::Denied, usize::MAX);
    let helper = with_keys(Program::new(&ours)).envs(account.ecr.env());
    let done = helper.arg("get").stdin(HOST).run();
    assert_eq!((done.code(), done.stdout().as_str()), (Some(1), NOT_FOUND));
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    for part in [
        "AccessDeniedException",
        "environment keys",
        "ecr:GetAuthorizationToken on",
    ] {
        assert!(done.stderr.contains(part), "{}", done.stderr);
    }
    // The cause is on standard error for a registry of another cloud too.
    let done = with_keys(Program::new(&ours))
        .arg("get")
        .stdin("quay.io")
        .run();
    assert_eq!(done.stdout(), NOT_FOUND);
    let cause = "ecr: quay.io is not a registry of ";
    assert!(done.stderr.starts_with(cause), "{}", done.stderr);
}

#[test]
fn upstreams_cache_variables_hold() {
    let (_directory, ours) = ours();
    let account = Account::new();
    let cache = CachePlace::new();
    let helper = || {
        let helper = with_keys(Program::new(&ours)).envs(account.ecr.env());
        // Empty counts as not set: the harness sets it.
        let helper = helper.env("REGCRED_CACHE", "");
        helper.env("AWS_ECR_CACHE_DIR", cache.path())
    };
    // What upstream left there stays.
    std::fs::create_dir(cache.path()).expect("a directory");
    std::fs::write(cache.path().join("cache.json"), "{}").expect("a file");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(cache.path(), private).expect("its mode");

    let get = |helper: Program| helper.arg("get").stdin(HOST).run().success();
    let first = get(helper());
    assert_eq!(get(helper()), first);
    assert_eq!(account.calls(), 1);
    let list = helper().arg("list").run();
    assert_eq!(list.success(), format!("{{\"https://{HOST}\":\"AWS\"}}\n"));

    assert_ne!(get(helper().env("AWS_ECR_DISABLE_CACHE", "x")), first);
    assert_eq!(account.calls(), 2);
    let _ = helper().args(["cache", "clear"]).run().success();
    assert!(cache.path().join("cache.json").exists());
    assert_eq!(helper().arg("list").run().success(), "{}\n");
}

fn ours() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("docker-credential-ecr-login");
    symlink(built(super::PLUGIN), &link).expect("a link");
    (directory, link)
}

fn peer() -> Option<PathBuf> {
    Env::process().path("REGCRED_ECR_HELPER_PEER")
}

const NOT_FOUND: &str = "credentials not found in native keychain\n";
const NO_SERVER_URL: &str = "no credentials server URL\n";
const USAGE: &str = "Usage: docker-credential-ecr-login <store|get|erase|list|version>\n";
const LOGIN: &str =
    "{\"ServerURL\":\"https://index.docker.io/v1/\",\"Username\":\"u\",\"Secret\":\"s\"}";
