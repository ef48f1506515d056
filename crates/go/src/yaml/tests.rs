//! Types were compared with `kubectl annotate --local -o json`.

use super::*;

fn one(text: &str) -> Document {
    let mut documents = parse(text.as_bytes()).expect(text);
    assert_eq!(documents.len(), 1, "{text}");
    documents.remove(0)
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
        ("\u{feff}--- # x\n---\na: b\n--- # y\n", Some("b"), false),
        ("a: |\n  b\n  ---\n---\nc: d\n", Some("b\n---\n"), true),
        ("--- {a: b}\n---\n: : :\n", Some("b"), true),
        ("null\n---\na: b\n", Some("b"), false),
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
