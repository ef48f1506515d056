use super::*;
use crate::fake;

const PIPED: Circumstances = Circumstances {
    helper: false,
    terminal: false,
};
const TERMINAL: Circumstances = Circumstances {
    terminal: true,
    ..PIPED
};
const HELPER: Circumstances = Circumstances {
    helper: true,
    ..PIPED
};

fn parse(line: &str, circumstances: Circumstances) -> Result<CommandLine, String> {
    let args = line.split_whitespace().map(str::to_owned).collect();
    CommandLine::parse(&[&fake::SPEC], args, circumstances)
}

fn command(line: &str, circumstances: Circumstances) -> Command {
    parse(line, circumstances).expect(line).command
}

fn settings(line: &str) -> Vec<(&'static str, String)> {
    parse(line, PIPED).expect(line).settings
}

#[test]
fn a_pipe_without_a_command_is_the_kubelet() {
    for line in [
        "",
        "kubelet",
        "get-credentials",
        "get-credentials --v=3",
        "--v=3 get-credentials",
        "/etc/kubernetes/azure.json",
        "-v 3 --logtostderr --authFlow gcr",
    ] {
        assert_eq!(command(line, PIPED), Command::Kubelet, "{line}");
    }
    assert_eq!(command("kubelet", TERMINAL), Command::Kubelet);
    assert_eq!(command("", TERMINAL), Command::Help);
    assert_eq!(
        parse("tokn h.io", TERMINAL).unwrap_err(),
        "unknown command \"tokn\"; did you mean token"
    );
}

#[test]
fn a_command_that_is_nearly_one_is_suggested() {
    for (word, near) in [
        ("tokn", "token"),
        ("tokens", "token"),
        ("tokem", "token"),
        ("tkoen", "token"),
        ("math-images", "match-images"),
        ("get-credential", "get-credentials"),
        ("configure-dokcer", "configure-docker"),
    ] {
        let expected = format!("unknown command {word:?}; did you mean {near}");
        assert_eq!(unknown_command(word), expected);
    }
    for word in ["get", "", "tkn", "nekot", "/etc/azure.json"] {
        assert_eq!(unknown_command(word), format!("unknown command {word:?}"));
    }
}

#[test]
fn flags_come_in_every_form_that_go_reads() {
    for line in [
        "--authFlow=gcr",
        "--authFlow gcr",
        "-authFlow=gcr",
        "-authFlow gcr",
        "-a gcr",
        "-a=gcr",
        "-agcr",
        "get-credentials -a gcr",
        "token h.io --authFlow gcr",
    ] {
        assert_eq!(settings(line), [("FAKE_MODE", "gcr".to_owned())], "{line}");
    }
}

#[test]
fn a_flag_is_remembered_as_it_was_written() {
    for (line, flag) in [("-a gcr", "-a"), ("--broken --authFlow=x", "--authFlow")] {
        let flags = parse(line, PIPED).expect(line).flags;
        assert!(flags.contains(&("FAKE_MODE", flag.to_owned())), "{flags:?}");
    }
}

#[test]
fn a_repeated_flag_makes_a_list() {
    let line = "--also-serve a.io --also-serve=b.io,c.io";
    assert_eq!(
        settings(line),
        [("FAKE_ALSO_SERVE", "a.io,b.io,c.io".to_owned())]
    );
}

#[test]
fn switches_take_gos_booleans() {
    for (line, value) in [
        ("--broken", "true"),
        ("-b", "true"),
        ("--broken=false", "false"),
        ("-broken=T", "true"),
        ("--broken --broken=0", "false"),
    ] {
        assert_eq!(settings(line), [("FAKE_BROKEN", value.to_owned())]);
    }
    assert_eq!(
        parse("--broken=maybe", PIPED).unwrap_err(),
        "flag --broken: expected true or false"
    );
}

#[test]
fn klogs_flags_are_accepted() {
    for (line, verbosity) in [
        ("--v=3", Some(3)),
        ("-v 3", Some(3)),
        ("-v=3", Some(3)),
        ("-v3", Some(3)),
        ("--v 10", Some(10)),
        ("--logtostderr=false --vmodule a=1 --log-dir /x", None),
        ("--skip_headers --stderrthreshold=2", None),
    ] {
        let read = parse(line, PIPED).expect(line);
        assert_eq!(
            (read.verbosity, read.command),
            (verbosity, Command::Kubelet)
        );
    }
    assert_eq!(
        parse("--v=x", PIPED).unwrap_err(),
        "flag --v: expected a whole number"
    );
}

#[test]
fn the_first_stray_word_sets_the_positional_variable() {
    let config = [("FAKE_CONFIG", "/etc/azure.json".to_owned())];
    assert_eq!(settings("/etc/azure.json"), config);
    assert_eq!(settings("get-credentials /etc/azure.json"), config);
    let stray = vec!["stray".to_owned(), "words".to_owned()];
    let other = CommandLine::parse(&[&fake::OTHER], stray, PIPED).expect("ignored");
    assert_eq!((other.command, other.settings), (Command::Kubelet, vec![]));
}

