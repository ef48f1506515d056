//! How large a release program may be, and how many instructions it may execute. A figure that grows past its
//! bound was bought by something: find out what, or raise the bound in the commit that needs it.

use crate::score::Score;

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
    /// Millions of instructions of a cold run over https, with a distribution's roots, if there is one.
    https: Option<f64>,
    /// Millions of instructions of a warm run.
    warm: f64,
}

const BOUNDS: &[Bounds] = &[
    Bounds {
        plugin: "ecr",
        megabytes: 4.9,
        http: 3.7,
        https: Some(8.9),
        warm: 0.7,
    },
    Bounds {
        plugin: "gcr",
        megabytes: 3.1,
        http: 0.8,
        https: None,
        warm: 0.5,
    },
];

/// What grows faster than what it works on: the processor time of a run beside that of the run before it.
pub(crate) fn superlinear(title: &str, sizes: &[usize], scores: &[Score]) -> Vec<String> {
    let cpu = |score: &Score| score.quantile(|run| run.cpu, 0.5);
    let steps = sizes.windows(2).zip(scores.windows(2));
    let faster = steps.filter_map(|(sizes, scores)| {
        let ([small, large], [less, more]) = (sizes, scores) else {
            return None;
        };
        let (times, most) = (cpu(more) / cpu(less), *large as f64 / *small as f64);
        let name = &more.name;
        (times > most * TOLERATED).then(|| {
            format!("{title}, {name}: {times:.1} times the processor time of {most:.1} times less")
        })
    });
    faster.collect()
}

/// What a run executes more of than the first, though it has the same to do.
pub(crate) fn uneven(title: &str, scores: &[Score]) -> Vec<String> {
    let first = scores.first().and_then(|score| score.instructions);
    let more = scores.iter().filter_map(|score| {
        let (is, first) = (score.instructions?, first?);
        let name = &score.name;
        (is > first * TOLERATED)
            .then(|| format!("{title}, {name}: {is:.2} million instructions instead of {first:.2}"))
    });
    more.collect()
}

/// What breaks a bound in these scores of a plugin; nothing in a debug build.
pub(crate) fn broken(plugin: &str, scheme: &str, scores: &[Score]) -> Vec<String> {
    let is_checked = |bounds: &&Bounds| bounds.plugin == plugin && !cfg!(debug_assertions);
    let Some(bounds) = BOUNDS.iter().find(is_checked) else {
        return Vec::new();
    };
    let cold = if scheme == "https" {
        bounds.https
    } else {
        Some(bounds.http)
    };
    let mut broken = Vec::new();
    for score in scores {
        let most = match score.name.as_str() {
            COLD => cold,
            WARM => Some(bounds.warm),
            _ => None,
        };
        let Some(most) = most else { continue };
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

/// How much of a growth is the machine's mood.
const TOLERATED: f64 = 1.3;
