use proptest::prelude::*;
use secrecy::ExposeSecret as _;

use super::*;

const INTENT_TEXT: &str = r#"{"kind":"ImagePullIntent","apiVersion":"kubelet.config.k8s.io/v1beta1","image":"nginx:1"}
"#;

const RECORD_TEXT: &str = r#"{"kind":"ImagePulledRecord","apiVersion":"kubelet.config.k8s.io/v1beta1","lastUpdatedTime":"2026-02-03T04:05:06Z","imageRef":"sha256:abc","credentialMapping":{"h.io/a":{"kubernetesSecrets":[{"uid":"u1","namespace":"ns","name":"s1","credentialHash":"h1"}],"kubernetesServiceAccounts":[{"uid":"u2","namespace":"ns","name":"sa"}]},"nginx":{"nodePodsAccessible":true}}}
"#;

fn record() -> ImagePulledRecord {
    ImagePulledRecord {
        last_updated_time: "2026-02-03T04:05:06Z".into(),
        image_ref: "sha256:abc".into(),
        credential_mapping: BTreeMap::from([
            ("nginx".into(), ImagePullCredentials::of_the_node()),
            (
                "h.io/a".into(),
                ImagePullCredentials {
                    kubernetes_secrets: vec![ImagePullSecret {
                        namespace: "ns".into(),
                        name: "s1".into(),
                        uid: "u1".into(),
                        credential_hash: "h1".into(),
                    }],
                    kubernetes_service_accounts: vec![ServiceAccountCoordinates {
                        namespace: "ns".into(),
                        name: "sa".into(),
                        uid: "u2".into(),
                    }],
                    node_pods_accessible: false,
                },
            ),
        ]),
    }
}

#[test]
fn what_is_written_is_the_kubelets_to_the_byte() {
    let intent = ImagePullIntent {
        image: "nginx:1".into(),
    };
    assert_eq!(String::from_utf8_lossy(&intent.to_vec()), INTENT_TEXT);
    assert_eq!(String::from_utf8_lossy(&record().to_vec()), RECORD_TEXT);
    let empty = ImagePulledRecord {
        last_updated_time: "t".into(),
        image_ref: "r".into(),
        ..ImagePulledRecord::default()
    };
    assert!(
        empty
            .to_vec()
            .ends_with(b"\"lastUpdatedTime\":\"t\",\"imageRef\":\"r\"}\n")
    );
    let blank = ImagePulledRecord {
        credential_mapping: BTreeMap::from([("a".into(), ImagePullCredentials::default())]),
        ..empty
    };
    assert!(
        blank
            .to_vec()
            .ends_with(b"\"credentialMapping\":{\"a\":{}}}\n")
    );
}

#[test]
fn both_versions_are_read() {
    let alpha = |text: &str| text.replace("v1beta1", "v1alpha1");
    for (text, version) in [
        (RECORD_TEXT.to_owned(), RecordVersion::V1Beta1),
        (alpha(RECORD_TEXT), RecordVersion::V1Alpha1),
    ] {
        let read = ImagePulledRecord::from_slice(text.as_bytes()).expect("sound");
        assert_eq!(read, (record(), version));
    }
    let (intent, version) =
        ImagePullIntent::from_slice(alpha(INTENT_TEXT).as_bytes()).expect("sound");
    assert_eq!(
        (&*intent.image, version),
        ("nginx:1", RecordVersion::V1Alpha1)
    );
}

#[test]
fn reading_is_strict() {
    for (from, to, part) in [
        ("\"imageRef\"", "\"imageref\"", "unknown field"),
        ("\"uid\":\"u1\"", "\"uid\":1", "cannot unmarshal number"),
        ("\"uid\":\"u2\"", "\"credentialHash\":\"\"", "unknown field"),
        ("true", "\"true\"", "cannot unmarshal string"),
        (
            "v1beta1",
            "v1",
            "expected kubelet.config.k8s.io/v1alpha1 or v1beta1",
        ),
        (
            "ImagePulledRecord",
            "ImagePullIntent",
            "kind: expected ImagePulledRecord",
        ),
        (
            "\"imageRef\":\"sha256:abc\"",
            "\"imageRef\":\"a\",\"imageRef\":\"b\"",
            "duplicate field",
        ),
        ("}}}\n", "}}} x", "after top-level value"),
    ] {
        let text = RECORD_TEXT.replacen(from, to, 1);
        assert_ne!(text, RECORD_TEXT, "{from}");
        let error = ImagePulledRecord::from_slice(text.as_bytes()).expect_err(to);
        assert!(error.to_string().contains(part), "{to}: {error}");
    }
}

#[test]
fn a_credential_is_hashed_as_gos_compact_json() {
    for (username, password, email, text) in [
        ("u", "p", "", r#"{"username":"u","password":"p"}"#),
        (
            "u",
            "p",
            "e@h",
            r#"{"username":"u","password":"p","email":"e@h"}"#,
        ),
        ("", "p", "", r#"{"password":"p"}"#),
        ("u", "", "", r#"{"username":"u"}"#),
        ("", "", "e", r#"{"email":"e"}"#),
        ("", "", "", "{}"),
        (
            "<&>",
            "\u{2028}\"\\é",
            "",
            "{\"username\":\"\\u003c\\u0026\\u003e\",\"password\":\"\\u2028\\\"\\\\é\"}",
        ),
    ] {
        let found = credential_text(username, &password.into(), email);
        assert_eq!(found.expose_secret(), text);
    }
}

proptest! {
    #[test]
    fn records_round_trip(image in "\\PC{0,20}", name in "\\PC{0,10}", texts in prop::array::uniform4("\\PC{0,8}"), node: bool) {
        let [namespace, secret, uid, credential_hash] = texts;
        let credentials = ImagePullCredentials {
            kubernetes_secrets: vec![ImagePullSecret { namespace, name: secret, uid, credential_hash }],
            kubernetes_service_accounts: Vec::new(),
            node_pods_accessible: node,
        };
        let record = ImagePulledRecord {
            last_updated_time: "2026-02-03T04:05:06Z".into(),
            image_ref: image,
            credential_mapping: BTreeMap::from([(name, credentials)]),
        };
        let read = ImagePulledRecord::from_slice(&record.to_vec());
        prop_assert_eq!(read, Ok((record, RecordVersion::V1Beta1)));
    }

    #[test]
    fn no_bytes_panic(input in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = ImagePulledRecord::from_slice(&input);
        let _ = ImagePullIntent::from_slice(&input);
    }
}
