//! The errors with which a kubelet exits at its start: its sentences, each with what to do.

use std::io;
use std::path::Path;

use regcred_engine::{ConfigError, EntryProblem, ProviderConfig};
use regcred_go::yaml::Step;
use rustix::fs::{StatVfsMountFlags, statvfs};

use super::finding::{Finding, Place};

/// A finding for each sentence, in the kubelet's order.
pub(super) fn findings(problems: &[ConfigError], config: Option<&ProviderConfig>) -> Vec<Finding> {
    let mut found = Vec::new();
    for problem in problems {
        match (problem, config) {
            (ConfigError::Invalid(rules), Some(config)) => {
                found.extend(rules.iter().map(|rule| broken_rule(rule, config)));
            }
            _ => {
                let place = place(problem, config);
                found.push(Finding::error(place, problem.to_string(), fix(problem)));
            }
        }
    }
    found
}

fn place(problem: &ConfigError, config: Option<&ProviderConfig>) -> Place {
    match problem {
        ConfigError::Access { path, .. }
        | ConfigError::ReadDirectory { path, .. }
        | ConfigError::NoFiles(path)
        | ConfigError::ReadFile { path, .. }
        | ConfigError::NoBinDir(path)
        | ConfigError::BinDir { path, .. } => Place::file(path),
        ConfigError::Decode { path, error } => match line_in(error.sentence()) {
            Some(line) => Place {
                line: Some(line),
                ..Place::file(path)
            },
            None => {
                let steps = steps_in(error.sentence());
                Place::part(path, &steps)
            }
        },
        ConfigError::Duplicate { origin, .. } => Place::origin(origin, &[Step::Member("name")]),
        ConfigError::NoPlugin(path) | ConfigError::Plugin { path, .. } => {
            let entry = config.and_then(|config| {
                let is_it = |entry: &regcred_api::ProviderEntry| {
                    !entry.name.is_empty() && path.ends_with(&entry.name)
                };
                let at = config.providers.iter().position(is_it)?;
                Some(Place::entry(config, at, &[Step::Member("name")]))
            });
            entry.unwrap_or_else(|| Place::file(path))
        }
        _ => Place::default(),
    }
}

fn fix(problem: &ConfigError) -> String {
    match problem {
        ConfigError::EmptyPath => "set --image-credential-provider-config".to_owned(),
        ConfigError::Access { error, .. } | ConfigError::ReadFile { error, .. }
            if error.kind() == io::ErrorKind::PermissionDenied =>
        {
            "let root read it".to_owned()
        }
        ConfigError::Access { .. } => {
            "create it, or correct --image-credential-provider-config".to_owned()
        }
        ConfigError::ReadDirectory { .. } => "let root list it".to_owned(),
        ConfigError::NoFiles(_) => {
            "put a .json, .yaml or .yml file in it; subdirectories and other extensions are not read"
                .to_owned()
        }
        ConfigError::ReadFile { .. } => "make it a readable file, or remove it".to_owned(),
        ConfigError::Decode { error, .. } => undecoded(error.sentence()).to_owned(),
        ConfigError::Duplicate { .. } => {
            "remove one of the two, or give it the name of a symlink to the plugin".to_owned()
        }
        ConfigError::NoBinDir(path) if path.as_os_str().is_empty() => {
            "set --image-credential-provider-bin-dir".to_owned()
        }
        ConfigError::NoBinDir(_) => {
            "create it, or correct --image-credential-provider-bin-dir".to_owned()
        }
        ConfigError::BinDir { .. } => "let root list it".to_owned(),
        ConfigError::NoPlugin(path) => format!(
            "install {} with mode 0755, or remove the entry: the name is the plugin's file name",
            path.display()
        ),
        ConfigError::Plugin { path, error } => unexecutable(path, error),
        _ => "correct the configuration".to_owned(),
    }
}

fn unexecutable(path: &Path, error: &io::Error) -> String {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::IsADirectory => {
            format!("replace the directory {shown} with the plugin's file")
        }
        _ if is_noexec(path) => {
            format!(
                "move {shown} to a file system that is not mounted noexec, or remount that file system with exec"
            )
        }
        _ => format!("chmod 0755 {shown}"),
    }
}

/// Whether the file system of a path is mounted noexec; `false` if that cannot be read.
fn is_noexec(path: &Path) -> bool {
    statvfs(path).is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::NOEXEC))
}

