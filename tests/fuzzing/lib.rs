//! Everything that reads bytes of others, each as a function of bytes. A function panics when a property
//! does not hold: what is printed is read again as it was, a message has nothing that a terminal obeys,
//! a secret stays where it belongs.
//!
//! `make fuzz` runs them under libFuzzer; the tests run them over the committed corpus and over
//! mutations of it.

mod clouds;
mod docker;
mod files;
mod http;
mod image;
mod kubelet;
mod message;
mod names;
mod node;
mod pem;
mod registry;
mod replies;
mod scratch;
mod texts;

/// A function with the name of its corpus and its fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its folder in `fuzz/corpus`, and of its file in `fuzz/fuzz_targets`.
    pub name: &'static str,
    /// Reads the bytes.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    target("challenge", texts::challenge),
    target("cloud_answers", clouds::answers),
    target("docker_config", docker::config),
    target("foreign_text", texts::foreign),
    target("generic_config", files::generic_config),
    target("go_values", texts::go_values),
    target("hosts_toml", files::hosts_toml),
    target("http_response", http::response),
    target("image_list", node::image_list),
    target("aws_files", files::aws),
    target("azure_files", files::azure),
    target("google_files", files::google),
    target("oracle_files", files::oracle),
    target("json", texts::json),
    target("manifest", image::manifest),
    target("node_files", node::files),
    target("pattern", names::pattern),
    target("pem", pem::keys),
    target("ca_bundle", pem::ca_bundle),
    target("provider_config", kubelet::provider_config),
    target("pull_record", kubelet::pull_record),
    target("pull_secret", docker::pull_secret),
    target("reference", names::reference),
    target("refresh_config", files::refresh_config),
    target("registry_answers", registry::answers),
    target("request", kubelet::request),
    target("response", kubelet::response),
    target("token_response", clouds::token_response),
    target("yaml", texts::yaml),
];

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// Runs the target of that name.
///
/// # Panics
/// When it does not exist, or a property of it does not hold.
pub fn run(name: &str, input: &[u8]) {
    let found = TARGETS.iter().find(|target| target.name == name);
    let target = found.unwrap_or_else(|| panic!("{name} is not a target"));
    (target.run)(input);
}
