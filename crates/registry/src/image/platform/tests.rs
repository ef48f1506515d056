use proptest::prelude::*;

use super::*;

fn platform(text: &str) -> Platform {
    text.parse().expect(text)
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
fn json_has_the_dotted_names() {
    let text =
        r#"{"os":"windows","architecture":"amd64","os.version":"10.0.1","os.features":["win32k"]}"#;
    let read: Platform = serde_json::from_str(text).expect("platform");
    assert_eq!(serde_json::to_string(&read).expect("json"), text);
    assert!(read.rank(&read).is_some(), "win32k does not count");
}

proptest! {
    #[test]
    fn a_platform_round_trips_and_fits_itself(text in "[a-z0-9]{1,6}/[a-z0-9_]{1,6}(/v?[0-9.]{1,4})?(:[0-9.]{1,9})?|\\PC{0,20}") {
        if let Ok(parsed) = text.parse::<Platform>() {
            prop_assert_eq!(parsed.to_string().parse::<Platform>(), Ok(parsed.clone()));
            prop_assert!(parsed.rank(&parsed).is_some());
            prop_assert_eq!(parsed.normalised(), parsed);
        }
    }
}
