//! A pod's own identity (KEP-4412): its service account token, and the role that its annotations
//! or the operator name. The annotation is upstream's; it is not the one of IAM roles for service
//! accounts, so that a pod's pull role and its runtime role can differ.

use regcred_core::{CredentialRequest, ProviderError, SecretText as _};
use secrecy::SecretString;

use crate::identity::WebIdentity;
use crate::jwt_subject::service_account;
use crate::roles::is_role_arn;
use crate::settings::Settings;
use crate::sts::{RoleSession, SESSION};
use crate::{ERRORS, vars};

/// The pod identity of a request; `None` when it has no token, or no role is named and the node's
/// identity may be used.
pub(crate) fn identity(
    request: &CredentialRequest,
    settings: &Settings,
) -> Result<Option<WebIdentity>, ProviderError> {
    let strict = |why: &str| {
        let option = vars::REQUIRE_POD_IDENTITY;
        format!("{why}, and {option} forbids every other identity")
    };
    let token = request.service_account_token.as_ref();
    let Some(token) = token.filter(|token| !token.is_blank()) else {
        if settings.require_pod_identity {
            let why = "no service account token came with the request (set tokenAttributes)";
            return Err(ERRORS.no_identity(strict(why)));
        }
        return Ok(None);
    };
    let annotation = |key: &str| {
        let value = request.service_account_annotations.get(key)?.trim();
        (!value.is_empty()).then(|| (value.to_owned(), format!("the annotation {key}")))
    };
    let irsa = annotation(IRSA_ANNOTATION);
    let ignored = irsa.is_some() && !settings.irsa_annotation;
    let default = settings.pod_role.clone();
    let named = annotation(ANNOTATION)
        .or_else(|| irsa.filter(|_| settings.irsa_annotation))
        .or_else(|| Some((default?, vars::POD_ROLE.to_owned())));
    let Some((role, named_by)) = named else {
        if settings.require_pod_identity {
            let why =
                format!("the pod's service account names no role (annotate it with {ANNOTATION})");
            return Err(ERRORS.misconfigured(strict(&why)));
        }
        if ignored {
            tracing::warn!(
                "the annotation {IRSA_ANNOTATION} does not name the pull role; annotate with \
                 {ANNOTATION} or set {}=true",
                vars::IRSA_ANNOTATION
            );
        }
        tracing::debug!("the service account names no role, so the node's identity is used");
        return Ok(None);
    };
    if !is_role_arn(&role) {
        return Err(ERRORS.misconfigured(format!("{named_by} is not a role ARN")));
    }
    Ok(Some(WebIdentity {
        name: "the pod's token".to_owned(),
        session: RoleSession {
            role,
            name: session_name(token),
        },
        token: token.trimmed(),
    }))
}

/// The session's name: upstream's, and the pod's service account as far as 64 characters go.
fn session_name(token: &SecretString) -> String {
    let mut name = SESSION.to_owned();
    if let Some((namespace, account)) = service_account(token) {
        name.push_str(&format!(".{namespace}.{account}"));
    }
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(*c))
        .take(64)
        .collect()
}

const ANNOTATION: &str = "eks.amazonaws.com/ecr-role-arn";
const IRSA_ANNOTATION: &str = "eks.amazonaws.com/role-arn";

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use regcred_core::{Env, ErrorKind};

    use super::*;

    const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app";

    fn arn(name: &str) -> String {
        format!("arn:aws:iam::123456789012:role/{name}")
    }

    fn token(subject: &str) -> String {
        let claims = format!(r#"{{"iss":"https://oidc.example","sub":"{subject}"}}"#);
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims))
    }

    fn pod(
        token: &str,
        annotations: &[(&str, &str)],
        vars: &[(&str, &str)],
    ) -> Result<Option<WebIdentity>, ProviderError> {
        let mut request = CredentialRequest::new(HOST).expect("image");
        request.service_account_token = Some(token.to_owned().into());
        request.service_account_annotations = annotations
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let env = Env::map(vars.iter().copied());
        identity(&request, &Settings::read(&env).expect("sound"))
    }

    #[test]
    fn the_role_comes_from_the_annotation_then_by_option_then_the_default() {
        let (own, irsa, default) = (arn("own"), arn("irsa"), arn("default"));
        let both = [(ANNOTATION, own.as_str()), (IRSA_ANNOTATION, irsa.as_str())];
        let option = (vars::IRSA_ANNOTATION, "true");
        let fallback = (vars::POD_ROLE, default.as_str());
        let role = |annotations: &[_], vars: &[_]| {
            pod("t", annotations, vars)
                .expect("sound")
                .map(|pod| pod.session.role)
        };
        assert_eq!(role(&both, &[option, fallback]), Some(own.clone()));
        assert_eq!(role(&both[1..], &[option, fallback]), Some(irsa.clone()));
        assert_eq!(role(&both[1..], &[fallback]), Some(default.clone()));
        assert_eq!(role(&[], &[fallback]), Some(default.clone()));
        assert_eq!(role(&both[1..], &[]), None);
    }

    #[test]
    fn without_a_token_there_is_no_pod_identity() {
        let own = arn("own");
        let role = pod(" ", &[(ANNOTATION, &own)], &[]);
        assert!(role.expect("no token").is_none());
    }

    #[test]
    fn the_strict_switch_refuses_every_request_without_a_token_and_a_role() {
        for variable in [vars::REQUIRE_POD_IDENTITY, vars::REQUIRE_POD_ROLE] {
            let strict = [(variable, "true")];
            let error = pod("t", &[], &strict).expect_err("no role");
            assert_eq!(error.kind(), ErrorKind::NotConfigured);
            assert!(error.to_string().contains(ANNOTATION), "{error}");
            let own = arn("own");
            let own = [(ANNOTATION, own.as_str())];
            let error = pod(" ", &own, &strict).expect_err("no token");
            assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
            assert!(pod("t", &own, &strict).expect("both").is_some());
        }
    }

    #[test]
    fn something_else_than_a_role_is_refused_without_asking_sts() {
        let error = pod("t", &[(ANNOTATION, "role/x")], &[]).expect_err("no ARN");
        assert!(error.to_string().contains(ANNOTATION), "{error}");
    }

    #[test]
    fn the_session_names_the_pod_within_64_characters() {
        let own = arn("own");
        let name = |token: &str| {
            let pod = pod(token, &[(ANNOTATION, &own)], &[]);
            pod.expect("sound").expect("pod").session.name
        };
        assert_eq!(
            name(&token("system:serviceaccount:shop:web")),
            "ecr-credential-provider.shop.web"
        );
        let long = token(&format!("system:serviceaccount:{}:web", "n".repeat(63)));
        assert_eq!(name(&long).len(), 64);
        assert_eq!(name("opaque"), "ecr-credential-provider");
    }

    #[test]
    fn the_stable_name_is_the_pods_and_never_the_token() {
        let own = arn("own");
        let name = |token: &str| {
            let pod = pod(token, &[(ANNOTATION, &own)], &[]);
            pod.expect("sound").expect("pod").stable_name()
        };
        let first = token("system:serviceaccount:shop:web");
        let renewed = format!("{first}x");
        assert_eq!(name(&first), name(&renewed));
        assert_ne!(name(&first), name(&token("system:serviceaccount:shop:job")));
        assert_ne!(name("opaque-one"), name("opaque-two"));
        assert!(!name("opaque-one").contains("opaque-one"));
    }
}
