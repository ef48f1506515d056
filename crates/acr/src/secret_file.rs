//! Small files that hold a secret, and words of configuration that may lie in a file instead of a
//! variable.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use regcred_core::{Env, ProviderError};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use crate::failure::misconfigured;

/// The text of a file of at most a megabyte.
pub(crate) fn read(path: &Path) -> io::Result<SecretString> {
    let bytes = read_bytes(path)?;
    let text = std::str::from_utf8(bytes.expose_secret())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text"))?;
    Ok(text.into())
}

/// The bytes of such a file.
pub(crate) fn read_bytes(path: &Path) -> io::Result<SecretSlice<u8>> {
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIMIT {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it is longer than 1 MiB",
        ));
    }
    Ok(std::mem::take(&mut *bytes).into())
}

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
    let text =
        read(path).map_err(|e| misconfigured(format!("cannot read {what}")).with_source(e))?;
    match text.expose_secret().trim() {
        "" => Err(misconfigured(format!("{what} is empty"))),
        trimmed => Ok(trimmed.into()),
    }
}

const LIMIT: u64 = 1 << 20;

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
    fn missing_empty_binary_and_huge_files_are_errors() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("f");
        let env = Env::map([("F", path.to_str().expect("path"))]);
        assert!(value(&env, "V", "F").is_err());
        for content in [b" \n".to_vec(), vec![0xff, 0xfe], vec![b'a'; (1 << 20) + 1]] {
            std::fs::write(&path, content).expect("write");
            assert!(value(&env, "V", "F").is_err());
        }
    }
}
