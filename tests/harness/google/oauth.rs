//! The OAuth2 token endpoint: assertions that a service account's key has signed (RFC 7523) and
//! the refresh tokens of people (RFC 6749 section 6).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::jwt::Jwt;
use super::{
    CLOUD_PLATFORM, Fields, Google, KEY_ACCOUNT, LIFE, PERSON, form, invalid_request, json_fields,
    no_login, now, only, refusal, scopes_in, token_answer,
};
use crate::server::{Reply, Seen};

/// `POST /token`.
pub(super) fn token(google: &Google, request: &Seen) -> Result<Value, Reply> {
    no_login(request)?;
    let fields = form(request)?;
    match fields.get("grant_type").map(String::as_str) {
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => {
            only(&fields, &["grant_type", "assertion"])?;
            let assertion = fields.get("assertion").map_or("", String::as_str);
            let audience = format!(
                "http://{}/token",
                request.header("host").unwrap_or_default()
            );
            let scopes = asserted_scopes(assertion, &[PUBLIC_URL, &audience])?;
            let token = google.ledger.issue(KEY_ACCOUNT, &scopes, LIFE);
            Ok(token_answer(&token))
        }
        Some("refresh_token") => refresh(google, &fields),
        _ => Err(refusal(400, "unsupported_grant_type", "Invalid grant_type")),
    }
}

/// `POST /o/oauth2/token`, the old address for refresh tokens, which takes JSON too.
pub(super) fn refresh_with_json(google: &Google, request: &Seen) -> Result<Value, Reply> {
    no_login(request)?;
    match request.header("content-type") {
        Some("application/json") => refresh(google, &json_fields(request)?),
        _ => refresh(google, &form(request)?),
    }
}

fn refresh(google: &Google, fields: &Fields) -> Result<Value, Reply> {
    const KNOWN: [&str; 5] = [
        "grant_type",
        "client_id",
        "client_secret",
        "refresh_token",
        "scope",
    ];
    only(fields, &KNOWN)?;
    let get = |name: &str| fields.get(name).map(String::as_str);
    if get("grant_type") != Some("refresh_token") {
        return Err(refusal(400, "unsupported_grant_type", "Invalid grant_type"));
    }
    if (get("client_id"), get("client_secret")) != (Some(CLIENT_ID), Some(CLIENT_SECRET)) {
        let description = "The OAuth client was not found.";
        return Err(refusal(401, "invalid_client", description));
    }
    if get("refresh_token") != Some(REFRESH_TOKEN) {
        let description = "Token has been expired or revoked.";
        return Err(refusal(400, "invalid_grant", description));
    }
    let scopes = scopes_in(get("scope").unwrap_or(CLOUD_PLATFORM))?;
    let token = google.ledger.issue(PERSON, &scopes, LIFE);
    let mut answer = token_answer(&token);
    answer["scope"] = json!(scopes.join(" "));
    Ok(answer)
}

/// The scopes that a good assertion asks for.
fn asserted_scopes(assertion: &str, audiences: &[&str]) -> Result<Vec<String>, Reply> {
    let invalid = |description: &str| refusal(400, "invalid_grant", description);
    let jwt = Jwt::parse(assertion).ok_or_else(|| invalid_request("the assertion is not a JWT"))?;
    check_signature(&jwt).map_err(invalid)?;
    if !audiences.contains(&jwt.text("aud")) {
        return Err(invalid("Invalid JWT: Failed audience check."));
    }
    if !jwt.claims["sub"].is_null() {
        let description = "Client is unauthorized to retrieve access tokens using this method.";
        return Err(refusal(401, "unauthorized_client", description));
    }
    scopes_in(jwt.text("scope"))
}

/// Key, issuer and times of what a service account's key has signed.
fn check_signature(jwt: &Jwt) -> Result<(), &'static str> {
    let id = &jwt.header["kid"];
    if !(id.is_null() || id == KEY_ID) || jwt.header["typ"] != "JWT" {
        return Err("Invalid JWT Signature.");
    }
    if jwt.text("iss") != KEY_ACCOUNT {
        return Err("Invalid grant: account not found");
    }
    if !jwt.is_signed_by("RS256", &RSA_PKCS1_2048_8192_SHA256, PUBLIC_KEY) {
        return Err("Invalid JWT Signature.");
    }
    let (issued, end) = (jwt.time("iat"), jwt.time("exp"));
    if issued > now() || end <= now() || end - issued > 3600 {
        return Err(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable \
             timeframe. Check your iat and exp values in the JWT claim.",
        );
    }
    Ok(())
}

/// Whose token it is that stands for itself: no audience, the account as issuer and subject.
pub(super) fn self_signed(token: &str) -> Option<&'static str> {
    let jwt = Jwt::parse(token)?;
    check_signature(&jwt).ok()?;
    scopes_in(jwt.text("scope")).ok()?;
    let sound = jwt.claims["aud"].is_null() && jwt.text("sub") == KEY_ACCOUNT;
    sound.then_some(KEY_ACCOUNT)
}

/// A JWT with these claims, signed by the service account's key.
pub(super) fn sign(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": KEY_ID});
    let signed = format!("{}.{}", part(&header), part(claims));
    let der = PrivatePkcs8KeyDer::from_pem_slice(PRIVATE_KEY.as_bytes()).expect("a PEM file");
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("an RSA key");
    let mut signature = vec![0; key.public().modulus_len()];
    let random = SystemRandom::new();
    key.sign(
        &RSA_PKCS1_SHA256,
        &random,
        signed.as_bytes(),
        &mut signature,
    )
    .expect("the system's random numbers");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The endpoint's name to the world, which assertions are made out to.
const PUBLIC_URL: &str = "https://oauth2.googleapis.com/token";
const PUBLIC_KEY: &[u8] = include_bytes!("../../../crates/gcr/testdata/test-only-public-key.der");
/// The private half of the service account's key.
pub(super) const PRIVATE_KEY: &str =
    include_str!("../../../crates/gcr/testdata/test-only-key-pkcs8.pem");
pub(super) const KEY_ID: &str = "0123456789abcdef0123456789abcdef01234567";
pub(super) const CLIENT_ID: &str = "123-abc.apps.googleusercontent.com";
pub(super) const CLIENT_SECRET: &str = "GOCSPX-cl13nt+s3cret/=";
pub(super) const REFRESH_TOKEN: &str = "1//03-refresh+t0ken/=&";
