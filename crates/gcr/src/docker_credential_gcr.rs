//! What docker-credential-gcr keeps in files of its own, for a program under its name: where tokens
//! are looked for, and the login that its `gcr-login` stored. That login can be renewed with this
//! program's OAuth client only, so it is never used, and never passed over where it comes first.
//! <https://github.com/GoogleCloudPlatform/docker-credential-gcr> (`config/file.go`,
//! `store/store.go`)

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use regcred_core::{Env, ProviderError, ReplacedHelper};
use regcred_files::{MIB, read};
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

/// Whether a login is stored, which must not be passed over.
///
/// # Errors
/// When one is stored.
pub(crate) fn stored_login(env: &Env) -> Result<String, ProviderError> {
    let Some(path) = place(env, vars::HELPER_STORE, STORE_FILE) else {
        return Ok("docker-credential-gcr has no place for a login".to_owned());
    };
    let shown = path.display();
    match document(&path) {
        Ok(Some(stored)) if stored["gcrCreds"].is_object() => Err(ERRORS.misconfigured(format!(
            "the login in {shown} can be renewed by the original docker-credential-gcr only: log in \
             with gcloud auth application-default login, then remove the stored one with \
             docker-credential-gcr gcr-logout"
        ))),
        Ok(_) => Ok(format!("{shown} holds no login")),
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
            let sources = sources(&config.unwrap_or_default());
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
fn sources(config: &Value) -> Result<Vec<String>, String> {
    // Go's decoder takes a name in any case.
    let fields = config.as_object().into_iter().flatten();
    let mut named = fields.filter(|(name, _)| name.eq_ignore_ascii_case("TokenSources"));
    let mut sources = Vec::new();
    match named.next_back() {
        None | Some((_, Value::Null)) => {}
        Some((_, Value::Array(words))) => {
            for word in words {
                match word.as_str() {
                    Some(word) if SOURCES.contains(&word) => sources.push(word.to_owned()),
                    _ => return Err(format!("TokenSources {ALLOWED}")),
                }
            }
        }
        Some(_) => return Err("TokenSources is not a list".to_owned()),
    }
    Ok(sources)
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
    let place = || {
        let why = format!("there is no home directory: set {}", vars::HELPER_CONFIG);
        place(env, vars::HELPER_CONFIG, CONFIG_FILE).ok_or_else(|| ERRORS.misconfigured(why))
    };
    match changes {
        Changes { reset: true, .. } => {
            let path = place()?;
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Err(failed("remove", &path, error))
                }
                _ => Ok("Success: Config reset.\n".to_owned()),
            }
        }
        Changes {
            sources: Some(sources),
            ..
        } => {
            write(&place()?, &json!({ "TokenSources": sources }))?;
            Ok("Success: Token source(s) set.\n".to_owned())
        }
        Changes { .. } => Ok(String::new()),
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

/// Removes the stored login; none is fine.
fn log_out(env: &Env) -> Result<String, ProviderError> {
    if let Some(path) = place(env, vars::HELPER_STORE, STORE_FILE) {
        let stored = document(&path).map_err(|why| ERRORS.misconfigured(why))?;
        if stored.is_some_and(|stored| !stored["gcrCreds"].is_null()) {
            write(&path, &json!({}))?;
        }
    }
    Ok(String::new())
}

/// The file that the variable names, else the usual one. `CLOUDSDK_CONFIG` does not count.
fn place(env: &Env, variable: &str, file: &str) -> Option<PathBuf> {
    let named = env.path(variable);
    named.or_else(|| Some(env.home()?.join(".config/gcloud").join(file)))
}

/// The first JSON value of a file, as Go's decoder reads it; `None` when there is no file.
fn document(path: &Path) -> Result<Option<Value>, String> {
    let shown = path.display();
    match read(path, MIB) {
        Ok(bytes) => match serde_json::Deserializer::from_slice(&bytes)
            .into_iter()
            .next()
        {
            Some(Ok(value @ (Value::Object(_) | Value::Null))) => Ok(Some(value)),
            _ => Err(format!("{shown} is not a JSON object")),
        },
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(format!("cannot read {shown}: {error}")),
    }
}

fn write(path: &Path, value: &Value) -> Result<(), ProviderError> {
    let dir = path.parent().map_or(Ok(()), fs::create_dir_all);
    dir.and_then(|()| fs::write(path, format!("{value}\n")))
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
