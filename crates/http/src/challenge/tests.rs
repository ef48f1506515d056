use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn parse(lines: &[&str]) -> Vec<Challenge> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let value = HeaderValue::from_bytes(line.as_bytes()).expect("header value");
        headers.append(header::WWW_AUTHENTICATE, value);
    }
    parse_challenges(&headers)
}

/// `scheme name=value ...` for short tables.
fn shown(line: &str) -> Vec<String> {
    let challenges = parse(&[line]);
    let text = |c: &Challenge| {
        let params = c.params.iter().map(|(n, v)| format!(" {n}={v}"));
        format!("{}{}", c.scheme, params.collect::<String>())
    };
    challenges.iter().map(text).collect()
}

#[test]
fn registries_are_understood() {
    for (line, expected) in [
        (
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull""#,
            vec![
                "bearer realm=https://auth.docker.io/token service=registry.docker.io scope=repository:library/nginx:pull",
            ],
        ),
        (
            "Bearer realm=https://cp.icr.io/oauth/token, service=registry, scope=repository:cp/x:pull",
            vec![
                "bearer realm=https://cp.icr.io/oauth/token service=registry scope=repository:cp/x:pull",
            ],
        ),
        (
            r#"Bearer realm="https://fra.ocir.io/20180419/docker/token",service="fra.ocir.io",scope="""#,
            vec![
                "bearer realm=https://fra.ocir.io/20180419/docker/token service=fra.ocir.io scope=",
            ],
        ),
        (
            r#"Basic realm="https://1.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com""#,
            vec![
                "basic realm=https://1.dkr.ecr.eu-west-1.amazonaws.com/ service=ecr.amazonaws.com",
            ],
        ),
        ("BASIC", vec!["basic"]),
        ("Negotiate", vec!["negotiate"]),
        ("Negotiate YIIabc/+==", vec!["negotiate"]),
    ] {
        assert_eq!(shown(line), expected, "{line}");
    }
}

