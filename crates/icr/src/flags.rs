//! Command line flags. No upstream plugin exists, so the names follow IBM's command line.

use regcred_core::Flag;

use crate::vars;

pub(crate) const FLAGS: &[Flag] = &[
    Flag {
        name: "auth-type",
        short: None,
        var: vars::AUTH_TYPE,
        value: Some("TYPE"),
        doc: "Identity: auto, iam, iamAssume, container, vpc or bearerToken.",
    },
    Flag {
        name: "api-key-file",
        short: None,
        var: vars::API_KEY_FILE,
        value: Some("FILE"),
        doc: "File with an API key: the bare key or apikey.json.",
    },
    Flag {
        name: "profile",
        short: None,
        var: vars::CR_PROFILE,
        value: Some("PROFILE"),
        doc: "Trusted profile by id or name.",
    },
    Flag {
        name: "profile-annotation",
        short: None,
        var: vars::PROFILE_ANNOTATION,
        value: Some("KEY"),
        doc: "Annotation of a service account that names its trusted profile.",
    },
    Flag {
        name: "require-pod-identity",
        short: None,
        var: vars::REQUIRE_POD_IDENTITY,
        value: None,
        doc: "Refuse the node's identity when a pod's token came without a profile.",
    },
    Flag {
        name: "cr-token-file",
        short: None,
        var: vars::CR_TOKEN_FILE,
        value: Some("FILE"),
        doc: "File with a compute resource token.",
    },
    Flag {
        name: "iam-url",
        short: None,
        var: vars::IAM_URL,
        value: Some("URL"),
        doc: "IAM's base URL, or public, private, test, private-test.",
    },
    Flag {
        name: "login",
        short: None,
        var: vars::LOGIN,
        value: Some("FORM"),
        doc: "What the registry is given: token, or secret.",
    },
    Flag {
        name: "also-serve",
        short: None,
        var: vars::ALSO_SERVE,
        value: Some("HOST"),
        doc: "A further host that may be given an IAM token.",
    },
];
