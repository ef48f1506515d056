//! A login that is handed on as it is: the admin user, or a repository-scoped token.

use regcred_core::{AlsoServe, Credentials, Env, ProviderError, RegistryHost};
use secrecy::ExposeSecret;

use crate::failure::misconfigured;
use crate::hosts::LoginServer;
use crate::{secret_file, vars};

/// The login for this registry, if one is configured for it.
///
/// # Errors
/// When a login is half configured, or not said to be for any registry.
pub(crate) fn find(
    env: &Env,
    registry: &RegistryHost,
    login_server: Option<LoginServer<'_>>,
) -> Result<Option<Credentials>, ProviderError> {
    let Some(username) = secret_file::value(env, vars::USERNAME, vars::USERNAME_FILE)? else {
        return Ok(None);
    };
    let username = username.expose_secret().trim();
    match env.get(vars::LOGIN_SERVER) {
        Some(list) => {
            let list = AlsoServe::parse(list)
                .map_err(|why| misconfigured(format!("{}: {why}", vars::LOGIN_SERVER)))?;
            if !list.contains(registry) {
                return Ok(None);
            }
        }
        // The admin user is called as its registry. Behind a domain name label's hash is another
        // registry, perhaps somebody else's.
        None if login_server.is_some_and(|l| l.registry.eq_ignore_ascii_case(username)) => {}
        None => {
            return Err(misconfigured(format!(
                "{} is not said to be for {registry}: name its registries in {}",
                vars::USERNAME,
                vars::LOGIN_SERVER
            )));
        }
    }
    let password = secret_file::value(env, vars::PASSWORD, vars::PASSWORD_FILE)?;
    match password {
        Some(password) => Ok(Some(Credentials::new(username, password))),
        None => Err(misconfigured(format!(
            "{} needs {} or {}",
            vars::USERNAME,
            vars::PASSWORD,
            vars::PASSWORD_FILE
        ))),
    }
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
    fn both_parts_may_lie_in_files_and_both_are_needed() {
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
