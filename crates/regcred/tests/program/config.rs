//! `config generate`: what is printed, and files that get more providers.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::regcred;

#[test]
fn an_entry_has_the_arguments_the_variables_and_the_token_attributes_that_were_given() {
    let generate = |format: &str| {
        regcred()
            .args([
                "config",
                "generate",
                "--provider",
                "gcr",
                "--format",
                format,
            ])
            .args([
                "--arg",
                "--v=5",
                "--env",
                "HTTPS_PROXY=http://p:3128",
                "--env=EMPTY=",
            ])
            .args([
                "--service-account-token-audience",
                "yes",
                "--cache-type=Token",
            ])
            .args([
                "--require-service-account",
                "--required-service-account-annotation-key=a.io/b",
            ])
            .args(["--optional-service-account-annotation-key", "c.io/d"])
            .run()
            .success()
    };
    for format in ["yaml", "json"] {
        let text = generate(format);
        let config = regcred_api::decode_config(text.as_bytes()).expect(&text);
        let [entry] = &config.providers[..] else {
            panic!("one entry: {text}");
        };
        assert_eq!(entry.args, ["--v=5"], "{text}");
        let names: Vec<_> = entry.env.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["HTTPS_PROXY", "EMPTY"]);
        let token = entry.token_attributes.as_ref().expect("attributes");
        assert_eq!(token.service_account_token_audience, "yes");
        assert_eq!(token.cache_type, "Token");
        assert_eq!(token.require_service_account, Some(true));
        assert_eq!(token.required_service_account_annotation_keys, ["a.io/b"]);
        assert_eq!(token.optional_service_account_annotation_keys, ["c.io/d"]);
    }
    assert!(generate("yaml").contains("value: \"http://p:3128\""));
}

#[test]
fn what_a_kubelet_would_refuse_is_a_usage_error() {
    for (line, why) in [
        (&["--arg=x"][..], "name it with --provider"),
        (
            &["--provider=ecr", "--env=X"],
            "\"X\" is not of the form NAME=VALUE",
        ),
        (
            &["--provider=ecr", "--cache-type=Token"],
            "--service-account-token-audience",
        ),
        (
            &[
                "--provider=ecr",
                "--service-account-token-audience=a",
                "--cache-type=Pod",
            ],
            "providers.tokenAttributes.cacheType: Unsupported value",
        ),
        (
            &["--output=/"],
            "is a directory: name a file in it, such as /50-regcred.yaml",
        ),
    ] {
        let done = regcred().args(["config", "generate"]).args(line).run();
        assert_eq!(done.code(), Some(2), "{}", done.stderr);
        assert!(done.stderr.contains(why), "{}", done.stderr);
    }
}

#[test]
fn providers_are_added_to_a_file_once_and_nothing_of_it_is_lost() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("config.yaml");
    let generate = |provider: &str| {
        let output = regcred().args(["config", "generate", "--provider", provider, "-o"]);
        output.arg(&file).run()
    };
    let made = generate("ecr");
    assert_eq!(
        (made.code(), &*made.stdout()),
        (Some(0), ""),
        "{}",
        made.stderr
    );
    assert!(made.stderr.starts_with("created ") && made.stderr.contains("ecr-credential-provider"));
    let first = fs::read_to_string(&file).expect("a file");
    assert!(
        first.starts_with("apiVersion: ") && first.ends_with('\n'),
        "{first}"
    );
    let edited = format!("# of the vendor\n{first}");
    fs::write(&file, &edited).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("a mode");
    assert_eq!(generate("acr").code(), Some(0));
    let both = fs::read_to_string(&file).expect("a file");
    assert!(both.starts_with(&edited), "{both}");
    assert_eq!(
        regcred_api::decode_config(both.as_bytes())
            .expect("sound")
            .providers
            .len(),
        2
    );
    let before = file.metadata().expect("a file");
    assert_eq!(before.mode() & 0o777, 0o644);
    let again = generate("acr");
    assert!(
        again.stderr.contains("has these providers already"),
        "{}",
        again.stderr
    );
    assert_eq!(file.metadata().expect("a file").ino(), before.ino());
    fs::write(&file, both.replace("*.azurecr.io", "other.azurecr.io")).expect("a file");
    let other = generate("acr");
    assert_eq!(other.code(), Some(4));
    let expected = format!(
        "--output: cannot change {}: it has another entry",
        file.display()
    );
    assert!(other.stderr.starts_with(&expected), "{}", other.stderr);
    assert_eq!(fs::read_dir(dir.path()).expect("a list").count(), 1);
}
