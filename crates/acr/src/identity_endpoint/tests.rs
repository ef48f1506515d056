use regcred_core::ErrorKind;
use regcred_http_testing::{Fake, Reply};
use serde_json::json;

use super::*;
use crate::audience::REGISTRIES;
use crate::settings::Settings;
use crate::testing::{cloud_with, fake, only_get};

async fn asked(
    vars: &[(&str, &str)],
    id: &ManagedId,
    change: impl FnOnce(&mut Settings),
) -> Result<String, ProviderError> {
    let cloud = cloud_with(vars, change);
    let request = TokenRequest {
        cloud: &cloud,
        authority: "",
        audience: REGISTRIES,
        identity: "",
    };
    let endpoint = IdentityEndpoint::find(&cloud).expect("an endpoint");
    let token = endpoint.token(&request, id).await;
    let token = token.map_err(|failed| failed.error)?;
    Ok(token.expose_secret().to_owned())
}

fn issued() -> Reply {
    let body = json!({"access_token": "t", "expires_on": "1700000000", "resource": REGISTRIES});
    Reply::json(200, &body)
}

#[tokio::test]
async fn app_service_is_shown_its_header() {
    for (word, value) in [
        ("client_id", "c"),
        ("object_id", "o"),
        ("mi_res_id", "/subscriptions/r"),
    ] {
        let server = fake(issued()).await;
        let url = server.url("/msi/token");
        let env = [
            (vars::IDENTITY_ENDPOINT, url.as_str()),
            (vars::IDENTITY_HEADER, "canary"),
        ];
        let id = match word {
            "object_id" => ManagedId::Object(value.to_owned()),
            _ => ManagedId::named(value),
        };
        assert_eq!(asked(&env, &id, |_| ()).await.expect("a token"), "t");
        let version = ("api-version", "2019-08-01");
        let params = [version, ("resource", REGISTRIES), (word, value)];
        let seen = only_get(&server, "/msi/token", &params);
        assert_eq!(seen.header("x-identity-header"), Some("canary"));
    }
}

#[tokio::test]
async fn machine_learning_is_shown_its_secret() {
    for (word, id) in [
        ("clientid", ManagedId::named("c")),
        ("object_id", ManagedId::Object("c".to_owned())),
    ] {
        let server = fake(issued()).await;
        let url = server.url("/msi/token");
        let env = [
            (vars::MSI_ENDPOINT, url.as_str()),
            (vars::MSI_SECRET, "canary"),
        ];
        assert_eq!(asked(&env, &id, |_| ()).await.expect("a token"), "t");
        let version = ("api-version", "2017-09-01");
        let params = [version, ("resource", REGISTRIES), (word, "c")];
        let seen = only_get(&server, "/msi/token", &params);
        assert_eq!(seen.header("secret"), Some("canary"));
    }
}

