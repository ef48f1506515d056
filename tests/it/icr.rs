//! The IBM plugin as a program: every identity through every face into a pull, many processes with
//! one call, and IBM's own client for Python as a second opinion on the fakes.

use std::path::Path;

use regcred_tests::icr::{
    API_KEY, ASSUMED_PROFILE, FakeIam, FakeVpcMetadata, LINKED_PROFILE, REFRESH_TOKEN,
    service_account_token,
};
use regcred_tests::oci_registry::Access;
use regcred_tests::program::Running;
use regcred_tests::{
    FakeRegistry, Image, Logins, Node, Program, plugin_request, plugin_request_with, python_with,
};
use serde_json::{Value, json};

#[test]
fn every_identity_pulls_through_every_face() {
    let iam = FakeIam::start();
    let (new, old) = (
        FakeVpcMetadata::start(&iam, true),
        FakeVpcMetadata::start(&iam, false),
    );
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    };
    let key_file = file("apikey.json", &json!({"apikey": API_KEY}).to_string());
    let token_file = file("sa-token", &(service_account_token("iam", 3000) + "\n"));
    let of = |vars: &[(&str, &str)]| {
        let mut env = iam.env();
        env.extend(vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        env
    };
    for (owner, env) in [
        ("service-id", of(&[("IBMCLOUD_API_KEY", API_KEY)])),
        ("service-id", of(&[("IBMCLOUD_API_KEY_FILE", &key_file)])),
        (
            "person",
            of(&[
                ("IBMCLOUD_REFRESH_TOKEN", REFRESH_TOKEN),
                ("IBMCLOUD_CLIENT_ID", "bx"),
                ("IBMCLOUD_CLIENT_SECRET", "bx"),
            ]),
        ),
        (
            "assumed",
            of(&[
                ("IBMCLOUD_AUTH_TYPE", "iamAssume"),
                ("IBMCLOUD_API_KEY", API_KEY),
                ("IBMCLOUD_IAM_PROFILE_ID", ASSUMED_PROFILE),
            ]),
        ),
        (
            "pod",
            of(&[
                ("IBMCLOUD_CR_TOKEN_FILENAME", &token_file),
                ("IBMCLOUD_CR_PROFILE", "puller"),
            ]),
        ),
        ("instance", new.env()),
        ("instance", old.env()),
    ] {
        let iambearer = |password: &str| assert_eq!(iam.owner(password).as_deref(), Some(owner));
        let plugin = || Program::ours(PLUGIN).envs(env.clone());
        let docker = plugin()
            .args(["docker", "get"])
            .stdin("https://us.icr.io")
            .run();
        assert_eq!(docker.json()["Username"], "iambearer");
        iambearer(text(&docker.json()["Secret"]));
        let token = plugin().args(["token", "us.icr.io"]).run();
        iambearer(token.success().trim());
        pulls(iam.logins(), &env, false);
    }
    pulls(iam.logins(), &of(&[("IBMCLOUD_API_KEY", API_KEY)]), true);
}

/// Through the kubelet's face: the registry takes these logins and nothing
/// else; and it may write its challenge without quotes.
fn pulls(logins: &Logins, env: &[(String, String)], bare_challenge: bool) {
    let registry = FakeRegistry::start(Access::Bearer(logins.clone()));
    if bare_challenge {
        registry.write_bare_challenges();
    }
    registry.push("team/app", "v1", &Image::single(7, 1, 1_000));
    let mut node = Node::new();
    node.add_plugin(PLUGIN, &["*.icr.io"], env);
    node.map_host("us.icr.io", &registry.server().url());
    let pulled = node.pull("us.icr.io/team/app:v1").run();
    assert!(pulled.success().contains("us.icr.io/team/app"));
}

#[test]
fn a_pods_token_is_its_own_identity_or_an_error() {
    let iam = FakeIam::start();
    let ask = |profile: &str| {
        let pod = json!({
            "serviceAccountToken": service_account_token("iam", 3000),
            "serviceAccountAnnotations": {"regcred.dev/ibm-profile-id": profile},
        });
        let request = plugin_request_with("us.icr.io/team/app", pod);
        Program::ours(PLUGIN)
            .envs(iam.env())
            .env("IBMCLOUD_API_KEY", API_KEY)
            .stdin(request)
            .run()
    };
    let answer = ask(LINKED_PROFILE).json();
    let login = &answer["auth"]["us.icr.io"];
    assert_eq!(iam.owner(text(&login["password"])).as_deref(), Some("pod"));
    assert_eq!(answer["cacheKeyType"], "Registry");

    let refused = ask("Profile-foreign");
    let said = refused.fails(6);
    assert!(said.contains("BXNIM0400E"), "{said}");
    assert!(!said.contains(API_KEY), "{said}");
}

