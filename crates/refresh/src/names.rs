//! The names that the refresher leaves in a cluster.

/// The label that names the manager of a Secret.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The label's value, and the field manager.
pub(crate) const NAME: &str = "regcred-refresh";
/// The prefix of our annotations.
pub(crate) const PREFIX: &str = "refresh.regcred.dev/";
/// Set by an owner to hand a Secret over.
pub(crate) const ADOPT: &str = "refresh.regcred.dev/adopt";
pub(crate) const EXPIRES_AT: &str = "refresh.regcred.dev/expires-at";
pub(crate) const REFRESHED_AT: &str = "refresh.regcred.dev/refreshed-at";
/// A hash of what decides the content.
pub(crate) const INPUTS: &str = "refresh.regcred.dev/inputs";
/// The times of each registry's login.
pub(crate) const REGISTRIES: &str = "refresh.regcred.dev/registries";
/// Annotations that exclude a namespace, with their values: our own, and those of the tools that
/// regcred replaces.
pub(crate) const OPT_OUT: &[(&str, &[&str])] = &[
    ("refresh.regcred.dev/ignore", &["true", "1"]),
    ("alexellis.io/registry-creds.ignore", &["true", "1"]),
    (
        "k8s.titansoft.com/imagepullsecret-patcher-exclude",
        &["true"],
    ),
];
