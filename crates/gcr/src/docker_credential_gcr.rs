//! The files of docker-credential-gcr, for a program under its name: where tokens are looked for, and
//! the login that its `gcr-login` stored. That login can be renewed with this
//! program's OAuth client only, so it is never used, and never passed over where it comes first.
//! <https://github.com/GoogleCloudPlatform/docker-credential-gcr> (`config/file.go`,
//! `store/store.go`)

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use regcred_core::{Env, ProviderError, ReplacedHelper};
use regcred_files::{MIB, read_secret_bytes, replace};
use regcred_go::folds_to;
use secrecy::ExposeSecret as _;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};

use crate::{ERRORS, vars};

/// The helper, as data.
pub(crate) const HELPER: ReplacedHelper = ReplacedHelper {
    name: "docker-credential-gcr",
    commands: &[
        (
            CONFIG,
            "Set the token sources (--token-source LIST), or none (--unset-all).",
        ),
        ("gcr-logout", "Remove the login that gcr-login stored."),
        ("clear", "The same as gcr-logout."),
        (
            LOGIN,
            "Not supported: use gcloud auth application-default login.",
        ),
    ],
    run,
    settings,
};

/// The reason why no login is stored.
///
/// # Errors
/// When one is stored: it must not be passed over.
pub(crate) fn stored_login(env: &Env) -> Result<String, ProviderError> {
    let Some(path) = place(env, vars::HELPER_STORE, STORE_FILE) else {
        return Ok(format!("neither {} nor HOME is set", vars::HELPER_STORE));
    };
    let shown = path.display();
    match has_login(&path) {
        Ok(true) => Err(ERRORS.misconfigured(format!(
            "the login in {shown} can be renewed by the original docker-credential-gcr only: log in \
             with gcloud auth application-default login, then remove the stored one with \
             docker-credential-gcr gcr-logout"
        ))),
        Ok(false) => Ok(format!("{shown} holds no login")),
        Err(why) => Ok(why),
    }
}

fn settings(env: &Env) -> Result<Vec<(&'static str, String)>, ProviderError> {
    if env.get(vars::TOKEN_SOURCES).is_some() {
        return Ok(Vec::new());
    }
    let sources = match place(env, vars::HELPER_CONFIG, CONFIG_FILE) {
        None => Vec::new(),
        Some(path) => {
            let config = document(&path).map_err(|why| ERRORS.misconfigured(why))?;
            let sources = sources(config);
            sources.map_err(|why| ERRORS.misconfigured(format!("{}: {why}", path.display())))?
        }
    };
    let sources = match sources.join(",") {
        none if none.is_empty() => DEFAULT_SOURCES.to_owned(),
        sources => sources,
    };
    Ok(vec![(vars::TOKEN_SOURCES, sources)])
}

/// The words of the configuration, checked.
fn sources(config: BTreeMap<String, Value>) -> Result<Vec<String>, String> {
    let mut fields = config.into_iter();
    let words = match fields.rfind(|(name, _)| folds_to(name, "TokenSources")) {
        None | Some((_, Value::Null)) => return Ok(Vec::new()),
        Some((_, Value::Array(words))) => words,
        Some(_) => return Err("TokenSources is not a list".to_owned()),
    };
    let known = |word: Value| {
        let word = word.as_str().filter(|word| SOURCES.contains(word));
        word.map(str::to_owned)
    };
    let words = words.into_iter().map(known).collect::<Option<_>>();
    words.ok_or_else(|| format!("TokenSources {ALLOWED}"))
}

fn run(env: &Env, command: &str, args: &[String]) -> Result<String, ProviderError> {
    match command {
        CONFIG => configure(env, args),
        LOGIN => Err(ERRORS.misconfigured(
            "gcr-login is not supported: log in with gcloud auth application-default login, whose \
             login is found without a further setting",
        )),
        _ => log_out(env),
    }
}

fn configure(env: &Env, args: &[String]) -> Result<String, ProviderError> {
    let changes = changes(args).map_err(|why| ERRORS.misconfigured(format!("config: {why}")))?;
    let path = place(env, vars::HELPER_CONFIG, CONFIG_FILE).ok_or_else(|| {
        let variable = vars::HELPER_CONFIG;
        ERRORS.misconfigured(format!(
            "neither {variable} nor HOME is set, set one of them"
        ))
    })?;
    if changes.reset {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("remove", &path, error))
            }
            _ => Ok("Success: Config reset.\n".to_owned()),
        }
    } else if let Some(sources) = changes.sources {
        write(&path, &json!({ "TokenSources": sources }))?;
        Ok("Success: Token source(s) set.\n".to_owned())
    } else {
        Ok(String::new())
    }
}

