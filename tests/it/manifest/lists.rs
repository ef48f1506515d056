//! Lists as they are created, annotated and pushed.

use std::fs;

use serde_json::{Value, json};

use super::bench::{Bench, entries};

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
