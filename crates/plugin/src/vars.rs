//! The variables of the faces, beside the provider's and the cache's.

use regcred_cache::CACHE_VAR;
use regcred_core::{Env, EnvVar, ProviderSpec, Role};
use regcred_run::LOG;

/// Every variable that this crate reads.
pub const VARS: &[EnvVar] = &[
    EnvVar::new(
        DOCKER_CONFIG,
        "Directory of docker's `config.json`, for `configure-docker`.",
        "`~/.docker`",
    ),
    EnvVar::new(
        IGNORE_CREDS_STORAGE,
        "`true` lets a docker credential helper accept `store` and `erase` and do nothing, so that \
         `docker login` to other registries does not fail.",
        "`false`",
    ),
    LOG,
];

pub(crate) const DOCKER_CONFIG: &str = "DOCKER_CONFIG";
const IGNORE_CREDS_STORAGE: &str = "REGCRED_IGNORE_CREDS_STORAGE";

/// Whether `store` and `erase` are to succeed without doing anything: by our variable, or by one
/// of upstream's names that the provider lists.
pub(crate) fn ignores_storage(specs: &[&ProviderSpec], env: &Env) -> bool {
    env.is_true(IGNORE_CREDS_STORAGE)
        || specs.iter().any(|spec| {
            spec.with_role(Role::IgnoreStorage)
                .any(|name| env.is_true(name))
        })
}

/// The environment with upstream's cache variables translated into ours, where the provider lists
/// them (`AWS_ECR_DISABLE_CACHE`, `AWS_ECR_CACHE_DIR`). Ours wins.
pub(crate) fn with_cache_names(spec: &ProviderSpec, env: &Env) -> Env {
    if env.get(CACHE_VAR).is_some() {
        return env.clone();
    }
    if spec
        .with_role(Role::CacheOff)
        .any(|name| env.get(name).is_some())
    {
        return env.with([(CACHE_VAR, "off")]);
    }
    let named = spec
        .with_role(Role::CacheDir)
        .find_map(|name| env.get(name));
    match named {
        Some(dir) => env.with([(CACHE_VAR, below_home(dir, env))]),
        None => env.clone(),
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
