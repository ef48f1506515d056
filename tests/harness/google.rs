//! Google's token services behind one address: the OAuth2 token endpoint, the Security Token
//! Service and the IAM Service Account Credentials API; and the parties that have dealings with
//! them: a service account with a key, a person, two clusters, a role in AWS.
//!
//! Each takes what the real one takes and says in its own form of error why it refuses the rest: a
//! wrong signature, audience, issuer, type, scope or time, a field too many, a bearer it does not
//! know, an account that may not be acted as.

pub mod aws;
pub mod cluster;
mod files;
mod iam;
mod jwt;
pub mod ledger;
mod oauth;
mod sts;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::Utc;
use regcred_core::Clock;
use serde_json::{Value, json};

use crate::Logins;
use crate::server::{Handler, Reply, Seen, Server};
use crate::sigv4::AccessKey;

pub use aws::FakeAws;
pub use cluster::Cluster;
pub use ledger::{Ledger, Token};

/// The three services. Dropping it ends them.
pub struct FakeGoogle {
    server: Server,
    google: Arc<Google>,
}

impl FakeGoogle {
    /// Starts the services.
    #[must_use]
    pub fn start() -> Self {
        let google = Arc::new(Google {
            ledger: Ledger::new(),
            cluster: Cluster::new(CLUSTER_ISSUER),
            gke_cluster: Cluster::new(GKE_ISSUER),
            aws_keys: Mutex::default(),
            busy: AtomicUsize::new(0),
        });
        let handler = Arc::clone(&google);
        Self {
            server: Server::start(move |request: &Seen| handler.handle(request)),
            google,
        }
    }

    /// The variables that lead our provider here, whatever a credentials file says, and let such a
    /// file name this address.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        let url = self.server.url();
        [
            ("REGCRED_GCR_OAUTH_TOKEN_URL", format!("{url}/token")),
            ("REGCRED_GCR_STS_URL", format!("{url}/v1/token")),
            ("REGCRED_GCR_IAM_CREDENTIALS_URL", url),
            ("REGCRED_GCR_TRUSTED_HOSTS", self.server.authority()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The tokens issued so far.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.google.ledger
    }

    /// The registry logins that are good: either user name with each token issued so far.
    #[must_use]
    pub fn logins(&self) -> &Logins {
        self.google.ledger.logins()
    }

    /// Whose token it is; `None` for one that was not issued here.
    #[must_use]
    pub fn owner(&self, token: &str) -> Option<String> {
        self.google.ledger.find(token).map(|token| token.owner)
    }

    /// Whose token it is that a key has signed itself, as a registry of Google's reads it.
    #[must_use]
    pub fn owner_by_signature(&self, token: &str) -> Option<&'static str> {
        oauth::self_signed(token)
    }

    /// A cluster outside Google, whose issuer [`POOL`] trusts.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.google.cluster
    }

    /// A cluster in GKE.
    #[must_use]
    pub fn gke_cluster(&self) -> &Cluster {
        &self.google.gke_cluster
    }

    /// The next requests, so many, are told to come again.
    pub fn be_busy(&self, requests: usize) {
        self.google.busy.store(requests, Ordering::Relaxed);
    }

    pub(super) fn know_aws_key(&self, key: AccessKey) {
        crate::server::lock(&self.google.aws_keys).push(key);
    }
}

struct Google {
    ledger: Ledger,
    cluster: Cluster,
    gke_cluster: Cluster,
    aws_keys: Mutex<Vec<AccessKey>>,
    busy: AtomicUsize,
}

impl Handler for Google {
    fn handle(&self, request: &Seen) -> Reply {
        let less = |left: usize| left.checked_sub(1);
        let busy = self
            .busy
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        if busy.is_ok() {
            let error = json!({"error": "unavailable", "error_description": "come again"});
            return Reply::json(503, &error);
        }
        let answer = match request.path.as_str() {
            "/token" => oauth::token(self, request),
            "/o/oauth2/token" => oauth::refresh_with_json(self, request),
            "/v1/token" => sts::exchange(self, request),
            "/v1/oauthtoken" => sts::refresh(self, request),
            path => match iam::account_in(path) {
                Some(account) => iam::generate_access_token(self, account, request),
                None => Err(Reply::text(404, "Not Found")),
            },
        };
        match answer {
            Ok(value) => Reply::json(200, &value),
            Err(reply) => reply,
        }
    }
}

/// The fields of a request, no name twice.
type Fields = BTreeMap<String, String>;

/// The form of a POST without a query.
fn form(request: &Seen) -> Result<Fields, Reply> {
    post(request)?;
    if request.header("content-type") != Some("application/x-www-form-urlencoded") {
        return Err(invalid_request("the body is not a form"));
    }
    let mut fields = Fields::new();
    for (name, value) in request.form() {
        if fields.insert(name.clone(), value).is_some() {
            return Err(invalid_request(&format!("{name} is there twice")));
        }
    }
    Ok(fields)
}

