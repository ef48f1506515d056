use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use regcred_http_testing::{Fake, Reply, Seen};
use serde_json::{Value, json};

use super::*;
use crate::cluster::transport::Way;

const CANARY: &str = "canary.service-account.token";

/// An API server that issues tokens of one account and refuses everything else.
struct Server {
    http: Fake,
    cluster: Cluster,
    /// Replies that come before the right one.
    faults: Arc<Mutex<VecDeque<Reply>>>,
}

impl Server {
    async fn start() -> Self {
        let faults = Arc::<Mutex<VecDeque<Reply>>>::default();
        let first = Arc::clone(&faults);
        let http = Fake::start(move |seen| {
            let fault = first.lock().expect("whole").pop_front();
            fault.unwrap_or_else(|| issued(seen))
        })
        .await;
        regcred_run::install_crypto();
        let config = kube::Config::new(http.url("/").parse().expect("a URL"));
        let client = kube::Client::try_from(config).expect("a client");
        Self {
            http,
            cluster: Cluster::new(client, &Way::direct(), 0),
            faults,
        }
    }

    fn fail(&self, status: u16, text: &str, times: usize) {
        let replies = std::iter::repeat_with(|| Reply::text(status, text)).take(times);
        self.faults.lock().expect("whole").extend(replies);
    }

    fn asked(&self) -> usize {
        self.http.seen().len()
    }
}

fn status(code: u16, reason: &str) -> String {
    json!({"kind": "Status", "code": code, "reason": reason, "message": "quota"}).to_string()
}

fn body(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).unwrap_or_default()
}

fn issued(seen: &Seen) -> Reply {
    let asked = body(seen);
    let uid = &asked["metadata"]["uid"];
    if seen.path != "/api/v1/namespaces/shop/serviceaccounts/puller/token" {
        return Reply::text(404, &status(404, "NotFound"));
    }
    if !uid.is_null() && uid != "uid-1" {
        return Reply::text(409, &status(409, "Conflict"));
    }
    Reply::text(201, &answer(CANARY, &asked["spec"]["audiences"]))
}

fn answer(token: &str, audiences: &Value) -> String {
    json!({"kind": "TokenRequest", "spec": {"audiences": audiences, "expirationSeconds": 600},
        "status": {"token": token, "expirationTimestamp": "2027-01-15T08:10:00Z"}})
    .to_string()
}

/// The token of the account with this UID, or the whole error.
async fn token(cluster: &Cluster, uid: &str, audience: &str) -> ClusterResult<String> {
    let account = ServiceAccountCoordinates {
        namespace: "shop".to_owned(),
        name: "puller".to_owned(),
        uid: uid.to_owned(),
    };
    let token = cluster.account_token(&account, audience).await;
    token.map(|token| token.expose_secret().to_owned())
}

#[tokio::test]
async fn a_request_has_one_audience_and_the_accounts_uid_as_precondition() {
    let server = Server::start().await;
    let cluster = &server.cluster;
    assert_eq!(token(cluster, "uid-1", "sts").await.expect("one"), CANARY);
    assert_eq!(token(cluster, "", "x").await.expect("one"), CANARY);
    let asked: Vec<_> = server.http.seen().iter().map(body).collect();
    let request = |audience: &str, metadata: Value| {
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "metadata": metadata, "spec": {"audiences": [audience], "expirationSeconds": 600}})
    };
    let expected = [
        request("sts", json!({"uid": "uid-1"})),
        request("x", json!({})),
    ];
    assert_eq!(asked, expected);
    let refused = token(cluster, "uid-2", "sts").await.expect_err("another");
    assert!(refused.to_string().contains("409 Conflict"), "{refused}");
}

#[tokio::test]
async fn what_may_pass_is_asked_again_and_the_rest_is_not() {
    let server = Server::start().await;
    let cluster = &server.cluster;
    server.fail(500, "", 2);
    assert_eq!(token(cluster, "", "retried").await.expect("one"), CANARY);
    assert_eq!(server.asked(), 3);
    server.fail(429, &status(429, "TooManyRequests"), 1);
    assert_eq!(token(cluster, "", "slowed").await.expect("one"), CANARY);
    assert_eq!(server.asked(), 5);
    let others = answer(CANARY, &json!(["others"]));
    let many = answer(CANARY, &json!(["sts", "others"]));
    let two_lines = answer("canary\r\nx: y", &json!(["sts"]));
    let empty = answer("", &json!(["sts"]));
    for (code, text, expected) in [
        (
            403,
            status(403, "Forbidden"),
            "/token: quota; grant the right",
        ),
        (404, status(404, "NotFound"), "404 NotFound"),
        (422, status(422, "Invalid"), "422 Invalid"),
        (201, others, "without a token for the audience \"sts\""),
        (201, many, "without a token for the audience \"sts\""),
        (201, two_lines, "without a token for the audience \"sts\""),
        (201, empty, "without a token for the audience \"sts\""),
        (201, "{}".to_owned(), "in another form than documented"),
        (201, "x".repeat(300 << 10), "with more than 262144 bytes"),
    ] {
        let before = server.asked();
        server.fail(code, &text, 1);
        let error = token(cluster, "", "sts").await.expect_err(expected);
        assert!(!error.is_passing(), "{error}");
        let error = error.to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("canary"), "{error}");
        assert_eq!(server.asked(), before + 1, "{expected}");
    }
}

fn change(list: &str, wanted: bool) -> Option<String> {
    let text = format!(r#"{{"metadata":{{"resourceVersion":"7"}},{list}}}"#);
    let account: Object = serde_json::from_str(&text).expect("an account");
    let operations = operations(&account, "ours", wanted)?;
    assert_eq!(operations[0]["value"], "7");
    Some(operations[1].to_string())
}

#[test]
fn the_list_is_only_ever_added_to_and_taken_from() {
    let theirs = r#""imagePullSecrets":[{"name":"theirs"}]"#;
    let both = r#""imagePullSecrets":[{"name":"theirs"},{"name":"ours"}]"#;
    assert_eq!(
        change(theirs, true).as_deref(),
        Some(r#"{"op":"add","path":"/imagePullSecrets/-","value":{"name":"ours"}}"#)
    );
    assert_eq!(
        change(r#""x":0"#, true).as_deref(),
        Some(r#"{"op":"add","path":"/imagePullSecrets","value":[{"name":"ours"}]}"#)
    );
    assert_eq!(
        change(both, false).as_deref(),
        Some(r#"{"op":"remove","path":"/imagePullSecrets/1"}"#)
    );
    assert_eq!(change(both, true), None);
    assert_eq!(change(theirs, false), None);
}
