//! Which identity asks, chosen before anything is sent. Whatever is chosen decides: when it fails,
//! no other is tried.

use regcred_cloud::{AccessToken, SecretPlace};
use regcred_core::{CredentialRequest, Env, ProviderError, fingerprint};
use secrecy::SecretString;

use crate::compute_resource::{self, USUAL_FILES};
use crate::iam::{self, Grant};
use crate::profile::Profile;
use crate::settings::{AuthType, Cloud, Settings};
use crate::{ERRORS, api_key, vars, vpc};

/// An identity and what it needs to prove itself.
#[derive(Debug)]
pub(crate) enum Identity {
    /// A service account token, of the pod or of the process, with its trusted profile.
    ComputeResource(SecretPlace, Profile),
    /// An access token that the operator obtained.
    Bearer(SecretString),
    ApiKey(SecretString),
    /// An API key whose owner assumes a trusted profile.
    Assume(SecretString, Profile),
    Refresh(SecretString),
    /// The VPC instance, as its default trusted profile or a linked one.
    Vpc(Option<Profile>),
}

impl Identity {
    /// Chooses the identity for a request.
    pub(crate) fn choose(
        env: &Env,
        settings: &Settings,
        request: &CredentialRequest,
    ) -> Result<Self, ProviderError> {
        match of_pod(env, settings, request)? {
            Some(identity) => Ok(identity),
            None => of_node(env, settings.auth_type),
        }
    }

    /// An IAM access token of this identity.
    pub(crate) async fn token(&self, cloud: &Cloud) -> Result<AccessToken, ProviderError> {
        match self {
            Self::ComputeResource(token, profile) => {
                let token = compute_resource::read(token)?;
                iam::token(cloud, &Grant::ComputeResource(&token, profile)).await
            }
            // Its expiry is not known: it is used once and never cached.
            Self::Bearer(token) => Ok(AccessToken {
                secret: token.clone(),
                expires_at: None,
            }),
            Self::ApiKey(key) => iam::token(cloud, &Grant::ApiKey(key)).await,
            Self::Assume(key, profile) => {
                let first = iam::token(cloud, &Grant::ApiKey(key)).await?;
                iam::token(cloud, &Grant::Assume(&first.secret, profile)).await
            }
            Self::Refresh(token) => iam::token(cloud, &Grant::Refresh(token)).await,
            Self::Vpc(profile) => vpc::token(cloud, profile.as_ref()).await,
        }
    }

    /// The identity by stable names that hold no secret; `None` when its token must not be shared.
    pub(crate) fn stable_name(&self) -> Option<String> {
        match self {
            Self::ComputeResource(token, profile) => Some(format!(
                "cr {} {}",
                token.stable_name(),
                profile.stable_name()
            )),
            Self::Bearer(_) => None,
            Self::ApiKey(key) => Some(format!("key {}", fingerprint(key))),
            Self::Assume(key, profile) => Some(format!(
                "assume {} {}",
                fingerprint(key),
                profile.stable_name()
            )),
            Self::Refresh(token) => Some(format!("refresh {}", fingerprint(token))),
            Self::Vpc(None) => Some("vpc".to_owned()),
            Self::Vpc(Some(profile)) => Some(format!("vpc {}", profile.stable_name())),
        }
    }
}

/// The pod's identity, when the kubelet sent a token. Without a profile for it that is an error.
fn of_pod(
    env: &Env,
    settings: &Settings,
    request: &CredentialRequest,
) -> Result<Option<Identity>, ProviderError> {
    let Some(token) = &request.service_account_token else {
        if settings.require_pod_identity {
            return Err(ERRORS.no_identity(
                "the kubelet sent no service account token and the node's identity may not be \
                 used: add tokenAttributes to the provider's configuration",
            ));
        }
        return Ok(None);
    };
    let annotation = &settings.profile_annotation;
    let profile = match request.service_account_annotations.get(annotation) {
        Some(text) => Some(Profile::named(text)),
        None => Profile::read(env)?,
    };
    match profile {
        Some(profile) if profile.label().is_empty() => Err(ERRORS.misconfigured(format!(
            "annotation {annotation} of the pod's service account is empty"
        ))),
        Some(profile) => Ok(Some(Identity::ComputeResource(
            SecretPlace::Given(token.clone()),
            profile,
        ))),
        // The node's identity is not for that pod.
        None => Err(ERRORS.no_identity(format!(
            "the pod's service account names no trusted profile: annotate it with {annotation}, or \
             name one for all pods with {}; without tokenAttributes in the provider's configuration \
             pods pull as the node",
            vars::CR_PROFILE
        ))),
    }
}

