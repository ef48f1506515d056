//! The token server beside a real registry (distribution's `auth/token.md` and `auth/jwt.md`):
//! JWTs signed by a key whose certificate the registry trusts.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use rcgen::{CertificateParams, KeyPair};
use regcred_core::Clock;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

use crate::Logins;
use crate::server::{Handler, Reply, Seen, Server, lock};

/// A token server. Dropping it ends it.
pub struct TokenServer {
    server: Server,
    issuer: Arc<Issuer>,
    certificate: String,
}

impl TokenServer {
    /// The `service` that registries must be configured with.
    pub const SERVICE: &str = "test-registry";
    /// The `issuer` that registries must be configured with.
    pub const ISSUER: &str = "test-issuer";

    /// Starts a server without users.
    #[must_use]
    pub fn start() -> Self {
        Self::sharing(&Logins::new())
    }

    /// Starts a server for the logins that another server issues; what each user may do is still to
    /// be said.
    #[must_use]
    pub fn sharing(logins: &Logins) -> Self {
        let key = KeyPair::generate().expect("a P-256 key");
        let certificate = CertificateParams::new(Vec::new())
            .and_then(|params| params.self_signed(&key))
            .expect("a certificate");
        let random = SystemRandom::new();
        let signer = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &key.serialize_der(),
            &random,
        );
        let issuer = Arc::new(Issuer {
            signer: signer.expect("the key just made"),
            random,
            certificate: STANDARD.encode(certificate.der()),
            logins: logins.clone(),
            rules: Mutex::default(),
            life: Mutex::new(TimeDelta::minutes(5)),
        });
        let handler = Arc::clone(&issuer);
        Self {
            server: Server::start(move |request: &Seen| handler.handle(request)),
            issuer,
            certificate: certificate.pem(),
        }
    }

    /// Makes a login good.
    pub fn add(&self, username: &str, password: &str) {
        self.issuer.logins.add(username, password);
    }

    /// Lets a user do that with a repository: `pull`, or `pull` and `push`.
    pub fn allow(&self, username: &str, repository: &str, actions: &[&str]) {
        let key = (username.to_owned(), repository.to_owned());
        let actions = actions.iter().map(|a| (*a).to_owned()).collect();
        lock(&self.issuer.rules).insert(key, actions);
    }

    /// From now on tokens live so long. The registry allows a minute of skew on top.
    pub fn set_life(&self, life: TimeDelta) {
        *lock(&self.issuer.life) = life;
    }

    /// The URL in the registry's challenge.
    #[must_use]
    pub fn realm(&self) -> String {
        format!("{}/token", self.server.url())
    }

    /// The certificate that the registry must trust.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }
}

struct Issuer {
    signer: EcdsaKeyPair,
    random: SystemRandom,
    /// Base64 of its DER form.
    certificate: String,
    logins: Logins,
    /// By user and repository.
    rules: Mutex<BTreeMap<(String, String), Vec<String>>>,
    life: Mutex<TimeDelta>,
}

impl Handler for Issuer {
    fn handle(&self, request: &Seen) -> Reply {
        if request.path != "/token" || request.method != "GET" {
            return Reply::text(404, "Not Found");
        }
        if request.params("service") != [TokenServer::SERVICE] {
            return Reply::json(400, &json!({"details": "unknown service"}));
        }
        let user = match request.header("authorization") {
            None => String::new(),
            Some(_) => match self.logins.user_of(request) {
                Some(user) => user,
                None => return Reply::json(401, &json!({"details": "bad credentials"})),
            },
        };
        let access: Vec<Value> = request
            .params("scope")
            .iter()
            .filter_map(|scope| self.grant(&user, scope))
            .collect();
        let life = *lock(&self.life);
        Reply::json(
            200,
            &json!({
                "token": self.sign(&user, &access, life),
                "expires_in": life.num_seconds(),
                "issued_at": Clock::system().now().to_rfc3339(),
            }),
        )
    }
}

impl Issuer {
    /// What of `repository:NAME:ACTION,ACTION` the user may do; `None` for nothing.
    fn grant(&self, user: &str, scope: &str) -> Option<Value> {
        let (name, wanted) = scope.strip_prefix("repository:")?.rsplit_once(':')?;
        let rules = lock(&self.rules);
        let allowed = rules.get(&(user.to_owned(), name.to_owned()))?;
        let granted: Vec<&str> = wanted
            .split(',')
            .filter(|action| allowed.iter().any(|a| a == action))
            .collect();
        Some(json!({"type": "repository", "name": name, "actions": granted}))
    }

    fn sign(&self, user: &str, access: &[Value], life: TimeDelta) -> String {
        let now = Clock::system().now();
        let header = json!({"typ": "JWT", "alg": "ES256", "x5c": [self.certificate]});
        let claims = json!({
            "iss": TokenServer::ISSUER,
            "sub": user,
            "aud": TokenServer::SERVICE,
            "exp": (now + life).timestamp(),
            "nbf": (now - TimeDelta::seconds(10)).timestamp(),
            "iat": now.timestamp(),
            "jti": now.timestamp_micros().to_string(),
            "access": access,
        });
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self.signer.sign(&self.random, signed.as_bytes());
        let signature = signature.expect("the system's random numbers");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
