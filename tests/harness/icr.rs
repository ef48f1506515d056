//! IBM Cloud: IAM's token endpoint and a cluster whose service account tokens it knows.
//!
//! IAM here takes what the real one takes: the documented form fields and headers, API keys it has
//! made, compute resource tokens that are signed by its cluster, alive, with audience `iam` and a
//! life of an hour at most, and trusted profiles that are linked to the service account of the token.

mod metadata;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use serde_json::{Value, json};

use crate::Logins;
use crate::cloud::{Cloud, Trouble};
use crate::seeded::Seeded;
use crate::server::{Handler, Reply, Seen, Server, form_fields, lock};

pub use metadata::FakeVpcMetadata;

/// IAM with one API key, one cluster and three trusted profiles. Dropping it ends it.
pub struct FakeIam {
    server: Server,
    iam: Arc<Iam>,
}

impl FakeIam {
    /// Starts the server.
    #[must_use]
    pub fn start() -> Self {
        let iam = Arc::new(Iam {
            logins: Logins::new(),
            state: Mutex::new(State {
                random: Seeded::new(0x1b3),
                issued: HashMap::new(),
                trouble: None,
            }),
        });
        let handler = Arc::clone(&iam);
        Self {
            server: Server::start(move |request: &Seen| handler.handle(request)),
            iam,
        }
    }

    /// The variable that leads a client here.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        vec![("IBMCLOUD_IAM_URL".to_owned(), self.server.url())]
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The registry logins that are good: `iambearer` with each token issued so far.
    #[must_use]
    pub fn logins(&self) -> &Logins {
        &self.iam.logins
    }

    /// How many tokens were asked for.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.server.count("/identity/token")
    }

    /// Whose token it is: `service-id`, `person`, `pod`, `assumed`, or nobody's.
    #[must_use]
    pub fn owner(&self, token: &str) -> Option<String> {
        lock(&self.iam.state).issued.get(token).cloned()
    }

    /// From now on it goes wrong so.
    pub fn trouble(&self, trouble: Trouble) {
        lock(&self.iam.state).trouble = Some(trouble);
    }

    /// The owner of an access token that another service obtained, such as the metadata server.
    pub(crate) fn issuer(&self) -> Issuer {
        Issuer(Arc::clone(&self.iam))
    }
}

/// Issues access tokens in IAM's name.
#[derive(Clone)]
pub(crate) struct Issuer(Arc<Iam>);

impl Issuer {
    pub(crate) fn token(&self, owner: &str) -> String {
        self.0.issue(owner)
    }
}

/// A service account token as the cluster projects it into a pod: audience, and seconds from now
/// to its end. Its life is an hour.
#[must_use]
pub fn service_account_token(audience: &str, ends_in: i64) -> String {
    token_of("shop:puller", audience, ends_in)
}

/// The same for the service account `NAMESPACE:NAME`.
#[must_use]
pub fn token_of(account: &str, audience: &str, ends_in: i64) -> String {
    let now = now();
    let claims = json!({
        "iss": "https://iam.cluster.test", "aud": [audience],
        "sub": format!("system:serviceaccount:{account}"),
        "iat": now + ends_in - 3600, "exp": now + ends_in,
    });
    jwt(&claims, &cluster_key())
}

fn jwt(claims: &Value, key: &hmac::Key) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256"})), part(claims));
    let signature = hmac::sign(key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

struct Iam {
    logins: Logins,
    state: Mutex<State>,
}

struct State {
    random: Seeded,
    /// Token and owner.
    issued: HashMap<String, String>,
    trouble: Option<Trouble>,
}

impl Handler for Iam {
    fn handle(&self, request: &Seen) -> Reply {
        match lock(&self.state).trouble {
            Some(Trouble::Denial) => {
                return refuse(400, "BXNIM0415E", "Provided API key could not be found.");
            }
            Some(Trouble::Garbage) => {
                let secret = "a-secret-in-a-page-7f3a";
                self.logins.add("page", secret);
                return Reply::typed(200, "text/html", format!("<html>{secret}</html>"));
            }
            None => {}
        }
        let accepts_json = request.header("accept") == Some("application/json");
        if request.method != "POST" || request.path != "/identity/token" {
            return Reply::text(404, "not found");
        }
        let Some(form) = form_fields(request).filter(|_| accepts_json && request.query.is_empty())
        else {
            return refuse(400, "BXNIM0100E", "the request is malformed");
        };
        match self.owner(request, &form) {
            Ok(owner) => {
                let token = self.issue(owner);
                Reply::json(
                    200,
                    &json!({
                        "access_token": token, "refresh_token": "not_supported",
                        "token_type": "Bearer", "expires_in": 3600, "expiration": now() + 3600,
                        "scope": "ibm openid",
                    }),
                )
            }
            Err((code, message)) => refuse(400, code, message),
        }
    }
}

impl Iam {
    /// Who asks, by the rules of the grant.
    fn owner(
        &self,
        request: &Seen,
        form: &HashMap<String, String>,
    ) -> Result<&'static str, (&'static str, &'static str)> {
        let get = |name: &str| form.get(name).map(String::as_str);
        if form.keys().any(|name| !FIELDS.contains(&name.as_str())) {
            return Err(("BXNIM0109E", "unknown field"));
        }
        match get("grant_type") {
            Some("urn:ibm:params:oauth:grant-type:apikey") => match get("apikey") {
                Some(API_KEY) => Ok("service-id"),
                _ => Err(("BXNIM0415E", "Provided API key could not be found.")),
            },
            Some("refresh_token") => {
                let client = STANDARD.encode("bx:bx");
                let authorized =
                    request.header("authorization") == Some(&format!("Basic {client}"));
                match (get("refresh_token"), authorized) {
                    (Some(REFRESH_TOKEN), true) => Ok("person"),
                    (Some(REFRESH_TOKEN), false) => Err(("BXNIM0104E", "client is missing")),
                    _ => Err(("BXNIM0408E", "Provided refresh_token is expired.")),
                }
            }
            Some("urn:ibm:params:oauth:grant-type:cr-token") => {
                let account = service_account(get("cr_token").unwrap_or_default())?;
                let profile = (get("profile_id"), get("profile_name"));
                let is_linked = |(id, name, of): &(&str, &str, &str)| {
                    let is_named = match profile {
                        (None, None) => false,
                        (by_id, by_name) => {
                            by_id.is_none_or(|by| by == *id) && by_name.is_none_or(|by| by == *name)
                        }
                    };
                    is_named && account == format!("system:serviceaccount:{of}")
                };
                if LINKS.iter().any(is_linked) {
                    Ok("pod")
                } else {
                    Err((
                        "BXNIM0400E",
                        "selected trusted profile not eligible for cr token",
                    ))
                }
            }
            Some("urn:ibm:params:oauth:grant-type:assume") => {
                let first = get("access_token").and_then(|token| {
                    let state = lock(&self.state);
                    state.issued.get(token).cloned()
                });
                match (first.as_deref(), get("profile_id")) {
                    (Some("service-id"), Some(ASSUMED_PROFILE)) => Ok("assumed"),
                    _ => Err(("BXNIM0513E", "not authorized for this profile")),
                }
            }
            _ => Err(("BXNIM0101E", "unknown grant type")),
        }
    }

    fn issue(&self, owner: &str) -> String {
        let mut state = lock(&self.state);
        let claims = json!({
            "jti": state.random.word(40), "sub": owner, "iat": now(), "exp": now() + 3600,
            "account": {"bss": "acct"},
        });
        let token = jwt(
            &claims,
            &hmac::Key::new(hmac::HMAC_SHA256, b"IAM's signing key"),
        );
        state.issued.insert(token.clone(), owner.to_owned());
        self.logins.add("iambearer", &token);
        token
    }
}

