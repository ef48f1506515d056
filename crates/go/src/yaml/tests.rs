//! Types were compared with `kubectl annotate --local -o json`.

use super::*;

fn one(text: &str) -> Document {
    let mut documents = parse(text.as_bytes()).expect(text);
    assert_eq!(documents.len(), 1, "{text}");
    documents.remove(0)
}

/// Also in a build where another crate asks the parser for comments, as these tests do.
#[test]
fn a_comment_is_not_a_node() {
    let document = one("# top\na: # of a\n  # before\n  - one # 1\n# between\n  - two\n# last\n");
    let Some(Value::Array(items)) = document.value.member("a") else {
        panic!("not a list");
    };
    let texts: Vec<_> = items.iter().map(Value::plain_text).collect();
    assert_eq!(texts, [Some("one"), Some("two")]);
}

#[test]
fn scalars_have_yaml_1_1_types() {
    for (text, kind) in [
        ("yes", "bool"),
        ("y", "bool"),
        ("On", "bool"),
        ("false", "bool"),
        ("\"yes\"", "string"),
        ("!!str yes", "string"),
        ("~", "null"),
        ("Null", "null"),
        ("010", "number"),
        ("0o10", "number"),
        ("0x1F", "number"),
        ("0b11", "number"),
        ("1_000", "number"),
        ("1e3", "number"),
        (".5", "number"),
        ("1.", "number"),
        ("+1", "number"),
        ("-0", "number"),
        ("08", "number"),
        ("2001-01-01", "string"),
        ("12:30", "string"),
        ("1h", "string"),
        ("=", "string"),
        ("!foo bar", "string"),
        ("8e92183", "string"),
        ("-8e92183", "string"),
        ("1e308", "number"),
        ("1_", "number"),
        ("0x_1f", "number"),
        ("tRue", "string"),
        ("nULL", "string"),
        ("0o14", "number"),
        ("0o18", "string"),
        ("0x", "string"),
        ("-0b11", "number"),
        ("18446744073709551615", "number"),
        ("99999999999999999999", "number"),
        ("0xfffffffffffffffff", "string"),
        ("1:30", "string"),
        ("._5", "string"),
        (".", "string"),
        ("+inf", "string"),
        ("inf", "string"),
        ("1e", "string"),
        ("! 12", "string"),
        (".5_0", "number"),
        ("0b-1", "number"),
        ("!!float 3", "number"),
        ("!!str", "string"),
        ("!!int '7'", "number"),
        ("'7'", "string"),
        ("<<", "string"),
    ] {
        let document = one(&format!("a: {text}\n"));
        let found = document.value.member("a").map(Value::kind);
        assert_eq!(found, Some(kind), "{text}");
    }
}

#[test]
fn texts_fold_merge_and_decode() {
    let document = one(concat!(
        "lit: |\n  a\n   b\n",
        "fold: >-\n  a\n  b\n",
        "bin: !!binary aGk=\n",
        "base: &b {q: x}\n",
        "merged:\n  <<: *b\n  r: z\n",
    ));
    let text = |name| document.value.member(name).and_then(Value::plain_text);
    assert_eq!(text("lit"), Some("a\n b\n"));
    assert_eq!(text("fold"), Some("a b"));
    assert_eq!(text("bin"), Some("hi"));
    let merged = document.value.member("merged").expect("merged");
    assert_eq!(merged.member("q").and_then(Value::plain_text), Some("x"));
    assert_eq!(merged.member("r").and_then(Value::plain_text), Some("z"));
}

#[test]
fn duplicates_are_listed_with_their_lines_and_kept() {
    let document = one("a: 1\nb:\n- c: 1\n  d: 2\n  c: 3\na: x\n");
    assert_eq!(
        document.duplicates,
        [
            "line 5: key \"c\" already set in map",
            "line 6: key \"a\" already set in map"
        ]
    );
    let last = document.value.member("a").and_then(Value::plain_text);
    assert_eq!(last, Some("x"));
}

#[test]
fn an_overridden_merge_key_is_a_duplicate_and_the_later_one_counts() {
    for (text, found) in [
        ("<<: *b\n  q: z", "z"),
        ("q: z\n  <<: *b", "x"),
        ("<<: [{q: z}, *b]", "z"),
    ] {
        let document = one(&format!("base: &b\n  q: x\nm:\n  {text}\n"));
        let merged = document.value.member("m").and_then(|m| m.member("q"));
        assert_eq!(merged.and_then(Value::plain_text), Some(found), "{text}");
        let [duplicate] = document.duplicates.as_slice() else {
            panic!("{text}: {:?}", document.duplicates);
        };
        assert!(
            duplicate.ends_with(": key \"q\" already set in map"),
            "{duplicate}"
        );
    }
    let quoted = one("base: &b {q: x}\nm: {\"<<\": *b}\n");
    let quoted = quoted.value.member("m").and_then(|m| m.member("<<"));
    assert!(quoted.is_some(), "a quoted << is a key");
}

