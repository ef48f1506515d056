//! The operator's words, read once out of the environment.

use std::time::Duration;

use regcred_core::{AlsoServe, CacheScope, Env, ProviderError};
use regcred_go::GoDuration;
use regcred_http::{Url, secure_url};

use crate::endpoints::Endpoints;
use crate::failure::misconfigured;
use crate::hosts::Hosts;
use crate::vars;

/// Everything an operator can decide.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) hosts: Hosts,
    pub(crate) flow: Flow,
    pub(crate) pod_identity: PodIdentity,
    /// The GKE cluster, when upstream's two flags name it.
    pub(crate) cluster: Option<Cluster>,
    /// The pool provider of a cluster outside GKE, in the form the token service wants.
    pub(crate) sts_audience: Option<String>,
    pub(crate) impersonate: Option<String>,
    pub(crate) sources: Vec<Source>,
    pub(crate) username: Username,
    pub(crate) scopes: Vec<String>,
    pub(crate) self_signed: bool,
    pub(crate) cache_scope: CacheScope,
    pub(crate) cache_for: Option<Duration>,
    /// Hosts that a credentials file may name beside Google's, in lower case.
    pub(crate) trusted_hosts: Vec<String>,
    pub(crate) universe: String,
    pub(crate) endpoints: Endpoints,
}

/// What kind of credentials is answered (upstream's `--authFlow`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Tokens,
    DockerCfg,
    DockerCfgUrl,
}

/// When the pod's service account is the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PodIdentity {
    Annotated,
    Always,
    Never,
}

/// A GKE cluster as an issuer of service account tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cluster {
    pub(crate) project: String,
    pub(crate) issuer: String,
}

/// A place where the node's or the user's identity may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    File,
    Metadata,
    Gcloud,
}

/// The user name of the answer, and with it what the password is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Username {
    Token,
    Oauth2AccessToken,
    JsonKey,
    JsonKeyBase64,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// A sentence that names the variable; its value only where it cannot be a secret.
    pub(crate) fn read(env: &Env) -> Result<Self, ProviderError> {
        let also = AlsoServe::parse(env.get(vars::ALSO_SERVE).unwrap_or_default())
            .map_err(|reason| misconfigured(format!("{}: {reason}", vars::ALSO_SERVE)))?;
        let (cluster, sts_audience) = (cluster(env)?, sts_audience(env)?);
        if cluster.is_some() && sts_audience.is_some() {
            return Err(misconfigured(format!(
                "--sts-audience and --identity-provider exclude each other ({} and {})",
                vars::STS_AUDIENCE,
                vars::IDENTITY_PROVIDER
            )));
        }
        let flow = one_of(env, vars::AUTH_FLOW, &FLOWS)?.unwrap_or(Flow::Tokens);
        let named = one_of(env, vars::POD_IDENTITY, &POD_IDENTITIES)?;
        let pod_identity = if env.is_true(vars::REQUIRE_POD_IDENTITY) {
            PodIdentity::Always
        } else {
            named.unwrap_or(PodIdentity::Annotated)
        };
        if pod_identity == PodIdentity::Always && flow != Flow::Tokens {
            return Err(misconfigured(format!(
                "--require-pod-identity excludes --authFlow dockercfg and dockercfg-url, whose \
                 logins are the node's ({} and {})",
                vars::REQUIRE_POD_IDENTITY,
                vars::AUTH_FLOW
            )));
        }
        Ok(Self {
            hosts: Hosts::new(also, env.is_true(vars::SOVEREIGN)),
            flow,
            pod_identity,
            cluster,
            sts_audience,
            impersonate: env
                .get(vars::IMPERSONATE)
                .map(|email| {
                    is_service_account(email)
                        .then(|| email.to_owned())
                        .ok_or_else(|| {
                            misconfigured(format!(
                                "{} is no service account's email",
                                vars::IMPERSONATE
                            ))
                        })
                })
                .transpose()?,
            sources: sources(env)?,
            username: one_of(env, vars::USERNAME, &USERNAMES)?.unwrap_or(Username::Token),
            scopes: scopes(env),
            self_signed: env.is_true(vars::SELF_SIGNED),
            cache_scope: one_of(env, vars::CACHE_TYPE, &CACHE_SCOPES)?
                .unwrap_or(CacheScope::Registry),
            cache_for: env
                .get(vars::CACHE_DURATION)
                .map(|text| {
                    let wrong = |_| {
                        misconfigured(format!(
                            "{}: {text:?} is not a duration such as 30m or 1h",
                            vars::CACHE_DURATION
                        ))
                    };
                    // A negative one counts as none, as for Go.
                    let span: GoDuration = text.parse().map_err(wrong)?;
                    Ok(span.to_std().unwrap_or_default())
                })
                .transpose()?,
            trusted_hosts: list(env, vars::TRUSTED_HOSTS)
                .map(str::to_ascii_lowercase)
                .collect(),
            universe: universe(env)?,
            endpoints: endpoints(env)?,
        })
    }
}

