//! An entry of a CredentialProviderConfig, as JSON and as YAML.

use std::fmt::Write as _;

use regcred_api::ApiVersion;
use regcred_core::PodTokens;
use regcred_go::json;
use regcred_node::NewEntry;
use secrecy::zeroize::Zeroizing;
use serde::Serialize;

/// An entry, fields in the kubelet's order. Empty lists are omitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) name: String,
    match_images: Vec<String>,
    default_cache_duration: &'static str,
    api_version: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) args: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    env: Vec<Variable>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token_attributes: Option<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Variable {
    name: String,
    value: String,
}

/// `tokenAttributes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Token {
    pub(super) service_account_token_audience: String,
    pub(super) cache_type: String,
    pub(super) require_service_account: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) required_service_account_annotation_keys: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) optional_service_account_annotation_keys: Vec<String>,
}

impl From<&PodTokens> for Token {
    fn from(tokens: &PodTokens) -> Self {
        let cache_type = if tokens.by_account {
            "ServiceAccount"
        } else {
            "Token"
        };
        Self {
            service_account_token_audience: tokens.audience.clone(),
            cache_type: cache_type.to_owned(),
            require_service_account: tokens.required,
            required_service_account_annotation_keys: Vec::new(),
            optional_service_account_annotation_keys: Vec::new(),
        }
    }
}

impl Entry {
    pub(super) fn new(
        name: String,
        match_images: Vec<String>,
        default_cache_duration: &'static str,
    ) -> Self {
        Self {
            name,
            match_images,
            default_cache_duration,
            api_version: ApiVersion::LATEST.as_str(),
            args: Vec::new(),
            env: Vec::new(),
            token_attributes: None,
        }
    }

    pub(super) fn add_variable(&mut self, name: &str, value: &str) {
        self.env.push(Variable {
            name: name.to_owned(),
            value: value.to_owned(),
        });
    }

    /// As it is added to a configuration.
    pub(super) fn written(&self) -> NewEntry {
        // Strings, flags and lists of strings always serialize.
        let json = serde_json::to_string(self).unwrap_or_default();
        NewEntry {
            name: self.name.clone(),
            json: Zeroizing::new(json),
            yaml: Zeroizing::new(self.yaml()),
        }
    }

    /// An item of a list in YAML, the dash in the first column.
    pub(super) fn yaml(&self) -> String {
        let mut out = String::new();
        let mut line = |depth: usize, text: std::fmt::Arguments<'_>| {
            let blanks = 2 * depth;
            // Writing to a string does not fail.
            let _ = writeln!(out, "{:blanks$}{text}", "");
        };
        line(0, format_args!("- name: {}", scalar(&self.name)));
        line(1, format_args!("matchImages:"));
        for pattern in &self.match_images {
            line(1, format_args!("- {}", scalar(pattern)));
        }
        line(
            1,
            format_args!("defaultCacheDuration: {}", self.default_cache_duration),
        );
        line(1, format_args!("apiVersion: {}", self.api_version));
        if !self.args.is_empty() {
            line(1, format_args!("args:"));
        }
        for arg in &self.args {
            line(1, format_args!("- {}", scalar(arg)));
        }
        if !self.env.is_empty() {
            line(1, format_args!("env:"));
        }
        for Variable { name, value } in &self.env {
            line(1, format_args!("- name: {}", scalar(name)));
            line(2, format_args!("value: {}", scalar(value)));
        }
        if let Some(token) = &self.token_attributes {
            line(1, format_args!("tokenAttributes:"));
            let audience = scalar(&token.service_account_token_audience);
            line(2, format_args!("serviceAccountTokenAudience: {audience}"));
            line(2, format_args!("cacheType: {}", scalar(&token.cache_type)));
            line(
                2,
                format_args!("requireServiceAccount: {}", token.require_service_account),
            );
            for (name, keys) in [
                ("required", &token.required_service_account_annotation_keys),
                ("optional", &token.optional_service_account_annotation_keys),
            ] {
                if !keys.is_empty() {
                    line(2, format_args!("{name}ServiceAccountAnnotationKeys:"));
                }
                for key in keys {
                    line(2, format_args!("- {}", scalar(key)));
                }
            }
        }
        out
    }
}

/// A text as YAML: plain if no reader takes it for anything else, else in quotes.
fn scalar(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '/');
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_word)
        && !SPECIAL.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_plain {
        text.to_owned()
    } else {
        json::string(text)
    }
}

/// Words that YAML 1.1 reads as booleans and null.
const SPECIAL: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
