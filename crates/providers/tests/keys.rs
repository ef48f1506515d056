//! Every option of every provider decides under which key an answer is shared, or its row has a
//! reason why not.

use std::fs;

use regcred_core::{CacheKey, Clock, CredentialRequest, Env, Plan, ProviderSpec, Role};
use tempfile::TempDir;

/// A provider, one of its registries, and an environment in which a plan has a key. `@name` is a
/// file of [`FILES`].
type Base = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const BASES: &[Base] = &[
    (
        "ecr",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app",
        &[
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_CONFIG_FILE", "@aws"),
        ],
    ),
    ("gcr", "gcr.io/p/app", &[]),
    (
        "icr",
        "us.icr.io/ns/app",
        &[("IBMCLOUD_IAM_PROFILE_ID", "Profile-1")],
    ),
    (
        "acr",
        "contoso.azurecr.io/app",
        &[("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")],
    ),
    ("ocir", "fra.ocir.io/ns/app", &[]),
    (
        "generic",
        "zot.test/app",
        &[("REGCRED_GENERIC_CONFIG", "@generic")],
    ),
];

/// Values of every form that options have; each option takes those of its own form.
const VALUES: &[&str] = &[
    "one",
    "https://one.test",
    "one.test",
    "true",
    "1m",
    "10.0.0.1",
    "127.0.0.1:1",
    "2025-08-26",
    "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
    "a@p.iam.gserviceaccount.com",
    "*=arn:aws:iam::123456789012:role/puller",
    "global",
    "oauth2accesstoken",
    "dockercfg",
    "never",
    "gcloud",
    "secret",
    "vpc",
    "managed",
    "contoso",
    "disabled",
    "http",
    "/path",
    "instance_principal",
    "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c",
    "2.2",
    "ocid1.user.oc1..v",
    "ocid1.user.oc1..w",
    "ns/other",
    r#"{"realmKey":"oc1","realmDomainComponent":"oraclecloud.com","regionKey":"XYZ","regionIdentifier":"xy-zone-1"}"#,
    "12250",
    "@text",
    "@json",
    "@azure",
    "@environment",
    "@oci",
    "@plugin",
];

const FILES: &[(&str, &str)] = &[
    (
        "aws",
        "[profile one]\naws_access_key_id = B\naws_secret_access_key = s\n",
    ),
    ("text", "contoso\n"),
    ("json", r#"{"type":"authorized_user"}"#),
    (
        "azure",
        r#"{"useManagedIdentityExtension":true,"userAssignedIdentityID":"u"}"#,
    ),
    (
        "environment",
        r#"{"activeDirectoryEndpoint":"https://login.test","tokenAudience":"https://arm.test",
            "containerRegistryDNSSuffix":"azurecr.test"}"#,
    ),
    (
        "oci",
        "[DEFAULT]\nuser=ocid1.user.oc1..u\ntenancy=ocid1.tenancy.oc1..t\nkey_file=/k\n\
         [one]\nuser=ocid1.user.oc1..v\ntenancy=ocid1.tenancy.oc1..t\nkey_file=/k\n",
    ),
    ("plugin", "registryTokenPath: /other\n"),
    // The token's own file is the configuration: it is relative to the directory.
    (
        "generic",
        "apiVersion: generic.regcred.dev/v1\nkind: RegistryConfiguration\nregistries:\n\
         - matchImages: [zot.test]\n  audience: zot\n  exchange: {url: 'https://sts.test', username: u}\n  \
           fallback: {tokenFile: zot-token}\n",
    ),
    // {"iss":"i","sub":"s","aud":["zot"],"exp":4102444800}
    (
        "zot-token",
        "e30.eyJpc3MiOiJpIiwic3ViIjoicyIsImF1ZCI6WyJ6b3QiXSwiZXhwIjo0MTAyNDQ0ODAwfQ.s",
    ),
];

/// What else must be set before an option counts.
const WITH: &[(&str, &[(&str, &str)])] = &[
    ("REGCRED_ACR_IB_APISERVER_IP", BINDINGS),
    ("REGCRED_ACR_IB_DEFAULT_CLIENT_ID", BINDINGS),
    ("REGCRED_ACR_IB_DEFAULT_TENANT_ID", BINDINGS),
    ("REGCRED_ACR_IB_SNI_NAME", BINDINGS),
    ("REGCRED_ACR_IB_CA_FILE", BINDINGS),
    ("REGCRED_ACR_LOGIN", &[("AZURE_CLIENT_SECRET", "s")]),
    ("REGCRED_ACR_USERNAME", &[("REGCRED_ACR_PASSWORD", "p")]),
    (
        "REGCRED_ACR_USERNAME_FILE",
        &[("REGCRED_ACR_PASSWORD", "p")],
    ),
    (
        "REGCRED_GCR_IDENTITY_PROVIDER",
        &[("REGCRED_GCR_PROJECT_ID", "p")],
    ),
    ("IBMCLOUD_CLIENT_ID", &[("IBMCLOUD_CLIENT_SECRET", "s")]),
    ("IBMCLOUD_CLIENT_SECRET", &[("IBMCLOUD_CLIENT_ID", "c")]),
    ("REGCRED_ICR_LOGIN", &[("IBMCLOUD_API_KEY", "k")]),
    ("OCI_CLI_KEY_CONTENT", OCI_USER),
    ("OCI_CLI_KEY_FILE", OCI_USER),
    ("OCI_CLI_PROFILE", &[("OCI_CLI_CONFIG_FILE", "@oci")]),
    ("OCI_CLI_USER", OCI_USER),
    (
        "OCI_CLI_SECURITY_TOKEN_FILE",
        &[("OCI_CLI_KEY_CONTENT", "k")],
    ),
    (
        "OCI_RESOURCE_PRINCIPAL_VERSION",
        &[
            ("OCI_RESOURCE_PRINCIPAL_RPST", "h.e30.s"),
            ("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM", "/k"),
            ("OCI_RESOURCE_PRINCIPAL_REGION", "eu-frankfurt-1"),
        ],
    ),
    (
        "OCI_WORKLOAD_IDENTITY_DOMAIN_URL",
        &[
            ("OCI_WORKLOAD_IDENTITY_CLIENT_ID", "c"),
            ("OCI_WORKLOAD_IDENTITY_CLIENT_SECRET", "s"),
            ("OCI_WORKLOAD_IDENTITY_TOKEN_PATH", "/token"),
        ],
    ),
    (
        "REGCRED_OCIR_AUTH_TOKEN",
        &[("REGCRED_OCIR_USERNAME", "ns/user")],
    ),
    (
        "REGCRED_OCIR_AUTH_TOKEN_FILE",
        &[("REGCRED_OCIR_USERNAME", "ns/user")],
    ),
    ("REGCRED_OCIR_USERNAME", &[("REGCRED_OCIR_AUTH_TOKEN", "t")]),
];

