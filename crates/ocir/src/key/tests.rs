use serde_json::Value;

use super::*;

/// Keys and signatures that other programs made; the file names them.
pub(crate) fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/data/vectors.json")).expect("JSON")
}

/// The key of the vectors.
pub(crate) fn test_key() -> PrivateKey {
    let pem = vectors()["keys"]["pkcs8"].as_str().expect("PEM").to_owned();
    PrivateKey::from_pem(&pem, None).expect("a key")
}

fn passphrase() -> SecretString {
    vectors()["passphrase"].as_str().expect("text").into()
}

#[test]
fn every_form_is_the_same_key_with_anything_around_it() {
    let vectors = vectors();
    let keys = vectors["keys"].as_object().expect("keys");
    assert_eq!(keys.len(), 10);
    for (name, pem) in keys {
        let pem = pem.as_str().expect("PEM");
        let windows = pem.replace('\n', "\r\n");
        let mut texts = vec![format!("\u{feff}\n  notes\n{windows}OCI_API_KEY")];
        if name.starts_with("pkcs1") {
            texts.push(format!("{pem}OCI_API_KEY\n"));
            texts.push(pem.trim_end().to_owned());
        }
        for text in texts {
            let key = PrivateKey::from_pem(&text, Some(&passphrase())).expect(name);
            assert_eq!(key.fingerprint(), vectors["fingerprint"], "{name}");
            assert_eq!(key.public_base64(), vectors["public_key"], "{name}");
        }
    }
}

#[test]
fn passphrases_are_needed_only_where_they_are() {
    for (name, pem) in vectors()["keys"].as_object().expect("keys") {
        let pem = pem.as_str().expect("PEM");
        let without = PrivateKey::from_pem(pem, None);
        let wrong = PrivateKey::from_pem(pem, Some(&"canary".into()));
        match name.as_str() {
            "pkcs1" | "pkcs8" => assert!(without.is_ok() && wrong.is_ok(), "{name}"),
            _ => {
                assert_eq!(without.expect_err(name), KeyError::NoPassphrase);
                assert_eq!(wrong.expect_err(name), KeyError::WrongPassphrase, "{name}");
            }
        }
    }
}

#[test]
fn what_is_not_a_key_is_named() {
    let vectors = vectors();
    let other = |name: &str| vectors["not_keys"][name].as_str().expect("PEM").to_owned();
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cipher = "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: IDEA-CBC,0011223344556677\n\nAAAA\n\
                  -----END RSA PRIVATE KEY-----\n";
    for (text, words) in [
        (other("public"), "public key"),
        ("ssh-rsa AAAA me@host".to_owned(), "public key"),
        (other("bits1024"), "shorter than 2048 bits"),
        (other("bits1024_pkcs1"), "shorter than 2048 bits"),
        (other("ec"), "not an RSA key (EC PRIVATE KEY)"),
        (other("ec_pkcs8"), "not an RSA key"),
        (certificate.to_owned(), "a certificate"),
        (cipher.to_owned(), "IDEA-CBC"),
        ("hello".to_owned(), "no private key in PEM form"),
        (
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----".to_owned(),
            "damaged",
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC,00\n\nAAAA\n\
             -----END RSA PRIVATE KEY-----"
                .to_owned(),
            "damaged (IV)",
        ),
    ] {
        let error = PrivateKey::from_pem(&text, Some(&passphrase())).expect_err(words);
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

#[test]
fn nothing_of_a_key_shows() {
    assert_eq!(format!("{:?}", test_key()), "PrivateKey");
}
