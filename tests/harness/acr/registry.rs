//! A container registry's token endpoints (Azure/acr `docs/AAD-OAuth.md`): an Entra token becomes
//! a refresh token, and that an access token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::directory::jwt;
use super::{Directory, LOGIN_SERVER, NULL_GUID, REGISTRY_AUDIENCE, TENANT, now};
use crate::server::{Reply, Seen, Server, form_fields, lock};
use crate::{Logins, TlsFront};

/// The registry's endpoints. Dropping it ends it.
pub struct FakeAcr {
    server: Server,
    registry: Arc<Acr>,
    front: Option<TlsFront>,
}

impl FakeAcr {
    /// Starts `contoso.azurecr.io` behind plain http.
    #[must_use]
    pub fn start(directory: &Directory) -> Self {
        Self::at(directory, "http", |_| None)
    }

    /// Starts a registry behind https that goes by its own address.
    #[must_use]
    pub fn start_tls(directory: &Directory) -> Self {
        Self::at(directory, "https", |server| {
            Some(TlsFront::start(&["127.0.0.1"], server.address()))
        })
    }

    fn at(
        directory: &Directory,
        scheme: &'static str,
        front: impl FnOnce(&Server) -> Option<TlsFront>,
    ) -> Self {
        let registry = Acr::new(directory, scheme);
        let handler = Arc::clone(&registry);
        let server = Server::start(move |request: &Seen| handler.handle(request));
        Self {
            front: front(&server),
            server,
            registry,
        }
    }

    /// The TLS in front of it, if it has any.
    #[must_use]
    pub fn front(&self) -> Option<&TlsFront> {
        self.front.as_ref()
    }

    /// The variable that leads a client here, whatever login server it asks.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        vec![("REGCRED_ACR_ENDPOINT".to_owned(), self.server.url())]
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The logins that are good: the null GUID with each refresh token issued so far.
    #[must_use]
    pub fn logins(&self) -> &Logins {
        &self.registry.logins
    }

    /// How many refresh tokens were asked for.
    #[must_use]
    pub fn exchanges(&self) -> usize {
        self.server.count("/oauth2/exchange")
    }

    /// Whose refresh token it is, in the words of [`super::Granted`].
    #[must_use]
    pub fn owner(&self, refresh_token: &str) -> Option<String> {
        lock(&self.registry.state)
            .owners
            .get(refresh_token)
            .cloned()
    }

    /// From now on it takes tokens of that audience only.
    pub fn take_only(&self, audience: &'static str) {
        lock(&self.registry.state).audience = audience;
    }

    /// The life of refresh tokens from now on, in seconds.
    pub fn set_life(&self, seconds: i64) {
        lock(&self.registry.state).life = seconds;
    }

    /// The realm of its challenges from now on.
    pub fn set_realm(&self, realm: &str) {
        lock(&self.registry.state).realm = Some(realm.to_owned());
    }

    /// From now on everybody is refused as the registry's firewall does it.
    pub fn close(&self) {
        lock(&self.registry.state).closed = true;
    }
}

struct Acr {
    directory: Directory,
    logins: Logins,
    scheme: &'static str,
    state: Mutex<State>,
}

struct State {
    owners: HashMap<String, String>,
    access_tokens: Vec<String>,
    audience: &'static str,
    life: i64,
    realm: Option<String>,
    closed: bool,
}

impl Acr {
    fn new(directory: &Directory, scheme: &'static str) -> Arc<Self> {
        Arc::new(Self {
            directory: directory.clone(),
            logins: Logins::new(),
            scheme,
            state: Mutex::new(State {
                owners: HashMap::new(),
                access_tokens: Vec::new(),
                audience: REGISTRY_AUDIENCE,
                life: 3 * 3600,
                realm: None,
                closed: false,
            }),
        })
    }

