//! Where the engine may answer better than a kubelet, and therefore differently. Each is off unless
//! asked for, so that without them the engine gives exactly the kubelet's answers.

use std::fmt;
use std::str::FromStr;

use regcred_keyring::{BadEntries, DefaultRegistry, Ipv6Literals, KeyringRules};

/// The departures from the kubelet, each a switch. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Improvements {
    /// A bad entry of a docker configuration or pull secret is left out; the kubelet refuses the
    /// whole file.
    pub skip_bad_entries: bool,
    /// The logins of Docker Hub serve `docker.io` only; the kubelet also offers them to hosts that
    /// have neither a dot nor a port.
    pub docker_hub_only: bool,
    /// An IPv6 literal without a port is an address; the kubelet takes its brackets for a glob.
    pub literal_ipv6: bool,
    /// When every credential has failed, there is one attempt without any; for the kubelet a stale
    /// credential spoils a public image.
    pub anonymous_last: bool,
    /// When the registry refuses a credential that a plugin's cached answer gave, the answer is
    /// dropped and the plugin asked once more; the kubelet keeps it until it expires.
    pub ask_again: bool,
    /// Once a plugin has answered for a whole registry, or for all, images that are wanted at the
    /// same time share one run; the kubelet runs it once for each image.
    pub one_run_per_registry: bool,
    /// An answer without any credential is kept for at most a minute; the kubelet keeps it as long
    /// as any other.
    pub short_empty_answers: bool,
}

impl Improvements {
    /// Every one of them.
    #[must_use]
    pub fn all() -> Self {
        let mut all = Self::default();
        for (_, switch) in SWITCHES {
            *switch(&mut all) = true;
        }
        all
    }

    /// The words that [`FromStr`] knows, beside `all`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SWITCHES.iter().map(|(name, _)| *name)
    }

    pub(crate) fn bad_entries(self) -> BadEntries {
        match self.skip_bad_entries {
            true => BadEntries::Skip,
            false => BadEntries::RejectFile,
        }
    }

    pub(crate) fn keyring_rules(self) -> KeyringRules {
        KeyringRules {
            default_registry: match self.docker_hub_only {
                true => DefaultRegistry::DockerIoOnly,
                false => DefaultRegistry::Kubelet,
            },
            ipv6: self.ipv6(),
        }
    }

    pub(crate) fn ipv6(self) -> Ipv6Literals {
        match self.literal_ipv6 {
            true => Ipv6Literals::Literal,
            false => Ipv6Literals::Kubelet,
        }
    }
}

/// Names separated by commas: `ask-again,anonymous-last`, or `all`.
impl FromStr for Improvements {
    type Err = UnknownImprovement;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut chosen = Self::default();
        for name in text.split(',').map(str::trim).filter(|n| !n.is_empty()) {
            if name == "all" {
                return Ok(Self::all());
            }
            let known = SWITCHES.iter().find(|(known, _)| *known == name);
            let (_, switch) = known.ok_or_else(|| UnknownImprovement(name.to_owned()))?;
            *switch(&mut chosen) = true;
        }
        Ok(chosen)
    }
}

/// A word that names no improvement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownImprovement(String);

impl fmt::Display for UnknownImprovement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<_> = Improvements::names().collect();
        write!(
            f,
            "no improvement is called {:?}: expected all, or some of {}",
            self.0,
            known.join(", ")
        )
    }
}

impl std::error::Error for UnknownImprovement {}

type Switch = fn(&mut Improvements) -> &mut bool;

const SWITCHES: &[(&str, Switch)] = &[
    ("anonymous-last", |all| &mut all.anonymous_last),
    ("ask-again", |all| &mut all.ask_again),
    ("docker-hub-only", |all| &mut all.docker_hub_only),
    ("literal-ipv6", |all| &mut all.literal_ipv6),
    ("one-run-per-registry", |all| &mut all.one_run_per_registry),
    ("short-empty-answers", |all| &mut all.short_empty_answers),
    ("skip-bad-entries", |all| &mut all.skip_bad_entries),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_has_its_own_name() {
        let mut seen = Vec::new();
        for name in Improvements::names() {
            let one: Improvements = name.parse().expect("known");
            assert_ne!(one, Improvements::default(), "{name}");
            assert!(!seen.contains(&one), "{name}");
            seen.push(one);
        }
        assert_eq!(Improvements::all(), "all".parse().expect("known"));
        let list = Improvements::names().collect::<Vec<_>>().join(", ");
        assert_eq!(list.parse(), Ok(Improvements::all()));
        assert_eq!("".parse(), Ok(Improvements::default()));
    }

    #[test]
    fn an_unknown_name_is_told_with_the_known_ones() {
        let error = "ask-again,faster".parse::<Improvements>().expect_err("one");
        let text = error.to_string();
        assert!(
            text.starts_with("no improvement is called \"faster\""),
            "{text}"
        );
        assert!(text.ends_with("skip-bad-entries"), "{text}");
    }
}
