//! Which of Azure's clouds: where Entra ID is, the resource manager's audience, the suffix of
//! login servers.

use std::path::Path;
use std::time::Duration;

use regcred_core::{ErrorKind, ProviderError};
use regcred_files::{MIB, read_secret};
use regcred_http::{Request, Retry};
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::azure_json::AzureJson;
use crate::failure::{call_failed, failure, misconfigured};
use crate::hosts::{LoginServer, normal_suffix};
use crate::reach::Reach;
use crate::settings::{normal_audience, secure_base};
use crate::vars;

/// What differs between clouds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cloud {
    /// Entra ID's base URL, without a final slash.
    pub(crate) authority: String,
    /// The resource manager's audience, without a final slash.
    pub(crate) arm: String,
    /// Suffix of login servers, when the operator named the cloud and not only the registry.
    pub(crate) suffix: Option<String>,
}

impl Cloud {
    /// The cloud for a registry: what is configured, else the one that its name belongs to.
    pub(crate) async fn resolve(
        reach: &Reach,
        json: &AzureJson,
        environment: Option<&Environment>,
        host: &str,
    ) -> Result<Self, ProviderError> {
        let mut cloud = Self::configured(reach, json, environment)
            .await?
            .unwrap_or_else(|| {
                let known = KNOWN
                    .iter()
                    .find(|k| LoginServer::parse(host, k.suffix).is_some());
                known.unwrap_or(&KNOWN[0]).cloud(false)
            });
        if let Some(authority) = &reach.settings.authority {
            // The webhook of workload identity names the public authorities too.
            match KNOWN.iter().find(|k| k.authority == authority) {
                Some(known) if cloud.authority != known.authority => cloud = known.cloud(false),
                Some(_) => {}
                None => cloud.authority.clone_from(authority),
            }
        }
        Ok(cloud)
    }

    async fn configured(
        reach: &Reach,
        json: &AzureJson,
        environment: Option<&Environment>,
    ) -> Result<Option<Self>, ProviderError> {
        let settings = &reach.settings;
        if let (Some(path), Some(environment)) = (&settings.environment_file, environment) {
            return environment.cloud(path).map(Some);
        }
        let name = settings.cloud.as_deref().or(json.cloud.as_deref());
        let known = KNOWN.iter().find(|known| {
            name.is_some_and(|name| known.names.iter().any(|n| n.eq_ignore_ascii_case(name)))
        });
        if let Some(endpoint) = &json.resource_manager {
            let endpoint = endpoint.trim().trim_end_matches('/');
            return match KNOWN.iter().find(|known| known.arm == endpoint) {
                Some(known) => Ok(Some(known.cloud(true))),
                None => discover(reach, endpoint, name).await.map(Some),
            };
        }
        match (known, name) {
            (Some(known), _) => Ok(Some(known.cloud(true))),
            (None, None) => Ok(None),
            (None, Some("AzureStackCloud")) => Err(misconfigured(format!(
                "AzureStackCloud needs its description: name the file in {}",
                vars::ENVIRONMENT_FILE
            ))),
            (None, Some(name)) => {
                tracing::warn!(name, "an unknown cloud is taken for the public one");
                Ok(None)
            }
        }
    }
}

/// A description of a custom cloud (`AZURE_ENVIRONMENT_FILEPATH`).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Environment {
    active_directory_endpoint: String,
    resource_manager_endpoint: String,
    token_audience: String,
    #[serde(rename = "containerRegistryDNSSuffix")]
    container_registry_dns_suffix: String,
}

impl Environment {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, ProviderError> {
        let shown = path.display();
        let text = read_secret(path, MIB).map_err(|e| {
            misconfigured(format!("cannot read {} ({shown})", vars::ENVIRONMENT_FILE))
                .with_source(e)
        })?;
        let text = text.expose_secret().trim_start_matches('\u{feff}');
        serde_json::from_str(text).map_err(|_| {
            misconfigured(format!(
                "{shown} describes no cloud: it is not the expected JSON"
            ))
        })
    }

