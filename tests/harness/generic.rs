//! Other registries: a cluster that signs service account tokens, and the token endpoints of the products
//! that accept them. Each endpoint checks what the real one does: the issuer's signature, its own audience,
//! the expiry, the grant, and that a token was not shown to another server before.

mod cluster;
mod config_dir;
mod exchanges;

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::Logins;
use crate::cloud::{Cloud, Trouble};
use crate::seeded::Seeded;
use crate::server::{Handler, Reply, Seen, Server, lock};

pub use cluster::{Account, Cluster};
pub use config_dir::ConfigDir;
pub use exchanges::exchanges;

/// A server with every exchange, for tokens of one cluster and one audience. Dropping it ends it.
pub struct FakeExchange {
    server: Server,
    state: Arc<State>,
}

struct State {
    cluster: Cluster,
    audience: String,
    logins: Logins,
    random: Mutex<Seeded>,
    /// `username password subject` of each login.
    issued: Mutex<Vec<(String, String, String)>>,
    trouble: Mutex<Option<Trouble>>,
    life: Mutex<i64>,
}

impl FakeExchange {
    /// Starts a server that accepts tokens for this audience.
    #[must_use]
    pub fn start(cluster: &Cluster, audience: &str) -> Self {
        let state = Arc::new(State {
            cluster: cluster.clone(),
            audience: audience.to_owned(),
            logins: Logins::new(),
            random: Mutex::new(Seeded::new(0x6e4)),
            issued: Mutex::default(),
            trouble: Mutex::default(),
            life: Mutex::new(3600),
        });
        let handler = Arc::clone(&state);
        Self {
            server: Server::start(move |request: &Seen| handler.handle(request)),
            state,
        }
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The logins issued so far.
    #[must_use]
    pub fn logins(&self) -> &Logins {
        &self.state.logins
    }

    /// The subject whose token was exchanged for this password.
    #[must_use]
    pub fn owner(&self, password: &str) -> Option<String> {
        let issued = lock(&self.state.issued);
        let found = issued.iter().find(|(_, known, _)| known == password);
        found.map(|(_, _, subject)| subject.clone())
    }

    /// From now on logins live so many seconds.
    pub fn set_life(&self, seconds: i64) {
        *lock(&self.state.life) = seconds;
    }

    /// From now on it goes wrong so.
    pub fn trouble(&self, trouble: Trouble) {
        *lock(&self.state.trouble) = Some(trouble);
    }
}

/// What an endpoint wants, and how it answers.
enum Refused {
    Form(&'static str, &'static str),
    Unauthorized(&'static str),
    NotFound,
}

impl Handler for State {
    fn handle(&self, request: &Seen) -> Reply {
        match *lock(&self.trouble) {
            Some(Trouble::Denial) => {
                return oauth_error(400, "invalid_grant", "the subject token is not accepted");
            }
            Some(Trouble::Garbage) => {
                let secret = "a-secret-in-a-page-51aa";
                self.logins.add("page", secret);
                return Reply::typed(200, "text/html", format!("<html>{secret}</html>"));
            }
            None => {}
        }
        let answered = match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/token") => self.rfc_8693(request),
            ("POST", "/access/api/v1/oidc/token") => self.artifactory(request),
            ("POST", "/api/v1/auth/ci/token") => self.artifact_keeper(request),
            ("GET", "/oauth2/federation/robot/token") => self.quay(request),
            ("POST", "/openid/shop/") => self.cloudsmith(request),
            ("POST", "/sts/exchange") => self.chainguard(request),
            ("POST", "/elsewhere") => {
                return Reply::new(307).header("location", "/token");
            }
            _ => Err(Refused::NotFound),
        };
        match answered {
            Ok(reply) => reply,
            Err(Refused::Form(code, why)) => oauth_error(400, code, why),
            Err(Refused::Unauthorized(why)) => Reply::json(401, &json!({"message": why})),
            Err(Refused::NotFound) => Reply::text(404, "not found"),
        }
    }
}

type Answered = Result<Reply, Refused>;

impl State {
    /// RFC 8693 with a subject of type `jwt` or `id_token`.
    fn rfc_8693(&self, request: &Seen) -> Answered {
        let fields = request.form();
        let get = |name: &str| {
            let mut found = fields.iter().filter(|(key, _)| key == name);
            let first = found.next().map(|(_, value)| value.as_str());
            if found.next().is_some() { None } else { first }
        };
        if get("grant_type") != Some(TOKEN_EXCHANGE) {
            return Err(Refused::Form("unsupported_grant_type", "not an exchange"));
        }
        let kind = get("subject_token_type").and_then(|t| t.strip_prefix(TOKEN_TYPE));
        if !matches!(kind, Some("jwt" | "id_token")) {
            return Err(Refused::Form("invalid_request", "subject_token_type"));
        }
        let client = STANDARD.encode("puller:s3cret of the client");
        let header = request.header("authorization");
        if header.is_some_and(|header| header != format!("Basic {client}")) {
            return Err(Refused::Form("invalid_client", "the client is not known"));
        }
        let subject = self.subject(get("subject_token").unwrap_or_default())?;
        let (username, password, life) = self.issue(&subject, "sts");
        Ok(Reply::json(
            200,
            &json!({
                "access_token": password, "username": username, "token_type": "Bearer",
                "issued_token_type": format!("{TOKEN_TYPE}access_token"), "expires_in": life,
            }),
        ))
    }

