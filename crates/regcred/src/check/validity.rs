//! From when to when a token or a certificate is valid.

use chrono::{DateTime, TimeDelta, Utc};
use regcred_cloud::Claims;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::SecretString;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::finding::{Finding, Place};

/// A period of validity; a bound that is not known is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) to: Option<DateTime<Utc>>,
}

impl Validity {
    /// That of a token which has it in its text; `None` for any other text.
    pub(super) fn of_token(token: &SecretString) -> Option<Self> {
        let claims = Claims::of(token)?;
        let (from, to) = (claims.valid_from(), claims.expires_at());
        (from.is_some() || to.is_some()).then_some(Self { from, to })
    }

    /// That of all certificates of a PEM text together; `None` if it has none that can be read.
    pub(super) fn of_certificates(pem: &[u8]) -> Option<Self> {
        let certificates = CertificateDer::pem_slice_iter(pem).flatten();
        let parsed = certificates.filter_map(|der| Certificate::from_der(&der).ok());
        let periods = parsed.filter_map(|certificate| {
            let period = certificate.tbs_certificate().validity();
            let from = instant(period.not_before.to_unix_duration().as_secs())?;
            Some((
                from,
                instant(period.not_after.to_unix_duration().as_secs())?,
            ))
        });
        let (from, to) = periods.reduce(|one, other| (one.0.max(other.0), one.1.min(other.1)))?;
        Some(Self {
            from: Some(from),
            to: Some(to),
        })
    }

    /// The finding for a period that has ended, has not begun, or ends within `soon`. `renew` is what to do
    /// about its end.
    pub(super) fn finding(
        self,
        place: Place,
        what: &str,
        now: DateTime<Utc>,
        soon: TimeDelta,
        renew: &str,
    ) -> Option<Finding> {
        if let Some(from) = self.from.filter(|from| *from > now + TOLERANCE) {
            let begins = shown(from);
            return Some(Finding::warning(
                place,
                format!(
                    "{what} is valid from {begins}, which is in the future: this machine's clock or its issuer's is off"
                ),
                CLOCK,
            ));
        }
        let to = self.to?;
        let ends = shown(to);
        if to <= now {
            return Some(Finding::warning(
                place,
                format!("{what} expired at {ends}"),
                renew,
            ));
        }
        (to <= now + soon).then(|| {
            let left = (to - now).num_minutes();
            let left = if left < 120 {
                format!("{left} min")
            } else if left < 2880 {
                format!("{} h", left / 60)
            } else {
                format!("{} days", left / 1440)
            };
            let what = format!("{what} expires at {ends}, in {left}");
            Finding::note(place, what, renew)
        })
    }
}

fn instant(seconds: u64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
}

fn shown(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Clocks of two machines with NTP differ by less.
const TOLERANCE: TimeDelta = TimeDelta::minutes(1);
/// What to do about a clock.
pub(super) const CLOCK: &str = "compare `date -u` with another machine's, and start an NTP client such as \
                                chrony or systemd-timesyncd";

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("in range")
    }

    fn found(token: &str) -> Option<String> {
        let validity = Validity::of_token(&token.into())?;
        let soon = TimeDelta::days(1);
        let found = validity.finding(Place::default(), "the token", now(), soon, "renew it");
        found.map(|one| one.to_string())
    }

    fn jwt(claims: &str) -> String {
        format!("e30.{}.sig", STANDARD.encode(claims))
    }

    #[test]
    fn a_token_that_has_ended_has_not_begun_or_ends_soon_is_named() {
        for (token, expected) in [
            (jwt(r#"{"exp":1800000000}"#), Some("warning: the token expired at 2027-01-15T08:00:00Z; fix: renew it")),
            (
                jwt(r#"{"iat":1799999000,"exp":1800010800}"#),
                Some("note: the token expires at 2027-01-15T11:00:00Z, in 3 h; fix: renew it"),
            ),
            (jwt(r#"{"iat":1799999000,"exp":1800864000}"#), None),
            (jwt(r#"{"sub":"x"}"#), None),
            // A password of Amazon ECR.
            (
                STANDARD.encode(r#"{"payload":"x","datakey":"y","version":"2","type":"DATA_KEY","expiration":1800000600}"#),
                Some("note: the token expires at 2027-01-15T08:10:00Z, in 10 min; fix: renew it"),
            ),
            ("ya29.canary".to_owned(), None),
            ("canary".to_owned(), None),
        ] {
            assert_eq!(found(&token).as_deref(), expected, "{token}");
        }
        for early in [
            r#"{"iat":1800003600}"#,
            r#"{"iat":1799999000,"nbf":1800003600,"exp":1}"#,
        ] {
            let text = found(&jwt(early)).expect("in the future");
            let start = "warning: the token is valid from 2027-01-15T09:00:00Z, which is in the future: \
                         this machine's clock or its issuer's is off; fix: compare `date -u`";
            assert!(text.starts_with(start), "{text}");
        }
        assert_eq!(
            found(&jwt(r#"{"iat":1800000030}"#)),
            None,
            "clocks differ a little"
        );
    }
}
