//! Where an IAM token may go: the registry's public, private and legacy names.

use regcred_core::{AlsoServe, RegistryHost};

/// The registries that this provider answers for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    pub(crate) also_serve: AlsoServe,
}

impl Hosts {
    /// `icr.io`, `<region>.icr.io` and their `private.` forms, the old `bluemix.net` names, and
    /// what the operator added. Regions come every few months, so they are matched by form: two or
    /// three letters and perhaps a digit. Not served by themselves: `cp.icr.io` (IBM's software,
    /// another login), `dd0.` and its kin (where blobs lie), `stg.` (IBM's own tests).
    pub(crate) fn serves(&self, registry: &RegistryHost) -> bool {
        is_icr(registry.host()) || self.also_serve.contains(registry)
    }

    /// `matchImages` for the kubelet. `*.icr.io` also matches hosts that are not served; those get
    /// an empty answer.
    pub(crate) fn patterns(&self) -> Vec<String> {
        let fixed = PATTERNS.iter().copied();
        fixed
            .chain(self.also_serve.hosts())
            .map(str::to_owned)
            .collect()
    }
}

fn is_icr(host: &str) -> bool {
    if let Some(rest) = host.strip_suffix(".bluemix.net") {
        return rest == "registry"
            || rest
                .strip_prefix("registry.")
                .is_some_and(|region| LEGACY_REGIONS.contains(&region));
    }
    let public = host.strip_prefix("private.").unwrap_or(host);
    public == "icr.io"
        || public
            .strip_suffix(".icr.io")
            .is_some_and(|region| is_region(region) && !EXCLUDED.contains(&region))
}

/// `us`, `jp2`: two or three lower-case letters and at most one digit.
fn is_region(label: &str) -> bool {
    let letters = label.trim_end_matches(|c: char| c.is_ascii_digit());
    (2..=3).contains(&letters.len())
        && letters.bytes().all(|b| b.is_ascii_lowercase())
        && label.len() - letters.len() <= 1
}

const PATTERNS: [&str; 5] = [
    "icr.io",
    "*.icr.io",
    "private.*.icr.io",
    "registry.bluemix.net",
    "registry.*.bluemix.net",
];
const LEGACY_REGIONS: [&str; 4] = ["ng", "eu-de", "eu-gb", "au-syd"];
const EXCLUDED: [&str; 6] = ["cp", "dd0", "dd1", "dd2", "dd3", "stg"];

#[cfg(test)]
mod tests {
    use regcred_core::ImagePattern;

    use super::*;

    fn host(text: &str) -> RegistryHost {
        RegistryHost::parse(text).expect("host")
    }

    #[test]
    fn every_form_is_served_and_matched_by_a_pattern() {
        let hosts = Hosts::default();
        for name in [
            "icr.io",
            "private.icr.io",
            "us.icr.io",
            "jp2.icr.io",
            "private.ca2.icr.io",
            "in.icr.io:443",
            "registry.bluemix.net",
            "registry.eu-gb.bluemix.net",
        ] {
            assert!(hosts.serves(&host(name)), "{name}");
            if name.contains(':') {
                continue; // a port needs its own pattern
            }
            let matched = hosts.patterns().iter().any(|pattern| {
                ImagePattern::parse(pattern)
                    .expect("pattern")
                    .matches(&format!("{name}/ns/app"))
            });
            assert!(matched, "{name}");
        }
    }

    #[test]
    fn look_alikes_and_other_services_are_not_served() {
        let hosts = Hosts::default();
        for name in [
            "cp.icr.io",
            "dd0.icr.io",
            "dd2.icr.io",
            "dd0.us.icr.io",
            "stg.icr.io",
            "private.cp.icr.io",
            "evil-icr.io",
            "us.icr.io.evil.test",
            "usicr.io",
            "abcd.icr.io",
            "us22.icr.io",
            "registry.evil.bluemix.net",
            "x.registry.bluemix.net",
            "docker.io",
        ] {
            assert!(!hosts.serves(&host(name)), "{name}");
        }
    }

    #[test]
    fn a_named_host_is_served() {
        let hosts = Hosts {
            also_serve: AlsoServe::parse("cp.icr.io").expect("list"),
        };
        assert!(hosts.serves(&host("cp.icr.io/cp/app")));
        assert!(hosts.patterns().contains(&"cp.icr.io".to_owned()));
    }
}
