//! The YAML file of the earlier kubelet plugin (`-config FILE`): settings as texts, one mapping.

use regcred_core::{Env, ProviderError};
use regcred_files::MIB;
use regcred_go::{Value, yaml};

use crate::home_path::expand;
use crate::{ERRORS, vars};

/// The environment with the settings in the file. The file wins, as it does there.
pub(crate) fn merge(env: &Env, file: &str) -> Result<Env, ProviderError> {
    let path = expand(env, file);
    let text = regcred_files::read(&path, MIB)
        .map_err(|error| ERRORS.unreadable("the configuration file", &path, error))?;
    let wrong = |what: &str| ERRORS.misconfigured(format!("{} {what}", path.display()));
    let (document, _) = yaml::parse_first(&text)
        .map_err(|error| wrong("is not a configuration file").with_source(error))?;
    let Some(document) = document else {
        return Ok(env.clone());
    };
    if let Some(duplicate) = document.duplicates.first() {
        return Err(wrong(&format!("cannot be used: {duplicate}")));
    }
    if !matches!(document.value, Value::Object(_) | Value::Null) {
        return Err(wrong("is not of the form key: value"));
    }
    let mut settings = Vec::new();
    for (key, var) in KEYS {
        match document.value.member(key) {
            None => {}
            Some(Value::Null) => settings.push((var, "")),
            Some(value) => {
                let text = value.plain_text();
                let text = text.ok_or_else(|| wrong(&format!("has a {key} that is not a text")))?;
                settings.push((var, text));
            }
        }
    }
    Ok(env.with(settings))
}

/// `defaultUser` is not among them: it decides nothing, since the registry takes one user name.
const KEYS: [(&str, &str); 4] = [
    ("registryTokenPath", vars::TOKEN_PATH),
    ("registryProtocol", vars::PROTOCOL),
    ("ocirAuthMethod", vars::AUTH_METHOD),
    ("tokenValidation", vars::VALIDATION),
];

#[cfg(test)]
mod tests {
    use regcred_core::report;

    use super::*;

    fn merged(text: &str, vars: &[(&str, &str)]) -> Result<Env, ProviderError> {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), text).expect("file");
        let path = file.path().to_str().expect("path");
        merge(&Env::map(vars.iter().copied()), path)
    }

    #[test]
    fn the_file_wins_over_the_environment() {
        let text = "---\n# comment\nregistryTokenPath: \"/a/b\"\nocirAuthMethod: USER_PRINCIPAL # x\n\
                    tokenValidation: 'disabled'\nunknown: x\ndefaultUser: 7\n";
        let env = [
            (vars::AUTH_METHOD, "INSTANCE_PRINCIPAL"),
            (vars::PROTOCOL, "https"),
        ];
        let merged = merged(text, &env).expect("valid");
        assert_eq!(merged.get(vars::TOKEN_PATH), Some("/a/b"));
        assert_eq!(merged.get(vars::AUTH_METHOD), Some("USER_PRINCIPAL"));
        assert_eq!(merged.get(vars::VALIDATION), Some("disabled"));
        assert_eq!(merged.get(vars::PROTOCOL), Some("https"));
    }

    /// As `yaml.v3` reads the earlier plugin's structure of texts.
    #[test]
    fn yaml_is_read_as_the_earlier_plugin_reads_it() {
        for (text, path) in [
            ("", Some("/env")),
            ("# nothing\n", Some("/env")),
            ("{registryTokenPath: /flow, other: [1, 2]}", Some("/flow")),
            ("registryTokenPath: >-\n  /folded\n", Some("/folded")),
            ("registryTokenPath: '/it''s' # c", Some("/it's")),
            ("registryTokenPath: /a#b", Some("/a#b")),
            ("registryTokenPath:\n", None),
            ("RegistryTokenPath: /other\n", Some("/env")),
            ("registryTokenPath: /one\n---\n: : :\n", Some("/one")),
            ("base: &p /alias\nregistryTokenPath: *p\n", Some("/alias")),
            (
                "base: &b {registryTokenPath: /merged}\n<<: *b\n",
                Some("/merged"),
            ),
            ("registryTokenPath: !!str 7\n", Some("7")),
            ("registryTokenPath: !!str\n", None),
        ] {
            let merged = merged(text, &[(vars::TOKEN_PATH, "/env")]).expect(text);
            assert_eq!(merged.get(vars::TOKEN_PATH), path, "{text}");
        }
    }

    #[test]
    fn a_file_that_is_missing_or_something_else_is_an_error() {
        assert!(merge(&Env::default(), "/nonexistent/config.yaml").is_err());
        for text in [
            "canary\n",
            "- canary\n",
            "registryTokenPath: [canary]\n",
            "registryProtocol: true\n",
            "registryTokenPath: /canary\nregistryTokenPath: /b\n",
            "registryTokenPath: \"canary\n",
            "a: canary: b\n",
        ] {
            let error = merged(text, &[]).expect_err(text);
            assert!(!report(&error).contains("canary"), "{}", report(&error));
        }
    }
}
