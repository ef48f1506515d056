//! `regcred manifest` with Debian's docker-registry; skopeo reads the results.

use std::fs;
use std::path::Path;

use regcred_tests::namespace::in_namespace;
use regcred_tests::program::built;
use regcred_tests::registry::Access;
use regcred_tests::{Finished, Image, Program, Registry, Skopeo, TokenServer};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A registry with one list of two images under `team/src:v1`, and each image by itself as
/// `team/app-ARCH:v1`.
struct Bench {
    registry: Registry,
    skopeo: Skopeo,
    image: Image,
    home: TempDir,
}

impl Bench {
    /// `None` where the programs are not installed and need not be.
    fn start(seed: u64) -> Option<Self> {
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

    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.authority())
    }

    fn manifest(&self, args: &[&str]) -> Finished {
        self.program(args).run()
    }

    fn program(&self, args: &[&str]) -> Program {
        Program::ours("regcred")
            .arg("manifest")
            .args(args)
            .env("HOME", self.home.path())
    }

    /// Creates `team/app:v1` of both images.
    fn create(&self) -> String {
        let list = self.name("team/app:v1");
        let [amd64, arm64] = ["amd64", "arm64"].map(|a| self.name(&format!("team/app-{a}:v1")));
        let done = self.manifest(&["create", "--amend", &list, &amd64, &arm64]);
        assert_eq!(done.success(), format!("Created manifest list {list}\n"));
        list
    }

    fn copy(&self, arch: &str, from: &str, to: &str) {
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
    fn raw(&self, name: &str) -> Vec<u8> {
        let name = format!("docker://{name}");
        let read = self
            .skopeo
            .run(&["inspect", "--raw", "--tls-verify=false", &name]);
        let _ = read.success();
        read.bytes().to_vec()
    }

    fn list(&self, name: &str) -> Value {
        serde_json::from_slice(&self.raw(name)).expect("JSON")
    }

    fn store(&self, list: &str) -> std::path::PathBuf {
        let name = list.replace(':', "-").replace('/', "_");
        self.home.path().join(".docker/manifests").join(name)
    }
}

