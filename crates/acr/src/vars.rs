//! Every variable that decides what this provider does. The `AZURE_`, `IDENTITY_` and `MSI_` names
//! are those of Azure's SDKs, of the workload identity webhook and of Azure's hosting services.

use regcred_core::{EnvVar, Role, options};

options! {
    /// Every variable that decides what this provider does.
    pub(crate) VARS:
    AUTHORITY_HOST = EnvVar::new("AZURE_AUTHORITY_HOST",
        "Entra ID's address, https; plain http on loopback.",
        "the cloud's, such as `https://login.microsoftonline.com`");
    CERTIFICATE_PASSWORD = EnvVar::new("AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "Password of the PKCS#12 file in `AZURE_CLIENT_CERTIFICATE_PATH`.", "")
        .secret();
    CERTIFICATE_PATH = EnvVar::new("AZURE_CLIENT_CERTIFICATE_PATH",
        "The service principal's certificate with its RSA key: PEM or PKCS#12.", "")
        .flag("client-certificate", "FILE",
            "Certificate with key of the service principal, PEM or PKCS#12.");
    CLIENT_ID = EnvVar::new("AZURE_CLIENT_ID",
        "Client (application) id of the service principal, the workload identity or the \
         managed identity.", "`aadClientId` of azure.json")
        .flag("client-id", "ID", "Client id of the identity.");
    CLIENT_SECRET = EnvVar::new("AZURE_CLIENT_SECRET", "Secret of the service principal.", "")
        .secret();
    SEND_CHAIN = EnvVar::new("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
        "When true, the assertion includes the certificate chain (`x5c`), for trust by subject name \
         and issuer.", "false");
    CONFIG_DIR = EnvVar::new("AZURE_CONFIG_DIR",
        "Where the Azure CLI keeps its logins.", "`~/.azure`")
        .foreign();
    ENVIRONMENT_FILE = EnvVar::new("AZURE_ENVIRONMENT_FILEPATH",
        "JSON file that describes a custom cloud: `activeDirectoryEndpoint`, `tokenAudience`, \
         `resourceManagerEndpoint`, `containerRegistryDNSSuffix`.", "");
    FEDERATED_TOKEN = EnvVar::new("AZURE_FEDERATED_TOKEN",
        "The token that `AZURE_FEDERATED_TOKEN_FILE` would hold.", "")
        .secret();
    FEDERATED_TOKEN_FILE = EnvVar::new("AZURE_FEDERATED_TOKEN_FILE",
        "File with a token that Entra ID trusts for the client: workload identity. Read \
         each time.", "`aadFederatedTokenFile` of azure.json")
        .role(Role::TokenFile)
        .flag("federated-token-file", "FILE", "File with a token for workload identity.");
    IMDS = EnvVar::new("AZURE_POD_IDENTITY_AUTHORITY_HOST",
        "Base URL of the machine's metadata service.", "`http://169.254.169.254`");
    TENANT_ID = EnvVar::new("AZURE_TENANT_ID",
        "Tenant of the service principal or workload identity.", "`tenantId` of azure.json")
        .flag("tenant-id", "ID", "Tenant of the service principal or workload identity.");
    IDENTITY_ENDPOINT = EnvVar::new("IDENTITY_ENDPOINT",
        "Managed identity endpoint of App Service, Container Apps, Functions or Azure Arc.", "");
    IDENTITY_HEADER = EnvVar::new("IDENTITY_HEADER",
        "Secret that App Service's endpoint requires.", "")
        .secret();
    IDENTITY_THUMBPRINT = EnvVar::new("IDENTITY_SERVER_THUMBPRINT",
        "Set by Service Fabric, whose endpoint is not used.", "");
    IMDS_ENDPOINT = EnvVar::new("IMDS_ENDPOINT",
        "Set by Azure Arc; distinguishes its `IDENTITY_ENDPOINT` from App Service's.", "");
    MSI_ENDPOINT = EnvVar::new("MSI_ENDPOINT",
        "Managed identity endpoint of Azure Machine Learning (with `MSI_SECRET`) and Cloud Shell.", "");
    MSI_SECRET = EnvVar::new("MSI_SECRET", "Secret that Azure Machine Learning's endpoint requires.", "")
        .secret();
    ALSO_SERVE = EnvVar::new("REGCRED_ACR_ALSO_SERVE",
        "Further hosts that may be given a token, comma-separated; `HOST=LOGINSERVER` names \
         the registry behind it.", "")
        .role(Role::Hosts)
        .flag("also-serve", "HOST", "A further host that may be given a token.");
    AUDIENCE = EnvVar::new("REGCRED_ACR_AUDIENCE",
        "Audience of the Entra token, and no other.",
        "`https://containerregistry.azure.net`; the cloud's resource manager where that is \
         unknown")
        .flag("audience", "URL", "Audience of the Entra token.");
    AZURE_JSON = EnvVar::new("REGCRED_ACR_AZURE_JSON",
        "The cloud provider's configuration file, JSON or YAML, as upstream's plugin takes it \
         as its argument.", "")
        .flag("config", "FILE",
            "The cloud provider's azure.json; upstream takes it as the argument.");
    CLIENT_SECRET_FILE = EnvVar::new("REGCRED_ACR_CLIENT_SECRET_FILE",
        "File with the secret of the service principal.", "")
        .flag("client-secret-file", "FILE", "File with the secret of the service principal.");
    CLOUD = EnvVar::new("REGCRED_ACR_CLOUD",
        "`AzurePublicCloud`, `AzureChinaCloud`, `AzureUSGovernmentCloud`, or a custom cloud's \
         name at its resource manager.", "`cloud` of azure.json, else the registry's own")
        .flag("cloud", "NAME",
            "AzurePublicCloud, AzureChinaCloud, AzureUSGovernmentCloud or a custom one.");
    ENDPOINT = EnvVar::new("REGCRED_ACR_ENDPOINT",
        "Base URL that is asked instead of `https://` and the login server, which keeps its name \
         in the protocol.", "");
    IB_APISERVER_IP = EnvVar::new("REGCRED_ACR_IB_APISERVER_IP",
        "Identity bindings: address of the API server, an IP or a name, perhaps with a port.",
        "")
        .flag("ib-apiserver-ip", "IP", "Identity bindings: address of the API server.").may_be_empty();
    IB_CA_FILE = EnvVar::new("REGCRED_ACR_IB_CA_FILE",
        "Identity bindings: PEM file of the cluster's authority.",
        "`/etc/kubernetes/certs/ca.crt`");
    IB_CLIENT_ID = EnvVar::new("REGCRED_ACR_IB_DEFAULT_CLIENT_ID",
        "Identity bindings: client id for service accounts without the annotation.", "")
        .flag("ib-default-client-id", "ID", "Identity bindings: client id without annotation.").may_be_empty();
    IB_TENANT_ID = EnvVar::new("REGCRED_ACR_IB_DEFAULT_TENANT_ID",
        "Identity bindings: tenant for service accounts without the annotation.", "")
        .flag("ib-default-tenant-id", "ID", "Identity bindings: tenant id without annotation.").may_be_empty();
    IB_SNI_NAME = EnvVar::new("REGCRED_ACR_IB_SNI_NAME",
        "Identity bindings: TLS server name of the token endpoint; switches them on.", "")
        .flag("ib-sni-name", "NAME", "Identity bindings: TLS server name of the token endpoint.").may_be_empty();
    IDENTITY = EnvVar::new("REGCRED_ACR_IDENTITY",
        "Which identity is used: `auto`, `secret`, `certificate`, `workload`, `managed` or \
         `cli`.", "`auto`")
        .flag("identity", "KIND", "Identity: auto, secret, certificate, workload, managed or cli.");
    LOGIN = EnvVar::new("REGCRED_ACR_LOGIN",
        "What the registry receives: `token` (the registry's own refresh token), \
         `identity-token` (the same, under the user name `<token>`), or `secret` (client id \
         and secret).", "`token`")
        .flag("login", "FORM", "What the registry receives: token, identity-token, or secret.");
    LOGIN_SERVER = EnvVar::new("REGCRED_ACR_LOGIN_SERVER",
        "The registries that `REGCRED_ACR_USERNAME` is for, comma-separated.",
        "the registry whose name is the user name")
        .flag("login-server", "HOST", "A registry that this user name is for.");
    MANAGED_IDENTITY = EnvVar::new("REGCRED_ACR_MANAGED_IDENTITY",
        "The managed identity: `system`, a client id, a resource id, or `object:` and an \
         object id.", "`userAssignedIdentityID` of azure.json")
        .flag("managed-identity", "ID",
            "Managed identity: system, client id, resource id, or object:ID.");
    PASSWORD = EnvVar::new("REGCRED_ACR_PASSWORD",
        "Password of the admin user or a repository-scoped token.", "")
        .secret();
    PASSWORD_FILE = EnvVar::new("REGCRED_ACR_PASSWORD_FILE", "File with that password.", "")
        .flag("password-file", "FILE", "File with its password.");
    REGISTRY_MIRROR = EnvVar::new("REGCRED_ACR_REGISTRY_MIRROR",
        "`SOURCE:TARGET` pairs, comma-separated: images of the source are pulled with the \
         login of the target, a login server.", "")
        .flag("registry-mirror", "SOURCE:TARGET",
            "Pull images of the source with the login of the target.").short('r').may_be_empty();
    REQUIRE_POD_IDENTITY = EnvVar::new("REGCRED_ACR_REQUIRE_POD_IDENTITY",
        "When true, a request without a pod's token is an error instead of leaving the answer \
         to the node's identity.", "false")
        .role(Role::RequirePod)
        .switch("require-pod-identity", "Refuse the node's identity.");
    SUFFIX = EnvVar::new("REGCRED_ACR_SUFFIX",
        "Suffix of the login servers of a custom cloud, such as `azurecr.contoso.local`.", "")
        .flag("login-server-suffix", "SUFFIX", "Suffix of the login servers of a custom cloud.");
    USERNAME = EnvVar::new("REGCRED_ACR_USERNAME",
        "Admin user or name of a repository-scoped token: a login that is passed on unchanged.",
        "")
        .flag("username", "USER", "Admin user or repository-scoped token.");
    USERNAME_FILE = EnvVar::new("REGCRED_ACR_USERNAME_FILE", "File with that user name.", "");
}
