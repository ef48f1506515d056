//! The variables with what they do, for help texts and the reference page.

use regcred_core::EnvVar;

use super::*;

/// The catalogue, by name.
pub(crate) const VARS: &[EnvVar] = &[
    EnvVar::new(
        DEFAULT_USER,
        "User name of the earlier kubelet plugin's configuration. Accepted and ignored: the registry takes `BEARER_TOKEN` only.",
        "",
    ),
    EnvVar::new(
        KUBERNETES_HOST,
        "Address of the cluster's API server, for OKE workload identity. Kubernetes sets it in pods; a kubelet plugin needs it in its configuration.",
        "",
    ),
    EnvVar::new(
        AUTH_METHOD,
        "Which principal is used: `auto`, `instance_principal`, `user_principal` (or `api_key`), `security_token`, `instance_obo_user`, `resource_principal`, `oke_workload_identity`, `token_exchange` or `auth_token`, in any case.",
        "what `OCI_CLI_AUTH` says, else `auto`",
    ),
    EnvVar::new(
        ONLY_TOOL_REGIONS,
        "When true, only the regions of the developer tool configuration are known.",
        "false",
    ),
    EnvVar::new(
        CLI_AUTH,
        "The same choice in the words of Oracle's command line.",
        "",
    ),
    EnvVar::new(
        CLI_CERT_BUNDLE,
        "PEM file with the roots to trust for Oracle's services.",
        "`SSL_CERT_FILE`, else the system's",
    ),
    EnvVar::new(
        CLI_CONFIG_FILE,
        "Configuration file with profiles, as Oracle's command line names it.",
        "`OCI_CONFIG_FILE`, else `~/.oci/config` for a user that is asked for",
    ),
    EnvVar::new(
        CLI_DELEGATION_FILE,
        "File with a delegation token, for `instance_obo_user`.",
        "`delegation_token_file` of the profile",
    ),
    EnvVar::new(
        CLI_FEDERATION_ENDPOINT,
        "The auth service's address, as Oracle's command line names it.",
        "",
    ),
    EnvVar::new(
        CLI_FINGERPRINT,
        "Fingerprint of the API key; compared with the key.",
        "computed from the key",
    ),
    EnvVar::new(
        CLI_KEY_CONTENT,
        "The user's private key itself, as PEM.",
        "",
    )
    .secret(),
    EnvVar::new(
        CLI_KEY_FILE,
        "File with the user's private key: PKCS#1 or PKCS#8, plain or encrypted.",
        "`key_file` of the profile",
    ),
    EnvVar::new(
        CLI_PASSPHRASE,
        "Passphrase of the private key.",
        "`pass_phrase` of the profile",
    )
    .secret(),
    EnvVar::new(
        CLI_PROFILE,
        "Profile of the configuration file. Naming one names a user.",
        "`DEFAULT`",
    ),
    EnvVar::new(
        CLI_TOKEN_FILE,
        "File with a session token (`oci session authenticate`).",
        "`security_token_file` of the profile",
    ),
    EnvVar::new(
        CLI_TENANCY,
        "OCID of the user's tenancy.",
        "`tenancy` of the profile",
    ),
    EnvVar::new(CLI_USER, "OCID of the user.", "`user` of the profile"),
    EnvVar::new(
        CONFIG_FILE,
        "Configuration file with profiles, as Oracle's SDKs name it.",
        "",
    ),
    EnvVar::new(
        DEFAULT_REALM,
        "Domain of the services in a region that nothing tells about; also a realm whose registries are served.",
        "`oraclecloud.com`",
    ),
    EnvVar::new(
        TOOL_FILE,
        "File with further regions: an object with `regions`.",
        "`~/.oci/developer-tool-configuration.json`",
    ),
    EnvVar::new(
        SA_CERT_FILE,
        "PEM file with the cluster's CA: the only one that its token service is trusted by.",
        "`/var/run/secrets/kubernetes.io/serviceaccount/ca.crt`",
    ),
    EnvVar::new(
        SA_TOKEN_FILE,
        "File with the service account token.",
        "`/var/run/secrets/kubernetes.io/serviceaccount/token`",
    ),
    EnvVar::new(SA_TOKEN, "The service account token itself.", "").secret(),
    EnvVar::new(
        METADATA_URL,
        "Base URL of the instance metadata service.",
        "`http://169.254.169.254/opc/v2`",
    ),
    EnvVar::new(
        REGION_METADATA,
        "One further region: a JSON object with `regionIdentifier`, `regionKey`, `realmKey` and `realmDomainComponent`.",
        "",
    ),
    EnvVar::new(
        RESOURCE_KEY,
        "Private key of a resource principal, as PEM or as an absolute path.",
        "",
    )
    .secret(),
    EnvVar::new(
        "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM` of the leaf resource, for version 3.0.",
        "",
    )
    .secret(),
    EnvVar::new(
        RESOURCE_PASSPHRASE,
        "Passphrase of that key: a path if the key is one.",
        "",
    )
    .secret(),
    EnvVar::new(
        "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_PASSPHRASE_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_PASSPHRASE` of the leaf resource, for version 3.0.",
        "",
    )
    .secret(),
    EnvVar::new(
        RESOURCE_ID,
        "OCID of the resource, for versions 2.1, 2.1.1 and 2.1.2.",
        "",
    ),
    EnvVar::new(
        "OCI_RESOURCE_PRINCIPAL_RESOURCE_ID_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_RESOURCE_ID` of the leaf resource, for version 3.0.",
        "",
    ),
    EnvVar::new(
        RESOURCE_RPST,
        "Session token of a resource principal, itself or as an absolute path, for version 2.2.",
        "",
    )
    .secret(),
    EnvVar::new(
        RESOURCE_RPST_ENDPOINT,
        "Auth service for versions 1.1 and 2.1.",
        "for 1.1 that of the instance's region",
    ),
    EnvVar::new(
        "OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT` of the leaf resource, for version 3.0.",
        "",
    ),
    EnvVar::new(PARENT_RPST_ENDPOINT, "Auth service for version 3.0.", ""),
    EnvVar::new(
        "OCI_RESOURCE_PRINCIPAL_RPST_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_RPST` of the leaf resource, for version 3.0.",
        "",
    )
    .secret(),
    EnvVar::new(
        RESOURCE_RPT_ENDPOINT,
        "Service that knows the resource, for versions 1.1 and 2.1.",
        "",
    ),
    EnvVar::new(
        "OCI_RESOURCE_PRINCIPAL_RPT_ENDPOINT_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_RPT_ENDPOINT` of the leaf resource, for version 3.0.",
        "",
    ),
    EnvVar::new(
        RESOURCE_RPT_ID,
        "What stands for `{id}` in the path of version 1.1.",
        "the instance's OCID",
    ),
    EnvVar::new(
        "OCI_RESOURCE_PRINCIPAL_RPT_ID_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_RPT_ID` of the leaf resource, for version 3.0.",
        "",
    ),
    EnvVar::new(
        RESOURCE_RPT_PATH,
        "Path at the service that knows the resource.",
        "`/20180711/resourcePrincipalToken/{id}`, by version",
    ),
    EnvVar::new(
        "OCI_RESOURCE_PRINCIPAL_RPT_PATH_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_RPT_PATH` of the leaf resource, for version 3.0.",
        "",
    ),
    EnvVar::new(
        PARENT_RPT_URL,
        "Whole URL at which the parent resource is known, for version 3.0.",
        "",
    ),
    EnvVar::new(
        RESOURCE_CONTEXT,
        "Security context that version 2.1.2 sends along.",
        "",
    )
    .secret(),
    EnvVar::new(
        "OCI_RESOURCE_PRINCIPAL_SECURITY_CONTEXT_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_SECURITY_CONTEXT` of the leaf resource, for version 3.0.",
        "",
    )
    .secret(),
    EnvVar::new(
        RESOURCE_TENANCY,
        "OCID of the resource's tenancy, for versions 2.1.1 and 2.1.2.",
        "",
    ),
    EnvVar::new(
        "OCI_RESOURCE_PRINCIPAL_TENANCY_ID_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_TENANCY_ID` of the leaf resource, for version 3.0.",
        "",
    ),
    EnvVar::new(
        RESOURCE_VERSION,
        "Version of the resource principal: `1.1`, `2.1`, `2.1.1`, `2.1.2`, `2.2` or `3.0`. Setting it makes it the principal.",
        "",
    ),
    EnvVar::new(
        "OCI_RESOURCE_PRINCIPAL_VERSION_FOR_LEAF_RESOURCE",
        "`OCI_RESOURCE_PRINCIPAL_VERSION` of the leaf resource, for version 3.0.",
        "",
    ),
    EnvVar::new(
        AUTH_URL,
        "The auth service's address instead of the region's.",
        "`OCI_CLI_FEDERATION_ENDPOINT`, else `https://auth.<region>.<realm's domain>`",
    ),
    EnvVar::new(
        EXCHANGE_CLIENT_ID,
        "Client of the identity domain for token exchange.",
        "",
    ),
    EnvVar::new(EXCHANGE_CLIENT_SECRET, "Secret of that client.", "").secret(),
    EnvVar::new(
        DOMAIN_URL,
        "URL of the identity domain that exchanges a foreign token. Naming one makes the exchange the principal.",
        "",
    ),
    EnvVar::new(
        EXCHANGE_WANTED,
        "Session that is asked for: `upst`, a user's, or `rpst`, a resource's.",
        "`upst`",
    ),
    EnvVar::new(
        EXCHANGE_RESOURCE_TYPE,
        "Type of the resource whose session is asked for, for `rpst`.",
        "",
    ),
    EnvVar::new(
        EXCHANGE_LIFE,
        "Life that is asked for a resource session, in seconds.",
        "",
    ),
    EnvVar::new(EXCHANGE_SUBJECT_TYPE, "Type of the foreign token.", "`jwt`"),
    EnvVar::new(
        EXCHANGE_TOKEN_FILE,
        "File with the foreign token, when the kubelet sends none.",
        "",
    ),
    EnvVar::new(
        ALSO_SERVE,
        "Further hosts that may be given a registry token, comma-separated, each perhaps with `=` and its region.",
        "",
    ),
    EnvVar::new(
        AUTH_TOKEN,
        "Auth token of the user in `REGCRED_OCIR_USERNAME`.",
        "",
    )
    .secret(),
    EnvVar::new(AUTH_TOKEN_FILE, "File with that auth token.", ""),
    EnvVar::new(
        PLUGIN_CONFIG,
        "YAML file of the earlier kubelet plugin; what it says wins over the variables.",
        "",
    ),
    EnvVar::new(
        PROXYMUX_PORT,
        "Port of the cluster's token service.",
        "`12250`",
    ),
    EnvVar::new(
        REQUIRE_POD_IDENTITY,
        "When true, a request without a service account token is an error instead of being answered by the node's principal.",
        "false",
    ),
    EnvVar::new(
        TOKEN_URL,
        "Base URL at which registry tokens are asked for and tried, instead of the registry itself: a private gateway, a test.",
        "`https://` and the registry's host",
    ),
    EnvVar::new(
        USERNAME,
        "`<namespace>/<user>` or `<namespace>/<domain>/<user>` for a login by auth token.",
        "",
    ),
    EnvVar::new(
        PROTOCOL,
        "`https`, or `http` for a registry on this machine.",
        "`https`",
    ),
    EnvVar::new(
        TOKEN_PATH,
        "Path of the registry's token endpoint.",
        "`/20180419/docker/token`",
    ),
    EnvVar::new(
        TF_FINGERPRINT,
        "Terraform's fingerprint, where neither variable nor profile says one.",
        "",
    ),
    EnvVar::new(TF_KEY_FILE, "Terraform's key file, likewise.", ""),
    EnvVar::new(TF_TENANCY, "Terraform's tenancy, likewise.", ""),
    EnvVar::new(TF_USER, "Terraform's user, likewise.", ""),
    EnvVar::new(
        VALIDATION,
        "`enabled` tries each fresh token on the repository that is asked for, and keeps none that is refused; `disabled` does not.",
        "`enabled`",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_unique_and_documented() {
        let names: Vec<_> = VARS.iter().map(|var| var.name).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        assert!(VARS.iter().all(|var| var.doc.ends_with('.')));
    }
}
