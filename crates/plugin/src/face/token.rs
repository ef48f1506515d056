//! The face for people and scripts: `token [IMAGE|HOST] --output FORM`.

use regcred_core::{CredentialRequest, ImagePattern, RegistryHost};
use regcred_run::{ProgramError, Streams, output};

use crate::context::Context;
use crate::output::{RegistryLogin, SecretName, TokenOutput};

/// Prints the credential for an image or host.
pub(crate) fn run(
    context: &Context<'_>,
    image: Option<&str>,
    output: TokenOutput,
    secret: &SecretName,
    streams: &mut Streams<'_>,
) -> Result<(), ProgramError> {
    secret.check(output).map_err(ProgramError::usage)?;
    let image = match image {
        Some(image) => image.to_owned(),
        None => only_host(context)?,
    };
    // The verdict: the image as asked, then the identity, the server, its answer and what to do.
    let login = login(context, &image)
        .map_err(|error| error.reworded(|reason| format!("{image}: {reason}")))?;
    streams.write_secret(&login.render(output, secret))
}

/// The login that the provider of an image's registry issues.
pub(crate) fn login(context: &Context<'_>, image: &str) -> Result<RegistryLogin, ProgramError> {
    let request = CredentialRequest::new(image).map_err(ProgramError::usage)?;
    let registry = &request.registry;
    let waiting = format!("waiting for a login for {registry} ...");
    let (provider, issued) = output::noting_wait(waiting, || context.ask(&request))?
        .ok_or_else(|| context.not_served(registry))?;
    RegistryLogin::choose(&issued, &request, provider)
        .ok_or_else(|| Context::no_login(provider, registry))
}

/// The host that the providers serve, if it is only one.
fn only_host(context: &Context<'_>) -> Result<String, ProgramError> {
    let patterns = context.patterns()?;
    match &patterns[..] {
        [only] if is_host(only) => Ok(only.clone()),
        _ => Err(ProgramError::usage(format!(
            "name an image or a registry host: {} token HOST; served are {}",
            context.program,
            patterns.join(", ")
        ))),
    }
}

/// Whether the pattern is the plain name of one registry.
pub(crate) fn is_host(pattern: &str) -> bool {
    RegistryHost::parse(pattern).is_ok()
        && ImagePattern::parse(pattern).is_ok_and(|pattern| pattern.path().is_empty())
}

#[cfg(test)]
mod tests {
    use crate::fake::CANARY;
    use crate::run::testing::Started;

    fn token(line: &str, vars: &[(&str, &str)]) -> Started {
        Started::new("fake-credential-provider", line)
            .env(vars)
            .run()
    }

    #[test]
    fn the_password_is_printed_and_nothing_else() {
        let answer = token("token fake.io/app:v1", &[]);
        assert_eq!(answer.stdout, format!("{CANARY}\n"));
        assert_eq!((answer.code, &*answer.stderr), (0, ""));
    }

    #[test]
    fn a_provider_of_one_host_needs_no_name() {
        assert_eq!(token("token", &[]).stdout, format!("{CANARY}\n"));
        let two = token("token", &[("FAKE_ALSO_SERVE", "mirror.io")]);
        assert_eq!(two.code, 2);
        assert_eq!(
            two.stderr,
            "name an image or a registry host: fake-credential-provider token HOST; served are \
             fake.io, mirror.io\n"
        );
    }

    #[test]
    fn json_names_the_registry_as_asked() {
        let answer = token("token https://FAKE.io/app -o json", &[]);
        let object: serde_json::Value = serde_json::from_str(&answer.stdout).expect("JSON");
        assert_eq!(object["registry"], "FAKE.io");
        assert_eq!(object["expiresAt"], "2023-11-15T10:13:20Z");
        assert_eq!(object["provider"], "fake");
    }

    #[test]
    fn an_error_names_the_flag_when_a_flag_was_given() {
        for (line, vars, name) in [
            ("token fake.io", &[("FAKE_MODE", "wrong")][..], "FAKE_MODE"),
            ("token fake.io --authFlow wrong", &[], "--authFlow"),
            ("token fake.io -a wrong", &[("FAKE_MODE", "ok")], "-a"),
            ("docker get -a wrong", &[], "-a"),
        ] {
            let answer = Started::new("fake-credential-provider", line)
                .env(vars)
                .stdin("fake.io")
                .run();
            let asked = if line.starts_with("token") {
                "fake.io: "
            } else {
                ""
            };
            assert_eq!(
                answer.stderr,
                format!("{asked}fake: {name} must be one of ok, denied\n"),
                "{line}"
            );
        }
    }

    #[test]
    fn failures_have_their_codes() {
        for (line, mode, code, text) in [
            ("token evil.io", "ok", 3, "fake: evil.io is not a registry"),
            (
                "token fake.io/team/app:v1",
                "denied",
                6,
                "fake.io/team/app:v1: fake: the role may not\n",
            ),
            (
                "token fake.io",
                "empty",
                5,
                "fake.io: fake: no credentials for fake.io",
            ),
            ("token fake.io -o yaml", "ok", 2, "is not an output form"),
            ("token fake.io --name x", "ok", 2, "kubernetes-secret"),
            (
                "token fake.io -o kubernetes-secret --name X",
                "ok",
                2,
                "--name: \"X\" is not a name",
            ),
            ("token a@b/c", "ok", 2, "user information"),
        ] {
            let answer = token(line, &[("FAKE_MODE", mode)]);
            assert_eq!(answer.code, code, "{line}");
            assert_eq!(answer.stdout, "");
            assert!(answer.stderr.contains(text), "{}", answer.stderr);
            assert_eq!(answer.stderr.lines().count(), 1);
        }
    }
}
