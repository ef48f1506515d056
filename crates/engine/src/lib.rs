//! The kubelet's image path as a library: which credentials a node would try for an image and in
//! which order, and the pull that tries them.
//!
//! An [`Engine`] is a kubelet's configuration: the exec plugins of a CredentialProviderConfig with
//! their caches, and the paths of the node's docker configuration. A [`Pod`] has pull secrets and a
//! service account. Nothing is global: paths, environment and clock are values.
//!
//! ```no_run
//! use regcred_core::{Env, ImageRef};
//! use regcred_engine::{Engine, LayoutStore, Pod, PullRequest};
//! use regcred_registry::{Layout, NoProgress, PullOptions};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::builder(&Env::process())
//!     .provider_config("/etc/kubernetes/credential-providers.yaml")
//!     .bin_dir("/usr/libexec/kubernetes/credential-providers")
//!     .build()?;
//! let pod = Pod::new().pull_secret_file("pull-secret.yaml");
//!
//! // Which credentials would a kubelet on this node try, and in which order?
//! let image = ImageRef::parse("registry.example.com/team/app:v1")?;
//! let lookup = engine.lookup(&image.name(), &pod).await?;
//! for candidate in &lookup.candidates {
//!     println!("{} as {}", candidate.source, candidate.credentials.username);
//! }
//!
//! // Try them.
//! let layout = Layout::open_or_create("/var/lib/images")?;
//! let store = LayoutStore::new(&engine, layout, PullOptions::default());
//! let request = PullRequest::new(image.to_string()).pod(pod);
//! let outcome = engine.pull(&request, &store, &NoProgress).await?;
//! println!("{}", outcome.message);
//! # Ok(())
//! # }
//! ```
//!
//! By default the engine answers exactly as a kubelet 1.36. [`Improvements`] are named options to do
//! better. [`ImageManager`] is a kubelet's image manager over any [`ImageStore`]: back-off, limits, and
//! with [`PullRecords`] the rules for who may use an image that is present.

mod blocking_read;
mod config;
mod credentials;
mod engine;
mod explain;
mod image;
mod improvements;
mod plugin;
mod table;
#[cfg(test)]
mod testing;

pub use config::{
    ConfigError, EntryOrigin, EntryProblem, PatternDoubt, ProviderConfig, pattern_doubts,
};
pub use credentials::{
    Attempt, AttemptError, Conclusion, CredentialLabel, CredentialsError, Failed, FailureContext,
    Lookup, Pod, Turn,
};
pub use engine::{Engine, EngineBuilder, EngineError, NodeReport};
pub use explain::{
    CandidateReport, Explanation, HostsReport, PatternReport, ProviderReport, Trial, TrialEvent,
    Tries,
};
pub use image::{
    Access, Allowlist, Event, EventKind, ImageManager, ImageManagerBuilder, ImageStore,
    LayoutStore, LimitsError, ListedImage, PodCredentials, PolicyError, PullError, PullIntent,
    PullLimits, PullOutcome, PullPolicy, PullReason, PullRecords, PullRequest, RecordError,
    StoredImage, UnknownPullPolicy, VerificationPolicy,
};
pub use improvements::{Improvements, UnknownImprovement};
pub use plugin::{Plugin, PluginEnvironment, PluginError, Provision, SkipReason, TokenFile};
pub use regcred_core::{
    PodServiceAccount, ServiceAccount, ServiceAccountCoordinates, ServiceAccountError,
};
pub use regcred_exec::ProcessEnvironment;
pub use regcred_keyring::KeyringRules;
pub use table::{TextLine, TextTable, Tone};
