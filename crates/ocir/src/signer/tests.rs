use regcred_http::Url;
use ring::signature::{RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};

use super::*;
use crate::key::tests::{test_key, vectors};

fn url(text: &str) -> Url {
    Url::parse(text).expect("URL")
}

fn lines(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

/// The values that Oracle published for its signing examples ("Request Signatures", test values).
/// Their key has 1024 bits and signs nothing here, but its public half judges our strings.
#[test]
fn the_published_signatures_are_of_our_signing_strings() {
    let listed = "https://iaas.us-phoenix-1.oraclecloud.com/20160918/instances\
                  ?availabilityDomain=Pjwf%3A%20PHX-AD-1\
                  &compartmentId=ocid1.compartment.oc1..aaaaaaaam3we6vgnherjq5q2idnccdflvjsnog7mlr6rtdb25gilchfeyjxa\
                  &displayName=TeamXInstances\
                  &volumeId=ocid1.volume.oc1.phx.abyhqljrgvttnlx73nmrwfaux7kcvzfs3s66izvxf2h4lgvyndsdsnoiwr5q";
    let get = lines(&[
        ("date", DATE),
        ("(request-target)", &target("get", &url(listed))),
        ("host", &host_and_port(&url(listed))),
    ]);
    let attached = url("https://iaas.us-phoenix-1.oraclecloud.com/20160918/volumeAttachments");
    let post = lines(&[
        ("date", DATE),
        ("(request-target)", &target("post", &attached)),
        ("host", &host_and_port(&attached)),
        ("content-length", &BODY.len().to_string()),
        ("content-type", JSON),
        ("x-content-sha256", &body_hash(BODY)),
    ]);
    let key = STANDARD.decode(PUBLISHED_KEY).expect("base64");
    // ring takes the PKCS#1 key, which is what the last 140 bytes of the X.509 form are.
    let key = UnparsedPublicKey::new(
        &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        key[key.len() - 140..].to_vec(),
    );
    for (lines, signature) in [(get, OF_GET), (post, OF_POST)] {
        let signature = STANDARD.decode(signature).expect("base64");
        let text = signing_string(&lines);
        key.verify(text.as_bytes(), &signature)
            .expect("Oracle's signature");
    }
}

/// PKCS#1 v1.5 has no randomness: another implementation's signature must be ours.
#[test]
fn another_implementation_signs_the_same() {
    let vectors = vectors();
    let date = vectors["date"].as_str().expect("text");
    let cases = vectors["signed"].as_array().expect("cases");
    assert_eq!(cases.len(), 8);
    for case in cases {
        let get = |name: &str| case[name].as_str();
        let name = get("name").expect("name");
        let mut signer = match get("token") {
            Some(token) => Signer::by_token(&format!("{token}\n").into(), test_key()),
            None => Signer::named(get("key_id").expect("key id"), test_key()),
        };
        if let Some(token) = get("delegation") {
            signer = signer.on_behalf_of(token.into());
        }
        assert_eq!(
            signer.key_id.expose_secret(),
            get("key_id").expect("id"),
            "{name}"
        );
        let url = url(get("url").expect("URL"));
        let lines = match get("body") {
            None => signer.get_lines(&url, date),
            Some(body) => {
                assert_eq!(body_hash(body), get("x_content_sha256").expect("hash"));
                let with_host = get("headers").expect("names").contains("host");
                Signer::post_lines(&url, body, date, with_host)
            }
        };
        let text = signer.authorization(&lines);
        let text = text.expose_secret();
        for (key, value) in [
            ("headers", get("headers")),
            ("keyId", get("key_id")),
            ("signature", get("signature")),
        ] {
            let part = format!("{key}=\"{}\"", value.expect(key));
            assert!(text.contains(&part), "{name}: no {part} in {text}");
        }
    }
}

#[test]
fn a_token_gets_its_prefix_once() {
    for token in ["a.b.c", "ST$a.b.c", " ST$a.b.c\n"] {
        let signer = Signer::by_token(&token.into(), test_key());
        assert_eq!(signer.key_id.expose_secret(), "ST$a.b.c");
    }
}

#[test]
fn nothing_secret_shows() {
    let signer = Signer::by_token(&"canary".into(), test_key());
    assert!(!format!("{signer:?}").contains("canary"));
    let request = signer.get(&url("https://phx.ocir.io/x"), DateTime::UNIX_EPOCH);
    assert!(!format!("{request:?}").contains("canary"));
}

#[test]
fn dates_are_in_their_fixed_form() {
    let date = DateTime::parse_from_rfc3339("2026-08-05T09:08:07.9Z").expect("date");
    assert_eq!(http_date(date.to_utc()), "Wed, 05 Aug 2026 09:08:07 GMT");
}

const DATE: &str = "Thu, 05 Jan 2014 21:31:40 GMT";
const BODY: &str = r#"{
    "compartmentId": "ocid1.compartment.oc1..aaaaaaaam3we6vgnherjq5q2idnccdflvjsnog7mlr6rtdb25gilchfeyjxa",
    "instanceId": "ocid1.instance.oc1.phx.abuw4ljrlsfiqw6vzzxb43vyypt4pkodawglp3wqxjqofakrwvou52gb6s5a",
    "volumeId": "ocid1.volume.oc1.phx.abyhqljrgvttnlx73nmrwfaux7kcvzfs3s66izvxf2h4lgvyndsdsnoiwr5q"
}"#;
const PUBLISHED_KEY: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDCFENGw33yGihy92pDjZQhl0C36rPJj+CvfSC8+q28hxA161QFNUd13wuCTUcq0Qd2qsBe/2hFyc2DCJJg0h1L78+6Z4UMR7EOcpfdUE9Hf3m/hs+FUR45uBJeDK1HSFHD8bHKD6kv8FPGfJTotc+2xjJwoYi+1hqp1fIekaxsyQIDAQAB";
const OF_GET: &str = "GBas7grhyrhSKHP6AVIj/h5/Vp8bd/peM79H9Wv8kjoaCivujVXlpbKLjMPeDUhxkFIWtTtLBj3sUzaFj34XE6YZAHc9r2DmE4pMwOAy/kiITcZxa1oHPOeRheC0jP2dqbTll8fmTZVwKZOKHYPtrLJIJQHJjNvxFWeHQjMaR7M=";
const OF_POST: &str = "Mje8vIDPlwIHmD/cTDwRxE7HaAvBg16JnVcsuqaNRim23fFPgQfLoOOxae6WqKb1uPjYEl0qIdazWaBy/Ml8DRhqlocMwoSXv0fbukP8J5N80LCmzT/FFBvIvTB91XuXI3hYfP9Zt1l7S6ieVadHUfqBedWH0itrtPJBgKmrWso=";
