//! Many processes at once, for several of Google's hosts: one token request.

use std::path::Path;

use regcred_tests::google::KEY_ACCOUNT;
use regcred_tests::program::Running;
use regcred_tests::{FakeGceMetadata, FakeGoogle};

use super::{Dir, Vars, password, plugin, request, vars};

#[test]
fn two_hundred_processes_for_seven_hosts_ask_the_metadata_server_once() {
    let google = FakeGoogle::start();
    let machine = FakeGceMetadata::start_beside(&google);
    let dir = Dir::new();
    let env = machine.env();
    all_answer(&start_all(&env, &dir.path("cache"), 200), &google);
    assert_eq!(machine.token_requests(), 1, "cold");
    all_answer(&start_all(&env, &dir.path("cache"), 200), &google);
    assert_eq!(machine.token_requests(), 1, "warm");
    let seen = machine.server().seen();
    let asked: Vec<&str> = seen.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(asked.len(), 1, "and nothing else: {asked:?}");
}

#[test]
fn two_hundred_processes_with_a_key_file_ask_google_once() {
    let google = FakeGoogle::start();
    let dir = Dir::new();
    let key = dir.json("key.json", &google.key_file());
    let mut env = google.env();
    env.extend(vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &key)]));
    let answers = start_all(&env, &dir.path("cache"), 200);
    all_answer(&answers, &google);
    assert_eq!(google.owner(&answers[0]).as_deref(), Some(KEY_ACCOUNT));
    assert_eq!(google.server().seen().len(), 1);
}

/// The passwords of so many processes, all started before the first is waited for.
fn start_all(env: &Vars, cache: &Path, count: usize) -> Vec<String> {
    let start = |number: usize| {
        let host = HOSTS[number % HOSTS.len()];
        let image = format!("{host}/demo-project/team/app{number}");
        plugin(env)
            .env("REGCRED_CACHE", cache)
            .stdin(request(&image).to_string())
            .start()
    };
    let started: Vec<Running> = (0..count).map(start).collect();
    started
        .into_iter()
        .map(|running| password(&running.finish().json()).to_owned())
        .collect()
}

#[track_caller]
fn all_answer(passwords: &[String], google: &FakeGoogle) {
    assert!(passwords.iter().all(|password| *password == passwords[0]));
    assert!(google.owner(&passwords[0]).is_some());
}

const HOSTS: [&str; 7] = [
    "gcr.io",
    "us.gcr.io",
    "eu.gcr.io",
    "us-docker.pkg.dev",
    "europe-west1-docker.pkg.dev",
    "docker.us-central1.rep.pkg.dev",
    "container.cloud.google.com",
];
