//! What runs at the moment, every ten seconds: the CRI itself does not report the progress of a pull.

use std::time::Duration;

use indicatif::BinaryBytes;
use regcred_cri::{Cri, Downloads};
use regcred_run::output;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

use super::tally::Tally;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    event: &'static str,
    images: usize,
    ended: usize,
    pulling: Vec<Pulling>,
    /// Bytes of the downloads that run in containerd; null for another runtime.
    received: Option<u64>,
    total: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pulling {
    image: String,
    elapsed_ms: u64,
}

/// Reports until it is dropped.
pub(super) async fn report(cri: &Cri, tally: &Tally, json: bool) {
    let mut ticks = interval(RHYTHM);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        // Other runtimes do not have this call.
        let downloads = cri.downloads().await.ok();
        let running = tally.running();
        if running.is_empty() {
            continue;
        }
        if json {
            let line = line(tally, running, downloads);
            // A closed standard output is reported when a result is written.
            let _ = output::json_line(&line);
        } else {
            output::note(&text(tally.ended(), &running, downloads));
        }
    }
}

fn line(tally: &Tally, running: Vec<(String, Duration)>, downloads: Option<Downloads>) -> Line {
    let (images, ended) = tally.ended();
    let pulling = running.into_iter().map(|(image, since)| Pulling {
        image,
        elapsed_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
    });
    Line {
        event: "progress",
        images,
        ended,
        pulling: pulling.collect(),
        received: downloads.map(|all| all.done),
        total: downloads.map(|all| all.total),
    }
}

fn text(
    (images, ended): (usize, usize),
    running: &[(String, Duration)],
    downloads: Option<Downloads>,
) -> String {
    let running = running
        .iter()
        .map(|(image, since)| format!("{image} ({} s)", since.as_secs()));
    let running: Vec<_> = running.collect();
    let mut text = format!("{ended} of {images} done; pulling {}", running.join(", "));
    if let Some(all) = downloads.filter(|all| all.count > 0) {
        let (done, total) = (BinaryBytes(all.done), BinaryBytes(all.total));
        text.push_str(&format!("; {done} of {total} of the running downloads"));
    }
    text
}

const RHYTHM: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_what_runs_and_what_arrived() {
        let running = [("h.io/a:1".to_owned(), Duration::from_secs(12))];
        let downloads = Downloads {
            count: 2,
            done: 1 << 20,
            total: 3 << 20,
        };
        assert_eq!(
            text((5, 1), &running, Some(downloads)),
            "1 of 5 done; pulling h.io/a:1 (12 s); 1.00 MiB of 3.00 MiB of the running downloads"
        );
        assert_eq!(
            text((5, 1), &running, None),
            "1 of 5 done; pulling h.io/a:1 (12 s)"
        );
    }
}
