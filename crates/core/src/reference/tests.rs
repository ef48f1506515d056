use proptest::prelude::*;

use super::*;

#[test]
fn names_are_normalised_as_docker_does() {
    for (text, name) in [
        ("nginx", "docker.io/library/nginx"),
        ("foo/bar", "docker.io/foo/bar"),
        ("test_com/foo", "docker.io/test_com/foo"),
        ("index.docker.io/nginx", "docker.io/library/nginx"),
        ("localhost/x", "localhost/x"),
        ("Foo/bar", "Foo/bar"),
        ("localhost:5000", "docker.io/library/localhost:5000"),
        ("gcr.io/p/app", "gcr.io/p/app"),
        ("[fe80::1]:5000/a/b:v1", "[fe80::1]:5000/a/b:v1"),
        ("[::::]/a", "[::::]/a"),
        ("a_b.io/c", "a_b.io/c"),
        ("h.io:5000/a__b/c--d.e_f", "h.io:5000/a__b/c--d.e_f"),
    ] {
        assert_eq!(ImageRef::parse(text).expect(text).to_string(), name);
    }
}

#[test]
fn tag_and_digest_are_told_apart() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let image = ImageRef::parse(&format!("gcr.io/p/a:v1@{digest}")).expect("sound");
    assert_eq!(image.tag(), Some("v1"));
    assert_eq!(image.digest(), Some(digest.as_str()));
    assert_eq!(image.name(), "gcr.io/p/a");
    let plain = ImageRef::parse("a").expect("sound").with_default_tag();
    assert_eq!(plain.tag(), Some("latest"));
}

#[test]
fn broken_references_are_refused() {
    let hex64 = "0123456789abcdef".repeat(4);
    for (text, why) in [
        ("", "invalid reference format"),
        (hex64.as_str(), "64-byte"),
        ("gcr.io/App", "must be lowercase"),
        ("gcr.io/a..b", "invalid reference format"),
        ("gcr.io/a___b", "invalid reference format"),
        ("gcr.io/a:.x", "invalid reference format"),
        ("gcr.io/a@sha256:12", "invalid reference format"),
        (
            "a@sha256:0123456789abcdef0123456789abcdef",
            "invalid checksum digest length",
        ),
        (
            "a@md5:0123456789abcdef0123456789abcdef",
            "unsupported digest algorithm",
        ),
        (
            "a:b@MD5:0123456789abcdef0123456789abcdef",
            "invalid checksum digest format",
        ),
        ("FOO@x", "repository name (library/FOO@x) must be lowercase"),
        ("https://gcr.io/a", "invalid reference format"),
        ("[1::x]/a", "invalid reference format"),
        ("h.io/É", "repository name (É) must be lowercase"),
        ("-a.io/x", "invalid reference format"),
        ("a.io//x", "invalid reference format"),
    ] {
        let error = ImageRef::parse(text).expect_err(text);
        assert!(error.reason().contains(why), "{text}: {error}");
    }
    assert!(ImageRef::parse(&format!("a.io/{}", "a".repeat(256))).is_err());
}

#[test]
fn what_people_write_in_place_of_a_name_is_explained() {
    for (text, advice) in [
        (
            "https://h.io/team/app:v1",
            "(an image name has no scheme such as https://)",
        ),
        (
            "docker://nginx",
            "(an image name has no scheme such as https://)",
        ),
        ("${REGISTRY}/app:v1", "(a variable was not replaced)"),
        (
            "h.io/{{ .Values.name }}:v1",
            "(a variable was not replaced)",
        ),
        ("h.io/team/app:", "(the tag is empty)"),
        (
            "h.io/team/app:v1\n",
            "(an image name has no blanks and no line end)",
        ),
        ("h.io/Team/app", "must be lowercase"),
    ] {
        let error = ImageRef::parse(text).expect_err(text);
        assert!(error.to_string().ends_with(advice), "{error}");
        assert!(
            error.reason().starts_with("invalid reference format"),
            "{error}"
        );
    }
}

#[test]
fn names_come_out_as_they_are_written() {
    let hex64 = "0123456789abcdef".repeat(4);
    let digest = format!("@sha256:{hex64}");
    for (text, name) in [
        ("nginx:v1", "nginx"),
        (&*format!("h.io:80/a:v1{digest}"), "h.io:80/a"),
        ("localhost:5000", "localhost"),
        (&hex64, &hex64),
    ] {
        assert_eq!(ImageRef::name_as_written(text).as_deref(), Ok(name));
    }
    for (text, why) in [
        ("", "repository name must have at least one component"),
        ("FOO", "repository name must be lowercase"),
        ("h.io/a:", "invalid reference format"),
        (&*format!("a{digest}0"), "invalid checksum digest length"),
    ] {
        let error = ImageRef::name_as_written(text).expect_err(text);
        assert_eq!(error.reason(), why, "{text}");
    }
}

#[test]
fn a_pasted_login_is_not_echoed() {
    let long = format!(
        "https://oauth2accesstoken:{}canary@gcr.io/x",
        "y".repeat(400)
    );
    let digest = "ab".repeat(32);
    for text in [
        "https://me:canary@host.io/x",
        "https://me:canary@host.io:443/x",
        "https://me:p@canary@host.io/x",
        "https://canary@host.io/x",
        &format!("https://me:canary@host.io/x@sha256:{digest}"),
        &long,
    ] {
        let error = ImageRef::parse(text).expect_err("no reference").to_string();
        assert!(!error.contains("canary") && error.contains("@"), "{error}");
        assert!(!error.contains("yyyy") && !error.contains("p@"), "{error}");
    }
    let error = ImageRef::parse("host.io/App:v1@sha256:12").expect_err("upper case");
    assert!(
        error.to_string().contains("host.io/App:v1@sha256:12"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn parsing_never_panics_and_its_result_parses_to_itself(text in "[a-zA-Z0-9:@/._\\[\\]-]{0,80}|\\PC{0,40}") {
        if let Ok(image) = ImageRef::parse(&text) {
            let again = ImageRef::parse(&image.to_string());
            prop_assert_eq!(again, Ok(image));
        }
    }
}
