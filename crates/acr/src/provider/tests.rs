use regcred_core::ErrorKind;
use regcred_http_testing::{Fake, Reply, bind};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::*;
use crate::testing::{of_pod, request};

const PRINCIPAL: [(&str, &str); 3] = [
    (vars::TENANT_ID, "t"),
    (vars::CLIENT_ID, "c"),
    (vars::CLIENT_SECRET, "canary"),
];

fn provider(vars: &[(&str, &str)]) -> Acr {
    Acr::new(&Env::map(vars.iter().copied()), &Clock::system()).expect("a provider")
}

fn serves(acr: &Acr, host: &str) -> bool {
    acr.serves(&RegistryHost::parse(host).expect("a host"))
}

fn key(vars: &[(&str, &str)], request: &CredentialRequest) -> Option<String> {
    let key = provider(vars)
        .plan(request)
        .ok()
        .and_then(|plan| plan.key().cloned())?;
    Some(key.as_str().to_owned())
}

#[test]
fn custom_clouds_are_served_by_their_description() {
    let dir = tempfile::tempdir().expect("directory");
    let file = dir.path().join("environment.json");
    let shown = file.to_str().expect("path").to_owned();
    let text = json!({"containerRegistryDNSSuffix": "azurecr.corp"});
    std::fs::write(&file, text.to_string()).expect("write");
    let acr = provider(&[(vars::ENVIRONMENT_FILE, &shown)]);
    assert!(serves(&acr, "contoso.azurecr.corp") && serves(&acr, "contoso.azurecr.io"));
    assert!(!serves(&acr, "contoso.azurecr.other") && !serves(&acr, "x.azurecr.corp.evil.test"));
    assert!(acr.match_images().contains(&"*.azurecr.corp".to_owned()));

    let acr = provider(&[(vars::SUFFIX, "azurecr.contoso.local")]);
    assert!(serves(&acr, "x.azurecr.contoso.local"));
    assert!(!serves(&acr, "evilazurecr.contoso.local"));
}

#[tokio::test]
async fn a_cloud_that_must_be_asked_for_its_suffix_serves_no_foreign_host() {
    let listener = bind().await;
    let own = format!("http://{}", listener.local_addr().expect("an address"));
    let described = json!([{
        "name": "corp", "suffixes": {"acrLoginServer": "azurecr.corp"},
        "authentication": {"loginEndpoint": own, "audiences": ["https://arm"]},
    }]);
    let server = Fake::on(listener, None, move |_| Reply::json(200, &described));
    let dir = tempfile::tempdir().expect("directory");
    let file = dir.path().join("azure.json");
    let text = json!({
        "resourceManagerEndpoint": server.url(""), "tenantId": "t", "aadClientId": "c",
        "aadClientSecret": "s",
    });
    std::fs::write(&file, text.to_string()).expect("write");
    let acr = provider(&[(vars::AZURE_JSON, file.to_str().expect("path"))]);
    assert!(
        serves(&acr, "contoso.azurecr.evil.test"),
        "until the cloud is asked"
    );
    let error = acr
        .credentials(&request("contoso.azurecr.evil.test/app"))
        .await;
    assert_eq!(error.expect_err("foreign").kind(), ErrorKind::NotServed);
    assert_eq!(
        server.seen().len(),
        1,
        "the description, and no token request"
    );
    assert!(!serves(&acr, "docker.io"));
}

#[tokio::test]
async fn a_registry_of_another_cloud_than_the_configured_one_is_refused() {
    let mut vars = PRINCIPAL.to_vec();
    vars.push((vars::CLOUD, "AzureChinaCloud"));
    let error = provider(&vars)
        .credentials(&request("contoso.azurecr.io/app"))
        .await;
    let error = error.expect_err("another cloud");
    assert!(error.to_string().contains(".azurecr.cn"), "{error}");
}

#[tokio::test]
async fn the_old_login_passes_the_secret_on_and_is_never_cached() {
    let mut vars = PRINCIPAL.to_vec();
    vars.push((vars::LOGIN, "secret"));
    let acr = provider(&vars);
    let asked = request("Contoso.azurecr.io/app");
    let issued = acr.credentials(&asked).await.expect("a login");
    let [(key, login)] = &issued.auth[..] else {
        panic!("not one login");
    };
    assert_eq!(
        (key.as_str(), login.username.as_str()),
        ("Contoso.azurecr.io", "c")
    );
    assert_eq!(login.password.expose_secret(), "canary");
    assert_eq!(issued.expires_at, None);
    assert!(
        acr.plan(&asked)
            .ok()
            .and_then(|plan| plan.key().cloned())
            .is_none()
    );
    let mut vars = vars[..2].to_vec();
    vars.push((vars::LOGIN, "secret"));
    let error = provider(&vars)
        .credentials(&asked)
        .await
        .expect_err("no secret");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
}

#[test]
fn the_key_is_stable_and_has_all_that_decides() {
    let asked = request("contoso.azurecr.io/app");
    let first = key(&PRINCIPAL, &asked).expect("a key");
    assert_eq!(
        key(&PRINCIPAL, &request("contoso.azurecr.io/other:v1")),
        Some(first.clone())
    );
    assert!(!first.contains("canary"), "{first}");
    let other = |more: (&'static str, &'static str)| {
        let mut vars = PRINCIPAL.to_vec();
        vars.push(more);
        key(&vars, &asked)
    };
    let keys = [
        Some(first),
        key(&PRINCIPAL, &request("fabrikam.azurecr.io/app")),
        other((vars::AUDIENCE, "https://arm")),
        other((vars::LOGIN, "identity-token")),
        other((vars::AUTHORITY_HOST, "https://login.corp")),
        other((vars::ENDPOINT, "https://private.corp")),
        other((vars::CLOUD, "AzureCloud")),
        key(&PRINCIPAL[..2], &asked),
        key(&[], &asked),
        key(
            &PRINCIPAL,
            &of_pod(
                "contoso.azurecr.io/app",
                &[("kubernetes.azure.com/acr-client-id", "c")],
            ),
        ),
    ];
    let all: std::collections::BTreeSet<_> =
        keys.iter().map(|k| k.clone().expect("a key")).collect();
    assert_eq!(all.len(), keys.len());
}

#[test]
fn a_static_login_has_no_key() {
    let vars = [(vars::USERNAME, "contoso"), (vars::PASSWORD, "canary")];
    assert!(key(&vars, &request("contoso.azurecr.io/app")).is_none());
}

#[tokio::test]
async fn a_mirror_serves_its_images_only() {
    let acr = provider(&[(
        vars::REGISTRY_MIRROR,
        "mcr.microsoft.com/oss:contoso.azurecr.io",
    )]);
    assert!(serves(&acr, "mcr.microsoft.com"));
    assert!(
        acr.match_images()
            .contains(&"mcr.microsoft.com/oss".to_owned())
    );
    let error = acr.credentials(&request("mcr.microsoft.com/other/x")).await;
    assert_eq!(
        error.expect_err("not mirrored").kind(),
        ErrorKind::NotServed
    );
}
