//! Names of images and registries, and patterns of them.

use regcred_core::{CredentialRequest, ImagePattern, ImageRef, RegistryHost, glob_matches};
use regcred_keyring::{KeyringRules, PatternIndex, Verdict};

use crate::message::shown;

pub(crate) fn reference(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    match ImageRef::parse(text) {
        Err(error) => drop(shown(&error)),
        Ok(image) => {
            let written = image.to_string();
            assert_eq!(
                ImageRef::parse(&written).expect("what was printed is read"),
                image
            );
            assert!(image.name().len() <= written.len());
            if let Err(error) = RegistryHost::parse(image.domain()) {
                // A reference may have a port that does not exist, and an address whose digits are not.
                assert!(image.domain().contains(':'), "{}", shown(&error));
            }
            let tagged = image.with_default_tag().to_string();
            ImageRef::parse(&tagged).expect("with a tag as well");
        }
    }
    if let Ok(name) = ImageRef::name_as_written(text) {
        assert!(text.starts_with(name));
    }
    match RegistryHost::parse(text) {
        Err(error) => drop(shown(&error)),
        Ok(host) => {
            let again = RegistryHost::parse(host.as_written()).expect("what was printed is read");
            assert_eq!((again.host(), again.port()), (host.host(), host.port()));
            assert!(
                !host.host().contains(['@', '/', '?', '#', '\\', '%']),
                "{host}"
            );
            // A URL to it leads to it.
            let url = format!("https://{}/", host.as_written());
            if let Ok(url) = regcred_http::Url::parse(&url) {
                let found = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
                let is_name = found.parse::<std::net::IpAddr>().is_err();
                let found = found.trim_end_matches('.');
                assert!(
                    !is_name || found == host.host().trim_end_matches('.'),
                    "{host} {found}"
                );
            }
        }
    }
    if let Ok(request) = CredentialRequest::new(text) {
        for spec in regcred_providers::all() {
            let _ = spec.would_serve(
                &request.registry,
                &Default::default(),
                &regcred_core::Clock::system(),
            );
        }
    }
}

pub(crate) fn pattern(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let (pattern, image) = text.split_once('\n').unwrap_or((text, "gcr.io/p/a"));
    if pattern.len() + image.len() < 24 {
        let (glob, label): (Vec<_>, Vec<_>) = (pattern.chars().collect(), image.chars().collect());
        if !glob.contains(&'[') {
            assert_eq!(glob_matches(pattern, image), naive(&glob, &label));
        }
    }
    let _ = glob_matches(pattern, image);
    for rules in [
        KeyringRules::default(),
        KeyringRules {
            literal_ipv6: true,
            ..Default::default()
        },
    ] {
        let verdict = Verdict::of(pattern, image, rules);
        let parsed = match ImagePattern::parse(pattern) {
            Ok(parsed) => rules.read(parsed),
            Err(error) => {
                shown(&error);
                continue;
            }
        };
        let Ok(name) = ImagePattern::parse(image) else {
            assert!(!parsed.matches(image));
            continue;
        };
        let matches = parsed.matches_parsed(&name);
        assert_eq!(matches, parsed.matches(image));
        assert_eq!(matches, verdict == Verdict::Matched);
        let mut index = PatternIndex::new();
        index.insert(&parsed, ());
        assert_eq!(index.any(&name), matches, "the index finds what matches");
    }
}

/// `*` by definition: any run.
fn naive(glob: &[char], text: &[char]) -> bool {
    match glob.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|at| naive(rest, &text[at..])),
        Some((c, rest)) => text.first() == Some(c) && naive(rest, &text[1..]),
    }
}
