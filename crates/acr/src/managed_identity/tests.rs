use serde_json::json;
use wiremock::matchers::{body_string_contains, header, header_exists, method, path, query_param};
use wiremock::{Mock, MockServer, Request as Seen, ResponseTemplate};

use super::*;
use crate::settings::Settings;
use crate::testing::reach_with;

const AUDIENCE: &str = "https://containerregistry.azure.net";

fn answer(token: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "access_token": token, "expires_on": "1700000000", "resource": AUDIENCE,
        "token_type": "Bearer",
    }))
}

async fn asked(
    vars: &[(&str, &str)],
    id: &ManagedId,
    change: impl FnOnce(&mut Settings),
) -> Result<String, ProviderError> {
    let reach = reach_with(vars, change);
    let token = token(&reach, id, AUDIENCE)
        .await
        .map_err(NoToken::into_error)?;
    Ok(token.expose_secret().to_owned())
}

async fn imds(server: &MockServer, id: &ManagedId) -> Result<String, ProviderError> {
    asked(&[(vars::IMDS, &server.uri())], id, |_| ()).await
}

#[test]
fn one_text_names_an_identity() {
    assert_eq!(ManagedId::named(" system "), ManagedId::System);
    assert_eq!(ManagedId::named("c-1"), ManagedId::Client("c-1".to_owned()));
    assert_eq!(
        ManagedId::named("object: o-1"),
        ManagedId::Object("o-1".to_owned())
    );
    let id = "/Subscriptions/s/resourceGroups/g/providers/x/userAssignedIdentities/puller";
    assert_eq!(ManagedId::named(id), ManagedId::Resource(id.to_owned()));
    assert!(ManagedId::named(id).label().ends_with(" puller"));
}

#[tokio::test]
async fn a_machine_is_asked_in_the_documented_form() {
    for (id, word, value) in [
        (ManagedId::Client("c".to_owned()), "client_id", "c"),
        (ManagedId::Object("o".to_owned()), "object_id", "o"),
        (ManagedId::Resource("/r".to_owned()), "msi_res_id", "/r"),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/metadata/identity/oauth2/token"))
            .and(query_param("api-version", "2019-08-01"))
            .and(query_param("resource", AUDIENCE))
            .and(query_param(word, value))
            .and(header("metadata", "true"))
            .respond_with(answer("t"))
            .mount(&server)
            .await;
        assert_eq!(imds(&server, &id).await.expect("a token"), "t");
    }
}

