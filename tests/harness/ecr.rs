//! The ECR API: `GetAuthorizationToken` of private and public ECR, awsJson1.1, with the signature
//! checked.

mod cloud;

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::Clock;
use serde_json::{Value, json};

use crate::seeded::Seeded;
use crate::server::{Gate, Handler, Reply, Seen, Server, lock};
use crate::sigv4::{self, AccessKey, Signed};
use crate::{Logins, Tls};

pub use cloud::EcrCloud;

/// An ECR endpoint of one account. Dropping it ends it.
pub struct FakeEcr {
    server: Server,
    api: Arc<Api>,
}

/// How an endpoint fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// HTTP 400 with `ThrottlingException`, as AWS throttles.
    Throttle,
    /// HTTP 429 with a body that says nothing, as a proxy in front throttles.
    TooManyRequests,
    /// HTTP 500 with `ServerException`.
    ServerError,
    /// HTTP 400 with `AccessDeniedException`.
    Denied,
    /// HTTP 400 with `ExpiredTokenException`: the session of the key has expired.
    ExpiredSession,
    /// HTTP 200 with a body that is not JSON and holds a password.
    Garbage,
    /// No answer ever.
    Hang,
    /// The connection is closed without an answer.
    Close,
}

impl FakeEcr {
    /// Starts an http endpoint of that account, which accepts the keys given.
    #[must_use]
    pub fn start(account: &str, keys: &[AccessKey]) -> Self {
        Self::over(account, keys, None)
    }

    /// Starts an https endpoint.
    #[must_use]
    pub fn start_tls(account: &str, keys: &[AccessKey], tls: &Tls) -> Self {
        Self::over(account, keys, Some(tls))
    }

    fn over(account: &str, keys: &[AccessKey], tls: Option<&Tls>) -> Self {
        let api = Arc::new(Api {
            account: account.to_owned(),
            keys: keys.to_vec(),
            logins: Logins::new(),
            state: Mutex::new(State {
                random: Seeded::new(0xec),
                life: TimeDelta::hours(12),
                ahead: TimeDelta::zero(),
                failure: None,
                gate: None,
                signed: Vec::new(),
            }),
        });
        let handler = Arc::clone(&api);
        let handler = move |request: &Seen| handler.handle(request);
        let server = match tls {
            None => Server::start(handler),
            Some(tls) => Server::start_tls(handler, tls),
        };
        Self { server, api }
    }

    /// The variables that send ECR's clients here.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        ["AWS_ENDPOINT_URL_ECR", "AWS_ENDPOINT_URL_ECR_PUBLIC"]
            .map(|name| (name.to_owned(), self.server.url()))
            .to_vec()
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The logins issued so far, for a registry that is to accept them.
    #[must_use]
    pub fn logins(&self) -> &Logins {
        &self.api.logins
    }

    /// Who signed the requests that were answered, in order.
    #[must_use]
    pub fn signed(&self) -> Vec<Signed> {
        lock(&self.api.state).signed.clone()
    }

    /// From now on tokens live so long; zero or less makes them expired at birth.
    pub fn set_life(&self, life: TimeDelta) {
        lock(&self.api.state).life = life;
    }

    /// From now on this endpoint's clock is so far ahead of ours, or behind it when negative.
    pub fn set_clock(&self, ahead: TimeDelta) {
        lock(&self.api.state).ahead = ahead;
    }

    /// The next `times` requests fail so.
    pub fn fail(&self, failure: Failure, times: usize) {
        lock(&self.api.state).failure = Some((failure, times));
    }

    /// From now on answers come when that gate is open.
    #[must_use]
    pub fn hold(&self) -> Gate {
        let gate = Gate::closed();
        lock(&self.api.state).gate = Some(gate.clone());
        gate
    }
}

struct Api {
    account: String,
    keys: Vec<AccessKey>,
    logins: Logins,
    state: Mutex<State>,
}

struct State {
    random: Seeded,
    life: TimeDelta,
    ahead: TimeDelta,
    failure: Option<(Failure, usize)>,
    gate: Option<Gate>,
    signed: Vec<Signed>,
}

impl Handler for Api {
    fn handle(&self, request: &Seen) -> Reply {
        let date = self.now().format("%a, %d %b %Y %H:%M:%S GMT");
        let reply = self.answer(request).header("date", date.to_string());
        match &lock(&self.state).gate {
            None => reply,
            Some(gate) => reply.after(gate),
        }
    }
}

impl Api {
    fn now(&self) -> DateTime<Utc> {
        Clock::system().now() + lock(&self.state).ahead
    }