#[tokio::test]
async fn cloud_shell_is_asked_by_a_form_and_has_one_identity() {
    let server = fake(issued()).await;
    let url = server.url("/oauth2/token");
    let env = [(vars::MSI_ENDPOINT, url.as_str())];
    let token = asked(&env, &ManagedId::System, |_| ()).await;
    assert_eq!(token.expect("a token"), "t");
    let [seen] = &server.seen()[..] else {
        panic!("not one request");
    };
    assert_eq!(seen.method.as_str(), "POST");
    assert_eq!(seen.header("metadata"), Some("true"));
    assert_eq!(
        seen.form(),
        [("resource".to_owned(), REGISTRIES.to_owned())]
    );
    let error = asked(&env, &ManagedId::named("c"), |_| ())
        .await
        .expect_err("one identity");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn service_fabrics_endpoint_is_not_taken_for_app_services() {
    let fabric = [
        (vars::IDENTITY_ENDPOINT, "https://127.0.0.1:1"),
        (vars::IDENTITY_HEADER, "h"),
        (vars::IDENTITY_THUMBPRINT, "t"),
    ];
    let find = |vars: &[(&str, &str)]| IdentityEndpoint::find(&cloud_with(vars, |_| ()));
    assert!(find(&fabric).is_none());
    assert!(find(&fabric[..2]).is_some() && find(&[]).is_none());
}

/// Arc's agent: a challenge that names `key`, then a token for a request that shows its content.
async fn arc(key: &Path) -> Fake {
    let challenge = format!("Basic realm={}", key.display());
    Fake::start(move |seen| {
        assert_eq!(seen.params("api-version"), ["2020-06-01"]);
        assert_eq!(seen.header("metadata"), Some("true"));
        match seen.authorization() {
            Some("Basic the-key") => issued(),
            Some(_) => Reply::new(403),
            None => Reply::new(401).header("www-authenticate", challenge.as_str()),
        }
    })
    .await
}

#[tokio::test]
async fn arcs_agent_is_shown_a_file_of_its_own_directory_only() {
    let tokens = tempfile::tempdir().expect("directory");
    let elsewhere = tempfile::tempdir().expect("directory");
    let write = |dir: &Path, name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).expect("write");
        path
    };
    let below = tokens.path().join("sub");
    std::fs::create_dir(&below).expect("directory");
    for (key, good) in [
        (write(tokens.path(), "a.key", "the-key"), true),
        (write(tokens.path(), "a.txt", "the-key"), false),
        (write(tokens.path(), "big.key", &"x".repeat(4097)), false),
        (write(elsewhere.path(), "a.key", "the-key"), false),
        (write(&below, "a.key", "the-key"), false),
        (tokens.path().join("missing.key"), false),
        (tokens.path().join("../a.key"), false),
    ] {
        let server = arc(&key).await;
        let url = server.url("");
        let env = [
            (vars::IDENTITY_ENDPOINT, url.as_str()),
            (vars::IMDS_ENDPOINT, "x"),
        ];
        let directory = tokens.path().to_owned();
        let done = asked(&env, &ManagedId::System, |s| {
            s.machine.arc_tokens = directory;
        })
        .await;
        assert_eq!(done.is_ok(), good, "{}", key.display());
        let seen = server.seen().len();
        assert_eq!(seen, if good { 2 } else { 1 }, "{}", key.display());
    }
    let url = "http://arc.evil.test";
    let env = [(vars::IDENTITY_ENDPOINT, url), (vars::IMDS_ENDPOINT, "x")];
    let error = asked(&env, &ManagedId::System, |_| ()).await;
    assert_eq!(
        error.expect_err("not Arc's").kind(),
        ErrorKind::NotConfigured
    );
}

const CLIENT: &str = "0a1b2c3d-0000-1111-2222-333344445555";
const RESOURCE: &str = "/subscriptions/s/resourceGroups/g/providers/\
                        Microsoft.ManagedIdentity/userAssignedIdentities/puller";

/// Arc's agent, asked for the identity by the parameter `word`; its answer has these further
/// members.
async fn asked_of_arc(id: &ManagedId, word: &'static str, echo: Value) -> Result<String, String> {
    let tokens = tempfile::tempdir().expect("directory");
    let key = tokens.path().join("a.key");
    std::fs::write(&key, "the-key").expect("write");
    let challenge = format!("Basic realm={}", key.display());
    let server = Fake::start(move |seen| {
        if seen.authorization().is_none() {
            return Reply::new(401).header("www-authenticate", challenge.as_str());
        }
        let mut body = json!({"access_token": "t", "expires_on": "1700000000"});
        let more = echo.as_object().cloned().unwrap_or_default();
        body.as_object_mut().expect("an object").extend(more);
        Reply::json(200, &body)
    })
    .await;
    let url = server.url("/token");
    let env = [
        (vars::IDENTITY_ENDPOINT, url.as_str()),
        (vars::IMDS_ENDPOINT, "x"),
    ];
    let directory = tokens.path().to_owned();
    let done = asked(&env, id, |s| s.machine.arc_tokens = directory).await;
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    for seen in seen {
        let wanted: &[&str] = match id {
            ManagedId::System => &[],
            ManagedId::Client(id) | ManagedId::Object(id) | ManagedId::Resource(id) => &[id],
        };
        assert_eq!(seen.params(word), wanted);
    }
    done.map_err(|error| regcred_core::report(&error))
}

