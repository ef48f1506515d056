//! An explanation as data. Its JSON is an interface: fields are added, never changed.

use std::path::PathBuf;
use std::time::Duration;

use regcred_core::ErrorKind;
use regcred_keyring::{ConfigFile, InspectedKey, SecretReport, Verdict};
use regcred_registry::ServerReport;
use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use crate::credentials::{AttemptError, Conclusion, CredentialLabel};
use crate::image::PullPolicy;
use crate::plugin::{PluginEnvironment, Provision, seconds};

/// Why an image is pulled with which credential.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The image as written.
    pub image: String,
    /// The reference that the registry is asked for.
    pub reference: String,
    /// The normalised name that keyrings and plugins are asked for.
    pub name: String,
    /// The policy of a container that names none.
    pub default_policy: PullPolicy,
    /// The environment that plugins have.
    pub plugin_environment: PluginEnvironment,
    /// Whether plugins were run.
    pub plugins_run: bool,
    /// Whether the registry was to be asked.
    pub registry_asked: bool,
    /// The result of all that follows.
    pub verdict: Conclusion,
    /// Why a pull secret fails the whole pull; then the other sources are shown and nothing is tried.
    pub pull_secret_error: Option<String>,
    /// The pod's pull secrets, in the pod's order.
    pub pull_secrets: Vec<SecretReport>,
    /// The keys of the pull secrets, in the order of the look-up.
    pub pull_secret_keys: Vec<InspectedKey>,
    /// The files searched for the node's docker configuration; the first usable one is used.
    pub docker_configs: Vec<ConfigFile>,
    /// The keys of the docker configuration, in the order of the look-up.
    pub docker_config_keys: Vec<InspectedKey>,
    /// Whether there is a provider configuration.
    pub has_provider_config: bool,
    /// The plugins, in the order of the configuration.
    pub providers: Vec<ProviderReport>,
    /// The keys that plugins returned, in the order of the look-up.
    pub provider_keys: Vec<InspectedKey>,
    /// The servers that are asked for the image.
    pub hosts: HostsReport,
    /// The logins in the order in which they are tried.
    pub candidates: Vec<CandidateReport>,
    /// Anonymous attempts before the last one, each with other logins for mirrors.
    pub anonymous_before: Vec<Trial>,
    /// The last anonymous attempt; `None` if none was made.
    pub anonymous: Option<Trial>,
}

/// The servers of the image's registry, and where they are configured.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HostsReport {
    /// The hosts.toml, or a directory of bare certificates; `None` if neither exists.
    pub file: Option<PathBuf>,
    /// Why it cannot be used.
    pub error: Option<String>,
    /// What is wrong with it where a container runtime goes on.
    pub warnings: Vec<String>,
    /// The servers in the order in which they are asked.
    pub servers: Vec<ServerReport>,
}

/// A plugin.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderReport {
    /// Its name in the configuration.
    pub name: String,
    /// Its file.
    pub program: PathBuf,
    /// Whether it uses the pod's service account.
    pub token_mode: bool,
    /// Its patterns, in order.
    pub match_images: Vec<PatternReport>,
    /// The result of asking it.
    pub state: Provision,
}

/// A `matchImages` pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternReport {
    /// As written.
    pub pattern: String,
    /// Whether it matches the image, or why not.
    pub verdict: Verdict,
    /// Why it may match less than its author expects.
    pub warnings: Vec<String>,
}

/// A login that is to be tried.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CandidateReport {
    /// Its origin and its user.
    #[serde(flatten)]
    pub credential: CredentialLabel,
    /// The number (from 1) of an earlier one with the same user name and password. The kubelet
    /// tries it again; the engine does not.
    pub same_as: Option<usize>,
    /// The registry's answer; `None` when it was not asked.
    pub trial: Option<Trial>,
}

/// A registry's answer to a request for the manifest.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The manifest's digest, or why the registry did not return it.
    pub result: Result<String, AttemptError>,
    /// How long it took; seconds in JSON.
    pub took: Duration,
    /// Every server in order, with what it was asked and what it answered.
    pub servers: Vec<ServerReport>,
}

impl Trial {
    /// Whether the image's login went over the wire.
    pub(super) fn sent_image_login(&self) -> bool {
        let mut asked = self
            .servers
            .iter()
            .filter_map(|server| server.asked.as_ref());
        asked.any(|one| one.image_login_sent)
    }

    /// The logins of hosts' own with which it worked instead of the image's; empty if none was sent.
    pub(super) fn host_logins(&self) -> Vec<String> {
        let answered = self
            .servers
            .iter()
            .filter_map(|server| server.asked.as_ref());
        let answered = answered.filter(|one| one.status.is_some() && !one.image_login_sent);
        answered.flat_map(|one| one.host_logins.clone()).collect()
    }
}

impl Explanation {
    /// The kind of failure that a pull would end with; `None` when a credential or the anonymous
    /// attempt worked, or when nothing was tried. A pull secret that cannot be used fails the pull
    /// without a try.
    #[must_use]
    pub fn failure(&self) -> Option<ErrorKind> {
        if self.pull_secret_error.is_some() {
            return Some(ErrorKind::NotConfigured);
        }
        let candidates = self.candidates.iter().filter_map(|one| one.trial.as_ref());
        let last = candidates.chain(&self.anonymous).last()?;
        last.result.as_ref().err().map(|error| error.kind)
    }
}

impl Serialize for PatternReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pattern = serializer.serialize_struct("PatternReport", 5)?;
        pattern.serialize_field("pattern", &self.pattern)?;
        pattern.serialize_field("matched", &(self.verdict == Verdict::Matched))?;
        pattern.serialize_field("verdict", &self.verdict.to_string())?;
        pattern.serialize_field("reason", &self.verdict)?;
        pattern.serialize_field("warnings", &self.warnings)?;
        pattern.end()
    }
}

impl Serialize for Trial {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'a> {
            worked: bool,
            digest: Option<&'a String>,
            error: Option<&'a String>,
            #[serde(serialize_with = "seconds")]
            took: Duration,
            servers: &'a [ServerReport],
        }
        let shown = Shown {
            worked: self.result.is_ok(),
            digest: self.result.as_ref().ok(),
            error: self.result.as_ref().err().map(|error| &error.message),
            took: self.took,
            servers: &self.servers,
        };
        shown.serialize(serializer)
    }
}
