//! Which API endpoint belongs to a registry: the operator's URL, else the partition's rule with
//! FIPS and dual-stack taken from the registry's host name.
//!
//! Upstream asks the plain endpoint for FIPS and dual-stack hosts too, which an IPv6-only node
//! cannot reach. An explicit setting wins over the host name.

use aws_sdk_ecr::config::endpoint::ResolveEndpoint as _;
use aws_sdk_ecrpublic::config::endpoint::ResolveEndpoint as _;
use aws_sdk_sts::config::endpoint::ResolveEndpoint as _;
use futures_util::FutureExt as _;
use regcred_core::ProviderError;
use regcred_http::secure_url;

use crate::ERRORS;
use crate::hosts::EcrHost;
use crate::shared_config::SharedConfig;

/// An AWS API that the provider calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    Ecr,
    EcrPublic,
    Sts,
}

/// Where an API is called, and for which region a request is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    service: Service,
    /// Empty before [`Endpoint::in_region`].
    pub(crate) region: String,
    /// The operator's URL.
    pub(crate) url: Option<String>,
    pub(crate) fips: bool,
    pub(crate) dual_stack: bool,
}

impl Service {
    /// The SDKs' service identifier.
    fn id(self) -> &'static str {
        match self {
            Self::Ecr => "ECR",
            Self::EcrPublic => "ECR PUBLIC",
            Self::Sts => "STS",
        }
    }
}

impl Endpoint {
    /// Applies the rules for one service, in any region.
    pub(crate) fn choose(
        service: Service,
        host: &EcrHost,
        config: &SharedConfig,
        plain_endpoint: bool,
    ) -> Result<Self, ProviderError> {
        let url = custom_url(service, config)?;
        let derive = url.is_none() && !plain_endpoint;
        let flag = |variable, host: bool| match config.switch(variable)? {
            // As in every AWS SDK.
            Some(true) if url.is_some() => Err(ERRORS.misconfigured(format!(
                "{variable} and an endpoint URL for {} exclude each other, drop one",
                service.id()
            ))),
            Some(set) => Ok(set),
            None => Ok(derive && host),
        };
        Ok(Self {
            service,
            region: String::new(),
            fips: flag("AWS_USE_FIPS_ENDPOINT", host.fips)?,
            dual_stack: flag("AWS_USE_DUALSTACK_ENDPOINT", host.dual_stack)?,
            url,
        })
    }

    /// The endpoint of one region.
    pub(crate) fn in_region(&self, region: &str) -> Self {
        Self {
            region: region.to_owned(),
            ..self.clone()
        }
    }

    /// What decides the URL, for the cache key: resolving the URL would cost a run that is answered
    /// from the cache more than everything else.
    pub(crate) fn key(&self) -> String {
        let url = self.url.as_deref().unwrap_or_default();
        let service = self.service.id();
        format!("{service} {} {} {url}", self.fips, self.dual_stack)
    }

    /// The URL, for messages.
    pub(crate) fn address(&self) -> String {
        macro_rules! address {
            ($sdk:ident) => {{
                use $sdk::config::endpoint::{DefaultResolver, Params};
                Params::builder()
                    .region(self.region.clone())
                    .use_fips(self.fips)
                    .use_dual_stack(self.dual_stack)
                    .set_endpoint(self.url.clone())
                    .build()
                    .ok()
                    .and_then(|params| {
                        DefaultResolver::new()
                            .resolve_endpoint(&params)
                            .now_or_never()
                    })
                    .and_then(Result::ok)
                    .map(|endpoint| endpoint.url().to_owned())
            }};
        }
        let address = match self.service {
            Service::Ecr => address!(aws_sdk_ecr),
            Service::EcrPublic => address!(aws_sdk_ecrpublic),
            Service::Sts => address!(aws_sdk_sts),
        };
        address.unwrap_or_else(|| format!("{} in {}", self.service.id(), self.region))
    }
}

