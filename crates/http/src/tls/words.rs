//! Why a handshake failed, as text: rustls prints the names of its own variants.

use std::fmt::Debug;

use chrono::DateTime;
use rustls::{CertificateError, Error};
use rustls_pki_types::UnixTime;

use regcred_core::plain;

/// What stopped a handshake and, where that is known, what to do about it.
pub(crate) fn words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::AlertReceived(alert) => {
            format!("the server ended the handshake: {}", spaced(alert))
        }
        Error::PeerIncompatible(why) => format!(
            "the server has no version or algorithm of TLS that this program has: {}",
            spaced(why)
        ),
        Error::PeerMisbehaved(why) => {
            format!("the server broke the rules of TLS: {}", spaced(why))
        }
        Error::InvalidMessage(_) => "the server does not speak TLS on this port".to_owned(),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server sent another message than the next of a handshake".to_owned()
        }
        Error::General(_) | Error::Other(_) => error.to_string(),
        _ => spaced(error),
    }
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "its issuer is not among the trusted roots; add it by SSL_CERT_FILE".to_owned()
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("it has expired: it was valid until {}", date(*not_after))
        }
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "it is not valid before {}, and this machine's clock is at {}",
            date(*not_before),
            date(*time)
        ),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names: Vec<_> = presented.iter().take(MOST_NAMES).map(|text| name(text)).collect();
            let names = if names.is_empty() {
                "for none: it has no subject alternative name".to_owned()
            } else {
                format!("only for {}", names.join(", "))
            };
            format!("it is not valid for name {}, {names}", expected.to_str())
        }
        CertificateError::InvalidPurposeContext { .. } | CertificateError::InvalidPurpose => {
            "its extended key usage does not allow it for servers".to_owned()
        }
        CertificateError::Other(why) if variant(&why.0) == CA_AS_SERVER => {
            "it is an authority's own; let that authority sign one for the server, or trust exactly \
             this one by SSL_CERT_FILE"
                .to_owned()
        }
        CertificateError::Other(why) => spaced(&why.0),
        other => spaced(other),
    }
}

/// `DnsName("a.test")` without the name of the variant; a server wrote it.
fn name(presented: &str) -> String {
    let inner = presented.split_once('(').map_or("", |(_, inner)| inner);
    let inner = if inner.is_empty() { presented } else { inner };
    plain(inner.trim_end_matches(')').trim_matches('"'), LONGEST_NAME)
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok();
    let date = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    date.map_or_else(
        || "a date out of range".to_owned(),
        |date| date.format("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

/// The name of an error's variant, without what is in it.
pub(super) fn variant(error: &impl Debug) -> String {
    let text = format!("{error:?}");
    let end = text.find(|c: char| !c.is_ascii_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

/// `HandshakeFailure` as `handshake failure`.
fn spaced(error: &impl Debug) -> String {
    let mut words = String::new();
    let mut was_lower = false;
    for c in variant(error).chars() {
        if c.is_ascii_uppercase() && was_lower {
            words.push(' ');
        }
        was_lower = !c.is_ascii_uppercase();
        words.push(c.to_ascii_lowercase());
    }
    words
}

/// webpki's name for an authority's certificate that a server shows as its own.
pub(super) const CA_AS_SERVER: &str = "CaUsedAsEndEntity";
const MOST_NAMES: usize = 10;
const LONGEST_NAME: usize = 100;

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, PeerIncompatible, PeerMisbehaved};

    use super::*;

    #[test]
    fn no_refusal_shows_the_name_of_a_variant() {
        for error in [
            Error::AlertReceived(AlertDescription::HandshakeFailure),
            Error::AlertReceived(AlertDescription::UnknownCA),
            Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
            Error::PeerMisbehaved(PeerMisbehaved::IllegalMiddleboxChangeCipherSpec),
            Error::InvalidCertificate(CertificateError::BadSignature),
            Error::InvalidCertificate(CertificateError::UnknownIssuer),
            Error::InvalidCertificate(CertificateError::InvalidPurpose),
            Error::NoCertificatesPresented,
            Error::DecryptError,
        ] {
            let text = words(&error);
            let shows_variant = |word: &str| {
                let tail = word.get(1..).unwrap_or_default();
                tail.contains(char::is_uppercase) && tail.contains(char::is_lowercase)
            };
            assert!(!text.split([' ', '(']).any(shows_variant), "{text}");
        }
        let alert = Error::AlertReceived(AlertDescription::UnknownCA);
        assert!(words(&alert).ends_with("unknown ca"), "{}", words(&alert));
    }
}
