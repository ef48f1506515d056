//! Which addresses a credentials file may name. Such a file decides where secrets are sent, so its
//! word alone is not enough: the hosts are Google's, or ones that the operator listed. Refusals are
//! reasons without a subject; who asked names the file.

use regcred_http::{Url, is_link_local, is_loopback};

use crate::settings::{GOOGLE, Settings};
use crate::vars;

impl Settings {
    /// A URL to which a secret is sent. `field` is its name in the file.
    pub(crate) fn trusted_url(&self, field: &str, text: &str) -> Result<String, String> {
        let url = parse(field, text)?;
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let below = |domain: &str| {
            host.strip_suffix(domain)
                .is_some_and(|name| name.len() > 1 && name.ends_with('.'))
        };
        let google = url.scheme() == "https"
            && url.port().is_none()
            && (below(GOOGLE) || below(&self.universe) || host == "accounts.google.com");
        let listed = self.lists(&url) && (url.scheme() == "https" || is_loopback(&url));
        if google || listed {
            return Ok(text.to_owned());
        }
        Err(format!(
            "{field} names {}://{host}, which is not an https address of {GOOGLE}: list the host in \
             {} if it is meant",
            url.scheme(),
            vars::TRUSTED_HOSTS
        ))
    }

    /// A URL from which a subject token is read: https anywhere, plain http only on this machine,
    /// on its link (where clouds have their metadata servers) and from listed hosts.
    pub(crate) fn readable_url(&self, field: &str, text: &str) -> Result<String, String> {
        let url = parse(field, text)?;
        if url.scheme() == "https" || is_loopback(&url) || is_link_local(&url) || self.lists(&url) {
            return Ok(text.to_owned());
        }
        Err(format!(
            "{field} names plain http on {}: list the host in {} if it is meant",
            url.host_str().unwrap_or_default(),
            vars::TRUSTED_HOSTS
        ))
    }

    /// A URL of the machine's own metadata server (for AWS).
    pub(crate) fn link_url(&self, field: &str, text: &str) -> Result<String, String> {
        let url = parse(field, text)?;
        if is_loopback(&url) || is_link_local(&url) || self.lists(&url) {
            return Ok(text.to_owned());
        }
        Err(format!(
            "{field} names {}, which is no metadata server's address: list the host in {} if it is \
             meant",
            url.host_str().unwrap_or_default(),
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
            "it is of the universe {of_file:?} and {} is in use: set {} if it is meant",
            self.universe,
            vars::UNIVERSE
        ))
    }

    /// Whether the operator listed the URL's host, with or without its port.
    pub(crate) fn lists(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else {
            return false;
        };
        let host = host.to_ascii_lowercase();
        let with_port = url
            .port_or_known_default()
            .map(|port| format!("{host}:{port}"));
        self.trusted_hosts
            .iter()
            .any(|listed| *listed == host || Some(listed) == with_port.as_ref())
    }
}

fn parse(field: &str, text: &str) -> Result<Url, String> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .filter(|url| url.has_host() && url.username().is_empty() && url.password().is_none())
        .ok_or_else(|| format!("{field} is no http or https URL"))
}

#[cfg(test)]
mod tests {
    use regcred_core::Env;

    use super::*;

    fn settings(vars: &[(&str, &str)]) -> Settings {
        Settings::read(&Env::map(vars.iter().copied())).expect("sound")
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
