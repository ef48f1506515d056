//! Which package may use which, and which library.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::workspace::{normal_dependencies, root};

/// What every package above it may use.
const FLOOR: &[&str] = &["regcred-go", "regcred-files", "regcred-core"];

/// What a provider may use besides the floor. The providers are those that `crates/providers` lists.
const PROVIDER: &[&str] = &[
    "regcred-exec",
    "regcred-http",
    "regcred-cloud",
    // Docker's files and helpers, where a login comes from them.
    "regcred-api",
    "regcred-keyring",
];

/// Every other package and what it may use besides the floor. A plugin uses `regcred-plugin` and the
/// provider of its name.
const EDGES: &[(&str, &[&str])] = &[
    ("regcred-api", &[]),
    ("regcred-exec", &[]),
    ("regcred-http", &[]),
    ("regcred-run", &[]),
    ("regcred-cache", &[]),
    ("regcred-cri", &[]),
    ("regcred-cloud", &["regcred-http"]),
    ("regcred-keyring", &["regcred-api"]),
    ("regcred-docker-config", &["regcred-api"]),
    ("regcred-registry", &["regcred-http"]),
    ("regcred-manifests", &["regcred-registry"]),
    ("regcred-dist", &["regcred-registry"]),
    (
        "regcred-node",
        &["regcred-api", "regcred-exec", "regcred-http"],
    ),
    (
        "regcred-engine",
        &[
            "regcred-api",
            "regcred-exec",
            "regcred-keyring",
            "regcred-registry",
        ],
    ),
    (
        "regcred-plugin",
        &[
            "regcred-api",
            "regcred-cache",
            "regcred-docker-config",
            "regcred-exec",
            "regcred-run",
        ],
    ),
    (
        "regcred-refresh",
        &[
            "regcred-api",
            "regcred-cache",
            "regcred-docker-config",
            "regcred-http",
            "regcred-providers",
            "regcred-run",
        ],
    ),
    (
        "regcred",
        &[
            "regcred-api",
            "regcred-cloud",
            "regcred-cri",
            "regcred-docker-config",
            "regcred-engine",
            "regcred-exec",
            "regcred-keyring",
            "regcred-manifests",
            "regcred-node",
            "regcred-plugin",
            "regcred-providers",
            "regcred-registry",
            "regcred-run",
        ],
    ),
];

/// Outside libraries and the only packages that may use them.
const LIBRARIES: &[(&str, &[&str])] = &[
    // Clients of HTTP and their TLS: a provider asks through `regcred-http`.
    ("reqwest", &["regcred-http"]),
    ("hyper", &["regcred-http", "regcred-refresh"]),
    ("hyper-util", &["regcred-http", "regcred-refresh"]),
    ("http-body-util", &["regcred-http", "regcred-refresh"]),
    ("rustls", &["regcred-http", "regcred-run"]),
    // A cloud's library stays in its provider.
    ("aws-", &["regcred-ecr"]),
    ("azure_core", &["regcred-acr"]),
    ("azure_identity", &["regcred-acr"]),
    ("p12-keystore", &["regcred-acr"]),
    ("gcp_auth", &["regcred-gcr"]),
    ("clap", &["regcred", "regcred-refresh"]),
    ("indicatif", &["regcred"]),
    ("similar", &["regcred-node"]),
    ("k8s-openapi", &["regcred-refresh"]),
    ("kube", &["regcred-refresh"]),
    ("toml", &["regcred-registry"]),
    ("toml_parser", &["regcred-registry"]),
    ("granit-parser", &["regcred-go"]),
    // What packs releases is not in a program.
    ("flate2", &["regcred-dist"]),
    ("rpm", &["regcred-dist"]),
    ("tar", &["regcred-dist", "regcred-registry"]),
    ("prost", &["regcred-cri"]),
    ("tonic", &["regcred-cri"]),
    ("tonic-prost", &["regcred-cri"]),
];

/// Packages that must not be in the lock file at all: other TLS stacks, slow start-up, other HTTP
/// clients.
const BANNED: &[&str] = &[
    "aws-lc-sys",
    "aws-lc-rs",
    "openssl-sys",
    "native-tls",
    "aws-smithy-http-client",
    "curl",
    "ureq",
];

#[test]
fn packages_use_only_what_the_drawing_allows() {
    let packages = normal_dependencies();
    let providers: BTreeSet<_> = packages["regcred-providers"]
        .iter()
        .filter(|used| !FLOOR.contains(&used.as_str()))
        .collect();
    let edges: BTreeMap<_, _> = EDGES.iter().copied().collect();
    let mut wrong = Vec::new();
    for (package, dependencies) in &packages {
        let plugin_of = package.strip_prefix("regcred-plugin-");
        for used in dependencies.iter().filter(|d| d.starts_with("regcred")) {
            let allowed = if let Some(place) = FLOOR.iter().position(|f| f == package) {
                FLOOR[..place].contains(&used.as_str())
            } else if FLOOR.contains(&used.as_str()) {
                true
            } else if let Some(cloud) = plugin_of {
                used == "regcred-plugin" || *used == format!("regcred-{cloud}")
            } else if package == "regcred-providers" {
                providers.contains(used)
            } else if providers.contains(package) {
                PROVIDER.contains(&used.as_str())
            } else {
                let edges = edges.get(package.as_str());
                edges.is_some_and(|edges| edges.contains(&used.as_str()))
            };
            if !allowed {
                wrong.push(format!("{package} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "not in the drawing: {wrong:#?}");
}

#[test]
fn every_provider_is_listed_and_has_its_plugin() {
    let packages = normal_dependencies();
    let mut listed = BTreeSet::new();
    for provider in packages["regcred-providers"].iter() {
        listed.extend(
            provider
                .strip_prefix("regcred-")
                .filter(|_| !FLOOR.contains(&provider.as_str())),
        );
    }
    let plugins = packages
        .keys()
        .filter_map(|name| name.strip_prefix("regcred-plugin-"));
    assert_eq!(listed, plugins.collect());
}

#[test]
fn libraries_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for (package, dependencies) in normal_dependencies() {
        for (library, users) in LIBRARIES {
            let is_it =
                |d: &String| d == library || (library.ends_with('-') && d.starts_with(library));
            if dependencies.iter().any(is_it) && !users.contains(&package.as_str()) {
                wrong.push(format!("{package} uses {library}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn cargo_deny_has_the_same_bans() {
    let deny = fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    let (_, bans) = deny.split_once("\ndeny = [").expect("a list of bans");
    let (bans, _) = bans.split_once("\n]").expect("its end");
    let bans = bans.lines().filter(|line| line.contains("{ crate = "));
    let mut wrong = Vec::new();
    for ban in bans {
        let quoted: Vec<_> = ban.split('"').skip(1).step_by(2).collect();
        let [library, others @ ..] = &quoted[..] else {
            panic!("{ban}");
        };
        let users: Vec<_> = others
            .iter()
            .filter(|o| o.starts_with("regcred-"))
            .collect();
        let is_it =
            |row: &&str| row == library || (row.ends_with('-') && library.starts_with(*row));
        let row = LIBRARIES.iter().find(|(row, _)| is_it(row));
        let is_same = match row {
            _ if users.is_empty() => BANNED.contains(library),
            Some((_, listed)) => listed.iter().eq(users),
            None => false,
        };
        if !is_same {
            wrong.push(ban.trim());
        }
    }
    assert!(wrong.is_empty(), "in deny.toml and not here: {wrong:#?}");
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
