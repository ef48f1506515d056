//! The paths in one file's code: imports, re-exports, and those in the middle of it.

use std::collections::BTreeSet;

/// What a file names.
#[derive(Default)]
pub(super) struct Paths {
    /// Modules declared by `mod x;`.
    pub(super) children: Vec<String>,
    pub(super) used: Vec<Used>,
    /// Every word outside imports.
    words: BTreeSet<String>,
}

/// A path, as written; the leaves of a `use` tree are one each.
pub(super) struct Used {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    pub(super) is_import: bool,
    /// An import that others see.
    pub(super) is_public: bool,
    /// The name that an import brings in.
    name: String,
}

impl Used {
    pub(super) fn is_same(&self, path: &[String]) -> bool {
        self.path == path
    }

    /// An import of every name of a module.
    pub(super) fn is_glob(&self) -> bool {
        self.path.last().is_some_and(|word| word == "*")
    }
}

impl Paths {
    /// Takes code without comments and strings.
    pub(super) fn of(code: &str) -> Self {
        let tokens = tokens(code);
        let mut paths = Self::default();
        let mut inline = Vec::new();
        let mut depth = 0;
        let mut at = 0;
        while at < tokens.len() {
            let word = tokens[at].0;
            let next = tokens.get(at + 1).map_or("", |t| t.0);
            if word != "use" || next == "<" {
                paths.words.insert(word.to_owned());
            }
            let after = tokens.get(at + 2).map_or("", |t| t.0);
            match (word, after) {
                ("mod", ";") => paths.children.push(next.to_owned()),
                ("mod", "{") => inline.push(depth),
                ("{", _) => depth += 1,
                ("}", _) => {
                    depth -= 1;
                    if inline.last() == Some(&depth) {
                        inline.pop();
                    }
                }
                // Not the captures of `impl Trait + use<'a>`.
                ("use", _) if next != "<" => {
                    let before = &tokens[at.saturating_sub(4)..at];
                    let is_public = before.last().is_some_and(|t| t.0 == "pub")
                        || (before.last().is_some_and(|t| t.0 == ")")
                            && before.iter().any(|t| t.0 == "pub"));
                    let start = paths.used.len();
                    at = tree(&tokens, at + 1, &mut Vec::new(), &mut paths.used);
                    for used in &mut paths.used[start..] {
                        used.is_public = is_public;
                        up(&mut used.path, inline.len());
                    }
                    continue;
                }
                _ if next == "::" && is_word(word) && (at == 0 || tokens[at - 1].0 != "::") => {
                    let line = tokens[at].1;
                    let mut path = vec![word.to_owned()];
                    while tokens.get(at + 1).is_some_and(|t| t.0 == "::")
                        && tokens.get(at + 2).is_some_and(|t| is_word(t.0))
                    {
                        path.push(tokens[at + 2].0.to_owned());
                        at += 2;
                    }
                    up(&mut path, inline.len());
                    paths.used.push(Used {
                        path,
                        line,
                        is_import: false,
                        is_public: false,
                        name: String::new(),
                    });
                }
                _ => {}
            }
            at += 1;
        }
        paths
    }

    /// Whether the file only hands an import on, without a use of its own.
    pub(super) fn only_hands_on(&self, used: &Used) -> bool {
        used.is_public && !self.words.contains(&used.name)
    }

    /// The import that brings this name into the module.
    pub(super) fn import(&self, name: &str) -> Option<&Used> {
        self.used
            .iter()
            .find(|used| used.is_import && used.name == name)
    }
}

/// A path inside an inline module, as if written outside.
fn up(path: &mut Vec<String>, inline: usize) {
    let supers = path.iter().take_while(|word| *word == "super").count();
    path.drain(..supers.min(inline));
    if supers > 0 && supers <= inline {
        path.insert(0, "self".to_owned());
    }
}

/// Reads a `use` tree; returns the place after it.
fn tree(
    tokens: &[(&str, usize)],
    mut at: usize,
    base: &mut Vec<String>,
    out: &mut Vec<Used>,
) -> usize {
    let own = base.len();
    let mut named = None;
    let mut leaf = true;
    while let Some((word, line)) = tokens.get(at) {
        match *word {
            "::" => {}
            "{" => {
                leaf = false;
                at += 1;
                while tokens.get(at).is_some_and(|t| !matches!(t.0, "}" | ";")) {
                    at = tree(tokens, at, base, out);
                    at += usize::from(tokens.get(at).is_some_and(|t| t.0 == ","));
                }
            }
            "as" => {
                named = tokens.get(at + 1).map(|t| t.0);
                at += 1;
            }
            "," | ";" | "}" => {
                if leaf {
                    if base.len() > 1 && base.last().is_some_and(|word| word == "self") {
                        base.pop();
                    }
                    let name = named.unwrap_or_else(|| base.last().map_or("", String::as_str));
                    out.push(Used {
                        path: base.clone(),
                        line: *line,
                        is_import: true,
                        is_public: false,
                        name: name.to_owned(),
                    });
                }
                base.truncate(own);
                return at;
            }
            word => base.push(word.to_owned()),
        }
        at += 1;
    }
    at
}

/// Words and signs with their lines; `::` is one sign.
fn tokens(code: &str) -> Vec<(&str, usize)> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let word = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_');
            let length = match word.map(char::len_utf8).sum() {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                length => length,
            };
            if !first.is_whitespace() {
                tokens.push((&rest[..length], number + 1));
            }
            rest = &rest[length..];
        }
    }
    tokens
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

#[test]
fn every_way_to_name_a_module_is_seen() {
    let code = "mod child; pub(crate) use child::Thing; use crate::{a::{self, B as C}, d::*};
        fn f() { super::g::h(); child::X::new(); x.y(); <T as crate::i::J>::k() }
        fn g<'a>() -> impl I + use<'a> { crate::n::o() }
        mod inline { use super::super::l; use super::child::M; }";
    let paths = Paths::of(code);
    let seen: Vec<_> = paths.used.iter().map(|used| used.path.join("::")).collect();
    assert_eq!(paths.children, ["child"]);
    let expected = "child::Thing crate::a crate::a::B crate::d::* super::g::h child::X::new \
                    crate::i::J crate::n::o super::l self::child::M";
    assert_eq!(seen.join(" "), expected);
    assert_eq!(
        paths.import("C").expect("an import").path.join("::"),
        "crate::a::B"
    );
    let thing = paths.import("Thing").expect("an import");
    assert!(thing.is_public && paths.only_hands_on(thing));
    let used = Paths::of("pub use a::Thing; fn f(_: Thing) {}");
    assert!(!used.only_hands_on(&used.used[0]));
}
