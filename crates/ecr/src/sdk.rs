//! What every SDK client is made with: our transport, our clock, retries and time-outs set in
//! code. The variables for these are not read: `AWS_RETRY_MODE=adaptive` makes the SDK panic.

use std::future::Future;
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_config::provider_config::ProviderConfig;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::app_name::AppName;
use regcred_core::{Clock, Env};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

use crate::endpoint::Endpoint;
use crate::transport::Transport;

/// The shared parts of the SDK clients.
#[derive(Clone, Debug)]
pub(crate) struct Sdk {
    /// For service endpoints.
    pub(crate) transport: Transport,
    /// For metadata services: never through a proxy.
    pub(crate) metadata: Transport,
    pub(crate) clock: Clock,
}

/// Applies the shared parts to the configuration builder of one service crate.
macro_rules! service_config {
    ($sdk:ident, $parts:expr, $endpoint:expr) => {{
        let mut builder = $sdk::Config::builder();
        builder.set_endpoint_url($endpoint.url.clone());
        builder
            .behavior_version($crate::sdk::behavior())
            .region($endpoint.sdk_region())
            .use_fips($endpoint.fips)
            .use_dual_stack($endpoint.dual_stack)
            .http_client($parts.transport.clone())
            .time_source($parts.time_source())
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .retry_config($crate::sdk::retries())
            .timeout_config($crate::sdk::timeouts())
            .retry_classifier($crate::api_failure::RetryTooManyRequests)
            .app_name($crate::sdk::app_name())
            .stalled_stream_protection($sdk::config::StalledStreamProtectionConfig::disabled())
            .identity_cache($sdk::config::IdentityCache::no_cache())
    }};
}
pub(crate) use service_config;

impl Sdk {
    /// The parts for this environment. Nothing is read or connected yet.
    pub(crate) fn new(env: &Env, clock: &Clock) -> Self {
        Self {
            transport: Transport::new(env),
            metadata: Transport::direct(env),
            clock: clock.clone(),
        }
    }

    /// The same parts for a profile, which may name authorities of its own.
    pub(crate) fn with_profile(&self, bundle: Option<&str>) -> Self {
        let Some(bundle) = bundle else {
            return self.clone();
        };
        Self {
            transport: self.transport.with_profile(bundle),
            metadata: self.metadata.with_profile(bundle),
            clock: self.clock.clone(),
        }
    }

    /// The clock as the SDK takes it.
    pub(crate) fn time_source(&self) -> SharedTimeSource {
        SharedTimeSource::new(SdkClock(self.clock.clone()))
    }

    /// For the credential providers of aws-config that call services (STS, SSO).
    pub(crate) fn provider_config(&self, sts: &Endpoint) -> ProviderConfig {
        self.config(&self.transport)
            .with_region(Some(sts.sdk_region()))
            .with_use_fips(Some(sts.fips))
            .with_use_dual_stack(Some(sts.dual_stack))
            .with_retry_config(retries())
            .with_timeout_config(timeouts())
    }

    /// For the instance metadata client of aws-config.
    pub(crate) fn metadata_config(&self) -> ProviderConfig {
        self.config(&self.metadata)
    }

    fn config(&self, transport: &Transport) -> ProviderConfig {
        ProviderConfig::empty()
            .with_behavior_version(Some(behavior()))
            .with_http_client(transport.clone())
            .with_time_source(self.time_source())
            .with_sleep_impl(TokioSleep::new())
    }
}

/// Runs a call of the SDK without its log events: at trace level they print whole answers, tokens
/// included, and at warn level whole error bodies. Our own errors and events say what matters.
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

/// Shown in CloudTrail's user agent.
pub(crate) fn app_name() -> AppName {
    AppName::new("regcred").expect("letters only")
}

pub(crate) fn behavior() -> BehaviorVersion {
    BehaviorVersion::latest()
}

/// Four attempts with full jitter; the service's own `x-amz-retry-after` is honoured.
pub(crate) fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(4)
        .with_initial_backoff(Duration::from_millis(200))
        .with_max_backoff(Duration::from_secs(5))
}

/// One call with all its retries ends well within the kubelet's minute.
pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(3100))
        .read_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(22))
        .build()
}
