//! The reference pages are made from the programs themselves, and no link in the documents is dead.
//!
//! `REGCRED_UPDATE_DOCS=1` writes the pages instead of comparing them.

mod cloud_commands;
mod commands;
mod evidence;
mod kubectl_commands;
mod screens;
mod shell;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use regcred_core::{Env, EnvVar};
use regcred_tests::Program;
use regcred_tests::need::workspace;

use crate::architecture::workspace::files_below;

#[test]
fn the_command_line_page_is_the_programs_help() {
    let mut page = String::from(
        "# Command line\n\nMade from the programs' own `--help`; `tests/it/docs.rs` keeps it true. \
         Exit codes are in [troubleshooting](../troubleshooting.md#exit-codes).\n",
    );
    for (program, commands) in programs() {
        let _ = writeln!(page, "\n## {program}");
        for command in commands {
            let words: Vec<_> = command.split_whitespace().collect();
            let help = started(&program).args(&words).arg("--help").run();
            let title = format!("{program} {command}");
            let text = help.success().trim_end().to_owned();
            let _ = writeln!(page, "\n```console\n$ {} --help\n{text}\n```", title.trim());
        }
    }
    compare("cli.md", &page);
}

#[test]
fn the_environment_page_is_the_catalogue() {
    let mut page = String::from(
        "# Environment\n\nEvery variable that is read, by our code or by a library that it uses. A \
         flag wins over its variable. A variable that is set and empty counts as not set. Values of \
         those marked *secret* are never shown.\n",
    );
    table(&mut page, "regcred", regcred::VARS);
    table(&mut page, "regcred login and logout", regcred::LOGIN_VARS);
    table(&mut page, "regcred prepull", regcred::PREPULL_VARS);
    table(&mut page, "Every plugin", regcred_plugin::VARS);
    table(&mut page, "Shared cache", regcred_cache::VARS);
    table(&mut page, "HTTP clients", regcred_http::VARS);
    table(&mut page, "regcred-refresh", &regcred_refresh::vars());
    for spec in regcred_providers::all() {
        let title = format!("{} (`{}-credential-provider`)", spec.title, spec.name);
        table(&mut page, &title, spec.vars);
    }
    compare("environment.md", &page);
}

