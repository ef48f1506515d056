//! Every variable that decides what this provider does. The `IBMCLOUD_` names are those of IBM's
//! SDKs, command line and cluster components.

use regcred_core::{EnvVar, Role, options};

options! {
    /// Every variable that decides what this provider does.
    pub(crate) VARS:
    OLD_API_KEY = EnvVar::new("BLUEMIX_API_KEY", "Old name of `IBMCLOUD_API_KEY`.", "").secret();
    CR_TOKEN_FILE_ALIAS = EnvVar::new("IBMC_VAULT_TOKEN_PATH",
        "Name of `IBMCLOUD_CR_TOKEN_FILENAME` in IBM's cluster components.", "")
        .role(Role::TokenFile);
    API_KEY_ALIAS = EnvVar::new("IBMCLOUD_APIKEY", "Another name of `IBMCLOUD_API_KEY`.", "").secret();
    AUTH_TYPE_ALIAS = EnvVar::new("IBMCLOUD_AUTHTYPE",
        "Another name of `IBMCLOUD_AUTH_TYPE`; `pod-identity` means `container`.", "");
    AUTH_URL = EnvVar::new("IBMCLOUD_AUTH_URL",
        "Another name of `IBMCLOUD_IAM_URL`; with the auth type `vpc`, of \
         `IBMCLOUD_CR_VPC_URL`, as in IBM's SDKs.", "");
    API_KEY = EnvVar::new("IBMCLOUD_API_KEY", "API key of a user or a service ID.", "").secret();
    API_KEY_FILE = EnvVar::new("IBMCLOUD_API_KEY_FILE",
        "File with an API key: the bare key, or the `apikey.json` that IBM Cloud creates.", "")
        .flag("api-key-file", "FILE", "File with an API key: the bare key or apikey.json.");
    AUTH_TYPE = EnvVar::new("IBMCLOUD_AUTH_TYPE",
        "Which identity is used: `auto`, `iam`, `iamAssume`, `container`, `vpc` or \
         `bearerToken`, in any case.", "`auto`")
        .flag("auth-type", "TYPE",
            "Identity: auto, iam, iamAssume, container, vpc or bearerToken.");
    BEARER_TOKEN = EnvVar::new("IBMCLOUD_BEARER_TOKEN",
        "IAM access token, used as it is; `Bearer ` in front is removed.", "")
        .secret();
    CLIENT_ID = EnvVar::new("IBMCLOUD_CLIENT_ID",
        "Client id for calls of IAM; only together with `IBMCLOUD_CLIENT_SECRET`.", "");
    CLIENT_SECRET = EnvVar::new("IBMCLOUD_CLIENT_SECRET", "Secret of that client.", "").secret();
    CR_PROFILE = EnvVar::new("IBMCLOUD_CR_PROFILE",
        "Trusted profile by id or name, as IBM's command line reads it.", "")
        .flag("profile", "PROFILE", "Trusted profile by id or name.");
    CR_TOKEN = EnvVar::new("IBMCLOUD_CR_TOKEN",
        "Compute resource token: a service account token with audience `iam`.", "")
        .secret();
    CR_TOKEN_FILE = EnvVar::new("IBMCLOUD_CR_TOKEN_FILENAME",
        "File with the compute resource token.",
        "the first of `vault-token` and `sa-token` below `/var/run/secrets/tokens`, and Code \
         Engine's file")
        .role(Role::TokenFile)
        .flag("cr-token-file", "FILE", "File with a compute resource token.");
    VPC_URL = EnvVar::new("IBMCLOUD_CR_VPC_URL",
        "Base URL of the VPC metadata service; with secure access on it needs the name and \
         https.", "`http://169.254.169.254`");
    ACCOUNT_ID = EnvVar::new("IBMCLOUD_IAM_ACCOUNT_ID",
        "Account of the profile in `IBMCLOUD_IAM_PROFILE_NAME`, for `iamAssume`.", "");
    PROFILE_CRN = EnvVar::new("IBMCLOUD_IAM_PROFILE_CRN", "Trusted profile by CRN.", "");
    PROFILE_ID = EnvVar::new("IBMCLOUD_IAM_PROFILE_ID",
        "Trusted profile by id (`Profile-...`).", "");
    PROFILE_NAME = EnvVar::new("IBMCLOUD_IAM_PROFILE_NAME", "Trusted profile by name.", "");
    IAM_URL = EnvVar::new("IBMCLOUD_IAM_URL",
        "IAM's base URL, or `public`, `private`, `test`, `private-test`.",
        "`public`; `private` after it cannot be reached")
        .flag("iam-url", "URL", "IAM's base URL, or public, private, test, private-test.");
    PROFILE_ID_ALIAS = EnvVar::new("IBMCLOUD_PROFILEID",
        "Another name of `IBMCLOUD_IAM_PROFILE_ID`.", "");
    REFRESH_TOKEN = EnvVar::new("IBMCLOUD_REFRESH_TOKEN",
        "IAM refresh token of a person's session.", "")
        .secret();
    IMS_VERSION = EnvVar::new("IBMCLOUD_VPC_IMS_VERSION",
        "API version of the metadata service as a date; it selects the paths.",
        "`2025-08-26`; `2022-03-01` where that is not known");
    ALSO_SERVE = EnvVar::new("REGCRED_ICR_ALSO_SERVE",
        "Further hosts that may be given an IAM token, comma-separated.", "")
        .role(Role::Hosts)
        .flag("also-serve", "HOST", "A further host that may be given an IAM token.");
    LOGIN = EnvVar::new("REGCRED_ICR_LOGIN",
        "What the registry receives: `token` (`iambearer` and an access token), or `secret`, \
         the long-lived secret itself (`iamapikey`, `iamrefresh`, or the profile id with an \
         API key).", "`token`")
        .flag("login", "FORM", "What the registry receives: token, or secret.");
    PROFILE_ANNOTATION = EnvVar::new("REGCRED_ICR_PROFILE_ANNOTATION",
        "Annotation of a service account that names its trusted profile.",
        "`regcred.dev/ibm-profile-id`")
        .flag("profile-annotation", "KEY",
            "Annotation of a service account that names its trusted profile.");
    REQUIRE_POD_IDENTITY = EnvVar::new("REGCRED_ICR_REQUIRE_POD_IDENTITY",
        "When true, a request without a pod's token is an error instead of being answered with the \
         node's identity.", "false")
        .role(Role::RequirePod)
        .switch("require-pod-identity", "Refuse requests without a service account token.");
}
