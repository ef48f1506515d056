//! A pull that is stopped in the middle: SIGKILL, Ctrl-C, SIGTERM, and a disk that is full.

use std::path::Path;

use regcred_tests::namespace::with_mounts;
use regcred_tests::oci_registry::Fault;
use regcred_tests::program::{built, script};
use regcred_tests::server::Seen;
use regcred_tests::{FakeRegistry, Image, Node, Program, until};

use super::{assert_sound, blob, names, pull, serve};

#[test]
fn a_killed_pull_leaves_nothing_that_counts_and_the_next_one_continues_it() {
    let image = Image::single(41, 2, 2_000_000);
    let (registry, name, layer) = serve_half(&image);
    let node = Node::new();
    let mut running = pull(&node, &name).start();
    until_the_middle(&node, &image);
    assert!(!running.has_ended(), "it ended");
    running.kill();
    assert_eq!(running.finish().signal(), Some(9));
    assert_continued(&node, &registry, &name, &layer);
}

#[test]
fn an_interrupted_pull_leaves_nothing_that_counts_and_the_next_one_continues_it() {
    let image = Image::single(43, 2, 2_000_000);
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let (registry, name, layer) = serve_half(&image);
        let node = Node::new();
        let running = pull(&node, &name).start();
        until_the_middle(&node, &image);
        let kill = Program::new("/bin/kill").arg(signal);
        let _ = kill.arg(running.id().to_string()).run().success();
        let done = running.finish();
        assert_eq!(done.code(), Some(code), "{}", done.stderr);
        assert_continued(&node, &registry, &name, &layer);
    }
}

#[test]
fn a_beginning_that_a_power_cut_spoiled_is_fetched_again() {
    let image = Image::single(44, 2, 2_000_000);
    let (registry, name, layer) = serve_half(&image);
    let node = Node::new();
    let mut running = pull(&node, &name).start();
    until_the_middle(&node, &image);
    running.kill();
    let _ = running.finish();
    let ingest = node.store().join("ingest").read_dir().expect("directory");
    let mut parts = ingest.map(|entry| entry.expect("entry").path());
    let part = parts.find(|path| path.extension().is_some_and(|e| e == "part"));
    let part = part.expect("the beginning of a layer");
    let length = part.metadata().expect("there").len();
    std::fs::write(&part, vec![0; usize::try_from(length).expect("small")]).expect("written");
    registry.set_fault(&layer, None);
    let _ = pull(&node, &name).run().success();
    assert_sound(&node.store());
    assert_eq!(ranges(&registry, &layer).len(), 3, "whole, rest, whole");
}

/// As after a kubelet and docker, which start such programs without a signal for the loss of their parent: what
/// holds is that nothing comes from it any more, since its input has ended and its output has no reader.
#[test]
fn a_foreign_plugin_whose_parent_was_killed_ends_when_it_writes() {
    let node = Node::new();
    let path = |name: &str| node.root().join(name);
    for (name, writes) in [("answers", "echo answer"), ("complains", "echo why >&2")] {
        let (pid, go, after) = (path("pid"), path("go"), path("after"));
        let text = format!(
            "cat > /dev/null; echo $$ > {0}.tmp; mv {0}.tmp {0}; until test -e {1}; do sleep 0.01; done\n\
             {writes}; echo > {2}",
            pid.display(),
            go.display(),
            after.display()
        );
        script(&node.bin_dir().join(name), &text);
    }
    for name in ["answers", "complains"] {
        let (pid, go, after) = (path("pid"), path("go"), path("after"));
        let mut alone = Node::at(node.root());
        alone.add_provider(name, &["registry.lost.test"], &[]);
        let mut running = pull(&alone, "registry.lost.test/team/app:v1").start();
        until("the plugin", || pid.exists());
        running.kill();
        assert_eq!(running.finish().signal(), Some(9));
        let plugin = std::fs::read_to_string(&pid).expect("its number");
        let program = Path::new("/proc").join(plugin.trim()).join("exe");
        assert!(program.read_link().is_ok(), "{name} goes on");
        std::fs::write(&go, "").expect("a file");
        until("its end", || program.read_link().is_err());
        assert!(!after.exists(), "{name} went on after it wrote");
        for file in [pid, go] {
            std::fs::remove_file(file).expect("removed");
        }
    }
}

