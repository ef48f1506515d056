use super::*;

/// `{"auths":{"h":{"auth":"dTpw"}}}`
const CONFIG: &str = "eyJhdXRocyI6eyJoIjp7ImF1dGgiOiJkVHB3In19fQ==";
const CONFIG_JSON_TYPE: &str = "kubernetes.io/dockerconfigjson";
const DOCKERCFG_TYPE: &str = "kubernetes.io/dockercfg";
/// `{"i":{"username":"v"}}`
const DOCKERCFG: &str = "eyJpIjp7InVzZXJuYW1lIjoidiJ9fQ==";

fn secrets(text: &str) -> Vec<PullSecret> {
    parse(text.as_bytes(), BadEntries::RejectFile).expect(text)
}

/// Name and either the servers with their user names, or the reason why it is skipped.
fn shown(secrets: &[PullSecret]) -> Vec<String> {
    let content = |content: &Content| match content {
        Content::Skipped(why) => format!("skipped: {why}"),
        Content::Config(config) => config
            .entries
            .iter()
            .map(|e| format!("{}@{}", e.username, e.server))
            .collect::<Vec<_>>()
            .join(" "),
    };
    secrets
        .iter()
        .map(|s| format!("{}/{} {}", s.namespace, s.name, content(&s.content)))
        .collect()
}

fn manifest(name: &str, kind: &str, data: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\ntype: {kind}\n{data}\n")
}

#[test]
fn several_documents_are_read_in_order() {
    let text = format!(
        "# pull secrets\n---\n{}---\n{}---\n{}",
        manifest(
            "one",
            CONFIG_JSON_TYPE,
            &format!("data: {{.dockerconfigjson: {CONFIG}}}")
        ),
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app, namespace: team}\n",
        manifest(
            "two",
            DOCKERCFG_TYPE,
            &format!("data: {{.dockercfg: {DOCKERCFG}}}")
        ),
    );
    assert_eq!(
        shown(&secrets(&text)),
        [
            "/one u@h",
            "team/app skipped: Deployment of \"apps/v1\" is not a Secret",
            "/two v@i"
        ]
    );
}

#[test]
fn json_objects_that_follow_each_other_are_secrets() {
    let secret = |name: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"{name}"}},
            "type":"{CONFIG_JSON_TYPE}","data":{{".dockerconfigjson":"{CONFIG}"}}}}"#
        )
    };
    let text = format!("{}\n{}{}", secret("a"), secret("b"), secret("c"));
    assert_eq!(shown(&secrets(&text)), ["/a u@h", "/b u@h", "/c u@h"]);
    let error = parse(b"{\"auths\":{}} {\"auths\":{}}", BadEntries::RejectFile);
    assert!(error.is_err(), "one docker configuration is a file");
}

#[test]
fn a_label_that_is_too_large_a_number_is_a_text() {
    let text = manifest(
        "one",
        CONFIG_JSON_TYPE,
        &format!("labels: {{commit: 8e92183}}\ndata: {{.dockerconfigjson: {CONFIG}}}"),
    );
    assert_eq!(shown(&secrets(&text)), ["/one u@h"]);
}

#[test]
fn lists_hold_secrets_too() {
    let item = |name: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Secret","type":"{CONFIG_JSON_TYPE}",
                "metadata":{{"name":"{name}","namespace":"n","uid":"u-{name}"}},
                "data":{{".dockerconfigjson":"{CONFIG}","other":"AA=="}}}}"#
        )
    };
    for kind in ["List", "SecretList"] {
        let text = format!(
            r#"{{"kind":"{kind}","apiVersion":"v1","items":[{},{}]}}"#,
            item("a"),
            item("b")
        );
        let found = secrets(&text);
        assert_eq!(shown(&found), ["n/a u@h", "n/b u@h"]);
        assert_eq!(found[1].uid, "u-b");
    }
}

