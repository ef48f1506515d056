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

    use regcred_core::{Clock, Env, ImagePattern, RegistryHost};

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
        }
    }

    #[test]
    fn every_provider_starts_from_nothing_and_names_what_it_serves() {
        for spec in all() {
            let provider = (spec.new)(&Env::default(), &Clock::system()).expect(spec.name);
            assert_eq!(provider.name(), spec.name);
            let patterns = provider.match_images();
            assert!(!patterns.is_empty(), "{}", spec.name);
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
}
