//! Every variable that decides what this provider does.

use regcred_core::EnvVar;

pub(crate) const ALSO_SERVE: &str = "REGCRED_GCR_ALSO_SERVE";
pub(crate) const AUTH_FLOW: &str = "REGCRED_GCR_AUTH_FLOW";
pub(crate) const CACHE_DURATION: &str = "KUBE_SIDECAR_CACHE_DURATION";
pub(crate) const CACHE_TYPE: &str = "KUBE_SIDECAR_CACHE_TYPE";
pub(crate) const CERTIFICATE_CONFIG: &str = "GOOGLE_API_CERTIFICATE_CONFIG";
pub(crate) const CREDENTIALS_FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";
pub(crate) const ALLOW_EXECUTABLES: &str = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";
pub(crate) const GCLOUD_ACCOUNT: &str = "CLOUDSDK_CORE_ACCOUNT";
pub(crate) const GCLOUD_CONFIG: &str = "CLOUDSDK_ACTIVE_CONFIG_NAME";
pub(crate) const GCLOUD_CONFIG_DIR: &str = "CLOUDSDK_CONFIG";
pub(crate) const GCLOUD_CREDENTIAL_FILE: &str = "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE";
pub(crate) const GCLOUD_TOKEN_FILE: &str = "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE";
pub(crate) const IAM_URL: &str = "REGCRED_GCR_IAM_CREDENTIALS_URL";
pub(crate) const IDENTITY_PROVIDER: &str = "REGCRED_GCR_IDENTITY_PROVIDER";
pub(crate) const IMPERSONATE: &str = "REGCRED_GCR_IMPERSONATE";
pub(crate) const METADATA_HOST: &str = "GCE_METADATA_HOST";
pub(crate) const OAUTH_URL: &str = "REGCRED_GCR_OAUTH_TOKEN_URL";
pub(crate) const POD_IDENTITY: &str = "REGCRED_GCR_POD_IDENTITY";
pub(crate) const PROJECT_ID: &str = "REGCRED_GCR_PROJECT_ID";
pub(crate) const SCOPES: &str = "REGCRED_GCR_SCOPES";
pub(crate) const SELF_SIGNED: &str = "REGCRED_GCR_SELF_SIGNED_JWT";
pub(crate) const DOCKER_ARTIFACT: &str = "REGCRED_GCR_INCLUDE_ARTIFACT_REGISTRY";
pub(crate) const SOVEREIGN: &str = "REGCRED_GCR_SOVEREIGN_HOSTS";
pub(crate) const STS_AUDIENCE: &str = "REGCRED_GCR_STS_AUDIENCE";
pub(crate) const STS_URL: &str = "REGCRED_GCR_STS_URL";
pub(crate) const TOKEN_SOURCES: &str = "REGCRED_GCR_TOKEN_SOURCES";
pub(crate) const TRUSTED_HOSTS: &str = "REGCRED_GCR_TRUSTED_HOSTS";
pub(crate) const UNIVERSE: &str = "GOOGLE_CLOUD_UNIVERSE_DOMAIN";
pub(crate) const USERNAME: &str = "REGCRED_GCR_USERNAME";

