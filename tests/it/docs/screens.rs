//! The page of screens is what the commands print, with a reader's names in place of this machine's.

use std::fs;

use regcred_tests::logins::Logins;
use regcred_tests::oci_registry::Access;
use regcred_tests::{FakeRegistry, Image, Node};
use serde_json::json;

use super::compare;

const IMAGE: &str = "registry.example.com/team/app:v1";
const PAGE: &str = "# Screens

What the commands print, made by running them: a plugin for a private registry, and a pull secret whose login has been
replaced. `tests/it/docs/screens.rs` keeps it true. On a terminal `explain` is a tree in colour, and `pull` has bars.
";

#[test]
fn the_screens_are_what_the_commands_print() {
    let logins = Logins::of("puller", "c4n4ry-password");
    let registry = FakeRegistry::start(Access::Basic(logins));
    registry.push("team/app", "v1", &Image::single(71, 1, 1_000));
    let url = registry.server().url();
    let mut node = Node::new();
    node.map_host("registry.example.com", &url);
    let auth =
        json!({"registry.example.com": {"username": "puller", "password": "c4n4ry-password"}});
    let response = json!({
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "kind": "CredentialProviderResponse",
        "cacheKeyType": "Registry",
        "cacheDuration": "6h",
        "auth": auth,
    });
    let script = format!("cat > /dev/null; echo '{response}'");
    node.add_script(
        "corp-credential-provider",
        &["registry.example.com"],
        &script,
    );
    let secret =
        json!({"auths": {"registry.example.com": {"username": "old", "password": "c4n4ry-old"}}});
    let file = node.root().join("pull-secret.json");
    fs::write(&file, secret.to_string()).expect("a file");
    let root = node.root().display().to_string();
    let named = |text: &str| {
        let text = text.replace(&url, "https://registry.internal:5000");
        let authority = url.trim_start_matches("http://");
        let text = text.replace(authority, "registry.internal:5000");
        settled(&text.replace(&root, "/node"))
    };
    let mut page = String::from(PAGE);
    let mut add = |command: &str, text: &str| {
        assert!(!text.contains("c4n4ry"), "{text}");
        page += &format!(
            "\n## {command}\n\n```text\n{}\n```\n",
            named(text).trim_end()
        );
    };
    let secret = ["--pull-secret", &file.display().to_string()];
    let explained = node.regcred("explain").args(secret).arg("--try").arg(IMAGE);
    add("regcred explain --try", &explained.run().success());
    let pulled = node.pull(IMAGE).args(secret).run();
    let printed = pulled.success();
    add("regcred pull", &format!("{}{printed}", pulled.stderr));
    node.add_provider("missing-credential-provider", &["*.example.com/*"], &[]);
    let checked = node.regcred("check").run();
    assert_eq!(checked.code(), Some(1));
    add("regcred check", &checked.stdout());
    compare("../screens.md", &page);
}

/// The text with one time in place of every other, blobs in the order of their names, and columns that
/// do not depend on the length of a path.
fn settled(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(settled_line).collect();
    let is_blob = |line: &String| line.contains(": done, ");
    let first = lines.iter().position(is_blob).unwrap_or_default();
    let count = lines.iter().filter(|line| is_blob(line)).count();
    lines[first..first + count].sort();
    lines.join("\n")
}

fn settled_line(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let mut words: Vec<String> = Vec::new();
    let mut is_column = false;
    for word in line.trim_start().split(' ') {
        // Three blanks or more are as two.
        if word.is_empty() && is_column {
            continue;
        }
        is_column = word.is_empty();
        let is_unit = word.starts_with('s') && word.len() <= 2;
        if let Some(seconds) = words.last_mut().filter(|_| is_unit) {
            *seconds = settled_seconds(seconds);
        }
        words.push(settled_duration(word));
    }
    format!("{}{}", &line[..indent], words.join(" "))
}

/// `0.01` in place of a number of seconds.
fn settled_seconds(word: &str) -> String {
    let number = word.trim_start_matches('(');
    if number.parse::<f64>().is_ok() {
        format!("{}0.01", &word[..word.len() - number.len()])
    } else {
        word.to_owned()
    }
}

/// `10ms` in place of a duration as Go writes it.
fn settled_duration(word: &str) -> String {
    let number = word.trim_start_matches('(');
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    let milliseconds = number.strip_suffix("ms").is_some_and(is_number);
    if milliseconds || number.strip_suffix('s').is_some_and(is_number) {
        format!("{}10ms", &word[..word.len() - number.len()])
    } else {
        word.to_owned()
    }
}