const BINDINGS: &[(&str, &str)] = &[
    ("REGCRED_ACR_IB_SNI_NAME", "api.test"),
    ("REGCRED_ACR_IB_APISERVER_IP", "10.0.0.9"),
];

const OCI_USER: &[(&str, &str)] = &[
    ("OCI_CLI_USER", "ocid1.user.oc1..u"),
    ("OCI_CLI_TENANCY", "ocid1.tenancy.oc1..t"),
    ("OCI_CLI_KEY_CONTENT", "k"),
];

const ANNOTATIONS: &[(&str, &str)] = &[
    ("kubernetes.azure.com/acr-client-id", "c"),
    ("kubernetes.azure.com/acr-tenant-id", "t"),
    ("regcred.dev/ibm-profile-id", "Profile-2"),
];

/// What comes of a request.
#[derive(PartialEq)]
enum Outcome {
    Shared(CacheKey),
    KeptToItself,
    Refused,
}

impl Outcome {
    fn key(&self) -> Option<&CacheKey> {
        match self {
            Self::Shared(key) => Some(key),
            Self::KeptToItself | Self::Refused => None,
        }
    }
}

struct Files(TempDir);

impl Files {
    fn write() -> Self {
        let dir = tempfile::tempdir().expect("directory");
        for (name, text) in FILES {
            fs::write(dir.path().join(name), text).expect("file");
        }
        Self(dir)
    }

    /// What comes of a request of the node and of one of a pod.
    fn outcomes(&self, spec: &ProviderSpec, image: &str, vars: &[(&str, &str)]) -> [Outcome; 2] {
        let vars = vars.iter().map(|(name, value)| {
            let path = value.strip_prefix('@').map(|file| self.0.path().join(file));
            let value = path.map_or_else(|| (*value).to_owned(), |p| p.display().to_string());
            (*name, value)
        });
        let env = Env::map(vars);
        let node = CredentialRequest::new(image).expect("an image");
        let mut pod = node.clone();
        pod.service_account_token = Some("h.e30.s".into());
        pod.service_account_annotations = ANNOTATIONS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        [node, pod].map(|request| {
            let Ok(provider) = (spec.new)(&env, &Clock::system()) else {
                return Outcome::Refused;
            };
            let plan = provider.plan(&request);
            match plan.as_ref().map(Plan::key) {
                Err(_) => Outcome::Refused,
                Ok(Some(key)) => Outcome::Shared(key.clone()),
                Ok(None) => Outcome::KeptToItself,
            }
        })
    }
}

#[test]
fn an_option_is_in_the_key_unless_its_row_has_a_reason() {
    let files = Files::write();
    let mut missing = Vec::new();
    for spec in regcred_providers::all() {
        let base = BASES.iter().find(|(name, ..)| *name == spec.name);
        let (_, image, base) = base.expect("a line for every provider");
        let [node, _] = files.outcomes(spec, image, base);
        assert!(node.key().is_some(), "{} has a key", spec.name);
        for row in spec.vars.iter().filter(|row| row.not_in_key.is_none()) {
            let with = WITH.iter().find(|(name, _)| *name == row.name);
            let mut vars = [*base, with.map_or(&[][..], |(_, vars)| vars)].concat();
            vars.retain(|(name, _)| *name != row.name);
            if row.role == Some(Role::RequirePod) {
                vars.push((row.name, "true"));
                let [node, _] = files.outcomes(spec, image, &vars);
                assert!(node == Outcome::Refused, "{} needs a token", row.name);
                continue;
            }
            let mut seen = vec![files.outcomes(spec, image, &vars)];
            for value in VALUES {
                vars.push((row.name, value));
                seen.push(files.outcomes(spec, image, &vars));
                vars.pop();
            }
            // Two keys, or an answer that is not shared at all.
            let decides = (0..2).any(|of| {
                let mut keys = seen.iter().filter_map(|outcomes| outcomes[of].key());
                let first = keys.next();
                keys.any(|key| Some(key) != first)
                    || seen[1..].iter().any(|o| o[of] == Outcome::KeptToItself)
            });
            if !decides {
                missing.push(format!("{}: {}", spec.name, row.name));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
