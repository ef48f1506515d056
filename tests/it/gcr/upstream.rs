//! The same requests to us and to upstream's `auth-provider-gcp`, where `REGCRED_GCR_PEER` names
//! one. Upstream has the metadata server's name built in, and asks it through the environment's
//! proxy: so the fake is its proxy.

use std::path::PathBuf;

use regcred_core::{Env, ImagePattern};
use regcred_tests::google::{FakeGoogle, GKE_AUDIENCE, GKE_ISSUER, GKE_POD, PROJECT};
use regcred_tests::namespace::{instead_of, run_inside};
use regcred_tests::{FakeGceMetadata, Finished, Program, TlsFront};
use serde_json::{Value, json};

use super::{Dir, PLUGIN, password, request, text, vars};

#[test]
fn a_node_gets_the_same_logins_from_both() {
    let Some(peer) = Peer::find() else { return };
    for image in [
        "gcr.io/p/a:v1",
        "us.gcr.io/p/a",
        "europe-west1-docker.pkg.dev/p/r/a",
        "container.cloud.google.com/p/a",
        "gcr.io:443/p/a",
        "docker.us-central1.rep.pkg.dev/p/r/a",
    ] {
        for args in [
            &["get-credentials"][..],
            &["get-credentials", "--v=3"],
            &["get-credentials", "-v", "3", "--logtostderr=true"],
            &["get-credentials", "--authFlow=gcr"],
            &["get-credentials", "-a", "gcr"],
        ] {
            let (ours, theirs) = peer.both(args, &request(image), &[]);
            let (ours, theirs) = (ours.json(), theirs.json());
            for answer in [&ours, &theirs] {
                let login = found(answer, image);
                assert_eq!(login["username"], "_token", "{image}");
                let token = text(&login["password"]);
                assert!(peer.machine.logins().accepts("_token", token), "{image}");
            }
            // Every key of theirs that is not a pattern of ours is the host itself.
            for key in keys(&theirs) {
                let host = image.split('/').next().unwrap_or_default();
                assert!(keys(&ours).contains(&key) || key == host, "{key}");
            }
            assert_eq!(ours["kind"], theirs["kind"]);
            assert_eq!(ours["apiVersion"], theirs["apiVersion"]);
        }
    }
}

#[test]
fn upstreams_cache_variables_mean_the_same() {
    let Some(peer) = Peer::find() else { return };
    for (kind, duration) in [("image", "5m"), ("registry", "10m"), ("global", "0")] {
        let more = [
            ("KUBE_SIDECAR_CACHE_TYPE", kind),
            ("KUBE_SIDECAR_CACHE_DURATION", duration),
        ];
        let (ours, theirs) = peer.both(&["get-credentials"], &request("gcr.io/p/a"), &more);
        let (ours, theirs) = (ours.json(), theirs.json());
        assert_eq!(ours["cacheKeyType"], theirs["cacheKeyType"]);
        assert_eq!(ours["cacheDuration"], theirs["cacheDuration"]);
    }
    // What differs on purpose: upstream keeps nothing, for one image; we as long as it lives.
    let (ours, theirs) = peer.both(&["get-credentials"], &request("gcr.io/p/a"), &[]);
    let (ours, theirs) = (ours.json(), theirs.json());
    assert_eq!(
        (&theirs["cacheKeyType"], &theirs["cacheDuration"]),
        (&json!("Image"), &json!("0s"))
    );
    assert_eq!(ours["cacheKeyType"], "Registry");
}

#[test]
fn logins_in_the_metadata_are_the_same() {
    let Some(peer) = Peer::find() else { return };
    let document = json!({
        "quay.io": {"username": "u", "password": "p", "email": "e@x"},
        "registry.example.com:5000": {"auth": "dXNlcjpwYTpzcw=="},
        "unpadded.example.com": {"auth": "dXNlcjpwYTpzcw"},
    });
    peer.machine
        .set_attribute("google-dockercfg", &document.to_string());
    let args = ["get-credentials", "--authFlow=dockercfg"];
    let (ours, theirs) = peer.both(&args, &request("quay.io/org/app"), &[]);
    let (ours, theirs) = (ours.json(), theirs.json());
    assert_eq!(ours["auth"], theirs["auth"]);
    assert_eq!(theirs["auth"]["unpadded.example.com"]["password"], "pa:ss");

    let behind = regcred_tests::Server::start(move |request: &regcred_tests::server::Seen| {
        assert!(request.header("metadata-flavor").is_none());
        regcred_tests::server::Reply::json(200, &document)
    });
    let url = format!("{}/dockercfg", behind.url());
    peer.machine.set_attribute("google-dockercfg-url", &url);
    let args = ["get-credentials", "--authFlow=dockercfg-url"];
    let (ours, theirs) = peer.both(&args, &request("quay.io/org/app"), &[]);
    assert_eq!(ours.json()["auth"], theirs.json()["auth"]);
    assert_eq!(behind.seen().len(), 2);
}

