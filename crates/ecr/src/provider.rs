//! The provider: which registry, which endpoint, which identity, then one token call.

use async_trait::async_trait;
use regcred_core::{
    AlsoServe, CacheScope, Clock, CredentialRequest, Credentials, Env, ErrorKind, Issued, Provider,
    ProviderError, RegistryHost,
};

use crate::hosts::{EcrHost, match_images};
use crate::{NAME, vars};

/// Amazon ECR, private and public.
#[derive(Debug)]
pub struct Ecr {
    also_serve: AlsoServe,
}

impl Ecr {
    /// A provider that reads its options from the environment given. No I/O.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfigured`] when an option cannot be read.
    pub fn new(env: &Env, _clock: &Clock) -> Result<Self, ProviderError> {
        let also_serve = AlsoServe::parse(env.get(vars::ALSO_SERVE).unwrap_or_default())
            .map_err(|reason| ProviderError::new(NAME, ErrorKind::NotConfigured, reason))?;
        Ok(Self { also_serve })
    }
}

#[async_trait]
impl Provider for Ecr {
    fn name(&self) -> &'static str {
        NAME
    }

    fn match_images(&self) -> Vec<String> {
        match_images(&self.also_serve)
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        EcrHost::parse(registry, &self.also_serve).is_some()
    }

    async fn credentials(&self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        let fail = |kind, text: String| ProviderError::new(NAME, kind, text);
        let registry = &request.registry;
        let region = match EcrHost::parse(registry, &self.also_serve) {
            Some(EcrHost::Private(host)) => host.region,
            Some(EcrHost::Public { .. }) => Some("us-east-1".to_owned()),
            None => {
                return Err(fail(
                    ErrorKind::NotServed,
                    format!("{registry} is not a valid ECR repository URL"),
                ));
            }
        };
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(aws_smithy_http_client::tls::Provider::Rustls(
                aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring,
            ))
            .build_https();
        let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new(
                region.unwrap_or_else(|| "us-east-1".to_owned()),
            ))
            .http_client(http)
            .load()
            .await;
        let output = aws_sdk_ecr::Client::new(&config)
            .get_authorization_token()
            .send()
            .await
            .map_err(|_| fail(ErrorKind::Unreachable, "the ECR API did not answer".into()))?;
        let data = output.authorization_data().first();
        let login = data
            .and_then(|d| d.authorization_token())
            .and_then(Credentials::from_basic)
            .ok_or_else(|| fail(ErrorKind::Malformed, "authorization data was empty".into()))?;
        let expires_at = data.and_then(|d| {
            let at = d.expires_at()?;
            chrono::DateTime::from_timestamp(at.secs(), 0)
        });
        Ok(Issued {
            auth: vec![(registry.as_written().to_owned(), login)],
            scope: CacheScope::Registry,
            expires_at,
            cache_for: None,
        })
    }
}
