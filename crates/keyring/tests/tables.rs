//! The tables of cases in `tests/data`: one test for each file.

use std::fs;
use std::path::Path;

use regcred_core::Credentials;
use regcred_keyring::{CredentialSource, Keyring, KeyringRules, Keyrings, NodeConfig, SearchPaths};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyCase {
    server: String,
    key: Option<String>,
}

#[test]
fn keys() {
    for case in table::<KeyCase>(include_str!("data/keys.yaml")) {
        let mut keyring = Keyring::new();
        keyring.add(
            &case.server,
            Credentials::new("u", "p"),
            &CredentialSource::plugin("a"),
        );
        let key = keyring.inspect("h.io/x").remove(0).key;
        let rejected = keyring.rejected().len();
        let server = &case.server;
        // A server without a key is shown without its login.
        let shown = server.rsplit('@').next().unwrap_or_default();
        assert_eq!(key, case.key.as_deref().unwrap_or(shown), "{server}");
        assert_eq!(rejected, usize::from(case.key.is_none()), "{server}");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LookupCase {
    what: String,
    image: String,
    #[serde(default)]
    secrets: Vec<String>,
    #[serde(default)]
    node: Vec<String>,
    #[serde(default)]
    plugins: Vec<String>,
    tried: Vec<String>,
    improved: Option<Vec<String>>,
}

#[test]
fn lookups() {
    let improved = KeyringRules {
        docker_hub_only: true,
        literal_ipv6: true,
        ..KeyringRules::default()
    };
    for case in table::<LookupCase>(include_str!("data/lookups.yaml")) {
        let what = &case.what;
        assert_eq!(tried(&case, KeyringRules::default()), case.tried, "{what}");
        let wanted = case.improved.as_ref().unwrap_or(&case.tried);
        assert_eq!(tried(&case, improved), *wanted, "{what}, improved");
    }
}

fn tried(case: &LookupCase, rules: KeyringRules) -> Vec<String> {
    let keyring = |letter: char, servers: &[String]| {
        let mut keyring = Keyring::with_rules(rules);
        for (number, server) in servers.iter().enumerate() {
            let login = Credentials::new(format!("{letter}{number}"), "p");
            keyring.add(server, login, &CredentialSource::plugin("a"));
        }
        keyring
    };
    let keyrings = Keyrings {
        pull_secrets: &keyring('s', &case.secrets),
        node: &keyring('n', &case.node),
        plugins: &keyring('p', &case.plugins),
    };
    let found = keyrings.lookup(&case.image);
    found
        .into_iter()
        .map(|one| one.credentials.username)
        .collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SearchCase {
    what: String,
    files: Vec<String>,
    #[serde(default)]
    broken: Vec<String>,
    #[serde(default)]
    empty: Vec<String>,
    used: Option<String>,
}

#[test]
fn searches() {
    for case in table::<SearchCase>(include_str!("data/search.yaml")) {
        let dir = tempfile::tempdir().expect("directory");
        let root = dir.path();
        for file in &case.files {
            let entry = format!("{{\"h.io\":{{\"username\":\"{file}\"}}}}");
            let text = match file.ends_with("json") {
                true => format!("{{\"auths\":{entry}}}"),
                false => entry,
            };
            write(&root.join(file), &text);
        }
        for (files, text) in [(&case.broken, "{"), (&case.empty, "{}")] {
            for file in files {
                write(&root.join(file), text);
            }
        }
        let search = SearchPaths {
            root_dir: root.join("var/lib/kubelet"),
            cwd: root.join("cwd"),
            home: Some(root.join("home")),
        };
        // The two places at the root itself are the machine's own.
        let files = search
            .files()
            .into_iter()
            .filter(|file| file.starts_with(root));
        let found = NodeConfig::load(files, KeyringRules::default());
        let wanted = case.used.as_ref().map(|file| root.join(file));
        assert_eq!(found.used(), wanted.as_deref(), "{}", case.what);
        let mut logins = found.keyring.lookup("h.io/x").into_iter();
        let login = logins.next().map(|one| one.credentials.username);
        let wanted = case.used.filter(|file| case.files.contains(file));
        assert_eq!(login, wanted, "{}", case.what);
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("directory");
    fs::write(path, text).expect("file");
}

fn table<T: DeserializeOwned>(text: &str) -> Vec<T> {
    let cases: Vec<T> = serde_saphyr::from_str(text).expect("a table of cases");
    assert!(cases.len() >= 10, "the table has its cases");
    cases
}
