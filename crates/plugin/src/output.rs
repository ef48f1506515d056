//! A credential for people and scripts: `token --output`.
//!
//! This file writes passwords to standard output, on demand.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use regcred_api::pull_secret;
use regcred_core::{CredentialRequest, Credentials, ImagePattern, Issued, RegistryHost};
use regcred_docker_config::config_json;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

/// The forms of `token --output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TokenOutput {
    /// The password alone, for `docker login --password-stdin`.
    #[default]
    Text,
    /// One object: `registry`, `username`, `password`, `expiresAt`, `provider`.
    Json,
    /// A docker `config.json`.
    DockerConfig,
    /// A `kubernetes.io/dockerconfigjson` Secret in YAML.
    KubernetesSecret,
}

/// Name and namespace of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretName {
    /// `metadata.name`; a default if `None`.
    pub name: Option<String>,
    /// `metadata.namespace`; omitted if `None`.
    pub namespace: Option<String>,
}

/// A login for one registry.
#[derive(Clone, Debug)]
pub struct RegistryLogin {
    /// The registry as the caller wrote it.
    registry: String,
    /// User name and password.
    pub credentials: Credentials,
    /// When it expires, if its issuer names that.
    pub expires_at: Option<DateTime<Utc>>,
    /// The provider that issued it: `ecr`.
    pub provider: &'static str,
}

impl RegistryLogin {
    /// The issued login for the request: the last in order of keys that matches the image, as the
    /// kubelet tries them, else one whose key names the registry. `None` if neither exists: a login
    /// for another registry is never returned for this one.
    pub(crate) fn choose(
        issued: &Issued,
        request: &CredentialRequest,
        provider: &'static str,
    ) -> Option<Self> {
        let registry = &request.registry;
        let image = request.image.split('@').next().unwrap_or_default();
        let matches = |key: &str| {
            let key = key.split_once("://").map_or(key, |(_, rest)| rest);
            ImagePattern::parse(key).is_ok_and(|pattern| pattern.matches(image))
        };
        let names = |key: &str| {
            RegistryHost::parse(key)
                .is_ok_and(|host| (host.host(), host.port()) == (registry.host(), registry.port()))
        };
        let best = |fits: &dyn Fn(&str) -> bool| {
            let fitting = issued.auth.iter().filter(|(key, _)| fits(key));
            fitting.max_by_key(|(key, _)| key)
        };
        let (_, credentials) = best(&matches).or_else(|| best(&names))?;
        Some(Self {
            registry: registry.as_written().to_owned(),
            credentials: credentials.clone(),
            expires_at: issued.expires_at,
            provider,
        })
    }

    /// The login in this form.
    pub(crate) fn render(&self, output: TokenOutput, secret: &SecretName) -> SecretString {
        match output {
            TokenOutput::Text => self.credentials.password.clone(),
            TokenOutput::Json => self.to_json(),
            TokenOutput::DockerConfig | TokenOutput::KubernetesSecret => {
                let config = config_json([(&*self.registry, (&self.credentials).into())]);
                secret.render(output, &format!("regcred-{}", self.provider), config)
            }
        }
    }

    fn to_json(&self) -> SecretString {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Object<'a> {
            registry: &'a str,
            username: &'a str,
            password: &'a str,
            expires_at: Option<String>,
            provider: &'a str,
        }
        let expires_at = self.expires_at;
        let object = Object {
            registry: &self.registry,
            username: &self.credentials.username,
            password: self.credentials.password.expose_secret(),
            expires_at: expires_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            provider: self.provider,
        };
        let text = serde_json::to_string(&object);
        text.expect("strings make JSON").into()
    }
}

impl SecretName {
    /// Whether this output has a name, and the API server accepts name and namespace.
    ///
    /// # Errors
    /// A message that names the flag.
    pub fn check(&self, output: TokenOutput) -> Result<(), String> {
        if output != TokenOutput::KubernetesSecret && *self != Self::default() {
            return Err("--name and --namespace belong to --output kubernetes-secret".to_owned());
        }
        let wrong = |flag: &str, text: &str, what: &str| {
            Err(format!("{flag}: {text:?} is not a {what} in Kubernetes"))
        };
        match (&self.name, &self.namespace) {
            (Some(name), _) if !pull_secret::is_object_name(name) => wrong("--name", name, "name"),
            (_, Some(space)) if !pull_secret::is_namespace_name(space) => {
                wrong("--namespace", space, "namespace")
            }
            _ => Ok(()),
        }
    }

