//! Docker configuration files and pull secrets.

use std::path::Path;

use regcred_api::docker_config::{self, BadEntries, DockerConfig, Format};
use regcred_api::pull_secret::{self, Content, is_object_name, render_yaml};
use regcred_core::{Credentials, SecretText as _};
use regcred_docker_config::{Document, EntryForm, ImportPlan, config_json};
use regcred_keyring::{KeyringRules, NodeConfig, PullSecrets};
use secrecy::{ExposeSecret as _, SecretSlice};

use crate::message::{assert_shown, shown};

pub(crate) fn config(input: &[u8]) {
    for format in [Format::ConfigJson, Format::Dockercfg] {
        let strict = docker_config::parse(input, format, BadEntries::RejectFile);
        let lenient = docker_config::parse(input, format, BadEntries::Skip);
        match (strict, &lenient) {
            (Err(error), Err(other)) => {
                shown(&error);
                shown(other);
            }
            (Err(error), Ok(_)) => drop(shown(&error)),
            (Ok(strict), Ok(lenient)) => assert_eq!(logins(&strict), logins(lenient)),
            (Ok(_), Err(error)) => panic!("more is refused without bad entries: {error}"),
        }
        if let (Ok(text), Ok(before)) = (str::from_utf8(input), lenient) {
            edit(text, format, &before);
        }
    }
    let rules = KeyringRules::default();
    let content = SecretSlice::from(input.to_vec());
    let node = NodeConfig::of(Path::new("/config.json"), &content, rules);
    for image in IMAGES {
        for found in node.keyring.lookup(image) {
            assert!(!format!("{found:?}").is_empty());
        }
        let _ = node.keyring.inspect(image);
    }
    let _ = node.passed_over();
    if let Err(error) = ImportPlan::parse(Path::new("/config.json"), input) {
        shown(&error);
    }
}

/// An entry that is set is read, and every other one is read as before. Of a file with `auths` in several
/// spellings only one is edited.
fn edit(text: &str, format: Format, before: &DockerConfig) {
    let mut document = match Document::parse(text, format) {
        Ok(document) => document,
        Err(error) => return drop(shown(&error)),
    };
    let read = |text: &str| docker_config::parse(text.as_bytes(), format, BadEntries::Skip);
    let same = read(document.pretty().expose_secret()).expect("what was printed is read");
    assert_eq!(logins(&same), logins(before));
    if text.to_ascii_lowercase().matches("auths").count() > 1 || text.contains(['\\', '\u{17f}']) {
        return;
    }
    let login = Credentials::new("set-user", "set-password");
    document.set(SET, &(&login).into(), EntryForm::Full);
    for written in [document.pretty(), document.compact()] {
        let after = read(written.expose_secret()).expect("what was printed is read");
        let (set, others): (Vec<_>, Vec<_>) = logins(&after)
            .into_iter()
            .partition(|(server, ..)| server == SET);
        let [(_, user, password)] = &set[..] else {
            panic!("{} logins were set", set.len());
        };
        assert_eq!(
            (user.as_str(), password.as_str()),
            ("set-user", "set-password")
        );
        let mut kept = logins(before);
        kept.retain(|(server, ..)| server != SET);
        assert_eq!(others, kept);
    }
    document.remove(SET);
    let without = read(document.compact().expose_secret()).expect("what was printed is read");
    assert!(logins(&without).iter().all(|(server, ..)| server != SET));
}

fn logins(config: &DockerConfig) -> Vec<(String, String, String)> {
    let entries = config.entries.iter();
    let login = entries.map(|entry| {
        let password = entry.password.expose_secret().to_owned();
        (entry.server.clone(), entry.username.clone(), password)
    });
    login.collect()
}

pub(crate) fn pull_secret(input: &[u8]) {
    let strict = pull_secret::parse(input, BadEntries::RejectFile);
    match &strict {
        Err(error) => drop(shown(error)),
        Ok(secrets) => {
            let lenient = pull_secret::parse(input, BadEntries::Skip).expect("less is refused");
            assert_eq!(lenient.len(), secrets.len());
            for secret in secrets {
                if let Content::Config(config) = &secret.content {
                    round_trip(&secret.name, config);
                }
            }
        }
    }
    let mut secrets = PullSecrets::new(KeyringRules::default());
    match secrets.add(Path::new("/secret.yaml"), input) {
        Err(error) => drop(shown(&error)),
        Ok(()) => {
            for image in IMAGES {
                let _ = secrets.keyring.lookup(image);
            }
            let _ = secrets.passed_over();
        }
    }
}

/// A Secret with these logins is read with them.
fn round_trip(name: &str, config: &DockerConfig) {
    let name = if is_object_name(name) { name } else { "name" };
    let logins = config.entries.iter();
    let logins = config_json(logins.map(|entry| (&*entry.server, entry.into())));
    let yaml = render_yaml(name, Some("team"), &logins);
    let read = pull_secret::parse(yaml.expose_secret().as_bytes(), BadEntries::RejectFile);
    let read = read.expect("what was printed is read");
    let [secret] = &read[..] else {
        panic!("{} secrets", read.len());
    };
    assert_eq!(
        (secret.name.as_str(), secret.namespace.as_str()),
        (name, "team")
    );
    let Content::Config(again) = &secret.content else {
        panic!("it is skipped");
    };
    // A user name with a colon ends at it, in `auth` as in the protocol.
    for (one, other) in config.entries.iter().zip(&again.entries) {
        assert_eq!(one.server, other.server);
        assert!(one.username.contains(':') || one.password.is_same(&other.password));
    }
    assert_shown(name);
}

const SET: &str = "set.example:5000";
const IMAGES: [&str; 3] = ["docker.io/library/nginx", "gcr.io/p/a", "[::1]:5000/a"];
