//! Which role or profile an operator wants for which registry.

use regcred_core::RegistryHost;

use crate::hosts::EcrHost;

/// The map behind `--role KEY=VALUE`. The most precise key wins: host, account, `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roles(Vec<(Key, Wanted)>);

/// The identity wanted for a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Assume this role with the ambient identity.
    Role(String),
    /// Use this profile of the AWS configuration files.
    Profile(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Host(RegistryHost),
    Account(String),
    All,
}

impl Roles {
    /// Reads the comma-separated list.
    ///
    /// # Errors
    /// A sentence naming the entry that cannot be read.
    pub(crate) fn parse(list: &str) -> Result<Self, String> {
        let entries = list.split(',').map(str::trim).filter(|e| !e.is_empty());
        entries
            .map(|entry| {
                let (key, value) = entry
                    .split_once('=')
                    .ok_or_else(|| format!("{entry:?} is not KEY=VALUE"))?;
                Ok((Key::parse(key.trim())?, Wanted::parse(value.trim())?))
            })
            .collect::<Result<_, String>>()
            .map(Self)
    }

    /// What is wanted for a registry; `None`: the ambient identity.
    pub(crate) fn find(&self, registry: &RegistryHost, host: &EcrHost) -> Option<&Wanted> {
        let rank = |key: &Key| match key {
            Key::Host(listed) => {
                let port = listed.port().is_none() || listed.port() == registry.port();
                (listed.host() == registry.host() && port).then_some(0)
            }
            Key::Account(account) => (host.account() == Some(account)).then_some(1),
            Key::All => Some(2),
        };
        let ranked = self.0.iter().filter_map(|(k, w)| Some((rank(k)?, w)));
        ranked.min_by_key(|(rank, _)| *rank).map(|(_, w)| w)
    }
}

impl Key {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::All);
        }
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self::Account(text.to_owned()));
        }
        RegistryHost::parse(text)
            .ok()
            .filter(|host| host.host().contains('.'))
            .map(Self::Host)
            .ok_or_else(|| format!("{text:?} is no registry host, no account number and not *"))
    }
}

impl Wanted {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(profile) = text.strip_prefix("profile:").filter(|p| !p.is_empty()) {
            return Ok(Self::Profile(profile.to_owned()));
        }
        if is_role_arn(text) {
            return Ok(Self::Role(text.to_owned()));
        }
        Err(format!("{text:?} is no role ARN and not profile:NAME"))
    }
}

/// `arn:PARTITION:iam::ACCOUNT:role/PATH-AND-NAME`, 20 to 2048 characters.
pub(crate) fn is_role_arn(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let shape = next() == "arn"
        && next().starts_with("aws")
        && next() == "iam"
        && next().is_empty()
        && {
            let account = next();
            account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())
        }
        && next()
            .strip_prefix("role/")
            .is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic()));
    shape && (20..=2048).contains(&text.len())
}

#[cfg(test)]
mod tests {
    use regcred_core::AlsoServe;

    use super::*;

    const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

    fn find(list: &str, host: &str) -> Option<Wanted> {
        let registry = RegistryHost::parse(host).expect(host);
        let ecr = EcrHost::parse(&registry, &AlsoServe::default()).expect(host);
        Roles::parse(list)
            .expect(list)
            .find(&registry, &ecr)
            .cloned()
    }

    #[test]
    fn the_most_precise_key_wins() {
        let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
        let list = format!(
            "*={}, 123456789012={},{HOST}=profile:dev,public.ecr.aws={}",
            role("all"),
            role("account"),
            role("public")
        );
        assert_eq!(find(&list, HOST), Some(Wanted::Profile("dev".into())));
        let other_region = HOST.replace("eu-west-1", "eu-west-2");
        assert_eq!(
            find(&list, &other_region),
            Some(Wanted::Role(role("account")))
        );
        let other_account = HOST.replace("123456789012", "210987654321");
        assert_eq!(find(&list, &other_account), Some(Wanted::Role(role("all"))));
        assert_eq!(
            find(&list, "public.ecr.aws"),
            Some(Wanted::Role(role("public")))
        );
        assert_eq!(find("", HOST), None);
    }

    #[test]
    fn a_role_name_may_hold_an_equals_sign() {
        let list = format!("{HOST}=arn:aws:iam::123456789012:role/a=b");
        assert!(matches!(find(&list, HOST), Some(Wanted::Role(arn)) if arn.ends_with("a=b")));
    }

    #[test]
    fn unreadable_entries_are_named() {
        for (list, part) in [
            ("123456789012", "KEY=VALUE"),
            ("12345=profile:x", "12345"),
            ("*=role/x", "role/x"),
            ("*=profile:", "profile:"),
            ("*=arn:aws:iam::123456789012:user/x", "user/x"),
        ] {
            let error = Roles::parse(list).expect_err(list);
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn role_arns_of_every_partition_are_known() {
        for arn in [
            "arn:aws:iam::123456789012:role/x",
            "arn:aws-cn:iam::123456789012:role/path/x",
            "arn:aws-us-gov:iam::123456789012:role/x+=,.@-_",
        ] {
            assert!(is_role_arn(arn), "{arn}");
        }
        for arn in [
            "arn:aws:iam::1:role/x",
            "arn:aws:sts::123456789012:role/x",
            "",
        ] {
            assert!(!is_role_arn(arn), "{arn}");
        }
    }
}
