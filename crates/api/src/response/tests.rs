use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::*;

const HEAD: &str =
    r#""kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1""#;

fn decode(body: &str) -> Result<CredentialProviderResponse, ResponseError> {
    CredentialProviderResponse::decode(body.as_bytes(), ApiVersion::V1, None)
}

#[test]
fn answers_are_written_byte_for_byte() {
    let login = Credentials {
        username: "AWS".into(),
        password: "p&".into(),
    };
    let mut answer = CredentialProviderResponse {
        api_version: ApiVersion::V1,
        cache_key_type: CacheScope::Registry,
        cache_duration: Some(Duration::from_secs(43_200).into()),
        auth: vec![("h.io".into(), login.clone()), ("a.io".into(), login)],
    };
    assert_eq!(
        String::from_utf8(answer.to_vec()).expect("UTF-8"),
        "{\"kind\":\"CredentialProviderResponse\",\
         \"apiVersion\":\"credentialprovider.kubelet.k8s.io/v1\",\"cacheKeyType\":\"Registry\",\
         \"cacheDuration\":\"12h0m0s\",\"auth\":{\
         \"h.io\":{\"username\":\"AWS\",\"password\":\"p\\u0026\"},\
         \"a.io\":{\"username\":\"AWS\",\"password\":\"p\\u0026\"}}}\n"
    );
    answer.api_version = ApiVersion::V1Alpha1;
    answer.cache_duration = None;
    answer.auth.clear();
    assert_eq!(
        String::from_utf8(answer.to_vec()).expect("UTF-8"),
        "{\"kind\":\"CredentialProviderResponse\",\
         \"apiVersion\":\"credentialprovider.kubelet.k8s.io/v1alpha1\",\
         \"cacheKeyType\":\"Registry\",\"auth\":{}}\n"
    );
}

#[test]
fn answers_are_read_with_their_order() {
    let answer = decode(&format!(
        r#"{{{HEAD},"cacheKeyType":"Image","cacheDuration":"0","auth":{{
            "z.io":{{"username":"u","password":"p"}},"a.io":{{"password":""}},"n.io":null}}}}"#
    ))
    .expect("well-formed");
    assert_eq!(answer.cache_key_type, CacheScope::Image);
    assert_eq!(answer.cache_duration, Some(GoDuration(0)));
    let logins: Vec<_> = answer
        .auth
        .iter()
        .map(|(key, login)| (&**key, &*login.username, login.password.expose_secret()))
        .collect();
    assert_eq!(
        logins,
        [("z.io", "u", "p"), ("a.io", "", ""), ("n.io", "", "")]
    );
}

