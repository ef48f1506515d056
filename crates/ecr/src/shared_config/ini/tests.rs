use super::*;

/// Section, key and text of every setting; `key.nested` for an indented one.
fn read(text: &str) -> Vec<(String, String, String)> {
    let (sections, _) = parse(text);
    let mut found = Vec::new();
    for (name, section) in &sections {
        for (key, value) in &section.values {
            if value.nested.is_empty() {
                found.push((name.clone(), key.clone(), value.text.clone()));
            }
            for (nested, text) in &value.nested {
                found.push((name.clone(), format!("{key}.{nested}"), text.clone()));
            }
        }
    }
    found
}

fn check(text: &str, expected: &[(&str, &str, &str)]) {
    let found = read(text);
    let found = found
        .iter()
        .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()));
    assert_eq!(found.collect::<Vec<_>>(), expected, "{text:?}");
}

#[test]
fn a_setting_has_an_equals_sign_or_a_colon_whichever_comes_first() {
    for line in [
        "region=eu",
        "region = eu",
        "region: eu",
        "region :eu",
        "REGION = eu\r",
        "region\t=\teu\t",
    ] {
        check(
            &format!("[default]\n{line}\n"),
            &[("default", "region", "eu")],
        );
    }
    check(
        "[a]\nk = =:[x]]y[\nl := b\nm : c=d",
        &[("a", "k", "=:[x]]y["), ("a", "l", "= b"), ("a", "m", "c=d")],
    );
}

#[test]
fn quotes_around_a_value_are_not_a_part_of_it() {
    for (written, value) in [
        ("\"AKIA\"", "AKIA"),
        ("'AKIA'", "AKIA"),
        ("\"AKIA'", "\"AKIA'"),
        ("\"a\\\"b\"", "a\\\"b"),
        ("''", ""),
        ("\"", "\""),
        ("\" a \"", " a "),
        ("'\"a\"'", "\"a\""),
    ] {
        check(
            &format!("[default]\nk = {written}"),
            &[("default", "k", value)],
        );
    }
}

#[test]
fn a_comment_begins_a_line_or_follows_a_blank() {
    check(
        "# k = 1\n  ; k = 1\n[default] # main\na = 1 # one\nb = 2;two\nc = 3\t;# three\nd = #4\n  # e = 5\n",
        &[
            ("default", "a", "1"),
            ("default", "b", "2;two"),
            ("default", "c", "3"),
            ("default", "d", ""),
        ],
    );
}

#[test]
fn a_section_may_be_indented_and_have_blanks_in_its_name() {
    check(
        "  [ profile \t my  own ] ; x\nk = 1\n[\tdefault\t]\r\nk = 2\n",
        &[("default", "k", "2"), ("profile my  own", "k", "1")],
    );
}

#[test]
fn an_indented_setting_belongs_to_an_empty_one_above_else_to_the_section() {
    check(
        "[s]\n  a = 1 # one\n  b = 2\nc =\n  d = 3 # three\n  e = '4'\nf = 5\n  g = 6\n  more\n",
        &[
            ("s", "a", "1"),
            ("s", "b", "2"),
            ("s", "c.d", "3 # three"),
            ("s", "c.e", "4"),
            ("s", "f", "5"),
            ("s", "g", "6\nmore"),
        ],
    );
}

#[test]
fn the_last_of_two_settings_of_one_name_counts_and_sections_of_one_name_are_one() {
    check(
        "[a]\nk = 1\nk = 2\n[b]\nk = 3\n[a]\nK = 4\nl = 5\n",
        &[("a", "k", "4"), ("a", "l", "5"), ("b", "k", "3")],
    );
}

#[test]
fn a_line_that_is_not_a_setting_is_ignored_and_counted() {
    let text =
        "before = 1\n[default]\nno sign\nk = 1\n[profile x\nl = 2\n[]\nm = 3\n[c]\n  alone\n";
    check(text, &[("default", "k", "1"), ("default", "l", "2")]);
    assert_eq!(parse(text).1, [1, 3, 5, 8, 10]);
    assert_eq!(parse("\n \n#\n[a]\nk = \n  n = 1\n").1, [0; 0]);
}
