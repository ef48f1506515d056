//! What an explanation says, as data. Its JSON is an interface: fields are added, never changed.

use std::path::PathBuf;
use std::time::Duration;

use regcred_core::ErrorKind;
use serde::{Serialize, Serializer};

use crate::credentials::CredentialLabel;
use crate::image::PullPolicy;

/// Why an image is pulled with which credential.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The image as written.
    pub image: String,
    /// What is asked of the registry.
    pub reference: String,
    /// The normalised name for which keyrings and plugins are asked.
    pub name: String,
    /// The policy of a container that names none.
    pub default_policy: PullPolicy,
    /// Whether plugins were run.
    pub plugins_run: bool,
    /// Whether the registry was to be asked.
    pub registry_asked: bool,
    /// Why a pull secret fails the whole pull; then nothing else was looked at.
    pub pull_secret_error: Option<String>,
    /// The pod's pull secrets, in its order.
    pub pull_secrets: Vec<SecretReport>,
    /// Their keys, in the order of the look-up.
    pub pull_secret_keys: Vec<KeyReport>,
    /// The places of the node's docker configuration; the first usable one counts.
    pub docker_configs: Vec<FileReport>,
    /// Its keys, in the order of the look-up.
    pub docker_config_keys: Vec<KeyReport>,
    /// Whether there is a provider configuration at all.
    pub has_provider_config: bool,
    /// The plugins, in the order of the configuration.
    pub providers: Vec<ProviderReport>,
    /// The keys that plugins answered, in the order of the look-up.
    pub provider_keys: Vec<KeyReport>,
    /// The logins in the order in which they are tried. Without any there is one anonymous attempt,
    /// with some there is none.
    pub candidates: Vec<CandidateReport>,
    /// What came of the anonymous attempt.
    pub anonymous: Option<Trial>,
}

/// A pull secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretReport {
    /// Its label.
    pub source: String,
    /// Why it does not count, if so.
    pub skipped: Option<String>,
    /// What else is worth knowing of it.
    pub notes: Vec<String>,
}

/// A place where a docker configuration may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// Whether it is the one that counts.
    pub used: bool,
    /// Whether there is nothing there.
    pub missing: bool,
    /// What was found, in words.
    pub outcome: String,
    /// What else is worth knowing of it.
    pub notes: Vec<String>,
}

/// A key of a keyring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyReport {
    /// Host and path that are compared with the image.
    pub key: String,
    /// Whether its logins are used.
    pub used: bool,
    /// Why, in words.
    pub verdict: String,
    /// Its logins, in order.
    pub logins: Vec<LoginReport>,
}

/// A login under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginReport {
    /// Where it comes from.
    pub source: String,
    /// The server as written there.
    pub server: String,
    /// The user name.
    pub username: String,
    /// What else is worth knowing of it.
    pub notes: Vec<String>,
}

/// A plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderReport {
    /// Its name in the configuration.
    pub name: String,
    /// Its file.
    pub program: PathBuf,
    /// Whether it works with the pod's service account.
    pub token_mode: bool,
    /// Its patterns, in order.
    pub match_images: Vec<PatternReport>,
    /// What came of it.
    pub state: PluginState,
}

/// A `matchImages` pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PatternReport {
    /// As written.
    pub pattern: String,
    /// Whether it matches the image.
    pub matched: bool,
    /// Why, in words.
    pub verdict: String,
    /// What is dubious about it.
    pub warnings: Vec<String>,
}

/// What came of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum PluginState {
    /// No pattern matches; it is not asked.
    NotMatched,
    /// A pull would ask it.
    WouldRun,
    /// It matches, but the pod's service account does not qualify.
    Skipped {
        /// Why.
        reason: String,
    },
    /// It answered.
    Answered(Answer),
    /// It gave nothing that counts.
    Failed {
        /// The kubelet's sentence.
        error: String,
        /// What the kubelet keeps to itself.
        detail: Option<String>,
        /// How long it took, in seconds.
        #[serde(serialize_with = "seconds")]
        took: Duration,
    },
}

/// A plugin's answer without its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// The keys as answered.
    pub keys: Vec<String>,
    /// `Image`, `Registry` or `Global`.
    pub cache_key_type: String,
    /// How long the kubelet may keep it; `None` leaves that to the configuration.
    pub cache_duration: Option<String>,
    /// Whether it was an earlier answer.
    pub cached: bool,
    /// How long it took, in seconds.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
}

/// A login that is to be tried.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CandidateReport {
    /// Where it comes from and whose it is.
    #[serde(flatten)]
    pub credential: CredentialLabel,
    /// The number (from 1) of an earlier one with the same user name and password. The kubelet
    /// tries it again; we do not.
    pub same_as: Option<usize>,
    /// What the registry said; `None` when it was not asked.
    pub trial: Option<Trial>,
}

/// What the registry said.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trial {
    /// Whether the manifest was shown.
    pub worked: bool,
    /// The manifest's digest.
    pub digest: Option<String>,
    /// Why not.
    pub error: Option<String>,
    /// What kind of failure it was.
    #[serde(skip)]
    pub kind: Option<ErrorKind>,
    /// Whether another credential might do better.
    #[serde(skip)]
    pub curable: bool,
    /// How long it took, in seconds.
    #[serde(serialize_with = "seconds")]
    pub took: Duration,
}

fn seconds<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    let millis = u32::try_from(span.as_millis()).unwrap_or(u32::MAX);
    serializer.serialize_f64(f64::from(millis) / 1000.0)
}