#[test]
fn a_full_disk_is_reported_and_leaves_nothing() {
    let image = Image::single(42, 1, 8 << 20);
    let (_registry, name) = serve(&image);
    let node = Node::new();
    std::fs::create_dir(node.store()).expect("a directory");
    // A file system of 4 MiB that only this shell and its children see.
    let pull = format!(
        "{{ {} pull --quiet --store $STORE {name}; echo \"code $?\"; find $STORE -type f -size +64k; }}",
        built("regcred").display()
    );
    let setup = "mount -t tmpfs -o size=4m tmpfs $STORE";
    let Some(program) = with_mounts(setup, &pull) else {
        return;
    };
    let done = program
        .env("STORE", node.store())
        .env("HOME", node.root())
        .run();
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    assert!(done.stderr.contains("No space left"), "{}", done.stderr);
    let output = done.stdout();
    let code = output.lines().next().unwrap_or_default();
    assert!(code.starts_with("code ") && code != "code 0", "{output}");
    assert_eq!(output.lines().count(), 1, "left: {output}");
}

/// A registry that sends three quarters of the image's second layer, and that layer.
fn serve_half(image: &Image) -> (FakeRegistry, String, String) {
    let layer = image.blobs_of(image.digest())[2].clone();
    let (registry, name) = serve(image);
    registry.set_fault(&layer, Some(Fault::StallAfter(1_500_000)));
    (registry, name, layer)
}

/// Waits until one layer is whole and half of the other lies in some file of the store.
fn until_the_middle(node: &Node, image: &Image) {
    let other = blob(node, &image.blobs_of(image.digest())[1]);
    until("the middle", || {
        other.exists() && largest_unfinished(&node.store()) >= HALF
    });
}

/// Half a layer counts for nothing, and the next pull asks for its rest alone.
fn assert_continued(node: &Node, registry: &FakeRegistry, name: &str, layer: &str) {
    assert!(!blob(node, layer).exists(), "half a blob has a name");
    assert!(names(node).is_empty(), "half an image has a name");
    assert_sound(&node.store());
    registry.set_fault(layer, None);
    let _ = pull(node, name).run().success();
    assert_sound(&node.store());
    assert_eq!(names(node).len(), 1);
    assert!(largest_unfinished(&node.store().join("ingest")) < HALF);
    // The beginning of a blob that was fetched whole in place of it stays until the store is opened again.
    let _ = pull(node, name).run().success();
    assert_eq!(largest_unfinished(&node.store().join("ingest")), 0);
    let asked = ranges(registry, layer);
    let [_, rest] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    let start = rest
        .strip_prefix("bytes=")
        .and_then(|rest| rest.split_once('-'));
    let start: u64 = start.expect(rest).0.parse().expect(rest);
    assert!((HALF..=1_500_000).contains(&start), "{rest}");
}

/// The `Range` of each request for a blob.
fn ranges(registry: &FakeRegistry, digest: &str) -> Vec<String> {
    let asked = registry.server().seen().into_iter();
    let asked = asked.filter(|request| request.path.ends_with(digest));
    let range = |request: Seen| request.header("range").unwrap_or_default().to_owned();
    asked.map(range).collect()
}

const HALF: u64 = 1_100_000;

/// The size of the largest file in the store that is not under its final name.
fn largest_unfinished(directory: &Path) -> u64 {
    let mut largest = 0;
    for entry in directory.read_dir().into_iter().flatten().flatten() {
        let path = entry.path();
        if path.ends_with("blobs/sha256") {
            continue;
        }
        let size = match entry.metadata() {
            Ok(found) if found.is_dir() => largest_unfinished(&path),
            Ok(found) => found.len(),
            Err(_) => 0,
        };
        largest = largest.max(size);
    }
    largest
}
