//! Which of Azure's environments: where Entra ID is, the resource manager's audience, the suffix of
//! login servers.

use std::time::Duration;

use regcred_cloud::secure_base;
use regcred_core::ProviderError;
use regcred_http::{Request, Retry};
use serde_json::Value;

use crate::audience::normal_audience;
use crate::azure_json::AzureJson;
use crate::environment_file::EnvironmentFile;
use crate::hosts::{LoginServer, normal_suffix};
use crate::settings::Cloud;
use crate::{ERRORS, vars};

/// What differs between the public environment, the sovereign and the custom ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AzureEnvironment {
    /// Entra ID's base URL, without a final slash.
    pub(crate) authority: String,
    /// The resource manager's audience, without a final slash.
    pub(crate) arm: String,
    /// Suffix of login servers, when the operator named the environment and not only the registry.
    pub(crate) suffix: Option<String>,
}

impl AzureEnvironment {
    /// The environment of a registry: the configured one, else the one that its name belongs to.
    pub(crate) async fn resolve(
        cloud: &Cloud,
        json: &AzureJson,
        file: Option<&EnvironmentFile>,
        host: &str,
    ) -> Result<Self, ProviderError> {
        let mut environment = match Self::configured(cloud, json, file).await? {
            Some(environment) => environment,
            None => {
                let mut known = KNOWN.iter();
                let own = known.find(|known| LoginServer::parse(host, known.suffix).is_some());
                own.unwrap_or(&KNOWN[0]).environment(false)
            }
        };
        if let Some(authority) = &cloud.settings.authority {
            // The webhook of workload identity names the public authorities too.
            match KNOWN.iter().find(|known| known.authority == authority) {
                Some(known) if environment.authority != known.authority => {
                    environment = known.environment(false);
                }
                Some(_) => {}
                None => environment.authority.clone_from(authority),
            }
        }
        Ok(environment)
    }

    async fn configured(
        cloud: &Cloud,
        json: &AzureJson,
        file: Option<&EnvironmentFile>,
    ) -> Result<Option<Self>, ProviderError> {
        if let Some(file) = file {
            return Self::described(file).map(Some);
        }
        let name = cloud.settings.environment.as_deref();
        let name = name.or(json.cloud.as_deref());
        if let Some(endpoint) = &json.resource_manager {
            let endpoint = endpoint.trim().trim_end_matches('/');
            return match KNOWN.iter().find(|known| known.arm == endpoint) {
                Some(known) => Ok(Some(known.environment(true))),
                None => discover(cloud, endpoint, name).await.map(Some),
            };
        }
        let Some(name) = name else {
            return Ok(None);
        };
        let is_named = |known: &&Known| known.names.iter().any(|n| n.eq_ignore_ascii_case(name));
        match KNOWN.iter().find(is_named) {
            Some(known) => Ok(Some(known.environment(true))),
            None if name == "AzureStackCloud" => Err(ERRORS.misconfigured(format!(
                "AzureStackCloud needs its description: name the file in {}",
                vars::ENVIRONMENT_FILE
            ))),
            None if cloud.settings.environment.is_some() => {
                let known: Vec<_> = KNOWN
                    .iter()
                    .flat_map(|known| known.names)
                    .copied()
                    .collect();
                Err(ERRORS.misconfigured(format!(
                    "{} names a cloud that is not one of {}; a custom one needs {} or \
                     resourceManagerEndpoint in azure.json",
                    vars::CLOUD,
                    known.join(", "),
                    vars::ENVIRONMENT_FILE
                )))
            }
            // In azure.json it is the public one, as for the cloud provider itself.
            None => {
                tracing::warn!(name, "an unknown cloud is treated as the public one");
                Ok(None)
            }
        }
    }

    fn described(file: &EnvironmentFile) -> Result<Self, ProviderError> {
        let authority = secure_base(&file.active_directory_endpoint).ok_or_else(|| {
            ERRORS.misconfigured(format!(
                "activeDirectoryEndpoint in the file of {} is not an https:// URL",
                vars::ENVIRONMENT_FILE
            ))
        })?;
        Ok(Self {
            authority,
            arm: normal_audience(match file.token_audience.as_str() {
                "" => &file.resource_manager_endpoint,
                audience => audience,
            }),
            suffix: file.suffix(),
        })
    }
}

/// Asks the resource manager of a custom environment for its description.
async fn discover(
    cloud: &Cloud,
    endpoint: &str,
    name: Option<&str>,
) -> Result<AzureEnvironment, ProviderError> {
    let base = secure_base(endpoint)
        .ok_or_else(|| ERRORS.misconfigured("resourceManagerEndpoint is not an https:// URL"))?;
    let url = format!("{base}/metadata/endpoints?api-version=2019-05-01");
    let request = Request::get(&url)
        .header("Accept", "application/json")
        .timeout(TIMEOUT)
        .retry(Retry::gentle());
    let client = cloud.web()?;
    let described = async {
        let response = client.send(request).await?.success("description").await?;
        response.json::<Vec<Value>>(LIMIT).await
    };
    let described = described.await.map_err(|error| {
        ERRORS.call_failed(
            format!("cannot get the description of the cloud at {base}"),
            error,
        )
    })?;
    let text = |at: &Value, member| {
        let text = at.pointer(member).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let is_named = |at: &&Value| name.is_none_or(|n| text(at, "/name").eq_ignore_ascii_case(n));
    let found = described.iter().find(is_named).ok_or_else(|| {
        let name = name.unwrap_or_default();
        ERRORS.misconfigured(format!("{base} does not describe the cloud {name:?}"))
    })?;
    let malformed = |what| ERRORS.malformed(format!("{base} names no {what}"));
    let arm = normal_audience(&text(found, "/authentication/audiences/0"));
    if arm.is_empty() {
        return Err(malformed("audience"));
    }
    Ok(AzureEnvironment {
        authority: secure_base(&text(found, "/authentication/loginEndpoint"))
            .ok_or_else(|| malformed("https:// URL of Entra ID"))?,
        arm,
        suffix: normal_suffix(&text(found, "/suffixes/acrLoginServer")),
    })
}

/// An environment that needs no description.
struct Known {
    names: &'static [&'static str],
    authority: &'static str,
    arm: &'static str,
    suffix: &'static str,
}

impl Known {
    fn environment(&self, is_named: bool) -> AzureEnvironment {
        AzureEnvironment {
            authority: self.authority.to_owned(),
            arm: self.arm.to_owned(),
            suffix: is_named.then(|| self.suffix.to_owned()),
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
