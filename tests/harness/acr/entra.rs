//! Entra ID's token endpoint (OAuth 2.0 client credentials), and what Microsoft's libraries ask
//! before they use it.

use std::collections::HashMap;

use serde_json::json;

use super::assertion::{self, Refused};
use super::{CLIENT_SECRET, Directory, SECRET_CLIENT, TENANT, WORKLOAD_CLIENT, now};
use crate::TlsFront;
use crate::cloud::Trouble;
use crate::server::{Handler, Reply, Seen, Server, form_fields};

/// Entra ID with one tenant and three applications. Dropping it ends it.
pub struct FakeEntra {
    server: Server,
    directory: Directory,
    front: Option<TlsFront>,
}

impl FakeEntra {
    /// Starts a plain http server.
    #[must_use]
    pub fn start() -> Self {
        Self::at("http", |_| None)
    }

    /// Starts an https server.
    #[must_use]
    pub fn start_tls() -> Self {
        Self::at("https", |server| {
            Some(TlsFront::start(&["127.0.0.1"], server.address()))
        })
    }

    fn at(scheme: &'static str, front: impl FnOnce(&Server) -> Option<TlsFront>) -> Self {
        let directory = Directory::new();
        let server = Server::start(Entra {
            directory: directory.clone(),
            scheme,
        });
        Self {
            front: front(&server),
            server,
            directory,
        }
    }

    /// The variable that leads a client here.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        let url = self
            .front
            .as_ref()
            .map_or_else(|| self.server.url(), TlsFront::url);
        vec![("AZURE_AUTHORITY_HOST".to_owned(), url)]
    }

    /// The TLS in front of it, if it has any.
    #[must_use]
    pub fn front(&self) -> Option<&TlsFront> {
        self.front.as_ref()
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// What it knows and has issued.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }
}

struct Entra {
    directory: Directory,
    scheme: &'static str,
}

impl Handler for Entra {
    fn handle(&self, request: &Seen) -> Reply {
        match self.directory.present_trouble() {
            Some(Trouble::Denial) => {
                return refuse((7_000_222, "The provided client secret keys are expired."));
            }
            Some(Trouble::Garbage) => {
                let secret = self.directory.issue("page", "no-client");
                return Reply::typed(200, "text/html", format!("<html>{secret}</html>"));
            }
            None => {}
        }
        let host = request.header("host").unwrap_or_default();
        let base = format!("{}://{host}", self.scheme);
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/") => self.bound(request),
            ("GET", path) if path.ends_with("/.well-known/openid-configuration") => {
                Reply::json(200, &description(&base))
            }
            ("POST", path) if path.ends_with("/oauth2/v2.0/token") => {
                if path != format!("/{TENANT}/oauth2/v2.0/token") {
                    return refuse((90_002, "Tenant not found. Check to make sure you have it."));
                }
                self.answer(request, self.owner(request, &format!("{base}{path}")))
            }
            _ => Reply::text(404, "not found"),
        }
    }
}

impl Entra {
    fn owner(&self, request: &Seen, url: &str) -> Result<&'static str, Refused> {
        let form = form(request)?;
        let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        match (get("client_id"), form.contains_key("client_assertion")) {
            (SECRET_CLIENT, false) if get("client_secret") == CLIENT_SECRET => Ok("secret"),
            (SECRET_CLIENT, _) => Err((7_000_215, "Invalid client secret provided.")),
            (client, true) if get("client_assertion_type") == ASSERTION_TYPE => {
                let owner = assertion::owner(&self.directory, get("client_assertion"), client, url);
                // A client shows one proof.
                match form.contains_key("client_secret") {
                    true => Err((90_014, "the request is malformed")),
                    false => owner,
                }
            }
            (_, true) => Err((90_014, "the client assertion type is unknown")),
            _ => Err((700_016, "Application was not found in the directory.")),
        }
    }

    /// The endpoint of AKS identity bindings, which has no path and no tenant.
    fn bound(&self, request: &Seen) -> Reply {
        let owner = form(request).and_then(|form| {
            let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
            if get("client_id") != WORKLOAD_CLIENT || get("client_assertion_type") != ASSERTION_TYPE
            {
                return Err((700_016, "no identity binding for this client"));
            }
            assertion::of_pod(get("client_assertion")).map(|()| "bound")
        });
        self.answer(request, owner)
    }

    fn answer(&self, request: &Seen, owner: Result<&'static str, Refused>) -> Reply {
        let scope = request.form().into_iter().find(|(name, _)| name == "scope");
        let scope = scope.map(|(_, scope)| scope).unwrap_or_default();
        let audience = scope.strip_suffix("/.default");
        match (owner, audience) {
            (Err(refused), _) => refuse(refused),
            (Ok(owner), Some(audience)) if self.directory.knows(audience) => Reply::json(
                200,
                &json!({
                    "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599,
                    "access_token": self.directory.issue(owner, audience),
                }),
            ),
            (Ok(_), Some(_)) => refuse((500_011, "The resource principal was not found.")),
            (Ok(_), None) => refuse((1_002_012, "The provided value for scope is not valid.")),
        }
    }
}

fn form(request: &Seen) -> Result<HashMap<String, String>, Refused> {
    let malformed = (
        900_144,
        "The request body must contain the required parameters.",
    );
    let form = form_fields(request)
        .filter(|_| request.query.is_empty())
        .ok_or(malformed)?;
    let grant_type = form.get("grant_type").map(String::as_str);
    if grant_type == Some("client_credentials") {
        Ok(form)
    } else {
        Err(malformed)
    }
}

fn refuse((code, message): Refused) -> Reply {
    let error = match code {
        500_011 => "invalid_resource",
        90_002 | 900_144 | 90_014 => "invalid_request",
        _ => "invalid_client",
    };
    let status = if error == "invalid_client" { 401 } else { 400 };
    Reply::json(
        status,
        &json!({
            "error": error,
            "error_description": format!("AADSTS{code}: {message} Trace ID: t Correlation ID: c"),
            "error_codes": [code], "timestamp": now().to_string(),
            "trace_id": "t", "correlation_id": "c",
        }),
    )
}

/// What OpenID Connect discovery says of the tenant.
fn description(base: &str) -> serde_json::Value {
    json!({
        "issuer": format!("{base}/{TENANT}/v2.0"),
        "token_endpoint": format!("{base}/{TENANT}/oauth2/v2.0/token"),
        "authorization_endpoint": format!("{base}/{TENANT}/oauth2/v2.0/authorize"),
        "jwks_uri": format!("{base}/{TENANT}/discovery/v2.0/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
