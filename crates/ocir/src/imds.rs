//! The instance metadata service, version 2: `Authorization: Bearer Oracle` on every call, never
//! through a proxy.

use std::path::Path;
use std::time::Duration;

use regcred_cloud::{TokenCall, firmware_holds, is_label};
use regcred_core::{ErrorKind, ProviderError};
use regcred_http::{Client, HttpError, Request, Retry, StatusCode, is_passing_status};
use secrecy::zeroize::Zeroizing;
use tokio::task::JoinSet;

use crate::certificate::{self, Certificate};
use crate::home_path::expand;
use crate::hosts::is_region_id;
use crate::key::PrivateKey;
use crate::regions::Region;
use crate::settings::{Cloud, METADATA};
use crate::{ERRORS, vars};

/// A metadata server that has answered.
pub(crate) struct Imds {
    client: Client,
    base: String,
    /// Its region as it states it: a key or an identifier.
    region: String,
}

impl Imds {
    /// Asks for the region, which shows whether there is a server; all addresses at the same time.
    pub(crate) async fn find(cloud: &Cloud) -> Result<Self, ProviderError> {
        let bases = &cloud.settings.metadata;
        let expected = *bases != METADATA || firmware_holds(Path::new(ASSET_TAG), ORACLES_TAG);
        let client = cloud.link(if expected { CONNECT } else { SHORT_CONNECT })?;
        let mut probes = JoinSet::new();
        for (place, base) in bases.iter().cloned().enumerate() {
            let client = client.clone();
            probes.spawn(async move {
                let region = probe(&client, &base, expected).await;
                (place, base, region)
            });
        }
        let mut silent: Option<(usize, String, HttpError)> = None;
        while let Some(Ok((place, base, region))) = probes.join_next().await {
            match region {
                Ok(region) => {
                    let region = region.trim().to_owned();
                    if !is_label(&region) {
                        let answer = "its region is not a region";
                        return Err(asked(&base).answered(ErrorKind::Malformed, answer));
                    }
                    return Ok(Self {
                        client,
                        base,
                        region,
                    });
                }
                Err(error) if error.is_unanswered() => {
                    if silent.as_ref().is_none_or(|(first, ..)| place < *first) {
                        silent = Some((place, base, error));
                    }
                }
                // Another cloud's metadata server is at the same address.
                Err(error) if is_of_another_server(&error) => {
                    return Err(no_instance(cloud, &base, error));
                }
                Err(error) => return Err(refused(&base, error)),
            }
        }
        Err(match silent {
            Some((_, base, error)) => no_instance(cloud, &base, error),
            None => ERRORS.misconfigured("no metadata server is named"),
        })
    }

    /// The instance's region, by the table or by the server's own description.
    pub(crate) async fn region(&self, cloud: &Cloud) -> Result<Region, ProviderError> {
        if let Some(region) = cloud.settings.regions.find(&self.region) {
            return Ok(region);
        }
        let text = match get(&self.client, &self.base, "/instance/regionInfo", RETRY).await {
            Ok(text) => text,
            Err(error) if error.status().is_some() && is_region_id(&self.region) => {
                let region = cloud.settings.regions.assume(&self.region);
                tracing::debug!("the metadata server has no regionInfo: {error}");
                return Ok(region);
            }
            Err(error) => return Err(refused(&self.base, error)),
        };
        let region: Option<Region> = serde_json::from_str(&text).ok();
        let region = region.and_then(Region::checked);
        region.ok_or_else(|| self.malformed("its regionInfo is not valid"))
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
            let certificate = Certificate::from_pem(&certificate)
                .map_err(|error| self.malformed(&error.reason()))?;
            let key = PrivateKey::from_pem(&key, None)
                .map_err(|error| self.malformed("its key cannot be used").with_source(error))?;
            if certificate.belongs_to(&key) {
                return Ok((certificate, key));
            }
            tracing::debug!(attempt, "the instance's certificate is being replaced");
            tokio::time::sleep(PAIR_RETRY.pause(attempt)).await;
        }
        Err(self.malformed("its certificate and key are not of one pair"))
    }

    /// The certificate between the leaf and Oracle's root, in base64.
    pub(crate) async fn intermediate(&self) -> Result<String, ProviderError> {
        let pem = self.get("/identity/intermediate.pem").await?;
        certificate::base64_of(&pem)
            .ok_or_else(|| self.malformed("its intermediate certificate is not PEM"))
    }

    fn malformed(&self, answer: &str) -> ProviderError {
        asked(&self.base).answered(ErrorKind::Malformed, answer)
    }

    async fn get(&self, path: &str) -> Result<Zeroizing<String>, ProviderError> {
        get(&self.client, &self.base, path, RETRY)
            .await
            .map_err(|error| refused(&self.base, error))
    }
}

