//! What the fakes refuse: the plugin's own good requests, each with one thing changed.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use regcred_core::Clock;
use regcred_tests::google::{CLOUD_PLATFORM, KEY_ACCOUNT, NODE_ACCOUNT, POOL, TARGET_ACCOUNT};
use regcred_tests::server::Seen;
use regcred_tests::{FakeGceMetadata, FakeGoogle, Server};
use serde_json::{Value, json};

use super::{Dir, HOST, plugin, vars};

#[test]
fn the_token_endpoint_checks_assertions_and_refresh_tokens() {
    let google = FakeGoogle::start();
    let server = google.server();
    let good = request_for(&google, &google.key_file(), "/token");
    assert_eq!(sent(server, &good), 200);
    refuses_other_envelopes(server, &good);
    for (field, value) in [
        ("grant_type", "urn:ietf:params:oauth:grant-type:other"),
        ("assertion", "eyJhbGciOiJub25lIn0.e30."),
        ("client_id", "one field too many"),
    ] {
        assert_eq!(
            sent(server, &with_field(&good, field, value)),
            400,
            "{field}"
        );
    }
    let now = Clock::system().now().timestamp();
    let claims = json!({
        "iss": KEY_ACCOUNT, "scope": CLOUD_PLATFORM, "aud": format!("{}/token", server.url()),
        "iat": now - 10, "exp": now + 3590,
    });
    let asserted = |claims: &Value| {
        let assertion = google.signed_by_key(claims);
        sent(server, &with_field(&good, "assertion", &assertion))
    };
    assert_eq!(asserted(&claims), 200);
    for (claim, value, status) in [
        (
            "iss",
            json!("other@demo-project.iam.gserviceaccount.com"),
            400,
        ),
        ("sub", json!("ada@example.com"), 401),
        ("aud", json!("https://oauth2.evil.example/token"), 400),
        ("scope", json!("everything"), 400),
        ("scope", Value::Null, 400),
        ("iat", json!(now + 60), 400),
        ("iat", json!(now - 11), 400),
        ("exp", json!(now - 1), 400),
    ] {
        let mut changed = claims.clone();
        changed[claim] = value;
        assert_eq!(asserted(&changed), status, "{claim}");
    }
    let mut forged = google.signed_by_key(&claims);
    let end = forged.pop();
    forged.push(if end == Some('A') { 'Q' } else { 'A' });
    assert_eq!(sent(server, &with_field(&good, "assertion", &forged)), 400);

    let good = request_for(&google, &google.user_file(), "/token");
    assert_eq!(sent(server, &good), 200);
    for (field, value, status) in [
        ("client_id", "other", 401),
        ("client_secret", "other", 401),
        ("refresh_token", "other", 400),
        ("scope", "everything", 400),
        ("more", "", 400),
    ] {
        assert_eq!(
            sent(server, &with_field(&good, field, value)),
            status,
            "{field}"
        );
    }
}

#[test]
fn the_token_exchange_checks_audience_types_and_subject_token() {
    let google = FakeGoogle::start();
    let server = google.server();
    let dir = Dir::new();
    let file = google.external_file(&json!({"file": dir.pod_token(&google)}));
    let good = request_for(&google, &file, "/v1/token");
    assert_eq!(sent(server, &good), 200);
    refuses_other_envelopes(server, &good);
    let pool = format!("https:{POOL}");
    let of_another_cluster = google.gke_cluster().token(&pool, 600);
    for (field, value) in [
        (
            "audience",
            "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/x",
        ),
        ("grant_type", "refresh_token"),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:id_token",
        ),
        ("scope", "everything"),
        (
            "subject_token_type",
            "urn:ietf:params:aws:token-type:aws4_request",
        ),
        ("subject_token", "no token"),
        ("subject_token", &google.cluster().token("a-user", 600)),
        ("subject_token", &google.cluster().token(&pool, -1)),
        ("subject_token", &of_another_cluster),
        ("options", "{\"userProject\":\"1\"}"),
        ("actor_token", ""),
    ] {
        assert_eq!(
            sent(server, &with_field(&good, field, value)),
            400,
            "{field}={value}"
        );
    }

    let good = request_for(&google, &google.external_user_file(), "/v1/oauthtoken");
    assert_eq!(sent(server, &good), 200);
    assert_eq!(
        sent(server, &with_header(&good, "authorization", "Basic eDp5")),
        401
    );
    assert_eq!(sent(server, &without_header(&good, "authorization")), 401);
    assert_eq!(
        sent(server, &with_field(&good, "refresh_token", "other")),
        400
    );
}