/// The members of a JSON body, all of them texts.
fn json_fields(request: &Seen) -> Result<Fields, Reply> {
    post(request)?;
    serde_json::from_slice(&request.body)
        .map_err(|_| invalid_request("the body is not an object of texts"))
}

fn post(request: &Seen) -> Result<(), Reply> {
    if request.method != "POST" {
        return Err(Reply::text(405, "Method Not Allowed"));
    }
    if !request.query.is_empty() {
        return Err(invalid_request("a query has no place here"));
    }
    Ok(())
}

/// Refuses fields that are not among these.
fn only(fields: &Fields, known: &[&str]) -> Result<(), Reply> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(invalid_request(&format!("unknown field {name}"))),
    }
}

fn no_login(request: &Seen) -> Result<(), Reply> {
    match request.header("authorization") {
        None => Ok(()),
        Some(_) => Err(refusal(401, "invalid_client", "no client login is wanted")),
    }
}

/// The scopes in a text, each one of Google's.
fn scopes_in(text: &str) -> Result<Vec<String>, Reply> {
    let scopes: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let sound = |scope: &String| {
        let name = scope.strip_prefix("https://www.googleapis.com/auth/");
        scope == "openid" || name.is_some_and(|name| !name.is_empty())
    };
    if scopes.iter().all(sound) {
        return Ok(scopes);
    }
    let description = "Some requested scopes were invalid.";
    Err(refusal(400, "invalid_scope", description))
}

fn invalid_request(description: &str) -> Reply {
    refusal(400, "invalid_request", description)
}

/// An error in OAuth's form.
fn refusal(status: u16, error: &str, description: &str) -> Reply {
    let body = json!({"error": error, "error_description": description});
    Reply::json(status, &body)
}

fn token_answer(token: &str) -> Value {
    json!({"access_token": token, "expires_in": LIFE, "token_type": "Bearer"})
}

/// Seconds since 1970.
fn now() -> i64 {
    let now: chrono::DateTime<Utc> = Clock::system().now();
    now.timestamp()
}

/// The project of everything here.
pub const PROJECT: &str = "demo-project";
/// A service account whose key is at hand.
pub const KEY_ACCOUNT: &str = "puller@demo-project.iam.gserviceaccount.com";
/// The service account of the machine with the metadata server.
pub const NODE_ACCOUNT: &str = "node@demo-project.iam.gserviceaccount.com";
/// The service account that all of them may act as.
pub const TARGET_ACCOUNT: &str = "target@demo-project.iam.gserviceaccount.com";
/// One that the person may act as, and that itself may act as [`DISTANT_ACCOUNT`].
pub const MIDDLE_ACCOUNT: &str = "middle@demo-project.iam.gserviceaccount.com";
/// One that only [`MIDDLE_ACCOUNT`] may act as.
pub const DISTANT_ACCOUNT: &str = "distant@demo-project.iam.gserviceaccount.com";
/// A person who has logged in.
pub const PERSON: &str = "ada@example.com";
/// A person of a workforce pool.
pub const STAFF: &str =
    "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ada";
/// The pods of the cluster's service account `shop/puller`.
pub const POD: &str = "principal://iam.googleapis.com/projects/123456789/locations/global/\
                       workloadIdentityPools/my-clusters/subject/system:serviceaccount:shop:puller";
/// The pods of the same service account in the GKE cluster.
pub const GKE_POD: &str = "principal://iam.googleapis.com/projects/123456789/locations/global/\
                           workloadIdentityPools/demo-project.svc.id.goog/subject/ns/shop/sa/puller";
/// The role of a workload in AWS.
pub const AWS_ROLE: &str = "arn:aws:sts::123456789012:assumed-role/worker/i-0abc";

/// The provider of the pool in which the cluster's issuer is known.
pub const POOL: &str = "//iam.googleapis.com/projects/123456789/locations/global/\
                        workloadIdentityPools/my-clusters/providers/cluster-1";
/// The provider of the same pool for workloads in AWS.
pub const AWS_POOL: &str = "//iam.googleapis.com/projects/123456789/locations/global/\
                            workloadIdentityPools/my-clusters/providers/aws-1";
/// The URL of the GKE cluster, which is the issuer of its tokens.
pub const GKE_ISSUER: &str =
    "https://container.googleapis.com/v1/projects/demo-project/locations/europe-west1/clusters/c1";
/// The audience of tokens that a GKE cluster issues for Google.
pub const GKE_AUDIENCE: &str = "demo-project.svc.id.goog";
/// The broadest scope.
pub const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";

const CLUSTER_ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
/// Seconds that a token lives.
const LIFE: i64 = 3599;
