//! How large a release program may be, and how many instructions it may execute. A figure that grows past its
//! bound was bought by something: find out what, or raise the bound in the commit that needs it.

use crate::contest::Score;

/// The contestant that asks its cloud.
pub(crate) const COLD: &str = "ours, cold";
/// The contestant that finds the answer in the cache.
pub(crate) const WARM: &str = "ours, warm cache";

/// A plugin's bounds: what the programs took that were built before these bounds.
struct Bounds {
    plugin: &'static str,
    /// Of the program's file.
    megabytes: f64,
    /// Millions of instructions of a cold run over http.
    http: f64,
    /// Millions of instructions of a cold run over https, with a distribution's roots.
    https: f64,
    /// Millions of instructions of a warm run.
    warm: f64,
}

const BOUNDS: &[Bounds] = &[
    Bounds {
        plugin: "ecr",
        megabytes: 8.4,
        http: 2.0,
        https: 12.2,
        warm: 0.7,
    },
    Bounds {
        plugin: "gcr",
        megabytes: 6.7,
        http: 0.9,
        https: 12.2,
        warm: 0.6,
    },
];

/// What breaks a bound in these scores of a plugin; nothing in a debug build.
pub(crate) fn broken(plugin: &str, scheme: &str, scores: &[Score]) -> Vec<String> {
    let is_checked = |bounds: &&Bounds| bounds.plugin == plugin && !cfg!(debug_assertions);
    let Some(bounds) = BOUNDS.iter().find(is_checked) else {
        return Vec::new();
    };
    let cold = if scheme == "https" {
        bounds.https
    } else {
        bounds.http
    };
    let mut broken = Vec::new();
    for score in scores {
        let most = match score.name.as_str() {
            COLD => cold,
            WARM => bounds.warm,
            _ => continue,
        };
        let megabytes = score.size as f64 / 1e6;
        let instructions = score.instructions.unwrap_or_default();
        for (what, is, most) in [
            ("MB", megabytes, bounds.megabytes),
            ("million instructions", instructions, most),
        ] {
            if is > most {
                let name = &score.name;
                broken.push(format!(
                    "{plugin}, {scheme}, {name}: {is:.2} {what}, the bound is {most:.2}"
                ));
            }
        }
    }
    broken
}
