//! A whole node: a real kubelet and a real containerd pull a private image with our plugin, and the
//! pod's log says SUCCESS, as Kubernetes' own page on credential providers verifies it. Our engine
//! must answer for the same node what that kubelet did.
//!
//! Runs only when variables name the programs (see CONTRIBUTING.md); it needs root.

pub(crate) mod containerd;
pub(crate) mod image;
mod setup;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use regcred_api::RecordVersion;
use regcred_api::pull_record::{ImagePullCredentials, ImagePulledRecord};
use regcred_core::Env;
use regcred_tests::Program;
use regcred_tests::program::Running;
use setup::{ACCOUNT_HOST, Stage};

#[test]
fn a_kubelet_pulls_a_private_image_with_our_plugin_and_the_engine_answers_the_same() {
    let Some(programs) = Programs::named() else {
        return;
    };
    let _alone = alone();
    let stage = Stage::set(&programs);
    let mut containerd = containerd(&stage, &programs);
    let kubelet = stage.start_kubelet(&programs, "");
    stage.write_pod("Always");
    let kubelet = wait_for(kubelet, "SUCCESS in the pod's log", || {
        logs(&stage.pod_logs()).contains("SUCCESS")
    });

    // What the kubelet did: our plugin asked ECR, and the registry took its login.
    assert_eq!(stage.ecr.signed().len(), 1, "one call for one registry");
    let users = stage.users_of_private_requests();
    assert!(
        !users.is_empty() && users.iter().all(|user| user == "AWS"),
        "{users:?}"
    );
    stage.remove_pod();
    let mut kubelet = wait_for(kubelet, "the pod's end", || stage.tasks() == 0);
    kubelet.kill();
    containerd.kill();

    // What our engine says and does on that node.
    let said = stage
        .node
        .regcred("explain")
        .args(["--try", "--json", &stage.image()])
        .run()
        .json();
    let first = &said["candidates"][0];
    assert_eq!(first["username"], "AWS", "{said}");
    assert_eq!(first["source"], "plugin ecr-credential-provider", "{said}");
    assert_eq!(first["trial"]["worked"], true, "{said}");
    assert!(!stage.node.pull(&stage.image()).run().success().is_empty());

    // Its record reads as one of ours, and ours is written as its own is, to the byte.
    let records = stage.kubelet_dir().join("image_manager/pulled");
    let record = records
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .find_map(|entry| {
            let bytes = fs::read(entry.path()).expect("a record");
            let (record, version) = ImagePulledRecord::from_slice(&bytes).expect("a sound record");
            let name = format!("{ACCOUNT_HOST}/team/app");
            let credentials = record.credential_mapping.get(&name)?.clone();
            Some((bytes, record, version, credentials))
        });
    // A kubelet before 1.35 keeps none.
    if let Some((bytes, record, version, credentials)) = record {
        assert_eq!(credentials, ImagePullCredentials::of_the_node());
        if version == RecordVersion::LATEST {
            assert_eq!(record.to_vec(), bytes);
        }
    }
}

#[test]
fn a_pod_with_policy_never_starts_from_a_pre_pulled_image_even_where_the_kubelet_verifies_all() {
    let Some(programs) = Programs::named() else {
        return;
    };
    let _alone = alone();
    let stage = Stage::set(&programs);
    let mut containerd = containerd(&stage, &programs);
    let endpoint = format!("unix://{}", stage.containerd_socket().display());
    let prepull = || {
        Program::ours("regcred")
            .args([
                "prepull",
                "--record",
                "--runtime-endpoint",
                &endpoint,
                "--root-dir",
            ])
            .arg(stage.kubelet_dir())
            .arg("--image-credential-provider-config")
            .arg(stage.node.config())
            .arg("--image-credential-provider-bin-dir")
            .arg(stage.node.bin_dir())
            .arg(stage.image())
            .run()
    };
    let done = prepull();
    assert!(done.success().contains("@sha256:"));
    let expected = "works with plugin ecr-credential-provider";
    assert!(done.stderr.contains(expected), "{}", done.stderr);
    let asked = stage.users_of_private_requests().len();
    assert!(prepull().stderr.contains("1 image: 1 present"));
    assert_eq!(stage.users_of_private_requests().len(), asked);

    // A kubelet before 1.35 does not verify.
    let verifies = programs.kubelet_minor() >= 35;
    let policy = "imagePullCredentialsVerificationPolicy: AlwaysVerify\n";
    let kubelet = stage.start_kubelet(&programs, if verifies { policy } else { "" });
    stage.write_pod("Never");
    let kubelet = wait_for(kubelet, "SUCCESS in the pod's log", || {
        logs(&stage.pod_logs()).contains("SUCCESS")
    });
    let now = stage.users_of_private_requests().len();
    assert_eq!(now, asked, "the kubelet asked no registry");
    stage.remove_pod();
    let mut kubelet = wait_for(kubelet, "the pod's end", || stage.tasks() == 0);
    kubelet.kill();
    containerd.kill();
}

