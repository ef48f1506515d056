//! A user: by an API key, or by a session token (`oci session authenticate`), out of variables and
//! `~/.oci/config`. A variable wins over the file, and the file over Terraform's variables.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use regcred_cloud::{Claims, SecretPlace};
use regcred_core::{Env, ProviderError};
use secrecy::SecretString;

use crate::config_file::{self, DEFAULT};
use crate::home_path::expand;
use crate::key::PrivateKey;
use crate::session::Session;
use crate::signer::Signer;
use crate::{ERRORS, vars};

/// A user, and where the private key is, which is read when it is used.
#[derive(Debug)]
pub(crate) struct User {
    name: Name,
    key: SecretPlace,
    passphrase: Option<SecretString>,
}

#[derive(Debug)]
enum Name {
    ApiKey {
        tenancy: String,
        user: String,
        /// Computed from the key when it is not configured.
        fingerprint: Option<String>,
    },
    Session {
        token: SecretString,
        file: PathBuf,
    },
}

/// Which kind of profile is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WantedProfile {
    /// Any kind.
    Any,
    /// One with a session token.
    Session,
    /// One with a delegation token, for an instance.
    OnBehalf,
}

/// What a profile describes.
pub(crate) enum Found {
    User(User),
    /// An instance, with a delegation token if it acts on a user's behalf.
    Instance(Option<SecretString>),
}

impl User {
    /// Whether a variable names a user, a configuration file or a profile of it.
    pub(crate) fn is_named(env: &Env) -> bool {
        NAMING.iter().any(|name| env.get(name).is_some())
    }

    /// The user's signer.
    pub(crate) fn session(&self, now: DateTime<Utc>) -> Result<Session, ProviderError> {
        let what = match &self.key {
            SecretPlace::Given(_) => vars::CLI_KEY_CONTENT,
            SecretPlace::File(_) => "the private key",
        };
        let key = PrivateKey::read(&self.key, what, self.passphrase.as_ref())?;
        match &self.name {
            Name::ApiKey {
                tenancy,
                user,
                fingerprint,
            } => {
                let actual = key.fingerprint();
                if fingerprint.as_ref().is_some_and(|named| *named != actual) {
                    return Err(ERRORS.misconfigured(format!(
                        "the key's fingerprint is {actual}, which is not the configured one: key \
                         and fingerprint are not of one pair"
                    )));
                }
                Ok(Session::lasting(Signer::named(
                    format!("{tenancy}/{user}/{actual}"),
                    key,
                )))
            }
            Name::Session { token, file } => {
                let what = format!("the session token in {}", file.display());
                Session::found(token, key, &what, now)
            }
        }
    }

    pub(crate) fn stable_name(&self) -> String {
        match &self.name {
            Name::ApiKey {
                tenancy,
                user,
                fingerprint,
            } => {
                let fingerprint = fingerprint.as_deref().unwrap_or_default();
                format!("user {tenancy}/{user}/{fingerprint}")
            }
            // The file may come to hold another user's token.
            Name::Session { token, file } => {
                let user = Claims::of(token).and_then(|claims| claims.sub);
                format!("session {} {}", file.display(), user.unwrap_or_default())
            }
        }
    }

    pub(crate) fn label(&self) -> String {
        match &self.name {
            Name::ApiKey { user, .. } => format!("user {user}"),
            Name::Session { .. } => "the user of the session token".to_owned(),
        }
    }
}

