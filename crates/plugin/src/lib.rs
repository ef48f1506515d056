//! The main function of every credential provider plugin, and its three faces: the kubelet's exec
//! protocol, docker's credential helper protocol, and `token` for people.
//!
//! A plugin's own main function is one call of [`main`] with its cloud's
//! [`ProviderSpec`](regcred_core::ProviderSpec). The faces turn what a provider issued into the form
//! that their reader requires; providers know none of these forms.

mod cache_duration;
mod chosen_provider;
mod command_line;
mod context;
mod face;
#[cfg(test)]
mod fake;
pub mod output;
mod program_name;
mod replaced_helper;
mod run;
mod vars;

pub use command_line::is_near;
pub use program_name::program_name;
pub use run::{ask_login, main, run_as, run_token};
pub use vars::{VARS, docker_config_path};
