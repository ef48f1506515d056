//! A cloud for tests: counts what it is asked, issues tokens that can be told apart, fails on
//! demand.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::{
    CacheKey, CacheScope, Clock, CredentialRequest, Credentials, Env, EnvVar, ErrorKind, Issued,
    Plan, Provider, ProviderError, ProviderSpec, RegistryHost, Role,
};

/// One test's cloud.
pub(crate) struct Cloud {
    pub(crate) id: String,
    calls: AtomicUsize,
    fails: AtomicBool,
    hangs: AtomicBool,
    panics: AtomicBool,
    life: AtomicI64,
    pub(crate) roles: Mutex<Vec<String>>,
}

impl Cloud {
    pub(crate) fn start() -> Arc<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let id = format!("cloud-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let cloud = Arc::new(Self {
            id: id.clone(),
            calls: AtomicUsize::new(0),
            fails: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            life: AtomicI64::new(12 * 3600),
            roles: Mutex::default(),
        });
        CLOUDS
            .lock()
            .expect("no test panics here")
            .insert(id, Arc::clone(&cloud));
        cloud
    }

    pub(crate) fn env(&self) -> Env {
        Env::map([("FAKE_ID", self.id.as_str()), ("REGCRED_CACHE", "off")])
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// Whether its provider panics.
    pub(crate) fn panic(&self, panics: bool) {
        self.panics.store(panics, Ordering::SeqCst);
    }

    /// From now on it answers no request.
    pub(crate) fn hang(&self) {
        self.hangs.store(true, Ordering::SeqCst);
    }

    pub(crate) fn set_life(&self, life: TimeDelta) {
        self.life.store(life.num_seconds(), Ordering::SeqCst);
    }
}

static CLOUDS: LazyLock<Mutex<HashMap<String, Arc<Cloud>>>> = LazyLock::new(Mutex::default);

struct Fake {
    cloud: Arc<Cloud>,
    clock: Clock,
    strict: bool,
}

impl Provider for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn match_images(&self) -> Vec<String> {
        vec!["*.fake.io".to_owned()]
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        registry.host().ends_with(".fake.io") || registry.host() == "public.ecr.aws"
    }

    fn docker_hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        Ok(Plan::new(self.key(request), self.fetch(request)))
    }
}

impl Fake {
    async fn fetch(&self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        let cloud = &self.cloud;
        let call = cloud.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if cloud.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let panics = cloud.panics.load(Ordering::SeqCst);
        assert!(!panics, "a message that quotes {CANARY}");
        if cloud.fails.load(Ordering::SeqCst) {
            let text = "the cloud is on fire";
            return Err(ProviderError::new("fake", ErrorKind::Unreachable, text));
        }
        let role = request.service_account_annotations.get(ROLE);
        if request.service_account_token.is_some() {
            assert!(self.strict, "a namespace's identity must not fall back");
            cloud
                .roles
                .lock()
                .expect("no test panics here")
                .push(role.cloned().unwrap_or_default());
        }
        let who = role.map_or("own", String::as_str);
        let password = format!("{CANARY}-{who}-{call}");
        let life = TimeDelta::seconds(cloud.life.load(Ordering::SeqCst));
        Ok(Issued {
            auth: vec![(
                request.registry.as_written().to_owned(),
                Credentials::new("u", password),
            )],
            scope: CacheScope::Registry,
            expires_at: Some(self.clock.now() + life),
            cache_for: None,
        })
    }

    /// One token for all hosts of a region: the label before `.fake.io`.
    fn key(&self, request: &CredentialRequest) -> Option<CacheKey> {
        let host = request.registry.host();
        let region = host
            .trim_end_matches(".fake.io")
            .rsplit('.')
            .next()
            .unwrap_or_default();
        let role = request.service_account_annotations.get(ROLE);
        let role = role.map_or("", String::as_str);
        Some(CacheKey::new([("region", region), ("role", role)]))
    }
}

fn new(env: &Env, clock: &Clock) -> Result<Box<dyn Provider>, ProviderError> {
    let id = env.get("FAKE_ID").unwrap_or_default();
    let cloud = CLOUDS.lock().expect("no test panics here").get(id).cloned();
    let missing = || ProviderError::new("fake", ErrorKind::NotConfigured, "FAKE_ID names no cloud");
    Ok(Box::new(Fake {
        cloud: cloud.ok_or_else(missing)?,
        clock: clock.clone(),
        strict: env.is_true("FAKE_REQUIRE_POD_ROLE"),
    }))
}

pub(crate) static SPEC: ProviderSpec = ProviderSpec {
    name: "fake",
    title: "Fake",
    plugin_aliases: &[],
    helper_aliases: &[],
    vars: &[
        EnvVar::new("FAKE_ID", "Which cloud.", ""),
        EnvVar::new("FAKE_KEY", "A key.", "").secret(),
        EnvVar::new("FAKE_REQUIRE_POD_ROLE", "No fall-back.", "").role(Role::RequirePod),
    ],
    silent_helpers: &[],
    replaced_helper: None,
    positional: None,
    token_life: Duration::from_secs(12 * 3600),
    default_cache_duration: "12h",
    new,
};

/// A clock that runs with the machine's until it is stopped, and that a test moves.
#[derive(Clone, Default)]
pub(crate) struct Moved(
    Arc<Mutex<(TimeDelta, Option<DateTime<Utc>>)>>,
    Arc<AtomicBool>,
);

impl Moved {
    pub(crate) fn clock(&self) -> Clock {
        let moved = self.clone();
        Clock::from_fn(move || {
            assert!(!moved.1.load(Ordering::SeqCst), "the clock broke down");
            moved.now()
        })
    }

    /// From now on time passes only as the test moves it: what waits for a time never happens.
    pub(crate) fn stop(&self) {
        self.0.lock().expect("no test panics here").1 = Some(Clock::system().now());
    }

    /// From now on whoever asks it panics.
    pub(crate) fn break_down(&self) {
        self.1.store(true, Ordering::SeqCst);
    }

    pub(crate) fn on(&self, time: TimeDelta) {
        self.0.lock().expect("no test panics here").0 += time;
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        let (moved, stopped) = *self.0.lock().expect("no test panics here");
        stopped.unwrap_or_else(|| Clock::system().now()) + moved
    }
}

pub(crate) const ROLE: &str = "fake.io/role";
/// Every token begins so.
pub(crate) const CANARY: &str = "canary-token";
