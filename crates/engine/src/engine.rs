//! The engine: a node's configuration, ready for look-ups of any image.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::{Clock, Env};
use regcred_exec::ProcessEnvironment;
use regcred_keyring::{NodeConfig, SearchPaths};
use regcred_registry::{Hosts, HttpError, RegistryClient};
use secrecy::SecretSlice;

use crate::config::{ConfigError, PluginInspection, ProviderConfig};
use crate::improvements::Improvements;
use crate::plugin::{Plugin, PluginEnvironment, PluginOptions, Provision, env_of};

/// A kubelet's knowledge of image credentials. Cheap to clone; clones share caches.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    config: Option<ProviderConfig>,
    plugins: Vec<Plugin>,
    docker: DockerSource,
    improvements: Improvements,
    clock: Clock,
    registry: RegistryClient,
    node: Mutex<Option<(DateTime<Utc>, Arc<NodeConfig>)>>,
    environment: PluginEnvironment,
}

impl Engine {
    /// Begins an engine. `HOME`, proxies and the like come from `env`; plugins inherit the environment
    /// of the process, whatever is in `env`.
    #[must_use]
    pub fn builder(env: &Env) -> EngineBuilder {
        EngineBuilder {
            env: env.clone(),
            clock: Clock::system(),
            provider_config: PathBuf::new(),
            bin_dir: PathBuf::new(),
            search: SearchPaths {
                root_dir: PathBuf::from(ROOT_DIR),
                cwd: PathBuf::from("."),
                home: env.home(),
            },
            docker: None,
            hosts: Hosts::none(),
            improvements: Improvements::default(),
            plugin_deadline: PLUGIN_DEADLINE,
            on_waiting: None,
            on_answer: None,
            plugin_environment: None,
        }
    }

    /// The registered plugins, in the order of the configuration.
    #[must_use]
    pub fn plugins(&self) -> &[Plugin] {
        &self.0.plugins
    }

    /// The provider configuration, if there is one.
    #[must_use]
    pub fn provider_config(&self) -> Option<&ProviderConfig> {
        self.0.config.as_ref()
    }

    /// The environment that plugins have.
    #[must_use]
    pub fn plugin_environment(&self) -> &PluginEnvironment {
        &self.0.environment
    }

    /// The client for registries.
    #[must_use]
    pub fn registry(&self) -> &RegistryClient {
        &self.0.registry
    }

    /// Where the engine differs from the kubelet.
    #[must_use]
    pub fn improvements(&self) -> Improvements {
        self.0.improvements
    }

    /// The node's docker configuration. The result of a search is used for five minutes, even if
    /// nothing was found.
    pub(crate) fn node_config(&self) -> Arc<NodeConfig> {
        let now = self.0.clock.now();
        let mut kept = self.0.node.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((searched_at, found)) = kept.as_ref()
            && now - *searched_at < SEARCH_LIFE
        {
            return Arc::clone(found);
        }
        let found = Arc::new(self.0.docker.load(self.0.improvements));
        *kept = Some((now, Arc::clone(&found)));
        found
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("plugins", &self.0.plugins)
            .field("docker", &self.0.docker)
            .finish_non_exhaustive()
    }
}

/// Builds an [`Engine`] from values.
#[derive(Clone, Debug)]
pub struct EngineBuilder {
    env: Env,
    clock: Clock,
    provider_config: PathBuf,
    bin_dir: PathBuf,
    search: SearchPaths,
    docker: Option<DockerSource>,
    hosts: Hosts,
    improvements: Improvements,
    plugin_deadline: Duration,
    on_waiting: Option<fn(&str)>,
    on_answer: Option<fn(&str, &Provision)>,
    plugin_environment: Option<ProcessEnvironment>,
}

impl EngineBuilder {
    /// The kubelet's `--image-credential-provider-config`: a file or a directory.
    #[must_use]
    pub fn provider_config(mut self, path: impl Into<PathBuf>) -> Self {
        self.provider_config = path.into();
        self
    }

