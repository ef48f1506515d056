//! What every SDK client is made with: our HTTP client, our clock, retries and time-outs set in
//! code. The variables for these are not read: `AWS_RETRY_MODE=adaptive` makes the SDK panic.

use std::future::Future;
use std::time::{Duration, SystemTime};

use aws_config::identity::IdentityCache;
use aws_config::provider_config::ProviderConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::TimeSource;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::app_name::AppName;
use aws_types::region::Region;
use regcred_core::{Clock, ProviderError};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

use crate::ERRORS;
use crate::endpoint::Endpoint;
use crate::settings::Cloud;
use crate::transport::{CONNECT, READ, Transport};

/// The configuration of a client of one endpoint. `keys` sign its calls, each of which ends within
/// `longest`, retries included.
pub(crate) fn config(
    cloud: &Cloud,
    endpoint: &Endpoint,
    keys: Option<Credentials>,
    longest: Duration,
) -> Result<SdkConfig, ProviderError> {
    // The SDK panics at keys that are not a header's value.
    let is_sent = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if let Some(keys) = &keys
        && !(is_sent(keys.access_key_id()) && keys.session_token().is_none_or(is_sent))
    {
        return Err(ERRORS.malformed(
            "the key id or the session token of the identity has characters that a request cannot have",
        ));
    }
    let mut config = SdkConfig::builder();
    config.set_endpoint_url(endpoint.url.clone());
    config.set_credentials_provider(keys.map(SharedCredentialsProvider::new));
    Ok(config
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(endpoint.region.clone()))
        .use_fips(endpoint.fips)
        .use_dual_stack(endpoint.dual_stack)
        .http_client(Transport::web(cloud)?)
        .time_source(SdkClock(cloud.clock.clone()))
        .sleep_impl(TokioSleep::new())
        .retry_config(retries())
        .timeout_config(timeouts(longest))
        .app_name(AppName::new("regcred").expect("letters only"))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .identity_cache(IdentityCache::no_cache())
        .build())
}

/// The same for the credential providers of aws-config that call services (STS, SSO).
pub(crate) fn provider_config(
    cloud: &Cloud,
    sts: &Endpoint,
) -> Result<ProviderConfig, ProviderError> {
    Ok(provider(cloud, Transport::web(cloud)?)
        .with_region(Some(Region::new(sts.region.clone())))
        .with_use_fips(Some(sts.fips))
        .with_use_dual_stack(Some(sts.dual_stack))
        .with_retry_config(retries())
        .with_timeout_config(timeouts(LONGEST_CALL)))
}

/// The same for aws-config's client of the instance metadata service.
pub(crate) fn metadata_config(cloud: &Cloud) -> Result<ProviderConfig, ProviderError> {
    Ok(provider(cloud, Transport::link(cloud)?))
}

fn provider(cloud: &Cloud, transport: Transport) -> ProviderConfig {
    ProviderConfig::empty()
        .with_behavior_version(Some(BehaviorVersion::latest()))
        .with_http_client(transport)
        .with_time_source(SdkClock(cloud.clock.clone()))
        .with_sleep_impl(TokioSleep::new())
}

/// Runs a call of the SDK without its log events: at trace level they print whole responses, tokens
/// included, and at warn level whole error bodies. Our own errors and events have what matters.
pub(crate) fn quiet<F: Future>(call: F) -> impl Future<Output = F::Output> {
    call.with_subscriber(Dispatch::none())
}

#[derive(Debug)]
struct SdkClock(Clock);

impl TimeSource for SdkClock {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

/// Four attempts with full jitter; the service's own `x-amz-retry-after` is honoured.
fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(4)
        .with_initial_backoff(Duration::from_millis(200))
        .with_max_backoff(Duration::from_secs(5))
}

fn timeouts(longest: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(READ)
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(longest)
        .build()
}

/// Four attempts at a service that does not respond, with their pauses.
pub(crate) const LONGEST_CALL: Duration = Duration::from_secs(22);
