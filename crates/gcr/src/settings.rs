//! What the operator decided, read once from the environment.

use std::time::Duration;

use regcred_cloud::{Options, is_label, metadata_base};
use regcred_core::{CacheScope, Env, ProviderError};
use regcred_go::GoDuration;
use regcred_http::Url;

use crate::hosts::Hosts;
use crate::resource_names::{is_service_account, pool_provider};
use crate::{ERRORS, vars};

/// The settings with the clients that use them.
pub(crate) type Cloud = regcred_cloud::Cloud<Settings>;

/// The settings that hold for every request.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) hosts: Hosts,
    pub(crate) flow: AuthFlow,
    pub(crate) pod_identity: PodIdentity,
    /// The pool of the pods' tokens, if it is named.
    pub(crate) pool: Option<Pool>,
    /// Email of the service account that the node acts as.
    pub(crate) impersonate: Option<String>,
    pub(crate) sources: Vec<TokenSource>,
    pub(crate) username: Username,
    /// OAuth2 scopes, separated by blanks.
    pub(crate) scopes: String,
    pub(crate) self_signed: bool,
    pub(crate) cache_scope: CacheScope,
    pub(crate) cache_for: Option<Duration>,
    /// Hosts besides Google's that a credentials file may name, in lower case.
    pub(crate) trusted_hosts: Vec<String>,
    pub(crate) universe: String,
    /// `host` or `host:port`.
    pub(crate) metadata_host: String,
    /// The token exchange of the Security Token Service, if it is not the public one.
    pub(crate) sts_url: Option<String>,
    /// Base URL of the IAM Service Account Credentials API, if it is not the public one.
    pub(crate) iam_url: Option<String>,
    /// The OAuth2 token endpoint, if it is not the public one.
    pub(crate) oauth_url: Option<String>,
}

/// Which credentials are issued (upstream's `--authFlow`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthFlow {
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

/// A workload identity pool, as the Security Token Service knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pool {
    /// A GKE cluster's, by the project and the cluster's URL.
    Gke { project: String, issuer: String },
    /// A provider of a pool, for clusters outside GKE.
    Provider(String),
}

/// A place where the node's or the person's identity may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenSource {
    File,
    Metadata,
    Gcloud,
    /// The login of docker-credential-gcr.
    Store,
}

/// The user name of the login, which decides what the password is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Username {
    Token,
    Oauth2AccessToken,
    JsonKey,
    JsonKeyBase64,
}

impl Settings {
    pub(crate) fn read(env: &Env) -> Result<Self, ProviderError> {
        let options = Options::new(ERRORS, env);
        let flow = options
            .one_of(vars::AUTH_FLOW, &FLOWS)?
            .unwrap_or(AuthFlow::Tokens);
        let universe = universe(&options)?;
        let trusted_hosts = options.list(vars::TRUSTED_HOSTS);
        let trusted_hosts: Vec<_> = trusted_hosts.map(str::to_ascii_lowercase).collect();
        Ok(Self {
            hosts: Hosts {
                also_serve: options.hosts(vars::ALSO_SERVE)?,
                sovereign: options.is_true(vars::SOVEREIGN),
            },
            flow,
            pod_identity: pod_identity(&options, flow)?,
            pool: pool(&options)?,
            impersonate: impersonate(&options)?,
            sources: sources(&options)?,
            username: options
                .one_of(vars::USERNAME, &USERNAMES)?
                .unwrap_or(Username::Token),
            scopes: scopes(&options),
            self_signed: options.is_true(vars::SELF_SIGNED),
            cache_scope: options
                .one_of(vars::CACHE_TYPE, &CACHE_SCOPES)?
                .unwrap_or(CacheScope::Registry),
            cache_for: cache_for(&options)?,
            metadata_host: metadata_host(&options, &trusted_hosts)?,
            trusted_hosts,
            sts_url: options.url(vars::STS_URL)?,
            iam_url: options.url(vars::IAM_URL)?,
            oauth_url: options.url(vars::OAUTH_URL)?,
            universe,
        })
    }
}

