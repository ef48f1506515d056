//! The type and the value of a scalar: go.yaml.in/yaml/v2, resolve.go.

use crate::base64::decode_base64;
use crate::quote::go_text;

/// A scalar of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    /// Its decimal digits are the text of a key.
    Int(i128),
    /// Also infinite and NaN, which JSON does not have.
    Float(f64),
    Text(String),
}

/// The scalar of a text. `tag` is the short form of its tag; `None` if it is plain and has no tag.
/// Returns `None` if the text is not of the tag's type.
pub(super) fn resolve(text: &str, tag: Option<&str>) -> Option<Scalar> {
    let Some(tag) = tag else {
        return Some(plain(text));
    };
    match (tag, tag_type(tag).then(|| plain(text))) {
        ("binary", _) => {
            let bytes = decode_base64(text, true).ok()?;
            Some(Scalar::Text(go_text(bytes)))
        }
        ("int", Some(found @ Scalar::Int(_)))
        | ("float", Some(found @ Scalar::Float(_)))
        | ("bool", Some(found @ Scalar::Bool(_)))
        | ("null", Some(found @ Scalar::Null)) => Some(found),
        ("float", Some(Scalar::Int(number))) => Some(Scalar::Float(number as f64)),
        (_, Some(_)) => None,
        (_, None) => Some(Scalar::Text(text.to_owned())),
    }
}

/// Whether a tag demands a type other than text.
fn tag_type(tag: &str) -> bool {
    matches!(tag, "int" | "float" | "bool" | "null")
}

fn plain(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Scalar::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    let digits = text.replace('_', "");
    let number = match text.as_bytes()[0] {
        b'.' if is_separated(text) => float(&digits).map(Scalar::Float),
        b'+' | b'-' | b'0'..=b'9' => {
            let whole = int(&digits).map(Scalar::Int);
            whole.or_else(|| float(&digits).map(Scalar::Float))
        }
        _ => None,
    };
    number.unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

/// Whether each underscore is between two digits.
fn is_separated(text: &str) -> bool {
    let parts: Vec<_> = text.split('_').collect();
    let is_digit = |c: char| c.is_ascii_digit();
    let mut pairs = parts.windows(2);
    pairs.all(|pair| pair[0].ends_with(is_digit) && pair[1].starts_with(is_digit))
}

/// `strconv.ParseInt` with base 0, or `ParseUint`, which takes no sign.
fn int(text: &str) -> Option<i128> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (base, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &unsigned[2..]),
        [b'0', b'o' | b'O', ..] => (8, &unsigned[2..]),
        [b'0', b'b' | b'B', ..] => (2, &unsigned[2..]),
        [b'0', _, ..] => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    // Go passes the text after `0b` to `ParseInt`, which accepts a sign of its own.
    if digits.starts_with(['+', '-']) && !text.starts_with("0b") {
        return None;
    }
    let size = i128::from_str_radix(digits, base).ok()?;
    let value = if text.starts_with('-') { -size } else { size };
    let is_signed = i64::try_from(value).is_ok();
    let is_unsigned = u64::try_from(value).is_ok() && unsigned.len() == text.len();
    (is_signed || is_unsigned).then_some(value)
}

/// A decimal number that is not too large for a float.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_exponent = |text: &str| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        !digits.is_empty() && are_digits(digits)
    };
    let is_decimal = are_digits(whole)
        && are_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(is_exponent);
    let value = is_decimal.then(|| text.parse().ok()).flatten();
    value.filter(|value: &f64| value.is_finite())
}

/// A float as a key: `strconv.FormatFloat(value, 'g', -1, 32)`, infinite ones as YAML writes them.
pub(super) fn float_key(value: f64) -> String {
    let value = value as f32;
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let shortest = format!("{value:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return value.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
