//! What a plugin costs each pod that starts, as far as any machine can hold it: the instructions of a run and the
//! size of the program.
//!
//! A release has bounds of its own, which `make bench` holds. These are of programs as the tests build them: what is
//! added to every start of a plugin shows here too. A figure that grows past its bound was bought by something: find
//! out what, or raise the bound in the commit that needs it.

use regcred_tests::cloud::Cloud;
use regcred_tests::ecr::EcrCloud;
use regcred_tests::icr::IcrCloud;
use regcred_tests::program::built;
use regcred_tests::{Program, instructions, need, plugin_request};

#[test]
fn a_run_of_a_plugin_executes_no_more_than_its_bound_cold_and_warm() {
    if need("valgrind").is_none() {
        return;
    }
    // Neither asks a metadata server, whose time is short on a busy machine.
    let (ecr, icr) = (EcrCloud::start(), IcrCloud::start());
    let plugin = |name: &str, cloud: &dyn Cloud| {
        let plugin = Program::ours(&format!("{name}-credential-provider"));
        plugin
            .envs(cloud.env())
            .stdin(plugin_request(cloud.image()))
    };
    let with_keys = plugin("ecr", &ecr).envs(ecr.keys());
    let mut broken = Vec::new();
    for (name, plugin, bounds) in [
        ("ecr", with_keys, [15_000, 4_800]),
        ("icr", plugin("icr", &icr), [4_000, 2_400]),
    ] {
        let root = tempfile::tempdir().expect("a directory");
        let stored = plugin
            .clone()
            .env("REGCRED_CACHE", root.path().join("cache"));
        let _ = stored.clone().run().success();
        for (state, run, most) in [("cold", plugin, bounds[0]), ("warm", stored, bounds[1])] {
            let count = instructions(run).map(|count| count / 1_000);
            println!("{name}, {state}: {count:?} thousand instructions");
            if count.is_none_or(|count| count > most) {
                broken.push(format!("{name}, {state}: {count:?}, the bound is {most}"));
            }
        }
    }
    assert!(broken.is_empty(), "thousands of instructions: {broken:#?}");
}

#[test]
fn no_plugin_is_larger_than_its_bound() {
    let mut broken = Vec::new();
    for (name, most) in MEGABYTES {
        let program = built(&format!("{name}-credential-provider"));
        let size = std::fs::metadata(program).expect("our program").len() / 1_000_000;
        println!("{name}: {size} MB");
        if size > *most {
            broken.push(format!("{name}: {size} MB, the bound is {most}"));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Of programs with the line tables of a debug build.
const MEGABYTES: &[(&str, u64)] = &[
    ("acr", 68),
    ("ecr", 86),
    ("gcr", 54),
    ("generic", 58),
    ("icr", 47),
    ("ocir", 56),
];
