//! Where an Azure token may go: login servers of Azure Container Registry by their form.

use regcred_cloud::is_label;
use regcred_core::{AlsoServe, RegistryHost};

/// The registries that this provider answers for, besides those of a mirror rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    pub(crate) also_serve: AlsoServe,
    /// Suffixes of custom clouds, each with its leading dot.
    pub(crate) suffixes: Vec<String>,
}

/// The parts of a login server's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoginServer<'a> {
    /// The registry with its domain name label, if it has one: `contoso`, `contoso-a1b2`.
    pub(crate) registry: &'a str,
    /// The region of a regional endpoint.
    pub(crate) region: Option<&'a str>,
    /// `.azurecr.io`.
    pub(crate) suffix: &'a str,
}

impl Hosts {
    /// Whether the operator added the host, or it has a login server's form.
    pub(crate) fn serves(&self, registry: &RegistryHost) -> bool {
        self.login_server(registry.host()).is_some() || self.also_serve.contains(registry)
    }

    /// The parts of a login server in one of the public clouds or under a configured suffix.
    pub(crate) fn login_server<'a>(&'a self, host: &'a str) -> Option<LoginServer<'a>> {
        let mut suffixes = self.suffixes();
        suffixes.find_map(|suffix| LoginServer::parse(host, suffix))
    }

    /// `matchImages` for the kubelet, which compares label by label, so that regional endpoints
    /// need patterns of their own.
    pub(crate) fn patterns(&self) -> Vec<String> {
        let own = self.suffixes();
        let own = own.flat_map(|suffix| [format!("*{suffix}"), format!("*.*.geo{suffix}")]);
        let added = self.also_serve.hosts().map(str::to_owned);
        own.chain(added).collect()
    }

    fn suffixes(&self) -> impl Iterator<Item = &str> {
        let configured = self.suffixes.iter().map(String::as_str);
        SUFFIXES.into_iter().chain(configured)
    }
}

impl<'a> LoginServer<'a> {
    /// Reads a lower-case host below a suffix. Blobs are on `NAME.REGION.data.SUFFIX`, and
    /// `NAME.privatelink.SUFFIX` is only an alias: neither is a login server.
    pub(crate) fn parse(host: &'a str, suffix: &'a str) -> Option<Self> {
        let below = host.strip_suffix(suffix)?;
        let (registry, region) = match below.strip_suffix(".geo") {
            None => (below, None),
            Some(regional) => {
                let (registry, region) = regional.split_once('.')?;
                (registry, Some(region))
            }
        };
        let is_sound = is_registry_name(registry) && region.is_none_or(is_word);
        is_sound.then_some(Self {
            registry,
            region,
            suffix,
        })
    }

    /// Whether both names are endpoints of the same registry.
    pub(crate) fn same_registry(self, other: LoginServer<'_>) -> bool {
        self.registry == other.registry && self.suffix == other.suffix
    }
}

/// A configured suffix with exactly one dot in front, in lower case.
pub(crate) fn normal_suffix(text: &str) -> Option<String> {
    let name = text.trim().trim_matches('.').to_ascii_lowercase();
    let is_domain = name.contains('.') && name.split('.').all(is_label);
    is_domain.then(|| format!(".{name}"))
}

/// Whether a host may be a login server in a cloud that must still be asked for its suffix: every
/// known suffix begins with `azurecr`.
pub(crate) fn may_be_login_server(host: &str) -> bool {
    host.match_indices(".azurecr.")
        .any(|(at, _)| LoginServer::parse(host, &host[at..]).is_some())
}

/// Letters and digits, and perhaps one hyphen in front of a domain name label's hash.
fn is_registry_name(name: &str) -> bool {
    name.split('-').count() <= 2 && name.split('-').all(is_word)
}

fn is_word(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    !text.is_empty() && text.bytes().all(is_part)
}

/// The public clouds; Germany's has closed, its registries may still be named.
const SUFFIXES: [&str; 4] = [".azurecr.io", ".azurecr.cn", ".azurecr.us", ".azurecr.de"];

#[cfg(test)]
mod tests {
    use regcred_core::ImagePattern;

    use super::*;

