//! What SECURITY.md promises is shown by tests that exist.

use std::collections::BTreeSet;
use std::fs;

use regcred_tests::need::workspace;

use super::files_of;

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let page = fs::read_to_string(workspace().join("SECURITY.md")).expect("the page");
    let named: BTreeSet<&str> = page.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(named.len() >= 40, "the tests are found: {}", named.len());
    let mut tests = BTreeSet::new();
    for folder in ["crates", "plugins", "tests"] {
        for file in files_of(&workspace().join(folder), "rs") {
            let text = fs::read_to_string(file).expect("a source file");
            let after = text.split("fn ").skip(1);
            let names = after.filter_map(|rest| rest.split(['(', '<']).next());
            tests.extend(names.map(str::to_owned));
            // Made by a macro for the fake and for a real cluster.
            let lines = text.lines().map(str::trim).filter(is_test);
            tests.extend(lines.map(str::to_owned));
        }
    }
    let missing: Vec<_> = named
        .iter()
        .filter(|name| !tests.contains(**name))
        .collect();
    assert!(missing.is_empty(), "not a test: {missing:#?}");
}

/// Whether it is written like the name of a test: a sentence in lower case.
fn is_test(text: &&str) -> bool {
    let is_word = |word: &str| {
        let mut letters = word.chars();
        !word.is_empty() && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    text.split('_').count() > 3 && text.split('_').all(is_word)
}
