//! Advice for a configuration that is not encoded as a kubelet reads it.

use regcred_go::decode_base64;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

/// What to do about a configuration that does not parse; `None` if its encoding is right.
pub(super) fn advice(input: &[u8]) -> Option<&'static str> {
    match input {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{', 0, ..] | [0, b'{', ..] => Some(UTF_16),
        [0xef, 0xbb, 0xbf, ..] => Some(BYTE_ORDER_MARK),
        _ => is_base64_of_object(input).then_some(ENCODED_TWICE),
    }
}

/// What to do about an `auth` that is not base64.
pub(super) fn advice_on_auth(auth: &SecretString) -> Option<&'static str> {
    auth.expose_secret().contains(':').then_some(PLAIN_AUTH)
}

fn is_base64_of_object(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else {
        return false;
    };
    let decoded = decode_base64(text.trim(), true).map(SecretSlice::from);
    decoded.is_ok_and(|inner| inner.expose_secret().trim_ascii_start().starts_with(b"{"))
}

const UTF_16: &str = "it is UTF-16, as PowerShell writes files: save it as UTF-8";
const BYTE_ORDER_MARK: &str = "it begins with a byte order mark: save it as UTF-8 without one";
const ENCODED_TWICE: &str = "it is base64 of the configuration: encode it once, not twice";
const PLAIN_AUTH: &str = "auth is the base64 of username:password, and this is not encoded";
