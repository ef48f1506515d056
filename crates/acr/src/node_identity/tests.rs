use super::*;
use crate::testing::cloud;

const PRINCIPAL: [(&str, &str); 2] = [(vars::TENANT_ID, "t"), (vars::CLIENT_ID, "c")];

fn chosen(vars: &[(&str, &str)], json: Option<&AzureJson>) -> Result<String, ProviderError> {
    let identity = choose(&cloud(vars), json)?;
    let text = format!("{identity:?}");
    Ok(text.split(['(', ' ']).next().unwrap_or_default().to_owned())
}

fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    PRINCIPAL.into_iter().chain(more.iter().copied()).collect()
}

fn file() -> AzureJson {
    AzureJson {
        tenant_id: Some("ft".to_owned()),
        client_id: Some("fc".to_owned()),
        client_secret: Some("fs".into()),
        ..AzureJson::default()
    }
}

#[test]
fn variables_decide() {
    let secret = (vars::CLIENT_SECRET, "s");
    let certificate = (vars::CERTIFICATE_PATH, "/c.pem");
    let token = (vars::FEDERATED_TOKEN_FILE, "/token");
    let managed = (vars::MANAGED_IDENTITY, "m");
    for (vars, expected) in [
        (with(&[secret, certificate, token, managed]), "Secret"),
        (with(&[certificate, token, managed]), "Certificate"),
        (with(&[token, managed]), "Workload"),
        (with(&[(vars::FEDERATED_TOKEN, "t"), managed]), "Workload"),
        (with(&[managed]), "Managed"),
        (with(&[]), "Managed"),
        (vec![(vars::TENANT_ID, "t")], "Ambient"),
        (with(&[secret, (vars::IDENTITY, "MANAGED")]), "Managed"),
        (with(&[secret, (vars::IDENTITY, "cli")]), "Cli"),
        (
            with(&[secret, certificate, (vars::IDENTITY, "certificate")]),
            "Certificate",
        ),
        (
            with(&[secret, token, (vars::IDENTITY, "workload")]),
            "Workload",
        ),
    ] {
        assert_eq!(chosen(&vars, None).expect("chosen"), expected, "{vars:?}");
        if !["Ambient", "Managed"].contains(&expected) {
            let file = chosen(&vars, Some(&file())).expect("chosen");
            assert_eq!(file, expected, "variables win over azure.json: {vars:?}");
        }
    }
}

#[test]
fn azure_json_decides_in_the_cloud_providers_order() {
    let federated = AzureJson {
        federated_token_file: Some("/token".to_owned()),
        use_managed_identity: true,
        ..file()
    };
    let managed = AzureJson {
        federated_token_file: None,
        user_assigned_identity: Some("u".to_owned()),
        ..federated.clone()
    };
    let msi = AzureJson {
        client_secret: Some("msi".into()),
        certificate_path: Some("/c.pfx".to_owned()),
        ..file()
    };
    let webhook = AzureJson {
        use_workload_identity: true,
        ..file()
    };
    for (json, expected) in [
        (&federated, "Workload"),
        (&webhook, "Workload"),
        (&managed, "Managed"),
        (&file(), "Secret"),
        (&msi, "Certificate"),
    ] {
        assert_eq!(chosen(&[], Some(json)).expect("chosen"), expected);
    }
    let identity = choose(&cloud(&[]), Some(&managed)).expect("managed");
    assert!(matches!(identity, Identity::Managed(ManagedId::Client(id)) if id == "u"));
    let error = chosen(&[], Some(&AzureJson::default())).expect_err("no identity");
    assert!(error.to_string().contains("names no identity"), "{error}");
}

#[test]
fn variables_replace_the_parts_of_azure_json() {
    let identity = choose(&cloud(&[(vars::TENANT_ID, "named")]), Some(&file()));
    let Ok(Identity::Secret(application, _)) = identity else {
        panic!("not the secret");
    };
    assert_eq!(
        (application.tenant.as_str(), application.client_id.as_str()),
        ("named", "fc")
    );
}

#[test]
fn an_identity_that_is_asked_for_and_incomplete_is_an_error() {
    for vars in [
        vec![(vars::CLIENT_SECRET, "s")],
        vec![(vars::CLIENT_SECRET, "s"), (vars::CLIENT_ID, "c")],
        vec![(vars::CLIENT_SECRET_FILE, "/nonexistent")],
        vec![
            (vars::FEDERATED_TOKEN_FILE, "/token"),
            (vars::CLIENT_ID, "c"),
        ],
        with(&[(vars::IDENTITY, "secret")]),
        with(&[(vars::IDENTITY, "certificate")]),
        with(&[(vars::IDENTITY, "workload")]),
        vec![
            (vars::CLIENT_SECRET, "s"),
            (vars::CLIENT_ID, "c"),
            (vars::TENANT_ID, "a/b"),
        ],
    ] {
        let error = chosen(&vars, None).expect_err("incomplete");
        let kind = regcred_core::ErrorKind::NotConfigured;
        assert_eq!(error.kind(), kind, "{vars:?}");
    }
}
