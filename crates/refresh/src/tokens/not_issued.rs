//! Why a source issued no token, in the parts that a report has.

use std::error::Error;
use std::iter::successors;

use regcred_core::{FailedCall, ProviderError};
use regcred_http::HttpError;

use super::token::TenantIdentity;
use crate::cluster::ClusterError;
use crate::failure::RefreshFailure;
use crate::plan::{SourceKind, SourcePlan};

/// The failure of a request for the source's token.
pub(super) fn not_issued(
    source: &SourcePlan,
    tenant: Option<&TenantIdentity>,
    error: &ProviderError,
) -> RefreshFailure {
    let (server, deeper) = causes(error);
    let configured = configured(source, tenant);
    let (identity, server) = match call(error) {
        Some(call) => (
            format!("{} ({configured})", call.identity),
            server.or_else(|| Some(call.server.clone())),
        ),
        None => (configured, server),
    };
    let next_step = next_step(error).map(str::to_owned).or(deeper);
    let line = format!("{}: {}", error.provider(), error.reason());
    let end = next_step.as_ref().map(|step| format!("; {step}"));
    let answer = end.and_then(|end| line.strip_suffix(&end)).unwrap_or(&line);
    RefreshFailure {
        registry: Some(source.registry.name.clone()),
        identity: Some(identity),
        server,
        answer: answer.to_owned(),
        next_step,
        is_complete: true,
    }
}

/// The next step of the first provider's error that has one.
fn next_step(error: &ProviderError) -> Option<&str> {
    of_providers(error).find_map(ProviderError::next_step)
}

/// The call for a token that failed, with the identity that the provider used.
fn call(error: &ProviderError) -> Option<&FailedCall> {
    of_providers(error).find_map(ProviderError::call)
}

fn of_providers(error: &ProviderError) -> impl Iterator<Item = &ProviderError> {
    let outer: &(dyn Error + 'static) = error;
    successors(Some(outer), |&cause| cause.source()).filter_map(|cause| cause.downcast_ref())
}

/// The server that was asked, and the next step, of the request below a provider's error.
fn causes(error: &ProviderError) -> (Option<String>, Option<String>) {
    let outer: &(dyn Error + 'static) = error;
    for cause in successors(Some(outer), |&cause| cause.source()) {
        if let Some(error) = cause.downcast_ref::<ClusterError>() {
            let failure = error.failure();
            return (failure.server.clone(), failure.next_step.clone());
        }
        if let Some(error) = cause.downcast_ref::<HttpError>() {
            return (error.server(), error.next_step().map(str::to_owned));
        }
    }
    (None, None)
}

/// Whose token, or which login, the source has by its configuration.
fn configured(source: &SourcePlan, tenant: Option<&TenantIdentity>) -> String {
    let spec = match &source.kind {
        SourceKind::File(path) => return format!("the logins in {}", path.display()),
        SourceKind::Static(login) => return format!("the login of {:?}", login.username),
        SourceKind::Provider(spec) => spec,
    };
    let name = spec.name;
    if let Some(tenant) = tenant {
        let account = &tenant.account;
        let (namespace, account) = (&account.namespace, &account.name);
        return format!("{name} with the service account {namespace}/{account}");
    }
    let registry = &source.registry;
    let files = registry.env_files.iter();
    let files = files.map(|(variable, path)| format!("{variable} from {}", path.display()));
    let named: Vec<String> = files.chain(registry.env.keys().cloned()).collect();
    if named.is_empty() {
        format!("{name} with the identity of this process")
    } else {
        format!("{name} with {}", named.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use regcred_core::{ErrorKind, ProviderSpec};

    use super::*;
    use crate::config::{Registry, StaticLogin};

    fn source(kind: SourceKind, file: Option<&str>, variable: Option<&str>) -> SourcePlan {
        let registry = Registry {
            name: "r".to_owned(),
            env_files: file
                .map(|name| (name.to_owned(), PathBuf::from("/key")))
                .into_iter()
                .collect(),
            env: variable
                .map(|name| (name.to_owned(), "canary".to_owned()))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
            ..Registry::default()
        };
        SourcePlan { registry, kind }
    }

    fn icr() -> &'static ProviderSpec {
        let mut all = regcred_providers::all().into_iter();
        all.find(|spec| spec.name == "icr").expect("a provider")
    }

    #[test]
    fn the_identity_is_what_the_configuration_names() {
        let icr = || SourceKind::Provider(icr());
        let login = StaticLogin {
            username: "robot".to_owned(),
            ..StaticLogin::default()
        };
        for (source, expected) in [
            (
                source(icr(), None, None),
                "icr with the identity of this process",
            ),
            (
                source(icr(), Some("IBMCLOUD_API_KEY"), Some("IBMCLOUD_IAM_URL")),
                "icr with IBMCLOUD_API_KEY from /key, IBMCLOUD_IAM_URL",
            ),
            (
                source(SourceKind::File("/c".into()), None, None),
                "the logins in /c",
            ),
            (
                source(SourceKind::Static(login), None, None),
                "the login of \"robot\"",
            ),
        ] {
            assert_eq!(configured(&source, None), expected);
        }
    }

    #[test]
    fn the_identity_that_was_used_comes_before_the_configured_one() {
        let call = FailedCall {
            identity: "the API key".to_owned(),
            server: "IAM at h".to_owned(),
        };
        let inner = ProviderError::new("icr", ErrorKind::Unreachable, "late").in_call(call);
        let error = ProviderError::new("icr", ErrorKind::Unreachable, "no").with_source(inner);
        let failure = not_issued(
            &source(SourceKind::Provider(icr()), None, None),
            None,
            &error,
        );
        let identity = "the API key (icr with the identity of this process)";
        assert_eq!(failure.identity.as_deref(), Some(identity));
        assert_eq!(failure.server.as_deref(), Some("IAM at h"));
    }

    #[test]
    fn the_next_step_is_apart_from_the_answer_and_shown_once() {
        let source = source(SourceKind::File("/c".into()), None, None);
        let error = || ProviderError::new("file", ErrorKind::NotConfigured, "no logins; none");
        let shown = |error| {
            let failure = not_issued(&source, None, &error);
            assert_eq!(failure.registry.as_deref(), Some("r"));
            (failure.to_string(), failure.answer, failure.next_step)
        };
        let (line, answer, step) = shown(error());
        assert_eq!((line.as_str(), step), ("file: no logins; none", None));
        assert_eq!(answer, line);
        let (line, answer, step) = shown(error().with_next_step("log in; then retry".to_owned()));
        assert_eq!(line, "file: no logins; none; log in; then retry");
        assert_eq!(answer, "file: no logins; none");
        assert_eq!(step.as_deref(), Some("log in; then retry"));
    }
}
