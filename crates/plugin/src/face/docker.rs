//! Docker's face: the credential helper protocol (docker-credential-helpers,
//! `credentials/credentials.go`). Errors are texts on standard output with exit code 1.

use std::collections::BTreeMap;

use regcred_api::docker_helper::{HelperCredentials, NO_SERVER_URL, NO_USERNAME, NOT_FOUND};
use regcred_cache::CacheDir;
use regcred_core::{CredentialRequest, RegistryHost, report};
use regcred_run::{Streams, exit_code, read_input};
use secrecy::zeroize::Zeroizing;

use crate::context::Context;
use crate::output::Login;
use crate::vars;

/// Does what docker asks and gives the exit code.
pub(crate) fn run(context: &Context<'_>, words: &[String], streams: &mut Streams<'_>) -> u8 {
    let said = match words {
        [action] => act(context, action, streams),
        _ => Err(Refusal::told(usage(context))),
    };
    let (text, code) = match said {
        Ok(text) => (text, exit_code::DONE),
        Err(refusal) => {
            if let Some(cause) = refusal.cause {
                streams.note(&cause);
            }
            (Zeroizing::new(refusal.text + "\n"), exit_code::BUG)
        }
    };
    match streams.write(text.as_bytes()) {
        Ok(()) => code,
        Err(failure) => {
            streams.note(&report(&failure));
            exit_code::BUG
        }
    }
}

/// `docker-credential-x version`.
pub(crate) fn version(context: &Context<'_>) -> String {
    format!(
        "{} (regcred) {}\n",
        context.program,
        env!("CARGO_PKG_VERSION")
    )
}

pub(crate) fn usage(context: &Context<'_>) -> String {
    let program = context.program;
    format!("Usage: {program} <store|get|erase|list|version>")
}

type Said = Result<Zeroizing<String>, Refusal>;

/// What docker is told, and what people are.
struct Refusal {
    text: String,
    cause: Option<String>,
}

impl Refusal {
    fn told(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            cause: None,
        }
    }

    fn because(text: impl Into<String>, cause: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            cause: Some(cause.into()),
        }
    }
}

fn act(context: &Context<'_>, action: &str, streams: &mut Streams<'_>) -> Said {
    match action {
        "get" => get(context, streams),
        "store" => store(context, streams),
        "erase" => {
            server_url(streams)?;
            forget(context)
        }
        "list" => Ok(list(context)),
        "version" => Ok(Zeroizing::new(version(context))),
        _ => {
            let program = context.program;
            Err(Refusal::told(format!(
                "{program}: unknown action: {action}"
            )))
        }
    }
}

fn get(context: &Context<'_>, streams: &mut Streams<'_>) -> Said {
    let server_url = server_url(streams)?;
    let request = match CredentialRequest::new(&server_url) {
        Ok(request) => request,
        Err(error) => return Err(Refusal::because(NOT_FOUND, error.to_string())),
    };
    let login = context.ask(&request).map_err(|failure| {
        let cause = report(&failure);
        // Under such a name docker goes on as it did, and people find the cause on standard error.
        let mut specs = context.specs.iter();
        if specs.any(|spec| spec.silent_helpers.contains(&context.program)) {
            Refusal::because(NOT_FOUND, cause)
        } else {
            Refusal::because(cause.clone(), cause)
        }
    })?;
    let login = login.and_then(|(name, issued)| Login::choose(&issued, &request, name));
    let Some(Login { credentials, .. }) = login else {
        let registry = &request.registry;
        tracing::info!("{registry} gets no credentials from {}", context.titles());
        return Err(Refusal::told(NOT_FOUND));
    };
    let answer = HelperCredentials {
        server_url,
        username: credentials.username,
        secret: credentials.password,
    };
    let bytes = answer.to_vec();
    let text = String::from_utf8(bytes).map_err(|e| Refusal::told(e.to_string()))?;
    Ok(Zeroizing::new(text))
}

fn store(context: &Context<'_>, streams: &mut Streams<'_>) -> Said {
    let input = match read_input(streams.stdin, "credentials as JSON") {
        Ok(input) => input,
        Err(error) if error.is_empty() => return Err(Refusal::told(EOF)),
        Err(error) => return Err(Refusal::told(error.to_string())),
    };
    let given = HelperCredentials::from_slice(&input).map_err(|e| Refusal::told(e.to_string()))?;
    if given.server_url.is_empty() {
        return Err(Refusal::told(NO_SERVER_URL));
    }
    if given.username.is_empty() {
        return Err(Refusal::told(NO_USERNAME));
    }
    forget(context)
}

/// Nothing is stored here: the cloud is asked each time.
fn forget(context: &Context<'_>) -> Said {
    if vars::ignores_storage(context.specs, &context.env) {
        return Ok(Zeroizing::default());
    }
    Err(Refusal::because(
        NO_STORE,
        "logins come from the cloud and are not stored; REGCRED_IGNORE_CREDS_STORAGE=true makes \
         docker login and logout pass over this helper",
    ))
}

/// The registries for which a login is in the cache, each with its user name.
fn list(context: &Context<'_>) -> Zeroizing<String> {
    let mut logins = BTreeMap::new();
    for spec in context.specs {
        let env = vars::with_cache_names(spec, &context.env);
        let entries = CacheDir::resolve(&env).map(|dir| dir.list());
        for entry in entries.unwrap_or_default() {
            if entry.provider == spec.name && entry.expires_at > context.clock.now() {
                let hosts = entry.logins.into_iter();
                logins.extend(hosts.filter(|(key, _)| RegistryHost::parse(key).is_ok()));
            }
        }
    }
    let object: serde_json::Map<_, _> = logins
        .into_iter()
        .map(|(host, username)| (format!("https://{host}"), username.into()))
        .collect();
    Zeroizing::new(format!("{}\n", serde_json::Value::Object(object)))
}

/// The lines of standard input as one, trimmed.
fn server_url(streams: &mut Streams<'_>) -> Result<String, Refusal> {
    let input = match read_input(streams.stdin, "a server URL") {
        Ok(input) => input,
        Err(error) if error.is_empty() => return Err(Refusal::told(NO_SERVER_URL)),
        Err(error) => return Err(Refusal::told(error.to_string())),
    };
    let text = String::from_utf8_lossy(&input);
    Ok(text.replace(['\r', '\n'], "").trim().to_owned())
}

/// The sentences of upstream's helpers, which tools compare; the second is Go's for no JSON at all.
const NO_STORE: &str = "not implemented";
const EOF: &str = "EOF";

#[cfg(test)]
mod tests;
