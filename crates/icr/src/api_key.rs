//! An IBM Cloud API key, from a variable or a file.

use std::path::Path;

use regcred_cloud::secret;
use regcred_core::{Env, ProviderError};
use regcred_files::{MIB, read_secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{ERRORS, vars};

/// The API key that the environment names, if it names one. A file that is configured but cannot be
/// used is an error.
pub(crate) fn read(env: &Env) -> Result<Option<SecretString>, ProviderError> {
    for name in [vars::API_KEY, vars::API_KEY_ALIAS, vars::OLD_API_KEY] {
        if let Some(key) = env.get(name) {
            return accept(key, name).map(Some);
        }
    }
    let Some(path) = env.path(vars::API_KEY_FILE) else {
        return Ok(None);
    };
    from_file(&path).map(Some)
}

fn from_file(path: &Path) -> Result<SecretString, ProviderError> {
    let shown = path.display();
    let text = read_secret(path, MIB)
        .map_err(|error| ERRORS.unreadable("the API key file", path, error))?;
    let text = text.expose_secret().trim();
    if text.starts_with('{') {
        let file: ApiKeyFile = serde_json::from_str(text).map_err(|_| {
            ERRORS.misconfigured(format!(
                "{shown} is not an apikey.json: it has no text field \"apikey\""
            ))
        })?;
        return accept(file.apikey.expose_secret(), &shown.to_string());
    }
    accept(text, &shown.to_string())
}

/// Refuses what IBM's SDKs refuse: a key in quotes or braces is a template that was never filled.
fn accept(key: &str, place: &str) -> Result<SecretString, ProviderError> {
    let key = key.trim();
    let wrapped = key.starts_with(['{', '"']) || key.ends_with(['}', '"']);
    if key.is_empty() || wrapped || key.contains(char::is_whitespace) {
        return Err(ERRORS.misconfigured(format!(
            "{place} does not hold an API key: remove quotes, braces and blanks around it"
        )));
    }
    Ok(key.into())
}

/// The file that IBM Cloud offers when a key is made.
#[derive(Deserialize)]
struct ApiKeyFile {
    #[serde(deserialize_with = "secret")]
    apikey: SecretString,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(env: &Env) -> Result<Option<String>, ProviderError> {
        Ok(read(env)?.map(|key| key.expose_secret().to_owned()))
    }

    #[test]
    fn variables_and_both_kinds_of_file_are_read() {
        let dir = tempfile::tempdir().expect("directory");
        let plain = dir.path().join("plain");
        let json = dir.path().join("apikey.json");
        std::fs::write(&plain, "a+b/c\n").expect("write");
        std::fs::write(&json, r#"{"name":"n","apikey":"k2","createdAt":"x"}"#).expect("write");
        let file = |path: &Path| Env::map([(vars::API_KEY_FILE, path.to_str().expect("path"))]);
        assert_eq!(key(&file(&plain)).expect("key").as_deref(), Some("a+b/c"));
        assert_eq!(key(&file(&json)).expect("key").as_deref(), Some("k2"));
        let old = Env::map([("BLUEMIX_API_KEY", "old")]);
        assert_eq!(key(&old).expect("key").as_deref(), Some("old"));
        assert_eq!(key(&Env::default()).expect("none"), None);
    }

    #[test]
    fn templates_missing_files_and_foreign_json_are_errors_without_the_text() {
        for text in ["{canary}", "\"canary\"", "can ary"] {
            let error = key(&Env::map([(vars::API_KEY, text)])).expect_err(text);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        assert!(key(&Env::map([(vars::API_KEY_FILE, "/nonexistent/key")])).is_err());
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("x.json");
        std::fs::write(&path, r#"{"secret":"canary"}"#).expect("write");
        let env = Env::map([(vars::API_KEY_FILE, path.to_str().expect("path"))]);
        let error = key(&env).expect_err("no apikey");
        assert!(!regcred_core::report(&error).contains("canary"), "{error}");
    }
}
