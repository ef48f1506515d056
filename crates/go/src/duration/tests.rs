//! Cases from Go's own rules; the error texts were compared with a Go program's.

use proptest::prelude::*;

use super::*;

#[test]
fn texts_become_nanoseconds() {
    for (text, nanos) in [
        ("0", 0),
        ("-0", 0),
        ("+0", 0),
        ("0s", 0),
        ("1ns", 1),
        ("1us", 1_000),
        ("1µs", 1_000),
        ("1μs", 1_000),
        ("1ms", 1_000_000),
        ("1s", 1_000_000_000),
        ("+5m", 300_000_000_000),
        ("12h", 43_200_000_000_000),
        ("1h30m", 5_400_000_000_000),
        ("1m1h", 3_660_000_000_000),
        ("1.s", 1_000_000_000),
        (".5s", 500_000_000),
        ("-.5s", -500_000_000),
        ("1.5h0.5m", 5_430_000_000_000),
        ("5.6789s4ms", 5_682_900_000),
        ("0.1ns", 0),
        // More digits than count.
        ("0.100000000000000000000h", 360_000_000_000),
        ("0.3333333333333333333h", 1_200_000_000_000),
        ("0.9223372036854775807h", 3_320_413_933_267),
        ("9223372036854775807ns", i64::MAX),
        ("9223372036854775.807us", i64::MAX),
        ("9223372036854ms775us807ns", i64::MAX),
        ("2562047h47m16.854775807s", i64::MAX),
        ("-9223372036854775808ns", i64::MIN),
        ("-2562047h47m16.854775808s", i64::MIN),
    ] {
        assert_eq!(text.parse(), Ok(GoDuration(nanos)), "{text}");
    }
}

#[test]
fn other_texts_are_refused_in_gos_words() {
    for (text, error) in [
        ("", r#"invalid duration """#),
        ("-", r#"invalid duration "-""#),
        (".s", r#"invalid duration ".s""#),
        (" 1s", r#"invalid duration " 1s""#),
        ("--1s", r#"invalid duration "--1s""#),
        ("1", r#"missing unit in duration "1""#),
        ("00", r#"missing unit in duration "00""#),
        ("1h1", r#"missing unit in duration "1h1""#),
        ("1.5.5s", r#"missing unit in duration "1.5.5s""#),
        ("1d", r#"unknown unit "d" in duration "1d""#),
        ("1H", r#"unknown unit "H" in duration "1H""#),
        ("0x", r#"unknown unit "x" in duration "0x""#),
        ("1e3s", r#"unknown unit "e" in duration "1e3s""#),
        ("1h ", r#"unknown unit "h " in duration "1h ""#),
        ("1\"s", r#"unknown unit "\"s" in duration "1\"s""#),
        ("1\u{1}", r#"unknown unit "\x01" in duration "1\x01""#),
        ("1é", r#"unknown unit "\xc3\xa9" in duration "1\xc3\xa9""#),
        (
            "9223372036854775808ns",
            r#"invalid duration "9223372036854775808ns""#,
        ),
        (
            "-9223372036854775809ns",
            r#"invalid duration "-9223372036854775809ns""#,
        ),
        (
            "9223372036854775.808us",
            r#"invalid duration "9223372036854775.808us""#,
        ),
        (
            "2562047h47m16.854775808s",
            r#"invalid duration "2562047h47m16.854775808s""#,
        ),
        ("3000000000000h", r#"invalid duration "3000000000000h""#),
        (
            "99999999999999999999s",
            r#"invalid duration "99999999999999999999s""#,
        ),
    ] {
        let found = text.parse::<GoDuration>().expect_err(text);
        assert_eq!(found.to_string(), format!("time: {error}"), "{text}");
    }
}

#[test]
fn nanoseconds_become_text() {
    for (nanos, text) in [
        (0, "0s"),
        (1, "1ns"),
        (1_100, "1.1µs"),
        (2_200_000, "2.2ms"),
        (999_999_999, "999.999999ms"),
        (1_000_000_000, "1s"),
        (3_300_000_000, "3.3s"),
        (60_000_000_000, "1m0s"),
        (245_000_000_000, "4m5s"),
        (3_600_000_000_000, "1h0m0s"),
        (43_200_000_000_000, "12h0m0s"),
        (18_367_001_000_000, "5h6m7.001s"),
        (-1_500_000_000, "-1.5s"),
        (-1, "-1ns"),
        (i64::MAX, "2562047h47m16.854775807s"),
        (i64::MIN, "-2562047h47m16.854775808s"),
    ] {
        assert_eq!(GoDuration(nanos).to_string(), text);
    }
}

#[test]
fn serde_sees_a_string_and_nothing_else() {
    let half = GoDuration(1_800_000_000_000);
    assert_eq!(serde_json::to_string(&half).expect("string"), "\"30m0s\"");
    assert_eq!(
        serde_json::from_str::<GoDuration>("\"30m\"").expect("string"),
        half
    );
    for text in ["1800", "null", "\"1d\""] {
        assert!(serde_json::from_str::<GoDuration>(text).is_err(), "{text}");
    }
}

#[test]
fn conversions_to_and_from_the_standard_library() {
    assert_eq!(
        GoDuration::from(Duration::from_millis(1500)).to_string(),
        "1.5s"
    );
    assert_eq!(GoDuration::from(Duration::MAX), GoDuration(i64::MAX));
    assert_eq!(GoDuration(5).to_std(), Some(Duration::from_nanos(5)));
    assert_eq!(GoDuration(-5).to_std(), None);
}

proptest! {
    #[test]
    fn what_is_written_reads_back(nanos: i64) {
        let text = GoDuration(nanos).to_string();
        prop_assert_eq!(text.parse(), Ok(GoDuration(nanos)), "{}", text);
    }

    #[test]
    fn parsing_never_panics(text in "\\PC{0,30}|[-+0-9.hmsnuµ]{0,40}") {
        let _ = text.parse::<GoDuration>();
    }
}
