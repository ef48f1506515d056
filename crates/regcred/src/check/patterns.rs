//! `matchImages`: patterns that match less than they seem to, hosts of a cloud that no pattern matches, and
//! patterns of two providers that match the same images.

use std::collections::BTreeMap;

use regcred_core::{Clock, Env, ImagePattern, ProviderSpec};
use regcred_engine::{ProviderConfig, pattern_doubts};
use regcred_go::yaml::Step;

use super::finding::{Finding, Place};
use crate::multicall::providers_of;

pub(super) fn findings(config: &ProviderConfig) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, entry) in config.providers.iter().enumerate() {
        let served = cloud(&entry.name).map(|spec| (spec, served(spec)));
        for (n, pattern) in entry.match_images.iter().enumerate() {
            let place = || {
                let part = [Step::Member("matchImages"), Step::Item(n)];
                Place::entry(config, at, &part)
            };
            let doubts = pattern_doubts(pattern);
            found.extend(doubts.iter().map(|doubt| {
                let what = format!("the pattern {pattern:?}: {}", doubt.what);
                Finding::warning(place(), what, doubt.fix)
            }));
            if doubts.is_empty()
                && let Ok(parsed) = ImagePattern::parse(pattern)
                && let Some((what, fix)) = too_few_labels(pattern, &parsed, served.as_ref())
            {
                found.push(Finding::warning(place(), what, fix));
            }
        }
    }
    found.extend(shadowed(config));
    found.extend(uncovered(config));
    found
}

/// The cloud whose plugin has this name.
pub(super) fn cloud(name: &str) -> Option<&'static ProviderSpec> {
    match providers_of(name).as_deref() {
        Some([spec]) => Some(spec),
        _ => None,
    }
}

type Served = Vec<(String, ImagePattern)>;

fn served(spec: &ProviderSpec) -> Served {
    let provider = (spec.new)(&Env::default(), &Clock::system());
    let patterns = provider.map_or_else(|_| Vec::new(), |provider| provider.match_images());
    let parsed = patterns.into_iter().filter_map(|text| {
        let pattern = ImagePattern::parse(&text).ok()?;
        Some((text, pattern))
    });
    parsed.collect()
}

