//! A pull that is stopped in the middle: SIGKILL, and a disk that is full.

use std::path::Path;

use regcred_tests::need::in_ci;
use regcred_tests::oci_registry::Fault;
use regcred_tests::program::built;
use regcred_tests::{Image, Node, Program, need, until};

use super::{assert_sound, blob, names, pull, serve};

#[test]
fn a_killed_pull_leaves_nothing_that_counts_and_the_next_one_succeeds() {
    let image = Image::single(41, 2, 2_000_000);
    let layer = image.blobs_of(image.digest())[2].clone();
    let (registry, name) = serve(&image);
    registry.set_fault(&layer, Some(Fault::StallAfter(1_500_000)));
    let node = Node::new();

    let mut running = pull(&node, &name).start();
    let other = blob(&node, &image.blobs_of(image.digest())[1]);
    // In the middle: one layer is whole, half of the other lies in some file of the store.
    until("the middle", || {
        other.exists() && largest_unfinished(&node.store()) >= 1_000_000
    });
    assert!(!running.has_ended(), "it ended");
    running.kill();
    assert_eq!(running.finish().signal(), Some(9));
    assert!(!blob(&node, &layer).exists(), "half a blob has a name");
    assert!(names(&node).is_empty(), "half an image has a name");
    assert_sound(&node.store());

    registry.set_fault(&layer, None);
    let _ = pull(&node, &name).run().success();
    assert_sound(&node.store());
    assert_eq!(names(&node).len(), 1);
}

#[test]
fn a_full_disk_is_reported_and_leaves_nothing() {
    let Some(unshare) = need("unshare") else {
        return;
    };
    let image = Image::single(42, 1, 8 << 20);
    let (_registry, name) = serve(&image);
    let node = Node::new();
    std::fs::create_dir(node.store()).expect("a directory");
    // A file system of 4 MiB that only this shell and its children see.
    let script = "mount -t tmpfs -o size=4m tmpfs \"$1\" || exit 77\n\
                  \"$2\" pull --quiet --store \"$1\" \"$3\"; echo \"code $?\"\n\
                  find \"$1\" -type f -size +64k";
    let done = Program::new(unshare)
        .args(["--mount", "--map-root-user", "sh", "-c", script, "sh"])
        .arg(node.store())
        .arg(built("regcred"))
        .arg(&name)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", node.root())
        .run();
    if done.code() == Some(77) || done.stderr.starts_with("unshare") {
        let why = format!("no mount namespaces here: {}", done.stderr);
        assert!(!in_ci(), "{why}");
        eprintln!("SKIPPED: {why}");
        return;
    }
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    assert!(done.stderr.contains("No space left"), "{}", done.stderr);
    let output = done.stdout();
    let code = output.lines().next().unwrap_or_default();
    assert!(code.starts_with("code ") && code != "code 0", "{output}");
    assert_eq!(output.lines().count(), 1, "left: {output}");
}

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
