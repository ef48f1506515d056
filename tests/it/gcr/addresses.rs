//! Whom a token goes to, on the wire: every form of Google's registries, and no host that merely
//! looks like one.

use regcred_core::ImagePattern;
use regcred_tests::oci_registry::Access;
use regcred_tests::{FakeGceMetadata, FakeGoogle, FakeRegistry, Image, Node};

use super::{PLUGIN, asked, plugin, text};

#[test]
fn every_form_of_googles_registries_gets_a_login_that_the_kubelet_finds() {
    let machine = FakeGceMetadata::start();
    let env = machine.env();
    for image in [
        "gcr.io/demo-project/app",
        "gcr.io/example.com/demo-project/app:v1",
        "us.gcr.io/p/a",
        "eu.gcr.io/p/a@sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "asia.gcr.io/p/a",
        "marketplace.gcr.io/google/nginx",
        "staging-k8s.gcr.io/p/a",
        "b.gcr.io/p/a",
        "bucket.gcr.io/p/a",
        "appengine.gcr.io/p/a",
        "beta.gcr.io/p/a",
        "container.cloud.google.com/p/a",
        "us-docker.pkg.dev/p/r/a",
        "europe-west1-docker.pkg.dev/example.com/p/r/a/b/c:v1",
        "docker.us-central1.rep.pkg.dev/p/r/a",
        "gcr.io:443/p/a",
        "US.gcr.io/p/a",
    ] {
        let answer = asked(&env, image).json();
        let auth = answer["auth"].as_object().expect("an object");
        let found = auth.iter().find(|(key, _)| {
            let key = ImagePattern::parse(key).expect("a pattern");
            key.matches(image)
        });
        let (_, login) = found.unwrap_or_else(|| panic!("{image}: {answer}"));
        assert_eq!(login["username"], "_token", "{image}");
        assert!(machine.logins().accepts("_token", text(&login["password"])));
        assert_eq!(answer["cacheKeyType"], "Registry");
    }
}

#[test]
fn look_alikes_get_nothing_and_nobody_is_asked_for_them() {
    let machine = FakeGceMetadata::start();
    let env = machine.env();
    for host in LOOK_ALIKES {
        let answer = asked(&env, &format!("{host}/demo-project/app")).json();
        assert_eq!(answer["auth"], serde_json::json!({}), "{host}");
        assert_eq!(answer["cacheDuration"], "0s");
        plugin(&env).args(["token", host]).run().fails(3);
        let helper = plugin(&env).args(["docker", "get"]).stdin(*host).run();
        assert_eq!(helper.code(), Some(1));
        assert_eq!(
            helper.stdout().trim_end(),
            "credentials not found in native keychain"
        );
    }
    assert!(machine.server().seen().is_empty());

    // One that the operator names gets an answer for itself alone.
    let mut env = env;
    env.push((
        "REGCRED_GCR_ALSO_SERVE".into(),
        "mirror.example:5000".into(),
    ));
    let answer = asked(&env, "mirror.example:5000/app").json();
    let keys: Vec<&String> = answer["auth"]
        .as_object()
        .expect("an object")
        .keys()
        .collect();
    assert_eq!(keys, ["mirror.example:5000"]);
    assert_eq!(machine.token_requests(), 1);
}

/// A careless pattern brings the plugin into play; the registry still sees no login.
#[test]
fn a_pull_from_a_look_alike_shows_it_no_login() {
    let google = FakeGoogle::start();
    let machine = FakeGceMetadata::start_beside(&google);
    // This one refuses a request that carries a login.
    let registry = FakeRegistry::start(Access::Open);
    registry.push("demo-project/app", "v1", &Image::single(3, 1, 1_000));
    for host in ["us-docker.pkg.dev.evil.example", "gcr.io.evil.example"] {
        let mut node = Node::new();
        node.map_host(host, &registry.server().url());
        let careless = format!("*.{}", host.split_once('.').expect("labels").1);
        node.add_plugin(PLUGIN, &[&careless, host], &machine.env());
        let _ = node
            .pull(&format!("{host}/demo-project/app:v1"))
            .run()
            .success();
    }
    assert!(!registry.server().seen().is_empty());
    for request in registry.server().seen() {
        assert!(request.header("authorization").is_none());
    }
    assert!(machine.server().seen().is_empty(), "no token was asked for");
}

const LOOK_ALIKES: &[&str] = &[
    "evilgcr.io",
    "gcr.io.evil.example",
    "us.gcr.io.evil.example",
    "gcr.com",
    "gcr.io-evil.example",
    "pkg.dev",
    "docker.pkg.dev",
    "us-npm.pkg.dev",
    "us-docker.pkg.dev.evil.example",
    "evil.us-docker.pkg.dev",
    "us-docker-pkg.dev",
    "docker.us.rep.pkg.dev.evil.example",
    "docker.a.b.rep.pkg.dev",
    "registry.k8s.io",
    "google.com",
    "docker.x.goog",
    "docker.s3nsregistry.fr",
    "busybox",
];