/// Architectures and digests of a list, in its order.
fn entries(list: &Value) -> Vec<(String, String)> {
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

#[test]
fn a_list_of_two_build_jobs_is_pushed_and_read_by_skopeo() {
    let Some(bench) = Bench::start(31) else {
        return;
    };
    let list = bench.create();
    let shown = bench.manifest(&["inspect", &list]).success();
    let tags = ["--tag", "latest", "--tag", "v1.2"];
    let pushed = bench.manifest(&[&["push", "--purge"], &tags[..], &[&list]].concat());
    let output = pushed.success();
    let digest = output.lines().last().expect("a digest").to_owned();
    let [amd64, arm64] = ["amd64", "arm64"].map(|arch| bench.image.platform(arch));
    let reference = bench.name("team/app");
    assert!(output.contains(&format!(
        "Pushed ref {reference}@{amd64} with digest: {amd64}"
    )));

    let raw = bench.raw(&list);
    assert_eq!(format!("{}\n", String::from_utf8_lossy(&raw)), shown);
    let exact = bench.manifest(&["inspect", "--raw", &list]);
    assert_eq!(exact.bytes(), raw, "from the registry, after the purge");
    assert_eq!(bench.raw(&format!("{reference}@{digest}")), raw);
    for tag in ["latest", "v1.2"] {
        assert_eq!(bench.raw(&format!("{reference}:{tag}")), raw);
    }
    let expected = [("amd64", &amd64), ("arm64", &arm64)].map(|(a, d)| (a.into(), d.clone()));
    assert_eq!(entries(&bench.list(&list)), expected);
    for arch in ["amd64", "arm64"] {
        bench.copy(arch, "team/app:v1", &format!("copied/{arch}:v1"));
    }
    assert!(!bench.store(&list).exists());

    // The same push again sends nothing and ends the same.
    bench.create();
    let again = bench.manifest(&["push", &list]).success();
    assert_eq!(again.lines().last(), Some(&*digest));
}

#[test]
fn images_of_a_list_are_taken_one_by_one() {
    let Some(bench) = Bench::start(32) else {
        return;
    };
    let (list, source) = (bench.name("team/flat:v1"), bench.name("team/src:v1"));
    let refused = bench.manifest(&["create", "--refuse-lists", &list, &source]);
    assert_eq!(refused.fails(2), format!("{source} is a manifest list"));
    assert!(!bench.store(&list).exists());
    let _ = bench.manifest(&["create", &list, &source]).success();
    let _ = bench.manifest(&["push", &list]).success();
    let both = entries(&bench.list(&source));
    let mut pushed = entries(&bench.list(&list));
    pushed.sort();
    assert_eq!(pushed, both);
}

#[test]
fn images_of_another_registry_and_of_a_layout_are_copied() {
    let (Some(bench), Some(other)) = (Bench::start(33), Bench::start(34)) else {
        return;
    };
    let list = bench.name("team/mixed:v1");
    let layout = bench.home.path().join("layout");
    bench.image.write_layout(&layout, "image");
    let arm64 = other.name("team/app-arm64:v1");
    let amd64 = bench.image.platform("amd64");
    let index: Value = serde_json::from_slice(&bench.image.root().bytes).expect("JSON");
    // A layout of the one image, which has only a short name there.
    let mut entry = index["manifests"][0].clone();
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": "one"});
    let index = json!({"schemaVersion": 2, "manifests": [entry]});
    fs::write(layout.join("index.json"), index.to_string()).expect("written");
    let one = format!("oci:{}:one", layout.display());
    let _ = bench.manifest(&["create", &list, &one, &arm64]).success();
    let missing = bench.manifest(&["create", &bench.name("x:1"), "oci:/nowhere:one"]);
    assert!(missing.fails(2).contains("is not an OCI layout"));
    let _ = bench.manifest(&["push", &list]).success();
    let mut pushed = entries(&bench.list(&list));
    pushed.sort();
    let arm64 = other.image.platform("arm64");
    assert_eq!(pushed, [("amd64".into(), amd64), ("arm64".into(), arm64)]);
    bench.copy("arm64", "team/mixed:v1", "copied/arm64:v1");
}

#[test]
fn names_with_an_architecture_are_pushed_next_to_the_list() {
    let Some(bench) = Bench::start(35) else {
        return;
    };
    let (list, source) = (bench.name("team/pause:3.10"), bench.name("team/src:v1"));
    let _ = bench.manifest(&["create", &list, &source]).success();
    let _ = bench
        .manifest(&["push", "--suffix-compat", &list])
        .success();
    for (arch, digest) in entries(&bench.list(&list)) {
        let one = bench.name(&format!("team/pause-{arch}:3.10"));
        let content = bench.image.manifest(&digest).expect("an image");
        assert_eq!(bench.raw(&one), content.bytes, "{arch}");
    }
}

#[test]
fn what_is_annotated_is_in_the_list() {
    let Some(bench) = Bench::start(36) else {
        return;
    };
    let list = bench.create();
    let arm64 = bench.name("team/app-arm64:v1");
    let annotate = ["annotate", "--variant", "v8", "--os-features", "a,b"];
    let done = bench.manifest(&[&annotate[..], &["--annotation", "k=v", &list, &arm64]].concat());
    assert_eq!(done.success(), "");
    let push = ["push", "--annotation", "org.opencontainers.image.version=1"];
    let _ = bench.manifest(&[&push[..], &[&list]].concat()).success();
    let pushed = bench.list(&list);
    assert_eq!(
        pushed["mediaType"],
        "application/vnd.oci.image.index.v1+json"
    );
    assert_eq!(
        pushed["annotations"]["org.opencontainers.image.version"],
        "1"
    );
    let entry = &pushed["manifests"][1];
    assert_eq!(entry["annotations"], json!({"k": "v"}));
    let platform =
        json!({"architecture": "arm64", "os": "linux", "os.features": ["a", "b"], "variant": "v8"});
    assert_eq!(entry["platform"], platform);

    let wrong = bench.manifest(&["annotate", "--arch", "amd46", &list, &arm64]);
    let error = wrong.fails(2);
    assert!(error.contains("unsupported os/arch combination: linux/amd46"));
    assert!(error.contains("linux: 386 amd64 arm"), "{error}");
    let unknown = bench.manifest(&["annotate", "--arch", "arm", &list, "other:v1"]);
    let expected = format!("manifest for image other:v1 does not exist in {list}");
    assert_eq!(unknown.fails(2), expected);
    let help = bench.manifest(&["annotate", "--help"]).success();
    assert!(
        help.contains("linux: 386 amd64 arm arm64 loong64"),
        "{help}"
    );
}

#[test]
fn two_images_for_one_platform_are_not_pushed() {
    let Some(bench) = Bench::start(37) else {
        return;
    };
    let list = bench.create();
    let amd64 = bench.name("team/app-amd64:v1");
    let arm64 = bench.name("team/app-arm64:v1");
    let _ = bench
        .manifest(&["annotate", "--arch", "amd64", &list, &arm64])
        .success();
    let refused = bench.manifest(&["push", &list]);
    let error = refused.fails(2);
    assert!(
        error.starts_with(&format!("{amd64} and {arm64} are both for linux/amd64")),
        "{error}"
    );
    bench.copy("amd64", "team/src:v1", "team/rebuilt:v1");
    let rebuilt = bench.name("team/rebuilt:v1");
    let replaced = bench.manifest(&["create", "--amend", "--replace", &list, &rebuilt]);
    assert!(replaced.stderr.contains(&format!("{amd64} is replaced")));
    let _ = replaced.success();
    let _ = bench.manifest(&["push", &list]).success();
    assert_eq!(entries(&bench.list(&list)).len(), 1);
}

#[test]
fn a_list_that_was_amended_and_has_changed_in_the_registry_is_not_replaced() {
    let Some(bench) = Bench::start(38) else {
        return;
    };
    let list = bench.create();
    let _ = bench.manifest(&["push", "--purge", &list]).success();
    // A second job takes the registry's list and adds its image; a third is faster.
    let more = bench.name("team/app-arm64:v1");
    let _ = bench.manifest(&["create", &list, &list, &more]).success();
    let faster = TempDir::new().expect("a directory");
    let one = bench.name("team/app-amd64:v1");
    for args in [&["create", &list, &one][..], &["push", &list]] {
        let _ = bench
            .program(args)
            .env("HOME", faster.path())
            .run()
            .success();
    }
    let refused = bench.manifest(&["push", &list]);
    let error = refused.fails(2);
    assert!(error.contains("has changed in the registry"), "{error}");
    assert_eq!(entries(&bench.list(&list)).len(), 1, "the faster job's");
}

#[test]
fn a_tag_that_has_moved_is_read_again_and_reported() {
    let Some(bench) = Bench::start(39) else {
        return;
    };
    let list = bench.create();
    let amd64 = bench.name("team/app-amd64:v1");
    let _ = bench
        .manifest(&["annotate", "--variant", "v2", &list, &amd64])
        .success();
    let same = bench.manifest(&["create", "--amend", &list, &amd64]);
    assert_eq!(same.stderr, "");
    let shown = bench.manifest(&["inspect", &list]).success();
    assert!(shown.contains("\"variant\": \"v2\""), "{shown}");
    let image = Image::multi_arch(391, 100, 100);
    let pushed = bench.registry.push(&image, "team/src:v2", None);
    pushed.expect("skopeo was found before");
    bench.copy("amd64", "team/src:v2", "team/app-amd64:v1");
    let moved = bench.manifest(&["create", "--amend", &list, &amd64]);
    let expected = format!("{amd64} was {}", bench.image.platform("amd64"));
    assert!(moved.stderr.starts_with(&expected), "{}", moved.stderr);
    let shown = bench.manifest(&["inspect", &list]).success();
    assert!(shown.contains(&image.platform("amd64")), "{shown}");
}

#[test]
fn a_push_with_a_login_that_may_only_pull_names_it_and_what_to_do() {
    let tokens = TokenServer::start();
    for (user, actions) in [("ci", &["pull", "push"][..]), ("node", &["pull"])] {
        tokens.add(user, "s3cret");
        for repository in ["team/src", "team/app"] {
            tokens.allow(user, repository, actions);
        }
    }
    let Some(registry) = Registry::start(&Access::Token(&tokens)) else {
        return;
    };
    let image = Image::multi_arch(40, 1_000, 100);
    let Some(()) = registry.push(&image, "team/src:v1", Some(("ci", "s3cret"))) else {
        return;
    };
    let home = TempDir::new().expect("a directory");
    let logins = |user: &str| {
        use base64::Engine as _;
        let auth = base64::engine::general_purpose::STANDARD.encode(format!("{user}:s3cret"));
        let config = json!({"auths": {registry.authority(): {"auth": auth}}});
        fs::write(home.path().join("config.json"), config.to_string()).expect("written");
    };
    let manifest = |args: &[&str]| {
        let program = Program::ours("regcred").arg("manifest").args(args);
        let program = program.env("HOME", "/nowhere");
        program.env("DOCKER_CONFIG", home.path()).run()
    };
    let name = |name: &str| format!("{}/{name}", registry.authority());
    let (list, source) = (name("team/app:v1"), name("team/src:v1"));
    logins("node");
    let _ = manifest(&["create", &list, &source]).success();
    let refused = manifest(&["push", &list]);
    assert_eq!(refused.code(), Some(6), "{}", refused.stderr);
    let last = refused.stderr.lines().last().unwrap_or_default();
    for part in [
        "push access denied",
        "user node",
        "can only pull on most clouds",
    ] {
        assert!(last.contains(part), "{last}");
    }
    assert!(!refused.stderr.contains("s3cret"));
    logins("ci");
    let _ = manifest(&["push", &list]).success();
    let missing = manifest(&["inspect", &name("team/app:v9")]);
    let lines: Vec<_> = missing.stderr.lines().collect();
    let app = name("team/app:v9");
    assert_eq!(lines[0], format!("no such manifest: {app}"));
    assert!(
        lines[1].starts_with(&format!("{app}: fails with ")),
        "{}",
        lines[1]
    );
}

#[test]
fn a_create_that_fails_leaves_the_lists_as_they_were() {
    let Some(bench) = Bench::start(41) else {
        return;
    };
    let (new, amd64) = (bench.name("team/new:v1"), bench.name("team/app-amd64:v1"));
    let missing = bench.name("team/none:v1");
    let failed = bench.manifest(&["create", &new, &amd64, &missing]);
    assert_eq!((failed.code(), &*failed.stdout()), (Some(6), ""));
    let lines: Vec<_> = failed.stderr.lines().collect();
    assert_eq!(lines[0], format!("no such manifest: {missing}"));
    assert!(
        lines[1].ends_with("a login is missing or may not pull"),
        "{}",
        lines[1]
    );
    assert!(!bench.store(&new).exists());

    let list = bench.create();
    let before = contents(&bench.store(&list));
    let failed = bench.manifest(&["create", "--amend", &list, &amd64, &missing]);
    assert_eq!(failed.code(), Some(6));
    let refused = bench.manifest(&["create", &list, &amd64]);
    let expected = "refusing to amend an existing manifest list with no --amend flag";
    assert_eq!(refused.fails(2), expected);
    assert_eq!(contents(&bench.store(&list)), before);

    let file = bench.store(&list).join("docker.io_library_broken-v1");
    fs::write(&file, "{").expect("written");
    for args in [&["inspect", &list][..], &["push", &list]] {
        let broken = bench.manifest(args);
        let error = broken.fails(4);
        assert!(error.contains("docker.io_library_broken-v1"), "{error}");
        assert!(error.contains("regcred manifest rm"), "{error}");
    }
    let gone = bench.name("team/gone:v1");
    let removed = bench.manifest(&["rm", &gone, &list]);
    assert_eq!(removed.fails(2), format!("No such manifest: {gone}"));
    assert!(!bench.store(&list).exists(), "all that can be is removed");
}

/// At whatever point it is killed: the list is the old one or the new one, and the next command works.
#[test]
fn a_killed_command_leaves_a_whole_list() {
    let Some(bench) = Bench::start(42) else {
        return;
    };
    let list = bench.create();
    let arm64 = bench.name("team/app-arm64:v1");
    let before = contents(&bench.store(&list));
    for step in 0..24_u64 {
        let variant = format!("v8.{}", step % 9);
        let annotate = ["annotate", "--variant", &variant, &list, &arm64];
        let mut running = bench.program(&annotate).start();
        // Nothing is waited for: each step kills at another point.
        std::thread::sleep(std::time::Duration::from_micros(step * 400));
        running.kill();
        let _ = running.finish();
        let found = contents(&bench.store(&list));
        assert_eq!(found.len(), before.len(), "step {step}");
        let _ = bench.manifest(&["inspect", &list]).success();
    }
    let _ = bench
        .manifest(&["annotate", "--variant", "v8", &list, &arm64])
        .success();
    let lists = bench.home.path().join(".docker/manifests");
    assert_eq!(fs::read_dir(lists).expect("readable").count(), 1);
}

#[test]
fn a_full_disk_is_named_and_leaves_the_list() {
    let Some(bench) = Bench::start(43) else {
        return;
    };
    let disk = bench.home.path().join("disk");
    fs::create_dir(&disk).expect("made");
    let program = built("regcred");
    let (list, arm64) = (bench.create(), bench.name("team/app-arm64:v1"));
    let store = bench.home.path().join(".docker/manifests");
    let (disk, program) = (disk.display(), program.display());
    let setup = format!(
        "mount -t tmpfs -o size=24k tmpfs {disk} && cp -r {} {disk}/manifests",
        store.display()
    );
    let command = format!(
        "export DOCKER_CONFIG={disk}; dd if=/dev/zero of={disk}/filler bs=4k 2>/dev/null; \
         {program} manifest annotate --variant v8 {list} {arm64} 2>&1; echo code $?; \
         rm {disk}/filler; {program} manifest inspect {list} {arm64} | grep schemaVersion; ls -A {disk}/manifests"
    );
    let Some(inside) = in_namespace(&setup, &command) else {
        return;
    };
    let output = inside.run().success();
    assert!(output.contains("No space left on device"), "{output}");
    assert!(output.contains("code 4"), "{output}");
    assert!(output.contains("schemaVersion"), "{output}");
    let kept = list.replace(':', "-").replace('/', "_");
    let last = output.trim_end().lines().last();
    assert_eq!(last, Some(&*kept), "nothing else: {output}");
}

/// Names and texts of a directory's files.
fn contents(directory: &Path) -> Vec<(String, String)> {
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
