//! `~/.oci/config`: profiles in INI form. As in Oracle's Python SDK and command line, a profile
//! takes from `[DEFAULT]` what it does not set itself (the Go SDK does not do so).

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use regcred_core::ProviderError;
use regcred_files::{MIB, read_text};
use secrecy::zeroize::Zeroizing;

use crate::ERRORS;

/// The settings of one profile.
#[derive(Default)]
pub(crate) struct Profile(BTreeMap<String, String>);

impl Profile {
    /// Reads a profile. A file that must not be missing is an error when it is.
    pub(crate) fn read(path: &Path, name: &str, must_exist: bool) -> Result<Self, ProviderError> {
        let text = match read_text(path, MIB).map(Zeroizing::new) {
            Ok(text) => text,
            Err(error) if !must_exist && error.kind() == ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(ERRORS.unreadable("the configuration file", path, error)),
        };
        let mut profiles = parse(&text);
        let found = profiles.remove(name);
        let default = profiles.remove(DEFAULT).unwrap_or_default();
        let Some(mut found) = found.or_else(|| (name == DEFAULT).then(BTreeMap::new)) else {
            let mut known: Vec<&str> = profiles.keys().map(String::as_str).collect();
            known.push(DEFAULT);
            return Err(ERRORS.misconfigured(format!(
                "{} has no profile {name:?}; it has {}",
                path.display(),
                known.join(", ")
            )));
        };
        for (key, value) in default {
            found.entry(key).or_insert(value);
        }
        Ok(Self(found))
    }

    /// A setting that is there and not empty.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0
            .get(key)
            .map(String::as_str)
            .filter(|v| !v.is_empty())
    }
}

/// Profiles by name. Keys are in lower case; other lines than settings are left out. Of two profiles
/// with one name the first counts, as for the Go SDK; Python's refuses the file.
fn parse(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut profiles: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut current = None;
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = profile_name(line) {
            current = (!profiles.contains_key(name)).then(|| name.to_owned());
            profiles.entry(name.to_owned()).or_default();
        } else if let Some(name) = &current
            && let Some(at) = line.find(['=', ':'])
        {
            let (key, value) = (line[..at].trim(), line[at + 1..].trim());
            let profile = profiles.entry(name.clone()).or_default();
            profile.insert(key.to_ascii_lowercase(), value.to_owned());
        }
    }
    profiles
}

/// The name in a line that begins a profile. What follows its last bracket is not read, as in
/// Oracle's SDKs: `[DEFAULT] # main`.
fn profile_name(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix('[')?.rsplit_once(']')?;
    Some(name.trim())
}

pub(crate) const DEFAULT: &str = "DEFAULT";

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("file");
        std::fs::write(file.path(), text).expect("file");
        file
    }

    const TEXT: &str = "stray = line\n[DEFAULT]\n# comment\nuser = ocid1.user.oc1..a\nregion=us-phoenix-1\r\npass_phrase = a=b:c\n\
                        [admin]\nregion : eu-frankfurt-1\nUser=\n; other\nnonsense\n";

    #[test]
    fn a_profile_inherits_from_default_and_values_keep_their_equal_signs() {
        let file = file(TEXT);
        let profile = Profile::read(file.path(), DEFAULT, true).expect("there");
        assert_eq!(profile.get("user"), Some("ocid1.user.oc1..a"));
        assert_eq!(profile.get("pass_phrase"), Some("a=b:c"));
        let profile = Profile::read(file.path(), "admin", true).expect("there");
        assert_eq!(profile.get("region"), Some("eu-frankfurt-1"));
        assert_eq!(profile.get("pass_phrase"), Some("a=b:c"));
        assert_eq!(profile.get("user"), None, "empty is not set");
    }

    #[test]
    fn what_follows_a_profiles_name_is_not_read() {
        for line in [
            "[DEFAULT] # main",
            "[DEFAULT];main",
            "[DEFAULT]main",
            "\u{feff}[DEFAULT]\t",
        ] {
            let file = file(&format!("{line}\nuser=a\n[other] ; b=c\nuser=b\n"));
            for (name, user) in [(DEFAULT, "a"), ("other", "b")] {
                let profile = Profile::read(file.path(), name, true).expect(line);
                assert_eq!(profile.get("user"), Some(user), "{line}");
            }
        }
    }

    /// The data of the Go SDK's own tests (`common/configuration_test.go`), and what its parser does
    /// with forms that they leave out.
    #[test]
    fn profiles_are_read_as_oracles_sdk_for_go_reads_them() {
        const SOME: &str = "user=someuser\nfingerprint=somefingerprint\nkey_file=somelocation\n\
                            tenancy=sometenancy\ncompartment = somecompartment\nregion=someregion\n";
        const OTHER: &str =
            "user=a\nfingerprint=a\nkey_file=a\ntenancy=a\ncompartment = b\n\nregion=b\n";
        for (text, name) in [
            (format!("[DEFAULT]\n{SOME}"), DEFAULT),
            (format!("\n[DEFAULT]\n{SOME}[OTHER]\n{OTHER}"), DEFAULT),
            (
                format!("[DEFAULT]\n{OTHER}\n[PROFILE1]\n{SOME}"),
                "PROFILE1",
            ),
            (format!("[DEFAULT]\n{OTHER}\n[]\n{SOME}"), ""),
            // The first of two with one name counts.
            (format!("[A]\n{SOME}[B]\n{OTHER}[A]\n{OTHER}"), "A"),
            (format!("[DEFAULT]\n{SOME}[DEFAULT]\n{OTHER}"), DEFAULT),
            // The last of two settings with one name counts.
            (format!("[A]\n{OTHER}{SOME}"), "A"),
            (format!("[A]\r\n{}", SOME.replace('\n', "\r\n")), "A"),
            (
                format!("[A]\n{}", SOME.to_uppercase().replace("SOME", "some")),
                "A",
            ),
            (format!("[A]\n  {}", SOME.replace('\n', "\n  ")), "A"),
        ] {
            let file = file(&text);
            let profile = Profile::read(file.path(), name, true).expect(name);
            for key in ["user", "tenancy", "fingerprint", "region"] {
                let value = profile.get(key).map(str::to_ascii_lowercase);
                assert_eq!(value, Some(format!("some{key}")), "{text}");
            }
        }
        assert!(Profile::read(file("").path(), "PROFILE1", true).is_err());
    }

    #[test]
    fn a_missing_profile_names_those_that_are_there() {
        let file = file(TEXT);
        let Err(error) = Profile::read(file.path(), "amdin", true) else {
            panic!("no such profile");
        };
        assert!(
            error.to_string().ends_with("it has admin, DEFAULT"),
            "{error}"
        );
        assert!(!error.to_string().contains("a=b:c"));
        let missing = Path::new("/nonexistent/config");
        assert!(Profile::read(missing, DEFAULT, true).is_err());
        assert!(Profile::read(missing, DEFAULT, false).is_ok());
    }
}
