//! Every command of the pages that is ours is one that the program accepts, and those that need neither a
//! network nor a file are run. A shell reads every line, and others' programs know the options that they are given.

use std::fs;

use regcred_tests::Program;
use regcred_tests::need::{find, need};
use tempfile::tempdir;

use super::shell::{self, PageCommand};
use super::{documents, started};

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

#[test]
fn our_other_programs_know_the_options_in_the_pages() {
    let mut all = shell::commands();
    all.retain(|command| {
        let program = command.program();
        let is_plugin = program.ends_with("-credential-provider") || program == "regcred-refresh";
        is_plugin || program.starts_with("docker-credential-")
    });
    assert!(all.len() >= 20, "the commands are found: {}", all.len());
    for command in all {
        let helper = ["docker-credential-ecr-login", "docker-credential-gcr"];
        let program = if helper.contains(&command.program()) {
            Program::ours("regcred").args(["plugin", command.program()])
        } else {
            started(command.program())
        };
        shows_its_help(program, &command);
    }
}

/// These read all of a line before they show their help.
#[test]
fn programs_of_others_know_the_options_in_the_pages() {
    let Some(_) = need("skopeo") else { return };
    let programs = ["buildah", "docker", "helm", "skopeo"];
    let all = shell::commands().into_iter();
    let mut all: Vec<_> = all.chain(shell::named_in_text(&programs)).collect();
    all.retain(|command| programs.contains(&command.program()));
    for command in all {
        let Some(program) = find(command.program()) else {
            continue;
        };
        let home = tempdir().expect("a directory");
        let program = Program::new(program).env("HOME", home.path());
        // This one takes no option after an argument.
        let at = if command.program() == "buildah" {
            2
        } else {
            command.words.len()
        };
        shows_its_help_at(at, program, &command);
    }
}

/// A program reads all words of the command, and its help ends the run.
fn shows_its_help(program: Program, command: &PageCommand) {
    shows_its_help_at(command.words.len(), program, command);
}

/// The same, with the option for help in that place.
fn shows_its_help_at(at: usize, program: Program, command: &PageCommand) {
    let (before, after) = command.words.split_at(at);
    let program = program.args(&before[1..]).arg("--help");
    let done = program.args(after).run();
    let line = command.words.join(" ");
    assert_eq!(
        done.code(),
        Some(0),
        "{}: {line}: {}",
        command.page,
        done.stderr
    );
}

#[test]
fn a_shell_reads_every_line_of_the_pages() {
    let Some(bash) = need("bash") else { return };
    let mut read = 0;
    for file in documents() {
        let page = fs::read_to_string(&file).expect("a document");
        let lines = shell::shell_lines(&page);
        read += lines.len();
        let bash = Program::new(&bash).args(["-n", "-s"]);
        let done = bash.stdin(lines.join("\n")).run();
        assert_eq!(done.stderr, "", "{}", file.display());
    }
    assert!(read >= 100, "the lines are found: {read}");
}

/// The `regcred` commands of all pages.
fn commands() -> Vec<PageCommand> {
    let mut all = shell::commands();
    all.retain(|command| command.words[0] == "regcred");
    all
}
