use std::collections::HashMap;

use aws_types::os_shim_internal::{Env as NoEnv, Fs};
use futures_util::FutureExt as _;

use super::*;

struct Home(tempfile::TempDir);

impl Home {
    fn new(config: &str, credentials: &str) -> Self {
        let dir = tempfile::tempdir().expect("dir");
        std::fs::create_dir(dir.path().join(".aws")).expect("dir");
        std::fs::write(dir.path().join(".aws/config"), config).expect("file");
        std::fs::write(dir.path().join(".aws/credentials"), credentials).expect("file");
        Self(dir)
    }

    fn env(&self, more: &[(&str, &str)]) -> Env {
        Env::map([("HOME", self.0.path().to_str().expect("text"))]).with(more.iter().copied())
    }
}

fn refused(env: &Env) -> ProviderError {
    SharedConfig::load(env, None).err().expect("refused")
}

#[test]
fn without_home_there_is_no_file_and_no_error() {
    let config = SharedConfig::load(&Env::default(), None).expect("nothing to read");
    assert!(config.files.texts.is_empty() && config.chain().is_empty());
    assert!(config.files.places().contains("HOME is not set"));
}

#[test]
fn variables_win_over_the_profile_and_the_service_over_the_general() {
    let home = Home::new(
        "[default]\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:1\nservices = s\n\
         [services s]\necr =\n  endpoint_url = http://127.0.0.1:2\n",
        "",
    );
    let config = SharedConfig::load(&home.env(&[]), None).expect("sound");
    let url = |c: &SharedConfig, service| c.endpoint_url(service);
    assert_eq!(config.setting("AWS_REGION"), Some("eu-west-1"));
    assert_eq!(url(&config, "ECR").as_deref(), Some("http://127.0.0.1:2"));
    assert_eq!(url(&config, "STS").as_deref(), Some("http://127.0.0.1:1"));
    let env = home.env(&[
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:3"),
        ("AWS_ENDPOINT_URL_ECR_PUBLIC", "http://127.0.0.1:4"),
    ]);
    let config = SharedConfig::load(&env, None).expect("sound");
    assert_eq!(config.setting("AWS_REGION"), Some("us-east-1"));
    assert_eq!(url(&config, "ECR").as_deref(), Some("http://127.0.0.1:3"));
    assert_eq!(
        url(&config, "ECR PUBLIC").as_deref(),
        Some("http://127.0.0.1:4")
    );
}

#[test]
fn a_named_profile_must_exist_and_default_need_not() {
    let home = Home::new("[profile dev]\nregion = eu-west-1\n", "");
    let load = |vars: &[(&str, &str)]| SharedConfig::load(&home.env(vars), None);
    assert!(load(&[("AWS_PROFILE", "default")]).is_ok());
    assert!(load(&[("AWS_PROFILE", "dev")]).is_ok());
    let error = refused(&home.env(&[("AWS_PROFILE", "prod")]));
    let text = error.to_string();
    assert!(
        text.contains("AWS_PROFILE") && text.contains("prod"),
        "{text}"
    );
    let error = SharedConfig::load(&home.env(&[]), Some(("the role map", "default")));
    assert!(error.is_err());
}

#[test]
fn ignored_lines_are_noted_by_number_when_keys_are_looked_for() {
    let text =
        "aws_secret_access_key = canary\n[default]\ncanary\nregion = eu-west-1\n[profile x\n";
    let home = Home::new(text, &"canary\n".repeat(7));
    let config = SharedConfig::load(&home.env(&[]), None).expect("as in Go");
    assert_eq!(config.key("region"), Some("eu-west-1"));
    assert_eq!(config.notes(false).count(), 0);
    let notes: Vec<_> = config.notes(true).map(String::as_str).collect();
    let [one, other] = notes[..] else {
        panic!("one for each file: {notes:?}");
    };
    assert!(
        one.contains(".aws/config: ") && one.ends_with("in lines 1, 3, 5"),
        "{one}"
    );
    assert!(
        other.ends_with("in lines 1, 2, 3, 4, 5 and 2 more"),
        "{other}"
    );
    assert!(!format!("{notes:?}").contains("canary"), "{notes:?}");
    let error = refused(&home.env(&[("AWS_PROFILE", "x")])).to_string();
    assert!(
        error.contains("profile \"x\"") && error.contains("in lines 1, 3, 5"),
        "{error}"
    );
}

#[test]
fn a_file_that_was_named_must_be_readable_before_keys_are_looked_for() {
    let home = Home::new("", "");
    let huge = home.0.path().join("huge");
    std::fs::write(&huge, vec![b'#'; (1 << 20) + 1]).expect("file");
    for path in [home.0.path(), &huge] {
        for name in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
            let env = home.env(&[(name, path.to_str().expect("text"))]);
            let config = SharedConfig::load(&env, None).expect("keys may be elsewhere");
            let error = config.files.usable().expect_err("unusable");
            let text = regcred_core::report(&error);
            assert!(text.contains(&format!("that {name} names: ")), "{text}");
            let error = refused(&env.with([("AWS_PROFILE", "dev")]));
            assert_eq!(regcred_core::report(&error), text);
        }
    }
    let env = home.env(&[("AWS_CONFIG_FILE", "/nowhere/config")]);
    let config = SharedConfig::load(&env, None).expect("may be missing, as in the SDKs");
    config.files.usable().expect("may be missing");
    let [note] = &config.files.notes[..] else {
        panic!("one note: {:?}", config.files.notes);
    };
    assert!(
        note.contains("cannot read /nowhere/config that AWS_CONFIG_FILE names: No such file"),
        "{note}"
    );
}

