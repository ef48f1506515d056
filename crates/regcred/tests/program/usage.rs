//! The command line: commands and flags that exist, and those that do not.

use super::regcred;

#[test]
fn the_version_is_one_line() {
    let done = regcred().arg("--version").run();
    let expected = concat!("regcred ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(done.success(), expected);
}

#[test]
fn an_unknown_command_is_a_usage_error() {
    for (line, near) in [
        (&["xyzzy"][..], None),
        (&["psuh"], Some("'manifest push'")),
        (&["pul", "h.io/app"], Some("'pull'")),
        (&["exlpain", "h.io/app"], Some("'explain'")),
        (&["config", "genrate"], Some("'config generate'")),
    ] {
        let done = regcred().args(line).run();
        let last = line.iter().find(|word| done.stderr.contains(**word));
        assert!(last.is_some(), "{line:?}: {}", done.stderr);
        assert_eq!((done.code(), &*done.stdout()), (Some(2), ""), "{line:?}");
        let tip = done.stderr.lines().find(|line| line.contains("tip: "));
        assert_eq!(tip.is_some(), near.is_some(), "{}", done.stderr);
        assert!(tip.unwrap_or_default().contains(near.unwrap_or_default()));
    }
}

#[test]
fn an_unknown_flag_is_refused_without_advice_to_name_an_image_so() {
    for line in [
        &["token", "--profile", "x"][..],
        &["pull", "--nope"],
        &["explain", "--nope"],
    ] {
        let done = regcred().args(line).run();
        assert_eq!(done.code(), Some(2));
        assert!(done.stderr.contains(line[1]), "{}", done.stderr);
        assert!(!done.stderr.contains("tip"), "{}", done.stderr);
    }
}

#[test]
fn a_filter_of_the_log_that_is_not_one_is_an_error() {
    for line in [
        &["token", "h.io"][..],
        &["explain", "h.io/app"],
        &["plugin", "ecr", "match-images"],
    ] {
        let done = regcred().args(line).env("REGCRED_LOG", "nope").run();
        let expected = "REGCRED_LOG: \"nope\" is neither off, error, warn, info, debug or trace nor \
                        a TARGET=LEVEL\n";
        assert_eq!(
            (done.code(), &*done.stderr),
            (Some(4), expected),
            "{line:?}"
        );
        assert_eq!(done.stdout(), "");
    }
    for line in [&["--help"][..], &["plugin", "ecr", "--help"]] {
        let done = regcred().args(line).env("REGCRED_LOG", "nope").run();
        assert!(done.success().contains("Usage: "), "{line:?}");
    }
}

#[test]
fn help_of_every_command_is_a_success() {
    for line in [
        &["plugin", "-h"][..],
        &["plugin", "--help"],
        &["token", "-h"],
        &["config", "-h"],
    ] {
        let help = regcred().args(line).run().success();
        assert!(help.contains("Usage: regcred "), "{line:?}: {help}");
    }
}
