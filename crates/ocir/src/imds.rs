//! The instance metadata service, version 2: `Authorization: Bearer Oracle` on every call, never
//! through a proxy.

use std::time::Duration;

use regcred_core::{ErrorKind, ProviderError};
use regcred_http::{Client, HttpError, Request, Retry};
use secrecy::zeroize::Zeroizing;

use crate::certificate::{self, Certificate};
use crate::home_path::expand;
use crate::hosts::is_region_id;
use crate::key::PrivateKey;
use crate::regions::Region;
use crate::settings::Cloud;
use crate::{ERRORS, vars};

/// A metadata server that has answered.
pub(crate) struct Imds {
    client: Client,
    base: String,
    /// Its region as it states it: a key or an identifier.
    region: String,
}

impl Imds {
    /// Asks for the region, which shows whether there is a server.
    pub(crate) async fn find(cloud: &Cloud) -> Result<Self, ProviderError> {
        let client = cloud.link(CONNECT)?;
        let mut first = None;
        for base in &cloud.settings.metadata {
            match get(&client, base, "/instance/region").await {
                Ok(region) => {
                    return Ok(Self {
                        client,
                        base: base.clone(),
                        region: region.trim().to_owned(),
                    });
                }
                Err(error) if error.is_connect() || error.is_timeout() => {
                    first.get_or_insert((base, error));
                }
                // Another cloud's metadata server is at the same address.
                Err(error) if error.kind() == ErrorKind::Denied => {
                    return Err(no_instance(cloud, base, error));
                }
                Err(error) => return Err(refused(base, error)),
            }
        }
        Err(match first {
            Some((base, error)) => no_instance(cloud, base, error),
            None => ERRORS.misconfigured("no metadata server is named"),
        })
    }

    /// The instance's region, by the table or by the server's own description.
    pub(crate) async fn region(&self, cloud: &Cloud) -> Result<Region, ProviderError> {
        if let Some(region) = cloud.settings.regions.find(&self.region) {
            return Ok(region);
        }
        let text = match get(&self.client, &self.base, "/instance/regionInfo").await {
            Ok(text) => text,
            Err(error) if error.status().is_some() && is_region_id(&self.region) => {
                let region = cloud.settings.regions.assume(&self.region);
                tracing::debug!("the metadata server has no regionInfo: {error}");
                return Ok(region);
            }
            Err(error) => return Err(refused(&self.base, error)),
        };
        let region: Option<Region> = serde_json::from_str(&text).ok();
        region.and_then(Region::checked).ok_or_else(|| {
            ERRORS.malformed(format!(
                "the regionInfo of the metadata server {} is not valid",
                self.base
            ))
        })
    }

    /// The instance's OCID.
    pub(crate) async fn instance_id(&self) -> Result<String, ProviderError> {
        let id = self.get("/instance/id").await?;
        Ok(id.trim().to_ascii_lowercase())
    }

    /// The leaf certificate with its key, from one generation of the two.
    pub(crate) async fn leaf(&self) -> Result<(Certificate, PrivateKey), ProviderError> {
        for attempt in 1..=PAIR_RETRY.attempts {
            let (certificate, key) = tokio::try_join!(
                self.get("/identity/cert.pem"),
                self.get("/identity/key.pem")
            )?;
            let certificate = Certificate::from_pem(&certificate)?;
            let key = PrivateKey::from_pem(&key, None).map_err(|e| {
                ERRORS
                    .malformed("cannot use the metadata server's key")
                    .with_source(e)
            })?;
            if certificate.belongs_to(&key) {
                return Ok((certificate, key));
            }
            tracing::debug!(attempt, "the instance's certificate is being replaced");
            tokio::time::sleep(PAIR_RETRY.pause(attempt)).await;
        }
        Err(ERRORS.malformed("the metadata server's certificate and key are not of one pair"))
    }

    /// The certificate between the leaf and Oracle's root, in base64.
    pub(crate) async fn intermediate(&self) -> Result<String, ProviderError> {
        let pem = self.get("/identity/intermediate.pem").await?;
        certificate::base64_of(&pem).ok_or_else(|| {
            ERRORS.malformed("the metadata server's intermediate certificate is not PEM")
        })
    }

    async fn get(&self, path: &str) -> Result<Zeroizing<String>, ProviderError> {
        get(&self.client, &self.base, path)
            .await
            .map_err(|error| refused(&self.base, error))
    }
}

/// One value. A 404 passes too: while an instance starts, its identity is not there yet.
async fn get(client: &Client, base: &str, path: &str) -> Result<Zeroizing<String>, HttpError> {
    let mut attempt = 1;
    loop {
        let request = Request::get(&format!("{base}{path}"))
            .header("Authorization", "Bearer Oracle")
            .timeout(TIMEOUT)
            .retry(RETRY);
        let response = client.send(request).await?;
        match response.status().as_u16() {
            200 => return response.text(LIMIT).await.map(Zeroizing::new),
            404 if attempt < RETRY.attempts => {}
            _ => return Err(response.into_error("instance metadata").await),
        }
        tokio::time::sleep(RETRY.pause(attempt)).await;
        attempt += 1;
    }
}

fn refused(base: &str, error: HttpError) -> ProviderError {
    ERRORS.call_failed(
        format!("the metadata server {base} returned no identity"),
        error,
    )
}

/// What to do where no metadata server answers. A user's configuration file is pointed out, never
/// used unasked.
fn no_instance(cloud: &Cloud, base: &str, error: HttpError) -> ProviderError {
    let file = expand(&cloud.env, "~/.oci/config");
    let method = vars::AUTH_METHOD;
    let advice = if file.is_absolute() && file.exists() {
        format!("to use {} set {method}=api_key", file.display())
    } else {
        format!("outside an OCI instance name a principal with {method}")
    };
    let message = format!("the metadata server {base} does not answer as OCI's; {advice}");
    ERRORS.no_identity(message).with_source(error)
}

const CONNECT: Duration = Duration::from_millis(1500);
const TIMEOUT: Duration = Duration::from_secs(6);
const RETRY: Retry = Retry {
    attempts: 4,
    base: Duration::from_millis(200),
    cap: Duration::from_secs(2),
};
const PAIR_RETRY: Retry = Retry {
    attempts: 4,
    base: Duration::from_millis(300),
    cap: Duration::from_secs(2),
};
const LIMIT: usize = 64 * 1024;
