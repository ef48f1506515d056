//! Names that look like those of a cloud's registries: no provider serves one, in whatever way it is written.

use std::collections::BTreeSet;

use regcred_core::{Clock, Env, RegistryHost};
use regcred_providers::by_name;

/// A provider, and real hosts of its cloud; what follows the bar is the cloud's own part of the name.
const HOSTS: &[(&str, &[&str])] = &[
    (
        "ecr",
        &[
            "123456789012.dkr.ecr.us-east-1|.amazonaws.com",
            "123456789012.dkr.ecr-fips.us-gov-west-1|.amazonaws.com",
            "123456789012.dkr.ecr.cn-north-1|.amazonaws.com.cn",
            "123456789012.dkr-ecr.eu-west-1|.on.aws",
            "public|.ecr.aws",
        ],
    ),
    (
        "gcr",
        &[
            "us|.gcr.io",
            "us-central1|-docker.pkg.dev",
            "docker.us-central1|.rep.pkg.dev",
            "container|.cloud.google.com",
        ],
    ),
    (
        "acr",
        &[
            "contoso|.azurecr.io",
            "contoso|.azurecr.cn",
            "contoso|.azurecr.us",
            "contoso.eastus2|.geo.azurecr.io",
        ],
    ),
    ("icr", &["us|.icr.io", "private.de|.icr.io"]),
    (
        "ocir",
        &[
            "phx|.ocir.io",
            "eu-frankfurt-1|.ocir.io",
            "ocir.uk-gov-london-1|.oci.oraclegovcloud.uk",
        ],
    ),
];

#[test]
fn no_provider_serves_a_name_that_looks_like_its_own() {
    let mut tried = 0;
    for (name, hosts) in HOSTS {
        let spec = by_name(name).expect(name);
        let provider = (spec.new)(&Env::default(), &Clock::system()).expect(name);
        let serves = |text: &str| {
            let host = RegistryHost::parse(text);
            host.is_ok_and(|host| provider.serves(&host))
        };
        for real in *hosts {
            let whole = real.replace('|', "");
            assert!(serves(&whole), "{whole} is {name}'s");
            for text in look_alikes(real) {
                tried += 1;
                assert!(!serves(&text), "{name} serves {text}");
                assert!(
                    !serves(&format!("{text}/team/app:v1")),
                    "{name} serves {text}"
                );
            }
        }
    }
    println!("{tried} names that look like a cloud's");
    assert!(tried > 6_000, "{tried} names");
}

/// Names that are one step away from a real one, and names that contain it.
fn look_alikes(real: &str) -> BTreeSet<String> {
    let (own, cloud) = real.split_once('|').expect("a bar");
    let whole = format!("{own}{cloud}");
    let mut found = BTreeSet::new();
    // One letter of the cloud's part is missing, doubled or another, or one more.
    for (at, letter) in cloud.char_indices() {
        let (before, after) = (&cloud[..at], &cloud[at + 1..]);
        found.insert(format!("{own}{before}{after}"));
        for other in LETTERS.chars() {
            found.insert(format!("{own}{before}{other}{after}"));
            found.insert(format!("{own}{before}{letter}{other}{after}"));
        }
    }
    for other in OTHER_LETTERS {
        found.insert(format!("{own}{}", cloud.replace('o', other)));
        found.insert(format!("{own}{}", cloud.replace('.', other)));
    }
    // Its beginning or its end is another's.
    for end in [
        ".evil.test",
        "evil.test",
        ".evil.test:443",
        "-evil.test",
        ".co",
        "@evil.test",
        "%2eevil.test",
    ] {
        found.insert(format!("{whole}{end}"));
    }
    for start in [
        "evil.test/",
        "evil.test#",
        "evil.test?",
        "evil.test:443/",
        "https://evil.test/",
        "u:p@evil.test/",
        "evil.test\\",
    ] {
        found.insert(format!("{start}{whole}"));
    }
    for inner in [".evil", ".evil.test", "..", ".-"] {
        found.insert(format!("{own}{inner}{cloud}"));
    }
    // The same name, with the root's full stop.
    found.retain(|text| text.trim_end_matches('.') != whole);
    found
}

const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
/// A full stop and an o of other alphabets, and characters that are not shown.
const OTHER_LETTERS: [&str; 8] = [
    "\u{3002}", "\u{ff0e}", "\u{43e}", "\u{3bf}", "\u{200b}", "\u{ad}", "\0", " ",
];
