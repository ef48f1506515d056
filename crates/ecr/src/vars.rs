//! The variables that the ECR provider and the AWS libraries under it read.

use regcred_core::{EnvVar, Role, options};

options! {
    /// Every variable that decides what this provider does.
    pub(crate) VARS:
    ALSO_SERVE = EnvVar::new("REGCRED_ECR_ALSO_SERVE",
        "More hosts that lead to ECR (CNAMEs, mirrors), as `HOST` or `HOST=REGION`, \
         comma-separated.", "")
        .role(Role::Hosts)
        .flag("also-serve", "HOST[=REGION]", "Serve this host too: a CNAME or mirror of ECR.");
    PROFILE = EnvVar::new("REGCRED_ECR_PROFILE",
        "The profile of the AWS configuration files to use before every other source of an \
         identity; it must exist and work.", "")
        .flag("profile", "NAME",
            "Use this profile of the AWS configuration files before everything else.");
    ROLES = EnvVar::new("REGCRED_ECR_ROLES",
        "Which role or profile to use for which registry, as `KEY=VALUE`, comma-separated: the \
         key is a registry host, an account number or `*`, the value a role ARN or \
         `profile:NAME`.", "")
        .flag("role", "KEY=ARN|profile:NAME",
            "Use this role or profile for a registry: the key is a host, an account number or \
             *.");
    IRSA_ANNOTATION = EnvVar::new("REGCRED_ECR_IRSA_ANNOTATION",
        "`true` takes a pod's role also from its annotation `eks.amazonaws.com/role-arn`.",
        "`false`")
        .switch("irsa-annotation",
            "Take a pod's role also from its annotation eks.amazonaws.com/role-arn.");
    REQUIRE_POD_IDENTITY = EnvVar::new("REGCRED_ECR_REQUIRE_POD_IDENTITY",
        "`true` refuses every request without a service account token and a role for it, instead \
         of using the node's identity.", "`false`")
        .role(Role::RequirePod)
        .switch("require-pod-identity",
            "Refuse requests without a service account token and a role for it.");
    REQUIRE_POD_ROLE = EnvVar::new("REGCRED_ECR_REQUIRE_POD_ROLE",
        "An older name of `REGCRED_ECR_REQUIRE_POD_IDENTITY`.", "")
        .role(Role::RequirePod)
        .switch("require-pod-role", "An older name of --require-pod-identity.");
    PLAIN_ENDPOINT = EnvVar::new("REGCRED_ECR_PLAIN_ENDPOINT",
        "`true` does not derive FIPS and dual-stack API endpoints from the registry's host \
         name.", "`false`")
        .switch("plain-endpoint",
            "Do not derive FIPS and dual-stack API endpoints from the registry's host name.");
    POD_ROLE = EnvVar::new("AWS_ECR_ROLE_ARN",
        "The role for a service account token whose annotations name none.", "");
    _ = EnvVar::new("AWS_ECR_DISABLE_CACHE",
        "Upstream's name: set to anything, nothing is cached.", "")
        .role(Role::CacheOff)
        .not_in_key(CACHE);
    _ = EnvVar::new("AWS_ECR_CACHE_DIR", "Upstream's name for the directory of the cache.", "")
        .role(Role::CacheDir)
        .not_in_key(CACHE);
    _ = EnvVar::new("AWS_ECR_IGNORE_CREDS_STORAGE",
        "Upstream's name: `true` lets the docker credential helper accept `store` and `erase` \
         and do nothing.", "`false`")
        .role(Role::IgnoreStorage)
        .not_in_key("it changes no answer");
    _ = EnvVar::new("AWS_ACCESS_KEY_ID", "The name of an access key.", "");
    _ = EnvVar::new("AWS_SECRET_ACCESS_KEY", "The access key.", "").secret();
    _ = EnvVar::new("AWS_SESSION_TOKEN", "The session of a temporary access key.", "")
        .secret()
        .not_in_key("the next session of the same key is the same identity");
    _ = EnvVar::new("AWS_WEB_IDENTITY_TOKEN_FILE",
        "The file with the token that is exchanged for a role (IAM roles for service accounts, \
         any OIDC provider).", "")
        .role(Role::TokenFile);
    _ = EnvVar::new("AWS_ROLE_ARN", "The role for `AWS_WEB_IDENTITY_TOKEN_FILE`.", "");
    _ = EnvVar::new("AWS_ROLE_SESSION_NAME",
        "The name of role sessions other than pods', as CloudTrail shows it.",
        "`ecr-credential-provider`");
    _ = EnvVar::new("AWS_PROFILE", "The profile of the AWS configuration files.", "`default`");
    _ = EnvVar::new("AWS_DEFAULT_PROFILE", "An older name of `AWS_PROFILE`.", "");
    _ = EnvVar::new("AWS_CONFIG_FILE", "The AWS configuration file.", "`~/.aws/config`");
    _ = EnvVar::new("AWS_SHARED_CREDENTIALS_FILE",
        "The AWS credentials file.", "`~/.aws/credentials`");
    _ = EnvVar::new("HOME", "Where `~` in the paths of the AWS files leads; may be missing.", "")
        .not_in_key("the identity, region and endpoints of the files are in the key");
    _ = EnvVar::new("AWS_REGION",
        "The region for registry hosts whose name has none, and of STS for the public registry.",
        "the profile's, then the instance's");
    _ = EnvVar::new("AWS_DEFAULT_REGION", "An older name of `AWS_REGION`.", "");
    _ = EnvVar::new("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "Path on `http://169.254.170.2` that answers with credentials (ECS).", "");
    _ = EnvVar::new("AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "URL that answers with credentials (EKS Pod Identity): https, loopback, or one of the \
         container services' addresses.", "");
    _ = EnvVar::new("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "The file with the `Authorization` header for that URL.", "")
        .role(Role::TokenFile);
    _ = EnvVar::new("AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "The `Authorization` header for that URL.", "")
        .secret()
        .not_in_key("the subject of the token is in the key");
    _ = EnvVar::new("AWS_EC2_METADATA_DISABLED",
        "`true` never asks the instance metadata service.", "`false`");
    _ = EnvVar::new("AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "URL of the instance metadata service.", "`http://169.254.169.254`");
    _ = EnvVar::new("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "`IPv4` or `IPv6`: which address of the instance metadata service is asked.", "`IPv4`");
    _ = EnvVar::new("AWS_ENDPOINT_URL",
        "One URL for every AWS API: https, or http on loopback.", "");
    _ = EnvVar::new("AWS_ENDPOINT_URL_ECR", "URL of the ECR API, a VPC endpoint for example.", "");
    _ = EnvVar::new("AWS_ENDPOINT_URL_ECR_PUBLIC", "URL of the ECR Public API.", "");
    _ = EnvVar::new("AWS_ENDPOINT_URL_STS", "URL of the STS API.", "");
    _ = EnvVar::new("AWS_ENDPOINT_URL_SSO",
        "URL of the IAM Identity Center portal, for profiles that sign in there.", "")
        .foreign();
    _ = EnvVar::new("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "`true` ignores the URLs of the variables above and of the profile.", "`false`");
    _ = EnvVar::new("AWS_USE_FIPS_ENDPOINT",
        "`true` or `false`: FIPS API endpoints, whatever the registry's host name says.",
        "by the host name");
    _ = EnvVar::new("AWS_USE_DUALSTACK_ENDPOINT",
        "`true` or `false`: dual-stack API endpoints, whatever the registry's host name says.",
        "by the host name");
    _ = EnvVar::new("AWS_CA_BUNDLE",
        "PEM file with the certificate authorities to trust instead of the system's and those of \
         `SSL_CERT_FILE`.", "")
        .not_in_key("it decides whether a server is trusted, not what it answers");
}

const CACHE: &str = "it decides where answers are kept";
