//! A registry with images for lists.

use std::fs;
use std::path::{Path, PathBuf};

use regcred_tests::registry::Access;
use regcred_tests::{Finished, Image, Program, Registry, Skopeo};
use serde_json::Value;
use tempfile::TempDir;

/// A registry with one list of two images under `team/src:v1`, and each image by itself as
/// `team/app-ARCH:v1`.
pub(super) struct Bench {
    pub(super) registry: Registry,
    skopeo: Skopeo,
    pub(super) image: Image,
    pub(super) home: TempDir,
}

impl Bench {
    /// `None` where the programs are not installed and need not be.
    pub(super) fn start(seed: u64) -> Option<Self> {
        let skopeo = Skopeo::find()?;
        let registry = Registry::start(&Access::Open)?;
        let image = Image::multi_arch(seed, 40_000, 4_000);
        registry.push(&image, "team/src:v1", None)?;
        let bench = Self {
            registry,
            skopeo,
            image,
            home: tempfile::tempdir().expect("a directory"),
        };
        for arch in ["amd64", "arm64"] {
            bench.copy(arch, "team/src:v1", &format!("team/app-{arch}:v1"));
        }
        Some(bench)
    }

    pub(super) fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.authority())
    }

    pub(super) fn manifest(&self, args: &[&str]) -> Finished {
        self.program(args).run()
    }

    pub(super) fn program(&self, args: &[&str]) -> Program {
        Program::ours("regcred")
            .arg("manifest")
            .args(args)
            .env("HOME", self.home.path())
    }

    /// Creates `team/app:v1` of both images.
    pub(super) fn create(&self) -> String {
        let list = self.name("team/app:v1");
        let [amd64, arm64] = ["amd64", "arm64"].map(|a| self.name(&format!("team/app-{a}:v1")));
        let done = self.manifest(&["create", "--amend", &list, &amd64, &arm64]);
        assert_eq!(done.success(), format!("Created manifest list {list}\n"));
        list
    }

    pub(super) fn copy(&self, arch: &str, from: &str, to: &str) {
        let [from, to] = [from, to].map(|name| format!("docker://{}", self.name(name)));
        let arch = format!("--override-arch={arch}");
        let copied = self.skopeo.run(&[
            "--override-os=linux",
            &arch,
            "copy",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
            "--preserve-digests",
            &from,
            &to,
        ]);
        let _ = copied.success();
    }

    /// What skopeo reads under a name.
    pub(super) fn raw(&self, name: &str) -> Vec<u8> {
        let name = format!("docker://{name}");
        let read = self
            .skopeo
            .run(&["inspect", "--raw", "--tls-verify=false", &name]);
        let _ = read.success();
        read.bytes().to_vec()
    }

    pub(super) fn list(&self, name: &str) -> Value {
        serde_json::from_slice(&self.raw(name)).expect("JSON")
    }

    pub(super) fn store(&self, list: &str) -> PathBuf {
        let name = list.replace(':', "-").replace('/', "_");
        self.home.path().join(".docker/manifests").join(name)
    }
}

/// Architectures and digests of a list, in its order.
pub(super) fn entries(list: &Value) -> Vec<(String, String)> {
    let entries = list["manifests"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    entries
        .map(|entry| {
            (
                text(&entry["platform"]["architecture"]),
                text(&entry["digest"]),
            )
        })
        .collect()
}

/// Names and texts of a directory's files.
pub(super) fn contents(directory: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(directory).expect("a directory").flatten();
    let mut found: Vec<_> = files
        .map(|file| {
            let text = fs::read_to_string(file.path()).expect("a text");
            (file.file_name().to_string_lossy().into_owned(), text)
        })
        .collect();
    found.sort();
    found
}
