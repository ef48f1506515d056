//! Small AWS services for the tests of this crate. Each refuses what the real one refuses.

use std::net::TcpListener;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::{Clock, CredentialRequest, Env, Issued, Provider as _, ProviderError};
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Match, Mock, MockBuilder, MockServer, Request, ResponseTemplate};

use crate::Ecr;

/// A private registry of the fake account.
pub(crate) const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
/// A role that the fake STS gives out.
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/puller";
/// Stands in every secret that a fake issues or a test sends.
pub(crate) const CANARY: &str = "canary-secret";

/// Signed with this key, for this region and service; temporary keys with their session.
pub(crate) struct SignedBy {
    pub(crate) key: &'static str,
    pub(crate) region: &'static str,
    pub(crate) service: &'static str,
    pub(crate) session: bool,
}

impl Match for SignedBy {
    fn matches(&self, request: &Request) -> bool {
        let text = |name: &str| request.headers.get(name).and_then(|v| v.to_str().ok());
        let authorization = text("authorization").unwrap_or_default();
        let scope = format!("/{}/{}/aws4_request", self.region, self.service);
        authorization.starts_with(&format!("AWS4-HMAC-SHA256 Credential={}/", self.key))
            && authorization.contains(&scope)
            && authorization.contains("Signature=")
            && text("x-amz-date").is_some()
            && text("x-amz-security-token").is_some() == self.session
    }
}

/// Signed within ten minutes of this machine's time, or not.
pub(crate) struct SignedNow(pub(crate) bool);

impl Match for SignedNow {
    fn matches(&self, request: &Request) -> bool {
        let date = request
            .headers
            .get("x-amz-date")
            .and_then(|v| v.to_str().ok());
        let date = date.unwrap_or_default();
        let at = chrono::NaiveDateTime::parse_from_str(date, "%Y%m%dT%H%M%SZ").expect("a date");
        let off = (Clock::system().now() - at.and_utc()).abs();
        (off < chrono::TimeDelta::minutes(10)) == self.0
    }
}

/// Has no signature.
pub(crate) struct Unsigned;

impl Match for Unsigned {
    fn matches(&self, request: &Request) -> bool {
        !request.headers.contains_key("authorization")
    }
}

/// A call of `GetAuthorizationToken` of private ECR.
pub(crate) fn ecr_call() -> MockBuilder {
    Mock::given(method("POST"))
        .and(path("/"))
        .and(header("content-type", "application/x-amz-json-1.1"))
        .and(header(
            "x-amz-target",
            "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
        ))
}

/// The same of ECR Public.
pub(crate) fn public_call() -> MockBuilder {
    Mock::given(method("POST"))
        .and(path("/"))
        .and(header("content-type", "application/x-amz-json-1.1"))
        .and(header(
            "x-amz-target",
            "SpencerFrontendService.GetAuthorizationToken",
        ))
}

/// A call of one STS operation.
pub(crate) fn sts_call(action: &str) -> MockBuilder {
    Mock::given(method("POST"))
        .and(path("/"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string_contains(format!("Action={action}&")))
        .and(body_string_contains("Version=2011-06-15"))
}

/// The token answer of private ECR, under that expiry.
pub(crate) fn ecr_answer(expires: &str) -> ResponseTemplate {
    let token = token();
    let body = format!(
        r#"{{"authorizationData":[{{"authorizationToken":"{token}","expiresAt":{expires},"proxyEndpoint":"https://210987654321.dkr.ecr.us-east-1.amazonaws.com"}}]}}"#
    );
    json(200, body)
}

/// The same of ECR Public: an object, no endpoint.
pub(crate) fn public_answer(expires: &str) -> ResponseTemplate {
    let token = token();
    let body = format!(
        r#"{{"authorizationData":{{"authorizationToken":"{token}","expiresAt":{expires}}}}}"#
    );
    json(200, body)
}

/// An error of ECR; HTTP 400 for nearly everything.
pub(crate) fn ecr_error(status: u16, code: &str, message: &str) -> ResponseTemplate {
    json(
        status,
        format!(r#"{{"__type":"com.amazonaws.ecr#{code}","message":"{message}"}}"#),
    )
    .insert_header("x-amzn-requestid", "request-1")
}

/// Keys from STS, named so that the ECR fake can tell where they came from.
pub(crate) fn sts_answer(action: &str, key: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(sts_keys(action, key), "text/xml")
}

/// The body of that answer.
pub(crate) fn sts_keys(action: &str, key: &str) -> String {
    format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{CANARY}</SecretAccessKey>\
         <SessionToken>{CANARY}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
         </Credentials></{action}Result></{action}Response>"
    )
}

/// An error of STS.
pub(crate) fn sts_error(status: u16, code: &str) -> ResponseTemplate {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>not for you</Message></Error>\
         <RequestId>request-2</RequestId></ErrorResponse>"
    );
    ResponseTemplate::new(status).set_body_raw(body, "text/xml")
}