/// What to do about a file that cannot be decoded.
fn undecoded(sentence: &str) -> &'static str {
    let token_mode = sentence.contains("tokenAttributes\"");
    // `providers` is unknown in every other kind.
    if sentence.contains("wrong Kind") || sentence.contains("unknown field \"providers\"") {
        "set kind: CredentialProviderConfig"
    } else if sentence.contains("unknown field") && token_mode {
        "set apiVersion: kubelet.config.k8s.io/v1, the only one with tokenAttributes"
    } else if sentence.contains("unknown field") {
        "remove the field, or correct its name"
    } else if sentence.contains("no kind ") || sentence.contains("is missing") {
        "set apiVersion: kubelet.config.k8s.io/v1 and kind: CredentialProviderConfig"
    } else if sentence.contains("time: ") {
        "write a duration with a unit, such as 12h or 1m30s"
    } else {
        "correct the file"
    }
}

fn broken_rule(rule: &EntryProblem, config: &ProviderConfig) -> Finding {
    let mut part: Vec<_> = rule.field.split('.').map(Step::Member).collect();
    part.extend(rule.item.map(Step::Item));
    let place = match (rule.entry, config.files.first()) {
        (Some(entry), _) => Place::entry(config, entry, &part),
        (None, Some(file)) => Place::part(file, &[Step::Member("providers")]),
        (None, None) => Place::default(),
    };
    Finding::error(place, rule.sentence.clone(), fix_of_rule(rule))
}

/// What to do about a broken rule.
fn fix_of_rule(rule: &EntryProblem) -> &'static str {
    let (field, what) = (rule.field.as_str(), rule.sentence.as_str());
    match field {
        "name" => "set it to the file name of the plugin in the bin dir",
        "apiVersion" => "set apiVersion: credentialprovider.kubelet.k8s.io/v1 in the entry",
        "matchImages" if what.contains("invalid port") => {
            "write the port as digits, without `*` or a tag"
        }
        "matchImages" => {
            "list hosts with an optional port and path, such as *.registry.example.com"
        }
        "defaultCacheDuration" => {
            "set a duration of zero or more in the entry, such as defaultCacheDuration: 12h"
        }
        "tokenAttributes" if what.contains("both required and optional") => {
            "list the key once, as required or as optional"
        }
        "tokenAttributes" => "set apiVersion: credentialprovider.kubelet.k8s.io/v1 in the entry",
        "tokenAttributes.serviceAccountTokenAudience" => {
            "set the audience that the registry or its token service expects"
        }
        "tokenAttributes.requireServiceAccount" => {
            "set requireServiceAccount: true, or false to run the plugin for static pods too"
        }
        "tokenAttributes.cacheType" => {
            "set cacheType: ServiceAccount, or Token if the answer is bound to the pod's token"
        }
        _ if what.contains("requireServiceAccount cannot be false") => {
            "set requireServiceAccount: true"
        }
        _ if what.contains("Duplicate value") => "list the key once",
        "" => "add an entry for a plugin, or remove the kubelet's two flags",
        _ => "write the key as an annotation's name, such as example.com/role",
    }
}

/// The line that a sentence names: `yaml: line 3: ...`.
fn line_in(sentence: &str) -> Option<usize> {
    let rest = sentence.split_once("line ")?.1;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// The path of the first field that a sentence names: `unknown field "providers[0].x"`.
fn steps_in(sentence: &str) -> Vec<Step<'_>> {
    let path = sentence.split_once("field \"").map_or("", |(_, rest)| rest);
    let path = path.split('"').next().unwrap_or_default();
    let parts = path.split(['.', '[']).filter(|part| !part.is_empty());
    let step = |part: &'_ str| -> Option<usize> { part.strip_suffix(']')?.parse().ok() };
    parts
        .map(|part| step(part).map_or(Step::Member(part), Step::Item))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_kind_needs_the_right_kind() {
        let head = "kind: KubeletConfiguration\napiVersion: kubelet.config.k8s.io/v1beta1\n";
        for rest in ["", "providers: []\n"] {
            let error = regcred_api::decode_config(format!("{head}{rest}").as_bytes());
            let error = error.expect_err("another kind");
            let fix = "set kind: CredentialProviderConfig";
            assert_eq!(undecoded(error.sentence()), fix, "{error}");
        }
    }

    #[test]
    fn a_sentence_names_its_place() {
        assert_eq!(line_in("yaml: line 12: this is not valid YAML"), Some(12));
        assert_eq!(line_in("Object 'Kind' is missing"), None);
        let sentence =
            r#"strict decoding error: unknown field "providers[3].env[0].x", unknown field "y""#;
        let expected = [
            Step::Member("providers"),
            Step::Item(3),
            Step::Member("env"),
            Step::Item(0),
            Step::Member("x"),
        ];
        assert_eq!(steps_in(sentence), expected);
        assert_eq!(steps_in("other"), []);
    }
}
