//! The registry as far as its tokens go: it issues them for signed requests, or for an auth token,
//! and says what they open.

use std::sync::Arc;

use serde_json::json;

use super::authority::Authority;
use super::services::throttled;
use super::signature::{OF_GET, refuse};
use crate::cloud::Trouble;
use crate::server::{Handler, Reply, Seen};

pub(super) struct Registry(pub(super) Arc<Authority>);

impl Handler for Registry {
    fn handle(&self, request: &Seen) -> Reply {
        if request.method != "GET" {
            return Reply::text(405, "method not allowed");
        }
        match request.path.as_str() {
            TOKEN_PATH if request.query.is_empty() => self.token(request),
            path if path.starts_with("/v2/") => self.manifest(request),
            _ => Reply::text(404, "not found"),
        }
    }
}

impl Registry {
    fn token(&self, request: &Seen) -> Reply {
        match self.0.trouble() {
            Some(Trouble::Denial) => return refuse("on purpose"),
            Some(Trouble::Garbage) => {
                let secret = "a-secret-in-a-page-81c4";
                self.0.logins.add("page", secret);
                return Reply::typed(200, "text/html", format!("<html>{secret}</html>"));
            }
            None => {}
        }
        if self.0.is_throttled() {
            return throttled();
        }
        match self.0.authenticate(request, OF_GET) {
            Err(why) => refuse(&why),
            Ok(who) => {
                let token = self.0.issue_token(&who);
                let body = json!({
                    "token": token, "access_token": token, "scope": "", "expires_in": 3600,
                });
                let id = request.header("opc-request-id").unwrap_or_default();
                Reply::json(200, &body).header("opc-request-id", id)
            }
        }
    }

    /// Only whether the token opens the repository; there is nothing in it.
    fn manifest(&self, request: &Seen) -> Reply {
        let token = request
            .header("authorization")
            .and_then(|h| h.strip_prefix("Bearer "));
        let error = |status, code: &str, message: &str| {
            Reply::json(
                status,
                &json!({"errors": [{"code": code, "message": message}]}),
            )
        };
        match token.and_then(|token| self.0.opens(token)) {
            Some(true) => error(404, "MANIFEST_UNKNOWN", "manifest unknown"),
            Some(false) => error(403, "DENIED", "User UserId(ocid1.instance) not authorized"),
            None => error(401, "UNAUTHORIZED", "Unauthorized"),
        }
    }
}

pub(super) const TOKEN_PATH: &str = "/20180419/docker/token";
