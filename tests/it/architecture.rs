//! The dependency drawing of `docs/architecture.md`, kept true: who may use whom, where a library
//! may appear, and where a secret may be taken out of its wrapper.

#![expect(
    clippy::disallowed_methods,
    reason = "asks cargo for the workspace's manifest data"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The floor: packages that every package above it may use.
const FLOOR: &[&str] = &["regcred-go", "regcred-files", "regcred-core"];

/// Package and the packages of ours it may use (normal dependencies), besides those of [`FLOOR`].
const EDGES: &[(&str, &[&str])] = &[
    ("regcred-go", &[]),
    ("regcred-files", &[]),
    ("regcred-core", &[]),
    ("regcred-api", &[]),
    ("regcred-http", &[]),
    ("regcred-exec", &[]),
    ("regcred-cache", &[]),
    ("regcred-ecr", &["regcred-exec"]),
    ("regcred-gcr", &["regcred-http", "regcred-exec"]),
    ("regcred-acr", &["regcred-http", "regcred-exec"]),
    ("regcred-icr", &["regcred-http"]),
    ("regcred-ocir", &["regcred-http"]),
    ("regcred-registry", &["regcred-http"]),
    (
        "regcred-providers",
        &[
            "regcred-acr",
            "regcred-ecr",
            "regcred-gcr",
            "regcred-icr",
            "regcred-ocir",
        ],
    ),
    ("regcred-keyring", &["regcred-api"]),
    (
        "regcred-engine",
        &[
            "regcred-api",
            "regcred-exec",
            "regcred-keyring",
            "regcred-registry",
        ],
    ),
    ("regcred-plugin", &["regcred-api", "regcred-cache"]),
    ("regcred-plugin-acr", &["regcred-plugin", "regcred-acr"]),
    ("regcred-plugin-ecr", &["regcred-plugin", "regcred-ecr"]),
    ("regcred-plugin-gcr", &["regcred-plugin", "regcred-gcr"]),
    ("regcred-plugin-icr", &["regcred-plugin", "regcred-icr"]),
    ("regcred-plugin-ocir", &["regcred-plugin", "regcred-ocir"]),
    (
        "regcred-refresh",
        &[
            "regcred-api",
            "regcred-cache",
            "regcred-plugin",
            "regcred-providers",
        ],
    ),
    (
        "regcred",
        &[
            "regcred-api",
            "regcred-plugin",
            "regcred-providers",
            "regcred-keyring",
            "regcred-registry",
            "regcred-engine",
        ],
    ),
];

/// Outside libraries and the only packages that may use them.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("reqwest", &["regcred-http"]),
    ("aws-", &["regcred-ecr"]),
    ("azure_core", &["regcred-acr"]),
    ("azure_identity", &["regcred-acr"]),
    ("p12-keystore", &["regcred-acr"]),
    ("gcp_auth", &["regcred-gcr"]),
    ("clap", &["regcred", "regcred-refresh"]),
    ("indicatif", &["regcred"]),
    ("k8s-openapi", &["regcred-refresh"]),
    ("kube", &["regcred-refresh"]),
    ("toml", &["regcred-registry"]),
];

/// Packages that must not be in the lock file at all: other TLS stacks and slow start-up.
const BANNED: &[&str] = &["aws-lc-sys", "aws-lc-rs", "openssl-sys", "native-tls"];

/// Files that may take a secret out of its wrapper, because they write it where it belongs: a
/// request, a response, a configuration file, a signature.
const EXPOSE: &[&str] = &[
    "crates/acr/src/azure_json.rs",
    "crates/acr/src/bindings.rs",
    "crates/acr/src/certificate.rs",
    "crates/acr/src/cloud.rs",
    "crates/acr/src/exchange.rs",
    "crates/acr/src/identity.rs",
    "crates/acr/src/managed_identity.rs",
    "crates/acr/src/node.rs",
    "crates/acr/src/sdk.rs",
    "crates/acr/src/secret_file.rs",
    "crates/acr/src/static_login.rs",
    "crates/acr/src/token.rs",
    "crates/api/src/docker_config.rs",
    "crates/api/src/docker_config/edit.rs",
    "crates/api/src/provider_config.rs",
    "crates/api/src/pull_record.rs",
    "crates/api/src/pull_secret.rs",
    "crates/api/src/request.rs",
    "crates/api/src/response.rs",
    "crates/cache/src/entry.rs",
    "crates/core/src/credentials.rs",
    "crates/core/src/fingerprint.rs",
    "crates/ecr/src/identity/container.rs",
    "crates/ecr/src/identity/web_identity.rs",
    "crates/ecr/src/pod.rs",
    "crates/ecr/src/sts.rs",
    "crates/engine/src/credentials/pod.rs",
    "crates/engine/src/image/records.rs",
    "crates/engine/src/plugin.rs",
    "crates/engine/src/plugin/token_mode.rs",
    "crates/exec/src/exec.rs",
    "crates/gcr/src/authorized_user.rs",
    "crates/gcr/src/cache_key.rs",
    "crates/gcr/src/credential_file.rs",
    "crates/gcr/src/dockercfg.rs",
    "crates/gcr/src/external_account/aws.rs",
    "crates/gcr/src/external_account/certificate.rs",
    "crates/gcr/src/external_account/executable.rs",
    "crates/gcr/src/external_account/format.rs",
    "crates/gcr/src/external_account/subject_file.rs",
    "crates/gcr/src/external_user.rs",
    "crates/gcr/src/jwt.rs",
    "crates/gcr/src/provider.rs",
    "crates/gcr/src/reach.rs",
    "crates/gcr/src/sdk.rs",
    "crates/gcr/src/service_account.rs",
    "crates/gcr/src/sigv4.rs",
    "crates/gcr/src/sts.rs",
    "crates/gcr/src/token.rs",
    "crates/go/src/json.rs",
    "crates/go/src/value.rs",
    "crates/http/src/request.rs",
    "crates/http/src/tls.rs",
    "crates/icr/src/api_key.rs",
    "crates/icr/src/compute_resource.rs",
    "crates/icr/src/iam.rs",
    "crates/icr/src/token.rs",
    "crates/keyring/src/inspect.rs",
    "crates/keyring/src/node_config.rs",
    "crates/keyring/src/pull_secrets.rs",
    "crates/ocir/src/key.rs",
    "crates/ocir/src/principal/exchange.rs",
    "crates/ocir/src/principal/resource.rs",
    "crates/ocir/src/principal/resource_tokens.rs",
    "crates/ocir/src/principal/user.rs",
    "crates/ocir/src/principal/workload.rs",
    "crates/ocir/src/registry.rs",
    "crates/ocir/src/secret_file.rs",
    "crates/ocir/src/session.rs",
    "crates/ocir/src/signer.rs",
    "crates/plugin/src/copied.rs",
    "crates/plugin/src/docker_file.rs",
    "crates/plugin/src/face/import.rs",
    "crates/plugin/src/face/token.rs",
    "crates/plugin/src/output.rs",
    "crates/refresh/src/cluster/kubernetes_account.rs",
    "crates/refresh/src/cluster/secrets.rs",
    "crates/refresh/src/run.rs",
    "crates/refresh/src/secret.rs",
    "crates/refresh/src/source.rs",
    "crates/registry/src/client/auth/token.rs",
    "crates/registry/src/client/registry_client.rs",
];

