//! The error texts were compared with a Go program's.

use proptest::prelude::*;

use super::*;

#[test]
fn syntax_errors_have_gos_words() {
    for (input, error) in [
        (&b""[..], "unexpected end of JSON input"),
        (b"  ", "unexpected end of JSON input"),
        (b"{", "unexpected end of JSON input"),
        (b"[", "unexpected end of JSON input"),
        (b"\"", "unexpected end of JSON input"),
        (b"{\"a\"", "unexpected end of JSON input"),
        (b"{\"a\":", "unexpected end of JSON input"),
        (b"{\"a\":1", "unexpected end of JSON input"),
        (b"{\"a\":1,", "unexpected end of JSON input"),
        (
            b"hello",
            "invalid character 'h' looking for beginning of value",
        ),
        (b"-x", "invalid character 'x' in numeric literal"),
        (b"-", "invalid character ' ' in numeric literal"),
        (
            b"{\"a\":}",
            "invalid character '}' looking for beginning of value",
        ),
        (
            b"[1,]",
            "invalid character ']' looking for beginning of value",
        ),
        (
            b"{\"a\":1,}",
            "invalid character '}' looking for beginning of object key string",
        ),
        (
            b"{'a'}",
            "invalid character '\\'' looking for beginning of object key string",
        ),
        (
            b"{\\}",
            "invalid character '\\\\' looking for beginning of object key string",
        ),
        (b"{\"a\" 1}", "invalid character '1' after object key"),
        (
            b"{\"a\":1 2}",
            "invalid character '2' after object key:value pair",
        ),
        (
            b"{\"a\":01}",
            "invalid character '1' after object key:value pair",
        ),
        (
            b"{\"a\":1\"",
            "invalid character '\"' after object key:value pair",
        ),
        (
            b"{\"a\":1\xa0",
            "invalid character '\\u00a0' after object key:value pair",
        ),
        (
            b"{\"a\":1\x07",
            "invalid character '\\a' after object key:value pair",
        ),
        (
            b"{\"a\":1\x7f",
            "invalid character '\\x7f' after object key:value pair",
        ),
        (b"[1 2]", "invalid character '2' after array element"),
        (b"{}{}", "invalid character '{' after top-level value"),
        (b"{} x", "invalid character 'x' after top-level value"),
        (b"\"\n\"", "invalid character '\\n' in string literal"),
        (b"\"\\x\"", "invalid character 'x' in string escape code"),
        (b"\"\\", "invalid character ' ' in string escape code"),
        (
            b"\"\\u12g4\"",
            "invalid character 'g' in \\u hexadecimal character escape",
        ),
        (
            b"\"\\u1",
            "invalid character ' ' in \\u hexadecimal character escape",
        ),
        (
            b"tru}",
            "invalid character '}' in literal true (expecting 'e')",
        ),
        (
            b"nul",
            "invalid character ' ' in literal null (expecting 'l')",
        ),
        (
            b"1.}",
            "invalid character '}' after decimal point in numeric literal",
        ),
        (
            b"1e+",
            "invalid character ' ' in exponent of numeric literal",
        ),
        (
            "é".as_bytes(),
            "invalid character 'Ã' looking for beginning of value",
        ),
    ] {
        let shown = String::from_utf8_lossy(input).into_owned();
        let found = parse(input).expect_err(&shown);
        assert_eq!(found.to_string(), error, "{shown}");
    }
}

#[test]
fn members_keep_their_order_and_their_duplicates() {
    let value = parse(br#" {"b":[1,-2.5e3,true],"a":null,"b":{"":"x"}} "#).expect("JSON");
    let Value::Object(members) = value else {
        panic!("not an object");
    };
    let kinds: Vec<_> = members
        .iter()
        .map(|(k, v)| (k.as_str(), v.kind()))
        .collect();
    assert_eq!(kinds, [("b", "array"), ("a", "null"), ("b", "object")]);
}

#[test]
fn strings_are_decoded_as_go_does() {
    for (input, text) in [
        (&br#""a\"\\\/\b\f\n\r\t""#[..], "a\"\\/\u{8}\u{c}\n\r\t"),
        (br#""\u00e9\uD83D\ude00""#, "é😀"),
        // Halves of pairs, and bytes that are not UTF-8, each become one replacement character.
        (br#""\ud83d""#, "\u{fffd}"),
        (br#""\ude00\ud83dx""#, "\u{fffd}\u{fffd}x"),
        (br#""\ud83d\u0041""#, "\u{fffd}A"),
        (b"\"a\xe2\x82z\xff\"", "a\u{fffd}\u{fffd}z\u{fffd}"),
    ] {
        let value = parse(input).expect("JSON");
        assert_eq!(value.plain_text(), Some(text));
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    assert!(parse(&nested(1000)).is_ok());
    let error = parse(&nested(1001)).expect_err("too deep");
    assert_eq!(error.to_string(), "exceeded max depth");
}

#[test]
fn strings_are_escaped_as_go_does() {
    let out = string("a\"\\<>&\u{2028}\u{1}\u{8}\u{c}\n\r\té\u{7f}");
    assert_eq!(
        out,
        "\"a\\\"\\\\\\u003c\\u003e\\u0026\\u2028\\u0001\\b\\f\\n\\r\\té\u{7f}\""
    );
}

#[test]
fn objects_are_compact_and_keep_the_order_of_their_members() {
    assert_eq!(object(|_| {}), "{}");
    let written = object_line(|o| {
        o.text("b{", "[");
        o.some_text("none", "");
        o.some_secret("none", &"".into());
        o.secret("a", &"<".into());
        o.object("o", |o| o.json("n", "null"));
        o.some_list("none", &[] as &[&str], |_, _| {});
        o.some_list("l", &["x", "y"], |o, item| o.text("i", item));
        o.object("e", |_| {});
    });
    let expected = r#"{"b{":"[","a":"\u003c","o":{"n":null},"l":[{"i":"x"},{"i":"y"}],"e":{}}"#;
    assert_eq!(String::from_utf8_lossy(&written), format!("{expected}\n"));
    assert_eq!(string_list(&["a", "b<"]), r#"["a","b\u003c"]"#);
    assert_eq!(string_list(&[]), "[]");
}

proptest! {
    #[test]
    fn what_is_written_reads_back(text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
        let out = string(&text);
        let value = parse(out.as_bytes()).expect("own output");
        prop_assert_eq!(value.plain_text(), Some(text.as_str()));
    }

    #[test]
    fn the_same_texts_are_json_as_for_serde(text in "[\\[\\]{}\",:0-9.eE+-trufalsn \\\\]{0,16}") {
        let ours = parse(text.as_bytes()).is_ok();
        let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(ours, theirs, "{}", text);
    }

    #[test]
    fn parsing_never_panics(bytes: Vec<u8>) {
        let _ = parse(&bytes);
    }
}