/// What the arguments of `config` change.
#[derive(Default)]
struct Changes {
    sources: Option<Vec<String>>,
    reset: bool,
}

fn changes(args: &[String]) -> Result<Changes, String> {
    let mut changes = Changes::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let flag = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-'));
        let (name, value) = match flag.map(|flag| flag.split_once('=')) {
            Some(Some((name, value))) => (name, Some(value)),
            Some(None) => (flag.unwrap_or_default(), None),
            // Go's flags end here.
            None => break,
        };
        match (name, value) {
            ("token-source", value) => {
                let value = value.or_else(|| args.next().map(String::as_str));
                let words = value.ok_or("--token-source needs a value")?.split(',');
                let words: Vec<_> = words.map(|word| word.trim().to_owned()).collect();
                if !words.iter().all(|word| SOURCES.contains(&word.as_str())) {
                    return Err(format!("--token-source {ALLOWED}"));
                }
                changes.sources = Some(words);
            }
            ("unset-all", None | Some("true" | "1" | "t" | "T" | "TRUE" | "True")) => {
                changes.reset = true;
            }
            ("unset-all", Some("false" | "0" | "f" | "F" | "FALSE" | "False")) => {}
            _ => return Err("its flags are --token-source LIST and --unset-all".to_owned()),
        }
    }
    Ok(changes)
}

/// Removes the stored login, if there is one.
fn log_out(env: &Env) -> Result<String, ProviderError> {
    if let Some(path) = place(env, vars::HELPER_STORE, STORE_FILE)
        && has_login(&path).map_err(|why| ERRORS.misconfigured(why))?
    {
        write(&path, &json!({}))?;
    }
    Ok(String::new())
}

/// Whether the store has a login. What is in the login is not looked at.
fn has_login(path: &Path) -> Result<bool, String> {
    let stored = document::<Option<IgnoredAny>>(path)?;
    Ok(matches!(stored.get("gcrCreds"), Some(Some(_))))
}

/// The file that the variable names, else the usual one; `None` if `HOME` is not set either.
/// `CLOUDSDK_CONFIG` does not count.
fn place(env: &Env, variable: &str, file: &str) -> Option<PathBuf> {
    let named = env.path(variable);
    named.or_else(|| Some(env.home()?.join(".config/gcloud").join(file)))
}

/// The fields of the first JSON value of a file, as Go's decoder reads it. Empty if the file does not
/// exist.
fn document<V: DeserializeOwned>(path: &Path) -> Result<BTreeMap<String, V>, String> {
    let shown = path.display();
    let bytes = match read_secret_bytes(path, MIB) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(BTreeMap::new());
        }
        Err(error) => return Err(format!("cannot read {shown}: {error}")),
    };
    let values = serde_json::Deserializer::from_slice(bytes.expose_secret());
    match values.into_iter::<Option<BTreeMap<_, _>>>().next() {
        Some(Ok(fields)) => Ok(fields.unwrap_or_default()),
        _ => Err(format!("{shown} is not a JSON object")),
    }
}

fn write(path: &Path, value: &Value) -> Result<(), ProviderError> {
    let dir = path.parent().map_or(Ok(()), fs::create_dir_all);
    dir.and_then(|()| replace(path, format!("{value}\n").as_bytes(), 0o644))
        .map_err(|error| failed("write", path, error))
}

fn failed(what: &str, path: &Path, error: std::io::Error) -> ProviderError {
    let message = format!("cannot {what} {}", path.display());
    ERRORS.misconfigured(message).with_source(error)
}

const CONFIG: &str = "config";
const LOGIN: &str = "gcr-login";
const CONFIG_FILE: &str = "docker_credential_gcr_config.json";
const STORE_FILE: &str = "docker_credentials.json";
/// The original's words, and an old name for `gcloud` that its files may still have.
const SOURCES: [&str; 4] = ["env", "gcloud", "gcloud_sdk", "store"];
const ALLOWED: &str = "must be a list of env, gcloud and store";
/// The original's, and gcloud after them, as elsewhere in this provider.
const DEFAULT_SOURCES: &str = "store,env,gcloud";

#[cfg(test)]
mod tests;
