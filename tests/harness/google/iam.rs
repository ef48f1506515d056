//! The IAM Service Account Credentials API: tokens of service accounts for whoever may act as them.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use super::{
    AWS_ROLE, CLOUD_PLATFORM, DISTANT_ACCOUNT, GKE_POD, Google, KEY_ACCOUNT, MIDDLE_ACCOUNT,
    NODE_ACCOUNT, PERSON, POD, STAFF, TARGET_ACCOUNT, now, post,
};
use crate::server::{Reply, Seen};

/// The email in `/v1/projects/-/serviceAccounts/EMAIL:generateAccessToken`.
pub(super) fn account_in(path: &str) -> Option<&str> {
    path.strip_prefix("/v1/projects/-/serviceAccounts/")?
        .strip_suffix(":generateAccessToken")
}

/// `POST …:generateAccessToken`.
pub(super) fn generate_access_token(
    google: &Google,
    account: &str,
    request: &Seen,
) -> Result<Value, Reply> {
    post(request)?;
    let bearer = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .and_then(|token| google.ledger.living(token));
    let Some(bearer) = bearer else {
        let message = "Request had invalid authentication credentials. Expected OAuth 2 access \
                       token, login cookie or other valid authentication credential.";
        return Err(refusal(401, "UNAUTHENTICATED", message));
    };
    if !bearer
        .scopes
        .iter()
        .any(|scope| ENOUGH.contains(&scope.as_str()))
    {
        let message = "Request had insufficient authentication scopes.";
        return Err(refusal(403, "PERMISSION_DENIED", message));
    }
    let wanted = Wanted::read(request)?;
    let mut actor = bearer.owner.as_str();
    let middle = wanted.delegates.iter().map(String::as_str);
    for account in middle.chain([account]) {
        if !MAY_ACT_AS.contains(&(actor, account)) {
            let message = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or \
                           it may not exist).";
            return Err(refusal(403, "PERMISSION_DENIED", message));
        }
        actor = account;
    }
    let token = google.ledger.issue(account, &wanted.scopes, wanted.life);
    let end = DateTime::from_timestamp(now() + wanted.life, 0).expect("a date");
    Ok(json!({
        "accessToken": token,
        "expireTime": end.to_rfc3339_opts(SecondsFormat::Secs, true),
    }))
}

struct Wanted {
    life: i64,
    scopes: Vec<String>,
    delegates: Vec<String>,
}

impl Wanted {
    fn read(request: &Seen) -> Result<Self, Reply> {
        let invalid = |message: &str| refusal(400, "INVALID_ARGUMENT", message);
        if request.header("content-type") != Some("application/json") {
            return Err(invalid("the body is not JSON by its type"));
        }
        let body: Value = serde_json::from_slice(&request.body)
            .map_err(|_| invalid("Invalid JSON payload received."))?;
        let members = body.as_object().ok_or_else(|| invalid("no object"))?;
        let unknown = members
            .keys()
            .find(|name| !["delegates", "lifetime", "scope"].contains(&name.as_str()));
        if let Some(name) = unknown {
            let message = format!("Invalid JSON payload received. Unknown name \"{name}\"");
            return Err(invalid(&message));
        }
        let life = body["lifetime"]
            .as_str()
            .and_then(|text| text.strip_suffix('s')?.parse().ok())
            .filter(|life| (1..=3600).contains(life))
            .ok_or_else(|| invalid("The access token lifetime cannot exceed 3600s."))?;
        let scopes = texts(&body["scope"])
            .filter(|scopes| !scopes.is_empty())
            .ok_or_else(|| invalid("Scope required."))?;
        let delegates = match &body["delegates"] {
            Value::Null => Some(Vec::new()),
            named => texts(named),
        };
        // The documented form has this in front; Google's own clients pass on the bare emails that
        // gcloud writes.
        let email = |name: &String| {
            let bare = name.strip_prefix("projects/-/serviceAccounts/");
            bare.unwrap_or(name).to_owned()
        };
        let delegates = delegates.ok_or_else(|| invalid("Invalid delegate."))?;
        Ok(Self {
            life,
            scopes,
            delegates: delegates.iter().map(email).collect(),
        })
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let all = value.as_array()?.iter();
    all.map(|text| text.as_str().map(str::to_owned)).collect()
}

/// An error in the form of Google's APIs.
fn refusal(code: u16, status: &str, message: &str) -> Reply {
    let error = json!({"code": code, "message": message, "status": status});
    Reply::json(code, &json!({ "error": error }))
}

const ENOUGH: [&str; 2] = [CLOUD_PLATFORM, "https://www.googleapis.com/auth/iam"];

/// Who holds the role that it takes, and on which account.
const MAY_ACT_AS: [(&str, &str); 9] = [
    (AWS_ROLE, TARGET_ACCOUNT),
    (GKE_POD, TARGET_ACCOUNT),
    (KEY_ACCOUNT, TARGET_ACCOUNT),
    (NODE_ACCOUNT, TARGET_ACCOUNT),
    (PERSON, TARGET_ACCOUNT),
    (POD, TARGET_ACCOUNT),
    (STAFF, TARGET_ACCOUNT),
    (PERSON, MIDDLE_ACCOUNT),
    (MIDDLE_ACCOUNT, DISTANT_ACCOUNT),
];
