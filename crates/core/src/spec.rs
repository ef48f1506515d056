//! What a program needs to know before it makes a provider: names, variables, flags.

use std::time::Duration;

use crate::{Clock, Env, EnvVar, Flag, Provider, ProviderError, RegistryHost, Role};

/// One cloud, as data. Each provider crate exports one as `SPEC`.
#[derive(Clone, Copy, Debug)]
pub struct ProviderSpec {
    /// Stable lower-case name: `ecr`.
    pub name: &'static str,
    /// The name of the cloud's registry for people: `Amazon ECR`.
    pub title: &'static str,
    /// Names under which upstream ships a kubelet plugin for it: `auth-provider-gcp`.
    pub plugin_aliases: &'static [&'static str],
    /// Names under which upstream ships a docker credential helper: `docker-credential-ecr-login`.
    /// The first is the one that `configure-docker` sets.
    pub helper_aliases: &'static [&'static str],
    /// Those helper names whose upstream answers every failure with "credentials not found".
    pub silent_helpers: &'static [&'static str],
    /// The commands and settings of one of those helpers; `None` if they have only docker's actions.
    pub replaced_helper: Option<ReplacedHelper>,
    /// One row for every option: variables, its libraries' included, and their flags.
    pub vars: &'static [EnvVar],
    /// The variable that the first positional argument sets; `None` ignores stray arguments.
    pub positional: Option<&'static str>,
    /// How long a token of the cloud's is valid at most, when it is issued.
    pub token_life: Duration,
    /// `defaultCacheDuration` for a generated kubelet configuration, as a Go duration.
    pub default_cache_duration: &'static str,
    /// Makes the provider. Reads the environment and a configuration file that it names; sends nothing.
    pub new: NewProvider,
}

/// What a docker credential helper has besides docker's actions, for the program of its name.
#[derive(Clone, Copy, Debug)]
pub struct ReplacedHelper {
    /// The helper's name, one of the spec's `helper_aliases`.
    pub name: &'static str,
    /// Its commands, each with its line of help.
    pub commands: &'static [(&'static str, &'static str)],
    /// Runs one of them with the arguments after it; returns the text for standard output.
    pub run: fn(&Env, &str, &[String]) -> Result<String, ProviderError>,
    /// The variables that its own configuration file sets, where the environment does not.
    pub settings: HelperSettings,
}

/// Reads the configuration file of a helper.
pub type HelperSettings = fn(&Env) -> Result<Vec<(&'static str, String)>, ProviderError>;

/// Makes a provider out of the environment and a clock.
pub type NewProvider = fn(&Env, &Clock) -> Result<Box<dyn Provider>, ProviderError>;

impl ProviderSpec {
    /// Whether a provider that cannot be made would serve the registry, by its variables that name
    /// hosts or their file. `true` if those cannot be read either.
    #[must_use]
    pub fn would_serve(&self, registry: &RegistryHost, env: &Env, clock: &Clock) -> bool {
        let hosts = [Role::Hosts, Role::ConfigFile].map(|role| self.with_role(role));
        let hosts = hosts.into_iter().flatten();
        let hosts = hosts.filter_map(|name| Some((name, env.get(name)?)));
        match (self.new)(&Env::map(hosts), clock) {
            Ok(provider) => provider.serves(registry),
            Err(_) => true,
        }
    }

    /// The command line flags, in the order of the rows they belong to.
    pub fn flags(&self) -> impl Iterator<Item = &'static Flag> + use<> {
        self.vars.iter().flat_map(|row| row.flags.iter().flatten())
    }

    /// The variables with this special meaning.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &'static str> + use<> {
        let rows = self.vars.iter();
        rows.filter(move |row| row.role == Some(role))
            .map(|row| row.name)
    }
}
