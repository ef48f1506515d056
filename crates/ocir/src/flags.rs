//! Command line flags, named after Oracle's command line.

use regcred_core::Flag;

use crate::vars;

pub(crate) const FLAGS: &[Flag] = &[
    Flag {
        name: "auth",
        short: None,
        var: vars::AUTH_METHOD,
        value: Some("METHOD"),
        doc: "Principal: auto, instance_principal, user_principal, security_token, instance_obo_user, resource_principal, oke_workload_identity, token_exchange or auth_token.",
    },
    Flag {
        name: "config",
        short: None,
        var: vars::PLUGIN_CONFIG,
        value: Some("FILE"),
        doc: "YAML file of the earlier kubelet plugin.",
    },
    Flag {
        name: "config-file",
        short: None,
        var: vars::CLI_CONFIG_FILE,
        value: Some("FILE"),
        doc: "Configuration file with profiles.",
    },
    Flag {
        name: "profile",
        short: None,
        var: vars::CLI_PROFILE,
        value: Some("NAME"),
        doc: "Profile of the configuration file.",
    },
    Flag {
        name: "username",
        short: None,
        var: vars::USERNAME,
        value: Some("NAME"),
        doc: "Namespace and user for a login by auth token.",
    },
    Flag {
        name: "auth-token-file",
        short: None,
        var: vars::AUTH_TOKEN_FILE,
        value: Some("FILE"),
        doc: "File with the auth token.",
    },
    Flag {
        name: "require-pod-identity",
        short: None,
        var: vars::REQUIRE_POD_IDENTITY,
        value: None,
        doc: "Refuse requests without a service account token.",
    },
    Flag {
        name: "token-validation",
        short: None,
        var: vars::VALIDATION,
        value: Some("WORD"),
        doc: "Try fresh tokens: enabled, or disabled.",
    },
    Flag {
        name: "also-serve",
        short: None,
        var: vars::ALSO_SERVE,
        value: Some("HOST"),
        doc: "A further host that may be given a registry token.",
    },
];
