//! EC2 instance metadata, version 2, by aws-config, capped: a machine without it must fail in
//! about half a second, and a container that gets no response in two.

use std::time::Duration;

use aws_config::imds;
use aws_config::imds::client::error::ImdsError;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use regcred_cloud::metadata_base;
use regcred_core::{Env, ErrorKind, ProviderError};
use tokio::time::timeout;

use super::no_credentials::NoCredentials;
use crate::api_failure::{causes, in_chain};
use crate::sdk::{metadata_config, quiet};
use crate::settings::Cloud;
use crate::shared_config::SharedConfig;
use crate::transport::TOKEN_REFUSED;

/// The metadata service of this instance: its address, or why it is not asked.
#[derive(Debug)]
pub(crate) struct Metadata(Result<String, String>);

impl Metadata {
    /// The service, unless the operator switched it off.
    pub(crate) fn of(env: &Env, config: &SharedConfig) -> Self {
        let disabled = env.get(DISABLED);
        let disabled = disabled.filter(|value| value.eq_ignore_ascii_case("true"));
        Self(match disabled {
            Some(_) => Err(format!("{DISABLED} is set")),
            None => Ok(address(config)),
        })
    }

    /// The instance, by the address of its service.
    pub(super) fn stable_name(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// The address of the service.
    pub(super) fn address(&self) -> Result<&str, NoCredentials> {
        let off = |reason: &String| NoCredentials::Absent(reason.clone());
        self.0.as_deref().map_err(off)
    }

    /// The region of this instance, or the reason why it is not known.
    pub(crate) async fn region(&self, cloud: &Cloud) -> Result<String, String> {
        let address = self.0.as_ref().map_err(String::clone)?;
        let client = metadata_config(cloud).map_err(|error| error.reason())?;
        let client = self.client(&client);
        let client = client.map_err(|error| ProviderError::from(error).reason())?;
        let path = "/latest/meta-data/placement/region";
        let reason = match quiet(timeout(CAP, client.get(path))).await {
            Ok(Ok(region)) => {
                let region = region.as_ref().trim();
                if regcred_cloud::is_label(region) {
                    return Ok(region.to_owned());
                }
                "the response is not a region".to_owned()
            }
            Ok(Err(error)) => causes(&error),
            Err(_) => format!("no response within {} s", CAP.as_secs()),
        };
        Err(format!("{address}: {reason}"))
    }

    /// The keys of the instance's role. Whatever goes wrong is the reason why it has none.
    pub(super) async fn credentials(&self, cloud: &Cloud) -> Result<Credentials, NoCredentials> {
        let address = self.address()?;
        let config = metadata_config(cloud)?;
        let provider = ImdsCredentialsProvider::builder()
            .configure(&config)
            .imds_client(self.client(&config)?)
            .build();
        let ask = || quiet(provider.provide_credentials());
        let asked = timeout(LONGEST, async {
            // The client does not repeat what got no response; a busy service deserves one more.
            match ask().await {
                Err(error) if got_no_response(&error) => ask().await,
                other => other,
            }
        });
        let reason = match asked.await {
            Ok(Ok(keys)) => return Ok(keys),
            Ok(Err(error)) => explained(causes(&error)),
            Err(_) => format!("no response within {} s", LONGEST.as_secs()),
        };
        Err(NoCredentials::Absent(format!("{address}: {reason}")))
    }

    fn client(&self, config: &ProviderConfig) -> Result<imds::Client, NoCredentials> {
        let address = self.address()?;
        if metadata_base(address, &[]).is_none() {
            let what =
                format!("{ENDPOINT} is neither https nor an address of this machine or its link");
            let source = "instance metadata";
            return Err(NoCredentials::failed(
                source,
                ErrorKind::NotConfigured,
                what,
            ));
        }
        let client = imds::Client::builder().configure(config);
        let client = client.endpoint(address).map_err(|error| {
            let source = format!("instance metadata at {address}");
            NoCredentials::failed(&source, ErrorKind::NotConfigured, causes(&*error))
        })?;
        Ok(client
            .connect_timeout(ONE_TRY)
            .read_timeout(ONE_TRY)
            .operation_attempt_timeout(ONE_TRY)
            .operation_timeout(CAP)
            .max_attempts(3)
            .build())
    }
}

/// The address that the variables or the profile name, else the usual one.
fn address(config: &SharedConfig) -> String {
    let named = config.setting(ENDPOINT);
    let usual = || {
        let mode = config.setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
        let ipv6 = mode.is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6"));
        if ipv6 { IPV6 } else { IPV4 }
    };
    named.unwrap_or_else(usual).to_owned()
}

/// True for a refused or missing connection and for silence, not for a response.
fn got_no_response(error: &CredentialsError) -> bool {
    use ImdsError::{FailedToLoadToken, IoError};
    let imds = in_chain::<ImdsError>(error);
    matches!(imds, Some(FailedToLoadToken(_) | IoError(_)))
        || in_chain::<ConnectorError>(error).is_some()
}

/// The SDK's texts for the usual cases leave out what they mean.
fn explained(reason: String) -> String {
    if let Some((_, status)) = reason.split_once(TOKEN_REFUSED) {
        let meaning = if status.starts_with("403") {
            "instance metadata is switched off for this instance"
        } else {
            "something other than instance metadata responds there, check \
             AWS_EC2_METADATA_SERVICE_ENDPOINT"
        };
        return format!("answered {status}: {meaning}");
    }
    let has = |texts: &[&str]| texts.iter().any(|text| reason.contains(text));
    let meaning = if has(&["HTTP 404", "received 404"]) {
        "the instance has no IAM role, attach one"
    } else if has(&["timeout", "timed out", "not done within", "took too long"]) {
        "no response (not an EC2 instance, or a container that needs a hop limit of 2)"
    } else {
        return reason;
    };
    meaning.to_owned()
}

const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";
const ONE_TRY: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(3);
const LONGEST: Duration = Duration::from_secs(6);
