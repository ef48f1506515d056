//! From configuration entries to plugins that can be run (kubernetes
//! `pkg/credentialprovider/plugin/plugin.go`, `RegisterCredentialProviderPlugins`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::provider_config::{ConfigError, ProviderConfig};
use crate::plugin::{Plugin, PluginOptions};

/// Reads, validates and registers what the two kubelet flags name. As there, the bin dir is looked
/// at before the configuration.
pub(crate) fn register(
    config: &Path,
    bin_dir: &Path,
    options: &PluginOptions,
) -> Result<(ProviderConfig, Vec<Plugin>), ConfigError> {
    inspect_bin_dir(bin_dir)?;
    let config = ProviderConfig::load(config)?.validated()?;
    let plugins = config.providers.iter().map(|entry| {
        let program = find_plugin(bin_dir, &entry.name)?;
        Ok(Plugin::new(entry, program, options.clone()))
    });
    let plugins = plugins.collect::<Result<_, ConfigError>>()?;
    Ok((config, plugins))
}

/// Whether the bin dir is there.
///
/// # Errors
/// With the kubelet's sentence.
pub fn inspect_bin_dir(bin_dir: &Path) -> Result<(), ConfigError> {
    match fs::metadata(bin_dir) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Err(ConfigError::NoBinDir(bin_dir.to_owned()))
        }
        Err(error) => Err(ConfigError::BinDir {
            path: bin_dir.to_owned(),
            error,
        }),
    }
}

/// The plugin's file, if it can be executed.
///
/// # Errors
/// With the kubelet's sentences, and with the path that it leaves out of them.
pub fn find_plugin(bin_dir: &Path, name: &str) -> Result<PathBuf, ConfigError> {
    // An empty name passes validation and comes to nothing here, as in the kubelet.
    let path = match name {
        "" => bin_dir.to_owned(),
        name => bin_dir.join(name),
    };
    match check_executable(&path) {
        Ok(()) => Ok(path),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(ConfigError::NoPlugin(path)),
        Err(error) => Err(ConfigError::Plugin { path, error }),
    }
}

fn check_executable(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Node;

    fn failure(node: &Node) -> String {
        let (config, bin) = (node.path("config.yaml"), node.path("bin"));
        let registered = register(&config, &bin, &node.options());
        registered.expect_err("broken").to_string()
    }

    #[test]
    fn the_bin_dir_is_looked_at_before_the_configuration() {
        let node = Node::new();
        let bin = node.path("bin");
        fs::remove_dir(&bin).expect("bin dir");
        let text = format!("plugin binary directory {} did not exist", bin.display());
        assert_eq!(failure(&node), text);
    }

    #[test]
    fn an_invalid_configuration_is_told_before_missing_plugins() {
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
    fn plugins_keep_the_order_of_the_configuration() {
        let node = Node::new()
            .plugin("z", "h.io", &[], "")
            .plugin("a", "h.io", &[], "");
        let plugins = node.plugins();
        let names: Vec<&str> = plugins.iter().map(Plugin::name).collect();
        assert_eq!(names, ["z", "a"]);
    }
}
