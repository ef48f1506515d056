//! Texts of type errors were compared with those of `kubectl` for a kubeconfig of the same form.

use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::*;

const SAMPLE: &str = r#"
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: ecr-credential-provider
  matchImages: ["*.dkr.ecr.*.amazonaws.com", public.ecr.aws]
  defaultCacheDuration: 12h
  apiVersion: credentialprovider.kubelet.k8s.io/v1
  args: [get-credentials]
  env:
  - {name: AWS_PROFILE, value: node}
  - {name: EMPTY}
  tokenAttributes:
    serviceAccountTokenAudience: sts.amazonaws.com
    cacheType: ServiceAccount
    requireServiceAccount: yes
    requiredServiceAccountAnnotationKeys: [eks.amazonaws.com/role-arn]
    optionalServiceAccountAnnotationKeys: [a, b]
- name: second
"#;

fn error(text: &str) -> String {
    decode_config(text.as_bytes()).expect_err(text).to_string()
}

/// A v1 JSON file with this list of providers.
fn with_providers(providers: &str) -> String {
    format!(
        r#"{{"kind":"CredentialProviderConfig","apiVersion":"kubelet.config.k8s.io/v1","providers":{providers}}}"#
    )
}

/// All of an entry, values of its environment included.
fn whole(entry: &ProviderEntry) -> String {
    let values: Vec<_> = entry
        .env
        .iter()
        .map(|(_, value)| value.expose_secret())
        .collect();
    format!("{entry:?} {values:?}")
}

#[test]
fn yaml_is_read_in_full() {
    let config = decode_config(SAMPLE.as_bytes()).expect("well-formed");
    assert_eq!(config.version, ConfigVersion::V1);
    let [first, second] = &*config.providers else {
        panic!("two providers");
    };
    assert_eq!(first.name, "ecr-credential-provider");
    assert_eq!(
        first.match_images,
        ["*.dkr.ecr.*.amazonaws.com", "public.ecr.aws"]
    );
    assert_eq!(
        first.default_cache_duration,
        Some(Duration::from_secs(43_200).into())
    );
    assert_eq!(first.api_version, "credentialprovider.kubelet.k8s.io/v1");
    assert_eq!(first.args, ["get-credentials"]);
    let env: Vec<_> = first
        .env
        .iter()
        .map(|(name, value)| (&**name, value.expose_secret()))
        .collect();
    assert_eq!(env, [("AWS_PROFILE", "node"), ("EMPTY", "")]);
    assert_eq!(
        first.token_attributes,
        Some(TokenAttributes {
            service_account_token_audience: "sts.amazonaws.com".into(),
            cache_type: "ServiceAccount".into(),
            require_service_account: Some(true),
            required_service_account_annotation_keys: vec!["eks.amazonaws.com/role-arn".into()],
            optional_service_account_annotation_keys: vec!["a".into(), "b".into()],
        })
    );
    let expected = ProviderEntry {
        name: "second".into(),
        ..ProviderEntry::default()
    };
    assert_eq!(whole(second), whole(&expected));
}

#[test]
fn json_gives_the_same() {
    let json = with_providers(
        r#"[{"name":"ecr-credential-provider",
            "matchImages":["*.dkr.ecr.*.amazonaws.com","public.ecr.aws"],
            "defaultCacheDuration":"12h0m0s","apiVersion":"credentialprovider.kubelet.k8s.io/v1",
            "args":["get-credentials"],
            "env":[{"name":"AWS_PROFILE","value":"node"},{"name":"EMPTY","value":null}],
            "tokenAttributes":{"serviceAccountTokenAudience":"sts.amazonaws.com",
              "cacheType":"ServiceAccount","requireServiceAccount":true,
              "requiredServiceAccountAnnotationKeys":["eks.amazonaws.com/role-arn"],
              "optionalServiceAccountAnnotationKeys":["a","b"]}},
           {"name":"second","matchImages":null,"tokenAttributes":null,"defaultCacheDuration":null}]"#,
    );
    let [json, yaml] = [&json, SAMPLE].map(|text| decode_config(text.as_bytes()).expect("sound"));
    let all =
        |config: &CredentialProviderConfig| config.providers.iter().map(whole).collect::<Vec<_>>();
    assert_eq!(all(&json), all(&yaml));
    assert_eq!((json.version, json.has_more), (yaml.version, yaml.has_more));
}

#[test]
fn missing_lists_are_empty_and_no_error_of_form() {
    for providers in ["null", "[]"] {
        let config = decode_config(with_providers(providers).as_bytes()).expect(providers);
        assert!(config.providers.is_empty());
    }
    let config = decode_config(with_providers("[null]").as_bytes()).expect("null provider");
    let [provider] = &*config.providers else {
        panic!("one provider");
    };
    assert_eq!(whole(provider), whole(&ProviderEntry::default()));
}

