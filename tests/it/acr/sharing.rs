//! Many processes at once: one exchange.

use std::path::Path;

use regcred_tests::Program;
use regcred_tests::acr::LOGIN_SERVER;
use regcred_tests::program::Running;
use serde_json::json;

use super::{Azure, PLUGIN, request};

#[test]
fn two_hundred_processes_make_one_exchange() {
    let azure = Azure::start();
    let cache = azure.directory.path().join("cache");
    let start = |number: usize| start(&azure, &cache, number);
    let cold: Vec<Running> = (0..200).map(start).collect();
    for running in cold {
        assert!(running.finish().json()["auth"][LOGIN_SERVER].is_object());
    }
    assert_eq!(azure.acr.exchanges(), 1, "cold");
    let warm: Vec<Running> = (200..400).map(start).collect();
    for running in warm {
        assert!(running.finish().json()["auth"][LOGIN_SERVER].is_object());
    }
    assert_eq!(azure.acr.exchanges(), 1, "warm");
    assert_eq!(
        azure.imds.server().count("/metadata/identity"),
        1,
        "one Entra token"
    );
}

fn start(azure: &Azure, cache: &Path, number: usize) -> Running {
    Program::ours(PLUGIN)
        .envs(azure.machine(&[]))
        .env("REGCRED_CACHE", cache)
        .stdin(request(
            &format!("{LOGIN_SERVER}/team/app{number}"),
            json!({}),
        ))
        .start()
}
