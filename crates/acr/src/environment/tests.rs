use regcred_http_testing::Reply;
use serde_json::json;

use super::*;
use crate::testing::{cloud, fake};

async fn resolved(
    vars: &[(&str, &str)],
    json: AzureJson,
    host: &str,
) -> Result<AzureEnvironment, ProviderError> {
    let cloud = cloud(vars);
    let path = cloud.settings.environment_file.as_deref();
    let file = path.map(EnvironmentFile::read).transpose()?;
    AzureEnvironment::resolve(&cloud, &json, file.as_ref(), host).await
}

fn named(cloud: &str) -> AzureJson {
    AzureJson {
        cloud: Some(cloud.to_owned()),
        ..AzureJson::default()
    }
}

#[tokio::test]
async fn the_name_decides_and_else_the_registry() {
    for (json, host, authority, suffix) in [
        (
            named("AzurePublicCloud"),
            "x.azurecr.io",
            "login.microsoftonline.com",
            Some(".azurecr.io"),
        ),
        (
            named("azurechinacloud"),
            "x.azurecr.cn",
            "login.chinacloudapi.cn",
            Some(".azurecr.cn"),
        ),
        (
            named("AZUREUSGOVERNMENT"),
            "x.azurecr.us",
            "login.microsoftonline.us",
            Some(".azurecr.us"),
        ),
        (
            named("Nowhere"),
            "x.azurecr.io",
            "login.microsoftonline.com",
            None,
        ),
        (
            AzureJson::default(),
            "x.azurecr.cn",
            "login.chinacloudapi.cn",
            None,
        ),
        (
            AzureJson::default(),
            "x.e.geo.azurecr.us",
            "login.microsoftonline.us",
            None,
        ),
        (
            AzureJson::default(),
            "registry.corp",
            "login.microsoftonline.com",
            None,
        ),
    ] {
        let cloud = resolved(&[], json, host).await.expect(host);
        assert_eq!(cloud.authority, format!("https://{authority}"), "{host}");
        assert_eq!(cloud.suffix.as_deref(), suffix, "{host}");
    }
    let china = [(vars::CLOUD, "AzureChinaCloud")];
    let cloud = resolved(&china, named("AzurePublicCloud"), "x.azurecr.cn").await;
    assert_eq!(
        cloud.expect("china").arm,
        "https://management.chinacloudapi.cn"
    );
    assert!(resolved(&[], named("AzureStackCloud"), "x").await.is_err());
}

#[tokio::test]
async fn an_option_with_an_unknown_cloud_is_an_error_that_lists_the_clouds() {
    let of = |name| [(vars::CLOUD, name)];
    let host = "x.azurecr.io";
    let json = || named("AzurePublicCloud");
    let error = resolved(&of("nope"), json(), host)
        .await
        .expect_err("unknown");
    let shown = error.to_string();
    for known in [
        "AzureCloud",
        "AzureChinaCloud",
        "AzureUSGovernmentCloud",
        vars::CLOUD,
    ] {
        assert!(shown.contains(known), "{shown}");
    }
    for known in ["azurecloud", "AzureUSGovernment", "AZURECHINACLOUD"] {
        assert!(resolved(&of(known), json(), host).await.is_ok(), "{known}");
    }
}

#[tokio::test]
async fn an_authority_brings_its_cloud_or_only_itself() {
    let of = |authority| [(vars::AUTHORITY_HOST, authority)];
    let china = of("https://login.chinacloudapi.cn/");
    let cloud = resolved(&china, AzureJson::default(), "registry.corp");
    let cloud = cloud.await.expect("known");
    assert_eq!(cloud.arm, "https://management.chinacloudapi.cn");
    let corp = of("https://login.corp");
    let cloud = resolved(&corp, named("AzureChinaCloud"), "x.azurecr.cn");
    let cloud = cloud.await.expect("custom");
    assert_eq!(
        (cloud.authority.as_str(), cloud.arm.as_str()),
        ("https://login.corp", "https://management.chinacloudapi.cn")
    );
}

#[tokio::test]
async fn a_file_describes_a_custom_cloud() {
    let dir = tempfile::tempdir().expect("directory");
    let file = dir.path().join("environment.json");
    let shown = file.to_str().expect("path").to_owned();
    let env = [(vars::ENVIRONMENT_FILE, shown.as_str())];
    let text = json!({
        "name": "AzureStackCloud", "activeDirectoryEndpoint": "https://login.corp/",
        "resourceManagerEndpoint": "https://management.corp/", "tokenAudience": "https://arm.corp/x",
        "containerRegistryDNSSuffix": "azurecr.corp",
    });
    std::fs::write(&file, format!("\u{feff}{text}")).expect("write");
    let cloud = resolved(&env, named("AzureStackCloud"), "x")
        .await
        .expect("described");
    let expected = AzureEnvironment {
        authority: "https://login.corp".to_owned(),
        arm: "https://arm.corp/x".to_owned(),
        suffix: Some(".azurecr.corp".to_owned()),
    };
    assert_eq!(cloud, expected);
    for text in [
        "canary",
        "{}",
        r#"{"activeDirectoryEndpoint":"http://login.corp"}"#,
    ] {
        std::fs::write(&file, text).expect("write");
        let error = resolved(&env, named("AzureStackCloud"), "x")
            .await
            .expect_err(text);
        assert!(!regcred_core::report(&error).contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn the_resource_manager_describes_a_custom_cloud() {
    let item = |name: &str, suffix: &str| {
        json!({
            "name": name, "suffixes": {"acrLoginServer": suffix},
            "authentication": {
                "loginEndpoint": format!("https://login.{name}/"), "audiences": ["https://arm/"],
            },
        })
    };
    let described = json!([
        item("first", "azurecr.first"),
        item("second", ".azurecr.second"),
        {"name": "half", "suffixes": {"acrLoginServer": "azurecr.half"}},
    ]);
    let server = fake(Reply::json(200, &described)).await;
    for (name, suffix) in [
        (None, Some(".azurecr.first")),
        (Some("Second"), Some(".azurecr.second")),
        (Some("third"), None),
        (Some("half"), None),
    ] {
        let json = AzureJson {
            cloud: name.map(str::to_owned),
            resource_manager: Some(server.url("/")),
            ..AzureJson::default()
        };
        let cloud = resolved(&[], json, "x").await.ok();
        assert_eq!(cloud.and_then(|c| c.suffix).as_deref(), suffix, "{name:?}");
    }
    let lines: Vec<_> = server.seen().iter().map(|seen| seen.line()).collect();
    assert_eq!(lines, ["GET /metadata/endpoints?api-version=2019-05-01"; 4]);
}

#[tokio::test]
async fn a_public_resource_manager_is_known_without_asking() {
    let json = AzureJson {
        resource_manager: Some("https://management.usgovcloudapi.net/".to_owned()),
        ..AzureJson::default()
    };
    let cloud = resolved(&[], json, "x").await.expect("known");
    assert_eq!(cloud.suffix.as_deref(), Some(".azurecr.us"));
}
