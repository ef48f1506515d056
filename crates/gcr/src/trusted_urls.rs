//! Which URLs a credentials file may name. Such a file decides where secrets are sent, so its word
//! alone is not enough: the hosts are Google's, or ones that the operator listed. The errors are
//! reasons without a subject; the caller the message contains its path.

use regcred_http::{Url, has_user, is_link_local, is_loopback};

use crate::settings::{GOOGLE, Settings};
use crate::vars;

impl Settings {
    /// A URL to which a secret is sent. `field` is its name in the file.
    pub(crate) fn trusted_url(&self, field: &str, text: &str) -> Result<String, String> {
        let problem = "which is not an https address of googleapis.com";
        self.allowed(field, text, problem, |url, host, listed| {
            let below = |domain: &str| {
                let name = host.strip_suffix(domain);
                name.is_some_and(|name| name.len() > 1 && name.ends_with('.'))
            };
            let is_google = below(GOOGLE) || below(&self.universe) || host == "accounts.google.com";
            match url.scheme() {
                "https" => listed || (url.port().is_none() && is_google),
                _ => listed && is_loopback(url),
            }
        })
    }

    /// A URL from which a subject token is read: https anywhere, plain http only on this machine,
    /// on its link (where clouds have their metadata servers) and from listed hosts.
    pub(crate) fn readable_url(&self, field: &str, text: &str) -> Result<String, String> {
        self.allowed(field, text, "which is plain http", |url, _, listed| {
            url.scheme() == "https" || is_loopback(url) || is_link_local(url) || listed
        })
    }

    /// A URL of the machine's own metadata server (for AWS).
    pub(crate) fn link_url(&self, field: &str, text: &str) -> Result<String, String> {
        let problem = "which is not the address of a metadata server";
        self.allowed(field, text, problem, |url, _, listed| {
            is_loopback(url) || is_link_local(url) || listed
        })
    }

    /// A URL that fits: the closure gets it with its host in lower case, and whether the operator
    /// listed that.
    pub(crate) fn allowed(
        &self,
        field: &str,
        text: &str,
        problem: &str,
        fits: impl FnOnce(&Url, &str, bool) -> bool,
    ) -> Result<String, String> {
        let url = Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .filter(|url| url.has_host() && !has_user(url))
            .ok_or_else(|| format!("{field} is not an http or https URL"))?;
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let port = url.port_or_known_default().unwrap_or_default();
        let with_port = format!("{host}:{port}");
        let mut listed = self.trusted_hosts.iter();
        let is_listed = listed.any(|listed| *listed == host || *listed == with_port);
        if fits(&url, &host, is_listed) {
            return Ok(text.to_owned());
        }
        Err(format!(
            "{field} names {}://{host}, {problem}: list the host in {} if this is intended",
            url.scheme(),
            vars::TRUSTED_HOSTS
        ))
    }

    /// Refuses a file of another universe than the one in use.
    pub(crate) fn check_universe(&self, of_file: Option<&str>) -> Result<(), String> {
        let of_file = of_file.filter(|u| !u.is_empty()).unwrap_or(GOOGLE);
        if of_file.eq_ignore_ascii_case(&self.universe) {
            return Ok(());
        }
        Err(format!(
            "it belongs to the universe {of_file:?}, but {} is in use: set {} if this is intended",
            self.universe,
            vars::UNIVERSE
        ))
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::Env;

    use super::*;

    fn settings(vars: &[(&str, &str)]) -> Settings {
        Settings::read(&Env::map(vars.iter().copied())).expect("good")
    }

    #[test]
    fn secrets_go_to_google_only() {
        let settings = settings(&[]);
        for url in [
            "https://sts.googleapis.com/v1/token",
            "https://STS.googleapis.com/v1/token",
            "https://sts.us-east1.rep.googleapis.com/v1/token",
            "https://accounts.google.com/o/oauth2/token",
        ] {
            assert!(settings.trusted_url("token_url", url).is_ok(), "{url}");
        }
        for url in [
            "http://sts.googleapis.com/v1/token",
            "https://googleapis.com/",
            "https://.googleapis.com/",
            "https://evilgoogleapis.com/",
            "https://sts.googleapis.com.evil.com/",
            "https://sts.googleapis.com:8443/",
            "https://user@sts.googleapis.com/",
            "https://evil.com/sts.googleapis.com",
            "https://evil.com#.googleapis.com",
            "https://evil.com\\.googleapis.com/",
            "http://127.0.0.1:8080/",
            "file:///etc/shadow",
            "sts.googleapis.com",
        ] {
            let error = settings.trusted_url("token_url", url).expect_err(url);
            assert!(error.contains("token_url"), "{error}");
        }
    }

    #[test]
    fn listed_hosts_and_the_universe_in_use_are_trusted_too() {
        let settings = settings(&[
            (vars::TRUSTED_HOSTS, "sts.corp, 127.0.0.1:8080"),
            (vars::UNIVERSE, "s3nsapis.fr"),
        ]);
        for url in [
            "https://sts.corp/x",
            "https://sts.corp:8443/x",
            "http://127.0.0.1:8080/x",
            "https://sts.s3nsapis.fr/v1/token",
        ] {
            assert!(settings.trusted_url("f", url).is_ok(), "{url}");
        }
        for url in ["http://sts.corp/x", "http://127.0.0.1:8081/x"] {
            assert!(settings.trusted_url("f", url).is_err(), "{url}");
        }
        assert!(settings.check_universe(Some("s3nsapis.fr")).is_ok());
        assert!(settings.check_universe(None).is_err());
    }

    #[test]
    fn subject_tokens_are_not_read_over_plain_http_from_afar() {
        let settings = settings(&[]);
        for url in [
            "https://idp.corp/token",
            "http://169.254.169.254/metadata/identity",
            "http://localhost:1/x",
        ] {
            assert!(settings.readable_url("url", url).is_ok(), "{url}");
        }
        assert!(settings.readable_url("url", "http://idp.corp/t").is_err());
        assert!(settings.link_url("url", "http://169.254.169.254/x").is_ok());
        assert!(settings.link_url("url", "http://[fd00:ec2::254]/x").is_ok());
        assert!(settings.link_url("url", "https://evil.com/x").is_err());
    }
}
