//! The rows of the matrix: each provider's network steps, and how each fault ends there.
//!
//! ```text
//! columns: refused, proxy closed, proxy refuses, reset, hang-up; plain http, other name, unknown authority;
//!          roots not found, roots empty; 302, 307; 400, 401, 403, 404, 429, 500, 503; web page, cut JSON, cut body, huge, not UTF-8
//! ```

use std::any::Any;

use regcred_core::ErrorKind::{IdentityUnavailable, Unreachable};
use regcred_tests::acr::{FakeAcr, FakeEntra, FakeImds};
use regcred_tests::cloud::Cloud;
use regcred_tests::generic::{Account, Cluster, FakeExchange};
use regcred_tests::google::KEY_ACCOUNT;
use regcred_tests::icr::{FakeIam, FakeVpcMetadata};
use regcred_tests::{FakeGoogle, FakeOci, clouds};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::step::{Address, Step};

/// A provider's rows, with the cloud whose other servers work.
pub(super) struct Rows {
    pub(super) target: Target,
    pub(super) steps: Vec<Step>,
    cloud: Box<dyn Cloud>,
    _kept: Vec<Box<dyn Any>>,
}

/// Which plugin is asked, and for what.
pub(super) struct Target {
    pub(super) provider: &'static str,
    pub(super) image: String,
    /// The variables that lead it to its cloud.
    pub(super) env: Vec<(String, String)>,
}

impl Rows {
    fn of(provider: &'static str, cloud: Box<dyn Cloud>, steps: Vec<Step>) -> Self {
        Self {
            target: Target {
                provider,
                image: cloud.image().to_owned(),
                env: cloud.env(),
            },
            steps,
            cloud,
            _kept: Vec::new(),
        }
    }

    /// How many registry tokens the cloud was asked for.
    pub(super) fn calls(&self) -> usize {
        self.cloud.calls()
    }

    /// The secrets that the cloud issues.
    pub(super) fn secrets(&self) -> Vec<String> {
        self.cloud.secrets()
    }

    fn keeping(mut self, other: impl Any) -> Self {
        self._kept.push(Box::new(other));
        self
    }
}

/// The value of a variable of the cloud.
fn url_of(cloud: &dyn Cloud, variable: &str) -> String {
    let mut env = cloud.env().into_iter().rev();
    let found = env.find(|(name, _)| name == variable);
    found.map_or_else(|| panic!("{variable} is not set"), |(_, url)| url)
}

/// Those of every provider.
pub(super) fn all() -> [Rows; 6] {
    [ecr(), gcr(), acr(), ocir(), icr(), generic()]
}

pub(super) fn ecr() -> Rows {
    let cloud = clouds::start("ecr");
    let role = "arn:aws:iam::123456789012:role/puller";
    let files = tempfile::tempdir().expect("a directory");
    let token = write(&files, "token", "e30.e30.c2ln");
    let metadata = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
    let real = url_of(&*cloud, metadata);
    let of_metadata = || {
        Step::of(metadata, "")
            .says(
                "no AWS identity for ",
                "instance metadata (",
                "give the instance",
            )
            .on_the_link()
    };
    let steps = vec![
        Step::of("AWS_ENDPOINT_URL_ECR", "")
            .after(0, &url_of(&*cloud, "AWS_ENDPOINT_URL_ECR"))
            .says(
                "the identity from instance metadata",
                "the API at ",
                "check the policies",
            )
            .ends("77777 777 44 88 8668777 88788", Unreachable, 30),
        Step::of("AWS_ENDPOINT_URL_STS", "")
            .says(role, "STS at ", "check the role's trust policy")
            .with([
                ("AWS_ROLE_ARN", role),
                ("AWS_WEB_IDENTITY_TOKEN_FILE", &*token),
            ])
            .ends("77777 777 44 88 8668777 88788", Unreachable, 30),
        Step::of("AWS_CONTAINER_CREDENTIALS_FULL_URI", "/keys")
            .says(
                "no AWS identity",
                "the container credentials at ",
                "check the role of the task",
            )
            .on_the_link()
            .ends("7--77 777 44 88 8668777 88788", Unreachable, 45),
        of_metadata().after(0, &real).ends(
            "5--55 555 55 55 5555555 55555",
            IdentityUnavailable,
            12,
        ),
        of_metadata().after(1, &real).ends(
            "5--55 555 55 55 5555555 55555",
            IdentityUnavailable,
            12,
        ),
        of_metadata().after(2, &real).ends(
            "5--55 555 55 55 5555555 55555",
            IdentityUnavailable,
            12,
        ),
    ];
    Rows::of("ecr", cloud, steps).keeping(files)
}