    /// The kubelet's `--image-credential-provider-bin-dir`.
    #[must_use]
    pub fn bin_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.bin_dir = path.into();
        self
    }

    /// The kubelet's `--root-dir`, by default `/var/lib/kubelet`: the first directory that is searched
    /// for a docker configuration.
    #[must_use]
    pub fn root_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.search.root_dir = path.into();
        self
    }

    /// The working directory, which is searched second; by default `.`.
    #[must_use]
    pub fn working_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.search.cwd = path.into();
        self
    }

    /// Docker configuration files that replace the search; the first that exists and parses is used.
    #[must_use]
    pub fn docker_configs(mut self, files: impl IntoIterator<Item = PathBuf>) -> Self {
        self.docker = Some(DockerSource::Files(files.into_iter().collect()));
        self
    }

    /// The content of a docker configuration file that replaces the search, under a path for
    /// messages.
    #[must_use]
    pub fn docker_config(
        mut self,
        path: impl Into<PathBuf>,
        content: impl Into<SecretSlice<u8>>,
    ) -> Self {
        self.docker = Some(DockerSource::Content {
            path: path.into(),
            content: Arc::new(content.into()),
        });
        self
    }

    /// Which servers are asked for a registry; by default the registry itself.
    #[must_use]
    pub fn hosts(mut self, hosts: Hosts) -> Self {
        self.hosts = hosts;
        self
    }

    /// Another clock, for tests.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Where the engine may differ from the kubelet; by default nowhere.
    #[must_use]
    pub fn improvements(mut self, improvements: Improvements) -> Self {
        self.improvements = improvements;
        self
    }

    /// How long a plugin may run; by default one minute, as with the kubelet.
    #[must_use]
    pub fn plugin_deadline(mut self, deadline: Duration) -> Self {
        self.plugin_deadline = deadline;
        self
    }

    /// Sets what is called with the name of a plugin that has run for a second and a half.
    #[must_use]
    pub fn on_waiting(mut self, report: fn(&str)) -> Self {
        self.on_waiting = Some(report);
        self
    }

    /// Sets what is called with the name of a plugin that was asked, and with the result.
    #[must_use]
    pub fn on_answer(mut self, report: fn(&str, &Provision)) -> Self {
        self.on_answer = Some(report);
        self
    }

    /// Runs plugins with the environment of another process, and searches a docker configuration in
    /// its home directory; by default with this process's.
    #[must_use]
    pub fn plugin_environment(mut self, environment: ProcessEnvironment) -> Self {
        self.search.home = env_of(&environment).home();
        self.plugin_environment = Some(environment);
        self
    }

    /// Inspects the node's configuration and collects every problem, where [`EngineBuilder::build`]
    /// stops at the first. Does not run plugins or ask a registry.
    #[must_use]
    pub fn inspect(&self) -> NodeReport {
        let (config, programs, problems) = match self.inspect_plugins() {
            Some(found) => (Some(found.config), found.programs, found.problems),
            None => Default::default(),
        };
        NodeReport {
            config,
            programs,
            problems,
            docker: self.docker().load(self.improvements),
        }
    }

    /// Reads the provider configuration and registers its plugins, if either of the two paths is
    /// set. Docker configurations and pull secrets are read at look-up.
    ///
    /// # Errors
    /// For the first problem of [`EngineBuilder::inspect`], which ends a kubelet at its start; and when
    /// no registry client can be made.
    pub fn build(self) -> Result<Engine, EngineError> {
        let (mut config, mut plugins) = (None, Vec::new());
        if let Some(found) = self.inspect_plugins() {
            if let Some(problem) = found.problems.into_iter().next() {
                return Err(problem.into());
            }
            let entries = found.config.providers.iter().zip(found.programs);
            let registered = entries.filter_map(|(entry, program)| {
                let options = PluginOptions {
                    clock: self.clock.clone(),
                    deadline: self.plugin_deadline,
                    on_waiting: self.on_waiting,
                    on_answer: self.on_answer,
                    improvements: self.improvements,
                    environment: self.plugin_environment.clone(),
                };
                Some(Plugin::new(entry, program?, options))
            });
            plugins = registered.collect();
            config = Some(found.config);
        }
        Ok(Engine(Arc::new(Inner {
            config,
            plugins,
            docker: self.docker(),
            improvements: self.improvements,
            clock: self.clock,
            registry: RegistryClient::new(&self.env, self.hosts)?,
            node: Mutex::new(None),
            environment: PluginEnvironment::of(&self.env, self.plugin_environment.as_ref()),
        })))
    }

    /// `None` when neither of the kubelet's two flags is set.
    fn inspect_plugins(&self) -> Option<PluginInspection> {
        let (config, bin_dir) = (&self.provider_config, &self.bin_dir);
        let is_set = |path: &PathBuf| !path.as_os_str().is_empty();
        (is_set(config) || is_set(bin_dir)).then(|| PluginInspection::of(config, bin_dir))
    }

    fn docker(&self) -> DockerSource {
        let search = || DockerSource::Files(self.search.files().into());
        self.docker.clone().unwrap_or_else(search)
    }
}

