//! The token service of an enhanced cluster ("proxymux").

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::authority::{Authority, claims};
use super::services::body;
use crate::server::{Handler, Reply, Seen};

pub(super) struct Cluster(pub(super) Arc<Authority>);

impl Handler for Cluster {
    fn handle(&self, request: &Seen) -> Reply {
        if (request.method.as_str(), request.path.as_str()) != ("POST", PATH) {
            return Reply::text(404, "not found");
        }
        let token = request
            .header("authorization")
            .and_then(|h| h.strip_prefix("Bearer "));
        let Some(claims) = token.and_then(claims) else {
            return Reply::json(401, &json!({"message": "Unauthorized"}));
        };
        let known = claims["aud"]
            .as_array()
            .is_some_and(|aud| aud.contains(&json!("api")));
        let (Some(account), true) = (claims["sub"].as_str(), known) else {
            return Reply::json(403, &json!({"message": "Forbidden"}));
        };
        let id = request.header("opc-request-id").unwrap_or_default();
        let parts: Vec<&str> = id.split('/').collect();
        if parts.len() != 3 || parts.iter().any(|part| part.len() != 32) {
            return Reply::json(400, &json!({"message": "opc-request-id"}));
        }
        let session = body(request).and_then(|body| {
            let key = body["podKey"].as_str().unwrap_or_default();
            self.0.issue_session(account, key)
        });
        match session {
            Err(why) => Reply::json(400, &json!({ "message": why })),
            Ok(session) => {
                let inner = json!({"token": format!("ST${session}")}).to_string();
                Reply::json(200, &json!(STANDARD.encode(inner)))
            }
        }
    }
}

const PATH: &str = "/resourcePrincipalSessionTokens";
