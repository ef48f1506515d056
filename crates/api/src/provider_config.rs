//! The kubelet's `CredentialProviderConfig`, read strictly from YAML or JSON (kubernetes
//! `pkg/credentialprovider/plugin/config.go`, `decode`).

use regcred_go::{DecodeError, Decoder, GoDuration, Value, go_quote};
use secrecy::SecretString;

use crate::document::Document;
use crate::version::{TypeMeta, bounded};

/// A decoded configuration. Only the form has been checked; the kubelet's rules about the content
/// are the engine's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialProviderConfig {
    /// The version the document was written in.
    pub version: ConfigVersion,
    /// The plugins, in the order written.
    pub providers: Vec<ProviderEntry>,
    /// Whether further YAML documents follow, which a kubelet does not read.
    pub has_more: bool,
}

/// A version of the group `kubelet.config.k8s.io` that has a `CredentialProviderConfig`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConfigVersion {
    /// `kubelet.config.k8s.io/v1alpha1`
    V1Alpha1,
    /// `kubelet.config.k8s.io/v1beta1`
    V1Beta1,
    /// `kubelet.config.k8s.io/v1`, the only one with `tokenAttributes`.
    V1,
}

/// One plugin.
#[derive(Clone, Debug, Default)]
pub struct ProviderEntry {
    /// File name of the plugin in the bin dir.
    pub name: String,
    /// Patterns of the images for which the plugin is asked.
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

/// Which service account token and annotations a plugin is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenAttributes {
    /// The token's only audience.
    pub service_account_token_audience: String,
    /// `ServiceAccount` or `Token`, as written.
    pub cache_type: String,
    /// Whether the plugin is left out for pods without a service account; the kubelet requires it.
    pub require_service_account: Option<bool>,
    /// Annotations without which the plugin is left out.
    pub required_service_account_annotation_keys: Vec<String>,
    /// Annotations that are sent where they exist.
    pub optional_service_account_annotation_keys: Vec<String>,
}

/// Decodes a configuration file. What begins with `{` is JSON, everything else YAML.
///
/// # Errors
/// In the kubelet's words: unknown fields and duplicate keys, wrong types, bad durations, an
/// unknown kind or version. Values of `env` are never repeated.
pub fn decode_config(input: &[u8]) -> Result<CredentialProviderConfig, DecodeError> {
    let Document {
        value: document,
        finding,
        has_more,
    } = Document::parse(input)?;
    let meta = TypeMeta::of(&document)?;
    let version = ConfigVersion::of(&meta)?;
    let mut decoder = Decoder::with_finding(finding);
    let mut providers = Vec::new();
    let package = version.go_package();
    decoder.object(
        document,
        ("", "CredentialProviderConfig"),
        &["kind", "apiVersion", "providers"],
        |decoder, field, value| match field {
            "providers" => {
                providers.clear();
                let list = format!("[]{package}.CredentialProvider");
                decoder.list(value, &list, |decoder, item| {
                    providers.push(provider(decoder, item, version));
                });
            }
            _ => decoder.text(&value, "string", &mut String::new()),
        },
    );
    decoder.finish()?;
    Ok(CredentialProviderConfig {
        version,
        providers,
        has_more,
    })
}

impl PartialEq for ProviderEntry {
    fn eq(&self, other: &Self) -> bool {
        use secrecy::ExposeSecret as _;
        let same_env = |a: &[(String, SecretString)], b: &[(String, SecretString)]| {
            a.len() == b.len()
                && a.iter().zip(b).all(|((name, value), (other, text))| {
                    name == other && value.expose_secret() == text.expose_secret()
                })
        };
        self.name == other.name
            && self.match_images == other.match_images
            && self.default_cache_duration == other.default_cache_duration
            && self.api_version == other.api_version
            && self.args == other.args
            && same_env(&self.env, &other.env)
            && self.token_attributes == other.token_attributes
    }
}

impl Eq for ProviderEntry {}

impl ConfigVersion {
    /// The value of `apiVersion`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1Alpha1 => "kubelet.config.k8s.io/v1alpha1",
            Self::V1Beta1 => "kubelet.config.k8s.io/v1beta1",
            Self::V1 => "kubelet.config.k8s.io/v1",
        }
    }

    fn go_package(self) -> &'static str {
        match self {
            Self::V1Alpha1 => "v1alpha1",
            Self::V1Beta1 => "v1beta1",
            Self::V1 => "v1",
        }
    }

    fn of(meta: &TypeMeta) -> Result<Self, DecodeError> {
        let TypeMeta { kind, version, .. } = meta;
        // Kubernetes shows the whole document here; it may hold secrets.
        if kind.is_empty() {
            return Err(DecodeError::new("Object 'Kind' is missing"));
        }
        if version.is_empty() {
            return Err(DecodeError::new("Object 'apiVersion' is missing"));
        }
        let group_version = meta.group_version();
        let known = [Self::V1Alpha1, Self::V1Beta1, Self::V1]
            .into_iter()
            .find(|version| version.as_str() == group_version);
        if let Some(version) = known
            && kind == "CredentialProviderConfig"
        {
            return Ok(version);
        }
        if OTHER_KINDS.contains(&(&group_version, kind)) {
            return Err(DecodeError::new(format!(
                "failed to decode {} (wrong Kind)",
                go_quote(kind)
            )));
        }
        Err(DecodeError::new(format!(
            "no kind {} is registered for version {} in scheme {SCHEME:?}",
            go_quote(bounded(kind)),
            go_quote(bounded(&group_version)),
        )))
    }
}