#[test]
fn every_link_leads_somewhere() {
    let mut dead = Vec::new();
    for file in documents() {
        let text = fs::read_to_string(&file).expect("a document");
        for link in links(&text) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                file.clone()
            } else {
                file.parent().expect("a directory").join(path)
            };
            if !target.exists() || !heading.is_empty() && !has_heading(&target, heading) {
                dead.push(format!("{}: {link}", file.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

/// Whether a page has the heading that a link names after `#`: lower case, blanks as `-`, without signs.
fn has_heading(page: &Path, name: &str) -> bool {
    let text = fs::read_to_string(page).expect("a document");
    let named = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c })
            .eq(name.chars())
    };
    text.lines()
        .any(|line| line.starts_with('#') && named(line))
}

/// A configuration that is copied from a page is one that a kubelet accepts.
#[test]
fn every_kubelet_configuration_in_the_pages_is_read() {
    let mut read = 0;
    for file in documents() {
        let text = fs::read_to_string(&file).expect("a document");
        for configuration in kubelet_configurations(&text) {
            if let Err(error) = regcred_api::decode_config(configuration.as_bytes()) {
                panic!("{}: {error}\n{configuration}", file.display());
            }
            read += 1;
        }
    }
    assert!(read >= 6, "the configurations are found: {read}");
}

#[test]
fn every_variable_of_ours_in_the_pages_exists() {
    let catalogue = fs::read_to_string(workspace().join("docs/reference/environment.md"));
    let catalogue = catalogue.expect("the page");
    let of_tests = ["REGCRED_TEST_", "REGCRED_BENCH_", "REGCRED_UPDATE_"];
    let mut unknown = Vec::new();
    for file in documents() {
        let text = fs::read_to_string(&file).expect("a document");
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for word in words.filter(|word| word.starts_with("REGCRED_") && !word.ends_with('_')) {
            let known = catalogue.contains(&format!("| `{word}` |"));
            let ours = of_tests.iter().any(|start| word.starts_with(start));
            if !known && !ours && !word.ends_with("_PEER") {
                unknown.push(format!("{}: {word}", file.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
}

/// An error that a user searches for is on the page in the program's words: each text in a table of our
/// errors is in the code, or in a test of it where the code puts it together.
#[test]
fn every_error_in_troubleshooting_is_one_of_our_programs() {
    let code: String = sources().iter().map(|file| one_line(file)).collect();
    let page = fs::read_to_string(workspace().join("docs/troubleshooting.md")).expect("the page");
    let mut texts = 0;
    let mut unknown = Vec::new();
    for text in errors(&page) {
        // Words in capitals and numbers differ from one error to the next.
        let varies = |word: &&str| word.chars().all(|c| !c.is_ascii_lowercase());
        let words: Vec<_> = text.split(' ').collect();
        let parts = words.split(varies).filter(|part| !part.is_empty());
        let parts: Vec<_> = parts.map(|part| part.join(" ")).collect();
        texts += parts.len();
        if parts.is_empty() || !parts.iter().all(|part| code.contains(part)) {
            unknown.push(text.to_owned());
        }
    }
    assert!(unknown.is_empty(), "not in the code: {unknown:#?}");
    assert!(texts > 40, "the errors are found: {texts}");
}

/// The quoted texts in the first column of the tables whose heading is `the error holds`.
fn errors(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut is_table = false;
    for line in page.lines() {
        let first = line.split(" | ").next().unwrap_or_default();
        is_table = first == "| the error holds" || is_table && first.starts_with('|');
        if is_table {
            found.extend(first.split('`').skip(1).step_by(2));
        }
    }
    found
}

/// A source file with its texts of several lines joined, and quotes as they are printed.
fn one_line(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a source file");
    let mut lines = text.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    let joined = lines.fold(first, |joined, line| joined + line.trim_start());
    joined.replace("\\\"", "\"")
}

/// The configurations of a page, YAML or JSON, in any block.
fn kubelet_configurations(page: &str) -> Vec<String> {
    let mut lines = page.lines();
    let mut found = Vec::new();
    while let Some(first) = lines.next() {
        let inner = first.trim_start();
        let yaml = inner.starts_with("apiVersion: kubelet.config.k8s.io/v1");
        if !yaml && !inner.starts_with("{\"apiVersion\":\"kubelet.config.k8s.io/v1\"") {
            continue;
        }
        let indent = first.len() - inner.len();
        let ends = |line: &str| {
            let line = line.trim_start();
            line.starts_with("```") || line == "EOF" || !yaml && line.starts_with("# ")
        };
        let rest = lines.by_ref().take_while(|line| !ends(line));
        let body = rest.map(|line| line.get(indent..).unwrap_or_default());
        found.push(
            [inner]
                .into_iter()
                .chain(body)
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }
    found
}

/// Our programs and their commands.
fn programs() -> Vec<(String, Vec<String>)> {
    let mut programs = vec![("regcred".to_owned(), verbs())];
    for spec in regcred_providers::all() {
        programs.push((
            format!("{}-credential-provider", spec.name),
            vec![String::new()],
        ));
    }
    programs.push((HELPER.to_owned(), vec![String::new()]));
    programs.push(("regcred-refresh".to_owned(), vec![String::new()]));
    programs
}

/// The program of this name. The helper for all clouds is `regcred` under another name.
fn started(program: &str) -> Program {
    if program == HELPER {
        return Program::ours("regcred").args(["plugin", HELPER]);
    }
    Program::ours(program)
}

const HELPER: &str = "docker-credential-regcred";

/// The command itself, and its subcommands, in their order.
fn verbs() -> Vec<String> {
    let mut verbs = vec![String::new()];
    let mut open = vec![(String::new(), regcred::command_line())];
    while let Some((name, command)) = open.pop() {
        if !name.is_empty() {
            verbs.push(name.clone());
        }
        let below = command.get_subcommands();
        let below = below.map(|sub| (format!("{name} {}", sub.get_name()), sub.clone()));
        let mut below: Vec<_> = below.collect();
        below.reverse();
        open.extend(below);
    }
    verbs.iter().map(|verb| verb.trim().to_owned()).collect()
}

fn table(page: &mut String, title: &str, vars: &[EnvVar]) {
    let _ = writeln!(
        page,
        "\n## {title}\n\n| variable | does | default |\n|---|---|---|"
    );
    let mut vars = vars.to_vec();
    vars.sort_by_key(|var| var.name);
    for var in vars {
        let mark = match (var.secret, var.foreign) {
            (true, _) => " *Secret.*",
            (false, true) => " *Read by a library.*",
            (false, false) => "",
        };
        let doc = var.doc.replace('|', "\\|");
        let default = var.default.replace('|', "\\|");
        let _ = writeln!(page, "| `{}` | {doc}{mark} | {default} |", var.name);
    }
}

fn compare(name: &str, page: &str) {
    let file = workspace().join("docs/reference").join(name);
    if Env::process().is_true("REGCRED_UPDATE_DOCS") {
        fs::create_dir_all(file.parent().expect("a directory")).expect("the directory is made");
        fs::write(&file, page).expect("the page is written");
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == page,
        "docs/reference/{name} is stale: run REGCRED_UPDATE_DOCS=1 cargo test --workspace docs::"
    );
}

/// Targets of Markdown links that stay in the tree.
fn links(text: &str) -> Vec<&str> {
    let ends = text.split("](").skip(1);
    ends.filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains("://") && !link.contains(' '))
        .collect()
}

/// Every Markdown file of the project.
fn documents() -> Vec<PathBuf> {
    let files = files_of(&workspace(), "md");
    assert!(files.len() > 5, "the documents are found");
    files
}

/// Every source file of the crates.
fn sources() -> Vec<PathBuf> {
    files_of(&workspace().join("crates"), "rs")
}

/// Every file below the directory with that extension.
fn files_of(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let is_other = |name: &str| name.starts_with('.') || name == "target";
    let mut files = files_below(&[directory.to_owned()], is_other);
    files.retain(|file| file.extension() == Some(extension.as_ref()));
    files
}
