//! What a program needs to know of a provider before it makes one: names, variables, flags.

use crate::{Clock, Env, EnvVar, Provider, ProviderError, RegistryHost};

/// One cloud, as data. Each provider crate exports one as `SPEC`.
#[derive(Clone, Copy, Debug)]
pub struct ProviderSpec {
    /// Stable lower-case name: `ecr`.
    pub name: &'static str,
    /// The cloud's registry in words: `Amazon ECR`.
    pub title: &'static str,
    /// Names under which upstream ships a kubelet plugin for it: `auth-provider-gcp`.
    pub plugin_aliases: &'static [&'static str],
    /// Names under which upstream ships a docker credential helper: `docker-credential-ecr-login`.
    pub helper_aliases: &'static [&'static str],
    /// Every variable it reads, its libraries' included.
    pub vars: &'static [EnvVar],
    /// Command line flags, each another way to set one of the variables.
    pub flags: &'static [Flag],
    /// The variable that the first positional argument sets; `None` ignores stray arguments.
    pub positional: Option<&'static str>,
    /// `defaultCacheDuration` for a generated kubelet configuration, as a Go duration.
    pub default_cache_duration: &'static str,
    /// Makes the provider. Reads the environment, does no I/O.
    pub new: NewProvider,
}

impl ProviderSpec {
    /// Whether a provider that cannot be made would serve the registry, as far as the variables
    /// that name hosts decide. `true` if not even those can be read.
    #[must_use]
    pub fn would_serve(&self, registry: &RegistryHost, env: &Env, clock: &Clock) -> bool {
        let hosts = self.vars.iter().filter(|var| var.name.ends_with(HOSTS));
        let hosts = hosts.filter_map(|var| Some((var.name, env.get(var.name)?)));
        match (self.new)(&Env::map(hosts), clock) {
            Ok(provider) => provider.serves(registry),
            Err(_) => true,
        }
    }
}

/// The end of the variables that name further hosts.
const HOSTS: &str = "_ALSO_SERVE";

/// Makes a provider out of the environment and a clock.
pub type NewProvider = fn(&Env, &Clock) -> Result<Box<dyn Provider>, ProviderError>;

/// A command line flag of a provider. A flag wins over the variable it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Long name without dashes, as upstream spells it: `authFlow`.
    pub name: &'static str,
    /// One-letter form.
    pub short: Option<char>,
    /// The variable it sets. Values of a repeated flag are joined by commas.
    pub var: &'static str,
    /// Placeholder of the value in the help; `None` makes it a switch, which sets `true` (and
    /// takes `=true` or `=false`, as Go's flags do).
    pub value: Option<&'static str>,
    /// One sentence for the help.
    pub doc: &'static str,
}
