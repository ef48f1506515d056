//! The AWS configuration files: which are read, which profile is selected, and the settings that
//! a variable or the profile gives.
//!
//! The files are read here, bounded, and handed to the SDK as text, so that the environment stays
//! a value: the SDK would look at the process's own.

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use aws_config::profile::{ProfileFileLoadError, ProfileSet};
use aws_runtime::env_config::EnvConfigValue;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal;
use regcred_core::Env;

use crate::{file, identity, vars};

/// The configuration files as the selected profile sees them.
#[derive(Clone)]
pub(crate) struct SharedConfig {
    env: os_shim_internal::Env,
    /// Empty: there is no file to read.
    texts: Vec<(EnvConfigFileKind, String)>,
    sections: ProfileSet,
    profile: String,
    looked_at: Vec<PathBuf>,
    /// Files that were expected and gave nothing, in words.
    notes: Vec<String>,
}

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SharedConfigError {
    /// A file is not in the form of an AWS configuration file.
    #[error("cannot read the AWS configuration files ({files})")]
    Broken {
        files: String,
        source: ProfileFileLoadError,
    },
    /// A file that is there, or was named, cannot be read: what stands in it must not be passed
    /// over for another identity.
    #[error("cannot read {}{}", path.display(), named_by(variable))]
    Unreadable {
        path: PathBuf,
        variable: Option<&'static str>,
        source: io::Error,
    },
    /// A profile was named that no file has.
    #[error("{named_by} names the profile {profile:?}, which is not in {files}")]
    Missing {
        named_by: String,
        profile: String,
        files: String,
    },
}

impl SharedConfig {
    /// Reads the files and selects the profile given (with what named it), else that of
    /// `AWS_PROFILE`, else `default`.
    ///
    /// # Errors
    /// For a broken file, one that is named and cannot be read, and a profile that is named and not
    /// there. `default` may be missing.
    pub(crate) fn load(env: &Env, named: Option<(&str, &str)>) -> Result<Self, SharedConfigError> {
        let shim = vars::shim(env);
        let places = places(env);
        let (mut texts, mut notes) = (Vec::new(), Vec::new());
        for place in &places {
            match place.read()? {
                Ok(text) => texts.push((place.kind, text)),
                Err(note) => notes.extend(note),
            }
        }
        let looked_at: Vec<PathBuf> = places.into_iter().map(|place| place.path).collect();
        let (named_by, profile) = named.unwrap_or_else(|| {
            let set = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]
                .into_iter()
                .find_map(|name| Some((name, env.get(name)?)));
            set.unwrap_or(("", "default"))
        });
        let mut this = Self {
            env: shim,
            texts,
            sections: ProfileSet::default(),
            profile: profile.to_owned(),
            looked_at,
            notes,
        };
        if let Some(files) = this.files(None) {
            this.sections = this.parse(&files)?;
        }
        let must_exist = !named_by.is_empty() && profile != "default" || named.is_some();
        if must_exist && this.sections.get_profile(profile).is_none() {
            return Err(SharedConfigError::Missing {
                named_by: named_by.to_owned(),
                profile: profile.to_owned(),
                files: this.files_in_words(),
            });
        }
        Ok(this)
    }

    /// A setting: the variable, else the profile's key.
    pub(crate) fn setting(&self, variable: &str, key: &str) -> Option<String> {
        let value = EnvConfigValue::new().env(variable).profile(key);
        self.non_empty(&value)
    }

    /// A setting of one service: `VARIABLE_SERVICE`, `VARIABLE`, the profile's `services` section,
    /// the profile. The service's identifier is the SDKs': `ECR PUBLIC`.
    pub(crate) fn service_setting(
        &self,
        service: &str,
        variable: &str,
        key: &str,
    ) -> Option<String> {
        let value = EnvConfigValue::new()
            .env(variable)
            .profile(key)
            .service_id(service);
        self.non_empty(&value)
    }

    /// A key of the selected profile.
    pub(crate) fn key(&self, key: &str) -> Option<&str> {
        self.sections.get(key).filter(|v| !v.is_empty())
    }

    /// The files for the SDK's own profile provider; `None` when there is none. `source` is a
    /// profile and the `credential_source` to write over what its files say.
    pub(crate) fn files(&self, source: Option<(&str, &str)>) -> Option<EnvConfigFiles> {
        let first = EnvConfigFiles::builder();
        let mut files = self.texts.iter().fold(first, |files, (kind, text)| {
            files.with_contents(*kind, text.as_str())
        });
        if let Some((profile, source)) = source {
            let text = format!("[{profile}]\ncredential_source = {source}\n");
            files = files.with_contents(EnvConfigFileKind::Credentials, text);
        }
        (!self.texts.is_empty()).then(|| files.build())
    }

    /// The selected profile's name.
    pub(crate) fn profile(&self) -> &str {
        &self.profile
    }

    /// Whether the selected profile names any source of credentials.
    pub(crate) fn has_credentials(&self) -> bool {
        SOURCE_KEYS.iter().any(|key| self.key(key).is_some())
    }

    /// The profile at the end of the selected one's chain of roles, and its `credential_process`,
    /// when that program is the profile's one source of credentials.
    pub(crate) fn process(&self) -> Option<(&str, &str)> {
        let mut name = self.profile.as_str();
        for _ in 0..MAX_CHAIN {
            let profile = self.sections.get_profile(name)?;
            let sources = SOURCE_KEYS.iter().filter(|k| profile.get(k).is_some());
            match sources.copied().collect::<Vec<_>>()[..] {
                ["role_arn", "source_profile"] => {
                    name = profile.get("source_profile").filter(|s| *s != name)?;
                }
                ["credential_process"] => return Some((name, profile.get("credential_process")?)),
                _ => return None,
            }
        }
        None
    }

    /// What decides the selected profile's identity, as text without secrets: the keys of the
    /// profile and of each profile that it takes its credentials from.
    pub(crate) fn identity_parts(&self) -> String {
        let mut parts = String::new();
        let mut name = self.profile.clone();
        for _ in 0..MAX_CHAIN {
            let Some(profile) = self.sections.get_profile(&name) else {
                break;
            };
            parts.push_str(&format!("[{name}]"));
            for key in IDENTITY_KEYS {
                let Some(value) = profile.get(key).map(str::trim) else {
                    continue;
                };
                let value = match *key {
                    "web_identity_token_file" => Cow::Owned(identity::holder(value)),
                    _ => Cow::Borrowed(value),
                };
                parts.push_str(&format!("{key}={value};"));
            }
            if let Some(session) = profile
                .get("sso_session")
                .and_then(|s| self.sections.sso_session(s))
            {
                for key in ["sso_start_url", "sso_region"] {
                    parts.push_str(&format!("{key}={};", session.get(key).unwrap_or_default()));
                }
            }
            match profile.get("source_profile") {
                Some(source) if source != name => name = source.to_owned(),
                _ => break,
            }
        }
        parts
    }

    /// Files that were expected and gave nothing, in words.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The files that were looked for, for messages.
    pub(crate) fn files_in_words(&self) -> String {
        if self.looked_at.is_empty() {
            return "the files below HOME, which is not set".to_owned();
        }
        let names: Vec<_> = self
            .looked_at
            .iter()
            .map(|p| p.display().to_string())
            .collect();
        names.join(" or ")
    }

    fn parse(&self, files: &EnvConfigFiles) -> Result<ProfileSet, SharedConfigError> {
        let fs = os_shim_internal::Fs::from_map(HashMap::<String, Vec<u8>>::new());
        let profile = Cow::Owned(self.profile.clone());
        let loading = aws_config::profile::load(&fs, &self.env, files, Some(profile));
        now(loading)
            .expect("the texts are at hand, so that parsing never waits")
            .map_err(|source| SharedConfigError::Broken {
                files: self.files_in_words(),
                source,
            })
    }

    fn non_empty(&self, value: &EnvConfigValue<'_>) -> Option<String> {
        let (value, _) = value.load(&self.env, Some(&self.sections))?;
        Some(value.into_owned()).filter(|v| !v.is_empty())
    }
}

