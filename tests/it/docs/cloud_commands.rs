//! The commands of the clouds' CLIs in the pages are ones that the CLI accepts.
//!
//! A CLI on `PATH` or in `.venv` reads its commands itself, without a network. `cloud_commands.txt` has what was
//! accepted, for machines without that CLI. No test runs ibmcloud: its lines are compared with IBM's reference by hand.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use regcred_core::Env;
use regcred_http_testing::Ca;
use regcred_tests::need::{find, need};
use regcred_tests::{ClosedPort, Program};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use super::shell::{PageCommand, commands, named_in_text};

const CLIS: &[&str] = &["aws", "az", "gcloud", "ibmcloud", "oci"];

#[tokio::test]
async fn aws_accepts_its_commands_in_the_pages() {
    let Some(aws) = need("aws") else { return };
    let (stage, closed) = (Stage::new(), ClosedPort::take());
    let aws = stage.program(aws).envs([
        (
            "AWS_ACCESS_KEY_ID".to_owned(),
            "AKIAIOSFODNN7EXAMPLE".to_owned(),
        ),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "example".to_owned()),
        ("AWS_DEFAULT_REGION".to_owned(), "eu-west-1".to_owned()),
        (
            "AWS_ENDPOINT_URL".to_owned(),
            format!("http://{}", closed.authority()),
        ),
        ("AWS_MAX_ATTEMPTS".to_owned(), "1".to_owned()),
    ]);
    let is_first = aws
        .clone()
        .arg("--version")
        .run()
        .success()
        .starts_with("aws-cli/1.");
    for command in of("aws") {
        let is_login = command.words[1] == "sso";
        // The first version has no login of its own.
        if !is_login {
            accepts(&aws, &command, "Could not connect to the endpoint URL");
        } else if !is_first {
            accepts(&aws, &command, "SSO configuration values");
        }
    }
}

#[test]
fn az_accepts_its_commands_in_the_pages() {
    let Some(az) = if_there("az") else { return };
    let stage = Stage::new();
    let az = stage.program(az).env("AZURE_CONFIG_DIR", stage.0.path());
    let az = az.env("AZURE_CORE_COLLECT_TELEMETRY", "no");
    for mut command in of("az") {
        help_for_a_name(&mut command);
        accepts(&az, &command, "az login");
    }
}

#[test]
fn oci_accepts_its_commands_in_the_pages() {
    let Some(oci) = if_there("oci") else { return };
    let stage = Stage::new();
    let oci = stage.program(oci);
    for mut command in of("oci") {
        // Some open a browser.
        command.words.push("--help".to_owned());
        accepts(&oci, &command, "");
    }
}

