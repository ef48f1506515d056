//! A cloud is in few lists besides its crate, and it is missing in none of them.

use std::collections::BTreeSet;
use std::fs;

use regcred_core::{ProviderSpec, Role};
use regcred_tests::clouds::CLOUDS;
use regcred_tests::need::workspace;

/// The files that name every provider, and the text with which they do: `{}` is the name, `{page}` its
/// page.
const PLACES: &[(&str, &str)] = &[
    ("README.md", "`{}-"),
    ("crates/README.md", "\n| [{}]({}) |"),
    ("crates/providers/Cargo.toml", "\n{} = [\"dep:regcred-{}\"]"),
    ("docs/README.md", "({page})"),
    ("docs/{page}", "{}-credential-provider"),
    // Without this right of the nodes, no pod of a stock cluster pulls.
    ("docs/{page}", "request-serviceaccounts-token-audience"),
    ("docs/install-on-a-node.md", "| `{}-credential-provider`"),
    ("plugins/{}/tests/conformance.rs", "clouds::start(\"{}\")"),
];

#[test]
fn no_provider_is_missing_in_a_list() {
    let mut missing = Vec::new();
    for spec in regcred_providers::all() {
        for (file, text) in PLACES {
            let page = page(spec);
            let of_it = |text: &str| text.replace("{page}", &page).replace("{}", spec.name);
            let (file, text) = (of_it(file), of_it(text));
            let content = fs::read_to_string(workspace().join(&file)).unwrap_or_default();
            if !content.contains(&text) {
                missing.push(format!("{}: {file} has no {:?}", spec.name, text.trim()));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// A provider's page: a cloud's, or that of the registries which a file names.
fn page(spec: &ProviderSpec) -> String {
    if spec.with_role(Role::ConfigFile).next().is_some() {
        "other-registries.md".to_owned()
    } else {
        format!("clouds/{}.md", spec.name)
    }
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
