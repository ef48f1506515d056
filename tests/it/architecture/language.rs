//! The worst of the phrases that CONTRIBUTING.md refuses, in comments, messages and documentation.
//! What others wrote is quoted in backticks, or listed in [`QUOTED`].

use std::fs;
use std::path::Path;

use super::rust::Rust;
use super::workspace::{files_below, root, shown};

/// A phrase, and what to write for it. `*` is any word, `.` the end of a clause.
const REFUSED: &[(&str, &str)] = &[
    ("is no *", "is not a"),
    ("are no *", "are not"),
    ("was no *", "was not a"),
    ("were no *", "were not"),
    ("is over .", "has expired, has ended"),
    ("are over .", "have expired, have ended"),
    ("were over .", "had expired, had ended"),
    ("is over already", "has already expired"),
    ("in vain", "not found, without effect"),
    ("nobody", "no process, no user, nothing"),
    ("somebody", "a user, another process"),
    ("anew", "again"),
    ("stands behind", "follows, comes after"),
    ("behind the last", "after the last"),
    ("behind the first", "after the first"),
    ("behind each", "after each"),
    ("behind the other", "after the other"),
    ("in words", "as text"),
    ("if there is no *", "if X does not exist, is not found"),
    ("when there is no *", "if X does not exist, is not found"),
    ("where there is no *", "without X, if X does not exist"),
    ("there is none", "X does not exist, without X"),
    ("there is no such *", "X is not found"),
    ("names the file .", "contains the path of the file"),
];

/// Plain English that a refused phrase would catch: `there is no room`, `is no longer`.
const FINE: (&str, &[&str]) = ("there", &["longer", "more"]);

/// What others wrote, where it has to be repeated to the letter.
const QUOTED: &[&str] = &[];

#[test]
fn no_refused_phrase_is_written() {
    let is_ours = |name: &str| !["target", "testdata", "data", ".venv", ".git"].contains(&name);
    let mut wrong = Vec::new();
    for file in files_below(&[root().to_owned()], |name| !is_ours(name)) {
        let path = shown(&file);
        let is_this = path.ends_with("architecture/language.rs") || path == "CONTRIBUTING.md";
        if is_this {
            continue;
        }
        let Some(prose) = prose(&file) else {
            continue;
        };
        for (line, phrase, better) in refused(&prose) {
            wrong.push(format!("{path}:{line} {phrase:?}, better: {better}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What people read of a file, line by line; `None` for a file that is neither code nor a page.
fn prose(file: &Path) -> Option<String> {
    let text = |file| fs::read_to_string(file).expect("a file of text");
    match file.extension()?.to_str()? {
        "rs" => Some(Rust::of(&text(file)).prose),
        "md" => Some(without_quotes(&text(file))),
        _ => None,
    }
}

/// A page without its blocks of code and quotations.
fn without_quotes(page: &str) -> String {
    let mut fenced = false;
    let mut kept = String::new();
    for line in page.lines() {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if !fenced && !fence && !line.starts_with("> ") {
            kept.push_str(line);
        }
        kept.push('\n');
    }
    kept
}

/// Each refused phrase with its line and what to write for it.
fn refused(prose: &str) -> Vec<(usize, &'static str, &'static str)> {
    let words = words(prose);
    let mut found = Vec::new();
    for at in 0..words.len() {
        for (phrase, better) in REFUSED {
            let parts: Vec<_> = phrase.split(' ').collect();
            let rest = &words[at..];
            let (before, after) = FINE;
            let is_fine = (at > 0 && words[at - 1].0 == before)
                || after
                    .iter()
                    .any(|word| rest.get(2).is_some_and(|(w, _)| w == word));
            let is_here = parts.iter().enumerate().all(|(n, part)| match *part {
                "*" => rest.get(n).is_some_and(|(word, _)| word != "."),
                "." => rest.get(n).is_none_or(|(word, _)| word == "."),
                part => rest.get(n).is_some_and(|(word, _)| word == part),
            });
            if is_here && !(parts.contains(&"*") && is_fine) {
                found.push((words[at].1, *phrase, *better));
            }
        }
    }
    found
}

/// Words in lower case with their lines, quotations in backticks left out; `.` is any end of a clause.
fn words(prose: &str) -> Vec<(String, usize)> {
    let mut words: Vec<(String, usize)> = Vec::new();
    let mut quoted = false;
    for (number, line) in prose.lines().enumerate() {
        if QUOTED.iter().any(|quote| line.contains(quote)) {
            continue;
        }
        let line = line.trim_start().trim_start_matches(['/', '!']);
        quoted &= !line.trim().is_empty();
        let mut word = String::new();
        for c in line.chars().chain(std::iter::once(' ')) {
            if c.is_alphanumeric() || c == '\'' {
                word.extend(c.to_lowercase());
                continue;
            }
            let written = std::mem::take(&mut word);
            if !quoted && !written.is_empty() {
                words.push((written, number + 1));
            }
            quoted ^= c == '`';
            if !quoted && ".,;:!?)\"|".contains(c) {
                words.push((".".to_owned(), number + 1));
            }
        }
    }
    words
}

#[test]
fn phrases_are_found_across_lines_and_not_in_quotations() {
    let text = "/// This is\n/// no registry, there is no doubt; `nobody` asked,\n/// it is no longer so.\n\"the login is over\" x";
    let found: Vec<_> = refused(text)
        .iter()
        .map(|(line, phrase, _)| (*line, *phrase))
        .collect();
    assert_eq!(found, [(1, "is no *"), (4, "is over .")]);
}