    /// The suffix of its login servers; `None` where the cloud has no registries.
    pub(crate) fn suffix(&self) -> Option<String> {
        normal_suffix(&self.container_registry_dns_suffix)
    }

    fn cloud(&self, path: &Path) -> Result<Cloud, ProviderError> {
        let audience = match self.token_audience.as_str() {
            "" => &self.resource_manager_endpoint,
            audience => audience,
        };
        Ok(Cloud {
            authority: secure_base(&self.active_directory_endpoint).ok_or_else(|| {
                misconfigured(format!(
                    "activeDirectoryEndpoint in {} is no https:// address",
                    path.display()
                ))
            })?,
            arm: normal_audience(audience),
            suffix: self.suffix(),
        })
    }
}

/// Asks the resource manager of a custom cloud for its description.
async fn discover(
    reach: &Reach,
    endpoint: &str,
    name: Option<&str>,
) -> Result<Cloud, ProviderError> {
    let base = secure_base(endpoint)
        .ok_or_else(|| misconfigured("resourceManagerEndpoint is no https:// address"))?;
    let url = format!("{base}/metadata/endpoints?api-version=2019-05-01");
    let request = Request::get(&url)
        .header("Accept", "application/json")
        .timeout(TIMEOUT)
        .retry(Retry::gentle());
    let what = || format!("cannot ask {base} what cloud it is");
    let client = reach.web()?;
    let clouds = async {
        let response = client.send(request).await?.success("description").await?;
        response.json::<Vec<Described>>(LIMIT).await
    };
    let clouds = clouds.await.map_err(|e| call_failed(what(), e))?;
    let found = clouds.into_iter().find(|cloud| match name {
        Some(name) => cloud.name.eq_ignore_ascii_case(name),
        None => true,
    });
    let malformed = |why: &str| failure(ErrorKind::Malformed, format!("{base} {why}"));
    let Some(found) = found else {
        return Err(misconfigured(format!(
            "{base} does not describe the cloud {:?}",
            name.unwrap_or_default()
        )));
    };
    Ok(Cloud {
        authority: secure_base(&found.authentication.login_endpoint)
            .ok_or_else(|| malformed("names no https:// address of Entra ID"))?,
        arm: found
            .authentication
            .audiences
            .first()
            .map(|audience| normal_audience(audience))
            .ok_or_else(|| malformed("names no audience"))?,
        suffix: normal_suffix(&found.suffixes.acr_login_server),
    })
}

#[derive(Deserialize)]
struct Described {
    #[serde(default)]
    name: String,
    authentication: Authentication,
    #[serde(default)]
    suffixes: Suffixes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authentication {
    login_endpoint: String,
    #[serde(default)]
    audiences: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Suffixes {
    acr_login_server: String,
}

/// A cloud that everybody knows.
struct Known {
    names: &'static [&'static str],
    authority: &'static str,
    arm: &'static str,
    suffix: &'static str,
}

impl Known {
    fn cloud(&self, named: bool) -> Cloud {
        Cloud {
            authority: self.authority.to_owned(),
            arm: self.arm.to_owned(),
            suffix: named.then(|| self.suffix.to_owned()),
        }
    }
}

const KNOWN: [Known; 3] = [
    Known {
        names: &["AzureCloud", "AzurePublicCloud"],
        authority: "https://login.microsoftonline.com",
        arm: "https://management.azure.com",
        suffix: ".azurecr.io",
    },
    Known {
        names: &["AzureUSGovernment", "AzureUSGovernmentCloud"],
        authority: "https://login.microsoftonline.us",
        arm: "https://management.usgovcloudapi.net",
        suffix: ".azurecr.us",
    },
    Known {
        names: &["AzureChinaCloud"],
        authority: "https://login.chinacloudapi.cn",
        arm: "https://management.chinacloudapi.cn",
        suffix: ".azurecr.cn",
    },
];
const TIMEOUT: Duration = Duration::from_secs(12);
const LIMIT: usize = 1 << 20;

#[cfg(test)]
mod tests;