/// Reads the user, or the instance, that variables and profile describe.
pub(crate) fn read(env: &Env, wanted: WantedProfile) -> Result<Found, ProviderError> {
    let (file, named) = config_path(env);
    let name = env.get(vars::CLI_PROFILE).unwrap_or(DEFAULT);
    let must_exist = named || name != DEFAULT;
    let profile = match &file {
        Some(file) => config_file::Profile::read(file, name, must_exist)?,
        None => config_file::Profile::default(),
    };
    let get = |var: &str, key: &str, terraform: &str| {
        let value = env.get(var).or_else(|| profile.get(key));
        value.or_else(|| env.get(terraform)).map(str::trim)
    };
    let path = |var: &str, key: &str| get(var, key, "").map(|p| expand(env, p));

    let delegation = path(vars::CLI_DELEGATION_FILE, "delegation_token_file");
    let by_profile = profile.get("authentication_type");
    let instance = by_profile.is_some_and(|kind| kind.eq_ignore_ascii_case("instance_principal"));
    if wanted == WantedProfile::OnBehalf || (instance && wanted == WantedProfile::Any) {
        if delegation.is_none() && wanted == WantedProfile::OnBehalf {
            return Err(missing(
                vars::CLI_DELEGATION_FILE,
                "delegation_token_file",
                file,
            ));
        }
        let token = delegation.map(|path| read_token("the delegation token", path));
        return token.transpose().map(Found::Instance);
    }

    let text = env.get(vars::CLI_KEY_CONTENT);
    let key = text.map(|text| SecretPlace::Given(text.into()));
    let key = key.or_else(|| {
        let path = get(vars::CLI_KEY_FILE, "key_file", vars::TF_KEY_FILE)?;
        Some(SecretPlace::File(expand(env, path)))
    });
    let passphrase = get(vars::CLI_PASSPHRASE, "pass_phrase", "")
        .or_else(|| profile.get("passphrase"))
        .map(SecretString::from);

    let user = get(vars::CLI_USER, "user", vars::TF_USER);
    let token = path(vars::CLI_TOKEN_FILE, "security_token_file");
    // The variable is for this run, the profile for all.
    let prefers_token =
        env.get(vars::CLI_TOKEN_FILE).is_some() && env.get(vars::CLI_USER).is_none();
    let name = match (token, user) {
        (Some(file), user)
            if user.is_none() || wanted == WantedProfile::Session || prefers_token =>
        {
            Name::Session {
                token: read_token("the session token", file.clone())?,
                file,
            }
        }
        (None, _) if wanted == WantedProfile::Session => {
            return Err(missing(vars::CLI_TOKEN_FILE, "security_token_file", file));
        }
        (_, None) => return Err(missing(vars::CLI_USER, "user", file)),
        (_, Some(user)) => {
            let Some(tenancy) = get(vars::CLI_TENANCY, "tenancy", vars::TF_TENANCY) else {
                return Err(missing(vars::CLI_TENANCY, "tenancy", file));
            };
            let fingerprint = get(vars::CLI_FINGERPRINT, "fingerprint", vars::TF_FINGERPRINT);
            Name::ApiKey {
                tenancy: ocid("tenancy", tenancy)?,
                user: ocid("user", user)?,
                fingerprint: fingerprint.map(checked_fingerprint).transpose()?,
            }
        }
    };
    let Some(key) = key else {
        return Err(missing(vars::CLI_KEY_FILE, "key_file", file));
    };
    Ok(Found::User(User {
        name,
        key,
        passphrase,
    }))
}

/// The configuration file, and whether a variable names it.
fn config_path(env: &Env) -> (Option<PathBuf>, bool) {
    let named = env
        .get(vars::CLI_CONFIG_FILE)
        .or_else(|| env.get(vars::CONFIG_FILE));
    if let Some(path) = named {
        return (Some(expand(env, path)), true);
    }
    let usual = |path: &str| env.home().map(|home| home.join(path));
    let (new, old) = (usual(".oci/config"), usual(".oraclebmc/config"));
    let old_is_all =
        new.as_ref().is_some_and(|p| !p.exists()) && old.as_ref().is_some_and(|p| p.exists());
    (if old_is_all { old } else { new }, false)
}

/// Read once, in the plan: the key of the cache and the signature are of the same token.
fn read_token(what: &str, file: PathBuf) -> Result<SecretString, ProviderError> {
    SecretPlace::File(file).read(ERRORS, what)
}

fn missing(var: &str, key: &str, file: Option<PathBuf>) -> ProviderError {
    let file = file.map(|path| format!(" in {}", path.display()));
    ERRORS.misconfigured(format!(
        "{key} is missing for signing as a user: set {var}, or {key}{}",
        file.unwrap_or_else(|| " in a file named by OCI_CLI_CONFIG_FILE".to_owned())
    ))
}

/// An OCID: at least five parts between dots or colons, of which the middle ones may be empty.
fn ocid(what: &str, text: &str) -> Result<String, ProviderError> {
    let parts: Vec<&str> = text.split(['.', ':']).collect();
    let legal = |part: &&str| {
        part.bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let ends = |part: Option<&&str>| part.is_some_and(|p| !p.is_empty());
    let is_ocid =
        parts.len() >= 5 && parts.iter().all(legal) && ends(parts.first()) && ends(parts.last());
    if is_ocid {
        Ok(text.to_owned())
    } else {
        Err(ERRORS.misconfigured(format!("the {what} is not an OCID (ocid1.{what}.oc1..)")))
    }
}

fn checked_fingerprint(text: &str) -> Result<String, ProviderError> {
    let text = text.to_ascii_lowercase();
    let pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
    if text.split(':').count() == 16 && text.split(':').all(pair) {
        Ok(text)
    } else {
        Err(ERRORS.misconfigured(
            "the fingerprint is not sixteen pairs of hexadecimal digits with colons between",
        ))
    }
}

const NAMING: [&str; 7] = [
    vars::CLI_USER,
    vars::CLI_KEY_FILE,
    vars::CLI_KEY_CONTENT,
    vars::CLI_TOKEN_FILE,
    vars::CLI_CONFIG_FILE,
    vars::CONFIG_FILE,
    vars::CLI_PROFILE,
];

#[cfg(test)]
mod tests;