    /// A `config.json` as it is, or in a Secret. `name` is the Secret's name unless it has one.
    #[must_use]
    pub fn render(&self, output: TokenOutput, name: &str, config: SecretString) -> SecretString {
        if output != TokenOutput::KubernetesSecret {
            return config;
        }
        let name = self.name.as_deref().unwrap_or(name);
        pull_secret::render_yaml(name, self.namespace.as_deref(), &config)
    }
}

impl fmt::Display for TokenOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::DockerConfig => "docker-config",
            Self::KubernetesSecret => "kubernetes-secret",
        })
    }
}

impl FromStr for TokenOutput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = [
            Self::Text,
            Self::Json,
            Self::DockerConfig,
            Self::KubernetesSecret,
        ];
        let named = all.into_iter().find(|form| form.to_string() == text);
        named.ok_or_else(|| {
            let known = all.map(|form| form.to_string()).join(", ");
            format!("{text:?} is not an output form; expected one of {known}")
        })
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::CacheScope;

    use super::*;

    fn issued(keys: &[&str]) -> Issued {
        Issued {
            auth: keys
                .iter()
                .map(|key| ((*key).to_owned(), Credentials::new("u", format!("p-{key}"))))
                .collect(),
            scope: CacheScope::Registry,
            expires_at: Some(DateTime::UNIX_EPOCH),
            cache_for: None,
        }
    }

    fn login(keys: &[&str]) -> Option<RegistryLogin> {
        let request = CredentialRequest::new("h.io/team/app:v1").expect("an image");
        RegistryLogin::choose(&issued(keys), &request, "fake")
    }

    fn rendered(output: TokenOutput) -> String {
        let secret = SecretName::default();
        let text = login(&["h.io"]).expect("a login").render(output, &secret);
        text.expose_secret().to_owned()
    }

    #[test]
    fn the_most_specific_key_that_matches_is_chosen() {
        for (keys, chosen) in [
            (&["h.io"][..], Some("h.io")),
            (&["*.io", "h.io", "h.io/team", "z.io"], Some("h.io/team")),
            (&["*.io", "b.io"], Some("*.io")),
            (&["https://h.io/v1/", "z.io"], Some("https://h.io/v1/")),
            (&["H.io"], Some("H.io")),
            (&["h.io:5000", "z.io", "https://z.io"], None),
            (&[], None),
        ] {
            let login = login(keys);
            let password = login
                .as_ref()
                .map(|l| l.credentials.password.expose_secret());
            let expected = chosen.map(|key| format!("p-{key}"));
            assert_eq!(password, expected.as_deref(), "{keys:?}");
        }
    }

    #[test]
    fn text_is_the_password_alone() {
        assert_eq!(rendered(TokenOutput::Text), "p-h.io");
    }

    #[test]
    fn json_has_five_fields() {
        assert_eq!(
            rendered(TokenOutput::Json),
            "{\"registry\":\"h.io\",\"username\":\"u\",\"password\":\"p-h.io\",\
             \"expiresAt\":\"1970-01-01T00:00:00Z\",\"provider\":\"fake\"}"
        );
    }

    #[test]
    fn docker_config_is_what_docker_reads() {
        let text = rendered(TokenOutput::DockerConfig);
        let config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(config["auths"]["h.io"]["auth"], "dTpwLWguaW8=");
    }

    #[test]
    fn the_secret_has_the_pull_secret_type_and_a_name() {
        let text = rendered(TokenOutput::KubernetesSecret);
        assert!(text.contains("kubernetes.io/dockerconfigjson"), "{text}");
        assert!(text.contains("regcred-fake"), "{text}");
    }

    #[test]
    fn names_are_those_that_the_api_server_takes() {
        let check = |name: &str, namespace: &str| {
            let secret = SecretName {
                name: Some(name.to_owned()),
                namespace: Some(namespace.to_owned()),
            };
            secret
                .check(TokenOutput::KubernetesSecret)
                .err()
                .unwrap_or_default()
        };
        assert_eq!(check("a.b-1", "shop-2"), "");
        assert_eq!(check(&"a".repeat(253), &"a".repeat(63)), "");
        let long = "a".repeat(254);
        for name in ["", "A", "-a", "a-", "a..b", "a b", "a\nb", "ä", &long] {
            assert!(check(name, "a").starts_with("--name: "), "{name}");
        }
        for namespace in ["", "a.b", "Shop", &long[..64]] {
            assert!(check("a", namespace).starts_with("--namespace: "));
        }
    }

    #[test]
    fn forms_are_named_in_the_error() {
        assert_eq!("json".parse(), Ok(TokenOutput::Json));
        assert_eq!(
            "yaml".parse::<TokenOutput>(),
            Err(
                "\"yaml\" is not an output form; expected one of text, json, docker-config, kubernetes-secret"
                    .to_owned()
            )
        );
    }
}
