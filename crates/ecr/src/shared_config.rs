//! The AWS configuration files as the selected profile sees them: settings that a variable or the
//! profile gives, and the profiles that credentials come from.
//!
//! The files are read here and handed to the SDK as text, so that the environment stays a value:
//! the SDK would look at the process's own.

mod files;

use std::borrow::Cow;
use std::collections::HashMap;

use aws_config::profile::{Profile, ProfileSet};
use aws_runtime::env_config::EnvConfigValue;
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::os_shim_internal::{Env as NoEnv, Fs};
use futures_util::FutureExt as _;
use regcred_core::{Env, ProviderError, fingerprint};

use crate::ERRORS;

use files::Files;

/// The configuration files and the selected profile. Has no `Debug`: the texts may hold keys.
pub(crate) struct SharedConfig {
    pub(crate) files: Files,
    /// The selected profile's name.
    pub(crate) profile: String,
    env: Env,
    sections: ProfileSet,
}

impl SharedConfig {
    /// Reads the files and selects the profile given (with what named it), else that of
    /// `AWS_PROFILE`, else `default`. A broken file is an error, and so is a profile that is named
    /// and not there; `default` may be missing.
    pub(crate) fn load(env: &Env, named: Option<(&str, &str)>) -> Result<Self, ProviderError> {
        let files = Files::read(env)?;
        let by_variable = || {
            let mut names = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].into_iter();
            names.find_map(|name| Some((name, env.get(name)?)))
        };
        let (named_by, profile) = named.or_else(by_variable).unwrap_or(("", "default"));
        let mut this = Self {
            env: env.clone(),
            files,
            sections: ProfileSet::default(),
            profile: profile.to_owned(),
        };
        if !this.files.texts.is_empty() {
            this.sections = this.parse()?;
        }
        let must_exist = named.is_some() || profile != "default";
        if must_exist && this.sections.get_profile(profile).is_none() {
            return Err(ERRORS.misconfigured(format!(
                "{named_by} names the profile {profile:?}, which is not in {}",
                this.files.places()
            )));
        }
        Ok(this)
    }

    /// A setting: the variable, else the profile's key, which has the variable's name without
    /// `AWS_`.
    pub(crate) fn setting(&self, variable: &str) -> Option<&str> {
        let key = variable.trim_start_matches("AWS_").to_ascii_lowercase();
        self.env.get(variable).or_else(|| self.key(&key))
    }

    /// The URL of a service: `AWS_ENDPOINT_URL_SERVICE`, `AWS_ENDPOINT_URL`, the profile's
    /// `services` section, the profile. The service's identifier is the SDKs': `ECR PUBLIC`.
    pub(crate) fn endpoint_url(&self, service: &str) -> Option<String> {
        let variable = format!("AWS_ENDPOINT_URL_{}", service.replace(' ', "_"));
        let general = || self.env.get("AWS_ENDPOINT_URL");
        let by_variable = self.env.get(&variable).or_else(general);
        by_variable.map(str::to_owned).or_else(|| {
            let value = EnvConfigValue::new().profile("endpoint_url");
            let value = value.service_id(service);
            let none = NoEnv::from_slice(&[]);
            let (url, _) = value.load(&none, Some(&self.sections))?;
            Some(url.into_owned()).filter(|url| !url.is_empty())
        })
    }

    /// A setting that is `true` or `false`.
    pub(crate) fn switch(&self, variable: &str) -> Result<Option<bool>, ProviderError> {
        let value = self.setting(variable);
        let value = value.map(|value| value.to_ascii_lowercase().parse());
        let value = value.transpose();
        value.map_err(|_| ERRORS.misconfigured(format!("{variable} is neither true nor false")))
    }

    /// A key of the selected profile.
    pub(crate) fn key(&self, key: &str) -> Option<&str> {
        value(self.sections.get_profile(&self.profile)?, key)
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

    /// The selected profile, and a fingerprint of the files that it is in.
    pub(crate) fn stable_name(&self) -> String {
        let texts = self.files.texts.iter().map(|(_, text)| text.as_str());
        let texts = texts.collect::<Vec<_>>().join("\0");
        format!("{} {}", self.profile, fingerprint(&texts.into()))
    }

    /// The files for the SDK's own profile provider. `source` is a profile and the
    /// `credential_source` to write over what its files say.
    pub(crate) fn for_sdk(&self, source: Option<(&str, &str)>) -> EnvConfigFiles {
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

    fn parse(&self) -> Result<ProfileSet, ProviderError> {
        let (env, fs) = (NoEnv::from_slice(&[]), HashMap::<String, Vec<u8>>::new());
        let profile = Cow::Owned(self.profile.clone());
        let (fs, files) = (Fs::from_map(fs), self.for_sdk(None));
        let loading = aws_config::profile::load(&fs, &env, &files, Some(profile));
        loading
            .now_or_never()
            .expect("parsing texts never waits")
            .map_err(|error| {
                let files = self.files.places();
                let text = format!("cannot read the AWS configuration files ({files})");
                ERRORS.misconfigured(text).with_source(error)
            })
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