/// The region. Where no server is expected, one that does not respond is asked once.
async fn probe(
    client: &Client,
    base: &str,
    expected: bool,
) -> Result<Zeroizing<String>, HttpError> {
    const PATH: &str = "/instance/region";
    if expected {
        return get(client, base, PATH, RETRY).await;
    }
    match get(client, base, PATH, Retry::none()).await {
        Err(error) if error.status().is_some_and(is_passing) => {
            get(client, base, PATH, RETRY).await
        }
        done => done,
    }
}

/// Whether another attempt may end otherwise. A 404 passes too: while an instance starts, its
/// identity is not there yet.
fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::NOT_FOUND || is_passing_status(status)
}

/// Whether a refusal is not one that another attempt changes.
fn is_of_another_server(error: &HttpError) -> bool {
    let refused = |status: StatusCode| status.is_client_error() && !is_passing_status(status);
    error.status().is_some_and(refused)
}

/// One value.
async fn get(
    client: &Client,
    base: &str,
    path: &str,
    retry: Retry,
) -> Result<Zeroizing<String>, HttpError> {
    let mut attempt = 1;
    loop {
        let request = Request::get(&format!("{base}{path}"))
            .header("Authorization", "Bearer Oracle")
            .timeout(TIMEOUT)
            .retry(retry);
        let response = client.send(request).await?;
        match response.status().as_u16() {
            200 => return response.text(LIMIT).await.map(Zeroizing::new),
            404 if attempt < retry.attempts => {}
            _ => return Err(response.into_error("instance metadata").await),
        }
        tokio::time::sleep(retry.pause(attempt)).await;
        attempt += 1;
    }
}

/// The call for the instance's identity, for its errors.
fn asked(base: &str) -> TokenCall {
    ERRORS
        .token_call(
            "the instance principal",
            format!("the metadata server {base}"),
        )
        .if_refused("check whether a proxy or a firewall answers in its place")
}

fn refused(base: &str, error: HttpError) -> ProviderError {
    asked(base).failed(error)
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
    let answer = "it does not answer as OCI's";
    asked(base)
        .answered(ErrorKind::IdentityUnavailable, answer)
        .with_source(error)
        .with_next_step(advice)
}

const CONNECT: Duration = Duration::from_millis(1500);
/// Where nothing shows that the machine is Oracle's. The server answers within milliseconds.
const SHORT_CONNECT: Duration = Duration::from_secs(1);
const ASSET_TAG: &str = "/sys/class/dmi/id/chassis_asset_tag";
/// The tag of a machine of Oracle's cloud.
const ORACLES_TAG: &str = "OracleCloud.com";
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

#[cfg(test)]
mod tests {
    use regcred_core::{Clock, Env, report};
    use regcred_tests::server::{Reply, Seen, Server};

    use super::*;
    use crate::settings::Settings;

    fn cloud(vars: &[(&str, &str)]) -> Cloud {
        let env = Env::map(vars.iter().copied());
        let settings = Settings::read(&env).expect("settings");
        Cloud::new(ERRORS, &env, &Clock::system(), settings)
    }

    #[tokio::test]
    async fn a_server_that_is_not_expected_and_does_not_respond_is_asked_once() {
        let client = cloud(&[]).link(CONNECT).expect("a client");
        for (expected, attempts) in [(false, 1), (true, RETRY.attempts)] {
            let server = Server::start(|_: &Seen| Reply::hang_up());
            let done = probe(&client, &server.url(), expected).await;
            let error = done.expect_err("closed");
            assert!(error.status().is_none(), "{error}");
            let asked = server.count("/instance/region");
            assert_eq!(u32::try_from(asked), Ok(attempts), "{expected}");
        }
    }

    #[tokio::test]
    async fn another_clouds_server_at_the_address_is_not_oracles() {
        for status in [400, 401, 403, 404, 405] {
            let server = Server::start(move |_: &Seen| Reply::text(status, "not here"));
            let url = server.url();
            let found = Imds::find(&cloud(&[("OCI_METADATA_BASE_URL", &url)])).await;
            let error = found.err().expect("another cloud's");
            assert_eq!(error.kind(), ErrorKind::IdentityUnavailable, "{status}");
            let line = report(&error);
            let (refusal, step) = line.rsplit_once("; ").expect("a next step");
            assert!(refusal.contains(&format!("answered {status}")), "{line}");
            assert!(step.contains(vars::AUTH_METHOD), "{line}");
        }
    }
}
