//! Every variable that decides what this provider does.

use regcred_core::{EnvVar, Role, options};

options! {
    /// Every variable that decides what this provider does.
    pub(crate) VARS:
    _ = EnvVar::new("AWS_ACCESS_KEY_ID",
        "Access key with which an `external_account` file of the AWS kind proves who it is.",
        "the instance's role");
    _ = EnvVar::new("AWS_DEFAULT_REGION",
        "AWS region for an `external_account` file, when `AWS_REGION` is not set.", "");
    _ = EnvVar::new("AWS_REGION",
        "AWS region for an `external_account` file of the AWS kind.", "the instance's region");
    _ = EnvVar::new("AWS_SECRET_ACCESS_KEY",
        "Secret key that belongs to `AWS_ACCESS_KEY_ID`.", "")
        .secret();
    _ = EnvVar::new("AWS_SESSION_TOKEN", "Session token that belongs to `AWS_ACCESS_KEY_ID`.", "")
        .secret()
        .not_in_key("it is renewed often and the access key already names the identity");
    GCLOUD_CONFIG = EnvVar::new("CLOUDSDK_ACTIVE_CONFIG_NAME",
        "Name of gcloud's configuration in use; gcloud reads it.", "the active one");
    GCLOUD_TOKEN_FILE = EnvVar::new("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
        "File with the access token that gcloud hands out; gcloud reads it.", "")
        .role(Role::TokenFile);
    GCLOUD_CREDENTIAL_FILE = EnvVar::new("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
        "Credentials file that gcloud uses instead of its login; gcloud reads it.", "");
    GCLOUD_ACCOUNT = EnvVar::new("CLOUDSDK_CORE_ACCOUNT",
        "Account for which gcloud issues tokens; gcloud reads it.", "the configuration's");
    GCLOUD_CONFIG_DIR = EnvVar::new("CLOUDSDK_CONFIG",
        "gcloud's configuration directory, in which the well-known credentials file is looked \
         for.", "`~/.config/gcloud`");
    HELPER_CONFIG = EnvVar::new("DOCKER_CREDENTIAL_GCR_CONFIG",
        "Configuration file of docker-credential-gcr, read and written by a program of that name.",
        "`~/.config/gcloud/docker_credential_gcr_config.json`")
        .not_in_key("the token sources in the file are");
    HELPER_STORE = EnvVar::new("DOCKER_CREDENTIAL_GCR_STORE",
        "File in which docker-credential-gcr keeps its login, for the token source `store`.",
        "`~/.config/gcloud/docker_credentials.json`")
        .not_in_key("a login in the file is never used");
    METADATA_HOST = EnvVar::new("GCE_METADATA_HOST",
        "Metadata server as `host` or `host:port`, without scheme.", "`169.254.169.254`");
    CERTIFICATE_CONFIG = EnvVar::new("GOOGLE_API_CERTIFICATE_CONFIG",
        "Certificate configuration for an `external_account` file with a certificate.",
        "`certificate_config.json` in gcloud's configuration directory");
    CREDENTIALS_FILE = EnvVar::new("GOOGLE_APPLICATION_CREDENTIALS",
        "Path of a credentials file: service account key, `authorized_user`, \
         `external_account`, `external_account_authorized_user` or \
         `impersonated_service_account`.", "");
    UNIVERSE = EnvVar::new("GOOGLE_CLOUD_UNIVERSE_DOMAIN",
        "Domain of the Google cloud in use; a credentials file of another universe is refused.",
        "`googleapis.com`");
    ALLOW_EXECUTABLES = EnvVar::new("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES",
        "`1` lets an `external_account` file run the program it names.", "`0`");
    CACHE_DURATION = EnvVar::new("KUBE_SIDECAR_CACHE_DURATION",
        "How long the kubelet keeps an answer, as a Go duration; never past the token's expiry.",
        "from the token's remaining life");
    CACHE_TYPE = EnvVar::new("KUBE_SIDECAR_CACHE_TYPE",
        "Scope in which the kubelet reuses an answer: `image`, `registry` or `global`.", "`registry`");
    ALSO_SERVE = EnvVar::new("REGCRED_GCR_ALSO_SERVE",
        "Further hosts that may be given a Google token, comma-separated.", "")
        .role(Role::Hosts)
        .flag("also-serve", "HOST", "A further host that may be given a Google token.");
    AUTH_FLOW = EnvVar::new("REGCRED_GCR_AUTH_FLOW",
        "`gcr` for tokens; `dockercfg` or `dockercfg-url` for the logins in the instance's \
         metadata.", "`gcr`")
        .flag("authFlow", "FLOW", "Kind of credentials: gcr, dockercfg or dockercfg-url.").short('a');
    DOCKER_ARTIFACT = EnvVar::new("REGCRED_GCR_INCLUDE_ARTIFACT_REGISTRY",
        "When true, `configure-docker` without `--registries` names Artifact Registry in every \
         location, besides Container Registry.", "false")
        .switch("include-artifact-registry",
            "Let configure-docker name Artifact Registry in every location.")
        .role(Role::ConfigureDocker)
        .not_in_key("it decides what configure-docker writes, and no answer");
    IAM_URL = EnvVar::new("REGCRED_GCR_IAM_CREDENTIALS_URL",
        "Base URL of the IAM Service Account Credentials API, for private endpoints.",
        "`https://iamcredentials.googleapis.com`");
    IDENTITY_PROVIDER = EnvVar::new("REGCRED_GCR_IDENTITY_PROVIDER",
        "URL of the GKE cluster that issues the pods' service account tokens.", "")
        .flag("identity-provider", "URL",
            "URL of the GKE cluster that issues the pods' tokens; needs --project-id.")
        .may_be_empty();
    IMPERSONATE = EnvVar::new("REGCRED_GCR_IMPERSONATE",
        "Email of a service account whose token is requested with the identity found.", "")
        .flag("impersonate", "EMAIL", "Service account to act as.");
    OAUTH_URL = EnvVar::new("REGCRED_GCR_OAUTH_TOKEN_URL",
        "Token endpoint for service account keys and user logins, for private endpoints.",
        "`https://oauth2.googleapis.com/token`");
    POD_IDENTITY = EnvVar::new("REGCRED_GCR_POD_IDENTITY",
        "When a pod's own service account is used: `annotated`, `always` (a pod without one is \
         refused) or `never`.", "`annotated`")
        .flag("pod-identity", "WHEN",
            "When a pod's own service account is used: annotated, always or never.");
    PROJECT_ID = EnvVar::new("REGCRED_GCR_PROJECT_ID",
        "Project of the GKE cluster, which names its workload identity pool.", "")
        .flag("project-id", "PROJECT", "Project of the GKE cluster.").may_be_empty();
    REQUIRE_POD_IDENTITY = EnvVar::new("REGCRED_GCR_REQUIRE_POD_IDENTITY",
        "When true, a request without a usable pod token is refused; the same as `always` for \
         `REGCRED_GCR_POD_IDENTITY`, which it overrides.", "false")
        .role(Role::RequirePod)
        .switch("require-pod-identity", "Refuse requests without a usable pod token.");
    SCOPES = EnvVar::new("REGCRED_GCR_SCOPES",
        "OAuth2 scopes of the token, comma-separated, where the source can choose them.",
        "`https://www.googleapis.com/auth/cloud-platform`")
        .flag("scopes", "LIST", "OAuth2 scopes of the token.");
    SELF_SIGNED = EnvVar::new("REGCRED_GCR_SELF_SIGNED_JWT",
        "`true` makes a token from a service account key without asking Google.",
        "`false`; always outside `googleapis.com`")
        .switch("self-signed-jwt",
            "Make the token from a service account key without asking Google.");
    SOVEREIGN = EnvVar::new("REGCRED_GCR_SOVEREIGN_HOSTS",
        "`true` also serves the registries of Google's partner clouds.", "`false`")
        .switch("sovereign-hosts", "Also serve the registries of Google's partner clouds.");
    STS_AUDIENCE = EnvVar::new("REGCRED_GCR_STS_AUDIENCE",
        "Workload identity pool provider to which pods' tokens are presented: \
         `//iam.googleapis.com/projects/N/locations/global/workloadIdentityPools/P/providers/X`.",
        "")
        .flag("sts-audience", "PROVIDER",
            "Workload identity pool provider for pods of a cluster outside GKE.");
    STS_URL = EnvVar::new("REGCRED_GCR_STS_URL",
        "Endpoint of the Security Token Service, for private endpoints.",
        "`https://sts.googleapis.com/v1/token`");
    TOKEN_SOURCES = EnvVar::new("REGCRED_GCR_TOKEN_SOURCES",
        "Where identities are looked for, in order: a list of `file`, `metadata` and `gcloud`.",
        "`file,metadata,gcloud`")
        .flag("token-source", "LIST",
            "Where identities are looked for, in order: file, metadata, gcloud.");
    TRUSTED_HOSTS = EnvVar::new("REGCRED_GCR_TRUSTED_HOSTS",
        "Hosts outside Google that a credentials file may name in its URLs, comma-separated.",
        "");
    USERNAME = EnvVar::new("REGCRED_GCR_USERNAME",
        "User name of the answer: `_token`, `oauth2accesstoken`, `_json_key` or \
         `_json_key_base64` (the last two hand out the key file itself).", "`_token`")
        .flag("username", "NAME",
            "User name of the answer: _token, oauth2accesstoken, _json_key or _json_key_base64.");
}
