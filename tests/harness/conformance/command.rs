//! What is not a face: `match-images`, `--help`, `--version`.

use regcred_core::ImagePattern;

use super::Plugin;

pub(super) fn check(plugin: &Plugin<'_>) {
    let patterns = plugin.run(plugin.start().arg("match-images")).success();
    let patterns: Vec<ImagePattern> = patterns
        .lines()
        .map(|line| ImagePattern::parse(line).expect("a pattern on each line"))
        .collect();
    let image = plugin.cloud.image();
    assert!(patterns.iter().any(|p| p.matches(image)), "{patterns:?}");

    let version = plugin.run(plugin.start().arg("--version")).success();
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    assert_eq!(version.lines().count(), 1);

    let help = plugin.run(plugin.start().arg("--help")).success();
    for word in ["token", "docker", "match-images"] {
        assert!(help.contains(word), "the help does not mention {word}");
    }

    let done = plugin.run(plugin.start().arg("--no-such-flag"));
    assert_eq!(done.code(), Some(2), "{}", done.stderr);
}