#[test]
fn the_credentials_api_checks_bearer_rights_and_body() {
    let google = FakeGoogle::start();
    let server = google.server();
    let file = google.impersonating_file(&google.key_file(), TARGET_ACCOUNT, &[]);
    let good = request_for(&google, &file, "/v1/projects");
    assert_eq!(sent(server, &good), 200);
    for (change, status) in [
        (without_header(&good, "authorization"), 401),
        (
            with_header(&good, "authorization", "Bearer ya29.unknown"),
            401,
        ),
        (with_header(&good, "content-type", "text/plain"), 400),
        (with_path(&good, TARGET_ACCOUNT, NODE_ACCOUNT), 403),
        (
            with_path(&good, "projects/-/", "projects/demo-project/"),
            404,
        ),
        (with_method(&good, "GET"), 405),
    ] {
        assert_eq!(sent(server, &change), status, "{change:?}");
    }
    // A token without the scope for it.
    let narrow = "https://www.googleapis.com/auth/devstorage.read_only";
    let dir = Dir::new();
    let key = dir.json("key.json", &google.key_file());
    let mut env = google.env();
    env.extend(vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &key)]));
    let token = plugin(&env).args(["token", HOST, "--scopes", narrow]).run();
    let bearer = format!("Bearer {}", token.success().trim());
    assert_eq!(
        sent(server, &with_header(&good, "authorization", &bearer)),
        403
    );
    for (member, value) in [
        ("lifetime", json!("3601s")),
        ("lifetime", json!(3600)),
        ("lifetime", Value::Null),
        ("scope", json!([])),
        ("scope", json!(CLOUD_PLATFORM)),
        ("delegates", json!("a-user")),
        ("more", json!(1)),
    ] {
        let mut body: Value = serde_json::from_slice(&good.body).expect("JSON");
        body[member] = value;
        let mut change = good.clone();
        change.body = body.to_string().into();
        assert_eq!(sent(server, &change), 400, "{member}");
    }
}

#[test]
fn the_metadata_server_checks_its_header_and_the_way_of_a_request() {
    let machine = FakeGceMetadata::start();
    let server = machine.server();
    let _ = plugin(&machine.env()).args(["token", HOST]).run().success();
    let good = server.seen().pop().expect("a request");
    assert_eq!(sent(server, &good), 200);
    for (change, status) in [
        (without_header(&good, "metadata-flavor"), 403),
        (with_header(&good, "metadata-flavor", "google"), 403),
        (with_header(&good, "x-forwarded-for", "10.0.0.1"), 403),
        (with_header(&good, "via", "1.1 proxy"), 403),
        (with_header(&good, "authorization", "Bearer x"), 403),
        (with_method(&good, "POST"), 405),
        (with_path(&good, "default", "other"), 404),
        (
            with_path(&good, "computeMetadata/v1/", "computeMetadata/v2/"),
            404,
        ),
        (with_query(&good, "audience=x"), 400),
    ] {
        assert_eq!(sent(server, &change), status, "{change:?}");
    }
}

/// What no form endpoint takes.
fn refuses_other_envelopes(server: &Server, good: &Seen) {
    for (change, status) in [
        (with_method(good, "GET"), 405),
        (with_query(good, "alt=json"), 400),
        (with_header(good, "content-type", "text/plain"), 400),
        (with_header(good, "authorization", "Basic eDp5"), 401),
        (twice(good), 400),
    ] {
        assert_eq!(sent(server, &change), status, "{change:?}");
    }
}

/// The last request below that path that the plugin sends with this credentials file.
fn request_for(google: &FakeGoogle, file: &Value, path: &str) -> Seen {
    let dir = Dir::new();
    let file = dir.json("credentials.json", file);
    let mut env = google.env();
    env.extend(vars(&[("GOOGLE_APPLICATION_CREDENTIALS", &file)]));
    let _ = plugin(&env).args(["token", HOST]).run().success();
    let seen = google.server().seen();
    let last = seen.iter().rev().find(|r| r.path.starts_with(path));
    last.expect("a request").clone()
}

fn with_method(request: &Seen, method: &str) -> Seen {
    let mut changed = request.clone();
    changed.method = method.parse().expect("a method");
    changed
}

fn with_query(request: &Seen, query: &str) -> Seen {
    let mut changed = request.clone();
    query.clone_into(&mut changed.query);
    changed
}

fn with_path(request: &Seen, from: &str, to: &str) -> Seen {
    let mut changed = request.clone();
    changed.path = request.path.replacen(from, to, 1);
    assert_ne!(changed.path, request.path);
    changed
}

fn with_header(request: &Seen, name: &'static str, value: &str) -> Seen {
    let mut changed = request.clone();
    let value = value.parse().expect("a header's value");
    changed.headers.insert(name, value);
    changed
}

fn without_header(request: &Seen, name: &'static str) -> Seen {
    let mut changed = request.clone();
    assert!(changed.headers.remove(name).is_some());
    changed
}

/// The request with this value in a field of its form, changed or new.
fn with_field(request: &Seen, name: &str, value: &str) -> Seen {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    let others = request.form().into_iter().filter(|(key, _)| key != name);
    form.extend_pairs(others).append_pair(name, value);
    let mut changed = request.clone();
    changed.body = form.finish().into();
    changed
}

/// The request with its first field once more.
fn twice(request: &Seen) -> Seen {
    let mut form = request.form();
    form.extend(form.first().cloned());
    let text = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let mut changed = request.clone();
    changed.body = text.into();
    changed
}

/// Sends a request as it is, and gives the answer's status.
fn sent(server: &Server, request: &Seen) -> u16 {
    let query = match request.query.as_str() {
        "" => String::new(),
        query => format!("?{query}"),
    };
    let mut head = format!("{} {}{query} HTTP/1.1\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        if name != "content-length" && name != "connection" {
            let value = value.to_str().expect("ASCII");
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    let length = request.body.len();
    head.push_str(&format!(
        "content-length: {length}\r\nconnection: close\r\n\r\n"
    ));
    let mut stream = TcpStream::connect(server.address()).expect("our own server");
    let message = [head.as_bytes(), &request.body].concat();
    stream.write_all(&message).expect("a listener");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    status.unwrap_or_else(|| panic!("no status in {answer:?}"))
}