fn provider(decoder: &mut Decoder, value: Value, version: ConfigVersion) -> ProviderEntry {
    let mut entry = ProviderEntry::default();
    let package = version.go_package();
    let fields = match version {
        ConfigVersion::V1 => PROVIDER_FIELDS,
        ConfigVersion::V1Alpha1 | ConfigVersion::V1Beta1 => {
            &PROVIDER_FIELDS[..PROVIDER_FIELDS.len() - 1]
        }
    };
    let go_type = format!("{package}.CredentialProvider");
    decoder.object(
        value,
        (&go_type, "CredentialProvider"),
        fields,
        |decoder, field, value| match field {
            "name" => decoder.text(&value, "string", &mut entry.name),
            "matchImages" => decoder.texts(value, &mut entry.match_images),
            "defaultCacheDuration" => decoder.duration(&value, &mut entry.default_cache_duration),
            "apiVersion" => decoder.text(&value, "string", &mut entry.api_version),
            "args" => decoder.texts(value, &mut entry.args),
            "env" => {
                entry.env.clear();
                let list = format!("[]{package}.ExecEnvVar");
                decoder.list(value, &list, |decoder, item| {
                    entry.env.push(variable(decoder, item, package));
                });
            }
            _ => entry.token_attributes = token_attributes(decoder, value),
        },
    );
    entry
}

fn variable(decoder: &mut Decoder, value: Value, package: &str) -> (String, SecretString) {
    let (mut name, mut content) = (String::new(), SecretString::default());
    let go_type = format!("{package}.ExecEnvVar");
    decoder.object(
        value,
        (&go_type, "ExecEnvVar"),
        &["name", "value"],
        |decoder, field, value| match field {
            "name" => decoder.text(&value, "string", &mut name),
            _ => decoder.secret(value, &mut content),
        },
    );
    (name, content)
}

fn token_attributes(decoder: &mut Decoder, value: Value) -> Option<TokenAttributes> {
    if matches!(value, Value::Null) {
        return None;
    }
    let mut attributes = TokenAttributes::default();
    decoder.object(
        value,
        (
            "v1.ServiceAccountTokenAttributes",
            "ServiceAccountTokenAttributes",
        ),
        &[
            "serviceAccountTokenAudience",
            "cacheType",
            "requireServiceAccount",
            "requiredServiceAccountAnnotationKeys",
            "optionalServiceAccountAnnotationKeys",
        ],
        |decoder, field, value| {
            let into = &mut attributes;
            match field {
                "serviceAccountTokenAudience" => {
                    decoder.text(&value, "string", &mut into.service_account_token_audience);
                }
                "cacheType" => {
                    let go_type = "v1.ServiceAccountTokenCacheType";
                    decoder.text(&value, go_type, &mut into.cache_type);
                }
                "requireServiceAccount" => decoder.flag(&value, &mut into.require_service_account),
                "requiredServiceAccountAnnotationKeys" => {
                    decoder.texts(value, &mut into.required_service_account_annotation_keys);
                }
                _ => decoder.texts(value, &mut into.optional_service_account_annotation_keys),
            }
        },
    );
    Some(attributes)
}

/// The last one exists in v1 only.
const PROVIDER_FIELDS: &[&str] = &[
    "name",
    "matchImages",
    "defaultCacheDuration",
    "apiVersion",
    "args",
    "env",
    "tokenAttributes",
];

/// Kinds that the kubelet's decoder knows beside the one wanted.
const OTHER_KINDS: &[(&str, &str)] = &[
    ("kubelet.config.k8s.io/v1alpha1", "ImagePullIntent"),
    ("kubelet.config.k8s.io/v1alpha1", "ImagePulledRecord"),
    ("kubelet.config.k8s.io/v1beta1", "ImagePullIntent"),
    ("kubelet.config.k8s.io/v1beta1", "ImagePulledRecord"),
    ("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"),
    (
        "kubelet.config.k8s.io/v1beta1",
        "SerializedNodeConfigSource",
    ),
    (
        "credentialprovider.kubelet.k8s.io/v1alpha1",
        "CredentialProviderRequest",
    ),
    (
        "credentialprovider.kubelet.k8s.io/v1alpha1",
        "CredentialProviderResponse",
    ),
    (
        "credentialprovider.kubelet.k8s.io/v1beta1",
        "CredentialProviderRequest",
    ),
    (
        "credentialprovider.kubelet.k8s.io/v1beta1",
        "CredentialProviderResponse",
    ),
    (
        "credentialprovider.kubelet.k8s.io/v1",
        "CredentialProviderRequest",
    ),
    (
        "credentialprovider.kubelet.k8s.io/v1",
        "CredentialProviderResponse",
    ),
];

/// How the kubelet names the set of kinds it knows; it adds a line number, another in each release.
const SCHEME: &str = "pkg/credentialprovider/plugin/plugin.go";

#[cfg(test)]
mod tests;
