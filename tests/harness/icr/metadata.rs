//! The metadata service of a VPC instance, in one of its two generations.

use serde_json::{Value, json};

use super::{FakeIam, Issuer, LINKED_PROFILE};
use crate::server::{Reply, Seen, Server};

/// A metadata server that issues tokens in an IAM's name. Dropping it ends it.
pub struct FakeVpcMetadata {
    server: Server,
}

impl FakeVpcMetadata {
    /// Starts a server that knows the paths from 2025-08-26 on, or those before.
    #[must_use]
    pub fn start(iam: &FakeIam, new_paths: bool) -> Self {
        let service = Service {
            issuer: iam.issuer(),
            new_paths,
        };
        Self {
            server: Server::start(move |request: &Seen| service.answer(request)),
        }
    }

    /// The variable that leads a client here.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        vec![("IBMCLOUD_CR_VPC_URL".to_owned(), self.server.url())]
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }
}

struct Service {
    issuer: Issuer,
    new_paths: bool,
}

impl Service {
    fn answer(&self, request: &Seen) -> Reply {
        if request.header("metadata-flavor") != Some("ibm") {
            return error(400, "missing_value");
        }
        let (identity, iam) = match self.new_paths {
            true => ("/identity/v1/token", "/identity/v1/iam_tokens"),
            false => (
                "/instance_identity/v1/token",
                "/instance_identity/v1/iam_token",
            ),
        };
        let version = request.params("version");
        let fits = |v: &String| (v.as_str() >= "2025-08-26") == self.new_paths;
        if !version.first().is_some_and(fits) {
            return error(404, "not_found");
        }
        let body: Option<Value> = match &request.body[..] {
            [] => None,
            text if request.header("content-type") == Some("application/json") => {
                match serde_json::from_slice(text) {
                    Ok(body) => Some(body),
                    Err(_) => return error(400, "invalid_body"),
                }
            }
            _ => return error(415, "unsupported_media_type"),
        };
        match (request.method.as_str(), request.path.as_str()) {
            ("PUT", path) if path == identity => {
                let life = body.and_then(|b| b["expires_in"].as_i64());
                match life {
                    Some(5..=3600) => tokens(IDENTITY_TOKEN),
                    _ => error(400, "invalid_value"),
                }
            }
            ("POST", path) if path == iam => {
                if request.header("authorization") != Some(&format!("Bearer {IDENTITY_TOKEN}")) {
                    return error(401, "unauthenticated");
                }
                match body {
                    None => tokens(&self.issuer.token("instance")),
                    Some(body) if body == json!({"trusted_profile": {"id": LINKED_PROFILE}}) => {
                        tokens(&self.issuer.token("instance-profile"))
                    }
                    Some(_) => error(400, "profile_not_linked"),
                }
            }
            _ => error(404, "not_found"),
        }
    }
}

fn tokens(token: &str) -> Reply {
    let now = chrono::DateTime::from_timestamp(super::now(), 0).expect("a date");
    let end = now + chrono::TimeDelta::hours(1);
    Reply::json(
        200,
        &json!({
            "access_token": token, "expires_in": 3600,
            "created_at": now.to_rfc3339(), "expires_at": end.to_rfc3339(),
        }),
    )
}

fn error(status: u16, code: &str) -> Reply {
    let error = json!({"code": code, "message": code, "more_info": ""});
    Reply::json(
        status,
        &json!({"errors": [error], "status_code": status, "trace": "trace-1"}),
    )
}

const IDENTITY_TOKEN: &str = "instance-identity-token";