fn too_few_labels(
    pattern: &str,
    parsed: &ImagePattern,
    served: Option<&(&'static ProviderSpec, Served)>,
) -> Option<(String, String)> {
    let labels = parsed.labels();
    let count = labels.len();
    if !labels.iter().any(|label| parsed.is_glob(label)) {
        return None;
    }
    let tail = |labels: &[String]| labels[labels.len().saturating_sub(2)..].join(".");
    if let Some((spec, served)) = served
        && !served.iter().any(|(_, known)| overlaps(parsed, known))
        && let Some((text, known)) = served
            .iter()
            .find(|(_, known)| tail(known.labels()) == tail(labels))
    {
        let what = format!(
            "the pattern {pattern:?} matches only hosts of {count} labels, and those of {} have {}",
            spec.title,
            known.labels().len()
        );
        return Some((what, format!("write {text}")));
    }
    (count == 2).then(|| {
        let what = format!("the pattern {pattern:?} matches only hosts of two labels");
        let fix = format!("write a label for each part of the host, such as *.{pattern}");
        (what, fix)
    })
}

/// Whether a host can match both.
fn overlaps(one: &ImagePattern, other: &ImagePattern) -> bool {
    let mut labels = one.labels().iter().zip(other.labels());
    one.labels().len() == other.labels().len()
        && labels.all(|(a, b)| one.label_matches(a, b) || other.label_matches(b, a))
}

/// Whether every image that matches `narrow` matches `wide`.
fn covers(wide: &ImagePattern, narrow: &ImagePattern) -> bool {
    let mut labels = wide.labels().iter().zip(narrow.labels());
    wide.port() == narrow.port()
        && wide.labels().len() == narrow.labels().len()
        && narrow.path().starts_with(wide.path())
        && labels.all(|(w, n)| wide.label_matches(w, n))
}

/// Patterns that an earlier provider's pattern covers: a kubelet runs both plugins.
fn shadowed(config: &ProviderConfig) -> Vec<Finding> {
    let parsed = config.providers.iter().map(|entry| {
        let patterns = entry.match_images.iter().enumerate();
        let parsed =
            patterns.filter_map(|(n, text)| Some((n, text, ImagePattern::parse(text).ok()?)));
        parsed.collect::<Vec<_>>()
    });
    let parsed: Vec<_> = parsed.collect();
    let mut found = Vec::new();
    for (late, patterns) in parsed.iter().enumerate() {
        for (earlier, entry) in parsed.iter().zip(&config.providers).take(late) {
            let mut shared = patterns.iter().filter(|(_, _, pattern)| {
                let mut before = earlier.iter();
                before.any(|(_, _, other)| covers(other, pattern))
            });
            let Some((n, text, _)) = shared.next() else {
                continue;
            };
            let first = &entry.name;
            let part = [Step::Member("matchImages"), Step::Item(*n)];
            found.push(Finding::warning(
                Place::entry(config, late, &part),
                format!(
                    "{text:?} is matched by provider {first:?} too, whose answer is tried first where \
                     both return the same key"
                ),
                "remove the pattern from one of the two, unless both are to run",
            ));
        }
    }
    found
}

/// Hosts of a cloud that the entries for it leave out.
fn uncovered(config: &ProviderConfig) -> Vec<Finding> {
    let mut clouds: BTreeMap<&str, (&ProviderSpec, Vec<usize>)> = BTreeMap::new();
    for (at, entry) in config.providers.iter().enumerate() {
        if let Some(spec) = cloud(&entry.name) {
            let (_, entries) = clouds.entry(spec.name).or_insert((spec, Vec::new()));
            entries.push(at);
        }
    }
    let mut found = Vec::new();
    for (spec, entries) in clouds.into_values() {
        let patterns = entries
            .iter()
            .flat_map(|at| &config.providers[*at].match_images);
        let patterns: Vec<_> = patterns
            .filter_map(|text| ImagePattern::parse(text).ok())
            .collect();
        let served = served(spec);
        // A narrower pattern for some of a form's hosts is a choice.
        let left_out = served.iter().filter(|(_, known)| {
            let touched = |pattern: &ImagePattern| covers(pattern, known) || covers(known, pattern);
            !patterns.iter().any(touched)
        });
        let left_out: Vec<_> = left_out.map(|(text, _)| text.as_str()).collect();
        if left_out.is_empty() {
            continue;
        }
        let what = format!(
            "{} of the {} forms of hosts of {} are not matched: {}",
            left_out.len(),
            served.len(),
            spec.title,
            left_out.join(", ")
        );
        let fix = format!(
            "add those in use; `regcred config generate --provider {}` lists all",
            spec.name
        );
        let part = [Step::Member("matchImages")];
        found.push(Finding::note(
            Place::entry(config, entries[0], &part),
            what,
            fix,
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> ImagePattern {
        ImagePattern::parse(text).expect(text)
    }

    #[test]
    fn a_pattern_covers_what_all_its_images_match() {
        for (wide, narrow, expected) in [
            ("*.gcr.io", "eu.gcr.io", true),
            ("*.gcr.io", "gcr.io", false),
            ("h.io", "h.io/team", true),
            ("h.io/team", "h.io", false),
            ("h.io", "h.io:5000", false),
            (
                "*.dkr.ecr.*.amazonaws.com",
                "1.dkr.ecr.*.amazonaws.com",
                true,
            ),
            (
                "1.dkr.ecr.*.amazonaws.com",
                "*.dkr.ecr.*.amazonaws.com",
                false,
            ),
        ] {
            assert_eq!(
                covers(&pattern(wide), &pattern(narrow)),
                expected,
                "{wide} {narrow}"
            );
        }
    }

    #[test]
    fn a_pattern_with_too_few_labels_for_its_cloud_names_one_that_matches() {
        let spec = cloud("ecr-credential-provider").expect("known");
        let served = Some((spec, served(spec)));
        let found = |text: &str, served: Option<&_>| too_few_labels(text, &pattern(text), served);
        let (what, fix) = found("*.amazonaws.com", served.as_ref()).expect("three labels");
        assert!(
            what.contains("only hosts of 3 labels, and those of Amazon ECR have 6"),
            "{what}"
        );
        assert_eq!(fix, "write *.dkr.ecr.*.amazonaws.com");
        let (what, fix) = found("*.io", None).expect("two labels");
        assert!(what.ends_with("matches only hosts of two labels"), "{what}");
        assert_eq!(
            fix,
            "write a label for each part of the host, such as *.*.io"
        );
        for sound in [
            "*.dkr.ecr.*.amazonaws.com",
            "registry.example.com",
            "*.example.com",
        ] {
            assert_eq!(found(sound, served.as_ref()), None, "{sound}");
        }
    }
}