#[test]
fn command_lines_that_upstream_refuses_are_refused() {
    let Some(peer) = Peer::find() else { return };
    for args in [
        &["get-credentials", "--authFlow=GCR"][..],
        &["get-credentials", "--authFlow=other"],
        &["get-credentials", "--identity-provider=https://issuer"],
        &["get-credentials", "--no-such-flag"],
    ] {
        let (ours, theirs) = peer.both(args, &request("gcr.io/p/a"), &[]);
        assert_ne!(theirs.code(), Some(0), "{args:?}");
        assert_ne!(ours.code(), Some(0), "{args:?}");
        assert_eq!(
            (ours.stdout(), theirs.stdout()),
            (String::new(), String::new())
        );
    }
}

/// Upstream's flow for pods, by the flags and the annotation of both, at Google's public name.
#[test]
fn pods_of_gke_are_exchanged_by_both() {
    let Some(peer) = Peer::find() else { return };
    let dir = Dir::new();
    let hosts = dir.file("hosts", "127.0.0.1 localhost sts.googleapis.com\n");
    let setup = format!(
        "{} && export REGCRED_GCR_PEER={}",
        instead_of("/etc/hosts", hosts.as_ref()),
        peer.program.display()
    );
    run_inside(
        &setup,
        "gcr::upstream::inside_pods_of_gke_are_exchanged_by_both",
    );
}

#[test]
#[ignore = "needs a namespace; pods_of_gke_are_exchanged_by_both runs it"]
fn inside_pods_of_gke_are_exchanged_by_both() {
    let peer = Peer::find().expect("the outer test has seen it");
    let google = FakeGoogle::start();
    let front = TlsFront::on_port(443, &["sts.googleapis.com"], google.server().address());
    let ca = front.ca_file().display().to_string();
    let args = [
        "get-credentials",
        "--identity-provider",
        GKE_ISSUER,
        "--project-id",
        PROJECT,
    ];
    let mut asked = request("us-docker.pkg.dev/p/r/a");
    asked["serviceAccountToken"] = json!(google.gke_cluster().token(GKE_AUDIENCE, 600));
    asked["serviceAccountAnnotations"] = json!({"iam.gke.io/enable-wi-image-pull": "true"});
    let (ours, theirs) = peer.both(&args, &asked, &[("SSL_CERT_FILE", &ca)]);
    for answer in [ours.json(), theirs.json()] {
        assert_eq!(google.owner(password(&answer)).as_deref(), Some(GKE_POD));
    }
    // A token that is refused is the node's for neither.
    asked["serviceAccountToken"] = json!(google.gke_cluster().token("another", 600));
    let (ours, theirs) = peer.both(&args, &asked, &[("SSL_CERT_FILE", &ca)]);
    assert!(
        ours.fails(6)
            .contains("does not match the expected audience")
    );
    assert_eq!(theirs.json()["auth"], Value::Null);
    assert!(peer.machine.server().seen().is_empty());
}

/// What is different on purpose, shown: upstream gives a stranger Google's token, and answers a
/// failure with nothing.
#[test]
fn where_we_differ_from_upstream() {
    let Some(peer) = Peer::find() else { return };
    let image = "gcr.io.evil.example/p/a";
    let (ours, theirs) = peer.both(&["get-credentials"], &request(image), &[]);
    assert!(keys(&theirs.json()).contains(&"gcr.io.evil.example".to_owned()));
    assert_eq!(ours.json()["auth"], json!({}));

    let answers = regcred_tests::gce_metadata::Answers::NoAccount;
    peer.machine.set_answers(answers);
    let (ours, theirs) = peer.both(&["get-credentials"], &request("gcr.io/p/a"), &[]);
    assert_eq!(theirs.json()["auth"], Value::Null);
    assert!(ours.fails(5).contains("knows no service account"));
}

/// Upstream's program and a metadata server for both.
struct Peer {
    program: PathBuf,
    machine: FakeGceMetadata,
}

impl Peer {
    #[expect(clippy::print_stderr, reason = "a skipped test must say so")]
    fn find() -> Option<Self> {
        let Some(program) = Env::process().path("REGCRED_GCR_PEER") else {
            eprintln!("SKIPPED: REGCRED_GCR_PEER names no auth-provider-gcp");
            return None;
        };
        Some(Self {
            program,
            machine: FakeGceMetadata::start(),
        })
    }

    fn both(&self, args: &[&str], request: &Value, more: &[(&str, &str)]) -> (Finished, Finished) {
        let run = |program: Program| {
            let program = program.args(args).envs(vars(more));
            program.stdin(request.to_string()).run()
        };
        let ours = run(Program::ours(PLUGIN).envs(self.machine.env()));
        let theirs = Program::new(&self.program).env("HTTP_PROXY", self.machine.server().url());
        (ours, run(theirs))
    }
}

/// The login that the kubelet finds in an answer.
fn found<'a>(answer: &'a Value, image: &str) -> &'a Value {
    let auth = answer["auth"].as_object().expect("an object");
    let matches = |key: &str| ImagePattern::parse(key).is_ok_and(|key| key.matches(image));
    let login = auth.iter().find(|(key, _)| matches(key));
    login.unwrap_or_else(|| panic!("{image}: {answer}")).1
}

fn keys(answer: &Value) -> Vec<String> {
    let auth = answer["auth"].as_object();
    auth.map(|auth| auth.keys().cloned().collect())
        .unwrap_or_default()
}