#[test]
fn several_challenges_share_a_line() {
    for (line, expected) in [
        (
            r#"Negotiate, Basic realm="a, b" , Bearer realm="r",scope="repository:x:pull,push""#,
            vec![
                "negotiate",
                "basic realm=a, b",
                "bearer realm=r scope=repository:x:pull,push",
            ],
        ),
        (
            r#"Negotiate abc==, Basic realm="x""#,
            vec!["negotiate", "basic realm=x"],
        ),
        (
            r#"Basic realm="x", Negotiate"#,
            vec!["basic realm=x", "negotiate"],
        ),
        (
            r#"Digest realm = "x" ,  nonce=abc,, qop="auth", Basic realm=y"#,
            vec!["digest realm=x nonce=abc qop=auth", "basic realm=y"],
        ),
        (r#", ,Basic realm="x",,"#, vec!["basic realm=x"]),
    ] {
        assert_eq!(shown(line), expected, "{line}");
    }
}

#[test]
fn a_blank_or_a_semicolon_separates_parameters() {
    for line in [
        r#"Bearer realm="a" service="b" scope="x", Basic realm="c""#,
        r#"Bearer realm="a"; service="b";scope=x, Basic realm="c""#,
        r#"Bearer realm="a" ;service="b", scope="x",Basic realm="c""#,
    ] {
        let expected = ["bearer realm=a service=b scope=x", "basic realm=c"];
        assert_eq!(shown(line), expected, "{line}");
    }
}

#[test]
fn quoting_follows_the_rfc() {
    for (line, expected) in [
        (r#"Basic realm="a\"b\\c""#, vec![r#"basic realm=a"b\c"#]),
        (r#"Basic REALM="X""#, vec!["basic realm=X"]),
        (
            r#"Basic realm="", charset="UTF-8""#,
            vec!["basic realm= charset=UTF-8"],
        ),
    ] {
        assert_eq!(shown(line), expected, "{line}");
    }
}

#[test]
fn a_broken_challenge_is_left_out_and_its_neighbours_stay() {
    for (line, expected) in [
        (r#"Bearer realm="open"#, vec![]),
        (
            r#"Basic realm="ok", Bearer realm="open"#,
            vec!["basic realm=ok"],
        ),
        (
            r#"Bearer realm="a" and more, Basic realm="c""#,
            vec!["basic realm=c"],
        ),
        (
            r#"Bearer realm="a"b="c", scope="x", Basic realm="c""#,
            vec!["basic realm=c"],
        ),
        (r#"realm="a", Basic realm="c""#, vec!["basic realm=c"]),
        (
            r#"Bearer realm=, Basic realm="c""#,
            vec!["bearer", "basic realm=c"],
        ),
        (
            r#"Bearer a="x", realm=, Basic realm="c""#,
            vec!["basic realm=c"],
        ),
        (r#"Bearer realm="x\"#, vec![]),
        ("\"", vec![]),
        ("=", vec![]),
    ] {
        assert_eq!(shown(line), expected, "{line}");
    }
}

#[test]
fn a_byte_that_is_not_ascii_spoils_its_own_parameter_only() {
    for (line, expected) in [
        (
            "Bearer realm=\"https://auth.test/token\",service=\"Gesch\u{e4}ft\",scope=\"s\"",
            vec!["bearer realm=https://auth.test/token service=Gesch\u{e4}ft scope=s"],
        ),
        (
            "Basic realm=Caf\u{e9}, Bearer realm=\"r\"",
            vec!["basic realm=Caf\u{e9}", "bearer realm=r"],
        ),
        (
            "Bearer realm=\"r\",\u{e9}tat=\"x\",service=\"s\"",
            vec!["bearer realm=r \u{e9}tat=x service=s"],
        ),
        (
            "B\u{e4}sic realm=\"a\", Bearer realm=\"r\"",
            vec!["bearer realm=r"],
        ),
    ] {
        assert_eq!(shown(line), expected, "{line}");
        // The same in Latin-1, as servers of the time before UTF-8 write it.
        let bytes: Vec<u8> = line.chars().map(|c| u8::try_from(c).unwrap()).collect();
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(&bytes).expect("header value");
        headers.append(header::WWW_AUTHENTICATE, value);
        let found = parse_challenges(&headers);
        assert_eq!(found.len(), expected.len(), "{line}");
        let last = found.last().expect("a challenge");
        let realm = last.param("realm").expect("a realm");
        assert!(realm.is_ascii() && !realm.is_empty(), "{line}");
    }
}

#[test]
fn lines_are_read_in_order() {
    let found = parse(&["Negotiate", r#"Basic realm="x""#]);
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].param("realm"), Some("x"));
    assert_eq!(found[1].param("service"), None);
}

proptest! {
    #[test]
    fn no_line_is_too_strange(line in "[ -~\\t\u{e4}]{0,80}") {
        parse(&[&line]);
    }

    #[test]
    fn nearly_sound_lines_neither_panic_nor_hang(line in r#"((Bearer|Basic|a|=|"|,| |\\|realm|x/y|==){0,14})"#) {
        for challenge in parse(&[&line]) {
            prop_assert!(!challenge.scheme.is_empty());
            prop_assert_eq!(challenge.scheme.to_ascii_lowercase(), challenge.scheme);
        }
    }

    #[test]
    fn what_is_quoted_comes_back(value in "[ -~]{0,40}") {
        let escaped: String = value.chars().flat_map(|c| match c {
            '"' | '\\' => vec!['\\', c],
            c => vec![c],
        }).collect();
        let found = parse(&[&format!("Bearer a=\"{escaped}\", b=c")]);
        prop_assert_eq!(found.len(), 1);
        prop_assert_eq!(found[0].param("a"), Some(value.as_str()));
        prop_assert_eq!(found[0].param("b"), Some("c"));
    }
}