#[test]
fn commands_have_their_own_flags_only() {
    assert_eq!(
        command("token h.io/app --output json", TERMINAL),
        Command::Token {
            image: Some("h.io/app".to_owned()),
            output: TokenOutput::Json,
            secret: SecretName::default(),
        }
    );
    assert_eq!(
        command("-o kubernetes-secret token --name pull -n team", PIPED),
        Command::Token {
            image: None,
            output: TokenOutput::KubernetesSecret,
            secret: SecretName {
                name: Some("pull".to_owned()),
                namespace: Some("team".to_owned()),
            },
        }
    );
    assert_eq!(
        command("configure-docker --registries a.io,b.io", PIPED),
        Command::ConfigureDocker(HelperEdit {
            registries: vec!["a.io".to_owned(), "b.io".to_owned()],
            ..HelperEdit::default()
        })
    );
    assert_eq!(
        command("configure-docker --remove --dry-run", PIPED),
        Command::ConfigureDocker(HelperEdit {
            registries: Vec::new(),
            remove: true,
            dry_run: true,
        })
    );
    assert_eq!(
        parse("token --dry-run", PIPED).unwrap_err(),
        "flag --dry-run does not belong to this command"
    );
    assert_eq!(
        parse("kubelet --output json", PIPED).unwrap_err(),
        "flag --output does not belong to this command"
    );
    assert_eq!(
        parse("token a.io b.io", PIPED).unwrap_err(),
        "unexpected argument \"b.io\""
    );
}

#[test]
fn the_cache_is_shown_and_cleared() {
    assert_eq!(command("cache show", PIPED), Command::CacheShow);
    assert_eq!(command("cache", PIPED), Command::CacheShow);
    assert_eq!(command("cache clear", PIPED), Command::CacheClear);
    assert_eq!(command("match-images", PIPED), Command::MatchImages);
    assert!(parse("cache drop", PIPED).is_err());
}

#[test]
fn a_helpers_words_are_dockers_unless_they_are_ours() {
    let words = |line: &str| match command(line, HELPER) {
        Command::Docker(words) => words.join(" "),
        other => panic!("{other:?}"),
    };
    assert_eq!(words("get"), "get");
    assert_eq!(words(""), "");
    assert_eq!(words("get extra"), "get extra");
    for word in ["kubelet", "get-credentials", "get-credentials --v=3"] {
        assert_eq!(command(word, HELPER), Command::Kubelet, "{word}");
    }
    assert_eq!(command("-v", HELPER), Command::Version);
    assert_eq!(command("--version", HELPER), Command::Version);
    assert!(matches!(
        command("configure-docker --registries a.io", HELPER),
        Command::ConfigureDocker(_)
    ));
    assert_eq!(
        command("docker get", PIPED),
        Command::Docker(vec!["get".to_owned()])
    );
}

#[test]
fn unknown_flags_are_named_without_their_value() {
    for (line, error) in [
        ("--password=canary", "unknown flag --password"),
        ("-x", "unknown flag -x"),
        ("--authFlow", "flag --authFlow needs a value"),
    ] {
        assert_eq!(parse(line, PIPED).unwrap_err(), error);
    }
}

#[test]
fn an_empty_value_is_an_error_except_for_a_flag_of_upstreams() {
    for flag in ["--also-serve", "--registries", "--output", "--name", "-a"] {
        for value in ["", ",", " , "] {
            let args = vec!["token".to_owned(), format!("{flag}={value}")];
            let error = CommandLine::parse(&[&fake::SPEC], args, PIPED).unwrap_err();
            assert_eq!(error, format!("flag {flag} needs a value"));
        }
    }
    assert_eq!(settings("--mirror="), [("FAKE_MIRROR", String::new())]);
    assert_eq!(settings("--log_dir="), []);
}

#[test]
fn a_flag_of_several_clouds_is_not_taken_for_the_first_ones() {
    let parse = |line: &str| {
        let args = line.split_whitespace().map(str::to_owned).collect();
        CommandLine::parse(&[&fake::SPEC, &fake::OTHER], args, PIPED)
    };
    let error = parse("match-images --also-serve m.io").unwrap_err();
    assert_eq!(
        error,
        "flag --also-serve belongs to several clouds: set FAKE_ALSO_SERVE or OTHER_ALSO_SERVE"
    );
    assert!(parse("match-images --broken").is_ok());
}

#[test]
fn a_path_in_a_commands_place_is_not_a_mistyped_command() {
    for (line, stray) in [("tokn h.io", Some("tokn")), ("/etc/azure.json", None)] {
        assert_eq!(parse(line, PIPED).expect(line).stray.as_deref(), stray);
    }
}

#[test]
fn help_and_version_win() {
    assert_eq!(command("token --help", PIPED), Command::Help);
    assert_eq!(command("-h", PIPED), Command::Help);
    assert_eq!(command("help token", PIPED), Command::Help);
    assert_eq!(
        command("get-credentials --version", PIPED),
        Command::Version
    );
    assert_eq!(command("-- --version", PIPED), Command::Kubelet);
}
