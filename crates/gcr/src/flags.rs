//! Command line flags: upstream's names where upstream has one (`auth-provider-gcp`).

use regcred_core::Flag;

use crate::vars;

pub(crate) const FLAGS: &[Flag] = &[
    Flag {
        name: "authFlow",
        short: Some('a'),
        var: vars::AUTH_FLOW,
        value: Some("FLOW"),
        doc: "Kind of credentials: gcr, dockercfg or dockercfg-url.",
    },
    Flag {
        name: "identity-provider",
        short: None,
        var: vars::IDENTITY_PROVIDER,
        value: Some("URL"),
        doc: "URL of the GKE cluster that issues the pods' tokens; needs --project-id.",
    },
    Flag {
        name: "project-id",
        short: None,
        var: vars::PROJECT_ID,
        value: Some("PROJECT"),
        doc: "Project of the GKE cluster.",
    },
    Flag {
        name: "sts-audience",
        short: None,
        var: vars::STS_AUDIENCE,
        value: Some("PROVIDER"),
        doc: "Workload identity pool provider for pods of a cluster outside GKE.",
    },
    Flag {
        name: "pod-identity",
        short: None,
        var: vars::POD_IDENTITY,
        value: Some("WHEN"),
        doc: "When a pod's own service account is used: annotated, always or never.",
    },
    Flag {
        name: "impersonate",
        short: None,
        var: vars::IMPERSONATE,
        value: Some("EMAIL"),
        doc: "Service account to act as.",
    },
    Flag {
        name: "token-source",
        short: None,
        var: vars::TOKEN_SOURCES,
        value: Some("LIST"),
        doc: "Where identities are looked for, in order: file, metadata, gcloud.",
    },
    Flag {
        name: "username",
        short: None,
        var: vars::USERNAME,
        value: Some("NAME"),
        doc: "User name of the answer: _token, oauth2accesstoken, _json_key or _json_key_base64.",
    },
    Flag {
        name: "scopes",
        short: None,
        var: vars::SCOPES,
        value: Some("LIST"),
        doc: "OAuth2 scopes of the token.",
    },
    Flag {
        name: "self-signed-jwt",
        short: None,
        var: vars::SELF_SIGNED,
        value: None,
        doc: "Make the token out of a service account key without asking Google.",
    },
    Flag {
        name: "also-serve",
        short: None,
        var: vars::ALSO_SERVE,
        value: Some("HOST"),
        doc: "A further host that may be given a Google token.",
    },
    Flag {
        name: "include-artifact-registry",
        short: None,
        var: vars::DOCKER_ARTIFACT,
        value: None,
        doc: "Let configure-docker name Artifact Registry in every location.",
    },
    Flag {
        name: "sovereign-hosts",
        short: None,
        var: vars::SOVEREIGN,
        value: None,
        doc: "Also serve the registries of Google's partner clouds.",
    },
];