pub(super) fn icr() -> Rows {
    let cloud = clouds::start("icr");
    let vpc = || {
        Step::of("IBMCLOUD_CR_VPC_URL", "")
            .says(
                "trusted profile",
                "the metadata server ",
                "outside a VPC instance set",
            )
            .with([("IBMCLOUD_API_KEY", "")])
            .on_the_link()
    };
    let iam = FakeIam::start();
    let server = FakeVpcMetadata::start(&iam, true);
    let real = server.server().url();
    let steps = vec![
        Step::of("IBMCLOUD_IAM_URL", "")
            .after(0, &url_of(&*cloud, "IBMCLOUD_IAM_URL"))
            .says("the API key", "IAM at ", "make a new API key")
            .ends("77777 777 44 88 8668777 88788", Unreachable, 45),
        vpc()
            .after(0, &real)
            .ends("5--77 555 44 88 8668777 88788", IdentityUnavailable, 30),
        vpc()
            .after(1, &real)
            .ends("5--77 555 44 88 8668777 88788", IdentityUnavailable, 30),
    ];
    Rows::of("icr", cloud, steps).keeping(iam).keeping(server)
}

pub(super) fn acr() -> Rows {
    let cloud = clouds::start("acr");
    let principal = "the service principal ";
    let entra = FakeEntra::start();
    let machine = FakeImds::start(entra.directory());
    let registry_of_machine = FakeAcr::start(entra.directory());
    let endpoint = registry_of_machine.server().url();
    let none = [
        ("AZURE_TENANT_ID", ""),
        ("AZURE_CLIENT_ID", ""),
        ("AZURE_CLIENT_SECRET", ""),
        ("REGCRED_ACR_ENDPOINT", &*endpoint),
    ];
    let app_service = |address: &Address| {
        vec![
            ("IDENTITY_ENDPOINT".to_owned(), address.url("/msi/token")),
            ("IDENTITY_HEADER".to_owned(), "a-header".to_owned()),
        ]
    };
    let real = url_of(&*cloud, "REGCRED_ACR_ENDPOINT");
    let registry = || {
        Step::of("REGCRED_ACR_ENDPOINT", "").says(
            principal,
            "the registry contoso",
            "give it the role AcrPull",
        )
    };
    let steps = vec![
        Step::of("AZURE_AUTHORITY_HOST", "")
            .after(0, &url_of(&*cloud, "AZURE_AUTHORITY_HOST"))
            .says(principal, "Entra ID at ", "compare its client id")
            .ends("77777 777 44 88 8668777 88788", Unreachable, 45),
        registry()
            .after(0, &real)
            .ends("77777 777 44 88 8668777 88788", Unreachable, 45),
        Step::of("AZURE_POD_IDENTITY_AUTHORITY_HOST", "")
            .after(0, &machine.server().url())
            .says(
                "the machine's managed identity",
                "the metadata service ",
                "outside a virtual machine of Azure",
            )
            .with(none)
            .on_the_link()
            .ends("5--77 555 44 88 5668777 88788", IdentityUnavailable, 45),
        Step::led("IDENTITY_ENDPOINT", app_service)
            .says(
                "the machine's managed identity",
                "App Service's identity endpoint",
                "",
            )
            .with(none)
            .on_the_link()
            .ends("5--77 555 44 88 8668777 88788", Unreachable, 45)
            .if_silent(IdentityUnavailable),
    ];
    let rows = Rows::of("acr", cloud, steps);
    rows.keeping(entra)
        .keeping(machine)
        .keeping(registry_of_machine)
}

