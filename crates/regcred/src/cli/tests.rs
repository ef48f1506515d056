use clap::CommandFactory as _;

use super::*;

fn parse(line: &str) -> Result<Command, clap::Error> {
    let args = std::iter::once("regcred").chain(line.split_whitespace());
    Cli::try_parse_from(args).map(|cli| cli.command)
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn pull_takes_images_and_its_words() {
    let Command::Pull(args) =
        parse("pull a:v1 b --store /s --policy IfNotPresent --platform linux/arm64 --json -q")
            .expect("sound")
    else {
        panic!("another command");
    };
    assert_eq!(args.images, ["a:v1", "b"]);
    assert_eq!(args.store, Some("/s".into()));
    assert_eq!(args.policy, Some(PullPolicy::IfNotPresent));
    assert_eq!(args.platform, Some("linux/arm64".parse().expect("one")));
    assert!(args.json && args.quiet && !args.no_sync);
}

#[test]
fn mistakes_are_usage_errors() {
    for line in [
        "",
        "pull",
        "pull a --policy always",
        "pull a --platform linux",
        "prepull",
        "prepull a --parallel 0",
        "prepull a --timeout 0s",
        "prepull a --check --record",
        "token",
        "token gcr.io --output yaml",
        "token h.io --username u",
        "token h.io --password-stdin",
        "token h.io --email a@b",
        "token --from-file f --username u --password-stdin",
        "token h.io --username u --password secret",
        "explain",
        "explain a b",
        "config",
        "plugin",
        "frobnicate",
    ] {
        let error = parse(line).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}: {error}");
    }
}

#[test]
fn a_plugins_own_flags_pass_through() {
    for (line, expected) in [
        ("plugin ecr", &[][..]),
        ("plugin ecr --help", &["--help"]),
        ("plugin --help", &[]),
        ("plugin -h", &[]),
        (
            "plugin gcr -v 5 get-credentials",
            &["-v", "5", "get-credentials"],
        ),
        (
            "plugin ecr token x --output json",
            &["token", "x", "--output", "json"],
        ),
    ] {
        let Command::Plugin(args) = parse(line).expect(line) else {
            panic!("another command");
        };
        assert_eq!(args.args, expected, "{line}");
    }
}

#[test]
fn every_credential_flag_is_on_every_command_that_looks_credentials_up() {
    let names = |command: &str| {
        let root = Cli::command();
        let found = root.find_subcommand(command).expect("there");
        let ids = found.get_arguments().filter_map(|a| a.get_long());
        ids.map(str::to_owned).collect::<Vec<_>>()
    };
    for command in ["pull", "prepull", "explain", "check"] {
        let names = names(command);
        for var in crate::VARS {
            let flag = var.name.trim_start_matches("REGCRED_").to_lowercase();
            let flag = flag.replace('_', "-");
            assert!(names.contains(&flag), "{command} has no --{flag}");
        }
    }
}
