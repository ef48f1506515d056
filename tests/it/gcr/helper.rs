//! The docker credential helper of Google: put into docker's configuration for Google's hosts, and
//! its sources in the order that a person chooses.

use std::os::unix::fs::symlink;

use regcred_tests::google::{KEY_ACCOUNT, NODE_ACCOUNT, PERSON};
use regcred_tests::program::built;
use regcred_tests::{FakeGceMetadata, FakeGoogle, Finished, Program};
use serde_json::{Value, json};

use super::{Dir, HOST, PLUGIN, Vars, plugin, text, vars};

#[test]
fn docker_is_told_to_ask_the_helper_for_googles_hosts() {
    let home = Home::new();
    home.dir.json(
        ".docker/config.json",
        &json!({
            "auths": {"quay.io": {"auth": "eDp5"}}, "credsStore": "desktop",
            "credHelpers": {"public.ecr.aws": "ecr-login", "gcr.io": "gcloud"},
        }),
    );
    let done = home.helper(&["configure-docker"]);
    let _ = done.success();
    assert!(
        done.stderr.contains("gcr.io had the helper gcloud"),
        "{}",
        done.stderr
    );
    let config = home.config();
    assert_eq!(config["credHelpers"]["gcr.io"], "gcr");

    let regional = "docker.us-central1.rep.pkg.dev";
    let list = format!("--registries=us.gcr.io, {HOST},{regional}");
    let _ = home.helper(&["configure-docker", &list]).success();
    let config = home.config();
    for host in ["gcr.io", "us.gcr.io", HOST, regional] {
        assert_eq!(config["credHelpers"][host], "gcr", "{host}");
    }
    // What others wrote stays.
    assert_eq!(config["credHelpers"]["public.ecr.aws"], "ecr-login");
    assert_eq!(config["credsStore"], "desktop");
    assert_eq!(config["auths"]["quay.io"]["auth"], "eDp5");

    let before = home.config();
    for stranger in ["gcr.io.evil.example", "us-npm.pkg.dev", "docker.io"] {
        let list = format!("--registries={HOST},{stranger}");
        let done = home.helper(&["configure-docker", &list]);
        assert!(done.fails(3).contains(stranger));
    }
    assert_eq!(home.config(), before);
}

#[test]
fn sources_are_asked_in_the_order_that_was_chosen() {
    let google = FakeGoogle::start();
    let machine = FakeGceMetadata::start_beside(&google);
    let dir = Dir::new();
    let home = dir.path("home").display().to_string();
    dir.json(
        "home/.config/gcloud/application_default_credentials.json",
        &google.user_file(),
    );
    let path = dir.path("bin").display().to_string();
    gcloud_with_the_key(&google, &dir);
    let mut env: Vars = google.env();
    env.extend(machine.env());
    env.extend(vars(&[("HOME", &home), ("PATH", &path)]));
    for (order, owner) in [
        ("", PERSON),
        ("file,metadata,gcloud", PERSON),
        ("metadata,file", NODE_ACCOUNT),
        ("gcloud,metadata", KEY_ACCOUNT),
        // The words of docker-credential-gcr.
        ("gcloud_sdk,env", KEY_ACCOUNT),
        ("env,gcloud", PERSON),
    ] {
        let by_flag = plugin(&env).args(["docker", "get", "--token-source", order]);
        let mut with_variable = env.clone();
        with_variable.push(("REGCRED_GCR_TOKEN_SOURCES".into(), order.into()));
        let by_variable = plugin(&with_variable).args(["docker", "get"]);
        let mut ways = vec![by_variable];
        if !order.is_empty() {
            ways.push(by_flag);
        }
        for way in ways {
            let answer = way.stdin(HOST).run().json();
            assert_eq!(answer["ServerURL"], HOST);
            let found = google.owner(text(&answer["Secret"]));
            assert_eq!(found.as_deref(), Some(owner), "{order:?}");
        }
    }
    let done = plugin(&env)
        .args(["token", HOST, "--token-source", "env,shop"])
        .run();
    assert!(
        done.fails(4)
            .contains("must be a list of file, metadata and gcloud")
    );
}

