//! The configuration files of k3s and RKE2, whose members are flags.

use std::collections::BTreeMap;
use std::path::PathBuf;

use regcred_go::Value;

use super::document::document;
use crate::error::NodeError;
use crate::view::View;

/// The command line with what the files set, and the files. As both make it: directly after the subcommand, so that
/// a flag of the command line comes later and counts.
pub(super) fn completed(
    view: &View<'_>,
    program: &str,
    mut words: Vec<String>,
    variables: &BTreeMap<String, String>,
) -> Result<(Vec<String>, Vec<PathBuf>), NodeError> {
    let is_subcommand = |word: &String| word == "server" || word == "agent";
    let Some(at) = words.iter().position(is_subcommand) else {
        return Ok((words, Vec::new()));
    };
    let files = files(view, program, &words, variables)?;
    let mut members: Vec<(String, Vec<String>)> = Vec::new();
    for file in &files {
        let text = view.text(file)?.unwrap_or_default();
        if let Some(Value::Object(own)) = document(file, &text)? {
            for (name, value) in &own {
                add(&mut members, name, value);
            }
        }
    }
    let flags = members.into_iter().flat_map(|(name, values)| {
        let flag = move |value| format!("--{name}={value}");
        values.into_iter().map(flag)
    });
    words.splice(at + 1..at + 1, flags);
    Ok((words, files))
}

/// A member replaces that of an earlier file; `NAME+` adds to it.
fn add(members: &mut Vec<(String, Vec<String>)>, name: &str, value: &Value) {
    let values: Vec<_> = match value {
        Value::Array(items) => items.iter().filter_map(text).collect(),
        value => text(value).into_iter().collect(),
    };
    let (name, adds) = match name.strip_suffix('+') {
        Some(name) => (name, true),
        None => (name, false),
    };
    match members.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) if adds => known.extend(values),
        Some((_, known)) => *known = values,
        None => members.push((name.to_owned(), values)),
    }
}

/// Flags of the kubelet that matter here have texts.
fn text(value: &Value) -> Option<String> {
    value.plain_text().map(str::to_owned)
}

/// The file, and those of the directory with its name and `.d`, sorted.
fn files(
    view: &View<'_>,
    program: &str,
    words: &[String],
    variables: &BTreeMap<String, String>,
) -> Result<Vec<PathBuf>, NodeError> {
    let variable = format!("{}_CONFIG_FILE", program.to_ascii_uppercase());
    let of_variable = variables.get(&variable).filter(|path| !path.is_empty());
    let named = of_variable.cloned().or_else(|| config_flag(words));
    let file = named.unwrap_or_else(|| format!("/etc/rancher/{program}/config.yaml"));
    if file.starts_with("http://") || file.starts_with("https://") {
        return Err(NodeError::refused(
            format!("{program} reads its configuration from {file}, which is not read here"),
            "put it into a file of the node",
        ));
    }
    let drop_ins = PathBuf::from(format!("{file}.d"));
    let names = view.names(&drop_ins)?;
    let is_read = |name: &&String| {
        let name = name.to_ascii_lowercase();
        name.ends_with(".yaml") || name.ends_with(".yml")
    };
    let mut found = vec![PathBuf::from(&file)];
    found.retain(|file| matches!(view.text(file), Ok(Some(_)) | Err(_)));
    found.extend(names.iter().filter(is_read).map(|name| drop_ins.join(name)));
    Ok(found)
}

/// The value of `--config` or `-c`.
fn config_flag(words: &[String]) -> Option<String> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--config" || word == "-c" {
            return words.next().cloned();
        }
        let value = word.strip_prefix("--config=");
        if let Some(value) = value.or_else(|| word.strip_prefix("-c=")) {
            return Some(value.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Node;

    fn words(node: &Node, line: &str, variables: &[(&str, &str)]) -> Vec<String> {
        let tree = node.tree();
        let variables = variables.iter();
        let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let line = line.split(' ').map(str::to_owned).collect();
        let made = completed(&View::of(&tree), "k3s", line, &variables.collect());
        made.expect("read").0
    }

    #[test]
    fn a_later_file_replaces_a_list_unless_it_adds_to_it() {
        let node = Node::new(&[
            (
                "/etc/rancher/k3s/config.yaml",
                "kubelet-arg: [a=1, b=2]\nnode-name: one\ndebug: true\n",
            ),
            (
                "/etc/rancher/k3s/config.yaml.d/10.yaml",
                "kubelet-arg: [c=3]\n",
            ),
            (
                "/etc/rancher/k3s/config.yaml.d/20.YML",
                "kubelet-arg+: d=4\n",
            ),
            (
                "/etc/rancher/k3s/config.yaml.d/30.txt",
                "kubelet-arg: [e=5]\n",
            ),
            ("/etc/other.yaml", "node-name: other\n"),
            ("/etc/other.yaml.d/1.yaml", "node-name+: more\n"),
        ]);
        let of_files = ["--kubelet-arg=c=3", "--kubelet-arg=d=4", "--node-name=one"];
        let line = words(&node, "/bin/k3s server --kubelet-arg=f=6", &[]);
        assert_eq!(line[..2], ["/bin/k3s", "server"]);
        assert_eq!(line[2..5], of_files);
        assert_eq!(line[5..], ["--kubelet-arg=f=6"]);
        let other = ["k3s", "agent", "--node-name=other", "--node-name=more"];
        let line = words(&node, "k3s agent --config=/etc/other.yaml", &[]);
        assert_eq!(line[..4], other);
        let by_variable = [("K3S_CONFIG_FILE", "/etc/other.yaml")];
        assert_eq!(words(&node, "k3s agent -c /x", &by_variable)[..4], other);
        assert_eq!(words(&node, "k3s kubectl get", &[]).len(), 3);
        assert_eq!(words(&Node::new(&[]), "k3s server", &[]).len(), 2);
    }
}
