//! Small AWS services. Each refuses what the real one refuses.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::{CacheKey, Clock, CredentialRequest, Env, Issued, Provider as _, ProviderError};
use regcred_ecr::Ecr;
use regcred_http_testing::{Fake, Reply, Seen};

/// A private registry of the fake account.
pub(crate) const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
/// A role that the fake STS issues.
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/puller";
/// Part of every secret that a fake issues or a test sends.
pub(crate) const CANARY: &str = "canary-secret";

/// Whether a request is signed with this key, for this service in this region; temporary keys with
/// their session.
pub(crate) fn is_signed(seen: &Seen, key: &str, scope: &str, session: bool) -> bool {
    let authorization = seen.authorization().unwrap_or_default();
    authorization.starts_with(&format!("AWS4-HMAC-SHA256 Credential={key}/"))
        && authorization.contains(&format!("/{scope}/aws4_request"))
        && authorization.contains("Signature=")
        && seen.header("x-amz-date").is_some()
        && seen.header("x-amz-security-token").is_some() == session
}

/// Whether a request is signed within ten minutes of this machine's time.
pub(crate) fn is_signed_now(seen: &Seen) -> bool {
    let date = seen.header("x-amz-date").unwrap_or_default();
    let at = chrono::NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ").expect("a date");
    (Clock::system().now() - at.and_utc()).abs() < chrono::TimeDelta::minutes(10)
}

