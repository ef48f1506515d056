//! EC2 instance metadata, version 2, by aws-config, capped: a machine without it must fail in
//! about two seconds.

use std::error::Error;
use std::time::Duration;

use aws_config::imds;
use aws_config::imds::client::error::ImdsError;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use regcred_core::{Env, ErrorKind};

use super::outcome::NoCredentials;
use crate::api_failure::causes;
use crate::sdk::{Sdk, quiet};
use crate::shared_config::SharedConfig;

/// The metadata service of this instance, by its address.
#[derive(Clone, Debug)]
pub(crate) struct Metadata(String);

impl Metadata {
    /// The service, unless the operator switched it off.
    pub(crate) fn of(env: &Env, config: &SharedConfig) -> Result<Self, NoCredentials> {
        let disabled = env.get(DISABLED);
        if disabled.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Err(NoCredentials::Absent(format!("{DISABLED} is set")));
        }
        Ok(Self(address(config)))
    }

    /// The instance, by the address of its service.
    pub(super) fn stable_name(&self) -> &str {
        &self.0
    }

    /// The region of this instance.
    pub(crate) async fn region(&self, sdk: &Sdk) -> Option<String> {
        let client = self.client(sdk).ok()?;
        let path = "/latest/meta-data/placement/region";
        let response = quiet(tokio::time::timeout(CAP, client.get(path))).await;
        let region = response.ok()?.ok()?;
        let region = region.as_ref().trim();
        regcred_cloud::is_label(region).then(|| region.to_owned())
    }

    /// Whatever goes wrong here is the reason why the instance has no identity.
    pub(super) async fn credentials(&self, sdk: &Sdk) -> Result<Credentials, NoCredentials> {
        let client = self.client(sdk).map_err(|error| {
            let name = format!("instance metadata at {}", self.0);
            NoCredentials::failed(name, ErrorKind::NotConfigured, causes(&*error))
        })?;
        let provider = ImdsCredentialsProvider::builder()
            .configure(&sdk.metadata_config())
            .imds_client(client)
            .build();
        // The client does not repeat what got no response at all; a busy service deserves one more.
        let asked = match quiet(provider.provide_credentials()).await {
            Err(error) if got_no_response(&error) => quiet(provider.provide_credentials()).await,
            other => other,
        };
        asked.map_err(|error| {
            let reason = in_words(&causes(&error));
            NoCredentials::Absent(format!("{}: {reason}", self.0))
        })
    }

    fn client(&self, sdk: &Sdk) -> Result<imds::Client, Box<dyn Error + Send + Sync>> {
        Ok(imds::Client::builder()
            .configure(&sdk.metadata_config())
            .endpoint(&self.0)?
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
    let named = config.setting(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "ec2_metadata_service_endpoint",
    );
    let mode = config.setting(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "ec2_metadata_service_endpoint_mode",
    );
    named.unwrap_or_else(|| {
        let ipv6 = mode.is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6"));
        if ipv6 { IPV6 } else { IPV4 }.to_owned()
    })
}

/// True for a refused or missing connection and for silence, not for a response.
fn got_no_response(error: &CredentialsError) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        let imds = error.downcast_ref::<ImdsError>();
        let token = matches!(
            imds,
            Some(ImdsError::FailedToLoadToken(_) | ImdsError::IoError(_))
        );
        if token || error.is::<ConnectorError>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// The SDK's words for the usual cases say too little.
fn in_words(reason: &str) -> String {
    if ["HTTP 404", "received 404"]
        .iter()
        .any(|words| reason.contains(words))
    {
        return "the instance has no IAM role".to_owned();
    }
    if ["timeout", "timed out", "not done within", "took too long"]
        .iter()
        .any(|words| reason.contains(words))
    {
        return "no answer (not an EC2 instance, or a container that needs a hop limit of 2)"
            .to_owned();
    }
    // A successful answer always has it here, so that this was a refusal of another kind.
    if reason.contains("TTL header") {
        return "something else than instance metadata answers there".to_owned();
    }
    reason.to_owned()
}

const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
const IPV4: &str = "http://169.254.169.254";
const IPV6: &str = "http://[fd00:ec2::254]";
const ONE_TRY: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(3);
