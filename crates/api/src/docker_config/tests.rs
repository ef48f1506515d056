use proptest::prelude::*;

use super::*;

fn config(text: &str) -> DockerConfig {
    parse(text.as_bytes(), Format::ConfigJson, BadEntries::RejectFile).expect(text)
}

fn error(text: &str, format: Format) -> String {
    let found = parse(text.as_bytes(), format, BadEntries::RejectFile);
    found.expect_err(text).to_string()
}

/// Server, user name, password and address of each entry.
fn logins(config: &DockerConfig) -> Vec<(&str, &str, &str, &str)> {
    config
        .entries
        .iter()
        .map(|e| {
            (
                &*e.server,
                &*e.username,
                e.password.expose_secret(),
                &*e.email,
            )
        })
        .collect()
}

#[test]
fn members_follow_gos_rules() {
    for (text, expected) in [
        // dTpw is u:p.
        (
            r#"{"auths":{"h":{"auth":"dTpw"}}}"#,
            vec![("h", "u", "p", "")],
        ),
        (
            r#"{"auths":{"h":{"username":"a","password":"b","email":"c"}}}"#,
            vec![("h", "a", "b", "c")],
        ),
        // `auth` overrides both, wherever it is written; the address stays.
        (
            r#"{"auths":{"h":{"auth":"dTpw","username":"a","password":"b","email":"c"}}}"#,
            vec![("h", "u", "p", "c")],
        ),
        (
            r#"{"auths":{"h":{"username":"a","password":"b","auth":""}}}"#,
            vec![("h", "a", "b", "")],
        ),
        (
            r#"{"auths":{"h":{"username":"a","auth":null,"password":null}}}"#,
            vec![("h", "a", "", "")],
        ),
        // Any case, and the last of the same field counts, however it is spelled.
        (
            r#"{"AUTHS":{"h":{"USERNAME":"x","Username":"a","PassWord":"b"}}}"#,
            vec![("h", "a", "b", "")],
        ),
        (
            r#"{"auths":{"h":{"username":"a","USERNAME":"x","pa\u017f\u017fword":"b"}}}"#,
            vec![("h", "x", "b", "")],
        ),
        // Entries are kept though they hold nothing.
        (
            r#"{"auths":{"b":{},"a":null}}"#,
            vec![("b", "", "", ""), ("a", "", "", "")],
        ),
        // The last entry of a server replaces earlier ones, in their place.
        (
            r#"{"auths":{"h":{"username":"a","password":"x"},"i":{},"h":{"username":"b"}}}"#,
            vec![("h", "b", "", ""), ("i", "", "", "")],
        ),
        // A second `auths` adds; null forgets.
        (
            r#"{"auths":{"h":{}},"auths":{"i":{}}}"#,
            vec![("h", "", "", ""), ("i", "", "", "")],
        ),
        (
            r#"{"auths":{"h":{}},"auths":null,"auths":{"i":{}}}"#,
            vec![("i", "", "", "")],
        ),
        ("{}", vec![]),
        ("null", vec![]),
        (r#"{"auths":null}"#, vec![]),
        (
            r#"{"auths":{},"HttpHeaders":{"A":"b","C":null},"currentContext":7,"x":[]}"#,
            vec![],
        ),
    ] {
        assert_eq!(logins(&config(text)), expected, "{text}");
    }
}

#[test]
fn the_older_form_has_no_auths() {
    let text = br#"{"https://index.docker.io/v1/":{"auth":"dTpw","email":"c"},"h":null}"#;
    let config = parse(text, Format::Dockercfg, BadEntries::RejectFile).expect("well-formed");
    assert_eq!(
        logins(&config),
        [
            ("https://index.docker.io/v1/", "u", "p", "c"),
            ("h", "", "", "")
        ]
    );
    // A config.json read as the older form has an entry of that name.
    let text = br#"{"auths":{"h":{"auth":"dTpw"}}}"#;
    let config = parse(text, Format::Dockercfg, BadEntries::RejectFile).expect("an entry");
    assert_eq!(logins(&config), [("auths", "", "", "")]);
}

#[test]
fn logins_in_the_place_of_the_other_form_are_noted() {
    for (text, format, expected) in [
        (
            r#"{"auths":{"h":{"auth":"dTpw"}}}"#,
            Format::Dockercfg,
            Some(UNDER_AUTHS),
        ),
        (
            r#"{"h":{"auth":"dTpw"}}"#,
            Format::ConfigJson,
            Some(NOT_UNDER_AUTHS),
        ),
        (
            r#"{"h":{"username":"u","password":"p"}}"#,
            Format::ConfigJson,
            Some(NOT_UNDER_AUTHS),
        ),
        (
            r#"{"auths":{"h":{"auth":"dTpw"}}}"#,
            Format::ConfigJson,
            None,
        ),
        (r#"{"h":{"auth":"dTpw"}}"#, Format::Dockercfg, None),
        (r#"{"auths":{"auth":"dTpw"}}"#, Format::Dockercfg, None),
        (
            r#"{"credHelpers":{"h":"x"},"HttpHeaders":{"A":"b"}}"#,
            Format::ConfigJson,
            None,
        ),
        ("{}", Format::ConfigJson, None),
        ("null", Format::Dockercfg, None),
    ] {
        let config = parse(text.as_bytes(), format, BadEntries::RejectFile).expect(text);
        assert_eq!(config.misplaced, expected, "{text}");
    }
}

#[test]
fn auth_decoding_has_gos_quirks() {
    for (auth, expected) in [
        ("dTpw", Some(("u", "p"))),
        // Padded and unpadded.
        ("dXM6cA==", Some(("us", "p"))),
        ("dXM6cA", Some(("us", "p"))),
        // Split at the first colon; both sides may be empty; nothing is trimmed.
        ("YTpiOmM=", Some(("a", "b:c"))),
        ("Og==", Some(("", ""))),
        ("OnA=", Some(("", "p"))),
        ("dTo=", Some(("u", ""))),
        ("dTpwCg==", Some(("u", "p\n"))),
        ("dTpwAA==", Some(("u", "p\0"))),
        // Line breaks are skipped anywhere.
        ("dXM6\\r\\ncA==", Some(("us", "p"))),
        ("dXM6cA==\\n", Some(("us", "p"))),
        ("\\ndXM6cA\\n", Some(("us", "p"))),
        // Surplus bits are not looked at.
        ("dXM6cB==", Some(("us", "p"))),
        ("dXM6cB", Some(("us", "p"))),
        // Bytes that are not UTF-8.
        ("dTr/", Some(("u", "\u{fffd}"))),
        // Other white space, other alphabets, wrong padding.
        (" dTpw", None),
        ("dTpw ", None),
        ("dXM6cA== ", None),
        ("dXM6\\tcA==", None),
        ("dTr_", None),
        ("dXM6cA=", None),
        ("dXM=cA", None),
        (" ", None),
        ("=", None),
    ] {
        let text = format!(r#"{{"auths":{{"h":{{"auth":"{auth}"}}}}}}"#);
        let found = parse(text.as_bytes(), Format::ConfigJson, BadEntries::RejectFile);
        match expected {
            Some((username, password)) => {
                let config = found.expect(auth);
                assert_eq!(logins(&config), [("h", username, password, "")], "{auth}");
            }
            None => {
                let error = found.expect_err(auth);
                let (place, sentence) = (error.to_string(), error.sentence());
                assert!(
                    sentence.starts_with("illegal base64 data at input byte "),
                    "{auth}: {sentence}"
                );
                assert_eq!(place, format!("entry \"h\": {sentence}"), "{auth}");
            }
        }
    }
}

#[test]
fn one_bad_entry_rejects_the_file_and_shows_no_value() {
    use Format::{ConfigJson, Dockercfg};
    for (text, format, expected) in [
        ("", ConfigJson, "unexpected end of JSON input"),
        (
            "[]",
            ConfigJson,
            "json: cannot unmarshal array into Go value of type credentialprovider.DockerConfigJSON",
        ),
        (
            r#""canary""#,
            Dockercfg,
            "json: cannot unmarshal string into Go value of type credentialprovider.DockerConfig",
        ),
        (
            r#"{"auths":["canary"]}"#,
            ConfigJson,
            "json: cannot unmarshal array into Go struct field DockerConfigJSON.auths of type \
             credentialprovider.DockerConfig",
        ),
        (
            r#"{"auths":{"g":{"auth":"dTpw"},"h":{"auth":"Y2FuYXJ5"}}}"#,
            ConfigJson,
            "entry \"h\": unable to parse auth field, must be formatted as base64(username:password)",
        ),
        (
            r#"{"auths":{"h":{"password":{"canary":1}}}}"#,
            ConfigJson,
            "entry \"h\": json: cannot unmarshal object into Go struct field \
             DockerConfigJSON.auths.password of type string",
        ),
        (
            r#"{"h":{"password":1234}}"#,
            Dockercfg,
            "entry \"h\": json: cannot unmarshal number into Go struct field \
             dockerConfigEntryWithAuth.password of type string",
        ),
        (
            r#"{"auths":{"h":"canary"}}"#,
            ConfigJson,
            "entry \"h\": json: cannot unmarshal string into Go struct field DockerConfigJSON.auths of \
             type credentialprovider.dockerConfigEntryWithAuth",
        ),
        (
            // A bad entry counts before whatever has the wrong type.
            r#"{"HttpHeaders":1,"auths":{"h":{"auth":"eA=="}}}"#,
            ConfigJson,
            "entry \"h\": unable to parse auth field, must be formatted as \
             base64(username:password)",
        ),
        (
            r#"{"HttpHeaders":{"A":["canary"]}}"#,
            ConfigJson,
            "json: cannot unmarshal array into Go struct field DockerConfigJSON.HttpHeaders of \
             type string",
        ),
        (
            r#"{"HttpHeaders":"canary"}"#,
            ConfigJson,
            "json: cannot unmarshal string into Go struct field DockerConfigJSON.HttpHeaders of \
             type map[string]string",
        ),
    ] {
        assert_eq!(error(text, format), expected, "{text}");
    }
}

#[test]
fn a_bad_entry_can_be_skipped() {
    let text = br#"{"auths":{"g":{"auth":"%"},"h":{"auth":"dTpw"},"i":7}}"#;
    let config = parse(text, Format::ConfigJson, BadEntries::Skip).expect("one good entry");
    assert_eq!(logins(&config), [("h", "u", "p", "")]);
    let rejected: Vec<_> = config
        .rejected
        .iter()
        .map(|(server, why)| format!("{server}: {why}"))
        .collect();
    assert_eq!(
        rejected,
        [
            "g: illegal base64 data at input byte 0",
            "i: json: cannot unmarshal number into Go struct field DockerConfigJSON.auths of type \
             credentialprovider.dockerConfigEntryWithAuth"
        ]
    );
    // What is not an entry's fault still counts.
    assert!(parse(b"{", Format::ConfigJson, BadEntries::Skip).is_err());
}

#[test]
fn what_the_kubelet_ignores_is_recorded() {
    let config = config(
        r#"{"credsStore":"desktop","CREDHELPERS":{"h":"x"},
            "auths":{"h":{"identitytoken":"canary","username":"u"},"i":{"registryToken":1}}}"#,
    );
    assert_eq!(config.ignored, ["credsStore", "credHelpers"]);
    assert_eq!(logins(&config), [("h", "u", "", ""), ("i", "", "", "")]);
    assert_eq!(config.entries[0].ignored, ["identitytoken"]);
    assert_eq!(config.entries[1].ignored, ["registrytoken"]);
}

#[test]
fn debug_hides_passwords() {
    let config = config(r#"{"auths":{"h":{"password":"canary"},"i":{"auth":"dTpjYW5hcnk="}}}"#);
    assert!(!format!("{config:?}").contains("canary"));
}

proptest! {
    #[test]
    fn parsing_never_panics(
        text in "(\\{|\\}|\\[|\\]|,|:|\"auths\"|\"h\"|\"auth\"|\"dTpw\"|\"\"|null|1){0,24}",
    ) {
        for format in [Format::ConfigJson, Format::Dockercfg] {
            for bad_entries in [BadEntries::RejectFile, BadEntries::Skip] {
                let _ = parse(text.as_bytes(), format, bad_entries);
            }
        }
    }
}
