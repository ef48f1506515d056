//! Where a secret is: in an option, or in a file.

use std::path::PathBuf;

use regcred_core::{Env, ProviderError, SecretText as _, fingerprint};
use regcred_files::{MIB, read_secret};
use secrecy::SecretString;

use crate::Errors;

/// A secret that is given, or is in a file that others renew in place.
#[derive(Clone, Debug)]
pub enum SecretPlace {
    /// The secret itself.
    Given(SecretString),
    /// The file that holds it.
    File(PathBuf),
}

impl SecretPlace {
    /// What the variables name: the secret in the first, else the file in the second.
    #[must_use]
    pub fn named(env: &Env, variable: &str, file: &str) -> Option<Self> {
        let given = env
            .get(variable)
            .map(|text| Self::Given(text.trim().into()));
        given.or_else(|| env.path(file).map(Self::File))
    }

    /// The secret without the blanks around it; a file is read each time. `what` names the secret.
    ///
    /// # Errors
    /// When the file cannot be read, or the secret is empty.
    pub fn read(&self, errors: Errors, what: &str) -> Result<SecretString, ProviderError> {
        let text = match self {
            Self::Given(secret) => secret.clone(),
            Self::File(path) => {
                read_secret(path, MIB).map_err(|error| errors.unreadable(what, path, error))?
            }
        };
        if text.is_blank() {
            return Err(errors.misconfigured(format!("{} is empty", self.describe(what))));
        }
        Ok(text.trimmed())
    }

    /// What messages call the secret: `what`, and the path of its file.
    #[must_use]
    pub fn describe(&self, what: &str) -> String {
        match self {
            Self::Given(_) => what.to_owned(),
            Self::File(path) => format!("{what} {}", path.display()),
        }
    }

    /// The place by a stable name for cache keys: the secret's fingerprint, or the file's path.
    #[must_use]
    pub fn stable_name(&self) -> String {
        match self {
            Self::Given(secret) => fingerprint(secret),
            Self::File(path) => path.display().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn an_option_wins_over_a_file_which_is_trimmed_and_not_empty() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("token");
        std::fs::write(&path, "a.b.c\n").expect("write");
        let file = ("F", path.to_str().expect("path"));
        let read = |vars: &[(&str, &str)]| {
            let place = SecretPlace::named(&Env::map(vars.iter().copied()), "V", "F");
            let place = place.expect("named");
            place.read(Errors::of("x"), "the token")
        };
        let text = |vars: &[_]| read(vars).expect("secret").expose_secret().to_owned();
        assert_eq!(text(&[file]), "a.b.c");
        assert_eq!(text(&[file, ("V", " direct ")]), "direct");
        assert!(SecretPlace::named(&Env::default(), "V", "F").is_none());
        std::fs::write(&path, " \n").expect("write");
        assert!(read(&[file]).is_err());
        std::fs::remove_file(&path).expect("remove");
        let error = read(&[file]).expect_err("gone").to_string();
        assert_eq!(
            error,
            format!("x: cannot read the token {}", path.display())
        );
    }

    #[test]
    fn the_stable_name_shows_no_secret() {
        let name = SecretPlace::Given("canary".into()).stable_name();
        assert!(!name.contains("canary"), "{name}");
    }
}
