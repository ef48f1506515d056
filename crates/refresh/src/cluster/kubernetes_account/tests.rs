use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::super::token_cache::{AccountTokens, ROOM};
use super::*;

const CANARY: &str = "canary.service-account.token";

/// The two questions of an API server, about one account; all others are refused.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    asked: Vec<Value>,
    /// Answers to be given before the right one.
    faults: VecDeque<(u16, String)>,
    /// When its tokens begin.
    now: DateTime<Utc>,
}

impl Server {
    async fn start(&self) -> Cluster {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move {
                    let answer = service_fn(|request| server.answer(request));
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), answer).await;
                });
            }
        });
        regcred_run::install_crypto();
        let config = kube::Config::new(url.parse().expect("a URL"));
        let client = kube::Client::try_from(config).expect("a client");
        Cluster::new(client, 0)
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let question = format!("{} {}", request.method(), request.uri());
        let body = request.into_body().collect().await.expect("a body");
        let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        let mut state = self.0.lock().expect("whole");
        let (status, text) = match (state.faults.pop_front(), &*question) {
            (Some(fault), _) => fault,
            (None, "GET /api/v1/namespaces/shop/serviceaccounts/puller") => (200, account()),
            (None, "POST /api/v1/namespaces/shop/serviceaccounts/puller/token?") => {
                issued(&body, state.now)
            }
            (None, _) => (404, status(404, "NotFound")),
        };
        state.asked.push(body);
        let answer = Response::builder().status(status).body(text.into());
        Ok(answer.expect("an answer"))
    }

    fn fail(&self, status: u16, text: &str, times: usize) {
        let mut state = self.0.lock().expect("whole");
        for _ in 0..times {
            state.faults.push_back((status, text.to_owned()));
        }
    }

    fn asked(&self) -> usize {
        self.0.lock().expect("whole").asked.len()
    }
}

fn account() -> String {
    json!({"kind": "ServiceAccount", "metadata": {
        "name": "puller", "namespace": "shop", "uid": "uid-1", "annotations": {"role": "a"}}})
    .to_string()
}

fn status(code: u16, reason: &str) -> String {
    json!({"kind": "Status", "code": code, "reason": reason, "message": "told"}).to_string()
}

fn issued(asked: &Value, now: DateTime<Utc>) -> (u16, String) {
    let uid = &asked["metadata"]["uid"];
    if !uid.is_null() && uid != "uid-1" {
        return (409, status(409, "Conflict"));
    }
    let pod = &asked["spec"]["boundObjectRef"];
    if !pod.is_null()
        && *pod != json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "p-1"})
    {
        return (409, status(409, "Conflict"));
    }
    let seconds = asked["spec"]["expirationSeconds"].as_i64().unwrap_or(3600);
    if seconds < 600 {
        return (422, status(422, "Invalid"));
    }
    (
        201,
        answer(CANARY, &asked["spec"]["audiences"], seconds, now),
    )
}

fn answer(token: &str, audiences: &Value, seconds: i64, now: DateTime<Utc>) -> String {
    let end = (now + TimeDelta::seconds(seconds)).to_rfc3339();
    json!({"kind": "TokenRequest", "spec": {"audiences": audiences, "expirationSeconds": seconds},
        "status": {"token": token, "expirationTimestamp": end}})
    .to_string()
}

/// A clock that is set by hand.
fn clock(at: &Arc<Mutex<DateTime<Utc>>>) -> Clock {
    let at = Arc::clone(at);
    Clock::from_fn(move || *at.lock().expect("whole"))
}

struct Stage {
    server: Server,
    cluster: Cluster,
    time: Arc<Mutex<DateTime<Utc>>>,
}

impl Stage {
    async fn new() -> Self {
        let server = Server::default();
        let stage = Self {
            cluster: server.start().await,
            server,
            time: Arc::default(),
        };
        stage.at(1_800_000_000);
        stage
    }

