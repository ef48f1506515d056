//! The instance principal: the certificate that Oracle puts on every instance, traded for a
//! security token at the auth service (`POST /v1/x509`).

use regcred_core::ProviderError;
use regcred_http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::failure::{call_failed, malformed, new_request_id, refused};
use crate::imds::Imds;
use crate::key::session_key;
use crate::reach::{CALL, LIMIT, RETRY, Reach};
use crate::regions::Region;
use crate::session::Session;
use crate::settings::checked_url;
use crate::signer::Signer;

/// A fresh session of the instance.
pub(super) async fn session(reach: &Reach) -> Result<Session, ProviderError> {
    let imds = Imds::find(reach).await?;
    of(reach, &imds).await
}

/// The same with a metadata server that has answered already.
pub(super) async fn of(reach: &Reach, imds: &Imds) -> Result<Session, ProviderError> {
    let ((certificate, leaf_key), intermediate, region, session_key) = tokio::try_join!(
        imds.leaf(),
        imds.intermediate(),
        imds.region(reach),
        session_key()
    )?;
    let key_id = format!(
        "{}/fed-x509-sha256/{}",
        certificate.tenancy,
        certificate.fingerprint()
    );
    let body = json!({
        "certificate": certificate.base64(),
        "publicKey": session_key.public_base64(),
        "intermediateCertificates": [intermediate],
        "fingerprintAlgorithm": "SHA256",
    });
    let base = auth_service(reach, &region);
    let url = checked_url(&format!("{base}/v1/x509"))
        .ok_or_else(|| malformed(format!("region {} has no sound domain", region.id)))?;
    let request = Signer::named(key_id, leaf_key)
        .post_without_host(&url, &body, reach.now())
        .header("Accept", "application/json")
        .header("opc-request-id", &new_request_id())
        .timeout(CALL)
        .retry(RETRY);
    let response = reach
        .web()?
        .send(request)
        .await
        .map_err(|e| call_failed(format!("cannot reach the auth service {base}"), e))?;
    if response.status() != StatusCode::OK {
        let what = format!("the auth service {base} does not take the instance's certificate");
        return Err(refused(what, response, reach.now()).await);
    }
    let answer: TokenAnswer = response
        .json(LIMIT)
        .await
        .map_err(|e| call_failed("cannot read the auth service's token", e))?;
    Session::issued(&answer.token, session_key, "the auth service", reach.now())
}

/// Base URL of the auth service for a region.
pub(super) fn auth_service(reach: &Reach, region: &Region) -> String {
    let named = reach.settings.auth_service.clone();
    named.unwrap_or_else(|| format!("https://auth.{}.{}", region.id, region.domain))
}

/// The auth service's answer to every call that gives a security token.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    #[serde(deserialize_with = "secret")]
    pub(super) token: SecretString,
}

/// Reads a string straight into its guarded form.
pub(super) fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}
