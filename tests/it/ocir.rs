//! The OCIR plugin as a program: every principal through every face into a pull from a registry
//! that demands its token, many processes with one federation, and Oracle's own client for Python
//! as a second opinion on the fakes.

use std::path::Path;

use regcred_tests::cloud::Cloud as _;
use regcred_tests::oci_registry::Access;
use regcred_tests::ocir::{TENANCY, USER, service_account_token};
use regcred_tests::program::{Running, built};
use regcred_tests::{
    FakeOci, FakeRegistry, Image, Node, Program, assert_kept, plugin_request, python_with,
};
use serde_json::Value;

#[test]
fn every_principal_pulls_through_every_face() {
    let oci = FakeOci::start();
    let registry = FakeRegistry::start(Access::Bearer(oci.logins().clone()));
    registry.push(REPOSITORY, "v1", &Image::single(31, 1, 1_000));
    let resource = [
        ("OCI_RESOURCE_PRINCIPAL_RPT_ENDPOINT", "{services}"),
        ("OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT", "{services}"),
        ("OCI_RESOURCE_PRINCIPAL_RPST", "{home}/resource.token"),
        ("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM", "{home}/resource.pem"),
        (
            "OCI_RESOURCE_PRINCIPAL_RESOURCE_ID",
            "ocid1.thing.oc1..aaaaaaaathing",
        ),
        ("OCI_RESOURCE_PRINCIPAL_TENANCY_ID", TENANCY),
        ("OCI_RESOURCE_PRINCIPAL_SECURITY_CONTEXT", "a-context"),
        ("OCI_RESOURCE_PRINCIPAL_VERSION_FOR_LEAF_RESOURCE", "2.2"),
        (
            "OCI_RESOURCE_PRINCIPAL_RPST_FOR_LEAF_RESOURCE",
            "{home}/resource.token",
        ),
        (
            "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_FOR_LEAF_RESOURCE",
            "{home}/resource.pem",
        ),
        (
            "OCI_RESOURCE_PRINCIPAL_RPT_URL_FOR_PARENT_RESOURCE",
            "{services}/parents/1",
        ),
        (
            "OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT_FOR_PARENT_RESOURCE",
            "{services}",
        ),
    ];
    let version = |version| {
        let vars = [
            &resource[..],
            &[("OCI_RESOURCE_PRINCIPAL_VERSION", version)],
        ]
        .concat();
        oci.env_with(&vars)
    };
    let mut workload = oci.cluster_env();
    let token_file = oci.file("sa.token").display().to_string();
    workload.extend([
        (
            "OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH".to_owned(),
            token_file,
        ),
        (
            "OCI_CLI_AUTH".to_owned(),
            "oke_workload_identity".to_owned(),
        ),
    ]);
    std::fs::write(oci.file("oidc"), service_account_token("domain", 3000)).expect("a file");
    let exchange = [
        ("OCI_WORKLOAD_IDENTITY_DOMAIN_URL", "{services}"),
        ("OCI_WORKLOAD_IDENTITY_CLIENT_ID", "a-client"),
        ("OCI_WORKLOAD_IDENTITY_CLIENT_SECRET", "a-client-secret"),
        ("OCI_WORKLOAD_IDENTITY_TOKEN_PATH", "{home}/oidc"),
    ];
    let by_variables = [
        ("OCI_CLI_USER", USER),
        ("OCI_CLI_TENANCY", TENANCY),
        ("OCI_CLI_KEY_FILE", "{home}/user.pem"),
    ];
    for (who, env) in [
        ("instance", oci.env()),
        (
            "user",
            oci.env_with(&[("OCIR_AUTH_METHOD", "USER_PRINCIPAL")]),
        ),
        ("user", oci.env_with(&[("OCI_CLI_PROFILE", "locked")])),
        ("user", oci.env_with(&by_variables)),
        (
            "user by session",
            oci.env_with(&[("OCI_CLI_PROFILE", "session")]),
        ),
        (
            "instance for user",
            oci.env_with(&[("OCI_CLI_PROFILE", "behalf")]),
        ),
        ("resource", version("1.1")),
        ("resource", version("2.1")),
        ("resource", version("2.1.1")),
        ("resource", version("2.1.2")),
        ("resource", version("2.2")),
        ("parent", version("3.0")),
        (SERVICE_ACCOUNT, workload),
        (
            "system:serviceaccount:shop:puller by upst",
            oci.env_with(&exchange),
        ),
    ] {
        let is_theirs = |token: &str| assert_eq!(oci.owner(token).as_deref(), Some(who));
        let plugin = || Program::ours(PLUGIN).envs(env.clone());
        let docker = plugin()
            .args(["docker", "get"])
            .stdin("https://phx.ocir.io")
            .run();
        assert_eq!(docker.json()["Username"], "BEARER_TOKEN", "{who}");
        is_theirs(text(&docker.json()["Secret"]));
        is_theirs(
            plugin()
                .args(["token", "phx.ocir.io"])
                .run()
                .success()
                .trim(),
        );
        // Through the kubelet's face.
        pulls(&registry, &env);
    }
}