/// The identity of the node or the person.
fn of_node(env: &Env, auth_type: AuthType) -> Result<Identity, ProviderError> {
    let profile = Profile::read(env)?;
    let missing = |what: String| Err(ERRORS.misconfigured(what));
    match auth_type {
        AuthType::Auto => automatic(env, profile),
        AuthType::BearerToken => match bearer(env) {
            Some(identity) => Ok(identity),
            None => missing(format!("bearerToken needs {}", vars::BEARER_TOKEN)),
        },
        AuthType::Iam => match secret(env)? {
            Some(identity) => Ok(identity),
            None => missing(format!(
                "iam needs {}, {} or {}",
                vars::API_KEY,
                vars::API_KEY_FILE,
                vars::REFRESH_TOKEN
            )),
        },
        AuthType::IamAssume => match (api_key::read(env)?, profile) {
            (Some(key), Some(profile)) => Ok(Identity::Assume(key, profile)),
            (None, _) => missing(format!("iamAssume needs {} or its file", vars::API_KEY)),
            (_, None) => missing(format!("iamAssume needs {}", vars::PROFILE_ID)),
        },
        AuthType::Container => {
            let token = compute_resource::named(env).or_else(compute_resource::usual);
            match (token, profile) {
                (Some(token), Some(profile)) => Ok(Identity::ComputeResource(token, profile)),
                (_, None) => missing(format!("container needs {}", vars::PROFILE_ID)),
                (None, _) => missing(format!(
                    "container needs {}, or a token in one of {}",
                    vars::CR_TOKEN_FILE,
                    USUAL_FILES.join(", ")
                )),
            }
        }
        AuthType::Vpc => Ok(Identity::Vpc(profile)),
    }
}

fn automatic(env: &Env, profile: Option<Profile>) -> Result<Identity, ProviderError> {
    let named = compute_resource::named(env);
    let Some(profile) = profile else {
        if named.is_some() {
            return Err(ERRORS.misconfigured(format!(
                "a compute resource token needs a trusted profile: set {}",
                vars::PROFILE_ID
            )));
        }
        if let Some(identity) = bearer(env) {
            return Ok(identity);
        }
        return Ok(secret(env)?.unwrap_or(Identity::Vpc(None)));
    };
    if let Some(token) = named {
        return Ok(Identity::ComputeResource(token, profile));
    }
    if let Some(key) = api_key::read(env)? {
        return Ok(Identity::Assume(key, profile));
    }
    Ok(match compute_resource::usual() {
        Some(token) => Identity::ComputeResource(token, profile),
        None => Identity::Vpc(Some(profile)),
    })
}

fn bearer(env: &Env) -> Option<Identity> {
    let token = env.get(vars::BEARER_TOKEN).map(strip_bearer)?;
    Some(Identity::Bearer(token.into()))
}

fn secret(env: &Env) -> Result<Option<Identity>, ProviderError> {
    if let Some(key) = api_key::read(env)? {
        return Ok(Some(Identity::ApiKey(key)));
    }
    let token = env.get(vars::REFRESH_TOKEN);
    Ok(token.map(|token| Identity::Refresh(token.trim().into())))
}

