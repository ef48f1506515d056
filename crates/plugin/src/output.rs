//! A credential as people and scripts want it: `token --output`.
//!
//! This file writes passwords to standard output, on demand.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use regcred_api::docker_config::Format;
use regcred_api::pull_secret;
use regcred_core::{CredentialRequest, Credentials, ImagePattern, Issued, RegistryHost};
use regcred_docker_config::{Document, EntryForm, EntryLogin};
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

/// A login for one registry.
#[derive(Clone, Debug)]
pub struct Login {
    /// The registry as the caller wrote it.
    pub registry: String,
    /// User name and password.
    pub credentials: Credentials,
    /// When they end; `None` when that is not known.
    pub expires_at: Option<DateTime<Utc>>,
    /// Who issued them.
    pub provider: &'static str,
}

/// Name and namespace of a Secret to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretName {
    /// `metadata.name`; by default `regcred-` and the provider's name.
    pub name: Option<String>,
    /// `metadata.namespace`; left out by default.
    pub namespace: Option<String>,
}

impl Login {
    /// The login for the request out of an answer: the last in order of keys that matches the image,
    /// as the kubelet tries them, else one whose key names the registry. `None` when there is none:
    /// a login for another registry is never given out for this one.
    #[must_use]
    pub fn choose(
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

    /// The login in the form wanted, with a final newline.
    #[must_use]
    pub fn render(&self, output: TokenOutput, secret: &SecretName) -> SecretString {
        let Credentials { username, password } = &self.credentials;
        let config = || {
            let mut document = Document::empty(Format::ConfigJson);
            let login = EntryLogin {
                username,
                password,
                email: "",
            };
            document.set(&self.registry, &login, EntryForm::Full);
            document.compact()
        };
        let text = match output {
            TokenOutput::Text => password.clone(),
            TokenOutput::Json => self.to_json(),
            TokenOutput::DockerConfig => config(),
            TokenOutput::KubernetesSecret => {
                let default = format!("regcred-{}", self.provider);
                return secret.manifest(&default, &config());
            }
        };
        ended(&text)
    }

    fn to_json(&self) -> SecretString {
        let object = Object {
            registry: &self.registry,
            username: &self.credentials.username,
            password: self.credentials.password.expose_secret(),
            expires_at: self
                .expires_at
                .map(|end| end.to_rfc3339_opts(SecondsFormat::Secs, true)),
            provider: self.provider,
        };
        serde_json::to_string(&object)
            .expect("strings make JSON")
            .into()
    }
}

impl SecretName {
    /// Whether the API server would take name and namespace.
    ///
    /// # Errors
    /// A sentence that names the flag.
    pub fn check(&self) -> Result<(), String> {
        let wrong = |flag: &str, text: &str, what: &str| {
            Err(format!("{flag}: {text:?} is no {what} in Kubernetes"))
        };
        match (&self.name, &self.namespace) {
            (Some(name), _) if !pull_secret::is_object_name(name) => wrong("--name", name, "name"),
            (_, Some(space)) if !pull_secret::is_namespace_name(space) => {
                wrong("--namespace", space, "namespace")
            }
            _ => Ok(()),
        }
    }

    /// A Secret around a `config.json`, as YAML.
    #[must_use]
    pub fn manifest(&self, default: &str, config: &SecretString) -> SecretString {
        let name = self.name.as_deref().unwrap_or(default);
        ended(&pull_secret::render_yaml(
            name,
            self.namespace.as_deref(),
            config,
        ))
    }
}

/// With a final newline.
pub(crate) fn ended(text: &SecretString) -> SecretString {
    match text.expose_secret() {
        ended if ended.ends_with('\n') => text.clone(),
        open => format!("{open}\n").into(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    registry: &'a str,
    username: &'a str,
    password: &'a str,
    expires_at: Option<String>,
    provider: &'a str,
}

impl TokenOutput {
    /// All forms.
    pub const ALL: [Self; 4] = [
        Self::Text,
        Self::Json,
        Self::DockerConfig,
        Self::KubernetesSecret,
    ];

    /// The form's name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::DockerConfig => "docker-config",
            Self::KubernetesSecret => "kubernetes-secret",
        }
    }
}

impl fmt::Display for TokenOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for TokenOutput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|form| form.as_str() == text);
        named.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("{text:?} is no output form: one of {known}")
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

    fn login(keys: &[&str]) -> Option<Login> {
        let request = CredentialRequest::new("h.io/team/app:v1").expect("an image");
        Login::choose(&issued(keys), &request, "fake")
    }

    fn rendered(output: TokenOutput) -> String {
        let secret = SecretName::default();
        let text = login(&["h.io"]).expect("a login").render(output, &secret);
        text.expose_secret().to_owned()
    }

    #[test]
    fn the_most_telling_key_that_fits_is_chosen() {
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
        assert_eq!(rendered(TokenOutput::Text), "p-h.io\n");
    }

    #[test]
    fn json_has_five_fields() {
        assert_eq!(
            rendered(TokenOutput::Json),
            "{\"registry\":\"h.io\",\"username\":\"u\",\"password\":\"p-h.io\",\
             \"expiresAt\":\"1970-01-01T00:00:00Z\",\"provider\":\"fake\"}\n"
        );
    }

    #[test]
    fn docker_config_is_what_docker_reads() {
        let text = rendered(TokenOutput::DockerConfig);
        let config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(config["auths"]["h.io"]["auth"], "dTpwLWguaW8=");
        assert!(text.ends_with("}\n"));
    }

    #[test]
    fn the_secret_has_the_pull_secret_type_and_a_name() {
        let text = rendered(TokenOutput::KubernetesSecret);
        assert!(text.contains("kubernetes.io/dockerconfigjson"), "{text}");
        assert!(text.contains("regcred-fake"), "{text}");
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn names_are_those_that_the_api_server_takes() {
        let check = |name: &str, namespace: &str| {
            let secret = SecretName {
                name: Some(name.to_owned()),
                namespace: Some(namespace.to_owned()),
            };
            secret.check().err().unwrap_or_default()
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
                "\"yaml\" is no output form: one of text, json, docker-config, kubernetes-secret"
                    .to_owned()
            )
        );
    }
}