#[test]
fn keys_are_texts_as_json_has_them() {
    let document = one("yes: 1\n0x10: 2\n'10': 3\n1_0: 4\n2001-01-01: 5\n");
    let Value::Object(members) = &document.value else {
        panic!("an object");
    };
    let keys: Vec<_> = members.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["true", "16", "10", "10", "2001-01-01"]);
    assert_eq!(document.duplicates, Vec::<String>::new());
    let twice = one("1: a\n0x1: b\n");
    assert_eq!(twice.duplicates, ["line 2: key 1 already set in map"]);
    for (text, key) in [
        ("08", "8"),
        ("1.50", "1.5"),
        ("1e5", "100000"),
        ("1234567.5", "1.2345675e+06"),
        ("1e-5", "1e-05"),
        ("-1.0", "-1"),
        (".inf", ".inf"),
    ] {
        let found = one(&format!("{text}: x"));
        assert!(
            found.value.member(key).is_some(),
            "{text}: {:?}",
            found.value
        );
    }
    for text in ["~: 1", "[a]: 1", "{a: b}: 1", "18446744073709551615: 1"] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn what_json_cannot_hold_and_what_a_tag_does_not_allow_is_refused() {
    for text in [
        "a: .inf",
        "a: -.INF",
        "a: .nan",
        "a: !!int x",
        "a: !!bool 1",
        "a: !!int 1.0",
    ] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
    let error = parse(b"a: .inf").err().expect("infinite").to_string();
    assert_eq!(error, "json: unsupported value: +Inf");
}

#[test]
fn aliases_and_merges_are_evaluated_within_a_limit() {
    let doubled = |first: &str, next: fn(usize) -> String| {
        let levels: Vec<_> = (1..64).map(next).collect();
        format!("a0: &a0 {first}\n{}", levels.concat())
    };
    let merged = |n: usize| format!("a{n}: &a{n} {{<<: [*a{0}, *a{0}]}}\n", n - 1);
    let listed = |n: usize| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1);
    // Lists within lists, each with the one before at its bottom.
    let deep = |n: usize| {
        let (open, close) = ("[".repeat(200), "]".repeat(200));
        format!("a{n}: &a{n} {open}*a{}{close}\n", n - 1)
    };
    let many = "yaml: document contains excessive aliasing";
    for (text, expected) in [
        (doubled("{}", merged), many),
        (doubled("{k: v}", merged), many),
        (doubled("[]", listed), many),
        (doubled("[]", deep), "yaml: document is nested too deeply"),
    ] {
        let error = parse(text.as_bytes()).err().expect("too many nodes");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn utf_16_with_a_byte_order_mark_is_read() {
    let units: Vec<u16> = "\u{feff}a: \u{e9}\u{1f511}\n".encode_utf16().collect();
    let little = units.iter().flat_map(|unit| unit.to_le_bytes());
    let big = units.iter().flat_map(|unit| unit.to_be_bytes());
    for bytes in [little.collect::<Vec<_>>(), big.collect()] {
        let documents = parse(&bytes).expect("UTF-16");
        let found = documents[0].value.member("a").and_then(Value::plain_text);
        assert_eq!(found, Some("\u{e9}\u{1f511}"));
    }
    for bytes in [&b"\xff\xfea"[..], b"\xff\xfe\x00\xdc"] {
        assert!(parse(bytes).is_err());
    }
}

#[test]
fn empty_documents_do_not_count() {
    for (text, count) in [
        ("", 0),
        ("# nothing\n", 0),
        ("---\na: 1\n", 1),
        ("---\n---\na: 1\n---\n# x\n---\nb: 1\n", 2),
        ("\u{feff}a: 1\n", 1),
    ] {
        assert_eq!(parse(text.as_bytes()).expect(text).len(), count, "{text:?}");
    }
}

#[test]
fn the_first_document_is_read_whatever_follows_it() {
    for (text, first, has_more) in [
        ("", None, false),
        ("---\n# x\n", None, false),
        ("%YAML 1.2\n---\na: b\n...\n", Some("b"), false),
        ("\u{feff}--- # x\n---\na: b\n--- # y\n", None, true),
        ("a: |\n  b\n  ---\n---\nc: d\n", Some("b\n---\n"), true),
        ("--- {a: b}\n---\n: : :\n", Some("b"), true),
        ("null\n---\na: b\n", None, true),
        ("---\n---\na: b\n", None, true),
        ("a: b\n---\n---\n", Some("b"), false),
    ] {
        let (document, more) = parse_first(text.as_bytes()).expect(text);
        let found = document.as_ref().and_then(|d| d.value.member("a"));
        assert_eq!(found.and_then(Value::plain_text), first, "{text:?}");
        assert_eq!(more, has_more, "{text:?}");
    }
}

#[test]
fn errors_have_a_line_and_no_content() {
    for (input, error) in [
        (
            &b"a: 1\n canary: b\n"[..],
            "yaml: line 2: this is not valid YAML",
        ),
        (b"a: \xff", "yaml: invalid leading UTF-8 octet"),
    ] {
        let found = parse(input).err().expect("not YAML");
        assert_eq!(found.to_string(), error);
    }
}

#[test]
fn alias_bombs_are_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let last = level - 1;
        let refs = vec![format!("*a{last}"); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{refs}]\n"));
    }
    assert!(parse(text.as_bytes()).is_err());
}
