//! The tables of cases in `tests/data`: one test for each file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use regcred_core::ImagePattern;
use regcred_engine::{ConfigError, ProviderConfig, PullPolicy, VerificationPolicy};
use regcred_keyring::{KeyringRules, Verdict};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MatchCase {
    pattern: String,
    image: String,
    matches: bool,
    improved: Option<bool>,
    why: Option<String>,
}

#[test]
fn match_images() {
    for case in table::<MatchCase>(include_str!("data/match-images.yaml")) {
        let what = format!("{} {}", case.pattern, case.image);
        let verdict = Verdict::of(&case.pattern, &case.image, KeyringRules::default());
        assert_eq!(
            verdict == Verdict::Matched,
            case.matches,
            "{what}: {verdict}"
        );
        let why = (!case.matches).then(|| verdict.to_string());
        assert_eq!(why, case.why, "{what}");
        let rules = KeyringRules {
            literal_ipv6: true,
            ..KeyringRules::default()
        };
        let verdict = Verdict::of(&case.pattern, &case.image, rules);
        let improved = case.improved.unwrap_or(case.matches);
        assert_eq!(verdict == Verdict::Matched, improved, "{what}, improved");
        let literally = ImagePattern::parse(&case.pattern).is_ok_and(|p| p.matches(&case.image));
        assert_eq!(literally, improved, "{what}");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyCase {
    image: String,
    policy: String,
}

#[test]
fn pull_policies() {
    for case in table::<PolicyCase>(include_str!("data/pull-policy.yaml")) {
        let found = PullPolicy::default_for(&case.image);
        assert_eq!(found.as_str(), case.policy, "{}", case.image);
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VerificationCase {
    policy: Option<String>,
    #[serde(default)]
    list: Vec<String>,
    #[serde(default)]
    image: String,
    preloaded: Option<bool>,
    pulled: Option<bool>,
    error: Option<String>,
}

#[test]
fn verification_policies() {
    for case in table::<VerificationCase>(include_str!("data/verification.yaml")) {
        match VerificationPolicy::from_settings(case.policy.as_deref(), &case.list) {
            Err(error) => assert_eq!(Some(error.to_string()), case.error, "{case:?}"),
            Ok(policy) => {
                assert_eq!(case.error, None, "{case:?}");
                let required = |pulled| Some(policy.requires_verification(&case.image, pulled));
                assert_eq!(
                    (required(false), required(true)),
                    (case.preloaded, case.pulled),
                    "{case:?}"
                );
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigCase {
    what: String,
    files: BTreeMap<String, String>,
    names: Option<Vec<String>>,
    error: Option<String>,
    error_contains: Option<String>,
}

#[test]
fn provider_configurations() {
    for case in table::<ConfigCase>(include_str!("data/provider-config.yaml")) {
        let dir = tempfile::tempdir().expect("directory");
        for (name, text) in &case.files {
            fs::write(dir.path().join(name), text).expect("file");
        }
        let path = match case.files.contains_key("config") {
            true => dir.path().join("config"),
            false => dir.path().to_owned(),
        };
        let found = validated(&path);
        match found {
            Ok(config) => {
                let names = config.providers.into_iter().map(|provider| provider.name);
                assert_eq!(Some(names.collect()), case.names, "{}", case.what);
            }
            Err(error) => {
                let shown = dir.path().to_string_lossy();
                let error = error.to_string().replace(&*shown, "DIR");
                let same = case.error.as_ref().is_none_or(|wanted| *wanted == error);
                let part = case.error_contains.as_deref().unwrap_or_default();
                assert!(same && error.contains(part), "{}: {error}", case.what);
                assert!(case.names.is_none(), "{}: {error}", case.what);
            }
        }
    }
}

proptest! {
    #[test]
    fn no_settings_panic(policy in prop::option::of("\\PC{0,12}"), list in prop::collection::vec("\\PC{0,12}|[a-z./:@*]{0,12}", 0..3), image in "\\PC{0,20}|[a-z./:@]{0,20}") {
        let lists = VerificationPolicy::from_settings(Some("NeverVerifyAllowlistedImages"), &list);
        for policy in [VerificationPolicy::from_settings(policy.as_deref(), &list), lists] {
            match policy {
                Ok(policy) => { let _ = policy.requires_verification(&image, true); }
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
        let _ = PullPolicy::default_for(&image);
    }

    #[test]
    fn no_file_panics(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("config");
        fs::write(&path, &bytes).expect("file");
        prop_assert!(validated(&path).is_err());
    }
}

fn validated(path: &Path) -> Result<ProviderConfig, ConfigError> {
    let config = ProviderConfig::load(path)?;
    match config.problems() {
        problems if problems.is_empty() => Ok(config),
        problems => Err(ConfigError::Invalid(problems)),
    }
}

fn table<T: DeserializeOwned>(text: &str) -> Vec<T> {
    let cases: Vec<T> = serde_saphyr::from_str(text).expect("a table of cases");
    assert!(cases.len() > 10, "the table has its cases");
    cases
}