/// An instance metadata service with a role; without the token's life header, as emulators answer,
/// when told so.
pub(crate) async fn metadata(with_ttl: bool) -> MockServer {
    const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
    const TOKEN: &str = "x-aws-ec2-metadata-token";
    let server = MockServer::start().await;
    let mut token = ResponseTemplate::new(200).set_body_string("session-of-imds");
    if with_ttl {
        token = token.insert_header(TTL, "21600");
    }
    Mock::given(method("PUT"))
        .and(path("/latest/api/token"))
        .and(header(TTL, "21600"))
        .respond_with(token)
        .mount(&server)
        .await;
    let get = |at: &str| {
        Mock::given(method("GET"))
            .and(path(at))
            .and(header(TOKEN, "session-of-imds"))
    };
    let text = |body: &str| ResponseTemplate::new(200).set_body_string(body.to_owned());
    let base = "/latest/meta-data/iam/security-credentials/";
    get(base).respond_with(text("node")).mount(&server).await;
    get("/latest/meta-data/placement/region")
        .respond_with(text("eu-central-1"))
        .mount(&server)
        .await;
    let keys = format!(
        r#"{{"Code":"Success","LastUpdated":"2024-01-01T00:00:00Z","Type":"AWS-HMAC","AccessKeyId":"AKIAIMDS","SecretAccessKey":"{CANARY}","Token":"{CANARY}","Expiration":"2099-01-01T00:00:00Z"}}"#
    );
    get(&format!("{base}node"))
        .respond_with(text(&keys))
        .mount(&server)
        .await;
    server
}

/// The ECR API, which accepts one key and answers with a token of twelve hours.
pub(crate) async fn ecr_for(key: &'static str, session: bool) -> MockServer {
    let server = MockServer::start().await;
    ecr_call()
        .and(SignedBy {
            key,
            region: "eu-west-1",
            service: "ecr",
            session,
        })
        .respond_with(ecr_answer(&in_hours(12)))
        .mount(&server)
        .await;
    server
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

/// A listener that accepts and says nothing, as long as it lives.
pub(crate) fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    (listener, url)
}

/// A server that lets each request wait almost as long as the client does, refuses so many of them
/// and answers the rest. It lives on the test's own runtime, so that a paused clock counts its time.
pub(crate) async fn slow(refusals: usize, answer: String) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    tokio::spawn(async move {
        for n in 0.. {
            let Ok((mut stream, _)) = listener.accept().await else {
                return;
            };
            let (status, body) = match n < refusals {
                true => ("500 Internal Server Error", ""),
                false => ("200 OK", answer.as_str()),
            };
            let reply = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 8192]).await;
                tokio::time::sleep(std::time::Duration::from_millis(4900)).await;
                let _ = stream.write_all(reply.as_bytes()).await;
            });
        }
    });
    url
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

/// How many requests a fake has seen.
pub(crate) async fn calls(server: &MockServer) -> usize {
    server.received_requests().await.expect("recorded").len()
}

/// What both ECR fakes issue.
pub(crate) fn token() -> String {
    STANDARD.encode(format!("AWS:{CANARY}:with-colon"))
}

fn json(status: u16, body: String) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, "application/x-amz-json-1.1")
}