#[test]
fn string_data_wins_over_data() {
    let text = manifest(
        "s",
        CONFIG_JSON_TYPE,
        &format!(
            "data: {{.dockerconfigjson: {CONFIG}}}\nstringData:\n  .dockerconfigjson: |\n    \
             {{\"auths\": {{\"x\": {{\"username\": \"w\"}}}}}}"
        ),
    );
    assert_eq!(shown(&secrets(&text)), ["/s w@x"]);
}

#[test]
fn base64_may_be_broken_into_lines() {
    let (head, tail) = CONFIG.split_at(20);
    let data = format!("data:\n  .dockerconfigjson: |\n    {head}\n    {tail}");
    let text = manifest("s", CONFIG_JSON_TYPE, &data);
    assert_eq!(shown(&secrets(&text)), ["/s u@h"]);
}

#[test]
fn type_and_key_must_fit_together() {
    for (kind, data, why) in [
        (
            "Opaque",
            format!("data: {{.dockerconfigjson: {CONFIG}}}"),
            "type \"Opaque\" is not a pull secret's: expected kubernetes.io/dockerconfigjson or \
             kubernetes.io/dockercfg",
        ),
        (
            "null",
            format!("data: {{.dockerconfigjson: {CONFIG}}}"),
            "type \"Opaque\" is not a pull secret's: expected kubernetes.io/dockerconfigjson or \
             kubernetes.io/dockercfg",
        ),
        (
            CONFIG_JSON_TYPE,
            format!("data: {{.dockercfg: {DOCKERCFG}}}"),
            "it has no key .dockerconfigjson; with its key .dockercfg the type is \
             kubernetes.io/dockercfg",
        ),
        (
            DOCKERCFG_TYPE,
            format!("data: {{.dockerconfigjson: {CONFIG}}}"),
            "it has no key .dockercfg; with its key .dockerconfigjson the type is \
             kubernetes.io/dockerconfigjson",
        ),
        (
            CONFIG_JSON_TYPE,
            String::new(),
            "it has no key .dockerconfigjson",
        ),
        (
            CONFIG_JSON_TYPE,
            "data: {.dockerconfigjson: \"\"}".into(),
            "its key .dockerconfigjson is empty",
        ),
        (
            CONFIG_JSON_TYPE,
            "data: {.dockerconfigjson: ~}".into(),
            "its key .dockerconfigjson is empty",
        ),
    ] {
        let text = manifest("s", kind, &data);
        assert_eq!(
            shown(&secrets(&text)),
            [format!("/s skipped: {why}")],
            "{text}"
        );
    }
}

