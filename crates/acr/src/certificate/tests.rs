use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use ring::digest::SHA256;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use std::path::PathBuf;

use super::*;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name)
}

fn read(name: &str, password: Option<&str>) -> Result<Certificate, ProviderError> {
    Certificate::read(&file(name), password.map(SecretString::from).as_ref())
}

fn part(assertion: &str, at: usize) -> Value {
    let part = assertion.split('.').nth(at).expect("three parts");
    serde_json::from_slice(&B64.decode(part).expect("base64url")).expect("json")
}

#[test]
fn every_form_of_file_has_the_same_key_with_its_own_certificate_first() {
    let own = std::fs::read(file("test-only-certificate.der")).expect("a file");
    for (name, password) in [
        ("test-only-pkcs8.pem", None),
        ("test-only-pkcs1.pem", None),
        ("test-only-password.pfx", Some("canary-pfx")),
        ("test-only-legacy.pfx", None),
    ] {
        let certificate = read(name, password).expect(name);
        assert_eq!(certificate.chain[0], own, "{name}");
    }
    // The PEM file begins with another certificate, the PKCS#12 file holds it too.
    for name in ["test-only-pkcs8.pem", "test-only-password.pfx"] {
        assert_eq!(read(name, Some("canary-pfx")).expect(name).chain.len(), 2);
    }
}

#[test]
fn an_assertion_is_signed_short_lived_and_of_one_use() {
    let certificate = read("test-only-pkcs8.pem", None).expect("a certificate");
    let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
    let sign = |chain| {
        let assertion = certificate.assertion("client", "https://login/token", now, chain);
        assertion.expect("signed").expose_secret().to_owned()
    };
    let assertion = sign(false);
    let header = part(&assertion, 0);
    let thumbprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate.chain[0]);
    assert_eq!(
        header,
        json!({"alg": "RS256", "typ": "JWT", "x5t": B64.encode(thumbprint)})
    );
    let claims = part(&assertion, 1);
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!("client"), &json!("client"))
    );
    assert_eq!(claims["aud"], "https://login/token");
    assert_eq!(
        (&claims["nbf"], &claims["exp"]),
        (&json!(1_800_000_000), &json!(1_800_000_600))
    );
    let id = claims["jti"].as_str().expect("a text").to_owned();
    assert_eq!((id.len(), &id[14..15]), (36, "4"));
    assert_ne!(part(&sign(false), 1)["jti"], json!(id));

    let (signed, signature) = assertion.rsplit_once('.').expect("a signature");
    let (n, e) = (certificate.key.modulus(), [1, 0, 1]);
    let key = RsaPublicKeyComponents { n, e: e.to_vec() };
    let signature = B64.decode(signature).expect("base64url");
    key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature)
        .expect("the key's own signature");

    let chain = part(&sign(true), 0)["x5c"].clone();
    let leaf = STANDARD
        .decode(chain[0].as_str().expect("a text"))
        .expect("base64");
    assert_eq!(
        digest(&SHA256, &leaf).as_ref(),
        digest(&SHA256, &certificate.chain[0]).as_ref()
    );
    assert_eq!(chain.as_array().map(Vec::len), Some(2));
}

#[test]
fn a_file_that_cannot_be_used_is_explained_without_showing_it() {
    let dir = tempfile::tempdir().expect("directory");
    let write = |name: &str, content: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).expect("write");
        path
    };
    let pem = std::fs::read_to_string(file("test-only-pkcs8.pem")).expect("a file");
    let at = pem.find("-----BEGIN PRIVATE KEY").expect("a key");
    let (certificates, key) = pem.split_at(at);
    let other = &certificates[..certificates.rfind("-----BEGIN").expect("two certificates")];
    for (path, password, word) in [
        (file("test-only-password.pfx"), None, "needs a password"),
        (
            file("test-only-password.pfx"),
            Some("canary-wrong"),
            "the password is wrong",
        ),
        (file("test-only-ec.pem"), None, "RSA"),
        (
            write("no-key", certificates.as_bytes()),
            None,
            "no private key",
        ),
        (
            write("two-keys", format!("{pem}{key}").as_bytes()),
            None,
            "several private keys",
        ),
        (
            write("foreign", format!("{other}{key}").as_bytes()),
            None,
            "belongs to the private key",
        ),
        (write("text", b"canary"), None, "neither PEM nor PKCS#12"),
        (
            write(
                "broken",
                b"-----BEGIN PRIVATE KEY-----\ncanary!\n-----END PRIVATE KEY-----",
            ),
            None,
            "PEM is broken",
        ),
        (
            dir.path().join("missing"),
            None,
            "cannot read the certificate",
        ),
    ] {
        let password = password.map(SecretString::from);
        let Err(error) = Certificate::read(&path, password.as_ref()) else {
            panic!("{} was accepted", path.display());
        };
        let said = regcred_core::report(&error);
        assert!(said.contains(word), "{word}: {said}");
        assert!(!said.contains("canary"), "{said}");
    }
}
