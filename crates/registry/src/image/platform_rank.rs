//! Which images a host can run, best first (containerd/platforms: the table in the documentation of
//! `Only`, and `platforms_windows`).

use std::cmp::Reverse;

use super::platform::Platform;

/// How well an image fits a host; the smaller, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Position in the host's list of architectures.
    place: usize,
    /// An image that uses more of the host's features comes first.
    features: Reverse<usize>,
    /// A newer Windows comes first.
    version: Reverse<(u32, u32, u32, u32)>,
}

impl Platform {
    /// How well an image for `offered` fits this host, `None` when the host cannot run it.
    #[must_use]
    pub fn rank(&self, offered: &Self) -> Option<Rank> {
        let (host, offered) = (self.normalised(), offered.normalised());
        if host.os != offered.os {
            return None;
        }
        let place = runnable(&host.architecture, &host.variant)
            .iter()
            .position(|(name, variant)| {
                *name == offered.architecture && *variant == offered.variant
            })?;
        let windows = host.os == "windows";
        if windows && !windows_runs(&host.os_version, &offered.os_version) {
            return None;
        }
        let mut wanted = offered.os_features;
        wanted.retain(|feature| !windows || feature != "win32k");
        if !wanted.iter().all(|f| host.os_features.contains(f)) {
            return None;
        }
        let version = if windows {
            windows_version(&offered.os_version)
        } else {
            UNKNOWN
        };
        Some(Rank {
            place,
            features: Reverse(wanted.len()),
            version: Reverse(version),
        })
    }
}

/// The architectures a host runs, in normal form and order.
fn runnable<'a>(architecture: &'a str, variant: &str) -> Vec<(&'a str, String)> {
    let number = |text: &str| text.strip_prefix('v')?.parse::<u32>().ok();
    match (architecture, number(variant)) {
        ("amd64", level) => {
            let levels = match level {
                Some(level @ 1..=4) => down("v", level, 2),
                None if variant.is_empty() => Vec::new(),
                // An unknown variant: itself, else the plain one.
                _ => vec![variant.to_owned()],
            };
            let mut found = named("amd64", levels);
            found.push(("amd64", String::new()));
            found.push(("386", String::new()));
            found
        }
        ("arm", Some(version @ 5..=8)) => named("arm", down("v", version, 5)),
        ("arm64", _) => match arm64_variants(variant) {
            Some(variants) => {
                let mut found = named("arm64", variants);
                found.extend(named("arm", down("v", 8, 5)));
                found
            }
            // An unknown variant: itself, else the plain one.
            None => named("arm64", vec![variant.to_owned(), String::new()]),
        },
        (other, _) => vec![(other, variant.to_owned())],
    }
}

fn named(architecture: &str, variants: Vec<String>) -> Vec<(&str, String)> {
    variants.into_iter().map(|v| (architecture, v)).collect()
}

/// The variants of arm64 that a host of one variant runs; v8.0 is the plain one.
fn arm64_variants(variant: &str) -> Option<Vec<String>> {
    let version = match variant {
        "" => "8",
        other => other.strip_prefix('v')?,
    };
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    let minor: u32 = minor.parse().ok()?;
    let eight = |minor: u32| {
        let mut found = down("v8.", minor, 1);
        found.push(String::new());
        found
    };
    match (major, minor) {
        ("8", 0..=9) => Some(eight(minor)),
        ("9", 0..=7) => {
            let mut found = down("v9.", minor, 1);
            found.push("v9".to_owned());
            found.extend(eight((minor + 5).min(9)));
            Some(found)
        }
        _ => None,
    }
}

/// `v4 v3 v2` for 4 down to 2.
fn down(prefix: &str, from: u32, to: u32) -> Vec<String> {
    (to..=from).rev().map(|n| format!("{prefix}{n}")).collect()
}

/// Whether a Windows host runs a container of another build. A host that names no version, as
/// `--platform windows/amd64` does, takes all.
fn windows_runs(host: &str, container: &str) -> bool {
    let host = windows_version(host);
    if container.is_empty() || host == UNKNOWN {
        return true;
    }
    let container = windows_version(container);
    if (host.0, host.1) != (container.0, container.1) {
        return false;
    }
    let (host, container) = (host.2, container.2);
    if host < WINDOWS_2022 {
        return host == container;
    }
    let floor = LTSC_BUILDS
        .into_iter()
        .rev()
        .find(|build| *build < host)
        .unwrap_or(WINDOWS_2022);
    (floor..=host).contains(&container)
}

/// `10.0.20348.1`; a text of another form is unknown.
fn windows_version(text: &str) -> (u32, u32, u32, u32) {
    let parts: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    match parts.as_deref() {
        Some([major, minor, build]) => (*major, *minor, *build, 0),
        Some([major, minor, build, revision, ..]) => (*major, *minor, *build, *revision),
        _ => UNKNOWN,
    }
}

const UNKNOWN: (u32, u32, u32, u32) = (0, 0, 0, 0);
/// Windows Server 2022: from here on a host runs older builds too.
const WINDOWS_2022: u32 = 20_348;
/// Builds with long-term support since then, in order.
const LTSC_BUILDS: [u32; 2] = [WINDOWS_2022, 26_100];

#[cfg(test)]
mod tests;