#[test]
fn a_helper_that_is_configured_for_gcloud_never_answers_with_the_machines_account() {
    let machine = FakeGceMetadata::start();
    let home = Home::new();
    let get = || {
        let helper = home.program(&["get"]).envs(machine.env());
        helper.stdin(HOST).run()
    };
    let _ = home.helper(&["config", "--token-source=gcloud"]).success();
    let done = get();
    assert!(
        done.stderr.contains("gcloud is not in PATH"),
        "{}",
        done.stderr
    );
    assert_eq!((done.code(), machine.token_requests()), (Some(1), 0));
    let _ = home
        .helper(&["config", "--token-source", "env, store"])
        .success();
    assert_eq!(get().json()["ServerURL"], HOST);
    assert_eq!(machine.token_requests(), 1);
}

#[test]
fn a_login_that_the_original_helper_stored_is_never_replaced_by_the_machines_account() {
    let machine = FakeGceMetadata::start();
    let home = Home::new();
    let get = || {
        let helper = home.program(&["get"]).envs(machine.env());
        helper.stdin(HOST).run()
    };
    let stored = json!({ "gcrCreds": { "access_token": "canary", "refresh_token": "canary" } });
    home.dir
        .json(".config/gcloud/docker_credentials.json", &stored);
    let done = get();
    assert!(done.stderr.contains("gcr-logout"), "{}", done.stderr);
    assert_eq!((done.code(), machine.token_requests()), (Some(1), 0));
    let _ = home.helper(&["gcr-logout"]).success();
    assert_eq!(get().json()["ServerURL"], HOST);
}

/// Docker asks again for each pull, for every configured host.
#[test]
fn docker_gets_one_token_for_all_hosts_while_it_is_good() {
    let machine = FakeGceMetadata::start();
    let dir = Dir::new();
    let mut env = machine.env();
    let cache = dir.path("cache").display().to_string();
    env.extend(vars(&[("REGCRED_CACHE", &cache)]));
    let get = |host: &str| {
        let done = plugin(&env).args(["docker", "get"]).stdin(host).run();
        text(&done.json()["Secret"]).to_owned()
    };
    let first = get(HOST);
    for host in [HOST, "https://gcr.io", "us.gcr.io"] {
        assert_eq!(get(host), first);
    }
    assert_eq!(machine.token_requests(), 1);
}

/// A gcloud whose login is the service account.
fn gcloud_with_the_key(google: &FakeGoogle, dir: &Dir) {
    let key = dir.json("key.json", &google.key_file());
    let mut env: Vars = google.env();
    env.extend(vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &key)]));
    let token = plugin(&env)
        .args(["token", HOST, "-o", "json"])
        .run()
        .json();
    let credential = json!({
        "access_token": token["password"], "token_expiry": token["expiresAt"],
    });
    dir.file("home/.config/gcloud/credentials.db", "");
    dir.script(
        "bin/gcloud",
        &format!("echo '{}'", json!({ "credential": credential })),
    );
}

/// A home directory with the plugin under the helper's name.
struct Home {
    dir: Dir,
}

impl Home {
    fn new() -> Self {
        let dir = Dir::new();
        std::fs::create_dir(dir.path("bin")).expect("a directory");
        symlink(built(PLUGIN), dir.path("bin/docker-credential-gcr")).expect("a link");
        Self { dir }
    }

    fn helper(&self, args: &[&str]) -> Finished {
        self.program(args).run()
    }

    fn program(&self, args: &[&str]) -> Program {
        let bin = self.dir.path("bin");
        Program::new(bin.join("docker-credential-gcr"))
            .args(args)
            .env("HOME", self.dir.path(""))
            .env("PATH", bin)
    }

    fn config(&self) -> Value {
        let file = self.dir.path(".docker/config.json");
        let text = std::fs::read_to_string(file).expect("docker's configuration");
        serde_json::from_str(&text).expect("JSON")
    }
}
