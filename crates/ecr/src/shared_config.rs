//! The AWS configuration files as the selected profile sees them: settings that a variable or the
//! profile gives, and the profiles that credentials come from.
//!
//! The files are read here and handed to the SDK as text, so that the environment stays a value:
//! the SDK would look at the process's own.

mod files;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use aws_config::profile::{Profile, ProfileSet};
use aws_runtime::env_config::EnvConfigValue;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal;
use futures_util::FutureExt as _;
use regcred_core::{Env, ProviderError, fingerprint};

use crate::{ERRORS, vars};

use files::Files;

/// The configuration files and the selected profile.
#[derive(Clone)]
pub(crate) struct SharedConfig {
    env: os_shim_internal::Env,
    files: Files,
    sections: ProfileSet,
    profile: String,
}

impl SharedConfig {
    /// Reads the files and selects the profile given (with what named it), else that of
    /// `AWS_PROFILE`, else `default`.
    ///
    /// # Errors
    /// For a broken file, one that is named and cannot be read, and a profile that is named and not
    /// there. `default` may be missing.
    pub(crate) fn load(env: &Env, named: Option<(&str, &str)>) -> Result<Self, ProviderError> {
        let files = Files::read(env)?;
        let (named_by, profile) = named.unwrap_or_else(|| {
            let set = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]
                .into_iter()
                .find_map(|name| Some((name, env.get(name)?)));
            set.unwrap_or(("", "default"))
        });
        let mut this = Self {
            env: vars::shim(env),
            files,
            sections: ProfileSet::default(),
            profile: profile.to_owned(),
        };
        if this.has_files() {
            this.sections = this.parse()?;
        }
        let must_exist = !named_by.is_empty() && profile != "default" || named.is_some();
        if must_exist && this.sections.get_profile(profile).is_none() {
            return Err(ERRORS.misconfigured(format!(
                "{named_by} names the profile {profile:?}, which is not in {}",
                this.files_in_words()
            )));
        }
        Ok(this)
    }

    /// A setting: the variable, else the profile's key.
    pub(crate) fn setting(&self, variable: &str, key: &str) -> Option<String> {
        self.non_empty(&EnvConfigValue::new().env(variable).profile(key))
    }

    /// A setting of one service: `VARIABLE_SERVICE`, `VARIABLE`, the profile's `services` section,
    /// the profile. The service's identifier is the SDKs': `ECR PUBLIC`.
    pub(crate) fn service_setting(
        &self,
        service: &str,
        variable: &str,
        key: &str,
    ) -> Option<String> {
        let value = EnvConfigValue::new().env(variable).profile(key);
        self.non_empty(&value.service_id(service))
    }

    /// A switch: the variable, else the profile's key.
    ///
    /// # Errors
    /// When it is neither `true` nor `false`.
    pub(crate) fn switch(&self, variable: &str, key: &str) -> Result<Option<bool>, ProviderError> {
        match self.setting(variable, key) {
            None => Ok(None),
            Some(value) if value.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(value) if value.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(ERRORS.misconfigured(format!("{variable} is neither true nor false"))),
        }
    }

    /// A key of the selected profile.
    pub(crate) fn key(&self, key: &str) -> Option<&str> {
        value(self.sections.get_profile(&self.profile)?, key)
    }

    /// The selected profile's name.
    pub(crate) fn profile(&self) -> &str {
        &self.profile
    }

    /// The selected profile and those that it takes its credentials from, as aws-config finds them.
    pub(crate) fn chain(&self) -> Vec<&Profile> {
        let mut chain: Vec<&Profile> = Vec::new();
        let mut next = Some(self.profile.as_str());
        while let Some(profile) = next.and_then(|name| self.sections.get_profile(name)) {
            if chain.len() == MAX_CHAIN {
                break;
            }
            let get = |key| value(profile, key);
            let has_keys = !chain.is_empty()
                && get("aws_access_key_id")
                    .and(get("aws_secret_access_key"))
                    .is_some();
            let is_role = get("role_arn").is_some() && get("web_identity_token_file").is_none();
            chain.push(profile);
            next = get("source_profile")
                .filter(|source| is_role && !has_keys && *source != profile.name());
        }
        chain
    }

    /// The selected profile, and a fingerprint of the files that it stands in.
    pub(crate) fn stable_name(&self) -> String {
        let texts = self.files.texts.iter().map(|(_, text)| text.as_str());
        let texts = texts.collect::<Vec<_>>().join("\0");
        format!("{} {}", self.profile, fingerprint(&texts.into()))
    }

    /// The files for the SDK's own profile provider. `source` is a profile and the
    /// `credential_source` to write over what its files say.
    pub(crate) fn files(&self, source: Option<(&str, &str)>) -> EnvConfigFiles {
        let first = EnvConfigFiles::builder();
        let texts = self.files.texts.iter();
        let mut files = texts.fold(first, |files, (kind, text)| {
            files.with_contents(*kind, text.as_str())
        });
        if let Some((profile, source)) = source {
            let text = format!("[{profile}]\ncredential_source = {source}\n");
            files = files.with_contents(EnvConfigFileKind::Credentials, text);
        }
        files.build()
    }

    /// Whether there is any file.
    pub(crate) fn has_files(&self) -> bool {
        !self.files.texts.is_empty()
    }

    /// Files that were expected and could not be read, in words.
    pub(crate) fn notes(&self) -> &[String] {
        &self.files.notes
    }

    /// The files that were looked for, for messages.
    pub(crate) fn files_in_words(&self) -> String {
        self.files.in_words()
    }

    fn parse(&self) -> Result<ProfileSet, ProviderError> {
        let fs = os_shim_internal::Fs::from_map(HashMap::<String, Vec<u8>>::new());
        let profile = Cow::Owned(self.profile.clone());
        let files = self.files(None);
        let loading = aws_config::profile::load(&fs, &self.env, &files, Some(profile));
        loading
            .now_or_never()
            .expect("the texts are at hand, so that parsing never waits")
            .map_err(|error| {
                let files = self.files_in_words();
                let text = format!("cannot read the AWS configuration files ({files})");
                ERRORS.misconfigured(text).with_source(error)
            })
    }

    fn non_empty(&self, value: &EnvConfigValue<'_>) -> Option<String> {
        let (value, _) = value.load(&self.env, Some(&self.sections))?;
        Some(value.into_owned()).filter(|v| !v.is_empty())
    }
}

/// Names files only: the texts may hold keys.
impl fmt::Debug for SharedConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedConfig")
            .field("profile", &self.profile)
            .field("files", &self.files_in_words())
            .finish_non_exhaustive()
    }
}

/// A key of a profile; an empty one counts as not set.
pub(crate) fn value<'a>(profile: &'a Profile, key: &str) -> Option<&'a str> {
    let value = profile.get(key).map(str::trim);
    value.filter(|value| !value.is_empty())
}

const MAX_CHAIN: usize = 10;

#[cfg(test)]
mod tests;