#[test]
fn a_file_at_its_usual_place_is_never_read_in_part() {
    let home = Home::new(&"#".repeat((1 << 20) + 1), "");
    let config = SharedConfig::load(&home.env(&[]), None).expect("keys may be elsewhere");
    let error = config.files.usable().expect_err("unusable");
    let text = regcred_core::report(&error);
    assert!(
        text.contains(".aws/config: it is larger than 1 MiB"),
        "{text}"
    );
}

#[test]
fn bytes_that_are_not_text_affect_their_own_setting_only() {
    let home = Home::new("", "");
    let path = home.0.path().join(".aws/config");
    std::fs::write(path, b"[default]\nregion = eu-west-1\nrole_arn = \xff\n").expect("file");
    let config = SharedConfig::load(&home.env(&[]), None).expect("as in Go");
    assert_eq!(config.key("region"), Some("eu-west-1"));
}

#[test]
fn a_switch_of_a_profile_is_true_or_not() {
    for (text, value) in [
        ("True", true),
        ("false", false),
        ("maybe", false),
        ("1", false),
    ] {
        let home = Home::new(&format!("[default]\nuse_fips_endpoint = {text}\n"), "");
        let config = SharedConfig::load(&home.env(&[]), None).expect("sound");
        let fips = |config: &SharedConfig| config.switch("AWS_USE_FIPS_ENDPOINT");
        assert_eq!(fips(&config).expect("a word"), Some(value), "{text}");
        let env = home.env(&[("AWS_USE_FIPS_ENDPOINT", "maybe")]);
        let config = SharedConfig::load(&env, None).expect("sound");
        fips(&config).expect_err("a variable has no other words");
    }
}

#[test]
fn the_sdk_reads_what_was_read_here() {
    let home = Home::new(
        "[profile my own]\nrole_arn: \"r\"\nsource_profile = the %20 keys\n[ = 1\nodd key = 2\n\
         empty =\n  nested = 3\nnote =# x\nlong = a\n  # more\n  b c\n[sso-session s]\nsso_region : eu\n",
        "[the %20 keys]\naws_access_key_id = 'AKIA'\naws_secret_access_key = s=\n\
         [unused\nother = 1\n",
    );
    let config = SharedConfig::load(&home.env(&[("AWS_PROFILE", "my own")]), None);
    let config = config.expect("sound");
    let (files, name) = config.for_sdk(None);
    let (fs, env) = (
        Fs::from_map(HashMap::<String, Vec<u8>>::new()),
        NoEnv::from_slice(&[]),
    );
    let read = aws_config::profile::load(&fs, &env, &files, Some(name.into())).now_or_never();
    let read = read.expect("no waiting").expect("accepted");
    assert_eq!(read.get("role_arn"), Some("r"));
    assert_eq!(read.get("long"), Some("a\nb c"));
    assert_eq!(read.get("note"), Some("# x"));
    let source = read.get("source_profile").expect("a source");
    let source = read.get_profile(source).expect("the source");
    assert_eq!(source.get("aws_access_key_id"), Some("AKIA"));
    assert_eq!(source.get("aws_secret_access_key"), Some("s="));
    let session = read.sso_session("s").expect("a session");
    assert_eq!(session.get("sso_region"), Some("eu"));
    let (files, name) = config.for_sdk(Some(("my own", "Ours")));
    let read = aws_config::profile::load(&fs, &env, &files, Some(name.into())).now_or_never();
    let read = read.expect("no waiting").expect("accepted");
    assert_eq!(
        (read.get("source_profile"), read.get("credential_source")),
        (None, Some("Ours"))
    );
}

#[test]
fn the_chain_follows_source_profiles_as_the_sdk_does() {
    let home = Home::new(
        "[profile a]\nrole_arn = r\nsource_profile = b\n\
         [profile b]\nrole_arn = r\nsource_profile = c\n\
         [profile c]\nrole_arn = r\nsource_profile = c\n\
         [profile keys]\nrole_arn = r\nsource_profile = a\naws_access_key_id = x\n\
         aws_secret_access_key = x\n\
         [profile token]\nrole_arn = r\nweb_identity_token_file = f\nsource_profile = a\n\
         [profile first]\nrole_arn = r\nsource_profile = keys\n\
         [profile loop]\nrole_arn = r\nsource_profile = loop2\n\
         [profile loop2]\nrole_arn = r\nsource_profile = loop\n",
        "",
    );
    let chain = |name: &str| {
        let config = SharedConfig::load(&home.env(&[("AWS_PROFILE", name)]), None).expect("sound");
        let names = config.chain().into_iter().map(|(name, _)| name.to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(chain("a"), "a b c");
    assert_eq!(chain("keys"), "keys a b c");
    assert_eq!(chain("first"), "first keys");
    assert_eq!(chain("token"), "token");
    assert_eq!(chain("loop").split(' ').count(), MAX_CHAIN);
}

#[test]
fn a_home_that_is_not_a_directory_has_no_files() {
    for home in ["/dev/null", "/etc/passwd", "/nowhere/at/all"] {
        let config = SharedConfig::load(&Env::map([("HOME", home)]), None).expect(home);
        assert!(config.files.texts.is_empty() && config.files.notes.is_empty());
    }
    let home = Home::new("", "");
    let config = home.0.path().join(".aws/config");
    std::fs::remove_file(&config).expect("file");
    std::fs::create_dir(&config).expect("dir");
    let error = refused(&home.env(&[("AWS_PROFILE", "dev")])).to_string();
    assert!(error.contains("config: Is a directory"), "{error}");
    let config = SharedConfig::load(&home.env(&[]), None).expect("as in the SDKs");
    assert!(
        config.files.notes[0].contains("Is a directory"),
        "{:?}",
        config.files.notes
    );
}
