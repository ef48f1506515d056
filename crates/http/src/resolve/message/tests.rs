use proptest::prelude::*;

use super::*;

fn asked() -> Vec<u8> {
    query(0x1234, "registry.test", Record::A).expect("a domain name")
}

/// The head and question of a response to [`asked`].
fn answered(flags: [u8; 2], answers: u8) -> Vec<u8> {
    let mut message = asked();
    message[2..4].copy_from_slice(&flags);
    message[7] = answers;
    message
}

/// An answer about the name of the question, by a pointer to it.
fn record(kind: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).expect("short");
    let mut record = vec![0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, length];
    record.extend(data);
    record
}

#[test]
fn a_query_has_one_question_and_wants_recursion() {
    let expected =
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x08registry\x04test\x00\x00\x01\x00\x01";
    assert_eq!(asked(), expected);
    let long = "a".repeat(64);
    let longest = ["a".repeat(63).as_str(); 4].join(".");
    for wrong in ["", ".", "a..b", ".a", "a.", &long, &longest] {
        assert_eq!(query(1, wrong, Record::Aaaa), None, "{wrong}");
    }
}

#[test]
fn addresses_of_the_name_and_of_its_alias_count() {
    let mut message = answered([0x81, 0x80], 3);
    message.extend(record(5, b"\x03cdn\xc0\x0c"));
    message.extend(record(1, &[192, 0, 2, 1]));
    message.extend(b"\x03cdn\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x02");
    let found = response(&message, &asked()).expect("a response");
    let expected: [IpAddr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
    assert_eq!(found.addresses, expected);
    assert_eq!(
        (found.code, found.is_truncated, found.is_lame),
        (0, false, false)
    );
}

#[test]
fn the_case_of_the_name_does_not_count() {
    let mut message = answered([0x81, 0x83], 0);
    message[13..21].make_ascii_uppercase();
    assert_eq!(response(&message, &asked()).map(|r| r.code), Ok(3));
}

#[test]
fn a_response_to_something_else_is_foreign() {
    let sound = answered([0x81, 0x80], 0);
    assert!(response(&sound, &asked()).is_ok());
    for (place, what) in [(0, "id"), (5, "no question"), (14, "name"), (28, "type")] {
        let mut message = sound.clone();
        message[place] ^= 2;
        assert_eq!(
            response(&message, &asked()),
            Err(Unusable::Foreign),
            "{what}"
        );
    }
    assert_eq!(response(&asked(), &asked()), Err(Unusable::Foreign));
    assert_eq!(response(&sound[..20], &asked()), Err(Unusable::Foreign));
}

#[test]
fn a_response_that_breaks_off_is_malformed() {
    let mut message = answered([0x81, 0x80], 1);
    message.extend(record(1, &[192, 0, 2, 1]));
    for end in asked().len()..message.len() {
        let cut = response(&message[..end], &asked());
        assert_eq!(cut, Err(Unusable::Malformed), "{end}");
    }
    let mut message = answered([0x81, 0x80], 1);
    message.extend(record(1, &[192, 0, 2]));
    assert_eq!(response(&message, &asked()), Err(Unusable::Malformed));
    // A message that says it was cut is asked for again, whatever its end is.
    message[2] |= TRUNCATED;
    assert!(response(&message, &asked()).is_ok_and(|r| r.is_truncated));
}

#[test]
fn a_server_that_only_refers_to_others_is_lame() {
    let lame = |flags| {
        response(&answered(flags, 0), &asked())
            .expect("sound")
            .is_lame
    };
    assert!(lame([0x81, 0x00]));
    assert!(!lame([0x85, 0x00]) && !lame([0x81, 0x80]) && !lame([0x81, 0x03]));
}

proptest! {
    #[test]
    fn no_response_breaks_the_parser(
        flags in any::<[u8; 2]>(),
        answers in any::<u8>(),
        rest in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let mut message = answered([flags[0] | RESPONSE, flags[1]], answers);
        message.extend(rest);
        let _ = response(&message, &asked());
        let _ = response(&message[..message.len() / 2], &asked());
    }
}
