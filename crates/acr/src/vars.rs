//! Every variable that decides what this provider does. The `AZURE_`, `IDENTITY_` and `MSI_` names
//! are those of Azure's SDKs, of the workload identity webhook and of Azure's hosting services.

use regcred_core::EnvVar;

pub(crate) const ALSO_SERVE: &str = "REGCRED_ACR_ALSO_SERVE";
pub(crate) const AUDIENCE: &str = "REGCRED_ACR_AUDIENCE";
pub(crate) const AUTHORITY_HOST: &str = "AZURE_AUTHORITY_HOST";
pub(crate) const AZURE_JSON: &str = "REGCRED_ACR_AZURE_JSON";
pub(crate) const CERTIFICATE_PASSWORD: &str = "AZURE_CLIENT_CERTIFICATE_PASSWORD";
pub(crate) const CERTIFICATE_PATH: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
pub(crate) const CLIENT_ID: &str = "AZURE_CLIENT_ID";
pub(crate) const CLIENT_SECRET: &str = "AZURE_CLIENT_SECRET";
pub(crate) const CLIENT_SECRET_FILE: &str = "REGCRED_ACR_CLIENT_SECRET_FILE";
pub(crate) const CLOUD: &str = "REGCRED_ACR_CLOUD";
pub(crate) const CONFIG_DIR: &str = "AZURE_CONFIG_DIR";
pub(crate) const ENDPOINT: &str = "REGCRED_ACR_ENDPOINT";
pub(crate) const ENVIRONMENT_FILE: &str = "AZURE_ENVIRONMENT_FILEPATH";
pub(crate) const FEDERATED_TOKEN: &str = "AZURE_FEDERATED_TOKEN";
pub(crate) const FEDERATED_TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
pub(crate) const IB_APISERVER_IP: &str = "REGCRED_ACR_IB_APISERVER_IP";
pub(crate) const IB_CA_FILE: &str = "REGCRED_ACR_IB_CA_FILE";
pub(crate) const IB_CLIENT_ID: &str = "REGCRED_ACR_IB_DEFAULT_CLIENT_ID";
pub(crate) const IB_SNI_NAME: &str = "REGCRED_ACR_IB_SNI_NAME";
pub(crate) const IB_TENANT_ID: &str = "REGCRED_ACR_IB_DEFAULT_TENANT_ID";
pub(crate) const IDENTITY: &str = "REGCRED_ACR_IDENTITY";
pub(crate) const IDENTITY_ENDPOINT: &str = "IDENTITY_ENDPOINT";
pub(crate) const IDENTITY_HEADER: &str = "IDENTITY_HEADER";
pub(crate) const IDENTITY_THUMBPRINT: &str = "IDENTITY_SERVER_THUMBPRINT";
pub(crate) const IMDS: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
pub(crate) const IMDS_ENDPOINT: &str = "IMDS_ENDPOINT";
pub(crate) const LOGIN: &str = "REGCRED_ACR_LOGIN";
pub(crate) const LOGIN_SERVER: &str = "REGCRED_ACR_LOGIN_SERVER";
pub(crate) const MANAGED_IDENTITY: &str = "REGCRED_ACR_MANAGED_IDENTITY";
pub(crate) const MSI_ENDPOINT: &str = "MSI_ENDPOINT";
pub(crate) const MSI_SECRET: &str = "MSI_SECRET";
pub(crate) const PASSWORD: &str = "REGCRED_ACR_PASSWORD";
pub(crate) const PASSWORD_FILE: &str = "REGCRED_ACR_PASSWORD_FILE";
pub(crate) const REGISTRY_MIRROR: &str = "REGCRED_ACR_REGISTRY_MIRROR";
pub(crate) const REQUIRE_POD_IDENTITY: &str = "REGCRED_ACR_REQUIRE_POD_IDENTITY";
pub(crate) const SEND_CHAIN: &str = "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN";
pub(crate) const SUFFIX: &str = "REGCRED_ACR_SUFFIX";
pub(crate) const TENANT_ID: &str = "AZURE_TENANT_ID";
pub(crate) const USERNAME: &str = "REGCRED_ACR_USERNAME";
pub(crate) const USERNAME_FILE: &str = "REGCRED_ACR_USERNAME_FILE";

