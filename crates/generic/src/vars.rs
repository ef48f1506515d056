//! Every variable that decides what this provider does.

use regcred_core::{EnvVar, Role, options};

options! {
    /// Every variable that decides what this provider does.
    pub(crate) VARS:
    CONFIG = EnvVar::new("REGCRED_GENERIC_CONFIG",
        "File that names the registries and the source of each login.",
        "`/etc/regcred/generic.yaml`, if it exists")
        .role(Role::ConfigFile)
        .not_in_key("what the file has for a registry is in the key, wherever the file is")
        .flag("config", "FILE", "File that names the registries and the source of each login.");
    REQUIRE_POD_IDENTITY = EnvVar::new("REGCRED_GENERIC_REQUIRE_POD_IDENTITY",
        "When true, a request without a usable pod token is an error: no fall-back is used, and no \
         login that is the same for all pods.", "false")
        .role(Role::RequirePod)
        .switch("require-pod-identity", "Refuse requests without a service account token.");
}
