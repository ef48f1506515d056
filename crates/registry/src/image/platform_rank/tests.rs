use super::*;

fn platform(text: &str) -> Platform {
    text.parse().expect(text)
}

/// The offers a host takes, in its order.
fn order(host: &str, offers: &[&str]) -> Vec<String> {
    let host = platform(host);
    let mut ranked: Vec<_> = offers
        .iter()
        .filter_map(|text| Some((host.rank(&platform(text))?, (*text).to_owned())))
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn an_amd64_takes_lower_levels_then_386() {
    let all = [
        "linux/386",
        "linux/amd64",
        "linux/amd64/v2",
        "linux/amd64/v3",
        "linux/amd64/v4",
        "linux/arm64",
    ];
    assert_eq!(
        order("linux/amd64/v3", &all),
        [
            "linux/amd64/v3",
            "linux/amd64/v2",
            "linux/amd64",
            "linux/386"
        ]
    );
    assert_eq!(order("linux/amd64", &all), ["linux/amd64", "linux/386"]);
    assert!(order("windows/amd64", &all).is_empty());
    for unknown in [
        "linux/amd64/v9",
        "linux/amd64/zen",
        "linux/amd64/v4294967295",
    ] {
        assert_eq!(
            order(
                unknown,
                &["linux/386", "linux/amd64", unknown, "linux/amd64/v2"]
            ),
            [unknown, "linux/amd64", "linux/386"]
        );
    }
}

#[test]
fn an_arm_takes_lower_versions() {
    let all = [
        "linux/arm/v5",
        "linux/arm/v6",
        "linux/arm/v7",
        "linux/arm/v8",
        "linux/arm/v4",
    ];
    assert_eq!(
        order("linux/arm/v7", &all),
        ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]
    );
    assert_eq!(order("linux/arm/v4", &all), ["linux/arm/v4"]);
}

#[test]
fn an_arm64_takes_lower_versions_then_arm() {
    let all = [
        "linux/arm/v5",
        "linux/arm/v8",
        "linux/arm64",
        "linux/arm64/v8.1",
        "linux/arm64/v8.6",
        "linux/arm64/v8.7",
        "linux/arm64/v9",
        "linux/arm64/v9.1",
        "linux/arm64/v9.2",
    ];
    assert_eq!(
        order("linux/arm64/v9.1", &all),
        [
            "linux/arm64/v9.1",
            "linux/arm64/v9",
            "linux/arm64/v8.6",
            "linux/arm64/v8.1",
            "linux/arm64",
            "linux/arm/v8",
            "linux/arm/v5"
        ]
    );
    assert_eq!(
        order("linux/arm64/v8", &all),
        ["linux/arm64", "linux/arm/v8", "linux/arm/v5"]
    );
    assert_eq!(
        order("linux/arm64/v10", &["linux/arm64/v10", "linux/arm64"]),
        ["linux/arm64/v10", "linux/arm64"]
    );
}

#[test]
fn windows_builds_follow_the_compatibility_rules() {
    let takes = |host: &str, container: &str| {
        let offer = format!("windows/amd64:10.0.{container}.9");
        !order(&format!("windows/amd64:10.0.{host}.1"), &[&offer]).is_empty()
    };
    for (host, container, expected) in [
        ("17763", "17763", true),
        ("17763", "17134", false),
        ("20348", "20348", true),
        ("20348", "17763", false),
        ("25398", "20348", true),
        ("25398", "17763", false),
        ("26100", "20348", true),
        ("26100", "22621", true),
        ("26100", "26100", true),
        ("27000", "26100", true),
        ("27000", "25398", false),
    ] {
        assert_eq!(takes(host, container), expected, "{host} {container}");
    }
    assert_eq!(
        order(
            "windows/amd64:10.0.26100.1",
            &[
                "windows/amd64:10.0.20348.5",
                "windows/amd64:10.0.26100.2",
                "windows/amd64"
            ]
        ),
        [
            "windows/amd64:10.0.26100.2",
            "windows/amd64:10.0.20348.5",
            "windows/amd64"
        ]
    );
}

#[test]
fn a_windows_host_without_a_version_takes_all_builds_the_newest_first() {
    let offers = [
        "windows/amd64",
        "windows/amd64:10.0.17763.5",
        "windows/amd64:10.0.26100.2",
        "linux/amd64",
        "windows/amd64:10.0.20348.5",
        "windows/arm64:10.0.26100.2",
    ];
    for host in ["windows/amd64", "windows/amd64:10.0"] {
        assert_eq!(
            order(host, &offers),
            [
                "windows/amd64:10.0.26100.2",
                "windows/amd64:10.0.20348.5",
                "windows/amd64:10.0.17763.5",
                "windows/amd64"
            ]
        );
    }
}

#[test]
fn features_must_be_the_hosts_and_more_come_first() {
    let mut host = platform("linux/amd64");
    host.os_features = vec!["a".into(), "b".into()];
    let mut offered = platform("linux/amd64");
    let plain = host.rank(&offered).expect("fits");
    offered.os_features = vec!["a".into()];
    assert!(host.rank(&offered).expect("fits") < plain);
    offered.os_features.push("c".into());
    assert_eq!(host.rank(&offered), None);
}
