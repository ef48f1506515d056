//! A cloud, its clock, and the directory that the users of one machine share.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{TimeDelta, TimeZone as _};
use regcred_core::{CacheKey, Credentials, ErrorKind};

use super::super::*;

/// What the fake answers: a life in seconds, or a failure.
#[derive(Clone)]
pub(super) enum Step {
    Life(i64),
    EndUnknown,
    Fail(ErrorKind),
    /// A failure that comes when so many others wait for the answer.
    FailBefore(usize, ErrorKind),
    Hang,
}

/// A cloud, its clock and the directory that its users share.
pub(super) struct World {
    _root: tempfile::TempDir,
    pub(super) path: PathBuf,
    second: Arc<AtomicI64>,
    calls: Arc<AtomicUsize>,
    pub(super) steps: Arc<Mutex<VecDeque<Step>>>,
}

pub(super) struct Fake {
    clock: Clock,
    calls: Arc<AtomicUsize>,
    steps: Arc<Mutex<VecDeque<Step>>>,
    delay: Duration,
    key: Option<&'static str>,
    path: PathBuf,
}

impl Provider for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn match_images(&self) -> Vec<String> {
        vec!["fake.io".to_owned()]
    }

    fn serves(&self, registry: &RegistryHost) -> bool {
        registry.host() == "fake.io"
    }

    fn docker_hosts(&self) -> Vec<String> {
        Vec::new()
    }

    fn plan<'a>(&'a self, request: &'a CredentialRequest) -> Result<Plan<'a>, ProviderError> {
        let key = self.key.map(|key| CacheKey::new([("identity", key)]));
        Ok(Plan::new(key, self.fetch(request)))
    }
}

impl Fake {
    async fn fetch(&self, request: &CredentialRequest) -> Result<Issued, ProviderError> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let step = self.steps.lock().unwrap().pop_front();
        tokio::time::sleep(self.delay).await;
        let expires_at = match step.unwrap_or(Step::Life(3600)) {
            Step::Life(life) => Some(self.clock.now() + TimeDelta::seconds(life)),
            Step::EndUnknown => None,
            Step::Fail(kind) => return Err(ProviderError::new("fake", kind, "no luck")),
            Step::FailBefore(others, kind) => {
                let began = std::time::Instant::now();
                while in_line(&self.path) < others {
                    assert!(
                        began.elapsed() < Duration::from_secs(120),
                        "they never came"
                    );
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                return Err(ProviderError::new("fake", kind, "no luck"));
            }
            Step::Hang => std::future::pending().await,
        };
        let login = Credentials::new("u", format!("canary-{call}"));
        Ok(Issued::login(request.registry.to_string(), login).until(expires_at))
    }
}

impl World {
    pub(super) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let root = tempfile::tempdir().unwrap();
        Self {
            path: root.path().join("cache"),
            _root: root,
            second: Arc::default(),
            calls: Arc::default(),
            steps: Arc::new(Mutex::new(steps.into_iter().collect())),
        }
    }

    pub(super) fn clock(&self) -> Clock {
        let second = self.second.clone();
        Clock::from_fn(move || {
            Utc.timestamp_opt(1_700_000_000 + second.load(Ordering::SeqCst), 0)
                .single()
                .expect("a time")
        })
    }

    pub(super) fn at(&self, second: i64) -> &Self {
        self.second.store(second, Ordering::SeqCst);
        self
    }

    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(super) fn dir(&self) -> CacheDir {
        CacheDir::open(&self.path).unwrap()
    }

    pub(super) fn fake(&self, key: Option<&'static str>, delay: Duration) -> Box<Fake> {
        Box::new(Fake {
            clock: self.clock(),
            calls: self.calls.clone(),
            steps: self.steps.clone(),
            delay,
            key,
            path: self.path.clone(),
        })
    }

    /// A process that starts now.
    pub(super) fn process(&self) -> Cached {
        self.slow_process(Duration::ZERO)
    }

    pub(super) fn slow_process(&self, delay: Duration) -> Cached {
        Cached::new(
            self.fake(Some("role"), delay),
            Some(self.dir()),
            self.clock(),
        )
    }

    pub(super) async fn ask(&self) -> Result<Issued, ProviderError> {
        self.process().credentials(&request()).await
    }

    pub(super) fn file(&self, ending: &str) -> PathBuf {
        let found = fs::read_dir(&self.path).unwrap();
        found
            .map(|entry| entry.unwrap().path())
            .find(|path| path.to_str().unwrap().ends_with(ending))
            .expect("the file")
    }

    pub(super) fn files(&self) -> usize {
        fs::read_dir(&self.path).unwrap().count()
    }
}

/// How many wait for a lock on a file of this directory, from the kernel's list.
fn in_line(directory: &Path) -> usize {
    use std::os::unix::fs::MetadataExt as _;
    let files = fs::read_dir(directory).unwrap();
    let numbers: Vec<String> = files
        .map(|file| format!(":{}", file.unwrap().metadata().unwrap().ino()))
        .collect();
    let locks = fs::read_to_string("/proc/locks").unwrap();
    let waiting = locks.lines().filter(|line| line.contains(" -> "));
    waiting
        .filter(|line| {
            let file = line.split_whitespace().nth(6).unwrap_or_default();
            numbers.iter().any(|number| file.ends_with(number))
        })
        .count()
}

pub(super) fn request() -> CredentialRequest {
    CredentialRequest::new("fake.io/app").expect("an image")
}

pub(super) fn password(issued: &Issued) -> String {
    use secrecy::ExposeSecret as _;
    issued.auth[0].1.password.expose_secret().to_owned()
}