#[test]
fn packages_use_only_what_the_drawing_allows() {
    let allowed: BTreeMap<_, BTreeSet<_>> = EDGES
        .iter()
        .map(|(name, uses)| (*name, uses.iter().copied().collect()))
        .collect();
    let mut wrong = Vec::new();
    for (package, dependencies) in normal_dependencies() {
        if package == "regcred-tests" {
            continue;
        }
        let Some(allowed) = allowed.get(package.as_str()) else {
            wrong.push(format!("{package} is not in the drawing"));
            continue;
        };
        for used in dependencies {
            let floor = &FLOOR[..FLOOR
                .iter()
                .position(|f| *f == package)
                .unwrap_or(FLOOR.len())];
            let fine = !used.starts_with("regcred")
                || floor.contains(&used.as_str())
                || allowed.contains(used.as_str());
            if !fine {
                wrong.push(format!("{package} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn libraries_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for (package, dependencies) in normal_dependencies() {
        for (library, users) in LIBRARIES {
            let used = dependencies
                .iter()
                .any(|d| d == library || (library.ends_with('-') && d.starts_with(library)));
            if used && !users.contains(&package.as_str()) && package != "regcred-tests" {
                wrong.push(format!("{package} uses {library}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn banned_packages_are_not_locked() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    for banned in BANNED {
        assert!(
            !lock.contains(&format!("name = \"{banned}\"\n")),
            "{banned} is in Cargo.lock: `cargo tree -i {banned}` says why"
        );
    }
}

#[test]
fn secrets_are_exposed_only_in_listed_files() {
    let mut found = BTreeSet::new();
    for file in sources() {
        let text = fs::read_to_string(&file).expect("source");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        if code.contains("expose_secret()") {
            let shown = file.strip_prefix(root()).expect("below the root");
            found.insert(shown.to_string_lossy().into_owned());
        }
    }
    let listed: BTreeSet<String> = EXPOSE.iter().map(|s| (*s).to_owned()).collect();
    let unlisted: Vec<_> = found.difference(&listed).collect();
    let idle: Vec<_> = listed.difference(&found).collect();
    assert!(unlisted.is_empty(), "not listed: {unlisted:#?}");
    assert!(idle.is_empty(), "listed without need: {idle:#?}");
}

#[test]
fn a_hand_written_file_can_be_read_at_one_sitting() {
    let long: Vec<_> = sources()
        .into_iter()
        .filter_map(|file| {
            let lines = fs::read_to_string(&file).expect("source").lines().count();
            (lines > 500).then(|| format!("{lines} {}", file.display()))
        })
        .collect();
    assert!(long.is_empty(), "split these: {long:#?}");
}

/// Normal (not dev, not build) dependencies of each workspace package.
fn normal_dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(option_env!("CARGO").unwrap_or("cargo"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 10, "the workspace has its packages");
    packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().expect("name").to_owned();
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let normal = dependencies
                .iter()
                .filter(|d| d["kind"].is_null())
                .map(|d| d["name"].as_str().expect("name").to_owned())
                .collect();
            (name, normal)
        })
        .collect()
}

/// Every Rust source of the crates and plugins, tests in sibling files left out.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![root().join("crates"), root().join("plugins")];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).expect("directory") {
            let path = entry.expect("entry").path();
            let is_test = path.file_name().is_some_and(|n| {
                ["tests", "tests.rs", "testing.rs", "bench.rs", "bench"]
                    .iter()
                    .any(|t| n == *t)
            });
            if path.is_dir() && !is_test {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !is_test {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests package lies in the workspace")
}
