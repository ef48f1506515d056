//! Which entry answers a request, and with what, chosen before anything is sent. Whatever is chosen
//! decides: when it fails, nothing else is tried.

use chrono::{DateTime, Utc};
use regcred_cloud::SecretPlace;
use regcred_core::{CacheScope, CredentialRequest, ImagePattern, ProviderError};

use crate::ERRORS;
use crate::docker_helper::DockerHelper;
use crate::exchange::Exchange;
use crate::hosts::RegistryPattern;
use crate::pod_token::{PodToken, account};
use crate::rule::{FallbackSource, LoginSource, Rule};
use crate::settings::Settings;
use crate::static_login::StaticLogin;

/// What answers a request.
#[derive(Debug)]
pub(crate) struct Choice<'a> {
    pub(crate) identity: Identity<'a>,
    pub(crate) rule: &'a Rule,
    /// The key of the login.
    pub(crate) key: String,
    /// A registry of which some images have another login is not asked for as a whole.
    pub(crate) scope: CacheScope,
}

/// The login's source with what it needs.
#[derive(Debug)]
pub(crate) enum Identity<'a> {
    Static(&'a StaticLogin),
    Helper(&'a DockerHelper),
    PassThrough(&'a str, PodToken),
    Exchange(&'a Exchange, PodToken),
    Anonymous,
}

impl<'a> Choice<'a> {
    /// Chooses by image and service account: the longest path that matches, and of equal ones the first
    /// entry that is for the account.
    pub(crate) fn of(
        settings: &'a Settings,
        request: &CredentialRequest,
        now: DateTime<Utc>,
    ) -> Result<Self, ProviderError> {
        let (rule, pattern) = find(settings, request)?;
        let paths = settings.patterns().filter(|p| p.is_at(&request.registry));
        let by_path = paths.into_iter().any(|p| !p.pattern.path().is_empty());
        let identity = identity(settings, rule, request, now)?;
        let by_image = matches!(&identity, Identity::Exchange(e, _) if e.depends_on_image());
        Ok(Self {
            identity,
            rule,
            key: pattern.key(&request.registry),
            scope: if by_path || by_image {
                CacheScope::Image
            } else {
                CacheScope::Registry
            },
        })
    }
}

fn find<'a>(
    settings: &'a Settings,
    request: &CredentialRequest,
) -> Result<(&'a Rule, &'a RegistryPattern), ProviderError> {
    let image = ImagePattern::parse(&request.image).map_err(|error| {
        let message = format!("{} is not the name of an image", request.registry);
        ERRORS.misconfigured(message).with_source(error)
    })?;
    let rules = settings.rules.iter();
    let mut matching: Vec<_> = rules
        .filter_map(|rule| Some((rule, rule.pattern_of(&image)?)))
        .collect();
    matching.sort_by_key(|(_, pattern)| std::cmp::Reverse(pattern.pattern.path().len()));
    let Some(first) = matching.first().copied() else {
        return Err(settings.not_served(&request.registry));
    };
    let Some(token) = &request.service_account_token else {
        let answers = |rule: &Rule| rule.accounts.is_empty() || rule.fallback.is_some();
        let found = matching.into_iter().find(|(rule, _)| answers(rule));
        return Ok(found.unwrap_or(first));
    };
    let account = account(token);
    let found = matching
        .into_iter()
        .find(|(rule, _)| rule.is_for(account.as_deref()));
    found.ok_or_else(|| {
        let account = account
            .as_deref()
            .unwrap_or("of a token that is not a pod's");
        ERRORS.no_identity(format!(
            "no entry for {} is for the service account {account}: add it to serviceAccounts in {}",
            request.registry,
            settings.file()
        ))
    })
}

fn identity<'a>(
    settings: &Settings,
    rule: &'a Rule,
    request: &CredentialRequest,
    now: DateTime<Utc>,
) -> Result<Identity<'a>, ProviderError> {
    let token = match (&rule.audience, &request.service_account_token) {
        (None, _) if settings.require_pod_identity => {
            return Err(ERRORS.no_identity(format!(
                "the login for {} in {} is the same for all pods, and only a pod's own may be used: \
                 add audience to the entry",
                request.registry,
                settings.file()
            )));
        }
        (None, _) => None,
        (Some(audience), Some(token)) => {
            Some(PodToken::accept(token, "the pod's token", audience, now)?)
        }
        (Some(audience), None) => match &rule.fallback {
            Some(source) if !settings.require_pod_identity => {
                return of_fallback(source, audience, rule, now);
            }
            _ => {
                return Err(ERRORS.no_identity(format!(
                    "the kubelet sent no service account token, and {} needs one with the audience \
                     {audience:?}: add tokenAttributes to the provider's configuration (`regcred config \
                     generate --provider generic` prints them), or a fallback to {}",
                    request.registry,
                    settings.file()
                )));
            }
        },
    };
    match (&rule.login, token) {
        (LoginSource::Static(login), _) => Ok(Identity::Static(login)),
        (LoginSource::Helper(helper), _) => Ok(Identity::Helper(helper)),
        (source, Some(token)) => of_token(source, token),
        (_, None) => Err(ERRORS.misconfigured("the entry sends a token and has no audience")),
    }
}

fn of_token(source: &LoginSource, token: PodToken) -> Result<Identity<'_>, ProviderError> {
    match source {
        LoginSource::PassThrough(user) => Ok(Identity::PassThrough(user, token)),
        LoginSource::Exchange(exchange) => Ok(Identity::Exchange(exchange, token)),
        LoginSource::Static(login) => Ok(Identity::Static(login)),
        LoginSource::Helper(helper) => Ok(Identity::Helper(helper)),
    }
}

fn of_fallback<'a>(
    source: &'a FallbackSource,
    audience: &str,
    rule: &'a Rule,
    now: DateTime<Utc>,
) -> Result<Identity<'a>, ProviderError> {
    match source {
        FallbackSource::TokenFile(path) => {
            let place = SecretPlace::File(path.clone());
            let token = place.read(ERRORS, "the token file")?;
            let what = place.describe("the token in");
            of_token(&rule.login, PodToken::accept(&token, &what, audience, now)?)
        }
        FallbackSource::Static(login) => Ok(Identity::Static(login)),
        FallbackSource::Helper(helper) => Ok(Identity::Helper(helper)),
        FallbackSource::Anonymous => Ok(Identity::Anonymous),
    }
}