/// The operator's URL, which must not send signed requests in the clear.
fn custom_url(service: Service, config: &SharedConfig) -> Result<Option<String>, ProviderError> {
    if config.switch("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")? == Some(true) {
        return Ok(None);
    }
    match config.endpoint_url(service.id()) {
        Some(url) if secure_url(&url).is_none() => Err(ERRORS.misconfigured(format!(
            "the endpoint URL for {} must be https, or http on loopback",
            service.id()
        ))),
        url => Ok(url),
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::{Env, RegistryHost};

    use super::*;
    use crate::settings::Settings;

    fn choose(
        service: Service,
        host: &str,
        vars: &[(&str, &str)],
    ) -> Result<String, ProviderError> {
        let env = Env::map(vars.iter().copied());
        let settings = Settings::read(&env).expect("sound");
        let config = SharedConfig::load(&env, None).expect("no files");
        let registry = RegistryHost::parse(host).expect(host);
        let host = EcrHost::parse(&registry, &settings.also_serve).expect("ours");
        let region = host.region.clone().expect("named");
        let endpoint = Endpoint::choose(service, &host, &config, settings.plain_endpoint)?;
        Ok(endpoint.in_region(&region).address())
    }

    fn ecr(host: &str, vars: &[(&str, &str)]) -> String {
        choose(Service::Ecr, &format!("123456789012.{host}"), vars).expect(host)
    }

    #[test]
    fn the_endpoint_follows_the_host_name_in_every_partition() {
        for (host, address) in [
            (
                "dkr.ecr.eu-west-1.amazonaws.com",
                "https://api.ecr.eu-west-1.amazonaws.com",
            ),
            (
                "dkr.ecr.cn-north-1.amazonaws.com.cn",
                "https://api.ecr.cn-north-1.amazonaws.com.cn",
            ),
            (
                "dkr.ecr.us-gov-west-1.amazonaws.com",
                "https://api.ecr.us-gov-west-1.amazonaws.com",
            ),
            (
                "dkr.ecr-fips.us-gov-west-1.amazonaws.com",
                "https://api.ecr-fips.us-gov-west-1.amazonaws.com",
            ),
            ("dkr-ecr.us-west-2.on.aws", "https://ecr.us-west-2.api.aws"),
            (
                "dkr-ecr-fips.us-west-2.on.aws",
                "https://ecr-fips.us-west-2.api.aws",
            ),
            (
                "dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
                "https://ecr.cn-north-1.api.amazonwebservices.com.cn",
            ),
            (
                "dkr.ecr.eusc-de-east-1.amazonaws.eu",
                "https://api.ecr.eusc-de-east-1.amazonaws.eu",
            ),
            (
                "dkr.ecr.us-iso-east-1.c2s.ic.gov",
                "https://api.ecr.us-iso-east-1.c2s.ic.gov",
            ),
            (
                "dkr.ecr.us-isob-east-1.sc2s.sgov.gov",
                "https://api.ecr.us-isob-east-1.sc2s.sgov.gov",
            ),
            (
                "dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk",
                "https://api.ecr.eu-isoe-west-1.cloud.adc-e.uk",
            ),
            (
                "dkr.ecr.us-isof-south-1.csp.hci.ic.gov",
                "https://api.ecr.us-isof-south-1.csp.hci.ic.gov",
            ),
            (
                "dkr.ecr.xx-new-9.amazonaws.com",
                "https://api.ecr.xx-new-9.amazonaws.com",
            ),
        ] {
            assert_eq!(ecr(host, &[]), address, "{host}");
        }
    }

    #[test]
    fn public_and_sts_follow_too() {
        let public = |host, vars: &[_]| choose(Service::EcrPublic, host, vars).expect(host);
        assert_eq!(
            public("public.ecr.aws", &[]),
            "https://api.ecr-public.us-east-1.amazonaws.com"
        );
        assert_eq!(
            public("ecr-public.aws.com", &[]),
            "https://ecr-public.us-east-1.api.aws"
        );
        let sts =
            |host: &str| choose(Service::Sts, &format!("123456789012.{host}"), &[]).expect(host);
        assert_eq!(
            sts("dkr.ecr.eu-west-1.amazonaws.com"),
            "https://sts.eu-west-1.amazonaws.com"
        );
        assert_eq!(
            sts("dkr-ecr.eu-west-1.on.aws"),
            "https://sts.eu-west-1.api.aws"
        );
        assert_eq!(
            sts("dkr.ecr-fips.us-east-1.amazonaws.com"),
            "https://sts-fips.us-east-1.amazonaws.com"
        );
        assert_eq!(
            sts("dkr.ecr.cn-north-1.amazonaws.com.cn"),
            "https://sts.cn-north-1.amazonaws.com.cn"
        );
    }

    #[test]
    fn settings_win_over_the_host_name() {
        let fips = "dkr.ecr-fips.us-east-1.amazonaws.com";
        let plain = "https://api.ecr.us-east-1.amazonaws.com";
        assert_eq!(ecr(fips, &[("AWS_USE_FIPS_ENDPOINT", "false")]), plain);
        assert_eq!(ecr(fips, &[("REGCRED_ECR_PLAIN_ENDPOINT", "true")]), plain);
        assert_eq!(
            ecr(
                "dkr.ecr.us-east-1.amazonaws.com",
                &[("AWS_USE_DUALSTACK_ENDPOINT", "true")]
            ),
            "https://ecr.us-east-1.api.aws"
        );
    }

    #[test]
    fn a_custom_url_switches_the_derivation_off() {
        let fips = "dkr-ecr-fips.us-east-1.on.aws";
        let url = "https://vpce-1.api.ecr.us-east-1.vpce.amazonaws.com";
        assert_eq!(ecr(fips, &[("AWS_ENDPOINT_URL_ECR", url)]), url);
        assert_eq!(
            ecr(fips, &[("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")]),
            "http://127.0.0.1:5000"
        );
        let ignored = [
            ("AWS_ENDPOINT_URL_ECR", url),
            ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
        ];
        assert_eq!(ecr(fips, &ignored), "https://ecr-fips.us-east-1.api.aws");
    }

    #[test]
    fn settings_that_cannot_be_followed_are_errors() {
        let error = |vars: &[_]| {
            choose(
                Service::Ecr,
                "123456789012.dkr.ecr.us-east-1.amazonaws.com",
                vars,
            )
            .expect_err("refused")
            .to_string()
        };
        let url = ("AWS_ENDPOINT_URL_ECR", "https://a.example");
        let text = error(&[url, ("AWS_USE_FIPS_ENDPOINT", "true")]);
        assert!(text.contains("exclude each other"), "{text}");
        let text = error(&[("AWS_USE_FIPS_ENDPOINT", "maybe")]);
        assert!(text.contains("neither true nor false"), "{text}");
        for url in [
            "http://10.0.0.1",
            "http://localhost.evil.example",
            "ftp://a",
            "a.example",
        ] {
            let text = error(&[("AWS_ENDPOINT_URL", url)]);
            assert!(text.contains("must be https"), "{url}: {text}");
        }
    }
}
