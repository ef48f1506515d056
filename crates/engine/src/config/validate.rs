//! The kubelet's rules about provider entries, in its order and with its sentences
//! (kubernetes `pkg/credentialprovider/plugin/config.go`, `validateCredentialProviderConfig`).
//! As there, no sentence contains the entry's position in the list.

use std::collections::BTreeSet;

use regcred_api::{ApiVersion, ProviderEntry, TokenAttributes};
use regcred_core::ImagePattern;
use regcred_go::{go_lowercase, go_quote, json};

use super::entry_problem::EntryProblem;
use super::qualified_name;

/// All problems of the entries.
pub(super) fn problems(providers: &[ProviderEntry]) -> Vec<EntryProblem> {
    let mut found = Problems::default();
    if providers.is_empty() {
        found.required("", "at least 1 item in plugins is required");
    }
    let mut names = BTreeSet::new();
    for (at, provider) in providers.iter().enumerate() {
        found.entry = Some(at);
        name_problems(&provider.name, &mut found);
        if !names.insert(&provider.name) {
            found.duplicate(".name", &provider.name);
        }
        api_version_problems(&provider.api_version, &mut found);
        match_images_problems(&provider.match_images, &mut found);
        match provider.default_cache_duration {
            None => found.required(".defaultCacheDuration", ""),
            Some(duration) if duration.0 < 0 => {
                let value = go_quote(&duration.to_string());
                let rule = "must be greater than or equal to 0";
                found.invalid(".defaultCacheDuration", &value, rule);
            }
            Some(_) => {}
        }
        if let Some(attributes) = &provider.token_attributes {
            token_problems(attributes, &provider.api_version, &mut found);
        }
    }
    found.list
}

#[derive(Default)]
struct Problems {
    /// The entry that is examined.
    entry: Option<usize>,
    /// The item of a list in it.
    item: Option<usize>,
    list: Vec<EntryProblem>,
}

impl Problems {
    fn required(&mut self, field: &str, detail: &str) {
        self.add(field, "Required value", detail);
    }

    fn forbidden(&mut self, field: &str, detail: &str) {
        self.add(field, "Forbidden", detail);
    }

    fn invalid(&mut self, field: &str, value: &str, detail: &str) {
        self.add(field, &format!("Invalid value: {value}"), detail);
    }

    fn duplicate(&mut self, field: &str, value: &str) {
        self.add(field, &format!("Duplicate value: {}", go_quote(value)), "");
    }

    fn unsupported(&mut self, field: &str, value: &str, supported: &[&str]) {
        let supported: Vec<String> = supported.iter().map(|s| go_quote(s)).collect();
        let what = format!("Unsupported value: {}", go_quote(value));
        let detail = format!("supported values: {}", supported.join(", "));
        self.add(field, &what, &detail);
    }

    fn add(&mut self, field: &str, what: &str, detail: &str) {
        let colon = if detail.is_empty() { "" } else { ": " };
        self.list.push(EntryProblem {
            entry: self.entry,
            field: field.trim_start_matches('.').to_owned(),
            item: self.item,
            sentence: format!("providers{field}: {what}{colon}{detail}"),
        });
    }
}

fn name_problems(name: &str, found: &mut Problems) {
    let rules = [
        (name.contains('/'), "provider name cannot contain '/'"),
        (name.contains(' '), "provider name cannot contain spaces"),
        (name == ".", "provider name cannot be '.'"),
        (name == "..", "provider name cannot be '..'"),
    ];
    for (_, rule) in rules.iter().filter(|(broken, _)| *broken) {
        found.invalid(".name", &go_quote(name), rule);
    }
}

fn api_version_problems(version: &str, found: &mut Problems) {
    if version.is_empty() {
        found.required(".apiVersion", "");
    } else if version.parse::<ApiVersion>().is_err() {
        let supported: Vec<_> = ApiVersion::ALL.iter().map(|v| v.as_str()).collect();
        found.unsupported(".apiVersion", version, &supported);
    }
}

fn match_images_problems(patterns: &[String], found: &mut Problems) {
    if patterns.is_empty() {
        found.required(".matchImages", "at least 1 item in matchImages is required");
    }
    for (at, pattern) in patterns.iter().enumerate() {
        found.item = Some(at);
        if let Err(error) = ImagePattern::parse(pattern) {
            let detail = format!("match image is invalid: {error}");
            found.invalid(".matchImages", &go_quote(pattern), &detail);
        }
    }
    found.item = None;
}

fn token_problems(attributes: &TokenAttributes, api_version: &str, found: &mut Problems) {
    let field = ".tokenAttributes";
    let child = |name: &str| format!("{field}.{name}");
    if attributes.service_account_token_audience.is_empty() {
        found.required(&child("serviceAccountTokenAudience"), "");
    }
    if attributes.require_service_account.is_none() {
        found.required(&child("requireServiceAccount"), "");
    }
    let version = api_version.parse::<ApiVersion>();
    if !version.is_ok_and(ApiVersion::carries_tokens) {
        let able = ApiVersion::ALL.iter().filter(|v| v.carries_tokens());
        let able: Vec<_> = able.map(|v| v.as_str()).collect();
        let able = able.join(", ");
        let rule = format!("tokenAttributes is only supported for {able} API version");
        found.forbidden(field, &rule);
    }
    let required = &attributes.required_service_account_annotation_keys;
    let optional = &attributes.optional_service_account_annotation_keys;
    if attributes.require_service_account == Some(false) && !required.is_empty() {
        found.forbidden(
            &child("requiredServiceAccountAnnotationKeys"),
            "requireServiceAccount cannot be false when requiredServiceAccountAnnotationKeys is set",
        );
    }
    for (name, keys) in [
        ("requiredServiceAccountAnnotationKeys", required),
        ("optionalServiceAccountAnnotationKeys", optional),
    ] {
        key_problems(&child(name), keys, found);
    }
    let both = required.iter().filter(|key| optional.contains(key));
    let both: BTreeSet<&str> = both.map(String::as_str).collect();
    if !both.is_empty() {
        let rule = "annotation keys cannot be both required and optional";
        found.invalid(field, &json::string_list(&Vec::from_iter(both)), rule);
    }
    match attributes.cache_type.as_str() {
        "" => {
            let supported = CACHE_TYPES.join(", ");
            let rule = format!(
                "cacheType is required to be set when tokenAttributes is specified. \
                 Supported values are: {supported}"
            );
            found.required(&child("cacheType"), &rule);
        }
        known if CACHE_TYPES.contains(&known) => {}
        other => found.unsupported(&child("cacheType"), other, &CACHE_TYPES),
    }
}

fn key_problems(field: &str, keys: &[String], found: &mut Problems) {
    let mut seen = BTreeSet::new();
    for (at, key) in keys.iter().enumerate() {
        found.item = Some(at);
        // Annotations may have upper case in the prefix, qualified names may not.
        for problem in qualified_name::problems(&go_lowercase(key)) {
            found.invalid(field, &go_quote(key), &problem);
        }
        if !seen.insert(key) {
            found.duplicate(field, key);
        }
    }
    found.item = None;
}

const CACHE_TYPES: [&str; 2] = ["ServiceAccount", "Token"];