    /// Sets both clocks.
    fn at(&self, seconds: i64) {
        let now = DateTime::from_timestamp(seconds, 0).expect("a time");
        *self.time.lock().expect("whole") = now;
        self.server.0.lock().expect("whole").now = now;
    }

    fn named(&self, name: &str) -> KubernetesAccount {
        KubernetesAccount::new(&self.cluster, clock(&self.time), "shop", name)
    }

    /// The token of the account, or the whole error.
    async fn token(&self, audience: &str) -> Result<String, String> {
        token(&self.named("puller"), "uid-1", audience).await
    }
}

async fn token(source: &KubernetesAccount, uid: &str, audience: &str) -> Result<String, String> {
    let account = ServiceAccount {
        coordinates: ServiceAccountCoordinates {
            uid: uid.to_owned(),
            ..ServiceAccountCoordinates::default()
        },
        ..ServiceAccount::default()
    };
    let answer = source.token(&account, audience).await;
    let answer = answer.map(|token| token.expose_secret().to_owned());
    answer.map_err(|error| report(&*error))
}

#[tokio::test]
async fn the_account_is_who_the_server_says() {
    let stage = Stage::new().await;
    let found = stage.named("puller").account().await.expect("there");
    let which = &found.coordinates;
    assert_eq!((&*which.uid, &*which.namespace), ("uid-1", "shop"));
    assert_eq!(found.annotations["role"], "a");
    let error = stage.named("nobody").account().await.expect_err("absent");
    assert_eq!(error.to_string(), "there is no service account shop/nobody");
    stage.server.fail(403, &status(403, "Forbidden"), 1);
    let error = stage.named("puller").account().await.expect_err("no right");
    let error = error.downcast::<TokenError>().expect("our own");
    assert!(!error.is_passing());
    assert!(error.to_string().contains("403 Forbidden"), "{error}");
}

#[tokio::test]
async fn a_request_has_one_audience_and_what_binds_it() {
    let stage = Stage::new().await;
    assert_eq!(stage.token("sts").await.as_deref(), Ok(CANARY));
    let pod = stage.named("puller").bound_to_pod("p", "p-1");
    let pod = pod.living_for(Duration::from_secs(600));
    assert_eq!(token(&pod, "uid-1", "sts").await.as_deref(), Ok(CANARY));
    assert_eq!(token(&pod, "", "x").await.as_deref(), Ok(CANARY));
    let asked = stage.server.0.lock().expect("whole").asked.clone();
    let request = |spec: Value, metadata: Value| {
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "metadata": metadata, "spec": spec})
    };
    let bound = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "p-1"});
    assert_eq!(
        asked,
        [
            request(json!({"audiences": ["sts"]}), json!({"uid": "uid-1"})),
            request(
                json!({"audiences": ["sts"], "expirationSeconds": 600, "boundObjectRef": bound}),
                json!({"uid": "uid-1"})
            ),
            request(
                json!({"audiences": ["x"], "expirationSeconds": 600, "boundObjectRef": bound}),
                json!({})
            ),
        ]
    );
}

#[tokio::test]
async fn a_token_is_kept_until_four_fifths_of_its_life() {
    let stage = Stage::new().await;
    let asked = async |after: i64, source: &KubernetesAccount| {
        stage.at(1_800_000_000 + after);
        token(source, "uid-1", "sts").await.expect("a token");
        stage.server.asked()
    };
    let hour = stage.named("puller");
    assert_eq!(asked(0, &hour).await, 1);
    assert_eq!(
        asked(2869, &hour.clone()).await,
        1,
        "shared, less the jitter"
    );
    assert_eq!(asked(2881, &hour).await, 2);
    let days = stage
        .named("puller")
        .living_for(Duration::from_secs(500_000));
    assert_eq!(asked(0, &days).await, 3, "another life is another token");
    assert_eq!(asked(86_380, &days).await, 3);
    assert_eq!(asked(86_401, &days).await, 4, "a day at most");
    let (again, other) = (stage.named("puller"), stage.token("other"));
    assert_eq!(other.await.as_deref(), Ok(CANARY));
    assert_eq!(stage.server.asked(), 5, "another audience");
    let refused = token(&again, "uid-2", "sts").await.expect_err("made anew");
    assert!(refused.contains("409 Conflict"), "{refused}");
}

