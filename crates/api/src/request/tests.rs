use secrecy::ExposeSecret as _;

use super::*;

#[test]
fn requests_are_written_byte_for_byte() {
    let mut request = CredentialProviderRequest::new(ApiVersion::V1, "h.io/team/app");
    assert_eq!(
        String::from_utf8(request.to_vec()).expect("UTF-8"),
        "{\"kind\":\"CredentialProviderRequest\",\
         \"apiVersion\":\"credentialprovider.kubelet.k8s.io/v1\",\"image\":\"h.io/team/app\"}\n"
    );
    request.service_account_token = Some("ey.J<".into());
    request.service_account_annotations =
        BTreeMap::from([("z/b".into(), "2".into()), ("a".into(), String::new())]);
    assert_eq!(
        String::from_utf8(request.to_vec()).expect("UTF-8"),
        "{\"kind\":\"CredentialProviderRequest\",\
         \"apiVersion\":\"credentialprovider.kubelet.k8s.io/v1\",\"image\":\"h.io/team/app\",\
         \"serviceAccountToken\":\"ey.J\\u003c\",\
         \"serviceAccountAnnotations\":{\"a\":\"\",\"z/b\":\"2\"}}\n"
    );
    request.api_version = ApiVersion::V1Beta1;
    assert_eq!(
        String::from_utf8(request.to_vec()).expect("UTF-8"),
        "{\"kind\":\"CredentialProviderRequest\",\
         \"apiVersion\":\"credentialprovider.kubelet.k8s.io/v1beta1\",\
         \"image\":\"h.io/team/app\"}\n"
    );
}

#[test]
fn an_empty_token_is_left_out() {
    let mut request = CredentialProviderRequest::new(ApiVersion::V1, "h.io/app");
    request.service_account_token = Some("".into());
    let text = String::from_utf8(request.to_vec()).expect("UTF-8");
    assert!(!text.contains("serviceAccountToken"), "{text}");
}

#[test]
fn requests_are_read_and_unknown_fields_ignored() {
    let request = CredentialProviderRequest::from_slice(
        br#"{"apiVersion":"credentialprovider.kubelet.k8s.io/v1","kind":"CredentialProviderRequest",
            "image":"h.io/app","serviceAccountToken":"t",
            "serviceAccountAnnotations":{"a":"1","b":null},"podName":{"later":true}}"#,
    )
    .expect("well-formed");
    assert_eq!(request.api_version, ApiVersion::V1);
    assert_eq!(request.image, "h.io/app");
    let token = request.service_account_token.expect("token");
    assert_eq!(token.expose_secret(), "t");
    let annotations = request.service_account_annotations;
    assert_eq!(
        annotations,
        BTreeMap::from([("a".into(), "1".into()), ("b".into(), String::new())])
    );
}

#[test]
fn older_versions_have_no_token() {
    for version in ["v1alpha1", "v1beta1"] {
        let text = format!(
            r#"{{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/{version}",
                "image":"h.io/app","serviceAccountToken":"t","serviceAccountAnnotations":{{"a":"1"}}}}"#
        );
        let request = CredentialProviderRequest::from_slice(text.as_bytes()).expect(version);
        assert!(request.api_version.as_str().ends_with(version));
        assert!(request.service_account_token.is_none());
        assert!(request.service_account_annotations.is_empty());
    }
}

#[test]
fn nulls_and_empty_texts_count_as_absent() {
    let request = CredentialProviderRequest::from_slice(
        br#"{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1",
            "image":"h","serviceAccountToken":"","serviceAccountAnnotations":null}"#,
    )
    .expect("well-formed");
    assert!(request.service_account_token.is_none());
    assert!(request.service_account_annotations.is_empty());
}

#[test]
fn bad_requests_say_where_and_never_what() {
    const V1: &str = r#""apiVersion":"credentialprovider.kubelet.k8s.io/v1""#;
    const KIND: &str = r#""kind":"CredentialProviderRequest""#;
    for (text, error) in [
        (String::new(), "unexpected end of JSON input"),
        (
            "canary".into(),
            "invalid character 'c' looking for beginning of value",
        ),
        (
            format!("{{{KIND}}}"),
            "apiVersion: expected credentialprovider.kubelet.k8s.io/v1 or v1alpha1 or v1beta1",
        ),
        (
            format!(r#"{{{KIND},"apiVersion":"canary"}}"#),
            "apiVersion: expected credentialprovider.kubelet.k8s.io/v1 or v1alpha1 or v1beta1",
        ),
        (
            format!(r#"{{{V1},"kind":"canary"}}"#),
            "kind: expected CredentialProviderRequest",
        ),
        (
            format!("{{{V1},{KIND}}}"),
            "image: expected the name of an image",
        ),
        (
            format!(r#"{{{V1},{KIND},"image":["canary"]}}"#),
            "image: expected a string",
        ),
        (
            format!(r#"{{{V1},{KIND},"image":"h","serviceAccountToken":{{"canary":1}}}}"#),
            "serviceAccountToken: expected a string",
        ),
        (
            format!(r#"{{{V1},{KIND},"image":"h","serviceAccountAnnotations":"canary"}}"#),
            "serviceAccountAnnotations: expected an object of strings",
        ),
        (
            format!(r#"{{{V1},{KIND},"image":"h","serviceAccountAnnotations":{{"a":7}}}}"#),
            "serviceAccountAnnotations: expected an object of strings",
        ),
    ] {
        let found = CredentialProviderRequest::from_slice(text.as_bytes()).expect_err(&text);
        assert_eq!(found.to_string(), error, "{text}");
    }
}

#[test]
fn debug_hides_the_token() {
    let mut request = CredentialProviderRequest::new(ApiVersion::V1, "h.io/app");
    request.service_account_token = Some("canary".into());
    assert!(!format!("{request:?}").contains("canary"));
}
