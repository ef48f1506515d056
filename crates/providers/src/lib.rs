//! The list of all providers: the one place besides its own crate that a new cloud is added to.
//!
//! Each provider is a feature, on by default; a feature adds its provider and changes nothing else.

use regcred_core::ProviderSpec;

/// Every provider that was compiled in, in a fixed order.
#[must_use]
pub fn all() -> Vec<&'static ProviderSpec> {
    vec![
        #[cfg(feature = "ecr")]
        &regcred_ecr::SPEC,
        #[cfg(feature = "gcr")]
        &regcred_gcr::SPEC,
        #[cfg(feature = "acr")]
        &regcred_acr::SPEC,
        #[cfg(feature = "icr")]
        &regcred_icr::SPEC,
        #[cfg(feature = "ocir")]
        &regcred_ocir::SPEC,
        #[cfg(feature = "generic")]
        &regcred_generic::SPEC,
    ]
}

/// The provider of this stable name: `ecr`.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static ProviderSpec> {
    all().into_iter().find(|spec| spec.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use regcred_core::{Clock, Env, ImagePattern, RegistryHost, Role};

    use super::*;

    fn unique<'a>(names: impl IntoIterator<Item = &'a str>) {
        let mut seen = BTreeSet::new();
        for name in names {
            assert!(seen.insert(name), "{name} is there twice");
        }
    }

    #[test]
    fn providers_are_found_by_name() {
        for spec in all() {
            assert_eq!(by_name(spec.name).expect("itself").title, spec.title);
        }
        assert!(by_name("other").is_none());
    }

    #[test]
    fn names_flags_and_variables_are_unique() {
        unique(all().iter().map(|spec| spec.name));
        unique(all().iter().flat_map(|spec| spec.plugin_aliases).copied());
        unique(all().iter().flat_map(|spec| spec.helper_aliases).copied());
        for spec in all() {
            unique(spec.vars.iter().map(|var| var.name));
            unique(spec.flags().map(|flag| flag.name));
            for var in spec.vars {
                assert!(var.doc.ends_with('.'), "{}", var.name);
            }
        }
    }

    #[test]
    fn every_provider_starts_from_nothing_and_names_what_it_serves() {
        for spec in all() {
            let provider = (spec.new)(&Env::default(), &Clock::system()).expect(spec.name);
            assert_eq!(provider.name(), spec.name);
            let patterns = provider.match_images();
            let by_file = spec.with_role(Role::ConfigFile).next().is_some();
            assert_eq!(patterns.is_empty(), by_file, "{}", spec.name);
            for pattern in patterns {
                ImagePattern::parse(&pattern).expect("a pattern that the kubelet accepts");
                if let Ok(host) = RegistryHost::parse(&pattern) {
                    assert!(provider.serves(&host), "{}: {pattern}", spec.name);
                }
            }
            let other = RegistryHost::parse("registry.example.com").expect("a host");
            assert!(!provider.serves(&other), "{}", spec.name);
        }
    }

    #[test]
    fn the_printed_patterns_match_every_served_form_and_no_other() {
        let by_form = |spec: &&ProviderSpec| spec.with_role(Role::ConfigFile).next().is_none();
        for spec in all().into_iter().filter(by_form) {
            let provider = (spec.new)(&Env::default(), &Clock::system()).expect(spec.name);
            let served = SERVED.iter().find(|(name, _)| *name == spec.name);
            let (_, served) = served.unwrap_or_else(|| panic!("{} has no hosts here", spec.name));
            let patterns = provider.match_images();
            let parsed = patterns
                .iter()
                .map(|text| ImagePattern::parse(text).expect(text));
            let parsed: Vec<_> = parsed.collect();
            for text in *served {
                let host = RegistryHost::parse(text).expect(text);
                assert!(provider.serves(&host), "{}: {text}", spec.name);
                let printed = parsed.iter().any(|pattern| pattern.matches(text));
                assert!(printed, "{}: {text} is in none of {patterns:?}", spec.name);
            }
            for (pattern, text) in parsed.iter().zip(&patterns) {
                let used = served.iter().any(|host| pattern.matches(host));
                assert!(used, "{}: {text} matches none of its hosts", spec.name);
            }
        }
    }

    /// Every form of a registry's name that a cloud publishes.
    const SERVED: [(&str, &[&str]); 5] = [
        (
            "ecr",
            &[
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
                "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
                "123456789012.dkr-ecr.us-west-2.on.aws",
                "123456789012.dkr-ecr-fips.us-west-2.on.aws",
                "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
                "123456789012.dkr.ecr-fips.cn-north-1.amazonaws.com.cn",
                "123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
                "123456789012.dkr-ecr-fips.cn-north-1.on.amazonwebservices.com.cn",
                "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu",
                "123456789012.dkr.ecr-fips.eusc-de-east-1.amazonaws.eu",
                "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov",
                "123456789012.dkr.ecr-fips.us-iso-east-1.c2s.ic.gov",
                "123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov",
                "123456789012.dkr.ecr-fips.us-isob-east-1.sc2s.sgov.gov",
                "123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk",
                "123456789012.dkr.ecr-fips.eu-isoe-west-1.cloud.adc-e.uk",
                "123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov",
                "123456789012.dkr.ecr-fips.us-isof-south-1.csp.hci.ic.gov",
                "vpce-0a1b2c3d-x9y8z7.dkr.ecr.us-east-1.vpce.amazonaws.com",
                "vpce-0a1b2c3d-x9y8z7.dkr.ecr.cn-north-1.vpce.amazonaws.com.cn",
                "public.ecr.aws",
                "ecr-public.aws.com",
            ],
        ),
        (
            "gcr",
            &[
                "gcr.io",
                "eu.gcr.io",
                "container.cloud.google.com",
                "europe-west1-docker.pkg.dev",
                "docker.us-central1.rep.pkg.dev",
            ],
        ),
        (
            "acr",
            &[
                "contoso.azurecr.io",
                "contoso-a1b2.azurecr.io",
                "contoso.eastus.geo.azurecr.io",
                "contoso.azurecr.cn",
                "contoso.chinaeast2.geo.azurecr.cn",
                "contoso.azurecr.us",
                "contoso.usgovvirginia.geo.azurecr.us",
                "contoso.azurecr.de",
                "contoso.germanycentral.geo.azurecr.de",
            ],
        ),
        (
            "icr",
            &[
                "icr.io",
                "us.icr.io",
                "jp2.icr.io",
                "private.icr.io",
                "private.us.icr.io",
                "registry.bluemix.net",
                "registry.eu-de.bluemix.net",
            ],
        ),
        (
            "ocir",
            &[
                "phx.ocir.io",
                "us-phoenix-1.ocir.io",
                "ocir.us-phoenix-1.oci.oraclecloud.com",
                "ocir.ap-chuncheon-2.oci.oraclecloud35.com",
                "ocir.eu-frankfurt-2.oci.oraclecloud.eu",
                "ocir.us-gov-ashburn-1.oci.oraclegovcloud.com",
                "ocir.uk-gov-london-1.oci.oraclegovcloud.uk",
            ],
        ),
    ];
}