/// The token without the `Bearer ` that IBM's command line prints in front of it.
fn strip_bearer(text: &str) -> &str {
    let text = text.trim();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::ErrorKind;

    use super::*;

    fn chosen(vars: &[(&str, &str)]) -> Result<String, ProviderError> {
        let env = Env::map(vars.iter().copied());
        let settings = Settings::read(&env)?;
        let request = CredentialRequest::new("us.icr.io/ns/app").expect("request");
        Ok(name(&Identity::choose(&env, &settings, &request)?))
    }

    fn name(identity: &Identity) -> String {
        let text = format!("{identity:?}");
        text.split(['(', ' ']).next().unwrap_or_default().to_owned()
    }

    #[test]
    fn what_is_named_decides() {
        const KEY: (&str, &str) = (vars::API_KEY, "k");
        const PROFILE: (&str, &str) = (vars::PROFILE_ID, "Profile-1");
        const CR: (&str, &str) = (vars::CR_TOKEN, "a.b.c");
        for (vars, expected) in [
            (&[][..], "Vpc"),
            (&[PROFILE], "Vpc"),
            (&[KEY], "ApiKey"),
            (&[KEY, PROFILE], "Assume"),
            (&[KEY, PROFILE, CR], "ComputeResource"),
            (&[(vars::REFRESH_TOKEN, "r")], "Refresh"),
            (&[(vars::BEARER_TOKEN, "Bearer t"), KEY], "Bearer"),
            (&[KEY, (vars::AUTH_TYPE, "vpc")], "Vpc"),
            (&[KEY, PROFILE, (vars::AUTH_TYPE, "iam")], "ApiKey"),
            (
                &[CR, PROFILE, KEY, (vars::AUTH_TYPE, "IAMASSUME")],
                "Assume",
            ),
        ] {
            assert_eq!(chosen(vars).expect("chosen"), expected, "{vars:?}");
        }
    }

    #[test]
    fn what_was_asked_for_and_is_incomplete_is_an_error() {
        for vars in [
            &[(vars::CR_TOKEN, "a.b.c")][..],
            &[(vars::AUTH_TYPE, "iam")],
            &[(vars::AUTH_TYPE, "iamAssume"), (vars::API_KEY, "k")],
            &[(vars::AUTH_TYPE, "container"), (vars::CR_TOKEN, "a.b.c")],
            &[(vars::AUTH_TYPE, "bearerToken"), (vars::API_KEY, "k")],
            &[(vars::API_KEY_FILE, "/nonexistent")],
        ] {
            let error = chosen(vars).expect_err("incomplete");
            assert_eq!(error.kind(), ErrorKind::NotConfigured, "{vars:?}");
        }
    }

    #[test]
    fn a_pods_profile_comes_from_its_annotation_before_the_nodes_option() {
        let env = Env::map([(vars::PROFILE_ID, "Profile-node"), (vars::API_KEY, "k")]);
        let settings = Settings::read(&env).expect("settings");
        let mut request = CredentialRequest::new("icr.io/ns/app").expect("request");
        request.service_account_token = Some("a.b.c".into());
        let with_option = Identity::choose(&env, &settings, &request).expect("option");
        assert!(format!("{with_option:?}").contains("Profile-node"));
        let key = settings.profile_annotation.clone();
        request
            .service_account_annotations
            .insert(key, "Profile-pod".to_owned());
        let annotated = Identity::choose(&env, &settings, &request).expect("annotated");
        assert!(format!("{annotated:?}").contains("Profile-pod"));
        assert_eq!(name(&annotated), "ComputeResource");
    }

    #[test]
    fn a_pods_token_without_a_profile_is_never_answered_with_the_nodes_identity() {
        let mut request = CredentialRequest::new("icr.io/ns/app").expect("request");
        request.service_account_token = Some("a.b.c".into());
        let env = Env::map([(vars::API_KEY, "k")]);
        let settings = Settings::read(&env).expect("settings");
        let error = Identity::choose(&env, &settings, &request).expect_err("no profile");
        assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
        assert!(error.to_string().contains("annotate it with"), "{error}");
        request.service_account_token = None;
        let node = Identity::choose(&env, &settings, &request).expect("node");
        assert_eq!(name(&node), "ApiKey");
        let env = env.with([(vars::REQUIRE_POD_IDENTITY, "true")]);
        let settings = Settings::read(&env).expect("settings");
        let error = Identity::choose(&env, &settings, &request).expect_err("no token");
        assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
        assert!(error.to_string().contains("tokenAttributes"), "{error}");
    }

    #[test]
    fn names_tell_identities_apart_and_no_secrets() {
        let key = |text: &str| Identity::ApiKey(text.into()).stable_name().expect("name");
        assert_ne!(key("canary1"), key("canary2"));
        assert!(!key("canary1").contains("canary"));
        assert_eq!(Identity::Bearer("t".into()).stable_name(), None);
    }
}
