//! Every identity, from its settings to the registry login, against strict fakes.

use regcred_acr::Acr;
use regcred_core::{
    CacheScope, Clock, CredentialRequest, Env, ErrorKind, Issued, Provider, ProviderError, report,
};
use regcred_tests::acr::{
    CERTIFICATE_CLIENT, CLIENT_SECRET, FEDERATION_AUDIENCE, FakeAzure, IDENTITY_CLIENT,
    IDENTITY_RESOURCE, LOGIN_SERVER, NULL_GUID, SECRET_CLIENT, TENANT, WORKLOAD_CLIENT,
    service_account_token,
};
use regcred_tests::logins::only_login;

/// The variables that lead to Entra ID and the registry, and these.
fn env_of(azure: &FakeAzure, vars: &[(&str, &str)]) -> Env {
    Env::map(azure.env(vars)).with([("AZURE_TENANT_ID", TENANT)])
}

/// The same on a virtual machine.
fn machine_of(azure: &FakeAzure, vars: &[(&str, &str)]) -> Env {
    env_of(azure, vars).with(azure.imds.env())
}

fn request(image: &str) -> CredentialRequest {
    CredentialRequest::new(image).expect("request")
}

async fn ask(env: &Env, request: &CredentialRequest) -> Result<Issued, ProviderError> {
    Acr::new(env, &Clock::system())?.credentials(request).await
}

fn testdata(name: &str) -> String {
    format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn each_identity_becomes_a_refresh_token_of_the_registry() {
    let azure = FakeAzure::start();
    let (pem, pfx) = (
        testdata("test-only-pkcs8.pem"),
        testdata("test-only-password.pfx"),
    );
    let federated = service_account_token(FEDERATION_AUDIENCE, 3000);
    let of = |client, proof: &[(&str, &str)]| {
        env_of(&azure, &[("AZURE_CLIENT_ID", client)]).with(proof.iter().copied())
    };
    let managed = |id| machine_of(&azure, &[("REGCRED_ACR_MANAGED_IDENTITY", id)]);
    for (owner, env) in [
        (
            "secret",
            of(SECRET_CLIENT, &[("AZURE_CLIENT_SECRET", CLIENT_SECRET)]),
        ),
        (
            "certificate",
            of(
                CERTIFICATE_CLIENT,
                &[("AZURE_CLIENT_CERTIFICATE_PATH", &pem)],
            ),
        ),
        (
            "certificate",
            of(
                CERTIFICATE_CLIENT,
                &[
                    ("AZURE_CLIENT_CERTIFICATE_PATH", &pfx),
                    ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "canary-pfx"),
                    ("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "true"),
                ],
            ),
        ),
        (
            "workload",
            of(WORKLOAD_CLIENT, &[("AZURE_FEDERATED_TOKEN", &federated)]),
        ),
        ("system", machine_of(&azure, &[])),
        ("system", managed("system")),
        ("user", managed(IDENTITY_CLIENT)),
        ("user", managed(IDENTITY_RESOURCE)),
        (
            "user",
            env_of(
                &azure,
                &[("REGCRED_ACR_MANAGED_IDENTITY", IDENTITY_RESOURCE)],
            )
            .with(azure.imds.app_service_env()),
        ),
    ] {
        let issued = ask(&env, &request(&format!("{LOGIN_SERVER}/team/app")))
            .await
            .expect(owner);
        let (key, username, password) = only_login(&issued);
        assert_eq!((key.as_str(), username.as_str()), (LOGIN_SERVER, NULL_GUID));
        assert_eq!(azure.acr.owner(&password).as_deref(), Some(owner));
        assert_eq!(issued.scope, CacheScope::Registry);
        let left = issued.expires_at.expect("known") - Clock::system().now();
        assert!((3600..=3 * 3600).contains(&left.num_seconds()), "{left}");
    }
}

#[tokio::test]
async fn the_kubelets_token_is_used_with_the_annotated_client_and_nothing_else() {
    let azure = FakeAzure::start();
    let node = machine_of(
        &azure,
        &[
            ("AZURE_CLIENT_ID", SECRET_CLIENT),
            ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
        ],
    );
    let token = service_account_token(FEDERATION_AUDIENCE, 3000);
    let mut asked = request(&format!("{LOGIN_SERVER}/team/app"));
    asked.service_account_token = Some(token.as_str().into());
    let annotation = "kubernetes.azure.com/acr-client-id".to_owned();
    asked
        .service_account_annotations
        .insert(annotation.clone(), WORKLOAD_CLIENT.to_owned());
    let issued = ask(&node, &asked).await.expect("pod");
    let owner = azure.acr.owner(&only_login(&issued).2);
    assert_eq!(owner.as_deref(), Some("workload"));

    asked
        .service_account_annotations
        .insert(annotation, SECRET_CLIENT.to_owned());
    let error = ask(&node, &asked).await.expect_err("never the node's");
    assert_eq!(error.kind(), ErrorKind::Denied);
    let text = report(&error);
    assert!(
        text.contains("AADSTS7000215") && text.contains(SECRET_CLIENT),
        "{text}"
    );
    assert!(!text.contains(&token), "{text}");
}

#[tokio::test]
async fn a_refusal_has_azures_code_and_advice_and_no_secret() {
    let azure = FakeAzure::start();
    let env = env_of(
        &azure,
        &[
            ("AZURE_CLIENT_ID", SECRET_CLIENT),
            ("AZURE_CLIENT_SECRET", "canary"),
        ],
    );
    let error = ask(&env, &request(LOGIN_SERVER))
        .await
        .expect_err("refused");
    let text = report(&error);
    assert!(
        text.contains("AADSTS7000215") && text.contains("configure its value, not its id"),
        "{text}"
    );
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(azure.entra.server().seen().len(), 1, "it is not repeated");
    assert_eq!(azure.acr.exchanges(), 0);
}

#[tokio::test]
async fn hosts_of_others_get_no_token_and_cause_no_request() {
    let azure = FakeAzure::start();
    for image in [
        "mcr.microsoft.com/a/b",
        "evil-azurecr.io/a/b",
        "contoso.azurecr.io.evil.test/a/b",
    ] {
        let error = ask(&machine_of(&azure, &[]), &request(image))
            .await
            .expect_err(image);
        assert_eq!(error.kind(), ErrorKind::NotServed);
    }
    assert!(azure.imds.server().seen().is_empty());
    assert!(azure.acr.server().seen().is_empty());
}
