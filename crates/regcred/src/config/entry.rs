//! An entry of a CredentialProviderConfig.

use regcred_api::ApiVersion;
use regcred_core::PodTokens;
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
}
