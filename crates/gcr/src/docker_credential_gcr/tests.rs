use regcred_core::report;

use super::*;
use crate::settings::{Settings, TokenSource};
use crate::testing::Dir;

/// The environment of a person whose home is the directory.
fn env(dir: &Dir, more: &[(&str, &str)]) -> Env {
    let home = dir.path("").to_str().expect("UTF-8").to_owned();
    let more = more.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    Env::map([("HOME".to_owned(), home)]).with(more)
}

fn sources_of(env: &Env) -> Result<Vec<TokenSource>, String> {
    let set = settings(env).map_err(|e| report(&e))?;
    Ok(Settings::read(&env.with(set)).expect("settings").sources)
}

fn command(env: &Env, line: &str) -> Result<String, String> {
    let mut words = line.split('|').map(str::to_owned);
    let command = words.next().expect("a command");
    let args: Vec<_> = words.collect();
    run(env, &command, &args).map_err(|e| report(&e))
}

const CONFIG_PATH: &str = ".config/gcloud/docker_credential_gcr_config.json";
const STORE_PATH: &str = ".config/gcloud/docker_credentials.json";

#[test]
fn the_helpers_own_configuration_file_decides_where_tokens_are_looked_for() {
    use TokenSource::{File, Gcloud, Metadata, Store};
    for (file, expected) in [
        (r#"{"TokenSources":["env"]}"#, vec![File, Metadata]),
        (r#"{"TokenSources":["gcloud"]}"#, vec![Gcloud]),
        (
            r#"{"TokenSources":["gcloud_sdk","env"]}"#,
            vec![Gcloud, File, Metadata],
        ),
        (
            r#"{"tokensources":["env","store"]} {}"#,
            vec![File, Metadata, Store],
        ),
        (
            r#"{"TokenSources":[]}"#,
            vec![Store, File, Metadata, Gcloud],
        ),
        (
            r#"{"TokenSources":null,"other":1}"#,
            vec![Store, File, Metadata, Gcloud],
        ),
        ("null", vec![Store, File, Metadata, Gcloud]),
    ] {
        let dir = Dir::new();
        dir.file(CONFIG_PATH, file);
        assert_eq!(sources_of(&env(&dir, &[])), Ok(expected), "{file}");
    }
}

#[test]
fn without_the_file_the_stored_login_comes_first() {
    use TokenSource::{File, Gcloud, Metadata, Store};
    let dir = Dir::new();
    let all = vec![Store, File, Metadata, Gcloud];
    assert_eq!(sources_of(&env(&dir, &[])), Ok(all.clone()));
    assert_eq!(sources_of(&Env::default()), Ok(all));
}

#[test]
fn a_configuration_file_that_cannot_be_used_is_an_error() {
    for (file, part) in [
        (
            r#"{"TokenSources":["canary"]}"#,
            "must be a list of env, gcloud and store",
        ),
        (
            r#"{"TokenSources":["env",1]}"#,
            "must be a list of env, gcloud and store",
        ),
        (r#"{"TokenSources":"env"}"#, "is not a list"),
        ("{", "is not a JSON object"),
        ("", "is not a JSON object"),
    ] {
        let dir = Dir::new();
        let path = dir.file(CONFIG_PATH, file);
        let shown = sources_of(&env(&dir, &[])).expect_err(file);
        assert!(shown.contains(part) && shown.contains(&path), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn the_variables_name_another_file_or_the_sources_themselves() {
    let dir = Dir::new();
    dir.file(CONFIG_PATH, r#"{"TokenSources":["env"]}"#);
    let other = dir.file("other.json", r#"{"TokenSources":["gcloud"]}"#);
    let named = env(&dir, &[(vars::HELPER_CONFIG, &other)]);
    assert_eq!(sources_of(&named), Ok(vec![TokenSource::Gcloud]));
    let set = env(&dir, &[(vars::TOKEN_SOURCES, "metadata")]);
    assert_eq!(sources_of(&set), Ok(vec![TokenSource::Metadata]));
}

#[test]
fn config_sets_and_resets_the_sources() {
    let dir = Dir::new();
    let env = env(&dir, &[]);
    let config = dir.path(CONFIG_PATH);
    for (line, written) in [
        (
            "config|--token-source=env, store",
            r#"{"TokenSources":["env","store"]}"#,
        ),
        (
            "config|-token-source|gcloud",
            r#"{"TokenSources":["gcloud"]}"#,
        ),
    ] {
        let said = command(&env, line);
        assert_eq!(said.as_deref(), Ok("Success: Token source(s) set.\n"));
        let text = fs::read_to_string(&config).expect("written");
        assert_eq!(text, format!("{written}\n"));
    }
    assert_eq!(command(&env, "config").as_deref(), Ok(""));
    assert!(config.exists());
    for _ in 0..2 {
        let said = command(&env, "config|--unset-all");
        assert_eq!(said.as_deref(), Ok("Success: Config reset.\n"));
        assert!(!config.exists());
    }
    for (line, part) in [
        (
            "config|--token-source=metadata",
            "must be a list of env, gcloud and store",
        ),
        (
            "config|--token-source=",
            "must be a list of env, gcloud and store",
        ),
        ("config|--token-source", "needs a value"),
        ("config|--token-sources=env", "its flags are"),
    ] {
        let shown = command(&env, line).expect_err(line);
        assert!(shown.contains(part), "{shown}");
    }
    assert!(!config.exists());
}

#[test]
fn logging_out_removes_the_stored_login() {
    for line in ["gcr-logout", "clear"] {
        let dir = Dir::new();
        let env = env(&dir, &[]);
        assert_eq!(command(&env, line).as_deref(), Ok(""), "nothing is stored");
        let path = dir.file(STORE_PATH, r#"{"gcrCreds":{"refresh_token":"canary"}}"#);
        let error = stored_login(&env).expect_err("a login");
        let shown = report(&error);
        assert!(
            shown.contains(&path) && shown.contains("gcr-logout"),
            "{shown}"
        );
        assert!(!shown.contains("canary"), "{shown}");
        assert_eq!(command(&env, line).as_deref(), Ok(""));
        assert_eq!(fs::read_to_string(&path).expect("a file"), "{}\n");
        assert!(stored_login(&env).expect("none").contains("holds no login"));
    }
}

#[test]
fn a_store_that_the_original_cannot_read_either_holds_no_login() {
    for text in ["", "{", "[]", r#"{"gcrCreds":null}"#] {
        let dir = Dir::new();
        dir.file(STORE_PATH, text);
        assert!(stored_login(&env(&dir, &[])).is_ok(), "{text}");
    }
}

#[test]
fn logging_in_names_what_to_use_instead() {
    let shown = command(&Env::default(), "gcr-login").expect_err("not supported");
    assert!(
        shown.contains("gcloud auth application-default login"),
        "{shown}"
    );
}