impl Username {
    /// Whether the password is the key file itself.
    pub(crate) fn is_key_file(self) -> bool {
        matches!(self, Self::JsonKey | Self::JsonKeyBase64)
    }

    /// The name as registries know it.
    pub(crate) fn as_str(self) -> &'static str {
        let word = USERNAMES.iter().find(|(_, username)| *username == self);
        word.map_or("_token", |(word, _)| word)
    }
}

fn pod_identity(options: &Options<'_>, flow: AuthFlow) -> Result<PodIdentity, ProviderError> {
    let named = options.one_of(vars::POD_IDENTITY, &POD_IDENTITIES)?;
    let required = options.is_true(vars::REQUIRE_POD_IDENTITY);
    if !required && named != Some(PodIdentity::Always) {
        return Ok(named.unwrap_or(PodIdentity::Annotated));
    }
    if flow == AuthFlow::Tokens {
        return Ok(PodIdentity::Always);
    }
    Err(ERRORS.misconfigured(format!(
        "--require-pod-identity excludes --authFlow dockercfg and dockercfg-url, whose logins are \
         the node's ({} and {})",
        vars::REQUIRE_POD_IDENTITY,
        vars::AUTH_FLOW
    )))
}

fn pool(options: &Options<'_>) -> Result<Option<Pool>, ProviderError> {
    let (audience, issuer, project) = (
        options.text(vars::STS_AUDIENCE),
        options.text(vars::IDENTITY_PROVIDER),
        options.text(vars::PROJECT_ID),
    );
    match (audience, issuer, project) {
        (None, None, _) => Ok(None),
        (None, Some(issuer), Some(project)) => Ok(Some(Pool::Gke {
            project: project.to_owned(),
            issuer: issuer.to_owned(),
        })),
        (_, Some(_), None) => Err(ERRORS.misconfigured(format!(
            "--project-id is required when --identity-provider is set ({} and {})",
            vars::PROJECT_ID,
            vars::IDENTITY_PROVIDER
        ))),
        (Some(_), Some(_), Some(_)) => Err(ERRORS.misconfigured(format!(
            "--sts-audience and --identity-provider exclude each other ({} and {})",
            vars::STS_AUDIENCE,
            vars::IDENTITY_PROVIDER
        ))),
        (Some(audience), None, _) => match pool_provider(audience) {
            Some(audience) => Ok(Some(Pool::Provider(audience))),
            None => Err(options.wrong(
                vars::STS_AUDIENCE,
                "does not name a workload identity pool provider: expected \
                 //iam.googleapis.com/projects/N/locations/global/workloadIdentityPools/P/\
                 providers/X",
            )),
        },
    }
}

fn impersonate(options: &Options<'_>) -> Result<Option<String>, ProviderError> {
    match options.text(vars::IMPERSONATE) {
        Some(email) if !is_service_account(email) => {
            Err(options.wrong(vars::IMPERSONATE, "is not the email of a service account"))
        }
        email => Ok(email.map(str::to_owned)),
    }
}

fn cache_for(options: &Options<'_>) -> Result<Option<Duration>, ProviderError> {
    let Some(text) = options.text(vars::CACHE_DURATION) else {
        return Ok(None);
    };
    match text.parse::<GoDuration>() {
        // A negative one counts as zero, as for Go.
        Ok(span) => Ok(Some(span.to_std().unwrap_or_default())),
        Err(_) => Err(options.wrong(vars::CACHE_DURATION, "is not a duration such as 30m or 1h")),
    }
}

fn universe(options: &Options<'_>) -> Result<String, ProviderError> {
    let universe = options.text(vars::UNIVERSE).unwrap_or(GOOGLE);
    if universe.contains('.') && universe.split('.').all(is_label) {
        Ok(universe.to_ascii_lowercase())
    } else {
        Err(options.wrong(vars::UNIVERSE, "is not a domain name"))
    }
}

