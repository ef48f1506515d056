//! A login that does not expire, its password in a file or a variable.

use regcred_core::{Clock, Credentials, Env, ErrorKind, ProviderError};

use super::secret_file::{is_empty, read_line};
use super::token::Token;
use crate::config::{STATIC, StaticLogin};
use crate::life::Life;
use crate::plan::SourcePlan;

pub(super) fn logins(
    source: &SourcePlan,
    login: &StaticLogin,
    env: &Env,
    clock: &Clock,
) -> Result<Token, ProviderError> {
    let fail = |text: String| ProviderError::new(STATIC, ErrorKind::NotConfigured, text);
    let (shown, found) = match (&login.password_file, &login.password_variable) {
        (Some(path), _) => {
            let shown = path.display().to_string();
            let found = read_line(path);
            let found =
                found.map_err(|error| fail(format!("cannot read {shown}")).with_source(error))?;
            (shown, found)
        }
        (None, variable) => {
            let name = variable.as_deref().unwrap_or_default();
            (name.to_owned(), env.get(name).unwrap_or_default().into())
        }
    };
    if is_empty(&found) {
        return Err(fail(format!("there is no password in {shown}")));
    }
    let credentials = Credentials::new(&*login.username, found);
    let hosts = source.hosts.iter();
    Ok(Token {
        logins: hosts
            .map(|host| (host.clone(), credentials.clone()))
            .collect(),
        life: Life::from(clock.now(), None),
    })
}
