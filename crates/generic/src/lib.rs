//! Every registry without a cloud of its own: a configuration file names the registries and, for each,
//! where its login comes from.
//!
//! | source | login |
//! |---|---|
//! | `static` | files that may be rotated, or a docker configuration file |
//! | `passThrough` | the pod's service account token itself |
//! | `exchange`, `json` and the presets | what a token endpoint returns for the pod's token |
//! | `helper` | what a docker credential helper prints |
//!
//! The file alone decides whose token goes where. The pod's token is sent only if its one audience is
//! that of the registry's entry.

mod answer;
mod docker_helper;
mod document;
mod exchange;
mod hosts;
mod identity;
mod pod_token;
mod presets;
mod provider;
mod rule;
mod settings;
mod static_login;
mod vars;

use regcred_cloud::Errors;

pub use provider::{Generic, SPEC};

/// The provider's name in errors, caches and programs.
const NAME: &str = "generic";
/// This provider's errors.
const ERRORS: Errors = Errors::of(NAME);
