//! Every variable that decides what this provider does. `OCI_` names are those of Oracle's SDKs and
//! command line; `OCIR_AUTH_METHOD`, `TOKEN_VALIDATION`, `DEFAULT_USER` and the two `REGISTRY_` ones
//! are those of the earlier kubelet plugin (oracle-devrel/oke-credential-provider-for-ocir).

mod catalogue;

pub(crate) use catalogue::VARS;

pub(crate) const ALSO_SERVE: &str = "REGCRED_OCIR_ALSO_SERVE";
pub(crate) const AUTH_METHOD: &str = "OCIR_AUTH_METHOD";
pub(crate) const AUTH_TOKEN: &str = "REGCRED_OCIR_AUTH_TOKEN";
pub(crate) const AUTH_TOKEN_FILE: &str = "REGCRED_OCIR_AUTH_TOKEN_FILE";
pub(crate) const AUTH_URL: &str = "OCI_SDK_AUTH_CLIENT_REGION_URL";
pub(crate) const CLI_AUTH: &str = "OCI_CLI_AUTH";
pub(crate) const CLI_CERT_BUNDLE: &str = "OCI_CLI_CERT_BUNDLE";
pub(crate) const CLI_CONFIG_FILE: &str = "OCI_CLI_CONFIG_FILE";
pub(crate) const CLI_DELEGATION_FILE: &str = "OCI_CLI_DELEGATION_TOKEN_FILE";
pub(crate) const CLI_FEDERATION_ENDPOINT: &str = "OCI_CLI_FEDERATION_ENDPOINT";
pub(crate) const CLI_FINGERPRINT: &str = "OCI_CLI_FINGERPRINT";
pub(crate) const CLI_KEY_CONTENT: &str = "OCI_CLI_KEY_CONTENT";
pub(crate) const CLI_KEY_FILE: &str = "OCI_CLI_KEY_FILE";
pub(crate) const CLI_PASSPHRASE: &str = "OCI_CLI_PASSPHRASE";
pub(crate) const CLI_PROFILE: &str = "OCI_CLI_PROFILE";
pub(crate) const CLI_TENANCY: &str = "OCI_CLI_TENANCY";
pub(crate) const CLI_TOKEN_FILE: &str = "OCI_CLI_SECURITY_TOKEN_FILE";
pub(crate) const CLI_USER: &str = "OCI_CLI_USER";
pub(crate) const CONFIG_FILE: &str = "OCI_CONFIG_FILE";
pub(crate) const DEFAULT_REALM: &str = "OCI_DEFAULT_REALM";
pub(crate) const DEFAULT_USER: &str = "DEFAULT_USER";
pub(crate) const DOMAIN_URL: &str = "OCI_WORKLOAD_IDENTITY_DOMAIN_URL";
pub(crate) const EXCHANGE_CLIENT_ID: &str = "OCI_WORKLOAD_IDENTITY_CLIENT_ID";
pub(crate) const EXCHANGE_CLIENT_SECRET: &str = "OCI_WORKLOAD_IDENTITY_CLIENT_SECRET";
pub(crate) const EXCHANGE_LIFE: &str = "OCI_WORKLOAD_IDENTITY_RPST_EXP";
pub(crate) const EXCHANGE_RESOURCE_TYPE: &str = "OCI_WORKLOAD_IDENTITY_RESOURCE_TYPE";
pub(crate) const EXCHANGE_SUBJECT_TYPE: &str = "OCI_WORKLOAD_IDENTITY_SUBJECT_TOKEN_TYPE";
pub(crate) const EXCHANGE_TOKEN_FILE: &str = "OCI_WORKLOAD_IDENTITY_TOKEN_PATH";
pub(crate) const EXCHANGE_WANTED: &str = "OCI_WORKLOAD_IDENTITY_REQUESTED_TOKEN_TYPE";
pub(crate) const KUBERNETES_HOST: &str = "KUBERNETES_SERVICE_HOST";
/// Ends the name of each variable of a resource principal that speaks of a leaf resource.
pub(crate) const LEAF: &str = "_FOR_LEAF_RESOURCE";
pub(crate) const METADATA_URL: &str = "OCI_METADATA_BASE_URL";
pub(crate) const ONLY_TOOL_REGIONS: &str = "OCI_ALLOW_ONLY_DEVELOPER_TOOL_CONFIGURATION_REGIONS";
pub(crate) const PARENT_RPST_ENDPOINT: &str =
    "OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT_FOR_PARENT_RESOURCE";
pub(crate) const PARENT_RPT_URL: &str = "OCI_RESOURCE_PRINCIPAL_RPT_URL_FOR_PARENT_RESOURCE";
pub(crate) const PLUGIN_CONFIG: &str = "REGCRED_OCIR_PLUGIN_CONFIG";
pub(crate) const PROTOCOL: &str = "REGISTRY_PROTOCOL";
pub(crate) const PROXYMUX_PORT: &str = "REGCRED_OCIR_PROXYMUX_PORT";
pub(crate) const REGION_METADATA: &str = "OCI_REGION_METADATA";
pub(crate) const REQUIRE_POD_IDENTITY: &str = "REGCRED_OCIR_REQUIRE_POD_IDENTITY";
pub(crate) const RESOURCE_CONTEXT: &str = "OCI_RESOURCE_PRINCIPAL_SECURITY_CONTEXT";
pub(crate) const RESOURCE_ID: &str = "OCI_RESOURCE_PRINCIPAL_RESOURCE_ID";
pub(crate) const RESOURCE_KEY: &str = "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM";
pub(crate) const RESOURCE_PASSPHRASE: &str = "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_PASSPHRASE";
pub(crate) const RESOURCE_RPST: &str = "OCI_RESOURCE_PRINCIPAL_RPST";
pub(crate) const RESOURCE_RPST_ENDPOINT: &str = "OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT";
pub(crate) const RESOURCE_RPT_ENDPOINT: &str = "OCI_RESOURCE_PRINCIPAL_RPT_ENDPOINT";
pub(crate) const RESOURCE_RPT_ID: &str = "OCI_RESOURCE_PRINCIPAL_RPT_ID";
pub(crate) const RESOURCE_RPT_PATH: &str = "OCI_RESOURCE_PRINCIPAL_RPT_PATH";
pub(crate) const RESOURCE_TENANCY: &str = "OCI_RESOURCE_PRINCIPAL_TENANCY_ID";
pub(crate) const RESOURCE_VERSION: &str = "OCI_RESOURCE_PRINCIPAL_VERSION";
pub(crate) const SA_CERT_FILE: &str = "OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH";
pub(crate) const SA_TOKEN: &str = "OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_STRING";
pub(crate) const SA_TOKEN_FILE: &str = "OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH";
pub(crate) const TF_FINGERPRINT: &str = "TF_VAR_fingerprint";
pub(crate) const TF_KEY_FILE: &str = "TF_VAR_private_key_path";
pub(crate) const TF_TENANCY: &str = "TF_VAR_tenancy_ocid";
pub(crate) const TF_USER: &str = "TF_VAR_user_ocid";
pub(crate) const TOKEN_PATH: &str = "REGISTRY_TOKEN_PATH";
pub(crate) const TOKEN_URL: &str = "REGCRED_OCIR_TOKEN_URL";
pub(crate) const TOOL_FILE: &str = "OCI_DEVELOPER_TOOL_CONFIGURATION_FILE_PATH";
pub(crate) const USERNAME: &str = "REGCRED_OCIR_USERNAME";
pub(crate) const VALIDATION: &str = "TOKEN_VALIDATION";
