//! The variables of the faces, besides the provider's and the cache's.

use std::path::PathBuf;

use regcred_cache::CACHE_VAR;
use regcred_core::{Env, EnvVar, ProviderSpec, Role, options};

options! {
    /// Every variable that this crate reads.
    pub VARS:
    DOCKER_CONFIG = EnvVar::new("DOCKER_CONFIG",
        "Directory of docker's `config.json`, for `configure-docker`, `regcred login` and `logout`.", "`~/.docker`");
    IGNORE_CREDS_STORAGE = EnvVar::new("REGCRED_IGNORE_CREDS_STORAGE",
        "`true` lets a docker credential helper accept `store` and `erase` and do nothing, so that \
         `docker login` to other registries does not fail.", "`false`");
    _ = regcred_run::LOG;
}

/// Docker's `config.json`; `None` if neither its variable nor `HOME` is set.
#[must_use]
pub fn docker_config_path(env: &Env) -> Option<PathBuf> {
    let named = env.path(DOCKER_CONFIG);
    let dir = named.or_else(|| Some(env.home()?.join(".docker")))?;
    Some(dir.join("config.json"))
}

/// Whether `store` and `erase` succeed without doing anything: by our variable, or by one of
/// upstream's that a provider lists.
pub(crate) fn ignores_storage(specs: &[&ProviderSpec], env: &Env) -> bool {
    let upstream = specs
        .iter()
        .flat_map(|spec| spec.with_role(Role::IgnoreStorage));
    upstream
        .chain([IGNORE_CREDS_STORAGE])
        .any(|name| env.is_true(name))
}

/// The environment with upstream's cache variables translated into ours, if the provider lists them
/// (`AWS_ECR_DISABLE_CACHE`, `AWS_ECR_CACHE_DIR`). Ours wins.
pub(crate) fn with_cache_names(spec: &ProviderSpec, env: &Env) -> Env {
    let first = |role| spec.with_role(role).find_map(|name| env.get(name));
    if env.get(CACHE_VAR).is_some() {
        env.clone()
    } else if first(Role::CacheOff).is_some() {
        env.with([(CACHE_VAR, "off")])
    } else if let Some(dir) = first(Role::CacheDir) {
        env.with([(CACHE_VAR, below_home(dir, env))])
    } else {
        env.clone()
    }
}

fn below_home(dir: &str, env: &Env) -> String {
    match (dir.strip_prefix("~/"), env.get("HOME")) {
        (Some(rest), Some(home)) => format!("{home}/{rest}"),
        _ => dir.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake;

    #[test]
    fn upstreams_cache_variables_are_translated() {
        for (vars, expected) in [
            (vec![], None),
            (vec![("FAKE_DISABLE_CACHE", "x")], Some("off")),
            (vec![("FAKE_CACHE_DIR", "/c")], Some("/c")),
            (
                vec![("FAKE_CACHE_DIR", "~/.ecr"), ("HOME", "/h")],
                Some("/h/.ecr"),
            ),
            (
                vec![("FAKE_DISABLE_CACHE", "x"), ("REGCRED_CACHE", "/own")],
                Some("/own"),
            ),
        ] {
            let env = with_cache_names(&fake::SPEC, &Env::map(vars.clone()));
            assert_eq!(env.get("REGCRED_CACHE"), expected, "{vars:?}");
        }
    }

    #[test]
    fn storage_is_ignored_by_either_name() {
        let ignores = |name| ignores_storage(&[&fake::SPEC], &Env::map([(name, "true")]));
        assert!(ignores("REGCRED_IGNORE_CREDS_STORAGE"));
        assert!(ignores("FAKE_IGNORE_CREDS_STORAGE"));
        assert!(!ignores("OTHER_IGNORE_CREDS_STORAGE"));
    }
}
