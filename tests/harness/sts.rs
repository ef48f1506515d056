//! AWS's Security Token Service: `AssumeRole`, with the signature checked, and
//! `AssumeRoleWithWebIdentity`, which must not be signed (STS API reference, query protocol,
//! version 2011-06-15).

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::Clock;
use serde_json::{Value, json};

use crate::icr::claims_of;
use crate::seeded::Seeded;
use crate::server::{Handler, Reply, Seen, Server, lock};
use crate::sigv4::{self, AccessKey};

/// An STS endpoint that knows some roles and one cluster's issuer. Dropping it ends it.
pub struct FakeSts {
    server: Server,
    sts: Arc<Sts>,
}

/// A role and who may assume it.
#[derive(Clone, Debug)]
pub struct Role {
    arn: String,
    trusted: Trusted,
}

#[derive(Clone, Debug)]
enum Trusted {
    Key {
        key: AccessKey,
        external_id: Option<String>,
    },
    ServiceAccount(String),
}

impl Role {
    /// A role that the holder of a key may assume; with that external id if one is named.
    #[must_use]
    pub fn of_key(arn: &str, key: &AccessKey, external_id: Option<&str>) -> Self {
        Self {
            arn: arn.to_owned(),
            trusted: Trusted::Key {
                key: key.clone(),
                external_id: external_id.map(str::to_owned),
            },
        }
    }

    /// A role that the pods of one service account may assume, named as `namespace:name`.
    #[must_use]
    pub fn of_pods(arn: &str, service_account: &str) -> Self {
        Self {
            arn: arn.to_owned(),
            trusted: Trusted::ServiceAccount(service_account.to_owned()),
        }
    }
}

impl FakeSts {
    /// Starts an http endpoint with these roles.
    #[must_use]
    pub fn start(roles: &[Role]) -> Self {
        Self::knowing(roles, false)
    }

    /// The same with the issuer of [`FakeKube`](crate::FakeKube)'s tokens in place of its own.
    #[must_use]
    pub fn start_for_kube(roles: &[Role]) -> Self {
        Self::knowing(roles, true)
    }

    fn knowing(roles: &[Role], trusts_kube: bool) -> Self {
        let sts = Arc::new(Sts {
            roles: roles.to_vec(),
            trusts_kube,
            tokens: Mutex::new((Seeded::new(0x575), Vec::new())),
            sessions: Mutex::default(),
        });
        let handler = Arc::clone(&sts);
        let server = Server::start(move |request: &Seen| handler.handle(request));
        Self { server, sts }
    }

    /// The variable that sends STS's clients here.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        vec![("AWS_ENDPOINT_URL_STS".to_owned(), self.server.url())]
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The keys of the role's sessions, for a fake API that is to accept them.
    #[must_use]
    pub fn key_of(&self, arn: &str) -> AccessKey {
        key_of(arn)
    }

    /// A token of the cluster's issuer for a service account, `namespace:name`, that ends so many
    /// minutes from now. Each is another one.
    #[must_use]
    pub fn service_account_token(&self, service_account: &str, minutes: i64) -> String {
        let ends = Clock::system().now() + TimeDelta::minutes(minutes);
        let mut tokens = lock(&self.sts.tokens);
        let claims = json!({
            "iss": "https://oidc.example/cluster",
            "sub": format!("system:serviceaccount:{service_account}"),
            "aud": [AUDIENCE],
            "exp": ends.timestamp(),
        });
        let token = format!(
            "{}.{}.{}",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","kid":"1"}"#),
            URL_SAFE_NO_PAD.encode(claims.to_string()),
            tokens.0.word(86)
        );
        tokens.1.push(token.clone());
        token
    }

    /// The names of the sessions that were begun, in order.
    #[must_use]
    pub fn sessions(&self) -> Vec<String> {
        lock(&self.sts.sessions).clone()
    }
}

struct Sts {
    roles: Vec<Role>,
    /// Whether the tokens are of the fake API server, else its own.
    trusts_kube: bool,
    /// Where the next token's signature comes from, and the tokens issued.
    tokens: Mutex<(Seeded, Vec<String>)>,
    sessions: Mutex<Vec<String>>,
}

impl Handler for Sts {
    fn handle(&self, request: &Seen) -> Reply {
        match self.assume(request) {
            Ok(body) => Reply::typed(200, "text/xml", body),
            Err(Refused(status, code, message)) => {
                let body = format!(
                    "<ErrorResponse xmlns=\"{XMLNS}\"><Error><Type>Sender</Type><Code>{code}</Code>\
                     <Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
                );
                Reply::typed(status, "text/xml", body)
            }
        }
    }
}

struct Refused(u16, &'static str, &'static str);

