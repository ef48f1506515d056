//! A push that is killed in the middle, and repeated.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use regcred_tests::registry::Access;
use regcred_tests::{Image, Program, Registry, until};

#[test]
fn a_killed_push_that_is_repeated_ends_in_the_same_digest_and_sends_no_blob_twice() {
    let Some(registry) = Registry::start(&Access::Open) else {
        return;
    };
    let image = Image::single(72, LAYERS, 300_000);
    let root = tempfile::tempdir().expect("a directory");
    let layout = root.path().join("layout");
    image.write_layout(&layout, "v1");
    let regcred = |verb: &str, args: &[&str]| {
        let program = Program::ours("regcred").args(["manifest", verb]).args(args);
        program.env("HOME", root.path())
    };
    let source = format!("oci:{}:v1", layout.display());
    let name = |path: &str| format!("{}/{path}:v1", registry.authority());
    for path in ["team/app", "team/other"] {
        let _ = regcred("create", &[&name(path), &source]).run().success();
    }
    let app = registry
        .store()
        .join("docker/registry/v2/repositories/team/app");

    let mut running = regcred("push", &[&name("team/app")]).start();
    until("some of the blobs", || links(&app).len() > LAYERS / 4);
    assert!(!running.has_ended(), "it ended");
    running.kill();
    assert_eq!(running.finish().signal(), Some(9));
    let before = links(&app);
    assert!(
        !app.join("_manifests/tags/v1").exists(),
        "half an image has a name"
    );

    let again = regcred("push", &[&name("team/app")]).run().success();
    let after = links(&app);
    assert_eq!(after.len(), LAYERS + 1, "the layers and the configuration");
    for (digest, written) in &before {
        assert_eq!(after.get(digest), Some(written), "{digest} was sent twice");
    }
    let undisturbed = regcred("push", &[&name("team/other")]).run().success();
    let [again, undisturbed] = [&again, &undisturbed].map(|output| output.lines().last());
    assert!(again.is_some_and(|digest| digest.starts_with("sha256:")));
    assert_eq!(again, undisturbed);
}

/// The blobs that a repository has, each with the time of its last upload.
fn links(repository: &Path) -> BTreeMap<String, SystemTime> {
    let Ok(blobs) = repository.join("_layers/sha256").read_dir() else {
        return BTreeMap::new();
    };
    let link = |blob: std::io::Result<std::fs::DirEntry>| {
        let blob = blob.ok()?;
        let link = blob.path().join("link").metadata().ok()?;
        // One that is being written is not complete yet.
        let is_whole = link.len() == "sha256:".len() as u64 + 64;
        let name = blob.file_name().to_string_lossy().into_owned();
        is_whole.then_some((name, link.modified().ok()?))
    };
    blobs.filter_map(link).collect()
}

const LAYERS: usize = 60;
