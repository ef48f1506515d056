//! Small files that hold keys, tokens and settings, read in bounds.

use std::io;
use std::path::{Path, PathBuf};

use regcred_core::{Env, ProviderError};
use regcred_files::{MIB, read_secret};
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;

use crate::failure::misconfigured;

/// The text of a file. `what` names it in the error.
pub(crate) fn read(what: &str, path: &Path) -> Result<Zeroizing<String>, ProviderError> {
    match read_text(path) {
        Ok(text) => Ok(text),
        Err(error) => {
            Err(misconfigured(format!("cannot read {what} {}", path.display())).with_source(error))
        }
    }
}

/// The text of a file that need not be there.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Zeroizing<String>>, io::Error> {
    match read_text(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A path as people write it: `~` stands for the home directory.
pub(crate) fn expand(env: &Env, path: &str) -> PathBuf {
    match (path.strip_prefix('~'), env.home()) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(path),
    }
}

fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    let text = read_secret(path, MIB)?;
    Ok(Zeroizing::new(text.expose_secret().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_told_from_an_empty_and_a_huge_one() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("x");
        assert!(read_if_there(&path).expect("missing").is_none());
        std::fs::write(&path, "").expect("file");
        assert_eq!(
            read_if_there(&path)
                .expect("there")
                .as_deref()
                .map(String::as_str),
            Some("")
        );
        std::fs::write(&path, vec![b'a'; (1 << 20) + 1]).expect("file");
        assert!(read_if_there(&path).is_err());
        let error = read("the key", &directory.path().join("y")).expect_err("missing");
        assert!(error.to_string().contains("the key"), "{error}");
    }

    #[test]
    fn a_tilde_is_the_home_directory_and_nothing_else() {
        let env = Env::map([("HOME", "/home/me")]);
        for (text, path) in [
            ("~/.oci/key.pem", "/home/me/.oci/key.pem"),
            ("~", "/home/me"),
            ("~you/key", "~you/key"),
            ("/a/~b", "/a/~b"),
        ] {
            assert_eq!(expand(&env, text), Path::new(path));
        }
        assert_eq!(expand(&Env::default(), "~/k"), Path::new("~/k"));
    }
}
