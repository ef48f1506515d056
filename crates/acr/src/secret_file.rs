//! Words of configuration that may lie in a file instead of a variable.

use std::path::Path;

use regcred_core::{Env, ProviderError};
use regcred_files::{MIB, read_secret};
use secrecy::{ExposeSecret, SecretString};

use crate::failure::misconfigured;

/// A variable's value, or the trimmed content of the file that another variable names. `None` when
/// neither is set.
///
/// # Errors
/// When the file cannot be read or is empty.
pub(crate) fn value(
    env: &Env,
    variable: &str,
    file: &str,
) -> Result<Option<SecretString>, ProviderError> {
    if let Some(value) = env.get(variable) {
        return Ok(Some(value.into()));
    }
    env.path(file)
        .map(|path| trimmed(&path, &format!("{file} ({})", path.display())))
        .transpose()
}

/// The content of a file without the blanks around it.
///
/// # Errors
/// When the file, which `what` names in the message, cannot be read or is empty.
pub(crate) fn trimmed(path: &Path, what: &str) -> Result<SecretString, ProviderError> {
    let text = read_secret(path, MIB)
        .map_err(|e| misconfigured(format!("cannot read {what}")).with_source(e))?;
    match text.expose_secret().trim() {
        "" => Err(misconfigured(format!("{what} is empty"))),
        trimmed => Ok(trimmed.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_wins_over_a_file_which_is_trimmed() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("password");
        std::fs::write(&path, "from file\n").expect("write");
        let file = ("F", path.to_str().expect("path"));
        let read = |env: Env| {
            let value = value(&env, "V", "F").expect("readable");
            value.map(|v| v.expose_secret().to_owned())
        };
        assert_eq!(read(Env::map([file])).as_deref(), Some("from file"));
        assert_eq!(
            read(Env::map([file, ("V", "direct")])).as_deref(),
            Some("direct")
        );
        assert_eq!(read(Env::default()), None);
    }

    #[test]
    fn missing_and_empty_files_are_errors() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("f");
        let env = Env::map([("F", path.to_str().expect("path"))]);
        assert!(value(&env, "V", "F").is_err());
        std::fs::write(&path, " \n").expect("write");
        assert!(value(&env, "V", "F").is_err());
    }
}
