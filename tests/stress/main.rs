//! Many processes at once over one cache, one store, one set of pull records, one docker configuration and one
//! cluster, and SIGKILL for some of them at any moment. `make stress` runs it longer; a failure names the seed of
//! its round.

mod race;
mod refresher;

use std::fs::{self, File};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use regcred_api::pull_record::{ImagePullIntent, ImagePulledRecord};
use regcred_tests::cloud::Cloud as _;
use regcred_tests::icr::IcrCloud;
use regcred_tests::oci_registry::Access;
use regcred_tests::sigv4::AccessKey;
use regcred_tests::{
    FakeEcr, FakeRegistry, FakeRuntime, Finished, Image, Logins, Node, Program, assert_sound,
};
use serde_json::{Value, json};

use race::{Race, rounds};

#[test]
fn a_cache_has_no_wrong_partial_or_foreign_answer() {
    // Neither asks a metadata server, whose time is short on a busy machine.
    let (ecr, icr) = (FakeEcr::start(ACCOUNT, &[key()]), IcrCloud::start());
    let mut ecr_env = ecr.env();
    ecr_env.extend([
        ("AWS_ACCESS_KEY_ID".to_owned(), key().id),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), key().secret),
    ]);
    let (ecr_user, icr_user) = (("AWS", ecr.logins()), ("iambearer", icr.logins()));
    let clouds = [
        ("ecr-credential-provider", ECR_IMAGE, ecr_env, ecr_user),
        ("icr-credential-provider", icr.image(), icr.env(), icr_user),
    ];
    rounds("cache", |random| {
        let root = tempfile::tempdir().expect("a directory");
        let cache = root.path().join("cache");
        let plugin = |at: usize| {
            let (plugin, image, env, _) = &clouds[at];
            let request = json!({
                "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
                "kind": "CredentialProviderRequest",
                "image": image,
            });
            let plugin = Program::ours(plugin).envs(env.clone());
            plugin
                .env("REGCRED_CACHE", &cache)
                .stdin(request.to_string())
        };
        let is_right = |at: usize, done: &Finished| {
            let answer = done.json();
            let (_, image, _, (user, logins)) = &clouds[at];
            let host = image.split('/').next().expect("a host");
            let password = answer["auth"][host]["password"].as_str();
            let password = password.unwrap_or_default();
            assert!(logins.accepts(user, password), "wrong: {answer}");
            let (.., (user, logins)) = &clouds[1 - at];
            assert!(!logins.accepts(user, password), "foreign: {answer}");
        };
        let chosen: Vec<_> = (0..12).map(|_| random.below(2)).collect();
        let programs = chosen.iter().map(|at| plugin(*at)).collect();
        // In half of the rounds another user removes the directory again and again.
        let is_removed = random.below(2) == 0;
        let race = std::thread::scope(|scope| {
            // A failed race drops the sender too, and so ends the thread.
            let (_sender, ended) = mpsc::channel::<()>();
            let cache = &cache;
            scope.spawn(move || {
                let pause = Duration::from_millis(3);
                while is_removed
                    && ended.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout)
                {
                    let _ = fs::remove_dir_all(cache);
                }
            });
            Race::run(programs, 60, random)
        });
        for (at, done) in &race.ended {
            is_right(chosen[*at], done);
        }
        for at in 0..clouds.len() {
            is_right(at, &plugin(at).run());
        }
        for path in files(&cache) {
            let name = path.to_string_lossy().into_owned();
            if name.ends_with(".json") {
                let text = fs::read_to_string(&path).expect("an entry");
                serde_json::from_str::<Value>(&text).expect("a whole entry");
            } else if name.ends_with(".lock") {
                let lock = File::open(&path).expect("a lock");
                lock.try_lock().expect("no lock is left");
            }
        }
        race
    });
}

#[test]
fn a_store_has_only_whole_blobs_and_complete_images() {
    let images: Vec<_> = (0..3)
        .map(|seed| Image::single(90 + seed, 3, 300_000))
        .collect();
    let registry = FakeRegistry::start(Access::Open);
    for (at, image) in images.iter().enumerate() {
        registry.push(&format!("team/app{at}"), "v1", image);
    }
    let host = registry.server().authority();
    rounds("store", |random| {
        let node = Node::new();
        let pull = |at: usize| node.pull(&format!("{host}/team/app{at}:v1")).arg("--quiet");
        let programs = (0..8).map(|_| pull(random.below(images.len())));
        let race = Race::run(programs.collect(), 150, random);
        for (_, done) in &race.ended {
            let _ = done.success();
        }
        assert_sound(&node.store());
        for at in 0..images.len() {
            let _ = pull(at).run().success();
        }
        assert_sound(&node.store());
        let index = fs::read(node.store().join("index.json")).expect("an index");
        let index: Value = serde_json::from_slice(&index).expect("JSON");
        assert_eq!(
            index["manifests"].as_array().map(Vec::len),
            Some(images.len())
        );
        race
    });
}

