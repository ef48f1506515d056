//! `regcred images`, `rm` and `export`: the store after pulls.

mod as_root;

use regcred_tests::oci_registry::{Access, Fault};
use regcred_tests::program::Program;
use regcred_tests::{FakeRegistry, Image, Node, Skopeo, until};
use serde_json::Value;

const HOST: &str = "registry.example.com";

/// A node with two images, `team/one:v1` and `team/two:v1`, that have no layer in common.
fn two() -> (Node, FakeRegistry, [Image; 2]) {
    let registry = FakeRegistry::start(Access::Open);
    let images = [
        Image::multi_arch(91, 40_000, 1_000),
        Image::single(92, 2, 5_000),
    ];
    let node = Node::new();
    node.map_host(HOST, &registry.server().url());
    for (name, image) in ["one", "two"].iter().zip(&images) {
        registry.push(&format!("team/{name}"), "v1", image);
        let _ = node.pull(&name_of(name)).run().success();
    }
    (node, registry, images)
}

fn name_of(image: &str) -> String {
    format!("{HOST}/team/{image}:v1")
}

fn stored(node: &Node, command: &str) -> Program {
    Program::ours("regcred")
        .arg(command)
        .arg("--store")
        .arg(node.store())
}

fn listed(node: &Node) -> Vec<Value> {
    let said = stored(node, "images").arg("--json").run().success();
    let lines = said.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect("JSON lines")
}

fn blobs(node: &Node) -> usize {
    let blobs = node.store().join("blobs/sha256");
    std::fs::read_dir(blobs).expect("blobs").count()
}

#[test]
fn images_have_the_registrys_digest_their_platforms_and_their_size() {
    let (node, _registry, images) = two();
    let found = listed(&node);
    assert_eq!(found.len(), 2, "{found:?}");
    for (line, (name, image)) in found.iter().zip(["one", "two"].iter().zip(&images)) {
        assert_eq!(line["image"], name_of(name).as_str(), "{line}");
        assert_eq!(line["digest"], image.digest(), "{line}");
        assert_eq!(line["isComplete"], true, "{line}");
        assert!(line["bytes"].as_u64() > Some(5_000), "{line}");
        assert_eq!(
            line["platforms"].as_array().map(Vec::len),
            Some(1),
            "{line}"
        );
    }
    let table = stored(&node, "images").run().success();
    assert!(
        table.starts_with("IMAGE ") && table.contains(images[0].digest()),
        "{table}"
    );
    // A store that was named has to be one; the default need not be there yet.
    let empty = Node::new();
    assert_eq!(stored(&empty, "images").run().code(), Some(4));
}

#[test]
fn what_is_removed_takes_along_only_what_no_other_image_needs() {
    let (node, registry, images) = two();
    let before = blobs(&node);
    let done = stored(&node, "rm")
        .arg(name_of("none"))
        .arg(name_of("one"))
        .run();
    assert_eq!(done.code(), Some(4), "{}", done.stderr);
    assert_eq!(blobs(&node), before, "a mistyped name removes nothing");
    // The same content under another name keeps it.
    registry.push("team/copy", "v1", &images[0]);
    let _ = node.pull(&name_of("copy")).run().success();
    let done = stored(&node, "rm").arg(name_of("one")).run();
    assert_eq!(done.success(), format!("{}\n", name_of("one")));
    assert!(done.stderr.contains("0 blobs removed"), "{}", done.stderr);
    let done = stored(&node, "rm").arg(name_of("copy")).run();
    let _ = done.success();
    assert_eq!(listed(&node).len(), 1);
    assert_eq!(listed(&node)[0]["isComplete"], true);
    assert!(blobs(&node) < before);

    // A tag that moved leaves what it had.
    registry.push("team/two", "v1", &Image::single(93, 1, 3_000));
    let _ = node
        .pull(&name_of("two"))
        .args(["--policy", "Always"])
        .run()
        .success();
    let done = stored(&node, "rm").arg("--unused").run();
    assert_eq!(done.success(), "");
    assert_eq!(blobs(&node), 3, "a manifest, a configuration and a layer");
    assert_eq!(listed(&node)[0]["isComplete"], true);
}

#[test]
fn nothing_is_removed_while_a_pull_is_under_way() {
    let (node, registry, _) = two();
    let slow = Image::single(94, 1, 200_000);
    let layer = slow.blobs_of(slow.digest()).pop().expect("a layer");
    registry.push("team/slow", "v1", &slow);
    registry.set_fault(&layer, Some(Fault::StallAfter(1_000)));
    let mut pull = node.pull(&name_of("slow")).start();
    let asked = |what: &str| {
        let seen = registry.server().seen();
        seen.iter().any(|request| request.path.ends_with(what))
    };
    until("the layer's download", || asked(&layer));
    let done = stored(&node, "rm").arg("--unused").run();
    assert_eq!(done.code(), Some(4), "{}", done.stderr);
    assert!(
        done.stderr.contains("the store is in use"),
        "{}",
        done.stderr
    );
    pull.kill();
    let _ = pull.finish();
    let _ = stored(&node, "rm").arg("--unused").run().success();
    assert_eq!(listed(&node).len(), 2);
}

#[test]
fn an_export_is_what_skopeo_copies_and_equal_images_make_equal_files() {
    let Some(skopeo) = Skopeo::find() else { return };
    let (node, _registry, images) = two();
    let file = node.root().join("both.tar");
    let export = |file: &std::path::Path| {
        let export = stored(&node, "export").arg("--output").arg(file);
        export.arg(name_of("one")).arg(name_of("two")).run()
    };
    let _ = export(&file).success();
    let again = node.root().join("again.tar");
    let _ = export(&again).success();
    let bytes = std::fs::read(&file).expect("an archive");
    assert_eq!(bytes, std::fs::read(&again).expect("an archive"));
    let piped = stored(&node, "export")
        .args(["-o", "-"])
        .arg(name_of("one"))
        .arg(name_of("two"));
    assert_eq!(piped.run().bytes(), bytes);

    let target = node.root().join("copied");
    for (name, image) in ["one", "two"].iter().zip(&images) {
        let source = format!("oci-archive:{}:{}", file.display(), name_of(name));
        let to = format!("dir:{}", target.join(name).display());
        std::fs::create_dir_all(target.join(name)).expect("a directory");
        let _ = skopeo.run(&["copy", "--all", &source, &to]).success();
        let manifest = std::fs::read(target.join(name).join("manifest.json")).expect("a manifest");
        let architecture = regcred_tests::image::host_architecture();
        let digest = regcred_tests::image::digest_of(&manifest);
        assert_eq!(digest, image.platform(architecture));
    }

    // A blob that was spoiled is found, and no file is left under the name.
    let layer = images[1]
        .blobs_of(images[1].digest())
        .pop()
        .expect("a layer");
    let path = node.store().join("blobs").join(layer.replace(':', "/"));
    let mut spoiled = std::fs::read(&path).expect("a blob");
    spoiled[0] ^= 1;
    std::fs::write(&path, spoiled).expect("a blob");
    std::fs::remove_file(&file).expect("removed");
    let done = export(&file);
    assert_eq!(done.code(), Some(8), "{}", done.stderr);
    assert!(!file.exists());
}
