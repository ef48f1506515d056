//! Configuration files.

use regcred_core::{Clock, CredentialRequest, Env, ImagePattern, ImageRef};
use regcred_refresh::{Config, Plan};
use regcred_registry::{Hosts, RegistryClient};

use crate::message::{assert_shown, shown};
use crate::scratch::{directory, file, parts, write};

pub(crate) fn hosts_toml(input: &[u8]) {
    let root = directory().join("certs.d");
    let image = ImageRef::parse("registry.example:5000/team/app:v1").expect("an image");
    write(&root.join(image.domain()).join("hosts.toml"), input);
    let client = RegistryClient::new(&Env::default(), Hosts::new([root])).expect("a client");
    for warning in client.hosts_warnings(&image) {
        assert!(warning.lines().count() <= 1, "{warning:?}");
    }
    let _ = client.mirror_names(&image);
    let _ = client.hosts_file(&image);
    match client.repository(&image, None).servers() {
        Err(error) => drop(shown(&*error)),
        Ok(servers) => {
            for server in servers {
                let url = regcred_http::Url::parse(&server.url).expect("a URL");
                assert!(matches!(url.scheme(), "http" | "https") && url.has_host());
            }
        }
    }
}

pub(crate) fn generic_config(input: &[u8]) {
    let path = file("generic.yaml", input);
    let path = path.display().to_string();
    planned(
        "generic",
        &[("REGCRED_GENERIC_CONFIG", &path)],
        "registry.example/team/app",
    );
}

/// `config` and `credentials`.
pub(crate) fn aws(input: &[u8]) {
    let parts = parts(input);
    let config = file("aws-config", parts[0]).display().to_string();
    let credentials = parts.get(1).copied().unwrap_or_default();
    let credentials = file("aws-credentials", credentials).display().to_string();
    let env = [
        ("AWS_CONFIG_FILE", &*config),
        ("AWS_SHARED_CREDENTIALS_FILE", &*credentials),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    for profile in ["default", "other"] {
        let env: Vec<_> = env.into_iter().chain([("AWS_PROFILE", profile)]).collect();
        planned(
            "ecr",
            &env,
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app",
        );
        planned("ecr", &env, "public.ecr.aws/a/app");
    }
}

/// `azure.json`, and a file of a cloud's addresses.
pub(crate) fn azure(input: &[u8]) {
    let parts = parts(input);
    let json = file("azure.json", parts[0]).display().to_string();
    let clouds = parts.get(1).copied().unwrap_or_default();
    let clouds = file("clouds.json", clouds).display().to_string();
    let env = [
        ("REGCRED_ACR_AZURE_JSON", &*json),
        ("AZURE_ENVIRONMENT_FILEPATH", &*clouds),
    ];
    planned("acr", &env, "contoso.azurecr.io/app");
}

/// A credentials file.
pub(crate) fn google(input: &[u8]) {
    let path = file("google.json", input).display().to_string();
    let env = [("GOOGLE_APPLICATION_CREDENTIALS", &*path)];
    planned("gcr", &env, "us-docker.pkg.dev/p/team/app");
    planned("gcr", &env, "gcr.io/p/app");
    let env = [("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", &*path)];
    planned("gcr", &env, "gcr.io/p/app");
    let env = [("DOCKER_CREDENTIAL_GCR_CONFIG", &*path)];
    planned("gcr", &env, "gcr.io/p/app");
}

/// `~/.oci/config`, and the configuration file of the earlier plugin.
pub(crate) fn oracle(input: &[u8]) {
    let parts = parts(input);
    let config = file("oci-config", parts[0]).display().to_string();
    let older = parts.get(1).copied().unwrap_or_default();
    let older = file("older.yaml", older).display().to_string();
    for profile in ["DEFAULT", "other"] {
        let env = [
            ("OCIR_AUTH_METHOD", "USER_PRINCIPAL"),
            ("OCI_CLI_CONFIG_FILE", &*config),
            ("OCI_CLI_PROFILE", profile),
        ];
        planned("ocir", &env, "phx.ocir.io/ns/team/app");
    }
    planned(
        "ocir",
        &[("REGCRED_OCIR_CONFIG", &*older)],
        "phx.ocir.io/ns/team/app",
    );
}

/// A plan reads files and asks no server; it is the same when it is made again.
fn planned(provider: &str, env: &[(&str, &str)], image: &str) {
    let spec = regcred_providers::by_name(provider).expect("a provider");
    let env = Env::map(env.iter().copied());
    let clock = Clock::fixed(chrono::DateTime::UNIX_EPOCH);
    let key = || {
        let provider = match (spec.new)(&env, &clock) {
            Ok(provider) => provider,
            Err(error) => return Err(shown(&error)),
        };
        for pattern in provider.match_images() {
            ImagePattern::parse(&pattern).expect("a pattern that the kubelet accepts");
        }
        let request = CredentialRequest::new(image).expect("an image");
        match provider.plan(&request) {
            Ok(plan) => Ok(plan.key().map(|key| key.as_str().to_owned())),
            Err(error) => Err(shown(&error)),
        }
    };
    assert_eq!(key(), key());
}

pub(crate) fn refresh_config(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    match Config::parse(text) {
        Err(error) => assert_shown(&regcred_core::report(&error)),
        Ok(config) => {
            let specs = regcred_providers::all();
            if let Err(error) = Plan::new(&config, &specs, &Env::default()) {
                shown(&error);
            }
        }
    }
}
