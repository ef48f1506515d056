//! Where the engine may do better than a kubelet, and therefore differ from it. Each improvement is off
//! by default: without any, the engine does exactly what a kubelet does.

use std::str::FromStr;

use regcred_keyring::KeyringRules;

/// The departures from the kubelet, each a switch. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Improvements {
    /// How keyrings and patterns are read.
    pub keyring: KeyringRules,
    /// Makes one anonymous attempt after every credential has failed; with the kubelet, a stale
    /// credential makes a public image fail.
    pub anonymous_last: bool,
    /// If the registry refuses a credential from a plugin's cached answer, drops the answer and asks
    /// the plugin once more; the kubelet keeps the answer until it expires.
    pub ask_again: bool,
    /// Once a plugin has answered for a whole registry, or for all, shares one run among images that
    /// are wanted at the same time; the kubelet runs it once for each image.
    pub one_run_per_registry: bool,
    /// Keeps an answer without any credential for at most a minute; the kubelet keeps it as long as
    /// any other.
    pub short_empty_answers: bool,
    /// Keeps the image's credential from the mirrors of a hosts.toml, which get only logins of their
    /// own; a container runtime offers it to every server that the file names.
    pub withhold_from_mirrors: bool,
}

impl Improvements {
    /// All improvements.
    #[must_use]
    pub fn all() -> Self {
        let mut all = Self::default();
        for (_, switch) in SWITCHES {
            *switch(&mut all) = true;
        }
        all
    }

    /// The words that [`FromStr`] accepts besides `all`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SWITCHES.iter().map(|(name, _)| *name)
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

/// A word that is not the name of an improvement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown improvement {0:?}: expected all, or some of {names}", names = known())]
pub struct UnknownImprovement(String);

fn known() -> String {
    Improvements::names().collect::<Vec<_>>().join(", ")
}

type Switch = fn(&mut Improvements) -> &mut bool;

const SWITCHES: &[(&str, Switch)] = &[
    ("anonymous-last", |all| &mut all.anonymous_last),
    ("ask-again", |all| &mut all.ask_again),
    ("docker-hub-only", |all| &mut all.keyring.docker_hub_only),
    ("literal-ipv6", |all| &mut all.keyring.literal_ipv6),
    ("one-run-per-registry", |all| &mut all.one_run_per_registry),
    ("short-empty-answers", |all| &mut all.short_empty_answers),
    ("skip-bad-entries", |all| &mut all.keyring.skip_bad_entries),
    ("withhold-from-mirrors", |all| {
        &mut all.withhold_from_mirrors
    }),
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
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let error = "ask-again,faster".parse::<Improvements>().expect_err("one");
        let text = error.to_string();
        assert!(
            text.starts_with("unknown improvement \"faster\": "),
            "{text}"
        );
        assert!(text.ends_with("withhold-from-mirrors"), "{text}");
    }
}