pub(super) fn ocir() -> Rows {
    let oci = FakeOci::start();
    let instance = "the instance principal";
    let metadata = || {
        Step::of("OCI_METADATA_BASE_URL", "/opc/v2")
            .says(instance, "the metadata server ", "OCIR_AUTH_METHOD")
            .on_the_link()
    };
    let real = oci.metadata().url();
    let workload = |address: &Address| {
        let (host, port) = address.authority.split_once(':').unwrap_or_default();
        let ca = address.ca.clone().unwrap_or_default();
        [
            ("KUBERNETES_SERVICE_HOST", host),
            ("REGCRED_OCIR_PROXYMUX_PORT", port),
            ("OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH", &*ca),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    };
    let token = oci.file("sa.token").display().to_string();
    let steps = vec![
        metadata()
            .after(0, &real)
            .ends("5--77 555 44 88 5555777 88788", IdentityUnavailable, 45),
        metadata()
            .after(1, &real)
            .says(
                instance,
                "the metadata server ",
                "check whether a proxy or a firewall",
            )
            .ends("5--77 555 44 88 8668777 88788", Unreachable, 45),
        Step::of("OCI_SDK_AUTH_CLIENT_REGION_URL", "")
            .after(0, &oci.services().url())
            .says(instance, "the auth service ", "the instance must be of")
            .with_a_fresh_key()
            .ends("77777 777 44 88 8668777 88788", Unreachable, 45),
        Step::of("REGCRED_OCIR_TOKEN_URL", "")
            .after(0, &oci.registry().url())
            .says(
                "user ocid1.user.",
                "the registry phx.ocir.io",
                "the registry is in us-phoenix-1",
            )
            .with([("OCI_CLI_AUTH", "api_key")])
            .ends("77777 777 44 88 8668777 88788", Unreachable, 45),
        Step::led("the cluster's token service", workload)
            .says("service account", "", "")
            .with([
                ("OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH", &*token),
                ("OCI_CLI_AUTH", "oke_workload_identity"),
            ])
            .on_the_link()
            .over_tls()
            .with_a_fresh_key()
            .ends("7---- -77 -4 88 8668777 88788", Unreachable, 45),
    ];
    Rows::of("ocir", Box::new(oci), steps)
}

pub(super) fn gcr() -> Rows {
    let google = FakeGoogle::start();
    let files = tempfile::tempdir().expect("a directory");
    let key = write_json(&files, "key.json", &google.key_file());
    let login = write_json(&files, "login.json", &google.user_file());
    let token = write(&files, "subject", "e30.e30.c2ln");
    let external = google.external_file(&json!({"file": token}));
    let file = "GOOGLE_APPLICATION_CREDENTIALS";
    let directory = files.path().to_owned();
    let sts = move |address: &Address| {
        let mut external = external.clone();
        external["token_url"] = json!(address.url("/v1/token"));
        let path = directory.join(format!("{}-{}.json", address.scheme, address.authority));
        std::fs::write(&path, external.to_string()).expect("a file");
        [
            (file, path.display().to_string()),
            ("REGCRED_GCR_TRUSTED_HOSTS", address.authority.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    };
    let cloud = clouds::start("gcr");
    let metadata = url_of(&*cloud, "GCE_METADATA_HOST");
    let endpoint = "Google's token endpoint at ";
    let account = "puller@demo-project.iam.gserviceaccount.com";
    let steps = vec![
        Step::of("REGCRED_GCR_OAUTH_TOKEN_URL", "/token")
            .says(KEY_ACCOUNT, endpoint, "create a new key")
            .with([(file, &*key)])
            .ends("77777 777 44 88 8668777 88788", Unreachable, 30),
        Step::of("REGCRED_GCR_OAUTH_TOKEN_URL", "/token")
            .after(0, &google.server().url())
            .says("the login in ", endpoint, "renew it with gcloud")
            .with([(file, &*login)])
            .ends("77777 777 44 88 8668777 88788", Unreachable, 30),
        Step::led("the Security Token Service", sts)
            .says("", "", "")
            .ends("77777 777 44 88 8668777 88788", Unreachable, 30),
        Step::of("REGCRED_GCR_IAM_CREDENTIALS_URL", "")
            .says(
                "the node's identity as puller@demo-project.iam.gserviceaccount.com",
                "the IAM Credentials API at ",
                "grant it roles/iam.serviceAccountTokenCreator",
            )
            .with([("REGCRED_GCR_IMPERSONATE", account)])
            .ends("77777 777 44 88 8668777 88788", Unreachable, 30),
        Step::of("GCE_METADATA_HOST", "")
            .after(0, &metadata)
            .says(
                "the machine's service account",
                "the metadata server ",
                "allow the machine's",
            )
            .on_the_link()
            .ends("7--77 --- -- 88 8665777 88788", Unreachable, 30),
    ];
    let rows = Rows::of("gcr", cloud, steps);
    rows.keeping(google).keeping(files)
}

pub(super) fn generic() -> Rows {
    let cluster = Cluster::new();
    let exchange = FakeExchange::start(&cluster, "registry.corp.test");
    let files = tempfile::tempdir().expect("a directory");
    let account = Account::new("shop", "puller");
    let token = write(
        &files,
        "token",
        &cluster.token(&account, "registry.corp.test", 3000),
    );
    let directory = files.path().to_owned();
    let leads = move |address: &Address| {
        let config = directory.join(format!("{}-{}.yaml", address.scheme, address.authority));
        let text = format!(
            "apiVersion: generic.regcred.dev/v1\nkind: RegistryConfiguration\nregistries:\n\
             - matchImages: [registry.corp.test]\n  audience: registry.corp.test\n  \
             exchange: {{url: '{}', answer: {{username: username}}}}\n  \
             fallback: {{tokenFile: {token}}}\n",
            address.url("/token")
        );
        std::fs::write(&config, text).expect("a file");
        vec![(
            "REGCRED_GENERIC_CONFIG".to_owned(),
            config.display().to_string(),
        )]
    };
    let steps = vec![
        Step::led("the exchange", leads)
            .after(0, &exchange.server().url())
            .says(
                "system:serviceaccount:shop:puller",
                "",
                "compare the token's issuer",
            )
            .ends("77777 777 44 88 8668777 88788", Unreachable, 45),
    ];
    let rows = Rows::of("generic", clouds::start("generic"), steps);
    rows.keeping(exchange).keeping(files)
}

fn write(directory: &TempDir, name: &str, text: &str) -> String {
    let path = directory.path().join(name);
    std::fs::write(&path, text).expect("a file");
    path.display().to_string()
}

fn write_json(directory: &TempDir, name: &str, value: &Value) -> String {
    write(directory, name, &value.to_string())
}
