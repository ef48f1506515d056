//! Whose token may go where: ECR's registry host names, in every partition.
//!
//! The private form is the one of upstream's plugin and helper (cloud-provider-aws
//! `cmd/ecr-credential-provider`, amazon-ecr-credential-helper), read from end to end of the host
//! without port, in lower case and without a final dot.

use regcred_core::{AlsoServe, RegistryHost};

/// What a registry's host name says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EcrHost {
    /// Whether this is Amazon ECR Public.
    pub(crate) is_public: bool,
    /// Twelve digits; `None` where the name has none (ECR Public, VPC endpoint, listed host).
    pub(crate) account: Option<String>,
    /// The region of the API; `None` for a listed host without one.
    pub(crate) region: Option<String>,
    /// Whether the name is a FIPS endpoint's.
    pub(crate) fips: bool,
    /// Whether the name has IPv6 addresses too.
    pub(crate) dual_stack: bool,
}

impl EcrHost {
    /// Reads a host name by the rules above, then the operator's list. `None`: not ours.
    pub(crate) fn parse(registry: &RegistryHost, also: &AlsoServe) -> Option<Self> {
        let host = registry.host();
        let listed = || {
            also.contains(registry).then(|| Self {
                region: also.value(registry).map(str::to_owned),
                ..Self::default()
            })
        };
        Self::public(host)
            .or_else(|| Self::private(host))
            .or_else(|| Self::vpc_endpoint(host))
            .or_else(listed)
    }

    /// ECR Public, by its name or its dual-stack name. It has one API region for all.
    fn public(host: &str) -> Option<Self> {
        let ours = [PUBLIC, PUBLIC_DUAL_STACK].contains(&host);
        ours.then(|| Self {
            is_public: true,
            region: Some("us-east-1".to_owned()),
            dual_stack: host == PUBLIC_DUAL_STACK,
            ..Self::default()
        })
    }

    /// `ACCOUNT.dkr.ecr.REGION.SUFFIX`, with `-fips` after `ecr` for a FIPS endpoint, or `dkr-ecr`.
    fn private(host: &str) -> Option<Self> {
        let (account, rest) = host.split_once('.')?;
        let rest = rest.strip_prefix("dkr")?.strip_prefix(['.', '-'])?;
        let rest = rest.strip_prefix("ecr")?;
        let fips = rest.strip_prefix("-fips");
        let (region, suffix) = fips.unwrap_or(rest).strip_prefix('.')?.split_once('.')?;
        let ours = is_account(account) && is_region(region, "-_") && SUFFIXES.contains(&suffix);
        ours.then(|| Self {
            is_public: false,
            account: Some(account.to_owned()),
            region: Some(region.to_owned()),
            fips: fips.is_some(),
            dual_stack: suffix.starts_with("on."),
        })
    }

    /// An interface endpoint's own name, for clusters without private DNS. Endpoint services of other
    /// people are named `vpce-svc-...` where this has `dkr.ecr`.
    fn vpc_endpoint(host: &str) -> Option<Self> {
        let (id, rest) = host.strip_prefix("vpce-")?.split_once(".dkr.ecr.")?;
        let (region, suffix) = rest.split_once('.')?;
        let suffix = suffix.strip_suffix(".cn").unwrap_or(suffix);
        let ours = id.split('-').all(|word| is_region(word, ""))
            && is_region(region, "-")
            && suffix == "vpce.amazonaws.com";
        ours.then(|| Self {
            region: Some(region.to_owned()),
            ..Self::default()
        })
    }
}

/// Twelve digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Letters and digits, after the first also one of the marks.
fn is_region(text: &str, marks: &str) -> bool {
    let is_lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(is_lower) && text.chars().all(|c| is_lower(c) || marks.contains(c))
}

