//! What a look-up costs with many patterns and many docker entries, and how that grows.
//!
//! `cargo run --release -p regcred-engine --example lookup_cost`

#![expect(clippy::print_stdout, reason = "an example that prints")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use regcred_core::{Env, ImagePattern};
use regcred_engine::{Engine, Pod};
use tempfile::TempDir;

/// Ten providers share the patterns; the image is asked of the last registry.
const PROVIDERS: usize = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("patterns and entries   start     first look-up   look-up   a scan of the patterns");
    for count in [100, 1_000, 10_000, 100_000] {
        let node = node(count)?;
        let began = Instant::now();
        let engine = Engine::builder(&Env::default())
            .provider_config(node.path().join("config"))
            .bin_dir(node.path().join("bin"))
            .docker_configs([node.path().join("docker.json")])
            .build()?;
        let start = began.elapsed();
        let (pod, image) = (Pod::new(), format!("r{}.example.com/team/app", count - 1));
        let began = Instant::now();
        let found = engine.lookup(&image, &pod).await?;
        let first = began.elapsed();
        let users: Vec<_> = found
            .candidates
            .iter()
            .map(|c| &*c.credentials.username)
            .collect();
        assert_eq!(users, ["node", "plugin"], "{image}");
        drop(found);

        const TURNS: u32 = 200;
        let began = Instant::now();
        for _ in 0..TURNS {
            assert_eq!(engine.lookup(&image, &pod).await?.candidates.len(), 2);
        }
        let each = began.elapsed() / TURNS;
        println!(
            "{count:>20}   {:<7}   {:<13}   {:<7}   {}",
            shown(start),
            shown(first),
            shown(each),
            shown(scan(&engine, &image)?)
        );
    }
    Ok(())
}

/// The same test without the index: one pattern after the other.
fn scan(engine: &Engine, image: &str) -> Result<Duration, Box<dyn Error>> {
    let texts = engine
        .plugins()
        .iter()
        .flat_map(|plugin| plugin.match_images());
    let patterns = texts
        .map(ImagePattern::parse)
        .collect::<Result<Vec<_>, _>>()?;
    let began = Instant::now();
    let image = ImagePattern::parse(image)?;
    let matching = patterns
        .iter()
        .filter(|pattern| pattern.matches_parsed(&image));
    assert_eq!(matching.count(), 1);
    Ok(began.elapsed())
}

/// A node with `count` patterns, half of them with a glob, and `count` docker entries.
fn node(count: usize) -> Result<TempDir, Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let bin = dir.path().join("bin");
    let config = dir.path().join("config");
    fs::create_dir(&bin)?;
    fs::create_dir(&config)?;
    for provider in 0..PROVIDERS {
        let name = format!("plugin-{provider}");
        plugin(&bin.join(&name))?;
        let mut text = format!(
            "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n\
             - name: {name}\n  defaultCacheDuration: 1h\n  \
             apiVersion: credentialprovider.kubelet.k8s.io/v1\n  matchImages:\n"
        );
        for number in (provider..count).step_by(PROVIDERS) {
            match number % 2 {
                0 => writeln!(text, "  - '*.g{number}.example.com'")?,
                _ => writeln!(text, "  - r{number}.example.com/team")?,
            }
        }
        fs::write(config.join(format!("{provider}.yaml")), text)?;
    }
    let entries: Vec<_> = (0..count)
        .map(|number| format!("\"r{number}.example.com\":{{\"username\":\"node\"}}"))
        .collect();
    let docker = format!("{{\"auths\":{{{}}}}}", entries.join(","));
    fs::write(dir.path().join("docker.json"), docker)?;
    Ok(dir)
}

fn plugin(path: &Path) -> Result<(), Box<dyn Error>> {
    let answer = r#"{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"Global","auth":{"*.example.com":{"username":"plugin"}}}"#;
    fs::write(path, format!("#!/bin/sh\necho '{answer}'\n"))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn shown(span: Duration) -> String {
    match span.as_micros() {
        0..1_000 => format!("{:.1}µs", span.as_secs_f64() * 1e6),
        1_000..1_000_000 => format!("{:.1}ms", span.as_secs_f64() * 1e3),
        _ => format!("{:.1}s", span.as_secs_f64()),
    }
}
