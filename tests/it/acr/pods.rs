//! A pod's own identity, by its token and by AKS identity bindings; never the node's in its place.

use regcred_tests::acr::{
    BINDINGS_AUDIENCE, CLIENT_SECRET, FEDERATION_AUDIENCE, LOGIN_SERVER, SECRET_CLIENT, TENANT,
    WORKLOAD_CLIENT, service_account_token,
};
use regcred_tests::{Program, TlsFront};
use serde_json::{Value, json};

use super::{Azure, PLUGIN, request};

#[test]
fn a_pods_token_is_its_own_identity_or_an_error_and_never_the_nodes() {
    let azure = Azure::start();
    let node = azure.machine(&[
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_CLIENT_ID", SECRET_CLIENT),
        ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
    ]);
    let ask = |token: String, annotations: Value| {
        let pod = json!({"serviceAccountToken": token, "serviceAccountAnnotations": annotations});
        let request = request(&format!("{LOGIN_SERVER}/team/app"), pod);
        Program::ours(PLUGIN)
            .envs(node.clone())
            .stdin(request)
            .run()
    };
    let good = || service_account_token(FEDERATION_AUDIENCE, 3000);
    let annotations = |client: &str, tenant: &str| {
        json!({
            "kubernetes.azure.com/acr-client-id": client,
            "kubernetes.azure.com/acr-tenant-id": tenant,
        })
    };
    let answer = ask(good(), annotations(WORKLOAD_CLIENT, TENANT)).json();
    azure.assert_owner(&answer["auth"][LOGIN_SERVER]["password"], "workload");

    let before = azure.acr.exchanges();
    let forged = |token: String| format!("{}AAAA", &token[..token.len() - 4]);
    for (token, annotations, code, word) in [
        (
            good(),
            annotations(WORKLOAD_CLIENT, "other-tenant"),
            6,
            "AADSTS90002",
        ),
        (
            good(),
            annotations(SECRET_CLIENT, TENANT),
            6,
            "AADSTS7000215",
        ),
        (good(), annotations("no-client", TENANT), 6, "AADSTS700016"),
        (
            forged(good()),
            annotations(WORKLOAD_CLIENT, TENANT),
            6,
            "AADSTS50013",
        ),
        (
            service_account_token("api://other", 3000),
            annotations(WORKLOAD_CLIENT, TENANT),
            6,
            "names the token's audience",
        ),
        (
            service_account_token(FEDERATION_AUDIENCE, -10),
            annotations(WORKLOAD_CLIENT, TENANT),
            6,
            "AADSTS700024",
        ),
        (
            good(),
            json!({"example.com/x": "y"}),
            5,
            "kubernetes.azure.com/acr-client-id",
        ),
        (
            good(),
            annotations(" ", TENANT),
            5,
            "kubernetes.azure.com/acr-client-id",
        ),
        (
            good(),
            annotations("a/../b", TENANT),
            4,
            "not an identifier",
        ),
    ] {
        let done = ask(token, annotations);
        let said = done.fails(code);
        assert!(said.contains(word), "{word}: {said}");
        assert!(!said.contains(CLIENT_SECRET), "{said}");
    }
    assert_eq!(
        azure.acr.exchanges(),
        before,
        "nothing reached the registry"
    );

    // Where no pod's token came, the switch refuses the node's identity.
    let request = request(&format!("{LOGIN_SERVER}/team/app"), json!({}));
    let strict = Program::ours(PLUGIN)
        .envs(node.clone())
        .arg("--require-pod-identity")
        .stdin(request)
        .run();
    strict.fails(5);
}

#[test]
fn identity_bindings_trade_the_pods_token_at_the_api_server() {
    let azure = Azure::start();
    let front = TlsFront::start(&["ib.cluster.test"], azure.entra.server().address());
    let apiserver = front.address().to_string();
    let ca = front.ca_file();
    let ask = |audience: &str, args: &[&str], annotations: Value| {
        let pod = json!({
            "serviceAccountToken": service_account_token(audience, 3000),
            "serviceAccountAnnotations": annotations,
        });
        let flags = [
            "--ib-sni-name=ib.cluster.test",
            "--ib-apiserver-ip",
            &apiserver,
        ];
        Program::ours(PLUGIN)
            .args(flags)
            .args(args)
            .envs(azure.machine(&[]))
            .env("REGCRED_ACR_IB_CA_FILE", &ca)
            // Bindings are never behind a proxy.
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .stdin(request(&format!("{LOGIN_SERVER}/team/app"), pod))
            .run()
    };
    let default = format!("--ib-default-client-id={WORKLOAD_CLIENT}");
    let annotated = json!({"kubernetes.azure.com/acr-client-id": WORKLOAD_CLIENT});
    for (args, annotations) in [
        (vec![default.as_str()], json!({})),
        (vec![], annotated.clone()),
    ] {
        let answer = ask(BINDINGS_AUDIENCE, &args, annotations).json();
        azure.assert_owner(&answer["auth"][LOGIN_SERVER]["password"], "bound");
    }
    ask(BINDINGS_AUDIENCE, &[], json!({})).fails(5);
    ask("api://other", &[], annotated).fails(6);
    let without_token = Program::ours(PLUGIN)
        .args([
            "--ib-sni-name=ib.cluster.test",
            "--ib-apiserver-ip",
            &apiserver,
        ])
        .envs(azure.machine(&[]))
        .stdin(request(&format!("{LOGIN_SERVER}/team/app"), json!({})))
        .run();
    without_token.fails(5);
    let half = Program::ours(PLUGIN)
        .args(["--ib-default-client-id", "x"])
        .stdin(request(&format!("{LOGIN_SERVER}/team/app"), json!({})))
        .run();
    half.fails(4);
}
