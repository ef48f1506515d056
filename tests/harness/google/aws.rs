//! An EC2 instance whose role Google knows: its metadata server as Google's credentials files name
//! it, and what Google learns from AWS about a signed `GetCallerIdentity`.

use http::{HeaderMap, HeaderName, HeaderValue};
use regcred_core::Clock;
use serde_json::{Value, json};
use url::Url;

use super::{AWS_ROLE, FakeGoogle};
use crate::seeded::Seeded;
use crate::server::{Reply, Seen, Server};
use crate::sigv4::{self, AccessKey};

/// An instance in us-east-1. Dropping it ends its metadata server.
pub struct FakeAws {
    server: Server,
}

impl FakeAws {
    /// Starts the metadata server (version 2 only) and tells Google of the role.
    #[must_use]
    pub fn start(google: &FakeGoogle) -> Self {
        let mut random = Seeded::new(0xa55);
        let key = AccessKey {
            id: format!("ASIA{}", random.word(16).to_uppercase()),
            secret: random.word(40),
            session: Some(random.word(320)),
        };
        google.know_aws_key(key.clone());
        let session = random.word(56);
        Self {
            server: Server::start(move |request: &Seen| answer(&key, &session, request)),
        }
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// What stands in a credentials file under `credential_source`.
    #[must_use]
    pub fn credential_source(&self) -> Value {
        let url = self.server.url();
        json!({
            "environment_id": "aws1",
            "region_url": format!("{url}{ZONE}"),
            "url": format!("{url}{ROLES}"),
            "imdsv2_session_token_url": format!("{url}/latest/api/token"),
            "regional_cred_verification_url":
                "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
        })
    }
}

fn answer(key: &AccessKey, session: &str, request: &Seen) -> Reply {
    let life = request.header("x-aws-ec2-metadata-token-ttl-seconds");
    let may_read = request.header("x-aws-ec2-metadata-token") == Some(session);
    match (request.method.as_str(), request.path.as_str()) {
        ("PUT", "/latest/api/token") => match life.and_then(|life| life.parse().ok()) {
            Some(1..=21_600_u32) => Reply::text(200, session),
            _ => Reply::text(400, "Bad Request"),
        },
        ("GET", _) if !may_read => Reply::text(401, "Unauthorized"),
        ("GET", ZONE) => Reply::text(200, "us-east-1b"),
        ("GET", ROLES) => Reply::text(200, "worker"),
        ("GET", path) if path.strip_prefix(ROLES) == Some("/worker") => Reply::json(
            200,
            &json!({
                "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": key.id,
                "SecretAccessKey": key.secret, "Token": key.session,
            }),
        ),
        ("GET", _) => Reply::text(404, "Not Found"),
        _ => Reply::text(405, "Method Not Allowed"),
    }
}

/// Who signed the request that a subject token holds, once AWS has been asked.
pub(super) fn caller(token: &str, audience: &str, keys: &[AccessKey]) -> Result<String, String> {
    let request = signed_request(token).ok_or("Invalid subject token: no AWS request.")?;
    let (url, request) = request;
    if (url.scheme(), url.host_str()) != ("https", Some("sts.us-east-1.amazonaws.com"))
        || request.header("host") != url.host_str()
        || request.query != "Action=GetCallerIdentity&Version=2011-06-15"
    {
        return Err("Invalid subject token: not GetCallerIdentity of the region.".to_owned());
    }
    if request.header("x-goog-cloud-target-resource") != Some(audience) {
        return Err("x-goog-cloud-target-resource is not the audience.".to_owned());
    }
    let signed = sigv4::verify(&request, keys, Clock::system().now())
        .map_err(|refused| format!("AWS says {}: {}", refused.code, refused.message))?;
    match (signed.service.as_str(), signed.region.as_str()) {
        ("sts", "us-east-1") => Ok(AWS_ROLE.to_owned()),
        _ => Err("the request is signed for another service".to_owned()),
    }
}

/// The request in a percent-encoded JSON document `{url, method, headers: [{key, value}]}`.
fn signed_request(token: &str) -> Option<(Url, Seen)> {
    // A blank would be a plus sign in a form, and neither stands in these documents.
    let decoded = url::form_urlencoded::parse(token.as_bytes()).next()?.0;
    let document: Value = serde_json::from_str(&decoded).ok()?;
    let url = Url::parse(document["url"].as_str()?).ok()?;
    let mut headers = HeaderMap::new();
    for header in document["headers"].as_array()? {
        let name = HeaderName::from_bytes(header["key"].as_str()?.as_bytes()).ok()?;
        let value = HeaderValue::from_str(header["value"].as_str()?).ok()?;
        if headers.insert(name, value).is_some() {
            return None;
        }
    }
    let mut request = Seen::new(document["method"].as_str()?.parse().ok()?, url.as_str());
    request.headers = headers;
    (request.method == "POST").then_some((url, request))
}

const ZONE: &str = "/latest/meta-data/placement/availability-zone";
const ROLES: &str = "/latest/meta-data/iam/security-credentials";
