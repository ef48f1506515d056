//! Every identity, from its settings to the registry login, against a fake region that verifies
//! what it receives; and how each step fails.

mod failures;
mod sessions;

use chrono::TimeDelta;
use regcred_core::{
    CacheScope, Clock, CredentialRequest, Env, ErrorKind, Issued, Provider as _, ProviderError,
    report,
};
use regcred_ocir::Ocir;
use regcred_tests::FakeOci;
use regcred_tests::ocir::{Mood, service_account_token};
use secrecy::ExposeSecret as _;

type Vars<'a> = &'a [(&'a str, &'a str)];

fn request() -> CredentialRequest {
    CredentialRequest::new(IMAGE).expect("a request")
}

fn provider(env: impl IntoIterator<Item = (String, String)>) -> Ocir {
    Ocir::new(&Env::map(env), &Clock::system()).expect("valid settings")
}

async fn ask(oci: &FakeOci, vars: Vars<'_>) -> Result<Issued, ProviderError> {
    provider(oci.env_with(vars)).credentials(&request()).await
}

/// Whose token was issued.
#[track_caller]
fn owner(oci: &FakeOci, issued: &Issued) -> String {
    let [(key, login)] = &issued.auth[..] else {
        panic!("{} logins", issued.auth.len());
    };
    assert_eq!(
        (key.as_str(), login.username.as_str()),
        ("phx.ocir.io", "BEARER_TOKEN")
    );
    assert_eq!(issued.scope, CacheScope::Registry);
    let token = login.password.expose_secret();
    oci.owner(token).expect("a token that was issued")
}

