//! The kubelet's face: a `CredentialProviderRequest` on standard input, a
//! `CredentialProviderResponse` in the same version on standard output (kubernetes
//! `pkg/credentialprovider/plugin/plugin.go`).

use regcred_api::{CredentialProviderRequest, CredentialProviderResponse, GoDuration};
use regcred_core::{CacheScope, CredentialRequest, Issued, SecretText as _};
use regcred_run::{ProgramError, Streams};
use secrecy::zeroize::Zeroizing;

use crate::cache_duration::cache_duration;
use crate::command_line::unknown_command;
use crate::context::Context;

/// Answers one request. `stray` is a word in a command's place. It is ignored, and named as the likely
/// mistake if the request cannot be read.
pub(crate) fn run(
    context: &Context<'_>,
    stray: Option<&str>,
    streams: &mut Streams<'_>,
) -> Result<(), ProgramError> {
    let asked = read(streams).map_err(|error| match stray {
        Some(word) => {
            let unknown = unknown_command(word);
            error.reworded(|text| format!("{unknown}; it was ignored, and {text}"))
        }
        None => error,
    })?;
    if let Some(token) = &asked.service_account_token {
        token.never_shown();
    }
    let named = CredentialRequest::new(&asked.image)
        .map_err(|error| ProgramError::usage(format!("cannot read the request: {error}")))?;
    let request = CredentialRequest {
        service_account_token: asked.service_account_token,
        service_account_annotations: asked.service_account_annotations,
        ..named
    };
    let mut response = CredentialProviderResponse {
        api_version: asked.api_version,
        cache_key_type: CacheScope::Image,
        cache_duration: Some(GoDuration::default()),
        auth: Vec::new(),
    };
    match context.ask(&request)? {
        Some((_, issued)) => fill(&mut response, issued, context),
        None => tracing::info!(
            "{} is not a registry of {}: answering without credentials",
            request.registry,
            context.titles()
        ),
    }
    streams.write(&Zeroizing::new(response.to_vec()))
}

fn read(streams: &mut Streams<'_>) -> Result<CredentialProviderRequest, ProgramError> {
    let input = streams.read_input("a CredentialProviderRequest as JSON")?;
    CredentialProviderRequest::from_slice(&input)
        .map_err(|error| ProgramError::usage(format!("cannot read the request: {error}")))
}

fn fill(response: &mut CredentialProviderResponse, issued: Issued, context: &Context<'_>) {
    response.cache_duration = Some(cache_duration(&issued, context.clock.now()).into());
    response.cache_key_type = issued.scope;
    response.auth = issued.auth;
}

#[cfg(test)]
mod tests {
    use crate::fake::CANARY;
    use crate::run::testing::Started;

    const V1: &str = "credentialprovider.kubelet.k8s.io/v1";

    fn asked(version: &str, image: &str) -> String {
        format!(
            r#"{{"apiVersion":"{version}","kind":"CredentialProviderRequest","image":"{image}"}}"#
        )
    }

    fn answered(input: &str, vars: &[(&str, &str)]) -> Started {
        Started::new("fake-credential-provider", "")
            .env(vars)
            .stdin(input)
            .run()
    }

    #[test]
    fn each_version_is_answered_in_kind() {
        for version in ["v1", "v1beta1", "v1alpha1"] {
            let version = format!("credentialprovider.kubelet.k8s.io/{version}");
            let answer = answered(&asked(&version, "fake.io/app"), &[]);
            assert_eq!(
                answer.stdout,
                format!(
                    "{{\"kind\":\"CredentialProviderResponse\",\"apiVersion\":\"{version}\",\
                     \"cacheKeyType\":\"Registry\",\"cacheDuration\":\"6h0m0s\",\"auth\":\
                     {{\"fake.io\":{{\"username\":\"AWS\",\"password\":\"{CANARY}\"}}}}}}\n"
                )
            );
            assert_eq!((answer.code, &*answer.stderr), (0, ""));
        }
    }

