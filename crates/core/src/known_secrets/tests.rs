use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;

fn foreign(text: &str) -> String {
    hide(text, Author::Foreign).into_owned()
}

fn own(text: &str) -> String {
    hide(text, Author::Own).into_owned()
}

#[test]
fn a_secret_is_hidden_in_every_form() {
    know_secret("c4n4ry/\"+k&y \u{e4}<\u{1f600}>\n");
    for text in [
        "c4n4ry/\"+k&y \u{e4}<\u{1f600}>",
        "c4n4ry/\\\"+k&y \\u00e4<\\ud83d\\ude00>",
        "c4n4ry/\\\\\\\"+k&y \\\\u00e4\\\\u003c\\\\ud83d\\\\ude00>",
        "c4n4ry%2F%22%2Bk%26y%20%C3%A4%3C%F0%9F%98%80%3E",
        "c4n4ry%2f%22%2bk%26y+%c3%a4%3c%f0%9f%98%80%3e",
        "c4n4ry/&quot;+k&amp;y &#xe4;&lt;&#128512;&gt;",
        "c4n4ry/\\\"+k&y \\u{e4}<\u{1f600}>",
    ] {
        for hidden in [foreign, own] {
            assert_eq!(
                hidden(&format!("before {text} after")),
                "before [secret] after",
                "{text}"
            );
        }
    }
}

#[test]
fn the_base64_of_a_longer_text_hides_its_secret() {
    let secret = "p4ss?>word~~1";
    know_secret(secret);
    for before in ["", "a", "ab", "abc", "alice:"] {
        for after in ["", "\"", "x}", "xyz"] {
            let text = format!("{before}{secret}{after}");
            for encoded in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                let shown = own(&format!("the login {encoded} is bad"));
                let rest = shown.strip_prefix("the login ").expect("the text");
                let rest = rest.strip_suffix(" is bad").expect("the text");
                assert!(shown.contains("[secret]"), "{text:?} {shown}");
                let left = rest.replace("[secret]", "").replace('=', "").len();
                assert!(
                    left <= (before.len() + after.len()) * 4 / 3 + 3,
                    "{text:?} {shown}"
                );
            }
        }
    }
    assert_eq!(own(&STANDARD.encode("p4ss?>word~~1")), "[secret]");
}

#[test]
fn a_longer_secret_counts_before_its_part() {
    for secret in ["s3cret-1", "s3cret-1-and-more", "a-s3cret-1-at-its-end"] {
        know_secret(secret);
    }
    let text = "s3cret-1 s3cret-1-and-more a-s3cret-1-at-its-end";
    assert_eq!(own(text), "[secret] [secret] [secret]");
}

#[test]
fn words_and_parts_of_numbers_stay_in_texts_of_our_own() {
    for secret in ["registry", "123456", "short", "  "] {
        know_secret(secret);
    }
    let text = "registry 123456 of account 123456789012 is short";
    assert_eq!(
        own(text),
        "registry [secret] of account 123456789012 is short"
    );
    let all = "[secret] [secret] of account [secret]789012 is short";
    assert_eq!(foreign(text), all);
}

#[test]
fn the_oldest_are_forgotten_and_no_text_is_kept() {
    let mut known = KnownSecrets::default();
    for number in 0..MOST {
        known.learn(format!("secret-number-{number}").as_bytes());
    }
    assert_eq!(known.order.len(), MOST);
    assert_eq!(known.forms.len(), MOST);
    let kept = known.lengths.values().flat_map(BTreeMap::values);
    assert_eq!(kept.sum::<usize>(), MOST);
    let last = format!("secret-number-{}", MOST - 1);
    assert_eq!(known.find(last.as_bytes(), Author::Own).len(), 1);
    assert_eq!(known.find(b"secret-number-0", Author::Own).len(), 0);
}

#[test]
fn names_of_secrets_are_known() {
    for name in [
        "AZURE_CLIENT_SECRET",
        "IBMCLOUD_API_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "subjectToken",
        "WebIdentityToken",
        "client_assertion",
        "x-amz-sso_bearer_token",
        "authorization",
        "password",
        "HELPER_KEY",
        "REGISTRY_PASS",
    ] {
        assert!(is_secret_name(name), "{name}");
    }
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "client_assertion_type",
        "requested_token_type",
        "x-aws-ec2-metadata-token-ttl-seconds",
        "REGCRED_OCIR_TOKEN_URL",
        "AWS_REGION",
        "OCI_CLI_KEY_FILE",
        "host",
    ] {
        assert!(!is_secret_name(name), "{name}");
    }
}

#[test]
fn secrets_wait_for_a_text_and_no_more_than_a_few() {
    let mut known = KnownSecrets::default();
    for n in 0..=MOST_WAITING {
        assert_eq!((known.waiting.len(), known.order.len()), (n, 0));
        known.receive(format!("waiting-{n}").into());
    }
    assert!(known.waiting.is_empty() && !known.order.is_empty());
    known.receive("waiting-last".into());
    known.learn_waiting();
    for secret in ["waiting-0", "waiting-last"] {
        let found = known.find(secret.as_bytes(), Author::Own);
        assert_eq!(found.first(), Some(&(0..secret.len())));
        assert_eq!(found.len(), 1);
    }
}