#[tokio::test]
async fn callers_that_come_together_ask_once() {
    let stage = Stage::new().await;
    let one = || async { stage.token("sts").await.expect("a token") };
    tokio::join!(one(), one(), one(), one());
    assert_eq!(stage.server.asked(), 1);
}

#[tokio::test]
async fn an_older_token_serves_while_there_is_no_newer_one() {
    let stage = Stage::new().await;
    stage.token("sts").await.expect("a token");
    stage.server.fail(403, &status(403, "Forbidden"), 2);
    stage.at(1_800_000_000 + 3000);
    assert_eq!(stage.token("sts").await.as_deref(), Ok(CANARY));
    stage.at(1_800_000_000 + 3600);
    let error = stage.token("sts").await.expect_err("it is over");
    assert!(error.contains("403 Forbidden"), "{error}");
    assert_eq!(stage.token("sts").await.as_deref(), Ok(CANARY));
}

#[tokio::test]
async fn what_may_pass_is_asked_again_and_the_rest_is_not() {
    let stage = Stage::new().await;
    let now = stage.server.0.lock().expect("whole").now;
    stage.server.fail(500, "", 2);
    assert_eq!(stage.token("retried").await.as_deref(), Ok(CANARY));
    assert_eq!(stage.server.asked(), 3);
    stage.server.fail(429, &status(429, "TooManyRequests"), 1);
    assert_eq!(stage.token("slowed").await.as_deref(), Ok(CANARY));
    assert_eq!(stage.server.asked(), 5);
    let others = answer(CANARY, &json!(["others"]), 3600, now);
    let many = answer(CANARY, &json!(["sts", "others"]), 3600, now);
    let two_lines = answer("canary\r\nx: y", &json!(["sts"]), 3600, now);
    let empty = answer("", &json!(["sts"]), 3600, now);
    let mut endless: Value = serde_json::from_str(&others).expect("JSON");
    endless["spec"] = json!({"audiences": ["sts"], "expirationSeconds": i64::MAX});
    for (code, text, expected) in [
        (403, status(403, "Forbidden"), "403 Forbidden: told"),
        (404, status(404, "NotFound"), "404 NotFound"),
        (422, status(422, "Invalid"), "422 Invalid"),
        (201, others, "no token for the audience \"sts\""),
        (201, many, "no token for the audience \"sts\""),
        (201, two_lines, "no token for the audience \"sts\""),
        (201, empty, "no token for the audience \"sts\""),
        (
            201,
            endless.to_string(),
            "no token for the audience \"sts\"",
        ),
        (201, "{}".to_owned(), "does not have the documented form"),
        (201, "x".repeat(300 << 10), "its answer broke off"),
    ] {
        let before = stage.server.asked();
        let times = if expected.contains("broke") { 3 } else { 1 };
        stage.server.fail(code, &text, times);
        let error = stage.token("sts").await.expect_err(expected);
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("canary"), "{error}");
        assert_eq!(stage.server.asked(), before + times, "{expected}");
    }
}

#[test]
fn room_is_made_for_new_tokens() {
    let tokens = AccountTokens::default();
    let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    for number in 0..ROOM + 10 {
        let key = TokenKey {
            namespace: number.to_string(),
            name: String::new(),
            account: String::new(),
            pod: None,
            audience: String::new(),
            life: None,
        };
        let slot = tokens.slot(&key, now);
        *slot.0.try_lock().expect("free") = Some(KeptToken {
            token: "t".into(),
            renew_at: now,
            expires_at: now + TimeDelta::seconds(i64::from(number % 2 == 0)),
        });
    }
    let left = tokens.0.lock().expect("whole").len();
    assert_eq!(left, ROOM / 2 + 10, "what is over has gone");
}
