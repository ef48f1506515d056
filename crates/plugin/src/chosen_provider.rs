//! The provider that serves a registry, asked through the cache and within the deadline.

use std::time::Instant;

use regcred_cache::{Cached, StoredOrPlan};
use regcred_core::{
    Clock, CredentialRequest, Env, ErrorKind, Issued, Provider, ProviderError, ProviderSpec,
    RegistryHost,
};
use regcred_run::{DEADLINE, ProgramError, block_on};
use tokio::time::timeout;

use crate::vars;

/// A provider that serves the registry in question.
pub(crate) struct ChosenProvider {
    provider: Box<dyn Provider>,
    env: Env,
    clock: Clock,
}

impl ChosenProvider {
    /// The first of the providers that serves the registry; `None` if none does.
    ///
    /// # Errors
    /// When the provider that would serve it cannot be made. One that would not serve it is skipped.
    pub(crate) fn find(
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
                Err(error) if spec.would_serve(registry, env, clock) => {
                    broken.get_or_insert(error);
                    continue;
                }
                Err(error) => {
                    tracing::warn!("skipping a provider: {}", regcred_core::report(&error));
                    continue;
                }
            };
            if provider.serves(registry) {
                return Ok(Some(Self {
                    provider,
                    env: vars::with_cache_names(spec, env),
                    clock: clock.clone(),
                }));
            }
        }
        broken.map_or(Ok(None), Err)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.provider.name()
    }

    /// What the provider issued for the request, from the cache or from the cloud. A fresh answer of the
    /// cache needs no runtime.
    ///
    /// # Errors
    /// The provider's; [`ErrorKind::Unreachable`] when nothing arrives before `end`. The outer one when the
    /// system refuses a runtime.
    pub(crate) fn credentials(
        self,
        request: &CredentialRequest,
        end: Instant,
    ) -> Result<Result<Issued, ProviderError>, ProgramError> {
        let name = self.provider.name();
        let cached = Cached::on_demand(self.provider, self.env, self.clock);
        let plan = match cached.stored_or_plan(request) {
            Ok(StoredOrPlan::Stored(issued)) => return Ok(Ok(issued)),
            Ok(StoredOrPlan::Plan(plan)) => plan,
            Err(error) => return Ok(Err(error)),
        };
        let left = end.saturating_duration_since(Instant::now());
        block_on(async {
            timeout(left, plan.fetch()).await.unwrap_or_else(|_| {
                Err(ProviderError::new(
                    name,
                    ErrorKind::Unreachable,
                    format!(
                        "no response within {} s: the identity source or the registry's API hangs; \
                         REGCRED_LOG=debug shows which",
                        DEADLINE.as_secs()
                    ),
                ))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fake;

    fn find(
        specs: &[&ProviderSpec],
        host: &str,
        env: &Env,
    ) -> Result<Option<ChosenProvider>, String> {
        let host = RegistryHost::parse(host).expect("a host");
        ChosenProvider::find(specs, &host, env, &Clock::system()).map_err(|e| e.to_string())
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

    #[test]
    fn a_provider_that_hangs_is_given_up() {
        let env = Env::map([("FAKE_MODE", "hang"), ("REGCRED_CACHE", "off")]);
        let request = CredentialRequest::new("fake.io/app").expect("an image");
        let found = find(&[&fake::SPEC], "fake.io", &env)
            .unwrap()
            .expect("served");
        let end = Instant::now() + Duration::from_millis(20);
        let error = found.credentials(&request, end).expect("a runtime");
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable);
    }
}
