//! EC2 instance metadata, version 2, by aws-config, capped: a machine without it must fail in
//! about two seconds.

use std::error::Error;
use std::time::Duration;

use aws_config::imds;
use aws_config::imds::client::error::ImdsError;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_runtime_api::client::result::ConnectorError;
use regcred_core::{Env, ErrorKind};

use super::{Chain, IdentityError, Outcome};
use crate::failure::causes;
use crate::sdk::{Sdk, quiet};
use crate::shared_config::SharedConfig;

/// The metadata service of this instance.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    sdk: Sdk,
    address: String,
}

/// The last step of the chain: whatever fails here is the reason why there is no identity.
pub(super) async fn step(chain: &Chain<'_>) -> Result<Outcome, IdentityError> {
    if Metadata::disabled(chain.env) {
        return Ok(Outcome::Absent(format!("{DISABLED} is set")));
    }
    let metadata = Metadata::new(chain.sdk, chain.config);
    match metadata.credentials().await {
        Ok(credentials) => Ok(Outcome::Found(credentials)),
        Err(error @ CredentialsError::InvalidConfiguration(_)) => Err(IdentityError::failed(
            format!("instance metadata at {}", metadata.address),
            ErrorKind::NotConfigured,
            causes(&error),
        )),
        Err(error) => Ok(Outcome::Absent(format!(
            "{}: {}",
            metadata.address,
            in_words(&causes(&error))
        ))),
    }
}

impl Metadata {
    /// Whether the operator switched the service off.
    pub(crate) fn disabled(env: &Env) -> bool {
        env.get(DISABLED)
            .is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    /// The service that the variables or the profile name, else the usual address.
    pub(crate) fn new(sdk: &Sdk, config: &SharedConfig) -> Self {
        Self {
            sdk: sdk.clone(),
            address: Self::address(config),
        }
    }

    /// The address that will be asked.
    pub(crate) fn address(config: &SharedConfig) -> String {
        if let Some(url) = config.setting(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "ec2_metadata_service_endpoint",
        ) {
            return url;
        }
        let mode = config.setting(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
            "ec2_metadata_service_endpoint_mode",
        );
        match mode {
            Some(mode) if mode.eq_ignore_ascii_case("ipv6") => IPV6.to_owned(),
            _ => IPV4.to_owned(),
        }
    }

    /// The region of this instance.
    pub(crate) async fn region(&self) -> Option<String> {
        let client = self.client().ok()?;
        let path = "/latest/meta-data/placement/region";
        let answer = quiet(tokio::time::timeout(CAP, client.get(path))).await;
        let region = answer.ok()?.ok()?;
        let region = region.as_ref().trim();
        let plausible = region.len() < 64
            && region
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (plausible && !region.is_empty()).then(|| region.to_owned())
    }

    async fn credentials(&self) -> Result<aws_credential_types::Credentials, CredentialsError> {
        let client = self
            .client()
            .map_err(CredentialsError::invalid_configuration)?;
        let provider = ImdsCredentialsProvider::builder()
            .configure(&self.sdk.metadata_config())
            .imds_client(client)
            .build();
        // The client does not repeat what got no answer at all; a busy service deserves one more.
        let first = quiet(provider.provide_credentials()).await;
        match first {
            Err(error) if got_no_answer(&error) => quiet(provider.provide_credentials()).await,
            other => other,
        }
    }

    fn client(&self) -> Result<imds::Client, Box<dyn Error + Send + Sync>> {
        Ok(imds::Client::builder()
            .configure(&self.sdk.metadata_config())
            .endpoint(&self.address)?
            .connect_timeout(ONE_TRY)
            .read_timeout(ONE_TRY)
            .operation_attempt_timeout(ONE_TRY)
            .operation_timeout(CAP)
            .max_attempts(3)
            .build())
    }
}

/// `credential_source = Ec2InstanceMetadata`.
impl ProvideCredentials for Metadata {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// True for a refused or missing connection and for silence, not for an answer.
fn got_no_answer(error: &CredentialsError) -> bool {
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
