//! The token endpoint of the fake registry and the check of its tokens (distribution's
//! `auth/token.md`), on the registry's own port.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::json;

use super::error;
use crate::Logins;
use crate::seeded::Seeded;
use crate::server::{Reply, Seen, lock};

/// Issues opaque tokens for good logins and remembers what each is good for.
pub(super) struct Bearer {
    logins: Logins,
    scheme: &'static str,
    state: Mutex<State>,
}

struct State {
    random: Seeded,
    /// The challenge's values stand without quotes, as at IBM's registries.
    bare_challenge: bool,
    /// Token to the repository that it opens.
    tokens: BTreeMap<String, String>,
}

impl Bearer {
    pub(super) fn new(logins: Logins, scheme: &'static str) -> Self {
        Self {
            logins,
            scheme,
            state: Mutex::new(State {
                random: Seeded::new(0xbea4e4),
                bare_challenge: false,
                tokens: BTreeMap::new(),
            }),
        }
    }

    pub(super) fn bare_challenge(&self) {
        lock(&self.state).bare_challenge = true;
    }

    pub(super) fn issued(&self) -> usize {
        lock(&self.state).tokens.len()
    }

    pub(super) fn tokens(&self) -> Vec<String> {
        lock(&self.state).tokens.keys().cloned().collect()
    }

    /// Answers `GET /token?service=…&scope=…`.
    pub(super) fn token(&self, request: &Seen) -> Reply {
        if request.method != "GET" {
            return error(405, "UNSUPPORTED", "the token endpoint takes GET");
        }
        let host = request.header("host").unwrap_or_default();
        if request.params("service") != [host] {
            return error(
                400,
                "UNSUPPORTED",
                "service is not the one of the challenge",
            );
        }
        let scopes = request.params("scope");
        let repository = match &scopes[..] {
            [one] => one
                .strip_prefix("repository:")
                .and_then(|rest| rest.strip_suffix(":pull")),
            _ => None,
        };
        let Some(repository) = repository else {
            return error(400, "UNSUPPORTED", "scope is not repository:NAME:pull");
        };
        if self.logins.user_of(request).is_none() {
            return error(401, "UNAUTHORIZED", "No valid credential was supplied.");
        }
        let mut state = lock(&self.state);
        let token = format!("bearer-{}", state.random.word(120));
        state.tokens.insert(token.clone(), repository.to_owned());
        Reply::json(200, &json!({"token": token, "expires_in": 300}))
    }

    /// Lets a request pass that carries a token for its repository; else answers the challenge.
    pub(super) fn admit(&self, request: &Seen, repository: Option<&str>) -> Result<(), Reply> {
        let host = request.header("host").unwrap_or_default();
        let realm = format!("{}://{host}{PATH}", self.scheme);
        let mut challenge = format!("Bearer realm=\"{realm}\",service=\"{host}\"");
        if let Some(repository) = repository {
            challenge.push_str(&format!(",scope=\"repository:{repository}:pull\""));
        }
        let state = lock(&self.state);
        if state.bare_challenge {
            challenge = challenge.replace('"', "").replace(',', ", ");
        }
        let token = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "));
        match token.map(|token| state.tokens.get(token)) {
            Some(Some(opened)) if repository.is_none_or(|asked| asked == opened) => return Ok(()),
            Some(Some(_)) => challenge.push_str(",error=\"insufficient_scope\""),
            Some(None) => challenge.push_str(",error=\"invalid_token\""),
            None => {}
        }
        Err(error(401, "UNAUTHORIZED", "authentication required")
            .header("www-authenticate", challenge))
    }
}

pub(super) const PATH: &str = "/token";