    #[test]
    fn an_image_that_is_not_served_is_answered_with_nothing() {
        for (image, mode) in [("evil.io/app", "ok"), ("fake.io/app", "unserved")] {
            let answer = answered(&asked(V1, image), &[("FAKE_MODE", mode)]);
            assert_eq!(
                answer.stdout,
                "{\"kind\":\"CredentialProviderResponse\",\
                 \"apiVersion\":\"credentialprovider.kubelet.k8s.io/v1\",\
                 \"cacheKeyType\":\"Image\",\"cacheDuration\":\"0s\",\"auth\":{}}\n"
            );
            assert_eq!((answer.code, &*answer.stderr), (0, ""));
        }
    }

    #[test]
    fn an_answer_without_credentials_is_kept_as_long_as_the_provider_says() {
        let answer = answered(&asked(V1, "fake.io/app"), &[("FAKE_MODE", "short")]);
        assert!(answer.stdout.contains("\"cacheDuration\":\"1m30s\""));
        let answer = answered(&asked(V1, "fake.io/app"), &[("FAKE_MODE", "empty")]);
        assert!(
            answer
                .stdout
                .contains("\"cacheDuration\":\"12h0m0s\",\"auth\":{}")
        );
    }

    #[test]
    fn a_failure_leaves_stdout_empty_and_one_line_on_stderr() {
        let other_version = asked("credentialprovider.kubelet.k8s.io/v2", "fake.io/app");
        let no_image = asked(V1, "");
        let bad_host = asked(V1, "user@fake.io/app");
        let good = asked(V1, "fake.io/app");
        for (input, mode, code, text) in [
            ("", "ok", 2, "standard input is empty: expected a Cred"),
            ("{not json", "ok", 2, "cannot read the request: "),
            (&*other_version, "ok", 2, "cannot read the request: "),
            (&*no_image, "ok", 2, "cannot read the request: image"),
            (&*bad_host, "ok", 2, "user information is not allowed"),
            (&*good, "denied", 6, "fake: the role may not"),
        ] {
            let answer = answered(input, &[("FAKE_MODE", mode)]);
            assert_eq!(answer.code, code, "{input}");
            assert_eq!(answer.stdout, "", "{input}");
            assert!(answer.stderr.contains(text), "{}", answer.stderr);
            assert_eq!(answer.stderr.lines().count(), 1, "{}", answer.stderr);
        }
        let broken = answered(&good, &[("FAKE_BROKEN", "1")]);
        assert_eq!((broken.code, &*broken.stderr), (4, "fake: it is broken\n"));
    }

    #[test]
    fn a_stray_word_is_named_when_there_is_no_request() {
        for (stdin, why) in [
            ("", "standard input is empty"),
            ("fake.io", "cannot read the request"),
        ] {
            let answer = Started::new("fake-credential-provider", "tokn fake.io")
                .stdin(stdin)
                .run();
            let start =
                format!("unknown command \"tokn\"; did you mean token; it was ignored, and {why}");
            assert!(answer.stderr.starts_with(&start), "{}", answer.stderr);
            assert_eq!((answer.code, &*answer.stdout), (2, ""));
        }
        let answer = Started::new("fake-credential-provider", "tokn")
            .stdin(&asked(V1, "fake.io/app"))
            .run();
        assert_eq!((answer.code, &*answer.stderr), (0, ""));
    }

    #[test]
    fn too_much_input_is_refused_at_once() {
        let answer = answered(&" ".repeat(2 << 20), &[]);
        assert_eq!(answer.code, 2);
        assert!(
            answer
                .stderr
                .starts_with("standard input holds more than 1 MiB")
        );
    }

    #[test]
    fn flags_set_the_providers_variables() {
        let answer = Started::new(
            "fake-credential-provider",
            "get-credentials -a denied --v=0",
        )
        .stdin(&asked(V1, "fake.io/app"))
        .run();
        assert_eq!(answer.code, 6);
    }

    #[test]
    fn a_reader_that_is_gone_is_reported() {
        let answer = Started::new("fake-credential-provider", "")
            .stdin(&asked(V1, "fake.io/app"))
            .closed_stdout()
            .run();
        assert_eq!(answer.code, 141);
        assert!(answer.stderr.starts_with("cannot write to standard output"));
    }
}
