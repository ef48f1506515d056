//! Which images a host can run, best first (containerd/platforms `compare.go`, `platforms_windows`;
//! the table in its documentation of `Only`).

use std::cmp::Reverse;

use super::platform::Platform;

/// How well an image fits a host; the smaller, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// Place in the host's list of architectures.
    place: usize,
    /// More of the host's features in use come first.
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
        let pair = (offered.architecture.as_str(), offered.variant.as_str());
        let place = runnable(&host.architecture, &host.variant)
            .iter()
            .position(|(architecture, variant)| {
                (architecture.as_str(), variant.as_str()) == pair
            })?;
        let windows = host.os == "windows";
        if windows && !windows_runs(&host.os_version, &offered.os_version) {
            return None;
        }
        let wanted = offered
            .os_features
            .iter()
            .filter(|f| !windows || *f != "win32k");
        if !wanted
            .clone()
            .all(|feature| host.os_features.contains(feature))
        {
            return None;
        }
        Some(Rank {
            place,
            features: Reverse(wanted.count()),
            version: Reverse(match windows {
                true => windows_version(&offered.os_version),
                false => (0, 0, 0, 0),
            }),
        })
    }
}

/// The architectures a host runs, in normal form and order.
fn runnable(architecture: &str, variant: &str) -> Vec<(String, String)> {
    let pairs = |architecture: &str, variants: Vec<String>| {
        let architecture = architecture.to_owned();
        variants
            .into_iter()
            .map(move |v| (architecture.clone(), v))
            .collect::<Vec<_>>()
    };
    let number = |text: &str| text.strip_prefix('v')?.parse::<u32>().ok();
    match architecture {
        "amd64" => {
            let level = number(variant).unwrap_or(1);
            let mut found = pairs("amd64", down("v", level, 2));
            found.push(("amd64".to_owned(), String::new()));
            found.push(("386".to_owned(), String::new()));
            found
        }
        "arm" => match number(variant) {
            Some(version @ 5..=8) => pairs("arm", down("v", version, 5)),
            _ => pairs("arm", vec![variant.to_owned()]),
        },
        "arm64" => {
            let Some(variants) = arm64_variants(variant) else {
                // An unknown variant: itself, else the plain one.
                return pairs("arm64", vec![variant.to_owned(), String::new()]);
            };
            let mut found = pairs("arm64", variants);
            found.extend(pairs("arm", down("v", 8, 5)));
            found
        }
        other => pairs(other, vec![variant.to_owned()]),
    }
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

/// Whether a Windows host runs a container of another build.
fn windows_runs(host: &str, container: &str) -> bool {
    if container.is_empty() {
        return true;
    }
    let (host, container) = (windows_version(host), windows_version(container));
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

/// `10.0.20348.1`; a text of another form counts as 0.0.0.
fn windows_version(text: &str) -> (u32, u32, u32, u32) {
    let parts: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    match parts.as_deref() {
        Some([major, minor, build]) => (*major, *minor, *build, 0),
        Some([major, minor, build, revision, ..]) => (*major, *minor, *build, *revision),
        _ => (0, 0, 0, 0),
    }
}

/// Windows Server 2022: from here on a host runs older builds too.
const WINDOWS_2022: u32 = 20_348;
/// Builds with long-term support since then, in order.
const LTSC_BUILDS: [u32; 2] = [WINDOWS_2022, 26_100];

#[cfg(test)]
mod tests;
