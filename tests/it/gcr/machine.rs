//! A machine with a metadata server: what is asked of it, how its tokens' ends are told, and what
//! is said when it has none to give.

use regcred_tests::gce_metadata::Answers;
use regcred_tests::{FakeGceMetadata, assert_kept};
use serde_json::json;

use super::{HOST, IMAGE, asked, password, plugin, text};

#[test]
fn the_answers_life_follows_the_tokens() {
    let machine = FakeGceMetadata::start();
    for (expires_in, kept) in [
        (3599, "53m59s"),
        (1200, "15m0s"),
        (301, "1s"),
        (290, "0s"),
        (7200, "1h0m0s"),
    ] {
        machine.set_expires_in(expires_in);
        let done = asked(&machine.env(), IMAGE);
        assert_kept(&done, kept);
        assert_eq!(done.json()["cacheKeyType"], "Registry", "{expires_in}");
    }
}

#[test]
fn upstreams_cache_variables_count_but_not_past_the_end() {
    let machine = FakeGceMetadata::start();
    machine.set_expires_in(1200);
    for (kind, duration, said_kind, said_duration) in [
        ("image", "10m", "Image", "10m0s"),
        ("registry", "0s", "Registry", "0s"),
        ("global", "24h", "Global", "20m0s"),
    ] {
        let mut env = machine.env();
        env.push(("KUBE_SIDECAR_CACHE_TYPE".into(), kind.into()));
        env.push(("KUBE_SIDECAR_CACHE_DURATION".into(), duration.into()));
        let done = asked(&env, IMAGE);
        assert_eq!(done.json()["cacheKeyType"], said_kind, "{duration}");
        assert_kept(&done, said_duration);
    }
    for (name, value) in [
        ("KUBE_SIDECAR_CACHE_TYPE", "planet"),
        ("KUBE_SIDECAR_CACHE_DURATION", "an hour"),
    ] {
        let mut env = machine.env();
        env.push((name.into(), value.into()));
        let done = asked(&env, IMAGE);
        assert!(done.fails(4).contains(name));
    }
}

#[test]
fn a_token_that_is_about_to_end_is_asked_for_again() {
    let machine = FakeGceMetadata::start();
    machine.set_each_expires_in(&[5, 3000]);
    let answer = asked(&machine.env(), IMAGE).json();
    assert_eq!(machine.token_requests(), 2);
    assert_eq!(
        machine.logins().passwords().last().map(String::as_str),
        Some(password(&answer))
    );
    let kept = text(&answer["cacheDuration"]);
    assert!(kept.starts_with("44m") || kept.starts_with("45m"), "{kept}");

    machine.set_expires_in(3);
    let done = asked(&machine.env(), IMAGE);
    let said = done.fails(7);
    assert!(
        said.contains("keeps returning a token that expires in less than"),
        "{said}"
    );
}

#[test]
fn access_scopes_that_allow_no_pulls_are_pointed_out() {
    let machine = FakeGceMetadata::start();
    let look = || {
        let token = plugin(&machine.env()).args(["token", HOST, "-v=6"]).run();
        let _ = token.success();
        token.stderr
    };
    for sound in [
        "devstorage.read_only",
        "devstorage.full_control",
        "cloud-platform",
        "cloud-platform.read-only",
    ] {
        machine.set_scopes(&["logging.write", sound]);
        let said = look();
        assert!(said.contains("node@demo-project.iam"), "{said}");
        assert!(!said.contains("allow no image pulls"), "{said}");
    }
    machine.set_scopes(&["logging.write", "monitoring"]);
    let said = look();
    for part in ["allow no image pulls", "monitoring", "devstorage.read_only"] {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
    // A node's usual verbosity costs no more than the one request.
    let before = machine.server().seen().len();
    let _ = plugin(&machine.env())
        .args(["token", HOST, "--v=3"])
        .run()
        .success();
    assert_eq!(machine.server().seen().len() - before, 1);
}

#[test]
fn a_machine_that_gives_no_token_is_told_from_one_that_is_elsewhere() {
    let machine = FakeGceMetadata::start();
    for (answers, code, parts) in [
        (
            Answers::NoAccount,
            5,
            [
                "knows no service account",
                "404",
                "found no Google identity",
            ],
        ),
        (
            Answers::Portal,
            5,
            [
                "is not Google's metadata server",
                "200",
                "GOOGLE_APPLICATION_CREDENTIALS",
            ],
        ),
        (Answers::Forbidden, 6, ["refused", "403", "metadata server"]),
        (
            Answers::ServerError,
            7,
            ["refused", "500", "metadata server"],
        ),
    ] {
        machine.set_answers(answers);
        let done = asked(&machine.env(), IMAGE);
        let said = done.fails(code);
        for part in parts {
            assert!(
                said.contains(part),
                "{answers:?}: {part:?} is not in: {said}"
            );
        }
        for secret in machine.logins().passwords() {
            assert!(!said.contains(&secret), "a token in: {said}");
        }
    }
}

#[test]
fn logins_in_the_metadata_are_read_as_upstream_reads_them() {
    let machine = FakeGceMetadata::start();
    let document = json!({
        "https://quay.io/v1/": {"username": "u", "password": "p", "email": "e@x"},
        "registry.example.com:5000": {"auth": "dXNlcjpwYTpzcw=="},
    });
    machine.set_attribute("google-dockercfg", &document.to_string());
    for flag in ["--authFlow=dockercfg", "-a=dockercfg"] {
        let answer = plugin(&machine.env())
            .args(["get-credentials", flag, "--v=3", "--logtostderr=true"])
            .stdin(super::request("quay.io/org/app").to_string())
            .run()
            .json();
        let auth = &answer["auth"];
        assert_eq!(auth["quay.io"], json!({"username": "u", "password": "p"}));
        let other = json!({"username": "user", "password": "pa:ss"});
        assert_eq!(auth["registry.example.com:5000"], other);
        assert_eq!(answer["cacheDuration"], "1m0s");
    }
    let done = plugin(&machine.env())
        .args(["get-credentials", "--authFlow=dockercfgs"])
        .stdin(super::request("quay.io/org/app").to_string())
        .run();
    assert!(done.fails(4).contains("dockercfg-url"));
}