impl Username {
    /// Whether the password is the key file itself.
    pub(crate) fn is_key_file(self) -> bool {
        matches!(self, Self::JsonKey | Self::JsonKeyBase64)
    }

    /// As it is written in the answer.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Token => "_token",
            Self::Oauth2AccessToken => "oauth2accesstoken",
            Self::JsonKey => "_json_key",
            Self::JsonKeyBase64 => "_json_key_base64",
        }
    }
}

/// Whether the text is a service account's email.
pub(crate) fn is_service_account(email: &str) -> bool {
    let part = |text: &str| {
        (1..=100).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    // A project below an organisation's domain has its domain behind a dot: p.example.com.
    let project = |text: &str| text.split('.').all(part);
    email
        .strip_suffix(".gserviceaccount.com")
        .and_then(|rest| rest.split_once('@'))
        .is_some_and(|(name, domain)| {
            part(name)
                && match domain.strip_suffix(".iam") {
                    Some(of_project) => project(of_project),
                    // Google's own: 123-compute@developer.gserviceaccount.com.
                    None => part(domain),
                }
        })
}

/// A pool provider in the form that the token service wants, out of the forms in which people write
/// it: with `//iam.googleapis.com/`, with `https:` before it, or from `projects/` on.
pub(crate) fn pool_provider(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix("https:").unwrap_or(text);
    let path = match text.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("iam.")?.split_once('/')?.1,
        None => text,
    };
    let parts: Vec<&str> = path.split('/').collect();
    let named = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let sound = matches!(
        parts[..],
        ["projects", p, "locations", l, "workloadIdentityPools", w, "providers", x]
            if [p, l, w, x].into_iter().all(named)
    );
    sound.then(|| {
        if text.starts_with("//") {
            text.to_owned()
        } else {
            format!("//iam.{GOOGLE}/{path}")
        }
    })
}

fn cluster(env: &Env) -> Result<Option<Cluster>, ProviderError> {
    let Some(issuer) = env.get(vars::IDENTITY_PROVIDER) else {
        return Ok(None);
    };
    let Some(project) = env.get(vars::PROJECT_ID) else {
        return Err(misconfigured(format!(
            "--project-id is required when --identity-provider is set ({} and {})",
            vars::PROJECT_ID,
            vars::IDENTITY_PROVIDER
        )));
    };
    Ok(Some(Cluster {
        project: project.to_owned(),
        issuer: issuer.to_owned(),
    }))
}

fn sts_audience(env: &Env) -> Result<Option<String>, ProviderError> {
    let Some(text) = env.get(vars::STS_AUDIENCE) else {
        return Ok(None);
    };
    match pool_provider(text) {
        Some(audience) => Ok(Some(audience)),
        None => Err(misconfigured(format!(
            "{} names no workload identity pool provider: expected \
             //iam.googleapis.com/projects/N/locations/global/workloadIdentityPools/P/providers/X",
            vars::STS_AUDIENCE
        ))),
    }
}

fn universe(env: &Env) -> Result<String, ProviderError> {
    let universe = env.get(vars::UNIVERSE).unwrap_or(GOOGLE).trim();
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if universe.contains('.') && universe.split('.').all(label) {
        Ok(universe.to_ascii_lowercase())
    } else {
        Err(misconfigured(format!(
            "{} is no domain name",
            vars::UNIVERSE
        )))
    }
}