#[tokio::test]
async fn arcs_agent_confirms_the_user_assigned_identity_of_the_token() {
    let client = ManagedId::named(CLIENT);
    let object = ManagedId::Object(CLIENT.to_owned());
    let resource = ManagedId::named(RESOURCE);
    for (id, word, echo) in [
        (&client, "client_id", json!({"client_id": CLIENT})),
        (
            &client,
            "client_id",
            json!({"client_id": CLIENT.to_uppercase(), "object_id": "o"}),
        ),
        (&object, "object_id", json!({"object_id": CLIENT})),
        (&resource, "msi_res_id", json!({"msi_res_id": RESOURCE})),
        (
            &resource,
            "msi_res_id",
            json!({"mi_res_id": RESOURCE.to_lowercase()}),
        ),
        (
            &resource,
            "msi_res_id",
            json!({"msi_res_id": "", "mi_res_id": RESOURCE}),
        ),
        (&ManagedId::System, "client_id", json!({})),
        (
            &ManagedId::System,
            "client_id",
            json!({"client_id": CLIENT}),
        ),
    ] {
        let token = asked_of_arc(id, word, echo.clone()).await;
        assert_eq!(token.as_deref(), Ok("t"), "{echo}");
    }
}

#[tokio::test]
async fn a_token_of_arcs_agent_that_is_not_confirmed_is_refused() {
    let client = ManagedId::named(CLIENT);
    let resource = ManagedId::named(RESOURCE);
    for (id, word, echo) in [
        // An older agent ignores the parameter.
        (&client, "client_id", json!({})),
        (
            &client,
            "client_id",
            json!({"client_id": "99999999-9999-9999-9999-999999999999"}),
        ),
        (&client, "client_id", json!({"client_id": null})),
        (&client, "client_id", json!({"client_id": 1})),
        (&client, "client_id", json!({"object_id": CLIENT})),
        (
            &resource,
            "msi_res_id",
            json!({"msi_res_id": "/other", "mi_res_id": RESOURCE}),
        ),
        (&resource, "msi_res_id", json!({"client_id": CLIENT})),
    ] {
        let shown = asked_of_arc(id, word, echo.clone())
            .await
            .expect_err("refused");
        assert!(shown.contains("did not confirm the identity"), "{shown}");
    }
}

#[test]
fn an_installed_agent_needs_no_variable() {
    let dir = tempfile::tempdir().expect("directory");
    let agent = dir.path().join("himds");
    std::fs::write(&agent, "").expect("write");
    let found = |vars: &[(&str, &str)]| {
        let cloud = cloud_with(vars, |s| s.machine.arc_agent.clone_from(&agent));
        IdentityEndpoint::find(&cloud).map(|endpoint| endpoint.url)
    };
    assert_eq!(found(&[]).as_deref(), Some(ARC));
    assert_eq!(found(&[(vars::IMDS, "http://127.0.0.1:1")]), None);
}

#[tokio::test]
async fn a_secret_header_is_not_sent_in_clear_text() {
    let env = [
        (vars::IDENTITY_ENDPOINT, "http://192.0.2.1/msi/token"),
        (vars::IDENTITY_HEADER, "canary"),
    ];
    let error = asked(&env, &ManagedId::System, |_| ())
        .await
        .expect_err("refused");
    let said = regcred_core::report(&error);
    assert!(
        said.contains("plain http") && !said.contains("canary"),
        "{said}"
    );
}
