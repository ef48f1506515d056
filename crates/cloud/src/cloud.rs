//! A provider's settings with what they are used with: the environment, the clock, HTTP clients.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_core::{CacheKey, Clock, Env, EnvVar, ErrorKind, Issued, Plan, ProviderError};
use regcred_http::{Client, ClientOptions, HttpError, Proxy};

use crate::Errors;
use crate::token_call::within;

/// What every call of a provider is made from. Cheap to clone.
#[derive(Debug)]
pub struct Cloud<S> {
    /// The environment; libraries of the cloud read it too.
    pub env: Env,
    /// The clock.
    pub clock: Clock,
    /// What the operator decided.
    pub settings: Arc<S>,
    /// The provider's errors.
    pub errors: Errors,
    options: ClientOptions,
    /// Made by the first call. Clones share it with its connections and its trusted roots, which are
    /// read once.
    web: Arc<OnceLock<Client>>,
}

impl<S> Cloud<S> {
    /// A cloud whose clients have the default options.
    #[must_use]
    pub fn new(errors: Errors, env: &Env, clock: &Clock, settings: S) -> Self {
        Self {
            env: env.clone(),
            clock: clock.clone(),
            settings: Arc::new(settings),
            errors,
            options: ClientOptions {
                clock: clock.clone(),
                ..ClientOptions::new(env)
            },
            web: Arc::default(),
        }
    }

    /// The same with other options for its clients.
    #[must_use]
    pub fn with_options(mut self, change: impl FnOnce(&mut ClientOptions)) -> Self {
        change(&mut self.options);
        self.web = Arc::default();
        self
    }

    /// The same with other settings, from another environment. The clients stay.
    #[must_use]
    pub fn with_settings<T>(&self, env: Env, settings: T) -> Cloud<T> {
        Cloud {
            env,
            clock: self.clock.clone(),
            settings: Arc::new(settings),
            errors: self.errors,
            options: self.options.clone(),
            web: self.web.clone(),
        }
    }

    /// The client for public services, through the proxies of the environment. Made once.
    ///
    /// # Errors
    /// When the options cannot be used.
    pub fn web(&self) -> Result<Client, ProviderError> {
        if let Some(made) = self.web.get() {
            return Ok(made.clone());
        }
        let made = self.client(|_| ())?;
        Ok(self.web.get_or_init(|| made).clone())
    }

    /// A client for servers of this machine and its link, which never have a proxy.
    ///
    /// # Errors
    /// When the options cannot be used.
    pub fn link(&self, connect_timeout: Duration) -> Result<Client, ProviderError> {
        self.client(|options| {
            options.proxy = Proxy::None;
            options.connect_timeout = connect_timeout;
        })
    }

    /// A client with options of its own.
    ///
    /// # Errors
    /// When the options cannot be used.
    pub fn client(&self, change: impl FnOnce(&mut ClientOptions)) -> Result<Client, ProviderError> {
        let mut options = self.options.clone();
        change(&mut options);
        Client::new(options).map_err(|error| self.no_client(error))
    }

    /// The present time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A cache key: what the request decides, by stable names, and every option that is set.
    #[must_use]
    pub fn key<'a>(
        &self,
        options: &[EnvVar],
        parts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> CacheKey {
        CacheKey::new(parts).with_options(options, &self.env)
    }

    /// A plan whose fetch fails as unreachable when it takes longer than [`DEADLINE`]. The error names the
    /// identity and the server of its last [`TokenCall`](crate::TokenCall).
    pub fn plan<'a>(
        &self,
        key: Option<CacheKey>,
        fetch: impl Future<Output = Result<Issued, ProviderError>> + Send + 'a,
    ) -> Plan<'a> {
        let errors = self.errors;
        // Some clouds' libraries make futures that are large.
        let fetch = Box::pin(fetch);
        Plan::new(key, async move {
            let last = match within(DEADLINE, fetch).await {
                Ok(done) => return done,
                Err(last) => last,
            };
            let kind = ErrorKind::Unreachable;
            let time = format!("not done within {} s", DEADLINE.as_secs());
            let error = match last {
                Some(call) => call.answered(kind, &time),
                None => errors.of_kind(kind, format!("no token: {time}")),
            };
            Err(error.with_next_step(LATE.to_owned()))
        })
    }

    fn no_client(&self, error: HttpError) -> ProviderError {
        self.errors.call_failed("cannot make an HTTP client", error)
    }
}

impl<S> Clone for Cloud<S> {
    fn clone(&self) -> Self {
        Self {
            env: self.env.clone(),
            clock: self.clock.clone(),
            settings: self.settings.clone(),
            errors: self.errors,
            options: self.options.clone(),
            web: self.web.clone(),
        }
    }
}

/// How long a provider may take: 45 s. The kubelet kills a plugin after a minute, and the reason must
/// be printed before that.
pub const DEADLINE: Duration = Duration::from_secs(45);

const LATE: &str = "check the route to it, or try again later";

#[cfg(test)]
mod tests {
    use std::future::pending;

    use regcred_core::report;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_plan_that_does_not_end_names_the_last_identity_and_server_that_was_asked() {
        let cloud = Cloud::new(Errors::of("icr"), &Env::default(), &Clock::system(), ());
        let silent = cloud.plan(None, pending()).fetch().await;
        let error = silent.expect_err("late");
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        let line = "icr: no token: not done within 45 s; check the route to it, or try again later";
        assert_eq!((report(&error).as_str(), error.call()), (line, None));
        // Plans that run in one task do not see each other's calls.
        let plan = |identity: &'static str| {
            cloud.plan(None, async move {
                let _ = cloud.errors.token_call(identity, "the metadata server");
                tokio::task::yield_now().await;
                let _ = cloud.errors.token_call(identity, "IAM at h");
                pending().await
            })
        };
        let (one, two) = tokio::join!(plan("key 1").fetch(), plan("key 2").fetch());
        for (late, identity) in [(one, "key 1"), (two, "key 2")] {
            let error = late.expect_err("late");
            let line = format!(
                "icr: {identity} received no token from IAM at h: not done within 45 s; check the \
                 route to it, or try again later"
            );
            assert_eq!(report(&error), line);
            let call = error.call().expect("a call");
            assert_eq!((&*call.identity, &*call.server), (identity, "IAM at h"));
        }
        let issued = cloud.plan(None, async { Ok(Issued::new(Vec::new())) });
        assert!(issued.fetch().await.is_ok());
    }
}