/// `GetAuthorizationToken` of private ECR, by a script.
pub(crate) async fn private(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Fake {
    api(
        "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
        script,
    )
    .await
}

/// The same of ECR Public.
pub(crate) async fn public(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Fake {
    api("SpencerFrontendService.GetAuthorizationToken", script).await
}

async fn api(
    target: &'static str,
    script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> Fake {
    Fake::start(move |seen| {
        let sound = seen.line() == "POST /"
            && seen.header("content-type") == Some("application/x-amz-json-1.1")
            && seen.header("x-amz-target") == Some(target);
        if sound { script(seen) } else { Reply::new(404) }
    })
    .await
}

/// The ECR API, which accepts one key and issues a token of twelve hours.
pub(crate) async fn ecr_for(key: &'static str, session: bool) -> Fake {
    private(move |seen| {
        if is_signed(seen, key, "eu-west-1/ecr", session) {
            ecr_token(&in_hours(12))
        } else {
            ecr_error(400, "UnrecognizedClientException", "not this key")
        }
    })
    .await
}

/// The token of private ECR, under that expiry.
pub(crate) fn ecr_token(expires: &str) -> Reply {
    let token = token();
    aws_json(
        200,
        format!(
            r#"{{"authorizationData":[{{"authorizationToken":"{token}","expiresAt":{expires},"proxyEndpoint":"https://210987654321.dkr.ecr.us-east-1.amazonaws.com"}}]}}"#
        ),
    )
}

/// The same of ECR Public: an object, no endpoint.
pub(crate) fn public_token(expires: &str) -> Reply {
    let token = token();
    aws_json(
        200,
        format!(
            r#"{{"authorizationData":{{"authorizationToken":"{token}","expiresAt":{expires}}}}}"#
        ),
    )
}

/// An error of ECR; HTTP 400 for nearly everything.
pub(crate) fn ecr_error(status: u16, code: &str, message: &str) -> Reply {
    let body = format!(r#"{{"__type":"com.amazonaws.ecr#{code}","message":"{message}"}}"#);
    aws_json(status, body).header("x-amzn-requestid", "request-1")
}

/// What both ECR fakes issue.
pub(crate) fn token() -> String {
    STANDARD.encode(format!("AWS:{CANARY}:with-colon"))
}

/// STS, by a script of the call's action and form.
pub(crate) async fn sts(script: impl Fn(&str, &Seen) -> Reply + Send + Sync + 'static) -> Fake {
    Fake::start(move |seen| {
        let sound = seen.line() == "POST /"
            && seen.header("content-type") == Some("application/x-www-form-urlencoded")
            && field(seen, "Version") == "2011-06-15";
        if sound {
            script(&field(seen, "Action"), seen)
        } else {
            Reply::new(404)
        }
    })
    .await
}

/// STS that issues a role's keys to whoever signs with a key.
pub(crate) async fn sts_for(key: &'static str, session: bool, issued: &'static str) -> Fake {
    sts(move |action, seen| {
        if action == "AssumeRole" && is_signed(seen, key, "eu-west-1/sts", session) {
            sts_keys(action, issued)
        } else {
            sts_error(403, "AccessDenied")
        }
    })
    .await
}

/// STS that issues these keys for the token.
pub(crate) async fn web_identity(token: &'static str, issued: &'static str) -> Fake {
    sts(move |action, seen| {
        let unsigned = seen.authorization().is_none();
        if action == "AssumeRoleWithWebIdentity"
            && unsigned
            && field(seen, "WebIdentityToken") == token
        {
            sts_keys(action, issued)
        } else {
            sts_error(400, "InvalidIdentityToken")
        }
    })
    .await
}

/// A field of a form.
pub(crate) fn field(seen: &Seen, name: &str) -> String {
    let mut form = seen.form().into_iter();
    let found = form.find(|(field, _)| field == name);
    found.map(|(_, value)| value).unwrap_or_default()
}

/// Keys from STS, named so that the ECR fake can tell where they came from.
pub(crate) fn sts_keys(action: &str, key: &str) -> Reply {
    xml(200, sts_body(action, key))
}

/// The body of that response.
pub(crate) fn sts_body(action: &str, key: &str) -> String {
    format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{CANARY}</SecretAccessKey>\
         <SessionToken>{CANARY}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
         </Credentials></{action}Result></{action}Response>"
    )
}

/// An error of STS.
pub(crate) fn sts_error(status: u16, code: &str) -> Reply {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>not for you</Message></Error>\
         <RequestId>request-2</RequestId></ErrorResponse>"
    );
    xml(status, body)
}

/// An instance metadata service with a role; without the token's life, as some emulators respond.
pub(crate) async fn metadata(with_ttl: bool) -> Fake {
    const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
    const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
    Fake::start(move |seen| {
        if seen.line() == "PUT /latest/api/token" && seen.header(TTL) == Some("21600") {
            let token = Reply::ok("session-of-imds");
            return if with_ttl {
                token.header(TTL, "21600")
            } else {
                token
            };
        }
        if seen.method != "GET"
            || seen.header("x-aws-ec2-metadata-token") != Some("session-of-imds")
        {
            return Reply::new(401);
        }
        match seen.path.as_str() {
            ROLES => Reply::ok("node"),
            "/latest/meta-data/placement/region" => Reply::ok("eu-central-1"),
            path if path.strip_prefix(ROLES) == Some("node") => Reply::ok(keys("AKIAIMDS")),
            _ => Reply::new(404),
        }
    })
    .await
}

/// An agent that issues these keys to that header.
pub(crate) async fn agent(authorization: &'static str, key: &'static str) -> Fake {
    Fake::start(move |seen| {
        let known = seen.authorization() == Some(authorization);
        if seen.line() == "GET /v1/credentials" && known {
            // Names count without regard to case.
            Reply::ok(keys(key).replace("AccessKeyId", "accessKeyId"))
        } else {
            Reply::new(401)
        }
    })
    .await
}

fn keys(key: &str) -> String {
    format!(
        r#"{{"Code":"Success","LastUpdated":"2024-01-01T00:00:00Z","Type":"AWS-HMAC","AccessKeyId":"{key}","SecretAccessKey":"{CANARY}","Token":"{CANARY}","Expiration":"2099-01-01T00:00:00Z"}}"#
    )
}

/// So many times one reply, then the other.
pub(crate) fn turns(
    times: usize,
    first: Reply,
    then: Reply,
) -> impl Fn(&Seen) -> Reply + Send + Sync {
    let asked = AtomicUsize::new(0);
    move |_| {
        let reply = if asked.fetch_add(1, Ordering::Relaxed) < times {
            &first
        } else {
            &then
        };
        reply.clone()
    }
}

/// A reply that comes just before the client gives the request up.
pub(crate) fn late(status: &str, body: &str) -> Reply {
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    Reply::raw("")
        .then_after(Duration::from_millis(4900), &text)
        .close()
}

/// Epoch seconds so many hours from now.
pub(crate) fn in_hours(hours: i64) -> String {
    let at = Clock::system().now() + chrono::TimeDelta::hours(hours);
    at.timestamp().to_string()
}

/// A port on which nothing listens, and nothing else can begin to while the tests run.
pub(crate) fn closed() -> String {
    let socket = tokio::net::TcpSocket::new_v4().expect("socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("port");
    let address = socket.local_addr().expect("address");
    // Kept to the end of the process, or the port could become another test's server.
    std::mem::forget(socket);
    format!("http://{address}")
}

/// A server that never responds.
pub(crate) async fn silent() -> Fake {
    Fake::start(|_| Reply::hang()).await
}

/// What the provider answers in this environment.
pub(crate) async fn ask(image: &str, env: &Env) -> Result<Issued, ProviderError> {
    ask_for(&CredentialRequest::new(image).expect(image), env).await
}

/// The same for a whole request.
pub(crate) async fn ask_for(
    request: &CredentialRequest,
    env: &Env,
) -> Result<Issued, ProviderError> {
    Ecr::new(env, &Clock::system())?.credentials(request).await
}

/// The cache key of a request; `None` when it cannot be answered.
pub(crate) fn key(env: &Env, request: &CredentialRequest) -> Option<CacheKey> {
    let provider = Ecr::new(env, &Clock::system()).expect("sound");
    let plan = provider.plan(request).ok()?;
    Some(plan.key().expect("shared").clone())
}

fn aws_json(status: u16, body: String) -> Reply {
    Reply::new(status)
        .header("content-type", "application/x-amz-json-1.1")
        .body(body)
}

fn xml(status: u16, body: String) -> Reply {
    Reply::new(status)
        .header("content-type", "text/xml")
        .body(body)
}
