//! What is answered: for how long, for whom, and what to fix when the answer is an error.

use regcred_tests::acr::{ARM_AUDIENCE, LOGIN_SERVER, SECRET_CLIENT, TENANT};
use regcred_tests::server::Seen;
use regcred_tests::{Finished, Program, assert_kept};
use serde_json::json;

use super::{Azure, PLUGIN, request};

#[test]
fn refusals_say_what_to_fix() {
    let azure = Azure::start();
    let run = |env: Vec<(String, String)>, args: &[&str]| -> Finished {
        let plugin = Program::ours(PLUGIN).args(["token", LOGIN_SERVER]);
        plugin.args(args).envs(env).run()
    };
    let wrong = azure.env(&[
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_CLIENT_ID", SECRET_CLIENT),
        ("AZURE_CLIENT_SECRET", "wrong-canary"),
    ]);
    let done = run(wrong, &[]);
    let said = done.fails(6);
    assert!(said.contains("configure its value, not its id"), "{said}");
    assert!(
        said.contains("AADSTS7000215") && !said.contains("canary"),
        "{said}"
    );

    let done = run(azure.machine(&[("AZURE_CLIENT_ID", "not-assigned")]), &[]);
    let said = done.fails(5);
    assert!(
        said.contains("not-assigned is not assigned to this machine"),
        "{said}"
    );

    let done = run(azure.machine(&[]), &["--audience", ARM_AUDIENCE]);
    let said = done.fails(6);
    assert!(
        said.contains("AcrPull") && said.contains("acr-correlation-1"),
        "{said}"
    );

    azure.acr.close();
    let done = run(azure.machine(&[]), &[]);
    assert!(done.fails(6).contains("firewall"), "{}", done.stderr);
}

#[test]
fn a_place_whose_identity_endpoint_is_not_used_is_named() {
    let azure = Azure::start();
    let fabric = [
        ("IDENTITY_ENDPOINT", "https://127.0.0.1:1"),
        ("IDENTITY_HEADER", "canary"),
        ("IDENTITY_SERVER_THUMBPRINT", "t"),
    ];
    let done = Program::ours(PLUGIN)
        .envs(azure.machine(&fabric))
        .args(["token", LOGIN_SERVER])
        .run();
    let said = done.fails(5);
    for part in ["Service Fabric", "name another identity", "log in with az"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("canary"), "{said}");
    assert!(azure.imds.server().seen().is_empty());
}

#[test]
fn the_answer_is_kept_by_the_registrys_own_end() {
    let azure = Azure::start();
    for (life, kept) in [(3 * 3600, "1h30m0s"), (1800, "25m0s"), (200, "0s")] {
        azure.acr.set_life(life);
        let done = Program::ours(PLUGIN)
            .envs(azure.machine(&[]))
            .stdin(request(&format!("{LOGIN_SERVER}/app"), json!({})))
            .run();
        assert_kept(&done, kept);
    }
    azure.acr.set_life(-5);
    let done = Program::ours(PLUGIN)
        .envs(azure.machine(&[]))
        .args(["token", LOGIN_SERVER])
        .run();
    assert!(done.fails(8).contains("check this machine's clock"));
}

#[test]
fn a_name_of_ones_own_gets_the_token_of_the_registry_behind_it() {
    let azure = Azure::start();
    let login = Program::ours(PLUGIN)
        .envs(azure.machine(&[]))
        .args(["token", "registry.example.com", "--output=json"])
        .args(["--login=identity-token"])
        .arg(format!("--also-serve=registry.example.com={LOGIN_SERVER}"))
        .run()
        .json();
    azure.assert_owner(&login["password"], "system");
    assert_eq!(login["username"], "<token>");
    let seen = azure.acr.server().seen();
    let services = seen.iter().flat_map(Seen::form);
    let services: Vec<_> = services.filter(|(name, _)| name == "service").collect();
    assert_eq!(services, [("service".to_owned(), LOGIN_SERVER.to_owned())]);
}
