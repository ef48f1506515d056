//! A cloud is in few lists besides its crate, and it is missing in none of them.

use std::collections::BTreeSet;
use std::fs;

use regcred_tests::clouds::CLOUDS;
use regcred_tests::need::workspace;

/// The files that name every provider, and the text with which they do: `{}` is the name.
const PLACES: &[(&str, &str)] = &[
    ("README.md", "`{}-"),
    ("crates/README.md", "\n| [{}]({}) |"),
    ("crates/providers/Cargo.toml", "\n{} = [\"dep:regcred-{}\"]"),
    ("docs/README.md", "(clouds/{}.md)"),
    ("docs/clouds/{}.md", "{}-credential-provider"),
    // Without this right of the nodes, no pod of a stock cluster pulls.
    (
        "docs/clouds/{}.md",
        "request-serviceaccounts-token-audience",
    ),
    ("docs/install-on-a-node.md", "| `{}-credential-provider`"),
    ("plugins/{}/tests/conformance.rs", "clouds::start(\"{}\")"),
];

#[test]
fn no_provider_is_missing_in_a_list() {
    let mut missing = Vec::new();
    for spec in regcred_providers::all() {
        for (file, text) in PLACES {
            let (file, text) = (file.replace("{}", spec.name), text.replace("{}", spec.name));
            let content = fs::read_to_string(workspace().join(&file)).unwrap_or_default();
            if !content.contains(&text) {
                missing.push(format!("{}: {file} has no {:?}", spec.name, text.trim()));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_plugin_has_its_provider_in_the_list_and_its_fake() {
    let plugins = fs::read_dir(workspace().join("plugins")).expect("a directory");
    let plugins = plugins.map(|entry| entry.expect("an entry").file_name());
    let plugins: BTreeSet<_> = plugins
        .map(|name| name.into_string().expect("text"))
        .collect();
    let listed = regcred_providers::all();
    let listed: BTreeSet<_> = listed.iter().map(|spec| spec.name.to_owned()).collect();
    assert_eq!(listed, plugins, "crates/providers/src/lib.rs and plugins/");
    let fakes: BTreeSet<_> = CLOUDS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        fakes, listed,
        "tests/harness/clouds.rs and crates/providers"
    );
}
