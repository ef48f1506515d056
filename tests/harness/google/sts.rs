//! The Security Token Service: foreign tokens for Google's (RFC 8693), and the refresh tokens of
//! workforce pools.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{
    AWS_POOL, CLOUD_PLATFORM, Fields, GKE_AUDIENCE, GKE_ISSUER, GKE_POD, Google, LIFE, POD, POOL,
    STAFF, aws, cluster, form, invalid_request, json_fields, no_login, only, refusal, scopes_in,
    token_answer,
};
use crate::server::{Reply, Seen, lock};

/// `POST /v1/token`, as a form or as JSON.
pub(super) fn exchange(google: &Google, request: &Seen) -> Result<Value, Reply> {
    let fields = match request.header("content-type") {
        Some("application/json") => json_fields(request)?,
        _ => form(request)?,
    };
    const KNOWN: [&str; 7] = [
        "audience",
        "grant_type",
        "options",
        "requested_token_type",
        "scope",
        "subject_token",
        "subject_token_type",
    ];
    only(&fields, &KNOWN)?;
    no_login(request)?;
    let get = |name: &str| fields.get(name).map_or("", String::as_str);
    if get("grant_type") != "urn:ietf:params:oauth:grant-type:token-exchange" {
        let description = "Invalid grant_type.";
        return Err(refusal(400, "unsupported_grant_type", description));
    }
    if get("requested_token_type") != ACCESS_TOKEN {
        return Err(invalid_request("Invalid requested_token_type."));
    }
    if !get("options").is_empty() {
        return Err(invalid_request("options are for workforce pools"));
    }
    let scopes = scopes_in(get("scope"))?;
    let owner = owner(google, &fields)?;
    let token = google.ledger.issue(&owner, &scopes, LIFE);
    let mut answer = token_answer(&token);
    answer["issued_token_type"] = json!(ACCESS_TOKEN);
    Ok(answer)
}

/// Who the subject token speaks of, by the rules of the audience.
fn owner(google: &Google, fields: &Fields) -> Result<String, Reply> {
    let get = |name: &str| fields.get(name).map_or("", String::as_str);
    let (token, kind) = (get("subject_token"), get("subject_token_type"));
    let invalid = |why: String| refusal(400, "invalid_grant", &why);
    let of_type = |known: &[&str]| match known.contains(&kind) {
        true => Ok(()),
        false => Err(invalid_request("Invalid subject_token_type.")),
    };
    let gke = format!("identitynamespace:{GKE_AUDIENCE}:{GKE_ISSUER}");
    match get("audience") {
        POOL => {
            of_type(&[JWT, ID_TOKEN])?;
            let audiences = [POOL, &format!("https:{POOL}")];
            let subject = google.cluster.subject(token, &audiences).map_err(invalid)?;
            known_subject(&subject).map(|()| POD.to_owned())
        }
        AWS_POOL => {
            of_type(&[AWS_REQUEST])?;
            let keys = lock(&google.aws_keys);
            aws::caller(token, AWS_POOL, &keys).map_err(invalid)
        }
        audience if audience == gke => {
            of_type(&[JWT])?;
            let subject = google.gke_cluster.subject(token, &[GKE_AUDIENCE]);
            known_subject(&subject.map_err(invalid)?).map(|()| GKE_POD.to_owned())
        }
        _ => Err(refusal(
            400,
            "invalid_target",
            "The target service indicated by the \"audience\" parameters is invalid. This might \
             either be because the pool or provider is disabled or deleted or because it doesn't \
             exist.",
        )),
    }
}

fn known_subject(subject: &str) -> Result<(), Reply> {
    let description = "The given credential is rejected by the attribute condition.";
    match subject == cluster::SUBJECT {
        true => Ok(()),
        false => Err(refusal(400, "unauthorized_client", description)),
    }
}

/// `POST /v1/oauthtoken`: the login of a person of a workforce pool.
pub(super) fn refresh(google: &Google, request: &Seen) -> Result<Value, Reply> {
    let client = STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
    if request.header("authorization") != Some(&format!("Basic {client}")) {
        let description = "The OAuth client was not found.";
        return Err(refusal(401, "invalid_client", description));
    }
    let fields = form(request)?;
    only(&fields, &["grant_type", "refresh_token"])?;
    let get = |name: &str| fields.get(name).map(String::as_str);
    if (get("grant_type"), get("refresh_token")) != (Some("refresh_token"), Some(REFRESH_TOKEN)) {
        let description = "The refresh token is expired or revoked.";
        return Err(refusal(400, "invalid_grant", description));
    }
    let scopes = [CLOUD_PLATFORM.to_owned()];
    Ok(token_answer(&google.ledger.issue(STAFF, &scopes, LIFE)))
}

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub(super) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
pub(super) const AWS_REQUEST: &str = "urn:ietf:params:aws:token-type:aws4_request";
pub(super) const CLIENT_ID: &str = "workforce-client";
pub(super) const CLIENT_SECRET: &str = "workforce+s3cret/=~";
pub(super) const REFRESH_TOKEN: &str = "workforce-refresh+t0ken/=&";