/// The catalogue, by name.
pub(crate) const VARS: &[EnvVar] = &[
    EnvVar::new(
        AUTHORITY_HOST,
        "Entra ID's address, https; plain http on loopback.",
        "the cloud's, such as `https://login.microsoftonline.com`",
    ),
    EnvVar::new(
        CERTIFICATE_PASSWORD,
        "Password of the PKCS#12 file in `AZURE_CLIENT_CERTIFICATE_PATH`.",
        "",
    )
    .secret(),
    EnvVar::new(
        CERTIFICATE_PATH,
        "The service principal's certificate with its RSA key: PEM or PKCS#12.",
        "",
    ),
    EnvVar::new(
        CLIENT_ID,
        "Client (application) id of the service principal, the workload identity or the managed \
         identity.",
        "`aadClientId` of azure.json",
    ),
    EnvVar::new(CLIENT_SECRET, "Secret of the service principal.", "").secret(),
    EnvVar::new(
        SEND_CHAIN,
        "When true, the certificate goes along in the assertion, for trust by subject name and \
         issuer.",
        "false",
    ),
    EnvVar::new(
        CONFIG_DIR,
        "Where the Azure CLI keeps its logins.",
        "`~/.azure`",
    )
    .foreign(),
    EnvVar::new(
        ENVIRONMENT_FILE,
        "JSON file that describes a custom cloud: `activeDirectoryEndpoint`, `tokenAudience`, \
         `resourceManagerEndpoint`, `containerRegistryDNSSuffix`.",
        "",
    ),
    EnvVar::new(
        FEDERATED_TOKEN,
        "The token that `AZURE_FEDERATED_TOKEN_FILE` would hold.",
        "",
    )
    .secret(),
    EnvVar::new(
        FEDERATED_TOKEN_FILE,
        "File with a token that Entra ID trusts for the client: workload identity. Read anew each \
         time.",
        "`aadFederatedTokenFile` of azure.json",
    ),
    EnvVar::new(
        IMDS,
        "Base URL of the machine's metadata service.",
        "`http://169.254.169.254`",
    ),
    EnvVar::new(
        TENANT_ID,
        "Tenant of the service principal or workload identity.",
        "`tenantId` of azure.json",
    ),
    EnvVar::new(
        IDENTITY_ENDPOINT,
        "Managed identity endpoint of App Service, Container Apps, Functions or Azure Arc.",
        "",
    ),
    EnvVar::new(
        IDENTITY_HEADER,
        "What App Service's endpoint wants to be shown.",
        "",
    )
    .secret(),
    EnvVar::new(
        IDENTITY_THUMBPRINT,
        "Set by Service Fabric, whose endpoint is not used.",
        "",
    ),
    EnvVar::new(
        IMDS_ENDPOINT,
        "Set by Azure Arc; tells its `IDENTITY_ENDPOINT` from App Service's.",
        "",
    ),
    EnvVar::new(
        MSI_ENDPOINT,
        "Managed identity endpoint of Azure Machine Learning (with `MSI_SECRET`) and Cloud Shell.",
        "",
    ),
    EnvVar::new(
        MSI_SECRET,
        "What Azure Machine Learning's endpoint wants to be shown.",
        "",
    )
    .secret(),
    EnvVar::new(
        ALSO_SERVE,
        "Further hosts that may be given a token, comma-separated; `HOST=LOGINSERVER` names the \
         registry behind it.",
        "",
    ),
    EnvVar::new(
        AUDIENCE,
        "Audience of the Entra token, and no other.",
        "`https://containerregistry.azure.net`; the cloud's resource manager where that is unknown",
    ),
    EnvVar::new(
        AZURE_JSON,
        "The cloud provider's configuration file, JSON or YAML, as upstream's plugin takes it as \
         its argument.",
        "",
    ),
    EnvVar::new(
        CLIENT_SECRET_FILE,
        "File with the secret of the service principal.",
        "",
    ),
    EnvVar::new(
        CLOUD,
        "`AzurePublicCloud`, `AzureChinaCloud`, `AzureUSGovernmentCloud`, or a custom cloud's name \
         at its resource manager.",
        "`cloud` of azure.json, else the registry's own",
    ),
    EnvVar::new(
        ENDPOINT,
        "Base URL asked in place of `https://` and the login server, which keeps its name in the \
         protocol.",
        "",
    ),
    EnvVar::new(
        IB_APISERVER_IP,
        "Identity bindings: address of the API server, an IP or a name, perhaps with a port.",
        "",
    ),
    EnvVar::new(
        IB_CA_FILE,
        "Identity bindings: PEM file of the cluster's authority.",
        "`/etc/kubernetes/certs/ca.crt`",
    ),
    EnvVar::new(
        IB_CLIENT_ID,
        "Identity bindings: client id for service accounts without the annotation.",
        "",
    ),
    EnvVar::new(
        IB_TENANT_ID,
        "Identity bindings: tenant for service accounts without the annotation.",
        "",
    ),
    EnvVar::new(
        IB_SNI_NAME,
        "Identity bindings: TLS server name of the token endpoint; switches them on.",
        "",
    ),
    EnvVar::new(
        IDENTITY,
        "Which identity is used: `auto`, `secret`, `certificate`, `workload`, `managed` or `cli`.",
        "`auto`",
    ),
    EnvVar::new(
        LOGIN,
        "What the registry is given: `token` (the registry's own refresh token), `identity-token` \
         (the same, under the user name `<token>`), or `secret` (client id and secret).",
        "`token`",
    ),
    EnvVar::new(
        LOGIN_SERVER,
        "The registries that `REGCRED_ACR_USERNAME` is for, comma-separated.",
        "the registry whose name is the user name",
    ),
    EnvVar::new(
        MANAGED_IDENTITY,
        "The managed identity: `system`, a client id, a resource id, or `object:` and an object id.",
        "`userAssignedIdentityID` of azure.json",
    ),
    EnvVar::new(
        PASSWORD,
        "Password of the admin user or a repository-scoped token.",
        "",
    )
    .secret(),
    EnvVar::new(PASSWORD_FILE, "File with that password.", ""),
    EnvVar::new(
        REGISTRY_MIRROR,
        "`SOURCE:TARGET` pairs, comma-separated: images of the source are pulled with the login of \
         the target, a login server.",
        "",
    ),
    EnvVar::new(
        REQUIRE_POD_IDENTITY,
        "When true, a request without a pod's token is an error instead of leaving the answer to \
         the node's identity.",
        "false",
    ),
    EnvVar::new(
        SUFFIX,
        "Suffix of the login servers of a custom cloud, such as `azurecr.contoso.local`.",
        "",
    ),
    EnvVar::new(
        USERNAME,
        "Admin user or name of a repository-scoped token: a login that is handed on as it is.",
        "",
    ),
    EnvVar::new(USERNAME_FILE, "File with that user name.", ""),
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
