//! Docker's face: the credential helper protocol (docker-credential-helpers,
//! `credentials/credentials.go`). Errors are texts on standard output with exit code 1.

use std::collections::BTreeMap;

use regcred_api::docker_helper::{HelperCredentials, NO_SERVER_URL, NO_USERNAME, NOT_FOUND};
use regcred_cache::CacheDir;
use regcred_core::{CredentialRequest, RegistryHost, report};
use regcred_run::{InputError, Streams, exit_code};
use secrecy::zeroize::Zeroizing;

use crate::command_line::unknown;
use crate::context::Context;
use crate::output::RegistryLogin;
use crate::program_name::{is_helper, program_name};
use crate::vars;

/// Runs docker's command; returns the exit code.
pub(crate) fn run(context: &Context<'_>, words: &[String], streams: &mut Streams<'_>) -> u8 {
    let done = match words {
        [action] => act(context, action, streams),
        _ => {
            let usage = format!("Usage: {} <store|get|erase|list|version>", context.program);
            Err(HelperError::new(usage).caused_by(for_a_kubelet(context)))
        }
    };
    let (written, code) = match done {
        Ok(text) => (streams.write(&text), exit_code::DONE),
        Err(error) => {
            if let Some(cause) = error.cause {
                streams.note(&cause);
            }
            (streams.text(&(error.text + "\n")), exit_code::BUG)
        }
    };
    match written {
        Ok(()) => code,
        closed => streams.conclude(closed),
    }
}

/// `docker-credential-x version`.
pub(crate) fn version(context: &Context<'_>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("{} (regcred) {version}\n", context.program)
}

type Text = Zeroizing<Vec<u8>>;

/// A failure: the text for docker, and the cause for people.
struct HelperError {
    text: String,
    cause: Option<String>,
}

impl HelperError {
    fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            cause: None,
        }
    }

    fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

fn act(
    context: &Context<'_>,
    action: &str,
    streams: &mut Streams<'_>,
) -> Result<Text, HelperError> {
    match action {
        "get" => get(context, streams),
        "store" => store(context, streams),
        "erase" => {
            server_url(streams)?;
            forget(context)
        }
        "list" => Ok(list(context)),
        "version" => Ok(Zeroizing::new(version(context).into())),
        _ => {
            let program = context.program;
            let text = format!("{program}: unknown action: {action}");
            let cause = unknown("action", action, ACTIONS);
            let cause = format!("{cause}; {}", for_a_kubelet(context));
            Err(HelperError::new(text).caused_by(cause))
        }
    }
}

/// The cause for the log of a kubelet that has a helper among its plugins; standard output is docker's.
fn for_a_kubelet(context: &Context<'_>) -> String {
    let program = context.program;
    if is_helper(program) {
        format!(
            "{program} has the name of a docker credential helper and answers a kubelet only with the \
             argument get-credentials; see {program} --help"
        )
    } else {
        format!("docker is not an argument for a kubelet; see {program} --help")
    }
}

fn get(context: &Context<'_>, streams: &mut Streams<'_>) -> Result<Text, HelperError> {
    let server_url = server_url(streams)?;
    let not_found = || HelperError::new(NOT_FOUND);
    if server_url.starts_with('{') {
        let cause = format!(
            "standard input is JSON: expected a server's URL; {}",
            for_a_kubelet(context)
        );
        return Err(not_found().caused_by(cause));
    }
    let request = CredentialRequest::new(&server_url);
    let request = request.map_err(|error| not_found().caused_by(error.to_string()))?;
    let login = context.ask(&request).map_err(|error| {
        let cause = context.with_flag_names(report(&error));
        // Docker continues as with upstream's helper of this name; the cause is on standard error.
        let program = program_name(context.program);
        let mut specs = context.specs.iter();
        if specs.any(|spec| spec.silent_helpers.contains(&program)) {
            not_found().caused_by(cause)
        } else {
            HelperError::new(&*cause).caused_by(&*cause)
        }
    })?;
    let registry = &request.registry;
    let login = match login {
        None => Err(context.not_served(registry)),
        Some((name, issued)) => RegistryLogin::choose(&issued, &request, name)
            .ok_or_else(|| Context::no_login(name, registry)),
    };
    let RegistryLogin { credentials, .. } =
        login.map_err(|error| not_found().caused_by(report(&error)))?;
    let answer = HelperCredentials {
        server_url,
        username: credentials.username,
        secret: credentials.password,
    };
    Ok(Zeroizing::new(answer.to_vec()))
}

fn store(context: &Context<'_>, streams: &mut Streams<'_>) -> Result<Text, HelperError> {
    let input = input(streams, "credentials as JSON", EOF)?;
    let given = HelperCredentials::from_slice(&input);
    let given = given.map_err(|error| HelperError::new(error.to_string()))?;
    if given.server_url.is_empty() {
        return Err(HelperError::new(NO_SERVER_URL));
    }
    if given.username.is_empty() {
        return Err(HelperError::new(NO_USERNAME));
    }
    forget(context)
}

/// Nothing is stored: each login is requested from the cloud.
fn forget(context: &Context<'_>) -> Result<Text, HelperError> {
    if vars::ignores_storage(context.specs, &context.env) {
        return Ok(Zeroizing::default());
    }
    Err(HelperError::new(NO_STORE).caused_by(
        "logins come from the cloud and are not stored; set REGCRED_IGNORE_CREDS_STORAGE=true to \
         make docker login and logout skip this helper",
    ))
}

/// The registries for which a login is in the cache, each with its user name.
fn list(context: &Context<'_>) -> Text {
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
    let text = format!("{}\n", serde_json::Value::Object(object));
    Zeroizing::new(text.into())
}

/// The lines of standard input as one, trimmed.
fn server_url(streams: &mut Streams<'_>) -> Result<String, HelperError> {
    let input = input(streams, "a server URL", NO_SERVER_URL)?;
    let text = String::from_utf8_lossy(&input);
    Ok(text.replace(['\r', '\n'], "").trim().to_owned())
}

/// Standard input; `empty` is the text for docker if it is empty.
fn input(
    streams: &mut Streams<'_>,
    expected: &'static str,
    empty: &str,
) -> Result<Text, HelperError> {
    streams.read_input(expected).map_err(|error| match error {
        InputError::Empty(_) => HelperError::new(empty),
        other => HelperError::new(other.to_string()),
    })
}

/// The texts of upstream's helpers, which tools compare; the second is Go's for an empty input.
const NO_STORE: &str = "not implemented";
const EOF: &str = "EOF";
const ACTIONS: &[&str] = &["get", "store", "erase", "list", "version"];

#[cfg(test)]
mod tests;