#[test]
fn gcloud_accepts_its_commands_in_the_pages() {
    let Some(gcloud) = if_there("gcloud") else {
        return;
    };
    let stage = Stage::new();
    let mut commands = of("gcloud");
    commands.iter_mut().for_each(help_for_a_name);
    let lines: BTreeSet<_> = commands.iter().map(quoted).collect();
    let asked: Vec<_> = lines
        .iter()
        .map(|line| json!({"command_string": line}))
        .collect();
    let file = stage.0.path().join("commands.json");
    fs::write(&file, json!(asked).to_string()).expect("written");
    let gcloud = stage.program(gcloud).env("CLOUDSDK_CONFIG", stage.0.path());
    let gcloud = gcloud.args(["meta", "lint-gcloud-commands", "--commands-file"]);
    let judged = gcloud.arg(file).run().success();
    let judged: Vec<Value> = serde_json::from_str(&judged).expect("JSON");
    assert_eq!(judged.len(), lines.len(), "{judged:#?}");
    let wrong: Vec<_> = judged
        .iter()
        .filter(|one| one["success"] != true)
        .map(|one| format!("{}: {}", one["command_string"], one["error_message"]))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_cloud_command_in_the_pages_was_accepted_by_its_cli() {
    let accepted = include_str!("cloud_commands.txt").lines();
    let accepted: BTreeSet<_> = accepted.filter(|line| !line.starts_with('#')).collect();
    let all: BTreeSet<_> = CLIS
        .iter()
        .flat_map(|cli| of(cli))
        .map(|one| options(&one))
        .collect();
    let all: BTreeSet<_> = all.iter().map(String::as_str).collect();
    assert!(all.len() >= 40, "the commands are found: {all:#?}");
    let differ: Vec<_> = all.symmetric_difference(&accepted).collect();
    assert!(
        differ.is_empty(),
        "cloud_commands.txt is stale: run these tests with the CLI on PATH, then add or remove {differ:#?}"
    );
}

/// The commands of the CLI in the pages: in blocks, and in the text.
fn of(cli: &str) -> Vec<PageCommand> {
    let all = commands().into_iter().chain(named_in_text(CLIS));
    let mut all: Vec<_> = all.filter(|command| command.words[0] == cli).collect();
    for command in &mut all {
        command.words.retain(|word| word != "...");
        for word in &mut command.words {
            // Also the name of a project, which has no dots.
            *word = word.replace("registry.example.com", "example-value");
        }
    }
    // An error of ours.
    all.retain(|command| command.words[1..] != ["has", "no", "login"]);
    all.sort_by(|a, b| a.words.cmp(&b.words));
    all.dedup_by(|a, b| a.words == b.words);
    assert!(!all.is_empty(), "the commands of {cli} are found");
    all
}

/// The words before the first option, and the options' names in their order.
fn options(command: &PageCommand) -> String {
    let is_option = |word: &&String| word.starts_with('-');
    let words = command.words.iter();
    let names = words.clone().take_while(|word| !is_option(word)).cloned();
    let options = words
        .filter(is_option)
        .map(|word| word.split('=').next().unwrap_or_default());
    let options: BTreeSet<_> = options.map(str::to_owned).collect();
    names.chain(options).collect::<Vec<_>>().join(" ")
}

/// Runs it: it succeeds, or fails for want of a login or a server and for nothing before.
fn accepts(cli: &Program, command: &PageCommand, failure: &str) {
    let done = cli.clone().args(&command.words[1..]).run();
    let is_read = !failure.is_empty() && done.stderr.contains(failure);
    let line = command.words.join(" ");
    assert!(
        is_read || done.code() == Some(0),
        "{}: {line}: {}",
        command.page,
        done.stderr
    );
}

/// One without an option names a command, and leaves out what it needs.
fn help_for_a_name(command: &mut PageCommand) {
    if !command.words.iter().any(|word| word.starts_with('-')) {
        command.words.push("--help".to_owned());
    }
}

/// A shell's line of the words.
fn quoted(command: &PageCommand) -> String {
    let quoted = |word: &String| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=.:/@,".contains(c);
        let word = word.replace('\'', "'\\''");
        if word.chars().all(is_plain) {
            word
        } else {
            format!("'{word}'")
        }
    };
    command
        .words
        .iter()
        .map(quoted)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The program, where it is installed: a CLI of half a gigabyte is not installed by `make test`.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn if_there(program: &str) -> Option<PathBuf> {
    let found = find(program);
    if found.is_none() {
        eprintln!("SKIPPED: {program} is not installed");
    }
    found
}

/// A directory with the files that commands of the pages read.
struct Stage(TempDir);

impl Stage {
    fn new() -> Self {
        let directory = tempdir().expect("a directory");
        for file in ["trust.json", "jwks.json"] {
            fs::write(directory.path().join(file), "{}").expect("written");
        }
        let certificate = Ca::new().pem;
        fs::write(directory.path().join("certificate.pem"), certificate).expect("written");
        Self(directory)
    }

    fn program(&self, path: PathBuf) -> Program {
        let paths = Env::process().get("PATH").unwrap_or_default().to_owned();
        let program = Program::new(path).env("PATH", paths);
        program
            .env("HOME", self.0.path())
            .current_dir(self.0.path())
    }
}
