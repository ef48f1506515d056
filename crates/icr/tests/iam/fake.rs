//! IAM's token endpoint and the VPC metadata service, as strict as IBM's own in what they accept.

use std::collections::HashMap;

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers};

/// The access token that an identity gets: it names the identity.
pub(crate) fn token_of(identity: &str) -> String {
    format!("iam-token-of-{identity}")
}

/// `POST /identity/token` with one API key, one linked service account and one assumable profile.
pub(crate) async fn iam() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(matchers::any())
        .respond_with(|request: &Request| answer_iam(request))
        .mount(&server)
        .await;
    server
}

fn answer_iam(request: &Request) -> ResponseTemplate {
    let header = |name: &str| request.headers.get(name).and_then(|v| v.to_str().ok());
    let right = request.method == "POST"
        && request.url.path() == "/identity/token"
        && request.url.query().is_none()
        && header("content-type") == Some("application/x-www-form-urlencoded")
        && header("accept") == Some("application/json")
        && header("x-correlation-id").is_some_and(|id| id.len() > 10);
    if !right {
        return refuse(400, "BXNIM0100E", "the request is malformed");
    }
    let form: HashMap<String, String> = url::form_urlencoded::parse(&request.body)
        .into_owned()
        .collect();
    let get = |name: &str| form.get(name).map(String::as_str);
    match get("grant_type") {
        Some("urn:ibm:params:oauth:grant-type:apikey") => match get("apikey") {
            Some(API_KEY) => grant("service-id"),
            _ => refuse(400, "BXNIM0415E", "Provided API key could not be found."),
        },
        Some("refresh_token") => match get("refresh_token") {
            Some("refresh-1") => grant("person"),
            _ => refuse(400, "BXNIM0408E", "Provided refresh_token is expired"),
        },
        Some("urn:ibm:params:oauth:grant-type:cr-token") => {
            match (get("cr_token"), get("profile_id")) {
                (Some(token), Some("Profile-linked")) if token == sa_token() => grant("pod"),
                (Some(_), None) => refuse(400, "BXNIM0109E", "a profile is missing"),
                _ => refuse(
                    400,
                    "BXNIM0400E",
                    "selected trusted profile not eligible for cr token",
                ),
            }
        }
        Some("urn:ibm:params:oauth:grant-type:assume") => {
            let first = get("access_token") == Some(token_of("service-id").as_str());
            match (first, get("profile_id"), get("account")) {
                (true, Some("Profile-other"), None | Some("acct")) => grant("other"),
                _ => refuse(403, "BXNIM0513E", "not authorized"),
            }
        }
        _ => refuse(400, "BXNIM0101E", "unknown grant type"),
    }
}

/// A metadata server that knows one generation of paths.
pub(crate) async fn vpc(new_paths: bool) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(matchers::any())
        .respond_with(move |request: &Request| answer_vpc(request, new_paths))
        .mount(&server)
        .await;
    server
}

fn answer_vpc(request: &Request, new_paths: bool) -> ResponseTemplate {
    let header = |name: &str| request.headers.get(name).and_then(|v| v.to_str().ok());
    let error = |status, code: &str| {
        ResponseTemplate::new(status)
            .set_body_json(json!({"errors": [{"code": code, "message": code}], "trace": "t"}))
    };
    if header("metadata-flavor") != Some("ibm") {
        return error(400, "missing_value");
    }
    let (identity, iam) = match new_paths {
        true => ("/identity/v1/token", "/identity/v1/iam_tokens"),
        false => (
            "/instance_identity/v1/token",
            "/instance_identity/v1/iam_token",
        ),
    };
    let version = request.url.query().and_then(|q| q.strip_prefix("version="));
    if version.is_none_or(|v| (v >= "2025-08-26") != new_paths) {
        return error(404, "not_found");
    }
    let times = json!({
        "created_at": "2030-01-01T00:00:00Z", "expires_at": "2030-01-01T01:00:00Z",
        "expires_in": 3600
    });
    let answer = |token: &str| {
        let mut body = times.clone();
        body["access_token"] = json!(token);
        ResponseTemplate::new(200).set_body_json(body)
    };
    let body: Option<Value> = serde_json::from_slice(&request.body).ok();
    if request.method == "PUT" && request.url.path() == identity {
        let life = body.and_then(|b| b["expires_in"].as_i64());
        return match life {
            Some(5..=3600) => answer("identity-token"),
            _ => error(400, "invalid_value"),
        };
    }
    if request.method == "POST" && request.url.path() == iam {
        if header("authorization") != Some("Bearer identity-token") {
            return error(401, "unauthenticated");
        }
        return match body {
            None => answer(&token_of("instance")),
            Some(body) if body == json!({"trusted_profile": {"id": "Profile-linked"}}) => {
                answer(&token_of("instance-profile"))
            }
            Some(_) => error(400, "profile_not_linked"),
        };
    }
    error(404, "not_found")
}

/// A service account token as a cluster makes it: three parts, the claims readable.
pub(crate) fn sa_token() -> String {
    // {"aud":["iam"],"iat":1893456000,"exp":1893459600}
    "e30.eyJhdWQiOlsiaWFtIl0sImlhdCI6MTg5MzQ1NjAwMCwiZXhwIjoxODkzNDU5NjAwfQ.c2ln".to_owned()
}

fn grant(identity: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "access_token": token_of(identity), "refresh_token": "not_supported",
        "token_type": "Bearer", "expires_in": 3600, "expiration": NOW + 3600, "scope": "ibm openid"
    }))
}

fn refuse(status: u16, code: &str, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({
        "errorCode": code, "errorMessage": message, "context": {"requestId": "r-1"}
    }))
}

/// A key whose characters must be percent-encoded in a form.
pub(crate) const API_KEY: &str = "a+b/c=d&e";
/// 2030-01-01T00:00:00Z.
pub(crate) const NOW: i64 = 1_893_456_000;