fn sources(env: &Env) -> Result<Vec<Source>, ProviderError> {
    let mut found = Vec::new();
    for word in list(env, vars::TOKEN_SOURCES) {
        let named: &[Source] = match word {
            "file" => &[Source::File],
            "metadata" => &[Source::Metadata],
            // docker-credential-gcr's words: its `env` is what Google's libraries do by default.
            "env" => &[Source::File, Source::Metadata],
            "gcloud" | "gcloud_sdk" => &[Source::Gcloud],
            _ => {
                return Err(misconfigured(format!(
                    "{}: {word:?} is none of file, metadata, gcloud",
                    vars::TOKEN_SOURCES
                )));
            }
        };
        for source in named {
            if !found.contains(source) {
                found.push(*source);
            }
        }
    }
    if found.is_empty() {
        found.extend([Source::File, Source::Metadata, Source::Gcloud]);
    }
    Ok(found)
}

fn scopes(env: &Env) -> Vec<String> {
    let mut scopes: Vec<String> = env
        .get(vars::SCOPES)
        .unwrap_or_default()
        .split([',', ' '])
        .filter(|scope| !scope.is_empty())
        .map(|scope| {
            if scope.contains("://") {
                scope.to_owned()
            } else {
                format!("{SCOPE_PREFIX}{scope}")
            }
        })
        .collect();
    if scopes.is_empty() {
        scopes.push(CLOUD_PLATFORM.to_owned());
    }
    scopes
}

fn endpoints(env: &Env) -> Result<Endpoints, ProviderError> {
    let mut endpoints = Endpoints::default();
    for (name, place) in [
        (vars::STS_URL, &mut endpoints.sts),
        (vars::IAM_URL, &mut endpoints.iam_credentials),
        (vars::OAUTH_URL, &mut endpoints.oauth),
    ] {
        if let Some(text) = env.get(name) {
            if secure_url(text).is_none() {
                return Err(misconfigured(format!("{name} is no https:// URL")));
            }
            *place = Some(text.trim_end_matches('/').to_owned());
        }
    }
    if let Some(host) = env.get(vars::METADATA_HOST) {
        let url = format!("http://{host}");
        let sound = Url::parse(&url).is_ok_and(|url| {
            url.path() == "/" && url.query().is_none() && url.username().is_empty()
        });
        if !sound || host.ends_with('/') {
            return Err(misconfigured(format!(
                "{} is neither host nor host:port",
                vars::METADATA_HOST
            )));
        }
        host.clone_into(&mut endpoints.metadata_host);
    }
    Ok(endpoints)
}

fn list<'e>(env: &'e Env, name: &str) -> impl Iterator<Item = &'e str> {
    env.get(name)
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

fn one_of<T: Copy>(env: &Env, name: &str, words: &[(&str, T)]) -> Result<Option<T>, ProviderError> {
    let Some(text) = env.get(name) else {
        return Ok(None);
    };
    match words.iter().find(|(word, _)| *word == text) {
        Some((_, value)) => Ok(Some(*value)),
        None => {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Err(misconfigured(format!(
                "{name}: {text:?} is none of {}",
                known.join(", ")
            )))
        }
    }
}

const FLOWS: [(&str, Flow); 3] = [
    ("gcr", Flow::Tokens),
    ("dockercfg", Flow::DockerCfg),
    ("dockercfg-url", Flow::DockerCfgUrl),
];

const POD_IDENTITIES: [(&str, PodIdentity); 3] = [
    ("annotated", PodIdentity::Annotated),
    ("always", PodIdentity::Always),
    ("never", PodIdentity::Never),
];

const USERNAMES: [(&str, Username); 4] = [
    ("_token", Username::Token),
    ("oauth2accesstoken", Username::Oauth2AccessToken),
    ("_json_key", Username::JsonKey),
    ("_json_key_base64", Username::JsonKeyBase64),
];

const CACHE_SCOPES: [(&str, CacheScope); 3] = [
    ("image", CacheScope::Image),
    ("registry", CacheScope::Registry),
    ("global", CacheScope::Global),
];

/// The universe domain of Google's public cloud.
pub(crate) const GOOGLE: &str = "googleapis.com";
/// The scope that every part of Google's cloud knows; the identity's roles still decide.
pub(crate) const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
const SCOPE_PREFIX: &str = "https://www.googleapis.com/auth/";

#[cfg(test)]
mod tests;