/// The catalogue, by name.
pub(crate) const VARS: &[EnvVar] = &[
    EnvVar::new(
        "AWS_ACCESS_KEY_ID",
        "Access key with which an `external_account` file of the AWS kind proves who it is.",
        "the instance's role",
    ),
    EnvVar::new(
        "AWS_DEFAULT_REGION",
        "AWS region for an `external_account` file, when `AWS_REGION` is not set.",
        "",
    ),
    EnvVar::new(
        "AWS_REGION",
        "AWS region for an `external_account` file of the AWS kind.",
        "the instance's region",
    ),
    EnvVar::new(
        "AWS_SECRET_ACCESS_KEY",
        "Secret key that belongs to `AWS_ACCESS_KEY_ID`.",
        "",
    )
    .secret(),
    EnvVar::new(
        "AWS_SESSION_TOKEN",
        "Session token that belongs to `AWS_ACCESS_KEY_ID`.",
        "",
    )
    .secret(),
    EnvVar::new(
        GCLOUD_CONFIG,
        "Name of gcloud's configuration in use; gcloud reads it.",
        "the active one",
    ),
    EnvVar::new(
        GCLOUD_TOKEN_FILE,
        "File with the access token that gcloud hands out; gcloud reads it.",
        "",
    ),
    EnvVar::new(
        GCLOUD_CREDENTIAL_FILE,
        "Credentials file that gcloud uses instead of its login; gcloud reads it.",
        "",
    ),
    EnvVar::new(
        GCLOUD_ACCOUNT,
        "Account that gcloud gives tokens for; gcloud reads it.",
        "the configuration's",
    ),
    EnvVar::new(
        GCLOUD_CONFIG_DIR,
        "gcloud's configuration directory, in which the well-known credentials file is looked for.",
        "`~/.config/gcloud`",
    ),
    EnvVar::new(
        METADATA_HOST,
        "Metadata server as `host` or `host:port`, without scheme.",
        "`169.254.169.254`",
    ),
    EnvVar::new(
        CERTIFICATE_CONFIG,
        "Certificate configuration for an `external_account` file with a certificate.",
        "`certificate_config.json` in gcloud's configuration directory",
    ),
    EnvVar::new(
        CREDENTIALS_FILE,
        "Path of a credentials file: service account key, `authorized_user`, `external_account`, \
         `external_account_authorized_user` or `impersonated_service_account`.",
        "",
    ),
    EnvVar::new(
        UNIVERSE,
        "Domain of the Google cloud in use; a credentials file of another universe is refused.",
        "`googleapis.com`",
    ),
    EnvVar::new(
        ALLOW_EXECUTABLES,
        "`1` lets an `external_account` file run the program it names.",
        "`0`",
    ),
    EnvVar::new(
        CACHE_DURATION,
        "How long the kubelet keeps an answer, as a Go duration; never past the token's end.",
        "from the token's remaining life",
    ),
    EnvVar::new(
        CACHE_TYPE,
        "For what the kubelet reuses an answer: `image`, `registry` or `global`.",
        "`registry`",
    ),
    EnvVar::new(
        ALSO_SERVE,
        "Further hosts that may be given a Google token, comma-separated.",
        "",
    ),
    EnvVar::new(
        AUTH_FLOW,
        "`gcr` for tokens; `dockercfg` or `dockercfg-url` for the logins in the instance's metadata.",
        "`gcr`",
    ),
    EnvVar::new(
        DOCKER_ARTIFACT,
        "When true, `configure-docker` without `--registries` names Artifact Registry in every \
         location, beside Container Registry.",
        "false",
    ),
    EnvVar::new(
        IAM_URL,
        "Base URL of the IAM Service Account Credentials API, for private endpoints.",
        "`https://iamcredentials.googleapis.com`",
    ),
    EnvVar::new(
        IDENTITY_PROVIDER,
        "URL of the GKE cluster that issues the pods' service account tokens.",
        "",
    ),
    EnvVar::new(
        IMPERSONATE,
        "Email of a service account whose token is asked for with the identity found.",
        "",
    ),
    EnvVar::new(
        OAUTH_URL,
        "Token endpoint for service account keys and user logins, for private endpoints.",
        "`https://oauth2.googleapis.com/token`",
    ),
    EnvVar::new(
        POD_IDENTITY,
        "When a pod's own service account is used: `annotated`, `always` (a pod without one is \
         refused) or `never`.",
        "`annotated`",
    ),
    EnvVar::new(
        PROJECT_ID,
        "Project of the GKE cluster, which names its workload identity pool.",
        "",
    ),
    EnvVar::new(
        SCOPES,
        "OAuth2 scopes of the token, comma-separated, where the source can choose them.",
        "`https://www.googleapis.com/auth/cloud-platform`",
    ),
    EnvVar::new(
        SELF_SIGNED,
        "`true` makes a token out of a service account key without asking Google.",
        "`false`; always outside `googleapis.com`",
    ),
    EnvVar::new(
        SOVEREIGN,
        "`true` also serves the registries of Google's partner clouds.",
        "`false`",
    ),
    EnvVar::new(
        STS_AUDIENCE,
        "Workload identity pool provider to which pods' tokens are presented: \
         `//iam.googleapis.com/projects/N/locations/global/workloadIdentityPools/P/providers/X`.",
        "",
    ),
    EnvVar::new(
        STS_URL,
        "Endpoint of the Security Token Service, for private endpoints.",
        "`https://sts.googleapis.com/v1/token`",
    ),
    EnvVar::new(
        TOKEN_SOURCES,
        "Where identities are looked for and in which order: a list out of `file`, `metadata` and \
         `gcloud`.",
        "`file,metadata,gcloud`",
    ),
    EnvVar::new(
        TRUSTED_HOSTS,
        "Hosts outside Google that a credentials file may name in its URLs, comma-separated.",
        "",
    ),
    EnvVar::new(
        USERNAME,
        "User name of the answer: `_token`, `oauth2accesstoken`, `_json_key` or \
         `_json_key_base64` (the last two hand out the key file itself).",
        "`_token`",
    ),
];
