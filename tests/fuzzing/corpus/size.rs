//! The time that an input takes grows with its length, and not faster.

use std::fmt::Write as _;
use std::fs;

#[test]
fn four_times_the_input_takes_about_four_times_the_time() {
    let mut wrong = Vec::new();
    for (target, what, count, make) in INPUTS {
        let (small, large) = (make(*count), make(4 * count));
        let time = |input: &[u8]| {
            let before = cpu_time();
            regcred_fuzzing::run(target, input);
            cpu_time() - before
        };
        // The least of several: other processes disturb caches.
        let least = |input: &[u8]| (0..3).map(|_| time(input)).min().unwrap_or_default();
        let (one, four) = (least(&small), time(&large));
        if four > 9 * one + MARGIN && least(&large) > 9 * one + MARGIN {
            wrong.push(format!("{target}, {what}: {one} ns, then {four} ns"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Nanoseconds that this thread has run.
fn cpu_time() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let first = text.split(' ').next().unwrap_or_default();
    first.parse().expect("a number")
}

const MARGIN: u64 = 60_000_000;

type Input = (&'static str, &'static str, usize, fn(usize) -> Vec<u8>);

const INPUTS: &[Input] = &[
    ("yaml", "keys", 2500, |n| {
        lines("", n, |at| format!("key{at}: value\n"))
    }),
    ("yaml", "keys of a flow mapping", 2500, |n| {
        lines("{", n, |at| format!("key{at}: value, "))
    }),
    ("yaml", "equal keys", 2500, |n| {
        lines("", n, |_| "key: value\n".to_owned())
    }),
    ("yaml", "anchors", 1500, |n| {
        lines("", n, |at| format!("- &a{at} [x]\n- *a{at}\n"))
    }),
    ("yaml", "documents", 1500, |n| {
        lines("", n, |_| "---\na: b\n".to_owned())
    }),
    ("yaml", "a text", 10_000, |n| {
        lines("a: \"", n, |_| "\\n x".to_owned())
    }),
    ("yaml", "a plain text of lines", 2500, |n| {
        lines("a:\n", n, |_| "  x\n".to_owned())
    }),
    ("yaml", "merges", 250, |n| {
        lines("b: &b {c: d}\n", n, |at| format!("k{at}: {{<<: *b}}\n"))
    }),
    ("json", "members", 5000, |n| {
        lines("{\"a\":0", n, |at| format!(",\"k{at}\":[{at}]"))
    }),
    ("json", "escapes", 10_000, |n| {
        lines("\"", n, |_| "\\\"\\u0041".to_owned())
    }),
    ("provider_config", "entries", 150, |n| {
        lines(CONFIG, n, |at| {
            format!(
                "- name: p{at}\n  matchImages: [a{at}.io]\n  defaultCacheDuration: 1m\n  apiVersion: {V1}\n"
            )
        })
    }),
    ("provider_config", "unknown fields", 1500, |n| {
        lines(CONFIG, n, |at| format!("- x{at}: y\n"))
    }),
    ("provider_config", "equal keys", 1500, |n| {
        lines(CONFIG, n, |_| "  a: b\n".to_owned())
    }),
    ("response", "logins", 1500, |n| {
        let start = format!(
            r#"{{"kind":"CredentialProviderResponse","apiVersion":"{V1}","cacheKeyType":"Image","auth":{{"a":null"#
        );
        let mut text = lines(&start, n, |at| {
            format!(r#","r{at}.io":{{"username":"u","password":"p"}}"#)
        });
        text.extend(b"}}");
        text
    }),
    ("docker_config", "entries", 750, |n| {
        let mut text = lines("{\"auths\":{\"a\":{}", n, |at| {
            format!(",\"r{at}.io\":{{\"auth\":\"dTpw\"}}")
        });
        text.extend(b"}}");
        text
    }),
    ("docker_config", "bad entries", 750, |n| {
        let mut text = lines("{\"auths\":{\"a\":{}", n, |at| {
            format!(",\"*.{at}.io\":{{\"auth\":\"%\"}}")
        });
        text.extend(b"}}");
        text
    }),
    ("pull_secret", "entries", 750, |n| {
        let mut text = lines("{\"auths\":{\"a\":{}", n, |at| {
            format!(",\"r{at}.io\":{{\"auth\":\"dTpw\"}}")
        });
        text.extend(b"}}");
        text
    }),
    ("pull_secret", "Secrets", 750, |n| {
        lines("", n, |at| {
            format!("---\nkind: Secret\napiVersion: v1\nmetadata: {{name: s{at}}}\n")
        })
    }),
    ("pull_record", "images", 1500, |n| {
        let mut text = lines(
            r#"{"kind":"ImagePulledRecord","apiVersion":"kubelet.config.k8s.io/v1beta1","imageRef":"x","lastUpdatedTime":null,"credentialMapping":{"a":null"#,
            n,
            |at| format!(r#","r{at}.io":{{"nodePodsAccessible":true}}"#),
        );
        text.extend(b"}}");
        text
    }),
    ("challenge", "parameters", 2500, |n| {
        lines("Bearer a=b", n, |at| format!(",p{at}=\"v\""))
    }),
    ("challenge", "challenges", 2500, |n| {
        lines("Basic", n, |_| ", Basic".to_owned())
    }),
    ("challenge", "quotes", 10_000, |n| {
        lines("Bearer a=\"", n, |_| "\\\"".to_owned())
    }),
    ("challenge", "broken parts", 2500, |n| {
        lines("Bearer ", n, |_| "a=\"b\"c, ".to_owned())
    }),
    ("reference", "a path", 10_000, |n| {
        lines("a.io/", n, |_| "a-_/".to_owned())
    }),
    ("pattern", "a label of runs", 2500, |n| {
        let mut text = lines("", n, |_| "*a".to_owned());
        text.extend(format!("b\n{}", "a".repeat(255)).bytes());
        text
    }),
    ("pattern", "labels", 2500, |n| {
        lines("", n, |_| "*.".to_owned())
    }),
    ("manifest", "layers", 750, |n| manifest("layers", n)),
    ("manifest", "manifests", 750, |n| manifest("manifests", n)),
    ("foreign_text", "beginnings of tokens", 10_000, |n| {
        lines("{\"message\":\"", n, |_| "eyJ ".to_owned())
    }),
    ("foreign_text", "blanks", 25_000, |n| {
        lines("", n, |_| "\u{200b} ".to_owned())
    }),
    ("go_values", "a duration", 10_000, |n| {
        lines("", n, |_| "0h".to_owned())
    }),
    ("hosts_toml", "hosts", 500, |n| {
        lines("", n, |at| format!("[host.\"https://h{at}\"]\n"))
    }),
    ("generic_config", "entries", 100, |n| {
        lines(
            "apiVersion: generic.regcred.dev/v1\nkind: RegistryConfiguration\nregistries:\n",
            n,
            |at| {
                format!(
                    "- {{matchImages: [r{at}.io], static: {{username: u, passwordFile: /x}}}}\n"
                )
            },
        )
    }),
    ("aws_files", "profiles", 750, |n| {
        lines("", n, |at| format!("[profile p{at}]\nregion=x\n"))
    }),
    ("aws_files", "lines that continue", 1500, |n| {
        lines("[default]\na = b\n", n, |_| "  c\n".to_owned())
    }),
    ("aws_files", "nonsense", 2500, |n| {
        lines("", n, |_| "x\n".to_owned())
    }),
    ("oracle_files", "profiles", 750, |n| {
        lines("", n, |at| format!("[p{at}]\nuser=x\n"))
    }),
    ("pem", "beginnings", 1500, |n| {
        lines("", n, |at| format!("-----BEGIN A{at}-----\n"))
    }),
    ("ca_bundle", "certificates", 1500, |n| {
        lines("", n, |_| {
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned()
        })
    }),
    ("image_list", "lines", 2500, |n| {
        lines("", n, |at| format!("r{at}.io/a:v1\n"))
    }),
    ("image_list", "containers", 750, |n| {
        lines("---\ncontainers:\n", n, |at| format!("- image: a{at}\n"))
    }),
    ("node_files", "variables", 500, |n| {
        lines("[Service]\n", n, |at| format!("Environment=A{at}=b\n"))
    }),
    ("node_files", "a command of lines", 500, |n| {
        lines("[Service]\nExecStart=/usr/bin/kubelet", n, |at| {
            format!(" \\\n --a{at}=b")
        })
    }),
    ("refresh_config", "registries", 75, |n| {
        lines(
            "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\ntargets: []\nregistries:\n",
            n,
            |at| {
                format!(
                    "- {{name: r{at}, provider: static, host: r{at}.io, login: {{username: u, passwordFile: /x}}}}\n"
                )
            },
        )
    }),
    ("token_response", "members", 2500, |n| {
        lines("{\"access_token\":\"t\"", n, |at| format!(",\"k{at}\":1"))
    }),
];

fn lines(start: &str, count: usize, line: impl Fn(usize) -> String) -> Vec<u8> {
    let mut text = start.to_owned();
    for at in 0..count {
        let _ = text.write_str(&line(at));
    }
    text.into_bytes()
}

fn manifest(list: &str, count: usize) -> Vec<u8> {
    let descriptor = format!(
        r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:{}","size":2}}"#,
        "0".repeat(64)
    );
    let mut text = lines(
        &format!("\n{{\"schemaVersion\":2,\"{list}\":[{descriptor}"),
        count,
        |_| format!(",{descriptor}"),
    );
    text.extend(format!("],\"config\":{descriptor}}}").bytes());
    text
}

const V1: &str = "credentialprovider.kubelet.k8s.io/v1";
const CONFIG: &str =
    "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n";
