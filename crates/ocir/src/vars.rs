//! Every variable that decides what this provider does. `OCI_` names are those of Oracle's SDKs and
//! command line; `OCIR_AUTH_METHOD`, `TOKEN_VALIDATION`, `DEFAULT_USER` and the two `REGISTRY_` ones
//! are those of the earlier kubelet plugin (oracle-devrel/oke-credential-provider-for-ocir).

use regcred_core::{EnvVar, Role, options};

options! {
    /// Every variable that decides what this provider does.
    pub(crate) VARS:
    DEFAULT_USER = EnvVar::new("DEFAULT_USER",
        "User name of the earlier kubelet plugin's configuration. Accepted and ignored: the \
         registry takes `BEARER_TOKEN` only.", "");
    KUBERNETES_HOST = EnvVar::new("KUBERNETES_SERVICE_HOST",
        "Address of the cluster's API server, for OKE workload identity. Kubernetes sets it in \
         pods; a kubelet plugin needs it in its configuration.", "");
    AUTH_METHOD = EnvVar::new("OCIR_AUTH_METHOD",
        "Which identity is used: `auto`, `instance_principal`, `user_principal` (or \
         `api_key`), `security_token`, `instance_obo_user`, `resource_principal`, \
         `oke_workload_identity`, `token_exchange` or `auth_token`, in any case.",
        "`OCI_CLI_AUTH`, else `auto`")
        .flag("auth", "METHOD",
            "Identity: auto, instance_principal, user_principal, security_token, \
             instance_obo_user, resource_principal, oke_workload_identity, token_exchange or \
             auth_token.");
    ONLY_TOOL_REGIONS = EnvVar::new("OCI_ALLOW_ONLY_DEVELOPER_TOOL_CONFIGURATION_REGIONS",
        "When true, only the regions of the developer tool configuration are known.", "false");
    CLI_AUTH = EnvVar::new("OCI_CLI_AUTH",
        "The same choice in the words of Oracle's command line.", "");
    CLI_CERT_BUNDLE = EnvVar::new("OCI_CLI_CERT_BUNDLE",
        "PEM file with the roots to trust for Oracle's services.",
        "`SSL_CERT_FILE`, else the system's");
    CLI_CONFIG_FILE = EnvVar::new("OCI_CLI_CONFIG_FILE",
        "Configuration file with profiles, as Oracle's command line names it.",
        "`OCI_CONFIG_FILE`, else `~/.oci/config` when a user is asked for")
        .flag("config-file", "FILE", "Configuration file with profiles.");
    CLI_DELEGATION_FILE = EnvVar::new("OCI_CLI_DELEGATION_TOKEN_FILE",
        "File with a delegation token, for `instance_obo_user`.",
        "`delegation_token_file` of the profile")
        .role(Role::TokenFile);
    CLI_FEDERATION_ENDPOINT = EnvVar::new("OCI_CLI_FEDERATION_ENDPOINT",
        "The auth service's address, as Oracle's command line names it.", "");
    CLI_FINGERPRINT = EnvVar::new("OCI_CLI_FINGERPRINT",
        "Fingerprint of the API key; compared with the key.", "computed from the key");
    CLI_KEY_CONTENT = EnvVar::new("OCI_CLI_KEY_CONTENT",
        "The user's private key itself, as PEM.", "")
        .secret();
    CLI_KEY_FILE = EnvVar::new("OCI_CLI_KEY_FILE",
        "File with the user's private key: PKCS#1 or PKCS#8, plain or encrypted.",
        "`key_file` of the profile");
    CLI_PASSPHRASE = EnvVar::new("OCI_CLI_PASSPHRASE",
        "Passphrase of the private key.", "`pass_phrase` of the profile")
        .secret();
    CLI_PROFILE = EnvVar::new("OCI_CLI_PROFILE",
        "Profile of the configuration file. Naming one names a user.", "`DEFAULT`")
        .flag("profile", "NAME", "Profile of the configuration file.");
    CLI_TOKEN_FILE = EnvVar::new("OCI_CLI_SECURITY_TOKEN_FILE",
        "File with a session token (`oci session authenticate`).",
        "`security_token_file` of the profile")
        .role(Role::TokenFile);
    CLI_TENANCY = EnvVar::new("OCI_CLI_TENANCY",
        "OCID of the user's tenancy.", "`tenancy` of the profile");
    CLI_USER = EnvVar::new("OCI_CLI_USER", "OCID of the user.", "`user` of the profile");
    CONFIG_FILE = EnvVar::new("OCI_CONFIG_FILE",
        "Configuration file with profiles, as Oracle's SDKs name it.", "");
    DEFAULT_REALM = EnvVar::new("OCI_DEFAULT_REALM",
        "Domain of the services in a region that is described nowhere; also a realm whose \
         registries are served.", "`oraclecloud.com`");
    TOOL_FILE = EnvVar::new("OCI_DEVELOPER_TOOL_CONFIGURATION_FILE_PATH",
        "File with further regions: an object with `regions`.",
        "`~/.oci/developer-tool-configuration.json`");
    SA_CERT_FILE = EnvVar::new("OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH",
        "PEM file with the cluster's CA, the only one trusted for its token service.",
        "`/var/run/secrets/kubernetes.io/serviceaccount/ca.crt`");
    SA_TOKEN_FILE = EnvVar::new("OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH",
        "File with the service account token.",
        "`/var/run/secrets/kubernetes.io/serviceaccount/token`")
        .role(Role::TokenFile);
    SA_TOKEN = EnvVar::new("OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_STRING",
        "The service account token itself.", "")
        .secret();
    METADATA_URL = EnvVar::new("OCI_METADATA_BASE_URL",
        "Base URL of the instance metadata service.", "`http://169.254.169.254/opc/v2`");
    REGION_METADATA = EnvVar::new("OCI_REGION_METADATA",
        "One further region: a JSON object with `regionIdentifier`, `regionKey`, `realmKey` \
         and `realmDomainComponent`.", "");
    RESOURCE_KEY = EnvVar::new("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM",
        "Private key of a resource principal, as PEM or as an absolute path.", "")
        .secret();
    _ = EnvVar::new("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM` of the leaf resource, for version 3.0.", "")
        .secret();
    RESOURCE_PASSPHRASE = EnvVar::new("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_PASSPHRASE",
        "Passphrase of that key: a path if the key is one.", "")
        .secret();
    _ = EnvVar::new("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_PASSPHRASE_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_PASSPHRASE` of the leaf resource, for version 3.0.",
        "")
        .secret();
    RESOURCE_ID = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RESOURCE_ID",
        "OCID of the resource, for versions 2.1, 2.1.1 and 2.1.2.", "");
    _ = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RESOURCE_ID_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_RESOURCE_ID` of the leaf resource, for version 3.0.", "");
    RESOURCE_RPST = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RPST",
        "Session token of a resource principal, itself or as an absolute path, for version 2.2.",
        "")
        .secret();
    RESOURCE_RPST_ENDPOINT = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT",
        "Auth service for versions 1.1 and 2.1.", "for 1.1 that of the instance's region");
    _ = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT` of the leaf resource, for version 3.0.", "");
    PARENT_RPST_ENDPOINT = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT_FOR_PARENT_RESOURCE",
        "Auth service for version 3.0.", "");
    _ = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RPST_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_RPST` of the leaf resource, for version 3.0.", "")
        .secret();
    RESOURCE_RPT_ENDPOINT = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RPT_ENDPOINT",
        "Service that knows the resource, for versions 1.1 and 2.1.", "");
    _ = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RPT_ENDPOINT_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_RPT_ENDPOINT` of the leaf resource, for version 3.0.", "");
    RESOURCE_RPT_ID = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RPT_ID",
        "Replaces `{id}` in the path of version 1.1.", "the instance's OCID");
    _ = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RPT_ID_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_RPT_ID` of the leaf resource, for version 3.0.", "");
    RESOURCE_RPT_PATH = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RPT_PATH",
        "Path at the service that knows the resource.",
        "`/20180711/resourcePrincipalToken/{id}`, by version");
    _ = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RPT_PATH_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_RPT_PATH` of the leaf resource, for version 3.0.", "");
    PARENT_RPT_URL = EnvVar::new("OCI_RESOURCE_PRINCIPAL_RPT_URL_FOR_PARENT_RESOURCE",
        "Whole URL at which the parent resource is known, for version 3.0.", "");
    RESOURCE_CONTEXT = EnvVar::new("OCI_RESOURCE_PRINCIPAL_SECURITY_CONTEXT",
        "Security context that version 2.1.2 sends with its request.", "")
        .secret();
    _ = EnvVar::new("OCI_RESOURCE_PRINCIPAL_SECURITY_CONTEXT_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_SECURITY_CONTEXT` of the leaf resource, for version 3.0.", "")
        .secret();
    RESOURCE_TENANCY = EnvVar::new("OCI_RESOURCE_PRINCIPAL_TENANCY_ID",
        "OCID of the resource's tenancy, for versions 2.1.1 and 2.1.2.", "");
    _ = EnvVar::new("OCI_RESOURCE_PRINCIPAL_TENANCY_ID_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_TENANCY_ID` of the leaf resource, for version 3.0.", "");
    RESOURCE_VERSION = EnvVar::new("OCI_RESOURCE_PRINCIPAL_VERSION",
        "Version of the resource principal: `1.1`, `2.1`, `2.1.1`, `2.1.2`, `2.2` or `3.0`. \
         Setting it makes the resource the identity.", "");
    _ = EnvVar::new("OCI_RESOURCE_PRINCIPAL_VERSION_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_VERSION` of the leaf resource, for version 3.0.", "");
    AUTH_URL = EnvVar::new("OCI_SDK_AUTH_CLIENT_REGION_URL",
        "The auth service's address instead of the region's.",
        "`OCI_CLI_FEDERATION_ENDPOINT`, else `https://auth.<region>.<realm's domain>`");
    EXCHANGE_CLIENT_ID = EnvVar::new("OCI_WORKLOAD_IDENTITY_CLIENT_ID",
        "Client of the identity domain for token exchange.", "");
    EXCHANGE_CLIENT_SECRET = EnvVar::new("OCI_WORKLOAD_IDENTITY_CLIENT_SECRET",
        "Secret of that client.", "")
        .secret();
    DOMAIN_URL = EnvVar::new("OCI_WORKLOAD_IDENTITY_DOMAIN_URL",
        "URL of the identity domain that exchanges a foreign token. Naming one makes the \
         exchanged token the identity.", "");
    EXCHANGE_WANTED = EnvVar::new("OCI_WORKLOAD_IDENTITY_REQUESTED_TOKEN_TYPE",
        "Requested session: `upst`, a user's, or `rpst`, a resource's.", "`upst`");
    EXCHANGE_RESOURCE_TYPE = EnvVar::new("OCI_WORKLOAD_IDENTITY_RESOURCE_TYPE",
        "Type of the resource whose session is requested, for `rpst`.", "");
    EXCHANGE_LIFE = EnvVar::new("OCI_WORKLOAD_IDENTITY_RPST_EXP",
        "Requested life of a resource session, in seconds.", "");
    EXCHANGE_SUBJECT_TYPE = EnvVar::new("OCI_WORKLOAD_IDENTITY_SUBJECT_TOKEN_TYPE",
        "Type of the foreign token.", "`jwt`");
    EXCHANGE_TOKEN_FILE = EnvVar::new("OCI_WORKLOAD_IDENTITY_TOKEN_PATH",
        "File with the foreign token, when the kubelet sends none.", "")
        .role(Role::TokenFile);
    ALSO_SERVE = EnvVar::new("REGCRED_OCIR_ALSO_SERVE",
        "Further hosts that may be given a registry token, comma-separated, each perhaps with \
         `=` and its region.", "")
        .role(Role::Hosts)
        .flag("also-serve", "HOST", "A further host that may be given a registry token.");
    AUTH_TOKEN = EnvVar::new("REGCRED_OCIR_AUTH_TOKEN",
        "Auth token of the user in `REGCRED_OCIR_USERNAME`.", "")
        .secret();
    AUTH_TOKEN_FILE = EnvVar::new("REGCRED_OCIR_AUTH_TOKEN_FILE",
        "File with that auth token.", "")
        .role(Role::TokenFile)
        .flag("auth-token-file", "FILE", "File with the auth token.");
    PLUGIN_CONFIG = EnvVar::new("REGCRED_OCIR_PLUGIN_CONFIG",
        "YAML file of the earlier kubelet plugin; its settings win over the variables.", "")
        .flag("config", "FILE", "YAML file of the earlier kubelet plugin.");
    PROXYMUX_PORT = EnvVar::new("REGCRED_OCIR_PROXYMUX_PORT",
        "Port of the cluster's token service.", "`12250`");
    REQUIRE_POD_IDENTITY = EnvVar::new("REGCRED_OCIR_REQUIRE_POD_IDENTITY",
        "When true, a request without a service account token is an error instead of being \
         answered as the node.", "false")
        .role(Role::RequirePod)
        .switch("require-pod-identity", "Refuse requests without a service account token.");
    TOKEN_URL = EnvVar::new("REGCRED_OCIR_TOKEN_URL",
        "Base URL at which registry tokens are requested and tried, instead of the registry \
         itself: a private gateway, a test.", "`https://` and the registry's host");
    USERNAME = EnvVar::new("REGCRED_OCIR_USERNAME",
        "`<namespace>/<user>` or `<namespace>/<domain>/<user>` for a login by auth token.", "")
        .flag("username", "NAME", "Namespace and user for a login by auth token.");
    PROTOCOL = EnvVar::new("REGISTRY_PROTOCOL",
        "`https`, or `http` for a registry on this machine.", "`https`");
    TOKEN_PATH = EnvVar::new("REGISTRY_TOKEN_PATH",
        "Path of the registry's token endpoint.", "`/20180419/docker/token`")
        .role(Role::TokenFile);
    TF_FINGERPRINT = EnvVar::new("TF_VAR_fingerprint",
        "Terraform's fingerprint, where neither variable nor profile has one.", "");
    TF_KEY_FILE = EnvVar::new("TF_VAR_private_key_path", "Terraform's key file, likewise.", "");
    TF_TENANCY = EnvVar::new("TF_VAR_tenancy_ocid", "Terraform's tenancy, likewise.", "");
    TF_USER = EnvVar::new("TF_VAR_user_ocid", "Terraform's user, likewise.", "");
    VALIDATION = EnvVar::new("TOKEN_VALIDATION",
        "`enabled` tries each fresh token on the requested repository, and keeps none that is \
         refused; `disabled` does not.", "`enabled`")
        .flag("token-validation", "WORD", "Try fresh tokens: enabled, or disabled.");
}

/// Ends the name of each variable of a resource principal that concerns a leaf resource.
pub(crate) const LEAF: &str = "_FOR_LEAF_RESOURCE";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order() {
        let names: Vec<_> = VARS.iter().map(|var| var.name).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    }
}