    fn artifactory(&self, request: &Seen) -> Answered {
        let body = json_body(request)?;
        let fixed = json!({
            "grant_type": TOKEN_EXCHANGE,
            "subject_token_type": format!("{TOKEN_TYPE}id_token"),
            "subject_token": body["subject_token"],
            "provider_name": "cluster",
            "provider_type": "Generic OpenID Connect",
            "audience": "*@*",
        });
        if body != fixed {
            return Err(Refused::Form(
                "invalid_request",
                "not the documented fields",
            ));
        }
        let subject = self.subject(body["subject_token"].as_str().unwrap_or_default())?;
        let (username, password, life) = self.issue(&subject, "jfrog");
        Ok(Reply::json(
            200,
            &json!({"access_token": password, "username": username, "token_type": "Bearer",
                    "expires_in": life}),
        ))
    }

    fn artifact_keeper(&self, request: &Seen) -> Answered {
        let subject = self.subject(bearer(request)?)?;
        if json_body(request)? != json!({"provider_id": PROVIDER_ID}) {
            return Err(Refused::NotFound);
        }
        let (username, password, life) = self.issue(&subject, "ci");
        Ok(Reply::json(
            200,
            &json!({"access_token": password, "username": username, "token_type": "Bearer",
                    "expires_in": life}),
        ))
    }

    /// The robot's Basic login, with the pod's token as the password. The answer is a JWT.
    fn quay(&self, request: &Seen) -> Answered {
        let header = request.header("authorization").unwrap_or_default();
        let plain = header
            .strip_prefix("Basic ")
            .and_then(|b| STANDARD.decode(b).ok());
        let plain = plain.and_then(|plain| String::from_utf8(plain).ok());
        let plain = plain.unwrap_or_default();
        let Some((ROBOT, token)) = plain.split_once(':') else {
            return Err(Refused::Unauthorized("Invalid robot"));
        };
        let subject = self.subject(token)?;
        let password = self.jwt(ROBOT);
        self.keep(ROBOT, &password, &subject);
        Ok(Reply::json(200, &json!({"token": password})))
    }

    fn cloudsmith(&self, request: &Seen) -> Answered {
        let body = json_body(request)?;
        if body["service_slug"] != "puller" || body.as_object().map_or(0, |b| b.len()) != 2 {
            return Err(Refused::NotFound);
        }
        let subject = self.subject(body["oidc_token"].as_str().unwrap_or_default())?;
        let password = self.jwt("puller");
        self.keep("token", &password, &subject);
        Ok(Reply::json(201, &json!({"token": password})))
    }

