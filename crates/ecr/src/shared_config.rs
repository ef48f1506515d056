//! The AWS configuration files as the selected profile sees them: settings of variables and of the
//! profile, and the profiles that credentials come from.
//!
//! The files are read here, as the Go SDK reads them, and handed to the Rust SDK as text: it would
//! look at the process's own environment, and refuse a file for one line.

mod files;
mod for_sdk;
mod ini;
mod profiles;

use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use regcred_core::{Env, ProviderError, fingerprint};

use crate::ERRORS;

use files::Files;
use ini::Sections;

pub(crate) use ini::Section;

/// The configuration files and the selected profile. Has no `Debug`: the texts may hold keys.
pub(crate) struct SharedConfig {
    pub(crate) files: Files,
    /// The selected profile's name.
    pub(crate) profile: String,
    env: Env,
    /// The profiles of both files, and sections of other kinds.
    sections: Sections,
    /// A note for each file with ignored lines.
    ignored: Vec<String>,
}

impl SharedConfig {
    /// Reads the files and selects the profile given (with what named it), else that of
    /// `AWS_PROFILE`, else `default`. A profile that is named and does not exist is an error;
    /// `default` need not exist.
    pub(crate) fn load(env: &Env, named: Option<(&str, &str)>) -> Result<Self, ProviderError> {
        let by_variable = || {
            let mut names = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].into_iter();
            names.find_map(|name| Some((name, env.get(name)?)))
        };
        let (named_by, profile) = named.or_else(by_variable).unwrap_or(("", "default"));
        let files = Files::read(env);
        let (mut sections, mut ignored) = (Sections::new(), Vec::new());
        for (kind, path, text) in &files.texts {
            let (parsed, lines) = ini::parse(text);
            if !lines.is_empty() {
                ignored.push(ignored_lines(&path.display().to_string(), &lines));
            }
            match kind {
                EnvConfigFileKind::Config => sections = profiles::of_config(parsed),
                _ => profiles::add_credentials(&mut sections, parsed),
            }
        }
        let this = Self {
            env: env.clone(),
            profile: profile.to_owned(),
            files,
            sections,
            ignored,
        };
        let must_exist = named.is_some() || profile != "default";
        if must_exist && !this.sections.contains_key(profile) {
            this.files.usable()?;
            let places = this.files.places();
            let text =
                format!("{named_by} names the profile {profile:?}, which is not in {places}");
            return Err(ERRORS.misconfigured(this.with_notes(text)));
        }
        Ok(this)
    }

    /// What an operator should know of the files; with `for_keys` also the ignored lines, one of which
    /// may have a key.
    pub(crate) fn notes(&self, for_keys: bool) -> impl Iterator<Item = &String> {
        let ignored = self.ignored.iter().filter(move |_| for_keys);
        self.files.notes.iter().chain(ignored)
    }

    /// A failure's text with the files and lines that were passed over, one of which may be its cause.
    pub(crate) fn with_notes(&self, text: String) -> String {
        let parts = [text].into_iter().chain(self.notes(true).cloned());
        parts.collect::<Vec<_>>().join("; ")
    }

    /// A setting: the variable, else the profile's key, which has the variable's name without
    /// `AWS_`.
    pub(crate) fn setting(&self, variable: &str) -> Option<&str> {
        let key = || key_of(variable);
        self.env.get(variable).or_else(|| self.key(&key()))
    }

    /// The URL of a service: `AWS_ENDPOINT_URL_SERVICE`, `AWS_ENDPOINT_URL`, the profile's
    /// `services` section, the profile. The service's identifier is the SDKs': `ECR PUBLIC`.
    pub(crate) fn endpoint_url(&self, service: &str) -> Option<String> {
        let id = service.replace(' ', "_");
        let variable = || self.env.get(&format!("AWS_ENDPOINT_URL_{id}"));
        let general = || self.env.get("AWS_ENDPOINT_URL");
        let of_service = || {
            let services = self.key("services")?;
            let section = self.sections.get(&format!("services {services}"))?;
            let service = section.values.get(&id.to_ascii_lowercase())?;
            Some(service.nested.get("endpoint_url")?.as_str())
        };
        let url = variable().or_else(general).or_else(of_service);
        let url = url.or_else(|| self.key("endpoint_url"));
        url.filter(|url| !url.is_empty()).map(str::to_owned)
    }

    /// A setting that is `true` or `false`. In a profile every other value is `false`, as in Go.
    pub(crate) fn switch(&self, variable: &str) -> Result<Option<bool>, ProviderError> {
        let is = |value: &str, word| value.eq_ignore_ascii_case(word);
        match self.env.get(variable) {
            Some(value) if is(value, "true") => Ok(Some(true)),
            Some(value) if is(value, "false") => Ok(Some(false)),
            Some(_) => Err(ERRORS.misconfigured(format!("{variable} is neither true nor false"))),
            None => Ok(self.key(&key_of(variable)).map(|value| is(value, "true"))),
        }
    }

    /// A key of the selected profile.
    pub(crate) fn key(&self, key: &str) -> Option<&str> {
        self.sections.get(&self.profile)?.get(key)
    }

    /// The selected profile and those that it takes its credentials from, by name.
    pub(crate) fn chain(&self) -> Vec<(&str, &Section)> {
        let mut chain: Vec<(&str, &Section)> = Vec::new();
        let mut next = Some(self.profile.as_str());
        while let Some((name, profile)) = next.and_then(|name| self.sections.get_key_value(name)) {
            if chain.len() == MAX_CHAIN {
                break;
            }
            let get = |key| profile.get(key);
            let has_keys = !chain.is_empty()
                && get("aws_access_key_id")
                    .and(get("aws_secret_access_key"))
                    .is_some();
            let is_role = get("role_arn").is_some() && get("web_identity_token_file").is_none();
            chain.push((name, profile));
            next = get("source_profile").filter(|source| is_role && !has_keys && source != name);
        }
        chain
    }

    /// The selected profile, and a fingerprint of the files that it is in.
    pub(crate) fn stable_name(&self) -> String {
        let texts = self.files.texts.iter().map(|(_, _, text)| text.as_str());
        let texts = texts.collect::<Vec<_>>().join("\0");
        format!("{} {}", self.profile, fingerprint(&texts.into()))
    }

    /// The selected profile and its sources for the SDK's own profile provider, and the profile's
    /// name there. `lent` is a profile and the `credential_source` that it has instead of its own.
    pub(crate) fn for_sdk(&self, lent: Option<(&str, &str)>) -> (EnvConfigFiles, String) {
        let text = for_sdk::text(&self.sections, &self.chain(), lent);
        let files = EnvConfigFiles::builder().with_contents(EnvConfigFileKind::Config, text);
        (files.build(), for_sdk::encoded(&self.profile))
    }
}

fn key_of(variable: &str) -> String {
    variable.trim_start_matches("AWS_").to_ascii_lowercase()
}

/// Names ignored lines by number and never their text, which may be a key.
fn ignored_lines(path: &str, lines: &[usize]) -> String {
    let shown = lines.iter().take(MAX_LINES).map(usize::to_string);
    let shown = shown.collect::<Vec<_>>().join(", ");
    let line = if lines.len() == 1 { "line" } else { "lines" };
    let more = match lines.len().saturating_sub(MAX_LINES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{path}: ignored what is not a setting of a section (`key = value` below `[name]`), in {line} \
         {shown}{more}"
    )
}

const MAX_CHAIN: usize = 10;
/// The most line numbers in a note.
const MAX_LINES: usize = 5;

#[cfg(test)]
mod tests;
