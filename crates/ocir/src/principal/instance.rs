//! The instance principal: the certificate that Oracle puts on every instance, traded for a
//! security token at the auth service (`POST /v1/x509`).

use regcred_core::ProviderError;
use regcred_http::secure_url;
use serde_json::json;

use crate::call::security_token;
use crate::failure::malformed;
use crate::imds::Imds;
use crate::key::session_key;
use crate::reach::Reach;
use crate::regions::Region;
use crate::session::Session;
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
    let url = secure_url(&format!("{base}/v1/x509"))
        .ok_or_else(|| malformed(format!("region {} has no sound domain", region.id)))?;
    let signer = Signer::named(key_id, leaf_key);
    let request = signer.post_without_host(&url, &body, reach.now());
    let service = format!("the auth service {base}");
    let refusal = "does not take the instance's certificate";
    let token = security_token(reach, request, &service, refusal).await?;
    Session::issued(&token, session_key, "the auth service", reach.now())
}

/// Base URL of the auth service for a region.
pub(super) fn auth_service(reach: &Reach, region: &Region) -> String {
    let named = reach.settings.auth_service.clone();
    named.unwrap_or_else(|| format!("https://auth.{}.{}", region.id, region.domain))
}
