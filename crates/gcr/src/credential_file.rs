//! Google's credentials files (Application Default Credentials): where they are and what kinds
//! there are. <https://cloud.google.com/docs/authentication/application-default-credentials>

use std::io::{Error as IoError, ErrorKind as IoErrorKind};
use std::path::{Path, PathBuf};

use regcred_core::{Env, ProviderError};
use regcred_files::{MIB, read_secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::authorized_user::AuthorizedUser;
use crate::external_account;
use crate::external_user::ExternalUser;
use crate::failure::misconfigured;
use crate::gcloud_dir::{WELL_KNOWN, gcloud_dir};
use crate::impersonation::{Impersonation, whose};
use crate::reach::Reach;
use crate::service_account::{ServiceAccount, ServiceAccountKey};
use crate::token::TokenSource;
use crate::vars;

/// A credentials file that is there.
pub(crate) struct CredentialFile {
    path: PathBuf,
    text: SecretString,
}

/// What a search for the file ends with.
pub(crate) enum Search {
    Found(CredentialFile),
    /// Where it was looked for in vain.
    Nothing(String),
}

impl CredentialFile {
    /// The file named by `GOOGLE_APPLICATION_CREDENTIALS`, else the one that `gcloud auth
    /// application-default login` writes.
    ///
    /// # Errors
    /// When the variable names a file that cannot be read, or the other one is no text file.
    pub(crate) fn find(env: &Env) -> Result<Search, ProviderError> {
        if let Some(path) = env.path(vars::CREDENTIALS_FILE) {
            return match read_secret(&path, MIB) {
                Ok(text) => Ok(Search::Found(Self { path, text })),
                Err(e) => Err(misconfigured(format!(
                    "cannot read {}, which {} names",
                    path.display(),
                    vars::CREDENTIALS_FILE
                ))
                .with_source(e)),
            };
        }
        let unset = format!("{} is not set", vars::CREDENTIALS_FILE);
        let Some(path) = gcloud_dir(env).map(|dir| dir.join(WELL_KNOWN)) else {
            return Ok(Search::Nothing(format!(
                "{unset} and there is no home directory"
            )));
        };
        match read_secret(&path, MIB) {
            Ok(text) => Ok(Search::Found(Self { path, text })),
            Err(e) if is_absence(&e) => Ok(Search::Nothing(format!(
                "{unset} and {} cannot be opened ({})",
                path.display(),
                e.kind()
            ))),
            Err(e) => Err(misconfigured(format!("cannot read {}", path.display())).with_source(e)),
        }
    }

    /// The file's path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The whole file, byte for byte.
    pub(crate) fn text(&self) -> &SecretString {
        &self.text
    }

    /// The token source that the file describes.
    ///
    /// # Errors
    /// When it is no such file, lacks a field or names an address that is not trusted.
    pub(crate) fn source(&self, reach: &Reach) -> Result<Box<dyn TokenSource>, ProviderError> {
        self.value()
            .and_then(|value| build(reach, &self.path, &value, true))
            .map_err(|reason| self.unusable(&reason))
    }

    /// Refuses a file that is no service account key: what `_json_key` logins are made of.
    pub(crate) fn require_service_account_key(&self) -> Result<(), ProviderError> {
        let checked = self.value().and_then(|value| match kind(&value) {
            Some("service_account") => fields::<ServiceAccountKey>(&value).map(drop),
            _ => Err("a login with the file itself needs a service account key".to_owned()),
        });
        checked.map_err(|reason| self.unusable(&reason))
    }

    fn value(&self) -> Result<Value, String> {
        serde_json::from_str(self.text.expose_secret())
            .map_err(|e| format!("it is not JSON (line {}, column {})", e.line(), e.column()))
    }

    fn unusable(&self, reason: &str) -> ProviderError {
        misconfigured(format!(
            "cannot use the credentials file {}: {reason}",
            self.path.display()
        ))
    }
}

/// `may_impersonate` is false inside a file that impersonates already.
fn build(
    reach: &Reach,
    path: &Path,
    value: &Value,
    may_impersonate: bool,
) -> Result<Box<dyn TokenSource>, String> {
    let Some(kind) = kind(value) else {
        return Err("it has no field \"type\", so it is none of Google's".to_owned());
    };
    Ok(match kind {
        "service_account" => Box::new(ServiceAccount::new(reach, path, fields(value)?)?),
        "authorized_user" => Box::new(AuthorizedUser::new(reach, path, fields(value)?)?),
        "external_account" => external_account::source(reach, path, fields(value)?)?,
        "external_account_authorized_user" => {
            Box::new(ExternalUser::new(reach, path, fields(value)?)?)
        }
        "impersonated_service_account" if may_impersonate => {
            let key: ImpersonatedKey = fields(value)?;
            let settings = &reach.settings;
            settings.check_universe(key.universe_domain.as_deref())?;
            let url = settings.trusted_url(
                "service_account_impersonation_url",
                &key.service_account_impersonation_url,
            )?;
            let source = build(reach, path, &key.source_credentials, false)?;
            let acting = Impersonation::at(reach, source, &whose(path), url);
            Box::new(acting.through(key.delegates))
        }
        "impersonated_service_account" => {
            return Err(
                "its source_credentials act as another service account in turn: list the accounts \
                 between under delegates"
                    .to_owned(),
            );
        }
        other => {
            let other: String = other.chars().take(60).collect();
            return Err(format!(
                "its type {other:?} is none of service_account, authorized_user, \
                 external_account, external_account_authorized_user, impersonated_service_account"
            ));
        }
    })
}

#[derive(Deserialize)]
struct ImpersonatedKey {
    service_account_impersonation_url: String,
    source_credentials: Value,
    #[serde(default)]
    delegates: Vec<String>,
    #[serde(default)]
    universe_domain: Option<String>,
}

fn kind(value: &Value) -> Option<&str> {
    value.get("type")?.as_str()
}

/// The fields of a file. The reason names a field that lacks; of other mistakes serde's message is
/// not shown, since it repeats the value.
fn fields<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|e| {
        let message = e.to_string();
        if message.starts_with("missing field `") {
            format!("its {message}")
        } else {
            "one of its fields has another form than expected".to_owned()
        }
    })
}

/// Whether the file is not there for this user. A home directory of somebody else, as a service
/// may have one, is as good as none.
fn is_absence(error: &IoError) -> bool {
    matches!(
        error.kind(),
        IoErrorKind::NotFound | IoErrorKind::NotADirectory | IoErrorKind::PermissionDenied
    )
}

#[cfg(test)]
mod tests;