#[tokio::test]
async fn other_forms_of_the_answer_are_taken_too() {
    for body in [
        json!({"access_token": "t", "expires_on": 1_700_000_000}),
        json!({"access_token": "t", "expires_on": "2030-01-01T00:00:00Z", "token_type": "Bearer"}),
        json!({"access_token": "t", "expires_in": "86399"}),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(200).set_body_json(&body))
            .mount(&server)
            .await;
        assert_eq!(
            imds(&server, &ManagedId::System).await.expect("a token"),
            "t",
            "{body}"
        );
    }
    for body in [
        "canary",
        "{}",
        r#"{"access_token":""}"#,
        r#"{"access_token":{"canary":1}}"#,
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(200).set_body_string(body))
            .mount(&server)
            .await;
        let error = imds(&server, &ManagedId::System).await.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}");
        assert!(!regcred_core::report(&error).contains("canary"));
    }
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_asked_again() {
    let server = MockServer::start().await;
    for status in [404, 410, 503] {
        Mock::given(method("GET"))
            .respond_with(ResponseTemplate::new(status))
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    Mock::given(method("GET"))
        .respond_with(answer("t"))
        .mount(&server)
        .await;
    assert_eq!(
        imds(&server, &ManagedId::System).await.expect("a token"),
        "t"
    );
}

#[tokio::test]
async fn an_identity_that_is_not_assigned_is_no_identity() {
    let server = MockServer::start().await;
    let refusal = json!({"error": "invalid_request", "error_description": "Identity not found"});
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(400).set_body_json(refusal))
        .expect(2)
        .mount(&server)
        .await;
    for (id, word) in [
        (ManagedId::System, "no system-assigned identity"),
        (
            ManagedId::Client("c".to_owned()),
            "c is not assigned to this machine",
        ),
    ] {
        let error = imds(&server, &id).await.expect_err("nobody");
        assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[tokio::test]
async fn app_service_and_machine_learning_are_shown_their_header() {
    for (vars_of, header_name, version, client_id) in [
        (
            [vars::IDENTITY_ENDPOINT, vars::IDENTITY_HEADER],
            "x-identity-header",
            "2019-08-01",
            "client_id",
        ),
        (
            [vars::MSI_ENDPOINT, vars::MSI_SECRET],
            "secret",
            "2017-09-01",
            "clientid",
        ),
    ] {
        let server = MockServer::start().await;
        let url = format!("{}/msi/token", server.uri());
        for (word, value) in [(client_id, "c"), ("mi_res_id", "/subscriptions/r")] {
            Mock::given(method("GET"))
                .and(path("/msi/token"))
                .and(header(header_name, "canary"))
                .and(query_param("api-version", version))
                .and(query_param("resource", AUDIENCE))
                .and(query_param(word, value))
                .respond_with(answer(value))
                .mount(&server)
                .await;
            let env = [(vars_of[0], url.as_str()), (vars_of[1], "canary")];
            let id = ManagedId::named(value);
            assert_eq!(asked(&env, &id, |_| ()).await.expect("a token"), value);
        }
    }
}

#[tokio::test]
async fn cloud_shell_is_asked_by_a_form_and_has_one_identity() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header("metadata", "true"))
        .and(body_string_contains(
            "resource=https%3A%2F%2Fcontainerregistry.azure.net",
        ))
        .respond_with(answer("t"))
        .mount(&server)
        .await;
    let uri = server.uri();
    let env = [(vars::MSI_ENDPOINT, uri.as_str())];
    assert_eq!(
        asked(&env, &ManagedId::System, |_| ())
            .await
            .expect("a token"),
        "t"
    );
    let error = asked(&env, &ManagedId::named("c"), |_| ())
        .await
        .expect_err("one only");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
}

#[tokio::test]
async fn service_fabric_is_refused_by_name() {
    let env = [
        (vars::IDENTITY_ENDPOINT, "https://127.0.0.1:1"),
        (vars::IDENTITY_HEADER, "h"),
        (vars::IDENTITY_THUMBPRINT, "t"),
    ];
    let error = asked(&env, &ManagedId::System, |_| ())
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("Service Fabric"), "{error}");
}

/// Arc's agent: a challenge that names `key`, then a token for whoever shows its content.
async fn arc(key: &Path) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(query_param("api-version", "2020-06-01"))
        .and(header_exists("metadata"))
        .and(header("authorization", "Basic the-key"))
        .respond_with(answer("t"))
        .mount(&server)
        .await;
    let challenge = format!("Basic realm={}", key.display());
    Mock::given(|seen: &Seen| !seen.headers.contains_key("authorization"))
        .respond_with(ResponseTemplate::new(401).insert_header("www-authenticate", challenge))
        .mount(&server)
        .await;
    server
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
        let url = server.uri();
        let env = [
            (vars::IDENTITY_ENDPOINT, url.as_str()),
            (vars::IMDS_ENDPOINT, "x"),
        ];
        let directory = tokens.path().to_owned();
        let done = asked(&env, &ManagedId::System, |s| {
            s.machine.arc_tokens = directory
        })
        .await;
        assert_eq!(done.is_ok(), good, "{}", key.display());
        let seen = server.received_requests().await.expect("recorded");
        assert_eq!(seen.len(), if good { 2 } else { 1 }, "{}", key.display());
    }
    let env = [
        (vars::IDENTITY_ENDPOINT, "http://arc.evil.test"),
        (vars::IMDS_ENDPOINT, "x"),
    ];
    let error = asked(&env, &ManagedId::System, |_| ())
        .await
        .expect_err("not this machine");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
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

#[tokio::test]
async fn a_machine_without_the_service_is_told_what_to_do() {
    // Taken and not listened on, so that it is nobody else's either.
    let closed = tokio::net::TcpSocket::new_v4().expect("a socket");
    closed.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let url = format!("http://{}", closed.local_addr().expect("an address"));
    let done = asked(&[(vars::IMDS, url.as_str())], &ManagedId::System, |_| ()).await;
    let error = done.expect_err("nobody there");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    assert!(error.to_string().contains("log in with az"), "{error}");
}
