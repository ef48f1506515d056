//! A large layer that is fetched in parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::fake::{Content, Fixture};
use super::*;
use crate::fake::{Fake, Reply, Seen, partial, range};
use crate::{Descriptor, Division};

const PART: usize = 64 << 10;

/// Some 2 MB that differ everywhere.
fn large() -> Vec<u8> {
    let pattern = (0..2_000_003_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8);
    pattern.collect()
}

/// An image of one large layer.
fn content() -> (Content, Descriptor) {
    let mut content = Content::default();
    let manifest = content.image("linux/amd64", &[&large()]);
    content.tag(&manifest);
    let layer = content.blobs_of(&manifest).remove(1);
    (content, layer)
}

/// A registry whose script spoils the replies to requests for parts: the first, the second, ...
async fn registry(
    content: Content,
    spoil: impl Fn(usize, Reply) -> Reply + Send + Sync + 'static,
) -> Fixture {
    let parts = AtomicUsize::new(0);
    Fixture::scripted(content, move |seen, reply| match range(seen) {
        Some(_) => spoil(parts.fetch_add(1, Ordering::SeqCst) + 1, reply),
        None => reply,
    })
    .await
}

/// A pull that divides at once.
async fn pull_divided(fixture: &Fixture) -> Result<PulledImage, RegistryError> {
    let options = PullOptions {
        platforms: "linux/amd64".parse().expect("a platform"),
        division: Division {
            after: Duration::ZERO,
            part: PART as u64,
        },
        ..PullOptions::default()
    };
    fixture.pull_as(&options, &NoProgress).await
}

/// The parts that were requested, each from its first offset to the one after its last; `None` for the whole.
fn parts(fixture: &Fixture, layer: &Descriptor) -> Vec<Option<(usize, usize)>> {
    let ranges = fixture.ranges(layer).into_iter();
    ranges
        .map(|range| {
            let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
            let last: usize = last.parse().expect("an offset");
            Some((first.parse().expect("an offset"), last + 1))
        })
        .collect()
}

/// Checks that the layer is in the store, and that what was served of it fits together, up to the end. Returns
/// that, in its order. `served` is what came of a request, by its number.
fn complete(
    fixture: &Fixture,
    layer: &Descriptor,
    served: impl Fn(usize, (usize, usize)) -> Option<(usize, usize)>,
) -> Vec<(usize, usize)> {
    assert!(fixture.layout.has_blob(layer) && fixture.debris().is_empty());
    let requested = parts(fixture, layer);
    assert_eq!(requested[0], None);
    let numbered = requested.into_iter().enumerate();
    let served = numbered.filter_map(|(number, part)| served(number, part?));
    let mut served: Vec<_> = served.collect();
    served.sort_unstable();
    for pair in served.windows(2) {
        assert_eq!(pair[0].1, pair[1].0, "{served:?}");
    }
    assert_eq!(served.last().map(|part| part.1), Some(large().len()));
    served
}

#[tokio::test]
async fn the_rest_of_a_large_layer_is_fetched_in_parts_that_fit_together() {
    let (content, layer) = content();
    let fixture = registry(content, |_, reply| reply).await;
    let pulled = pull_divided(&fixture).await.expect("pulled");
    assert_eq!(pulled.fetched_bytes, pulled.size);
    let parts = complete(&fixture, &layer, |_, part| Some(part));
    assert!(parts.len() > 10, "{parts:?}");
    assert!(parts.iter().all(|(first, end)| end - first <= PART));
}

#[tokio::test]
async fn parts_follow_the_redirects_of_the_registry_each_with_an_address_of_its_own() {
    let (content, layer) = content();
    let whole = large();
    let storage = Fake::start(move |seen| match range(seen) {
        Some(range) => partial(&whole, range),
        None => Reply::ok(whole.clone()),
    })
    .await;
    let (url, blob) = (storage.url("/"), layer.digest.to_string());
    let addresses = AtomicUsize::new(0);
    let fixture = Fixture::scripted(content, move |seen, reply| {
        if seen.path.ends_with(&blob) {
            let number = addresses.fetch_add(1, Ordering::SeqCst);
            Reply::new(307).header("location", format!("{url}{number}"))
        } else {
            reply
        }
    })
    .await;
    pull_divided(&fixture).await.expect("pulled");
    complete(&fixture, &layer, |_, part| Some(part));
    let mut paths: Vec<_> = storage.seen().into_iter().map(|seen| seen.path).collect();
    let requests = paths.len();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(
        (paths.len(), requests),
        (requests, parts(&fixture, &layer).len())
    );
}

#[tokio::test]
async fn a_server_that_refuses_parts_is_asked_once_and_the_stream_goes_on() {
    let (content, layer) = content();
    let total = large().len();
    let other = |range: String| {
        Reply::new(206)
            .header("content-range", range)
            .body([0; PART])
    };
    let cases = [
        ("no ranges", Reply::ok(large())),
        ("another range", other(format!("bytes 0-65535/{total}"))),
        ("another size", other("bytes 70000-135535/9".to_owned())),
        ("no range", Reply::new(206).body([0; PART])),
        (
            "too many connections",
            Reply::new(429).header("retry-after", "3600"),
        ),
        ("overloaded", Reply::new(503)),
        ("forbidden", Reply::new(403)),
        ("not satisfiable", Reply::new(416)),
        ("closed", Reply::hang_up()),
    ];
    for (case, refusal) in cases {
        let fixture = registry(content.clone(), move |_, _| refusal.clone()).await;
        asked_once(&fixture, &layer, case).await;
    }
    let fixture = Fixture::scripted(content, |seen, reply| {
        let etag = range(seen).map_or("\"one\"", |_| "\"another\"");
        reply.header("etag", etag)
    })
    .await;
    asked_once(&fixture, &layer, "another object").await;
}