impl Sts {
    fn assume(&self, request: &Seen) -> Result<String, Refused> {
        let form = request.form();
        let field = |name: &str| {
            let found = form.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str())
        };
        let content_type = request.header("content-type").unwrap_or_default();
        if request.method != "POST"
            || !content_type.starts_with("application/x-www-form-urlencoded")
            || field("Version") != Some("2011-06-15")
        {
            return Err(Refused(400, "MalformedInput", "not a query of 2011-06-15"));
        }
        let session = field("RoleSessionName").unwrap_or_default();
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
        if !(2..=64).contains(&session.len()) || !session.bytes().all(legal) {
            return Err(Refused(
                400,
                "ValidationError",
                "RoleSessionName is not 2 to 64 of its set",
            ));
        }
        let arn = field("RoleArn").unwrap_or_default();
        let action = field("Action").unwrap_or_default();
        match action {
            "AssumeRole" => self.by_key(request, arn, field("ExternalId"))?,
            "AssumeRoleWithWebIdentity" => {
                self.by_token(request, arn, field("WebIdentityToken").unwrap_or_default())?;
            }
            _ => return Err(Refused(400, "InvalidAction", "no such action")),
        }
        lock(&self.sessions).push(session.to_owned());
        Ok(answer(action, arn, session))
    }

    fn by_key(&self, request: &Seen, arn: &str, external_id: Option<&str>) -> Result<(), Refused> {
        let trusted = self.roles.iter().filter(|role| role.arn == arn);
        let keys: Vec<AccessKey> = self.roles.iter().filter_map(Role::key).cloned().collect();
        let signed = sigv4::verify(request, &keys, Clock::system().now()).map_err(|refused| {
            let code = match refused.code {
                "UnrecognizedClientException" => "InvalidClientTokenId",
                code => code,
            };
            Refused(403, code, "the request is not signed as it must be")
        })?;
        if signed.service != "sts" {
            return Err(Refused(
                403,
                "SignatureDoesNotMatch",
                "signed for another service",
            ));
        }
        let mut trusted = trusted.filter(|role| match &role.trusted {
            Trusted::Key {
                key,
                external_id: id,
            } => key.id == signed.key_id && id.as_deref() == external_id,
            Trusted::ServiceAccount(_) => false,
        });
        trusted.next().map(|_| ()).ok_or(NOT_AUTHORIZED)
    }

    fn by_token(&self, request: &Seen, arn: &str, token: &str) -> Result<(), Refused> {
        if request.header("authorization").is_some() {
            return Err(Refused(
                400,
                "ValidationError",
                "this call has no signature",
            ));
        }
        let payload = token.split('.').nth(1).unwrap_or_default();
        let claims = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
        let claims: Value = serde_json::from_slice(&claims).unwrap_or_default();
        let known = if self.trusts_kube {
            claims_of(token).is_some_and(|claims| claims["aud"] == json!([AUDIENCE]))
        } else {
            lock(&self.tokens).1.iter().any(|issued| issued == token)
        };
        if !known {
            let message = "No OpenIDConnect provider found in your account for this issuer";
            return Err(Refused(400, "InvalidIdentityToken", message));
        }
        let ends = claims["exp"].as_i64().unwrap_or_default();
        if ends <= Clock::system().now().timestamp() {
            return Err(Refused(
                400,
                "ExpiredTokenException",
                "Token expired: now is past its end",
            ));
        }
        let subject = claims["sub"].as_str().unwrap_or_default();
        let subject = subject.trim_start_matches("system:serviceaccount:");
        let trusts = |role: &&Role| match &role.trusted {
            Trusted::ServiceAccount(account) => role.arn == arn && account == subject,
            Trusted::Key { .. } => false,
        };
        self.roles
            .iter()
            .find(trusts)
            .map(|_| ())
            .ok_or(NOT_AUTHORIZED)
    }
}

impl Role {
    fn key(&self) -> Option<&AccessKey> {
        match &self.trusted {
            Trusted::Key { key, .. } => Some(key),
            Trusted::ServiceAccount(_) => None,
        }
    }
}

fn answer(action: &str, arn: &str, session: &str) -> String {
    let key = key_of(arn);
    let ends: DateTime<Utc> = Clock::system().now() + TimeDelta::hours(1);
    let ends = ends.format("%Y-%m-%dT%H:%M:%SZ");
    let assumed = arn
        .replace(":iam:", ":sts:")
        .replace(":role/", ":assumed-role/");
    format!(
        "<{action}Response xmlns=\"{XMLNS}\"><{action}Result><AssumedRoleUser>\
         <Arn>{assumed}/{session}</Arn><AssumedRoleId>AROA1:{session}</AssumedRoleId>\
         </AssumedRoleUser><Credentials><AccessKeyId>{}</AccessKeyId>\
         <SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
         <Expiration>{ends}</Expiration></Credentials></{action}Result>\
         <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{action}Response>",
        key.id,
        key.secret,
        key.session.unwrap_or_default(),
    )
}

/// The same role has the same keys: a test can name them before they are asked for.
fn key_of(arn: &str) -> AccessKey {
    let seed = arn.bytes().fold(0x575_u64, |n, byte| {
        n.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    let mut random = Seeded::new(seed);
    AccessKey {
        id: format!("ASIA{}", random.word(16).to_uppercase()),
        secret: random.word(40),
        session: Some(random.word(320)),
    }
}

const NOT_AUTHORIZED: Refused = Refused(
    403,
    "AccessDenied",
    "Not authorized to perform sts:AssumeRole on this role",
);
const AUDIENCE: &str = "sts.amazonaws.com";
const XMLNS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