#[test]
fn every_version_is_read() {
    for version in ["v1alpha1", "v1beta1", "v1"] {
        let text = format!(
            "apiVersion: kubelet.config.k8s.io/{version}\nkind: CredentialProviderConfig\n"
        );
        let config = decode_config(text.as_bytes()).expect(version);
        assert!(config.version.as_str().ends_with(version));
    }
}

#[test]
fn token_attributes_are_unknown_before_v1() {
    for version in ["v1alpha1", "v1beta1"] {
        let text = format!(
            "apiVersion: kubelet.config.k8s.io/{version}\nkind: CredentialProviderConfig\n\
             providers:\n- name: a\n- name: b\n  tokenAttributes: {{}}\n"
        );
        assert_eq!(
            error(&text),
            r#"strict decoding error: unknown field "providers[1].tokenAttributes""#
        );
    }
}

#[test]
fn wrong_kinds_and_versions() {
    const V1: &str = "kubelet.config.k8s.io/v1";
    const SCHEME: &str = "pkg/credentialprovider/plugin/plugin.go";
    for (kind, api_version, expected) in [
        ("", V1, "Object 'Kind' is missing".to_owned()),
        (
            "CredentialProviderConfig",
            "",
            "Object 'apiVersion' is missing".into(),
        ),
        (
            "Foo",
            V1,
            format!(
                r#"no kind "Foo" is registered for version "kubelet.config.k8s.io/v1" in scheme "{SCHEME}""#
            ),
        ),
        (
            "CredentialProviderConfig",
            "v1",
            format!(
                r#"no kind "CredentialProviderConfig" is registered for version "v1" in scheme "{SCHEME}""#
            ),
        ),
        (
            "CredentialProviderConfig",
            "kubelet.config.k8s.io/v2",
            format!(
                r#"no kind "CredentialProviderConfig" is registered for version "kubelet.config.k8s.io/v2" in scheme "{SCHEME}""#
            ),
        ),
        (
            "KubeletConfiguration",
            "kubelet.config.k8s.io/v1beta1",
            r#"failed to decode "KubeletConfiguration" (wrong Kind)"#.into(),
        ),
        (
            "CredentialProviderResponse",
            "credentialprovider.kubelet.k8s.io/v1",
            r#"failed to decode "CredentialProviderResponse" (wrong Kind)"#.into(),
        ),
        (
            "CredentialProviderConfig",
            "a/b/c",
            "unexpected GroupVersion string: a/b/c".into(),
        ),
    ] {
        let json = format!(r#"{{"kind":"{kind}","apiVersion":"{api_version}","x":1}}"#);
        assert_eq!(error(&json), expected);
        let yaml = format!("kind: {kind:?}\napiVersion: {api_version:?}\nx: 1\n");
        assert_eq!(error(&yaml), expected);
    }
}

#[test]
fn providers_under_another_kind_are_an_unknown_field() {
    let json = r#"{"kind":"KubeletConfiguration","apiVersion":"kubelet.config.k8s.io/v1beta1","providers":[]}"#;
    let yaml =
        "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\nproviders: []\n";
    let unknown = r#"unknown field "providers""#;
    for text in [json, yaml] {
        assert_eq!(error(text), format!("strict decoding error: {unknown}"));
    }
    let twice = format!("{yaml}kind: KubeletConfiguration\n");
    let duplicate = "yaml: unmarshal errors:\n  line 4: key \"kind\" already set in map";
    let expected = format!("strict decoding error: {duplicate}, {unknown}");
    assert_eq!(error(&twice), expected);
}

#[test]
fn unreadable_files() {
    for (text, expected) in [
        ("", "Object 'Kind' is missing"),
        ("# only a comment\n", "Object 'Kind' is missing"),
        (
            "{\"kind\":}",
            "couldn't get version/kind; json parse error: invalid character '}' looking for beginning of value",
        ),
        // What begins as JSON is not tried as YAML.
        (
            " \n{kind: CredentialProviderConfig}",
            "couldn't get version/kind; json parse error: invalid character 'k' looking for beginning of object key string",
        ),
        (
            "- canary\n",
            r#"couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#,
        ),
        (
            "kind: a\n canary: b\n",
            "yaml: line 2: this is not valid YAML",
        ),
        ("kind: a\n---\nkind: b\n", "Object 'apiVersion' is missing"),
    ] {
        assert_eq!(error(text), expected, "{text:?}");
    }
}

#[test]
fn unknown_fields_are_listed_in_order_with_their_paths() {
    assert_eq!(
        error(&with_providers(
            r#"[{"name":"a","x":{"y":1},"env":[{"name":"A"},{"nam":"B"}]},{"zone":1,"arg":2}],"kin":1"#
        )),
        "strict decoding error: unknown field \"providers[0].x\", \
         unknown field \"providers[0].env[1].nam\", unknown field \"providers[1].zone\", \
         unknown field \"providers[1].arg\", unknown field \"kin\""
    );
    // Names count with their case.
    assert_eq!(
        error(&with_providers(r#"[{"Name":"a"}]"#)),
        r#"strict decoding error: unknown field "providers[0].Name""#
    );
    assert_eq!(
        error(r#"{"Kind":"CredentialProviderConfig","apiVersion":"kubelet.config.k8s.io/v1"}"#),
        r#"strict decoding error: unknown field "Kind""#
    );
}

#[test]
fn yaml_lists_fields_in_byte_order() {
    assert_eq!(
        error(
            "kind: CredentialProviderConfig\napiVersion: kubelet.config.k8s.io/v1\nz: 1\n\
             providers: [{\"y\": 1, name: a, x: 2}]\nA: 1\n"
        ),
        "strict decoding error: unknown field \"A\", unknown field \"providers[0].x\", \
         unknown field \"providers[0].y\", unknown field \"z\""
    );
}

#[test]
fn duplicate_keys_are_refused() {
    assert_eq!(
        error(&with_providers(
            r#"[{"name":"a","name":"b","x":1,"x":2}],"providers":[]"#
        )),
        "strict decoding error: duplicate field \"providers[0].name\", \
         unknown field \"providers[0].x\", duplicate field \"providers\""
    );
    assert_eq!(
        error(
            "kind: CredentialProviderConfig\napiVersion: kubelet.config.k8s.io/v1\nproviders:\n\
             - name: a\n  name: b\n  x: 1\n"
        ),
        "strict decoding error: yaml: unmarshal errors:\n  \
         line 5: key \"name\" already set in map, unknown field \"providers[0].x\""
    );
}

#[test]
fn types_and_durations_come_before_strictness_and_show_no_value() {
    for (providers, expected) in [
        (
            r#""canary""#,
            "json: cannot unmarshal string into Go struct field \
             CredentialProviderConfig.providers of type []v1.CredentialProvider",
        ),
        (
            r#"["canary"]"#,
            "json: cannot unmarshal string into Go struct field \
             CredentialProviderConfig.providers of type v1.CredentialProvider",
        ),
        (
            r#"[{"x":1,"name":7,"args":{}}]"#,
            "json: cannot unmarshal number into Go struct field \
             CredentialProvider.providers.name of type string",
        ),
        (
            r#"[{"args":{}}]"#,
            "json: cannot unmarshal object into Go struct field \
             CredentialProvider.providers.args of type []string",
        ),
        (
            r#"[{"matchImages":[true]}]"#,
            "json: cannot unmarshal bool into Go struct field \
             CredentialProvider.providers.matchImages of type string",
        ),
        (
            r#"[{"env":{"A":"canary"}}]"#,
            "json: cannot unmarshal object into Go struct field \
             CredentialProvider.providers.env of type []v1.ExecEnvVar",
        ),
        (
            r#"[{"env":["canary"]}]"#,
            "json: cannot unmarshal string into Go struct field \
             CredentialProvider.providers.env of type v1.ExecEnvVar",
        ),
        (
            r#"[{"env":[{"name":"A","value":["canary"]}]}]"#,
            "json: cannot unmarshal array into Go struct field \
             ExecEnvVar.providers.env.value of type string",
        ),
        (
            r#"[{"tokenAttributes":{"requireServiceAccount":"true"}}]"#,
            "json: cannot unmarshal string into Go struct field \
             ServiceAccountTokenAttributes.providers.tokenAttributes.requireServiceAccount \
             of type bool",
        ),
        (
            r#"[{"tokenAttributes":{"cacheType":[]}}]"#,
            "json: cannot unmarshal array into Go struct field \
             ServiceAccountTokenAttributes.providers.tokenAttributes.cacheType \
             of type v1.ServiceAccountTokenCacheType",
        ),
        (
            r#"[{"tokenAttributes":[]}]"#,
            "json: cannot unmarshal array into Go struct field \
             CredentialProvider.providers.tokenAttributes of type v1.ServiceAccountTokenAttributes",
        ),
        (
            r#"[{"defaultCacheDuration":43200}]"#,
            "json: cannot unmarshal number into Go struct field \
             CredentialProvider.providers.defaultCacheDuration of type string",
        ),
        (
            r#"[{"defaultCacheDuration":"1d"}]"#,
            r#"time: unknown unit "d" in duration "1d""#,
        ),
    ] {
        assert_eq!(error(&with_providers(providers)), expected, "{providers}");
    }
}

#[test]
fn findings_are_bounded() {
    let fields: Vec<_> = (0..300).map(|n| format!("\"f{n}\":0")).collect();
    let found = error(&with_providers(&format!("[{{{}}}]", fields.join(","))));
    assert_eq!(found.matches("unknown field").count(), 100);
}

#[test]
fn debug_treats_values_as_secrets() {
    let text = with_providers(r#"[{"name":"a","env":[{"name":"A","value":"canary"}]}]"#);
    let one = decode_config(text.as_bytes()).expect("well-formed");
    assert!(!format!("{one:?}").contains("canary"));
}
