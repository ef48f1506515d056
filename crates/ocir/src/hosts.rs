//! Where a registry token may go: the three forms of a regional registry's name. A look-alike that
//! receives a signed request could use it, so domains are those of known realms and no others.

use std::sync::Arc;

use regcred_core::{AlsoServe, RegistryHost};

use crate::regions::Regions;

/// The registries that this provider answers for.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    pub(crate) also_serve: AlsoServe,
    pub(crate) regions: Arc<Regions>,
}

impl Hosts {
    /// `<key>.ocir.io`, `<region>.ocir.io`, `ocir.<region>.oci.<realm's domain>`, and what the
    /// operator added (a private cloud, a mirror).
    pub(crate) fn serves(&self, registry: &RegistryHost) -> bool {
        let oracles = match Form::of(registry.host()) {
            Some(Form::Short(_)) => true,
            Some(Form::Long { domain, .. }) => self.regions.has_domain(domain),
            None => false,
        };
        oracles || self.also_serve.contains(registry)
    }

    /// `matchImages` for the kubelet, whose globs stay inside one label: `*.ocir.io` does not cover
    /// the long form.
    pub(crate) fn patterns(&self) -> Vec<String> {
        let fixed = PATTERNS.iter().map(|pattern| (*pattern).to_owned());
        let domains = self.regions.added_domains();
        let added = domains.iter().map(|domain| format!("ocir.*.oci.{domain}"));
        let named = self.also_serve.hosts().map(str::to_owned);
        fixed.chain(added).chain(named).collect()
    }

    /// The identifier of the registry's region, as far as it is known.
    pub(crate) fn region(&self, registry: &RegistryHost) -> Option<String> {
        if let Some(region) = self.also_serve.value(registry) {
            return Some(self.id(region));
        }
        match Form::of(registry.host())? {
            Form::Short(name) | Form::Long { region: name, .. } => Some(self.id(name)),
        }
    }

    fn id(&self, name: &str) -> String {
        let found = self.regions.find(name);
        found.map_or_else(|| name.to_owned(), |region| region.id)
    }
}

/// A registry's name taken apart.
enum Form<'a> {
    /// Region key or identifier below `ocir.io`, in realm oc1.
    Short(&'a str),
    /// In any realm.
    Long { region: &'a str, domain: &'a str },
}

impl<'a> Form<'a> {
    /// Of a host in lower case without a port.
    fn of(host: &'a str) -> Option<Self> {
        if let Some(name) = host.strip_suffix(".ocir.io") {
            return (is_region_key(name) || is_region_id(name)).then_some(Self::Short(name));
        }
        let (region, domain) = host.strip_prefix("ocir.")?.split_once(".oci.")?;
        is_region_id(region).then_some(Self::Long { region, domain })
    }
}

/// Three letters.
pub(crate) fn is_region_key(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_lowercase())
}

/// Words of letters and a number, joined by dashes: `us-gov-ashburn-1`.
pub(crate) fn is_region_id(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else {
        return false;
    };
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let mut words = words.split('-');
    !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
        && words
            .next()
            .is_some_and(|first| first.len() >= 2 && is_word(first))
        && words.clone().next().is_some()
        && words.all(is_word)
}

/// The names of `container-registry.oracle.com`, Oracle's public software registry, are not among
/// them: it takes other logins.
const PATTERNS: [&str; 6] = [
    "*.ocir.io",
    "ocir.*.oci.oraclecloud.com",
    "ocir.*.oci.oraclecloud*.com",
    "ocir.*.oci.oraclecloud.eu",
    "ocir.*.oci.oraclegovcloud.com",
    "ocir.*.oci.oraclegovcloud.uk",
];

#[cfg(test)]
mod tests {
    use regcred_core::{Env, ImagePattern};

    use super::*;

    fn hosts(also: &str, vars: &[(&str, &str)]) -> Hosts {
        Hosts {
            also_serve: AlsoServe::parse(also).expect("list"),
            regions: Arc::new(Regions::read(&Env::map(vars.iter().copied())).expect("regions")),
        }
    }

    fn host(text: &str) -> RegistryHost {
        RegistryHost::parse(text).expect("host")
    }

    #[test]
    fn every_form_in_every_realm_is_served_and_matched_by_a_pattern() {
        let hosts = hosts("", &[]);
        for name in [
            "iad.ocir.io",
            "us-ashburn-1.ocir.io",
            "xyz.ocir.io",
            "ocir.us-ashburn-1.oci.oraclecloud.com",
            "ocir.us-gov-ashburn-1.oci.oraclegovcloud.com",
            "ocir.uk-gov-london-1.oci.oraclegovcloud.uk",
            "ocir.eu-frankfurt-2.oci.oraclecloud.eu",
            "ocir.ap-chiyoda-1.oci.oraclecloud8.com",
            "ocir.eu-jovanovac-1.oci.oraclecloud20.com",
            "OCIR.us-new-7.oci.oraclecloud.com",
            "phx.ocir.io:443",
        ] {
            assert!(hosts.serves(&host(name)), "{name}");
            if name.contains(':') || name.starts_with('O') {
                continue; // a port, or upper case, needs its own pattern
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
        let hosts = hosts("", &[]);
        for name in [
            "ocir.io",
            "container-registry.oracle.com",
            "phxx.ocir.io",
            "ph.ocir.io",
            "p1x.ocir.io",
            "a.phx.ocir.io",
            "phx.ocir.io.evil.test",
            "phx-ocir.io",
            "phx.evil-ocir.io",
            "us-ashburn.ocir.io",
            "us-1.ocir.io",
            "us--ashburn-1.ocir.io",
            "ocir.us-ashburn-1.oci.oraclecloud77.com",
            "ocir.us-ashburn-1.oci.oraclecloud.com.evil.test",
            "ocir.us-ashburn-1.oci.evil.test",
            "ocir.evil.test.oci.oraclecloud.com",
            "ocir.a.us-ashburn-1.oci.oraclecloud.com",
            "x.ocir.us-ashburn-1.oci.oraclecloud.com",
            "ocir.us-ashburn-1.oraclecloud.com",
            "ocir.us-ashburn-1.oci.oraclegovcloud.eu",
            "docker.io",
        ] {
            assert!(!hosts.serves(&host(name)), "{name}");
        }
    }

    #[test]
    fn the_operator_adds_hosts_and_realms() {
        let hosts = hosts(
            "ocir.dotted.region.example=us-phoenix-1,mirror.corp",
            &[(crate::vars::DEFAULT_REALM, "sovereign.example")],
        );
        assert!(hosts.serves(&host("mirror.corp:5000/ns/app")));
        assert!(hosts.serves(&host("ocir.xx-new-1.oci.sovereign.example")));
        let patterns = hosts.patterns();
        assert!(patterns.contains(&"mirror.corp".to_owned()));
        assert!(patterns.contains(&"ocir.*.oci.sovereign.example".to_owned()));
    }

    #[test]
    fn a_host_names_its_region() {
        let hosts = hosts("mirror.corp=phx", &[]);
        for (name, region) in [
            ("iad.ocir.io", Some("us-ashburn-1")),
            ("eu-frankfurt-1.ocir.io", Some("eu-frankfurt-1")),
            (
                "ocir.uk-gov-london-1.oci.oraclegovcloud.uk",
                Some("uk-gov-london-1"),
            ),
            ("zzz.ocir.io", Some("zzz")),
            ("mirror.corp", Some("us-phoenix-1")),
            ("docker.io", None),
        ] {
            assert_eq!(hosts.region(&host(name)).as_deref(), region, "{name}");
        }
    }
}