#[test]
fn pull_records_can_be_read_and_no_pull_stays_under_way() {
    if kubelet_runs() {
        eprintln!("SKIPPED: a kubelet runs on this machine, and no record is written then");
        return;
    }
    let images: Vec<_> = (0..2)
        .map(|seed| Image::single(95 + seed, 1, 100_000))
        .collect();
    rounds("records", |random| {
        let node = Node::new();
        let runtime = FakeRuntime::start(node.root(), &node.hosts_dir());
        let registry = FakeRegistry::start(Access::Open);
        for (at, image) in images.iter().enumerate() {
            registry.push(&format!("team/app{at}"), "v1", image);
        }
        let host = registry.server().authority();
        let prepull = |at: usize| {
            let program = node
                .regcred("prepull")
                .args(["--record", "--policy", "Always"]);
            let program = program.args(["--runtime-endpoint", &runtime.endpoint()]);
            program.arg(format!("{host}/team/app{at}:v1"))
        };
        let programs = (0..8).map(|_| prepull(random.below(images.len())));
        let race = Race::run(programs.collect(), 150, random);
        for (_, done) in &race.ended {
            let _ = done.success();
        }
        for at in 0..images.len() {
            let _ = prepull(at).run().success();
        }
        let manager = node.root().join("home/image_manager");
        let mut records = 0;
        for path in files(&manager.join("pulled")) {
            if !is_temporary(&path) {
                let bytes = fs::read(&path).expect("a record");
                ImagePulledRecord::from_slice(&bytes).expect("a whole record");
                records += 1;
            }
        }
        assert_eq!(records, images.len());
        for path in files(&manager.join("pulling")) {
            if !is_temporary(&path) {
                let bytes = fs::read(&path).expect("an intent");
                let (intent, _) = ImagePullIntent::from_slice(&bytes).expect("a whole intent");
                panic!("{} stays under way", intent.image);
            }
        }
        for path in files(&manager.join("regcred-locks")) {
            let lock = File::options().write(true).open(&path).expect("a lock");
            lock.try_lock().expect("no lock is left");
        }
        race
    });
}

#[test]
fn a_docker_configuration_loses_no_login() {
    let registries: Vec<_> = (0..4)
        .map(|_| FakeRegistry::start(Access::Basic(Logins::of("alice", "s3cret"))))
        .collect();
    let hosts: Vec<_> = registries
        .iter()
        .map(|one| one.server().authority())
        .collect();
    rounds("docker configuration", |random| {
        let root = tempfile::tempdir().expect("a directory");
        let file = root.path().join("config.json");
        let before = r#"{"auths":{"kept.example":{"auth":"YTpi"}},"currentContext":"x"}"#;
        fs::write(&file, before).expect("written");
        let run = |line: String| {
            let program = Program::ours("regcred").args(line.split(' '));
            program.env("DOCKER_CONFIG", root.path()).stdin("s3cret")
        };
        let chosen: Vec<_> = (0..10).map(|_| random.below(hosts.len())).collect();
        let login = |at: &usize| {
            run(format!(
                "login {} --username alice --password-stdin",
                hosts[*at]
            ))
        };
        let race = Race::run(chosen.iter().map(login).collect(), 100, random);
        let read = || -> Value {
            serde_json::from_slice(&fs::read(&file).expect("the file")).expect("JSON")
        };
        let written = read();
        assert_eq!(written["auths"]["kept.example"], json!({"auth": "YTpi"}));
        assert_eq!(written["currentContext"], "x");
        for (at, done) in &race.ended {
            let _ = done.success();
            let host = &hosts[chosen[*at]];
            assert!(
                written["auths"][host]["auth"].is_string(),
                "{host} is lost: {written}"
            );
        }
        File::open(root.path())
            .expect("a directory")
            .try_lock()
            .expect("no lock is left");
        for at in 0..hosts.len() {
            let _ = login(&at).run().success();
        }
        assert_eq!(
            read()["auths"].as_object().map(serde_json::Map::len),
            Some(hosts.len() + 1)
        );
        race
    });
}

/// The files of a directory, in order.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = directory.read_dir().into_iter().flatten();
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// Whether a killed process left it before it got its name: a kubelet passes it over.
fn is_temporary(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tmp")
}

fn kubelet_runs() -> bool {
    let processes = files(Path::new("/proc")).into_iter();
    let mut names = processes.filter_map(|path| fs::read_to_string(path.join("comm")).ok());
    names.any(|name| {
        matches!(
            name.trim(),
            "kubelet" | "k3s" | "k3s-server" | "rke2" | "k0s" | "kubelite" | "microshift"
        )
    })
}

fn key() -> AccessKey {
    AccessKey {
        id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        session: None,
    }
}

const ACCOUNT: &str = "123456789012";
const ECR_IMAGE: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app";