/// The kubelet's `matchImages`: one pattern for each form of a name that AWS publishes. A glob never
/// crosses a dot, so the dual-stack forms need their own.
pub(crate) fn match_images(also: &AlsoServe) -> Vec<String> {
    let private = SUFFIXES.iter().flat_map(|suffix| {
        // A name with IPv6 addresses has a dash.
        let dkr = if suffix.starts_with("on.") {
            "dkr-ecr"
        } else {
            "dkr.ecr"
        };
        ["", "-fips"].map(|fips| format!("*.{dkr}{fips}.*.{suffix}"))
    });
    let fixed = [PUBLIC, PUBLIC_DUAL_STACK].into_iter().chain(VPC_ENDPOINTS);
    let fixed = fixed.chain(also.hosts()).map(str::to_owned);
    private.chain(fixed).collect()
}

/// What follows the region.
const SUFFIXES: &[&str] = &[
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "on.aws",
    "on.amazonwebservices.com.cn",
    "sc2s.sgov.gov",
    "c2s.ic.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
];

const PUBLIC: &str = "public.ecr.aws";
const PUBLIC_DUAL_STACK: &str = "ecr-public.aws.com";

const VPC_ENDPOINTS: [&str; 2] = [
    "*.dkr.ecr.*.vpce.amazonaws.com",
    "*.dkr.ecr.*.vpce.amazonaws.com.cn",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<EcrHost> {
        EcrHost::parse(
            &RegistryHost::parse(text).expect(text),
            &AlsoServe::default(),
        )
    }

    fn private(region: &str, fips: bool, dual_stack: bool) -> Option<EcrHost> {
        Some(EcrHost {
            is_public: false,
            account: Some("123456789012".to_owned()),
            region: Some(region.to_owned()),
            fips,
            dual_stack,
        })
    }

    #[test]
    fn every_published_form_is_read() {
        for (suffix, region, fips, dual) in [
            (
                ".dkr.ecr.us-east-1.amazonaws.com",
                "us-east-1",
                false,
                false,
            ),
            (
                ".dkr.ecr.cn-north-1.amazonaws.com.cn",
                "cn-north-1",
                false,
                false,
            ),
            (
                ".dkr.ecr-fips.us-gov-west-1.amazonaws.com",
                "us-gov-west-1",
                true,
                false,
            ),
            (".dkr-ecr.us-west-2.on.aws", "us-west-2", false, true),
            (".dkr-ecr-fips.us-east-2.on.aws", "us-east-2", true, true),
            (
                ".dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn",
                "cn-northwest-1",
                false,
                true,
            ),
            (
                ".dkr.ecr.eusc-de-east-1.amazonaws.eu",
                "eusc-de-east-1",
                false,
                false,
            ),
            (
                ".dkr.ecr.us-iso-east-1.c2s.ic.gov",
                "us-iso-east-1",
                false,
                false,
            ),
            (
                ".dkr.ecr.us-isob-east-1.sc2s.sgov.gov",
                "us-isob-east-1",
                false,
                false,
            ),
            (
                ".dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk",
                "eu-isoe-west-1",
                false,
                false,
            ),
            (
                ".dkr.ecr.us-isof-south-1.csp.hci.ic.gov",
                "us-isof-south-1",
                false,
                false,
            ),
            // Superset forms that upstream accepts.
            (
                ".dkr-ecr.us-west-2.amazonaws.com",
                "us-west-2",
                false,
                false,
            ),
            (".dkr.ecr.us-west-2.on.aws", "us-west-2", false, true),
            (
                ".DKR.ecr.US-WEST-2.amazonaws.com.:443/a/b:v1",
                "us-west-2",
                false,
                false,
            ),
        ] {
            let image = format!("123456789012{suffix}");
            assert_eq!(parse(&image), private(region, fips, dual), "{image}");
        }
        for (image, dual) in [
            ("public.ecr.aws/x/y", false),
            ("ecr-public.aws.com:443/x", true),
        ] {
            let host = parse(image).expect(image);
            assert!(host.is_public && host.dual_stack == dual, "{host:?}");
            assert_eq!(host.region.as_deref(), Some("us-east-1"));
        }
    }

    #[test]
    fn a_vpc_endpoint_of_ecr_is_read_and_others_are_not() {
        let host = "vpce-0a1b2c3d-x9y8z7-us-east-1a.dkr.ecr.us-east-1.vpce.amazonaws.com";
        assert_eq!(
            parse(host),
            Some(EcrHost {
                region: Some("us-east-1".to_owned()),
                ..EcrHost::default()
            })
        );
        assert_eq!(
            parse("vpce-0a1b.vpce-svc-0c2d.us-east-1.vpce.amazonaws.com"),
            None
        );
    }

    /// Every name that differs from a sound one by a character: read as upstream's pattern reads it.
    #[test]
    fn private_names_are_read_as_by_upstreams_pattern() {
        let upstream = regex_lite::Regex::new(UPSTREAM).expect("a pattern");
        let vpc = regex_lite::Regex::new(VPC).expect("a pattern");
        for name in [
            "123456789012.dkr.ecr.us-east-1.amazonaws.com.cn",
            "123456789012.dkr-ecr-fips.us-west-2.on.amazonwebservices.com.cn",
            "123456789012.dkr.ecr.us_east-1.csp.hci.ic.gov",
            "vpce-0a1b-x9.dkr.ecr.us-east-1.vpce.amazonaws.com.cn",
        ] {
            for at in 0..=name.len() {
                let (before, after) = name.split_at(at);
                let rest = after.get(1..).unwrap_or_default();
                for changed in [".", "-", "_", "a", "7", "A", "é", ""] {
                    for name in [
                        format!("{before}{changed}{after}"),
                        format!("{before}{changed}{rest}"),
                        format!("{before}{changed}"),
                    ] {
                        let found = upstream.captures(&name).map(|parts| {
                            let text = |n: usize| parts.get(n).map_or("", |m| m.as_str());
                            private(text(3), !text(2).is_empty(), text(4).starts_with("on."))
                        });
                        let account = |host: EcrHost| EcrHost {
                            account: Some("123456789012".to_owned()),
                            ..host
                        };
                        let read = EcrHost::private(&name).map(account);
                        assert_eq!(read, found.flatten(), "{name}");
                        let endpoint = EcrHost::vpc_endpoint(&name).and_then(|host| host.region);
                        let found = vpc.captures(&name).and_then(|parts| parts.get(1));
                        assert_eq!(endpoint.as_deref(), found.map(|m| m.as_str()), "{name}");
                    }
                }
            }
        }
    }

    const UPSTREAM: &str = r"^([0-9]{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9][a-z0-9_-]*)\.(amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$";
    const VPC: &str = r"^vpce-[a-z0-9]+(?:-[a-z0-9]+)*\.dkr\.ecr\.([a-z0-9][a-z0-9-]*)\.vpce\.amazonaws\.com(?:\.cn)?$";

    #[test]
    fn look_alikes_are_not_ours() {
        for host in [
            "123456789012.dkr.ecr.us-east-1.amazonaws.com.evil.example",
            "evil.example/123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "x123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "a.123456789012.dkr.ecr.us-east-1.amazonaws.com",
            "12345678901.dkr.ecr.us-east-1.amazonaws.com",
            "1234567890123.dkr.ecr.us-east-1.amazonaws.com",
            "123456789012.dkr.ecr.us-east-1.amazonaws.com.co",
            "123456789012.dkr.ecr.us-east-1.amazonaws-com",
            "123456789012.dkrxecr.us-east-1.amazonaws.com",
            "123456789012.dkr.ecr.us-east-1.evil.amazonaws.com",
            "123456789012.dkr.ecr..amazonaws.com",
            "public.ecr.aws.evil.example",
            "xpublic.ecr.aws",
            "my.public.ecr.aws",
            "registry.k8s.io",
            "amazonaws.com",
        ] {
            assert_eq!(parse(host), None, "{host}");
        }
    }

    #[test]
    fn listed_hosts_are_served_with_their_region() {
        let also = AlsoServe::parse("mirror.corp=eu-west-1,cache.corp").expect("sound");
        let host = |text| EcrHost::parse(&RegistryHost::parse(text).expect(text), &also);
        let region = |text| host(text).expect(text).region;
        assert_eq!(region("mirror.corp:5000/x").as_deref(), Some("eu-west-1"));
        assert_eq!(region("cache.corp/x"), None);
        assert_eq!(host("evil.corp/x"), None);
        assert!(match_images(&also).ends_with(&["mirror.corp".into(), "cache.corp".into()]));
    }
}