#[test]
fn optional_parts_may_be_null_or_absent() {
    for body in [
        format!(r#"{{{HEAD},"cacheKeyType":"Global"}}"#),
        format!(r#" {{{HEAD},"cacheKeyType":"Global","cacheDuration":null,"auth":null}} "#),
        format!(r#"{{{HEAD},"cacheKeyType":"Global","auth":{{}}}}"#),
    ] {
        let answer = decode(&body).expect(&body);
        assert_eq!(answer.cache_duration, None);
        assert!(answer.auth.is_empty());
    }
}

#[test]
fn what_is_written_decodes_in_every_version() {
    for &api_version in ApiVersion::ALL {
        for cache_key_type in CacheScope::ALL {
            let answer = CredentialProviderResponse {
                api_version,
                cache_key_type,
                cache_duration: Some(GoDuration(-1)),
                auth: vec![("*.io".into(), Credentials::default())],
            };
            let bytes = answer.to_vec();
            let read = CredentialProviderResponse::decode(&bytes, api_version, None).expect("own");
            assert_eq!(read.to_vec(), bytes);
        }
    }
}

#[test]
fn failures_have_the_kubelets_words_in_the_kubelets_order() {
    const FIXED: &str = "error decoding credential provider plugin response from stdout";
    const META: &str =
        "error reading GVK from response: couldn't get version/kind; json parse error:";
    for (body, error) in [
        ("".into(), format!("{META} unexpected end of JSON input")),
        (
            "oops".into(),
            format!("{META} invalid character 'o' looking for beginning of value"),
        ),
        (
            format!("{{{HEAD}}} x"),
            format!("{META} invalid character 'x' after top-level value"),
        ),
        (
            r#"{"kind":{}}"#.into(),
            format!("{META} json: cannot unmarshal object into Go struct field .kind of type string"),
        ),
        (
            r#"{"apiVersion":"a/b/c"}"#.into(),
            "error reading GVK from response: unexpected GroupVersion string: a/b/c".into(),
        ),
        // The version comes before the kind and the strict part.
        (
            r#"{"kind":"X","apiVersion":"credentialprovider.kubelet.k8s.io/v1beta1","x":1}"#.into(),
            "apiVersion from credential plugin response did not match expected \
             apiVersion:credentialprovider.kubelet.k8s.io/v1, \
             actual apiVersion:credentialprovider.kubelet.k8s.io/v1beta1"
                .into(),
        ),
        (
            "null".into(),
            "apiVersion from credential plugin response did not match expected \
             apiVersion:credentialprovider.kubelet.k8s.io/v1, actual apiVersion:"
                .into(),
        ),
        (
            r#"{"apiVersion":"credentialprovider.kubelet.k8s.io/v1"}"#.into(),
            FIXED.into(),
        ),
        (
            r#"{"Kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"Image"}"#.into(),
            FIXED.into(),
        ),
        // The strict part comes before the cacheKeyType.
        (
            format!(r#"{{{HEAD},"cacheKeyType":"x","ttl":1}}"#),
            FIXED.into(),
        ),
        (
            format!(r#"{{{HEAD},"cacheKeyType":"ServiceAccount"}}"#),
            "credential provider plugin did not return a valid cacheKeyType: ServiceAccount".into(),
        ),
        (
            format!(r#"{{{HEAD},"cacheKeyType":"image"}}"#),
            "credential provider plugin did not return a valid cacheKeyType: image".into(),
        ),
        (
            format!("{{{HEAD}}}"),
            "credential provider plugin did not return a valid cacheKeyType: ".into(),
        ),
    ] {
        let found = decode(&body).expect_err(&body);
        assert_eq!(found.to_string(), error, "{body}");
    }
}

#[test]
fn strictness_names_the_field_apart_and_no_value() {
    for (body, detail) in [
        (
            r#""cacheKeyType":"Image","cachekeytype":"Image""#,
            r#"strict decoding error: unknown field "cachekeytype""#,
        ),
        (
            r#""cacheKeyType":"Image","cacheKeyType":"Image""#,
            r#"strict decoding error: duplicate field "cacheKeyType""#,
        ),
        (
            r#""auth":{"canary":{"user":"canary"}}"#,
            r#"strict decoding error: unknown field "auth.*.user""#,
        ),
        (
            r#""auth":{"canary":{"password":"a"},"canary":{"password":"b"}}"#,
            r#"strict decoding error: duplicate field "auth.*""#,
        ),
        (
            r#""canary-1234567890":1"#,
            r#"strict decoding error: unknown field "*""#,
        ),
        (
            r#""auth":{"canary":{"password":12345}}"#,
            "json: cannot unmarshal number into Go struct field AuthConfig.auth.password of type string",
        ),
        (
            r#""auth":{"canary":"canary"}"#,
            "json: cannot unmarshal string into Go struct field \
             CredentialProviderResponse.auth of type v1.AuthConfig",
        ),
        (
            r#""auth":["canary"]"#,
            "json: cannot unmarshal array into Go struct field \
             CredentialProviderResponse.auth of type map[string]v1.AuthConfig",
        ),
        (
            r#""cacheDuration":3600"#,
            "json: cannot unmarshal number into Go struct field \
             CredentialProviderResponse.cacheDuration of type string",
        ),
        (
            r#""cacheDuration":"canary""#,
            "json: cannot unmarshal string into Go struct field \
             CredentialProviderResponse.cacheDuration of type a Go duration",
        ),
        (
            r#""cacheKeyType":true"#,
            "json: cannot unmarshal bool into Go struct field \
             CredentialProviderResponse.cacheKeyType of type v1.PluginCacheKeyType",
        ),
    ] {
        let found = decode(&format!("{{{HEAD},{body}}}")).expect_err(body);
        let ResponseError::Malformed(inner) = &found else {
            panic!("{body}: {found:?}");
        };
        assert_eq!(inner.to_string(), detail, "{body}");
        assert!(!format!("{found:?}").contains("canary"), "{body}");
    }
}

#[test]
fn a_token_may_not_come_back_as_the_password() {
    let body = format!(
        r#"{{{HEAD},"cacheKeyType":"nonsense","auth":{{"a":{{}},"h":{{"password":"token"}}}}}}"#
    );
    let token = SecretString::from("token");
    let decode = |not_token| {
        CredentialProviderResponse::decode(body.as_bytes(), ApiVersion::V1, not_token)
            .expect_err("rejected")
    };
    // This comes before the cacheKeyType.
    let found = decode(Some(&token));
    assert_eq!(found, ResponseError::TokenEchoed);
    assert_eq!(
        found.to_string(),
        "credential provider plugin returned the service account token as the password which is \
         not allowed when service account cache type is not set to 'Token'"
    );
    let cache_key = ResponseError::CacheKeyType("nonsense".into());
    assert_eq!(decode(None), cache_key);
    assert_eq!(decode(Some(&"other".into())), cache_key);
}

#[test]
fn debug_hides_the_password() {
    let answer = decode(&format!(
        r#"{{{HEAD},"cacheKeyType":"Image","auth":{{"h":{{"password":"canary"}}}}}}"#
    ));
    assert!(!format!("{answer:?}").contains("canary"));
}
