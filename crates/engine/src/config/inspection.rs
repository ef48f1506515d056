//! Every problem with the configuration of a node's plugins.

use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::programs::{find_plugin, inspect_bin_dir};
use super::provider_config::ProviderConfig;

/// The configuration of a node's plugins, as far as it can be read.
#[derive(Debug)]
pub(crate) struct PluginInspection {
    pub(crate) config: ProviderConfig,
    /// The program of each entry; `None` for one that cannot be run.
    pub(crate) programs: Vec<Option<PathBuf>>,
    /// In the order in which a kubelet finds them; it exits at the first.
    pub(crate) problems: Vec<ConfigError>,
}

impl PluginInspection {
    /// Inspects what the kubelet's two flags name. As there, the bin dir comes before the
    /// configuration, and programs after its validation.
    pub(crate) fn of(config: &Path, bin_dir: &Path) -> Self {
        let mut problems = Vec::from_iter(inspect_bin_dir(bin_dir).err());
        let no_bin_dir = !problems.is_empty();
        let (config, unread) = ProviderConfig::read(config);
        let no_entry = config.providers.is_empty() && !unread.is_empty();
        problems.extend(unread);
        let invalid = config.problems();
        if !invalid.is_empty() && !no_entry {
            problems.push(ConfigError::Invalid(invalid));
        }
        let programs = config.providers.iter().map(|entry| {
            let program = find_plugin(bin_dir, &entry.name);
            let program = program.map_err(|error| problems.push(error));
            program.ok()
        });
        let programs = if no_bin_dir {
            vec![None; config.providers.len()]
        } else {
            programs.collect()
        };
        Self {
            config,
            programs,
            problems,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::plugin::Plugin;
    use crate::testing::Node;

    fn problems(node: &Node) -> Vec<String> {
        let found = PluginInspection::of(&node.path("config.yaml"), &node.path("bin"));
        found.problems.iter().map(ToString::to_string).collect()
    }

    fn failure(node: &Node) -> String {
        problems(node).swap_remove(0)
    }

    #[test]
    fn the_bin_dir_is_inspected_before_the_configuration() {
        let node = Node::new();
        let bin = node.path("bin");
        fs::remove_dir(&bin).expect("bin dir");
        let text = format!("plugin binary directory {} did not exist", bin.display());
        assert_eq!(failure(&node), text);
    }

    #[test]
    fn an_invalid_configuration_is_reported_before_missing_plugins() {
        assert!(failure(&Node::new()).starts_with("failed to validate credential provider config"));
    }

    #[test]
    fn plugins_must_be_executable_files() {
        let node = Node::new().plugin("p", "h.io", &[], "");
        let path = node.path("bin/p");
        let shown = path.display();
        fs::remove_file(&path).expect("plugin");
        assert_eq!(
            failure(&node),
            format!("plugin binary executable {shown} did not exist")
        );
        let inspecting = format!("error inspecting binary executable {shown}: exec: \"{shown}\": ");
        fs::write(&path, "text").expect("file");
        assert_eq!(failure(&node), format!("{inspecting}permission denied"));
        fs::remove_file(&path).expect("file");
        fs::create_dir(&path).expect("directory");
        assert_eq!(failure(&node), format!("{inspecting}is a directory"));
    }

    #[test]
    fn every_problem_is_collected() {
        let node = Node::new();
        let config = |name: &str, version: &str| {
            format!(
                "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n\
                 - name: {name}\n  matchImages: [h.io]\n  defaultCacheDuration: 1h\n  \
                 apiVersion: credentialprovider.kubelet.k8s.io/{version}\n"
            )
        };
        node.write("configs/a.yaml", &config("p", "v1"));
        node.write("configs/b.yaml", "broken");
        node.write("configs/c.yaml", &config("p", "v1"));
        node.write("configs/d.yaml", &config("q", "v9"));
        fs::create_dir(node.path("configs/e.json")).expect("not read");
        let found = PluginInspection::of(&node.path("configs"), &node.path("bin"));
        let starts = [
            "error decoding config ",
            "duplicate provider name \"p\" found",
            "failed to validate credential provider config: providers.apiVersion",
            "plugin binary executable ",
            "plugin binary executable ",
        ];
        assert_eq!(found.problems.len(), starts.len(), "{:#?}", found.problems);
        for (problem, start) in found.problems.iter().zip(starts) {
            assert!(problem.to_string().starts_with(start), "{problem}");
        }
        assert_eq!(
            (found.config.files.len(), found.programs),
            (4, vec![None, None])
        );
    }

    #[test]
    fn what_follows_from_another_problem_is_not_one() {
        let node = Node::new();
        fs::remove_dir(node.path("bin")).expect("bin dir");
        node.write("config.yaml", "broken");
        let found = problems(&node);
        assert_eq!(
            found.len(),
            2,
            "neither the empty list nor missing programs: {found:?}"
        );
    }

    #[test]
    fn plugins_keep_the_order_of_the_configuration() {
        let node = Node::new()
            .plugin("z", "h.io", &[], "")
            .plugin("a", "h.io", &[], "");
        let plugins = node.plugins();
        let names: Vec<&str> = plugins.iter().map(Plugin::name).collect();
        assert_eq!(names, ["z", "a"]);
    }
}
