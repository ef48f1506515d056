//! What tests share: a node in a temporary directory, with plugins that are small shell scripts.

mod fake;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use regcred_core::Env;
use tempfile::TempDir;

pub(crate) use fake::FakeRegistry;

use crate::{Engine, EngineBuilder, Plugin};

/// A node's directory: `bin` with plugins, `config.yaml` for them, whatever a test adds.
pub(crate) struct Node {
    dir: TempDir,
    config: String,
}

impl Node {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("directory");
        fs::create_dir(dir.path().join("bin")).expect("bin dir");
        let head =
            "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n";
        let node = Self {
            dir,
            config: head.to_owned(),
        };
        node.write("config.yaml", head);
        node
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("directory");
        }
        fs::write(&path, text).expect("file");
        path
    }

    /// Adds a plugin: a shell script, and its entry with further lines.
    pub(crate) fn plugin(mut self, name: &str, images: &str, lines: &[&str], body: &str) -> Self {
        let script = self.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{body}\n"));
        fs::set_permissions(script, fs::Permissions::from_mode(0o755)).expect("mode");
        let entry = format!(
            "- name: {name}\n  matchImages: [{images}]\n  defaultCacheDuration: 1h\n  \
             apiVersion: credentialprovider.kubelet.k8s.io/v1\n"
        );
        self.config.push_str(&entry);
        for line in lines {
            self.config.push_str(&format!("  {line}\n"));
        }
        self.write("config.yaml", &self.config);
        self
    }

    /// An engine with the node's plugins.
    pub(crate) fn engine(&self) -> EngineBuilder {
        let (config, bin) = (self.path("config.yaml"), self.path("bin"));
        let builder = Engine::builder(&Env::default());
        builder.provider_config(config).bin_dir(bin)
    }

    pub(crate) fn plugins(&self) -> Vec<Plugin> {
        let engine = self.engine().build().expect("sound configuration");
        engine.plugins().to_vec()
    }

    pub(crate) fn has_plugins(&self) -> bool {
        self.config.contains("- name:")
    }

    /// How often a plugin that appends a line to `log` at each run has run.
    pub(crate) fn runs(&self) -> usize {
        fs::read_to_string(self.path("log")).map_or(0, |log| log.lines().count())
    }
}

/// A plugin's body that prints an answer with one login, and notes each run in `log`.
pub(crate) fn answers(scope: &str, duration: Option<&str>, key: &str, login: &str) -> String {
    let (username, password) = login.split_once(':').expect("username:password");
    let duration = duration.map_or_else(String::new, |d| format!(r#""cacheDuration":"{d}","#));
    format!(
        r#"echo run >>"${{0%/*}}/../log"
cat >/dev/null
echo '{{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"{scope}",{duration}"auth":{{"{key}":{{"username":"{username}","password":"{password}"}}}}}}'"#
    )
}

/// A docker `config.json` with logins (`username:password`) by server.
pub(crate) fn auths(logins: &[(&str, &str)]) -> String {
    let entries = logins.iter().map(|(server, login)| {
        let (username, password) = login.split_once(':').expect("username:password");
        let entry = serde_json::json!({"username": username, "password": password});
        ((*server).to_owned(), entry)
    });
    let auths: serde_json::Map<_, _> = entries.collect();
    serde_json::json!({ "auths": auths }).to_string()
}
