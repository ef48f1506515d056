//! Requests that no kubelet sends: they are answered or refused, and nothing of them is shown at any level.

use regcred_tests::canary::VERBOSE;
use regcred_tests::seeded::Seeded;
use regcred_tests::{Canary, Program, clouds, plugin_request_with};
use serde_json::json;

#[test]
fn nothing_of_a_hostile_request_is_shown_and_each_has_an_end() {
    let mut canary = Canary::default();
    let mut random = Seeded::new(2_045);
    canary.look_for([OF_POD.to_owned()], "requests");
    let (mut tried, mut answered) = (0, 0);
    for (name, start) in clouds::CLOUDS {
        let cloud = start();
        let of_pod =
            json!({"serviceAccountToken": OF_POD, "serviceAccountAnnotations": {"a": OF_POD}});
        let sound = plugin_request_with(cloud.image(), of_pod);
        for _ in 0..MUTATIONS {
            let input = mutated(sound.as_bytes(), &mut random);
            let context = format!("{name}: {}", String::from_utf8_lossy(&input));
            let plugin = Program::ours(&format!("{name}-credential-provider"));
            let plugin = plugin.envs(cloud.env()).env("REGCRED_CACHE", "off");
            let done = plugin.env("REGCRED_LOG", VERBOSE).stdin(input).run();
            assert!(done.signal().is_none(), "{context}: {}", done.stderr);
            assert!(
                !done.stderr.contains("a panic"),
                "{context}: {}",
                done.stderr
            );
            canary.search_output(&context, &done);
            tried += 1;
            answered += u32::from(done.code() == Some(0));
        }
    }
    println!("{tried} hostile requests, {answered} answered");
    assert!(
        answered > 0 && answered < tried,
        "{answered} of {tried} are answered"
    );
    canary.end(50_000);
}

/// A request with one change or two.
fn mutated(sound: &[u8], random: &mut Seeded) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for _ in 0..=random.below(2) {
        let at = random.below(bytes.len() + 1);
        let end = at + random.below(bytes.len() + 1 - at);
        match random.below(4) {
            0 => drop(bytes.splice(at..end, [])),
            1 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            2 if at < bytes.len() => bytes[at] = random.bytes(1)[0],
            _ => {
                let words = HOSTILE[random.below(HOSTILE.len())];
                drop(bytes.splice(at..at, words.repeat(1 + random.below(3)).into_bytes()));
            }
        }
    }
    bytes
}

const HOSTILE: [&str; 12] = [
    "\\u0000",
    "\\ud800",
    "\u{1b}[31m",
    "\u{202e}",
    "\"",
    "{\"image\":",
    "[[[[[[[[",
    "1e999",
    "null,",
    "\n",
    "/../",
    "@evil.test/",
];
const MUTATIONS: usize = 40;
const OF_POD: &str =
    "eyJhbGciOiJSUzI1NiJ9.cG9kLWM0bjRyeS1pbnB1dC1jNG40cnktaW5wdXQ.c2ln-c4n4ry-of-the-input";
