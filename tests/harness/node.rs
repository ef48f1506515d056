//! A node as an operator sets it up: a bin directory, a CredentialProviderConfig, a directory of
//! hosts.toml files and a store for images.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Program;
use crate::program::built;

/// The node's directories and what is registered there.
pub struct Node {
    root: PathBuf,
    /// Items of the YAML list.
    providers: String,
    _temporary: Option<TempDir>,
}

impl Node {
    /// A node without providers, in a temporary directory that ends with the value.
    ///
    /// # Panics
    /// When no temporary directory can be made.
    #[must_use]
    pub fn new() -> Self {
        let temporary = tempfile::tempdir().expect("a temporary directory");
        let mut node = Self::at(temporary.path());
        node._temporary = Some(temporary);
        node
    }

    /// A node without providers in a directory that stays.
    ///
    /// # Panics
    /// When its directories cannot be made.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        for directory in ["bin", "hosts", "home"] {
            std::fs::create_dir_all(root.join(directory)).expect("a directory");
        }
        Self {
            root: root.to_owned(),
            providers: String::new(),
            _temporary: None,
        }
    }

    /// Where everything of the node lies.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The plugins' directory.
    #[must_use]
    pub fn bin_dir(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// The CredentialProviderConfig.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.root.join("credential-provider-config.yaml")
    }

    /// The hosts.toml directories.
    #[must_use]
    pub fn hosts_dir(&self) -> PathBuf {
        self.root.join("hosts")
    }

    /// The image store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// Registers one of this workspace's plugins for those images, with those variables.
    ///
    /// # Panics
    /// When the plugin has not been built.
    pub fn add_plugin(&mut self, name: &str, images: &[&str], env: &[(String, String)]) {
        let target = self.bin_dir().join(name);
        if !target.exists() {
            symlink(built(name), target).expect("a link");
        }
        self.add_provider(name, images, env);
    }

    /// Registers a shell script as a plugin for those images.
    ///
    /// # Panics
    /// When the script cannot be written.
    pub fn add_script(&mut self, name: &str, images: &[&str], script: &str) {
        crate::program::script(&self.bin_dir().join(name), script);
        self.add_provider(name, images, &[]);
    }

    /// Registers a provider whose program is not there, or is put there by the caller.
    ///
    /// # Panics
    /// When the configuration cannot be written.
    pub fn add_provider(&mut self, name: &str, images: &[&str], env: &[(String, String)]) {
        let images: String = images
            .iter()
            .map(|image| format!("      - {image:?}\n"))
            .collect();
        let env: String = env
            .iter()
            .map(|(name, value)| format!("      - name: {name}\n        value: {value:?}\n"))
            .collect();
        let env = match env.as_str() {
            "" => env,
            lines => format!("    env:\n{lines}"),
        };
        self.providers.push_str(&format!(
            "  - name: {name}\n    matchImages:\n{images}    defaultCacheDuration: 1m\n    \
             apiVersion: credentialprovider.kubelet.k8s.io/v1\n{env}"
        ));
        let config = format!(
            "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n{}",
            self.providers
        );
        std::fs::write(self.config(), config).expect("a configuration file");
    }

    /// Lets a registry at `url` answer for the host.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn map_host(&self, host: &str, url: &str) {
        self.write_hosts(host, &format!("server = \"{url}\"\n"));
    }

    /// Lets a registry at an https `url` answer for the host, trusted through that CA file.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn map_host_tls(&self, host: &str, url: &str, ca: &Path) {
        let ca = ca.display();
        self.write_hosts(host, &format!("server = \"{url}\"\nca = \"{ca}\"\n"));
    }

    fn write_hosts(&self, host: &str, text: &str) {
        let directory = self.hosts_dir().join(host);
        std::fs::create_dir_all(&directory).expect("a directory");
        std::fs::write(directory.join("hosts.toml"), text).expect("a hosts.toml");
    }

    /// `regcred SUBCOMMAND` with this node's providers and hosts, and none of the machine's own
    /// docker configuration.
    #[must_use]
    pub fn regcred(&self, subcommand: &str) -> Program {
        let mut program = Program::ours("regcred")
            .arg(subcommand)
            .env("HOME", self.root.join("home"))
            .current_dir(self.root.join("home"))
            .arg("--root-dir")
            .arg(self.root.join("home"))
            .arg("--hosts-dir")
            .arg(self.hosts_dir());
        if !self.providers.is_empty() {
            program = program
                .arg("--image-credential-provider-config")
                .arg(self.config())
                .arg("--image-credential-provider-bin-dir")
                .arg(self.bin_dir());
        }
        program
    }

    /// `regcred pull` into this node's store.
    #[must_use]
    pub fn pull(&self, image: &str) -> Program {
        self.regcred("pull")
            .arg("--store")
            .arg(self.store())
            .arg(image)
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::new()
    }
}