    fn chainguard(&self, request: &Seen) -> Answered {
        let subject = self.subject(bearer(request)?)?;
        let form = [("aud", "cgr.dev"), ("identity", "uidp/1")];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        if request.form() != form {
            return Err(Refused::Unauthorized("unknown identity"));
        }
        let password = lock(&self.random).word(40);
        self.keep("_token", &password, &subject);
        let end = cluster::now() + *lock(&self.life);
        let end = chrono::DateTime::from_timestamp(end, 0).expect("a time");
        Ok(Reply::json(
            200,
            &json!({"token": password, "refresh_token": "r", "expiry": end.to_rfc3339()}),
        ))
    }

    fn subject(&self, token: &str) -> Result<String, Refused> {
        let verified = self.cluster.verify(token, &self.audience);
        verified.map_err(|why| Refused::Form("invalid_request", why))
    }

    /// A login whose user is made from the account, with its life in seconds.
    fn issue(&self, subject: &str, prefix: &str) -> (String, String, i64) {
        let account = subject.trim_start_matches("system:serviceaccount:");
        let username = format!("{prefix}-{}", account.replace(':', "-"));
        let password = lock(&self.random).word(40);
        self.keep(&username, &password, subject);
        (username, password, *lock(&self.life))
    }

    fn keep(&self, username: &str, password: &str, subject: &str) {
        self.logins.add(username, password);
        let all = (username.to_owned(), password.to_owned(), subject.to_owned());
        lock(&self.issued).push(all);
    }

    /// A token of the server's own, whose expiry is in it alone.
    fn jwt(&self, subject: &str) -> String {
        let claims = json!({
            "sub": subject, "exp": cluster::now() + *lock(&self.life),
            "jti": lock(&self.random).word(20),
        });
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }
}

fn json_body(request: &Seen) -> Result<Value, Refused> {
    let typed = request.header("content-type") == Some("application/json");
    let body = serde_json::from_slice(&request.body).ok().filter(|_| typed);
    body.ok_or(Refused::Form("invalid_request", "not JSON"))
}

fn bearer(request: &Seen) -> Result<&str, Refused> {
    let header = request.header("authorization").unwrap_or_default();
    let token = header.strip_prefix("Bearer ");
    token.ok_or(Refused::Unauthorized("no bearer token"))
}

fn oauth_error(status: u16, code: &str, why: &str) -> Reply {
    Reply::json(status, &json!({"error": code, "error_description": why}))
}

/// A registry with a token endpoint before it, as the conformance suite sees it: the node has a token in a
/// file.
pub struct GenericCloud {
    exchange: FakeExchange,
    config: ConfigDir,
    token: String,
}

impl GenericCloud {
    /// Starts the exchange.
    #[must_use]
    pub fn start() -> Self {
        let cluster = Cluster::new();
        let exchange = FakeExchange::start(&cluster, "registry.corp.test");
        let config = ConfigDir::new(&format!(
            "- matchImages: [registry.corp.test]\n  audience: registry.corp.test\n  \
             exchange: {{url: '{}/token', answer: {{username: username}}}}\n  \
             fallback: {{tokenFile: token}}\n",
            exchange.server().url()
        ));
        let token = cluster.token(&Account::new("shop", "puller"), "registry.corp.test", 3000);
        let _ = config.write("token", &token);
        Self {
            exchange,
            config,
            token,
        }
    }
}

impl Cloud for GenericCloud {
    fn env(&self) -> Vec<(String, String)> {
        self.config.env()
    }

    fn image(&self) -> &str {
        "registry.corp.test/team/app"
    }

    fn helper(&self) -> &str {
        "docker-credential-generic"
    }

    fn public(&self) -> &[&str] {
        // The address is in the file.
        &[]
    }

    fn username(&self) -> &str {
        "sts-shop-puller"
    }

    fn secrets(&self) -> Vec<String> {
        let mut secrets = self.exchange.logins().passwords();
        secrets.push(self.token.clone());
        secrets
    }

    fn calls(&self) -> usize {
        self.exchange.server().count("/token")
    }

    fn trouble(&self, trouble: Trouble) {
        self.exchange.trouble(trouble);
    }
}

/// The provider of Artifact Keeper.
pub const PROVIDER_ID: &str = "0b5c0000-77aa-4d1e-9f00-1d2c3b4a5968";
/// The robot of Quay.
pub const ROBOT: &str = "shop+puller";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:";
