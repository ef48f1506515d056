//! A provider chosen for a registry, and one answer of it: behind the cache, within the deadline.

use std::time::{Duration, Instant};

use regcred_cache::Cached;
use regcred_core::{
    Clock, CredentialRequest, Env, ErrorKind, Issued, Provider, ProviderError, ProviderSpec,
    RegistryHost,
};
use tokio::time::timeout;

use crate::crypto::install_crypto;
use crate::stdin::DEADLINE;
use crate::vars;

/// A provider that serves the registry in question.
pub struct Source {
    provider: Box<dyn Provider>,
    env: Env,
    clock: Clock,
    end: Instant,
}

impl Source {
    /// The first of the providers that serves the registry; `None` when none does.
    ///
    /// # Errors
    /// When the provider that would serve it cannot be made. One that is not configured does not
    /// stand in the way of the others.
    pub fn find(
        specs: &[&ProviderSpec],
        registry: &RegistryHost,
        env: &Env,
        clock: &Clock,
    ) -> Result<Option<Self>, ProviderError> {
        let mut broken = None;
        for spec in specs {
            let provider = match (spec.new)(env, clock) {
                Ok(provider) => provider,
                Err(error) if specs.len() == 1 => return Err(error),
                Err(error) if would_serve(spec, registry, env, clock) => {
                    broken.get_or_insert(error);
                    continue;
                }
                Err(error) => {
                    tracing::warn!("leaving out a provider: {}", regcred_core::report(&error));
                    continue;
                }
            };
            if provider.serves(registry) {
                return Ok(Some(Self {
                    provider,
                    env: vars::with_cache_names(spec, env),
                    clock: clock.clone(),
                    end: Instant::now() + DEADLINE,
                }));
            }
        }
        broken.map_or(Ok(None), Err)
    }

    /// Ends the whole run at this moment instead of 50 seconds from the start of the search.
    #[must_use]
    pub(crate) fn until(mut self, end: Instant) -> Self {
        self.end = end;
        self
    }

    /// The provider's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.provider.name()
    }

    /// The answer to the request, from the cache or from the cloud.
    ///
    /// # Errors
    /// What the provider says; [`ErrorKind::Unreachable`] when the time is over.
    pub async fn credentials(self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        install_crypto();
        let name = self.provider.name();
        let cached = Cached::on_demand(self.provider, self.env, self.clock);
        let left = self.end.saturating_duration_since(Instant::now());
        match timeout(left, cached.credentials(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(ProviderError::new(
                name,
                ErrorKind::Unreachable,
                format!(
                    "no answer within {} s: the identity source or the registry's API hangs; \
                     REGCRED_LOG=debug shows which",
                    DEADLINE.as_secs()
                ),
            )),
        }
    }
}

/// Whether a provider that cannot be made would serve the registry: it knows by the variables that
/// name hosts. Where not even those can be read it may.
#[must_use]
pub fn would_serve(spec: &ProviderSpec, registry: &RegistryHost, env: &Env, clock: &Clock) -> bool {
    let hosts = spec.vars.iter().filter(|var| var.name.ends_with(HOSTS));
    let hosts = hosts.filter_map(|var| Some((var.name, env.get(var.name)?)));
    match (spec.new)(&Env::map(hosts), clock) {
        Ok(provider) => provider.serves(registry),
        Err(_) => true,
    }
}

/// The end of the variables that name further hosts.
const HOSTS: &str = "_ALSO_SERVE";

/// Runs the future on a single-threaded runtime. What still blocks at its end, such as a name
/// look-up, is left behind.
///
/// # Errors
/// When the system refuses a runtime.
pub fn block_on<F: Future>(future: F) -> std::io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let output = runtime.block_on(future);
    runtime.shutdown_timeout(Duration::ZERO);
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake;

    fn find(specs: &[&ProviderSpec], host: &str, env: &Env) -> Result<Option<Source>, String> {
        let host = RegistryHost::parse(host).expect("a host");
        Source::find(specs, &host, env, &Clock::system()).map_err(|e| e.to_string())
    }

    #[test]
    fn the_first_that_serves_is_taken() {
        let env = Env::default();
        let found = find(&[&fake::SPEC], "fake.io", &env).unwrap();
        assert_eq!(found.expect("served").name(), "fake");
        assert!(find(&[&fake::SPEC], "evil.io", &env).unwrap().is_none());
    }

    #[test]
    fn a_provider_that_is_not_configured_stops_only_itself() {
        let env = Env::map([("FAKE_BROKEN", "1"), ("FAKE_ALSO_SERVE", "mirror.io")]);
        assert!(find(&[&fake::SPEC], "fake.io", &env).is_err());
        let both = [&fake::SPEC, &fake::OTHER];
        let found = find(&both, "other.io", &env).unwrap();
        assert_eq!(found.expect("served").name(), "other");
        assert!(find(&both, "evil.io", &env).unwrap().is_none());
        for host in ["fake.io", "mirror.io"] {
            let Err(error) = find(&both, host, &env) else {
                panic!("{host} is the broken provider's");
            };
            assert_eq!(error, "fake: it is broken");
        }
    }

    #[tokio::test]
    async fn a_provider_that_hangs_is_given_up() {
        let env = Env::map([("FAKE_MODE", "hang"), ("REGCRED_CACHE", "off")]);
        let request = CredentialRequest::new("fake.io/app").expect("an image");
        let found = find(&[&fake::SPEC], "fake.io", &env)
            .unwrap()
            .expect("served");
        let found = found.until(Instant::now() + Duration::from_millis(20));
        let error = found.credentials(&request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
    }
}
