//! A login that is passed on unchanged: the admin user, or a repository-scoped token.

use regcred_cloud::{Options, SecretPlace};
use regcred_core::{Credentials, Env, ProviderError, RegistryHost};
use secrecy::{ExposeSecret, SecretString};

use crate::hosts::LoginServer;
use crate::{ERRORS, vars};

/// The login for this registry, if one is configured for it.
///
/// # Errors
/// When a login is half configured, or does not say which registries it is for.
pub(crate) fn find(
    env: &Env,
    registry: &RegistryHost,
    login_server: Option<LoginServer<'_>>,
) -> Result<Option<Credentials>, ProviderError> {
    let place = (vars::USERNAME, vars::USERNAME_FILE);
    let Some(username) = secret(env, "the user name", place)? else {
        return Ok(None);
    };
    let username = username.expose_secret();
    let (user, list) = (vars::USERNAME, vars::LOGIN_SERVER);
    if env.get(list).is_some() {
        if !Options::new(ERRORS, env).hosts(list)?.contains(registry) {
            return Ok(None);
        }
    } else if !login_server.is_some_and(|own| own.registry.eq_ignore_ascii_case(username)) {
        // The admin user has the name of its registry. One with a domain name label's hash is
        // another registry, perhaps of another owner.
        return Err(ERRORS.misconfigured(format!(
            "{user} is not known to be for {registry}: name its registries in {list}"
        )));
    }
    let place = (vars::PASSWORD, vars::PASSWORD_FILE);
    match secret(env, "the password", place)? {
        Some(password) => Ok(Some(Credentials::new(username, password))),
        None => Err(ERRORS.misconfigured(format!(
            "{user} needs {} or {}",
            vars::PASSWORD,
            vars::PASSWORD_FILE
        ))),
    }
}

/// The secret that the variables hold or name; `what` it is, for messages.
fn secret(
    env: &Env,
    what: &str,
    (variable, file): (&str, &str),
) -> Result<Option<SecretString>, ProviderError> {
    let place = SecretPlace::named(env, variable, file);
    place.map(|place| place.read(ERRORS, what)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::Hosts;

    const USER: (&str, &str) = (vars::USERNAME, "Contoso");
    const PASSWORD: (&str, &str) = (vars::PASSWORD, "canary");

    fn found(vars: &[(&str, &str)], host: &str) -> Result<Option<String>, ProviderError> {
        let (hosts, registry) = (Hosts::default(), RegistryHost::parse(host).expect("host"));
        let login_server = hosts.login_server(registry.host());
        let login = find(&Env::map(vars.iter().copied()), &registry, login_server)?;
        Ok(login.map(|l| format!("{}:{}", l.username, l.password.expose_secret())))
    }

    #[test]
    fn the_admin_user_is_for_the_registry_of_its_name() {
        let vars = [USER, PASSWORD];
        let login = found(&vars, "contoso.azurecr.io/app").expect("sound");
        assert_eq!(login.as_deref(), Some("Contoso:canary"));
        for host in ["fabrikam.azurecr.io", "contoso-hash.azurecr.io"] {
            let error = found(&vars, host).expect_err(host);
            assert!(!error.to_string().contains("canary"), "{error}");
        }
        assert!(
            found(&[PASSWORD], "contoso.azurecr.io")
                .expect("sound")
                .is_none()
        );
    }

    #[test]
    fn a_token_is_for_the_registries_that_are_named() {
        let list = (
            vars::LOGIN_SERVER,
            "fabrikam.azurecr.io, contoso-hash.azurecr.io",
        );
        let vars = [(vars::USERNAME, "puller"), PASSWORD, list];
        for host in ["fabrikam.azurecr.io", "CONTOSO-hash.azurecr.io/x"] {
            let login = found(&vars, host).expect("sound");
            assert_eq!(login.as_deref(), Some("puller:canary"), "{host}");
        }
        assert_eq!(found(&vars, "other.azurecr.io").expect("sound"), None);
    }

    #[test]
    fn both_parts_may_be_in_files_and_both_are_needed() {
        let dir = tempfile::tempdir().expect("directory");
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("write");
            path.to_str().expect("path").to_owned()
        };
        let user = file("username", "contoso\n");
        let password = file("password", "from file\n");
        let vars = [
            (vars::USERNAME_FILE, user.as_str()),
            (vars::PASSWORD_FILE, password.as_str()),
        ];
        let login = found(&vars, "contoso.azurecr.io").expect("sound");
        assert_eq!(login.as_deref(), Some("contoso:from file"));
        assert!(found(&vars[..1], "contoso.azurecr.io").is_err());
    }
}
