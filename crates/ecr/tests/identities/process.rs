//! Profiles with a `credential_process`.

use std::path::Path;
use std::time::Duration;

use regcred_core::{Env, ErrorKind, report};
use tokio::time::Instant;

use crate::fake::*;
use crate::home::Home;

const KEYS: &str = r#"{"Version":1,"AccessKeyId":"ASIAPROC","SecretAccessKey":"canary-secret","SessionToken":"canary-secret","Expiration":"2099-01-01T00:00:00Z"}"#;

/// The outcome for a profile with that program, and where its answer may be sent to.
async fn with_process(command: &str, home: &Home, vars: &[(&str, &str)]) -> Result<(), String> {
    home.write(
        ".aws/config",
        &format!("[default]\ncredential_process = {command}\n"),
    );
    let env = Env::map([("HOME", home.path())]).with(vars.iter().copied());
    let outcome = ask(HOST, &env).await;
    outcome.map(|_| ()).map_err(|error| report(&error))
}

#[tokio::test]
async fn a_credential_process_is_run_and_its_failure_is_final() {
    let home = Home::new("", "");
    let answer = home.write("an answer.json", KEYS);
    let api = ecr_for("ASIAPROC", true).await;
    let imds = metadata(true).await;
    let (api, address) = (api.url(""), imds.url(""));
    let vars = [
        ("AWS_ENDPOINT_URL_ECR", api.as_str()),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &address),
    ];
    with_process(&format!("cat \"{answer}\""), &home, &vars)
        .await
        .expect("token");
    for (command, words) in [
        ("echo no session >&2; exit 3", "exit status 3: no session"),
        ("echo canary-secret", "not a JSON object"),
        (
            "echo '{\"Version\":2,\"AccessKeyId\":\"canary-secret\"}'",
            "Version 1",
        ),
        (
            "echo '{\"Version\":1,\"AccessKeyId\":\"canary-secret\"}'",
            "has no SecretAccessKey",
        ),
        ("exec head -c 1000000 /dev/zero", "wrote more than"),
        ("exec /nowhere/helper", "not found"),
    ] {
        let said = with_process(command, &home, &vars).await;
        let said = said.expect_err(command);
        assert!(said.contains("profile \"default\""), "{said}");
        assert!(said.contains(words) && !said.contains(CANARY), "{said}");
    }
    assert!(imds.seen().is_empty());
}

#[tokio::test]
async fn a_role_may_begin_with_a_program() {
    let sts = sts_for("ASIAPROC", true, "ASIAROLE").await;
    let api = ecr_for("ASIAROLE", true).await;
    let home = Home::new("", "");
    let answer = home.write("answer.json", KEYS);
    let config = format!(
        "[profile pull]\nrole_arn = {ROLE}\nsource_profile = helper\nendpoint_url = {}\n\
         [profile helper]\ncredential_process = cat {answer}\n",
        sts.url("")
    );
    home.write(".aws/config", &config);
    let env = Env::map([
        ("HOME", home.path()),
        ("AWS_PROFILE", "pull".to_owned()),
        ("AWS_ENDPOINT_URL_ECR", api.url("")),
    ]);
    ask(HOST, &env).await.expect("token");
}

#[tokio::test(start_paused = true)]
async fn a_program_that_hangs_is_ended_with_its_children() {
    let home = Home::new("", "");
    let file = format!("{}/child", home.path());
    // The clock is paused: the program has all the time it needs, and then none.
    let command = format!("sleep 600 & echo $! > {file}.new; mv {file}.new {file}; wait");
    home.write(
        ".aws/config",
        &format!("[default]\ncredential_process = {command}\n"),
    );
    let env = Env::map([("HOME", home.path())]);
    let started = Instant::now();
    let asking = tokio::spawn(async move { ask(HOST, &env).await });
    while !Path::new(&file).exists() {
        // A blocking task keeps the paused clock where it is.
        let wait = || std::thread::sleep(Duration::from_millis(2));
        tokio::task::spawn_blocking(wait).await.expect("a thread");
    }
    let error = asking.await.expect("no panic").expect_err("hangs");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(started.elapsed() <= Duration::from_secs(28));
    let text = report(&error);
    assert!(text.contains("did not end within 25s"), "{text}");

    let child = std::fs::read_to_string(&file).expect("a process id");
    let status = format!("/proc/{}/status", child.trim());
    for _ in 0..6_000 {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        if status.is_empty() || status.contains("State:\tZ") {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the program's child outlived the request");
}