#[test]
fn a_bare_config_json_is_taken() {
    for (text, expected) in [
        (r#"{"auths":{"h":{"auth":"dTpw"}}}"#, "/ u@h"),
        (r#"{"Auths":{"h":{}},"credsStore":"x"}"#, "/ @h"),
        (r#"{"credHelpers":{}}"#, "/ "),
        ("{}", "/ "),
    ] {
        assert_eq!(shown(&secrets(text)), [expected], "{text}");
    }
}

#[test]
fn an_empty_file_holds_nothing() {
    assert!(secrets("").is_empty());
    assert!(secrets("---\n# nothing\n").is_empty());
}

#[test]
fn failures_say_where_and_never_what() {
    for (text, expected) in [
        (
            r#"{"h":{"auth":"dTpw"}}"#.to_owned(),
            "expected a Secret manifest, or a docker config.json with `auths`",
        ),
        (
            "canary".into(),
            "expected a Secret manifest, or a docker config.json with `auths`",
        ),
        ("{".into(), "unexpected end of JSON input"),
        (
            "a: 1\n canary: b\n".into(),
            "yaml: line 2: this is not valid YAML",
        ),
        (
            r#"{"auths":{"h":{"auth":"canary="}}}"#.into(),
            r#"entry "h": illegal base64 data at input byte 7"#,
        ),
        (
            manifest("s", CONFIG_JSON_TYPE, "data: {.dockerconfigjson: canary}"),
            r#"secret "s": data[.dockerconfigjson]: illegal base64 data at input byte 4"#,
        ),
        (
            manifest("s", CONFIG_JSON_TYPE, "data: {.dockerconfigjson: [canary]}"),
            r#"secret "s": data[.dockerconfigjson]: expected base64"#,
        ),
        (
            manifest("s", CONFIG_JSON_TYPE, "stringData: {.dockerconfigjson: 17}"),
            r#"secret "s": stringData[.dockerconfigjson]: expected a string"#,
        ),
        (
            manifest(
                "s",
                CONFIG_JSON_TYPE,
                "stringData: {.dockerconfigjson: canary}",
            ),
            r#"secret "s": invalid character 'c' looking for beginning of value"#,
        ),
        (
            manifest(
                "s",
                DOCKERCFG_TYPE,
                r#"stringData: {.dockercfg: '{"h":{"auth":"eA=="}}'}"#,
            ),
            r#"secret "s": entry "h": unable to parse auth field, must be formatted as base64(username:password)"#,
        ),
    ] {
        let found = parse(text.as_bytes(), BadEntries::RejectFile).expect_err(&text);
        assert_eq!(found.to_string(), expected, "{text}");
    }
}

#[test]
fn a_configuration_in_another_encoding_is_recognised() {
    let json = r#"{"auths":{"h":{"auth":"dTpw"}}}"#;
    let utf_16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(json.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    let marked = [b"\xef\xbb\xbf", json.as_bytes()].concat();
    let plain_auth = br#"{"auths":{"h":{"auth":"canary:canary"}}}"#;
    for (data, sentence, advice) in [
        (
            STANDARD.encode(utf_16),
            "invalid character 'ÿ' looking for beginning of value",
            "UTF-16",
        ),
        (
            STANDARD.encode(marked),
            "invalid character 'ï' looking for beginning of value",
            "byte order mark",
        ),
        (
            STANDARD.encode(STANDARD.encode(json)),
            "invalid character 'e' looking for beginning of value",
            "encode it once, not twice",
        ),
        (
            STANDARD.encode(plain_auth),
            "illegal base64 data at input byte 6",
            "username:password",
        ),
        (
            format!("'{json}'"),
            "illegal base64 data at input byte 0",
            "stringData",
        ),
    ] {
        let text = manifest(
            "s",
            CONFIG_JSON_TYPE,
            &format!("data: {{.dockerconfigjson: {data}}}"),
        );
        let error = parse(text.as_bytes(), BadEntries::RejectFile).expect_err(advice);
        assert_eq!(error.sentence(), sentence, "the kubelet's words");
        let shown = error.to_string();
        assert!(
            shown.contains(advice) && !shown.contains("canary"),
            "{shown}"
        );
    }
}

#[test]
fn bad_entries_can_be_skipped_here_too() {
    let data =
        r#"stringData: {.dockerconfigjson: '{"auths":{"g":{"auth":"%"},"h":{"auth":"dTpw"}}}'}"#;
    let text = manifest("s", CONFIG_JSON_TYPE, data);
    let found = parse(text.as_bytes(), BadEntries::Skip).expect("one good entry");
    assert_eq!(shown(&found), ["/s u@h"]);
}

#[test]
fn manifests_are_written_and_read_back() {
    let config =
        SecretString::from(r#"{"auths":{"h":{"username":"u","password":"p","auth":"dTpw"}}}"#);
    let yaml = render_yaml("regcred", Some("team"), &config);
    assert_eq!(
        yaml.expose_secret(),
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: \"regcred\"\n  namespace: \"team\"\n\
         type: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: \
         eyJhdXRocyI6eyJoIjp7InVzZXJuYW1lIjoidSIsInBhc3N3b3JkIjoicCIsImF1dGgiOiJkVHB3In19fQ==\n"
    );
    assert_eq!(shown(&secrets(yaml.expose_secret())), ["team/regcred u@h"]);
    let plain = render_yaml("no", None, &config);
    assert_eq!(shown(&secrets(plain.expose_secret())), ["/no u@h"]);
}

#[test]
fn debug_hides_passwords() {
    let found = secrets(r#"{"auths":{"h":{"password":"canary"}}}"#);
    assert!(!format!("{found:?}").contains("canary"));
}