async fn asked_once(fixture: &Fixture, layer: &Descriptor, case: &str) {
    let pulled = pull_divided(fixture).await.expect(case);
    assert_eq!(pulled.fetched_bytes, pulled.size, "{case}");
    assert!(fixture.layout.has_blob(layer), "{case}");
    assert!(fixture.debris().is_empty(), "{case}");
    let parts = parts(fixture, layer);
    assert!(matches!(parts[..], [None, Some(_)]), "{case}: {parts:?}");
}

#[tokio::test]
async fn a_server_whose_answer_shows_that_it_has_no_parts_is_not_asked_for_one() {
    let (content, layer) = content();
    for (name, value) in [("accept-ranges", "none"), ("content-encoding", "gzip")] {
        let spoil = move |_: &Seen, reply: Reply| reply.header(name, value);
        let fixture = Fixture::scripted(content.clone(), spoil).await;
        pull_divided(&fixture).await.expect(name);
        assert_eq!(parts(&fixture, &layer), [None], "{name}");
    }
}

#[tokio::test]
async fn a_part_that_is_cut_goes_on_at_the_same_byte() {
    let (content, layer) = content();
    let fixture = registry(content, |part, reply| match part {
        2 => reply.cut(1000),
        _ => reply,
    })
    .await;
    pull_divided(&fixture).await.expect("pulled");
    complete(&fixture, &layer, |number, (first, end)| match number {
        2 => Some((first, first + 1000)),
        _ => Some((first, end)),
    });
}

#[tokio::test]
async fn what_parts_lack_is_fetched_by_the_stream() {
    let (content, layer) = content();
    let refused = [3, 4, 5];
    let fixture = registry(content, move |part, reply| {
        if refused.contains(&part) {
            Reply::new(503)
        } else {
            reply
        }
    })
    .await;
    let pulled = pull_divided(&fixture).await.expect("pulled");
    assert_eq!(pulled.fetched_bytes, pulled.size);
    complete(&fixture, &layer, |number, part| {
        (!refused.contains(&number)).then_some(part)
    });
}

#[tokio::test]
async fn parts_of_other_content_are_found_by_the_digest_and_the_layer_is_fetched_as_a_whole() {
    let (content, layer) = content();
    let fixture = registry(content, |part, reply| {
        let mut body = reply.bytes().to_vec();
        if part == 4 {
            body[0] ^= 1;
        }
        reply.body(body)
    })
    .await;
    let pulled = pull_divided(&fixture).await.expect("pulled");
    assert_eq!(pulled.fetched_bytes, pulled.size + layer.size);
    assert!(fixture.layout.has_blob(&layer) && fixture.debris().is_empty());
    let parts = parts(&fixture, &layer);
    let wholes = parts.iter().filter(|part| part.is_none());
    assert_eq!((wholes.count(), parts.last()), (2, Some(&None)));
}

#[tokio::test]
async fn wrong_content_is_not_stored_in_parts_either() {
    let (mut content, layer) = content();
    content.corrupt(&layer, &vec![7; large().len()]);
    let fixture = registry(content, |_, reply| reply).await;
    let error = pull_divided(&fixture).await.expect_err("wrong digest");
    assert!(error.to_string().contains(layer.digest.as_str()), "{error}");
    assert!(!fixture.layout.has_blob(&layer) && fixture.debris().is_empty());
    let name = fixture.image().to_string();
    assert!(fixture.layout.resolve(&name).expect("index").is_none());
}

#[tokio::test]
async fn a_divided_pull_that_is_interrupted_leaves_a_beginning_that_the_next_continues() {
    let (content, layer) = content();
    let is_back = Arc::new(AtomicBool::new(false));
    let works = Arc::clone(&is_back);
    let fixture = registry(content, move |part, reply| {
        if part <= 25 || works.load(Ordering::SeqCst) {
            reply
        } else {
            Reply::new(404)
        }
    })
    .await;
    let error = pull_divided(&fixture).await.expect_err("gone");
    assert_eq!(error.status(), Some(crate::StatusCode::NOT_FOUND));
    let [left] = &fixture.debris()[..] else {
        panic!("{:?}", fixture.debris());
    };
    let left = std::fs::read(left).expect("a beginning");
    assert!(left.len() > 1 << 20 && large().starts_with(&left));
    let before = parts(&fixture, &layer).len();

    is_back.store(true, Ordering::SeqCst);
    let pulled = pull_divided(&fixture).await.expect("pulled");
    assert_eq!(pulled.fetched_bytes, layer.size - left.len() as u64);
    let next = parts(&fixture, &layer)[before];
    assert_eq!(next, Some((left.len(), large().len())));
    assert!(fixture.layout.has_blob(&layer) && fixture.debris().is_empty());
}
