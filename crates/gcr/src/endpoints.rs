//! The endpoints in use. The operator's own come before Google's public ones, also where a
//! credentials file names those: files name them always, whatever the network reaches.

use regcred_http::Url;

use crate::settings::Settings;

impl Settings {
    /// The token exchange of the Security Token Service.
    pub(crate) fn exchange_url(&self) -> String {
        let public = || format!("https://sts.{}/v1/token", self.universe);
        self.sts_url.clone().unwrap_or_else(public)
    }

    /// The token exchange that a credentials file names.
    ///
    /// # Errors
    /// When the file's address is not trusted.
    pub(crate) fn named_exchange_url(&self, url: &str) -> Result<String, String> {
        let url = self.trusted_url("token_url", url)?;
        match &self.sts_url {
            Some(own) if self.is_public(&url, "sts") => Ok(own.clone()),
            _ => Ok(url),
        }
    }

    /// Where the Security Token Service renews the login of a workforce pool: the file's address,
    /// if it names one.
    ///
    /// # Errors
    /// When the file's address is not trusted.
    pub(crate) fn renewal_url(&self, named: Option<&str>) -> Result<String, String> {
        let url = match named {
            Some(url) => self.trusted_url("token_url", url)?,
            None => format!("https://sts.{}/v1/oauthtoken", self.universe),
        };
        match &self.sts_url {
            Some(own) if self.is_public(&url, "sts") => {
                let base = own.strip_suffix("/token").unwrap_or(own);
                Ok(format!("{base}/oauthtoken"))
            }
            _ => Ok(url),
        }
    }

    /// Where the service account with this email, which must have been checked, is acted as.
    pub(crate) fn impersonation_url(&self, email: &str) -> String {
        let public = || format!("https://iamcredentials.{}", self.universe);
        let base = self.iam_url.clone().unwrap_or_else(public);
        format!("{base}/v1/projects/-/serviceAccounts/{email}:generateAccessToken")
    }

    /// Where the service account is acted as that a credentials file names by this URL.
    ///
    /// # Errors
    /// When the file's address is not trusted.
    pub(crate) fn named_impersonation_url(&self, url: &str) -> Result<String, String> {
        let url = self.trusted_url("service_account_impersonation_url", url)?;
        match (&self.iam_url, Url::parse(&url)) {
            (Some(own), Ok(parsed)) if self.is_public(&url, "iamcredentials") => {
                Ok(format!("{own}{}", parsed.path()))
            }
            _ => Ok(url),
        }
    }

    /// Whether the URL is on the public host of a service of Google's, and at its usual port.
    fn is_public(&self, url: &str, service: &str) -> bool {
        let host = format!("{service}.{}", self.universe);
        Url::parse(url).is_ok_and(|url| {
            let named = url.host_str().unwrap_or_default();
            named.eq_ignore_ascii_case(&host) && url.port().is_none()
        })
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::Env;

    use super::*;

    const EXCHANGE: &str = "https://sts.googleapis.com/v1/token";
    const ACCOUNT: &str =
        "/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateAccessToken";

    fn settings(vars: &[(&str, &str)]) -> Settings {
        Settings::read(&Env::map(vars.iter().copied())).expect("good")
    }

    #[test]
    fn the_operators_endpoints_come_before_googles_public_ones_in_a_file() {
        let settings = settings(&[
            ("REGCRED_GCR_STS_URL", "https://sts.corp/v1/token"),
            ("REGCRED_GCR_IAM_CREDENTIALS_URL", "https://iam.corp/google"),
        ]);
        for url in [EXCHANGE, "https://STS.googleapis.com:443/v1beta/token"] {
            let own = settings.named_exchange_url(url);
            assert_eq!(own.as_deref(), Ok("https://sts.corp/v1/token"), "{url}");
        }
        for named in [None, Some("https://sts.googleapis.com/v1/oauthtoken")] {
            let own = settings.renewal_url(named);
            assert_eq!(own.as_deref(), Ok("https://sts.corp/v1/oauthtoken"));
        }
        let public = format!("https://iamcredentials.googleapis.com{ACCOUNT}");
        let own = settings.named_impersonation_url(&public);
        assert_eq!(own, Ok(format!("https://iam.corp/google{ACCOUNT}")));
    }

    #[test]
    fn a_file_that_names_another_endpoint_of_googles_is_obeyed() {
        let settings = settings(&[
            ("REGCRED_GCR_STS_URL", "https://sts.corp/v1/token"),
            ("REGCRED_GCR_IAM_CREDENTIALS_URL", "https://iam.corp"),
        ]);
        for url in [
            "https://sts.us-east1.rep.googleapis.com/v1/token",
            "https://sts.mtls.googleapis.com/v1/token",
        ] {
            assert_eq!(settings.named_exchange_url(url).as_deref(), Ok(url));
        }
        let regional = format!("https://iamcredentials.us-east1.rep.googleapis.com{ACCOUNT}");
        let url = settings.named_impersonation_url(&regional);
        assert_eq!(url, Ok(regional));
    }

    #[test]
    fn without_endpoints_of_the_operators_the_file_is_obeyed() {
        let settings = settings(&[]);
        for url in [EXCHANGE, "https://sts.googleapis.com/v1beta/token"] {
            assert_eq!(settings.named_exchange_url(url).as_deref(), Ok(url));
        }
        let url = format!("https://iamcredentials.googleapis.com{ACCOUNT}");
        assert_eq!(settings.named_impersonation_url(&url), Ok(url));
    }

    #[test]
    fn an_endpoint_of_the_operators_does_not_make_a_strange_file_trusted() {
        let settings = settings(&[("REGCRED_GCR_STS_URL", "https://sts.corp/v1/token")]);
        for url in [
            "https://sts.evil.com/v1/token",
            "http://sts.googleapis.com/v1/token",
        ] {
            assert!(settings.named_exchange_url(url).is_err(), "{url}");
            assert!(settings.renewal_url(Some(url)).is_err(), "{url}");
        }
    }
}
