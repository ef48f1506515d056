use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};

use chrono::{TimeDelta, TimeZone as _};
use regcred_core::{CacheKey, Credentials, ErrorKind};

use super::*;

/// What the fake answers: a life in seconds, or a failure.
#[derive(Clone)]
enum Step {
    Life(i64),
    EndUnknown,
    Fail(ErrorKind),
    /// A failure that comes when so many others wait for the answer.
    FailBefore(usize, ErrorKind),
    Hang,
}

/// A cloud, its clock and the directory that its users share.
struct World {
    _root: tempfile::TempDir,
    path: PathBuf,
    second: Arc<AtomicI64>,
    calls: Arc<AtomicUsize>,
    steps: Arc<Mutex<VecDeque<Step>>>,
}

struct Fake {
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
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let root = tempfile::tempdir().unwrap();
        Self {
            path: root.path().join("cache"),
            _root: root,
            second: Arc::default(),
            calls: Arc::default(),
            steps: Arc::new(Mutex::new(steps.into_iter().collect())),
        }
    }

    fn clock(&self) -> Clock {
        let second = self.second.clone();
        Clock::from_fn(move || {
            Utc.timestamp_opt(1_700_000_000 + second.load(Ordering::SeqCst), 0)
                .single()
                .expect("a time")
        })
    }

    fn at(&self, second: i64) -> &Self {
        self.second.store(second, Ordering::SeqCst);
        self
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn dir(&self) -> CacheDir {
        CacheDir::open(&self.path).unwrap()
    }

    fn fake(&self, key: Option<&'static str>, delay: Duration) -> Box<Fake> {
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
    fn process(&self) -> Cached {
        self.slow_process(Duration::ZERO)
    }

    fn slow_process(&self, delay: Duration) -> Cached {
        Cached::new(
            self.fake(Some("role"), delay),
            Some(self.dir()),
            self.clock(),
        )
    }

    async fn ask(&self) -> Result<Issued, ProviderError> {
        self.process().credentials(&request()).await
    }

    fn file(&self, ending: &str) -> PathBuf {
        let found = fs::read_dir(&self.path).unwrap();
        found
            .map(|entry| entry.unwrap().path())
            .find(|path| path.to_str().unwrap().ends_with(ending))
            .expect("the file")
    }

    fn files(&self) -> usize {
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

fn request() -> CredentialRequest {
    CredentialRequest::new("fake.io/app").expect("an image")
}

fn password(issued: &Issued) -> String {
    use secrecy::ExposeSecret as _;
    issued.auth[0].1.password.expose_secret().to_owned()
}

#[tokio::test]
async fn an_answer_is_fetched_once_and_served_for_half_of_its_life() {
    let world = World::new([]);
    for second in [0, 1, 1799] {
        let issued = world.at(second).ask().await.unwrap();
        assert_eq!(password(&issued), "canary-1");
        assert_eq!(
            issued.expires_at.expect("kept"),
            world.at(0).clock().now() + TimeDelta::hours(1)
        );
    }
    assert_eq!(world.calls(), 1);
    assert_eq!(password(&world.at(1800).ask().await.unwrap()), "canary-2");
    assert_eq!(password(&world.at(1801).ask().await.unwrap()), "canary-2");
    assert_eq!(world.calls(), 2);
}

#[tokio::test]
async fn other_keys_are_other_answers() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let other = Cached::new(
        world.fake(Some("another role"), Duration::ZERO),
        Some(world.dir()),
        world.clock(),
    );
    let issued = other.credentials(&request()).await.unwrap();
    assert_eq!(password(&issued), "canary-2");
}

#[tokio::test]
async fn without_key_expiry_or_directory_nothing_is_kept() {
    let world = World::new([]);
    let unkeyed = |dir| Cached::new(world.fake(None, Duration::ZERO), dir, world.clock());
    unkeyed(Some(world.dir()))
        .credentials(&request())
        .await
        .unwrap();
    unkeyed(None).credentials(&request()).await.unwrap();
    world.steps.lock().unwrap().push_back(Step::EndUnknown);
    world.ask().await.unwrap();
    assert_eq!(world.calls(), 3);
    assert!(world.dir().list().is_empty());
}

#[tokio::test]
async fn a_host_that_is_not_served_is_not_answered_from_the_cache() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let elsewhere = CredentialRequest::new("evil.io/app").expect("an image");
    let issued = world.process().credentials(&elsewhere).await.unwrap();
    assert_eq!(password(&issued), "canary-2", "the provider itself decided");
}

#[tokio::test]
async fn errors_are_not_kept() {
    let world = World::new([Step::Fail(ErrorKind::Denied)]);
    assert_eq!(
        world.ask().await.unwrap_err().kind(),
        ErrorKind::Denied,
        "the first fails"
    );
    assert_eq!(password(&world.ask().await.unwrap()), "canary-2");
}

#[tokio::test]
async fn a_valid_entry_outlives_a_failing_api_but_not_its_expiry() {
    let fail = || Step::Fail(ErrorKind::Unreachable);
    let world = World::new([Step::Life(3600), fail(), fail(), fail()]);
    world.ask().await.unwrap();
    assert_eq!(password(&world.at(2000).ask().await.unwrap()), "canary-1");
    assert_eq!(world.calls(), 2, "a refresh was tried");
    assert_eq!(password(&world.at(2010).ask().await.unwrap()), "canary-1");
    assert_eq!(world.calls(), 2, "and not again at once");
    assert_eq!(password(&world.at(2031).ask().await.unwrap()), "canary-1");
    assert_eq!(world.calls(), 3, "but later");
    assert_eq!(
        world.at(3540).ask().await.unwrap_err().kind(),
        ErrorKind::Unreachable
    );
}

#[tokio::test]
async fn a_hanging_refresh_gives_way_to_the_valid_entry() {
    let world = World::new([Step::Life(3600), Step::Hang]);
    world.ask().await.unwrap();
    world.at(2000);
    let process = world
        .process()
        .with_refresh_limit(Duration::from_millis(20));
    let issued = process.credentials(&request()).await.unwrap();
    assert_eq!(password(&issued), "canary-1");
}

#[tokio::test]
async fn only_one_process_refreshes_and_the_others_do_not_wait() {
    let world = World::new([Step::Life(3600), Step::Hang]);
    world.ask().await.unwrap();
    world.at(2000);
    let hanging = world.process();
    let request = request();
    tokio::select! {
        biased;
        _ = hanging.credentials(&request) => panic!("it hangs"),
        issued = world.ask() => assert_eq!(password(&issued.unwrap()), "canary-1"),
    }
    assert_eq!(world.calls(), 2);
}

#[tokio::test]
async fn a_clock_that_jumped_back_makes_an_entry_stale() {
    let world = World::new([]);
    world.ask().await.unwrap();
    assert_eq!(password(&world.at(-10).ask().await.unwrap()), "canary-2");
}

#[tokio::test]
async fn broken_entries_are_replaced() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let sound = fs::read(world.file(".json")).unwrap();
    let broken: [&[u8]; 4] = [b"", b"{", &sound[..sound.len() / 2], &[b' '; 300_000]];
    for (already, bytes) in (1..).zip(broken) {
        fs::write(world.file(".json"), bytes).unwrap();
        assert_eq!(world.calls(), already);
        world.ask().await.unwrap();
        world.ask().await.unwrap();
        assert_eq!(world.calls(), already + 1);
    }
}

