//! Where a text may leave a program for a person: each way out has one writer, and that writer takes out the
//! secrets that the process knows and the characters that a terminal obeys.

use std::collections::BTreeSet;
use std::fs;

use super::rust::Rust;
use super::workspace::{shown, sources};

/// A way out: what opens it, the files that may, and what each of these must call before it writes.
struct Sink {
    opened_by: &'static [&'static str],
    files: &'static [(&'static str, &'static str)],
}

const SINKS: &[Sink] = &[
    // Standard output and error.
    Sink {
        opened_by: &[
            "stderr(",
            "stdout(",
            "Term::",
            "print!",
            "println!",
            "eprint!",
            "eprintln!",
            "dbg!",
            ".print()",
        ],
        files: &[
            ("crates/run/src/output.rs", "shown("),
            ("crates/run/src/logging.rs", "shown("),
            // Where the code panicked, and nothing else.
            ("crates/run/src/memory.rs", "panicked(panic.location())"),
            ("crates/regcred/src/progress/screen.rs", "shown("),
            // The width of the terminal.
            ("crates/regcred/src/explain.rs", "output::drawn("),
            // The question for a password, a fixed text.
            ("crates/regcred/src/login.rs", "Term::stderr()"),
            // An archive.
            ("crates/regcred/src/stored/export.rs", "is_terminal()"),
            // Packs releases, and is in none of the programs.
            ("crates/dist/src/main.rs", "io::stderr()"),
        ],
    },
    // The log.
    Sink {
        opened_by: &[
            "set_global_default",
            "with_writer",
            ".make_writer()",
            "set_default(",
        ],
        files: &[
            ("crates/run/src/logging.rs", "shown("),
            ("crates/run/src/logging/json.rs", "shown_json("),
        ],
    },
    // Kubernetes Events.
    Sink {
        opened_by: &["EventSource", "v1::Event"],
        files: &[("crates/refresh/src/cluster/events.rs", "shown(")],
    },
    // The status page, metrics and health.
    Sink {
        opened_by: &["Full::new(", "http1::Builder", "Response::builder()"],
        files: &[("crates/refresh/src/daemon/server.rs", "without_secrets(")],
    },
];

#[test]
fn a_text_for_people_leaves_a_program_in_one_place_for_each_way_out() {
    let mut wrong = Vec::new();
    let mut idle: BTreeSet<_> = listed().collect();
    for file in sources() {
        let name = shown(&file);
        if name.contains("/examples/") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("source");
        let code = Rust::of(&text).production();
        for (number, sink) in SINKS.iter().enumerate() {
            let found: Vec<_> = sink
                .opened_by
                .iter()
                .filter(|way| opens(&code, way))
                .collect();
            let writer = sink.files.iter().find(|(file, _)| *file == name);
            match writer {
                _ if found.is_empty() => {}
                Some((_, call)) => {
                    idle.remove(&(number, name.clone()));
                    if !code.contains(call) {
                        wrong.push(format!("{name} does not call {call}"));
                    }
                }
                None if is_of_clients(&name) => {}
                None => wrong.push(format!("{name} uses {found:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(idle.is_empty(), "listed without need: {idle:#?}");
}

fn listed() -> impl Iterator<Item = (usize, String)> {
    let sinks = SINKS.iter().enumerate();
    sinks.flat_map(|(at, sink)| {
        sink.files
            .iter()
            .map(move |(file, _)| (at, (*file).to_owned()))
    })
}

/// The HTTP client makes responses of what it received.
fn is_of_clients(file: &str) -> bool {
    file.starts_with("crates/http/src/")
}

/// Whether the words are in the code, and not as a method or the end of a longer name.
fn opens(code: &str, words: &str) -> bool {
    let is_method = words.starts_with('.');
    code.match_indices(words).any(|(at, _)| {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        let is_whole = !before.is_alphanumeric() && before != '_' && before != '.';
        let is_defined = code[..at].ends_with("fn ");
        (is_method || is_whole) && !is_defined
    })
}

#[test]
fn a_way_out_is_seen_and_a_method_of_its_name_is_not_one() {
    for code in ["io::stderr()", "use x; stderr().lock()", "(stderr())"] {
        assert!(opens(code, "stderr("), "{code}");
    }
    for code in ["error.stderr()", "pub fn stderr(&self)", "of_stderr()"] {
        assert!(!opens(code, "stderr("), "{code}");
    }
    assert!(opens("error.print()", ".print()"));
}
