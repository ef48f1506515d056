//! The instance principal: the certificate that Oracle puts on every instance, traded for a
//! security token at the auth service (`POST /v1/x509`).

use regcred_core::ProviderError;
use regcred_http::secure_url;
use serde_json::json;

use crate::ERRORS;
use crate::imds::Imds;
use crate::regions::Region;
use crate::session::Session;
use crate::session_key::session_key;
use crate::settings::Cloud;
use crate::signed_call::security_token;
use crate::signer::Signer;

/// A fresh session of the instance.
pub(super) async fn session(cloud: &Cloud) -> Result<Session, ProviderError> {
    let imds = Imds::find(cloud).await?;
    of(cloud, &imds).await
}

/// The same with a metadata server that was found before.
pub(super) async fn of(cloud: &Cloud, imds: &Imds) -> Result<Session, ProviderError> {
    let ((certificate, leaf_key), intermediate, region, session_key) = tokio::try_join!(
        imds.leaf(),
        imds.intermediate(),
        imds.region(cloud),
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
    let base = auth_service(cloud, &region);
    let url = secure_url(&format!("{base}/v1/x509"))
        .ok_or_else(|| ERRORS.malformed(format!("region {} has no valid domain", region.id)))?;
    let signer = Signer::named(key_id, leaf_key);
    let request = signer.post_without_host(&url, &body, cloud.now());
    let asked = ERRORS
        .token_call("the instance principal", format!("the auth service {base}"))
        .if_refused("the instance must be of this region and realm, and its clock right");
    let token = security_token(cloud, request, &asked).await?;
    Session::issued(&token, session_key, &asked, cloud.now())
}

/// Base URL of the auth service for a region.
pub(super) fn auth_service(cloud: &Cloud, region: &Region) -> String {
    let named = cloud.settings.auth_service.clone();
    named.unwrap_or_else(|| format!("https://auth.{}.{}", region.id, region.domain))
}
