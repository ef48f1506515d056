//! Every variable that decides what this provider does. The `IBMCLOUD_` names are those of IBM's
//! SDKs, command line and cluster components.

use regcred_core::EnvVar;

pub(crate) const ACCOUNT_ID: &str = "IBMCLOUD_IAM_ACCOUNT_ID";
pub(crate) const ALSO_SERVE: &str = "REGCRED_ICR_ALSO_SERVE";
pub(crate) const API_KEY: &str = "IBMCLOUD_API_KEY";
pub(crate) const API_KEY_ALIASES: [&str; 2] = ["IBMCLOUD_APIKEY", "BLUEMIX_API_KEY"];
pub(crate) const API_KEY_FILE: &str = "IBMCLOUD_API_KEY_FILE";
pub(crate) const AUTH_TYPE: &str = "IBMCLOUD_AUTH_TYPE";
pub(crate) const AUTH_TYPE_ALIAS: &str = "IBMCLOUD_AUTHTYPE";
pub(crate) const BEARER_TOKEN: &str = "IBMCLOUD_BEARER_TOKEN";
pub(crate) const CLIENT_ID: &str = "IBMCLOUD_CLIENT_ID";
pub(crate) const CLIENT_SECRET: &str = "IBMCLOUD_CLIENT_SECRET";
pub(crate) const CR_PROFILE: &str = "IBMCLOUD_CR_PROFILE";
pub(crate) const CR_TOKEN: &str = "IBMCLOUD_CR_TOKEN";
pub(crate) const CR_TOKEN_FILE: &str = "IBMCLOUD_CR_TOKEN_FILENAME";
pub(crate) const CR_TOKEN_FILE_ALIAS: &str = "IBMC_VAULT_TOKEN_PATH";
pub(crate) const IAM_URL: &str = "IBMCLOUD_IAM_URL";
pub(crate) const IAM_URL_ALIAS: &str = "IBMCLOUD_AUTH_URL";
pub(crate) const IMS_VERSION: &str = "IBMCLOUD_VPC_IMS_VERSION";
pub(crate) const LOGIN: &str = "REGCRED_ICR_LOGIN";
pub(crate) const PROFILE_ANNOTATION: &str = "REGCRED_ICR_PROFILE_ANNOTATION";
pub(crate) const PROFILE_CRN: &str = "IBMCLOUD_IAM_PROFILE_CRN";
pub(crate) const PROFILE_ID: &str = "IBMCLOUD_IAM_PROFILE_ID";
pub(crate) const PROFILE_ID_ALIAS: &str = "IBMCLOUD_PROFILEID";
pub(crate) const PROFILE_NAME: &str = "IBMCLOUD_IAM_PROFILE_NAME";
pub(crate) const REFRESH_TOKEN: &str = "IBMCLOUD_REFRESH_TOKEN";
pub(crate) const REQUIRE_POD_IDENTITY: &str = "REGCRED_ICR_REQUIRE_POD_IDENTITY";
pub(crate) const VPC_URL: &str = "IBMCLOUD_CR_VPC_URL";

/// The catalogue, by name.
pub(crate) const VARS: &[EnvVar] = &[
    EnvVar::new("BLUEMIX_API_KEY", "Old name of `IBMCLOUD_API_KEY`.", "").secret(),
    EnvVar::new(
        CR_TOKEN_FILE_ALIAS,
        "Name of `IBMCLOUD_CR_TOKEN_FILENAME` in IBM's cluster components.",
        "",
    ),
    EnvVar::new("IBMCLOUD_APIKEY", "Another name of `IBMCLOUD_API_KEY`.", "").secret(),
    EnvVar::new(
        AUTH_TYPE_ALIAS,
        "Another name of `IBMCLOUD_AUTH_TYPE`; `pod-identity` means `container`.",
        "",
    ),
    EnvVar::new(IAM_URL_ALIAS, "Another name of `IBMCLOUD_IAM_URL`.", ""),
    EnvVar::new(API_KEY, "API key of a user or a service ID.", "").secret(),
    EnvVar::new(
        API_KEY_FILE,
        "File with an API key: the bare key, or the `apikey.json` that IBM Cloud hands out.",
        "",
    ),
    EnvVar::new(
        AUTH_TYPE,
        "Which identity is used: `auto`, `iam`, `iamAssume`, `container`, `vpc` or `bearerToken`, in \
         any case.",
        "`auto`",
    ),
    EnvVar::new(
        BEARER_TOKEN,
        "IAM access token, used as it is; `Bearer ` in front is cut off.",
        "",
    )
    .secret(),
    EnvVar::new(
        CLIENT_ID,
        "Client that asks IAM; only together with `IBMCLOUD_CLIENT_SECRET`.",
        "",
    ),
    EnvVar::new(CLIENT_SECRET, "Secret of that client.", "").secret(),
    EnvVar::new(
        CR_PROFILE,
        "Trusted profile by id or name, as IBM's command line reads it.",
        "",
    ),
    EnvVar::new(
        CR_TOKEN,
        "Compute resource token: a service account token with audience `iam`.",
        "",
    )
    .secret(),
    EnvVar::new(
        CR_TOKEN_FILE,
        "File with the compute resource token.",
        "the first of `vault-token` and `sa-token` below `/var/run/secrets/tokens`, and Code \
         Engine's file",
    ),
    EnvVar::new(
        VPC_URL,
        "Base URL of the VPC metadata service; with secure access on it needs the name and https.",
        "`http://169.254.169.254`",
    ),
    EnvVar::new(
        ACCOUNT_ID,
        "Account of the profile in `IBMCLOUD_IAM_PROFILE_NAME`, for `iamAssume`.",
        "",
    ),
    EnvVar::new(PROFILE_CRN, "Trusted profile by CRN.", ""),
    EnvVar::new(PROFILE_ID, "Trusted profile by id (`Profile-...`).", ""),
    EnvVar::new(PROFILE_NAME, "Trusted profile by name.", ""),
    EnvVar::new(
        IAM_URL,
        "IAM's base URL, or `public`, `private`, `test`, `private-test`.",
        "`public`; `private` after it cannot be reached",
    ),
    EnvVar::new(
        PROFILE_ID_ALIAS,
        "Another name of `IBMCLOUD_IAM_PROFILE_ID`.",
        "",
    ),
    EnvVar::new(
        REFRESH_TOKEN,
        "IAM refresh token of a person's session.",
        "",
    )
    .secret(),
    EnvVar::new(
        IMS_VERSION,
        "API version of the metadata service as a date; it decides the paths.",
        "`2025-08-26`; `2022-03-01` where that is not known",
    ),
    EnvVar::new(
        ALSO_SERVE,
        "Further hosts that may be given an IAM token, comma-separated.",
        "",
    ),
    EnvVar::new(
        LOGIN,
        "What the registry is given: `token` (`iambearer` and an access token), or `secret`, the \
         long-lived secret itself (`iamapikey`, `iamrefresh`, or the profile id with an API key).",
        "`token`",
    ),
    EnvVar::new(
        PROFILE_ANNOTATION,
        "Annotation of a service account that names its trusted profile.",
        "`regcred.dev/ibm-profile-id`",
    ),
    EnvVar::new(
        REQUIRE_POD_IDENTITY,
        "When true, a pod's token without a profile is an error instead of leaving the answer to \
         the node's identity.",
        "false",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_documented() {
        let mut names: Vec<_> = VARS.iter().map(|var| var.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), VARS.len());
        assert!(VARS.iter().all(|var| var.doc.ends_with('.')));
    }
}
