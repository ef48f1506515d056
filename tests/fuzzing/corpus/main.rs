//! The committed corpus and mutations of it, through every target; and inputs that grow.

mod mutation;
mod size;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use regcred_fuzzing::{TARGETS, Target};

use mutation::Mutations;

#[test]
fn every_target_has_its_fuzz_target_and_its_corpus() {
    let named = |folder: &str| {
        let entries = fuzz().join(folder).read_dir().expect("a directory");
        let name = |entry: std::io::Result<fs::DirEntry>| {
            let path = entry.expect("an entry").path();
            path.file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    };
    let mut targets: Vec<_> = TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    targets.sort();
    assert_eq!(named("fuzz_targets"), targets);
    assert_eq!(named("corpus"), targets);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("a manifest");
    for target in &targets {
        assert!(
            manifest.contains(&format!("name = \"{target}\"\n")),
            "{target}"
        );
    }
    let bytes: usize = TARGETS
        .iter()
        .flat_map(corpus)
        .map(|(_, input)| input.len())
        .sum();
    assert!(
        bytes < 300_000,
        "the corpus has {bytes} bytes: keep it small"
    );
}

#[test]
fn every_file_of_the_corpus_is_read_as_it_should_be() {
    let mut failed = Vec::new();
    for target in TARGETS {
        for (path, input) in corpus(target) {
            if !holds(target, &input) {
                failed.push(path);
            }
        }
        if !holds(target, b"") {
            failed.push(Path::new(target.name).join("nothing"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn mutations_of_the_corpus_are_read_as_they_should_be() {
    let mut failed = Vec::new();
    for target in TARGETS {
        let inputs: Vec<_> = corpus(target).into_iter().map(|(_, input)| input).collect();
        let mut mutations = Mutations::new(&inputs, SEED);
        let count = if SLOW.contains(&target.name) { 12 } else { 150 };
        for number in 0..count {
            let input = mutations.next_input();
            if !holds(target, &input) {
                let input = String::from_utf8_lossy(&input).into_owned();
                failed.push(format!("{} {number}: {input:?}", target.name));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Whether the target's properties hold for the input.
fn holds(target: &Target, input: &[u8]) -> bool {
    catch_unwind(|| (target.run)(input)).is_ok()
}

/// The committed inputs of a target.
fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fuzz().join("corpus").join(target.name).read_dir();
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", target.name));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let read = |path: PathBuf| (path.clone(), fs::read(path).expect("a file"));
    paths.into_iter().map(read).collect()
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

const SEED: u64 = 17;
/// Those that start servers, or change a node.
const SLOW: [&str; 6] = [
    "ca_bundle",
    "cloud_answers",
    "http_response",
    "node_files",
    "pem",
    "registry_answers",
];
