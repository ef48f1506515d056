//! Which role or profile an operator wants for which registry.

use regcred_core::RegistryHost;

use crate::hosts::{EcrHost, is_account};

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
    /// Reads the entries of the list. The error follows the option's name: what is wrong with which
    /// entry, whose text is not repeated.
    pub(crate) fn parse<'a>(entries: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let parsed = entries.enumerate().map(|(n, entry)| {
            let wrong = |what| format!("has an entry ({}) that {what}", n + 1);
            let pair = entry.split_once('=');
            let (key, value) = pair.ok_or_else(|| wrong("is not KEY=VALUE"))?;
            let key = Key::parse(key.trim())
                .ok_or_else(|| wrong("is not for a registry host, an account number or *"))?;
            let wanted = Wanted::parse(value.trim())
                .ok_or_else(|| wrong("names neither a role ARN nor profile:NAME"))?;
            Ok((key, wanted))
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// What is wanted for a registry; `None`: the ambient identity.
    pub(crate) fn find(&self, registry: &RegistryHost, host: &EcrHost) -> Option<&Wanted> {
        let rank = |key: &Key| match key {
            Key::Host(listed) => {
                let port = listed.port().is_none() || listed.port() == registry.port();
                (listed.host() == registry.host() && port).then_some(0)
            }
            Key::Account(account) => (host.account.as_ref() == Some(account)).then_some(1),
            Key::All => Some(2),
        };
        let ranked = self.0.iter().filter_map(|(k, w)| Some((rank(k)?, w)));
        ranked.min_by_key(|(rank, _)| *rank).map(|(_, w)| w)
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        if is_account(text) {
            return Some(Self::Account(text.to_owned()));
        }
        let host = RegistryHost::parse(text).ok()?;
        host.host().contains('.').then_some(Self::Host(host))
    }
}

impl Wanted {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("profile:") {
            Some("") => None,
            Some(profile) => Some(Self::Profile(profile.to_owned())),
            None => is_role_arn(text).then(|| Self::Role(text.to_owned())),
        }
    }
}

/// `arn:PARTITION:iam::ACCOUNT:role/PATH-AND-NAME`, 20 to 2048 characters.
pub(crate) fn is_role_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts[..] else {
        return false;
    };
    let name = resource.strip_prefix("role/").unwrap_or_default();
    partition.starts_with("aws")
        && is_account(account)
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_graphic())
        && (20..=2048).contains(&text.len())
}

#[cfg(test)]
mod tests {
    use regcred_core::AlsoServe;

    use super::*;

    const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

    fn parse(list: &str) -> Result<Roles, String> {
        Roles::parse(list.split(',').map(str::trim).filter(|e| !e.is_empty()))
    }

    fn find(list: &str, host: &str) -> Option<Wanted> {
        let registry = RegistryHost::parse(host).expect(host);
        let ecr = EcrHost::parse(&registry, &AlsoServe::default()).expect(host);
        parse(list).expect(list).find(&registry, &ecr).cloned()
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
    fn unreadable_entries_are_named_by_their_number_and_never_repeated() {
        for (list, part) in [
            ("123456789012", "(1) that is not KEY=VALUE"),
            ("12345=profile:x", "a registry host"),
            ("*=profile:x, *=role/x", "(2) that names neither a role ARN"),
            ("*=profile:", "neither"),
            ("*=arn:aws:iam::123456789012:user/x", "neither"),
        ] {
            let error = parse(list).expect_err(list);
            assert!(error.contains(part) && !error.contains("/x"), "{error}");
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
