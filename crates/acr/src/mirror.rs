//! Registry mirrors: images that are named after one registry and pulled from another
//! (`--registry-mirror` of upstream's plugin).

use regcred_core::{CredentialRequest, RegistryHost};

/// The rules in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mirrors(Vec<Mirror>);

/// Images below `source` are in the registry `target`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    /// Host, perhaps with a path, without a final slash.
    pub(crate) source: String,
    /// The same with its host in the form that rules compare.
    normal: String,
    /// A login server.
    pub(crate) target: RegistryHost,
}

impl Mirrors {
    /// Reads `source:target[,source:target...]`. Blanks are ignored, and an item without exactly
    /// one colon is left out with a warning: upstream accepts no ports.
    ///
    /// # Errors
    /// What is wrong with the list, after the name of the option. No value is repeated; items are
    /// counted from 1.
    pub(crate) fn parse(
        list: &str,
        is_login_server: impl Fn(&RegistryHost) -> bool,
    ) -> Result<Self, String> {
        let plain: String = list.chars().filter(|c| !c.is_whitespace()).collect();
        let mut mirrors = Vec::new();
        for (at, item) in plain.split(',').enumerate() {
            let number = at + 1;
            let parts: Vec<&str> = item.split(':').collect();
            let [source, target] = parts[..] else {
                if !item.is_empty() {
                    tracing::warn!(
                        number,
                        "a registry mirror that is not SOURCE:TARGET is left out"
                    );
                }
                continue;
            };
            let wrong = |what: &str| format!("has an item (number {number}) whose {what}");
            let target = RegistryHost::parse(target)
                .ok()
                .filter(&is_login_server)
                .ok_or_else(|| wrong("target is not a login server"))?;
            let source = source.trim_end_matches('/');
            let host = RegistryHost::parse(source)
                .map_err(|error| wrong(&format!("source is not a registry: {}", error.reason())))?;
            mirrors.push(Mirror {
                source: source.to_owned(),
                normal: normal(source, &host),
                target,
            });
        }
        // The most specific rule wins, in any order of writing.
        mirrors.sort_by_key(|mirror| std::cmp::Reverse(mirror.source.len()));
        Ok(Self(mirrors))
    }

    /// Whether some rule is about this registry.
    pub(crate) fn concern(&self, registry: &RegistryHost) -> bool {
        let hosts = self.0.iter().map(|mirror| mirror.normal.split('/').next());
        hosts.flatten().any(|host| host == registry.host())
    }

    /// The rule for an image.
    pub(crate) fn find(&self, request: &CredentialRequest) -> Option<&Mirror> {
        let image = normal(&request.image, &request.registry);
        self.0.iter().find(|mirror| mirror.covers(&image))
    }

    /// `matchImages` of the sources.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|mirror| mirror.source.as_str())
    }
}

impl Mirror {
    /// Whole path components only: `mcr.microsoft.com` does not cover `mcr.microsoft.com.evil`.
    fn covers(&self, image: &str) -> bool {
        let rest = image.strip_prefix(&self.normal);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '@']))
    }
}

/// A name with its host in the form that rules compare.
fn normal(name: &str, registry: &RegistryHost) -> String {
    match name.split_once('/') {
        Some((_, path)) => format!("{}/{path}", registry.host()),
        None => registry.host().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::Hosts;

    fn parse(list: &str) -> Result<Mirrors, String> {
        let hosts = Hosts::default();
        Mirrors::parse(list, |target| hosts.serves(target))
    }

    fn target(mirrors: &Mirrors, image: &str) -> Option<String> {
        let request = CredentialRequest::new(image).expect("request");
        let mirror = mirrors.find(&request)?;
        Some(mirror.target.as_written().to_owned())
    }

    #[test]
    fn sources_cover_whole_components() {
        let list = " mcr.microsoft.com : contoso.azurecr.io ,\
                    mcr.microsoft.com/team:team.azurecr.io,docker.io/library/:lib.azurecr.cn";
        let mirrors = parse(list).expect("list");
        for (image, expected) in [
            ("mcr.microsoft.com/pause:3.9", Some("contoso.azurecr.io")),
            ("MCR.microsoft.com/pause", Some("contoso.azurecr.io")),
            ("mcr.microsoft.com", Some("contoso.azurecr.io")),
            ("mcr.microsoft.com/team/app", Some("team.azurecr.io")),
            ("mcr.microsoft.com/team:v1", Some("team.azurecr.io")),
            ("mcr.microsoft.com/teams/app", Some("contoso.azurecr.io")),
            ("mcr.microsoft.com.evil.test/pause", None),
            ("mcr.microsoft.community/pause", None),
            ("docker.io/library/nginx", Some("lib.azurecr.cn")),
            ("docker.io/other/nginx", None),
        ] {
            assert_eq!(target(&mirrors, image).as_deref(), expected, "{image}");
        }
        let host = |text| RegistryHost::parse(text).expect("host");
        assert!(mirrors.concern(&host("docker.io")));
        assert!(!mirrors.concern(&host("mcr.microsoft.com.evil.test")));
    }

    #[test]
    fn items_of_another_form_are_left_out_and_foreign_targets_refused() {
        let mirrors = parse("a:b:c,nothing,,mcr.microsoft.com:contoso.azurecr.io").expect("list");
        assert_eq!(
            mirrors.patterns().collect::<Vec<_>>(),
            ["mcr.microsoft.com"]
        );
        for list in [
            "mcr.microsoft.com:evil.test",
            "mcr.microsoft.com:evil-azurecr.io",
            "mcr.microsoft.com:",
            ":contoso.azurecr.io",
        ] {
            assert!(parse(list).is_err(), "{list}");
        }
        for list in ["a.test:canary", "canary*:contoso.azurecr.io"] {
            let error = parse(&format!("x.test:contoso.azurecr.io,{list}")).expect_err(list);
            assert!(error.contains("number 2"), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
        assert_eq!(parse(""), Ok(Mirrors::default()));
    }
}