/// Names files only: the texts may hold keys.
impl std::fmt::Debug for SharedConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedConfig")
            .field("profile", &self.profile)
            .field("looked_at", &self.looked_at)
            .finish_non_exhaustive()
    }
}

/// The result of a future that does not wait; `None` if it does.
pub(crate) fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Where one of the two files is.
struct Place {
    kind: EnvConfigFileKind,
    path: PathBuf,
    /// What named it, when it is not the usual place.
    variable: Option<&'static str>,
}

impl Place {
    /// The text, or why there is none if that is worth a word. At its usual place a file may be
    /// missing or closed to us, as in the SDKs; only what was read in part is never taken for all.
    fn read(&self) -> Result<Result<String, Option<String>>, SharedConfigError> {
        let source = match file::text(&self.path, MAX_FILE) {
            Ok(text) => return Ok(Ok((*text).clone())),
            Err(source) => source,
        };
        let path = self.path.display();
        let missing = matches!(
            source.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        );
        let in_part = matches!(
            source.kind(),
            io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidData
        );
        match self.variable {
            None if missing => Ok(Err(None)),
            None if !in_part => Ok(Err(Some(format!("cannot read {path}: {source}")))),
            Some(variable) if missing => {
                Ok(Err(Some(format!("{variable} names {path}: {source}"))))
            }
            variable => Err(SharedConfigError::Unreadable {
                path: self.path.clone(),
                variable,
                source,
            }),
        }
    }
}

fn named_by(variable: &Option<&str>) -> String {
    variable.map_or_else(String::new, |name| format!(" that {name} names"))
}

fn places(env: &Env) -> Vec<Place> {
    let home = env.home();
    let place = |kind, variable, name: &str| match env.get(variable) {
        Some(set) => {
            let path = match (set.strip_prefix("~/"), &home) {
                (Some(rest), Some(home)) => home.join(rest),
                _ => PathBuf::from(set),
            };
            Some(Place {
                kind,
                path,
                variable: Some(variable),
            })
        }
        None => Some(Place {
            kind,
            path: home.as_ref()?.join(".aws").join(name),
            variable: None,
        }),
    };
    let config = place(EnvConfigFileKind::Config, "AWS_CONFIG_FILE", "config");
    let keys = place(
        EnvConfigFileKind::Credentials,
        "AWS_SHARED_CREDENTIALS_FILE",
        "credentials",
    );
    config.into_iter().chain(keys).collect()
}

const MAX_FILE: u64 = 1 << 20;
const MAX_CHAIN: usize = 10;

/// A profile with one of these is a source of credentials.
const SOURCE_KEYS: &[&str] = &[
    "aws_access_key_id",
    "aws_secret_access_key",
    "role_arn",
    "source_profile",
    "credential_source",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "sso_role_name",
    "credential_process",
    "login_session",
];

/// Everything that decides who a profile is; no secret key and no session token.
const IDENTITY_KEYS: &[&str] = &[
    "aws_access_key_id",
    "role_arn",
    "source_profile",
    "credential_source",
    "external_id",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_region",
    "sso_account_id",
    "sso_role_name",
    "credential_process",
    "login_session",
];

#[cfg(test)]
mod tests;