    fn answer(&self, request: &Seen) -> Reply {
        if let Some(reply) = self.failure() {
            return reply;
        }
        if request.method != "POST" || request.path != "/" {
            return Reply::text(404, "Not Found");
        }
        if request.header("content-type") != Some("application/x-amz-json-1.1") {
            return refusal(
                "SerializationException",
                "the content type is not awsJson1.1",
            );
        }
        let service = match request.header("x-amz-target") {
            Some("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken") => "ecr",
            Some("SpencerFrontendService.GetAuthorizationToken") => "ecr-public",
            _ => return refusal("UnknownOperationException", "no such operation"),
        };
        let signed = match sigv4::verify(request, &self.keys, self.now()) {
            Ok(signed) => signed,
            Err(refused) => return refusal(refused.code, &refused.message),
        };
        let public_elsewhere = service == "ecr-public" && signed.region != "us-east-1";
        if signed.service != service || public_elsewhere {
            let message = format!("Credential should be scoped to {service} and its region");
            return refusal("InvalidSignatureException", &message);
        }
        match registry_ids(&request.body) {
            Err(message) => refusal("InvalidParameterException", message),
            Ok(accounts) => self.issue(signed, accounts),
        }
    }

    fn failure(&self) -> Option<Reply> {
        let mut state = lock(&self.state);
        let (failure, times) = state.failure.as_mut()?;
        if *times == 0 {
            return None;
        }
        *times -= 1;
        Some(match failure {
            Failure::Throttle => refusal("ThrottlingException", "Rate exceeded"),
            Failure::TooManyRequests => Reply::text(429, "slow down"),
            Failure::ExpiredSession => refusal(
                "ExpiredTokenException",
                "The security token included in the request is expired",
            ),
            Failure::ServerError => Reply::json(
                500,
                &json!({"__type": "ServerException", "message": "internal error"}),
            ),
            Failure::Denied => refusal(
                "AccessDeniedException",
                "User is not authorized to perform: ecr:GetAuthorizationToken",
            ),
            Failure::Garbage => {
                let password = state.random.word(80);
                self.logins.add("garbage", &password);
                Reply::typed(200, "application/x-amz-json-1.1", format!("<{password}>"))
            }
            Failure::Hang => Reply::hang(),
            Failure::Close => Reply::hang_up(),
        })
    }

    fn issue(&self, signed: Signed, mut accounts: Vec<String>) -> Reply {
        let now = self.now();
        let mut state = lock(&self.state);
        // Real ones are base64 of JSON, somewhat under two kilobytes.
        let password = state.random.word(1_700);
        self.logins.add("AWS", &password);
        let expires = now + state.life;
        // AWS sends seconds as a float.
        let expires = expires.timestamp_millis() as f64 / 1000.0;
        let token = STANDARD.encode(format!("AWS:{password}"));
        let answer = if signed.service == "ecr-public" {
            json!({"authorizationData": {"authorizationToken": token, "expiresAt": expires}})
        } else {
            if accounts.is_empty() {
                accounts.push(self.account.clone());
            }
            let data: Vec<Value> = accounts
                .iter()
                .map(|account| {
                    let region = &signed.region;
                    json!({
                        "authorizationToken": token,
                        "expiresAt": expires,
                        "proxyEndpoint": format!("https://{account}.dkr.ecr.{region}.amazonaws.com"),
                    })
                })
                .collect();
            json!({ "authorizationData": data })
        };
        state.signed.push(signed);
        Reply::typed(200, "application/x-amz-json-1.1", answer.to_string())
    }
}

/// The body's one optional member.
fn registry_ids(body: &[u8]) -> Result<Vec<String>, &'static str> {
    let value: Value = serde_json::from_slice(body).map_err(|_| "the body is not JSON")?;
    let object = value.as_object().ok_or("the body is not an object")?;
    if object.keys().any(|key| key != "registryIds") {
        return Err("the body has an unknown member");
    }
    let Some(ids) = object.get("registryIds") else {
        return Ok(Vec::new());
    };
    let ids = ids.as_array().ok_or("registryIds is not a list")?;
    ids.iter()
        .map(|id| {
            id.as_str()
                .filter(|id| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit()))
                .map(str::to_owned)
                .ok_or("a registry id is not twelve digits")
        })
        .collect()
}

/// AWS answers client errors, throttling among them, with HTTP 400.
fn refusal(code: &str, message: &str) -> Reply {
    let body = json!({"__type": code, "message": message}).to_string();
    Reply::typed(400, "application/x-amz-json-1.1", body)
}
