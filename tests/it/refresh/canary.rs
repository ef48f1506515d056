//! What the refresher writes when a cloud or the API server repeats the secrets that it was sent.

use regcred_tests::canary::VERBOSE;
use regcred_tests::icr::API_KEY;
use regcred_tests::{Canary, Repeating, Repeats};
use serde_json::json;

use super::daemon::{free_address, get, terminate, until};
use super::{Stage, TARGET};

#[test]
fn nothing_that_a_cloud_repeats_is_in_the_log_the_page_the_metrics_or_an_event() {
    let stage = Stage::new();
    stage.kube.namespace("shop", json!({}));
    let iam = Repeating::start(Repeats::Json(401));
    let start = |args: &[&str]| {
        let program = stage.program(TARGET).env("REGCRED_LOG", VERBOSE).args(args);
        program.env("IBMCLOUD_IAM_URL", iam.server().url())
    };
    let mut canary = Canary::default();
    let once = [
        start(&["--once"]).run(),
        start(&["--once", "--output=json"]).run(),
    ];
    assert!(iam.repeated().contains(API_KEY), "the key was not sent");
    let secrets = || iam.repeated().into_iter().chain([OF_CLUSTER.to_owned()]);
    canary.look_for(secrets(), "once");
    for done in &once {
        assert_eq!(done.code(), Some(2), "{}", done.stderr);
        assert!((done.stdout() + &done.stderr).contains("[secret]"));
        canary.search_output("once", done);
    }

    // A Secret that has the login of one registry: that it lacks the others is an Event.
    let first = stage.program(TARGET).arg("--once");
    let config = stage.directory.path().join("config.yaml");
    let all = std::fs::read_to_string(&config).expect("the configuration");
    let is_other = |line: &&str| !line.contains("{name: de,") && !line.contains("{name: jp,");
    let one: Vec<_> = all.lines().filter(is_other).collect();
    std::fs::write(&config, one.join("\n")).expect("a file");
    assert_eq!(first.run().code(), Some(0));
    let address = free_address();
    let daemon = start(&["--daemon", "--listen", &address]).start();
    until("the pages", || {
        std::net::TcpStream::connect(&address).is_ok()
    });
    let url = format!("http://{address}");
    until("a failure of both registries", || {
        let metrics = get(&url, "/metrics");
        let failed = |name| format!("token_refresh_total{{source=\"{name}\",result=\"denied\"}} 0");
        ["de", "jp"]
            .iter()
            .all(|name| !metrics.contains(&failed(name)))
    });
    until("an Event", || !stage.kube.objects("events").is_empty());
    canary.look_for(secrets(), "the daemon");
    for page in ["/", "/metrics", "/readyz", "/healthz"] {
        let text = get(&url, page);
        assert!(page != "/" || text.contains("[secret]"), "{text}");
        canary.search("pages and metrics", page, &text);
    }
    let line = std::fs::read_to_string(format!("/proc/{}/cmdline", daemon.id()));
    canary.search("command lines", "the daemon", &line.expect("it runs"));
    terminate(&daemon);
    let done = daemon.finish();
    assert!(done.stderr.contains("[secret]"), "{}", done.stderr);
    canary.search_output("the daemon", &done);
    for kind in ["events", "leases", "serviceaccounts", "namespaces"] {
        for object in stage.kube.objects(kind) {
            canary.search("events and other objects", kind, &object.to_string());
        }
    }
    for secret in stage.secrets() {
        let metadata = secret["metadata"].to_string();
        canary.search("events and other objects", "a Secret's metadata", &metadata);
    }
    canary.end(20_000);
}

#[test]
fn nothing_that_the_api_server_repeats_is_shown() {
    let stage = Stage::new();
    let mut canary = Canary::default();
    for repeats in [
        Repeats::Status(403),
        Repeats::Status(404),
        Repeats::Status(422),
        Repeats::Json(401),
        Repeats::Page(403),
    ] {
        let server = Repeating::start(repeats);
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": server.server().url()}}],
            "users": [{"name": "c", "user": {"token": OF_CLUSTER}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
        });
        let config = stage.file("repeating", &config.to_string());
        let context = format!("{repeats:?}");
        let program = stage.program(TARGET).env("KUBECONFIG", config);
        let done = program.env("REGCRED_LOG", VERBOSE).arg("--once").run();
        assert_eq!(done.code(), Some(2), "{context}: {}", done.stderr);
        let sent = server.repeated();
        assert!(
            sent.contains(OF_CLUSTER),
            "{context}: the token was not sent"
        );
        canary.look_for(sent, &context);
        canary.search_output(&context, &done);
    }
    canary.end(1_000);
}

/// As the fake API server takes it.
const OF_CLUSTER: &str = "fake-cluster-token";