    fn host(text: &str) -> RegistryHost {
        RegistryHost::parse(text).expect("host")
    }

    fn matched(hosts: &Hosts, name: &str) -> bool {
        hosts.patterns().iter().any(|pattern| {
            ImagePattern::parse(pattern)
                .expect("pattern")
                .matches(&format!("{name}/team/app"))
        })
    }

    #[test]
    fn every_form_is_served_and_matched_by_a_pattern() {
        let hosts = Hosts {
            also_serve: AlsoServe::parse("registry.corp").expect("list"),
            suffixes: vec![".azurecr.contoso.local".to_owned()],
        };
        for name in [
            "contoso.azurecr.io",
            "contoso.azurecr.cn",
            "contoso.azurecr.us",
            "contoso.azurecr.de",
            "contoso-fnbqa9gyd5dzhrdu.azurecr.io",
            "contoso.eastus2.geo.azurecr.io",
            "contoso-a1b2.westeurope.geo.azurecr.us",
            "contoso.azurecr.contoso.local",
            "contoso.north.geo.azurecr.contoso.local",
            "registry.corp",
        ] {
            assert!(hosts.serves(&host(name)), "{name}");
            assert!(matched(&hosts, name), "{name}");
        }
        assert!(hosts.serves(&host("Contoso.AzureCR.io:443/app")));
    }

    #[test]
    fn look_alikes_data_endpoints_and_aliases_are_not_served() {
        let hosts = Hosts::default();
        for name in [
            "azurecr.io",
            ".azurecr.io",
            "evil-azurecr.io",
            "evilazurecr.io",
            "x.azurecr.io.evil.test",
            "x.azurecr.ioevil.test",
            "azurecr.io.evil.test",
            "a.b.azurecr.io",
            "a-b-c.azurecr.io",
            "-a.azurecr.io",
            "a-.azurecr.io",
            "a_b.azurecr.io",
            "contoso.eastus.data.azurecr.io",
            "contoso.privatelink.azurecr.io",
            "contoso.geo.azurecr.io",
            "contoso..geo.azurecr.io",
            "contoso.a.b.geo.azurecr.io",
            "contoso.azurecr.fr",
            "mcr.microsoft.com",
            "contoso.blob.core.windows.net",
            "evil.test/x.azurecr.io",
        ] {
            let Ok(host) = RegistryHost::parse(name) else {
                continue;
            };
            assert!(!hosts.serves(&host), "{name}");
        }
        let hosts = Hosts {
            suffixes: vec![".azurecr.contoso.local".to_owned()],
            ..Hosts::default()
        };
        for name in [
            "evilazurecr.contoso.local",
            "x.azurecr.contoso.local.evil.test",
        ] {
            assert!(!hosts.serves(&host(name)), "{name}");
        }
    }

    #[test]
    fn a_suffix_gets_one_dot_and_must_name_a_domain() {
        for text in ["azurecr.corp", ".azurecr.corp", " ..AzureCR.corp. "] {
            assert_eq!(normal_suffix(text).as_deref(), Some(".azurecr.corp"));
        }
        for text in ["", "io", "*.corp", "a..b", "a/b.c"] {
            assert_eq!(normal_suffix(text), None, "{text}");
        }
    }

    #[test]
    fn an_unknown_cloud_is_only_asked_for_plausible_hosts() {
        assert!(may_be_login_server("contoso.azurecr.microsoft.scloud"));
        assert!(may_be_login_server(
            "contoso.east.geo.azurecr.microsoft.scloud"
        ));
        for host in [
            "docker.io",
            "evil-azurecr.io",
            "a.b.azurecr.x.y",
            "x.evil.azurecr.io.test",
        ] {
            assert!(!may_be_login_server(host), "{host}");
        }
    }

    #[test]
    fn endpoints_of_one_registry_are_recognised() {
        let parse = |host| LoginServer::parse(host, ".azurecr.io").expect("login server");
        let regional = parse("contoso.eastus2.geo.azurecr.io");
        assert!(regional.same_registry(parse("contoso.azurecr.io")));
        assert!(!regional.same_registry(parse("fabrikam.azurecr.io")));
        assert!(!regional.same_registry(parse("contoso-a1.azurecr.io")));
    }
}
