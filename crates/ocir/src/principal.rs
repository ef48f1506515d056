//! Who asks, chosen before anything is sent. Whatever is chosen decides: when it fails, no other is
//! tried.

mod auth_token;
mod exchange;
mod instance;
mod nested;
mod resource;
mod resource_tokens;
mod user;
mod workload;

use regcred_core::{CredentialRequest, Env, ErrorKind, ProviderError, fingerprint};
use secrecy::SecretString;

use crate::failure::failure;
use crate::reach::Reach;
use crate::session::Session;
use crate::settings::{Method, Settings};
use crate::vars;

use auth_token::AuthToken;
use exchange::Exchange;
use nested::Nested;
use resource::Resource;
use user::{Profile, User};
use workload::Workload;

/// A principal and what it needs to prove itself.
#[derive(Debug)]
pub(crate) enum Principal {
    /// A user name and auth token, which the registry takes as they are.
    AuthToken(AuthToken),
    /// A user with an API key or a session token.
    User(User),
    /// The instance, perhaps on behalf of a user.
    Instance(Option<Delegation>),
    /// A Kubernetes service account of an OKE cluster.
    Workload(Workload),
    /// A service account of another cluster, or a build, that an identity domain trusts.
    Exchange(Exchange),
    /// A function, a container instance and the like.
    Resource(Resource),
    /// A resource within another.
    Nested(Nested),
}

/// A user's token by which an instance acts on their behalf.
pub(crate) type Delegation = SecretString;

impl Principal {
    /// Chooses the principal for a request.
    pub(crate) fn choose(
        env: &Env,
        settings: &Settings,
        request: &CredentialRequest,
    ) -> Result<Self, ProviderError> {
        if settings.require_pod_identity && request.service_account_token.is_none() {
            return Err(failure(
                ErrorKind::IdentityUnavailable,
                format!(
                    "no service account token came with the request and {} is set: let the \
                     kubelet send one (tokenAttributes)",
                    vars::REQUIRE_POD_IDENTITY
                ),
            ));
        }
        match settings.method {
            Method::Auto => automatic(env, request),
            Method::User => of_user(env, Profile::Any),
            Method::SecurityToken => of_user(env, Profile::Session),
            Method::Instance => Ok(Self::Instance(None)),
            Method::InstanceOnBehalf => of_user(env, Profile::OnBehalf),
            Method::Resource => of_resource(env),
            Method::Workload => Workload::choose(env, request).map(Self::Workload),
            Method::Exchange => Exchange::choose(env, request).map(Self::Exchange),
            Method::AuthToken => AuthToken::named(env)?.map(Self::AuthToken).ok_or_else(|| {
                crate::failure::misconfigured(format!(
                    "auth_token needs {} and {} or its file",
                    vars::USERNAME,
                    vars::AUTH_TOKEN
                ))
            }),
        }
    }

    /// Proves the principal to Oracle, where that takes a call, and makes its signer.
    pub(crate) async fn session(&self, reach: &Reach) -> Result<Session, ProviderError> {
        match self {
            Self::AuthToken(_) => Err(failure(
                ErrorKind::NotConfigured,
                "an auth token signs nothing",
            )),
            Self::User(user) => user.session(reach),
            Self::Instance(delegation) => {
                let session = instance::session(reach).await?;
                Ok(match delegation {
                    Some(token) => session.on_behalf_of(token.clone()),
                    None => session,
                })
            }
            Self::Workload(workload) => workload.session(reach).await,
            Self::Exchange(exchange) => exchange.session(reach).await,
            Self::Resource(resource) => resource.session(reach).await,
            Self::Nested(nested) => nested.session(reach).await,
        }
    }

    /// The principal by stable names that hold no secret; `None` when its answer must not be
    /// shared.
    pub(crate) fn stable_name(&self) -> Option<String> {
        match self {
            Self::AuthToken(_) => None,
            Self::User(user) => Some(user.stable_name()),
            Self::Instance(None) => Some("instance".to_owned()),
            Self::Instance(Some(token)) => Some(format!("instance for {}", fingerprint(token))),
            Self::Workload(workload) => Some(workload.stable_name()),
            Self::Exchange(exchange) => Some(exchange.stable_name()),
            Self::Resource(resource) => Some(resource.stable_name()),
            Self::Nested(nested) => Some(nested.stable_name()),
        }
    }

    /// In words, for sentences.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::AuthToken(_) => "the auth token".to_owned(),
            Self::User(user) => user.label(),
            Self::Instance(None) => "the instance principal".to_owned(),
            Self::Instance(Some(_)) => "the instance on behalf of a user".to_owned(),
            Self::Workload(workload) => workload.label(),
            Self::Exchange(_) => "the exchanged token".to_owned(),
            Self::Resource(resource) => resource.label(),
            Self::Nested(_) => "the nested resource principal".to_owned(),
        }
    }
}

fn automatic(env: &Env, request: &CredentialRequest) -> Result<Principal, ProviderError> {
    if Exchange::is_named(env) {
        return Exchange::choose(env, request).map(Principal::Exchange);
    }
    if request.service_account_token.is_some() {
        return Workload::choose(env, request).map(Principal::Workload);
    }
    if let Some(login) = AuthToken::named(env)? {
        return Ok(Principal::AuthToken(login));
    }
    if env.get(vars::RESOURCE_VERSION).is_some() {
        return of_resource(env);
    }
    if User::is_named(env) {
        return of_user(env, Profile::Any);
    }
    Ok(Principal::Instance(None))
}

fn of_user(env: &Env, wanted: Profile) -> Result<Principal, ProviderError> {
    user::read(env, wanted).map(|found| match found {
        user::Found::User(user) => Principal::User(user),
        user::Found::Instance(delegation) => Principal::Instance(delegation),
    })
}

fn of_resource(env: &Env) -> Result<Principal, ProviderError> {
    match env.get(vars::RESOURCE_VERSION) {
        Some("3.0") => Nested::read(env).map(Principal::Nested),
        _ => Resource::read(env, "").map(Principal::Resource),
    }
}

#[cfg(test)]
mod tests;