#[tokio::test]
async fn an_entry_of_another_key_is_not_served_under_this_name() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let text = fs::read_to_string(world.file(".json")).unwrap();
    let at = text.find(r#""key":""#).expect("a key") + 7;
    let moved = format!("{}{}{}", &text[..at], "0".repeat(64), &text[at + 64..]);
    fs::write(world.file(".json"), moved).unwrap();
    world.ask().await.unwrap();
    assert_eq!(world.calls(), 2);
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_not_an_error() {
    let world = World::new([]);
    let process = world.process();
    fs::remove_dir_all(&world.path).unwrap();
    process.credentials(&request()).await.unwrap();
    process.credentials(&request()).await.unwrap();
    assert_eq!(world.calls(), 2);
}

/// Starts so many users at once, each with its own runtime and its own open files, as processes
/// have them.
fn stampede(world: &World, users: usize, delay: Duration) -> Vec<Result<Issued, ProviderError>> {
    let barrier = Barrier::new(users);
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..users)
            .map(|_| {
                scope.spawn(|| {
                    let process = world.slow_process(delay);
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .unwrap();
                    barrier.wait();
                    runtime.block_on(process.credentials(&request()))
                })
            })
            .collect();
        started.into_iter().map(|s| s.join().unwrap()).collect()
    })
}

#[test]
fn fifty_at_once_make_one_fetch() {
    let world = World::new([]);
    let answers = stampede(&world, 50, Duration::from_millis(50));
    assert!(
        answers
            .iter()
            .all(|a| password(a.as_ref().unwrap()) == "canary-1")
    );
    assert_eq!(world.calls(), 1);
}

