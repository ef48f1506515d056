use proptest::prelude::*;

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
fn names_have_one_normal_form() {
    for (text, normal) in [
        ("linux/x86_64", "linux/amd64"),
        ("Linux/AMD64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("macos/aarch64", "darwin/arm64"),
        ("linux/arm64/v8.0", "linux/arm64"),
        ("linux/arm64/9", "linux/arm64/v9"),
        ("linux/arm64/v8.2", "linux/arm64/v8.2"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/i386", "linux/386"),
        ("windows/amd64:10.0.20348.1", "windows/amd64:10.0.20348.1"),
        ("linux/s390x", "linux/s390x"),
    ] {
        assert_eq!(platform(text).to_string(), normal);
    }
}

#[test]
fn broken_names_are_refused() {
    for text in [
        "",
        "linux",
        "linux/",
        "/amd64",
        "linux/arm/v7/x",
        "linux/arm/",
        "a b/c",
        "linux/amd64:",
    ] {
        assert!(text.parse::<Platform>().is_err(), "{text}");
    }
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

#[test]
fn json_has_the_dotted_names() {
    let text =
        r#"{"os":"windows","architecture":"amd64","os.version":"10.0.1","os.features":["win32k"]}"#;
    let read: Platform = serde_json::from_str(text).expect("platform");
    assert_eq!(serde_json::to_string(&read).expect("json"), text);
    assert!(read.rank(&read).is_some(), "win32k does not count");
}

#[test]
fn cpuinfo_tells_the_arm() {
    for (text, is_32_bit, expected) in [
        ("processor: 0\nCPU architecture: 8\n", false, "v8"),
        ("CPU architecture\t: AArch64", false, "v8"),
        (
            "CPU architecture: 7\nmodel name: ARMv7 Processor",
            true,
            "v7",
        ),
        (
            "model name: ARMv6-compatible processor\nCPU architecture: 7",
            true,
            "v6",
        ),
        ("CPU architecture: 6TEJ", true, "v6"),
        ("", true, "v7"),
        ("", false, "v8"),
    ] {
        assert_eq!(host::arm_variant(text, is_32_bit), expected, "{text}");
    }
}

#[test]
fn the_host_runs_its_own_images() {
    let host = Platform::host();
    assert!(host.rank(&host).is_some(), "{host}");
    let plain = Platform::new(&host.os, &host.architecture, "");
    assert!(
        host.architecture == "arm" || host.rank(&plain).is_some(),
        "{host}"
    );
}

proptest! {
    #[test]
    fn a_platform_round_trips_and_fits_itself(text in "[a-z0-9]{1,6}/[a-z0-9_]{1,6}(/v?[0-9.]{1,4})?(:[0-9.]{1,9})?|\\PC{0,20}") {
        if let Ok(parsed) = text.parse::<Platform>() {
            prop_assert_eq!(parsed.to_string().parse::<Platform>(), Ok(parsed.clone()));
            prop_assert_eq!(parsed.normalised(), parsed);
        }
    }
}
