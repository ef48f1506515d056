//! Which identity asks, chosen before anything is sent. Whatever is chosen decides: when it fails,
//! no other is tried.

mod auth_token;
mod exchange;
mod instance;
mod nested;
mod resource;
mod resource_tokens;
mod user;
mod workload;

use regcred_core::{CredentialRequest, Env, ProviderError, fingerprint};
use secrecy::SecretString;

use crate::session::Session;
use crate::settings::{Cloud, Method, Settings};
use crate::{ERRORS, vars};

use auth_token::AuthToken;
use exchange::Exchange;
use nested::Nested;
use resource::Resource;
use user::{User, WantedProfile};
use workload::Workload;

/// An identity and what it needs to prove itself.
#[derive(Debug)]
pub(crate) enum Identity {
    /// A user name and auth token, which the registry takes as they are.
    AuthToken(AuthToken),
    /// A user with an API key or a session token.
    User(User),
    /// The instance, or a user on whose behalf it acts, by the user's delegation token.
    Instance(Option<SecretString>),
    /// A Kubernetes service account of an OKE cluster.
    Workload(Workload),
    /// A service account of another cluster, or a build, that an identity domain trusts.
    Exchange(Exchange),
    /// A function, a container instance or another resource.
    Resource(Resource),
    /// A resource within another.
    Nested(Nested),
}

impl Identity {
    /// Chooses the identity for a request.
    pub(crate) fn choose(
        env: &Env,
        settings: &Settings,
        request: &CredentialRequest,
    ) -> Result<Self, ProviderError> {
        if settings.require_pod_identity && request.service_account_token.is_none() {
            return Err(ERRORS.no_identity(format!(
                "no service account token came with the request and {} is set: let the kubelet \
                 send one (tokenAttributes)",
                vars::REQUIRE_POD_IDENTITY
            )));
        }
        match settings.method {
            Method::Auto => automatic(env, request),
            Method::User => of_user(env, WantedProfile::Any),
            Method::SecurityToken => of_user(env, WantedProfile::Session),
            Method::Instance => Ok(Self::Instance(None)),
            Method::InstanceOnBehalf => of_user(env, WantedProfile::OnBehalf),
            Method::Resource => of_resource(env),
            Method::Workload => Workload::choose(env, request).map(Self::Workload),
            Method::Exchange => Exchange::choose(env, request).map(Self::Exchange),
            Method::AuthToken => AuthToken::named(env)?.map(Self::AuthToken).ok_or_else(|| {
                ERRORS.misconfigured(format!(
                    "auth_token needs {} and {} or its file",
                    vars::USERNAME,
                    vars::AUTH_TOKEN
                ))
            }),
        }
    }

    /// Proves the identity to Oracle, where that takes a call, and makes its signer.
    pub(crate) async fn session(&self, cloud: &Cloud) -> Result<Session, ProviderError> {
        match self {
            Self::AuthToken(_) => Err(ERRORS.misconfigured(
                "an auth token cannot sign requests; choose another identity with --auth",
            )),
            Self::User(user) => user.session(cloud.now()),
            Self::Instance(delegation) => {
                let session = instance::session(cloud).await?;
                Ok(match delegation {
                    Some(token) => session.on_behalf_of(token.clone()),
                    None => session,
                })
            }
            Self::Workload(workload) => workload.session(cloud).await,
            Self::Exchange(exchange) => exchange.session(cloud).await,
            Self::Resource(resource) => resource.session(cloud).await,
            Self::Nested(nested) => nested.session(cloud).await,
        }
    }

    /// The identity by stable names that hold no secret; `None` when its login must not be shared.
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

    /// What messages call the identity.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::AuthToken(_) => "the auth token".to_owned(),
            Self::User(user) => user.label(),
            Self::Instance(None) => "the instance principal".to_owned(),
            Self::Instance(Some(_)) => "the instance on behalf of a user".to_owned(),
            Self::Workload(workload) => workload.label(),
            Self::Exchange(_) => "the exchanged token".to_owned(),
            Self::Resource(_) => "the resource principal".to_owned(),
            Self::Nested(_) => "the nested resource principal".to_owned(),
        }
    }
}

fn automatic(env: &Env, request: &CredentialRequest) -> Result<Identity, ProviderError> {
    if Exchange::is_named(env) {
        return Exchange::choose(env, request).map(Identity::Exchange);
    }
    if request.service_account_token.is_some() {
        return Workload::choose(env, request).map(Identity::Workload);
    }
    if let Some(login) = AuthToken::named(env)? {
        return Ok(Identity::AuthToken(login));
    }
    if env.get(vars::RESOURCE_VERSION).is_some() {
        return of_resource(env);
    }
    if User::is_named(env) {
        return of_user(env, WantedProfile::Any);
    }
    Ok(Identity::Instance(None))
}

fn of_user(env: &Env, wanted: WantedProfile) -> Result<Identity, ProviderError> {
    user::read(env, wanted).map(|found| match found {
        user::Found::User(user) => Identity::User(user),
        user::Found::Instance(delegation) => Identity::Instance(delegation),
    })
}

fn of_resource(env: &Env) -> Result<Identity, ProviderError> {
    match env.get(vars::RESOURCE_VERSION) {
        Some("3.0") => Nested::read(env).map(Identity::Nested),
        _ => Resource::read(env, "").map(Identity::Resource),
    }
}

#[cfg(test)]
mod tests;