/// One node at a time on this machine: a record is not written while a kubelet runs.
fn alone() -> fs::File {
    let path = std::env::temp_dir().join("regcred-node-test.lock");
    let file = fs::File::create(path).expect("a lock file");
    file.lock().expect("a lock");
    file
}

/// The programs of other people.
struct Programs {
    kubelet: PathBuf,
    containerd: PathBuf,
    busybox: PathBuf,
}

impl Programs {
    #[expect(clippy::print_stderr, reason = "a skipped test must say so")]
    fn named() -> Option<Self> {
        let env = Env::process();
        let named = Self {
            kubelet: env.path("REGCRED_TEST_KUBELET").unwrap_or_default(),
            containerd: env.path("REGCRED_TEST_CONTAINERD").unwrap_or_default(),
            busybox: env.path("REGCRED_TEST_BUSYBOX").unwrap_or_default(),
        };
        for (name, path) in [
            ("REGCRED_TEST_KUBELET", &named.kubelet),
            ("REGCRED_TEST_CONTAINERD", &named.containerd),
            ("REGCRED_TEST_BUSYBOX", &named.busybox),
        ] {
            if path.as_os_str().is_empty() {
                eprintln!(
                    "SKIPPED: no whole node: {name} does not name a program (CONTRIBUTING.md)"
                );
                return None;
            }
            assert!(path.is_file(), "{name}: {} is not a file", path.display());
        }
        Some(named)
    }
}

impl Programs {
    /// `Kubernetes v1.36.2`: 36.
    fn kubelet_minor(&self) -> u32 {
        let version = Program::new(&self.kubelet).arg("--version").run().success();
        let minor = version
            .split('.')
            .nth(1)
            .and_then(|minor| minor.parse().ok());
        minor.unwrap_or_else(|| panic!("no version of the kubelet: {version}"))
    }
}

/// A containerd that listens.
fn containerd(stage: &Stage, programs: &Programs) -> Running {
    let started = stage.start_containerd(programs);
    wait_for(started, "containerd's socket", || {
        stage.containerd_socket().exists()
    })
}

/// Waits for an event. If it does not occur, ends the daemon and shows its last errors.
fn wait_for(mut running: Running, what: &str, mut there: impl FnMut() -> bool) -> Running {
    let began = Instant::now();
    while !there() {
        if running.has_ended() || began.elapsed() > PATIENCE {
            running.kill();
            let said = running.finish().stderr;
            let errors = said
                .lines()
                .filter(|line| line.starts_with(['E', 'F']) || line.contains("rror"));
            let last: Vec<&str> = errors.rev().take(20).collect();
            panic!(
                "{what} did not occur; the last errors:\n{}",
                last.join("\n")
            );
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    running
}

/// Everything that the containers of all pods wrote.
fn logs(dir: &Path) -> String {
    let entries = dir.read_dir().into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.path() {
            path if path.is_dir() => logs(&path),
            path => fs::read_to_string(path).unwrap_or_default(),
        })
        .collect()
}

const PATIENCE: Duration = Duration::from_secs(180);