#[test]
fn an_auth_token_pulls_through_every_face() {
    let oci = FakeOci::start();
    let user = "axnamespace/oracleidentitycloudservice/me@corp.test";
    oci.logins().add(user, "a(uth>tok;en");
    let registry = FakeRegistry::start(Access::Bearer(oci.logins().clone()));
    registry.push(REPOSITORY, "v1", &Image::single(32, 1, 1_000));
    let env = oci.env_with(&[
        ("REGCRED_OCIR_USERNAME", user),
        ("REGCRED_OCIR_AUTH_TOKEN", "a(uth>tok;en"),
    ]);
    let plugin = || Program::ours(PLUGIN).envs(env.clone());
    let docker = plugin().args(["docker", "get"]).stdin("phx.ocir.io").run();
    assert_eq!(docker.json()["Username"], user);
    let token = plugin().args(["token", "phx.ocir.io"]).run();
    assert_eq!(token.success().trim(), "a(uth>tok;en");
    pulls(&registry, &env);
    assert_eq!(oci.registry().count("/"), 0, "no request was sent");
}

#[test]
fn a_pods_token_from_the_kubelet_pulls_as_the_service_account() {
    let oci = FakeOci::start();
    let registry = FakeRegistry::start(Access::Bearer(oci.logins().clone()));
    registry.push(REPOSITORY, "v1", &Image::single(33, 1, 1_000));
    let node = node(&registry, &oci.cluster_env());
    // The provider is the last in the file, so its further members go to the end.
    let config = std::fs::read_to_string(node.config()).expect("the node's configuration");
    let attributes = "    tokenAttributes:\n      serviceAccountTokenAudience: api\n      \
                      cacheType: ServiceAccount\n      requireServiceAccount: true\n";
    std::fs::write(node.config(), config + attributes).expect("a file");
    let pull = |token: &str| {
        let file = node.root().join("token");
        std::fs::write(&file, token).expect("a file");
        node.pull(&format!("phx.ocir.io/{REPOSITORY}:v1"))
            .arg("--service-account-token")
            .arg(file)
            .run()
    };
    let done = pull(&service_account_token("api", 3000));
    assert!(done.success().contains(REPOSITORY));
    let owners: Vec<_> = oci
        .logins()
        .passwords()
        .iter()
        .filter_map(|t| oci.owner(t))
        .collect();
    assert_eq!(owners, [SERVICE_ACCOUNT]);

    // A token that the cluster does not take is the end of it, whatever the node may do.
    std::fs::remove_dir_all(node.store()).expect("the store");
    let done = pull(&service_account_token("other", 3000));
    assert_ne!(done.code(), Some(0));
    assert!(done.stderr.contains("enhanced"), "{}", done.stderr);
    assert_eq!(
        oci.metadata().count("/"),
        0,
        "the node's identity was not asked for"
    );
}

#[test]
fn two_hundred_cold_processes_make_one_federation_and_one_token_call() {
    let oci = FakeOci::start();
    let directory = tempfile::tempdir().expect("a directory");
    let start = |number: usize| start(&oci, &directory.path().join("cache"), number);
    let cold: Vec<Running> = (0..200).map(start).collect();
    for running in cold {
        assert!(running.finish().json()["auth"]["phx.ocir.io"].is_object());
    }
    let calls = || (oci.services().count("/v1/x509"), oci.calls());
    assert_eq!(calls(), (1, 1), "cold");
    let warm: Vec<Running> = (200..400).map(start).collect();
    for running in warm {
        assert!(running.finish().json()["auth"]["phx.ocir.io"].is_object());
    }
    assert_eq!(calls(), (1, 1), "warm");
}

#[test]
fn a_token_that_opens_nothing_is_neither_kept_by_the_kubelet_nor_shared() {
    let oci = FakeOci::start();
    oci.set_authorised(false);
    let directory = tempfile::tempdir().expect("a directory");
    let cache = directory.path().join("cache");
    let ask = || start(&oci, &cache, 0).finish();
    for calls in [1, 2] {
        let done = ask();
        assert_eq!(done.json()["cacheDuration"], "0s");
        assert!(done.stderr.contains("read repos"), "{}", done.stderr);
        assert_eq!(oci.calls(), calls);
    }
    oci.set_authorised(true);
    assert_kept(&ask(), "54m0s");
    assert_eq!(
        ask().json()["auth"].as_object().map(serde_json::Map::len),
        Some(1)
    );
    assert_eq!(oci.calls(), 3, "the good one is shared");
}

