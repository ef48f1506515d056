//! Providers for the tests of this crate, steered by variables.

use std::time::Duration;

use chrono::TimeDelta;
use regcred_core::{
    CacheKey, Clock, CredentialRequest, Credentials, Env, EnvVar, ErrorKind, Issued, Plan,
    Provider, ProviderError, ProviderSpec, RegistryHost, ReplacedHelper, Role, options,
};

pub(crate) const CANARY: &str = "canary-password-0123456789";
pub(crate) const TOKEN_CANARY: &str = "canary-service-account-token";

/// Serves `fake.io` and, by `FAKE_ALSO_SERVE`, one more host.
pub(crate) const SPEC: ProviderSpec = ProviderSpec {
    name: "fake",
    title: "Fake Registry",
    plugin_aliases: &["auth-provider-fake"],
    helper_aliases: &["docker-credential-fake-login"],
    silent_helpers: &["docker-credential-silent-login"],
    replaced_helper: Some(ReplacedHelper {
        name: "docker-credential-fake-login",
        commands: &[("config", "Configure it.")],
        run: |_, command, args| match args {
            [] => Ok(format!("{command} is done\n")),
            _ => Err(ProviderError::new(
                "fake",
                ErrorKind::NotConfigured,
                "too many words",
            )),
        },
        settings: |env| {
            let mode = env.get("FAKE_HELPER_MODE").into_iter();
            Ok(mode.map(|mode| ("FAKE_MODE", mode.to_owned())).collect())
        },
    }),
    vars: VARS,
    positional: Some("FAKE_CONFIG"),
    token_life: Duration::from_secs(3600),
    default_cache_duration: "1h",
    new: |env, clock| Fake::new("fake", "fake.io", env, clock),
};

/// Serves `other.io` and cannot be broken.
pub(crate) const OTHER: ProviderSpec = ProviderSpec {
    name: "other",
    title: "Other Registry",
    vars: OTHER_VARS,
    positional: None,
    new: |_, clock| Fake::new("other", "other.io", &Env::default(), clock),
    ..SPEC
};

options! {
    VARS:
    _ = EnvVar::new("FAKE_ALSO_SERVE", "A further host.", "")
        .role(Role::Hosts)
        .flag("also-serve", "HOST", "A further host.");
    _ = EnvVar::new("FAKE_BROKEN", "Not configured.", "")
        .switch("broken", "Not configured.").short('b');
    _ = EnvVar::new("FAKE_MIRROR", "An option of upstream's.", "")
        .flag("mirror", "HOST", "An option of upstream's.").may_be_empty();
    _ = EnvVar::new("FAKE_MODE", "What happens.", "ok")
        .flag("authFlow", "FLOW", "What happens.").short('a');
    _ = EnvVar::new("FAKE_IGNORE_CREDS_STORAGE", "As upstream.", "").role(Role::IgnoreStorage);
    _ = EnvVar::new("FAKE_DISABLE_CACHE", "As upstream.", "").role(Role::CacheOff);
    _ = EnvVar::new("FAKE_CACHE_DIR", "As upstream.", "").role(Role::CacheDir);
}

options! {
    OTHER_VARS:
    _ = EnvVar::new("OTHER_ALSO_SERVE", "A further host.", "")
        .flag("also-serve", "HOST", "A further host.");
    _ = EnvVar::new("OTHER_CACHE_DIR", "As upstream.", "").role(Role::CacheDir);
}

struct Fake {
    name: &'static str,
    host: &'static str,
    env: Env,
    clock: Clock,
}

impl Fake {
    #[expect(clippy::new_ret_no_self, reason = "the shape of ProviderSpec::new")]
    fn new(
        name: &'static str,
        host: &'static str,
        env: &Env,
        clock: &Clock,
    ) -> Result<Box<dyn Provider>, ProviderError> {
        if env.is_true("FAKE_BROKEN") {
            return Err(ProviderError::new(
                name,
                ErrorKind::NotConfigured,
                "it is broken",
            ));
        }
        Ok(Box::new(Self {
            name,
            host,
            env: env.clone(),
            clock: clock.clone(),
        }))
    }
}

impl Provider for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn match_images(&self) -> Vec<String> {
        let also = self.env.get("FAKE_ALSO_SERVE").into_iter();
        [self.host]
            .into_iter()
            .chain(also)
            .map(str::to_owned)
            .collect()
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        registry.host() == self.host || self.env.get("FAKE_ALSO_SERVE") == Some(registry.host())
    }

    fn docker_hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        let key = CacheKey::new([("registry", request.registry.as_written())]);
        Ok(Plan::new(Some(key), self.fetch(request)))
    }
}

impl Fake {
    async fn fetch(&self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        tracing::trace!(?request, "asked");
        let mode = self.env.get("FAKE_MODE").unwrap_or("ok");
        let fail = |kind, why| Err(ProviderError::new(self.name, kind, why));
        match mode {
            "wrong" => {
                return fail(
                    ErrorKind::NotConfigured,
                    "FAKE_MODE must be one of ok, denied",
                );
            }
            "denied" => return fail(ErrorKind::Denied, "the role may not"),
            "unserved" => return fail(ErrorKind::NotServed, "not ours after all"),
            "hang" => std::future::pending().await,
            _ => {}
        }
        let login = Credentials::new("AWS", CANARY);
        let auth = match mode {
            "empty" => Vec::new(),
            _ => vec![(request.registry.to_string(), login)],
        };
        let issued = Issued::new(auth)
            .until(self.clock.now() + TimeDelta::hours(12))
            .keep_for((mode == "short").then_some(Duration::from_secs(90)));
        tracing::trace!(?issued, "answered");
        Ok(issued)
    }
}
