//! The kubelet's `CredentialProviderConfig`, read strictly from YAML or JSON (kubernetes
//! `pkg/credentialprovider/plugin/config.go`, `decode`).

use regcred_core::SecretText as _;
use regcred_go::{DecodeError, Decoder, Field, GoDuration, Value, field, go_quote};
use secrecy::SecretString;

use crate::document::Document;
use crate::version::{ApiVersion, ConfigVersion, RecordVersion, TypeMeta, bounded};
use crate::{pull_record, request, response};

/// A decoded configuration. Only the form has been checked; the engine applies the kubelet's rules
/// about the content.
#[derive(Clone, Debug)]
pub struct CredentialProviderConfig {
    /// The version the document was written in.
    pub version: ConfigVersion,
    /// The plugins, in the order written.
    pub providers: Vec<ProviderEntry>,
    /// Whether further YAML documents follow, which a kubelet does not read.
    pub has_more: bool,
}

/// One plugin.
#[derive(Clone, Debug, Default)]
pub struct ProviderEntry {
    /// File name of the plugin in the bin dir.
    pub name: String,
    /// Patterns of the images for which the plugin runs.
    pub match_images: Vec<String>,
    /// How long an answer without `cacheDuration` is kept; the kubelet requires it.
    pub default_cache_duration: Option<GoDuration>,
    /// Version of the protocol, as written; the kubelet accepts [`crate::ApiVersion`]'s.
    pub api_version: String,
    /// Arguments of the plugin.
    pub args: Vec<String>,
    /// Variables added after the kubelet's own environment, in order.
    pub env: Vec<(String, SecretString)>,
    /// Service account token mode (KEP-4412).
    pub token_attributes: Option<TokenAttributes>,
}

impl ProviderEntry {
    /// Whether both are the same entry.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let mut variables = self.env.iter().zip(&other.env);
        (
            &self.name,
            &self.match_images,
            &self.api_version,
            &self.args,
        ) == (
            &other.name,
            &other.match_images,
            &other.api_version,
            &other.args,
        ) && self.default_cache_duration == other.default_cache_duration
            && self.token_attributes == other.token_attributes
            && self.env.len() == other.env.len()
            && variables.all(|((name, value), (other, same))| name == other && value.is_same(same))
    }
}

/// The service account token and annotations that a plugin gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenAttributes {
    /// The token's only audience.
    pub service_account_token_audience: String,
    /// `ServiceAccount` or `Token`, as written.
    pub cache_type: String,
    /// Whether the plugin is skipped for pods without a service account; the kubelet requires it.
    pub require_service_account: Option<bool>,
    /// Annotations without which the plugin is skipped.
    pub required_service_account_annotation_keys: Vec<String>,
    /// Annotations that are sent if they exist.
    pub optional_service_account_annotation_keys: Vec<String>,
}

/// Decodes a configuration file. A text that begins with `{` is JSON, any other YAML.
///
/// # Errors
/// In the kubelet's words: unknown fields and duplicate keys, wrong types, bad durations, an
/// unknown kind or version. Values of `env` are never repeated.
pub fn decode_config(input: &[u8]) -> Result<CredentialProviderConfig, DecodeError> {
    let document = Document::parse(input)?;
    let meta = TypeMeta::of(&document.value)?;
    let Some(version) = version_of(&meta)? else {
        return Err(wrong_kind(&meta.kind, document));
    };
    let mut config = CredentialProviderConfig {
        version,
        providers: Vec::new(),
        has_more: document.has_more,
    };
    let mut decoder = Decoder::new(version.go_package(), document.finding);
    decoder.object(document.value, KIND, CONFIG, &mut config);
    decoder.finish()?;
    Ok(config)
}

/// `None` for another kind that the kubelet's decoder knows.
fn version_of(meta: &TypeMeta) -> Result<Option<ConfigVersion>, DecodeError> {
    let kind = meta.kind.as_str();
    // Kubernetes shows the whole document here; it may hold secrets.
    if kind.is_empty() {
        return Err(DecodeError::new("Object 'Kind' is missing"));
    }
    if meta.version.is_empty() {
        return Err(DecodeError::new("Object 'apiVersion' is missing"));
    }
    let group_version = meta.group_version();
    if let (KIND, Ok(version)) = (kind, group_version.parse()) {
        return Ok(Some(version));
    }
    let is_other = match kind {
        pull_record::INTENT | pull_record::RECORD => group_version.parse::<RecordVersion>().is_ok(),
        request::KIND | response::KIND => group_version.parse::<ApiVersion>().is_ok(),
        "KubeletConfiguration" | "SerializedNodeConfigSource" => {
            group_version == "kubelet.config.k8s.io/v1beta1"
        }
        _ => false,
    };
    if is_other {
        return Ok(None);
    }
    Err(DecodeError::new(format!(
        "no kind {} is registered for version {} in scheme {SCHEME:?}",
        go_quote(bounded(kind)),
        go_quote(bounded(&group_version)),
    )))
}

/// The kubelet decodes another kind strictly before it refuses it. Of the unknown fields only
/// `providers` is looked for, which no other kind has.
fn wrong_kind(kind: &str, document: Document) -> DecodeError {
    let mut decoder = Decoder::new("", document.finding);
    if let Value::Object(mut members) = document.value {
        members.retain(|(name, _)| name == CONFIG[0].0);
        decoder.object(Value::Object(members), KIND, &[], &mut ());
    }
    let wrong = || DecodeError::new(format!("failed to decode {} (wrong Kind)", go_quote(kind)));
    decoder.finish().err().unwrap_or_else(wrong)
}

const CONFIG: &[Field<CredentialProviderConfig>] = &[("providers", |d, value, config| {
    let known = PROVIDER.len() - usize::from(!config.version.has_token_attributes());
    let fields = &PROVIDER[..known];
    d.objects(value, "CredentialProvider", fields, &mut config.providers);
})];

const PROVIDER: &[Field<ProviderEntry>] = &[
    field!("name", text, name),
    field!("matchImages", texts, match_images),
    field!("defaultCacheDuration", duration, default_cache_duration),
    field!("apiVersion", text, api_version),
    field!("args", texts, args),
    ("env", |d, value, into| {
        d.objects(value, "ExecEnvVar", VARIABLE, &mut into.env);
    }),
    // The last, since not every version has it.
    ("tokenAttributes", |d, value, into| {
        let is_null = matches!(value, Value::Null);
        let mut attributes = TokenAttributes::default();
        d.object(
            value,
            "ServiceAccountTokenAttributes",
            TOKEN,
            &mut attributes,
        );
        into.token_attributes = (!is_null).then_some(attributes);
    }),
];

const VARIABLE: &[Field<(String, SecretString)>] =
    &[field!("name", text, 0), field!("value", secret, 1)];

const TOKEN: &[Field<TokenAttributes>] = &[
    field!(
        "serviceAccountTokenAudience",
        text,
        service_account_token_audience
    ),
    ("cacheType", |d, value, into| {
        d.word(value, "ServiceAccountTokenCacheType", &mut into.cache_type);
    }),
    field!("requireServiceAccount", flag, require_service_account),
    field!(
        "requiredServiceAccountAnnotationKeys",
        texts,
        required_service_account_annotation_keys
    ),
    field!(
        "optionalServiceAccountAnnotationKeys",
        texts,
        optional_service_account_annotation_keys
    ),
];

const KIND: &str = "CredentialProviderConfig";

/// The kubelet's name of its set of kinds; it adds a line number, which differs between releases.
const SCHEME: &str = "pkg/credentialprovider/plugin/plugin.go";

#[cfg(test)]
mod tests;
