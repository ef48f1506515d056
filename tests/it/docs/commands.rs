//! Every `regcred` command of the pages is one that the program accepts, and those that need neither a
//! network nor a file are run.

use std::fs;

use regcred_tests::Program;
use tempfile::tempdir;

use super::documents;

/// A command of a page: its words, and whether the shell adds some that the page does not show.
struct PageCommand {
    page: String,
    words: Vec<String>,
    is_whole: bool,
}

#[test]
fn every_command_in_the_pages_is_accepted() {
    let commands = commands();
    assert!(
        commands.len() >= 40,
        "the commands are found: {}",
        commands.len()
    );
    let mut wrong = Vec::new();
    for PageCommand { page, words, .. } in &commands {
        let parsed = regcred::command_line().try_get_matches_from(words);
        if let Err(error) = parsed
            && error.use_stderr()
        {
            wrong.push(format!("{page}: {}: {error}", words.join(" ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn commands_without_network_and_files_are_run() {
    let dir = tempdir().expect("a directory");
    let mut run = 0;
    for PageCommand {
        page,
        words,
        is_whole,
    } in commands()
    {
        let args = &words[1..];
        let is_local = match args.first().map(String::as_str) {
            // The other registries are in a file.
            Some("config") => !args.iter().any(|arg| arg == "generic"),
            Some("version" | "completions") => true,
            Some("explain") => !args.iter().any(|arg| arg.starts_with("--")),
            _ => false,
        };
        if is_local && is_whole {
            let program = Program::ours("regcred").args(args).current_dir(dir.path());
            let done = program.env("HOME", dir.path().display().to_string()).run();
            assert_eq!(done.code(), Some(0), "{page}: {args:?}: {}", done.stderr);
            run += 1;
        }
    }
    assert!(run >= 3, "{run}");
}

/// The `regcred` commands of all pages' console blocks.
fn commands() -> Vec<PageCommand> {
    let mut found = Vec::new();
    for file in documents() {
        let text = fs::read_to_string(&file).expect("a document");
        let page = file.display().to_string();
        // The generated page has the help texts, whose commands are tested by being made.
        if page.ends_with("reference/cli.md") {
            continue;
        }
        let mut lines = text.lines();
        let mut is_console = false;
        while let Some(line) = lines.next() {
            if let Some(language) = line.trim().strip_prefix("```") {
                is_console = language == "console";
                continue;
            }
            let Some(command) = prompted(line).filter(|_| is_console) else {
                continue;
            };
            let mut command = command.to_owned();
            while let Some(open) = command.strip_suffix('\\') {
                command = format!("{open}{}", lines.next().unwrap_or_default());
            }
            for words in simple_commands(&command) {
                let (words, is_whole) = words;
                if words.first().is_some_and(|word| word == "regcred") {
                    found.push(PageCommand {
                        page: page.clone(),
                        words,
                        is_whole,
                    });
                }
            }
        }
    }
    found
}

fn prompted(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("$ ").or_else(|| line.strip_prefix("# "))
}

/// The simple commands of a shell line: their words without redirections, and whether each has no word
/// that a variable makes.
fn simple_commands(line: &str) -> Vec<(Vec<String>, bool)> {
    let mut all: Vec<(Vec<String>, bool)> = vec![(Vec::new(), true)];
    let (mut word, mut quote) = (String::new(), None);
    let (mut is_started, mut was_quoted) = (false, false);
    let mut takes_file = false;
    for c in line.chars().chain([' ']) {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => (quote, is_started, was_quoted) = (Some(c), true, true),
            (None, '#') if !is_started => break,
            (None, ' ' | '|' | ';' | '&' | '<' | '>') => {
                let (words, is_whole) = all.last_mut().expect("a command");
                let is_descriptor = c == '>' && word.chars().all(|c| c.is_ascii_digit());
                let is_assignment = words.is_empty() && word.contains('=');
                if is_started && !takes_file && !is_descriptor && !is_assignment {
                    *is_whole &= !word.contains(VARIABLE);
                    let is_value =
                        was_quoted || words.last().is_some_and(|word| word.starts_with("--"));
                    words.extend(expanded(&word, is_value));
                }
                if is_started {
                    takes_file = false;
                }
                word.clear();
                (is_started, was_quoted) = (false, false);
                match c {
                    '<' | '>' => takes_file = true,
                    '|' | ';' | '&' => all.push((Vec::new(), true)),
                    _ => {}
                }
            }
            (None | Some('"'), '$') => {
                word.push(VARIABLE);
                is_started = true;
            }
            (_, c) => {
                word.push(c);
                is_started = true;
            }
        }
    }
    all
}

/// A word with a registry's name for its variables. One that is a variable alone and not the value of an
/// option may be several words or none: nothing.
fn expanded(word: &str, is_value: bool) -> Option<String> {
    let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
    let mut parts = word.split(VARIABLE);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(is_name);
        if text.is_empty() && rest.is_empty() && !is_value {
            return None;
        }
        text = format!("{text}registry.example.com{rest}");
    }
    Some(text)
}

/// Stands for the dollar of a variable: one in single quotes is a character as any other.
const VARIABLE: char = '\u{1}';

#[test]
fn a_shell_line_is_split_into_its_commands() {
    let line =
        "umask 077 && A=1 regcred token \"$R/a b\" 'x$y' > f 2>/dev/null | jq . # regcred no";
    let words: Vec<_> = simple_commands(line).into_iter().map(|one| one.0).collect();
    let words: Vec<_> = words.iter().filter(|one| !one.is_empty()).collect();
    assert_eq!(
        words[1],
        &["regcred", "token", "registry.example.com/a b", "x$y"]
    );
    assert_eq!(words[2], &["jq", "."]);
    let (words, is_whole) = simple_commands("regcred check $FLAGS").remove(0);
    assert_eq!((words.len(), is_whole), (2, false));
}
