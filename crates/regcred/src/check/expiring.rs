//! Logins, tokens and certificates that have expired, are about to, or are not valid yet.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use regcred_files::{MIB, read, read_secret};
use regcred_keyring::{Candidate, CredentialSource};

use super::finding::{Finding, Place};
use super::validity::Validity;

/// The findings for logins, each of which has its source.
pub(super) fn logins(candidates: &[Candidate], now: DateTime<Utc>) -> Vec<Finding> {
    let found = candidates.iter().filter_map(|login| {
        let validity = Validity::of_token(&login.credentials.password)?;
        let place = match &*login.source {
            CredentialSource::DockerConfig { path } | CredentialSource::PullSecret { path, .. } => {
                Place::file(path)
            }
            CredentialSource::Plugin { .. } => return None,
        };
        let what = format!("the login for {}", login.key);
        validity.finding(place, &what, now, DAY, RENEW_LOGIN)
    });
    found.collect()
}

/// The finding for a service account token.
pub(super) fn token(file: &Path, now: DateTime<Utc>) -> Option<Finding> {
    let token = read_secret(file, MAX_FILE).ok()?;
    let place = Place::file(file);
    // A kubelet requests a new token for each pod; this one is a person's.
    Validity::of_token(&token)?.finding(
        place,
        "the token",
        now,
        TimeDelta::minutes(10),
        RENEW_TOKEN,
    )
}

/// The findings for files of certificates; other files are passed over.
pub(super) fn certificates(files: &[PathBuf], now: DateTime<Utc>) -> Vec<Finding> {
    let found = files.iter().filter_map(|file| {
        let validity = Validity::of_certificates(&read(file, MAX_FILE).ok()?)?;
        let place = Place::file(file);
        validity.finding(
            place,
            "the certificate",
            now,
            TimeDelta::days(30),
            "renew the certificate",
        )
    });
    found.collect()
}

const DAY: TimeDelta = TimeDelta::days(1);
const RENEW_LOGIN: &str =
    "use a credential provider plugin, or regcred-refresh, which renews the login";
const RENEW_TOKEN: &str = "kubectl create token NAME --audience AUDIENCE";
const MAX_FILE: u64 = MIB;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).expect("in range")
    }

    #[test]
    fn a_certificate_is_valid_within_its_two_dates() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("client.cert");
        let mut params = rcgen::CertificateParams::new(["client".to_owned()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 12, 31);
        let key = rcgen::KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        fs::write(&file, format!("{}{pem}", key.serialize_pem())).expect("a file");
        let text = dir.path().join("other");
        fs::write(&text, "text").expect("a file");
        let files = [file, text, dir.path().join("missing")];
        let (first, last) = (1_767_225_600, 1_798_675_200);
        for (now, part) in [
            (
                first - 86_400,
                Some("is valid from 2026-01-01T00:00:00Z, which is in the future"),
            ),
            (first + 86_400, None),
            (
                last - 10 * 86_400,
                Some("expires at 2026-12-31T00:00:00Z, in 10 days"),
            ),
            (last, Some("expired at 2026-12-31T00:00:00Z")),
        ] {
            let found = certificates(&files, at(now));
            assert_eq!(found.len(), usize::from(part.is_some()), "{found:?}");
            if let (Some(part), [one]) = (part, &found[..]) {
                assert!(one.to_string().contains(part), "{one}");
            }
        }
    }

    #[test]
    fn a_login_that_a_plugin_renews_is_not_named() {
        let token = "e30.eyJleHAiOjF9.sig";
        let login = |source| Candidate {
            credentials: regcred_core::Credentials::new("u", token),
            email: String::new(),
            source,
            key: "h.io".to_owned(),
        };
        let plugin = login(CredentialSource::plugin("p"));
        let file = login(CredentialSource::docker_config("/c.json"));
        let found = logins(&[plugin, file], at(2));
        assert_eq!(found.len(), 1);
        let text = found[0].to_string();
        assert!(
            text.starts_with(
                "warning: /c.json: the login for h.io expired at 1970-01-01T00:00:01Z"
            )
        );
        assert!(!text.contains(token));
    }
}
