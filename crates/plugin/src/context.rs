//! What every face works with.

use std::time::Instant;

use regcred_cache::CacheDir;
use regcred_core::{
    Clock, CredentialRequest, Env, ErrorKind, Issued, ProviderError, ProviderSpec, RegistryHost,
    Role,
};
use regcred_run::ProgramError;

use crate::chosen_provider::ChosenProvider;
use crate::program_name::is_helper;
use crate::{replaced_helper, vars};

/// The circumstances of a run, except the streams and a face's own arguments.
pub(crate) struct Context<'a> {
    /// The providers that may answer; one in a plugin.
    pub(crate) specs: &'a [&'a ProviderSpec],
    /// The file name under which the program was started.
    pub(crate) program: &'a str,
    pub(crate) env: Env,
    /// Each variable that a flag set, with that flag.
    pub(crate) flags: Vec<(&'static str, String)>,
    pub(crate) clock: Clock,
    /// When the run has to end.
    pub(crate) end: Instant,
}

impl Context<'_> {
    /// What the provider that serves the request's registry issued, with the provider's name;
    /// `None` when none serves it.
    pub(crate) fn ask(
        &self,
        request: &CredentialRequest,
    ) -> Result<Option<(&'static str, Issued)>, ProgramError> {
        let env = replaced_helper::configured(self.specs, self.program, &self.env)?;
        let chosen = ChosenProvider::find(self.specs, &request.registry, &env, &self.clock)?;
        let Some(provider) = chosen else {
            self.not_asked(request, &env)?;
            return Ok(None);
        };
        let name = provider.name();
        match provider.credentials(request, self.end)? {
            Ok(issued) => {
                for (_, login) in &issued.auth {
                    login.never_shown();
                }
                Ok(Some((name, issued)))
            }
            Err(error) if error.kind() == ErrorKind::NotServed => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a plugin's only provider has another reason to refuse than the registry: that it serves
    /// none.
    fn not_asked(&self, request: &CredentialRequest, env: &Env) -> Result<(), ProviderError> {
        let [only] = self.specs else { return Ok(()) };
        match (only.new)(env, &self.clock)?.plan(request) {
            Err(error) if error.kind() != ErrorKind::NotServed => Err(error),
            _ => Ok(()),
        }
    }

    /// A message in which each variable that a flag set has the flag's name.
    pub(crate) fn with_flag_names(&self, message: String) -> String {
        let flags = self.flags.iter();
        flags.fold(message, |text, (variable, flag)| {
            replace_word(&text, variable, flag)
        })
    }

    /// The registries' names: `Amazon ECR`.
    pub(crate) fn titles(&self) -> String {
        let titles: Vec<_> = self.specs.iter().map(|spec| spec.title).collect();
        titles.join(", ")
    }

    /// The patterns of all images that the providers serve.
    pub(crate) fn patterns(&self) -> Result<Vec<String>, ProgramError> {
        let mut patterns = Vec::new();
        for spec in self.specs {
            patterns.extend((spec.new)(&self.env, &self.clock)?.match_images());
        }
        Ok(patterns)
    }

    /// The error for a registry that none of the providers serves.
    pub(crate) fn not_served(&self, registry: &RegistryHost) -> ProgramError {
        let of = |role| {
            self.specs
                .iter()
                .flat_map(move |spec| spec.with_role(role))
                .next()
        };
        let file = of(Role::ConfigFile).map(|name| format!("describe it in the file of {name}"));
        let (name, how) = match (self.specs, file) {
            ([only], Some(file)) => {
                let message = format!("{registry} is not in the configuration: {file}");
                return ProviderError::new(only.name, ErrorKind::NotServed, message).into();
            }
            // Docker passes no flags to a helper.
            ([only], None) if is_helper(self.program) => {
                let option = of(Role::Hosts).unwrap_or(ANY_ALSO_SERVE);
                (only.name, format!("add it with {option}"))
            }
            ([only], None) => (only.name, "add it with --also-serve".to_owned()),
            (_, file) => {
                let file = file.map(|file| format!(", or {file}"));
                let file = file.unwrap_or_default();
                ("regcred", format!("add it with {ANY_ALSO_SERVE}{file}"))
            }
        };
        // The registries of a file are named by how they are added.
        let clouds = self.specs.iter();
        let clouds = clouds.filter(|spec| spec.with_role(Role::ConfigFile).next().is_none());
        let titles: Vec<_> = clouds.map(|spec| spec.title).collect();
        let message = format!(
            "{registry} is not a registry of {}; to serve it anyway, {how}",
            titles.join(", ")
        );
        ProviderError::new(name, ErrorKind::NotServed, message).into()
    }

    /// The error for a registry of the provider's for which it issued no login.
    pub(crate) fn no_login(provider: &'static str, registry: &RegistryHost) -> ProgramError {
        let message = format!("no credentials for {registry}: pulls from it need no login");
        ProviderError::new(provider, ErrorKind::IdentityUnavailable, message).into()
    }

    /// The cache directories of the providers, each once.
    ///
    /// # Errors
    /// When one of them is unusable.
    pub(crate) fn cache_dirs(&self) -> Result<Vec<CacheDir>, ProgramError> {
        let mut dirs: Vec<CacheDir> = Vec::new();
        for spec in self.specs {
            let dir = CacheDir::find(&vars::with_cache_names(spec, &self.env));
            let dir = dir.map_err(ProgramError::not_configured)?;
            dirs.extend(dir.filter(|dir| dirs.iter().all(|known| known.path() != dir.path())));
        }
        Ok(dirs)
    }
}

/// Replaces the variable's name, but not where it is a part of a longer one.
fn replace_word(text: &str, variable: &str, flag: &str) -> String {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut replaced = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(variable) {
        let longer = before.ends_with(is_of_name) || after.starts_with(is_of_name);
        replaced.push_str(before);
        replaced.push_str(if longer { variable } else { flag });
        rest = after;
    }
    replaced + rest
}

const ANY_ALSO_SERVE: &str = "REGCRED_<PROVIDER>_ALSO_SERVE";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_name_of_a_variable_is_replaced() {
        let text = "X is wrong: X_FILE, MY_X and X";
        assert_eq!(
            replace_word(text, "X", "--x"),
            "--x is wrong: X_FILE, MY_X and --x"
        );
    }
}
