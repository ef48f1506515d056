//! Whose token may go where: ECR's registry host names, in every partition.
//!
//! The private pattern is the one of upstream's plugin and helper (cloud-provider-aws
//! `cmd/ecr-credential-provider`, amazon-ecr-credential-helper), anchored at both ends and applied
//! to the host without port, in lower case and without a final dot.

use std::sync::OnceLock;

use regcred_core::{AlsoServe, RegistryHost};
use regex_lite::Regex;

/// What a registry's host name says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EcrHost {
    /// A private registry.
    Private(PrivateHost),
    /// Amazon ECR Public; true for its dual-stack name.
    Public {
        /// Whether the name is the one that has IPv6 addresses too.
        dual_stack: bool,
    },
}

/// The parts of a private registry's host name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PrivateHost {
    /// Twelve digits; `None` where the name has none (VPC endpoint, listed host).
    pub(crate) account: Option<String>,
    /// The region; `None` for a listed host without one.
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
        match host {
            PUBLIC => return Some(Self::Public { dual_stack: false }),
            PUBLIC_DUAL_STACK => return Some(Self::Public { dual_stack: true }),
            _ => {}
        }
        if let Some(parts) = private_pattern().captures(host) {
            let text = |n: usize| parts.get(n).map_or("", |m| m.as_str());
            return Some(Self::Private(PrivateHost {
                account: Some(text(1).to_owned()),
                region: Some(text(3).to_owned()),
                fips: !text(2).is_empty(),
                dual_stack: text(4).starts_with("on."),
            }));
        }
        if let Some(parts) = vpc_endpoint_pattern().captures(host) {
            return Some(Self::Private(PrivateHost {
                region: parts.get(1).map(|m| m.as_str().to_owned()),
                ..PrivateHost::default()
            }));
        }
        also.contains(registry).then(|| {
            Self::Private(PrivateHost {
                region: also.value(registry).map(str::to_owned),
                ..PrivateHost::default()
            })
        })
    }

    /// The account in the name.
    pub(crate) fn account(&self) -> Option<&str> {
        match self {
            Self::Private(host) => host.account.as_deref(),
            Self::Public { .. } => None,
        }
    }
}

/// The kubelet's `matchImages`: one pattern for each form that exists in DNS, as EKS nodes have
/// them. A glob never crosses a dot, so that the dual-stack forms need their own.
pub(crate) fn match_images(also: &AlsoServe) -> Vec<String> {
    MATCH_IMAGES
        .iter()
        .copied()
        .chain(also.hosts())
        .map(str::to_owned)
        .collect()
}

fn private_pattern() -> &'static Regex {
    static PATTERN: OnceLock<Regex> = OnceLock::new();
    PATTERN.get_or_init(|| compiled(PRIVATE))
}

fn vpc_endpoint_pattern() -> &'static Regex {
    static PATTERN: OnceLock<Regex> = OnceLock::new();
    PATTERN.get_or_init(|| compiled(VPC_ENDPOINT))
}

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a constant pattern that the tests compile")
}

/// `\d` would be Unicode in some engines, so the account is spelled out.
const PRIVATE: &str = r"^([0-9]{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9][a-z0-9_-]*)\.(amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$";

/// An interface endpoint's own name, for clusters without private DNS. Endpoint services of other
/// people are named `vpce-svc-...` where this has `dkr.ecr`.
const VPC_ENDPOINT: &str = r"^vpce-[a-z0-9]+(?:-[a-z0-9]+)*\.dkr\.ecr\.([a-z0-9][a-z0-9-]*)\.vpce\.amazonaws\.com(?:\.cn)?$";

const PUBLIC: &str = "public.ecr.aws";
const PUBLIC_DUAL_STACK: &str = "ecr-public.aws.com";

const MATCH_IMAGES: &[&str] = &[
    "*.dkr.ecr.*.amazonaws.com",
    "*.dkr.ecr.*.amazonaws.com.cn",
    "*.dkr.ecr-fips.*.amazonaws.com",
    "*.dkr-ecr.*.on.aws",
    "*.dkr-ecr.*.on.amazonwebservices.com.cn",
    "*.dkr-ecr-fips.*.on.aws",
    "*.dkr.ecr.*.amazonaws.eu",
    "*.dkr.ecr.*.c2s.ic.gov",
    "*.dkr.ecr.*.sc2s.sgov.gov",
    "*.dkr.ecr.*.cloud.adc-e.uk",
    "*.dkr.ecr.*.csp.hci.ic.gov",
    PUBLIC,
    PUBLIC_DUAL_STACK,
];

#[cfg(test)]
mod tests {
    use regcred_core::ImagePattern;

    use super::*;

    fn parse(text: &str) -> Option<EcrHost> {
        EcrHost::parse(
            &RegistryHost::parse(text).expect(text),
            &AlsoServe::default(),
        )
    }

    fn private(region: &str, fips: bool, dual_stack: bool) -> Option<EcrHost> {
        Some(EcrHost::Private(PrivateHost {
            account: Some("123456789012".to_owned()),
            region: Some(region.to_owned()),
            fips,
            dual_stack,
        }))
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
        assert_eq!(
            parse("public.ecr.aws/x/y"),
            Some(EcrHost::Public { dual_stack: false })
        );
        assert_eq!(
            parse("ecr-public.aws.com:443/x"),
            Some(EcrHost::Public { dual_stack: true })
        );
    }

    #[test]
    fn a_vpc_endpoint_of_ecr_is_read_and_others_are_not() {
        let host = "vpce-0a1b2c3d-x9y8z7-us-east-1a.dkr.ecr.us-east-1.vpce.amazonaws.com";
        assert_eq!(
            parse(host),
            Some(EcrHost::Private(PrivateHost {
                region: Some("us-east-1".to_owned()),
                ..PrivateHost::default()
            }))
        );
        assert_eq!(
            parse("vpce-0a1b.vpce-svc-0c2d.us-east-1.vpce.amazonaws.com"),
            None
        );
    }

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
        let region = |text| match host(text) {
            Some(EcrHost::Private(host)) => host.region,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(region("mirror.corp:5000/x").as_deref(), Some("eu-west-1"));
        assert_eq!(region("cache.corp/x"), None);
        assert_eq!(host("evil.corp/x"), None);
        assert!(match_images(&also).ends_with(&["mirror.corp".into(), "cache.corp".into()]));
    }

    #[test]
    fn each_pattern_matches_its_hosts() {
        let patterns: Vec<_> = MATCH_IMAGES
            .iter()
            .map(|p| ImagePattern::parse(p).expect(p))
            .collect();
        for image in [
            "1.dkr.ecr.us-east-1.amazonaws.com/a",
            "1.dkr-ecr.us-west-2.on.aws/a",
            "1.dkr-ecr-fips.us-west-2.on.aws/a",
            "1.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn/a",
            "1.dkr.ecr.eusc-de-east-1.amazonaws.eu/a",
            "public.ecr.aws/a/b",
            "ecr-public.aws.com/a/b",
        ] {
            assert!(patterns.iter().any(|p| p.matches(image)), "{image}");
        }
    }
}