/// The claims of a token that the cluster has signed.
pub(crate) fn claims_of(token: &str) -> Option<Value> {
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    hmac::verify(&cluster_key(), signed.as_bytes(), &signature).ok()?;
    let (_, claims) = signed.split_once('.')?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// The subject of a service account token whose signature, audience and time are good.
fn service_account(token: &str) -> Result<String, (&'static str, &'static str)> {
    let invalid = ("BXNIM0407E", "Provided cr_token is invalid");
    let claims = claims_of(token).ok_or(invalid)?;
    let time = |name: &str| claims[name].as_i64().unwrap_or_default();
    let life = time("exp") - time("iat");
    if claims["aud"] != json!(["iam"]) || time("exp") <= now() || life > 3600 {
        return Err(invalid);
    }
    claims["sub"].as_str().map(str::to_owned).ok_or(invalid)
}

fn refuse(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({
            "errorCode": code, "errorMessage": message, "context": {"requestId": "req-1"},
        }),
    )
}

fn cluster_key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, b"the cluster's signing key")
}

#[expect(clippy::disallowed_methods, reason = "tokens end by the real clock")]
fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// An IBM Cloud account with a service ID, as the conformance suite sees it.
pub struct IcrCloud(FakeIam);

impl IcrCloud {
    /// The logins that it has issued.
    #[must_use]
    pub fn logins(&self) -> &Logins {
        self.0.logins()
    }

    /// Starts IAM.
    #[must_use]
    pub fn start() -> Self {
        Self(FakeIam::start())
    }
}

impl Cloud for IcrCloud {
    fn env(&self) -> Vec<(String, String)> {
        let mut env = self.0.env();
        env.push(("IBMCLOUD_API_KEY".to_owned(), API_KEY.to_owned()));
        env
    }

    fn image(&self) -> &str {
        "us.icr.io/team/app"
    }

    fn helper(&self) -> &str {
        // No helper of others exists; any name of the protocol's form will do.
        "docker-credential-icr"
    }

    fn public(&self) -> &[&str] {
        &["IBMCLOUD_IAM_URL"]
    }

    fn username(&self) -> &str {
        "iambearer"
    }

    fn secrets(&self) -> Vec<String> {
        let mut secrets = self.0.logins().passwords();
        secrets.push(API_KEY.to_owned());
        secrets
    }

    fn calls(&self) -> usize {
        self.0.calls()
    }

    fn trouble(&self, trouble: Trouble) {
        self.0.trouble(trouble);
    }
}

/// The service ID's API key; its characters must be percent-encoded in a form.
pub const API_KEY: &str = "k3y+with/odd=characters&more";
/// A person's refresh token, good together with the client `bx:bx`.
pub const REFRESH_TOKEN: &str = "refresh-t0k3n+/=";
/// Trusted profiles by id and name, and the service account that each is linked to.
const LINKS: [(&str, &str, &str); 2] = [
    (LINKED_PROFILE, "puller", "shop:puller"),
    (
        "Profile-0f4e21c7-refresh",
        "registry-pull",
        "regcred-refresh:regcred-refresh",
    ),
];
/// The fields that IAM knows.
const FIELDS: [&str; 9] = [
    "access_token",
    "account",
    "apikey",
    "cr_token",
    "grant_type",
    "profile_id",
    "profile_name",
    "refresh_token",
    "response_type",
];
/// The profile that is linked to the cluster's service account, also by the name `puller`.
pub const LINKED_PROFILE: &str = "Profile-4b0d7a60-linked";
/// The profile that the service ID may assume.
pub const ASSUMED_PROFILE: &str = "Profile-77c1-assumed";
