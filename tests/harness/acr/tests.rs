//! The fakes refuse what Azure refuses.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, Method};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::*;
use crate::server::{Handler as _, Seen};

const URL: &str = "https://login.test/tenant/oauth2/v2.0/token";

fn signed(header: &Value, claims: &Value) -> String {
    let pem = include_bytes!("../../../crates/acr/testdata/test-only-pkcs8.pem");
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem).expect("a key");
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).expect("an RSA key");
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    let random = SystemRandom::new();
    key.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature)
        .expect("randomness");
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn with(value: &Value, member: &str, new: Value) -> Value {
    let mut changed = value.clone();
    changed[member] = new;
    changed
}

#[test]
fn assertions_are_checked_in_every_part_and_taken_once() {
    let certificate = include_bytes!("../../../crates/acr/testdata/test-only-certificate.der");
    let thumbprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate);
    let header = json!({"alg": "RS256", "x5t": URL_SAFE_NO_PAD.encode(thumbprint)});
    let claims = |id: &str| {
        json!({
            "aud": URL, "iss": CERTIFICATE_CLIENT, "sub": CERTIFICATE_CLIENT, "jti": id,
            "nbf": now(), "exp": now() + 600,
        })
    };
    let directory = Directory::new();
    let shown = |assertion: &str| {
        let owner = assertion::owner(&directory, assertion, CERTIFICATE_CLIENT, URL);
        owner.map_err(|(code, _)| code)
    };
    let good = signed(&header, &claims("1"));
    assert_eq!(shown(&good), Ok("certificate"));
    assert_eq!(shown(&good), Err(50_027), "a replay");
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    for (assertion, code) in [
        (forged, 700_027),
        (
            signed(&with(&header, "x5t", json!("other")), &claims("2")),
            700_027,
        ),
        (
            signed(&with(&header, "alg", json!("none")), &claims("3")),
            50_027,
        ),
        (
            signed(&header, &with(&claims("4"), "aud", json!("https://x"))),
            700_023,
        ),
        (
            signed(&header, &with(&claims("5"), "sub", json!("other"))),
            700_021,
        ),
        (
            signed(&header, &with(&claims("6"), "exp", json!(now() - 1))),
            700_024,
        ),
        (
            signed(&header, &with(&claims("7"), "exp", json!(now() + 9000))),
            700_024,
        ),
        (
            signed(&header, &with(&claims("8"), "jti", json!(null))),
            50_027,
        ),
        ("no.jwt".to_owned(), 50_027),
    ] {
        assert_eq!(shown(&assertion), Err(code), "{assertion}");
    }
}

#[test]
fn the_metadata_service_knows_its_marks_versions_and_identities() {
    let machine = imds::Machine::of(&Directory::new(), "the-header");
    let status = |path: &str, query: &str, header: (&'static str, &'static str)| {
        let mut request = Seen::new(Method::GET, &format!("{path}?{query}"));
        let value = HeaderValue::from_static(header.1);
        request.headers.insert(header.0, value);
        let reply = machine.handle(&request);
        format!("{reply:?}").contains("access_token")
    };
    let resource = "resource=https%3A%2F%2Fcontainerregistry.azure.net";
    let vm = "/metadata/identity/oauth2/token";
    let mark = ("metadata", "true");
    for (path, query, header, good) in [
        (vm, format!("api-version=2018-02-01&{resource}"), mark, true),
        (vm, format!("api-version=2019-08-01&{resource}"), mark, true),
        (
            vm,
            format!("api-version=2017-01-01&{resource}"),
            mark,
            false,
        ),
        (vm, resource.to_owned(), mark, false),
        (
            vm,
            format!("api-version=2018-02-01&{resource}"),
            ("x", "y"),
            false,
        ),
        (
            vm,
            format!("api-version=2018-02-01&{resource}&client_id=other"),
            mark,
            false,
        ),
        (
            vm,
            format!("api-version=2018-02-01&{resource}&mi_res_id={IDENTITY_RESOURCE}"),
            mark,
            false,
        ),
        (
            vm,
            format!("api-version=2018-02-01&{resource}&msi_res_id={IDENTITY_RESOURCE}"),
            mark,
            true,
        ),
        (
            vm,
            "api-version=2018-02-01&resource=https%3A%2F%2Fother".to_owned(),
            mark,
            false,
        ),
        (
            "/msi/token",
            format!("api-version=2019-08-01&{resource}"),
            mark,
            false,
        ),
        (
            "/msi/token",
            format!("api-version=2019-08-01&{resource}"),
            ("x-identity-header", "the-header"),
            true,
        ),
    ] {
        assert_eq!(
            status(path, &query, header),
            good,
            "{path}?{query} {header:?}"
        );
    }
}
