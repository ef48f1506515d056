//! Where Google's credentials files (Application Default Credentials) are.
//! <https://cloud.google.com/docs/authentication/application-default-credentials>

use std::io::ErrorKind;
use std::path::PathBuf;

#[cfg(any(test, not(target_feature = "crt-static")))]
use regcred_core::SecretText as _;
use regcred_core::{Env, ProviderError};
use regcred_files::{MIB, read_secret};
use secrecy::SecretString;

use crate::gcloud::{WELL_KNOWN, gcloud_dir};
use crate::{ERRORS, vars};

/// A credentials file as it was read.
#[derive(Clone)]
pub(crate) struct CredentialFile {
    pub(crate) path: PathBuf,
    /// The whole file, byte for byte.
    pub(crate) text: SecretString,
}

/// The result of a search.
pub(crate) enum Search {
    Found(CredentialFile),
    /// No file, and the places searched.
    Absent(String),
}

impl CredentialFile {
    /// The file named by `GOOGLE_APPLICATION_CREDENTIALS`, else the one that `gcloud auth
    /// application-default login` writes.
    ///
    /// # Errors
    /// When the variable names a file that cannot be read, or the other one is not a text file.
    pub(crate) fn find(env: &Env) -> Result<Search, ProviderError> {
        if let Some(path) = env.path(vars::CREDENTIALS_FILE) {
            return match read_secret(&path, MIB) {
                Ok(text) => Ok(Search::Found(Self { path, text })),
                Err(error) => {
                    let (shown, name) = (path.display(), vars::CREDENTIALS_FILE);
                    let message = format!("cannot read {shown}, which {name} names");
                    Err(ERRORS.misconfigured(message).with_source(error))
                }
            };
        }
        let unset = format!("{} is not set", vars::CREDENTIALS_FILE);
        let Some(path) = gcloud_dir(env).map(|dir| dir.join(WELL_KNOWN)) else {
            let why = format!("{unset} and neither is HOME");
            return Ok(Search::Absent(why));
        };
        let shown = path.display();
        match read_secret(&path, MIB) {
            Ok(text) => Ok(Search::Found(Self { path, text })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Search::Absent(format!(
                "{unset} and {shown} does not exist"
            ))),
            // A service may have the home directory of another user: its file counts as missing.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::NotADirectory | ErrorKind::PermissionDenied
                ) =>
            {
                let why = format!("{unset} and {shown} cannot be opened ({error})");
                Ok(Search::Absent(why))
            }
            Err(error) => {
                let message = format!("cannot read {shown}");
                Err(ERRORS.misconfigured(message).with_source(error))
            }
        }
    }

    /// Whether the file still holds the same text.
    #[cfg(any(test, not(target_feature = "crt-static")))]
    pub(crate) fn is_unchanged(&self) -> bool {
        read_secret(&self.path, MIB).is_ok_and(|text| text.is_same(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::{ErrorKind, report};

    use super::*;
    use crate::testing::Dir;

    fn find(vars: &[(&str, &str)]) -> Result<Search, ProviderError> {
        CredentialFile::find(&Env::map(vars.iter().copied()))
    }

    #[test]
    fn the_variable_comes_before_the_well_known_file() {
        let dir = Dir::new();
        let named = dir.file("key.json", "{}");
        dir.file(".config/gcloud/application_default_credentials.json", "{}");
        dir.file("sdk/application_default_credentials.json", "{}");
        let home = dir.path("");
        let home = home.to_str().expect("UTF-8");
        let sdk = dir.path("sdk");
        let sdk = sdk.to_str().expect("UTF-8");
        for (vars, wanted) in [
            (
                vec![
                    ("GOOGLE_APPLICATION_CREDENTIALS", named.as_str()),
                    ("HOME", home),
                ],
                "key.json",
            ),
            (
                vec![("HOME", home)],
                ".config/gcloud/application_default_credentials.json",
            ),
            (
                vec![("HOME", home), ("CLOUDSDK_CONFIG", sdk)],
                "sdk/application_default_credentials.json",
            ),
        ] {
            match find(&vars).expect("search") {
                Search::Found(file) => assert_eq!(file.path, dir.path(wanted)),
                Search::Absent(why) => panic!("{why}"),
            }
        }
    }

    #[test]
    fn a_missing_file_is_an_error_only_when_it_was_named() {
        let error = find(&[("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")])
            .err()
            .expect("named");
        assert_eq!(error.kind(), ErrorKind::NotConfigured);
        assert!(
            error.to_string().contains("GOOGLE_APPLICATION_CREDENTIALS"),
            "{error}"
        );
        for vars in [&[][..], &[("HOME", "/nowhere")]] {
            match find(vars).expect("search") {
                Search::Found(_) => panic!("no file there"),
                Search::Absent(why) => assert!(why.contains("is not set"), "{why}"),
            }
        }
        let Ok(Search::Absent(why)) = find(&[("HOME", "/nowhere")]) else {
            panic!("no file there");
        };
        assert!(why.ends_with("credentials.json does not exist"), "{why}");
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        let dir = Dir::new();
        let path = dir.file("long.json", &" ".repeat(2 << 20));
        let error = find(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)])
            .err()
            .expect("too large");
        let shown = report(&error);
        assert!(shown.contains("larger") && shown.contains(&path), "{shown}");
    }

    #[test]
    fn a_file_that_was_rewritten_is_seen() {
        let dir = Dir::new();
        let path = dir.file("key.json", "{}");
        let Ok(Search::Found(file)) = find(&[("GOOGLE_APPLICATION_CREDENTIALS", &path)]) else {
            panic!("the file is there");
        };
        assert!(file.is_unchanged());
        dir.file("key.json", "{ }");
        assert!(!file.is_unchanged());
    }
}