#[test]
fn the_earlier_plugins_name_command_line_and_variables_keep_working() {
    let oci = FakeOci::start();
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("credential-provider-oke");
    std::os::unix::fs::symlink(built("regcred"), &link).expect("a link");
    let file = oci.file("plugin.yaml");
    std::fs::write(
        &file,
        "registryTokenPath: /20180419/docker/token\nocirAuthMethod: USER_PRINCIPAL\n",
    )
    .expect("a file");
    for (who, args, vars) in [
        ("instance", vec![], &[][..]),
        (
            "user",
            vec!["-config".to_owned(), file.display().to_string()],
            &[],
        ),
        (
            "instance",
            vec![],
            &[
                ("REGISTRY_TOKEN_PATH", "/20180419/docker/token"),
                ("DEFAULT_USER", "BEARER_TOKEN"),
                ("REGISTRY_PROTOCOL", "https"),
                ("OCIR_AUTH_METHOD", "INSTANCE_PRINCIPAL"),
                ("TOKEN_VALIDATION", "enabled"),
            ],
        ),
    ] {
        let answer = Program::new(&link)
            .args(&args)
            .envs(oci.env_with(vars))
            .stdin(request("team/app"))
            .run();
        let login = &answer.json()["auth"]["phx.ocir.io"];
        assert_eq!(login["username"], "BEARER_TOKEN");
        assert_eq!(
            oci.owner(text(&login["password"])).as_deref(),
            Some(who),
            "{args:?}"
        );
    }
}

/// What Oracle's client signs, the fakes accept; so what they accept of ours, Oracle's would.
#[test]
fn oracles_own_client_gets_on_with_the_fakes() {
    let Some(python) = python_with("oci") else {
        return;
    };
    let oci = FakeOci::start();
    let program = "\
import sys, json, oci
from oci._vendor import requests
federation, registry, config, region = sys.argv[1:]
def token(signer):
    answer = requests.get(registry + '/20180419/docker/token', auth=signer)
    answer.raise_for_status()
    print(answer.json()['token'])
token(oci.auth.signers.InstancePrincipalsSecurityTokenSigner(federation_endpoint=federation))
user = oci.config.from_file(config)
token(oci.signer.Signer.from_config(user))
token(oci.auth.signers.get_resource_principals_signer())
";
    let services = oci.services().url();
    let said = Program::new(python)
        .args([
            "-c",
            program,
            &format!("{services}/v1/x509"),
            &oci.registry().url(),
        ])
        .arg(oci.file("config"))
        .arg("us-phoenix-1")
        .envs(oci.env_with(&[
            ("OCI_RESOURCE_PRINCIPAL_VERSION", "2.1.1"),
            ("OCI_RESOURCE_PRINCIPAL_RPT_ENDPOINT", "{services}"),
            ("OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT", "{services}"),
            ("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM", "{home}/resource.pem"),
            (
                "OCI_RESOURCE_PRINCIPAL_RESOURCE_ID",
                "ocid1.thing.oc1..aaaaaaaathing",
            ),
            ("OCI_RESOURCE_PRINCIPAL_TENANCY_ID", TENANCY),
        ]))
        .run();
    let owners: Vec<_> = said
        .success()
        .lines()
        .map(|token| oci.owner(token).expect("issued by the fake"))
        .collect();
    assert_eq!(owners, ["instance", "user", "resource"]);
}

/// Through the kubelet's face: the registry takes the login that the plugin gives and no other.
fn pulls(registry: &FakeRegistry, env: &[(String, String)]) {
    let pulled = node(registry, env)
        .pull(&format!("phx.ocir.io/{REPOSITORY}:v1"))
        .run();
    assert!(pulled.success().contains(REPOSITORY));
}

fn node(registry: &FakeRegistry, env: &[(String, String)]) -> Node {
    let mut node = Node::new();
    node.add_plugin(PLUGIN, &["*.ocir.io"], env);
    node.map_host("phx.ocir.io", &registry.server().url());
    node
}

fn start(oci: &FakeOci, cache: &Path, number: usize) -> Running {
    Program::ours(PLUGIN)
        .envs(oci.env())
        .env("REGCRED_CACHE", cache)
        .stdin(request(&format!("team/app{number}")))
        .start()
}

fn request(repository: &str) -> String {
    plugin_request(&format!("phx.ocir.io/axnamespace/{repository}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

const PLUGIN: &str = "ocir-credential-provider";
const REPOSITORY: &str = "axnamespace/team/app";
const SERVICE_ACCOUNT: &str = "system:serviceaccount:shop:puller";