/// A metadata server speaks plain http: another machine could be asked by mistake, and what it answers
/// read on the way.
fn metadata_host(options: &Options<'_>, trusted: &[String]) -> Result<String, ProviderError> {
    let host = options.text(vars::METADATA_HOST).unwrap_or(METADATA_HOST);
    let url = Url::parse(&format!("http://{host}")).ok();
    let url =
        url.filter(|url| url.path() == "/" && url.query().is_none() && url.username().is_empty());
    let Some(url) = url.filter(|_| !host.ends_with('/')) else {
        return Err(options.wrong(vars::METADATA_HOST, "is neither host nor host:port"));
    };
    let lower = host.to_ascii_lowercase();
    let name = url.host_str().unwrap_or_default().trim_end_matches('.');
    let is_near = metadata_base(url.as_str(), &METADATA_NAMES).is_some();
    if is_near
        || trusted
            .iter()
            .any(|trusted| *trusted == lower || trusted == name)
    {
        return Ok(host.to_owned());
    }
    let what = format!(
        "is neither this machine nor a metadata server of its link: list it in {} if this is intended",
        vars::TRUSTED_HOSTS
    );
    Err(options.wrong(vars::METADATA_HOST, &what))
}

fn sources(options: &Options<'_>) -> Result<Vec<TokenSource>, ProviderError> {
    let mut found = Vec::new();
    for word in options.list(vars::TOKEN_SOURCES) {
        let Some((_, named)) = TOKEN_SOURCES.iter().find(|(known, _)| *known == word) else {
            let what = "must be a list of file, metadata and gcloud";
            return Err(options.wrong(vars::TOKEN_SOURCES, what));
        };
        for source in *named {
            if !found.contains(source) {
                found.push(*source);
            }
        }
    }
    if found.is_empty() {
        found.extend(DEFAULT_SOURCES);
    }
    Ok(found)
}

fn scopes(options: &Options<'_>) -> String {
    let separators = [',', ' '];
    let text = options.text(vars::SCOPES).unwrap_or_default();
    let text = match text.trim_matches(separators) {
        "" => CLOUD_PLATFORM,
        text => text,
    };
    let scopes = text.split(separators).filter(|scope| !scope.is_empty());
    let full = |scope: &str| {
        if scope.contains("://") {
            scope.to_owned()
        } else {
            format!("{SCOPE_PREFIX}{scope}")
        }
    };
    scopes.map(full).collect::<Vec<_>>().join(" ")
}

const FLOWS: [(&str, AuthFlow); 3] = [
    ("gcr", AuthFlow::Tokens),
    ("dockercfg", AuthFlow::DockerCfg),
    ("dockercfg-url", AuthFlow::DockerCfgUrl),
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

const DEFAULT_SOURCES: [TokenSource; 3] = [
    TokenSource::File,
    TokenSource::Metadata,
    TokenSource::Gcloud,
];

/// `env`, `store` and `gcloud_sdk` are docker-credential-gcr's words: its `env` is what Google's
/// libraries do by default.
const TOKEN_SOURCES: [(&str, &[TokenSource]); 6] = [
    ("file", &[TokenSource::File]),
    ("metadata", &[TokenSource::Metadata]),
    ("env", &[TokenSource::File, TokenSource::Metadata]),
    ("gcloud", &[TokenSource::Gcloud]),
    ("gcloud_sdk", &[TokenSource::Gcloud]),
    ("store", &[TokenSource::Store]),
];

/// The universe domain of Google's public cloud.
pub(crate) const GOOGLE: &str = "googleapis.com";
/// Google's public token endpoint.
pub(crate) const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// The scope that every part of Google's cloud knows; the identity's roles still decide.
pub(crate) const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The metadata server's address and not its name: on a machine without the server a short
/// connection time-out ends the attempt, while resolving the name can take any time.
pub(crate) const METADATA_HOST: &str = "169.254.169.254";
/// Google's names for it.
const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "metadata.goog"];
const SCOPE_PREFIX: &str = "https://www.googleapis.com/auth/";

#[cfg(test)]
mod tests;