/// Where the node's docker configuration comes from.
#[derive(Clone, Debug)]
enum DockerSource {
    /// Files that are searched for it.
    Files(Vec<PathBuf>),
    /// A file that has been read.
    Content {
        path: PathBuf,
        content: Arc<SecretSlice<u8>>,
    },
}

impl DockerSource {
    fn load(&self, improvements: Improvements) -> NodeConfig {
        let rules = improvements.keyring;
        match self {
            Self::Files(files) => NodeConfig::load(files.iter().cloned(), rules),
            Self::Content { path, content } => NodeConfig::of(path, content, rules),
        }
    }
}

/// A node's configuration and every problem with it.
#[derive(Debug)]
#[non_exhaustive]
pub struct NodeReport {
    /// The provider configuration, as far as it can be read; `None` if neither it nor a bin dir is
    /// set.
    pub config: Option<ProviderConfig>,
    /// The program of each entry of the configuration; `None` for one that cannot be run.
    pub programs: Vec<Option<PathBuf>>,
    /// The problems of the provider configuration and of the bin dir, in the order in which a
    /// kubelet finds them; it exits at the first.
    pub problems: Vec<ConfigError>,
    /// The files searched for the node's docker configuration, and why one cannot be used. For a
    /// kubelet that is not an error.
    pub docker: NodeConfig,
}

/// Why an engine cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The provider configuration or its plugins cannot be used; the kubelet's sentence.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A client for registries cannot be created with this environment.
    #[error("cannot create a registry client")]
    Registry(#[from] HttpError),
}

const ROOT_DIR: &str = "/var/lib/kubelet";
const PLUGIN_DEADLINE: Duration = Duration::from_secs(60);
const SEARCH_LIFE: TimeDelta = TimeDelta::minutes(5);

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::Pod;
    use crate::blocking_read::READ_DEADLINE;

    #[tokio::test(start_paused = true)]
    async fn a_mount_that_does_not_answer_fails_the_look_up_and_blocks_nothing() {
        let engine = Engine::builder(&Env::default()).build().expect("sound");
        let (held, is_held) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let hanging = engine.clone();
        let search = thread::spawn(move || {
            let _search = hanging.0.node.lock();
            held.send(()).expect("waited for");
            let _ = released.recv();
        });
        is_held.recv().expect("held");
        let pod = Pod::new();
        let (found, ()) = tokio::join!(
            engine.lookup("h.io/app", &pod),
            tokio::time::advance(READ_DEADLINE)
        );
        drop(release);
        search.join().expect("ended");
        let error = found.expect_err("not read").to_string();
        assert!(error.contains("not read within 30 seconds"), "{error}");
    }
}