#[tokio::test]
async fn every_identity_gets_a_token_of_its_own() {
    let oci = FakeOci::start();
    let pem = std::fs::read_to_string(oci.file("resource.pem")).expect("a file");
    let session = std::fs::read_to_string(oci.file("resource.token")).expect("a file");
    let user_key = std::fs::read_to_string(oci.file("user.pem")).expect("a file");
    let endpoints = [
        ("OCI_RESOURCE_PRINCIPAL_RPT_ENDPOINT", "{services}"),
        ("OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT", "{services}"),
        ("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM", "{home}/resource.pem"),
        (
            "OCI_RESOURCE_PRINCIPAL_RESOURCE_ID",
            "ocid1.thing.oc1..aaaaaaaathing",
        ),
        (
            "OCI_RESOURCE_PRINCIPAL_TENANCY_ID",
            regcred_tests::ocir::TENANCY,
        ),
        ("OCI_RESOURCE_PRINCIPAL_SECURITY_CONTEXT", "a-context"),
    ];
    let version = |version| {
        [
            &endpoints[..],
            &[("OCI_RESOURCE_PRINCIPAL_VERSION", version)],
        ]
        .concat()
    };
    let (v21, v211, v212) = (version("2.1"), version("2.1.1"), version("2.1.2"));
    for (who, vars) in [
        ("instance", &[][..] as Vars<'_>),
        ("instance", &[("OCIR_AUTH_METHOD", "INSTANCE_PRINCIPAL")]),
        ("user", &[("OCIR_AUTH_METHOD", "USER_PRINCIPAL")]),
        ("user", &[("OCI_CLI_AUTH", "api_key")]),
        ("user", &[("OCI_CLI_PROFILE", "locked")]),
        ("user", &[("OCI_CLI_CONFIG_FILE", "{home}/config")]),
        (
            "user",
            &[
                ("OCI_CLI_USER", regcred_tests::ocir::USER),
                ("OCI_CLI_TENANCY", regcred_tests::ocir::TENANCY),
                ("OCI_CLI_KEY_CONTENT", &user_key),
                ("HOME", "/nonexistent"),
            ],
        ),
        ("user by session", &[("OCI_CLI_PROFILE", "session")]),
        (
            "user by session",
            &[
                ("OCI_CLI_AUTH", "security_token"),
                ("OCI_CLI_SECURITY_TOKEN_FILE", "{home}/session.token"),
            ],
        ),
        ("instance for user", &[("OCI_CLI_PROFILE", "behalf")]),
        (
            "instance for user",
            &[
                ("OCI_CLI_AUTH", "instance_obo_user"),
                ("OCI_CLI_DELEGATION_TOKEN_FILE", "{home}/delegation.token"),
            ],
        ),
        (
            "resource",
            &[
                ("OCI_RESOURCE_PRINCIPAL_VERSION", "2.2"),
                ("OCI_RESOURCE_PRINCIPAL_RPST", "{home}/resource.token"),
                ("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM", "{home}/resource.pem"),
            ],
        ),
        (
            "resource",
            &[
                ("OCI_RESOURCE_PRINCIPAL_VERSION", "2.2"),
                ("OCI_RESOURCE_PRINCIPAL_RPST", &session),
                ("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM", &pem),
            ],
        ),
        (
            "resource",
            &[
                ("OCI_RESOURCE_PRINCIPAL_VERSION", "1.1"),
                ("OCI_RESOURCE_PRINCIPAL_RPT_ENDPOINT", "{services}/"),
            ],
        ),
        ("resource", &v21),
        ("resource", &v211),
        ("resource", &v212),
        ("parent", &nested("/parents/1")),
    ] {
        let issued = ask(&oci, vars)
            .await
            .unwrap_or_else(|e| panic!("{vars:?}: {}", report(&e)));
        assert_eq!(owner(&oci, &issued), who, "{vars:?}");
        let left = issued.expires_at.expect("an expiry") - Clock::system().now();
        assert!(
            (TimeDelta::minutes(59)..=TimeDelta::hours(1)).contains(&left),
            "{left}"
        );
    }
}

#[tokio::test]
async fn a_service_account_is_an_identity_of_its_own() {
    let oci = FakeOci::start();
    let mut env = oci.cluster_env();
    let mut pod = request();
    pod.service_account_token = Some(service_account_token("api", 600).into());
    // A user's variables and the node's metadata server change nothing.
    env.push(("OCI_CLI_PROFILE".to_owned(), "DEFAULT".to_owned()));
    let issued = provider(env.clone())
        .credentials(&pod)
        .await
        .expect("a token");
    assert_eq!(owner(&oci, &issued), "system:serviceaccount:shop:puller");

    let file = oci.file("sa.token").display().to_string();
    for (name, value) in [
        ("OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH", file),
        (
            "OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_STRING",
            service_account_token("api", 600),
        ),
    ] {
        let mut env = env.clone();
        env.push((
            "OCIR_AUTH_METHOD".to_owned(),
            "oke_workload_identity".to_owned(),
        ));
        env.push((name.to_owned(), value));
        let issued = provider(env).credentials(&request()).await.expect(name);
        assert_eq!(
            owner(&oci, &issued),
            "system:serviceaccount:shop:puller",
            "{name}"
        );
    }
    assert_eq!(oci.metadata().count("/"), 0, "the node was never asked");
}

#[tokio::test]
async fn a_token_of_another_cluster_is_exchanged_at_the_identity_domain() {
    let oci = FakeOci::start();
    let account = "system:serviceaccount:shop:puller";
    let mut pod = request();
    pod.service_account_token = Some(service_account_token("domain", 600).into());
    std::fs::write(
        oci.file("oidc"),
        service_account_token("domain", 600) + "\n",
    )
    .expect("a file");
    let client = [
        ("OCI_WORKLOAD_IDENTITY_DOMAIN_URL", "{services}/"),
        ("OCI_WORKLOAD_IDENTITY_CLIENT_ID", "a-client"),
        ("OCI_WORKLOAD_IDENTITY_CLIENT_SECRET", "a-client-secret"),
    ];
    let rpst = [
        ("OCI_WORKLOAD_IDENTITY_REQUESTED_TOKEN_TYPE", "rpst"),
        ("OCI_WORKLOAD_IDENTITY_RESOURCE_TYPE", "oidcworkload"),
        ("OCI_WORKLOAD_IDENTITY_RPST_EXP", "600"),
    ];
    let file = [("OCI_WORKLOAD_IDENTITY_TOKEN_PATH", "{home}/oidc")];
    for (kind, asked, vars) in [
        ("upst", &pod, client.to_vec()),
        ("rpst", &pod, [&client[..], &rpst].concat()),
        ("upst", &request(), [&client[..], &file].concat()),
    ] {
        let issued = provider(oci.env_with(&vars))
            .credentials(asked)
            .await
            .expect(kind);
        assert_eq!(owner(&oci, &issued), format!("{account} by {kind}"));
    }

    pod.service_account_token = Some(service_account_token("other", 600).into());
    let error = provider(oci.env_with(&client))
        .credentials(&pod)
        .await
        .expect_err("distrusted");
    let message = report(&error);
    assert!(
        message.contains("invalid_grant") && message.contains("its trust must name"),
        "{message}"
    );
    for (name, _) in &client[1..] {
        let vars: Vec<_> = client.iter().copied().filter(|(n, _)| n != name).collect();
        let error = provider(oci.env_with(&vars))
            .credentials(&pod)
            .await
            .expect_err(name);
        assert!(report(&error).contains(name), "{}", report(&error));
    }
    assert_eq!(oci.metadata().count("/"), 0, "the node was never asked");
}

#[tokio::test]
async fn an_auth_token_is_handed_on_as_it_is() {
    let oci = FakeOci::start();
    std::fs::write(oci.file("auth.token"), "s3cret;<>\n").expect("a file");
    for vars in [
        &[("REGCRED_OCIR_AUTH_TOKEN", "s3cret;<>")][..],
        &[("REGCRED_OCIR_AUTH_TOKEN_FILE", "{home}/auth.token")],
    ] {
        let vars = [vars, &[("REGCRED_OCIR_USERNAME", "axns/domain/me@corp")]].concat();
        let provider = provider(oci.env_with(&vars));
        let issued = provider.credentials(&request()).await.expect("a login");
        let (_, login) = &issued.auth[0];
        assert_eq!(login.username, "axns/domain/me@corp");
        assert_eq!(login.password.expose_secret(), "s3cret;<>");
        assert_eq!(
            provider
                .plan(&request())
                .ok()
                .and_then(|plan| plan.key().cloned()),
            None,
            "nothing to share"
        );
        assert!(issued.cache_for.is_some());
    }
    assert_eq!(oci.registry().count("/"), 0);
}

#[tokio::test]
async fn a_stray_configuration_file_never_changes_what_an_instance_does() {
    let oci = FakeOci::start();
    for config in [
        None,
        Some("[DEFAULT]\nuser=ocid1.user.oc1..stray\nauthentication_type=api_key\n"),
        Some("\u{0}not a configuration"),
    ] {
        if let Some(text) = config {
            std::fs::write(oci.file("config"), text).expect("a file");
        }
        for vars in [&[][..], &[("OCIR_AUTH_METHOD", "instance_principal")]] {
            let issued = ask(&oci, vars).await.expect("the instance");
            assert_eq!(owner(&oci, &issued), "instance", "{config:?}");
        }
    }
    // Nor when the metadata server is down.
    oci.set_mood(Mood::Gone);
    std::fs::write(oci.file("config"), "[DEFAULT]\n").expect("a file");
    let error = ask(&oci, &[]).await.expect_err("no identity");
    assert_ne!(error.kind(), ErrorKind::NotConfigured, "{}", report(&error));
}

#[tokio::test]
async fn the_earlier_plugins_configuration_file_is_read() {
    let oci = FakeOci::start();
    let text = "registryTokenPath: /20180419/docker/token\ndefaultUser: BEARER_TOKEN\n\
                registryProtocol: https\nocirAuthMethod: USER_PRINCIPAL\ntokenValidation: enabled\n";
    std::fs::write(oci.file("plugin.yaml"), text).expect("a file");
    let vars = [
        ("REGCRED_OCIR_PLUGIN_CONFIG", "{home}/plugin.yaml"),
        ("OCIR_AUTH_METHOD", "INSTANCE_PRINCIPAL"),
    ];
    let issued = ask(&oci, &vars).await.expect("a token");
    assert_eq!(owner(&oci, &issued), "user");
}

/// Version 3.0 with a leaf of version 2.2 and that first parent.
fn nested(parent: &'static str) -> [(&'static str, &'static str); 6] {
    let url = match parent {
        "/parents/1" => "{services}/parents/1",
        "/parents/circle" => "{services}/parents/circle",
        _ => "{services}/parents/away",
    };
    [
        ("OCI_RESOURCE_PRINCIPAL_VERSION", "3.0"),
        ("OCI_RESOURCE_PRINCIPAL_VERSION_FOR_LEAF_RESOURCE", "2.2"),
        (
            "OCI_RESOURCE_PRINCIPAL_RPST_FOR_LEAF_RESOURCE",
            "{home}/resource.token",
        ),
        (
            "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_FOR_LEAF_RESOURCE",
            "{home}/resource.pem",
        ),
        ("OCI_RESOURCE_PRINCIPAL_RPT_URL_FOR_PARENT_RESOURCE", url),
        (
            "OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT_FOR_PARENT_RESOURCE",
            "{services}",
        ),
    ]
}

const IMAGE: &str = "phx.ocir.io/axnamespace/team/app";
