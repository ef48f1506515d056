//! The identity that a credentials file describes, by the kind of the file.

use regcred_cloud::AccessToken;
use regcred_core::ProviderError;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use crate::ERRORS;
use crate::credential_file::CredentialFile;
use crate::external_account::ExternalAccount;
use crate::impersonation::{Impersonation, act_as, own_scopes};
use crate::json_fields::{fields, without_empty_fields};
use crate::service_account::{ServiceAccount, ServiceAccountKey};
use crate::settings::{Cloud, Settings};
use crate::user_login::UserLogin;

/// An identity, and the service accounts as which it acts in turn.
pub(crate) struct FileIdentity {
    login: FileLogin,
    accounts: Vec<Impersonation>,
}

enum FileLogin {
    Key(ServiceAccount),
    User(UserLogin),
    External(ExternalAccount),
}

impl FileIdentity {
    /// # Errors
    /// When the file is not of a known kind, lacks a field or names an address that is not trusted.
    pub(crate) fn of(settings: &Settings, file: &CredentialFile) -> Result<Self, ProviderError> {
        parse(file)
            .and_then(|value| build(settings, file, &value))
            .map_err(|reason| unusable(file, &reason))
    }

    /// An access token.
    pub(crate) async fn token(
        &self,
        cloud: &Cloud,
        scopes: &str,
    ) -> Result<AccessToken, ProviderError> {
        let own = own_scopes(&self.accounts, scopes);
        let token = match &self.login {
            FileLogin::Key(account) => account.token(cloud, own).await,
            FileLogin::User(login) => login.token(cloud).await,
            FileLogin::External(account) => account.token(cloud, own).await,
        };
        act_as(cloud, token?, &self.accounts, scopes).await
    }
}

/// The text of a service account key, of which `_json_key` logins are made.
///
/// # Errors
/// When the file is of another kind.
pub(crate) fn key_text(file: &CredentialFile) -> Result<&SecretString, ProviderError> {
    let checked = parse(file).and_then(|value| match kind(&value) {
        Some("service_account") => fields::<ServiceAccountKey>(FILE, &value),
        _ => Err("a login with the file itself needs a service account key".to_owned()),
    });
    match checked {
        Ok(_) => Ok(&file.text),
        Err(reason) => Err(unusable(file, &reason)),
    }
}

fn build(
    settings: &Settings,
    file: &CredentialFile,
    value: &Value,
) -> Result<FileIdentity, String> {
    let whose = || format!("the identity in {}", file.path.display());
    let mut accounts = Vec::new();
    let login = match kind(value) {
        Some("service_account") => {
            let key = fields(FILE, value)?;
            FileLogin::Key(ServiceAccount::new(settings, &file.path, key)?)
        }
        Some(kind @ ("authorized_user" | "external_account_authorized_user")) => {
            let key = fields(FILE, value)?;
            let is_federated = kind != "authorized_user";
            FileLogin::User(UserLogin::new(settings, file, key, is_federated)?)
        }
        Some("external_account") => {
            let key = fields(FILE, value)?;
            let (account, acts_as) = ExternalAccount::new(settings, &file.path, whose(), key)?;
            accounts.extend(acts_as);
            FileLogin::External(account)
        }
        Some("impersonated_service_account") => {
            let key: ImpersonatedKey = fields(FILE, value)?;
            settings.check_universe(key.universe_domain.as_deref())?;
            let url = &key.service_account_impersonation_url;
            let url = settings.named_impersonation_url(url)?;
            if kind(&key.source_credentials) == Some("impersonated_service_account") {
                return Err(
                    "its source_credentials act as another service account in turn: list the \
                     accounts in between under delegates"
                        .to_owned(),
                );
            }
            let mut identity = build(settings, file, &key.source_credentials)?;
            let mut account = Impersonation::at(whose(), url);
            account.delegates = key.delegates;
            identity.accounts.push(account);
            return Ok(identity);
        }
        None => return Err("it has no field \"type\", so it is not one of Google's".to_owned()),
        Some(other) => {
            let other: String = other.chars().take(60).collect();
            return Err(format!(
                "its type {other:?} is none of service_account, authorized_user, \
                 external_account, external_account_authorized_user, impersonated_service_account"
            ));
        }
    };
    Ok(FileIdentity { login, accounts })
}

#[derive(Deserialize)]
struct ImpersonatedKey {
    service_account_impersonation_url: String,
    source_credentials: Value,
    #[serde(default)]
    delegates: Vec<String>,
    universe_domain: Option<String>,
}

fn kind(value: &Value) -> Option<&str> {
    value.get("type")?.as_str()
}

fn parse(file: &CredentialFile) -> Result<Value, String> {
    let value = serde_json::from_str(file.text.expose_secret())
        .map_err(|e| format!("it is not JSON (line {}, column {})", e.line(), e.column()))?;
    Ok(without_empty_fields(value))
}

fn unusable(file: &CredentialFile, reason: &str) -> ProviderError {
    let shown = file.path.display();
    ERRORS.misconfigured(format!("cannot use the credentials file {shown}: {reason}"))
}

/// How reasons name the fields of the whole file.
const FILE: &str = "the file";

#[cfg(test)]
mod tests;
