//! The YAML file of the earlier kubelet plugin (`-config FILE`): five settings, all text. It is
//! flat, so lines are enough.

use regcred_core::{Env, ProviderError};

use crate::failure::misconfigured;
use crate::secret_file;
use crate::vars;

/// The environment with what the file says, if one is named. The file wins, as it does there.
pub(crate) fn merge(env: &Env) -> Result<Env, ProviderError> {
    let Some(path) = env.get(vars::PLUGIN_CONFIG) else {
        return Ok(env.clone());
    };
    let path = secret_file::expand(env, path);
    let text = secret_file::read("the configuration file", &path)?;
    let mut settings = Vec::new();
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with(['#', '-']) {
            continue;
        }
        let Some((key, value)) = line.split_once(':') else {
            return Err(misconfigured(format!(
                "{} is not of the form key: value",
                path.display()
            )));
        };
        let value = value.trim().trim_matches(['"', '\'']);
        if let Some((_, var)) = KEYS.iter().find(|(name, _)| *name == key.trim()) {
            settings.push((*var, value.to_owned()));
        }
    }
    Ok(env.with(settings))
}

const KEYS: [(&str, &str); 5] = [
    ("registryTokenPath", vars::TOKEN_PATH),
    ("defaultUser", vars::DEFAULT_USER),
    ("registryProtocol", vars::PROTOCOL),
    ("ocirAuthMethod", vars::AUTH_METHOD),
    ("tokenValidation", vars::VALIDATION),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_wins_over_the_environment() {
        let file = tempfile::NamedTempFile::new().expect("file");
        let text = "---\n# comment\nregistryTokenPath: \"/a/b\"\nocirAuthMethod: USER_PRINCIPAL # x\n\
                    tokenValidation: 'disabled'\nunknown: x\n";
        std::fs::write(file.path(), text).expect("file");
        let env = Env::map([
            (vars::PLUGIN_CONFIG, file.path().to_str().expect("path")),
            (vars::AUTH_METHOD, "INSTANCE_PRINCIPAL"),
            (vars::PROTOCOL, "https"),
        ]);
        let merged = merge(&env).expect("sound");
        assert_eq!(merged.get(vars::TOKEN_PATH), Some("/a/b"));
        assert_eq!(merged.get(vars::AUTH_METHOD), Some("USER_PRINCIPAL"));
        assert_eq!(merged.get(vars::VALIDATION), Some("disabled"));
        assert_eq!(merged.get(vars::PROTOCOL), Some("https"));
    }

    #[test]
    fn a_file_that_is_missing_or_something_else_is_an_error() {
        let env = |path: &str| Env::map([(vars::PLUGIN_CONFIG, path.to_owned())]);
        assert!(merge(&env("/nonexistent/config.yaml")).is_err());
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), "canary\n").expect("file");
        let error = merge(&env(file.path().to_str().expect("path"))).expect_err("no YAML");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}