#[test]
fn those_who_waited_for_a_failure_share_it() {
    let world = World::new([Step::FailBefore(49, ErrorKind::Throttled)]);
    let answers = stampede(&world, 50, Duration::ZERO);
    assert!(
        answers
            .iter()
            .all(|a| a.as_ref().unwrap_err().kind() == ErrorKind::Throttled)
    );
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn when_the_holder_dies_the_next_one_fetches() {
    let world = World::new([Step::Hang]);
    let dying = world.process();
    let waiting = world.process();
    let asked = request();
    {
        let dying = Box::pin(dying.credentials(&asked));
        let started = timeout(Duration::from_millis(10), dying).await;
        assert!(started.is_err(), "it held the lock until it was dropped");
    }
    assert_eq!(
        password(&waiting.credentials(&asked).await.unwrap()),
        "canary-2"
    );
}

#[tokio::test]
async fn a_holder_that_never_ends_is_not_waited_for_for_ever() {
    let world = World::new([Step::Hang]);
    let stuck = world.process();
    let waiting = world.process().with_wait(Duration::from_millis(20));
    let asked = request();
    tokio::select! {
        biased;
        _ = stuck.credentials(&asked) => panic!("it hangs"),
        issued = waiting.credentials(&asked) => {
            assert_eq!(password(&issued.unwrap()), "canary-2");
        }
    }
    assert_eq!(password(&world.ask().await.unwrap()), "canary-2");
}

#[tokio::test]
async fn the_list_shows_no_secret_and_clearing_empties_it() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let listed = world.dir().list();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].provider, "fake");
    assert_eq!(listed[0].logins, [("fake.io".to_owned(), "u".to_owned())]);
    assert!(!format!("{listed:?}").contains("canary"));
    assert_eq!(world.dir().clear(), 1);
    assert_eq!(world.files(), 0);
    world.ask().await.unwrap();
    assert_eq!(world.calls(), 2);
}

/// A fetch that fails leaves a lock and no entry; each pod may have a key of its own.
#[tokio::test]
async fn a_store_sweeps_the_locks_of_fetches_that_failed_long_ago() {
    let world = World::new([Step::Fail(ErrorKind::Denied)]);
    world.ask().await.unwrap_err();
    let lock = world.file(".lock");
    let other = Cached::new(
        world.fake(Some("another role"), Duration::ZERO),
        Some(world.dir()),
        world.clock(),
    );
    other.credentials(&request()).await.unwrap();
    assert!(lock.exists(), "a process may still wait for it");

    let ago = std::time::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    fs::File::open(&lock).unwrap().set_modified(ago).unwrap();
    let asked = request();
    {
        let held = EntryLock::attempt(&world.dir(), lock.file_name().unwrap().to_str().unwrap());
        assert!(matches!(held, Attempt::Held(_)));
        world.dir().sweep(world.clock().now());
        assert!(lock.exists(), "in use");
    }
    world.at(2000);
    other.credentials(&asked).await.unwrap();
    assert!(!lock.exists());
    assert_eq!(world.files(), 2, "the other role's entry and its lock");
}

#[tokio::test]
async fn a_store_sweeps_what_expired_and_what_a_killed_writer_left() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let left = world.file(".json").with_extension("json.1-0.tmp");
    fs::write(&left, "half").unwrap();
    let written = fs::metadata(&left).unwrap().modified().unwrap();
    let ago = std::time::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    assert!(written > ago);
    fs::File::open(&left).unwrap().set_modified(ago).unwrap();

    world.at(3600);
    let other = Cached::new(
        world.fake(Some("another role"), Duration::ZERO),
        Some(world.dir()),
        world.clock(),
    );
    other.credentials(&request()).await.unwrap();
    assert_eq!(world.files(), 2, "the new entry and its lock");
    assert_eq!(world.dir().list().len(), 1);
}

#[tokio::test]
async fn a_store_sweeps_old_entries_of_another_version_but_not_new_ones() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let entry = world.file(".json");
    let text = fs::read_to_string(&entry).unwrap();
    let other_version = text.replacen("\"version\":", "\"version\":9", 1);
    assert_ne!(text, other_version);
    fs::write(&entry, other_version).unwrap();
    let other = Cached::new(
        world.fake(Some("another role"), Duration::ZERO),
        Some(world.dir()),
        world.clock(),
    );
    other.credentials(&request()).await.unwrap();
    assert!(entry.exists(), "a newer program may have just written it");

    let ago = std::time::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    fs::File::open(&entry).unwrap().set_modified(ago).unwrap();
    world.at(2000);
    other.credentials(&request()).await.unwrap();
    assert!(!entry.exists());
    assert_eq!(world.files(), 2, "the other role's entry and its lock");
}