#[test]
fn the_registrys_own_login_takes_the_long_lived_secret_when_asked() {
    for (vars, username, password) in [
        (&[("IBMCLOUD_API_KEY", API_KEY)][..], "iamapikey", API_KEY),
        (
            &[
                ("IBMCLOUD_API_KEY", API_KEY),
                ("IBMCLOUD_IAM_PROFILE_ID", ASSUMED_PROFILE),
            ],
            ASSUMED_PROFILE,
            API_KEY,
        ),
        (
            &[("IBMCLOUD_REFRESH_TOKEN", REFRESH_TOKEN)],
            "iamrefresh",
            REFRESH_TOKEN,
        ),
    ] {
        let mut env = owned(vars);
        env.push(("REGCRED_ICR_LOGIN".to_owned(), "secret".to_owned()));
        let token = Program::ours(PLUGIN).args(["token", "us.icr.io", "--output", "json"]);
        let login = token.envs(env.clone()).run().json();
        assert_eq!(login["username"], username);
        assert_eq!(login["password"], password);
        pulls(&Logins::of(username, password), &env, false);
    }
}

#[test]
fn a_bearer_token_is_handed_on_without_its_scheme() {
    let iam = FakeIam::start();
    let mut env = iam.env();
    env.push(("IBMCLOUD_API_KEY".to_owned(), API_KEY.to_owned()));
    let token = Program::ours(PLUGIN).args(["token", "us.icr.io"]).envs(env);
    let token = token.run().success().trim().to_owned();
    // As `ibmcloud iam oauth-tokens` prints it.
    let printed = format!("Bearer {token}");
    let env = owned(&[("IBMCLOUD_BEARER_TOKEN", &printed)]);
    pulls(iam.logins(), &env, false);
    assert_eq!(iam.calls(), 1, "the token is used as it is");
}

fn owned(vars: &[(&str, &str)]) -> Vec<(String, String)> {
    vars.iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect()
}

#[test]
fn two_hundred_processes_make_one_call() {
    let iam = FakeIam::start();
    let directory = tempfile::tempdir().expect("a directory");
    let start = |number: usize| start(&iam, &directory.path().join("cache"), number);
    let cold: Vec<Running> = (0..200).map(start).collect();
    for running in cold {
        assert!(running.finish().json()["auth"]["us.icr.io"].is_object());
    }
    assert_eq!(iam.calls(), 1, "cold");
    let warm: Vec<Running> = (200..400).map(start).collect();
    for running in warm {
        assert!(running.finish().json()["auth"]["us.icr.io"].is_object());
    }
    assert_eq!(iam.calls(), 1, "warm");
}

fn start(iam: &FakeIam, cache: &Path, number: usize) -> Running {
    let request = plugin_request(&format!("us.icr.io/team/app{number}"));
    Program::ours(PLUGIN)
        .envs(iam.env())
        .env("IBMCLOUD_API_KEY", API_KEY)
        .env("REGCRED_CACHE", cache)
        .stdin(request)
        .start()
}

#[test]
fn ibms_own_client_gets_on_with_the_fakes() {
    let Some(python) = python_with("ibm_cloud_sdk_core") else {
        return;
    };
    let iam = FakeIam::start();
    let metadata = FakeVpcMetadata::start(&iam, false);
    let program = "\
import sys
from ibm_cloud_sdk_core.authenticators import (
    ContainerAuthenticator, IAMAssumeAuthenticator, IAMAuthenticator, VPCInstanceAuthenticator)
url, vpc, key, token_file, linked, assumed = sys.argv[1:]
for who in (
    IAMAuthenticator(key, url=url),
    ContainerAuthenticator(cr_token_filename=token_file, iam_profile_id=linked, url=url),
    IAMAssumeAuthenticator(key, iam_profile_id=assumed, url=url),
    VPCInstanceAuthenticator(url=vpc),
):
    print(who.token_manager.get_token())
";
    let directory = tempfile::tempdir().expect("a directory");
    let token_file = directory.path().join("sa-token");
    std::fs::write(&token_file, service_account_token("iam", 3000)).expect("a file");
    let said = Program::new(python)
        .args([
            "-c",
            program,
            &iam.server().url(),
            &metadata.server().url(),
            API_KEY,
        ])
        .arg(token_file)
        .args([LINKED_PROFILE, ASSUMED_PROFILE])
        .run();
    let owners: Vec<_> = said
        .success()
        .lines()
        .map(|token| iam.owner(token).expect("issued by the fake"))
        .collect();
    assert_eq!(owners, ["service-id", "pod", "assumed", "instance"]);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

const PLUGIN: &str = "icr-credential-provider";