    fn handle(&self, request: &Seen) -> Reply {
        let host = request.header("host").unwrap_or_default();
        match (request.method.as_str(), request.path.as_str()) {
            _ if lock(&self.state).closed => refuse(
                403,
                "DENIED",
                "client with IP '192.0.2.7' is not allowed access.",
            ),
            ("POST", "/oauth2/exchange") => self.exchange(request, host),
            ("POST", "/oauth2/token") => self.scoped(request),
            ("GET", "/v2/") => self.challenge(host),
            ("GET", "/acr/v1/_catalog") => self.catalog(request, host),
            _ => refuse(404, "NOT_FOUND", "the requested data does not exist"),
        }
    }

    fn exchange(&self, request: &Seen, host: &str) -> Reply {
        let Some(form) = form_fields(request) else {
            return refuse(400, "BAD_REQUEST", "the form is malformed");
        };
        let get = |name: &str| form.get(name).map(String::as_str);
        let service = get("service").unwrap_or_default();
        // The second is upstream's plugin's, which sends the same token as a refresh token too.
        let grants = ["access_token", "access_token_refresh_token"];
        let is_known = get("grant_type").is_some_and(|grant| grants.contains(&grant));
        if !is_known || ![LOGIN_SERVER, host].contains(&service) {
            return refuse(400, "BAD_REQUEST", "grant type or service is unknown");
        }
        let mut state = lock(&self.state);
        let granted = self
            .directory
            .granted(get("access_token").unwrap_or_default());
        let tenant = get("tenant").is_none_or(|tenant| tenant == TENANT);
        let Some(granted) = granted.filter(|g| g.audience == state.audience && tenant) else {
            return refuse(401, "UNAUTHORIZED", "authentication required");
        };
        let claims = json!({
            "jti": self.directory.word(24), "iss": "Azure Container Registry", "aud": service,
            "iat": now(), "exp": now() + state.life, "grant_type": "refresh_token",
            "tenant": TENANT,
        });
        let token = jwt(&claims, b"the registry's signing key");
        state.owners.insert(token.clone(), granted.owner.to_owned());
        self.logins.add(NULL_GUID, &token);
        Reply::json(200, &json!({"refresh_token": token}))
    }

    fn scoped(&self, request: &Seen) -> Reply {
        let form = form_fields(request).unwrap_or_default();
        let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let mut state = lock(&self.state);
        let known = state.owners.contains_key(get("refresh_token"));
        if get("grant_type") != "refresh_token" || get("scope").is_empty() || !known {
            return refuse(401, "UNAUTHORIZED", "authentication required");
        }
        let claims = json!({"jti": self.directory.word(24), "exp": now() + 4500});
        let token = jwt(&claims, b"the registry's signing key");
        state.access_tokens.push(token.clone());
        Reply::json(200, &json!({"access_token": token}))
    }

    fn catalog(&self, request: &Seen, host: &str) -> Reply {
        let shown = request.header("authorization").unwrap_or_default();
        let token = shown.strip_prefix("Bearer ").unwrap_or_default();
        if lock(&self.state).access_tokens.iter().any(|t| t == token) {
            return Reply::json(200, &json!({"repositories": ["team/app"]}));
        }
        self.refuse_with_challenge(host, ",scope=\"registry:catalog:*\"")
    }

    fn challenge(&self, host: &str) -> Reply {
        self.refuse_with_challenge(host, "")
    }

    fn refuse_with_challenge(&self, host: &str, scope: &str) -> Reply {
        let own = format!("{}://{host}/oauth2/token", self.scheme);
        let realm = lock(&self.state).realm.clone().unwrap_or(own);
        let challenge = format!("Bearer realm=\"{realm}\",service=\"{host}\"{scope}");
        let body = refuse(401, "UNAUTHORIZED", "authentication required");
        body.header("www-authenticate", challenge)
    }
}

fn refuse(status: u16, code: &str, message: &str) -> Reply {
    let error: Value = json!({"errors": [{"code": code, "message": message, "detail": null}]});
    Reply::json(status, &error).header("x-ms-correlation-request-id", "acr-correlation-1")
}
